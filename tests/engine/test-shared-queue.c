/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: engine/ferry-shared-queue.c, base/ferry-thread-private.h
 *
 * The shared queue, with workers that are threads or nothing but a socket's other end; the test plays the monitor. */

#include "config.h"

#include "ferry-test.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/ferry-thread-private.h"
#include "engine/ferry-shared-queue-private.h"
#include "link/ferry-descriptor-port-private.h"
#include "link/ferry-downlink-private.h"
#include "link/ferry-uplink-private.h"

#define CAPACITY FERRY_MIN_LANE_CAPACITY

typedef struct
{
  FerryLink *link;     /* (owned) */
  FerryUplink *uplink; /* (owned) (nullable): until it attached */
  int control;
} TestWorker;

static TestWorker *
test_worker_new_with (FerrySharedQueue *queue, gint64 attach_timeout, guint n_pipes, void (*prepare) (FerryLink *link))
{
  TestWorker *self = g_new0 (TestWorker, 1);
  guint64 connection_id = 1;
  guint32 no_cell = FERRY_NO_CELL;
  g_autoptr (GError) error = NULL;

  self->link = ferry_link_new ("test", &connection_id, &no_cell, n_pipes, CAPACITY, 0, 1000000, &error);
  g_assert_no_error (error);
  if (prepare != NULL)
    prepare (self->link);
  ferry_link_open_socket (self->link, &error);
  g_assert_no_error (error);
  self->control = ferry_steal_fd (&self->link->worker_end);
  self->link->attach_timeout = attach_timeout;
  ferry_shared_queue_add (queue, self->link, &error);
  g_assert_no_error (error);
  return self;
}

static TestWorker *
test_worker_new (FerrySharedQueue *queue, gint64 attach_timeout)
{
  return test_worker_new_with (queue, attach_timeout, 1, NULL);
}

/* Answers the welcome, as a worker does. */
static void
test_worker_attach (TestWorker *self)
{
  g_autoptr (GError) error = NULL;
  FerrySegment segment;
  FerryWelcome welcome;
  ferry_autofd memory = -1;
  int doorbell = -1;

  ferry_control_receive_welcome (self->control, &welcome, &memory, &doorbell, NULL, &error);
  g_assert_no_error (error);
  ferry_segment_map (&segment, memory, welcome.up_capacity, 0, &error);
  g_assert_no_error (error);
  self->uplink = ferry_uplink_new (&segment, doorbell, welcome.max_message_size, welcome.n_pipes);
  ferry_control_send_attach (self->control, welcome.segment_size, &error);
  g_assert_no_error (error);
}

static void
test_worker_free (TestWorker *self, FerrySharedQueue *queue)
{
  ferry_shared_queue_remove (queue, self->link);
  ferry_clear_fd (&self->control);
  g_clear_pointer (&self->uplink, ferry_uplink_unref);
  g_assert_cmpint (atomic_load (&self->link->references), ==, 1);
  ferry_link_unref (self->link);
  g_free (self);
}

static void
test_worker_write (TestWorker *self)
{
  gboolean locked = ferry_uplink_lock (self->uplink);
  guint8 *place = ferry_uplink_get_place_locked (self->uplink, 16);

  g_assert_nonnull (place);
  ferry_lane_writer_write_header (&self->uplink->writer, 0, 0, FERRY_RECORD_BYTES, 0, 1);
  ferry_uplink_publish_and_unlock (self->uplink, 16, locked);
}

static FerrySharedQueue *
queue_new (void)
{
  g_autoptr (GError) error = NULL;
  FerrySharedQueue *queue = ferry_shared_queue_new (&error);

  g_assert_no_error (error);
  return queue;
}

/* As the monitor does with a lane that it found empty. */
static void
rest (FerrySharedQueue *queue, FerryLink *link)
{
  g_assert_true (ferry_lane_reader_arm (&link->up));
  if (ferry_lane_reader_get_available (&link->up) == 0)
    ferry_shared_queue_deactivate (queue, link);
}

/* Takes all there is of every active link, and has them rest. Returns how many were visited. */
static guint
visit_all (FerrySharedQueue *queue)
{
  FerryLink *link;
  guint n = 0;

  while ((link = ferry_shared_queue_next (queue)) != NULL)
    {
      n++;
      g_assert_true (ferry_lane_reader_look (&link->up));
      ferry_lane_reader_consume (&link->up, ferry_lane_reader_get_available (&link->up));
      rest (queue, link);
    }
  return n;
}

/* A queue with n workers, attached and at rest. */
static void
make_attached (FerrySharedQueue *queue, TestWorker **workers, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      workers[i] = test_worker_new (queue, 0);
      test_worker_attach (workers[i]);
    }
  for (guint n_open = 0; n_open < n;)
    {
      ferry_shared_queue_wait (queue, FERRY_SLEEP);
      n_open += visit_all (queue);
    }
  for (guint i = 0; i < n; i++)
    g_assert_cmpuint (workers[i]->link->state, ==, FERRY_LINK_OPEN);
}

