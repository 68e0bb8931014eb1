/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Those who answer for a demux: what was asked and waits, the handlers, and the threads or the main context that run
 * them.
 *
 * The walk of a request: the receiving thread brings it to take(). There it is refused, begun at once, or put into the
 * queue; then a thread is summoned, or the source of the context is made ready, unless one is on its way. Who comes
 * takes one request after another until the queue is empty. Who finds more than it takes summons the next: so a flood
 * costs the receiving thread one wake-up, and the threads wake each other.
 *
 * Owner:      counted references: the demux has one, and so has each thread and the source. So a demux that is dropped
 *             while handlers run leaves them what they need.
 * Threads:    any.
 * Locks:      lock is not held while a handler, a destroy notification or the transport is called.
 * Invariants: while it is closed, the queue is empty. Where the queue is not and threads run handlers, one is coming,
 *             or there are as many as may be and none of them is idle, or none could be started and one is busy. */

#include "config.h"

#include "call/ferry-dispatcher-private.h"

#include <pthread.h>
#include <signal.h>

#include "base/ferry-base-private.h"
#include "base/ferry-cond-private.h"
#include "call/ferry-invocation-private.h"

/* How long the main context begins handlers in a row, in microseconds: well below a frame. */
#define MAX_TURN 4000

struct _FerryDispatcher
{
  _Atomic gint references;
  pthread_mutex_t lock;
  FerryHandlerTable handlers; /* lock, as what follows */
  GQueue queue;               /* (element-type FerryInvocation), by link (owned) */
  guint max_pending;          /* the most that queue takes */
  guint64 max_pending_size;   /* the most bytes of arguments in it; one request may always be there */
  guint64 pending_size;
  gboolean open;
  guint64 n_closed;           /* how often it was closed: tells handlers that were begun before that from others */
  guint n_running;            /* handlers since then */
  guint n_left;               /* handlers that were begun before and have not returned */
  GQueue waiters;             /* (element-type GTask) (owned): want to know when those have, and the threads are gone */
  FerryDispatcherPlace place; /* while it is closed, as the next three */
  guint n_threads_wanted;     /* at most so many */
  gint64 idle_time;           /* microseconds after which an idle thread ends; negative: never */
  GMainContext *context;      /* (owned) (nullable) */

  pthread_cond_t work;
  sigset_t signals; /* that are blocked on its threads: as with whoever opened it */
  guint n_threads;
  guint n_idle;
  gboolean coming;                             /* a thread was woken or started, and has not looked at the queue yet */
  FerryDispatcherStartThreadFunc start_thread; /* const */

  GSource *source; /* (owned) (nullable): while it is open */
  gboolean ready;  /* the source is, or is at work */
};

/* A request that is being answered. */
typedef struct
{
  FerryInvocation *invocation; /* (owned) */
  FerryHandler *handler;       /* (owned) (nullable): there is none */
  guint64 n_closed;
} Run;

/* What is to be done for what waits in the queue, once the lock is let go of. */
typedef enum
{
  SUMMONS_NONE,
  SUMMONS_WAKE,
  SUMMONS_START,
} Summons;

FerryDispatcher *
ferry_dispatcher_new (void)
{
  FerryDispatcher *self = g_new0 (FerryDispatcher, 1);

  atomic_init (&self->references, 1);
  pthread_mutex_init (&self->lock, NULL);
  ferry_cond_init (&self->work);
  ferry_handler_table_init (&self->handlers);
  g_queue_init (&self->queue);
  g_queue_init (&self->waiters);
  self->start_thread = g_thread_try_new;
  return self;
}

static FerryDispatcher *
ref (FerryDispatcher *self)
{
  /* Relaxed: whoever refers to it has a reference already. */
  atomic_fetch_add_explicit (&self->references, 1, memory_order_relaxed);
  return self;
}

void
ferry_dispatcher_unref (FerryDispatcher *self)
{
  /* Release what this thread did with it; acquire what others did, for the one that frees it. */
  if (atomic_fetch_sub_explicit (&self->references, 1, memory_order_acq_rel) > 1)
    return;
  /* Those who wait hold the demux, and that was closed before it let go of this. */
  g_assert (self->queue.length == 0 && self->waiters.length == 0 && self->source == NULL && self->n_threads == 0);
  ferry_handler_table_clear (&self->handlers);
  g_clear_pointer (&self->context, g_main_context_unref);
  pthread_cond_destroy (&self->work);
  pthread_mutex_destroy (&self->lock);
  g_free (self);
}

/* ---- what is set ---- */

