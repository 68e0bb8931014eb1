/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: conversation/ferry-channel-start.c, conversation/ferry-channel-serve.c, conversation/ferry-channel-process.c
 *
 * Channels with workers that are started for them: this program once more. */

#include "config.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "conversation/channel-test.h"
#include "link/ferry-pidfd-private.h"
#include "process/ferry-sandbox-private.h"

static void
assert_started_with (FerryChannel *channel, const char *function, guint number)
{
  g_autoptr (GVariant) arguments = NULL;
  g_autofree char *found = NULL;

  g_object_get (channel, "function", &found, "arguments", &arguments, NULL);
  g_assert_cmpstr (found, ==, function);
  g_assert_true (arguments == ferry_channel_get_arguments (channel));
  g_assert_cmpuint (g_variant_get_uint32 (arguments), ==, number);
}

static void
square_comes_from_each_worker (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  FerryChannel *channels[10];

  for (guint i = 0; i < G_N_ELEMENTS (channels); i++)
    channels[i] = channel_test_start (test, "square", g_variant_new_uint32 (i));
  for (guint i = 0; i < G_N_ELEMENTS (channels); i++)
    {
      channel_test_assert_next (channels[i], i * i);
      channel_test_assert_good_end (channels[i]);
      channel_test_assert_exit (channels[i], 0, 0);
      assert_started_with (channels[i], "square", i);
      g_object_unref (channels[i]);
    }
}

static void
worker_is_another_process (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (FerryChannel) channel = channel_test_start (test, "give-pid", NULL);
  g_autoptr (GVariant) value = channel_test_take (channel);

  g_assert_cmpint (g_variant_get_int32 (value), !=, getpid ());
  g_assert_cmpint (g_variant_get_int32 (value), ==, ferry_test_parse_process (ferry_channel_get_identifier (channel)));
  g_assert_nonnull (ferry_test_get_object (channel, "worker"));
  channel_test_assert_exit (channel, 0, 0);
}

static void
function_has_its_data (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (FerryChannel) channel = channel_test_start (test, "data", g_variant_new_uint32 (1));

  channel_test_assert_next (channel, CHANNEL_TEST_DATA);
  channel_test_assert_good_end (channel);
  channel_test_assert_exit (channel, 0, 0);
}

static gboolean
do_nothing (FerryChannel *channel, GVariant *arguments, gpointer data, GError **error)
{
  return TRUE;
}

static void
count_up (gpointer count)
{
  ++*(guint *) count;
}

static void
data_of_a_function_that_is_not_registered_is_dropped (void)
{
  guint kept = 0;
  guint dropped = 0;

  ferry_channel_function_register_full ("mine", NULL, do_nothing, &kept, count_up);
  for (guint i = 0; i < 3; i++)
    g_test_expect_message ("Ferry", G_LOG_LEVEL_CRITICAL, "*'mine' is registered already with another function*");
  ferry_channel_function_register_full ("mine", NULL, do_nothing, &dropped, count_up);
  ferry_channel_function_register_full ("mine", "u", do_nothing, &dropped, count_up);
  ferry_channel_function_register_full ("mine", NULL, do_nothing, NULL, NULL);
  g_test_assert_expected_messages ();
  g_assert_cmpuint (kept, ==, 0);
  g_assert_cmpuint (dropped, ==, 2);
}

static void
worker_is_in_the_sandbox_of_its_launcher (void)
{
  /* From the first try on, the program of bubblewrap is held open. */
  gboolean is_wrapped G_GNUC_UNUSED = ferry_bubblewrap_works ();
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (FerrySandbox) sandbox = ferry_sandbox_new ();
  g_autoptr (FerryChannel) channel = NULL;

  g_object_set (sandbox, "policy", FERRY_SANDBOX_POLICY_PREFERRED, NULL);
  ferry_launcher_setenv (test->launcher, "LSAN_OPTIONS", "detect_leaks=0");
  g_object_set (test->launcher, "sandbox", sandbox, NULL);
  channel = channel_test_start (test, "echo", NULL);
  channel_test_send (channel, 5);
  channel_test_assert_next (channel, 5);
  g_assert_cmpuint (ferry_test_get_number (ferry_test_get_object (channel, "worker"), "sandbox-strength"), ==,
                    ferry_sandbox_get_strength ());
  ferry_channel_close (channel);
  channel_test_assert_good_end (channel);
  channel_test_assert_exit (channel, 0, 0);
}

