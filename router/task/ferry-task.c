/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* One call of a function in a worker, as the application sees it: what it was given, how far it is, what became of it.
 *
 * It is one file since it is a life in steps, which every part of it looks at under the same rules. What may
 * happen in which state, and where that leads, is a table of its own (ferry-task-state.c). Whoever runs the task has an
 * interface to it in ferry-task-private.h, and is known to it by FerryTaskDriver alone.
 *
 * A program may have 100,000s of tasks that wait, so what most of them never have is in a part that is allocated when
 * it is first written.
 *
 * Threads:   one after the other until the task is submitted, then the router's, which alone changes it, and where all
 *            of its signals and notifications are. A task that is done may be looked at on any thread. It is submitted,
 *            cancelled and waited for on any thread.
 * Invariant: of ferry_task_claim() and a cancel before it, the word `claim` lets one win. Until it is TAKEN, the driver
 *            and the bridge belong to the thread that claims; from then on, to the router's.
 * Trust:     what a worker did is asked of the table before anything changes. Memory is sealed before it is handed
 * over: a worker can neither write to it nor make it shorter, and other workers may have the same. */

#include "config.h"

#include "task/ferry-task-private.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/ferry-base-private.h"
#include "base/ferry-mailbox-private.h"
#include "base/ferry-wait-queue-private.h"
#include "call/ferry-remote-error-private.h"
#include "ferry-enums.h"
#include "ferry-marshallers.h"
#include "lane/ferry-lane-layout.h"
#include "lane/ferry-one-shot-private.h"
#include "link/ferry-orphan-private.h"

#define DEFAULT_CANCEL_GRACE (2 * G_USEC_PER_SEC)
#define DEFAULT_WINDOW 16

/* To give back more memory than this takes longer than to have a thread do it. */
#define LARGE_SIZE (4 * 1024 * 1024)

#define READABLE (G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS)
#define AT_START (READABLE | G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY)

/* Who may still have the task. From UNDER_WAY on, whoever submits owns the driver; from TAKEN on, the router's thread.
 */
typedef enum
{
  CLAIM_FREE,
  CLAIM_UNDER_WAY,
  CLAIM_TAKEN,
  CLAIM_CANCELLED, /* before it was submitted */
} Claim;

/* Bytes as memory that can be handed over, for all tasks that have them. Counted references. */
typedef struct
{
  guint references; /* bytes_lock */
  GBytes *bytes;    /* const: (owned): so nothing else comes to lie in its place */
  int fd;           /* const: (owned) */
} Bytes;

/* What a worker is given beside the arguments; a handle is its place in the row. */
typedef struct
{
  int fd;       /* (owned), but where bytes have it */
  Bytes *bytes; /* (owned) (nullable) */
} Handle;

/* From a cancellable to a task. The handler holds one reference, and whoever made it the other.
 *
 * The signal is connected and disconnected as any other: g_cancellable_disconnect() waits for handlers that run on
 * other threads, and for ever when it is called from one. What runs at that moment finds the bridge alive, and no task.
 */
typedef struct
{
  _Atomic gint references;
  _Atomic gint cancelled;    /* atomic */
  GCancellable *cancellable; /* const */
  GMainContext *context;     /* const */
  GWeakRef task;
  gulong handler; /* of whoever made it */
} Bridge;

/* The part that is not always there. */
typedef struct
{
  _Atomic (char *) name; /* (nullable): any, where the task is done */
  gint64 deadline;       /* monotonic time; 0: none */
  gint64 run_timeout;
  gint64 queue_timeout;
  gint64 cancel_grace;
  guint retries;
  guint window;
  GCancellable *cancellable; /* (nullable): until the task is done */
  GArray *handles;           /* (nullable) (element-type Handle) (owned elements): until it is done */
  gboolean had_handles;
  Bridge *bridge; /* (nullable): from the cancellable to the task, from the submission to the end */

  char *message; /* (nullable) */
  char *unit;    /* (nullable) */
  guint64 amount;
  guint64 total;

  GError *late_error;   /* (nullable) */
  char *trace;          /* (nullable) */
  FerryExit *exit;      /* (nullable) */
  FerryWaitQueue waits; /* for the end */
} Rest;

typedef struct
{
  FerryTaskPlacement placement;
  FerryHome *home;               /* (owned) (nullable): of the executor; const once the claim is TAKEN */
  const FerryTaskDriver *driver; /* (nullable): while it is submitted and not done */
  gpointer executor;             /* (nullable) (unowned): the same */
  char *function;                /* const */
  GVariant *arguments;           /* const (nullable) */
  GVariant *result;              /* (nullable) */
  GError *error;                 /* (nullable) */
  _Atomic (Rest *) rest;         /* (nullable): any, where the task is done */
  double fraction;               /* negative: not known */
  gint64 submit_time;
  gint64 start_time;
  gint64 end_time;
  guint number; /* const */
  guint n_attempts;
  GPid pid;
  int priority;
  _Atomic guint claim;     /* any: a Claim */
  _Atomic guint8 state;    /* any: a FerryTaskState; changes on the router's thread. Its end is set behind all else */
  _Atomic guint8 asked;    /* any: another thread asked for its cancel */
  guint kind : 4;          /* const: FerryTaskKind */
  guint leaves_worker : 1; /* done, and the worker may not know yet */
  guint holds_window : 1;  /* what is yielded is not done with when its signal is over */
} FerryTaskPrivate;

typedef enum
{
  PROP_NAME = 1,
  PROP_KIND,
  PROP_FUNCTION,
  PROP_ARGUMENTS,
  PROP_PRIORITY,
  PROP_STATE,
  PROP_DONE,
  PROP_CANCELLABLE,
  PROP_FRACTION,
  PROP_MESSAGE,
  PROP_AMOUNT,
  PROP_TOTAL,
  PROP_UNIT,
  PROP_PID,
  PROP_N_ATTEMPTS,
  PROP_SUBMIT_TIME,
  PROP_START_TIME,
  PROP_END_TIME,
  PROP_RESULT,
  PROP_ERROR,
  PROP_EXIT,
  N_PROPERTIES,
} Property;

enum
{
  SIGNAL_PROGRESS,
  SIGNAL_YIELDED,
  SIGNAL_MESSAGE,
  SIGNAL_DONE,
  N_SIGNALS,
};

/**
 * FerryTask:
 *
 * One call of a function in a worker, as the application sees it.
 *
 * A task is made with [ctor@Ferry.Task.new], given its settings, and submitted once, to a [class@Ferry.Executor].
 * It goes from [property@Ferry.Task:state] waiting to executing, and from there to completed, failed or cancelled; then
 * it is [property@Ferry.Task:done], and nothing about it changes any more.
 *
 * Making a task, giving it its settings and submitting it may be done on any thread, one after the other. All else is
 * for the router's thread, and all signals and notifications are on that thread. Handlers may do anything: cancel the
 * task, submit others, drop the last reference.
 *
 * After [method@Ferry.Task.cancel], nothing that the function reports, sends, yields or returns is signalled.
 *
 * A class of one's own may derive from it, and override [vfunc@Ferry.Task.message], [vfunc@Ferry.Task.progress],
 * [vfunc@Ferry.Task.yielded] and [vfunc@Ferry.Task.done].
 *
 * Since: 0.1
 */
G_DEFINE_TYPE_WITH_PRIVATE (FerryTask, ferry_task, G_TYPE_OBJECT)

static GParamSpec *properties[N_PROPERTIES];
static guint signals[N_SIGNALS];

static const Rest no_rest = {
  .cancel_grace = DEFAULT_CANCEL_GRACE,
  .window = DEFAULT_WINDOW,
};

static FerryTaskPrivate *
get_private (FerryTask *self)
{
  return ferry_task_get_instance_private (self);
}

/* The part that is not always there, made when it is missing. */
static Rest *
need_rest (FerryTask *self)
{
  FerryTaskPrivate *priv = get_private (self);
  Rest *rest = atomic_load_explicit (&priv->rest, memory_order_acquire);
  Rest *made;

  if (rest != NULL)
    return rest;
  made = g_new (Rest, 1);
  *made = no_rest;
  ferry_wait_queue_init (&made->waits);
  /* Release: what it begins with, for another thread that looks at a task that is done. Acquire: the same of another's.
   */
  if (atomic_compare_exchange_strong_explicit (&priv->rest, &rest, made, memory_order_acq_rel, memory_order_acquire))
    return made;
  ferry_wait_queue_clear (&made->waits);
  g_free (made);
  return rest;
}

/* The same with its defaults when it is missing. */
static const Rest *
peek_rest (FerryTask *self)
{
  /* Acquire: pairs with need_rest(). */
  Rest *rest = atomic_load_explicit (&get_private (self)->rest, memory_order_acquire);

  return rest != NULL ? rest : &no_rest;
}

static void
set_state (FerryTaskPrivate *priv, FerryTaskState state)
{
  /* Release: what the task came to, for another thread that finds it done. */
  atomic_store_explicit (&priv->state, (guint8) state, memory_order_release);
}

static gboolean
is_done (FerryTaskState state)
{
  return state >= FERRY_TASK_STATE_COMPLETED;
}

/* main */
static void
notify (FerryTask *self, Property property)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[property]);
}

/* ---- who may look at it, and change it ---- */

static gboolean
is_taken (FerryTaskPrivate *priv)
{
  /* Acquire: the home; pairs with ferry_task_claim(). */
  return atomic_load_explicit (&priv->claim, memory_order_acquire) == CLAIM_TAKEN;
}

/* Whether the caller may look at a task that was submitted: on the router's thread, and on any once it is done, for
 * then nothing changes any more. With a critical that names the function where not. */
static gboolean
check_readable (FerryTask *self, const char *function)
{
  FerryTaskPrivate *priv = get_private (self);

  /* Acquire: what the task came to; pairs with settle(). */
  return !is_taken (priv) || ferry_home_is_here (priv->home) ||
         atomic_load_explicit (&priv->state, memory_order_acquire) >= FERRY_TASK_STATE_COMPLETED ||
         ferry_home_check (priv->home, function);
}

/* The same for what waits for the task, or changes what can be changed after its submission: on the router's thread. */
gboolean
ferry_task_check_home (FerryTask *self, const char *function)
{
  FerryTaskPrivate *priv = get_private (self);

  return !is_taken (priv) || ferry_home_check (priv->home, function);
}

static gboolean
check_home_error (FerryTask *self, const char *function, GError **error)
{
  FerryTaskPrivate *priv = get_private (self);

  return !is_taken (priv) || ferry_home_check_error (priv->home, function, error);
}

