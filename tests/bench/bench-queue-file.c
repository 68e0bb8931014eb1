/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an application does with the file of a queue, and waits for. The main loop runs meanwhile. */

#include "config.h"

#include "bench-queue-file.h"

#include "bench-team.h"

typedef void (*BeginFunc) (FerryQueue *queue, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
typedef gboolean (*FinishFunc) (FerryQueue *queue, GAsyncResult *result, GError **error);

static void
answered_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

static void
wait_for (FerryQueue *queue, BeginFunc begin, FinishFunc finish, const char *what)
{
  g_autoptr (GAsyncResult) answer = NULL;
  g_autoptr (GError) error = NULL;

  begin (queue, NULL, answered_cb, &answer);
  while (answer == NULL)
    g_main_context_iteration (NULL, TRUE);
  if (!finish (queue, answer, &error))
    bench_fail (what, error);
}

void
bench_queue_open (FerryQueue *queue)
{
  wait_for (queue, ferry_queue_open_async, ferry_queue_open_finish, "the queue");
}

void
bench_queue_flush (FerryQueue *queue)
{
  wait_for (queue, ferry_queue_flush_async, ferry_queue_flush_finish, "a flush");
}

void
bench_queue_close (FerryQueue *queue)
{
  wait_for (queue, ferry_queue_close_async, ferry_queue_close_finish, "the queue's end");
}