/* What starts a launcher's channels belongs to a router's monitor, and another router needs another one. */
static void
launcher_starts_channels_of_each_router (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (FerryRouter) other = ferry_test_router_new_stopped (NULL);
  g_autoptr (GError) error = NULL;

  ferry_router_start (other, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 4; i++)
    {
      FerryRouter *router = i % 2 == 0 ? test->router : other;
      g_autoptr (FerryChannel) channel =
        ferry_channel_start (test->launcher, router, "square", g_variant_new_uint32 (i), &error);

      g_assert_no_error (error);
      channel_test_assert_next (channel, i * i);
      channel_test_assert_good_end (channel);
      channel_test_assert_exit (channel, 0, 0);
    }
  g_assert_true (ferry_router_stop (other, &error));
}

static void
messages_go_both_ways_in_order (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (FerryChannel) channel = channel_test_start (test, "echo", NULL);

  for (guint i = 0; i < 500; i++)
    {
      channel_test_send (channel, i);
      channel_test_assert_next (channel, i);
    }
  for (guint i = 0; i < FERRY_CHANNEL_WINDOW / 2; i++)
    channel_test_send (channel, i);
  ferry_channel_close (channel);
  for (guint i = 0; i < FERRY_CHANNEL_WINDOW / 2; i++)
    channel_test_assert_next (channel, i);
  channel_test_assert_good_end (channel);
  channel_test_assert_good_end (channel);
  channel_test_assert_exit (channel, 0, 0);
}

static void
acknowledged_message_was_taken (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (FerryChannel) channel = channel_test_start (test, "echo", NULL);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 20; i++)
    {
      ferry_channel_send_acknowledged (channel, g_variant_new_uint32 (i), -1, NULL, &error);
      g_assert_no_error (error);
    }
  for (guint i = 0; i < 20; i++)
    channel_test_assert_next (channel, i);
  ferry_channel_close (channel);
  channel_test_assert_good_end (channel);
}