void
ferry_dispatcher_set_handler (FerryDispatcher *self, const char *method, FerryHandler *handler)
{
  g_autoptr (FerryHandler) before = NULL;

  pthread_mutex_lock (&self->lock);
  before = ferry_handler_table_replace (&self->handlers, method, handler);
  pthread_mutex_unlock (&self->lock);
}

gboolean
ferry_dispatcher_set_place (FerryDispatcher *self, FerryDispatcherPlace place, guint n_threads, gint64 idle_time,
                            GMainContext *context)
{
  GMainContext *before = NULL;
  gboolean closed;

  pthread_mutex_lock (&self->lock);
  closed = !self->open;
  if (closed)
    {
      before = self->context;
      self->context = context != NULL ? g_main_context_ref (context) : NULL;
      self->place = place;
      self->n_threads_wanted = n_threads;
      self->idle_time = idle_time;
      pthread_cond_broadcast (&self->work);
    }
  pthread_mutex_unlock (&self->lock);
  g_clear_pointer (&before, g_main_context_unref);
  return closed;
}

void
ferry_dispatcher_set_idle_time (FerryDispatcher *self, gint64 idle_time)
{
  self->idle_time = idle_time;
}

void
ferry_dispatcher_set_start_thread_func (FerryDispatcher *self, FerryDispatcherStartThreadFunc start_thread)
{
  self->start_thread = start_thread;
}

gboolean
ferry_dispatcher_set_max_pending (FerryDispatcher *self, guint max_pending)
{
  gboolean changed;

  pthread_mutex_lock (&self->lock);
  changed = self->max_pending != max_pending;
  self->max_pending = max_pending;
  pthread_mutex_unlock (&self->lock);
  return changed;
}

guint
ferry_dispatcher_get_max_pending (FerryDispatcher *self)
{
  guint max_pending;

  pthread_mutex_lock (&self->lock);
  max_pending = self->max_pending;
  pthread_mutex_unlock (&self->lock);
  return max_pending;
}

gboolean
ferry_dispatcher_set_max_pending_size (FerryDispatcher *self, guint64 max_pending_size)
{
  gboolean changed;

  pthread_mutex_lock (&self->lock);
  changed = self->max_pending_size != max_pending_size;
  self->max_pending_size = max_pending_size;
  pthread_mutex_unlock (&self->lock);
  return changed;
}

guint64
ferry_dispatcher_get_max_pending_size (FerryDispatcher *self)
{
  guint64 max_pending_size;

  pthread_mutex_lock (&self->lock);
  max_pending_size = self->max_pending_size;
  pthread_mutex_unlock (&self->lock);
  return max_pending_size;
}

/* ---- what there is ---- */

gboolean
ferry_dispatcher_is_open (FerryDispatcher *self)
{
  gboolean open;

  pthread_mutex_lock (&self->lock);
  open = self->open;
  pthread_mutex_unlock (&self->lock);
  return open;
}

guint
ferry_dispatcher_get_n_pending (FerryDispatcher *self)
{
  guint n_pending;

  pthread_mutex_lock (&self->lock);
  n_pending = self->queue.length;
  pthread_mutex_unlock (&self->lock);
  return n_pending;
}

guint
ferry_dispatcher_get_n_threads (FerryDispatcher *self)
{
  guint n_threads;

  pthread_mutex_lock (&self->lock);
  n_threads = self->n_threads;
  pthread_mutex_unlock (&self->lock);
  return n_threads;
}

gboolean
ferry_dispatcher_is_quiet (FerryDispatcher *self)
{
  gboolean quiet;

  pthread_mutex_lock (&self->lock);
  quiet = self->n_left == 0 && self->n_threads == 0;
  pthread_mutex_unlock (&self->lock);
  return quiet;
}

/* ---- waiting until it is quiet ---- */

/* Returns what is to be completed, once the lock is let go of: an empty queue mostly. */
static GQueue
steal_waiters_locked (FerryDispatcher *self)
{
  GQueue waiters = G_QUEUE_INIT;

  if (self->waiters.length > 0 && self->n_left == 0 && (self->open || self->n_threads == 0))
    {
      waiters = self->waiters;
      g_queue_init (&self->waiters);
    }
  return waiters;
}

static void
complete (GQueue *waiters)
{
  GTask *task;

  while ((task = g_queue_pop_head (waiters)) != NULL)
    {
      GSource *watch = g_task_get_task_data (task);

      if (watch != NULL)
        g_source_destroy (watch);
      g_task_return_boolean (task, TRUE);
      g_object_unref (task);
    }
}