/* Whether the task was not submitted, so that it can be given settings. */
static gboolean
check_settable (FerryTask *self, const char *function)
{
  /* Relaxed: settings come before the submission by the caller's own order. */
  if (atomic_load_explicit (&get_private (self)->claim, memory_order_relaxed) == CLAIM_FREE)
    return TRUE;
  g_critical ("%s() was called for a task of “%s” that was submitted or cancelled, and does nothing; give a task its "
              "settings before it is submitted",
              function, ferry_task_get_function (self));
  return FALSE;
}

/* ---- settings ---- */

void
ferry_task_set_up (FerryTask *self, FerryTaskKind kind, const char *function, GVariant *arguments)
{
  FerryTaskPrivate *priv = get_private (self);

  priv->kind = kind;
  priv->function = g_strdup (function);
  if (arguments != NULL)
    priv->arguments = g_variant_ref_sink (arguments);
}

/**
 * ferry_task_new:
 * @kind: what the function does on its way to the result
 * @function: the name that the function is registered with in the worker
 * @arguments: (nullable): the arguments, of the type that it is registered with; a floating reference is sunk
 *
 * Makes a task, to be submitted with [method@Ferry.Executor.submit_task]. Any thread may call this.
 *
 * Returns: (transfer full): a new task
 *
 * Since: 0.1
 */
FerryTask *
ferry_task_new (FerryTaskKind kind, const char *function, GVariant *arguments)
{
  FerryTask *self;

  g_return_val_if_fail (kind <= FERRY_TASK_KIND_STEPS, NULL);
  g_return_val_if_fail (function != NULL && *function != '\0', NULL);

  /* Not as properties: to pass them takes half again as long as all else here. */
  self = g_object_new (FERRY_TYPE_TASK, NULL);
  ferry_task_set_up (self, kind, function, arguments);
  return self;
}

/**
 * ferry_task_set_name:
 * @self: a task that was not submitted
 * @name: (nullable): a name for users; %NULL for the one that it has by itself
 *
 * Sets what the task is called where it is shown, and in errors. Any thread may call this before the submission; the
 * router's thread may do so afterwards, until the task is done.
 *
 * Since: 0.1
 */
void
ferry_task_set_name (FerryTask *self, const char *name)
{
  Rest *rest;

  g_return_if_fail (FERRY_IS_TASK (self));

  if (!ferry_task_check_home (self, G_STRFUNC))
    return;
  /* Other threads may have the name of a task that is done. */
  g_return_if_fail (!ferry_task_get_done (self));
  rest = need_rest (self);
  if (g_strcmp0 (rest->name, name) == 0)
    return;
  g_free (rest->name);
  rest->name = g_strdup (name);
  notify (self, PROP_NAME);
}

/**
 * ferry_task_set_priority:
 * @self: a task that was not submitted
 * @priority: the priority; 0 at first
 *
 * Sets the priority in the executor's queue: tasks with a higher one go first, those with the same one in the order of
 * their submission. For a task in the queue there is [method@Ferry.Executor.set_task_priority]. Any thread, one at a
 * time, before the submission.
 *
 * Since: 0.1
 */
void
ferry_task_set_priority (FerryTask *self, int priority)
{
  FerryTaskPrivate *priv;

  g_return_if_fail (FERRY_IS_TASK (self));
  if (!check_settable (self, G_STRFUNC))
    return;

  priv = get_private (self);
  if (priv->priority == priority)
    return;
  priv->priority = priority;
  notify (self, PROP_PRIORITY);
}

/**
 * ferry_task_set_run_timeout:
 * @self: a task that was not submitted
 * @timeout: microseconds; 0 for none, which it is at first
 *
 * Sets how long an attempt may execute. When the time is over, the task fails with %FERRY_ERROR_TIMED_OUT at once; its
 * worker is asked to stop, and ended when it does not. After the submission this does nothing, with a critical. Any
 * thread, one at a time, before the submission.
 *
 * Since: 0.1
 */
void
ferry_task_set_run_timeout (FerryTask *self, gint64 timeout)
{
  g_return_if_fail (FERRY_IS_TASK (self));
  g_return_if_fail (timeout >= 0);
  if (!check_settable (self, G_STRFUNC))
    return;

  need_rest (self)->run_timeout = timeout;
}

/**
 * ferry_task_set_deadline:
 * @self: a task that was not submitted
 * @deadline: monotonic time in microseconds (see [func@GLib.get_monotonic_time]); 0 for none, which it is at first
 *
 * Sets when the task is wanted no more, whether it waits or executes by then: it fails with %FERRY_ERROR_TIMED_OUT. The
 * function finds the earlier one of this and of the end of its time to run in [method@Ferry.Job.get_deadline], to hand
 * on to what it asks for in turn. After the submission this does nothing, with a critical. Any thread, one at a time,
 * before the submission.
 *
 * Since: 0.1
 */
void
ferry_task_set_deadline (FerryTask *self, gint64 deadline)
{
  g_return_if_fail (FERRY_IS_TASK (self));
  g_return_if_fail (deadline >= 0);
  if (!check_settable (self, G_STRFUNC))
    return;

  need_rest (self)->deadline = deadline;
}

/**
 * ferry_task_set_queue_timeout:
 * @self: a task that was not submitted
 * @timeout: microseconds; 0 for none, which it is at first
 *
 * Sets how long the task may wait, counted from its submission. When the time is over, it fails with
 * %FERRY_ERROR_QUEUE_TIMED_OUT. After the submission this does nothing, with a critical. Any thread, one at a time,
 * before the submission.
 *
 * Since: 0.1
 */
void
ferry_task_set_queue_timeout (FerryTask *self, gint64 timeout)
{
  g_return_if_fail (FERRY_IS_TASK (self));
  g_return_if_fail (timeout >= 0);
  if (!check_settable (self, G_STRFUNC))
    return;

  need_rest (self)->queue_timeout = timeout;
}

/**
 * ferry_task_set_cancel_grace:
 * @self: a task that was not submitted
 * @grace: microseconds; two seconds at first
 *
 * Sets how long the function has for ending by itself once it was asked to, by a cancel or because its time is over.
 * A worker that runs it for longer is ended. After the submission this does nothing, with a critical. Any thread, one
 * at a time, before the submission.
 *
 * Since: 0.1
 */
void
ferry_task_set_cancel_grace (FerryTask *self, gint64 grace)
{
  g_return_if_fail (FERRY_IS_TASK (self));
  g_return_if_fail (grace >= 0);
  if (!check_settable (self, G_STRFUNC))
    return;

  need_rest (self)->cancel_grace = grace;
}

/**
 * ferry_task_set_retries:
 * @self: a task that was not submitted
 * @retries: how often; 0 at first
 *
 * Sets how often the task is begun again when the worker that runs it is lost. Only for functions that are safe to
 * repeat: the lost worker may have done any part of the work. A function that fails is never repeated. After the
 * submission this does nothing, with a critical. Any thread, one at a time, before the submission.
 *
 * Since: 0.1
 */
void
ferry_task_set_retries (FerryTask *self, guint retries)
{
  g_return_if_fail (FERRY_IS_TASK (self));
  if (!check_settable (self, G_STRFUNC))
    return;

  need_rest (self)->retries = retries;
}

/**
 * ferry_task_set_window:
 * @self: a task that was not submitted
 * @window: how many values, at least 1; 16 at first
 *
 * Sets how many values an iteration may be ahead: so many may be yielded and not handled yet before the function waits.
 * After the submission this does nothing, with a critical. Any thread, one at a time, before the submission.
 *
 * Since: 0.1
 */
void
ferry_task_set_window (FerryTask *self, guint window)
{
  g_return_if_fail (FERRY_IS_TASK (self));
  g_return_if_fail (window >= 1 && window <= G_MAXUINT16);
  if (!check_settable (self, G_STRFUNC))
    return;

  need_rest (self)->window = window;
}

/**
 * ferry_task_set_cancellable:
 * @self: a task that was not submitted
 * @cancellable: (nullable): a cancellable, which may serve other calls as well
 *
 * Has the task cancelled with the cancellable, from its submission on. That may happen on any thread: nothing that the
 * function does is signalled from then on, and the router's thread then cancels the task as [method@Ferry.Task.cancel]
 * does. No handler of the task's runs within g_cancellable_cancel(). Any thread, one at a time, before the submission;
 * then this does nothing, with a critical.
 *
 * Since: 0.1
 */
void
ferry_task_set_cancellable (FerryTask *self, GCancellable *cancellable)
{
  g_return_if_fail (FERRY_IS_TASK (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));
  if (!check_settable (self, G_STRFUNC))
    return;

  g_set_object (&need_rest (self)->cancellable, cancellable);
}

/* ---- what it knows of itself ---- */

/**
 * ferry_task_get_kind:
 * @self: a task
 *
 * What the function does on its way to the result. Any thread may call this.
 *
 * Returns: the kind
 *
 * Since: 0.1
 */
FerryTaskKind
ferry_task_get_kind (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), FERRY_TASK_KIND_CALL);

  return (FerryTaskKind) get_private (self)->kind;
}

/**
 * ferry_task_get_name:
 * @self: a task
 *
 * What the task is called where it is shown, and in errors: unless it was given a name, that of its function and a
 * number, such as “primes 3”.
 * On the router's thread; any thread, once the task is done.
 *
 * Returns: (transfer none): the name
 *
 * Since: 0.1
 */
const char *
ferry_task_get_name (FerryTask *self)
{
  FerryTaskPrivate *priv;
  Rest *rest;
  char *name;
  char *made;

  g_return_val_if_fail (FERRY_IS_TASK (self), NULL);
  if (!check_readable (self, G_STRFUNC))
    return NULL;

  priv = get_private (self);
  rest = need_rest (self);
  /* Acquire: its letters, of another thread. */
  name = atomic_load_explicit (&rest->name, memory_order_acquire);
  if (name != NULL)
    return name;
  made = g_strdup_printf ("%s %u", priv->function != NULL ? priv->function : "task", priv->number);
  /* Release: the letters. Acquire: those of a thread that was faster. */
  if (atomic_compare_exchange_strong_explicit (&rest->name, &name, made, memory_order_acq_rel, memory_order_acquire))
    return made;
  g_free (made);
  return name;
}

/**
 * ferry_task_get_function:
 * @self: a task
 *
 * The name of the function. Any thread may call this.
 *
 * Returns: (transfer none): the name
 *
 * Since: 0.1
 */
const char *
ferry_task_get_function (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), NULL);

  return get_private (self)->function;
}

/**
 * ferry_task_get_arguments:
 * @self: a task
 *
 * The arguments. Any thread may call this.
 *
 * Returns: (transfer none) (nullable): the arguments
 *
 * Since: 0.1
 */
GVariant *
ferry_task_get_arguments (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), NULL);

  return get_private (self)->arguments;
}

/**
 * ferry_task_get_priority:
 * @self: a task
 *
 * The priority in the executor's queue. On the router's thread; any thread, once the task is done.
 *
 * Returns: the priority
 *
 * Since: 0.1
 */
