/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "task/serve-test.h"

#include "base/ferry-base-private.h"
#include "job/ferry-map-function-private.h"
#include "job/ferry-serve-private.h"
#include "process/ferry-launcher-private.h"
#include "process/ferry-worker-private.h"
#include "route/ferry-pipe-private.h"
#include "route/ferry-router-private.h"
#include "route/ferry-sender-private.h"
#include "wire/ferry-task-call-private.h"

#define LANE_CAPACITY FERRY_MIN_LANE_CAPACITY
/* Less than the longest error takes. */
#define MAX_MESSAGE 40000

/* ---- the application's end ---- */

static gboolean
send_message (gpointer carrier, const FerryPart *parts, guint n_parts, FerryDescriptors *descriptors, GError **error)
{
  ServeTest *test = carrier;

  if (ferry_link_send (test->link, ferry_receiver_get_connection_id (test->calls), parts, n_parts) == FERRY_DOWN_SENT)
    return TRUE;
  g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_CLOSED, "The message was not taken");
  return FALSE;
}

static gboolean
send_cancel (gpointer carrier, guint64 xid, FerryCancelReason reason)
{
  ServeTest *test = carrier;

  g_assert_cmpint (ferry_link_send_cancel (test->link, xid, (guint16) reason), ==, FERRY_DOWN_SENT);
  return TRUE;
}

static const FerryCarrierFuncs transport_funcs = {.send = send_message, .cancel = send_cancel};

static void
answer_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  ServeTest *test = user_data;
  g_autoptr (GError) error = NULL;

  ferry_transport_process (test->transport, data, size, NULL, FERRY_VALUE_UNJUDGED, &error);
  g_assert_no_error (error);
}

static void
report_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  ServeTest *test = user_data;
  FerryProgress progress;

  g_assert_true (ferry_progress_decode (&progress, data, size));
  g_array_append_val (test->reports, progress);
}

static void
closed_cb (FerryReceiver *receiver, FerryExit *exit, gpointer user_data)
{
  ServeTest *test = user_data;

  test->n_closed++;
}

static FerryReceiver *
open_pipe (ServeTest *test, FerryPipeFlags flags, FerryReceiverHandler handler, FerrySender **sender)
{
  g_autoptr (GError) error = NULL;
  FerryReceiver *receiver = NULL;

  ferry_router_pipe (test->router, flags, sender, &receiver, &error);
  g_assert_no_error (error);
  ferry_receiver_set_handler (receiver, handler, test, NULL);
  g_signal_connect (receiver, "closed", G_CALLBACK (closed_cb), test);
  return receiver;
}

static ServeTest *
test_new (FerrySender *senders[2], FerryPipeFlags progress_flags)
{
  ServeTest *test = g_new0 (ServeTest, 1);

  test->router = ferry_test_router_new ();
  test->reports = g_array_new (FALSE, FALSE, sizeof (FerryProgress));
  test->calls = open_pipe (test, FERRY_PIPE_QUEUED, answer_cb, &senders[0]);
  test->progress = open_pipe (test, progress_flags, report_cb, &senders[1]);
  test->transport = ferry_transport_new_for_carrier (&transport_funcs, test);
  return test;
}

/* ---- a thread ---- */

static gpointer
serve (gpointer data)
{
  ServeTest *test = data;
  g_autoptr (FerryServe) serve = ferry_serve_new (test->downlink, test->senders[0], test->senders[1]);

  test->served = ferry_serve_run (serve, &ferry_map_function, &test->failure);
  return NULL;
}