void
ferry_dispatcher_wait_quiet (FerryDispatcher *self, GTask *task)
{
  GQueue waiters;

  pthread_mutex_lock (&self->lock);
  g_queue_push_tail (&self->waiters, task);
  waiters = steal_waiters_locked (self);
  pthread_mutex_unlock (&self->lock);
  complete (&waiters);
}

gboolean
ferry_dispatcher_stop_waiting (FerryDispatcher *self, GTask *task)
{
  gboolean found;

  pthread_mutex_lock (&self->lock);
  found = g_queue_remove (&self->waiters, task);
  pthread_mutex_unlock (&self->lock);
  return found;
}

/* ---- running handlers ---- */

/* Takes the oldest request from the queue, which has one, or for which invocation (nullable) stands. */
static void
begin_locked (FerryDispatcher *self, Run *run, FerryInvocation *invocation)
{
  FerryHandler *handler;

  if (invocation == NULL)
    {
      invocation = g_queue_pop_head_link (&self->queue)->data;
      self->pending_size -= invocation->size;
    }
  handler = ferry_handler_table_find (&self->handlers, ferry_invocation_get_method (invocation));
  run->invocation = invocation;
  run->handler = handler != NULL ? ferry_handler_ref (handler) : NULL;
  run->n_closed = self->n_closed;
  self->n_running++;
}

/* Without the lock: has it answered. */
static void
perform (Run *run)
{
  FerryInvocation *invocation = run->invocation;

  if (ferry_invocation_check_in_time (invocation))
    {
      if (run->handler != NULL)
        run->handler->func (invocation, run->handler->data);
      else
        ferry_invocation_return_new_error (invocation, FERRY_ERROR, FERRY_ERROR_UNKNOWN_FUNCTION,
                                           "Nothing answers to “%s” at the other end; have it add a handler of that "
                                           "name, or one for all others",
                                           ferry_invocation_get_method (invocation));
    }
  ferry_invocation_unref (invocation);
  g_clear_pointer (&run->handler, ferry_handler_unref);
}

static void
end_locked (FerryDispatcher *self, const Run *run)
{
  if (run->n_closed == self->n_closed)
    self->n_running--;
  else
    self->n_left--;
}

static void
run_now (FerryDispatcher *self, Run *run)
{
  GQueue waiters;

  perform (run);
  pthread_mutex_lock (&self->lock);
  end_locked (self, run);
  waiters = steal_waiters_locked (self);
  pthread_mutex_unlock (&self->lock);
  complete (&waiters);
}

static void
turn_away (GQueue *queue, const GError *reason)
{
  GList *link;

  while ((link = g_queue_pop_head_link (queue)) != NULL)
    {
      FerryInvocation *invocation = link->data;

      ferry_invocation_turn_away (invocation, reason);
      ferry_invocation_unref (invocation);
    }
}

/* ---- threads ---- */

/* They are started when there is something for them, up to as many as are wanted. Nobody joins them, since one may be
 * in a handler for as long as that likes; each lets go of what it holds when it ends. */

static void start_thread (FerryDispatcher *self);

static Summons
summon_locked (FerryDispatcher *self)
{
  if (self->queue.length == 0 || self->coming)
    return SUMMONS_NONE;
  if (self->n_idle > 0)
    {
      self->coming = TRUE;
      return SUMMONS_WAKE;
    }
  if (self->n_threads >= self->n_threads_wanted)
    return SUMMONS_NONE;
  self->coming = TRUE;
  self->n_threads++;
  return SUMMONS_START;
}

/* A thread that is woken wants the lock first, so it is woken without. Should it wake by itself before that, it finds
 * the queue, and another one wakes for nothing. */
static void
summon (FerryDispatcher *self, Summons summons)
{
  if (summons == SUMMONS_WAKE)
    pthread_cond_signal (&self->work);
  else if (summons == SUMMONS_START)
    start_thread (self);
}

/* Returns FALSE when it waited for as long as an idle thread does. */
static gboolean
wait_locked (FerryDispatcher *self)
{
  gboolean in_time;

  self->n_idle++;
  in_time = ferry_cond_wait_until (&self->work, &self->lock, ferry_deadline_after (self->idle_time));
  self->n_idle--;
  /* Whoever wakes looks at the queue now, also in place of another. */
  self->coming = FALSE;
  return in_time;
}

