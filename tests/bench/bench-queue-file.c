/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an application does with the file of a queue, and waits for. The main loop runs meanwhile. */

#include "config.h"

#include "bench-queue-file.h"

#include "bench-team.h"

static void
answered_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

static void
wait_for (GAsyncResult **answer)
{
  while (*answer == NULL)
    g_main_context_iteration (NULL, TRUE);
}

void
bench_queue_open (FerryQueue *queue)
{
  g_autoptr (GAsyncResult) answer = NULL;
  g_autoptr (GError) error = NULL;

  ferry_queue_open_async (queue, NULL, answered_cb, &answer);
  wait_for (&answer);
  if (!ferry_queue_open_finish (queue, answer, &error))
    bench_fail ("the queue", error);
}

void
bench_queue_flush (FerryQueue *queue)
{
  g_autoptr (GAsyncResult) answer = NULL;
  g_autoptr (GError) error = NULL;

  ferry_queue_flush_async (queue, NULL, answered_cb, &answer);
  wait_for (&answer);
  if (!ferry_queue_flush_finish (queue, answer, &error))
    bench_fail ("a flush", error);
}

void
bench_queue_close (FerryQueue *queue)
{
  g_autoptr (GAsyncResult) answer = NULL;
  g_autoptr (GError) error = NULL;

  ferry_queue_close_async (queue, NULL, answered_cb, &answer);
  wait_for (&answer);
  if (!ferry_queue_close_finish (queue, answer, &error))
    bench_fail ("the queue's end", error);
}
