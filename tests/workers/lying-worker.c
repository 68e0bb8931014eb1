/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker of the demo that says what cannot be. Its lie is the argument of the job: lying-worker sha256 LIE. After it
 * the worker does not leave of its own accord, and is deaf to a polite signal. */

#include <ferry.h>
#include <signal.h>
#include <unistd.h>

static GVariant *
make_message (guint8 kind, gint64 sent, GVariant *payload)
{
  return g_variant_new ("(yxv)", kind, sent, payload);
}

static GVariant *
make_progress (guint64 done, guint64 total)
{
  return g_variant_new ("(tttts)", done, total, done, total, "");
}

static GVariant *
make_lie (const char *lie)
{
  gint64 now = g_get_monotonic_time ();

  if (g_str_equal (lie, "past"))
    return make_message (0, 1, make_progress (1, 2));
  if (g_str_equal (lie, "negative"))
    return make_message (0, G_MININT64, make_progress (1, 2));
  if (g_str_equal (lie, "future"))
    return make_message (0, now + G_USEC_PER_SEC * G_GINT64_CONSTANT (3600), make_progress (1, 2));
  if (g_str_equal (lie, "beyond"))
    return make_message (0, now, make_progress (2, 1));
  if (g_str_equal (lie, "kind"))
    return make_message (G_MAXUINT8, now, make_progress (1, 2));
  if (g_str_equal (lie, "type"))
    return g_variant_new ("(dd)", 0.5, 1.0);
  if (g_str_equal (lie, "digest"))
    return make_message (1, now, g_variant_new ("(s^ay)", "0", "/"));
  if (g_str_equal (lie, "result"))
    return make_message (3, now, g_variant_new ("(tt)", G_MAXUINT64, G_MAXUINT64));
  return NULL;
}

int
main (int argc, char *argv[])
{
  g_autoptr (FerrySender) sender = NULL;
  g_autoptr (GError) error = NULL;
  GVariant *lie = argc == 3 ? make_lie (argv[2]) : NULL;
  gboolean sent;

  signal (SIGTERM, SIG_IGN);
  sender = ferry_worker_get_sender ("progress", &error);
  if (sender == NULL || !ferry_sender_start (sender, &error))
    g_error ("%s", error->message);

  sent = lie != NULL ? ferry_sender_send (sender, lie, &error) : ferry_sender_send_bytes (sender, "bytes", 5, &error);
  if (!sent)
    g_error ("%s", error->message);
  for (;;)
    pause ();
}