int
ferry_task_get_priority (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), 0);
  if (!check_readable (self, G_STRFUNC))
    return 0;

  return get_private (self)->priority;
}

/**
 * ferry_task_get_state:
 * @self: a task
 *
 * How far the task has come. Any thread may call this.
 *
 * Returns: the state
 *
 * Since: 0.1
 */
FerryTaskState
ferry_task_get_state (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), FERRY_TASK_STATE_WAITING);

  return (FerryTaskState) get_private (self)->state;
}

/**
 * ferry_task_get_done:
 * @self: a task
 *
 * Whether the task is completed, failed or cancelled. Any thread may call this.
 *
 * Returns: %TRUE if nothing about the task changes any more
 *
 * Since: 0.1
 */
gboolean
ferry_task_get_done (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), FALSE);

  return get_private (self)->state >= FERRY_TASK_STATE_COMPLETED;
}

/**
 * ferry_task_get_cancellable:
 * @self: a task
 *
 * Whether [method@Ferry.Task.cancel] would do something. Any thread may call this.
 *
 * Returns: %TRUE while the task waits, or executes and was not cancelled
 *
 * Since: 0.1
 */
gboolean
ferry_task_get_cancellable (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), FALSE);

  return get_private (self)->state <= FERRY_TASK_STATE_EXECUTING;
}

/**
 * ferry_task_get_fraction:
 * @self: a task
 *
 * How much of the work is done. It never goes back while an attempt lasts. On the router's thread; any thread, once the
 * task is done.
 *
 * Returns: 0 to 1, or -1 when nobody knows
 *
 * Since: 0.1
 */
double
ferry_task_get_fraction (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), -1);
  if (!check_readable (self, G_STRFUNC))
    return -1;

  return get_private (self)->fraction;
}

/**
 * ferry_task_get_message:
 * @self: a task
 *
 * The latest text that the function reported with its progress. On the router's thread; any thread, once the task is
 * done.
 *
 * Returns: (transfer none) (nullable): the text
 *
 * Since: 0.1
 */
const char *
ferry_task_get_message (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), NULL);
  if (!check_readable (self, G_STRFUNC))
    return NULL;

  return peek_rest (self)->message;
}

/**
 * ferry_task_get_amount:
 * @self: a task
 *
 * How much is done, as the function reported it latest. On the router's thread; any thread, once the task is done.
 *
 * Returns: the amount, in units
 *
 * Since: 0.1
 */
guint64
ferry_task_get_amount (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), 0);
  if (!check_readable (self, G_STRFUNC))
    return 0;

  return peek_rest (self)->amount;
}

/**
 * ferry_task_get_total:
 * @self: a task
 *
 * How much there is to do, as the function reported it latest. On the router's thread; any thread, once the task is
 * done.
 *
 * Returns: the total, in units, or 0 when it is not known
 *
 * Since: 0.1
 */
guint64
ferry_task_get_total (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), 0);
  if (!check_readable (self, G_STRFUNC))
    return 0;

  return peek_rest (self)->total;
}

/**
 * ferry_task_get_unit:
 * @self: a task
 *
 * What the amount is counted in, as the function reported it latest. On the router's thread; any thread, once the task
 * is done.
 *
 * Returns: (transfer none) (nullable): the unit
 *
 * Since: 0.1
 */
const char *
ferry_task_get_unit (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), NULL);
  if (!check_readable (self, G_STRFUNC))
    return NULL;

  return peek_rest (self)->unit;
}

/**
 * ferry_task_get_pid:
 * @self: a task
 *
 * The process that runs the task, or ran it: another one may have that number once the task is done. On the router's
 * thread.
 * On the router's thread; any thread, once the task is done.
 *
 * Returns: the process, or 0 before a worker began the task
 *
 * Since: 0.1
 */
GPid
ferry_task_get_pid (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), 0);
  if (!check_readable (self, G_STRFUNC))
    return 0;

  return get_private (self)->pid;
}

/**
 * ferry_task_get_n_attempts:
 * @self: a task
 *
 * How often a worker began the task. On the router's thread; any thread, once the task is done.
 *
 * Returns: the number of attempts
 *
 * Since: 0.1
 */
guint
ferry_task_get_n_attempts (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), 0);
  if (!check_readable (self, G_STRFUNC))
    return 0;

  return get_private (self)->n_attempts;
}

/**
 * ferry_task_get_submit_time:
 * @self: a task
 *
 * When the task was submitted. Any thread may call this.
 *
 * Returns: monotonic microseconds, or 0 before
 *
 * Since: 0.1
 */
gint64
ferry_task_get_submit_time (FerryTask *self)
{
  FerryTaskPrivate *priv;

  g_return_val_if_fail (FERRY_IS_TASK (self), 0);

  priv = get_private (self);
  /* Acquire: pairs with ferry_task_claim(), on whatever thread it was called. */
  if (atomic_load_explicit (&priv->claim, memory_order_acquire) != CLAIM_TAKEN)
    return 0;
  return priv->submit_time;
}

/**
 * ferry_task_get_start_time:
 * @self: a task
 *
 * When a worker began the latest attempt. On the router's thread; any thread, once the task is done.
 *
 * Returns: monotonic microseconds, or 0 while the task waits
 *
 * Since: 0.1
 */
gint64
ferry_task_get_start_time (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), 0);
  if (!check_readable (self, G_STRFUNC))
    return 0;

  return get_private (self)->start_time;
}

/**
 * ferry_task_get_end_time:
 * @self: a task
 *
 * When the task was done. On the router's thread; any thread, once the task is done.
 *
 * Returns: monotonic microseconds, or 0 before
 *
 * Since: 0.1
 */
gint64
ferry_task_get_end_time (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), 0);
  if (!check_readable (self, G_STRFUNC))
    return 0;

  return get_private (self)->end_time;
}

/**
 * ferry_task_get_error:
 * @self: a task
 *
 * Why the task failed. On the router's thread; any thread, once the task is done.
 *
 * Returns: (transfer none) (nullable): the error of a task that failed, else %NULL
 *
 * Since: 0.1
 */
const GError *
ferry_task_get_error (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), NULL);
  if (!check_readable (self, G_STRFUNC))
    return NULL;

  return get_private (self)->error;
}

/**
 * ferry_task_get_late_error:
 * @self: a task
 *
 * What went wrong in the worker after the task was cancelled, or after it failed because its time was over: the first
 * such error, for logs. It may come after `done`. On the router's thread.
 *
 * Returns: (transfer none) (nullable): the error
 *
 * Since: 0.1
 */
const GError *
ferry_task_get_late_error (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), NULL);
  if (!ferry_task_check_home (self, G_STRFUNC))
    return NULL;

  return peek_rest (self)->late_error;
}

/**
 * ferry_task_get_trace:
 * @self: a task
 *
 * Where the task's error came from: a line a place, the innermost first. On the router's thread; any thread, once the
 * task is done.
 *
 * Returns: (transfer none) (nullable): the trace
 *
 * Since: 0.1
 */
const char *
ferry_task_get_trace (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), NULL);
  if (!check_readable (self, G_STRFUNC))
    return NULL;

  return peek_rest (self)->trace;
}

/**
 * ferry_task_get_exit:
 * @self: a task
 *
 * How the worker ended that was lost with the task. On the router's thread; any thread, once the task is done.
 *
 * Returns: (transfer none) (nullable): the exit record
 *
 * Since: 0.1
 */
FerryExit *
ferry_task_get_exit (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), NULL);
  if (!check_readable (self, G_STRFUNC))
    return NULL;

  return peek_rest (self)->exit;
}

/**
 * ferry_task_get_result:
 * @self: a task
 * @error: return location for an error
 *
 * Gives the result, once the task is done. On the router's thread; any thread, once the task is done. The result comes
 * from another process; it is of the type that the function was registered with.
 *
 * Fails with %FERRY_ERROR_NOT_DONE before the end, on another thread than the router's with %FERRY_ERROR_WRONG_THREAD,
 * with the task's own error when it failed, and with %G_IO_ERROR_CANCELLED when it was cancelled.
 *
 * Returns: (transfer full) (nullable): the result; %NULL without an error when the task is completed and its function
 *   has none
 *
 * Since: 0.1
 */
GVariant *
ferry_task_get_result (FerryTask *self, GError **error)
{
  FerryTaskPrivate *priv;

  g_return_val_if_fail (FERRY_IS_TASK (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!ferry_task_get_done (self) && !check_home_error (self, G_STRFUNC, error))
    return NULL;
  priv = get_private (self);
  switch ((FerryTaskState) priv->state)
    {
    case FERRY_TASK_STATE_COMPLETED:
      return priv->result != NULL ? g_variant_ref (priv->result) : NULL;
    case FERRY_TASK_STATE_FAILED:
      g_propagate_error (error, ferry_error_copy_with_trace (priv->error, ferry_task_get_trace (self)));
      return NULL;
    case FERRY_TASK_STATE_CANCELLED:
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "Task “%s” was cancelled", ferry_task_get_name (self));
      return NULL;
    case FERRY_TASK_STATE_WAITING:
    case FERRY_TASK_STATE_EXECUTING:
    case FERRY_TASK_STATE_CANCELLING:
    default:
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_NOT_DONE,
                   "Task “%s” is not done; wait for its signal “done”, or with ferry_task_wait_async()",
                   ferry_task_get_name (self));
      return NULL;
    }
}

/* ---- what its executor knows and sets ---- */

gint64
ferry_task_get_deadline (FerryTask *self)
{
  return peek_rest (self)->deadline;
}

gint64
ferry_task_get_deadline_of (FerryTask *self, gint64 since, gint64 timeout)
{
  gint64 deadline = ferry_task_get_deadline (self);
  gint64 end = timeout > 0 ? ferry_time_add (since, timeout) : 0;

  return deadline > 0 && (end == 0 || deadline < end) ? deadline : end;
}

gint64
ferry_task_get_run_timeout (FerryTask *self)
{
  return peek_rest (self)->run_timeout;
}

gint64
ferry_task_get_queue_timeout (FerryTask *self)
{
  return peek_rest (self)->queue_timeout;
}

gint64
ferry_task_get_cancel_grace (FerryTask *self)
{
  return peek_rest (self)->cancel_grace;
}

guint
ferry_task_get_retries (FerryTask *self)
{
  return peek_rest (self)->retries;
}

guint
ferry_task_get_window (FerryTask *self)
{
  return peek_rest (self)->window;
}

FerryTaskPlacement *
ferry_task_get_placement (FerryTask *self)
{
  return &get_private (self)->placement;
}

void
ferry_task_backdate (FerryTask *self, gint64 microseconds)
{
  get_private (self)->submit_time -= microseconds;
}

/* main: of a task that waits. */
void
ferry_task_change_priority (FerryTask *self, int priority)
{
  get_private (self)->priority = priority;
  notify (self, PROP_PRIORITY);
}