static void
free_all (FerrySharedQueue *queue, TestWorker **workers, guint n)
{
  for (guint i = 0; i < n; i++)
    test_worker_free (workers[i], queue);
}

static void
test_attached_link_opens (void)
{
  g_autoptr (FerrySharedQueue) queue = queue_new ();
  TestWorker *worker = test_worker_new (queue, 0);

  g_assert_cmpuint (worker->link->state, ==, FERRY_LINK_ATTACHING);
  test_worker_attach (worker);
  ferry_shared_queue_wait (queue, FERRY_SLEEP);
  g_assert_cmpuint (worker->link->state, ==, FERRY_LINK_OPEN);
  g_assert_true (ferry_shared_queue_next (queue) == worker->link);
  test_worker_free (worker, queue);
}

static void
test_link_that_did_not_attach_is_not_visited (void)
{
  g_autoptr (FerrySharedQueue) queue = queue_new ();
  TestWorker *worker = test_worker_new (queue, 0);

  ferry_doorbell_ring (worker->link->doorbell);
  ferry_shared_queue_wait (queue, FERRY_SLEEP);
  g_assert_null (ferry_shared_queue_next (queue));
  test_worker_free (worker, queue);
}

/* What was written before the attachment was taken in is found without a ring. */
static void
test_records_before_the_attachment_are_found (void)
{
  g_autoptr (FerrySharedQueue) queue = queue_new ();
  TestWorker *worker = test_worker_new (queue, 0);

  test_worker_attach (worker);
  test_worker_write (worker);
  ferry_shared_queue_wait (queue, FERRY_SLEEP);
  g_assert_true (ferry_shared_queue_next (queue) == worker->link);
  g_assert_true (ferry_lane_reader_look (&worker->link->up));
  g_assert_cmpuint (ferry_lane_reader_get_available (&worker->link->up), ==, 16);
  test_worker_free (worker, queue);
}

static void
test_idle_links_are_not_visited (void)
{
  g_autoptr (FerrySharedQueue) queue = queue_new ();
  TestWorker *workers[40];

  make_attached (queue, workers, G_N_ELEMENTS (workers));
  ferry_shared_queue_wait (queue, 0);
  g_assert_null (ferry_shared_queue_next (queue));
  test_worker_write (workers[17]);
  ferry_shared_queue_wait (queue, FERRY_SLEEP);
  g_assert_true (ferry_shared_queue_next (queue) == workers[17]->link);
  g_assert_cmpuint (visit_all (queue), ==, 1);
  free_all (queue, workers, G_N_ELEMENTS (workers));
}

static void
test_active_links_take_turns (void)
{
  g_autoptr (FerrySharedQueue) queue = queue_new ();
  TestWorker *workers[5];

  make_attached (queue, workers, G_N_ELEMENTS (workers));
  for (guint i = 0; i < 5; i++)
    {
      test_worker_write (workers[i]);
      ferry_shared_queue_wait (queue, FERRY_SLEEP);
    }
  for (guint turn = 0; turn < 15; turn++)
    g_assert_true (ferry_shared_queue_next (queue) == workers[turn % 5]->link);
  free_all (queue, workers, G_N_ELEMENTS (workers));
}

static void
test_activating_twice_is_one_turn (void)
{
  g_autoptr (FerrySharedQueue) queue = queue_new ();
  TestWorker *workers[2];

  make_attached (queue, workers, 2);
  for (guint i = 0; i < 3; i++)
    ferry_shared_queue_activate (queue, workers[0]->link);
  ferry_shared_queue_activate (queue, workers[1]->link);
  g_assert_true (ferry_shared_queue_next (queue) == workers[0]->link);
  g_assert_true (ferry_shared_queue_next (queue) == workers[1]->link);
  g_assert_true (ferry_shared_queue_next (queue) == workers[0]->link);
  free_all (queue, workers, 2);
}

static void
test_an_active_link_keeps_the_wait_short (void)
{
  g_autoptr (FerrySharedQueue) queue = queue_new ();
  TestWorker *worker;

  make_attached (queue, &worker, 1);
  ferry_shared_queue_activate (queue, worker->link);
  ferry_shared_queue_wait (queue, FERRY_SLEEP);
  test_worker_free (worker, queue);
}

static gpointer
write_records (gpointer data)
{
  for (guint i = 0; i < 1000; i++)
    test_worker_write (data);
  return NULL;
}