static void
untaken_message_is_not_acknowledged (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (FerryChannel) channel = channel_test_start (test, "count-and", g_variant_new ("(us)", 1, "hang"));
  g_autoptr (GError) error = NULL;

  channel_test_assert_next (channel, 0);
  g_assert_false (ferry_channel_send_acknowledged (channel, g_variant_new_uint32 (1), 1000, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  g_clear_error (&error);
  ferry_worker_force_exit (ferry_test_get_object (channel, "worker"));
  g_assert_false (ferry_channel_send_acknowledged (channel, g_variant_new_uint32 (1), -1, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NOT_ACKNOWLEDGED);
  channel_test_assert_exit (channel, -1, SIGKILL);
}

static void
raised_error_comes_behind_the_data (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (FerryChannel) channel = channel_test_start (test, "count-and", g_variant_new ("(us)", 40, "raise"));
  g_autoptr (GError) like = g_error_new_literal (G_FILE_ERROR, G_FILE_ERROR_IO, "raised as it was told");
  g_autofree char *trace = NULL;

  channel_test_assert_exit (channel, 1, 0);
  for (guint i = 0; i < 40; i++)
    channel_test_assert_next (channel, i);
  channel_test_assert_bad_end (channel, G_FILE_ERROR, G_FILE_ERROR_IO, "as it was told");
  channel_test_assert_bad_end (channel, G_FILE_ERROR, G_FILE_ERROR_IO, "as it was told");
  trace = ferry_error_get_trace (like);
  g_assert_nonnull (trace);
  g_assert_nonnull (strstr (trace, "in function 'count-and' of process"));
}

static void
error_as_a_value_is_no_raised_one (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (FerryChannel) channel = channel_test_start (test, "mixed", NULL);
  g_autoptr (GError) failure = NULL;
  g_autoptr (GError) error = NULL;
  GVariant *value = NULL;

  channel_test_assert_next (channel, 1);
  g_assert_true (ferry_channel_receive (channel, -1, NULL, &value, &failure, &error));
  g_assert_no_error (error);
  g_assert_null (value);
  g_assert_error (failure, G_FILE_ERROR, G_FILE_ERROR_IO);
  g_assert_cmpstr (failure->message, ==, "the same words");
  channel_test_assert_next (channel, 2);
  channel_test_assert_bad_end (channel, G_FILE_ERROR, G_FILE_ERROR_IO, "the same words");
}

static void
killed_worker_loses_nothing_that_it_sent (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (FerryChannel) channel = channel_test_start (test, "count-and", g_variant_new ("(us)", 60, "kill"));

  channel_test_assert_exit (channel, -1, SIGKILL);
  g_assert_true (ferry_test_get_number (channel, "closed"));
  for (guint i = 0; i < 60; i++)
    channel_test_assert_next (channel, i);
  channel_test_assert_bad_end (channel, FERRY_ERROR, FERRY_ERROR_WORKER_LOST, "signal 9");
}

static void
note_exit (FerryChannel *channel, GParamSpec *pspec, gpointer exit)
{
  g_assert_true (ferry_test_get_object (channel, "exit") == ferry_channel_get_exit (channel));
  g_set_object ((FerryExit **) exit, ferry_channel_get_exit (channel));
}

static gboolean
has_exit (gpointer exit)
{
  return *(FerryExit **) exit != NULL;
}

static void
end_of_the_process_is_notified (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (FerryChannel) channel = channel_test_start (test, "count-and", g_variant_new ("(us)", 3, "exit"));
  g_autoptr (FerryExit) exit = NULL;

  g_signal_connect (channel, "notify::exit", G_CALLBACK (note_exit), &exit);
  g_assert_null (ferry_channel_get_exit (channel));
  ferry_test_run_until (has_exit, &exit);
  g_assert_cmpint (ferry_exit_get_exit_status (exit), ==, 7);
  /* It says nothing of the messages. */
  channel_test_assert_next (channel, 0);
}

static void
worker_that_exits_says_its_status (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (FerryChannel) channel = channel_test_start (test, "count-and", g_variant_new ("(us)", 3, "exit"));

  for (guint i = 0; i < 3; i++)
    channel_test_assert_next (channel, i);
  channel_test_assert_bad_end (channel, FERRY_ERROR, FERRY_ERROR_WORKER_LOST, "status 7");
}

static void
what_cannot_be_run_is_said_where_it_is_received (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (FerryChannel) unknown = channel_test_start (test, "no-such-thing", NULL);
  g_autoptr (FerryChannel) wrong = channel_test_start (test, "square", g_variant_new_string ("two"));
  g_autoptr (FerryChannel) none = channel_test_start (test, "square", NULL);

  channel_test_assert_bad_end (unknown, FERRY_ERROR, FERRY_ERROR_UNKNOWN_FUNCTION, "no-such-thing");
  channel_test_assert_bad_end (wrong, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS, "'u' and was given 's'");
  channel_test_assert_bad_end (none, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS, "was given 'nothing'");
}

static void
note_writable (FerryChannel *channel, GParamSpec *pspec, gpointer data)
{
  *(guint *) data += ferry_test_get_number (channel, "writable");
}

static gboolean
is_writable (gpointer data)
{
  return ferry_test_get_number (data, "writable");
}

/* A sender is held, and told when to go on. */
static void
window_holds_the_application (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (FerryChannel) channel = channel_test_start (test, "deaf", NULL);
  g_autoptr (FerryChannel) heard = channel_test_start (test, "hold", NULL);
  g_autoptr (GError) error = NULL;
  guint n_sent = 0;
  guint n_writable = 0;

  while (ferry_channel_send (channel, g_variant_new_uint32 (n_sent), -1, NULL, &error))
    n_sent++;
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK);
  /* The order to run the function was one, too. */
  g_assert_cmpuint (n_sent, ==, FERRY_CHANNEL_WINDOW - 1);
  g_assert_false (ferry_test_get_number (channel, "writable"));
  ferry_worker_force_exit (ferry_test_get_object (channel, "worker"));

  g_signal_connect (heard, "notify::writable", G_CALLBACK (note_writable), &n_writable);
  for (n_sent = 0; n_sent < 1000; n_sent++)
    {
      g_clear_error (&error);
      if (ferry_channel_send (heard, g_variant_new_uint32 (n_sent), -1, NULL, &error))
        continue;
      g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK);
      ferry_test_run_until (is_writable, heard);
      n_sent--;
    }
  ferry_channel_close (heard);
  channel_test_assert_next (heard, 1000);
  channel_test_assert_good_end (heard);
}

static void
worker_sends_until_nobody_is_there (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (FerryChannel) channel = channel_test_start (test, "greedy", NULL);
  g_autoptr (FerryWorker) worker = g_object_ref (ferry_test_get_object (channel, "worker"));

  for (guint i = 0; i < 2000; i++)
    channel_test_assert_next (channel, i);
  /* Its sending fails as soon as nothing is there to take, and that is what ends it. */
  g_clear_object (&channel);
  ferry_test_wait_ended (worker);
  g_assert_cmpint (ferry_exit_get_exit_status (ferry_test_get_object (worker, "exit")), ==, 1);
}

static void
note_sent (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  ferry_channel_send_finish (FERRY_CHANNEL (source), result, &error);
  g_assert_no_error (error);
  (*(guint *) data)++;
}

/* More than the lane and what may wait before it hold: what has no room is sent when there is some. */
static void
large_messages_wait_for_room_in_the_link (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (FerryChannel) channel = channel_test_start (test, "hold", NULL);
  g_autofree guint8 *bytes = g_malloc0 (300000);
  guint n_sent = 0;

  for (guint i = 0; i < 200; i++)
    ferry_channel_send_async (channel, g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, 300000, 1), NULL,
                              note_sent, &n_sent);
  ferry_channel_close (channel);
  channel_test_assert_next (channel, 200);
  g_assert_cmpuint (n_sent, ==, 200);
  channel_test_assert_good_end (channel);
}

