/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: wire/ferry-handshake.c, lane/ferry-lane.c
 *
 * docs/protocol.md is enough to write a worker from, and what it says is true: tests/workers/python-worker.py shares
 * no line with Ferry. */

#include "config.h"

#include "ferry-test.h"

#include <string.h>

#include "link/ferry-link-private.h"
#include "process/ferry-worker-private.h"

typedef struct
{
  FerrySender *sender;
  FerryReceiver *receiver;
  FerryExit *exit;
  GVariant *latest;
  guint n_messages;
  gboolean right; /* all messages were as they must be */
} Pipe;

static FerryWorker *
spawn (FerryRouter *router, FerrySender *sender, const char *first_order, const char *second_order)
{
  g_autofree char *script = g_test_build_filename (G_TEST_DIST, "workers", "python-worker.py", NULL);
  const char *argv[] = {"python3", script, first_order, second_order, NULL};
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);
  g_autoptr (GError) error = NULL;
  FerryWorker *worker;

  ferry_launcher_add_sender (launcher, "out", sender, &error);
  g_assert_no_error (error);
  if (g_test_verbose () == FALSE)
    g_object_set (launcher, "stderr", FERRY_STREAM_MODE_SILENT, NULL);
  worker = ferry_launcher_spawn (launcher, router, &error);
  g_assert_no_error (error);
  return worker;
}

static void
closed_cb (FerryReceiver *receiver, FerryExit *exit, gpointer data)
{
  ((Pipe *) data)->exit = g_object_ref (exit);
}

static void
variant_cb (FerryReceiver *receiver, GVariant *message, gpointer data)
{
  Pipe *pipe = data;
  const char *text;
  guint64 number;

  if (g_variant_is_of_type (message, G_VARIANT_TYPE ("(ts)")))
    {
      g_variant_get (message, "(t&s)", &number, &text);
      pipe->right = pipe->right && number == pipe->n_messages && strcmp (text, "hello") == 0;
    }
  else
    {
      gsize size;
      const guint8 *bytes = g_variant_get_fixed_array (message, &size, 1);

      for (gsize i = 0; i < size; i++)
        pipe->right = pipe->right && bytes[i] == i % 251;
      g_clear_pointer (&pipe->latest, g_variant_unref);
      pipe->latest = g_variant_ref (message);
    }
  pipe->n_messages++;
}

/* What the worker says of calls, one message each. */
static void
text_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  g_string_append_len (user_data, data, (gssize) size);
  g_string_append_c (user_data, ' ');
}

static gboolean
is_closed (gpointer data)
{
  return ((Pipe *) data)->exit != NULL;
}

/* Has the worker do as told, until the pipe closes. */
static void
run (FerryRouter *router, Pipe *pipe, const char *first_order, const char *second_order)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryWorker) worker = NULL;

  *pipe = (Pipe){.right = TRUE};
  ferry_router_pipe (router, FERRY_PIPE_QUEUED, &pipe->sender, &pipe->receiver, &error);
  g_assert_no_error (error);
  g_signal_connect (pipe->receiver, "message", G_CALLBACK (variant_cb), pipe);
  g_signal_connect (pipe->receiver, "closed", G_CALLBACK (closed_cb), pipe);
  worker = spawn (router, pipe->sender, first_order, second_order);
  ferry_test_run_until (is_closed, pipe);
  ferry_test_wait_ended (worker);
}

static void
pipe_clear (Pipe *pipe)
{
  g_clear_object (&pipe->sender);
  g_clear_object (&pipe->receiver);
  g_clear_object (&pipe->exit);
  g_clear_pointer (&pipe->latest, g_variant_unref);
}

static void
test_messages_arrive (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = spawn (router, pipe->sender, "send:20000", "stop");

  ferry_test_pipe_wait_closed (pipe);
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_STOPPED);
  g_assert_cmpuint (pipe->n_messages, ==, 20000);
  ferry_test_wait_ended (worker);
  g_assert_true (ferry_exit_is_success (ferry_test_get_object (worker, "exit")));
  ferry_test_router_stop (router);
}

static void
test_messages_before_an_exit_arrive (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = spawn (router, pipe->sender, "send:300", NULL);

  ferry_test_pipe_wait_closed (pipe);
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_EXITED);
  g_assert_cmpuint (pipe->n_messages, ==, 300);
  ferry_test_wait_ended (worker);
  ferry_test_router_stop (router);
}

static void
test_variants_arrive (void)
{
  FerryRouter *router = ferry_test_router_new ();
  Pipe pipe;

  run (router, &pipe, "variants:300", "stop");
  g_assert_cmpint (ferry_exit_get_reason (pipe.exit), ==, FERRY_CLOSE_REASON_STOPPED);
  g_assert_cmpuint (pipe.n_messages, ==, 300);
  g_assert_true (pipe.right);
  pipe_clear (&pipe);
  ferry_test_router_stop (router);
}