/* before the task is submitted: whoever takes what is yielded says himself when he is done with it. */
void
ferry_task_hold_window (FerryTask *self)
{
  get_private (self)->holds_window = TRUE;
}

/* main: a task that was not submitted, with all that was set of another one, but for its cancellable. */
FerryTask *
ferry_task_new_like (FerryTask *self)
{
  FerryTaskPrivate *priv = get_private (self);
  const Rest *rest = peek_rest (self);
  FerryTask *task = ferry_task_new ((FerryTaskKind) priv->kind, priv->function, priv->arguments);

  if (rest->name != NULL)
    ferry_task_set_name (task, rest->name);
  ferry_task_set_priority (task, priv->priority);
  ferry_task_set_deadline (task, rest->deadline);
  ferry_task_set_run_timeout (task, rest->run_timeout);
  ferry_task_set_queue_timeout (task, rest->queue_timeout);
  ferry_task_set_cancel_grace (task, rest->cancel_grace);
  ferry_task_set_retries (task, rest->retries);
  ferry_task_set_window (task, rest->window);
  return task;
}

/* What a task gives its worker beside the arguments: descriptors, and bytes in memory of their own.
 *
 * The task has all of it from when it is added until it is done, so that each attempt gives the worker the same.
 *
 * Threads: as all settings of a task: one after the other until it is submitted, then the router's. */

static pthread_mutex_t bytes_lock = PTHREAD_MUTEX_INITIALIZER;
static GHashTable *all_bytes; /* bytes_lock: (element-type GBytes Bytes) (unowned): those that some task has */

static int
make_memory (GBytes *bytes, GError **error)
{
  gsize size = 0;
  gconstpointer data = g_bytes_get_data (bytes, &size);

  return ferry_one_shot_create_filled (data, size, error);
}

static Bytes *
find_bytes_locked (GBytes *bytes)
{
  Bytes *self = all_bytes != NULL ? g_hash_table_lookup (all_bytes, bytes) : NULL;

  if (self != NULL)
    self->references++;
  return self;
}

static Bytes *
find_bytes (GBytes *bytes)
{
  Bytes *self;

  pthread_mutex_lock (&bytes_lock);
  self = find_bytes_locked (bytes);
  pthread_mutex_unlock (&bytes_lock);
  return self;
}

/* Copying takes its time, so it is done without the lock. Of two threads that do so at once, one has done it for
 * nothing. */
static Bytes *
get_bytes (GBytes *bytes, GError **error)
{
  Bytes *self = find_bytes (bytes);
  ferry_autofd fd = -1;

  if (self != NULL)
    return self;
  fd = make_memory (bytes, error);
  if (fd < 0)
    return NULL;
  pthread_mutex_lock (&bytes_lock);
  self = find_bytes_locked (bytes);
  if (self == NULL)
    {
      self = g_new (Bytes, 1);
      *self = (Bytes){.references = 1, .bytes = g_bytes_ref (bytes), .fd = ferry_steal_fd (&fd)};
      if (all_bytes == NULL)
        all_bytes = g_hash_table_new (NULL, NULL);
      g_hash_table_insert (all_bytes, bytes, self);
    }
  pthread_mutex_unlock (&bytes_lock);
  return self;
}

static void
drop_bytes (Bytes *self)
{
  gboolean last;

  pthread_mutex_lock (&bytes_lock);
  last = --self->references == 0;
  if (last)
    g_hash_table_remove (all_bytes, self->bytes);
  if (last && g_hash_table_size (all_bytes) == 0)
    g_clear_pointer (&all_bytes, g_hash_table_unref);
  pthread_mutex_unlock (&bytes_lock);
  if (!last)
    return;
  if (g_bytes_get_size (self->bytes) > LARGE_SIZE)
    ferry_orphan_close (self->fd);
  else
    close (self->fd);
  g_bytes_unref (self->bytes);
  g_free (self);
}

static void
clear_handle (gpointer data)
{
  Handle *self = data;

  if (self->bytes != NULL)
    drop_bytes (self->bytes);
  else
    ferry_clear_fd (&self->fd);
}

static gboolean
may_add_handle (FerryTask *self, GError **error)
{
  FerryTaskPrivate *priv = get_private (self);
  const Rest *rest = peek_rest (self);

  /* Relaxed: settings come before the submission by the caller's own order. */
  if (atomic_load_explicit (&priv->claim, memory_order_relaxed) != CLAIM_FREE)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_ALREADY_STARTED,
                   "The task of “%s” was submitted or cancelled already; give it its descriptors before",
                   ferry_task_get_function (self));
      return FALSE;
    }
  if (rest->handles == NULL || rest->handles->len < FERRY_MAX_HANDED_PER_LINK)
    return TRUE;
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE,
               "Task “%s” has %d descriptors, which is the most that one may have; put several things into one of them",
               ferry_task_get_name (self), FERRY_MAX_HANDED_PER_LINK);
  return FALSE;
}

static gint
add_handle (FerryTask *self, Handle handle)
{
  Rest *rest = need_rest (self);

  if (rest->handles == NULL)
    {
      rest->handles = g_array_new (FALSE, FALSE, sizeof handle);
      g_array_set_clear_func (rest->handles, clear_handle);
    }
  rest->had_handles = TRUE;
  g_array_append_val (rest->handles, handle);
  return (gint) rest->handles->len - 1;
}

/**
 * ferry_task_add_descriptor:
 * @self: a task that was not submitted
 * @fd: a descriptor, which stays the caller's
 * @error: return location for an error
 *
 * Gives the task's function a descriptor: of a file that the application opened, of a socket, a pipe, or memory. The
 * function gets it with [method@Ferry.Job.dup_descriptor], by the handle that this returns, which the arguments say;
 * by convention as a value of type “h”. Handles count from 0, those of [method@Ferry.Task.add_bytes] among them.
 *
 * The task has a copy of its own, until it is done: many tasks that wait with a file each want a limit of the queue, or
 * of their number, below that of open files. Each attempt gets the same one, and with it one position in the file. What
 * the worker may do with a descriptor is what it was opened for, whatever a [class@Ferry.Sandbox] keeps the worker from
 * opening itself: so a file is opened for reading only where it is to be read only.
 *
 * Descriptors go to a worker when it is given the task. A task waits for a worker that has not taken 64 of those that
 * it was given before. Where the system refuses to pass one, or the worker has too many files open, the task fails with
 * %FERRY_ERROR_SYSTEM, and nothing else does.
 *
 * Fails with %FERRY_ERROR_SYSTEM when the descriptor cannot be copied, %FERRY_ERROR_TOO_LARGE when the task has 64, and
 * %FERRY_ERROR_ALREADY_STARTED when it was submitted. Any thread may call this.
 *
 * Returns: the handle, or -1 with an error
 *
 * Since: 0.1
 */
gint
ferry_task_add_descriptor (FerryTask *self, int fd, GError **error)
{
  Handle handle = {.fd = -1};

  g_return_val_if_fail (FERRY_IS_TASK (self), -1);
  g_return_val_if_fail (error == NULL || *error == NULL, -1);

  if (!may_add_handle (self, error))
    return -1;
  handle.fd = fcntl (fd, F_DUPFD_CLOEXEC, 0);
  if (handle.fd >= 0)
    return add_handle (self, handle);
  ferry_set_system_error (error, errno == EBADF ? "Copying a descriptor for a task, which must be open (fcntl),"
                                                : "Copying a descriptor for a task (fcntl)");
  return -1;
}

/**
 * ferry_task_add_bytes:
 * @self: a task that was not submitted
 * @bytes: the bytes
 * @error: return location for an error
 *
 * Gives the task's function bytes, which it gets with [method@Ferry.Job.dup_bytes], by the handle that this returns, as
 * in [method@Ferry.Task.add_descriptor]. They do not pass through the worker's lane, and may have any size.
 *
 * They are copied once, in this call, into memory that nobody can change. Tasks that are given the same #GBytes share
 * that, as long as one of them is not done; so do the workers that run them.
 *
 * Fails as [method@Ferry.Task.add_descriptor] does, and with %FERRY_ERROR_TOO_LARGE when they are more than this
 * process may write into a file. Any thread may call this.
 *
 * Returns: the handle, or -1 with an error
 *
 * Since: 0.1
 */
gint
ferry_task_add_bytes (FerryTask *self, GBytes *bytes, GError **error)
{
  Handle handle = {.fd = -1};

  g_return_val_if_fail (FERRY_IS_TASK (self), -1);
  g_return_val_if_fail (bytes != NULL, -1);
  g_return_val_if_fail (error == NULL || *error == NULL, -1);

  if (!may_add_handle (self, error))
    return -1;
  handle.bytes = get_bytes (bytes, error);
  if (handle.bytes == NULL)
    return -1;
  handle.fd = handle.bytes->fd;
  return add_handle (self, handle);
}

guint
ferry_task_get_descriptors (FerryTask *self, int *descriptors)
{
  GArray *handles = peek_rest (self)->handles;
  guint n = handles != NULL ? handles->len : 0;

  for (guint i = 0; i < n; i++)
    descriptors[i] = g_array_index (handles, Handle, i).fd;
  return n;
}

gboolean
ferry_task_had_descriptors (FerryTask *self)
{
  return peek_rest (self)->had_handles;
}

/* Closes what the task had for its workers. */
static void
drop_handles (FerryTask *self)
{
  FerryTaskPrivate *priv = get_private (self);

  if (priv->rest != NULL)
    g_clear_pointer (&priv->rest->handles, g_array_unref);
}

/* ---- the cancellable ---- */

static Bridge *
bridge_ref (Bridge *self)
{
  /* Relaxed: who takes a reference has one. */
  atomic_fetch_add_explicit (&self->references, 1, memory_order_relaxed);
  return self;
}

static void
bridge_unref (gpointer data)
{
  Bridge *self = data;

  /* Acquire-release: the last one frees what the others wrote. */
  if (atomic_fetch_sub_explicit (&self->references, 1, memory_order_acq_rel) != 1)
    return;
  g_weak_ref_clear (&self->task);
  g_object_unref (self->cancellable);
  g_main_context_unref (self->context);
  g_free (self);
}

static void
bridge_closure_gone (gpointer data, GClosure *closure)
{
  bridge_unref (data);
}

/* main */
static void
cancel_bridged (gpointer data)
{
  Bridge *self = data;
  g_autoptr (FerryTask) task = g_weak_ref_get (&self->task);

  if (task != NULL)
    ferry_task_cancel (task);
}

/* any. Always by a post, also on the router's thread: handlers of the task's then never run inside
 * g_cancellable_cancel(), where they must not disconnect from the cancellable. */
