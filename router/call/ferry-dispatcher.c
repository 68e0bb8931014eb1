/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The handlers of a demux, the requests that wait for one, and the threads or the main context that run handlers.
 *
 * The walk of a request: the receiving thread calls take() with it. There it is refused, begun at once, or queued. Then
 * a thread is woken or started, or the source of the context is made ready, unless one is coming already. That thread
 * takes requests until the queue is empty. A thread that finds further requests behind its own wakes the next thread.
 * So a flood costs the receiving thread one wake-up, and the threads wake each other.
 *
 * Owner:      counted references: of the demux, of each thread and of the source. So handlers may run on when the demux
 *             is dropped.
 * Threads:    any.
 * Locks:      lock before that of waits. No handler, destroy notification or transport is called with lock held.
 * Invariants: while it is closed, the queue is empty. With threads and a queue that is not empty, one of these holds: a
 *             thread is coming; all allowed threads exist and none is idle; none could be started and one is busy. */

#include "config.h"

#include "call/ferry-dispatcher-private.h"

#include <pthread.h>
#include <signal.h>

#include "base/ferry-base-private.h"
#include "base/ferry-cond-private.h"
#include "base/ferry-wait-queue-private.h"
#include "call/ferry-invocation-private.h"

/* How long the main context begins handlers in a row, in microseconds: well below a frame. */
#define MAX_TURN 4000

/* Counted references: a handler that is removed lives until it has returned, and its data with it. */
typedef struct
{
  _Atomic gint references;
  FerryDemuxHandler func; /* const, as the next two */
  gpointer data;
  GDestroyNotify destroy; /* (nullable) */
} Handler;

struct _FerryDispatcher
{
  _Atomic gint references;
  pthread_mutex_t lock;
  GHashTable *handlers;     /* lock, as what follows: (owned) (element-type utf8 Handler), both owned, by method */
  Handler *other_handler;   /* (owned) (nullable): for all other methods */
  GQueue queue;             /* (element-type FerryInvocation), by link (owned) */
  guint max_pending;        /* the most requests in it */
  guint64 max_pending_size; /* the most bytes of arguments in it; one request may always be there */
  guint64 pending_size;
  gboolean open;
  guint64 n_closed;           /* how often it was closed */
  guint n_running;            /* handlers that were begun since it was last closed */
  guint n_left;               /* handlers that were begun before that and have not returned */
  FerryWaitQueue waits;       /* joined with lock: for the moment when those have, and the threads are gone */
  gboolean has_waits;         /* waits was joined since it was last finished */
  FerryDispatcherPlace place; /* while it is closed, as the next three */
  guint max_threads;
  gint64 idle_time;      /* microseconds after which an idle thread ends; negative: never */
  GMainContext *context; /* (owned) (nullable) */

  pthread_cond_t work;
  sigset_t signals; /* blocked on its threads, as on the thread that opened it */
  guint n_threads;
  guint n_idle;
  gboolean coming;                             /* a thread was woken or started, and has not read the queue yet */
  FerryDispatcherStartThreadFunc start_thread; /* const */

  GSource *source; /* (owned) (nullable): while it is open */
  gboolean ready;  /* the source is ready, or is dispatched */
};

/* A request whose handler runs. */
typedef struct
{
  FerryInvocation *invocation; /* (owned) */
  Handler *handler;            /* (owned) (nullable): there is none */
  guint64 n_closed;            /* when it was begun */
} Run;

/* How to get a thread for the queue, once the lock is released. */
typedef enum
{
  SUMMONS_NONE,
  SUMMONS_WAKE,
  SUMMONS_START,
} Summons;

static void
handler_unref (gpointer data)
{
  Handler *self = data;

  if (!ferry_ref_count_dec (&self->references))
    return;
  if (self->destroy != NULL)
    self->destroy (self->data);
  g_free (self);
}

FerryDispatcher *
ferry_dispatcher_new (void)
{
  FerryDispatcher *self = g_new0 (FerryDispatcher, 1);

  atomic_init (&self->references, 1);
  pthread_mutex_init (&self->lock, NULL);
  ferry_cond_init (&self->work);
  self->handlers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, handler_unref);
  g_queue_init (&self->queue);
  ferry_wait_queue_init (&self->waits);
  self->start_thread = g_thread_try_new;
  return self;
}

