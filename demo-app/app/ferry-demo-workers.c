/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "app/ferry-demo-workers.h"

/* Closing the demo takes at most this long, and half a second more where workers are slow to end. */
#define SHUTDOWN_TIME (2 * G_USEC_PER_SEC)
#define POOL_TIME (G_USEC_PER_SEC / 2)

/* Work in the background leaves the processor to the window that shows it when there is not enough for both. */
#define NICENESS 10

FerryLauncher *
ferry_demo_launcher_new (const char *worker_path, const char *argument)
{
  const char *const argv[] = {worker_path, argument, NULL};
  FerryLauncher *launcher = ferry_launcher_new (argv);

  g_object_set (launcher, "stdin", FERRY_STREAM_MODE_SILENT, "stdout", FERRY_STREAM_MODE_SILENT, "stderr",
                FERRY_STREAM_MODE_LOG, "nice", NICENESS, NULL);
  return launcher;
}

static void
ended_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (!(FERRY_IS_EXECUTOR (source) ? ferry_executor_shutdown_finish (FERRY_EXECUTOR (source), result, &error)
                                   : ferry_pool_stop_finish (FERRY_POOL (source), result, &error)))
    g_warning ("Not ended in good order: %s", error->message);
  *(gboolean *) user_data = TRUE;
}

static void
wait_for (gboolean *ended)
{
  while (!*ended)
    g_main_context_iteration (NULL, TRUE);
}

void
ferry_demo_end (FerryExecutor *executor)
{
  gboolean executor_ended = FALSE, pool_ended = FALSE;

  ferry_executor_shutdown_async (executor, SHUTDOWN_TIME, NULL, ended_cb, &executor_ended);
  wait_for (&executor_ended);
  ferry_pool_stop_async (ferry_executor_get_pool (executor), POOL_TIME, NULL, ended_cb, &pool_ended);
  wait_for (&pool_ended);
}
