/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: link/ferry-uplink.c, engine/ferry-drain.c
 *
 * Workers that flood are killed at random moments. For each of their threads, what arrived is what was acknowledged,
 * or one message more: the kill prevented its acknowledgement; whole, once and in order. */

#include "config.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "process/worker-test.h"

#define N_AT_A_TIME 8
#define MAX_THREADS 3

/* Half of the kills come after a random number of messages, half after a random time from the launch. */
#define MAX_KILL_MESSAGES 20000
#define MAX_KILL_MICROSECONDS 20000

typedef struct
{
  guint kills; /* each night; each time a quarter of them */
  guint threads;
  gsize size;
  guint64 max_messages;
} Plan;

typedef struct
{
  const Plan *plan;
  guint kills;
  FerryRouter *router;
  guint n_started;
  guint n_finished;
  guint64 n_messages;
  guint n_unacknowledged; /* messages that arrived although the kill came before their acknowledgement */
} Massacre;

/* A worker, from its start to its end. */
typedef struct
{
  Massacre *massacre;
  FerryWorker *worker;
  FerrySender *sender;
  FerryReceiver *receiver;
  _Atomic guint64 *acknowledged;
  guint64 arrived[MAX_THREADS];
  guint64 n_messages;
  guint64 kill_at; /* how many messages; 0 for a time */
  GSource *timer;  /* (owned) (nullable) */
  guint n_closed;
} Victim;

static void victim_new (Massacre *massacre);

/* The message's number must be the next one of its thread, and its bytes those that were sent. */
static void
message_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  Victim *victim = user_data;
  const guint8 *bytes = data;
  guint64 head[2];

  g_assert_cmpuint (victim->n_closed, ==, 0);
  g_assert_cmpuint (size, ==, victim->massacre->plan->size);
  memcpy (head, data, sizeof head);
  g_assert_cmpuint (head[0], <, victim->massacre->plan->threads);
  g_assert_cmpuint (head[1], ==, victim->arrived[head[0]]);
  if (size > sizeof head)
    {
      g_assert_cmpuint (bytes[16], ==, (guint8) head[1]);
      g_assert_cmpint (memcmp (bytes + 16, bytes + 17, size - 17), ==, 0);
    }
  victim->arrived[head[0]]++;
  victim->n_messages++;
  if (victim->n_messages == victim->kill_at)
    ferry_worker_send_signal (victim->worker, SIGKILL);
}

static void
closed_cb (FerryReceiver *receiver, FerryExit *exit, gpointer user_data)
{
  ((Victim *) user_data)->n_closed++;
}

static gboolean
timer_cb (gpointer user_data)
{
  Victim *victim = user_data;

  ferry_worker_send_signal (victim->worker, SIGKILL);
  return G_SOURCE_REMOVE;
}

static void
victim_free (Victim *victim)
{
  if (victim->timer != NULL)
    g_source_destroy (victim->timer);
  g_clear_pointer (&victim->timer, g_source_unref);
  ferry_receiver_set_handler (victim->receiver, NULL, NULL, NULL);
  g_signal_handlers_disconnect_by_data (victim->worker, victim);
  munmap ((void *) victim->acknowledged, MAX_THREADS * sizeof *victim->acknowledged);
  g_object_unref (victim->worker);
  g_object_unref (victim->sender);
  g_object_unref (victim->receiver);
  g_free (victim);
}

/* The account is settled, and the next one starts. */
static void
ended_cb (FerryWorker *worker, FerryExit *exit, gpointer user_data)
{
  Victim *victim = user_data;
  Massacre *massacre = victim->massacre;

  if (ferry_exit_get_reason (exit) != FERRY_CLOSE_REASON_KILLED || ferry_exit_get_signal (exit) != SIGKILL)
    g_error ("%s", ferry_exit_get_message (exit));
  g_assert_cmpuint (victim->n_closed, ==, 1);
  for (guint i = 0; i < massacre->plan->threads; i++)
    {
      guint64 acknowledged = atomic_load (&victim->acknowledged[i]);

      g_assert_cmpuint (victim->arrived[i], >=, acknowledged);
      g_assert_cmpuint (victim->arrived[i], <=, acknowledged + 1);
      massacre->n_unacknowledged += victim->arrived[i] != acknowledged;
    }
  massacre->n_messages += victim->n_messages;
  massacre->n_finished++;
  victim_free (victim);
  if (massacre->n_started < massacre->kills)
    victim_new (massacre);
}

