/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: classic/ferry-exchange.c
 *
 * Exchanges of channels with real workers: tests/conversation/channel-test.h says what those do. */

#include "config.h"

#include <ferry-classic.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#include "conversation/channel-test.h"

#define PATIENCE (FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC)

/* What came over an exchange. */
typedef struct
{
  FerryExchange *exchange; /* (owned) */
  guint n_values;
  guint n_failures;
  guint n_errors;
  guint64 sum;
  guint most_running; /* at a time */
  int last_code;      /* of an error */
  gboolean finished;
  GPtrArray *functions; /* (owned) (element-type utf8): of channels that ended badly */
} Heard;

static void
take_data (FerryExchange *exchange, FerryChannel *channel, GVariant *value, GError *failure, GError *error,
           gpointer data)
{
  Heard *heard = data;
  char *function;

  g_assert_cmpuint ((value != NULL) + (failure != NULL) + (error != NULL), ==, 1);
  heard->n_values += value != NULL;
  heard->n_failures += failure != NULL;
  heard->n_errors += error != NULL;
  if (value != NULL)
    heard->sum += g_variant_get_uint32 (value);
  if (error == NULL)
    return;
  heard->last_code = error->code;
  g_object_get (channel, "function", &function, NULL);
  g_ptr_array_add (heard->functions, function);
}

static guint
count_running (FerryExchange *exchange)
{
  GListModel *active = ferry_exchange_get_active (exchange);
  guint n = 0;

  for (guint i = 0; i < g_list_model_get_n_items (active); i++)
    {
      g_autoptr (FerryChannel) channel = g_list_model_get_item (active, i);

      n += ferry_channel_get_exit (channel) == NULL;
    }
  return n;
}

static void
note_running (GListModel *active, guint position, guint removed, guint added, gpointer data)
{
  Heard *heard = data;

  heard->most_running = MAX (heard->most_running, count_running (heard->exchange));
}

static Heard *
heard_new (ChannelTest *test)
{
  Heard *heard = g_new0 (Heard, 1);

  heard->exchange = ferry_exchange_new (test->router, test->launcher);
  heard->functions = g_ptr_array_new_with_free_func (g_free);
  g_signal_connect (heard->exchange, "data", G_CALLBACK (take_data), heard);
  g_signal_connect (ferry_exchange_get_active (heard->exchange), "items-changed", G_CALLBACK (note_running), heard);
  return heard;
}

static void
heard_free (Heard *heard)
{
  g_signal_handlers_disconnect_by_data (ferry_exchange_get_active (heard->exchange), heard);
  g_assert_finalize_object (heard->exchange);
  g_ptr_array_unref (heard->functions);
  g_free (heard);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Heard, heard_free)

static void
start (Heard *heard, const char *function, GVariant *arguments)
{
  g_autoptr (GError) error = NULL;

  ferry_exchange_start (heard->exchange, function, arguments, &error);
  g_assert_no_error (error);
}

static void
finish (Heard *heard)
{
  g_autoptr (GError) error = NULL;

  ferry_exchange_finish (heard->exchange, PATIENCE, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (ferry_test_get_number (heard->exchange, "n-active"), ==, 0);
  g_assert_cmpuint (ferry_test_get_number (heard->exchange, "n-waiting"), ==, 0);
}

static void
squares_come_from_all_workers (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (Heard) heard = heard_new (test);

  for (guint i = 0; i < 10; i++)
    start (heard, "square", g_variant_new_uint32 (i));
  g_assert_cmpuint (ferry_test_get_number (heard->exchange, "n-active"), ==, 10);
  finish (heard);
  g_assert_cmpuint (heard->n_values, ==, 10);
  g_assert_cmpuint (heard->n_errors, ==, 0);
  g_assert_cmpuint (heard->sum, ==, 285);
}

static void
limit_is_never_exceeded (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (Heard) heard = heard_new (test);

  g_object_set (heard->exchange, "limit", 3, NULL);
  for (guint i = 0; i < 100; i++)
    start (heard, "square", g_variant_new_uint32 (i));
  g_assert_cmpuint (ferry_test_get_number (heard->exchange, "n-active"), ==, 3);
  g_assert_cmpuint (ferry_test_get_number (heard->exchange, "n-waiting"), ==, 97);
  finish (heard);
  g_assert_cmpuint (heard->n_values, ==, 100);
  g_assert_cmpuint (heard->sum, ==, 328350);
  g_assert_cmpuint (heard->most_running, ==, 3);
}

static void
set_flag (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_exchange_finish_finish (FERRY_EXCHANGE (source), result, &error));
  g_assert_no_error (error);
  *(gboolean *) data = TRUE;
}

