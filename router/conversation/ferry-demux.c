/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The answering end of a transport: its handlers, the threads that call them, and the requests that wait. A demux has
 * handlers, the requests that wait for a handler, and the threads or the main context that run the handlers.
 *
 * All of that belongs to a dispatcher, which is reference-counted. The demux, each thread and the source hold a
 * reference, so handlers may still run after the demux is dropped.
 *
 * The path of a request: the receiving thread passes the request to dispatcher_take(), which refuses it, begins it at
 * once, or queues it. By default it begins what has returned at once so far, if the transport can have another thread
 * receive. For a queued request it has a thread of the pool come, which takes the oldest one, or wakes the
 * context if that sleeps, whose source takes requests until the queue is empty.
 *
 * The dispatcher is open while the demux is started. A closed dispatcher refuses every request. After the dispatcher
 * opens or closes, one thread at a time registers the demux with the transport, or unregisters it, until both agree.
 * So ferry_demux_start() and ferry_demux_stop() may run on several threads at once, and may be called from the
 * handlers of early requests. Handlers may also drop the demux while it starts: ferry_demux_start() holds a reference.
 *
 * An ordered demux enters its handlers in the order in which the requests arrived, whichever threads call them. A
 * thread of the pool takes the entry before it takes a request out of the queue. It lets the next thread enter when its
 * handler says so by ferry_demux_let_next(), and otherwise when the handler has returned.
 *
 * Threads:    any.
 * Locks:      the entry is taken before the dispatcher's lock, and that before the lock of waits. No handler, destroy
 *             notification or function of the transport is called while the dispatcher's lock or the demux's lock is
 *             held. A handler begins with the entry of an ordered demux, and must not call an application's code with
 *             it.
 * Invariants: while the dispatcher is closed, the queue is empty. If threads run the handlers, at least as many visits
 *             of the pool are to come as requests are in the queue.
 *
 * It is one file since it is one class: a request's way through it, and the places where handlers run. */

#include "config.h"

#include "conversation/ferry-demux-private.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "base/ferry-completion-private.h"
#include "base/ferry-forks-private.h"
#include "base/ferry-mailbox-private.h"
#include "base/ferry-property-private.h"
#include "base/ferry-spin-private.h"
#include "base/ferry-thread-private.h"
#include "base/ferry-usable-cores.h"
#include "base/ferry-wait-queue-private.h"
#include "conversation/ferry-demux-invocation-private.h"

#define DEFAULT_MAX_PENDING 65536
#define DEFAULT_MAX_PENDING_SIZE (64 * 1024 * 1024)

/* Where the handlers run. */
typedef enum
{
  PLACE_THREADS,
  PLACE_RECEIVING,
  PLACE_CONTEXT,
} Place;

/* A handler that takes longer does not return at once, in microseconds: a few times as long as an answer takes to be
 * sent. */
#define AT_ONCE 20
/* Each time that a handler takes longer weighs as much as so many times that it does not, which are forgiven: the first
 * call finds cold memory, and any may have lost its core. */
#define WEIGHT 8
#define MAX_SLOWNESS (4 * WEIGHT)

/* How long the main context begins handlers in a row, in microseconds: well below a frame's time. */
#define MAX_TURN 4000

/* A handler and its data. A reference is held while the handler runs, so a handler that is removed meanwhile is
 * freed when it has returned. */
typedef struct
{
  _Atomic gint references;
  _Atomic guint slowness; /* MAX_SLOWNESS: it does not return at once */
  FerryDemuxHandler func; /* const: this, data and destroy */
  gpointer data;
  GDestroyNotify destroy; /* (nullable) */
} Handler;

#define FERRY_TYPE_DEMUX_DISPATCHER (ferry_demux_dispatcher_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemuxDispatcher, ferry_demux_dispatcher, FERRY, DEMUX_DISPATCHER, GObject)

struct _FerryDemuxDispatcher
{
  GObject parent_instance;

  FerryInvocationDescribeFunc describe; /* (nullable): set before the demux is started */
  _Atomic guint64 n_received;

  pthread_mutex_t lock;
  GHashTable *handlers; /* lock: this and all fields below: (owned) (element-type utf8 Handler), both owned; the key is
                           the method */
  Handler *other_handler;    /* (owned) (nullable): for all other methods */
  GQueue queue;              /* (element-type FerryDemuxInvocation) (owned): linked by their field link */
  _Atomic guint max_pending; /* any: the most requests in queue */
  /* any: the most bytes of arguments in queue; an empty queue accepts one request of any size */
  _Atomic guint64 max_pending_size;
  guint64 pending_size;
  gboolean open;
  guint64 n_closed;      /* how many times the dispatcher was closed */
  guint n_running;       /* handlers that began since the dispatcher was last closed, and have not returned */
  guint n_left;          /* handlers that began before the dispatcher was last closed, and have not returned */
  FerryWaitQueue waits;  /* joined with lock held: completions that wait until n_left is 0 */
  Place place;           /* changed only while the dispatcher is closed, as are max_threads and context */
  gboolean is_default;   /* nobody has chosen a place; changed as place is */
  int max_threads;       /* the most handlers at a time */
  GMainContext *context; /* (owned) (nullable) */

  gboolean ordered; /* const: handlers are entered in order */
  pthread_mutex_t entry;