static FerryDispatcher *
ref (FerryDispatcher *self)
{
  ferry_ref_count_inc (&self->references);
  return self;
}

void
ferry_dispatcher_unref (FerryDispatcher *self)
{
  if (!ferry_ref_count_dec (&self->references))
    return;
  /* A task that waits holds the demux, which closes the dispatcher before it drops it. */
  g_assert (self->queue.length == 0 && self->source == NULL && self->n_threads == 0);
  g_hash_table_unref (self->handlers);
  g_clear_pointer (&self->other_handler, handler_unref);
  ferry_wait_queue_clear (&self->waits);
  g_clear_pointer (&self->context, g_main_context_unref);
  pthread_cond_destroy (&self->work);
  pthread_mutex_destroy (&self->lock);
  g_free (self);
}

/* ---- settings ---- */

void
ferry_dispatcher_set_handler (FerryDispatcher *self, const char *method, FerryDemuxHandler func, gpointer data,
                              GDestroyNotify destroy)
{
  Handler *handler = func != NULL ? g_new (Handler, 1) : NULL;
  gpointer before = NULL;
  g_autofree gpointer key = NULL;

  if (handler != NULL)
    *handler = (Handler){1, func, data, destroy};
  pthread_mutex_lock (&self->lock);
  if (method == NULL)
    {
      before = self->other_handler;
      self->other_handler = handler;
    }
  else
    {
      g_hash_table_steal_extended (self->handlers, method, &key, &before);
      if (handler != NULL)
        g_hash_table_insert (self->handlers, g_strdup (method), handler);
    }
  pthread_mutex_unlock (&self->lock);
  g_clear_pointer (&before, handler_unref);
}

gboolean
ferry_dispatcher_set_place (FerryDispatcher *self, FerryDispatcherPlace place, guint n_threads, gint64 idle_time,
                            GMainContext *context)
{
  g_autoptr (GMainContext) before G_GNUC_UNUSED = NULL;
  FERRY_AUTO_LOCK (&self->lock);

  if (self->open)
    return FALSE;
  before = self->context;
  self->context = context != NULL ? g_main_context_ref (context) : NULL;
  self->place = place;
  self->max_threads = n_threads;
  self->idle_time = idle_time;
  pthread_cond_broadcast (&self->work);
  return TRUE;
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
  FERRY_AUTO_LOCK (&self->lock);

  changed = self->max_pending != max_pending;
  self->max_pending = max_pending;
  return changed;
}

guint
ferry_dispatcher_get_max_pending (FerryDispatcher *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  return self->max_pending;
}

gboolean
ferry_dispatcher_set_max_pending_size (FerryDispatcher *self, guint64 max_pending_size)
{
  gboolean changed;
  FERRY_AUTO_LOCK (&self->lock);

  changed = self->max_pending_size != max_pending_size;
  self->max_pending_size = max_pending_size;
  return changed;
}

guint64
ferry_dispatcher_get_max_pending_size (FerryDispatcher *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  return self->max_pending_size;
}

gboolean
ferry_dispatcher_is_open (FerryDispatcher *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  return self->open;
}

guint
ferry_dispatcher_get_n_pending (FerryDispatcher *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  return self->queue.length;
}

guint
ferry_dispatcher_get_n_threads (FerryDispatcher *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  return self->n_threads;
}

gboolean
ferry_dispatcher_is_quiet (FerryDispatcher *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  return self->n_left == 0 && self->n_threads == 0;
}

/* ---- waiting until it is quiet ---- */

/* Returns the waits to be finished, once the lock is released: an empty queue mostly. */
static GQueue
reserve_waits_locked (FerryDispatcher *self)
{
  GQueue waits = G_QUEUE_INIT;

  if (self->has_waits && self->n_left == 0 && (self->open || self->n_threads == 0))
    {
      self->has_waits = FALSE;
      ferry_wait_queue_reserve_all (&self->waits, &waits);
    }
  return waits;
}

void
ferry_dispatcher_wait_quiet (FerryDispatcher *self, GTask *task)
{
  g_autoptr (FerryCompletion) wait = NULL;
  GQueue waits;

  pthread_mutex_lock (&self->lock);
  wait = ferry_wait_queue_join (&self->waits, NULL, NULL);
  self->has_waits = TRUE;
  waits = reserve_waits_locked (self);
  pthread_mutex_unlock (&self->lock);
  ferry_wait_queue_finish_reserved (&waits);
  ferry_completion_return_boolean (wait, task, G_MAXINT64);
}

