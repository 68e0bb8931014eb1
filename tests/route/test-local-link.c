/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: link/ferry-link.c, engine/ferry-visits.c, engine/ferry-link-events.c
 *
 * A thread of the application as a worker: one link with several pipes and both of its ends here, and messages that go
 * down it through the monitor. */

#include "config.h"

#include "route/route-test.h"

#include <sys/stat.h>

#include "link/ferry-downlink-private.h"
#include "route/ferry-buffer-private.h"
#include "route/ferry-send-private.h"

#define N_PIPES 3
#define N_MESSAGES 20000

typedef struct
{
  FerryRouter *router;
  FerryTestPipe *pipes[N_PIPES];
  FerrySender *senders[N_PIPES];
  FerryLink *link;
  FerryUplink *uplink;
  FerryDownlink *downlink;
  guint n_ended;
  guint64 begun;
  FerryDownResult sent_at_end;
} Local;

static void
never (gpointer data, GPid pid)
{
  g_assert_not_reached ();
}

static void
attached (gpointer data)
{
  g_assert_not_reached ();
}

static void
ended (gpointer data, FerryExit *exit)
{
  Local *local = data;

  local->n_ended++;
  local->begun = ferry_link_get_begun_call (local->link);
  local->sent_at_end = ferry_link_send (local->link, 1, NULL, 0);
}

static void
do_nothing (gpointer data)
{
}

static Local *
local_new (void)
{
  Local *self = g_new0 (Local, 1);
  FerryLinkObserver *observer = g_new (FerryLinkObserver, 1);
  guint64 connection_ids[N_PIPES];
  guint32 cells[N_PIPES];
  g_autoptr (GError) error = NULL;

  self->router = ferry_test_router_new ();
  for (guint i = 0; i < N_PIPES; i++)
    {
      self->pipes[i] = ferry_test_pipe_new (self->router);
      connection_ids[i] = ferry_sender_get_connection_id (self->pipes[i]->sender);
      cells[i] = FERRY_NO_CELL;
    }
  self->link = ferry_link_new ("thread", connection_ids, cells, N_PIPES, 128 * 1024, 0, 1000000, &error);
  g_assert_no_error (error);
  ferry_clear_fd (&self->link->memory);
  self->link->local = TRUE;
  self->uplink = ferry_uplink_new_local (self->link, g_thread_self (), &error);
  g_assert_no_error (error);
  self->downlink = ferry_downlink_new (self->uplink);
  for (guint i = 0; i < N_PIPES; i++)
    {
      g_assert_true (ferry_sender_pass (self->pipes[i]->sender, &error));
      self->senders[i] = ferry_sender_new_granted (connection_ids[i], self->uplink, i, FERRY_NO_CELL);
      g_assert_true (ferry_sender_start (self->senders[i], &error));
    }
  *observer =
    (FerryLinkObserver){.launched = never, .attached = attached, .ended = ended, .data = self, .destroy = do_nothing};
  g_assert_true (ferry_router_add_link (self->router, self->link, observer, NULL, NULL, NULL));
  return self;
}

static gboolean
has_ended (gpointer data)
{
  return ((Local *) data)->n_ended > 0;
}

static void
local_free (Local *self)
{
  for (guint i = 0; i < N_PIPES; i++)
    {
      if (ferry_sender_get_state (self->senders[i]) == FERRY_SENDER_STARTED)
        ferry_sender_stop (self->senders[i], NULL);
      g_object_unref (self->senders[i]);
      ferry_test_pipe_free (self->pipes[i]);
    }
  ferry_test_router_stop (self->router);
  ferry_downlink_free (self->downlink);
  ferry_uplink_unref (self->uplink);
  g_assert_cmpint (atomic_load (&self->link->references), ==, 1);
  ferry_link_unref (self->link);
  g_free (self);
}

static void
stop_pipe (Local *self, guint i)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_sender_stop (self->senders[i], &error));
  ferry_test_pipe_wait_closed (self->pipes[i]);
  ferry_test_pipe_assert_end (self->pipes[i], FERRY_CLOSE_REASON_STOPPED);
}