static void
many_conversations_go_by (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  guint n = ferry_test_times (100, 1000);

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (FerryChannel) channel = channel_test_start (test, "echo", NULL);

      channel_test_send (channel, i);
      channel_test_assert_next (channel, i);
      ferry_channel_close (channel);
      channel_test_assert_good_end (channel);
    }
}

typedef struct
{
  FerryChannel *channel; /* (owned) (nullable) */
  guint next;
  guint n_failures;
  gboolean closed;
} Flow;

static void
take_flow (FerryChannel *channel, GVariant *value, GError *failure, gpointer data)
{
  Flow *flow = data;

  if (failure != NULL)
    flow->n_failures++;
  else
    g_assert_cmpuint (g_variant_get_uint32 (value), ==, flow->next++);
}

static void
note_closed (FerryChannel *channel, GParamSpec *pspec, gpointer data)
{
  ((Flow *) data)->closed = TRUE;
}

static void
signal_has_the_messages_while_they_flow (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (FerryChannel) channel = channel_test_start (test, "count", g_variant_new_uint32 (1000));
  Flow flow = {0};

  g_signal_connect (channel, "message", G_CALLBACK (take_flow), &flow);
  g_signal_connect (channel, "notify::closed", G_CALLBACK (note_closed), &flow);
  /* Without the flow, the messages are for the thread that takes them. */
  for (; flow.next < 100; flow.next++)
    channel_test_assert_next (channel, flow.next);
  g_object_set (channel, "flowing", TRUE, NULL);
  ferry_test_wait_flag (&flow.closed);
  g_assert_cmpuint (flow.next, ==, 1000);
  channel_test_assert_good_end (channel);
}

static void
drop_in_handler (FerryChannel *channel, GVariant *value, GError *failure, gpointer data)
{
  Flow *flow = data;

  flow->next++;
  g_clear_object (&flow->channel);
}

static gboolean
was_dropped (gpointer data)
{
  return ((Flow *) data)->channel == NULL;
}

static void
last_reference_goes_in_a_handler (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  Flow flow = {0};

  flow.channel = channel_test_start (test, "greedy", NULL);
  g_signal_connect (flow.channel, "message", G_CALLBACK (drop_in_handler), &flow);
  g_object_set (flow.channel, "flowing", TRUE, NULL);
  ferry_test_run_until (was_dropped, &flow);
  g_assert_cmpuint (flow.next, ==, 1);
}

