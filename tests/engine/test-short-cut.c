/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: engine/ferry-short-cut.c, engine/ferry-drain-lock.c, engine/ferry-monitor.c
 *
 * The short cut: the main loop drains while there is little traffic, and the monitor drains otherwise. */

#include "config.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/latest-test.h"
#include "lane/ferry-wake-private.h"
#include "route/route-test.h"

#define N_SINGLE 50
#define N_MIXED 20000
#define N_ITERATIONS 10
#define N_CONVERSED 5000
#define LANE_CAPACITY ((guint64) 128 * 1024)
/* A record of the largest size, of which the lane holds 4. A writer that waits is woken when half of the lane is free.
 * So it sends what the local queue's 16 blocks hold, of at least one message each, and 3 messages more. */
#define LARGE (32 * 1024 - 16)
#define N_LARGE 6
#define N_ROUNDS 50
/* Messages that come to more than 64 KiB. */
#define N_TO_TIDY 3000
#define N_AT_WORK 400
/* Fewer than end a link. */
#define N_RINGS 500

typedef struct
{
  FerryRouter *router; /* (owned) */
  FerryTestPipe *pipe; /* (owned) */
  GThread *thread;     /* (nullable) */
  FerrySender *large;  /* (owned) (nullable) */
  guint n_large;       /* how many large messages have come */
  guint64 n_sent;      /* the sending thread, until it is joined */
  pid_t main_thread;
  gint wanted;   /* any, atomic: how many messages are to be sent; -1 ends the sending thread */
  gboolean done; /* the handler has run */
} Scene;

/* data: the router's spare time in microseconds, or 0 for the default. */
static void
set_up (Scene *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  self->main_thread = gettid ();
  self->router = ferry_test_router_new_stopped (NULL);
  self->router->by_monitor = FALSE;
  g_object_set (self->router, "lane-capacity", LANE_CAPACITY, NULL);
  if (data != NULL)
    g_object_set (self->router, "spare-time", (gint64) GPOINTER_TO_INT (data), NULL);
  g_assert_true (ferry_router_start (self->router, &error));
  g_assert_no_error (error);
  self->pipe = route_test_started_pipe (self->router);
}

static void
tear_down (Scene *self, gconstpointer data)
{
  ferry_test_pipe_free (self->pipe);
  ferry_test_router_stop (self->router);
}

static void
send_next (Scene *self)
{
  g_autoptr (GError) error = NULL;

  ferry_sender_send_bytes (self->pipe->sender, &self->n_sent, sizeof self->n_sent, &error);
  g_assert_no_error (error);
  self->n_sent++;
}

/* Reads a file below /proc/self/task, and returns what follows the name. (transfer full) (nullable): NULL for a thread
 * that has ended. */
static char *
read_task (const char *thread, const char *file, const char *name)
{
  g_autofree char *path = g_strdup_printf ("/proc/self/task/%s/%s", thread, file);
  g_autofree char *text = NULL;
  const char *place;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return NULL;
  place = strstr (text, name);
  g_assert_nonnull (place);
  return g_strdup (place + strlen (name));
}

static guint64
count_sleeps_of_the_monitor (void)
{
  return ferry_test_count_sleeps_of ("ferry-monitor");
}

/* Sends each message that is wanted when the main loop sleeps. */
static gpointer
send_while_the_main_loop_sleeps (gpointer data)
{
  Scene *self = data;
  g_autofree char *thread = g_strdup_printf ("%d", (int) self->main_thread);
  gint wanted;

  while ((wanted = g_atomic_int_get (&self->wanted)) >= 0)
    {
      g_autofree char *state = read_task (thread, "status", "\nState:\t");

      if (g_str_has_prefix (state, "S") && self->n_sent < (guint64) wanted)
        send_next (self);
      else
        g_thread_yield ();
    }
  return NULL;
}