/* Returns whether there is a request for this thread; otherwise it is to end. */
static gboolean
find_work_locked (FerryDispatcher *self)
{
  gboolean in_time = TRUE;

  while (TRUE)
    {
      if (!self->open || self->n_threads > self->n_threads_wanted)
        return FALSE;
      if (self->queue.length > 0)
        return TRUE;
      if (!in_time)
        return FALSE;
      in_time = wait_locked (self);
    }
}

static void
work_locked (FerryDispatcher *self)
{
  Run run;
  Summons summons;
  GQueue waiters;

  begin_locked (self, &run, NULL);
  summons = summon_locked (self);
  pthread_mutex_unlock (&self->lock);
  summon (self, summons);
  perform (&run);
  pthread_mutex_lock (&self->lock);
  end_locked (self, &run);
  waiters = steal_waiters_locked (self);
  if (waiters.length == 0)
    return;
  pthread_mutex_unlock (&self->lock);
  complete (&waiters);
  pthread_mutex_lock (&self->lock);
}

static gpointer
thread_main (gpointer data)
{
  g_autoptr (FerryDispatcher) self = data;
  Summons summons;
  GQueue waiters;

  pthread_mutex_lock (&self->lock);
  /* It may have been started by a thread that receives, which blocks all of them; and what handlers start inherits. */
  pthread_sigmask (SIG_SETMASK, &self->signals, NULL);
  self->coming = FALSE;
  while (find_work_locked (self))
    work_locked (self);
  self->n_threads--;
  /* It may have been the one that was summoned. */
  summons = summon_locked (self);
  waiters = steal_waiters_locked (self);
  pthread_mutex_unlock (&self->lock);
  summon (self, summons);
  complete (&waiters);
  return NULL;
}

/* Undoes what summon_locked() counted. What waits is answered where no other thread will come to it. */
static void
give_up_thread (FerryDispatcher *self, const GError *failure)
{
  g_autoptr (GError) reason = g_error_new (
    FERRY_ERROR, FERRY_ERROR_SYSTEM,
    "The other end cannot start a thread to answer: %s; ask again when it has fewer threads", failure->message);
  GQueue unanswered = G_QUEUE_INIT;
  GQueue waiters;

  pthread_mutex_lock (&self->lock);
  self->coming = FALSE;
  self->n_threads--;
  if (self->n_threads == 0 && self->place == FERRY_DISPATCHER_PLACE_THREADS)
    {
      unanswered = self->queue;
      g_queue_init (&self->queue);
      self->pending_size = 0;
    }
  waiters = steal_waiters_locked (self);
  pthread_mutex_unlock (&self->lock);
  turn_away (&unanswered, reason);
  complete (&waiters);
}

static void
start_thread (FerryDispatcher *self)
{
  g_autoptr (GError) error = NULL;
  GThread *thread;

  thread = self->start_thread ("ferry-demux", thread_main, ref (self), &error);
  if (thread != NULL)
    {
      g_thread_unref (thread);
      return;
    }
  g_debug ("A thread of a demux cannot be started: %s", error->message);
  give_up_thread (self, error);
  ferry_dispatcher_unref (self);
}

/* ---- the main context ---- */

/* One source, made ready once for whatever comes until it has emptied the queue. It answers one request at a time, and
 * lets other sources have their turn. */

/* Whether the calling thread may run a handler at once. */
static gboolean
owns_context_locked (FerryDispatcher *self)
{
  return self->place == FERRY_DISPATCHER_PLACE_CONTEXT && self->queue.length == 0 && self->n_running == 0 &&
         g_main_context_is_owner (self->context);
}

/* Returns the source (owned) to be made ready by wake_source(), without the lock, or NULL. */
static GSource *
summon_source_locked (FerryDispatcher *self)
{
  if (self->ready)
    return NULL;
  self->ready = TRUE;
  return g_source_ref (self->source);
}

static void
wake_source (GSource *source)
{
  g_source_set_ready_time (source, 0);
  g_source_unref (source);
}

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  g_autoptr (FerryDispatcher) self = ref (data);
  gint64 end = g_get_monotonic_time () + MAX_TURN;
  GQueue waiters;
  gboolean more;

  g_source_set_ready_time (source, -1);
  pthread_mutex_lock (&self->lock);
  /* Of a dispatcher that was closed and opened again, the queue is for another source. */
  while (self->source == source && self->queue.length > 0 && g_get_monotonic_time () < end)
    {
      Run run;

      begin_locked (self, &run, NULL);
      pthread_mutex_unlock (&self->lock);
      perform (&run);
      pthread_mutex_lock (&self->lock);
      end_locked (self, &run);
    }
  more = self->source == source && self->queue.length > 0;
  if (self->source == source)
    self->ready = more;
  waiters = steal_waiters_locked (self);
  pthread_mutex_unlock (&self->lock);
  if (more)
    g_source_set_ready_time (source, 0);
  complete (&waiters);
  return G_SOURCE_CONTINUE;
}