static void
test_pipes_of_a_link_end_one_by_one (void)
{
  Local *local = local_new ();

  for (guint i = 0; i < N_PIPES; i++)
    {
      for (guint j = i; j < N_PIPES; j++)
        route_test_send_numbers (local->senders[j], i * 10, 10);
      for (guint j = i; j < N_PIPES; j++)
        ferry_test_pipe_wait_count (local->pipes[j], (i + 1) * 10);
      g_assert_cmpuint (local->n_ended, ==, 0);
      stop_pipe (local, i);
    }
  ferry_test_run_until (has_ended, local);
  g_assert_cmpuint (local->n_ended, ==, 1);
  local_free (local);
}

static void
test_closing_one_pipe_leaves_the_others (void)
{
  Local *local = local_new ();
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_router_close_pipe (local->router, local->pipes[1]->receiver, &error));
  route_test_send_numbers (local->senders[0], 0, 10);
  ferry_test_pipe_wait_count (local->pipes[0], 10);
  stop_pipe (local, 0);
  /* A pipe that is both closed and stopped counts once. */
  ferry_sender_stop (local->senders[1], NULL);
  route_test_send_numbers (local->senders[2], 0, 10);
  ferry_test_pipe_wait_count (local->pipes[2], 10);
  g_assert_cmpuint (local->n_ended, ==, 0);
  g_assert_true (ferry_router_close_pipe (local->router, local->pipes[2]->receiver, &error));
  ferry_test_run_until (has_ended, local);
  local_free (local);
}

/* Sends back what comes down, until the application has nothing more to ask. */
static gpointer
serve (gpointer data)
{
  Local *local = data;
  g_autoptr (GError) error = NULL;
  FerryDownMessage message;
  FerryDownEvent event;

  while ((event = ferry_downlink_receive (local->downlink, -1, &message)) == FERRY_DOWN_EVENT_MESSAGE)
    {
      const FerryPart parts[] = {{message.data, message.size / 2},
                                 {message.data + message.size / 2, message.size - message.size / 2}};

      g_assert_true (ferry_sender_send_parts (local->senders[0], parts, 2, -1, &error));
      g_assert_cmpint (ferry_downlink_claim (local->downlink, local->begun + 1), ==, FERRY_CLAIM_BEGUN);
      local->begun++;
    }
  g_assert_cmpint (event, ==, FERRY_DOWN_EVENT_FINISH);
  for (guint i = 0; i < N_PIPES; i++)
    g_assert_true (ferry_sender_stop (local->senders[i], &error));
  /* The link ends with its last pipe, and that is heard of. */
  g_assert_cmpint (ferry_downlink_receive (local->downlink, -1, &message), ==, FERRY_DOWN_EVENT_CLOSED);
  return NULL;
}

/* Far more than the down lane holds: the monitor fills it again whenever the thread has made room. */
static void
test_messages_go_down_and_come_back (void)
{
  Local *local = local_new ();
  GThread *thread = g_thread_new ("server", serve, local);
  gboolean blocked = FALSE;

  for (guint64 number = 0; number < N_MESSAGES; number++)
    {
      const FerryPart part = {&number, sizeof number};
      FerryDownResult result;

      while ((result = ferry_link_send (local->link, 1, &part, 1)) == FERRY_DOWN_WOULD_BLOCK)
        {
          blocked = TRUE;
          g_main_context_iteration (NULL, TRUE);
        }
      g_assert_cmpint (result, ==, FERRY_DOWN_SENT);
    }
  if (blocked)
    g_test_message ("The backlog was full at times");
  g_assert_cmpint (ferry_link_send_finish (local->link), ==, FERRY_DOWN_SENT);
  ferry_test_run_until (has_ended, local);
  g_thread_join (thread);
  g_assert_cmpuint (local->pipes[0]->n_messages, ==, N_MESSAGES);
  g_assert_true (local->pipes[0]->in_order);
  g_assert_cmpuint (local->begun, ==, N_MESSAGES);
  g_assert_cmpint (local->sent_at_end, ==, FERRY_DOWN_SENT);
  g_assert_cmpint (ferry_link_send (local->link, 1, NULL, 0), ==, FERRY_DOWN_CLOSED);
  g_assert_cmpuint (ferry_link_get_begun_call (local->link), ==, N_MESSAGES);
  local_free (local);
}

static gpointer
receive_the_end (gpointer data)
{
  FerryDownMessage message;

  return GINT_TO_POINTER (ferry_downlink_receive (((Local *) data)->downlink, -1, &message));
}

