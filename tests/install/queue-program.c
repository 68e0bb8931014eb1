/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an application with a queue needs of its library when it is installed. */

#include <ferry-queue.h>

static void
opened (GObject *queue, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  gboolean *done = data;

  if (!ferry_queue_open_finish (FERRY_QUEUE (queue), result, &error))
    g_error ("%s", error->message);
  *done = TRUE;
}

int
main (int argc, char **argv)
{
  g_autofree char *folder = g_dir_make_tmp ("queue-program-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "queue.db", NULL);
  g_autoptr (FerryExecutor) executor = NULL;
  g_autoptr (FerryQueue) queue = NULL;
  gboolean done = FALSE;
  gboolean is_open;

  ferry_worker_main (&argc, &argv);
  executor = ferry_executor_new_for_program ("/proc/self/exe", NULL);
  queue = ferry_queue_new (executor, path);
  ferry_queue_open_async (queue, NULL, opened, &done);
  g_object_get (queue, "is-open", &is_open, NULL);
  g_print ("%s\n", is_open ? "open" : "not open yet");
  while (!done)
    g_main_context_iteration (NULL, TRUE);
  return 0;
}