static void
test_records_of_another_thread_wake (void)
{
  g_autoptr (FerrySharedQueue) queue = queue_new ();
  TestWorker *worker;
  GThread *thread;
  guint64 head;

  make_attached (queue, &worker, 1);
  head = worker->link->up.head;
  thread = g_thread_new ("test-writer", write_records, worker);
  while (worker->link->up.head < head + 1000 * 16)
    {
      ferry_shared_queue_wait (queue, FERRY_SLEEP);
      visit_all (queue);
    }
  g_thread_join (thread);
  test_worker_free (worker, queue);
}

typedef struct
{
  FerrySharedQueue *queue;
  _Atomic gboolean woken;
} Waker;

static gpointer
wake_queue (gpointer data)
{
  Waker *waker = data;

  atomic_store (&waker->woken, TRUE);
  ferry_shared_queue_wake (waker->queue);
  return NULL;
}

static void
test_wake_of_another_thread_ends_the_wait (void)
{
  for (guint i = 0; i < 500; i++)
    {
      g_autoptr (FerrySharedQueue) queue = queue_new ();
      Waker waker = {.queue = queue};
      GThread *thread = g_thread_new ("test-waker", wake_queue, &waker);

      ferry_shared_queue_wait (queue, FERRY_SLEEP);
      g_assert_true (atomic_load (&waker.woken));
      g_thread_join (thread);
    }
}

static void
test_wake_before_the_wait_is_kept (void)
{
  g_autoptr (FerrySharedQueue) queue = queue_new ();

  ferry_shared_queue_wake (queue);
  ferry_shared_queue_wait (queue, FERRY_SLEEP);
}

typedef struct
{
  FerrySharedQueue *queue;
  pthread_mutex_t lock;
  pthread_cond_t cond; /* with the lock: waited for until woken */
  gboolean woken;      /* lock */
  _Atomic pid_t thread;
  _Atomic gboolean is_over;
} Sleeper;

static gpointer
sleep_in_queue (gpointer data)
{
  Sleeper *self = data;

  atomic_store (&self->thread, gettid ());
  ferry_shared_queue_sleep (self->queue, G_MAXINT64 / 2);
  atomic_store (&self->is_over, TRUE);
  return NULL;
}

static gpointer
sleep_on_condition (gpointer data)
{
  Sleeper *self = data;
  FERRY_AUTO_LOCK (&self->lock);

  atomic_store (&self->thread, gettid ());
  ferry_cond_wait_until (&self->cond, &self->lock, G_MAXINT64 / 2);
  atomic_store (&self->is_over, !self->woken);
  return NULL;
}

static gboolean
sleeps_or_is_over (gpointer data)
{
  Sleeper *self = data;

  return atomic_load (&self->is_over) || ferry_test_get_system_call (getpid (), atomic_load (&self->thread)) >= 0;
}

/* Also where a time_t has 32 bits. */
static void
test_a_sleep_until_a_distant_time_is_one (void)
{
  g_autoptr (FerrySharedQueue) queue = queue_new ();
  const GThreadFunc sleeps[] = {sleep_in_queue, sleep_on_condition};

  for (guint i = 0; i < G_N_ELEMENTS (sleeps); i++)
    {
      Sleeper sleeper = {.queue = queue, .lock = PTHREAD_MUTEX_INITIALIZER};
      GThread *thread;

      ferry_cond_init (&sleeper.cond);
      thread = g_thread_new ("test-sleeper", sleeps[i], &sleeper);
      ferry_test_look_until (sleeps_or_is_over, &sleeper);
      g_assert_false (atomic_load (&sleeper.is_over));
      ferry_shared_queue_wake (queue);
      pthread_mutex_lock (&sleeper.lock);
      sleeper.woken = TRUE;
      pthread_cond_signal (&sleeper.cond);
      pthread_mutex_unlock (&sleeper.lock);
      g_thread_join (thread);
      pthread_cond_destroy (&sleeper.cond);
    }
}

/* Rings until the link is given up. Returns how often. */
static guint
ring_until_fault (FerrySharedQueue *queue, FerryLink *link)
{
  guint n = 0;

  while (link->cause == FERRY_NO_CAUSE)
    {
      ferry_doorbell_ring (link->doorbell);
      ferry_shared_queue_wait (queue, FERRY_SLEEP);
      ferry_shared_queue_deactivate (queue, link);
      g_assert_cmpuint (++n, <, 100000);
    }
  return n;
}

static void
test_doorbell_storm_is_a_fault (void)
{
  g_autoptr (FerrySharedQueue) queue = queue_new ();
  TestWorker *worker;

  make_attached (queue, &worker, 1);
  g_assert_cmpuint (ring_until_fault (queue, worker->link), >, 1000);
  g_assert_cmpint (worker->link->cause, ==, FERRY_CLOSE_REASON_PROTOCOL_ERROR);
  g_assert_nonnull (strstr (worker->link->detail, "doorbell"));
  g_assert_cmpuint (worker->link->state, ==, FERRY_LINK_HUNG_UP);
  g_assert_true (worker->link->tail_final);
  ferry_doorbell_ring (worker->link->doorbell);
  ferry_shared_queue_wait (queue, 0);
  g_assert_null (ferry_shared_queue_next (queue));
  test_worker_free (worker, queue);
}

