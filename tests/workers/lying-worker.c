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
  guint width, height, stride, size;
  const char *format;
} pictures[] = {
  {"empty", 0, 0, 0, 0, "r8g8b8"},           {"wide", 161, 1, 483, 483, "r8g8b8"},
  {"high", 1, 161, 3, 483, "r8g8b8"},        {"short", 16, 16, 48, 16 * 48 - 1, "r8g8b8"},
  {"narrow", 16, 16, 47, 16 * 48, "r8g8b8"}, {"wrapping", 2, 2, 0xfffffffe, 16, "r8g8b8a8"},
  {"format", 4, 4, 8, 32, "r8g8"},
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
        "((uuus)@ay)", pictures[i].width, pictures[i].height, pictures[i].stride, pictures[i].format,
        g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, pixels, pictures[i].size, sizeof pixels[0]));
  return g_variant_new_string (lie);
}

int
main (int argc, char *argv[])
{
  ferry_function_register ("primes", "t", "t", primes);
  ferry_function_register ("flood", "t", "t", flood);
  ferry_function_register ("thumbnail", "(hub)", NULL, thumbnail);
  ferry_worker_main (&argc, &argv);
  g_error ("This is for the demo to start");
}
