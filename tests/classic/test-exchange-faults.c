/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: classic/ferry-exchange.c, conversation/ferry-channel.c
 *
 * What goes wrong with channels and exchanges of pprocess does not go wrong here: with workers, which have the
 * functions of tests/conversation/channel-test.h, and over transports of each kind. docs/migrating/pprocess.md has the
 * list.
 */

#include "config.h"

#include <ferry-classic.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "call/transport-test.h"
#include "conversation/channel-test.h"

#define PATIENCE (FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC)
#define N_MESSAGES 50

/* ---- a worker is no copy ---- */

static int secret = 1;
static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;

static gboolean
give_census (FerryChannel *channel, GVariant *arguments, GError **error)
{
  gboolean is_free = pthread_mutex_trylock (&held) == 0;

  return ferry_channel_send (channel, g_variant_new ("(ib)", secret, is_free), -1, NULL, error);
}

static TransportTestGate gate = TRANSPORT_TEST_GATE_INIT;
static _Atomic guint n_locked;

static gpointer
hold_lock (gpointer data)
{
  pthread_mutex_lock (&held);
  atomic_fetch_add (&n_locked, 1);
  transport_test_wake ();
  transport_test_gate_pass (&gate);
  pthread_mutex_unlock (&held);
  return NULL;
}

/* A copy would have what this process has: what was written since it began, and the lock of a thread that is not there
 * to unlock it. */
static void
a_worker_is_no_copy_of_the_application (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  GThread *thread = NULL;
  g_autoptr (FerryChannel) channel = NULL;
  g_autoptr (GVariant) census = NULL;
  gboolean is_free;
  int seen;

  transport_test_gate_set (&gate, FALSE);
  thread = g_thread_new ("hold", hold_lock, NULL);
  transport_test_wait_count (&n_locked, 1);
  secret = 2;
  channel = channel_test_start (test, "census", NULL);
  census = channel_test_take (channel);
  g_variant_get (census, "(ib)", &seen, &is_free);
  g_assert_cmpint (seen, ==, 1);
  g_assert_true (is_free);
  channel_test_assert_good_end (channel);
  transport_test_gate_set (&gate, TRUE);
  g_thread_join (thread);
}

/* ---- data that comes with the hang-up ---- */

typedef struct
{
  guint n_values;
  guint n_errors;
  int code;
} Heard;

static void
take_data (FerryExchange *exchange, FerryChannel *channel, GVariant *value, GError *failure, GError *error,
           gpointer data)
{
  Heard *heard = data;

  if (value != NULL)
    g_assert_cmpuint (g_variant_get_uint32 (value), ==, heard->n_values % N_MESSAGES);
  heard->n_values += value != NULL;
  heard->n_errors += error != NULL;
  if (error != NULL)
    heard->code = error->code;
}

static void
send_all (FerryTransport *end)
{
  g_autoptr (FerryChannel) channel = ferry_channel_new (end);

  for (guint i = 0; i < N_MESSAGES; i++)
    {
      g_autoptr (GError) error = NULL;

      ferry_channel_send (channel, g_variant_new_uint32 (i), PATIENCE, NULL, &error);
      g_assert_no_error (error);
    }
}

/* All is there, and the end of it too, before the exchange looks for the first time. Nothing was acknowledged.
 */
static void
what_came_with_the_end_is_stored (gconstpointer kind)
{
  g_autoptr (TransportTestPair) pair = transport_test_pair_new (kind);
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryExchange) exchange = ferry_exchange_new (router, NULL);
  g_autoptr (FerryChannel) channel = ferry_channel_new (pair->ends[0]);
  g_autoptr (GError) error = NULL;
  Heard heard = {0};

  send_all (pair->ends[1]);
  g_clear_object (&pair->ends[1]);
  transport_test_wait_closed (pair->ends[0], FERRY_ERROR_CLOSED);
  g_signal_connect (exchange, "data", G_CALLBACK (take_data), &heard);
  ferry_exchange_add (exchange, channel);
  ferry_exchange_finish (exchange, PATIENCE, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (heard.n_values, ==, N_MESSAGES);
  g_assert_cmpuint (heard.n_errors, ==, 0);
  g_assert_cmpuint (ferry_test_get_number (exchange, "n-active"), ==, 0);
  g_clear_object (&channel);
  g_clear_object (&exchange);
  ferry_test_router_stop (router);
}

static void
start (FerryExchange *exchange, const char *function, GVariant *arguments)
{
  g_autoptr (GError) error = NULL;

  ferry_exchange_start (exchange, function, arguments, &error);
  g_assert_no_error (error);
}