static void
test_doorbell_storm_before_attaching_is_a_fault (void)
{
  g_autoptr (FerrySharedQueue) queue = queue_new ();
  TestWorker *worker = test_worker_new (queue, 0);

  ring_until_fault (queue, worker->link);
  g_assert_cmpint (worker->link->cause, ==, FERRY_CLOSE_REASON_PROTOCOL_ERROR);
  test_worker_free (worker, queue);
}

static void
test_a_ring_for_each_sleep_is_no_storm (void)
{
  g_autoptr (FerrySharedQueue) queue = queue_new ();
  TestWorker *worker;

  make_attached (queue, &worker, 1);
  for (guint i = 0; i < 20000; i++)
    {
      test_worker_write (worker);
      ferry_shared_queue_wait (queue, FERRY_SLEEP);
      g_assert_cmpuint (visit_all (queue), ==, 1);
    }
  g_assert_cmpint (worker->link->cause, ==, FERRY_NO_CAUSE);
  test_worker_free (worker, queue);
}

static FerryDownResult
send_down (TestWorker *worker)
{
  static const guint8 data[30000];
  const FerryPart part = {data, sizeof data};

  return ferry_link_send (worker->link, 1, &part, 1);
}

/* A worker that only takes what it is sent rings for the room, and nothing comes up from it. */
static void
test_a_ring_for_each_room_is_no_storm (void)
{
  g_autoptr (FerrySharedQueue) queue = queue_new ();
  g_autoptr (FerryDownlink) downlink = NULL;
  FerryDownMessage message;
  TestWorker *worker;

  make_attached (queue, &worker, 1);
  downlink = ferry_downlink_new (worker->uplink);
  for (guint n = 0; n < 5000;)
    {
      while (send_down (worker) == FERRY_DOWN_SENT)
        ;
      while (ferry_downlink_receive (downlink, 0, &message) == FERRY_DOWN_EVENT_MESSAGE)
        n++;
      ferry_shared_queue_wait (queue, FERRY_SLEEP);
      ferry_shared_queue_deactivate (queue, worker->link);
    }
  g_assert_cmpint (worker->link->cause, ==, FERRY_NO_CAUSE);
  test_worker_free (worker, queue);
}

/* The epochs of a lane begin again after 2^32 sleeps, which takes a busy link about a day. */
static void
test_a_link_outlives_its_epochs (void)
{
  g_autoptr (FerrySharedQueue) queue = queue_new ();
  TestWorker *worker;

  make_attached (queue, &worker, 1);
  worker->link->up.epoch = G_MAXUINT32 - 5;
  ferry_lane_reader_arm (&worker->link->up);
  for (guint i = 0; i < 20; i++)
    {
      test_worker_write (worker);
      ferry_shared_queue_wait (queue, FERRY_SLEEP);
      g_assert_cmpint (worker->link->cause, ==, FERRY_NO_CAUSE);
      g_assert_cmpuint (visit_all (queue), ==, 1);
    }
  test_worker_free (worker, queue);
}

/* A fork server says that it runs its initialisers, which may take long. A worker that says so lies. */
static void
test_fork_server_prepares_for_long (gconstpointer data)
{
  gboolean is_fork_server = GPOINTER_TO_INT (data);
  g_autoptr (FerrySharedQueue) queue = queue_new ();
  TestWorker *worker = test_worker_new (queue, 600 * G_USEC_PER_SEC);

  if (is_fork_server)
    ferry_fork_server_link_begin (worker->link);
  g_assert_true (ferry_deadline_is_set (&worker->link->deadline));
  ferry_control_send_word (worker->control, FERRY_CONTROL_PREPARES);
  ferry_shared_queue_wait (queue, FERRY_SLEEP);
  if (is_fork_server)
    {
      g_assert_cmpuint (worker->link->state, ==, FERRY_LINK_ATTACHING);
      g_assert_false (ferry_deadline_is_set (&worker->link->deadline));
      test_worker_attach (worker);
      ferry_shared_queue_wait (queue, FERRY_SLEEP);
      g_assert_cmpuint (worker->link->state, ==, FERRY_LINK_OPEN);
    }
  else
    g_assert_cmpint (worker->link->cause, ==, FERRY_CLOSE_REASON_PROTOCOL_ERROR);
  test_worker_free (worker, queue);
}