/* Many times the lane's size, so that it goes round and the worker waits for room. */
static void
test_large_message_arrives (void)
{
  FerryRouter *router = ferry_test_router_new ();
  Pipe pipe;

  run (router, &pipe, "large:10000000", "stop");
  g_assert_cmpint (ferry_exit_get_reason (pipe.exit), ==, FERRY_CLOSE_REASON_STOPPED);
  g_assert_cmpuint (pipe.n_messages, ==, 1);
  g_assert_cmpuint (g_variant_get_size (pipe.latest), ==, 10000000);
  g_assert_true (pipe.right);
  pipe_clear (&pipe);
  ferry_test_router_stop (router);
}

static FerryLink *
get_link (FerryWorker *worker)
{
  return ferry_link_ref (ferry_worker_get_link (worker));
}

/* Small ones and large ones, many times the down lane's size together, which go down and come back. */
static void
test_messages_go_down (void)
{
  const gsize sizes[] = {0, 1, 8, 32752, 32753, 500000};
  g_autofree guint8 *data = g_malloc (500000);
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryWorker) worker = NULL;
  g_autoptr (FerryLink) link = NULL;
  g_autoptr (GError) error = NULL;
  Pipe pipe = {.right = TRUE};

  for (gsize i = 0; i < 500000; i++)
    data[i] = (guint8) (i % 251);
  ferry_router_pipe (router, FERRY_PIPE_QUEUED, &pipe.sender, &pipe.receiver, &error);
  g_assert_no_error (error);
  g_signal_connect (pipe.receiver, "message", G_CALLBACK (variant_cb), &pipe);
  g_signal_connect (pipe.receiver, "closed", G_CALLBACK (closed_cb), &pipe);
  worker = spawn (router, pipe.sender, "echo:600", "stop");
  link = get_link (worker);
  for (guint i = 0; i < 600; i++)
    {
      const FerryPart part = {data, i % 100 < 6 ? sizes[i % 100] : i};

      while (ferry_link_send (link, 1, &part, 1) == FERRY_DOWN_WOULD_BLOCK)
        g_main_context_iteration (NULL, TRUE);
    }
  ferry_test_run_until (is_closed, &pipe);
  g_assert_cmpint (ferry_exit_get_reason (pipe.exit), ==, FERRY_CLOSE_REASON_STOPPED);
  g_assert_cmpuint (pipe.n_messages, ==, 600);
  g_assert_true (pipe.right);
  ferry_test_wait_ended (worker);
  pipe_clear (&pipe);
  ferry_test_router_stop (router);
}

/* What was taken back before the worker came to it is passed over, all else begun; a cancel comes, and the end. */
static void
test_calls_are_claimed_and_cancelled (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = NULL;
  g_autoptr (FerryLink) link = NULL;
  g_autoptr (GString) said = g_string_new (NULL);
  guint64 begun;

  ferry_receiver_set_handler (pipe->receiver, text_cb, said, NULL);
  worker = spawn (router, pipe->sender, "claims:5", "finish");
  link = get_link (worker);
  g_assert_true (ferry_link_hold_calls (link, &begun));
  for (guint64 xid = 1; xid <= 5; xid++)
    {
      const FerryPart part = {&xid, sizeof xid};

      g_assert_cmpint (ferry_link_send (link, 1, &part, 1), ==, FERRY_DOWN_SENT);
    }
  ferry_link_release_calls (link, 3);
  ferry_link_send_finish (link);
  ferry_test_pipe_wait_closed (pipe);
  g_assert_cmpstr (said->str, ==, "skipped skipped skipped begun begun finished ");
  ferry_test_wait_ended (worker);
  g_assert_cmpuint (ferry_link_get_begun_call (link), ==, 5);
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  ferry_test_router_stop (router);
}

static void
test_cancel_arrives (void)
{
  const guint64 expected[] = {4711, 2};
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = NULL;
  g_autoptr (GString) said = g_string_new (NULL);

  ferry_receiver_set_handler (pipe->receiver, text_cb, said, NULL);
  worker = spawn (router, pipe->sender, "cancel", "stop");
  g_assert_cmpint (ferry_link_send_cancel (ferry_worker_get_link (worker), 4711, 2), ==, FERRY_DOWN_SENT);
  ferry_test_pipe_wait_closed (pipe);
  g_assert_cmpmem (said->str, said->len - 1, expected, sizeof expected);
  ferry_test_wait_ended (worker);
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  ferry_test_router_stop (router);
}

static void
test_versions_that_do_not_fit_are_named (void)
{
  FerryRouter *router = ferry_test_router_new ();
  Pipe pipe;

  run (router, &pipe, "version:4711", "stop");
  g_assert_cmpint (ferry_exit_get_reason (pipe.exit), ==, FERRY_CLOSE_REASON_PROTOCOL_ERROR);
  g_assert_nonnull (strstr (ferry_exit_get_message (pipe.exit), "version 4711 and this application version 9"));
  pipe_clear (&pipe);
  ferry_test_router_stop (router);
}

