/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker of the demo that says what cannot be. Its lie is the argument of the job: sha256:LIE, or flood:NUMBER. After
 * it the function does not return of its own accord, and the worker is deaf to a polite signal. Of pictures the lie is
 * what is in the file, and is the result. */

#include <ferry.h>
#include <signal.h>
#include <unistd.h>

#define DIGEST "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static gboolean
tell (FerryJob *job, const char *lie, GError **error)
{
  if (g_str_equal (lie, "type"))
    return ferry_job_yield (job, g_variant_new ("(dd)", 0.5, 1.0), error);
  if (g_str_equal (lie, "digest"))
    return ferry_job_yield (job, g_variant_new ("(s^ay)", "0", "/"), error);
  if (g_str_equal (lie, "nameless"))
    return ferry_job_yield (job, g_variant_new ("(s^ay)", DIGEST, ""), error);
  if (g_str_equal (lie, "kind"))
    return ferry_job_send (job, "unheard-of", g_variant_new_string ("x"), error);
  if (g_str_equal (lie, "flood"))
    return ferry_job_send (job, "flood", g_variant_new ("(tx)", G_GUINT64_CONSTANT (0), g_get_monotonic_time ()),
                           error);
  return ferry_job_send (job, "problem", g_variant_new ("(tt)", G_MAXUINT64, G_MAXUINT64), error);
}

static GVariant *
sha256 (FerryJob *job, GVariant *arguments, GError **error)
{
  const char *lie = g_variant_get_bytestring (arguments);

  if (g_str_equal (lie, "result"))
    return g_variant_new ("(tt)", G_MAXUINT64, G_MAXUINT64);
  if (g_str_equal (lie, "result-type"))
    return g_variant_new_string ("many");

  signal (SIGTERM, SIG_IGN);
  if (!tell (job, lie, error))
    return NULL;
  for (;;)
    pause ();
}

/* 1 comes from before the task, 2 from the future, 3 out of turn; after 4 messages are missing. */
static GVariant *
flood (FerryJob *job, GVariant *arguments, GError **error)
{
  guint64 number = g_variant_get_uint64 (arguments);
  gint64 sent =
    number == 1 ? 1 : g_get_monotonic_time () + (number == 2 ? G_USEC_PER_SEC * G_GINT64_CONSTANT (3600) : 0);

  if (!ferry_job_send (job, "flood", g_variant_new ("(tx)", (guint64) (number == 3), sent), error))
    return NULL;
  while (number < 4)
    pause ();
  return g_variant_new_uint64 (number);
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
  ferry_function_register ("sha256", "ay", NULL, sha256);
  ferry_function_register ("flood", "t", "t", flood);
  ferry_function_register ("thumbnail", "(hu)", NULL, thumbnail);
  ferry_worker_main (&argc, &argv);
  g_error ("This is for the demo to start");
}