static void
test_nobody_attaches_in_time (void)
{
  g_autoptr (FerrySharedQueue) queue = queue_new ();
  TestWorker *worker = test_worker_new (queue, 1000);

  while (worker->link->state == FERRY_LINK_ATTACHING)
    ferry_shared_queue_wait (queue, FERRY_SLEEP);
  g_assert_cmpuint (worker->link->state, ==, FERRY_LINK_HUNG_UP);
  g_assert_cmpint (worker->link->cause, ==, FERRY_CLOSE_REASON_NEVER_ATTACHED);
  test_worker_free (worker, queue);
}

static void
test_attaching_ends_its_timeout (void)
{
  g_autoptr (FerrySharedQueue) queue = queue_new ();
  TestWorker *worker = test_worker_new (queue, 30 * G_USEC_PER_SEC);

  g_assert_cmpuint (ferry_deadlines_get_n (&queue->deadlines), ==, 1);
  test_worker_attach (worker);
  ferry_shared_queue_wait (queue, FERRY_SLEEP);
  g_assert_false (ferry_deadline_is_set (&worker->link->deadline));
  g_assert_cmpuint (ferry_deadlines_get_n (&queue->deadlines), ==, 0);
  test_worker_free (worker, queue);
}

#define N_TIMED 100

/* Every wait looked at all links as long as one of them had a timeout. Here the time of a link is moved into the past
 * behind the queue's back: a queue that looks at no more than the earliest time does not see it. */
static void
test_looks_at_the_earliest_timeout_alone (void)
{
  g_autoptr (FerrySharedQueue) queue = queue_new ();
  TestWorker *workers[N_TIMED];

  for (guint i = 0; i < N_TIMED; i++)
    workers[i] = test_worker_new (queue, 30 * G_USEC_PER_SEC);
  workers[N_TIMED / 2]->link->deadline.time = 1;
  ferry_shared_queue_wait (queue, 0);
  g_assert_cmpuint (workers[N_TIMED / 2]->link->state, ==, FERRY_LINK_ATTACHING);
  ferry_shared_queue_set_deadline (queue, workers[N_TIMED / 2]->link, 1);
  ferry_shared_queue_wait (queue, 0);
  /* It was looked at, and gets the rest of its time. */
  g_assert_cmpint (workers[N_TIMED / 2]->link->deadline.time, >, 1);
  free_all (queue, workers, N_TIMED);
  g_assert_cmpuint (ferry_deadlines_get_n (&queue->deadlines), ==, 0);
}

static void
test_a_worker_that_hangs_up_has_a_second (void)
{
  g_autoptr (FerrySharedQueue) queue = queue_new ();
  TestWorker *worker;
  gint64 before = g_get_monotonic_time ();

  make_attached (queue, &worker, 1);
  ferry_clear_fd (&worker->control);
  ferry_shared_queue_wait (queue, FERRY_SLEEP);
  g_assert_cmpuint (worker->link->state, ==, FERRY_LINK_HUNG_UP);
  g_assert_cmpint (worker->link->cause, ==, FERRY_NO_CAUSE);
  g_assert_cmpint (worker->link->control, ==, -1);
  /* It is looked at within that second, and may do nothing for all of it. */
  g_assert_cmpint (worker->link->deadline.time, >, before);
  g_assert_cmpint (worker->link->process.watchdog.timeout, ==, G_USEC_PER_SEC);
  g_assert_cmpint (worker->link->deadline.time, <=, g_get_monotonic_time () + G_USEC_PER_SEC);
  while (worker->link->cause == FERRY_NO_CAUSE)
    ferry_shared_queue_wait (queue, worker->link->deadline.time);
  g_assert_cmpint (worker->link->cause, ==, FERRY_CLOSE_REASON_HUNG_UP);
  g_assert_false (ferry_deadline_is_set (&worker->link->deadline));
  test_worker_free (worker, queue);
}

static void
test_a_second_packet_is_a_fault (void)
{
  g_autoptr (FerrySharedQueue) queue = queue_new ();
  TestWorker *worker;

  make_attached (queue, &worker, 1);
  ferry_control_send_attach (worker->control, worker->link->segment.size, NULL);
  ferry_shared_queue_wait (queue, FERRY_SLEEP);
  g_assert_cmpint (worker->link->cause, ==, FERRY_CLOSE_REASON_PROTOCOL_ERROR);
  g_assert_nonnull (strstr (worker->link->detail, "after attach"));
  test_worker_free (worker, queue);
}

static void
send_second_packet (FerrySharedQueue *queue, TestWorker *worker)
{
  ferry_control_send_attach (worker->control, worker->link->segment.size, NULL);
  ferry_shared_queue_wait (queue, FERRY_SLEEP);
}

static void
ring_without_end (FerrySharedQueue *queue, TestWorker *worker)
{
  ring_until_fault (queue, worker->link);
}