  GThreadPool *pool; /* (element-type FerryDemuxDispatcher) (owned) (nullable): made when it is first needed */
  sigset_t signals;  /* what handlers block: the signals that the thread that opened the dispatcher blocks */

  GSource *source; /* (owned) (nullable): set while the dispatcher is open */
};

typedef FerryDemuxDispatcher Dispatcher;

G_DEFINE_FINAL_TYPE (FerryDemuxDispatcher, ferry_demux_dispatcher, G_TYPE_OBJECT)

/* A request and its running handler. */
typedef struct
{
  FerryInvocation *invocation; /* (owned) (nullable): NULL when the handler has returned */
  Handler *handler;            /* (owned) (nullable): NULL if there is no handler for the method */
  guint64 n_closed;            /* the dispatcher's n_closed when the handler began */
  FerryTransport *lender;      /* (unowned) (nullable): this thread receives for it, and runs the handler meanwhile */
  sigset_t lent_signals;       /* of a thread that was lent: what it blocks otherwise */
} Handling;

/* (nullable): the entry that this thread has. */
static _Thread_local pthread_mutex_t *own_entry;

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

static void
ferry_demux_dispatcher_init (FerryDemuxDispatcher *self)
{
  atomic_init (&self->max_pending, DEFAULT_MAX_PENDING);
  atomic_init (&self->max_pending_size, DEFAULT_MAX_PENDING_SIZE);
  pthread_mutex_init (&self->lock, NULL);
  pthread_mutex_init (&self->entry, NULL);
  self->handlers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, handler_unref);
  g_queue_init (&self->queue);
  ferry_wait_queue_init (&self->waits);
}

static Dispatcher *
ref (Dispatcher *self)
{
  return g_object_ref (self);
}

static void
dispatcher_unref (Dispatcher *self)
{
  ferry_hand_over (self);
  g_object_unref (self);
}

static void
ferry_demux_dispatcher_finalize (GObject *object)
{
  Dispatcher *self = FERRY_DEMUX_DISPATCHER (object);

  ferry_take_over (self);
  /* A task of ferry_demux_stop_async() holds the demux, which closes the dispatcher before it drops its reference. */
  g_assert (self->queue.length == 0 && self->source == NULL);
  if (self->pool != NULL)
    g_thread_pool_free (self->pool, /* immediate: */ TRUE, /* wait: */ FALSE);
  g_hash_table_unref (self->handlers);
  g_clear_pointer (&self->other_handler, handler_unref);
  ferry_wait_queue_clear (&self->waits);
  g_clear_pointer (&self->context, g_main_context_unref);
  pthread_mutex_destroy (&self->entry);
  pthread_mutex_destroy (&self->lock);

  G_OBJECT_CLASS (ferry_demux_dispatcher_parent_class)->finalize (object);
}

static void
ferry_demux_dispatcher_class_init (FerryDemuxDispatcherClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ferry_demux_dispatcher_finalize;
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Dispatcher, dispatcher_unref)

/* ---- settings ---- */