static FerryChannel *
get_channel (FerryExchange *exchange, guint i)
{
  return g_list_model_get_item (ferry_exchange_get_active (exchange), i);
}

/* The exchange has heard all that there is to hear. */
static void
settle (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static void
what_a_dead_worker_had_sent_is_stored (gconstpointer word)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (FerryExchange) exchange = ferry_exchange_new (test->router, test->launcher);
  g_autoptr (FerryChannel) channel = NULL;
  g_autoptr (FerryExit) exit = NULL;
  g_autoptr (GError) error = NULL;
  Heard heard = {0};

  start (exchange, "count-and", g_variant_new ("(us)", N_MESSAGES, word));
  channel = get_channel (exchange, 0);
  exit = ferry_channel_wait (channel, PATIENCE, &error);
  g_assert_no_error (error);
  settle ();
  g_assert_cmpuint (ferry_test_get_number (exchange, "n-active"), ==, 1);
  g_signal_connect (exchange, "data", G_CALLBACK (take_data), &heard);
  ferry_exchange_finish (exchange, PATIENCE, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (heard.n_values, ==, N_MESSAGES);
  g_assert_cmpuint (heard.n_errors, ==, 1);
  g_assert_cmpuint (ferry_test_get_number (exchange, "n-active"), ==, 0);
}

static void
ready_names_who_died_with_something_to_say (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (FerryExchange) exchange = ferry_exchange_new (test->router, test->launcher);
  g_autoptr (FerryChannel) channel = NULL;
  g_autoptr (FerryExit) exit = NULL;
  g_autoptr (GPtrArray) ready = NULL;

  start (exchange, "count-and", g_variant_new ("(us)", N_MESSAGES, "kill"));
  channel = get_channel (exchange, 0);
  exit = ferry_channel_wait (channel, PATIENCE, NULL);
  settle ();
  ready = ferry_exchange_ready (exchange, PATIENCE, NULL);
  g_assert_cmpuint (ready->len, ==, 1);
  g_assert_true (ready->pdata[0] == channel);
  for (guint i = 0; i < N_MESSAGES; i++)
    channel_test_assert_next (channel, i);
  channel_test_assert_bad_end (channel, FERRY_ERROR, FERRY_ERROR_WORKER_LOST, "signal 9");
}

static void
what_waits_for_its_turn_ends_with_the_router (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (FerryExchange) exchange = ferry_exchange_new (test->router, test->launcher);
  Heard heard = {0};

  g_object_set (exchange, "limit", 1, NULL);
  g_signal_connect (exchange, "data", G_CALLBACK (take_data), &heard);
  g_object_set (exchange, "flowing", TRUE, NULL);
  start (exchange, "hold", NULL);
  start (exchange, "hold", NULL);
  g_assert_true (ferry_router_stop (test->router, NULL));
  settle ();
  g_assert_cmpuint (heard.n_errors, ==, 2);
  g_assert_cmpint (heard.code, ==, FERRY_ERROR_CLOSED);
  g_assert_true (ferry_router_start (test->router, NULL));
}

/* ---- how workers ended ---- */

static void
how_each_worker_ended_is_kept (void)
{
  static const struct
  {
    const char *word;
    int status;
    int signal_number;
  } ends[] = {{"exit", 7, 0}, {"kill", -1, SIGKILL}, {"raise", 1, 0}};
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (FerryExchange) exchange = ferry_exchange_new (test->router, test->launcher);
  FerryChannel *channels[G_N_ELEMENTS (ends)];

  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    {
      start (exchange, "count-and", g_variant_new ("(us)", 1, ends[i].word));
      channels[i] = get_channel (exchange, i);
    }
  g_assert_true (ferry_exchange_finish (exchange, PATIENCE, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    {
      g_assert_nonnull (ferry_channel_get_exit (channels[i]));
      channel_test_assert_exit (channels[i], ends[i].status, ends[i].signal_number);
      g_object_unref (channels[i]);
    }
}

static void
set_flag (GObject *source, GAsyncResult *result, gpointer data)
{
  *(gboolean *) data = TRUE;
}

/* Another part of the program has children too, by GLib's means, and wants to know how they ended. */
static void
children_of_others_are_left_to_them (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (FerryExchange) exchange = ferry_exchange_new (test->router, test->launcher);
  g_autoptr (GSubprocess) before = NULL;
  g_autoptr (GSubprocess) after = NULL;
  g_autoptr (GError) error = NULL;
  gboolean all_ended = FALSE;

  before = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, &error, "sh", "-c", "exit 3", NULL);
  g_assert_no_error (error);
  after = g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE, &error, "sh", "-c", "read line; exit 4", NULL);
  g_assert_no_error (error);
  g_object_set (exchange, "flowing", TRUE, NULL);
  for (guint i = 0; i < 5; i++)
    start (exchange, "square", g_variant_new_uint32 (i));
  ferry_wait_all_async (test->router, NULL, set_flag, &all_ended);
  ferry_test_wait_flag (&all_ended);
  /* The second one runs on: it was not waited for. */
  g_assert_true (ferry_wait_all (test->router, PATIENCE, &error));
  g_assert_no_error (error);
  g_assert_nonnull (g_subprocess_get_identifier (after));
  g_assert_true (g_output_stream_close (g_subprocess_get_stdin_pipe (after), NULL, NULL));
  g_assert_true (g_subprocess_wait (before, NULL, NULL));
  g_assert_cmpint (g_subprocess_get_exit_status (before), ==, 3);
  g_assert_true (g_subprocess_wait (after, NULL, NULL));
  g_assert_cmpint (g_subprocess_get_exit_status (after), ==, 4);
  g_assert_true (ferry_exchange_finish (exchange, PATIENCE, NULL));
}

/* ---- the loop that stores ---- */

static void
a_worker_that_raises_ends_nothing_but_itself (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (FerryExchange) exchange = ferry_exchange_new (test->router, test->launcher);
  g_autoptr (GError) error = NULL;
  Heard heard = {0};

  /* One after the other, so that those that raise come first. */
  g_object_set (exchange, "limit", 1, NULL);
  g_signal_connect (exchange, "data", G_CALLBACK (take_data), &heard);
  for (guint i = 0; i < 3; i++)
    start (exchange, "count-and", g_variant_new ("(us)", N_MESSAGES, "raise"));
  for (guint i = 0; i < 3; i++)
    start (exchange, "count", g_variant_new_uint32 (N_MESSAGES));
  ferry_exchange_finish (exchange, PATIENCE, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (heard.n_errors, ==, 3);
  g_assert_cmpint (heard.code, ==, G_FILE_ERROR_IO);
  g_assert_cmpuint (heard.n_values, ==, 6 * N_MESSAGES);
}

/* ---- cancels ---- */

/* Its removal waits for it, but not without end. */
static void
a_job_that_hangs_can_be_got_rid_of (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (FerryExchange) exchange = ferry_exchange_new (test->router, test->launcher);
  FerryChannel *hanging = NULL;
  g_autoptr (FerryWorker) worker = NULL;
  Heard heard = {0};

  g_object_set (exchange, "limit", 1, NULL);
  g_signal_connect (exchange, "data", G_CALLBACK (take_data), &heard);
  start (exchange, "deaf", NULL);
  start (exchange, "count", g_variant_new_uint32 (N_MESSAGES));
  hanging = get_channel (exchange, 0);
  worker = g_object_ref (ferry_test_get_object (hanging, "worker"));
  g_object_add_weak_pointer (G_OBJECT (hanging), (gpointer *) &hanging);
  g_object_unref (hanging);
  g_assert_true (ferry_exchange_remove (exchange, hanging));
  g_assert_null (hanging);
  g_assert_true (ferry_exchange_finish (exchange, PATIENCE, NULL));
  g_assert_cmpuint (heard.n_values, ==, N_MESSAGES);
  ferry_test_wait_ended (worker);
  g_assert_cmpint (ferry_exit_get_signal (ferry_test_get_object (worker, "exit")), ==, SIGKILL);
}

static gboolean
close_channel (gpointer channel)
{
  ferry_channel_close (channel);
  return G_SOURCE_REMOVE;
}

/* Neither form keeps the main loop from going on: it is that which makes room. */
static void
who_waits_for_a_turn_holds_up_no_loop (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (FerryExchange) exchange = ferry_exchange_new (test->router, test->launcher);
  g_autoptr (FerryChannel) first = channel_test_start (test, "echo", NULL);
  g_autoptr (FerryChannel) second = channel_test_start (test, "echo", NULL);
  g_autoptr (FerryChannel) third = channel_test_start (test, "square", g_variant_new_uint32 (5));
  g_autoptr (GError) error = NULL;
  gboolean added = FALSE;

  g_object_set (exchange, "limit", 1, NULL);
  g_object_set (exchange, "flowing", TRUE, NULL);
  ferry_exchange_add (exchange, first);
  g_idle_add (close_channel, first);
  ferry_exchange_add_wait (exchange, second, PATIENCE, &error);
  g_assert_no_error (error);
  ferry_exchange_add_wait_async (exchange, third, NULL, set_flag, &added);
  g_assert_false (added);
  g_idle_add (close_channel, second);
  ferry_test_wait_flag (&added);
  g_assert_true (ferry_exchange_finish (exchange, PATIENCE, NULL));
}

static void
count_one (gpointer count)
{
  (*(guint *) count)++;
}

/* Its messages would go to handlers of the signal “message”, and the exchange would emit none of them. */
static void
messages_go_to_the_channel_or_to_the_exchange (gconstpointer kind)
{
  g_autoptr (TransportTestPair) pair = transport_test_pair_new (kind);
  g_autoptr (FerryRouter) router = ferry_test_router_new ();
  g_autoptr (FerryExchange) exchange = ferry_exchange_new (router, NULL);
  g_autoptr (FerryChannel) channel = ferry_channel_new (pair->ends[0]);
  guint n_messages = 0;
  Heard heard = {0};

  g_signal_connect_swapped (channel, "message", G_CALLBACK (count_one), &n_messages);
  g_signal_connect (exchange, "data", G_CALLBACK (take_data), &heard);
  g_object_set (channel, "flowing", TRUE, NULL);
  g_test_expect_message ("Ferry", G_LOG_LEVEL_CRITICAL, "ferry_exchange_add()*flowing*");
  g_assert_false (ferry_exchange_add (exchange, channel));
  g_test_assert_expected_messages ();
  g_test_expect_message ("Ferry", G_LOG_LEVEL_CRITICAL, "ferry_exchange_add()*flowing*");
  g_assert_false (ferry_exchange_add_wait (exchange, channel, PATIENCE, NULL));
  g_test_assert_expected_messages ();
  g_assert_cmpuint (ferry_test_get_number (exchange, "n-active"), ==, 0);
  g_object_set (channel, "flowing", FALSE, NULL);
  g_assert_true (ferry_exchange_add (exchange, channel));
  g_test_expect_message ("Ferry", G_LOG_LEVEL_CRITICAL, "FerryChannel:flowing*exchange*");
  g_object_set (channel, "flowing", TRUE, NULL);
  g_test_assert_expected_messages ();
  g_assert_false (ferry_test_get_number (channel, "flowing"));
  send_all (pair->ends[1]);
  ferry_exchange_finish (exchange, PATIENCE, NULL);
  g_assert_cmpuint (heard.n_values, ==, N_MESSAGES);
  g_assert_cmpuint (n_messages, ==, 0);
  /* Outside of the exchange, its messages may flow again. */
  g_object_set (channel, "flowing", TRUE, NULL);
  g_assert_true (ferry_test_get_number (channel, "flowing"));
  g_clear_object (&exchange);
  ferry_test_router_stop (g_steal_pointer (&router));
}

static const TransportTestFact facts[] = {
  {"what-came-with-the-end-is-stored", what_came_with_the_end_is_stored},
  {"messages-go-to-the-channel-or-to-the-exchange", messages_go_to_the_channel_or_to_the_exchange},
};

int
main (int argc, char **argv)
{
  ferry_channel_function_register ("census", NULL, give_census);
  channel_test_init (&argc, &argv);
  transport_test_add_facts ("exchange-faults", facts, G_N_ELEMENTS (facts));
  g_test_add_data_func ("/exchange-faults/what-a-killed-worker-had-sent-is-stored", "kill",
                        what_a_dead_worker_had_sent_is_stored);
  g_test_add_data_func ("/exchange-faults/what-a-worker-that-exited-had-sent-is-stored", "exit",
                        what_a_dead_worker_had_sent_is_stored);
  g_test_add_data_func ("/exchange-faults/what-a-worker-that-raised-had-sent-is-stored", "raise",
                        what_a_dead_worker_had_sent_is_stored);
  g_test_add_func ("/exchange-faults/a-worker-is-no-copy-of-the-application", a_worker_is_no_copy_of_the_application);
  g_test_add_func ("/exchange-faults/ready-names-who-died-with-something-to-say",
                   ready_names_who_died_with_something_to_say);
  g_test_add_func ("/exchange-faults/what-waits-for-its-turn-ends-with-the-router",
                   what_waits_for_its_turn_ends_with_the_router);
  g_test_add_func ("/exchange-faults/how-each-worker-ended-is-kept", how_each_worker_ended_is_kept);
  g_test_add_func ("/exchange-faults/children-of-others-are-left-to-them", children_of_others_are_left_to_them);
  g_test_add_func ("/exchange-faults/a-worker-that-raises-ends-nothing-but-itself",
                   a_worker_that_raises_ends_nothing_but_itself);
  g_test_add_func ("/exchange-faults/a-job-that-hangs-can-be-got-rid-of", a_job_that_hangs_can_be_got_rid_of);
  g_test_add_func ("/exchange-faults/who-waits-for-a-turn-holds-up-no-loop", who_waits_for_a_turn_holds_up_no_loop);
  return g_test_run ();
}