static void
break_down_lane (FerrySharedQueue *queue, TestWorker *worker)
{
  pthread_mutex_lock (&worker->link->down.lock);
  ferry_link_set_fault_locked (worker->link, "a test's fault");
  pthread_mutex_unlock (&worker->link->down.lock);
  while (worker->link->cause == FERRY_NO_CAUSE)
    ferry_shared_queue_wait (queue, FERRY_SLEEP);
}

static void
break_rule_of_above (FerrySharedQueue *queue, TestWorker *worker)
{
  ferry_shared_queue_fault (queue, worker->link, "a test's fault");
}

/* The lane is drained to where its tail was, and no further; a tail that is no good any more takes nothing back. */
static void
test_what_was_published_before_a_fault_is_drained (void)
{
  void (*const faults[]) (FerrySharedQueue * queue, TestWorker * worker) = {send_second_packet, ring_without_end,
                                                                            break_down_lane, break_rule_of_above};

  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    {
      g_autoptr (FerrySharedQueue) queue = queue_new ();
      TestWorker *worker;

      make_attached (queue, &worker, 1);
      for (guint n = 0; n < 10; n++)
        test_worker_write (worker);
      faults[i](queue, worker);
      g_assert_cmpint (worker->link->cause, ==, FERRY_CLOSE_REASON_PROTOCOL_ERROR);
      g_assert_false (worker->link->draining_done);
      g_assert_true (worker->link->tail_final);
      test_worker_write (worker);
      g_assert_cmpuint (ferry_lane_reader_get_available (&worker->link->up), ==, 10 * 16);
      test_worker_free (worker, queue);
    }
}

/* Its other end may be in use before the queue has it. */
static void
test_a_fault_before_the_link_is_added_is_heard (void)
{
  g_autoptr (FerrySharedQueue) queue = queue_new ();
  g_autoptr (GError) error = NULL;
  guint64 connection_id = 1;
  guint32 no_cell = FERRY_NO_CELL;
  FerryLink *link = ferry_link_new ("test", &connection_id, &no_cell, 1, CAPACITY, 0, 1000000, &error);

  g_assert_no_error (error);
  g_assert_true (ferry_link_open_socket (link, &error));
  pthread_mutex_lock (&link->down.lock);
  ferry_link_set_fault_locked (link, "a test's fault");
  pthread_mutex_unlock (&link->down.lock);
  g_assert_true (ferry_shared_queue_add (queue, link, &error));
  ferry_shared_queue_wait (queue, FERRY_SLEEP);
  g_assert_cmpint (link->cause, ==, FERRY_CLOSE_REASON_PROTOCOL_ERROR);
  ferry_shared_queue_remove (queue, link);
  ferry_link_unref (link);
}

static void
test_nothing_is_drained_after_a_fault_before_attaching (void)
{
  g_autoptr (FerrySharedQueue) queue = queue_new ();
  TestWorker *worker = test_worker_new (queue, 0);

  g_assert_cmpint (send (worker->control, "garbage", 7, 0), ==, 7);
  ferry_shared_queue_wait (queue, FERRY_SLEEP);
  g_assert_cmpint (worker->link->cause, ==, FERRY_CLOSE_REASON_PROTOCOL_ERROR);
  g_assert_true (worker->link->draining_done);
  test_worker_free (worker, queue);
}

static void
set_process (FerrySharedQueue *queue, FerryLink *link, const char *program)
{
  const char *argv[] = {program, NULL};
  g_autoptr (GError) error = NULL;
  GPid pid;

  /* Whatever it prints is no line of the test's. */
  g_spawn_async (NULL, (char **) argv, NULL,
                 G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, &pid,
                 &error);
  g_assert_no_error (error);
  ferry_shared_queue_set_process (queue, link, pid, (int) syscall (SYS_pidfd_open, pid, 0), &error);
  g_assert_no_error (error);
}

static void
wait_ended (FerrySharedQueue *queue, FerryLink *link)
{
  while (link->state != FERRY_LINK_ENDED)
    ferry_shared_queue_wait (queue, FERRY_SLEEP);
}

static void
test_the_end_of_the_process_ends_the_link (void)
{
  g_autoptr (FerrySharedQueue) queue = queue_new ();
  TestWorker *worker = test_worker_new (queue, 0);

  set_process (queue, worker->link, "true");
  wait_ended (queue, worker->link);
  g_assert_true (worker->link->process.reaped);
  g_assert_cmpint (worker->link->process.wait_code, ==, CLD_EXITED);
  g_assert_cmpint (worker->link->process.wait_status, ==, 0);
  g_assert_cmpint (worker->link->cause, ==, FERRY_NO_CAUSE);
  g_assert_true (ferry_shared_queue_next (queue) == worker->link);
  test_worker_free (worker, queue);
}