static void
dispatcher_set_handler (Dispatcher *self, const char *method, FerryDemuxHandler func, gpointer data,
                        GDestroyNotify destroy)
{
  Handler *handler = func != NULL ? g_new (Handler, 1) : NULL;
  gpointer before = NULL;
  g_autofree gpointer key = NULL;

  if (handler != NULL)
    *handler = (Handler){.references = 1, .func = func, .data = data, .destroy = destroy};
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

static gboolean
dispatcher_set_place (Dispatcher *self, Place place, gboolean is_default, int n_threads, GMainContext *context)
{
  g_autoptr (GMainContext) before G_GNUC_UNUSED = NULL;
  FERRY_AUTO_LOCK (&self->lock);

  if (self->open)
    return FALSE;
  before = self->context;
  self->context = context != NULL ? g_main_context_ref (context) : NULL;
  self->place = place;
  self->is_default = is_default;
  self->max_threads = n_threads;
  return TRUE;
}

static gboolean
dispatcher_is_open (Dispatcher *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  return self->open;
}

/* ---- waiting until no handler runs ---- */

static gboolean
is_quiet_locked (Dispatcher *self)
{
  return self->n_left == 0;
}

/* Releases the lock. Finishes the completions of waits when all handlers from before the last close have returned. */
static void
unlock (Dispatcher *self)
{
  GQueue waits = G_QUEUE_INIT;

  if (!ferry_wait_queue_is_empty (&self->waits) && is_quiet_locked (self))
    ferry_wait_queue_reserve (&self->waits, NULL, &waits);
  pthread_mutex_unlock (&self->lock);
  ferry_wait_queue_finish_reserved (&waits);
}

/* ---- running handlers ---- */

/* Returns (nullable) the handler of a method. */
static Handler *
find_handler_locked (Dispatcher *self, const char *method)
{
  Handler *handler = g_hash_table_lookup (self->handlers, method);

  return handler != NULL ? handler : self->other_handler;
}

/* Fills in handling, which was empty, with a request and its handler. invocation (nullable): NULL takes the oldest
 * request of the queue, which must not be empty. */
static void
begin_locked (Dispatcher *self, Handling *handling, FerryDemuxInvocation *invocation)
{
  Handler *handler;

  if (invocation == NULL)
    {
      invocation = g_queue_pop_head_link (&self->queue)->data;
      self->pending_size -= ferry_call_get_size (invocation->call);
    }
  handler = find_handler_locked (self, invocation->base.method);
  if (handler != NULL)
    ferry_ref_count_inc (&handler->references);
  handling->invocation = &invocation->base;
  handling->handler = handler;
  handling->n_closed = self->n_closed;
  self->n_running++;
}

/* Calls the handler. Must be called without the lock. */
static void
call_handler (Handling *handling)
{
  FerryInvocation *invocation = g_steal_pointer (&handling->invocation);

  if (ferry_demux_invocation_check_in_time (invocation))
    {
      if (handling->handler != NULL)
        handling->handler->func (invocation, handling->handler->data);
      else
        ferry_invocation_return_new_error (invocation, FERRY_ERROR, FERRY_ERROR_UNKNOWN_FUNCTION,
                                           "The other end has no handler for '%s'; add a handler of that name there, "
                                           "or one for all methods",
                                           ferry_invocation_get_method (invocation));
    }
  ferry_invocation_unref (invocation);
}

/* Runs a handler on the thread that receives. If that takes long, another thread receives in its place. */
static void
call_on_lent_thread (Handling *handling)
{
  _Atomic guint *slowness = &handling->handler->slowness;
  /* Relaxed, here and below: the value orders no other memory. Until the handler has returned it is one that has not.
   */
  guint before = atomic_exchange_explicit (slowness, MAX_SLOWNESS, memory_order_relaxed);
  gint64 taken;

  call_handler (handling);
  taken = ferry_transport_end_handler (handling->lender);
  pthread_sigmask (SIG_SETMASK, &handling->lent_signals, NULL);
  if (taken > AT_ONCE)
    before = MIN (before + WEIGHT, MAX_SLOWNESS);
  else if (before > 0)
    before--;
  atomic_store_explicit (slowness, before, memory_order_relaxed);
}

static void
perform (Handling *handling)
{
  if (handling->lender != NULL)
    call_on_lent_thread (handling);
  else
    call_handler (handling);
  g_clear_pointer (&handling->handler, handler_unref);
}

static void
end_locked (Dispatcher *self, const Handling *handling)
{
  if (handling->n_closed == self->n_closed)
    self->n_running--;
  else
    self->n_left--;
}

static void
refuse_all (GQueue *queue, const GError *reason)
{
  GList *link;

  while ((link = g_queue_pop_head_link (queue)) != NULL)
    {
      ferry_demux_invocation_turn_away (link->data, reason);
      ferry_invocation_unref (link->data);
    }
}

/* ---- the pool ---- */

/* Waits until no other thread enters a handler. Releases the lock meanwhile. */
static void
enter_locked (Dispatcher *self)
{
  pthread_mutex_unlock (&self->lock);
  pthread_mutex_lock (&self->entry);
  own_entry = &self->entry;
  pthread_mutex_lock (&self->lock);
}

void
ferry_demux_let_next (void)
{
  pthread_mutex_t *entry = g_steal_pointer (&own_entry);

  if (entry != NULL)
    pthread_mutex_unlock (entry);
}

/* A visit of the pool: runs the handler of the oldest request, unless the queue was emptied meanwhile. */
static void
visit (gpointer data, gpointer unused)
{
  g_autoptr (Dispatcher) self = data;
  Handling handling = {NULL};

  pthread_mutex_lock (&self->lock);
  /* The receiving thread, which blocks all signals, may have started this thread. Processes that handlers start
   * inherit the mask. */
  pthread_sigmask (SIG_SETMASK, &self->signals, NULL);
  if (self->ordered)
    enter_locked (self);
  if (self->queue.length > 0)
    {
      begin_locked (self, &handling, NULL);
      pthread_mutex_unlock (&self->lock);
      perform (&handling);
      ferry_demux_let_next ();
      pthread_mutex_lock (&self->lock);
      end_locked (self, &handling);
    }
  else
    ferry_demux_let_next ();
  unlock (self);
}

static void
make_pool_locked (Dispatcher *self)
{
  /* Its threads are those of all pools, which are started when they are needed, and end after some idle time. Nothing
   * is to come when it is freed, since each visit has a reference: GLib would free its own signs to the threads as
   * well. */
  if (self->pool == NULL)
    self->pool = g_thread_pool_new (visit, NULL, self->max_threads, /* exclusive: */ FALSE, NULL);
  else
    g_thread_pool_set_max_threads (self->pool, self->max_threads, NULL);
}

/* Has a thread come to the queue. Where none can be started, and there is none, moves what is queued to unanswered, and
 * sets reason. */
static void
summon_locked (Dispatcher *self, GQueue *unanswered, GError **reason)
{
  g_autoptr (GError) error = NULL;

  ferry_spin_note_wake ();
  if (g_thread_pool_push (self->pool, ref (self), &error) || g_thread_pool_get_num_threads (self->pool) > 0)
    return;
  *unanswered = self->queue;
  g_queue_init (&self->queue);
  self->pending_size = 0;
  g_set_error (reason, FERRY_ERROR, FERRY_ERROR_SYSTEM,
               "The other end cannot start a thread to answer: %s; ask again when it has fewer threads",
               error->message);
}

/* ---- the main context ---- */

/* The dispatcher's one source is ready while requests wait. It runs handlers one after the other for at most MAX_TURN;
 * then other sources can run. */
typedef struct
{
  FerryWorkSource work;
  Dispatcher *dispatcher; /* (owned) */
} TurnSource;

static gboolean
has_request (FerryWorkSource *work, int *timeout)
{
  Dispatcher *self = ((TurnSource *) work)->dispatcher;
  FERRY_AUTO_LOCK (&self->lock);
  /* If the dispatcher was closed and opened again meanwhile, a new source serves the queue. */
  return self->source == &work->source && self->queue.length > 0;
}

static gboolean
turn_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  g_autoptr (Dispatcher) self = ref (((TurnSource *) source)->dispatcher);
  gint64 end = g_get_monotonic_time () + MAX_TURN;

  pthread_mutex_lock (&self->lock);
  while (self->source == source && self->queue.length > 0 && g_get_monotonic_time () < end)
    {
      Handling handling = {NULL};

      begin_locked (self, &handling, NULL);
      pthread_mutex_unlock (&self->lock);
      perform (&handling);
      pthread_mutex_lock (&self->lock);
      end_locked (self, &handling);
    }
  unlock (self);
  return G_SOURCE_CONTINUE;
}