static void
worker_that_never_listens_is_ended (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  FerryChannel *channel = channel_test_start (test, "count-and", g_variant_new ("(us)", 1, "hang"));
  g_autoptr (FerryWorker) worker = g_object_ref (ferry_test_get_object (channel, "worker"));

  channel_test_assert_next (channel, 0);
  g_assert_finalize_object (channel);
  ferry_test_wait_ended (worker);
  g_assert_cmpint (ferry_exit_get_signal (ferry_test_get_object (worker, "exit")), ==, SIGKILL);
}

typedef struct
{
  guint n_done;
  guint n_values;
  GError *error; /* (owned) (nullable) */
} Received;

static void
received (GObject *source, GAsyncResult *result, gpointer data)
{
  Received *received = data;
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) failure = NULL;
  g_autoptr (GError) error = NULL;

  if (ferry_channel_receive_finish (FERRY_CHANNEL (source), result, &value, &failure, &error) && value != NULL)
    g_assert_cmpuint (g_variant_get_uint32 (value), ==, received->n_values++);
  if (error != NULL)
    received->error = g_steal_pointer (&error);
  received->n_done++;
}

static gboolean
is_sixth_done (gpointer data)
{
  return ((Received *) data)->n_done == 6;
}

static void
asynchronous_calls_get_their_messages_in_turn (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (FerryChannel) channel = channel_test_start (test, "count", g_variant_new_uint32 (3));
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Received got = {0};

  for (guint i = 0; i < 5; i++)
    ferry_channel_receive_async (channel, NULL, received, &got);
  g_cancellable_cancel (cancellable);
  ferry_channel_receive_async (channel, cancellable, received, &got);
  ferry_test_run_until (is_sixth_done, &got);
  g_assert_cmpuint (got.n_values, ==, 3);
  g_assert_error (got.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&got.error);
  channel_test_assert_good_end (channel);
}