static gboolean
not_called (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

static GSource *
source_new (FerryDispatcher *self)
{
  static GSourceFuncs funcs = {.dispatch = dispatch};
  GSource *source = g_source_new (&funcs, sizeof (GSource));

  g_source_set_static_name (source, "ferry-demux");
  /* The callback is there for its data, which holds the dispatcher. */
  g_source_set_callback (source, not_called, ref (self), (GDestroyNotify) ferry_dispatcher_unref);
  g_source_set_ready_time (source, -1);
  return source;
}

/* ---- taking requests ---- */

static GError *
new_refusal (FerryDispatcher *self, gboolean open)
{
  if (!open)
    return g_error_new_literal (FERRY_ERROR, FERRY_ERROR_REFUSED,
                                "The other end was stopped before it began; ask again later");
  return g_error_new_literal (FERRY_ERROR, FERRY_ERROR_REFUSED,
                              "More waits at the other end than it takes; ask again later, or less at a time");
}

static gboolean
runs_now_locked (FerryDispatcher *self)
{
  return self->place == FERRY_DISPATCHER_PLACE_RECEIVING || owns_context_locked (self);
}

static gboolean
has_room_locked (FerryDispatcher *self, gsize size)
{
  if (self->queue.length >= self->max_pending)
    return FALSE;
  return self->queue.length == 0 || self->pending_size + size <= self->max_pending_size;
}

void
ferry_dispatcher_take (FerryDispatcher *self, FerryInvocation *invocation)
{
  GVariant *arguments = ferry_invocation_get_arguments (invocation);
  const gsize size = arguments != NULL ? g_variant_get_size (arguments) : 0;
  g_autoptr (GError) refusal = NULL;
  GSource *source = NULL;
  Summons summons = SUMMONS_NONE;
  gboolean now = FALSE;
  Run run;

  pthread_mutex_lock (&self->lock);
  if (!self->open)
    refusal = new_refusal (self, FALSE);
  else if (runs_now_locked (self))
    {
      now = TRUE;
      begin_locked (self, &run, invocation);
    }
  else if (!has_room_locked (self, size))
    refusal = new_refusal (self, TRUE);
  else
    {
      invocation->size = size;
      self->pending_size += size;
      g_queue_push_tail_link (&self->queue, &invocation->link);
      if (self->place == FERRY_DISPATCHER_PLACE_CONTEXT)
        source = summon_source_locked (self);
      else
        summons = summon_locked (self);
    }
  pthread_mutex_unlock (&self->lock);

  if (now)
    run_now (self, &run);
  else if (source != NULL)
    wake_source (source);
  else
    summon (self, summons);
  if (refusal == NULL)
    return;
  ferry_invocation_turn_away (invocation, refusal);
  ferry_invocation_unref (invocation);
}

/* ---- opening and closing ---- */

gboolean
ferry_dispatcher_open (FerryDispatcher *self)
{
  gboolean opened;

  pthread_mutex_lock (&self->lock);
  opened = !self->open;
  self->open = TRUE;
  if (opened)
    pthread_sigmask (SIG_SETMASK, NULL, &self->signals);
  if (opened && self->place == FERRY_DISPATCHER_PLACE_CONTEXT)
    {
      self->ready = FALSE;
      self->source = source_new (self);
      g_source_attach (self->source, self->context);
    }
  pthread_mutex_unlock (&self->lock);
  return opened;
}

gboolean
ferry_dispatcher_close (FerryDispatcher *self)
{
  g_autoptr (GError) reason = new_refusal (self, FALSE);
  GSource *source;
  gboolean closed;
  GQueue queue;

  pthread_mutex_lock (&self->lock);
  closed = self->open;
  self->open = FALSE;
  queue = self->queue;
  g_queue_init (&self->queue);
  self->pending_size = 0;
  source = g_steal_pointer (&self->source);
  if (closed)
    {
      self->n_closed++;
      self->n_left += self->n_running;
      self->n_running = 0;
    }
  pthread_cond_broadcast (&self->work);
  pthread_mutex_unlock (&self->lock);
  if (source != NULL)
    {
      g_source_destroy (source);
      g_source_unref (source);
    }
  turn_away (&queue, reason);
  return closed;
}