static void
cancellable_cancelled (GCancellable *cancellable, gpointer data)
{
  Bridge *self = data;

  /* Acquire-release: what was done before the cancel is seen by the router's thread that heeds it. */
  if (atomic_exchange_explicit (&self->cancelled, 1, memory_order_acq_rel) == 0)
    ferry_mailbox_post (self->context, cancel_bridged, bridge_ref (self), bridge_unref);
}

/* any: from the cancellable (nullable) to the task, on the router's thread. Free with disconnect. */
static Bridge *
bridge_new (FerryTask *task, GCancellable *cancellable, GMainContext *context)
{
  Bridge *self = g_new0 (Bridge, 1);

  atomic_init (&self->references, 2);
  atomic_init (&self->cancelled, 0);
  self->cancellable = g_object_ref (cancellable);
  self->context = context != NULL ? g_main_context_ref (context) : g_main_context_ref (g_main_context_default ());
  g_weak_ref_init (&self->task, task);
  self->handler =
    g_signal_connect_data (cancellable, "cancelled", G_CALLBACK (cancellable_cancelled), self, bridge_closure_gone, 0);
  /* Connected first and looked at then, so that no cancel passes between; twice is once. */
  if (g_cancellable_is_cancelled (cancellable))
    cancellable_cancelled (cancellable, self);
  return self;
}

static void
bridge_disconnect (Bridge *self)
{
  g_weak_ref_set (&self->task, NULL);
  g_signal_handler_disconnect (self->cancellable, self->handler);
  bridge_unref (self);
}

/* any: whether the cancellable was cancelled: from then on the task signals nothing of its function's. */
static gboolean
bridge_is_cancelled (Bridge *self)
{
  /* Acquire: pairs with the exchange. */
  return atomic_load_explicit (&self->cancelled, memory_order_acquire) != 0;
}

/* Lets go of the task's cancellable, and of the bridge from it. */
static void
drop_cancellable (FerryTask *self)
{
  Rest *rest = get_private (self)->rest;

  if (rest == NULL)
    return;
  g_clear_pointer (&rest->bridge, bridge_disconnect);
  g_clear_object (&rest->cancellable);
}

/* ---- waiting for its end ---- */

/* Threads that wait, by their tasks. */
static FerryWaitQueue thread_waits = FERRY_WAIT_QUEUE_INIT;

/* main: threads that wait for the task go on. */
static void
wake_threads (FerryTask *self)
{
  if (G_UNLIKELY (!ferry_wait_queue_is_empty (&thread_waits)))
    ferry_wait_queue_finish_key (&thread_waits, self);
}

static gboolean
has_ended (gpointer data)
{
  return ferry_task_get_done (data);
}

/* On another thread than the router's. */
static gboolean
wait_elsewhere (FerryTask *self, gint64 timeout, GError **error)
{
  if (!ferry_home_has_thread (get_private (self)->home))
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_NOT_RUNNING,
                           "The task's router is not running; call ferry_router_start() on its thread first");
      return FALSE;
    }
  if (g_main_context_is_owner (NULL))
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_WRONG_THREAD,
                           "To wait on this thread would hold up the main loop; wait on another thread, or on the "
                           "router's with ferry_task_wait_async()");
      return FALSE;
    }
  if (ferry_wait_queue_wait (&thread_waits, self, has_ended, self, ferry_deadline_after (timeout), NULL, NULL, NULL))
    return TRUE;
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT, "The task of “%s” is not done yet; wait longer, or cancel it",
               ferry_task_get_function (self));
  return FALSE;
}

/**
 * ferry_task_wait:
 * @self: a task that was submitted
 * @timeout: microseconds; negative for no end
 * @error: return location for an error
 *
 * Waits for the end of the task, and gives its result. Any thread may call this.
 *
 * On the router's thread it iterates the router's main context meanwhile, where everything else runs, too. That is for
 * tests and programs without a window: it is refused within a handler, and within any other callback of that context.
 *
 * Another thread sleeps, while the router's thread runs its main loop. So a thread that submits a task may wait for
 * it, but the router's thread must not wait for that thread. It is refused on a thread that runs the default main
 * context.
 *
 * Fails as [method@Ferry.Task.get_result] does; with %FERRY_ERROR_TIMED_OUT when the time is over first, and the task
 * goes on then; with %FERRY_ERROR_NOT_STARTED when the task was not submitted; with %FERRY_ERROR_BUSY within a callback
 * of the router's main context; with %FERRY_ERROR_WRONG_THREAD on another thread that runs the default main context;
 * and with %FERRY_ERROR_NOT_RUNNING when the router was stopped.
 *
 * Returns: (transfer full) (nullable): the result; %NULL without an error when the function has none
 *
 * Since: 0.1
 */
GVariant *
ferry_task_wait (FerryTask *self, gint64 timeout, GError **error)
{
  g_autoptr (FerryTask) kept G_GNUC_UNUSED = NULL;
  FerryTaskPrivate *priv;
  gboolean done;

  g_return_val_if_fail (FERRY_IS_TASK (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  priv = get_private (self);
  kept = g_object_ref (self);
  if (ferry_task_get_done (self))
    return ferry_task_get_result (self, error);
  /* Acquire: driver and home; pairs with ferry_task_claim(). */
  if (atomic_load_explicit (&priv->claim, memory_order_acquire) != CLAIM_TAKEN)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_NOT_STARTED,
                   "Task “%s” was not submitted; call ferry_executor_submit_task() first", ferry_task_get_name (self));
      return NULL;
    }
  if (ferry_home_is_own (priv->home))
    done = priv->driver->wait (priv->executor, self, timeout, error);
  else
    done = wait_elsewhere (self, timeout, error);
  return done ? ferry_task_get_result (self, error) : NULL;
}

/**
 * ferry_task_wait_async:
 * @self: a task
 * @cancellable: (nullable): ends the waiting; the task goes on
 * @callback: (scope async) (closure user_data): called when the task is done, after its signal `done`
 * @user_data: data for @callback
 *
 * Waits for the end of the task. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_task_wait_async (FerryTask *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (FERRY_IS_TASK (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  if (!ferry_task_get_done (self) && !ferry_task_check_home (self, G_STRFUNC))
    return;
  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, ferry_task_wait_async);
  g_task_set_check_cancellable (task, FALSE);
  if (g_task_return_error_if_cancelled (task))
    return;
  if (ferry_task_get_done (self))
    g_task_return_boolean (task, TRUE);
  else
    ferry_wait_queue_add_task (&need_rest (self)->waits, task);
}

/**
 * ferry_task_wait_finish:
 * @self: a task
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends [method@Ferry.Task.wait_async], and gives the task's result. Any thread.
 *
 * Fails as [method@Ferry.Task.get_result] does; with %G_IO_ERROR_CANCELLED also when the waiting was cancelled, where
 * [property@Ferry.Task:done] tells one from the other.
 *
 * Returns: (transfer full) (nullable): the result; %NULL without an error when the function has none
 *
 * Since: 0.1
 */
GVariant *
ferry_task_wait_finish (FerryTask *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, ferry_task_wait_async), NULL);

  if (!g_task_propagate_boolean (G_TASK (result), error))
    return NULL;
  return ferry_task_get_result (self, error);
}

/* What happens to a task, as its executor tells it.
 *
 * Threads:   the router's.
 * Invariant: the table is asked before anything changes; all values of an event are set before its first signal; after
 *            each signal the task may be in any later state, for handlers do what they like. */

/* Whether another thread has cancelled the task or its cancellable, and the router's thread has not come to it. */
static gboolean
is_forestalled (FerryTaskPrivate *priv)
{
  Bridge *bridge = priv->rest != NULL ? priv->rest->bridge : NULL;

  if (priv->state != FERRY_TASK_STATE_EXECUTING)
    return FALSE;
  /* Acquire: pairs with the exchange in ferry_task_cancel(). */
  return atomic_load_explicit (&priv->asked, memory_order_acquire) != 0 ||
         (bridge != NULL && bridge_is_cancelled (bridge));
}

/* News of the worker find a task that is forestalled as if it were cancelling already, so that none is signalled after
 * the cancel. What the application itself does, it does with the state that it sees. */
static FerryTaskStep
look (FerryTaskPrivate *priv, FerryTaskEvent event, const FerryTaskTransition **transition)
{
  gboolean is_news = event >= FERRY_TASK_EVENT_PROGRESS && event <= FERRY_TASK_EVENT_LOST;
  FerryTaskState state = (FerryTaskState) priv->state;

  if (is_news && is_forestalled (priv))
    state = FERRY_TASK_STATE_CANCELLING;
  *transition = ferry_task_state_next (state, event);
  return priv->leaves_worker ? ferry_task_state_late (event) : (*transition)->step;
}

static gboolean
still_reports (FerryTaskPrivate *priv)
{
  return priv->state == FERRY_TASK_STATE_EXECUTING && !is_forestalled (priv);
}

/* main: the end: sets what an end sets, and forgets the executor. was_submitted: see CLAIM_CANCELLED. */
static void
settle (FerryTask *self, const FerryTaskTransition *transition, gboolean was_submitted)
{
  FerryTaskPrivate *priv = get_private (self);

  priv->leaves_worker = transition->leaves_worker;
  priv->end_time = g_get_monotonic_time ();
  if (transition->next == FERRY_TASK_STATE_COMPLETED && priv->fraction >= 0)
    priv->fraction = 1;
  drop_handles (self);
  if (was_submitted)
    {
      priv->driver = NULL;
      priv->executor = NULL;
      drop_cancellable (self);
    }
  /* Behind all else: any thread may look at a task that is done. */
  set_state (priv, transition->next);
}

/* main: tells of the end. The caller holds a reference. was: the state before. */
static void
announce (FerryTask *self, FerryTaskState was)
{
  FerryTaskPrivate *priv = get_private (self);

  if (priv->state == FERRY_TASK_STATE_COMPLETED && priv->fraction >= 0)
    notify (self, PROP_FRACTION);
  if (priv->result != NULL)
    notify (self, PROP_RESULT);
  if (priv->error != NULL)
    notify (self, PROP_ERROR);
  if (priv->rest != NULL && priv->rest->exit != NULL)
    notify (self, PROP_EXIT);
  notify (self, PROP_END_TIME);
  notify (self, PROP_STATE);
  if (was != FERRY_TASK_STATE_CANCELLING)
    notify (self, PROP_CANCELLABLE);
  notify (self, PROP_DONE);
  g_signal_emit (self, signals[SIGNAL_DONE], 0);
  if (priv->rest != NULL)
    ferry_wait_queue_finish_all (&priv->rest->waits);
  wake_threads (self);
}

static void
finish (FerryTask *self, const FerryTaskTransition *transition)
{
  g_autoptr (FerryTask) kept = g_object_ref (self);
  FerryTaskState was = ferry_task_get_state (self);

  settle (self, transition, TRUE);
  announce (kept, was);
}