static void
turn_finalize (GSource *source)
{
  dispatcher_unref (((TurnSource *) source)->dispatcher);
}

static GSource *
source_new (Dispatcher *self)
{
  static GSourceFuncs funcs = {ferry_work_source_prepare, ferry_work_source_check, turn_dispatch, turn_finalize};
  GSource *source = g_source_new (&funcs, sizeof (TurnSource));

  g_source_set_static_name (source, "ferry-demux");
  ((TurnSource *) source)->work.look = has_request;
  ((TurnSource *) source)->dispatcher = ref (self);
  return source;
}

/* ---- taking requests ---- */

static GError *
new_refusal (gboolean open)
{
  return g_error_new_literal (FERRY_ERROR, FERRY_ERROR_REFUSED,
                              open ? "Too many requests wait at the other end; ask again later, or ask less at a time"
                                   : "The other end was stopped before it began the request; ask again later");
}

/* Whether this thread may run a handler at once, without the queue. */
static gboolean
runs_now_locked (Dispatcher *self)
{
  return self->place == PLACE_RECEIVING || (self->place == PLACE_CONTEXT && self->queue.length == 0 &&
                                            self->n_running == 0 && g_main_context_is_owner (self->context));
}

/* At the default: whether the thread that receives may run the handler, which has returned at once so far. */
static gboolean
borrow_locked (Dispatcher *self, Handling *handling, FerryDemuxInvocation *invocation)
{
  FerryTransport *transport = ferry_call_get_transport (invocation->call);
  const Handler *handler = find_handler_locked (self, invocation->base.method);

  if (!self->is_default || self->ordered || handler == NULL ||
      atomic_load_explicit (&handler->slowness, memory_order_relaxed) == MAX_SLOWNESS ||
      !ferry_transport_begin_handler (transport))
    return FALSE;
  handling->lender = transport;
  /* As in visit(). */
  pthread_sigmask (SIG_SETMASK, &self->signals, &handling->lent_signals);
  return TRUE;
}

static gboolean
has_room_locked (Dispatcher *self, gsize size)
{
  /* Relaxed: the limits order no other memory. */
  if (self->queue.length >= atomic_load_explicit (&self->max_pending, memory_order_relaxed))
    return FALSE;
  return self->queue.length == 0 ||
         self->pending_size + size <= atomic_load_explicit (&self->max_pending_size, memory_order_relaxed);
}

static void
dispatcher_take (Dispatcher *self, FerryDemuxInvocation *invocation)
{
  const gsize size = ferry_call_get_size (invocation->call);
  g_autoptr (GError) refusal = NULL;
  GQueue unanswered = G_QUEUE_INIT;
  g_autoptr (GError) reason = NULL;
  Handling handling = {NULL};

  pthread_mutex_lock (&self->lock);
  if (!self->open)
    refusal = new_refusal (FALSE);
  else if (runs_now_locked (self) || borrow_locked (self, &handling, invocation))
    begin_locked (self, &handling, invocation);
  else if (!has_room_locked (self, size))
    refusal = new_refusal (TRUE);
  else
    {
      self->pending_size += size;
      g_queue_push_tail_link (&self->queue, &invocation->link);
      if (self->place != PLACE_CONTEXT)
        summon_locked (self, &unanswered, &reason);
      else
        ferry_work_source_wake ((FerryWorkSource *) self->source);
    }
  pthread_mutex_unlock (&self->lock);

  if (handling.invocation != NULL)
    {
      perform (&handling);
      pthread_mutex_lock (&self->lock);
      end_locked (self, &handling);
      unlock (self);
    }
  refuse_all (&unanswered, reason);
  if (refusal == NULL)
    return;
  ferry_demux_invocation_turn_away (&invocation->base, refusal);
  ferry_invocation_unref (&invocation->base);
}

/* ---- opening and closing ---- */

static gboolean
dispatcher_open (Dispatcher *self)
{
  FERRY_AUTO_LOCK (&self->lock);

  if (self->open)
    return FALSE;
  self->open = TRUE;
  pthread_sigmask (SIG_SETMASK, NULL, &self->signals);
  if (self->place == PLACE_THREADS)
    make_pool_locked (self);
  else if (self->place == PLACE_CONTEXT)
    {
      self->source = source_new (self);
      g_source_attach (self->source, self->context);
    }
  return TRUE;
}

