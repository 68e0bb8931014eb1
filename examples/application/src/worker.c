/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: 0BSD */

/* The worker: a program without a window, which serves the application's tasks. */

#include <ferry.h>
#include <locale.h>

static GVariant *
compute_sha256 (FerryJob *job, GVariant *path, GError **error)
{
  g_autoptr (GFile) file = g_file_new_for_path (g_variant_get_bytestring (path));
  g_autoptr (GFileInfo) info = g_file_query_info (file, "standard::size", G_FILE_QUERY_INFO_NONE, NULL, error);
  g_autoptr (GFileInputStream) stream = info != NULL ? g_file_read (file, NULL, error) : NULL;
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  guint64 total = info != NULL ? (guint64) g_file_info_get_size (info) : 0, done = 0;
  guint8 block[1 << 16];
  gssize n_bytes;

  if (stream == NULL)
    return NULL;
  while ((n_bytes = g_input_stream_read (G_INPUT_STREAM (stream), block, sizeof block, NULL, error)) > 0)
    {
      g_checksum_update (sum, block, n_bytes);
      done += (guint64) n_bytes;
      if (!ferry_job_report_amount (job, done, MAX (done, total), "bytes", NULL, error))
        return NULL;
    }
  return n_bytes == 0 ? g_variant_new_string (g_checksum_get_string (sum)) : NULL;
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, ""); /* errors of the system are in the user's language */
  ferry_function_register ("sha256", "ay", "s", compute_sha256);
  ferry_worker_main (&argc, &argv);
  g_printerr ("This is a part of Checksums, which starts it.\n");
  return 1;
}