ServeTest *
serve_test_new_thread (void)
{
  FerrySender *senders[2];
  ServeTest *test = test_new (senders, FERRY_PIPE_QUEUED);
  const guint64 ids[] = {ferry_sender_get_connection_id (senders[0]), ferry_sender_get_connection_id (senders[1])};
  const guint32 cells[] = {FERRY_NO_CELL, FERRY_NO_CELL};
  g_autoptr (FerryUplink) uplink = NULL;
  g_autoptr (GError) error = NULL;

  test->link = ferry_link_new ("thread", ids, cells, 2, LANE_CAPACITY, 0, MAX_MESSAGE, &error);
  g_assert_no_error (error);
  ferry_clear_fd (&test->link->memory);
  test->link->local = TRUE;
  uplink = ferry_uplink_new_local (test->link, g_thread_self (), &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 2; i++)
    {
      ferry_sender_pass (senders[i], &error);
      g_assert_no_error (error);
      test->senders[i] = ferry_sender_new_granted (ids[i], uplink, i, FERRY_NO_CELL);
    }
  test->downlink = ferry_downlink_new (uplink);
  g_assert_true (ferry_monitor_add_link (ferry_sender_get_pipe (senders[0])->monitor, test->link, NULL, NULL, NULL));
  g_object_unref (senders[0]);
  g_object_unref (senders[1]);
  test->thread = g_thread_new ("test-serve", serve, test);
  return test;
}

/* ---- a process ---- */

FerryLauncher *
serve_test_launcher_new (void)
{
  g_autofree char *path = ferry_test_build_path ("serving-worker");
  const char *const argv[] = {path, NULL};

  return ferry_launcher_new (argv);
}

ServeTest *
serve_test_new_process (FerryLauncher *launcher, gboolean fork_server)
{
  g_autoptr (FerryLauncher) own = launcher != NULL ? g_object_ref (launcher) : serve_test_launcher_new ();
  g_autoptr (GError) error = NULL;
  FerrySender *senders[2];
  ServeTest *test = test_new (senders, FERRY_PIPE_LATEST);

  if (fork_server)
    {
      test->fork_server = ferry_fork_server_new (own);
      g_set_object (&own, NULL);
      own = serve_test_launcher_new ();
      ferry_launcher_set_fork_server (own, test->fork_server);
    }
  ferry_launcher_add_watched_sender (own, FERRY_CALLS_SENDER, senders[0], FERRY_MAIN_ENTRY, NULL, NULL, &error);
  g_assert_no_error (error);
  ferry_launcher_add_watched_sender (own, FERRY_PROGRESS_SENDER, senders[1], FERRY_MAIN_ENTRY, NULL, NULL, &error);
  g_assert_no_error (error);
  test->worker = ferry_launcher_spawn (own, test->router, &error);
  g_assert_no_error (error);
  test->link = ferry_link_ref (ferry_worker_get_link (test->worker));
  g_object_unref (senders[0]);
  g_object_unref (senders[1]);
  return test;
}

/* ---- the end ---- */

static gboolean
has_closed (gpointer data)
{
  return ((ServeTest *) data)->n_closed == 2;
}

void
serve_test_finish (ServeTest *test)
{
  ferry_link_send_finish (test->link);
  ferry_test_run_until (has_closed, test);
  if (test->worker != NULL)
    ferry_test_wait_ended (test->worker);
  else if (test->thread != NULL)
    g_thread_join (g_steal_pointer (&test->thread));
}

/* Gives up the link, whatever runs, and waits until the thread has noticed. */
void
serve_test_stop_router (ServeTest *test)
{
  g_autoptr (GError) error = NULL;

  ferry_router_close_pipe (test->router, test->progress, &error);
  g_assert_no_error (error);
  ferry_router_close_pipe (test->router, test->calls, &error);
  g_assert_no_error (error);
  ferry_router_stop (test->router, &error);
  g_assert_no_error (error);
  test->n_closed = 2;
  test->router_stopped = TRUE;
  g_thread_join (g_steal_pointer (&test->thread));
}

void
serve_test_free (ServeTest *test)
{
  g_autoptr (GError) reason = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, "The test is over");

  if (test->thread != NULL || test->n_closed < 2)
    serve_test_finish (test);
  ferry_transport_end (test->transport, reason);
  g_object_unref (test->transport);
  g_clear_pointer (&test->downlink, ferry_downlink_free);
  g_clear_object (&test->senders[0]);
  g_clear_object (&test->senders[1]);
  ferry_link_unref (test->link);
  g_clear_object (&test->worker);
  g_clear_object (&test->fork_server);
  ferry_receiver_set_handler (test->calls, NULL, NULL, NULL);
  ferry_receiver_set_handler (test->progress, NULL, NULL, NULL);
  g_object_unref (test->calls);
  g_object_unref (test->progress);
  g_array_unref (test->reports);
  g_clear_error (&test->failure);
  if (test->router_stopped)
    g_assert_finalize_object (test->router);
  else
    ferry_test_router_stop (test->router);
  g_free (test);
}