/* main: a worker began the task. */
gboolean
ferry_task_start (FerryTask *self, GPid pid)
{
  g_autoptr (FerryTask) kept G_GNUC_UNUSED = g_object_ref (self);
  FerryTaskPrivate *priv = get_private (self);
  const FerryTaskTransition *transition;
  gboolean changed_pid = priv->pid != pid;

  if (look (priv, FERRY_TASK_EVENT_START, &transition) != FERRY_TASK_STEP_TAKEN)
    return FALSE;
  set_state (priv, transition->next);
  priv->n_attempts++;
  priv->pid = pid;
  priv->start_time = g_get_monotonic_time ();
  notify (self, PROP_N_ATTEMPTS);
  if (changed_pid)
    notify (self, PROP_PID);
  notify (self, PROP_START_TIME);
  notify (self, PROP_STATE);
  return TRUE;
}

/* main: a function may begin before the application has heard of its process. */
void
ferry_task_take_pid (FerryTask *self, GPid pid)
{
  FerryTaskPrivate *priv = get_private (self);

  if (priv->pid == pid)
    return;
  priv->pid = pid;
  if (still_reports (priv))
    notify (self, PROP_PID);
}

/* A bar must not jump back, so what is known once is not unknown or less again while the attempt lasts. */
static gboolean
raise_fraction (FerryTaskPrivate *priv, const FerryProgress *progress)
{
  double fraction = progress->fraction;

  if (!(fraction >= 0) && progress->total > 0)
    fraction = (double) progress->amount / (double) progress->total;
  if (!(fraction > priv->fraction) || priv->fraction >= 1)
    return FALSE;
  priv->fraction = MIN (fraction, 1);
  return TRUE;
}

static gboolean
change_text (char **text, const char *to)
{
  if (g_strcmp0 (*text, to) == 0)
    return FALSE;
  g_free (*text);
  *text = g_strdup (to);
  return TRUE;
}

static gboolean
change_number (guint64 *number, guint64 to)
{
  gboolean changed = *number != to;

  *number = to;
  return changed;
}

/* What a report changed, a bit a property. */
static guint
take_values (FerryTask *self, const FerryProgress *progress)
{
  FerryTaskPrivate *priv = get_private (self);
  Rest *rest = need_rest (self);
  guint changed = 0;

  if (raise_fraction (priv, progress))
    changed |= 1u << PROP_FRACTION;
  if (progress->text[0] != '\0' && change_text (&rest->message, progress->text))
    changed |= 1u << PROP_MESSAGE;
  if (change_text (&rest->unit, progress->unit[0] != '\0' ? progress->unit : NULL))
    changed |= 1u << PROP_UNIT;
  if (change_number (&rest->amount, progress->amount))
    changed |= 1u << PROP_AMOUNT;
  if (change_number (&rest->total, progress->total))
    changed |= 1u << PROP_TOTAL;
  return changed;
}

/* main: the newest report. */
gboolean
ferry_task_take_progress (FerryTask *self, const FerryProgress *progress)
{
  g_autoptr (FerryTask) kept G_GNUC_UNUSED = g_object_ref (self);
  FerryTaskPrivate *priv = get_private (self);
  const FerryTaskTransition *transition;
  FerryTaskStep step = look (priv, FERRY_TASK_EVENT_PROGRESS, &transition);
  guint changed;

  if (step != FERRY_TASK_STEP_TAKEN)
    return step == FERRY_TASK_STEP_IGNORED;
  changed = take_values (self, progress);
  for (guint i = PROP_FRACTION; i <= PROP_UNIT; i++)
    if ((changed & 1u << i) != 0 && still_reports (priv))
      notify (self, i);
  if (still_reports (priv))
    g_signal_emit (self, signals[SIGNAL_PROGRESS], 0);
  return TRUE;
}

/* main: a value that the function sent under a name. */
gboolean
ferry_task_take_message (FerryTask *self, const char *type, GVariant *value)
{
  g_autoptr (FerryTask) kept G_GNUC_UNUSED = g_object_ref (self);
  g_autoptr (GVariant) sunk = value != NULL ? g_variant_ref_sink (value) : NULL;
  const FerryTaskTransition *transition;
  FerryTaskStep step = look (get_private (self), FERRY_TASK_EVENT_MESSAGE, &transition);

  if (step == FERRY_TASK_STEP_TAKEN)
    FERRY_TASK_GET_CLASS (self)->message (self, type, sunk);
  return step != FERRY_TASK_STEP_REFUSED;
}

/* main: so many of the values that were yielded are done with. */
void
ferry_task_consume (FerryTask *self, guint n)
{
  FerryTaskPrivate *priv = get_private (self);

  if (priv->state == FERRY_TASK_STATE_EXECUTING && priv->driver->consumed != NULL)
    priv->driver->consumed (priv->executor, self, n);
}

/* main: a value that the function yielded. The function may yield one more once the handlers are through with it. */
gboolean
ferry_task_take_yield (FerryTask *self, GVariant *value)
{
  g_autoptr (FerryTask) kept G_GNUC_UNUSED = g_object_ref (self);
  g_autoptr (GVariant) sunk = g_variant_ref_sink (value);
  FerryTaskPrivate *priv = get_private (self);
  const FerryTaskTransition *transition;
  FerryTaskStep step = look (priv, FERRY_TASK_EVENT_YIELD, &transition);

  if (step != FERRY_TASK_STEP_TAKEN)
    return step == FERRY_TASK_STEP_IGNORED;
  g_signal_emit (self, signals[SIGNAL_YIELDED], 0, sunk);
  if (!priv->holds_window)
    ferry_task_consume (self, 1);
  return TRUE;
}

/* main: the function gave its result. */
gboolean
ferry_task_complete (FerryTask *self, GVariant *result)
{
  g_autoptr (GVariant) sunk = result != NULL ? g_variant_ref_sink (result) : NULL;
  FerryTaskPrivate *priv = get_private (self);
  const FerryTaskTransition *transition;

  switch (look (priv, FERRY_TASK_EVENT_RESULT, &transition))
    {
    case FERRY_TASK_STEP_REFUSED:
      return FALSE;
    case FERRY_TASK_STEP_IGNORED:
      priv->leaves_worker = FALSE;
      return TRUE;
    case FERRY_TASK_STEP_TAKEN:
    default:
      if (transition->next == FERRY_TASK_STATE_COMPLETED)
        priv->result = g_steal_pointer (&sunk);
      finish (self, transition);
      return TRUE;
    }
}

/* main: keeps the first of them, and logs all. */
void
ferry_task_note_late_error (FerryTask *self, const GError *error, const char *trace)
{
  Rest *rest = need_rest (self);
  gboolean expected = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  if (rest->late_error == NULL)
    rest->late_error = ferry_error_copy (error);
  /* clang-format off: a line a field */
  g_log_structured (G_LOG_DOMAIN, expected ? G_LOG_LEVEL_DEBUG : G_LOG_LEVEL_INFO, "FERRY_TASK",
                    ferry_task_get_name (self), "FERRY_FUNCTION", ferry_task_get_function (self), "FERRY_ERROR_DOMAIN",
                    g_quark_to_string (error->domain), "FERRY_TRACE", trace != NULL ? trace : "", "MESSAGE",
                    "Task “%s” failed after it was cancelled or had timed out: %s", ferry_task_get_name (self),
                    error->message);
  /* clang-format on */
}

/* The error of a task that did not fail by it, or had failed already. */
static void
ignore_failure (FerryTask *self, FerryTaskEvent event, const GError *error, const char *trace)
{
  FerryTaskPrivate *priv = get_private (self);

  if (error != NULL)
    ferry_task_note_late_error (self, error, trace);
  if (event == FERRY_TASK_EVENT_ERROR || event == FERRY_TASK_EVENT_LOST)
    priv->leaves_worker = FALSE;
}

/* main: one of the events that end a task without a result. */
gboolean
ferry_task_fail (FerryTask *self, FerryTaskEvent event, GError *error, const char *trace, FerryExit *exit)
{
  g_autoptr (FerryTask) kept G_GNUC_UNUSED = g_object_ref (self);
  g_autoptr (GError) owned = error;
  FerryTaskPrivate *priv = get_private (self);
  const FerryTaskTransition *transition;
  FerryTaskStep step = look (priv, event, &transition);

  if (step == FERRY_TASK_STEP_REFUSED)
    return FALSE;
  if (step == FERRY_TASK_STEP_IGNORED)
    {
      ignore_failure (self, event, owned, trace);
      return TRUE;
    }
  g_return_val_if_fail (owned != NULL || transition->next != FERRY_TASK_STATE_FAILED, FALSE);
  if (exit != NULL)
    need_rest (self)->exit = ferry_exit_ref (exit);
  if (transition->next != FERRY_TASK_STATE_FAILED)
    ignore_failure (self, event, owned, trace);
  else
    {
      priv->error = g_steal_pointer (&owned);
      if (trace != NULL)
        need_rest (self)->trace = g_strdup (trace);
    }
  finish (self, transition);
  return TRUE;
}

/* What an attempt reported is not true of the next one; a bar that had begun starts over. */
static void
forget_attempt (FerryTaskPrivate *priv)
{
  priv->pid = 0;
  priv->start_time = 0;
  priv->fraction = MIN (priv->fraction, 0);
  if (priv->rest != NULL)
    priv->rest->amount = 0;
}

/* main: the task waits again, for another attempt. */
gboolean
ferry_task_give_back (FerryTask *self)
{
  g_autoptr (FerryTask) kept G_GNUC_UNUSED = g_object_ref (self);
  FerryTaskPrivate *priv = get_private (self);
  /* By the state itself: a task whose cancellable was cancelled on another thread waits, and is cancelled from there,
   * so that whether this ends it is known before. */
  const FerryTaskTransition *transition = ferry_task_state_next ((FerryTaskState) priv->state, FERRY_TASK_EVENT_RETURN);

  if (transition->step != FERRY_TASK_STEP_TAKEN)
    return FALSE;
  if (is_done (transition->next))
    {
      finish (self, transition);
      return TRUE;
    }
  set_state (priv, transition->next);
  forget_attempt (priv);
  notify (self, PROP_PID);
  notify (self, PROP_START_TIME);
  notify (self, PROP_FRACTION);
  notify (self, PROP_AMOUNT);
  notify (self, PROP_STATE);
  return TRUE;
}

/* Submitting and cancelling, which may meet: a task is submitted and cancelled on any thread. Only the router's thread
 * changes a task that was submitted; other threads ask it to. */

static gboolean
refuse_claim (FerryTask *self, guint claim, GError **error)
{
  if (claim == CLAIM_CANCELLED)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED,
                 "The task of “%s” was cancelled before it was submitted; submit a new one",
                 ferry_task_get_function (self));
  else
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_ALREADY_STARTED,
                 "The task of “%s” was submitted before; make a new one, or use ferry_executor_retry()",
                 ferry_task_get_function (self));
  return FALSE;
}