static void
test_stopping_the_router_ends_a_waiting_receive (void)
{
  Local *local = local_new ();
  GThread *thread = g_thread_new ("server", receive_the_end, local);

  route_test_settle ();
  g_assert_true (ferry_router_stop (local->router, NULL));
  g_assert_cmpint (GPOINTER_TO_INT (g_thread_join (thread)), ==, FERRY_DOWN_EVENT_CLOSED);
  g_assert_cmpuint (local->n_ended, ==, 1);
  g_free (route_test_take_warnings ());
  g_assert_true (ferry_router_start (local->router, NULL));
  local_free (local);
}

/* ---- messages in parts ---- */

static void
bytes_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  GByteArray *all = user_data;

  g_assert_null (type);
  g_byte_array_append (all, data, (guint) size);
}

static void
assert_parts_arrive (gsize size)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
  g_autoptr (GByteArray) all = g_byte_array_new ();
  g_autofree guint8 *data = g_malloc (size + 1);
  const FerryPart parts[] = {
    {data, size / 7}, {NULL, 0}, {data + size / 7, size / 3}, {data + size / 7 + size / 3, size - size / 7 - size / 3}};
  g_autoptr (GError) error = NULL;
  FerryReceiver *receiver = pipe->receiver;

  for (gsize i = 0; i < size; i++)
    data[i] = (guint8) (i * 7 + (i >> 8));
  ferry_receiver_set_handler (receiver, bytes_cb, all, NULL);
  ferry_sender_send_parts (pipe->sender, parts, G_N_ELEMENTS (parts), 0, &error);
  g_assert_no_error (error);
  g_assert_true (ferry_sender_stop (pipe->sender, &error));
  ferry_test_pipe_wait_closed (pipe);
  g_assert_cmpmem (all->data, all->len, data, size);
  ferry_test_router_stop (router);
}

static void
test_parts_become_one_message (void)
{
  const gsize sizes[] = {0, 1, 16, 1000, FERRY_MAX_RECORD_PAYLOAD, FERRY_MAX_RECORD_PAYLOAD + 1, 100000};

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    assert_parts_arrive (sizes[i]);
}

/* On a pipe for latest values as well, where it must not go into the lane. */
static void
test_parts_become_one_latest_value (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerrySender) sender = NULL;
  g_autoptr (FerryReceiver) receiver = NULL;
  g_autoptr (GByteArray) all = g_byte_array_new ();
  const FerryPart parts[] = {{"one ", 4}, {"two", 3}};
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_router_pipe (router, FERRY_PIPE_LATEST, &sender, &receiver, &error));
  ferry_receiver_set_handler (receiver, bytes_cb, all, NULL);
  g_assert_true (ferry_sender_start (sender, &error));
  g_assert_true (ferry_sender_send_parts (sender, parts, 2, 0, &error));
  g_assert_cmpuint (ferry_sender_get_uplink (sender)->writer.tail, ==, 0);
  g_assert_true (ferry_sender_stop (sender, &error));
  while (!ferry_test_get_number (receiver, "is-closed"))
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpmem (all->data, all->len, "one two", 7);
  ferry_test_router_stop (router);
}

static void
test_parts_are_refused_as_bytes_are (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  const FerryPart part = {"1", 1};
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_sender_send_parts (pipe->sender, &part, 1, 0, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NOT_STARTED);
  g_clear_error (&error);
  g_cancellable_cancel (cancellable);
  g_object_set (pipe->sender, "cancellable", cancellable, NULL);
  g_assert_false (ferry_sender_send_parts (pipe->sender, &part, 1, 0, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

int
main (int argc, char **argv)
{
  route_test_init (&argc, &argv);
  g_test_add_func ("/local-link/pipes-of-a-link-end-one-by-one", test_pipes_of_a_link_end_one_by_one);
  g_test_add_func ("/local-link/closing-one-pipe-leaves-the-others", test_closing_one_pipe_leaves_the_others);
  g_test_add_func ("/local-link/messages-go-down-and-come-back", test_messages_go_down_and_come_back);
  g_test_add_func ("/local-link/stopping-the-router-ends-a-waiting-receive",
                   test_stopping_the_router_ends_a_waiting_receive);
  g_test_add_func ("/local-link/parts-become-one-message", test_parts_become_one_message);
  g_test_add_func ("/local-link/parts-become-one-latest-value", test_parts_become_one_latest_value);
  g_test_add_func ("/local-link/parts-are-refused-as-bytes-are", test_parts_are_refused_as_bytes_are);
  return g_test_run ();
}