static void
test_a_fault_kills_the_process (void)
{
  g_autoptr (FerrySharedQueue) queue = queue_new ();
  TestWorker *worker = test_worker_new (queue, 0);

  set_process (queue, worker->link, "yes");
  ferry_shared_queue_apply (queue, worker->link, FERRY_LINK_FAULT, "a test's fault");
  wait_ended (queue, worker->link);
  g_assert_cmpint (worker->link->process.wait_code, ==, CLD_KILLED);
  g_assert_cmpint (worker->link->process.wait_status, ==, SIGKILL);
  g_assert_cmpstr (worker->link->detail, ==, "a test's fault");
  test_worker_free (worker, queue);
}

static void
test_removed_links_leave_no_descriptor (void)
{
  guint n_fds = ferry_test_count_fds ();
  FerrySharedQueue *queue = queue_new ();
  TestWorker *workers[10];

  make_attached (queue, workers, G_N_ELEMENTS (workers));
  free_all (queue, workers, G_N_ELEMENTS (workers));
  ferry_shared_queue_free (queue);
  g_assert_cmpuint (ferry_test_count_fds (), ==, n_fds);
}

static void
add_end_tests (void)
{
  g_test_add_func ("/shared-queue/doorbell-storm-is-a-fault", test_doorbell_storm_is_a_fault);
  g_test_add_func ("/shared-queue/doorbell-storm-before-attaching-is-a-fault",
                   test_doorbell_storm_before_attaching_is_a_fault);
  g_test_add_func ("/shared-queue/a-ring-for-each-sleep-is-no-storm", test_a_ring_for_each_sleep_is_no_storm);
  g_test_add_func ("/shared-queue/a-ring-for-each-room-is-no-storm", test_a_ring_for_each_room_is_no_storm);
  g_test_add_func ("/shared-queue/nobody-attaches-in-time", test_nobody_attaches_in_time);
  g_test_add_data_func ("/shared-queue/fork-server-prepares-for-long", GINT_TO_POINTER (TRUE),
                        test_fork_server_prepares_for_long);
  g_test_add_data_func ("/shared-queue/worker-does-not-prepare", GINT_TO_POINTER (FALSE),
                        test_fork_server_prepares_for_long);
  g_test_add_func ("/shared-queue/attaching-ends-its-timeout", test_attaching_ends_its_timeout);
  g_test_add_func ("/shared-queue/looks-at-the-earliest-timeout-alone", test_looks_at_the_earliest_timeout_alone);
  g_test_add_func ("/shared-queue/a-worker-that-hangs-up-has-a-second", test_a_worker_that_hangs_up_has_a_second);
  g_test_add_func ("/shared-queue/a-second-packet-is-a-fault", test_a_second_packet_is_a_fault);
  g_test_add_func ("/shared-queue/what-was-published-before-a-fault-is-drained",
                   test_what_was_published_before_a_fault_is_drained);
  g_test_add_func ("/shared-queue/a-fault-before-the-link-is-added-is-heard",
                   test_a_fault_before_the_link_is_added_is_heard);
  g_test_add_func ("/shared-queue/nothing-is-drained-after-a-fault-before-attaching",
                   test_nothing_is_drained_after_a_fault_before_attaching);
  g_test_add_func ("/shared-queue/the-end-of-the-process-ends-the-link", test_the_end_of_the_process_ends_the_link);
  g_test_add_func ("/shared-queue/a-fault-kills-the-process", test_a_fault_kills_the_process);
  g_test_add_func ("/shared-queue/removed-links-leave-no-descriptor", test_removed_links_leave_no_descriptor);
}

/* ---- packets without end ---- */

/* How many packets of that kind find room in the socket. */
static guint
fill_socket (TestWorker *worker, FerryControlKind kind)
{
  FerryControlHeader packet;
  guint n = 0;

  while (ferry_control_send (worker->control, kind, &packet, sizeof packet, NULL, 0, MSG_DONTWAIT) == 0)
    n++;
  g_assert_cmpuint (n, >, 100);
  return n;
}

/* How many packets of the worker's the application has not taken. */
static guint
count_untaken (TestWorker *worker)
{
  int size = 0;

  g_assert_no_errno (ioctl (worker->link->control, FIONREAD, &size));
  return (guint) size / sizeof (FerryControlHeader);
}

/* The children of a worker without senders may all state that they are no workers. The first statement is enough. */
static void
test_only_the_first_no_worker_is_read (void)
{
  g_autoptr (FerrySharedQueue) queue = queue_new ();
  TestWorker *worker = test_worker_new_with (queue, 0, 0, NULL);
  const guint n = fill_socket (worker, FERRY_CONTROL_NO_WORKER);
  struct pollfd poll_fd = {.fd = queue->epoll, .events = POLLIN};

  ferry_shared_queue_wait (queue, FERRY_SLEEP);
  g_assert_cmpuint (count_untaken (worker), ==, n - 1);
  g_assert_cmpint (worker->link->cause, ==, FERRY_NO_CAUSE);
  /* Nor is what is left an event. */
  g_assert_cmpint (poll (&poll_fd, 1, 0), ==, 0);
  ferry_shared_queue_end_given (queue, worker->link);
  g_assert_cmpuint (worker->link->state, ==, FERRY_LINK_ENDED);
  test_worker_free (worker, queue);
}