/* Sends single messages until so many of them in a row did not wake the monitor: then the main loop drains. The monitor
 * may have the drain lock at first, and takes it whenever the main loop is late to poll. Without the short cut it would
 * wake for each message, and this would not end. */
static void
send_until_the_main_loop_drains (Scene *self, guint n_singles)
{
  guint64 before;
  gint n = (gint) self->n_sent + 1;

  /* The monitor's thread has its name when the first message is there. */
  self->wanted = n;
  self->thread = g_thread_new ("sender", send_while_the_main_loop_sleeps, self);
  ferry_test_pipe_wait_count (self->pipe, (guint64) n);
  do
    {
      before = count_sleeps_of_the_monitor ();
      for (guint i = 0; i < n_singles; i++)
        {
          g_atomic_int_set (&self->wanted, ++n);
          ferry_test_pipe_wait_count (self->pipe, (guint64) n);
        }
    }
  while (count_sleeps_of_the_monitor () != before);
  g_atomic_int_set (&self->wanted, -1);
  g_thread_join (g_steal_pointer (&self->thread));
}

static void
wakes_the_main_loop_only (Scene *self, gconstpointer data)
{
  send_until_the_main_loop_drains (self, N_SINGLE);
  g_assert_true (self->pipe->in_order);
}

static void
send_large (Scene *self, guint n)
{
  g_autofree guint8 *message = g_malloc0 (LARGE);

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GError) error = NULL;

      ferry_sender_send_bytes (self->large, message, LARGE, &error);
      g_assert_no_error (error);
    }
}

static gpointer
send_more_than_the_lane_holds (gpointer data)
{
  send_large (data, N_LARGE);
  return NULL;
}

static void
join_sender (FerryReceiver *receiver, gconstpointer bytes, gsize size, const GVariantType *type, gpointer data)
{
  Scene *self = data;

  if (self->thread != NULL)
    g_thread_join (g_steal_pointer (&self->thread));
  self->done = TRUE;
}

static void
count_one (FerryReceiver *receiver, gconstpointer bytes, gsize size, const GVariantType *type, gpointer data)
{
  ((Scene *) data)->n_large++;
}

static gboolean
has_all_large (gpointer data)
{
  return ((Scene *) data)->n_large == N_LARGE;
}

/* (transfer full): opens a second pipe, and counts its messages. */
static FerryReceiver *
start_large (Scene *self)
{
  FerryReceiver *receiver = NULL;
  g_autoptr (GError) error = NULL;

  route_test_pipe (self->router, &self->large, &receiver);
  ferry_receiver_set_handler (receiver, count_one, self, NULL);
  g_assert_true (ferry_sender_start (self->large, &error));
  return receiver;
}

static void
stop_large (Scene *self, FerryReceiver *receiver)
{
  g_assert_true (ferry_router_close_pipe (self->router, receiver, NULL));
  g_clear_object (&self->large);
  g_object_unref (receiver);
}

/* The main loop waits in a handler until the thread has sent more than the lane holds. */
static void
drains_for_a_main_loop_that_is_busy (Scene *self, gconstpointer data)
{
  FerryReceiver *receiver = start_large (self);

  ferry_receiver_set_handler (self->pipe->receiver, join_sender, self, NULL);
  route_test_settle ();
  self->thread = g_thread_new ("sender", send_more_than_the_lane_holds, self);
  send_next (self);
  ferry_test_wait_flag (&self->done);
  ferry_test_run_until (has_all_large, self);
  stop_large (self, receiver);
}

/* Sends more than the lane holds, beside a main loop that polls all the time. */
static gpointer
fill_lane (gpointer data)
{
  Scene *self = data;

  send_large (self, 1);
  g_atomic_int_set (&self->wanted, 1);
  send_large (self, N_LARGE - 1);
  return NULL;
}