static gboolean
dispatcher_close (Dispatcher *self)
{
  g_autoptr (GError) reason = new_refusal (FALSE);
  GSource *source;
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
  pthread_mutex_unlock (&self->lock);
  ferry_clear_source (&source);
  refuse_all (&queue, reason);
  return TRUE;
}

/* ---- the object ---- */

/**
 * FerryDemux:
 *
 * Answers the requests of a [class@Ferry.Transport]. A demux calls the handler that was added for the method of a
 * request.
 *
 * By default, handlers run on a pool of threads, at most as many at a time as there are cores that the process may use.
 * Threads are started when there are requests. In a worker, a handler that has returned at once so far is called on the
 * thread that receives, in a third of the time. If it waits or takes longer, another thread receives in place of that
 * one, and when it has done so a few times, its requests go to the pool.
 *
 * To run handlers elsewhere, use [method@Ferry.Demux.set_threads] or [method@Ferry.Demux.set_context]. In an
 * application, those that return at once are called in a tenth of the time on the thread that receives: 0 threads.
 *
 * Every request is answered. A request that no handler answers gets one of these errors:
 *
 * - %FERRY_ERROR_UNKNOWN_FUNCTION if there is no handler for the method;
 * - %FERRY_ERROR_REFUSED if [property@Ferry.Demux:max-pending] or [property@Ferry.Demux:max-pending-size] is reached,
 *   or if the request waits when the demux is stopped;
 * - %FERRY_ERROR_TIMED_OUT or %G_IO_ERROR_CANCELLED if the caller gave the request up before a handler was called,
 *   since its deadline had passed, or by a cancel.
 *
 * A transport has at most one running demux. Dropping the last reference to a demux stops it. Any thread may use it.
 */
struct _FerryDemux
{
  GObject parent_instance;

  guint fork_number;         /* const: see ferry-forks.c */
  FerryTransport *transport; /* const: (owned) */
  Dispatcher *dispatcher;    /* const: (owned) */

  pthread_mutex_t lock;
  gboolean telling;    /* lock: a thread is registering the demux with the transport, or unregistering it */
  gboolean registered; /* lock: the transport passes requests to this demux */
};

G_DEFINE_FINAL_TYPE (FerryDemux, ferry_demux, G_TYPE_OBJECT)

enum
{
  PROP_TRANSPORT = 1,
  PROP_MAX_PENDING,
  PROP_MAX_PENDING_SIZE,
  PROP_N_PENDING,
  PROP_RUNNING,
  PROP_THREADS,
  PROP_CONTEXT,
  N_PROPERTIES,
};

static GParamSpec *properties[N_PROPERTIES];

/**
 * ferry_demux_new:
 * @transport: the transport from which the demux answers requests
 *
 * Creates a demux, which is not started yet. Any thread.
 *
 * Returns: (transfer full): a new demux
 */
FerryDemux *
ferry_demux_new (FerryTransport *transport)
{
  g_return_val_if_fail (FERRY_IS_TRANSPORT (transport), NULL);

  return g_object_new (FERRY_TYPE_DEMUX, "transport", transport, NULL);
}

FerryTransport *
ferry_demux_get_transport (FerryDemux *self)
{
  return self->transport;
}

guint
ferry_demux_get_n_pending (FerryDemux *self)
{
  FERRY_AUTO_LOCK (&self->dispatcher->lock);
  return self->dispatcher->queue.length;
}

void
ferry_demux_set_ordered (FerryDemux *self)
{
  self->dispatcher->ordered = TRUE;
}

void
ferry_demux_set_describe_func (FerryDemux *self, FerryInvocationDescribeFunc describe)
{
  self->dispatcher->describe = describe;
}

/* ---- handlers ---- */

/**
 * ferry_demux_add_handler: (skip)
 * @self: a demux
 * @method: (nullable): the method that @handler answers, or %NULL for all methods that have no handler
 * @handler: (scope notified) (closure user_data) (destroy destroy): called for each request
 * @user_data: data for @handler
 * @destroy: (nullable): frees @user_data on any thread, after @handler was removed and has returned
 *
 * Adds a handler for a method. It replaces the method's earlier handler, if there is one. Any thread, at any time.
 */
void
ferry_demux_add_handler (FerryDemux *self, const char *method, FerryDemuxHandler handler, gpointer user_data,
                         GDestroyNotify destroy)
{
  g_return_if_fail (FERRY_IS_DEMUX (self));
  g_return_if_fail (handler != NULL);

  dispatcher_set_handler (self->dispatcher, method, handler, user_data, destroy);
}

static void
run_failing (FerryInvocation *invocation, gpointer data)
{
  g_autoptr (FerryInvocation) shown = ferry_invocation_new_object (invocation);
  gpointer user_data;
  GCallback func = ferry_failing_get_func (data, &user_data);
  GError *error = NULL;

  ((FerryDemuxHandlerFull) func) (shown, user_data, &error);
  ferry_invocation_answer_failure (invocation, error);
}

