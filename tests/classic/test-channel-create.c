/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: classic/ferry-channel-create.c, classic/ferry-channel-fork.c, classic/ferry-polled-transport.c
 *
 * Channels to children that are forked from this program: what is said over them. */

#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "classic/create-test.h"

static void
echo (FerryChannel *channel, gpointer data)
{
  g_autoptr (GVariant) value = NULL;

  while (ferry_channel_receive (channel, -1, NULL, &value, NULL, NULL) && value != NULL)
    {
      ferry_channel_send (channel, value, -1, NULL, NULL);
      g_clear_pointer (&value, g_variant_unref);
    }
}

static void
messages_go_both_ways_in_order (void)
{
  g_autoptr (CreateTest) test = create_test_new ();
  g_autoptr (FerryChannel) channel = create_test_start (echo, NULL);

  g_assert_nonnull (ferry_channel_get_identifier (channel));
  g_assert_null (ferry_test_get_object (channel, "worker"));
  for (guint i = 0; i < 500; i++)
    {
      create_test_send (channel, i);
      g_assert_cmpuint (create_test_take (channel), ==, i);
    }
  ferry_channel_close (channel);
  create_test_assert_good_end (channel);
  create_test_assert_exit (channel, 0, 0);
}

static void
acknowledge (FerryChannel *channel, gpointer numbers)
{
  create_test_take (channel);
  ((guint32 *) numbers)[0] = 1;
  ferry_channel_send_acknowledged (channel, g_variant_new_uint32 (1), -1, NULL, NULL);
  ((guint32 *) numbers)[1] = 1;
  ferry_channel_receive (channel, -1, NULL, &(GVariant *){NULL}, NULL, NULL);
}

static void
acknowledged_messages_were_taken (void)
{
  g_autoptr (CreateTest) test = create_test_new ();
  g_autoptr (FerryChannel) channel = create_test_start (acknowledge, test->numbers);
  g_autoptr (GError) error = NULL;

  ferry_channel_send_acknowledged (channel, g_variant_new_uint32 (0), PATIENCE, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (test->numbers[1], ==, 0);
  g_assert_cmpuint (create_test_take (channel), ==, 1);
  ferry_channel_close (channel);
  create_test_assert_good_end (channel);
  g_assert_cmpuint (test->numbers[1], ==, 1);
}

static void
leave (FerryChannel *channel, gpointer data)
{
}

static void
message_that_a_child_leaves_is_not_acknowledged (void)
{
  g_autoptr (CreateTest) test = create_test_new ();
  g_autoptr (FerryChannel) channel = create_test_start (leave, NULL);
  g_autoptr (GError) error = NULL;

  ferry_channel_send_acknowledged (channel, g_variant_new_uint32 (0), PATIENCE, NULL, &error);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NOT_ACKNOWLEDGED);
}

static void
say_and_raise (FerryChannel *channel, gpointer data)
{
  g_autoptr (GError) failure = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "No such thing");

  create_test_send (channel, 1);
  ferry_channel_send_error (channel, failure, -1, NULL, NULL);
  create_test_send (channel, 2);
  ferry_channel_fail (channel, failure);
  ferry_channel_exit (channel, 1);
}