/* Waits for the thread, but first lets the main loop take the ring for the first message. */
static gboolean
join_when_sent_cb (gpointer data)
{
  Scene *self = data;

  if (g_atomic_int_get (&self->wanted) == 0)
    return G_SOURCE_CONTINUE;
  g_thread_join (g_steal_pointer (&self->thread));
  return G_SOURCE_REMOVE;
}

static void
drains_for_a_main_loop_that_has_taken_the_ring (Scene *self, gconstpointer data)
{
  FerryReceiver *receiver = start_large (self);

  for (guint i = 0; i < N_ROUNDS; i++)
    {
      send_until_the_main_loop_drains (self, 1);
      self->n_large = 0;
      self->wanted = 0;
      self->thread = g_thread_new ("sender", fill_lane, self);
      g_idle_add_full (G_PRIORITY_HIGH, join_when_sent_cb, self, NULL);
      ferry_test_run_until (has_all_large, self);
    }
  stop_large (self, receiver);
}

/* Bursts of any length, with rests of any length between them, so that the drain lock passes to and fro. */
static gpointer
send_bursts (gpointer data)
{
  Scene *self = data;

  while (self->n_sent < N_MIXED)
    {
      for (gint left = g_test_rand_int_range (1, 60); left > 0 && self->n_sent < N_MIXED; left--)
        send_next (self);
      for (gint left = g_test_rand_int_range (0, 20); left > 0; left--)
        g_thread_yield ();
    }
  return NULL;
}

static void
keeps_the_order_when_the_drain_lock_passes (Scene *self, gconstpointer data)
{
  self->thread = g_thread_new ("sender", send_bursts, self);
  ferry_test_pipe_wait_count (self->pipe, N_MIXED);
  g_thread_join (g_steal_pointer (&self->thread));
  g_assert_true (self->pipe->in_order);
}

/* Whether the router has asked for memory of the link. */
static gboolean
has_asked_to_tidy (gpointer data)
{
  Scene *self = data;
  FerrySegment *segment = &ferry_sender_get_uplink (self->pipe->sender)->segment;

  return atomic_load (&ferry_segment_get_down (segment)->writer.tidy) > 0;
}

/* The main loop drains all messages, and the monitor, which sleeps meanwhile, has to know of the timer. */
static void
gives_memory_back_that_the_main_loop_has_used (Scene *self, gconstpointer data)
{
  send_until_the_main_loop_drains (self, N_SINGLE);
  self->wanted = (gint) self->n_sent + N_TO_TIDY;
  self->thread = g_thread_new ("sender", send_while_the_main_loop_sleeps, self);
  ferry_test_pipe_wait_count (self->pipe, (guint64) self->wanted);
  g_atomic_int_set (&self->wanted, -1);
  g_thread_join (g_steal_pointer (&self->thread));
  ferry_test_look_until (has_asked_to_tidy, self);
}

/* Sends a message while the main loop is at work, each time that the one before has come. */
static gboolean
send_at_work_cb (gpointer data)
{
  Scene *self = data;

  if (self->n_sent < (guint64) self->wanted && self->pipe->n_messages == self->n_sent)
    send_next (self);
  return self->n_sent < (guint64) self->wanted;
}

static void
sleeps_on_while_the_main_loop_is_sent_messages_at_work (Scene *self, gconstpointer data)
{
  guint64 before;

  send_until_the_main_loop_drains (self, N_SINGLE);
  before = count_sleeps_of_the_monitor ();
  self->wanted = (gint) self->n_sent + N_AT_WORK;
  g_idle_add (send_at_work_cb, self);
  ferry_test_pipe_wait_count (self->pipe, (guint64) self->wanted);
  g_assert_cmpuint (count_sleeps_of_the_monitor () - before, <, N_AT_WORK / 4);
}