static void
waiting_is_for_no_longer_than_asked (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (FerryChannel) channel = channel_test_start (test, "echo", NULL);
  g_autoptr (GError) error = NULL;
  GVariant *value = NULL;

  g_assert_false (ferry_channel_receive (channel, 1000, NULL, &value, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  g_clear_error (&error);
  g_assert_null (ferry_channel_wait (channel, 1000, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  channel_test_send (channel, 5);
  channel_test_assert_next (channel, 5);
}

static void
waited_cb (GObject *channel, GAsyncResult *result, gpointer exit)
{
  g_autoptr (GError) error = NULL;

  *(FerryExit **) exit = ferry_channel_wait_finish (FERRY_CHANNEL (channel), result, &error);
  g_assert_no_error (error);
}

static gboolean
is_there (gpointer exit)
{
  return *(FerryExit **) exit != NULL;
}

static void
main_loop_hears_how_the_worker_ended (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (FerryChannel) channel = channel_test_start (test, "echo", NULL);
  g_autoptr (FerryExit) exit = NULL;

  ferry_channel_wait_async (channel, NULL, waited_cb, &exit);
  channel_test_send (channel, 5);
  channel_test_assert_next (channel, 5);
  g_assert_null (exit);
  ferry_channel_close (channel);
  ferry_test_look_until (is_there, &exit);
  g_assert_true (ferry_exit_is_success (exit));
}

static void
answer_double (FerryInvocation *invocation, gpointer data)
{
  guint number = g_variant_get_uint32 (ferry_invocation_get_arguments (invocation));

  ferry_invocation_return_value (invocation, g_variant_new_uint32 (2 * number));
}

/* The launcher's transport goes to the worker of the next channel, whether the launcher has a fork server or not. */
static void
worker_gets_the_transport_of_its_launcher (gconstpointer data)
{
  static const char *const self_argv[] = {"/proc/self/exe", NULL};
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (FerryLauncher) base = ferry_launcher_new (self_argv);
  g_autoptr (FerryForkServer) fork_server = data != NULL ? ferry_fork_server_new (base) : NULL;

  ferry_launcher_set_fork_server (test->launcher, fork_server);
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (FerryTransport) transport =
        ferry_launcher_add_transport (test->launcher, test->router, "beside", &error);
      g_autoptr (FerryDemux) demux = ferry_demux_new (transport);
      g_autoptr (FerryChannel) channel = NULL;

      g_assert_no_error (error);
      ferry_demux_add_handler (demux, "double", answer_double, NULL, NULL);
      ferry_demux_start (demux, &error);
      g_assert_no_error (error);
      channel = channel_test_start (test, "ask", g_variant_new_uint32 (i));
      channel_test_assert_next (channel, 2 * i);
      channel_test_assert_good_end (channel);
      channel_test_assert_exit (channel, 0, 0);
    }
}

static GPid
get_parent_of_worker (FerryChannel *channel)
{
  GPid pid;

  channel_test_send (channel, 7);
  channel_test_assert_next (channel, 7);
  pid = ferry_test_get_process (ferry_test_get_object (channel, "worker"));
  g_assert_cmpint (pid, >, 0);
  return ferry_read_parent (pid);
}

/* A launcher without a fork server gets one of its own, for all of its channels. */
static void
workers_are_forked_by_one_fork_server (gconstpointer data)
{
  static const char *const self_argv[] = {"/proc/self/exe", NULL};
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (FerryLauncher) base = ferry_launcher_new (self_argv);
  g_autoptr (FerryForkServer) fork_server = data != NULL ? ferry_fork_server_new (base) : NULL;
  g_autoptr (FerryChannel) first = NULL;
  g_autoptr (FerryChannel) second = NULL;
  GPid parent;

  ferry_launcher_set_fork_server (test->launcher, fork_server);
  first = channel_test_start (test, "echo", NULL);
  second = channel_test_start (test, "echo", NULL);
  parent = get_parent_of_worker (first);
  g_assert_cmpint (parent, !=, getpid ());
  g_assert_cmpint (get_parent_of_worker (second), ==, parent);
  if (fork_server != NULL)
    g_assert_cmpint (ferry_test_get_process (ferry_test_get_object (fork_server, "worker")), ==, parent);
}

static void
workers_are_executed_where_no_fork_server_is_wanted (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();

  g_object_set (test->launcher, "use-fork-server", FALSE, NULL);
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (FerryChannel) channel = channel_test_start (test, "echo", NULL);

      g_assert_cmpint (get_parent_of_worker (channel), ==, getpid ());
      channel_test_send (channel, i);
      channel_test_assert_next (channel, i);
      ferry_channel_close (channel);
      channel_test_assert_good_end (channel);
      channel_test_assert_exit (channel, 0, 0);
    }
}

/* The fork server executes the first worker, and the application the others. */
static void
a_program_with_threads_has_channels_from_the_first_one_on (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();

  ferry_launcher_setenv (test->launcher, "CHANNEL_TEST_THREAD", "1");
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (FerryChannel) channel = channel_test_start (test, "echo", NULL);

      channel_test_send (channel, i);
      channel_test_assert_next (channel, i);
      if (i == 0)
        g_assert_cmpint (get_parent_of_worker (channel), !=, getpid ());
      else
        g_assert_cmpint (get_parent_of_worker (channel), ==, getpid ());
      ferry_channel_close (channel);
      channel_test_assert_good_end (channel);
      channel_test_assert_exit (channel, 0, 0);
    }
}

/* What was not passed stays with the launcher, but for the channel's own transport. */
static void
refused_start_leaves_the_launcher_its_transport (void)
{
  static const char *const nowhere[] = {"no-program-of-this-name", NULL};
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (nowhere);
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTransport) transport = ferry_launcher_add_transport (launcher, test->router, "beside", &error);

  for (guint i = 0; i < 2; i++)
    {
      g_assert_null (ferry_channel_start (launcher, test->router, "ask", g_variant_new_uint32 (1), &error));
      g_assert_error (error, FERRY_ERROR, FERRY_ERROR_LAUNCH_FAILED);
      g_clear_error (&error);
      g_assert_false (ferry_test_get_number (transport, "closed"));
    }
  g_assert_null (ferry_launcher_add_transport (launcher, test->router, "beside", &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
}

int
main (int argc, char **argv)
{
  channel_test_init (&argc, &argv);
  g_test_add_func ("/channel-workers/square-comes-from-each-worker", square_comes_from_each_worker);
  g_test_add_func ("/channel-workers/worker-is-another-process", worker_is_another_process);
  g_test_add_func ("/channel-workers/function-has-its-data", function_has_its_data);
  g_test_add_func ("/channel-workers/data-of-a-function-that-is-not-registered-is-dropped",
                   data_of_a_function_that_is_not_registered_is_dropped);
  g_test_add_func ("/channel-workers/worker-is-in-the-sandbox-of-its-launcher",
                   worker_is_in_the_sandbox_of_its_launcher);
  g_test_add_func ("/channel-workers/launcher-starts-channels-of-each-router", launcher_starts_channels_of_each_router);
  g_test_add_data_func ("/channel-workers/worker-gets-the-transport-of-its-launcher", NULL,
                        worker_gets_the_transport_of_its_launcher);
  g_test_add_data_func ("/channel-workers/worker-of-a-fork-server-gets-the-transport-of-its-launcher", "fork-server",
                        worker_gets_the_transport_of_its_launcher);
  g_test_add_data_func ("/channel-workers/workers-are-forked-by-one-fork-server", NULL,
                        workers_are_forked_by_one_fork_server);
  g_test_add_data_func ("/channel-workers/workers-are-forked-by-the-fork-server-of-the-launcher", "fork-server",
                        workers_are_forked_by_one_fork_server);
  g_test_add_func ("/channel-workers/workers-are-executed-where-no-fork-server-is-wanted",
                   workers_are_executed_where_no_fork_server_is_wanted);
  g_test_add_func ("/channel-workers/a-program-with-threads-has-channels-from-the-first-one-on",
                   a_program_with_threads_has_channels_from_the_first_one_on);
  g_test_add_func ("/channel-workers/refused-start-leaves-the-launcher-its-transport",
                   refused_start_leaves_the_launcher_its_transport);
  g_test_add_func ("/channel-workers/messages-go-both-ways-in-order", messages_go_both_ways_in_order);
  g_test_add_func ("/channel-workers/acknowledged-message-was-taken", acknowledged_message_was_taken);
  g_test_add_func ("/channel-workers/untaken-message-is-not-acknowledged", untaken_message_is_not_acknowledged);
  g_test_add_func ("/channel-workers/raised-error-comes-behind-the-data", raised_error_comes_behind_the_data);
  g_test_add_func ("/channel-workers/error-as-a-value-is-no-raised-one", error_as_a_value_is_no_raised_one);
  g_test_add_func ("/channel-workers/killed-worker-loses-nothing-that-it-sent",
                   killed_worker_loses_nothing_that_it_sent);
  g_test_add_func ("/channel-workers/end-of-the-process-is-notified", end_of_the_process_is_notified);
  g_test_add_func ("/channel-workers/worker-that-exits-says-its-status", worker_that_exits_says_its_status);
  g_test_add_func ("/channel-workers/what-cannot-be-run-is-said-where-it-is-received",
                   what_cannot_be_run_is_said_where_it_is_received);
  g_test_add_func ("/channel-workers/window-holds-the-application", window_holds_the_application);
  g_test_add_func ("/channel-workers/worker-sends-until-nobody-is-there", worker_sends_until_nobody_is_there);
  g_test_add_func ("/channel-workers/signal-has-the-messages-while-they-flow", signal_has_the_messages_while_they_flow);
  g_test_add_func ("/channel-workers/last-reference-goes-in-a-handler", last_reference_goes_in_a_handler);
  g_test_add_func ("/channel-workers/worker-that-never-listens-is-ended", worker_that_never_listens_is_ended);
  g_test_add_func ("/channel-workers/asynchronous-calls-get-their-messages-in-turn",
                   asynchronous_calls_get_their_messages_in_turn);
  g_test_add_func ("/channel-workers/waiting-is-for-no-longer-than-asked", waiting_is_for_no_longer_than_asked);
  g_test_add_func ("/channel-workers/main-loop-hears-how-the-worker-ended", main_loop_hears_how_the_worker_ended);
  g_test_add_func ("/channel-workers/large-messages-wait-for-room-in-the-link",
                   large_messages_wait_for_room_in_the_link);
  g_test_add_func ("/channel-workers/many-conversations-go-by", many_conversations_go_by);
  return g_test_run ();
}
