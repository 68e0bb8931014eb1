/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "bench-asker.h"

#include "call/ferry-transactions-private.h"
#include "route/ferry-receiver-private.h"
#include "worker/ferry-worker-private.h"

#include "bench-team.h"

struct _BenchAsker
{
  FerryTransactions *transactions; /* (owned) */
  FerryReceiver *receiver;         /* (owned) */
  FerryWorker *worker;             /* (owned) */
  FerryLink *link;                 /* (unowned): the worker's */
  gboolean answered;
};

static gboolean
send_message (gpointer transport, const FerryCallMessage *message, GError **error)
{
  BenchAsker *self = transport;
  FerryPart parts[FERRY_CALL_MAX_PARTS];
  guint n_parts = ferry_call_message_get_parts (message, parts);

  return ferry_link_send (self->link, ferry_receiver_get_connection_id (self->receiver), parts, n_parts) ==
         FERRY_DOWN_SENT;
}

static const FerryTransportFuncs transport_funcs = {.send = send_message};

static void
answer_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  BenchAsker *self = user_data;
  g_autoptr (GError) error = NULL;

  if (!ferry_transactions_receive (self->transactions, data, size, &error))
    bench_fail ("an answer", error);
}

BenchAsker *
bench_asker_new (FerryRouter *router)
{
  BenchAsker *self = g_new0 (BenchAsker, 1);
  g_autofree char *path = bench_path_beside ("bench-answers");
  const char *const argv[] = {path, NULL};
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);
  g_autoptr (FerrySender) sender = NULL;
  g_autoptr (GError) error = NULL;

  if (!ferry_router_pipe (router, FERRY_PIPE_QUEUED, &sender, &self->receiver, &error) ||
      !ferry_launcher_add_sender (launcher, "answers", sender, &error))
    bench_fail ("a pipe", error);
  ferry_receiver_set_handler (self->receiver, answer_cb, self, NULL);
  self->worker = ferry_launcher_spawn (launcher, router, &error);
  if (self->worker == NULL)
    bench_fail (path, error);
  self->link = ferry_worker_get_link (self->worker);
  self->transactions = ferry_transactions_new (&transport_funcs, self, NULL, NULL);
  return self;
}

void
bench_asker_free (BenchAsker *self)
{
  g_autoptr (GError) reason = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, "The bench is over");

  ferry_worker_force_exit (self->worker);
  while (ferry_worker_get_state (self->worker) != FERRY_WORKER_STATE_ENDED ||
         ferry_receiver_get_exit (self->receiver) == NULL)
    g_main_context_iteration (NULL, TRUE);
  ferry_transactions_close (self->transactions, reason);
  ferry_transactions_unref (self->transactions);
  g_object_unref (self->receiver);
  g_object_unref (self->worker);
  g_free (self);
}

static void
done_cb (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  BenchAsker *self = data;

  if (error != NULL || result == NULL)
    bench_fail ("a bare transaction", error);
  self->answered = TRUE;
}

void
bench_asker_ask (BenchAsker *self, GVariant *arguments)
{
  static const FerryAnswerFuncs funcs = {.done = done_cb};
  const FerryRequest request = {.method = "echo", .arguments = arguments};
  g_autoptr (GError) error = NULL;

  self->answered = FALSE;
  if (ferry_transactions_ask (self->transactions, &request, &funcs, self, &error) == 0)
    bench_fail ("a bare transaction", error);
  while (!self->answered)
    g_main_context_iteration (NULL, TRUE);
}