/* It has attached, and then goes on as an application without what it was passed. */
static void
test_no_worker_ends_an_open_link (void)
{
  g_autoptr (FerrySharedQueue) queue = queue_new ();
  TestWorker *worker = test_worker_new (queue, 0);

  test_worker_attach (worker);
  ferry_shared_queue_wait (queue, FERRY_SLEEP);
  g_assert_cmpuint (worker->link->state, ==, FERRY_LINK_OPEN);
  ferry_control_send_word (worker->control, FERRY_CONTROL_NO_WORKER);
  ferry_shared_queue_wait (queue, FERRY_SLEEP);
  g_assert_cmpint (worker->link->cause, ==, FERRY_CLOSE_REASON_NEVER_ATTACHED);
  g_assert_cmpint (worker->link->process.failure, ==, FERRY_LAUNCH_FAILURE_NO_WORKER);
  g_assert_nonnull (strstr (worker->link->detail, "took nothing"));
  test_worker_free (worker, queue);
}

static void
test_no_worker_may_hang_up (void)
{
  g_autoptr (FerrySharedQueue) queue = queue_new ();
  TestWorker *worker = test_worker_new_with (queue, 0, 0, NULL);

  fill_socket (worker, FERRY_CONTROL_NO_WORKER);
  ferry_shared_queue_wait (queue, FERRY_SLEEP);
  ferry_clear_fd (&worker->control);
  ferry_shared_queue_wait (queue, FERRY_SLEEP);
  g_assert_cmpuint (worker->link->state, ==, FERRY_LINK_HUNG_UP);
  test_worker_free (worker, queue);
}

static void
test_preparing_twice_is_a_fault (void)
{
  g_autoptr (FerrySharedQueue) queue = queue_new ();
  TestWorker *worker = test_worker_new_with (queue, 0, 0, ferry_fork_server_link_begin);

  ferry_control_send_word (worker->control, FERRY_CONTROL_PREPARES);
  ferry_shared_queue_wait (queue, FERRY_SLEEP);
  g_assert_cmpint (worker->link->cause, ==, FERRY_NO_CAUSE);
  ferry_control_send_word (worker->control, FERRY_CONTROL_PREPARES);
  ferry_shared_queue_wait (queue, FERRY_SLEEP);
  g_assert_cmpint (worker->link->cause, ==, FERRY_CLOSE_REASON_PROTOCOL_ERROR);
  g_assert_nonnull (strstr (worker->link->detail, "twice"));
  test_worker_free (worker, queue);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/shared-queue/attached-link-opens", test_attached_link_opens);
  g_test_add_func ("/shared-queue/link-that-did-not-attach-is-not-visited",
                   test_link_that_did_not_attach_is_not_visited);
  g_test_add_func ("/shared-queue/records-before-the-attachment-are-found",
                   test_records_before_the_attachment_are_found);
  g_test_add_func ("/shared-queue/idle-links-are-not-visited", test_idle_links_are_not_visited);
  g_test_add_func ("/shared-queue/active-links-take-turns", test_active_links_take_turns);
  g_test_add_func ("/shared-queue/activating-twice-is-one-turn", test_activating_twice_is_one_turn);
  g_test_add_func ("/shared-queue/an-active-link-keeps-the-wait-short", test_an_active_link_keeps_the_wait_short);
  g_test_add_func ("/shared-queue/records-of-another-thread-wake", test_records_of_another_thread_wake);
  g_test_add_func ("/shared-queue/wake-of-another-thread-ends-the-wait", test_wake_of_another_thread_ends_the_wait);
  g_test_add_func ("/shared-queue/wake-before-the-wait-is-kept", test_wake_before_the_wait_is_kept);
  g_test_add_func ("/shared-queue/a-sleep-until-a-distant-time-is-one", test_a_sleep_until_a_distant_time_is_one);
  g_test_add_func ("/shared-queue/only-the-first-no-worker-is-read", test_only_the_first_no_worker_is_read);
  g_test_add_func ("/shared-queue/no-worker-may-hang-up", test_no_worker_may_hang_up);
  g_test_add_func ("/shared-queue/no-worker-ends-an-open-link", test_no_worker_ends_an_open_link);
  g_test_add_func ("/shared-queue/preparing-twice-is-a-fault", test_preparing_twice_is_a_fault);
  add_end_tests ();
  g_test_add_func ("/shared-queue/a-link-outlives-its-epochs", test_a_link_outlives_its_epochs);
  return g_test_run ();
}