/* any. Whoever calls this owns the fields until the word says TAKEN. */
static void
connect_driver (FerryTaskPrivate *priv, FerryTask *self, const FerryTaskDriver *driver, gpointer executor)
{
  Rest *rest = priv->rest;
  FerryHome *home;

  priv->driver = driver;
  priv->executor = executor;
  priv->submit_time = g_get_monotonic_time ();
  home = driver->get_home (executor);
  if (home != NULL)
    priv->home = ferry_home_ref (home);
  if (rest != NULL && rest->cancellable != NULL)
    rest->bridge = bridge_new (self, rest->cancellable, home != NULL ? ferry_home_get_context (home) : NULL);
}

/* any */
gboolean
ferry_task_claim (FerryTask *self, const FerryTaskDriver *driver, gpointer executor, GError **error)
{
  FerryTaskPrivate *priv = get_private (self);
  guint claim = CLAIM_FREE;

  if (priv->function == NULL)
    {
      ferry_critical ("A task without a function was submitted; make it with ferry_task_new()");
      return FALSE;
    }

  /* Acquire: whoever made the task may have been another thread, and a cancel another still. */
  if (!atomic_compare_exchange_strong_explicit (&priv->claim, &claim, CLAIM_UNDER_WAY, memory_order_acquire,
                                                memory_order_acquire))
    return refuse_claim (self, claim, error);
  connect_driver (priv, self, driver, executor);
  claim = CLAIM_UNDER_WAY;
  /* Release: the driver, for the router's thread; pairs with the loads in ferry_task_cancel() and ferry_task_wait(). */
  if (atomic_compare_exchange_strong_explicit (&priv->claim, &claim, CLAIM_TAKEN, memory_order_acq_rel,
                                               memory_order_acquire))
    return TRUE;
  /* A cancel came between. It leaves to this thread what this thread may be looking at. */
  priv->driver = NULL;
  priv->executor = NULL;
  drop_cancellable (self);
  return refuse_claim (self, claim, error);
}

/* main: a task that was not submitted cannot be any more. Returns how far its submission had come. */
static Claim
forestall_claim (FerryTaskPrivate *priv)
{
  guint claim = atomic_load_explicit (&priv->claim, memory_order_acquire);

  /* Acquire when it is TAKEN: pairs with ferry_task_claim(). Release: the task is cancelled. */
  while (claim == CLAIM_FREE || claim == CLAIM_UNDER_WAY)
    if (atomic_compare_exchange_weak_explicit (&priv->claim, &claim, CLAIM_CANCELLED, memory_order_acq_rel,
                                               memory_order_acquire))
      break;
  return (Claim) claim;
}

static void
cancel_waiting (FerryTask *self, FerryTaskPrivate *priv, const FerryTaskTransition *transition, Claim claim)
{
  gboolean was_submitted = claim == CLAIM_TAKEN;
  const FerryTaskDriver *driver = was_submitted ? priv->driver : NULL;
  gpointer executor = was_submitted ? priv->executor : NULL;

  settle (self, transition, was_submitted);
  /* A thread that submits at this moment looks at the cancellable, and drops it itself. */
  if (claim == CLAIM_FREE)
    drop_cancellable (self);
  /* The executor first, so that its queue and its numbers are right when handlers look at them. */
  if (driver != NULL)
    driver->cancelled (executor, self);
  announce (self, FERRY_TASK_STATE_WAITING);
}

static void
cancel_executing (FerryTask *self, FerryTaskPrivate *priv, const FerryTaskTransition *transition)
{
  set_state (priv, transition->next);
  /* First, as the driver may end the task at once: each state is told of. Handlers may end it as well. */
  notify (self, PROP_STATE);
  if (priv->state == FERRY_TASK_STATE_CANCELLING)
    notify (self, PROP_CANCELLABLE);
  if (priv->state == FERRY_TASK_STATE_CANCELLING)
    priv->driver->cancelled (priv->executor, self);
}

/* main: a task may have been begun without the application having heard of it. Afterwards its state is true. */
static void
withdraw (FerryTaskPrivate *priv, FerryTask *self)
{
  if (priv->state == FERRY_TASK_STATE_WAITING)
    priv->driver->withdraw (priv->executor, self);
}

static void
cancel_asked (gpointer data)
{
  ferry_task_cancel (data);
}

/* any: has the router's thread cancel the task. From now on nothing of the function is signalled. */
static gboolean
ask_for_cancel (FerryTask *self, FerryTaskPrivate *priv)
{
  /* Acquire-release: what was done before the cancel is seen by the router's thread that heeds it. */
  if (!ferry_task_get_cancellable (self) || atomic_exchange_explicit (&priv->asked, 1, memory_order_acq_rel) != 0)
    return FALSE;
  ferry_home_invoke (priv->home, cancel_asked, g_object_ref (self), g_object_unref);
  return TRUE;
}

/**
 * ferry_task_cancel:
 * @self: a task
 *
 * Asks for the end of the task. Any thread may call this. On another than the router's, that thread is asked to cancel
 * the task, and nothing of the function is signalled from now on; handlers run there and never here. Before the
 * submission the task is cancelled on the calling thread.
 *
 * A task that no worker has begun is cancelled before this returns; one that was not submitted cannot be any more. A
 * task that a worker has begun, whether the application has heard of that or not, is cancelling. It is cancelled when
 * its function has returned, or its worker has ended after the grace time ([method@Ferry.Task.set_cancel_grace]).
 * Nothing that the function does meanwhile is signalled, also not its result. [enum@Ferry.TaskState] lists the steps
 * that handlers see. May be called from within any handler.
 *
 * Returns: %FALSE if the task was cancelled before, or is done. On another thread %TRUE says that the router's thread
 * is asked, which may find the task done
 *
 * Since: 0.1
 */
gboolean
ferry_task_cancel (FerryTask *self)
{
  g_autoptr (FerryTask) kept G_GNUC_UNUSED = NULL;
  FerryTaskPrivate *priv;
  Claim claim;
  const FerryTaskTransition *transition;

  g_return_val_if_fail (FERRY_IS_TASK (self), FALSE);

  priv = get_private (self);
  claim = forestall_claim (priv);
  if (claim == CLAIM_CANCELLED)
    return FALSE;
  if (claim == CLAIM_TAKEN && !ferry_home_is_own (priv->home))
    return ask_for_cancel (self, priv);
  kept = g_object_ref (self);
  if (claim == CLAIM_TAKEN)
    withdraw (priv, self);
  transition = ferry_task_state_next ((FerryTaskState) priv->state, FERRY_TASK_EVENT_CANCEL);
  if (transition->step != FERRY_TASK_STEP_TAKEN)
    return FALSE;
  if (transition->next == FERRY_TASK_STATE_CANCELLING)
    cancel_executing (self, priv, transition);
  else
    cancel_waiting (self, priv, transition, claim);
  return TRUE;
}

/* ---- properties and signals ---- */

static void
install_identity (void)
{
  /**
   * FerryTask:name:
   *
   * What the task is called where it is shown: its function's name and a number, unless it was given another.
   *
   * Since: 0.1
   */
  properties[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, READABLE);
  /**
   * FerryTask:kind:
   *
   * What the function does on its way to the result.
   *
   * Since: 0.1
   */
  properties[PROP_KIND] = g_param_spec_enum ("kind", NULL, NULL, FERRY_TYPE_TASK_KIND, FERRY_TASK_KIND_CALL, AT_START);
  /**
   * FerryTask:function:
   *
   * The name of the function that a worker runs.
   *
   * Since: 0.1
   */
  properties[PROP_FUNCTION] = g_param_spec_string ("function", NULL, NULL, NULL, AT_START);
  /**
   * FerryTask:arguments:
   *
   * The arguments of the function.
   *
   * Since: 0.1
   */
  properties[PROP_ARGUMENTS] = g_param_spec_variant ("arguments", NULL, NULL, G_VARIANT_TYPE_ANY, NULL, AT_START);
  /**
   * FerryTask:priority:
   *
   * The priority in the queue; tasks with a higher one go first.
   *
   * Since: 0.1
   */
  properties[PROP_PRIORITY] = g_param_spec_int ("priority", NULL, NULL, G_MININT, G_MAXINT, 0, READABLE);
}

static void
install_states (void)
{
  /**
   * FerryTask:state:
   *
   * How far the task has come.
   *
   * Since: 0.1
   */
  properties[PROP_STATE] =
    g_param_spec_enum ("state", NULL, NULL, FERRY_TYPE_TASK_STATE, FERRY_TASK_STATE_WAITING, READABLE);
  /**
   * FerryTask:done:
   *
   * Whether the task is completed, failed or cancelled.
   *
   * Since: 0.1
   */
  properties[PROP_DONE] = g_param_spec_boolean ("done", NULL, NULL, FALSE, READABLE);
  /**
   * FerryTask:cancellable:
   *
   * Whether [method@Ferry.Task.cancel] would do something: the task waits, or executes and was not cancelled.
   *
   * Since: 0.1
   */
  properties[PROP_CANCELLABLE] = g_param_spec_boolean ("cancellable", NULL, NULL, TRUE, READABLE);
  /**
   * FerryTask:pid:
   *
   * The process that runs the task, or ran it; 0 before. Another process may have that number once the task is done.
   *
   * Since: 0.1
   */
  properties[PROP_PID] = g_param_spec_int ("pid", NULL, NULL, 0, G_MAXINT, 0, READABLE);
  /**
   * FerryTask:n-attempts:
   *
   * How often a worker began the task.
   *
   * Since: 0.1
   */
  properties[PROP_N_ATTEMPTS] = g_param_spec_uint ("n-attempts", NULL, NULL, 0, G_MAXUINT, 0, READABLE);
}

static void
install_progress (void)
{
  /**
   * FerryTask:fraction:
   *
   * How much of the work is done, from 0 to 1; -1 when nobody knows. It never goes back while an attempt lasts; where
   * an attempt is lost, the next one starts at 0. A completed task that had a fraction has 1.
   *
   * Since: 0.1
   */
  properties[PROP_FRACTION] = g_param_spec_double ("fraction", NULL, NULL, -1, 1, -1, READABLE);
  /**
   * FerryTask:message:
   *
   * The latest text that the function reported with its progress.
   *
   * Since: 0.1
   */
  properties[PROP_MESSAGE] = g_param_spec_string ("message", NULL, NULL, NULL, READABLE);
  /**
   * FerryTask:amount:
   *
   * How much is done, in units, as the function reported it latest.
   *
   * Since: 0.1
   */
  properties[PROP_AMOUNT] = g_param_spec_uint64 ("amount", NULL, NULL, 0, G_MAXUINT64, 0, READABLE);
  /**
   * FerryTask:total:
   *
   * How much there is to do, in units, as the function reported it latest; 0 when it is not known.
   *
   * Since: 0.1
   */
  properties[PROP_TOTAL] = g_param_spec_uint64 ("total", NULL, NULL, 0, G_MAXUINT64, 0, READABLE);
  /**
   * FerryTask:unit:
   *
   * What the amount is counted in, as the function reported it latest.
   *
   * Since: 0.1
   */
  properties[PROP_UNIT] = g_param_spec_string ("unit", NULL, NULL, NULL, READABLE);
}