/**
 * ferry_demux_add_handler_full: (rename-to ferry_demux_add_handler)
 * @self: a demux
 * @method: (nullable): the method that @handler answers, or %NULL for all methods that have no handler
 * @handler: (scope notified) (closure user_data) (destroy destroy): called for each request
 * @user_data: data for @handler
 * @destroy: (nullable): frees @user_data on any thread, after @handler was removed and has returned
 *
 * Adds a handler that may fail, as [method@Ferry.Demux.add_handler] does one that answers each request itself. This is
 * the form for languages that throw: the caller gets what the handler throws. Any thread, at any time.
 */
void
ferry_demux_add_handler_full (FerryDemux *self, const char *method, FerryDemuxHandlerFull handler, gpointer user_data,
                              GDestroyNotify destroy)
{
  g_return_if_fail (FERRY_IS_DEMUX (self));
  g_return_if_fail (handler != NULL);

  ferry_demux_add_handler (self, method, run_failing, ferry_failing_new (G_CALLBACK (handler), user_data, destroy),
                           ferry_failing_free);
}

/**
 * ferry_demux_remove_handler:
 * @self: a demux
 * @method: (nullable): the method, or %NULL for the handler of all methods that have no handler
 *
 * Removes a handler, if there is one. The handler may still be running when this returns. Any thread, at any time.
 */
void
ferry_demux_remove_handler (FerryDemux *self, const char *method)
{
  g_return_if_fail (FERRY_IS_DEMUX (self));

  dispatcher_set_handler (self->dispatcher, method, NULL, NULL, NULL);
}

/* ---- where handlers run ---- */

#define WHEN_STOPPED "the demux is running; set this before ferry_demux_start(), or after ferry_demux_stop()"

static int
get_threads (FerryDemux *self)
{
  Dispatcher *dispatcher = self->dispatcher;
  FERRY_AUTO_LOCK (&dispatcher->lock);

  if (dispatcher->place == PLACE_RECEIVING)
    return 0;
  return dispatcher->place == PLACE_THREADS && !dispatcher->is_default ? dispatcher->max_threads : -1;
}

static GMainContext *
dup_context (FerryDemux *self)
{
  FERRY_AUTO_LOCK (&self->dispatcher->lock);
  return self->dispatcher->context != NULL ? g_main_context_ref (self->dispatcher->context) : NULL;
}

/* Sets where handlers run, and notifies of the properties that change with that. Returns FALSE while the demux runs. */
static gboolean
set_place (FerryDemux *self, Place place, gboolean is_default, int n_threads, GMainContext *context)
{
  int threads = get_threads (self);
  g_autoptr (GMainContext) before = dup_context (self);

  if (!dispatcher_set_place (self->dispatcher, place, is_default, n_threads, context))
    return FALSE;
  if (get_threads (self) != threads)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_THREADS]);
  if (context != before)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_CONTEXT]);
  return TRUE;
}

/* Returns FALSE while the demux runs. */
static gboolean
set_default_place (FerryDemux *self)
{
  return set_place (self, PLACE_THREADS, TRUE, (int) ferry_get_n_usable_cores (), NULL);
}

/**
 * ferry_demux_set_threads: (set-property threads)
 * @self: a demux that is stopped
 * @n_threads: the number of threads; 0 to run handlers on the thread that receives, -1 for the default
 *
 * Sets [property@Ferry.Demux:threads]. Any thread.
 */
void
ferry_demux_set_threads (FerryDemux *self, int n_threads)
{
  gboolean is_set;

  g_return_if_fail (FERRY_IS_DEMUX (self));
  g_return_if_fail (n_threads >= -1);

  if (n_threads < 0)
    is_set = set_default_place (self);
  else
    is_set = set_place (self, n_threads > 0 ? PLACE_THREADS : PLACE_RECEIVING, FALSE, n_threads, NULL);
  ferry_return_if_fail (is_set, WHEN_STOPPED);
}

/**
 * ferry_demux_set_context: (set-property context)
 * @self: a demux that is stopped
 * @context: (nullable): a main context, or %NULL for the default context
 *
 * Sets [property@Ferry.Demux:context]. Any thread.
 */
void
ferry_demux_set_context (FerryDemux *self, GMainContext *context)
{
  g_return_if_fail (FERRY_IS_DEMUX (self));
  ferry_return_if_fail (
    set_place (self, PLACE_CONTEXT, FALSE, 0, context != NULL ? context : g_main_context_default ()), WHEN_STOPPED);
}

/* ---- starting and stopping ---- */

/* On the receiving thread; for early requests, where the demux is started: passes a new request to the dispatcher. */
static void
call_came (FerryTransport *transport, FerryCall *call, GObject *owner)
{
  Dispatcher *self = (gpointer) owner;
  FerryDemuxInvocation *invocation = ferry_demux_invocation_new (call, self->describe);

  invocation->number = atomic_fetch_add (&self->n_received, 1) + 1;
  dispatcher_take (self, invocation);
}

guint64
ferry_demux_get_n_received (FerryDemux *self)
{
  return atomic_load (&self->dispatcher->n_received);
}

/* Registers the demux with the transport, or unregisters it. Returns FALSE and sets error if another demux is
 * registered with the transport. */
static gboolean
tell_transport (FerryDemux *self, gboolean wanted, GError **error)
{
  g_autoptr (GError) reason = NULL;

  if (wanted)
    return ferry_transport_take_calls (self->transport, call_came, G_OBJECT (self->dispatcher), error);
  reason = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_REFUSED,
                                "The other end has stopped answering requests; ask again later");
  ferry_transport_leave_calls (self->transport, reason);
  return TRUE;
}