static void
raising_worker_does_not_end_the_others (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (Heard) heard = heard_new (test);

  start (heard, "count", g_variant_new_uint32 (500));
  start (heard, "count-and", g_variant_new ("(us)", 10, "raise"));
  start (heard, "no-such-function", NULL);
  start (heard, "count-and", g_variant_new ("(us)", 10, "kill"));
  start (heard, "mixed", NULL);
  start (heard, "count", g_variant_new_uint32 (500));
  ferry_exchange_finish_async (heard->exchange, NULL, set_flag, &heard->finished);
  ferry_test_wait_flag (&heard->finished);
  g_assert_cmpuint (heard->n_values, ==, 1022);
  g_assert_cmpuint (heard->n_failures, ==, 1);
  g_assert_cmpuint (heard->n_errors, ==, 4);
}

/* One worker hangs, and takes one of two places; the others go through the other one. */
static void
slow_workers_do_not_hold_back_fast_ones (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (Heard) heard = heard_new (test);
  g_autoptr (FerryChannel) slow = NULL;
  g_autoptr (GError) error = NULL;

  g_object_set (heard->exchange, "limit", 2, NULL);
  start (heard, "count-and", g_variant_new ("(us)", 1, "hang"));
  slow = g_list_model_get_item (ferry_exchange_get_active (heard->exchange), 0);
  for (guint i = 0; i < 20; i++)
    start (heard, "count", g_variant_new_uint32 (100));
  g_object_set (heard->exchange, "flowing", TRUE, NULL);
  while (heard->n_values < 2001)
    g_main_context_iteration (NULL, TRUE);
  g_assert_null (ferry_channel_get_exit (slow));
  ferry_worker_force_exit (ferry_test_get_object (slow, "worker"));
  finish (heard);
  g_assert_cmpuint (heard->n_errors, ==, 1);
  g_assert_cmpint (heard->last_code, ==, FERRY_ERROR_WORKER_LOST);
  /* It was removed, and its record is still known. */
  g_assert_cmpint (ferry_exit_get_signal (ferry_channel_get_exit (slow)), ==, SIGKILL);
}

static void
ready_tells_who_has_news (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (Heard) heard = heard_new (test);
  g_autoptr (GError) error = NULL;
  guint n_taken = 0;
  guint n_ends = 0;

  g_assert_cmpuint (ferry_test_get_number (heard->exchange, "n-active"), ==, 0);
  for (guint i = 0; i < 5; i++)
    start (heard, "count-and", g_variant_new ("(us)", 50, i % 2 == 0 ? "raise" : "kill"));
  for (;;)
    {
      g_autoptr (GPtrArray) ready = ferry_exchange_ready (heard->exchange, PATIENCE, &error);

      g_assert_no_error (error);
      if (ready->len == 0)
        break;
      for (guint i = 0; i < ready->len; i++)
        {
          g_autoptr (GVariant) value = NULL;

          if (ferry_channel_receive (g_ptr_array_index (ready, i), 0, NULL, &value, NULL, NULL))
            n_taken++;
          else
            n_ends++;
        }
    }
  g_assert_cmpuint (n_taken, ==, 250);
  g_assert_cmpuint (n_ends, ==, 5);
  g_assert_cmpuint (heard->n_values, ==, 0);
  g_assert_cmpuint (ferry_test_get_number (heard->exchange, "n-active"), ==, 0);
}

static void
note_ready (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) ready = ferry_exchange_ready_finish (FERRY_EXCHANGE (source), result, &error);

  if (error != NULL)
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  else
    g_assert_cmpuint (ready->len, ==, 1);
  *(gboolean *) data = TRUE;
}