/* ---- running handlers ---- */

/* invocation (nullable): NULL takes the oldest request from the queue, which has one. */
static void
begin_locked (FerryDispatcher *self, Run *run, FerryInvocation *invocation)
{
  Handler *handler;

  if (invocation == NULL)
    {
      invocation = g_queue_pop_head_link (&self->queue)->data;
      self->pending_size -= invocation->size;
    }
  handler = g_hash_table_lookup (self->handlers, ferry_invocation_get_method (invocation));
  if (handler == NULL)
    handler = self->other_handler;
  if (handler != NULL)
    ferry_ref_count_inc (&handler->references);
  *run = (Run){invocation, handler, self->n_closed};
  self->n_running++;
}

/* Without the lock. */
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
  g_clear_pointer (&run->handler, handler_unref);
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
  GQueue waits;

  perform (run);
  pthread_mutex_lock (&self->lock);
  end_locked (self, run);
  waits = reserve_waits_locked (self);
  pthread_mutex_unlock (&self->lock);
  ferry_wait_queue_finish_reserved (&waits);
}

static void
refuse_all (GQueue *queue, const GError *reason)
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

/* Threads are started for requests, up to max_threads. They are not joined, since a handler may run for any time; each
 * drops its reference to the dispatcher at its end. */

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
  if (self->n_threads >= self->max_threads)
    return SUMMONS_NONE;
  self->coming = TRUE;
  self->n_threads++;
  return SUMMONS_START;
}

/* Without the lock, which the woken thread takes first. A thread that wakes by itself before that takes the request,
 * and this wake-up is in vain. */
static void
summon (FerryDispatcher *self, Summons summons)
{
  if (summons == SUMMONS_WAKE)
    pthread_cond_signal (&self->work);
  else if (summons == SUMMONS_START)
    start_thread (self);
}

/* Returns FALSE when idle_time is over. */
static gboolean
wait_locked (FerryDispatcher *self)
{
  gboolean in_time;

  self->n_idle++;
  in_time = ferry_cond_wait_until (&self->work, &self->lock, ferry_deadline_after (self->idle_time));
  self->n_idle--;
  /* It reads the queue now, in place of any other thread that is coming. */
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
      if (!self->open || self->n_threads > self->max_threads)
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
  GQueue waits;

  begin_locked (self, &run, NULL);
  summons = summon_locked (self);
  pthread_mutex_unlock (&self->lock);
  summon (self, summons);
  perform (&run);
  pthread_mutex_lock (&self->lock);
  end_locked (self, &run);
  waits = reserve_waits_locked (self);
  if (waits.length == 0)
    return;
  pthread_mutex_unlock (&self->lock);
  ferry_wait_queue_finish_reserved (&waits);
  pthread_mutex_lock (&self->lock);
}

static gpointer
thread_main (gpointer data)
{
  g_autoptr (FerryDispatcher) self = data;
  Summons summons;
  GQueue waits;

  pthread_mutex_lock (&self->lock);
  /* A receiving thread, which blocks all signals, may have started it. Processes that handlers start inherit the mask.
   */
  pthread_sigmask (SIG_SETMASK, &self->signals, NULL);
  self->coming = FALSE;
  while (find_work_locked (self))
    work_locked (self);
  self->n_threads--;
  /* This thread may have been the one that was coming. */
  summons = summon_locked (self);
  waits = reserve_waits_locked (self);
  pthread_mutex_unlock (&self->lock);
  summon (self, summons);
  ferry_wait_queue_finish_reserved (&waits);
  return NULL;
}