/* ---- calls ---- */

static void
item_came (gpointer data, const char *name, GVariant *value)
{
  ServeTestCall *call = data;
  g_autofree char *text = g_variant_print (value, FALSE);

  call->n_items++;
  g_string_append_printf (call->items, "%s%s:%s", call->items->len > 0 ? " " : "", name, text);
}

static void
is_over (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  ServeTestCall *call = data;

  g_assert_false (call->done);
  call->done = TRUE;
  call->refused = refused;
  call->result = result != NULL ? g_variant_ref_sink (result) : NULL;
  call->error = error != NULL ? g_error_copy (error) : NULL;
  call->trace = g_strdup (trace);
}

static const FerryAnswerFuncs answer_funcs = {.item = item_came, .done = is_over};

ServeTestCall *
serve_test_ask_fully (ServeTest *test, FerryTaskKind kind, const char *function, GVariant *arguments, guint16 window,
                      gint64 deadline)
{
  g_autoptr (GVariant) owned = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
  FerryRequest request = {
    .method = function,
    .arguments = owned,
    .deadline = deadline,
    .flags = (FerryCallFlags) ((guint) kind << FERRY_CALL_KIND_SHIFT),
    .window = window,
  };
  g_autoptr (GError) error = NULL;
  ServeTestCall *call = g_new0 (ServeTestCall, 1);

  if (kind == FERRY_TASK_KIND_ITERATION)
    request.flags |= FERRY_CALL_STREAM;
  call->test = test;
  call->items = g_string_new (NULL);
  call->xid = ferry_transport_ask (test->transport, &request, &answer_funcs, call, &error);
  g_assert_no_error (error);
  return call;
}

ServeTestCall *
serve_test_ask (ServeTest *test, const char *function, GVariant *arguments)
{
  return serve_test_ask_fully (test, FERRY_TASK_KIND_CALL, function, arguments, 0, 0);
}

void
serve_test_call_free (ServeTestCall *call)
{
  if (!call->done)
    ferry_transport_forget (call->test->transport, call->xid);
  g_clear_pointer (&call->result, g_variant_unref);
  g_clear_error (&call->error);
  g_free (call->trace);
  g_string_free (call->items, TRUE);
  g_free (call);
}

void
serve_test_wait (ServeTestCall *call)
{
  ferry_test_wait_flag (&call->done);
}

void
serve_test_cancel (ServeTestCall *call, FerryCancelReason reason)
{
  g_assert_true (ferry_transport_cancel (call->test->transport, call->xid, reason));
}

void
serve_test_assert_result (ServeTestCall *call, const char *text)
{
  g_autofree char *printed = NULL;

  serve_test_wait (call);
  g_assert_no_error (call->error);
  g_assert_false (call->refused);
  if (call->result != NULL)
    printed = g_variant_print (call->result, FALSE);
  g_assert_cmpstr (printed, ==, text);
}

void
serve_test_assert_failed (ServeTestCall *call, GQuark domain, int code)
{
  serve_test_wait (call);
  g_assert_error (call->error, domain, code);
  g_assert_null (call->result);
  g_assert_false (call->refused);
}

void
serve_test_assert_call (ServeTest *test, const char *function, GVariant *arguments, const char *text)
{
  g_autoptr (ServeTestCall) call = serve_test_ask (test, function, arguments);

  serve_test_assert_result (call, text);
}

typedef struct
{
  ServeTest *test;
  guint n_reports;
} Count;

static gboolean
has_reports (gpointer data)
{
  Count *count = data;

  return count->test->reports->len >= count->n_reports;
}

const FerryProgress *
serve_test_wait_reports (ServeTest *test, guint n_reports)
{
  Count count = {test, n_reports};

  ferry_test_run_until (has_reports, &count);
  return &g_array_index (test->reports, FerryProgress, n_reports - 1);
}
