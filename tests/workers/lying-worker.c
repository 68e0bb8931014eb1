/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker of the demo that says what cannot be. Its lie is the argument of the job: flood:NUMBER. After
 * it the function does not return of its own accord, and the worker is deaf to a polite signal. Of pictures the lie is
 * what is in the file, and is the result. */

#include <ferry.h>
#include <signal.h>
#include <unistd.h>

/* 1 is a message of another type, 2 one of another kind, 3 is out of turn; after 4 messages are missing. */
static GVariant *
flood (FerryJob *job, GVariant *arguments, GError **error)
{
  guint64 number = g_variant_get_uint64 (arguments);
  GVariant *message = number == 1 ? g_variant_new_string ("0") : g_variant_new_uint64 (number == 3);

  signal (SIGTERM, SIG_IGN);
  if (!ferry_job_send (job, number == 2 ? "unheard-of" : "flood", message, error))
    return NULL;
  while (number < 4)
    pause ();
  return g_variant_new_uint64 (number);
}

/* There are not more primes than numbers. */
static GVariant *
primes (FerryJob *job, GVariant *arguments, GError **error)
{
  return g_variant_ref (arguments);
}

/* None of them is a picture. */
static const struct
{
  const char *lie;
  guint width, height, stride, channels, size;
} pictures[] = {
  {"empty", 0, 0, 0, 3, 0},           {"wide", 161, 1, 483, 3, 483},
  {"high", 1, 161, 3, 3, 483},        {"short", 16, 16, 48, 3, 16 * 48 - 1},
  {"narrow", 16, 16, 47, 3, 16 * 48}, {"wrapping", 2, 2, 0xfffffffe, 4, 16},
  {"channels", 4, 4, 8, 2, 32},
};

static GVariant *
thumbnail (FerryJob *job, GVariant *arguments, GError **error)
{
  static const guint8 pixels[1024];
  char lie[16] = "";
  int fd = ferry_job_dup_descriptor (job, 0, error);

  if (fd < 0 || read (fd, lie, sizeof lie - 1) < 0)
    return NULL;
  close (fd);
  for (guint i = 0; i < G_N_ELEMENTS (pictures); i++)
    if (g_str_equal (pictures[i].lie, lie))
      return g_variant_new (
        "(uuuu@ay)", pictures[i].width, pictures[i].height, pictures[i].stride, pictures[i].channels,
        g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, pixels, pictures[i].size, sizeof pixels[0]));
  return g_variant_new_string (lie);
}

int
main (int argc, char *argv[])
{
  ferry_function_register ("primes", "t", "t", primes);
  ferry_function_register ("flood", "t", "t", flood);
  ferry_function_register ("thumbnail", "(hu)", NULL, thumbnail);
  ferry_worker_main (&argc, &argv);
  g_error ("This is for the demo to start");
}