/* Undoes summon_locked(). Answers the queue with an error where no other thread is there for it. */
static void
give_up_thread (FerryDispatcher *self, const GError *failure)
{
  g_autoptr (GError) reason = g_error_new (
    FERRY_ERROR, FERRY_ERROR_SYSTEM,
    "The other end cannot start a thread to answer: %s; ask again when it has fewer threads", failure->message);
  GQueue unanswered = G_QUEUE_INIT;
  GQueue waits;

  pthread_mutex_lock (&self->lock);
  self->coming = FALSE;
  self->n_threads--;
  if (self->n_threads == 0 && self->place == FERRY_DISPATCHER_PLACE_THREADS)
    {
      unanswered = self->queue;
      g_queue_init (&self->queue);
      self->pending_size = 0;
    }
  waits = reserve_waits_locked (self);
  pthread_mutex_unlock (&self->lock);
  refuse_all (&unanswered, reason);
  ferry_wait_queue_finish_reserved (&waits);
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

/* One source, which is made ready once, until it has emptied the queue. It runs one handler at a time, and other
 * sources have their turns in between. */

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  g_autoptr (FerryDispatcher) self = ref (data);
  gint64 end = g_get_monotonic_time () + MAX_TURN;
  GQueue waits;
  gboolean more;

  g_source_set_ready_time (source, -1);
  pthread_mutex_lock (&self->lock);
  /* A dispatcher that was closed and opened again has another source for its queue. */
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
  waits = reserve_waits_locked (self);
  pthread_mutex_unlock (&self->lock);
  if (more)
    g_source_set_ready_time (source, 0);
  ferry_wait_queue_finish_reserved (&waits);
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
  /* The source has a callback only for its data, which holds the dispatcher. */
  g_source_set_callback (source, not_called, ref (self), (GDestroyNotify) ferry_dispatcher_unref);
  g_source_set_ready_time (source, -1);
  return source;
}

/* ---- taking requests ---- */

static GError *
new_refusal (gboolean open)
{
  return g_error_new_literal (FERRY_ERROR, FERRY_ERROR_REFUSED,
                              open ? "More waits at the other end than it takes; ask again later, or less at a time"
                                   : "The other end was stopped before it began; ask again later");
}

/* Whether this thread may run a handler at once. */
static gboolean
runs_now_locked (FerryDispatcher *self)
{
  return self->place == FERRY_DISPATCHER_PLACE_RECEIVING ||
         (self->place == FERRY_DISPATCHER_PLACE_CONTEXT && self->queue.length == 0 && self->n_running == 0 &&
          g_main_context_is_owner (self->context));
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
  g_autoptr (GSource) source = NULL;
  Summons summons = SUMMONS_NONE;
  gboolean now = FALSE;
  Run run;

  pthread_mutex_lock (&self->lock);
  if (!self->open)
    refusal = new_refusal (FALSE);
  else if (runs_now_locked (self))
    {
      now = TRUE;
      begin_locked (self, &run, invocation);
    }
  else if (!has_room_locked (self, size))
    refusal = new_refusal (TRUE);
  else
    {
      invocation->size = size;
      self->pending_size += size;
      g_queue_push_tail_link (&self->queue, &invocation->link);
      if (self->place != FERRY_DISPATCHER_PLACE_CONTEXT)
        summons = summon_locked (self);
      else if (!self->ready)
        {
          self->ready = TRUE;
          source = g_source_ref (self->source);
        }
    }
  pthread_mutex_unlock (&self->lock);

  if (now)
    run_now (self, &run);
  else if (source != NULL)
    g_source_set_ready_time (source, 0);
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
  FERRY_AUTO_LOCK (&self->lock);

  if (self->open)
    return FALSE;
  self->open = TRUE;
  pthread_sigmask (SIG_SETMASK, NULL, &self->signals);
  if (self->place == FERRY_DISPATCHER_PLACE_CONTEXT)
    {
      self->ready = FALSE;
      self->source = source_new (self);
      g_source_attach (self->source, self->context);
    }
  return TRUE;
}

gboolean
ferry_dispatcher_close (FerryDispatcher *self)
{
  g_autoptr (GError) reason = new_refusal (FALSE);
  g_autoptr (GSource) source = NULL;
  GQueue queue;

  pthread_mutex_lock (&self->lock);
  if (!self->open)
    {
      pthread_mutex_unlock (&self->lock);
      return FALSE;
    }
  self->open = FALSE;
  queue = self->queue;
  g_queue_init (&self->queue);
  self->pending_size = 0;
  source = g_steal_pointer (&self->source);
  self->n_closed++;
  self->n_left += self->n_running;
  self->n_running = 0;
  pthread_cond_broadcast (&self->work);
  pthread_mutex_unlock (&self->lock);
  if (source != NULL)
    g_source_destroy (source);
  refuse_all (&queue, reason);
  return TRUE;
}
