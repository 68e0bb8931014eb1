/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The functions that the benches of tasks have run. */

#include "config.h"

#include <ferry.h>
#include <stdlib.h>
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

/* Runs `true`, and gives back the argument. */
static GVariant *
run_true (FerryJob *job, GVariant *arguments, GError **error)
{
  char program[] = "true";
  char *argv[] = {program, NULL};
  int status;

  if (!g_spawn_sync (NULL, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status, error) ||
      !g_spawn_check_wait_status (status, error))
    return NULL;
  return g_variant_ref (arguments);
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

int
main (int argc, char **argv)
{
  ferry_function_register ("now", NULL, "x", tell_time);
  ferry_function_register ("echo", NULL, NULL, echo);
  ferry_function_register ("true", "t", "t", run_true);
  ferry_function_register ("flood", "(tt)", "i", flood);
  ferry_function_register ("sha256", "s", "s", sha256);
  ferry_function_register ("report", "t", "x", report);
  ferry_worker_main (&argc, &argv);
  return EXIT_FAILURE;
}