/* Rings and sends nothing, each time that the main loop sleeps. */
static gpointer
ring_in_vain (gpointer data)
{
  Scene *self = data;
  g_autofree char *thread = g_strdup_printf ("%d", (int) self->main_thread);

  for (guint n = 0; n < N_RINGS;)
    {
      g_autofree char *state = read_task (thread, "status", "\nState:\t");

      if (g_str_has_prefix (state, "S"))
        {
          ferry_doorbell_ring (ferry_sender_get_uplink (self->pipe->sender)->doorbell);
          n++;
        }
      else
        g_thread_yield ();
    }
  g_atomic_int_set (&self->wanted, -1);
  g_main_context_wakeup (NULL);
  return NULL;
}

/* A main loop that takes all the rings wakes for each of them, and then has no time for frames. */
static void
leaves_rings_in_vain_to_the_monitor (Scene *self, gconstpointer data)
{
  guint n_wakes = 0;

  send_until_the_main_loop_drains (self, N_SINGLE);
  self->wanted = 0;
  self->thread = g_thread_new ("ringer", ring_in_vain, self);
  while (g_atomic_int_get (&self->wanted) == 0)
    {
      g_main_context_iteration (NULL, TRUE);
      n_wakes++;
    }
  g_thread_join (g_steal_pointer (&self->thread));
  g_assert_cmpuint (n_wakes, <, N_RINGS / 2);
  send_next (self);
  ferry_test_pipe_wait_count (self->pipe, self->n_sent);
}

static gboolean
never (gpointer user_data)
{
  return FALSE;
}

static void
routes_without_the_main_loop (Scene *self, gconstpointer data)
{
  for (guint i = 0; i < N_SINGLE; i++)
    {
      g_autoptr (GError) error = NULL;

      send_next (self);
      g_assert_false (ferry_router_route_until (self->router, never, NULL, 0, &error));
      g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
      g_assert_cmpuint (self->pipe->n_messages, ==, i + 1);
    }
}

typedef struct
{
  LatestTest *latest;
  guint64 number;
  guint n_iterations; /* with other work only */
} Work;

/* Keeps the router from dispatching, but not the short cut from polling. */
static gboolean
work_cb (gpointer data)
{
  Work *self = data;

  if (self->n_iterations++ == 0)
    latest_test_send (self->latest, self->number);
  return self->n_iterations < N_ITERATIONS;
}

static void
finds_latest_values_after_other_work (Scene *self, gconstpointer data)
{
  g_autoptr (LatestTest) latest = latest_test_new (self->router);
  Work work = {latest};

  while (work.number < N_SINGLE)
    {
      work.number++;
      work.n_iterations = 0;
      latest_test_wait_cold (self->router);
      g_idle_add_full (G_PRIORITY_HIGH, work_cb, &work, NULL);
      latest_test_wait_value (latest, work.number);
    }
  latest_test_wait_cold (self->router);
}

/* ---- spins ---- */

static gboolean
has_spun (gpointer router)
{
  return ferry_router_get_counter (router, FERRY_COUNTER_SPIN_TIME) > 0;
}

static void
spins_where_the_next_message_comes_soon (Scene *self, gconstpointer data)
{
  if (ferry_get_n_usable_cores () == 1)
    g_test_skip ("This machine has one core");
  else
    route_test_converse_until (self->pipe, has_spun, self->router);
}

static gboolean
has_conversed (gpointer receiver)
{
  return ferry_test_get_number (receiver, "n-messages") > N_CONVERSED;
}

static void
does_not_spin_for_what_nothing_asked_for (Scene *self, gconstpointer data)
{
  route_test_stream_until (self->pipe, has_conversed, self->pipe->receiver);
  g_assert_false (has_spun (self->router));
}

/* After so many messages, the main loop drains them. */
#define N_BEFORE_SOURCE 50000
#define MAX_TALK 2000000

typedef struct
{
  Scene *scene;
  FerryLink *link; /* (unowned) */
  guint n_messages;
  gboolean has_ended;
  gboolean has_run; /* a source of lower priority has had a turn */
} Talk;

