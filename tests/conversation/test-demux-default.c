/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: conversation/ferry-demux.c, call/ferry-worker-transport.c
 *
 * A demux as it is made, in a worker: a handler stays on the thread that receives while it returns at once, and one
 * that does not stops nobody. */

#include "config.h"

#include "conversation/mux-test.h"

#define BY_DEFAULT -1
/* The name of the thread that receives. */
#define RECEIVING "ferry-reader"
/* Handlers may well be too slow so often before they leave that thread. */
#define N_CALLS 16

/* Returns (transfer full) the name of the thread of a handler that takes so long. */
static char *
ask_where (MuxTest *test, guint32 milliseconds)
{
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GError) error = NULL;

  mux_test_transact (test, "where", g_variant_new_uint32 (milliseconds), -1, NULL, &result, &error);
  g_assert_no_error (error);
  return g_variant_dup_string (result, NULL);
}

/* How many threads of the worker receive, have done so, or wait for that. */
static guint
count_receiving (MuxTest *test)
{
  g_autofree char *identifier = NULL;
  g_autofree char *folder = NULL;
  const char *number;
  GDir *threads;
  guint n = 0;

  g_object_get (test->worker, "identifier", &identifier, NULL);
  folder = g_strdup_printf ("/proc/%d/task", (int) ferry_test_parse_process (identifier));
  threads = g_dir_open (folder, 0, NULL);
  g_assert_nonnull (threads);
  while ((number = g_dir_read_name (threads)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, number, "comm", NULL);
      g_autofree char *name = NULL;

      n += g_file_get_contents (path, &name, NULL, NULL) && g_str_equal (name, RECEIVING "\n") ? 1 : 0;
    }
  g_dir_close (threads);
  return n;
}

/* The worker's demux is started: what comes before goes to the pool. The first handler on the thread that receives has
 * a second one. */
static MuxTest *
new_test (void)
{
  MuxTest *test = mux_test_new (MUX_TEST_LANES, BY_DEFAULT);

  do
    g_free (ask_where (test, 0));
  while (count_receiving (test) < 2);
  return test;
}

static void
assert_echoes (MuxTest *test, guint32 number)
{
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GError) error = NULL;

  mux_test_transact (test, "echo", g_variant_new_uint32 (number), -1, NULL, &result, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_variant_get_uint32 (result), ==, number);
}

/* ---- where handlers run ---- */

static void
slow_handler_leaves_the_receiving_thread_for_good (void)
{
  g_autoptr (MuxTest) test = new_test ();

  for (guint i = 0; i < N_CALLS; i++)
    g_free (ask_where (test, 1));
  for (guint i = 0; i < N_CALLS; i++)
    {
      g_autofree char *name = ask_where (test, 0);

      g_assert_cmpstr (name, !=, RECEIVING);
    }
  assert_echoes (test, 1);
}

/* ---- handlers that take for ever ---- */

static void
count_cancelled (GObject *mux, GAsyncResult *result, gpointer n_heard)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (ferry_mux_transact_finish (FERRY_MUX (mux), result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  ++*(guint *) n_heard;
}

static void
note_closed (GObject *mux, GAsyncResult *result, gpointer is_closed)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (ferry_mux_transact_finish (FERRY_MUX (mux), result, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED);
  *(gboolean *) is_closed = TRUE;
}

/* The blocked one, the one in its place, and one that watches that. */
static gboolean
has_three_at_most (gpointer data)
{
  return count_receiving (data) <= 3;
}

/* The first requests for that handler. The pool has a thread left, for what a busy machine has made slow. */
static void
first_handler_that_blocks_for_ever_stops_nobody (void)
{
  g_autoptr (MuxTest) test = new_test ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  const guint n_blocked = g_get_num_processors ();
  guint n_heard = 0;

  for (guint i = 0; i < n_blocked; i++)
    ferry_mux_transact_async (test->mux, "never", NULL, -1, cancellable, count_cancelled, &n_heard);
  for (guint i = 0; i < N_CALLS; i++)
    assert_echoes (test, i);
  g_assert_cmpuint (n_heard, ==, 0);
  ferry_test_look_until (has_three_at_most, test);
  g_cancellable_cancel (cancellable);
  while (n_heard < n_blocked)
    g_main_context_iteration (NULL, TRUE);
  assert_echoes (test, N_CALLS);
}

static void
handler_that_blocked_hears_a_cancel (void)
{
  for (guint i = 0; i < 20; i++)
    {
      g_autoptr (MuxTest) test = new_test ();
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      guint n_heard = 0;

      ferry_mux_transact_async (test->mux, "never", NULL, -1, cancellable, count_cancelled, &n_heard);
      if (i % 2 == 1)
        assert_echoes (test, i);
      g_cancellable_cancel (cancellable);
      while (n_heard == 0)
        g_main_context_iteration (NULL, TRUE);
    }
}

static void
worker_ends_with_a_handler_that_blocks (void)
{
  g_autoptr (MuxTest) test = new_test ();
  gboolean is_closed = FALSE;

  ferry_mux_transact_async (test->mux, "never", NULL, -1, NULL, note_closed, &is_closed);
  assert_echoes (test, 1);
  ferry_transport_close (test->transport);
  ferry_test_wait_flag (&is_closed);
}

/* ---- handlers that ask ---- */

static void
echo (FerryInvocation *invocation, gpointer data)
{
  ferry_invocation_return_value (invocation, ferry_invocation_get_arguments (invocation));
}

static void
handler_on_the_receiving_thread_may_wait_for_an_answer (void)
{
  g_autoptr (MuxTest) test = new_test ();
  g_autoptr (FerryDemux) demux = ferry_demux_new (test->transport);
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  ferry_demux_set_context (demux, NULL);
  ferry_demux_add_handler (demux, "echo", echo, NULL, NULL);
  g_assert_true (ferry_demux_start (demux, NULL));
  mux_test_transact (test, "ask-back", g_variant_new_uint32 (7), -1, NULL, &result, &error);
  g_assert_no_error (error);
  text = g_variant_print (result, FALSE);
  g_assert_cmpstr (text, ==, "('" RECEIVING "', <uint32 7>)");
  assert_echoes (test, 8);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/demux-default/slow-handler-leaves-the-receiving-thread-for-good",
                   slow_handler_leaves_the_receiving_thread_for_good);
  g_test_add_func ("/demux-default/first-handler-that-blocks-for-ever-stops-nobody",
                   first_handler_that_blocks_for_ever_stops_nobody);
  g_test_add_func ("/demux-default/handler-that-blocked-hears-a-cancel", handler_that_blocked_hears_a_cancel);
  g_test_add_func ("/demux-default/worker-ends-with-a-handler-that-blocks", worker_ends_with_a_handler_that_blocks);
  g_test_add_func ("/demux-default/handler-on-the-receiving-thread-may-wait-for-an-answer",
                   handler_on_the_receiving_thread_may_wait_for_an_answer);
  return g_test_run ();
}