/* Registers or unregisters until the transport and the dispatcher agree. If another thread, or an outer call, is
 * doing this already, returns at once and leaves the work to it. */
static gboolean
agree (FerryDemux *self, GError **error)
{
  gboolean told = TRUE;
  gboolean wanted;

  pthread_mutex_lock (&self->lock);
  while (told && !self->telling && (wanted = dispatcher_is_open (self->dispatcher)) != self->registered)
    {
      self->telling = TRUE;
      pthread_mutex_unlock (&self->lock);
      told = tell_transport (self, wanted, error);
      if (!told)
        dispatcher_close (self->dispatcher);
      pthread_mutex_lock (&self->lock);
      self->telling = FALSE;
      if (told)
        self->registered = wanted;
    }
  pthread_mutex_unlock (&self->lock);
  return told;
}

/**
 * ferry_demux_start:
 * @self: a demux
 * @error: return location for an error
 *
 * Starts to answer requests. Requests that arrived at the transport before the start are answered first. Does nothing
 * if the demux is started already. When a handler drops the last reference before this function returns, the demux
 * stops as it returns. Any thread.
 *
 * Fails with %FERRY_ERROR_ALREADY_RUNNING when another demux answers on the transport.
 *
 * Returns: whether the demux is started
 */
gboolean
ferry_demux_start (FerryDemux *self, GError **error)
{
  g_autoptr (FerryDemux) kept = NULL;

  g_return_val_if_fail (FERRY_IS_DEMUX (self), FALSE);

  /* Kept while this function runs, as handlers may drop the other references. */
  kept = g_object_ref (self);
  if (!dispatcher_open (self->dispatcher))
    return TRUE;
  if (!agree (self, error))
    return FALSE;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_RUNNING]);
  return TRUE;
}

/**
 * ferry_demux_stop:
 * @self: a demux
 *
 * Stops the demux: it begins no more handlers. Requests that wait, or that arrive later, get %FERRY_ERROR_REFUSED.
 * Running handlers may finish and answer. This function does not wait for the handlers; for
 * that see [method@Ferry.Demux.stop_async]. The demux may be started again at once. Does nothing if the demux is
 * stopped already. Any thread, also in a handler.
 */
void
ferry_demux_stop (FerryDemux *self)
{
  g_return_if_fail (FERRY_IS_DEMUX (self));

  if (!dispatcher_close (self->dispatcher))
    return;
  agree (self, NULL);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_RUNNING]);
}

/* Returns (transfer full) a completion that is finished when is_quiet_locked() holds. */
static FerryCompletion *
join_waits (Dispatcher *self)
{
  FerryCompletion *wait;

  pthread_mutex_lock (&self->lock);
  wait = ferry_wait_queue_join (&self->waits, NULL, NULL);
  unlock (self);
  return wait;
}

void
ferry_demux_wait_until_quiet (FerryDemux *self)
{
  g_autoptr (FerryCompletion) wait = join_waits (self->dispatcher);

  ferry_completion_wait (wait, G_MAXINT64, NULL);
}

/**
 * ferry_demux_stop_async:
 * @self: a demux
 * @cancellable: (nullable): ends the wait, but does not undo the stop
 * @callback: (scope async): called when all handlers that had begun have returned
 * @user_data: data for @callback
 *
 * Stops as [method@Ferry.Demux.stop] does, and waits until the handlers have returned. This
 * function does not wait for requests that a handler kept to answer them later. Any thread, also in a handler.
 */