static gboolean
run_cb (gpointer data)
{
  ((Talk *) data)->has_run = TRUE;
  return G_SOURCE_REMOVE;
}

/* Sends the next message at once, so that each spin finds one. */
static void
talk_on (FerryReceiver *receiver, gconstpointer bytes, gsize size, const GVariantType *type, gpointer data)
{
  Talk *self = data;

  if (++self->n_messages == N_BEFORE_SOURCE)
    g_idle_add (run_cb, self);
  self->has_ended = self->has_run || self->n_messages == MAX_TALK;
  /* A message that asks for this one is only counted, as in route_test_converse_until(). */
  atomic_fetch_add (&self->link->down.n_sent, 1);
  if (!self->has_ended)
    send_next (self->scene);
}

static void
gives_way_to_other_sources_in_a_conversation (Scene *self, gconstpointer data)
{
  Talk talk = {.scene = self, .link = route_test_get_link (self->pipe->sender)};

  ferry_receiver_set_handler (self->pipe->receiver, talk_on, &talk, NULL);
  send_next (self);
  ferry_test_wait_flag (&talk.has_ended);
  g_assert_cmpuint (talk.n_messages, <, MAX_TALK);
}

/* ---- the barrier ---- */

#define N_QUIET 6
#define N_POLLS 100

static _Thread_local gboolean is_counted; /* this thread's calls are */
static gint n_barriers;                   /* of that thread */