static void
victim_choose_death (Victim *victim)
{
  if (g_test_rand_bit ())
    {
      victim->kill_at = (guint64) g_test_rand_int_range (1, (gint32) victim->massacre->plan->max_messages);
      return;
    }
  victim->timer = g_timeout_source_new (0);
  g_source_set_ready_time (victim->timer, g_get_monotonic_time () + g_test_rand_int_range (0, MAX_KILL_MICROSECONDS));
  g_source_set_callback (victim->timer, timer_cb, victim, NULL);
  g_source_attach (victim->timer, NULL);
}

static void
victim_new (Massacre *massacre)
{
  g_autofree char *threads = g_strdup_printf ("%u", massacre->plan->threads);
  g_autofree char *size = g_strdup_printf ("%" G_GSIZE_FORMAT, massacre->plan->size);
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new ("counting-worker", threads, size, NULL);
  Victim *victim = g_new0 (Victim, 1);
  gsize memory_size = MAX_THREADS * sizeof *victim->acknowledged;
  int memory = memfd_create ("acknowledged", MFD_CLOEXEC);
  g_autoptr (GError) error = NULL;

  g_assert_no_errno (ftruncate (memory, (off_t) memory_size));
  victim->acknowledged = mmap (NULL, memory_size, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
  ferry_launcher_take_stream_fd (launcher, FERRY_STREAM_STDIN, memory);
  victim->massacre = massacre;
  ferry_router_pipe (massacre->router, FERRY_PIPE_QUEUED, &victim->sender, &victim->receiver, &error);
  g_assert_no_error (error);
  ferry_receiver_set_handler (victim->receiver, message_cb, victim, NULL);
  g_signal_connect (victim->receiver, "closed", G_CALLBACK (closed_cb), victim);
  ferry_launcher_add_sender (launcher, "out", victim->sender, &error);
  g_assert_no_error (error);
  victim->worker = worker_test_spawn (launcher, massacre->router);
  g_signal_connect (victim->worker, "ended", G_CALLBACK (ended_cb), victim);
  victim_choose_death (victim);
  massacre->n_started++;
}

static gboolean
is_over (gpointer data)
{
  Massacre *massacre = data;

  return massacre->n_finished == massacre->kills;
}

/* Runs until some more are finished, so that the time that a test may wait is for these and not for all. */
static gboolean
has_gone_on (gpointer data)
{
  Massacre *massacre = data;

  return is_over (massacre) || massacre->n_finished % 100 == 99;
}

static void
test_keeps_what_was_acknowledged (gconstpointer data)
{
  const Plan *plan = data;
  Massacre massacre = {.plan = plan, .kills = ferry_test_times (plan->kills / 4, plan->kills)};
  guint before;

  g_main_context_default ();
  before = ferry_test_count_fds ();
  massacre.router = ferry_test_router_new ();
  for (guint i = 0; i < N_AT_A_TIME; i++)
    victim_new (&massacre);
  while (!is_over (&massacre))
    {
      ferry_test_run_until (has_gone_on, &massacre);
      g_main_context_iteration (NULL, FALSE);
    }
  g_test_message ("%u killed, %" G_GUINT64_FORMAT " messages, %u of them not acknowledged", massacre.n_finished,
                  massacre.n_messages, massacre.n_unacknowledged);
  g_assert_cmpuint (massacre.n_messages, >, massacre.kills);
  ferry_test_router_stop (massacre.router);
  g_assert_cmpuint (ferry_test_count_fds (), ==, before);
}

static const Plan one_thread = {1000, 1, 64, MAX_KILL_MESSAGES};
static const Plan three_threads = {200, 3, 64, MAX_KILL_MESSAGES};
static const Plan pieces = {100, 1, 200 * 1000, 200};
static const Plan pieces_of_three_threads = {100, 3, 100 * 1000, 200};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_data_func ("/kills/keep-what-was-acknowledged", &one_thread, test_keeps_what_was_acknowledged);
  g_test_add_data_func ("/kills/keep-what-each-thread-had-acknowledged", &three_threads,
                        test_keeps_what_was_acknowledged);
  g_test_add_data_func ("/kills/keep-messages-in-pieces-whole", &pieces, test_keeps_what_was_acknowledged);
  g_test_add_data_func ("/kills/keep-messages-in-pieces-of-threads-whole", &pieces_of_three_threads,
                        test_keeps_what_was_acknowledged);
  return g_test_run ();
}