static void
ready_is_told_without_blocking (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (Heard) heard = heard_new (test);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  gboolean told = FALSE;

  start (heard, "echo", NULL);
  g_assert_null (ferry_exchange_ready (heard->exchange, 1000, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  ferry_exchange_ready_async (heard->exchange, cancellable, note_ready, &told);
  g_cancellable_cancel (cancellable);
  ferry_test_wait_flag (&told);
  told = FALSE;
  ferry_exchange_ready_async (heard->exchange, NULL, note_ready, &told);
  {
    g_autoptr (FerryChannel) channel = g_list_model_get_item (ferry_exchange_get_active (heard->exchange), 0);

    channel_test_send (channel, 7);
    ferry_test_wait_flag (&told);
    channel_test_assert_next (channel, 7);
    ferry_channel_close (channel);
  }
  finish (heard);
}

static void
note_added (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  if (ferry_exchange_add_wait_finish (FERRY_EXCHANGE (source), result, &error))
    *(guint *) data += 1;
  else
    *(guint *) data += 100;
}

static gboolean
two_are_answered (gpointer data)
{
  return *(guint *) data == 101;
}

static void
channels_wait_for_their_turn (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (Heard) heard = heard_new (test);
  g_autoptr (FerryChannel) first = channel_test_start (test, "echo", NULL);
  g_autoptr (FerryChannel) second = channel_test_start (test, "square", g_variant_new_uint32 (5));
  g_autoptr (FerryChannel) third = channel_test_start (test, "square", g_variant_new_uint32 (6));
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  guint n_added = 0;

  g_object_set (heard->exchange, "limit", 1, NULL);
  ferry_exchange_add (heard->exchange, first);
  g_assert_false (ferry_exchange_add_wait (heard->exchange, second, 1000, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  ferry_exchange_add_wait_async (heard->exchange, second, NULL, note_added, &n_added);
  ferry_exchange_add_wait_async (heard->exchange, third, cancellable, note_added, &n_added);
  g_assert_cmpuint (ferry_test_get_number (heard->exchange, "n-waiting"), ==, 2);
  g_cancellable_cancel (cancellable);
  ferry_channel_close (first);
  g_object_set (heard->exchange, "flowing", TRUE, NULL);
  ferry_test_run_until (two_are_answered, &n_added);
  finish (heard);
  g_assert_cmpuint (heard->sum, ==, 25);
  channel_test_assert_next (third, 36);
}

static void
cancel_and_iterate (FerryExchange *exchange, GParamSpec *pspec, gpointer cancellable)
{
  if (ferry_test_get_number (exchange, "n-waiting") > 0)
    return;
  g_cancellable_cancel (cancellable);
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static void
turn_that_has_come_is_not_taken_back (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (Heard) heard = heard_new (test);
  g_autoptr (FerryChannel) first = channel_test_start (test, "echo", NULL);
  g_autoptr (FerryChannel) second = channel_test_start (test, "square", g_variant_new_uint32 (5));
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  guint n_added = 0;

  /* The place of what is removed is free at once. */
  g_object_set (heard->exchange, "autoclose", FALSE, NULL);
  g_object_set (heard->exchange, "limit", 1, NULL);
  ferry_exchange_add (heard->exchange, first);
  ferry_exchange_add_wait_async (heard->exchange, second, cancellable, note_added, &n_added);
  g_signal_connect (heard->exchange, "notify::n-waiting", G_CALLBACK (cancel_and_iterate), cancellable);
  ferry_exchange_remove (heard->exchange, first);
  g_assert_cmpuint (ferry_test_get_number (heard->exchange, "n-active"), ==, 1);
  g_object_set (heard->exchange, "flowing", TRUE, NULL);
  finish (heard);
  g_assert_cmpuint (heard->sum, ==, 25);
  g_assert_cmpuint (n_added, ==, 1);
}

static void
remove_it (FerryExchange *exchange, FerryChannel *channel, GVariant *value, GError *failure, GError *error,
           gpointer data)
{
  if (value != NULL && g_variant_get_uint32 (value) == 100)
    g_assert_true (ferry_exchange_remove (exchange, channel));
}

/* What comes after it belongs to the owner of the channel. */
static void
channel_is_removed_while_data_comes (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (Heard) heard = heard_new (test);
  g_autoptr (FerryChannel) channel = NULL;

  /* Else finish() waits for the process, which waits until its messages are taken. */
  g_object_set (heard->exchange, "autoclose", FALSE, NULL);
  g_signal_connect (heard->exchange, "data", G_CALLBACK (remove_it), NULL);
  start (heard, "count", g_variant_new_uint32 (300));
  channel = g_list_model_get_item (ferry_exchange_get_active (heard->exchange), 0);
  finish (heard);
  g_assert_cmpuint (heard->n_values, ==, 101);
  for (guint i = 101; i < 300; i++)
    channel_test_assert_next (channel, i);
  channel_test_assert_good_end (channel);
  channel_test_assert_exit (channel, 0, 0);
  g_assert_false (ferry_exchange_remove (heard->exchange, channel));
}

/* A program that looks again and again, without waiting, and does nothing else with the main context. */
static void
looking_finds_what_came (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (Heard) heard = heard_new (test);
  g_autoptr (FerryChannel) channel = NULL;
  g_autoptr (GPtrArray) ready = NULL;
  g_autoptr (GError) error = NULL;

  start (heard, "echo", NULL);
  channel = g_list_model_get_item (ferry_exchange_get_active (heard->exchange), 0);
  ready = ferry_exchange_ready (heard->exchange, 0, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (ready->len, ==, 0);
  channel_test_send (channel, 7);
  do
    {
      g_clear_pointer (&ready, g_ptr_array_unref);
      ready = ferry_exchange_ready (heard->exchange, 0, &error);
      g_assert_no_error (error);
    }
  while (ready->len == 0);
  g_assert_true (ready->pdata[0] == channel);
  g_assert_nonnull (ferry_channel_get_identifier (channel));
  channel_test_assert_next (channel, 7);
  ferry_channel_close (channel);
  finish (heard);
}

/* Whether this end of a channel was closed: nothing can be sent any more. */
static gboolean
is_closed_here (FerryChannel *channel)
{
  g_autoptr (GError) error = NULL;

  if (ferry_channel_send (channel, g_variant_new_uint32 (1), 0, NULL, &error))
    return FALSE;
  return strstr (error->message, "was closed at this end") != NULL;
}

/* How a channel leaves with autoclose, and without. */
static void
channels_leave_when_they_hung_up (gconstpointer data)
{
  gboolean autoclose = GPOINTER_TO_INT (data);
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (Heard) heard = heard_new (test);
  g_autoptr (GPtrArray) channels = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GError) error = NULL;

  g_object_set (heard->exchange, "autoclose", autoclose, NULL);
  g_object_set (heard->exchange, "limit", 2, NULL);
  for (guint i = 0; i < 6; i++)
    {
      start (heard, "square", g_variant_new_uint32 (i));
      if (i < 2)
        g_ptr_array_add (channels, g_list_model_get_item (ferry_exchange_get_active (heard->exchange), i));
    }
  g_assert_true (ferry_exchange_finish (heard->exchange, PATIENCE, &error));
  g_assert_cmpuint (ferry_test_get_number (heard->exchange, "n-active"), ==, 0);
  g_assert_cmpuint (heard->most_running, ==, 2);
  g_assert_cmpuint (heard->sum, ==, 55);
  for (guint i = 0; i < 2; i++)
    g_assert_true (ferry_exit_is_success (ferry_channel_get_exit (channels->pdata[i])));
}

/* More than enough for one worker to end in the time for which it is waited. */
#define N_REMOVALS 20

/* "echo" runs until its channel is closed, and then ends by itself. */
static void
removed_channel_is_closed_and_waited_for (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (Heard) heard = heard_new (test);
  gboolean has_ended = FALSE;

  for (guint i = 0; i < N_REMOVALS && !has_ended; i++)
    {
      g_autoptr (FerryChannel) removed = NULL;

      start (heard, "echo", NULL);
      removed = g_list_model_get_item (ferry_exchange_get_active (heard->exchange), 0);
      g_assert_true (ferry_exchange_remove (heard->exchange, removed));
      has_ended = ferry_channel_get_exit (removed) != NULL;
    }
  g_assert_true (has_ended);
  finish (heard);
}

typedef struct
{
  FerryExchange *exchange;
  FerryChannel *removed;
  gboolean done;
} Removal;

static gboolean
remove_cb (gpointer data)
{
  Removal *self = data;

  g_assert_true (ferry_exchange_remove (self->exchange, self->removed));
  g_assert_true (is_closed_here (self->removed));
  /* Its process still runs, and so the limit is reached. */
  g_assert_null (ferry_channel_get_exit (self->removed));
  g_assert_cmpuint (ferry_test_get_number (self->exchange, "n-active"), ==, 0);
  g_assert_cmpuint (ferry_test_get_number (self->exchange, "n-waiting"), ==, 1);
  self->done = TRUE;
  return G_SOURCE_REMOVE;
}

/* In a callback, the exchange waits for the worker, and not the removal. */
static void
removal_in_a_callback_does_not_wait (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (Heard) heard = heard_new (test);
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryChannel) removed = NULL;
  Removal removal = {.exchange = heard->exchange};

  g_object_set (heard->exchange, "limit", 1, NULL);
  start (heard, "echo", NULL);
  start (heard, "square", g_variant_new_uint32 (3));
  removed = g_list_model_get_item (ferry_exchange_get_active (heard->exchange), 0);
  removal.removed = removed;
  g_idle_add (remove_cb, &removal);
  ferry_test_wait_flag (&removal.done);
  g_assert_true (ferry_exchange_finish (heard->exchange, PATIENCE, &error));
  g_assert_cmpuint (heard->sum, ==, 9);
  channel_test_assert_exit (removed, 0, 0);
}

static void
removed_channel_stays_open_without_autoclose (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (Heard) heard = heard_new (test);
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryChannel) kept = NULL;

  g_object_set (heard->exchange, "autoclose", FALSE, NULL);
  start (heard, "echo", NULL);
  kept = g_list_model_get_item (ferry_exchange_get_active (heard->exchange), 0);
  g_assert_true (ferry_exchange_remove (heard->exchange, kept));
  channel_test_send (kept, 5);
  channel_test_assert_next (kept, 5);
  g_assert_true (ferry_exchange_finish (heard->exchange, 0, &error));
  ferry_channel_close (kept);
  channel_test_assert_good_end (kept);
}

static void
dropped_exchange_ends_its_workers (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (Heard) heard = heard_new (test);

  g_object_set (heard->exchange, "limit", 2, NULL);
  for (guint i = 0; i < 5; i++)
    start (heard, "greedy", NULL);
  g_object_set (heard->exchange, "flowing", TRUE, NULL);
  while (heard->n_values < 500)
    g_main_context_iteration (NULL, TRUE);
}

static void
waiting_for_all_leaves_other_children_alone (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (Heard) heard = heard_new (test);
  g_autoptr (GError) error = NULL;
  char name[] = "true";
  char *argv[] = {name, NULL};
  pid_t child;
  int status = 0;

  g_assert_cmpint (posix_spawnp (&child, name, NULL, NULL, argv, NULL), ==, 0);
  g_object_set (heard->exchange, "flowing", TRUE, NULL);
  for (guint i = 0; i < 5; i++)
    start (heard, "square", g_variant_new_uint32 (i));
  ferry_wait_all (test->router, PATIENCE, &error);
  g_assert_no_error (error);
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);
  finish (heard);
  g_assert_cmpuint (heard->sum, ==, 30);
}

int
main (int argc, char **argv)
{
  channel_test_init (&argc, &argv);
  g_test_add_func ("/exchange/squares-come-from-all-workers", squares_come_from_all_workers);
  g_test_add_func ("/exchange/limit-is-never-exceeded", limit_is_never_exceeded);
  g_test_add_func ("/exchange/raising-worker-does-not-end-the-others", raising_worker_does_not_end_the_others);
  g_test_add_func ("/exchange/slow-workers-do-not-hold-back-fast-ones", slow_workers_do_not_hold_back_fast_ones);
  g_test_add_func ("/exchange/ready-tells-who-has-news", ready_tells_who_has_news);
  g_test_add_func ("/exchange/ready-is-told-without-blocking", ready_is_told_without_blocking);
  g_test_add_func ("/exchange/channels-wait-for-their-turn", channels_wait_for_their_turn);
  g_test_add_func ("/exchange/turn-that-has-come-is-not-taken-back", turn_that_has_come_is_not_taken_back);
  g_test_add_func ("/exchange/channel-is-removed-while-data-comes", channel_is_removed_while_data_comes);
  g_test_add_data_func ("/exchange/channels-leave-when-they-hung-up", GINT_TO_POINTER (TRUE),
                        channels_leave_when_they_hung_up);
  g_test_add_data_func ("/exchange/channels-leave-without-autoclose-too", GINT_TO_POINTER (FALSE),
                        channels_leave_when_they_hung_up);
  g_test_add_func ("/exchange/removed-channel-is-closed-and-waited-for", removed_channel_is_closed_and_waited_for);
  g_test_add_func ("/exchange/removal-in-a-callback-does-not-wait", removal_in_a_callback_does_not_wait);
  g_test_add_func ("/exchange/removed-channel-stays-open-without-autoclose",
                   removed_channel_stays_open_without_autoclose);
  g_test_add_func ("/exchange/looking-finds-what-came", looking_finds_what_came);
  g_test_add_func ("/exchange/dropped-exchange-ends-its-workers", dropped_exchange_ends_its_workers);
  g_test_add_func ("/exchange/waiting-for-all-leaves-other-children-alone",
                   waiting_for_all_leaves_other_children_alone);
  return g_test_run ();
}