/* Stands before the C library's. */
long
syscall (long number, ...)
{
  static long (*next) (long, ...);
  long arguments[6];
  va_list list;

  va_start (list, number);
  for (guint i = 0; i < G_N_ELEMENTS (arguments); i++)
    arguments[i] = va_arg (list, long);
  va_end (list);
  if (next == NULL)
    next = (long (*) (long, ...)) (gpointer) dlsym (RTLD_NEXT, "syscall");
  if (number == SYS_membarrier && is_counted)
    n_barriers++;
  return next (number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
}

static void
issues_one_barrier_for_all_quiet_links (Scene *self, gconstpointer data)
{
  FerryTestPipe *pipes[N_QUIET];
  gint before;

  if (!ferry_barrier_is_available ())
    {
      g_test_skip ("This kernel has no such barrier");
      return;
    }
  for (guint i = 0; i < N_QUIET; i++)
    {
      pipes[i] = route_test_started_pipe (self->router);
      route_test_send_numbers (pipes[i]->sender, 0, 1);
      ferry_test_pipe_wait_count (pipes[i], 1);
      atomic_store (&ferry_segment_get_up (&ferry_sender_get_uplink (pipes[i]->sender)->segment)->writer.omits_barriers,
                    1);
    }
  /* The drain lock passes to the main loop within some of these. */
  is_counted = TRUE;
  while (n_barriers == 0)
    g_main_context_iteration (NULL, FALSE);
  before = n_barriers;
  for (guint i = 0; i < N_POLLS; i++)
    g_main_context_iteration (NULL, FALSE);
  g_assert_cmpint (n_barriers - before, <=, N_POLLS + N_QUIET);
  for (guint i = 0; i < N_QUIET; i++)
    ferry_test_pipe_free (pipes[i]);
}

/* ---- no links ---- */

static gint n_epoll_changes; /* of the counted thread */

/* Stands before the C library's. */
int
epoll_ctl (int epoll, int operation, int fd, struct epoll_event *event)
{
  if (is_counted)
    n_epoll_changes++;
  return (int) syscall (SYS_epoll_ctl, epoll, operation, fd, event);
}

static gint
count_epoll_changes (void)
{
  const gint before = n_epoll_changes;

  is_counted = TRUE;
  for (guint i = 0; i < N_POLLS; i++)
    g_main_context_iteration (NULL, FALSE);
  is_counted = FALSE;
  return n_epoll_changes - before;
}

/* The main loop of an application that has a cluster and no worker polls for each packet. */
static void
tells_the_monitor_nothing_where_there_is_no_link (Scene *self, gconstpointer data)
{
  /* The drain lock passes to the main loop within some of these. */
  while (count_epoll_changes () == 0)
    ;
  ferry_test_pipe_free (self->pipe);
  /* The link ends within some of these. */
  while (count_epoll_changes () > 0)
    ;
  for (guint i = 0; i < N_ROUNDS; i++)
    g_assert_cmpint (count_epoll_changes (), ==, 0);
  self->pipe = route_test_started_pipe (self->router);
}

static void
never_spins_where_power_is_saved (Scene *self, gconstpointer data)
{
  ferry_test_pipe_free (self->pipe);
  g_assert_true (ferry_router_stop (self->router, NULL));
  g_object_set (self->router, "latency", FERRY_LATENCY_POWER_SAVING, NULL);
  g_assert_true (ferry_router_start (self->router, NULL));
  self->pipe = route_test_started_pipe (self->router);
  route_test_converse_until (self->pipe, has_conversed, self->pipe->receiver);
  g_assert_false (has_spun (self->router));
}

int
main (int argc, char **argv)
{
  route_test_init (&argc, &argv);
  g_test_add ("/short-cut/wakes-the-main-loop-only", Scene, NULL, set_up, wakes_the_main_loop_only, tear_down);
  g_test_add ("/short-cut/drains-for-a-main-loop-that-is-busy", Scene, NULL, set_up,
              drains_for_a_main_loop_that_is_busy, tear_down);
  g_test_add ("/short-cut/drains-for-a-main-loop-that-has-taken-the-ring", Scene, NULL, set_up,
              drains_for_a_main_loop_that_has_taken_the_ring, tear_down);
  g_test_add ("/short-cut/keeps-the-order-when-the-drain-lock-passes", Scene, NULL, set_up,
              keeps_the_order_when_the_drain_lock_passes, tear_down);
  g_test_add ("/short-cut/gives-memory-back-that-the-main-loop-has-used", Scene, GINT_TO_POINTER (20000), set_up,
              gives_memory_back_that_the_main_loop_has_used, tear_down);
  g_test_add ("/short-cut/sleeps-on-while-the-main-loop-is-sent-messages-at-work", Scene, NULL, set_up,
              sleeps_on_while_the_main_loop_is_sent_messages_at_work, tear_down);
  g_test_add ("/short-cut/leaves-rings-in-vain-to-the-monitor", Scene, NULL, set_up,
              leaves_rings_in_vain_to_the_monitor, tear_down);
  g_test_add ("/short-cut/routes-without-the-main-loop", Scene, NULL, set_up, routes_without_the_main_loop, tear_down);
  g_test_add ("/short-cut/finds-latest-values-after-other-work", Scene, NULL, set_up,
              finds_latest_values_after_other_work, tear_down);
  g_test_add ("/short-cut/spins-where-the-next-message-comes-soon", Scene, NULL, set_up,
              spins_where_the_next_message_comes_soon, tear_down);
  g_test_add ("/short-cut/never-spins-where-power-is-saved", Scene, NULL, set_up, never_spins_where_power_is_saved,
              tear_down);
  g_test_add ("/short-cut/does-not-spin-for-what-nothing-asked-for", Scene, NULL, set_up,
              does_not_spin_for_what_nothing_asked_for, tear_down);
  g_test_add ("/short-cut/gives-way-to-other-sources-in-a-conversation", Scene, NULL, set_up,
              gives_way_to_other_sources_in_a_conversation, tear_down);
  g_test_add ("/short-cut/tells-the-monitor-nothing-where-there-is-no-link", Scene, NULL, set_up,
              tells_the_monitor_nothing_where_there_is_no_link, tear_down);
  g_test_add ("/short-cut/issues-one-barrier-for-all-quiet-links", Scene, NULL, set_up,
              issues_one_barrier_for_all_quiet_links, tear_down);
  return g_test_run ();
}