static void
error_as_a_value_is_not_raised (void)
{
  g_autoptr (CreateTest) test = create_test_new ();
  g_autoptr (FerryChannel) channel = create_test_start (say_and_raise, NULL);
  g_autoptr (GError) failure = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = NULL;

  g_assert_cmpuint (create_test_take (channel), ==, 1);
  g_assert_true (ferry_channel_receive (channel, PATIENCE, NULL, &value, &failure, &error));
  g_assert_no_error (error);
  g_assert_null (value);
  g_assert_error (failure, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_cmpstr (failure->message, ==, "No such thing");
  g_assert_cmpuint (create_test_take (channel), ==, 2);
  create_test_assert_bad_end (channel, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  create_test_assert_exit (channel, 1, 0);
}

/* So much that the socket does not take one at once. */
static GVariant *
new_large (guint32 number)
{
  gsize n = 100 * 1024;
  g_autofree guint32 *numbers = g_new (guint32, n);

  for (gsize i = 0; i < n; i++)
    numbers[i] = number;
  return g_variant_new_fixed_array (G_VARIANT_TYPE_UINT32, numbers, n, sizeof *numbers);
}

static guint32
read_large (GVariant *value)
{
  gsize n;
  const guint32 *numbers = g_variant_get_fixed_array (value, &n, sizeof *numbers);

  g_assert_cmpuint (n, ==, 100 * 1024);
  for (gsize i = 1; i < n; i++)
    g_assert_cmpuint (numbers[i], ==, numbers[0]);
  return numbers[0];
}

static void
send_large (FerryChannel *channel, gpointer numbers)
{
  for (guint32 i = 0; ferry_channel_send (channel, new_large (i), -1, NULL, NULL); i++)
    ((volatile guint32 *) numbers)[0] = i + 1;
}

/* Kills it after some messages, wherever it is then; takes the rest. */
static void
kill_after (CreateTest *test, guint n)
{
  g_autoptr (FerryChannel) channel = create_test_start (send_large, test->numbers);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = NULL;
  guint taken = 0;

  while (ferry_channel_receive (channel, PATIENCE, NULL, &value, NULL, &error) && value != NULL)
    {
      g_assert_cmpuint (read_large (value), ==, taken++);
      g_clear_pointer (&value, g_variant_unref);
      if (taken == n)
        ferry_channel_send_signal (channel, SIGKILL);
    }
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  g_assert_nonnull (strstr (error->message, "killed by signal 9"));
  g_assert_cmpuint (taken, >=, ((volatile guint32 *) test->numbers)[0]);
  g_assert_cmpuint (taken, <=, ((volatile guint32 *) test->numbers)[0] + 1);
  create_test_assert_exit (channel, 0, SIGKILL);
  test->numbers[0] = 0;
}

static void
child_killed_while_it_sends_loses_nothing_that_was_sent (void)
{
  g_autoptr (CreateTest) test = create_test_new ();

  for (guint i = 1; i <= 20; i++)
    kill_after (test, i);
}

/* So many that a socket holds them, and that they are not read at once. */
#define N_TEXTS 30

static GVariant *
new_text (guint i)
{
  g_autofree char *text = g_strnfill (3000, (char) ('a' + i % 26));

  return g_variant_new_string (text);
}

static void
send_texts_and_die (FerryChannel *channel, gpointer data)
{
  for (guint i = 0; i < N_TEXTS; i++)
    ferry_channel_send (channel, new_text (i), -1, NULL, NULL);
  raise (SIGKILL);
}

static void
what_a_dead_child_had_sent_comes_before_its_end (void)
{
  g_autoptr (CreateTest) test = create_test_new ();
  g_autoptr (FerryChannel) channel = create_test_start (send_texts_and_die, NULL);
  siginfo_t info;

  g_assert_cmpint (
    waitid (P_PID, (id_t) ferry_test_parse_process (ferry_channel_get_identifier (channel)), &info, WEXITED | WNOWAIT),
    ==, 0);
  create_test_assert_exit (channel, 0, SIGKILL);
  g_assert_false (ferry_test_get_number (ferry_channel_get_exit (channel), "forced"));
  for (guint i = 0; i < N_TEXTS; i++)
    {
      g_autoptr (GVariant) expected = g_variant_ref_sink (new_text (i));
      g_autoptr (GVariant) value = NULL;
      g_autoptr (GError) error = NULL;

      ferry_channel_receive (channel, PATIENCE, NULL, &value, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpvariant (value, expected);
    }
  create_test_assert_bad_end (channel, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
}

static void
send_and_leave (FerryChannel *channel, gpointer data)
{
  for (guint32 i = 0; i < 2 * FERRY_CHANNEL_WINDOW; i++)
    ferry_channel_send_async (channel, new_large (i), NULL, NULL, NULL);
  ferry_channel_exit (channel, 3);
}

static void
exit_waits_for_what_was_sent (void)
{
  g_autoptr (CreateTest) test = create_test_new ();
  g_autoptr (FerryChannel) channel = create_test_start (send_and_leave, NULL);

  for (guint32 i = 0; i < 2 * FERRY_CHANNEL_WINDOW; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) value = NULL;

      ferry_channel_receive (channel, PATIENCE, NULL, &value, NULL, &error);
      g_assert_no_error (error);
      g_assert_nonnull (value);
      g_assert_cmpuint (read_large (value), ==, i);
    }
  create_test_assert_good_end (channel);
  create_test_assert_exit (channel, 3, 0);
}

static void
send_much_before_taking (FerryChannel *channel, gpointer data)
{
  for (guint32 i = 0; i < FERRY_CHANNEL_WINDOW; i++)
    g_assert_true (ferry_channel_send (channel, new_large (i), -1, NULL, NULL));
  for (guint32 i = 0; i < FERRY_CHANNEL_WINDOW; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) value = NULL;

      ferry_channel_receive (channel, PATIENCE, NULL, &value, NULL, &error);
      g_assert_no_error (error);
      g_assert_nonnull (value);
      g_assert_cmpuint (read_large (value), ==, i);
    }
}

static void
two_that_send_much_do_not_wait_for_each_other (void)
{
  g_autoptr (CreateTest) test = create_test_new ();
  g_autoptr (FerryChannel) channel = create_test_start (send_much_before_taking, NULL);

  send_much_before_taking (channel, NULL);
  create_test_assert_good_end (channel);
  create_test_assert_exit (channel, 0, 0);
}

static void
take_nothing_until_told (FerryChannel *channel, gpointer data)
{
  int *told = data;
  char byte;

  close (told[1]);
  while (read (told[0], &byte, 1) < 0 && errno == EINTR)
    ;
  for (guint i = 0; i <= FERRY_CHANNEL_WINDOW; i++)
    g_assert_cmpuint (create_test_take (channel), ==, i);
}

static void
sender_waits_while_nothing_is_taken (void)
{
  g_autoptr (CreateTest) test = create_test_new ();
  g_autoptr (FerryChannel) channel = NULL;
  g_autoptr (GError) error = NULL;
  int told[2];

  g_assert_cmpint (pipe (told), ==, 0);
  channel = create_test_start (take_nothing_until_told, told);
  close (told[0]);
  for (guint i = 0; i < FERRY_CHANNEL_WINDOW; i++)
    create_test_send (channel, i);
  g_assert_false (ferry_test_get_number (channel, "writable"));
  g_assert_false (ferry_channel_send (channel, g_variant_new_uint32 (0), 0, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK);
  g_clear_error (&error);
  g_assert_false (ferry_channel_send (channel, g_variant_new_uint32 (0), 1000, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  close (told[1]);
  create_test_send (channel, FERRY_CHANNEL_WINDOW);
  create_test_assert_good_end (channel);
}

/* ---- in the main loop ---- */

typedef struct
{
  guint n;
  gboolean done;
} Heard;

static void
received_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  FerryChannel *channel = FERRY_CHANNEL (source);
  Heard *heard = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = NULL;

  g_assert_true (ferry_channel_receive_finish (channel, result, &value, NULL, &error));
  g_assert_no_error (error);
  heard->done = value == NULL;
  if (value == NULL)
    return;
  g_assert_cmpuint (g_variant_get_uint32 (value), ==, heard->n++);
  ferry_channel_receive_async (channel, NULL, received_cb, heard);
}

static void
count_to_hundred (FerryChannel *channel, gpointer data)
{
  for (guint i = 0; i < 100; i++)
    create_test_send (channel, i);
}

static void
message_cb (FerryChannel *channel, GVariant *value, const GError *failure, gpointer data)
{
  g_assert_cmpuint (g_variant_get_uint32 (value), ==, ((Heard *) data)->n++);
}

static void
closed_cb (FerryChannel *channel, GParamSpec *pspec, gpointer data)
{
  ((Heard *) data)->done = TRUE;
}

static void
messages_go_to_handlers_while_the_main_loop_runs (void)
{
  g_autoptr (CreateTest) test = create_test_new ();
  g_autoptr (FerryChannel) channel = create_test_start (count_to_hundred, NULL);
  Heard heard = {0};

  g_signal_connect (channel, "message", G_CALLBACK (message_cb), &heard);
  g_signal_connect (channel, "notify::closed", G_CALLBACK (closed_cb), &heard);
  g_object_set (channel, "flowing", TRUE, NULL);
  ferry_test_wait_flag (&heard.done);
  g_assert_cmpuint (heard.n, ==, 100);
}

/* GLib starts a thread for its tasks: so tests that use them have a process of their own. Returns FALSE in it. */
static gboolean
run_apart (void)
{
  if (g_test_subprocess ())
    return FALSE;
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
  return TRUE;
}

static void
messages_come_in_the_asynchronous_form (void)
{
  g_autoptr (FerryChannel) channel = NULL;
  Heard heard = {0};

  if (run_apart ())
    return;
  channel = create_test_start (count_to_hundred, NULL);
  ferry_channel_receive_async (channel, NULL, received_cb, &heard);
  ferry_test_wait_flag (&heard.done);
  g_assert_cmpuint (heard.n, ==, 100);
  create_test_assert_exit (channel, 0, 0);
}

static void
waiting_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  FerryChannel *channel = FERRY_CHANNEL (source);
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_channel_receive_finish (channel, result, &value, NULL, &error));
  g_clear_pointer (&value, g_variant_unref);
  g_assert_false (ferry_channel_receive (channel, PATIENCE, NULL, &value, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BUSY);
  g_clear_error (&error);
  g_assert_null (ferry_channel_wait (channel, PATIENCE, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BUSY);
  g_clear_error (&error);
  g_assert_null (ferry_channel_create (&error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BUSY);
  *(gboolean *) data = TRUE;
}

static void
say_one (FerryChannel *channel, gpointer data)
{
  create_test_take (channel);
  create_test_send (channel, 1);
}

static void
callback_of_what_came_cannot_wait_for_more (void)
{
  g_autoptr (FerryChannel) channel = NULL;
  gboolean called = FALSE;

  if (run_apart ())
    return;
  channel = create_test_start (say_one, NULL);
  ferry_channel_receive_async (channel, NULL, waiting_cb, &called);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  create_test_send (channel, 0);
  ferry_test_wait_flag (&called);
}

static void
count_fork (gpointer n_forks)
{
  ++*(guint32 *) n_forks;
}

static void
say_n_forks (FerryChannel *channel, gpointer n_forks)
{
  create_test_send (channel, *(guint32 *) n_forks);
}

/* Each child calls them once, before it is told that it is the child. */
static void
fork_handlers_run_in_the_child (void)
{
  static guint32 n_forks; /* the handler stays */
  g_autoptr (CreateTest) test = create_test_new ();

  ferry_worker_add_fork_handler (count_fork, &n_forks, NULL);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (FerryChannel) channel = create_test_start (say_n_forks, &n_forks);

      g_assert_cmpuint (create_test_take (channel), ==, 1);
      create_test_assert_good_end (channel);
    }
  g_assert_cmpuint (n_forks, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/channel-create/messages-go-both-ways-in-order", messages_go_both_ways_in_order);
  g_test_add_func ("/channel-create/acknowledged-messages-were-taken", acknowledged_messages_were_taken);
  g_test_add_func ("/channel-create/message-that-a-child-leaves-is-not-acknowledged",
                   message_that_a_child_leaves_is_not_acknowledged);
  g_test_add_func ("/channel-create/error-as-a-value-is-not-raised", error_as_a_value_is_not_raised);
  g_test_add_func ("/channel-create/child-killed-while-it-sends-loses-nothing-that-was-sent",
                   child_killed_while_it_sends_loses_nothing_that_was_sent);
  g_test_add_func ("/channel-create/what-a-dead-child-had-sent-comes-before-its-end",
                   what_a_dead_child_had_sent_comes_before_its_end);
  g_test_add_func ("/channel-create/exit-waits-for-what-was-sent", exit_waits_for_what_was_sent);
  g_test_add_func ("/channel-create/two-that-send-much-do-not-wait-for-each-other",
                   two_that_send_much_do_not_wait_for_each_other);
  g_test_add_func ("/channel-create/sender-waits-while-nothing-is-taken", sender_waits_while_nothing_is_taken);
  g_test_add_func ("/channel-create/messages-go-to-handlers-while-the-main-loop-runs",
                   messages_go_to_handlers_while_the_main_loop_runs);
  g_test_add_func ("/channel-create/fork-handlers-run-in-the-child", fork_handlers_run_in_the_child);
  /* From here on this process has a thread. */
  g_test_add_func ("/channel-create/messages-come-in-the-asynchronous-form", messages_come_in_the_asynchronous_form);
  g_test_add_func ("/channel-create/callback-of-what-came-cannot-wait-for-more",
                   callback_of_what_came_cannot_wait_for_more);
  return g_test_run ();
}