static void
install_times_and_ends (void)
{
  /**
   * FerryTask:submit-time:
   *
   * When the task was submitted, in monotonic microseconds; 0 before. There is no notification of it.
   *
   * Since: 0.1
   */
  properties[PROP_SUBMIT_TIME] = g_param_spec_int64 ("submit-time", NULL, NULL, 0, G_MAXINT64, 0, READABLE);
  /**
   * FerryTask:start-time:
   *
   * When a worker began the latest attempt, in monotonic microseconds; 0 while the task waits.
   *
   * Since: 0.1
   */
  properties[PROP_START_TIME] = g_param_spec_int64 ("start-time", NULL, NULL, 0, G_MAXINT64, 0, READABLE);
  /**
   * FerryTask:end-time:
   *
   * When the task was done, in monotonic microseconds; 0 before.
   *
   * Since: 0.1
   */
  properties[PROP_END_TIME] = g_param_spec_int64 ("end-time", NULL, NULL, 0, G_MAXINT64, 0, READABLE);
  /**
   * FerryTask:result:
   *
   * The result, once the task is completed, if it has one.
   *
   * Since: 0.1
   */
  properties[PROP_RESULT] = g_param_spec_variant ("result", NULL, NULL, G_VARIANT_TYPE_ANY, NULL, READABLE);
  /**
   * FerryTask:error:
   *
   * Why the task failed.
   *
   * Since: 0.1
   */
  properties[PROP_ERROR] = g_param_spec_boxed ("error", NULL, NULL, G_TYPE_ERROR, READABLE);
  /**
   * FerryTask:exit:
   *
   * How the worker ended that was lost with the task.
   *
   * Since: 0.1
   */
  properties[PROP_EXIT] = g_param_spec_boxed ("exit", NULL, NULL, FERRY_TYPE_EXIT, READABLE);
}

static void
get_identity (FerryTask *self, Property property, GValue *value)
{
  switch (property)
    {
    case PROP_NAME:
      g_value_set_string (value, ferry_task_get_name (self));
      break;
    case PROP_KIND:
      g_value_set_enum (value, ferry_task_get_kind (self));
      break;
    case PROP_FUNCTION:
      g_value_set_string (value, ferry_task_get_function (self));
      break;
    case PROP_ARGUMENTS:
      g_value_set_variant (value, ferry_task_get_arguments (self));
      break;
    case PROP_PRIORITY:
      g_value_set_int (value, ferry_task_get_priority (self));
      break;
    case PROP_STATE:
      g_value_set_enum (value, ferry_task_get_state (self));
      break;
    case PROP_DONE:
      g_value_set_boolean (value, ferry_task_get_done (self));
      break;
    case PROP_CANCELLABLE:
      g_value_set_boolean (value, ferry_task_get_cancellable (self));
      break;
    default:
      g_assert_not_reached ();
    }
}

static void
get_progress (FerryTask *self, Property property, GValue *value)
{
  switch (property)
    {
    case PROP_FRACTION:
      g_value_set_double (value, ferry_task_get_fraction (self));
      break;
    case PROP_MESSAGE:
      g_value_set_string (value, ferry_task_get_message (self));
      break;
    case PROP_AMOUNT:
      g_value_set_uint64 (value, ferry_task_get_amount (self));
      break;
    case PROP_TOTAL:
      g_value_set_uint64 (value, ferry_task_get_total (self));
      break;
    case PROP_UNIT:
      g_value_set_string (value, ferry_task_get_unit (self));
      break;
    default:
      g_assert_not_reached ();
    }
}

static void
get_run (FerryTask *self, Property property, GValue *value)
{
  switch (property)
    {
    case PROP_PID:
      g_value_set_int (value, ferry_task_get_pid (self));
      break;
    case PROP_N_ATTEMPTS:
      g_value_set_uint (value, ferry_task_get_n_attempts (self));
      break;
    case PROP_SUBMIT_TIME:
      g_value_set_int64 (value, ferry_task_get_submit_time (self));
      break;
    case PROP_START_TIME:
      g_value_set_int64 (value, ferry_task_get_start_time (self));
      break;
    case PROP_END_TIME:
      g_value_set_int64 (value, ferry_task_get_end_time (self));
      break;
    case PROP_RESULT:
      if (check_readable (self, G_STRFUNC))
        g_value_set_variant (value, get_private (self)->result);
      break;
    case PROP_ERROR:
      g_value_set_boxed (value, ferry_task_get_error (self));
      break;
    case PROP_EXIT:
      g_value_set_boxed (value, ferry_task_get_exit (self));
      break;
    default:
      g_assert_not_reached ();
    }
}

static void
get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryTask *self = FERRY_TASK (object);

  if (property_id <= PROP_CANCELLABLE)
    get_identity (self, property_id, value);
  else if (property_id <= PROP_UNIT)
    get_progress (self, property_id, value);
  else if (property_id < N_PROPERTIES)
    get_run (self, property_id, value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
}

static void
set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  FerryTaskPrivate *priv = get_private (FERRY_TASK (object));

  switch (property_id)
    {
    case PROP_KIND:
      priv->kind = g_value_get_enum (value);
      break;
    case PROP_FUNCTION:
      priv->function = g_value_dup_string (value);
      break;
    case PROP_ARGUMENTS:
      priv->arguments = g_value_dup_variant (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
install_properties (FerryTaskClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = get_property;
  object_class->set_property = set_property;
  install_identity ();
  install_states ();
  install_progress ();
  install_times_and_ends ();
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
emit_message (FerryTask *self, const char *type, GVariant *value)
{
  /* A type that no handler was connected for is not made a quark: quarks are never freed, and workers choose types. */
  g_signal_emit (self, signals[SIGNAL_MESSAGE], g_quark_try_string (type), type, value);
}

static void
install_signals (FerryTaskClass *klass)
{
  GType type = G_TYPE_FROM_CLASS (klass);

  klass->message = emit_message;
  /**
   * FerryTask::progress:
   * @self: the task
   *
   * Emitted when the function reported progress, after the notifications of what it changed. Several reports may come
   * as one, the newest.
   *
   * Since: 0.1
   */
  signals[SIGNAL_PROGRESS] =
    g_signal_new ("progress", type, G_SIGNAL_RUN_LAST, G_STRUCT_OFFSET (FerryTaskClass, progress), NULL, NULL,
                  g_cclosure_marshal_VOID__VOID, G_TYPE_NONE, 0);
  g_signal_set_va_marshaller (signals[SIGNAL_PROGRESS], type, g_cclosure_marshal_VOID__VOIDv);
  /**
   * FerryTask::yielded:
   * @self: the task
   * @value: what the function yielded
   *
   * Emitted for each value that the function of an iteration yielded, in order, before the end. The value comes from
   * another process: compare its type before taking it apart.
   *
   * Since: 0.1
   */
  signals[SIGNAL_YIELDED] = g_signal_new ("yielded", type, G_SIGNAL_RUN_LAST, G_STRUCT_OFFSET (FerryTaskClass, yielded),
                                          NULL, NULL, g_cclosure_marshal_VOID__VARIANT, G_TYPE_NONE, 1, G_TYPE_VARIANT);
  g_signal_set_va_marshaller (signals[SIGNAL_YIELDED], type, g_cclosure_marshal_VOID__VARIANTv);
  /**
   * FerryTask::message:
   * @self: the task
   * @type: the name that the function gave the value
   * @value: (nullable): the value
   *
   * Emitted for each value that the function sent with [method@Ferry.Job.send]. Connect to `message::TYPE` for those of
   * one type. The value comes from another process: compare its type before taking it apart.
   *
   * Since: 0.1
   */
  signals[SIGNAL_MESSAGE] = g_signal_new ("message", type, G_SIGNAL_RUN_LAST | G_SIGNAL_DETAILED, 0, NULL, NULL,
                                          ferry_marshal_VOID__STRING_VARIANT, G_TYPE_NONE, 2,
                                          G_TYPE_STRING | G_SIGNAL_TYPE_STATIC_SCOPE, G_TYPE_VARIANT);
  g_signal_set_va_marshaller (signals[SIGNAL_MESSAGE], type, ferry_marshal_VOID__STRING_VARIANTv);
  /**
   * FerryTask::done:
   * @self: the task
   *
   * Emitted once, when the task is completed, failed or cancelled, after the notifications of what that changed. It is
   * the last signal of a task.
   *
   * Since: 0.1
   */
  signals[SIGNAL_DONE] = g_signal_new ("done", type, G_SIGNAL_RUN_LAST, G_STRUCT_OFFSET (FerryTaskClass, done), NULL,
                                       NULL, g_cclosure_marshal_VOID__VOID, G_TYPE_NONE, 0);
  g_signal_set_va_marshaller (signals[SIGNAL_DONE], type, g_cclosure_marshal_VOID__VOIDv);
}

/* ---- life cycle ---- */

static void
rest_free (Rest *rest)
{
  ferry_wait_queue_clear (&rest->waits);
  g_clear_pointer (&rest->exit, ferry_exit_unref);
  g_clear_error (&rest->late_error);
  g_free (rest->trace);
  g_free (rest->name);
  g_free (rest->message);
  g_free (rest->unit);
  g_free (rest);
}

static void
ferry_task_finalize (GObject *object)
{
  FerryTaskPrivate *priv = get_private (FERRY_TASK (object));

  drop_handles (FERRY_TASK (object));
  drop_cancellable (FERRY_TASK (object));
  if (priv->rest != NULL)
    rest_free (priv->rest);
  g_clear_pointer (&priv->home, ferry_home_unref);
  g_clear_pointer (&priv->arguments, g_variant_unref);
  g_clear_pointer (&priv->result, g_variant_unref);
  g_clear_error (&priv->error);
  g_free (priv->function);

  G_OBJECT_CLASS (ferry_task_parent_class)->finalize (object);
}

static void
ferry_task_class_init (FerryTaskClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ferry_task_finalize;
  install_properties (klass);
  install_signals (klass);
}

static void
ferry_task_init (FerryTask *self)
{
  static _Atomic guint n_tasks;
  FerryTaskPrivate *priv = get_private (self);

  /* Relaxed: the number tells tasks apart, and orders nothing. */
  priv->number = atomic_fetch_add_explicit (&n_tasks, 1, memory_order_relaxed) + 1;
  priv->fraction = -1;
}
