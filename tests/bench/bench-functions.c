/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The functions that the benches of tasks have run, and a plain worker that writes a cell.
 *
 * FERRY_BENCH_WRITES says how often the plain worker writes its sender's cell; it then prints the ns that this took,
 * and stays until its standard input ends. */

#include "config.h"

#include <ferry.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

static gint64
now (void)
{
  struct timespec time;

  clock_gettime (CLOCK_MONOTONIC, &time);
  return time.tv_sec * G_GINT64_CONSTANT (1000000000) + time.tv_nsec;
}

static GVariant *
tell_time (FerryJob *job, GVariant *arguments, GError **error)
{
  return g_variant_new_int64 (now ());
}

static GVariant *
echo (FerryJob *job, GVariant *arguments, GError **error)
{
  return arguments != NULL ? g_variant_ref (arguments) : NULL;
}

/* Returns so many bytes of a content, as a value. */
static GVariant *
fill_value (FerryJob *job, GVariant *arguments, GError **error)
{
  guint64 size;
  guchar content;
  guint8 *bytes;

  g_variant_get (arguments, "(ty)", &size, &content);
  bytes = g_malloc (size);
  memset (bytes, content, size);
  return g_variant_ref_sink (g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, bytes, size, TRUE, g_free, bytes));
}

/* The same, in a buffer. */
static GVariant *
fill_buffer (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autoptr (FerryBuffer) buffer = NULL;
  guint64 size;
  guchar content;

  g_variant_get (arguments, "(ty)", &size, &content);
  buffer = ferry_job_create_buffer (job, size, error);
  if (buffer == NULL)
    return NULL;
  memset (ferry_buffer_get_data (buffer, NULL), content, size);
  ferry_job_return_buffer (job, buffer);
  return NULL;
}

/* Reports until it is cancelled, as fast as it can; the argument is how many reports there are at most. */
static GVariant *
report (FerryJob *job, GVariant *arguments, GError **error)
{
  const guint64 n_reports = g_variant_get_uint64 (arguments);
  const gint64 started = now ();

  for (guint64 i = 0; i < n_reports; i++)
    if (!ferry_job_report (job, (double) i / n_reports, NULL, error))
      return NULL;
  return g_variant_new_int64 (now () - started);
}

/* Sends so many messages of so many bytes. Its value is the worker's process id. */
static GVariant *
flood (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autoptr (GVariant) message = NULL;
  g_autofree guint8 *bytes = NULL;
  guint64 n_messages, size;

  g_variant_get (arguments, "(tt)", &n_messages, &size);
  bytes = g_malloc0 (size);
  message = g_variant_ref_sink (g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, size, 1));
  for (guint64 i = 0; i < n_messages; i++)
    if (!ferry_job_send (job, "flood", message, error))
      return NULL;
  return g_variant_new_int32 (getpid ());
}

/* The digest of a file. */
static GVariant *
sha256 (FerryJob *job, GVariant *arguments, GError **error)
{
  const char *path = g_variant_get_string (arguments, NULL);
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, error);
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);

  if (file == NULL)
    return NULL;
  g_checksum_update (checksum, (const guchar *) g_mapped_file_get_contents (file),
                     (gssize) g_mapped_file_get_length (file));
  return g_variant_new_string (g_checksum_get_string (checksum));
}

/* Burns its processor for so many microseconds, with a report every millisecond. */
static GVariant *
burn (FerryJob *job, GVariant *arguments, GError **error)
{
  const gint64 length = g_variant_get_int64 (arguments) * 1000;
  const gint64 started = now ();
  gint64 next = started;

  for (gint64 time = started; time < started + length; time = now ())
    {
      if (time < next)
        continue;
      if (!ferry_job_report (job, (double) (time - started) / length, "burning", error))
        return NULL;
      next += 1000000;
    }
  return NULL;
}

/* Sleeps so many microseconds. */
static GVariant *
nap (FerryJob *job, GVariant *arguments, GError **error)
{
  g_usleep ((gulong) g_variant_get_int64 (arguments));
  return NULL;
}

static int
write_cell (guint64 n_writes)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerrySender) sender = ferry_worker_get_sender ("cell", &error);
  gint64 started;
  char byte;

  if (sender == NULL || !ferry_sender_start (sender, &error))
    return EXIT_FAILURE;
  started = now ();
  for (guint64 i = 1; i <= n_writes; i++)
    if (!ferry_sender_send_bytes (sender, &i, sizeof i, &error))
      return EXIT_FAILURE;
  printf ("%" G_GINT64_FORMAT "\n", now () - started);
  fflush (stdout);
  while (read (STDIN_FILENO, &byte, sizeof byte) > 0)
    ;
  return ferry_sender_stop (sender, NULL) ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
main (int argc, char **argv)
{
  ferry_function_register ("now", NULL, "x", tell_time);
  ferry_function_register ("echo", NULL, NULL, echo);
  ferry_function_register ("fill-value", "(ty)", "ay", fill_value);
  ferry_function_register ("fill-buffer", "(ty)", "ay", fill_buffer);
  ferry_function_register ("flood", "(tt)", "i", flood);
  ferry_function_register ("sha256", "s", "s", sha256);
  ferry_function_register ("report", "t", "x", report);
  ferry_function_register ("burn", "x", "", burn);
  ferry_function_register ("nap", "x", "", nap);
  ferry_worker_main (&argc, &argv);
  if (argc == 2 && g_str_equal (argv[1], "burn"))
    prctl (PR_SET_PDEATHSIG, SIGKILL);
  while (argc == 2 && g_str_equal (argv[1], "burn"))
    ;
  if (g_getenv ("FERRY_BENCH_TIME") != NULL)
    {
      const gint64 time = now ();

      return write (STDOUT_FILENO, &time, sizeof time) == sizeof time ? EXIT_SUCCESS : EXIT_FAILURE;
    }
  if (g_getenv ("FERRY_BENCH_WRITES") == NULL)
    return EXIT_FAILURE;
  return write_cell (g_ascii_strtoull (g_getenv ("FERRY_BENCH_WRITES"), NULL, 10));
}