void
ferry_demux_stop_async (FerryDemux *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (FerryCompletion) wait = NULL;
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (FERRY_IS_DEMUX (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, ferry_demux_stop_async);
  ferry_demux_stop (self);
  wait = join_waits (self->dispatcher);
  ferry_completion_return_boolean (wait, task, G_MAXINT64);
}

/**
 * ferry_demux_stop_finish:
 * @self: a demux
 * @result: the result that the callback got
 * @error: return location for an error
 *
 * Gets the result of [method@Ferry.Demux.stop_async]. Any thread.
 *
 * Fails with %G_IO_ERROR_CANCELLED when the wait was cancelled.
 *
 * Returns: %TRUE when all handlers that had begun have returned
 */
gboolean
ferry_demux_stop_finish (FerryDemux *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (FERRY_IS_DEMUX (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- the object ---- */

static void
ferry_demux_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryDemux *self = FERRY_DEMUX (object);

  switch (property_id)
    {
    case PROP_TRANSPORT:
      g_value_set_object (value, self->transport);
      break;
    case PROP_MAX_PENDING:
      g_value_set_uint (value, atomic_load (&self->dispatcher->max_pending));
      break;
    case PROP_MAX_PENDING_SIZE:
      g_value_set_uint64 (value, atomic_load (&self->dispatcher->max_pending_size));
      break;
    case PROP_N_PENDING:
      g_value_set_uint (value, ferry_demux_get_n_pending (self));
      break;
    case PROP_RUNNING:
      g_value_set_boolean (value, dispatcher_is_open (self->dispatcher));
      break;
    case PROP_THREADS:
      g_value_set_int (value, get_threads (self));
      break;
    case PROP_CONTEXT:
      g_value_take_boxed (value, dup_context (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
ferry_demux_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  FerryDemux *self = FERRY_DEMUX (object);

  switch (property_id)
    {
    case PROP_TRANSPORT:
      self->transport = ferry_property_require (object, value, pspec);
      break;
    case PROP_MAX_PENDING:
      if (atomic_exchange (&self->dispatcher->max_pending, g_value_get_uint (value)) != g_value_get_uint (value))
        g_object_notify_by_pspec (object, pspec);
      break;
    case PROP_MAX_PENDING_SIZE:
      if (atomic_exchange (&self->dispatcher->max_pending_size, g_value_get_uint64 (value)) !=
          g_value_get_uint64 (value))
        g_object_notify_by_pspec (object, pspec);
      break;
    case PROP_THREADS:
      ferry_demux_set_threads (self, g_value_get_int (value));
      break;
    case PROP_CONTEXT:
      ferry_demux_set_context (self, g_value_get_boxed (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
ferry_demux_dispose (GObject *object)
{
  if (ferry_forks_keep (object, FERRY_DEMUX (object)->fork_number))
    return;
  ferry_take_over (object);
  ferry_demux_stop (FERRY_DEMUX (object));

  G_OBJECT_CLASS (ferry_demux_parent_class)->dispose (object);
}

static void
ferry_demux_finalize (GObject *object)
{
  FerryDemux *self = FERRY_DEMUX (object);

  dispatcher_unref (self->dispatcher);
  g_clear_object (&self->transport);
  pthread_mutex_destroy (&self->lock);

  G_OBJECT_CLASS (ferry_demux_parent_class)->finalize (object);
}

static void
install_places (void)
{
  /**
   * FerryDemux:threads: (setter set_threads)
   *
   * How many handlers run at a time, each on a thread of a pool; further requests wait. A thread is started when there
   * is a request for it, and ends after some idle time. With 0, handlers run on the receiving thread. While a handler
   * runs there, no message is received, not even a cancel. Requests that arrived before the start are then answered on
   * the thread that starts the demux. With -1, the default, handlers run where the description of the class says, or
   * where [property@Ferry.Demux:context] says.
   *
   * A receiving thread of the library blocks all signals, and a process that a handler starts inherits that. On the
   * pool, and by default, the signals are blocked that are blocked on the thread that starts the demux.
   *
   * This property and [property@Ferry.Demux:context] are set while the demux is stopped, on any thread. To set one of
   * them unsets the other.
   */
  properties[PROP_THREADS] = g_param_spec_int ("threads", NULL, NULL, -1, G_MAXINT, -1, FERRY_SETTABLE);

  /**
   * FerryDemux:context: (setter set_context)
   *
   * The main context that runs the handlers, one at a time and in order. If the receiving thread is the context's own
   * thread, handlers run at once, otherwise from a source. %NULL, the default: they run on threads. To set it to %NULL
   * sets the default main context. Set while the demux is stopped.
   */
  properties[PROP_CONTEXT] = g_param_spec_boxed ("context", NULL, NULL, G_TYPE_MAIN_CONTEXT, FERRY_SETTABLE);
}

static void
ferry_demux_class_init (FerryDemuxClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = ferry_demux_get_property;
  object_class->set_property = ferry_demux_set_property;
  object_class->dispose = ferry_demux_dispose;
  object_class->finalize = ferry_demux_finalize;

  /**
   * FerryDemux:transport:
   *
   * The demux answers the requests of this transport.
   */
  properties[PROP_TRANSPORT] =
    g_param_spec_object ("transport", NULL, NULL, FERRY_TYPE_TRANSPORT, FERRY_AT_CONSTRUCTION);

  /**
   * FerryDemux:max-pending:
   *
   * How many requests may wait for a handler, 65,536 by default. Further requests are refused. Any thread, at any time.
   */
  properties[PROP_MAX_PENDING] =
    g_param_spec_uint ("max-pending", NULL, NULL, 0, G_MAXUINT, DEFAULT_MAX_PENDING, FERRY_SETTABLE);

  /**
   * FerryDemux:max-pending-size:
   *
   * How many bytes of serialised arguments may wait for a handler, 64 MiB by default. Further requests are refused. If
   * no request waits, one request of any size is accepted. Any thread, at any time.
   */
  properties[PROP_MAX_PENDING_SIZE] =
    g_param_spec_uint64 ("max-pending-size", NULL, NULL, 0, G_MAXUINT64, DEFAULT_MAX_PENDING_SIZE, FERRY_SETTABLE);

  /**
   * FerryDemux:n-pending:
   *
   * How many requests wait for a handler now. Changes are not notified. Any thread.
   */
  properties[PROP_N_PENDING] = g_param_spec_uint ("n-pending", NULL, NULL, 0, G_MAXUINT, 0, FERRY_READABLE);

  /**
   * FerryDemux:running:
   *
   * Whether the demux is started. Notified on the thread that starts or stops it. Any thread.
   */
  properties[PROP_RUNNING] = g_param_spec_boolean ("running", NULL, NULL, FALSE, FERRY_READABLE);

  install_places ();
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
ferry_demux_init (FerryDemux *self)
{
  self->fork_number = ferry_forks_note ();
  pthread_mutex_init (&self->lock, NULL);
  self->dispatcher = g_object_new (FERRY_TYPE_DEMUX_DISPATCHER, NULL);
  set_default_place (self);
}