/* The page gives these numbers. */
static void
test_page_has_the_numbers (void)
{
  g_assert_cmpuint (FERRY_PROTOCOL_VERSION, ==, 9);
  g_assert_cmpuint (sizeof (FerryWelcome), ==, 72);
  g_assert_cmpuint (offsetof (FerryWelcome, segment_size), ==, 16);
  g_assert_cmpuint (offsetof (FerryWelcome, max_message_size), ==, 40);
  g_assert_cmpuint (offsetof (FerryWelcome, application_pid), ==, 48);
  g_assert_cmpuint (offsetof (FerryWelcome, n_pipes), ==, 52);
  g_assert_cmpuint (offsetof (FerryWelcome, n_cells), ==, 56);
  g_assert_cmpuint (offsetof (FerryWelcome, arena_units), ==, 60);
  g_assert_cmpuint (offsetof (FerryWelcome, depth), ==, 64);
  g_assert_cmpuint (offsetof (FerryAttach, worker_pid), ==, 24);
  g_assert_cmpuint (sizeof (FerryConfined), ==, 32);
  g_assert_cmpuint (offsetof (FerryConfined, layers), ==, 16);
  g_assert_cmpuint (offsetof (FerryConfined, landlock_errno), ==, 20);
  g_assert_cmpuint (offsetof (FerryConfined, filter_errno), ==, 24);
  g_assert_cmpuint (FERRY_SEGMENT_EXPRESS_CONTROL, ==, 2048);
  g_assert_cmpuint (FERRY_SEGMENT_LINK_CONTROL, ==, 3072);
  g_assert_cmpuint (offsetof (FerryLinkControl, reader_bell), ==, 0);
  g_assert_cmpuint (offsetof (FerryLinkControl, claim), ==, 128);
  g_assert_cmpuint (offsetof (FerryLinkControl, dirty), ==, 136);
  g_assert_cmpuint (offsetof (FerryLinkControl, outputs), ==, 280);
  g_assert_cmpuint (FERRY_SEGMENT_EXPRESS_RING, ==, 8192);
  g_assert_cmpuint (FERRY_EXPRESS_CAPACITY, ==, 4096);
  g_assert_cmpuint (FERRY_SEGMENT_DOWN_RING, ==, 12288);
  g_assert_cmpuint (FERRY_DOWN_CAPACITY, ==, 65536);
  g_assert_cmpuint (FERRY_SEGMENT_UP_RING, ==, 77824);
  g_assert_cmpuint (FERRY_MIN_LANE_CAPACITY, ==, 131072);
  g_assert_cmpuint (FERRY_MAX_LANE_CAPACITY, ==, 268435456);
  g_assert_cmpuint (FERRY_MAX_RECORD_PAYLOAD, ==, 32752);
  g_assert_cmpuint (FERRY_RECORD_GRANT, ==, 8);
  g_assert_cmpuint (FERRY_RECORD_FINISH, ==, 9);
  g_assert_cmpuint (FERRY_RECORD_CANCEL, ==, 10);
  g_assert_cmpuint (FERRY_RECORD_BUFFER, ==, 11);
  g_assert_cmpuint (offsetof (FerryBufferMessage, size), ==, 8);
  g_assert_cmpuint (offsetof (FerryBufferMessage, number), ==, 16);
  g_assert_cmpuint (FERRY_SEGMENT_ARENA_CONTROL, ==, 3456);
  g_assert_cmpuint (FERRY_ARENA_UNIT, ==, 4096);
  g_assert_cmpuint (FERRY_MAX_BUFFERS_PER_LINK, ==, 64);
  g_assert_cmpuint (FERRY_MAX_ARENA_SIZE, ==, 68719476736);
  g_assert_cmpuint (offsetof (FerryArenaControl, writer_waiting), ==, 128);
  g_assert_cmpuint (offsetof (FerryArenaControl, bell), ==, 256);
  g_assert_cmpuint (offsetof (FerryGrant, cell), ==, 8);
  g_assert_cmpuint (FERRY_CLAIM_HOLD, ==, 1);
  g_assert_cmpuint (FERRY_CLAIM_DOOMED, ==, 2);
  g_assert_cmpuint (FERRY_CLAIM_SHIFT, ==, 2);
  g_assert_cmpuint (FERRY_MAX_TYPES_PER_PIPE, ==, 255);
  g_assert_cmpuint (FERRY_MAX_TYPE_STRING, ==, 1024);
  g_assert_cmpuint (offsetof (FerryLargeMessage, kind), ==, 8);
  g_assert_cmpuint (offsetof (FerryLargeMessage, number), ==, 10);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/protocol/page-has-the-numbers", test_page_has_the_numbers);
  g_test_add_func ("/protocol/messages-arrive", test_messages_arrive);
  g_test_add_func ("/protocol/messages-before-an-exit-arrive", test_messages_before_an_exit_arrive);
  g_test_add_func ("/protocol/variants-arrive", test_variants_arrive);
  g_test_add_func ("/protocol/large-message-arrives", test_large_message_arrives);
  g_test_add_func ("/protocol/messages-go-down", test_messages_go_down);
  g_test_add_func ("/protocol/calls-are-claimed-and-cancelled", test_calls_are_claimed_and_cancelled);
  g_test_add_func ("/protocol/cancel-arrives", test_cancel_arrives);
  g_test_add_func ("/protocol/versions-that-do-not-fit-are-named", test_versions_that_do_not_fit_are_named);
  return g_test_run ();
}
