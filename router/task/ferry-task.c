/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* One call of a function in a worker, as the application sees it: its settings and properties, its state and its end.
 *
 * Its part that is run is a FerryRun, which queues, runners and destinations use: ferry-run.c has its events. The task
 * tells of them by its signals, and calls its executor only as the run's source. It is one file since all its parts are
 * the one object that an application has.
 *
 * A program may have hundreds of thousands of tasks that wait. So the fields that most tasks never use are in a
 * separate struct (Rest), which is allocated when one of its fields is first written.
 *
 * Threads:   until the task is submitted, any thread, one at a time. Then only the router's thread changes the task,
 *            and all signals and notifications are on that thread. Any thread may submit the task, cancel it and wait
 *            for it, and may read it once it is done.
 * Invariant: the atomic field submission decides what takes effect: ferry_task_submit_to(), or a cancel before that.
 *            While it is BEGUN, the thread that submits the task changes it, and a cancel waits for a moment; from
 *            then on, the router's does. */

#include "config.h"

#include "task/ferry-task-private.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "base/ferry-completion-private.h"
#include "base/ferry-mailbox-private.h"
#include "base/ferry-property-private.h"
#include "base/ferry-wait-queue-private.h"
#include "ferry-enums.h"
#include "ferry-marshallers.h"
#include "job/ferry-file-value-private.h"
#include "job/ferry-function-private.h"
#include "wire/ferry-lane-layout.h"
#include "wire/ferry-remote-error-private.h"
#include "wire/ferry-reserved-name-private.h"
#include "wire/ferry-task-call-private.h"

/* Which side has asked for a cancel. */
typedef enum
{
  ASKED_BY_THREAD = 1 << 0,
  ASKED_BY_CANCELLABLE = 1 << 1,
} Asked;

/* How far the submission of a task has come. */
typedef enum
{
  SUBMISSION_NONE,
  SUBMISSION_BEGUN,     /* a thread is submitting the task */
  SUBMISSION_DONE,      /* the task was submitted, and belongs to the router's thread */
  SUBMISSION_PREVENTED, /* the task was cancelled before it was submitted */
} Submission;

/* The fields of a task that are allocated when one of them is first written. */
typedef struct
{
  _Atomic (char *) name;     /* (nullable): any thread may set it once the task is done */
  GCancellable *cancellable; /* (nullable): until the task is done */
  FerryTaskHandles handles;  /* emptied when the task is done */
  GWeakRef *watch;           /* (unowned) (nullable): see watch_cancellable() */
  gulong handler;            /* of the cancellable's signal, which owns the watch */
  /* (owned) (nullable): any thread may use it; the router's thread makes it when the task is first sent to a worker */
  _Atomic (FerryDescriptorPort *) returns;
  FerryTaskAnswers answers; /* ended when the task is done */

  char *description;   /* const once the task is submitted: (nullable) */
  char *text;          /* (nullable) */
  gboolean is_waiting; /* text is what the task waits for, and not its function's */
  char *host_name;     /* (nullable) */
  char *host_loss;     /* (nullable) */
  char *unit;          /* (nullable) */
  char *question;      /* (nullable) */
  guint64 amount;
  guint64 total;
  gint64 not_before;
  char **needs; /* const once the task is submitted: (nullable) */

  guint n_attempts_before; /* const once the task is submitted: see ferry_task_follow(), as the next one */
  gboolean crashed_before;

  GVariant *application_data; /* (owned) (nullable) */
  GVariant *failures;         /* (owned) (nullable) */
  GPtrArray *failure_errors;  /* (owned) (nullable) (element-type GError) */
  GVariant *partial;          /* (owned) (nullable): of this attempt; it counts unless the task is completed */
  gboolean trusts;            /* the worker that has the attempt is trusted */
  _Atomic gboolean has_file;  /* a value was in a descriptor */
  FerryFileOpening *opening;  /* (owned) (nullable): of the value that comes next */
  GPtrArray *lines;           /* (owned) (nullable) (element-type utf8): the last ones that the worker printed */
  FerryWaitQueue waits;       /* callers of ferry_task_wait_async() */

  gboolean has_later;   /* const */
  FerryTaskLater later; /* later_lock: emptied when it was opened */
  GError *later_error;  /* later_lock: (owned) (nullable): why it could not be */
} Rest;

/* Of all tasks: few results are read later. */
static pthread_mutex_t later_lock = PTHREAD_MUTEX_INITIALIZER;

typedef struct
{
  union
  {
    FerryRun run;
    FerryListedRun listed;
  };
  FerryAffinity *affinity;     /* (owned) (nullable): the executor's; const once the task is submitted */
  FerryCompletion *call;       /* (owned) (nullable): finished at the end; set before the task is submitted */
  _Atomic (Rest *) rest;       /* (nullable): any thread may allocate it once the task is done */
  guint number;                /* const: the number in the default name */
  _Atomic guint submission;    /* any: a Submission */
  guint was_indeterminate : 1; /* the fraction was not known when the task ended */
  guint has_reported : 1;      /* the function has reported or sent something in this attempt */
  guint was_paused : 1;        /* the task was paused when it ended */
  guint could_pause : 1;       /* FerryTask:can-pause when it ended */
  char own_function[24];       /* const: the function, if its name is short enough */
} FerryTaskPrivate;

typedef enum
{
  PROP_NAME = 1,
  PROP_DESCRIPTION,
  PROP_KIND,
  PROP_FUNCTION,
  PROP_ARGUMENTS,
  PROP_PRIORITY,
  PROP_FIRST_SETTING,
  PROP_LAST_SETTING = PROP_FIRST_SETTING + FERRY_N_TASK_FIELDS - 1,
  PROP_CANCELLABLE,
  PROP_APPLICATION_DATA,
  PROP_NOT_BEFORE,
  PROP_NEEDS,
  PROP_STATE,
  PROP_IS_DONE,
  PROP_CAN_CANCEL,
  PROP_CAN_PAUSE,
  PROP_IS_PAUSED,
  PROP_FRACTION,
  PROP_INDETERMINATE,
  PROP_TEXT,
  PROP_AMOUNT,
  PROP_TOTAL,
  PROP_UNIT,
  PROP_QUESTION,
  PROP_IDENTIFIER,
  PROP_HOST_NAME,
  PROP_N_ATTEMPTS,
  PROP_SUBMIT_TIME,
  PROP_START_TIME,
  PROP_END_TIME,
  PROP_RESULT,
  PROP_ERROR,
  PROP_TRACE,
  PROP_PARTIAL_RESULT,
  PROP_LATE_ERROR,
  PROP_EXIT,
  PROP_FAILURES,
  PROP_LAST_LINES,
  N_PROPERTIES,
} Property;

enum
{
  SIGNAL_PROGRESS,
  SIGNAL_YIELDED,
  SIGNAL_MESSAGE,
  SIGNAL_ASKS,
  SIGNAL_DONE,
  N_SIGNALS,
};

/**
 * FerryTask:
 *
 * One call of a function in a worker, as the application sees it.
 *
 * A task is made with [ctor@Ferry.Task.new], gets its settings, and is submitted once, to a [class@Ferry.Executor]. Its
 * [property@Ferry.Task:state] changes from waiting to executing, and then to completed, failed or cancelled. Then the
 * task is [property@Ferry.Task:is-done], and does not change any more.
 *
 * Any thread may make a task, set its settings and submit it, one thread at a time. After the submission, to set a
 * setting only emits a critical. Other functions are for the router's thread, unless their description says
 * otherwise. All signals and notifications are emitted on that thread. Handlers may call any function: cancel the task,
 * submit other tasks, or drop the last reference.
 *
 * What a worker has sent in time counts, however late the application looks at it. Time during which the application
 * cannot look does not count: its process is stopped, or its main loop is in one callback for longer than a tenth of a
 * second. At most an eighth of a limit is lost to one such stop. This holds for each limit of time: of tasks, maps,
 * calls, channels, hosts and shutdowns.
 *
 * A class that derives from FerryTask may override [vfunc@Ferry.Task.message], [vfunc@Ferry.Task.progress],
 * [vfunc@Ferry.Task.yielded] and [vfunc@Ferry.Task.done].
 */
G_DEFINE_TYPE_WITH_PRIVATE (FerryTask, ferry_task, G_TYPE_OBJECT)

static GParamSpec *properties[N_PROPERTIES];
static guint signals[N_SIGNALS];

static const Rest no_rest = {.answers = {-1, -1}};

static FerryTaskPrivate *
get_private (FerryTask *self)
{
  return ferry_task_get_instance_private (self);
}

/* Returns (transfer none) the rarely used fields of the task. Allocates them if there are none yet. */
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
  /* Release: makes the initial values visible to a thread that reads the done task. Acquire: another thread may have
   * allocated the Rest first; its values must be visible here. */
  if (atomic_compare_exchange_strong_explicit (&priv->rest, &rest, made, memory_order_acq_rel, memory_order_acquire))
    return made;
  ferry_wait_queue_clear (&made->waits);
  g_free (made);
  return rest;
}

/* Returns (transfer none) the rarely used fields of the task, or constant default values if none were allocated. */
static const Rest *
peek_rest (FerryTask *self)
{
  /* Acquire: pairs with need_rest(). */
  Rest *rest = atomic_load_explicit (&get_private (self)->rest, memory_order_acquire);

  return rest != NULL ? rest : &no_rest;
}

/* Returns (transfer none) the task's own settings, to change them. Most tasks have the default ones. */
static FerryTaskSettings *
need_settings (FerryTask *self)
{
  FerryRun *run = &get_private (self)->run;

  if (run->settings == &ferry_default_task_settings)
    run->settings = g_memdup2 (run->settings, sizeof *run->settings);
  return (FerryTaskSettings *) run->settings;
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

/* ---- which threads may use a task ---- */

static gboolean
is_submitted (FerryTaskPrivate *priv)
{
  /* Acquire: makes the affinity and the source visible; pairs with ferry_task_submit_to(). */
  return atomic_load_explicit (&priv->submission, memory_order_acquire) == SUBMISSION_DONE;
}

/* any: whether the caller may wait for the task, or change it: a submitted task only on the router's thread. If not,
 * emits a critical that names function. */
static gboolean
check_affinity (FerryTask *self, const char *function)
{
  FerryTaskPrivate *priv = get_private (self);

  return !is_submitted (priv) || ferry_affinity_check (priv->affinity, function);
}

/* A submitted task may be read on the router's thread, and on any thread once the task is done. Otherwise emits a
 * critical, and returns value. */
#define return_val_if_unreadable(self, value)                                                                          \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    g_return_val_if_fail (FERRY_IS_TASK (self), value);                                                                \
    if (!ferry_task_get_done (self) && !check_affinity (self, G_STRFUNC))                                              \
      return value;                                                                                                    \
  }                                                                                                                    \
  G_STMT_END

/* Whether the task was not submitted yet, so that its settings can be changed. If it was, a critical names the setting.
 */
static gboolean
check_settable (FerryTask *self, GParamSpec *setting)
{
  /* Relaxed: the same thread sets the settings and submits the task. */
  if (atomic_load_explicit (&get_private (self)->submission, memory_order_relaxed) == SUBMISSION_NONE)
    return TRUE;
  g_critical ("FerryTask:%s was set for a task of '%s' that was submitted or cancelled, and nothing was done; give a "
              "task its settings before it is submitted",
              setting->name, ferry_task_get_function (self));
  return FALSE;
}

/* Whether the task may get another name. Other threads may use the name of a done task, which must not change. */
static gboolean
check_nameable (FerryTask *self)
{
  FerryTaskPrivate *priv = get_private (self);

  if (is_submitted (priv) && !ferry_affinity_check_property (priv->affinity, properties[PROP_NAME]))
    return FALSE;
  if (!ferry_task_get_done (self))
    return TRUE;
  ferry_critical (
    "FerryTask:name was set for a task of '%s' that is done, and nothing was done; name a task before its end",
    ferry_task_get_function (self));
  return FALSE;
}

/* ---- settings ---- */

static gboolean
change_text (char **text, const char *to)
{
  if (g_strcmp0 (*text, to) == 0)
    return FALSE;
  g_free (*text);
  *text = g_strdup (to);
  return TRUE;
}

void
ferry_task_change_priority (FerryTask *self, int priority)
{
  get_private (self)->run.priority = priority;
  notify (self, PROP_PRIORITY);
}

/* Most names are short, and need no block of memory for each task. */
static void
set_function (FerryTaskPrivate *priv, const char *function)
{
  gsize size = function != NULL ? strlen (function) + 1 : 0;

  if (size == 0 || size > sizeof priv->own_function)
    priv->run.function = g_strdup (function);
  else
    priv->run.function = memcpy (priv->own_function, function, size);
}

void
ferry_task_set_up (FerryTask *self, FerryTaskKind kind, const char *function, GVariant *arguments)
{
  FerryTaskPrivate *priv = get_private (self);

  priv->run.kind = kind;
  set_function (priv, function);
  if (arguments != NULL)
    priv->run.arguments = g_variant_ref_sink (arguments);
}

/**
 * ferry_task_new:
 * @kind: what the function does before it returns its result
 * @function: the name that the function is registered with in the worker
 * @arguments: (nullable): the arguments, of the type that the function is registered with; a floating reference is sunk
 *
 * Makes a task, which can be submitted with [method@Ferry.Executor.submit_task]. Any thread may call this.
 *
 * Returns: (transfer full): a new task
 */
FerryTask *
ferry_task_new (FerryTaskKind kind, const char *function, GVariant *arguments)
{
  FerryTask *self;

  g_return_val_if_fail (kind <= FERRY_TASK_KIND_STEPS, NULL);
  g_return_val_if_fail (function != NULL && *function != '\0', NULL);

  self = g_object_new (FERRY_TYPE_TASK, NULL);
  ferry_task_set_up (self, kind, function, arguments);
  return self;
}

gint64
ferry_task_get_not_before (FerryTask *self)
{
  return peek_rest (self)->not_before;
}

void
ferry_task_change_not_before (FerryTask *self, gint64 not_before)
{
  need_rest (self)->not_before = not_before;
  notify (self, PROP_NOT_BEFORE);
}

void
ferry_task_set_name (FerryTask *self, const char *name)
{
  Rest *rest = need_rest (self);
  FerryRun *run = ferry_task_get_run (self);

  if (g_strcmp0 (rest->name, name) == 0)
    return;
  g_free (rest->name);
  rest->name = g_strdup (name);
  if (run->keeper != NULL && ferry_affinity_is_own (get_private (self)->affinity))
    run->keeper->funcs->changed (run->keeper, run);
  notify (self, PROP_NAME);
}

/**
 * ferry_task_set_arguments:
 * @self: a task that was not submitted
 * @arguments: (nullable): the arguments, of the type that the function is registered with; a floating reference is sunk
 *
 * Sets [property@Ferry.Task:arguments], for arguments that name what the task was given. Any thread, one at a time,
 * before the submission.
 *
 * ```c
 * g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "decode", NULL);
 * int handle = ferry_task_add_bytes (task, bytes, &error);
 *
 * if (handle >= 0)
 *   ferry_task_set_arguments (task, g_variant_new ("(hu)", handle, width));
 * ```
 */
void
ferry_task_set_arguments (FerryTask *self, GVariant *arguments)
{
  g_autoptr (GVariant) kept = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
  FerryTaskPrivate *priv;

  g_return_if_fail (FERRY_IS_TASK (self));

  priv = get_private (self);
  if (!check_settable (self, properties[PROP_ARGUMENTS]) || priv->run.arguments == kept)
    return;
  g_clear_pointer (&priv->run.arguments, g_variant_unref);
  priv->run.arguments = g_steal_pointer (&kept);
  notify (self, PROP_ARGUMENTS);
}

/**
 * ferry_task_set_run_timeout:
 * @self: a task that was not submitted
 * @timeout: the time in microseconds; 0 for no limit, which is the default
 *
 * Sets [property@Ferry.Task:run-timeout]. Any thread, one at a time, before the submission.
 */
void
ferry_task_set_run_timeout (FerryTask *self, gint64 timeout)
{
  g_return_if_fail (FERRY_IS_TASK (self));
  g_return_if_fail (timeout >= 0);

  g_object_set (self, "run-timeout", timeout, NULL);
}

/**
 * ferry_task_set_cancel_grace:
 * @self: a task that was not submitted
 * @grace: the grace time in microseconds; the default is 2 seconds
 *
 * Sets [property@Ferry.Task:cancel-grace]. Any thread, one at a time, before the submission.
 */
void
ferry_task_set_cancel_grace (FerryTask *self, gint64 grace)
{
  g_return_if_fail (FERRY_IS_TASK (self));
  g_return_if_fail (grace >= 0);

  g_object_set (self, "cancel-grace", grace, NULL);
}

/* ---- getters ---- */

static FerryTaskKind
get_kind (FerryTask *self)
{
  return (FerryTaskKind) get_private (self)->run.kind;
}

/**
 * ferry_task_get_name:
 * @self: a task
 *
 * Gets [property@Ferry.Task:name]. On the router's thread; any thread, once the task is done.
 *
 * Returns: (transfer none): the name
 */
const char *
ferry_task_get_name (FerryTask *self)
{
  FerryTaskPrivate *priv;
  Rest *rest;
  char *name;
  char *made;

  return_val_if_unreadable (self, NULL);

  priv = get_private (self);
  rest = need_rest (self);
  /* Acquire: makes the text visible that another thread wrote. */
  name = atomic_load_explicit (&rest->name, memory_order_acquire);
  if (name != NULL)
    return name;
  made = g_strdup_printf ("%s %u", priv->run.function != NULL ? priv->run.function : "task", priv->number);
  /* Release: makes the text visible to other threads. Acquire: makes the text of another thread visible, which may have
   * set the name first. */
  if (atomic_compare_exchange_strong_explicit (&rest->name, &name, made, memory_order_acq_rel, memory_order_acquire))
    return made;
  g_free (made);
  return name;
}

guint
ferry_task_get_number (FerryTask *self)
{
  return get_private (self)->number;
}

const char *
ferry_task_get_function (FerryTask *self)
{
  return get_private (self)->run.function;
}

/**
 * ferry_task_get_state:
 * @self: a task
 *
 * Gets the state of the task. Any thread may call this.
 *
 * Returns: the state
 */
FerryTaskState
ferry_task_get_state (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), FERRY_TASK_STATE_WAITING);

  return (FerryTaskState) get_private (self)->run.state;
}

/**
 * ferry_task_get_done:
 * @self: a task
 *
 * Whether the task is completed, failed or cancelled. Any thread may call this.
 *
 * Returns: %TRUE if the task does not change any more
 */
gboolean
ferry_task_get_done (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), FALSE);

  return is_done (get_private (self)->run.state);
}

/**
 * ferry_task_get_fraction:
 * @self: a task
 *
 * Gets [property@Ferry.Task:fraction]. On the router's thread; any thread, once the task is done.
 *
 * Returns: the fraction, from 0 to 1
 */
double
ferry_task_get_fraction (FerryTask *self)
{
  return_val_if_unreadable (self, 0);

  return MAX (get_private (self)->run.fraction, 0);
}

static gboolean
is_indeterminate (FerryTaskPrivate *priv)
{
  return priv->run.fraction < 0;
}

/**
 * ferry_task_get_text:
 * @self: a task
 *
 * Gets [property@Ferry.Task:text]. On the router's thread; any thread, once the task is done.
 *
 * Returns: (transfer none) (nullable): the text
 */
const char *
ferry_task_get_text (FerryTask *self)
{
  return_val_if_unreadable (self, NULL);

  return peek_rest (self)->text;
}

static gint64
get_submit_time (FerryTask *self)
{
  return is_submitted (get_private (self)) ? get_private (self)->run.submit_time : 0;
}

/* Whether the task has ended, and what keeps it has not stored that yet. So nobody may see it. */
static gboolean
is_held (FerryTask *self)
{
  return get_private (self)->run.end_held != NULL;
}

/**
 * ferry_task_get_error:
 * @self: a task
 *
 * Gets the error of a task that failed. On the router's thread; any thread, once the task is done.
 *
 * Returns: (transfer none) (nullable): the error, or %NULL if the task has not failed
 */
const GError *
ferry_task_get_error (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), NULL);

  return_val_if_unreadable (self, NULL);
  return is_held (self) ? NULL : get_private (self)->run.error;
}

static const char *
get_trace (FerryTask *self)
{
  return is_held (self) ? NULL : get_private (self)->run.trace;
}

/**
 * ferry_task_get_exit:
 * @self: a task
 *
 * Gets [property@Ferry.Task:exit]. On the router's thread; any thread, once the task is done.
 *
 * Returns: (transfer none) (nullable): the exit record
 */
FerryExit *
ferry_task_get_exit (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), NULL);

  return_val_if_unreadable (self, NULL);
  return is_held (self) ? NULL : get_private (self)->run.exit;
}

/* Returns (transfer full) (nullable) the result, or sets error to a copy of failure. */
static GVariant *
dup_outcome (GVariant *result, const GError *failure, const char *trace, GError **error)
{
  if (failure != NULL)
    g_propagate_error (error, ferry_error_copy_with_trace (failure, trace));
  return failure == NULL && result != NULL ? g_variant_ref (result) : NULL;
}

/* any: returns (transfer none) (nullable) the result of a completed task. *error: (nullable): (transfer none). */
static GVariant *
need_result (FerryTask *self, const GError **error)
{
  FerryTaskPrivate *priv = get_private (self);

  *error = NULL;
  if (peek_rest (self)->has_later)
    {
      Rest *rest = need_rest (self);
      FERRY_AUTO_LOCK (&later_lock);

      if (rest->later.open != NULL)
        {
          priv->run.result = rest->later.open (rest->later.data, &rest->later_error);
          rest->later.destroy (rest->later.data);
          rest->later.open = NULL;
        }
      *error = rest->later_error;
    }
  return priv->run.result;
}

/**
 * ferry_task_get_result:
 * @self: a task
 * @error: return location for an error
 *
 * Gets the result of a completed task. The result comes from another process. If this program has registered the
 * function, the result has the registered type. On the router's thread; any thread, once the task is done.
 *
 * Fails with the task's error if the task failed, and with %G_IO_ERROR_CANCELLED if the task was cancelled. If the task
 * is not done, fails with %FERRY_ERROR_NOT_DONE, or with %FERRY_ERROR_WRONG_THREAD on another thread than the router's.
 *
 * Returns: (transfer full) (nullable): the result; %NULL without an error if the function has no result
 */
GVariant *
ferry_task_get_result (FerryTask *self, GError **error)
{
  FerryTaskPrivate *priv;

  g_return_val_if_fail (FERRY_IS_TASK (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  priv = get_private (self);
  if (!is_done (priv->run.state) && is_submitted (priv) &&
      !ferry_affinity_check_error (priv->affinity, G_STRFUNC, error))
    return NULL;
  if (priv->run.state == FERRY_TASK_STATE_COMPLETED)
    {
      const GError *failure;
      GVariant *result = need_result (self, &failure);

      return dup_outcome (result, failure, NULL, error);
    }
  if (priv->run.state == FERRY_TASK_STATE_FAILED)
    return dup_outcome (priv->run.result, priv->run.error, priv->run.trace, error);
  if (priv->run.state == FERRY_TASK_STATE_CANCELLED)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "Task '%s' was cancelled; submit a new one to run it again%s",
                 ferry_task_get_name (self), ferry_run_get_addition (priv->run.late_error));
  else
    ferry_set_error (error, FERRY_ERROR_NOT_DONE,
                     "Task '%s' is not done; wait for its signal 'done', or use ferry_task_wait_async()",
                     ferry_task_get_name (self));
  return NULL;
}

/* ---- functions for the executor ---- */

FerryRun *
ferry_task_get_run (FerryTask *self)
{
  return &get_private (self)->run;
}

FerryTask *
ferry_task_new_like (FerryTask *self)
{
  FerryTaskPrivate *priv = get_private (self);
  const Rest *rest = peek_rest (self);
  FerryTask *task = ferry_task_new ((FerryTaskKind) priv->run.kind, priv->run.function, priv->run.arguments);

  if (rest->name != NULL)
    ferry_task_set_name (task, rest->name);
  if (rest->description != NULL)
    need_rest (task)->description = g_strdup (rest->description);
  if (rest->application_data != NULL)
    need_rest (task)->application_data = g_variant_ref (rest->application_data);
  g_object_set_data_full (G_OBJECT (task), FERRY_SHOWN_FUNCTION,
                          g_strdup (g_object_get_data (G_OBJECT (self), FERRY_SHOWN_FUNCTION)), g_free);
  if (rest->needs != NULL)
    g_object_set (task, "needs", rest->needs, NULL);
  get_private (task)->run.priority = priv->run.priority;
  *need_settings (task) = *priv->run.settings;
  return task;
}

void
ferry_task_take_settings (FerryTask *self, const FerryTaskSettings *settings)
{
  if (memcmp (settings, &ferry_default_task_settings, sizeof *settings) != 0)
    *need_settings (self) = *settings;
}

/* Whether a worker was killed under the task. At a limit of time, the library does that itself. */
static gboolean
has_crashed (FerryTask *self)
{
  const FerryRun *run = &get_private (self)->run;

  return run->exit != NULL && ferry_exit_get_reason (run->exit) == FERRY_CLOSE_REASON_KILLED &&
         !g_error_matches (run->error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
}

void
ferry_task_follow (FerryTask *self, FerryTask *before)
{
  const Rest *rest = peek_rest (before);

  if (ferry_task_get_state (before) != FERRY_TASK_STATE_FAILED)
    return;
  need_rest (self)->n_attempts_before = rest->n_attempts_before + ferry_task_get_run (before)->n_attempts;
  need_rest (self)->crashed_before = rest->crashed_before || has_crashed (before);
}

guint
ferry_task_get_n_attempts_before (FerryTask *self)
{
  return peek_rest (self)->n_attempts_before;
}

gboolean
ferry_task_has_crashed_before (FerryTask *self)
{
  return peek_rest (self)->crashed_before;
}

void
ferry_task_restore_end (FerryTask *self, FerryAffinity *affinity, const FerryTaskEnd *end)
{
  FerryTaskPrivate *priv = get_private (self);
  FerryRun *run = &priv->run;

  g_return_if_fail (is_done (end->state));

  priv->affinity = ferry_affinity_ref (affinity);
  if (end->result.open != NULL)
    {
      need_rest (self)->later = end->result;
      need_rest (self)->has_later = TRUE;
    }
  run->error = end->error != NULL ? ferry_error_copy (end->error) : NULL;
  run->trace = g_strdup (end->trace);
  g_set_object (&run->exit, end->exit);
  run->submit_time = end->submit_time;
  run->start_time = end->start_time;
  run->end_time = end->end_time;
  run->fraction = end->state == FERRY_TASK_STATE_COMPLETED ? 1 : 0;
  /* Release, as in set_state() of a run and in ferry_task_submit_to(): another thread may be given the task. */
  atomic_store_explicit (&run->state, (guint8) end->state, memory_order_release);
  atomic_store_explicit (&priv->submission, SUBMISSION_DONE, memory_order_release);
}

/* ---- descriptors and bytes: given to the function, and returned by it ---- */

gboolean
ferry_task_is_plain (FerryTask *self)
{
  const Rest *rest = peek_rest (self);

  return ferry_run_has_default_settings (ferry_task_get_run (self)) && rest->description == NULL &&
         rest->application_data == NULL && rest->needs == NULL && ferry_task_handles_get_n (&rest->handles) == 0;
}

guint
ferry_task_count_handles (FerryTask *self)
{
  return ferry_task_handles_get_n (&peek_rest (self)->handles);
}

GBytes *
ferry_task_get_bytes (FerryTask *self, guint handle)
{
  return ferry_task_handles_get_bytes (&peek_rest (self)->handles, handle);
}

gboolean
ferry_task_restore_arguments (FerryTask *self, GVariant *arguments, GVariant *bytes, GError **error)
{
  FerryTaskPrivate *priv = get_private (self);

  for (gsize i = 0; bytes != NULL && i < g_variant_n_children (bytes); i++)
    {
      g_autoptr (GVariant) one = g_variant_get_child_value (bytes, i);
      g_autoptr (GBytes) data = g_variant_get_data_as_bytes (one);

      if (ferry_task_handles_add_bytes (&need_rest (self)->handles, data, error) < 0)
        return FALSE;
      priv->run.has_handles = TRUE;
    }
  g_clear_pointer (&priv->run.arguments, g_variant_unref);
  priv->run.arguments = arguments != NULL ? g_variant_ref (arguments) : NULL;
  notify (self, PROP_ARGUMENTS);
  return TRUE;
}

/* How many descriptors the task's call has. */
static guint
count_descriptors (FerryTask *self)
{
  const FerryTaskSettings *settings = get_private (self)->run.settings;

  return ferry_task_handles_get_n (&peek_rest (self)->handles) + (settings->max_returned_descriptors > 0 ? 1 : 0) +
         (settings->interactive ? 1 : 0);
}

static gboolean
may_add_handle (FerryTask *self, GError **error)
{
  FerryTaskPrivate *priv = get_private (self);

  /* Relaxed: the same thread sets the settings and submits the task. */
  if (atomic_load_explicit (&priv->submission, memory_order_relaxed) != SUBMISSION_NONE)
    return ferry_set_error (
      error, FERRY_ERROR_ALREADY_STARTED,
      "The task of '%s' was submitted or cancelled already; add descriptors, bytes and senders before "
      "the submission",
      ferry_task_get_function (self));
  if (count_descriptors (self) < FERRY_MAX_FDS_PER_LINK)
    return TRUE;
  return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                          "Task '%s' has %d descriptors, which is the limit; put more into one of them, such as "
                          "several buffers into one memfd",
                          ferry_task_get_name (self), FERRY_MAX_FDS_PER_LINK);
}

/* handle: -1 if it could not be added. */
static gint
note_handle (FerryTask *self, gint handle)
{
  if (handle >= 0)
    get_private (self)->run.has_handles = TRUE;
  return handle;
}

/**
 * ferry_task_add_descriptor:
 * @self: a task that was not submitted
 * @fd: a descriptor, which stays the caller's
 * @error: return location for an error
 *
 * Gives the task's function a descriptor, for example of a file, a socket, a pipe, or memory. The function gets the
 * descriptor from [method@Ferry.Job.dup_descriptor] by the handle that this function returns. The application must pass
 * the handle to the function, by convention in the arguments ([method@Ferry.Task.set_arguments]) as a value of type
 * “h”. Handles count from 0, together
 * with the handles of [method@Ferry.Task.add_bytes].
 *
 * The task keeps a copy of the descriptor until it is done. If many tasks with descriptors wait, limit their number, so
 * that the limit of open files is not reached. All attempts share one position in the file.
 *
 * The worker can use the descriptor in the mode in which it was opened. This holds even if a [class@Ferry.Sandbox] does
 * not let the worker open the file. So open a file read-only if the worker must not write to it.
 *
 * Descriptors are sent to the worker with the task. While a worker has 64 descriptors that it has not received yet, the
 * task waits. If the system refuses to pass a descriptor, or the worker has too many open files, this task fails with
 * %FERRY_ERROR_SYSTEM; other tasks do not.
 *
 * Fails with %FERRY_ERROR_SYSTEM if the descriptor cannot be copied, with %FERRY_ERROR_TOO_LARGE if the task has 64
 * descriptors already, and with %FERRY_ERROR_ALREADY_STARTED if the task was submitted. Any thread may call this.
 *
 * Returns: the handle, or -1 with an error
 */
gint
ferry_task_add_descriptor (FerryTask *self, int fd, GError **error)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), -1);
  g_return_val_if_fail (error == NULL || *error == NULL, -1);

  return may_add_handle (self, error)
           ? note_handle (self, ferry_task_handles_add_descriptor (&need_rest (self)->handles, fd, error))
           : -1;
}

/**
 * ferry_task_add_bytes:
 * @self: a task that was not submitted
 * @bytes: the bytes; the task keeps a reference until it is done
 * @error: return location for an error
 *
 * Gives the task's function bytes. The function gets them from [method@Ferry.Job.dup_bytes] by the handle that this
 * function returns, as for [method@Ferry.Task.add_descriptor]; [method@Ferry.Task.set_arguments] has an example. The
 * bytes do not pass through the worker's lane, and may
 * have any size.
 *
 * The bytes are copied once, into sealed memory. Tasks that are given the same #GBytes share the copy while at least
 * one of them is not done. So do the workers that run these tasks.
 *
 * Fails as [method@Ferry.Task.add_descriptor] does. Fails with %FERRY_ERROR_TOO_LARGE if the bytes are larger than the
 * largest file that this process may write. Any thread may call this.
 *
 * Returns: the handle, or -1 with an error
 */
gint
ferry_task_add_bytes (FerryTask *self, GBytes *bytes, GError **error)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), -1);
  g_return_val_if_fail (bytes != NULL, -1);
  g_return_val_if_fail (error == NULL || *error == NULL, -1);

  return may_add_handle (self, error)
           ? note_handle (self, ferry_task_handles_add_bytes (&need_rest (self)->handles, bytes, error))
           : -1;
}

/**
 * ferry_task_add_sender:
 * @self: a task that was not submitted
 * @sender: a sender that is not started, of a running router
 * @error: return location for an error
 *
 * Gives the task's function a sender, in a worker that may run already. The function gets the sender from
 * [method@Ferry.Job.get_sender] by the handle that this function returns, as for [method@Ferry.Task.add_descriptor].
 * The pipe may be of any kind.
 *
 * The sender belongs to this task alone. The pipe ends with the task at the latest: its receiver emits `closed` after
 * the last message, which may be after the task is done. The reason is %FERRY_CLOSE_REASON_STOPPED, or the end of the
 * worker if the task was lost with it. Only one attempt of the task can have the sender, so give senders to tasks
 * without retries ([property@Ferry.Task:retries]).
 *
 * A task may be done while its function still runs: its time is over, or a cancel was not heard. Then the receiver gets
 * what was sent up to that moment. What the function sends afterwards may be lost, also where the send succeeded.
 *
 * A sender takes three descriptors of this process until the task is done.
 *
 * Fails as [method@Ferry.Task.add_descriptor] does. Fails with %FERRY_ERROR_ALREADY_STARTED or %FERRY_ERROR_STOPPED if
 * the sender is in use, and with %FERRY_ERROR_CLOSED if its pipe is closed. Any thread may call this.
 *
 * Returns: the handle, or -1 with an error
 */
gint
ferry_task_add_sender (FerryTask *self, FerrySender *sender, GError **error)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), -1);
  g_return_val_if_fail (FERRY_IS_SENDER (sender), -1);
  g_return_val_if_fail (error == NULL || *error == NULL, -1);

  return may_add_handle (self, error)
           ? note_handle (self, ferry_task_handles_add_sender (&need_rest (self)->handles, sender, error))
           : -1;
}

/* Returns (nullable) the port for what the function returns. */
static FerryDescriptorPort *
get_returns (FerryTask *self)
{
  /* Acquire: pairs with begin_returns(). */
  return atomic_load_explicit (&peek_rest (self)->returns, memory_order_acquire);
}

FerryDescriptorPort *
ferry_task_require_returned (FerryTask *self, char **sender, GError **error)
{
  FerryDescriptorPort *returns = get_returns (self);

  if (returns == NULL)
    {
      ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                       "The task of '%s' has no descriptors of its function; set FerryTask:max-returned-descriptors, "
                       "and submit it to a pool",
                       ferry_task_get_function (self));
      return NULL;
    }
  *sender = g_strdup_printf ("The function '%s'", ferry_task_get_function (self));
  return returns;
}

/**
 * ferry_task_dup_descriptor:
 * @self: a task with [property@Ferry.Task:max-returned-descriptors]
 * @handle: a handle that [method@Ferry.Job.return_descriptor] has returned in the function, and a message has brought
 * @error: return location for an error
 *
 * Copies a descriptor that the task's function has returned. The caller must close the copy. Programs that the
 * application executes do not inherit it.
 *
 * The descriptor is there as soon as the message, the yielded value or the result that names it. The task keeps it
 * until the task is dropped, also if the worker has ended. The descriptors of an attempt are dropped when the task is
 * sent to a worker again.
 *
 * The worker chooses the file. A worker that decodes what strangers wrote may choose one that never answers, or that
 * others change while the application reads it. Ask what it is by calls that ask no file system: getsockopt() for a
 * socket, and `F_GET_SEALS` for memory. Read and close any other file on a thread that nothing waits for.
 *
 * Fails with %FERRY_ERROR_BAD_ARGUMENTS if the function has returned no descriptor with that handle, and with
 * %FERRY_ERROR_TOO_LARGE if it has sent more than it may. Fails with %FERRY_ERROR_CLOSED if the descriptor has become a
 * transport ([method@Ferry.Task.open_transport]), and with %FERRY_ERROR_SYSTEM if this process has too many files open.
 * Any thread may call this.
 *
 * Returns: a descriptor, or -1 with an error
 */
int
ferry_task_dup_descriptor (FerryTask *self, gint handle, GError **error)
{
  FerryDescriptorPort *returns;
  g_autofree char *sender = NULL;

  g_return_val_if_fail (FERRY_IS_TASK (self), -1);
  g_return_val_if_fail (error == NULL || *error == NULL, -1);

  returns = ferry_task_require_returned (self, &sender, error);
  return returns != NULL ? ferry_descriptor_port_dup (returns, handle, sender, error) : -1;
}

/* Returns the socket for the next attempt, or -1 with an error. */
static int
begin_returns (FerryTask *self, GError **error)
{
  Rest *rest = need_rest (self);
  FerryDescriptorPort *returns = get_returns (self);

  if (returns == NULL)
    {
      returns = g_new (FerryDescriptorPort, 1);
      ferry_descriptor_port_init (returns, get_private (self)->run.settings->max_returned_descriptors);
      /* Release: another thread sees a port that is made. */
      atomic_store_explicit (&rest->returns, returns, memory_order_release);
    }
  return ferry_descriptor_port_begin_attempt (returns, error);
}

/* The task's senders are to know the worker. */
static gboolean
run_give_descriptors (gpointer owner, FerryLink *worker, int *descriptors, guint *n, guint *flags, GError **error)
{
  FerryTask *self = owner;
  const FerryTaskSettings *settings = get_private (self)->run.settings;

  need_rest (self)->trusts = worker->trusted;
  *n = ferry_task_handles_give (&peek_rest (self)->handles, worker, descriptors);
  *flags = 0;
  if (settings->interactive && *n < FERRY_MAX_FDS_PER_LINK)
    {
      *flags |= FERRY_CALL_ANSWERS;
      descriptors[*n] = ferry_task_answers_begin_attempt (&need_rest (self)->answers, error);
      if (descriptors[(*n)++] < 0)
        return FALSE;
    }
  if (settings->max_returned_descriptors > 0 && *n < FERRY_MAX_FDS_PER_LINK)
    {
      *flags |= FERRY_CALL_RETURNS;
      descriptors[*n] = begin_returns (self, error);
      if (descriptors[(*n)++] < 0)
        return FALSE;
    }
  return TRUE;
}

static void
run_descriptors_sent (gpointer owner)
{
  FerryTask *self = owner;
  FerryDescriptorPort *returns = get_returns (self);

  if (returns != NULL)
    ferry_descriptor_port_note_sent (returns);
  if (get_private (self)->run.settings->interactive)
    ferry_task_answers_note_sent (&need_rest (self)->answers);
}

/* any: returns the file of a value that is in a descriptor, or -1 with an error. */
static int
dup_file (FerryTask *self, GVariant *value, GError **error)
{
  /* Relaxed: see end_returns(). */
  atomic_store_explicit (&need_rest (self)->has_file, TRUE, memory_order_relaxed);
  return ferry_task_dup_descriptor (self, ferry_file_value_get_handle (value), error);
}

/* any: opens a value that is in a descriptor. Returns (transfer full) (nullable) any other as it is. */
static GVariant *
open_value (FerryTask *self, GVariant *value, GError **error)
{
  ferry_autofd fd = -1;

  if (!ferry_file_value_is (value))
    return g_variant_ref_sink (value);
  fd = dup_file (self, value, error);
  return fd >= 0 ? ferry_file_value_open (value, fd, peek_rest (self)->trusts, error) : NULL;
}

static void
drop_opening (FerryTask *self)
{
  Rest *rest = get_private (self)->rest;

  if (rest != NULL)
    g_clear_pointer (&rest->opening, ferry_file_opening_unref);
}

static gboolean
run_is_opening (gpointer owner, GVariant *value, GDestroyNotify func, gpointer data, GDestroyNotify destroy)
{
  FerryTask *self = owner;
  Rest *rest = need_rest (self);
  int fd;

  if (rest->opening != NULL && ferry_file_opening_is_of (rest->opening, value))
    {
      destroy (data);
      return !ferry_file_opening_is_done (rest->opening);
    }
  drop_opening (self);
  /* What has failed is told when the value is opened. */
  fd = ferry_file_value_is (value) ? dup_file (self, value, NULL) : -1;
  if (fd >= 0)
    rest->opening = ferry_file_opening_new (value, fd, rest->trusts, func, data);
  else
    destroy (data);
  return fd >= 0;
}

/* A value that another thread is still opening is opened here: there was no way to wait. */
static GVariant *
run_open_result (gpointer owner, GVariant *result, GError **error)
{
  FerryFileOpening *opening = peek_rest (owner)->opening;

  if (opening != NULL && ferry_file_opening_is_of (opening, result) && ferry_file_opening_is_done (opening))
    return ferry_file_opening_end (g_steal_pointer (&need_rest (owner)->opening), error);
  drop_opening (owner);
  return open_value (owner, result, error);
}

static void
drop_partial_result (FerryTask *self)
{
  Rest *rest = get_private (self)->rest;

  if (rest != NULL)
    g_clear_pointer (&rest->partial, g_variant_unref);
}

/* What cannot be opened is left out: the function's own error says more. */
static void
run_took_part (gpointer owner, GVariant *value)
{
  g_autoptr (GError) error = NULL;
  GVariant *partial = run_open_result (owner, value, &error);

  if (partial == NULL)
    g_message ("The partial result of task '%s' is lost: %s", ferry_task_get_name (owner), error->message);
  drop_partial_result (owner);
  need_rest (owner)->partial = partial;
}

/* Descriptors that nobody asks for would stay open as long as the task is in a list. One whose result is in a file has
 * no other use for them. */
static void
end_returns (FerryTask *self)
{
  FerryDescriptorPort *returns = get_returns (self);

  if (returns == NULL)
    return;
  /* Relaxed: a thread that opens the result after this finds no descriptor, and that the task has ended. */
  ferry_descriptor_port_end_attempt (returns, atomic_load_explicit (&peek_rest (self)->has_file, memory_order_relaxed));
  ferry_descriptor_port_end (returns);
}

const char *
ferry_task_get_local_part (FerryTask *self)
{
  const FerryTaskHandles *handles = &peek_rest (self)->handles;

  if (ferry_task_handles_has_senders (handles))
    return "senders, which cannot be sent to another machine; use messages of its function (ferry_job_send()) "
           "instead";
  if (ferry_task_handles_get_n (handles) > 0)
    return "descriptors or bytes, which cannot be sent to another machine; pass their content as arguments";
  if (get_private (self)->run.settings->max_returned_descriptors > 0)
    return "FerryTask:max-returned-descriptors set, and no descriptor comes from another machine; return its content";
  return NULL;
}

/* ---- the cancellable ---- */

/* any: notes that the task is to be cancelled. Returns FALSE if that was noted before. */
static gboolean
note_asked (FerryTaskPrivate *priv, Asked by)
{
  /* Acquire-release: makes visible what was written before the cancel; pairs with is_asked(). */
  return (atomic_fetch_or_explicit (&priv->run.asked, (guint8) by, memory_order_acq_rel) & by) == 0;
}

static gboolean
is_asked (FerryTaskPrivate *priv)
{
  /* Acquire: pairs with note_asked(). */
  return atomic_load_explicit (&priv->run.asked, memory_order_acquire) != 0;
}

/* main */
static void
cancel_asked (gpointer data)
{
  ferry_task_cancel (data);
}

/* any: has the router's thread cancel the task, also if this is that thread. */
static void
pass_cancel_on (FerryTask *self)
{
  FerryAffinity *affinity = get_private (self)->affinity;

  ferry_mailbox_post (affinity != NULL ? ferry_affinity_get_context (affinity) : NULL, cancel_asked,
                      g_object_ref (self), g_object_unref);
}

/* any: the cancel is passed on, so that handlers of the task never run within g_cancellable_cancel(), where they must
 * not disconnect from the cancellable. */
static void
cancellable_cancelled (GCancellable *cancellable, gpointer watch)
{
  g_autoptr (FerryTask) task = g_weak_ref_get (watch);

  if (task != NULL && note_asked (get_private (task), ASKED_BY_CANCELLABLE))
    pass_cancel_on (task);
}

static void
watch_free (gpointer data, GClosure *closure)
{
  g_weak_ref_clear (data);
  g_free (data);
}

/* Cancels the task when its cancellable is cancelled. The handler is disconnected with g_signal_handler_disconnect().
 * g_cancellable_disconnect() waits for handlers that run on other threads, and deadlocks within a handler. So a handler
 * may still run after the disconnection. It finds its watch alive, and no task in it. */
static void
watch_cancellable (FerryTask *self, Rest *rest)
{
  rest->watch = g_new (GWeakRef, 1);
  g_weak_ref_init (rest->watch, self);
  rest->handler = g_signal_connect_data (rest->cancellable, "cancelled", G_CALLBACK (cancellable_cancelled),
                                         rest->watch, watch_free, 0);
  /* Checked after connecting, so that no cancel is missed. A second call of cancellable_cancelled() has no effect. */
  if (g_cancellable_is_cancelled (rest->cancellable))
    cancellable_cancelled (rest->cancellable, rest->watch);
}

/* Releases the task's cancellable, and ends its watch. */
static void
drop_cancellable (FerryTask *self)
{
  Rest *rest = get_private (self)->rest;

  if (rest == NULL)
    return;
  if (rest->watch != NULL)
    {
      g_weak_ref_set (g_steal_pointer (&rest->watch), NULL);
      g_signal_handler_disconnect (rest->cancellable, rest->handler);
    }
  g_clear_object (&rest->cancellable);
}

/* ---- waiting for the task's end ---- */

static gboolean
has_ended (gpointer task)
{
  return ferry_task_get_done (task);
}

/* any: waits for the task's end on another thread than the router's. */
static gboolean
wait_elsewhere (FerryTask *self, gint64 timeout, GError **error)
{
  if (!ferry_affinity_has_thread (get_private (self)->affinity))
    return ferry_set_error (error, FERRY_ERROR_NOT_RUNNING,
                            "The task's router is not running; call ferry_router_start() on its thread first");
  if (g_main_context_is_owner (NULL))
    return ferry_set_error (error, FERRY_ERROR_WRONG_THREAD,
                            "Waiting on this thread would block the main loop; wait on another thread, or use "
                            "ferry_task_wait_async() on the router's thread");
  return ferry_wait_queue_wait (&ferry_run_waits, self, has_ended, self, ferry_deadline_after (timeout), NULL, NULL,
                                NULL) ||
         ferry_set_error (error, FERRY_ERROR_TIMED_OUT, "The task of '%s' is not done yet; wait longer, or cancel it",
                          ferry_task_get_function (self));
}

/**
 * ferry_task_wait:
 * @self: a task that was submitted
 * @timeout: how long to wait, in microseconds; negative for no limit
 * @error: return location for an error
 *
 * Waits for the end of the task, and returns its result. Any thread may call this.
 *
 * On the router's thread, this function iterates the router's main context while it waits. Use it there only in tests
 * and in programs without a window. On another thread, this function sleeps until the router's thread has ended the
 * task, as with a [class@Gio.Task]. So the router's thread must not wait for the calling thread, such as by
 * [method@GLib.Thread.join]: neither would ever go on.
 *
 * Fails as [method@Ferry.Task.get_result] does. Fails with %FERRY_ERROR_TIMED_OUT if the task is not done within
 * @timeout; the task then continues. Fails with %FERRY_ERROR_NOT_STARTED if the task was not submitted. Fails with
 * %FERRY_ERROR_BUSY in a callback of the router's main context. Fails with %FERRY_ERROR_WRONG_THREAD on another thread
 * that runs the default main context. Fails with %FERRY_ERROR_NOT_RUNNING if the router was stopped.
 *
 * Returns: (transfer full) (nullable): the result; %NULL without an error if the function has no result
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
  if (!is_submitted (priv))
    {
      ferry_set_error (error, FERRY_ERROR_NOT_STARTED,
                       "Task '%s' was not submitted; call ferry_executor_submit_task() first",
                       ferry_task_get_name (self));
      return NULL;
    }
  if (ferry_affinity_is_own (priv->affinity))
    done = priv->run.source->wait (priv->run.source, self, timeout, error);
  else
    done = wait_elsewhere (self, timeout, error);
  return done ? ferry_task_get_result (self, error) : NULL;
}

/**
 * ferry_task_wait_async:
 * @self: a task
 * @cancellable: (nullable): cancels the waiting; the task itself continues
 * @callback: (scope async) (closure user_data): called when the task is done, after its signal `done`
 * @user_data: data for @callback
 *
 * Waits for the end of the task. On the router's thread.
 */
void
ferry_task_wait_async (FerryTask *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (FERRY_IS_TASK (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  if (!ferry_task_get_done (self) && !check_affinity (self, G_STRFUNC))
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
 * @result: the result that the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Ferry.Task.wait_async], and returns the task's result. Any thread.
 *
 * Fails as [method@Ferry.Task.get_result] does, and with %G_IO_ERROR_CANCELLED if the waiting was cancelled. Check
 * [property@Ferry.Task:is-done] to find out whether the task itself has ended.
 *
 * Returns: (transfer full) (nullable): the result; %NULL without an error if the function has no result
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

/* ---- events ---- */

/* Events are handled on the router's thread. All values of an event are set before its first signal. After each signal
 * the task may be in any later state, because handlers may call any function. */

/* any: whether a cancel would have an effect. */
static gboolean
can_cancel (FerryTaskPrivate *priv)
{
  return !is_done (priv->run.state) && priv->run.state != FERRY_TASK_STATE_CANCELLING;
}

static gboolean
can_pause (FerryTask *self)
{
  FerryTaskPrivate *priv = get_private (self);

  return can_cancel (priv) && priv->run.end_held == NULL &&
         (priv->run.state == FERRY_TASK_STATE_WAITING || priv->has_reported || priv->run.settings->stoppable);
}

static void
run_ending (gpointer owner)
{
  FerryTask *self = owner;
  FerryTaskPrivate *priv = get_private (self);

  priv->was_paused = priv->run.paused;
  priv->could_pause = can_pause (self);
  priv->was_indeterminate = is_indeterminate (priv);
  if (priv->rest != NULL)
    {
      ferry_task_handles_drop (&priv->rest->handles, priv->run.exit);
      ferry_task_answers_clear (&priv->rest->answers);
    }
  end_returns (self);
  drop_cancellable (self);
}

/* main */
static void
finish_call (FerryTask *self)
{
  g_autoptr (FerryCompletion) call = g_steal_pointer (&get_private (self)->call);
  GError *error = NULL;
  GVariant *result = ferry_task_get_result (self, &error);

  ferry_completion_finish (call, result, (GDestroyNotify) g_variant_unref, error);
}

void
ferry_task_set_call (FerryTask *self, FerryCompletion *call)
{
  get_private (self)->call = ferry_completion_ref (call);
}

/* question: (nullable): NULL: it asks no longer. */
static void
set_question (FerryTask *self, const char *question)
{
  if (g_strcmp0 (peek_rest (self)->question, question) != 0 && change_text (&need_rest (self)->question, question))
    notify (self, PROP_QUESTION);
}

/* What the task has waited for is told neither while it runs nor when it has ended. */
static void
end_obstacle (FerryTask *self)
{
  Rest *rest = need_rest (self);

  rest->is_waiting = FALSE;
  g_clear_pointer (&rest->text, g_free);
  notify (self, PROP_TEXT);
}

static void
run_ended (gpointer owner, FerryTaskState was)
{
  FerryTask *self = owner;
  FerryTaskPrivate *priv = get_private (self);

  drop_opening (self);
  if (priv->rest != NULL && priv->rest->is_waiting)
    end_obstacle (self);
  if (priv->run.never_begun)
    notify (self, PROP_N_ATTEMPTS);
  if (priv->run.state == FERRY_TASK_STATE_COMPLETED)
    drop_partial_result (self);
  else if (peek_rest (self)->partial != NULL)
    notify (self, PROP_PARTIAL_RESULT);
  if (priv->run.state == FERRY_TASK_STATE_COMPLETED)
    notify (self, PROP_FRACTION);
  if (priv->was_indeterminate)
    notify (self, PROP_INDETERMINATE);
  set_question (self, NULL);
  if (priv->run.result != NULL)
    notify (self, PROP_RESULT);
  if (priv->run.error != NULL)
    notify (self, PROP_ERROR);
  if (priv->run.trace != NULL)
    notify (self, PROP_TRACE);
  if (priv->run.exit != NULL)
    notify (self, PROP_EXIT);
  notify (self, PROP_END_TIME);
  notify (self, PROP_STATE);
  if (priv->could_pause)
    notify (self, PROP_CAN_PAUSE);
  if (priv->was_paused)
    notify (self, PROP_IS_PAUSED);
  if (was != FERRY_TASK_STATE_CANCELLING)
    notify (self, PROP_CAN_CANCEL);
  notify (self, PROP_IS_DONE);
  if (priv->call != NULL)
    finish_call (self);
  g_signal_emit (self, signals[SIGNAL_DONE], 0);
  if (priv->rest != NULL)
    ferry_wait_queue_finish_all (&priv->rest->waits);
  if (G_UNLIKELY (!ferry_wait_queue_is_empty (&ferry_run_waits)))
    ferry_wait_queue_finish_key (&ferry_run_waits, self);
}

/* A handler may end the task, so the state is read before each signal. */
static void
run_cancelling (gpointer owner, gboolean was_paused)
{
  FerryTask *self = owner;
  FerryTaskPrivate *priv = get_private (self);
  gboolean could_pause = priv->has_reported || priv->run.settings->stoppable;

  if (priv->rest != NULL && priv->rest->is_waiting)
    end_obstacle (self);
  notify (self, PROP_STATE);
  if (priv->run.state == FERRY_TASK_STATE_CANCELLING && could_pause)
    notify (self, PROP_CAN_PAUSE);
  if (priv->run.state == FERRY_TASK_STATE_CANCELLING && was_paused)
    notify (self, PROP_IS_PAUSED);
  if (priv->run.state == FERRY_TASK_STATE_CANCELLING)
    notify (self, PROP_CAN_CANCEL);
}

static void
set_host_name (FerryTask *self, const char *host_name)
{
  if (g_strcmp0 (peek_rest (self)->host_name, host_name) != 0 && change_text (&need_rest (self)->host_name, host_name))
    notify (self, PROP_HOST_NAME);
}

static void
run_started (gpointer owner, const char *host_name)
{
  FerryTask *self = owner;
  FerryTaskPrivate *priv = get_private (self);

  priv->has_reported = FALSE;
  set_host_name (self, host_name);
  if (priv->rest != NULL && priv->rest->is_waiting)
    end_obstacle (self);
  notify (self, PROP_N_ATTEMPTS);
  if (priv->run.pid != 0)
    notify (self, PROP_IDENTIFIER);
  notify (self, PROP_START_TIME);
  if (!priv->run.settings->stoppable)
    notify (self, PROP_CAN_PAUSE);
  notify (self, PROP_STATE);
}

static const char *
run_get_name (gpointer owner)
{
  return ferry_task_get_name (owner);
}

static const char *
run_get_shown_function (gpointer owner)
{
  const char *shown = g_object_get_data (owner, FERRY_SHOWN_FUNCTION);

  return shown != NULL ? shown : ferry_task_get_function (owner);
}

static void
run_pid_changed (gpointer owner)
{
  notify (owner, PROP_IDENTIFIER);
}

const char *
ferry_task_get_host_name (FerryTask *self)
{
  return peek_rest (self)->host_name;
}

void
ferry_task_take_host_loss (FerryTask *self, const char *reason)
{
  change_text (&need_rest (self)->host_loss, reason);
}

const char *
ferry_task_get_host_loss (FerryTask *self)
{
  return peek_rest (self)->host_loss;
}

void
ferry_task_get_harm (FerryTask *self, const char **files, const char **note)
{
  const FerryRun *run = ferry_task_get_run (self);
  const char *added = ferry_run_get_addition (run->error);

  if (run->state == FERRY_TASK_STATE_CANCELLED)
    added = ferry_run_get_addition (run->late_error);
  *files = ferry_run_get_unfinished (run, run->exit);
  *note = added[0] != '\0' ? added + strlen ("; ") : NULL;
}

/* A function that reports looks whether it is paused. */
static void
note_report (FerryTask *self)
{
  FerryTaskPrivate *priv = get_private (self);

  if (priv->has_reported)
    return;
  priv->has_reported = TRUE;
  if (!priv->run.settings->stoppable)
    notify (self, PROP_CAN_PAUSE);
}

gboolean
ferry_task_is_told (FerryTask *self, const char *text)
{
  const Rest *rest = peek_rest (self);

  return (ferry_task_get_state (self) != FERRY_TASK_STATE_WAITING && get_private (self)->run.end_held == NULL) ||
         (rest->text != NULL && !rest->is_waiting) || g_strcmp0 (rest->text, text) == 0;
}

void
ferry_task_set_obstacle (FerryTask *self, const char *text)
{
  gboolean is_held = get_private (self)->run.end_held != NULL, is_news = !ferry_task_is_told (self, text);

  if (is_news)
    {
      need_rest (self)->is_waiting = text != NULL;
      change_text (&need_rest (self)->text, text);
    }
  if (is_news || is_held)
    notify (self, PROP_TEXT);
  /* Its end is not told yet, and there is nothing to pause. What it has said itself stays. */
  if (is_held)
    notify (self, PROP_CAN_PAUSE);
}

/* One of the properties that a report may change, as a bit. */
#define BIT(property) (1u << ((property) -PROP_FRACTION))

/* Sets the values of a report. before: the fraction before it. Returns the properties that have changed, as bits. */
static guint
take_values (FerryTask *self, const FerryProgress *progress, double before)
{
  Rest *rest = need_rest (self);
  double now = get_private (self)->run.fraction;
  guint changed = 0;

  if (MAX (now, -1) != MAX (before, -1))
    changed |= BIT (PROP_FRACTION);
  if ((now < 0) != (before < 0))
    changed |= BIT (PROP_INDETERMINATE);
  if (progress->text[0] != '\0' && change_text (&rest->text, progress->text))
    changed |= BIT (PROP_TEXT);
  if (change_text (&rest->unit, progress->unit[0] != '\0' ? progress->unit : NULL))
    changed |= BIT (PROP_UNIT);
  if (rest->amount != progress->amount)
    changed |= BIT (PROP_AMOUNT);
  if (rest->total != progress->total)
    changed |= BIT (PROP_TOTAL);
  rest->amount = progress->amount;
  rest->total = progress->total;
  return changed;
}

static void
run_progressed (gpointer owner, const FerryProgress *progress, double before)
{
  FerryTask *self = owner;
  FerryTaskPrivate *priv = get_private (self);
  guint changed = take_values (self, progress, before);

  note_report (self);
  if ((changed & BIT (PROP_FRACTION)) != 0 && priv->run.source->progressed != NULL)
    priv->run.source->progressed (priv->run.source);
  for (guint i = PROP_FRACTION; i <= PROP_UNIT; i++)
    if ((changed & BIT (i)) != 0 && ferry_run_still_reports (&priv->run))
      notify (self, i);
  if (ferry_run_still_reports (&priv->run))
    g_signal_emit (self, signals[SIGNAL_PROGRESS], 0);
}

/* The function asks, or asks no longer. */
static void
take_question (FerryTask *self, GVariant *value)
{
  FerryTaskPrivate *priv = get_private (self);
  const char *question = g_variant_is_of_type (value, G_VARIANT_TYPE_STRING) ? g_variant_get_string (value, NULL) : "";
  g_autofree char *asked = question[0] != '\0' ? g_strdup (question) : NULL;

  if (!priv->run.settings->interactive || !ferry_run_still_reports (&priv->run))
    return;
  set_question (self, asked);
  if (asked != NULL && ferry_run_still_reports (&priv->run))
    g_signal_emit (self, signals[SIGNAL_ASKS], 0, asked);
}

static void
run_sent (gpointer owner, const char *type, GVariant *value)
{
  note_report (owner);
  if (g_str_equal (type, FERRY_QUESTION))
    take_question (owner, value);
  else if (ferry_run_still_reports (&get_private (owner)->run))
    FERRY_TASK_GET_CLASS (owner)->message (owner, type, value);
}

static void
run_yielded (gpointer owner, GVariant *value)
{
  FerryTaskPrivate *priv = get_private (owner);

  note_report (owner);
  if (ferry_run_still_reports (&priv->run))
    g_signal_emit (owner, signals[SIGNAL_YIELDED], 0, value);
  if (!priv->run.settings->holds_window)
    ferry_run_widen_window (&priv->run, 1);
}

static void
run_returned (gpointer owner)
{
  FerryTask *self = owner;
  Rest *rest = get_private (self)->rest;
  gboolean told_text = rest != NULL && rest->text != NULL;

  drop_opening (self);
  drop_partial_result (self);
  if (rest != NULL)
    {
      rest->amount = 0;
      g_clear_pointer (&rest->text, g_free);
      g_clear_pointer (&rest->host_loss, g_free);
      ferry_task_answers_end_attempt (&rest->answers);
    }
  notify (self, PROP_IDENTIFIER);
  set_host_name (self, NULL);
  if (get_private (self)->run.never_begun)
    notify (self, PROP_N_ATTEMPTS);
  notify (self, PROP_START_TIME);
  notify (self, PROP_FRACTION);
  notify (self, PROP_AMOUNT);
  set_question (self, NULL);
  if (told_text)
    notify (self, PROP_TEXT);
  notify (self, PROP_CAN_PAUSE);
  notify (self, PROP_STATE);
}

/* They are FerryTask:last-lines from now on, which are then not those of the worker's end. */
static void
run_took_lines (gpointer owner, GPtrArray *lines)
{
  Rest *rest = need_rest (owner);

  g_clear_pointer (&rest->lines, g_ptr_array_unref);
  rest->lines = lines;
}

static void
run_waits_for (gpointer owner, const char *text)
{
  ferry_task_set_obstacle (owner, text);
}

static void
run_rests (gpointer owner, gint64 until)
{
  gint64 time = until > 0 ? ferry_time_to_wall_clock (until) : 0;
  g_autofree char *text = time > 0 ? ferry_describe_wait (time, " to be tried again") : NULL;

  ferry_task_change_not_before (owner, time);
  ferry_task_set_obstacle (owner, text);
}

static const FerryRunFuncs run_funcs = {
  .ref = g_object_ref,
  .unref = g_object_unref,
  .get_name = run_get_name,
  .get_shown_function = run_get_shown_function,
  .started = run_started,
  .pid_changed = run_pid_changed,
  .progressed = run_progressed,
  .sent = run_sent,
  .yielded = run_yielded,
  .took_part = run_took_part,
  .is_opening = run_is_opening,
  .open_result = run_open_result,
  .returned = run_returned,
  .give_descriptors = run_give_descriptors,
  .descriptors_sent = run_descriptors_sent,
  .took_lines = run_took_lines,
  .waits_for = run_waits_for,
  .rests = run_rests,
  .cancelling = run_cancelling,
  .ending = run_ending,
  .ended = run_ended,
};

/**
 * ferry_task_consume:
 * @self: a task with [property@Ferry.Task:holds-window]
 * @n: how many of its values were used
 *
 * Says that values which the function yielded were used, so that the function may yield as many more. On the router's
 * thread.
 */
void
ferry_task_consume (FerryTask *self, guint n)
{
  g_return_if_fail (FERRY_IS_TASK (self));
  ferry_return_if_fail (get_private (self)->run.settings->holds_window,
                        "the task does not hold its window; set FerryTask:holds-window before it is submitted");

  if (check_affinity (self, G_STRFUNC))
    ferry_run_widen_window (&get_private (self)->run, n);
}

/**
 * ferry_task_answer:
 * @self: a task with [property@Ferry.Task:interactive]
 * @answer: (array length=size) (element-type guint8) (nullable): the answer, with the line feed that a person would
 *   type; %NULL for the end of the input
 * @size: the size of @answer in bytes
 * @error: return location for an error
 *
 * Answers what the task asks. A program gets the bytes on its standard input, or on its terminal
 * ([property@Ferry.Command:terminal]). [property@Ferry.Task:question] is %NULL from now on. What a task is answered
 * that has not run yet, it reads as soon as it runs.
 *
 * An answer may be a password. It is in no log, trace or list, and Ferry keeps no copy. @answer stays the caller's, who
 * may overwrite it.
 *
 * Fails with %FERRY_ERROR_NOT_RUNNING if the task is done, runs where nobody can be answered, or waits for another
 * attempt since its worker was lost, with %FERRY_ERROR_TOO_LARGE for more than 4,096 bytes, and with
 * %FERRY_ERROR_WOULD_BLOCK if many answers were given and none was read. Fails with %FERRY_ERROR_CLOSED if the program
 * has ended or closed its input, with %FERRY_ERROR_SYSTEM, and with %FERRY_ERROR_WRONG_THREAD. On the router's thread.
 *
 * Returns: %TRUE if the answer is on its way
 */
gboolean
ferry_task_answer (FerryTask *self, gconstpointer answer, gsize size, GError **error)
{
  FerryTaskPrivate *priv;

  g_return_val_if_fail (FERRY_IS_TASK (self), FALSE);
  g_return_val_if_fail (answer != NULL || size == 0, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);
  priv = get_private (self);

  if (priv->affinity != NULL && !ferry_affinity_check_error (priv->affinity, G_STRFUNC, error))
    return FALSE;
  ferry_return_val_if_fail (priv->run.settings->interactive, FALSE,
                            "the task is not interactive; set FerryTask:interactive before it is submitted");
  /* One that waits again was asked by a worker that has ended: who answers that does not mean the next one. */
  if (ferry_task_get_done (self) || (peek_rest (self)->answers.sending < 0 &&
                                     (priv->run.state != FERRY_TASK_STATE_WAITING || priv->run.n_attempts > 0)))
    return ferry_set_error (error, FERRY_ERROR_NOT_RUNNING,
                            "Task '%s' asks nothing, since it does not run; answer when it asks",
                            ferry_task_get_name (self));
  /* What is answered before it runs is in the socket by then. */
  if (peek_rest (self)->answers.sending < 0 && ferry_task_answers_begin_attempt (&need_rest (self)->answers, error) < 0)
    return FALSE;
  if (!ferry_task_answers_send (&need_rest (self)->answers, answer, size, error))
    return FALSE;
  set_question (self, NULL);
  return TRUE;
}

void
ferry_task_take_failures (FerryTask *self, GVariant *failures, GPtrArray *errors)
{
  need_rest (self)->failures = g_variant_ref_sink (failures);
  need_rest (self)->failure_errors = g_ptr_array_ref (errors);
  notify (self, PROP_FAILURES);
}

GPtrArray *
ferry_task_get_failure_errors (FerryTask *self)
{
  return peek_rest (self)->failure_errors;
}

/* ---- submitting and cancelling ---- */

/* Any thread may submit and cancel a task, even at the same time. Only the router's thread changes a submitted task;
 * other threads ask the router's thread to cancel it. */

static gboolean
refuse_submission (FerryTask *self, guint submission, GError **error)
{
  if (submission != SUBMISSION_PREVENTED)
    return ferry_set_error (error, FERRY_ERROR_ALREADY_STARTED,
                            "The task of '%s' was submitted before; make a new task, or use ferry_executor_retry()",
                            ferry_task_get_function (self));
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED,
               "The task of '%s' was cancelled before it was submitted; make and submit a new task",
               ferry_task_get_function (self));
  return FALSE;
}

gboolean
ferry_task_submit_to (FerryTask *self, FerryTaskSource *source, FerryAffinity *affinity, GError **error)
{
  FerryTaskPrivate *priv = get_private (self);
  guint submission = SUBMISSION_NONE;
  Rest *rest;

  if (priv->run.function == NULL)
    {
      ferry_critical ("A task without a function was submitted; make tasks with ferry_task_new()");
      return FALSE;
    }

  /* Acquire: makes visible what another thread wrote that made the task or cancelled it. */
  if (!atomic_compare_exchange_strong_explicit (&priv->submission, &submission, SUBMISSION_BEGUN, memory_order_acquire,
                                                memory_order_acquire))
    return refuse_submission (self, submission, error);
  priv->run.source = source;
  priv->run.submit_time = g_get_monotonic_time ();
  if (priv->run.waits_since == 0)
    priv->run.waits_since = priv->run.submit_time;
  if (affinity != NULL)
    priv->affinity = ferry_affinity_ref (affinity);
  rest = priv->rest;
  if (rest != NULL && rest->cancellable != NULL)
    watch_cancellable (self, rest);
  /* Release: makes the source and the affinity visible; pairs with is_submitted() and prevent_submission(). */
  atomic_store_explicit (&priv->submission, SUBMISSION_DONE, memory_order_release);
  return TRUE;
}

/* any: prevents the submission of a task that was not submitted yet. Returns the value of submission before. */
static Submission
prevent_submission (FerryTaskPrivate *priv)
{
  guint submission = SUBMISSION_NONE;

  /* Acquire: pairs with ferry_task_submit_to(), if the submission is DONE. Release: makes visible what this thread
   * wrote before the cancel. The thread that has begun a submission calls nobody who could wait for this one. */
  while (!atomic_compare_exchange_weak_explicit (&priv->submission, &submission, SUBMISSION_PREVENTED,
                                                 memory_order_acq_rel, memory_order_acquire) &&
         submission <= SUBMISSION_BEGUN)
    {
      if (submission == SUBMISSION_BEGUN)
        g_thread_yield ();
      submission = SUBMISSION_NONE;
    }
  return (Submission) submission;
}

/* any: asks the router's thread to cancel the task. From now on the task signals nothing that its function does.
 * Returns FALSE if the task is done or was cancelled before. */
static gboolean
ask_for_cancel (FerryTask *self)
{
  FerryTaskPrivate *priv = get_private (self);

  if (!can_cancel (priv) || !note_asked (priv, ASKED_BY_THREAD))
    return FALSE;
  pass_cancel_on (self);
  return TRUE;
}

/**
 * ferry_task_cancel:
 * @self: a task
 *
 * Cancels the task. Any thread may call this, also in a handler. From now on the task does not signal what its function
 * does or returns.
 *
 * A task that no worker has begun is cancelled before this function returns. A task that was not submitted cannot be
 * submitted any more; it is cancelled on the calling thread.
 *
 * A task that a worker has begun gets the state %FERRY_TASK_STATE_CANCELLING. The task is cancelled when its function
 * has returned, or when its worker has ended after the grace time ([property@Ferry.Task:cancel-grace]). If the cancel
 * comes too late, since the function's work is there to stay ([method@Ferry.Job.commit]), the task is completed
 * instead. The enumeration [enum@Ferry.TaskState] lists the steps that handlers see.
 *
 * Another thread than the router's only asks the router's thread, which cancels the task and runs the handlers.
 *
 * Returns: %FALSE if the task was cancelled before, or is done. On another thread, %TRUE means only that the cancel was
 *   requested: the task may be done before the router's thread cancels it
 */
gboolean
ferry_task_cancel (FerryTask *self)
{
  FerryTaskPrivate *priv;
  Submission submission;

  g_return_val_if_fail (FERRY_IS_TASK (self), FALSE);

  priv = get_private (self);
  submission = prevent_submission (priv);
  if (submission == SUBMISSION_PREVENTED)
    return FALSE;
  if (submission == SUBMISSION_DONE && !ferry_affinity_is_own (priv->affinity))
    return ask_for_cancel (self);
  return ferry_run_cancel (&priv->run);
}

/* ---- pausing ---- */

static gboolean
set_paused (FerryTask *self, gboolean paused)
{
  FerryTaskPrivate *priv = get_private (self);
  g_autoptr (FerryTask) kept G_GNUC_UNUSED = g_object_ref (self);

  if (!can_cancel (priv) || is_asked (priv) || priv->run.end_held != NULL || priv->run.paused == paused)
    return FALSE;
  priv->run.paused = (guint8) paused;
  if (is_submitted (priv))
    priv->run.source->pause_changed (priv->run.source, &priv->run);
  if (priv->run.paused == paused)
    notify (self, PROP_IS_PAUSED);
  return TRUE;
}

static void
pause_asked (gpointer data)
{
  set_paused (data, TRUE);
}

static void
resume_asked (gpointer data)
{
  set_paused (data, FALSE);
}

/* any: pauses or resumes the task, or asks the router's thread to do so. */
static gboolean
set_paused_anywhere (FerryTask *self, gboolean paused)
{
  FerryTaskPrivate *priv = get_private (self);

  if (!is_submitted (priv) || ferry_affinity_is_own (priv->affinity))
    return set_paused (self, paused);
  if (!can_cancel (priv))
    return FALSE;
  ferry_affinity_invoke (priv->affinity, paused ? pause_asked : resume_asked, g_object_ref (self), g_object_unref);
  return TRUE;
}

/**
 * ferry_task_pause:
 * @self: a task
 *
 * Pauses the task, until [method@Ferry.Task.resume]. Any thread may call this, also in a handler, and also before the
 * task is submitted. Another thread than the router's only asks the router's thread.
 *
 * A task that no worker has begun waits in its queue, and others pass it. It keeps its place. A task that a worker has
 * begun keeps its worker, which gets no other task meanwhile. Its function waits where it calls
 * [method@Ferry.Job.check], [method@Ferry.Job.report] or another function of its job that checks for a cancel, or sees
 * to the pause itself ([property@Ferry.Job:paused]). Where it has done neither within a second, and
 * [property@Ferry.Task:stoppable] is set, the process group of its worker is stopped by `SIGSTOP`. Else it goes on
 * until it calls such a function. Calls to objects and channels of a process that is stopped wait.
 *
 * What the task is given of time stands still: [property@Ferry.Task:run-timeout] and
 * [property@Ferry.Task:queue-timeout]. [property@Ferry.Task:deadline] is a moment, and does not move. A cancel ends the
 * pause, and so does the end of the task. A task whose worker is lost while it is paused, and which is tried again,
 * waits paused.
 *
 * Returns: %FALSE if the task is paused already, was cancelled, or is done. On another thread, %TRUE means only that
 * the pause was requested
 */
gboolean
ferry_task_pause (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), FALSE);

  return set_paused_anywhere (self, TRUE);
}

/**
 * ferry_task_resume:
 * @self: a task
 *
 * Lets a paused task go on. Any thread may call this, as [method@Ferry.Task.pause].
 *
 * Returns: %FALSE if the task is not paused. On another thread, %TRUE means only that it was requested
 */
gboolean
ferry_task_resume (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), FALSE);

  return set_paused_anywhere (self, FALSE);
}

/* ---- properties and signals ---- */

static void
install_identity (void)
{
  /**
   * FerryTask:name: (getter get_name)
   *
   * The name of the task, for users and errors. The default is the function's name and a number, such as “primes 3”.
   * Any thread may set it before the submission, and the router's thread until the task is done.
   */
  properties[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, FERRY_SETTABLE);
  /**
   * FerryTask:description:
   *
   * More of what the task does, for users, such as “From Downloads to Backup”. Widgets show it in place of the progress
   * until the function reports some.
   */
  properties[PROP_DESCRIPTION] = g_param_spec_string ("description", NULL, NULL, NULL, FERRY_SETTABLE);
  /**
   * FerryTask:kind:
   *
   * The kind of the task.
   */
  properties[PROP_KIND] =
    g_param_spec_enum ("kind", NULL, NULL, FERRY_TYPE_TASK_KIND, FERRY_TASK_KIND_CALL, FERRY_AT_CONSTRUCTION);
  /**
   * FerryTask:function:
   *
   * The name of the function that a worker runs.
   */
  properties[PROP_FUNCTION] = g_param_spec_string ("function", NULL, NULL, NULL, FERRY_AT_CONSTRUCTION);
  /**
   * FerryTask:arguments: (setter set_arguments)
   *
   * The arguments of the function. Must be set before the submission.
   */
  properties[PROP_ARGUMENTS] = g_param_spec_variant ("arguments", NULL, NULL, G_VARIANT_TYPE_ANY, NULL, FERRY_SETTABLE);
}

static void
install_settings (void)
{
  /**
   * FerryTask:priority:
   *
   * The priority in the queue. Tasks with a higher number are begun first, and tasks with equal priority in the order
   * of their submission. For a task in the queue, [method@Ferry.Executor.set_task_priority] changes the number.
   */
  properties[PROP_PRIORITY] = g_param_spec_int ("priority", NULL, NULL, G_MININT, G_MAXINT, 0, FERRY_SETTABLE);
  for (guint i = 0; i < FERRY_N_TASK_FIELDS; i++)
    properties[PROP_FIRST_SETTING + i] = ferry_task_field_new_property (i);
  /**
   * FerryTask:needs:
   *
   * The labels that a host must have to run the task, such as “gpu”: all of them. A host has those that it was started
   * with (`ferry-host --label gpu`). The task waits while no host has them, and [method@Ferry.Task.get_text] names
   * them. No pool runs such a task, and an executor of pools alone refuses it, unless a queue has hosts for it that its
   * executor has not. A label has 1 to 64 of the characters A-Z, a-z, 0-9, “_”, “-” and “.”, and a task needs at most
   * 32.
   */
  properties[PROP_NEEDS] = g_param_spec_boxed ("needs", NULL, NULL, G_TYPE_STRV, FERRY_SETTABLE);
}

static void
install_ways (void)
{
  /**
   * FerryTask:cancellable:
   *
   * A cancellable, which other functions may use too. Any thread may cancel it, which cancels the task from the
   * submission on, as [method@Ferry.Task.cancel] does. No handler of the task runs within g_cancellable_cancel(). A
   * task that is done has none.
   */
  properties[PROP_CANCELLABLE] = g_param_spec_object ("cancellable", NULL, NULL, G_TYPE_CANCELLABLE, FERRY_SETTABLE);
  /**
   * FerryTask:application-data:
   *
   * A value of the application's own, such as where the result belongs. No worker gets it. What keeps a task over the
   * end of the application keeps it too, and [method@Ferry.Executor.retry] gives it to the new task.
   */
  properties[PROP_APPLICATION_DATA] =
    g_param_spec_variant ("application-data", NULL, NULL, G_VARIANT_TYPE_ANY, NULL, FERRY_SETTABLE);
  /**
   * FerryTask:not-before:
   *
   * When the task may be begun, such as tonight: a time of the wall clock, in microseconds since 1970, as
   * g_get_real_time() has it; 0 for now, %G_MAXINT64 for never by itself. For a task of a queue in a file, which waits
   * over ends of the application; an executor refuses others. What the queue changes later is notified. Of a task that
   * rests before another attempt ([property@Ferry.Task:retry-pause]) it is when that may begin, with each executor.
   */
  properties[PROP_NOT_BEFORE] = g_param_spec_int64 ("not-before", NULL, NULL, 0, G_MAXINT64, 0, FERRY_SETTABLE);
}

static void
install_states (void)
{
  /**
   * FerryTask:state: (getter get_state)
   *
   * The state of the task. Any thread may read this.
   */
  properties[PROP_STATE] =
    g_param_spec_enum ("state", NULL, NULL, FERRY_TYPE_TASK_STATE, FERRY_TASK_STATE_WAITING, FERRY_NOTIFIED);
  /**
   * FerryTask:is-done: (getter get_done)
   *
   * Whether the task is completed, failed or cancelled. Any thread may read this.
   */
  properties[PROP_IS_DONE] = g_param_spec_boolean ("is-done", NULL, NULL, FALSE, FERRY_NOTIFIED);
  /**
   * FerryTask:can-cancel:
   *
   * Whether [method@Ferry.Task.cancel] would have an effect: the task waits, or executes and was not cancelled. Any
   * thread may read this.
   */
  properties[PROP_CAN_CANCEL] = g_param_spec_boolean ("can-cancel", NULL, NULL, TRUE, FERRY_NOTIFIED);
  /**
   * FerryTask:can-pause:
   *
   * Whether [method@Ferry.Task.pause] is known to have an effect, for a widget that offers it: the task waits; or it
   * executes, was not cancelled, and is [property@Ferry.Task:stoppable], or its function has reported or sent
   * something. Such a function looks whether it is paused. Of another function this is not known, and a pause is kept
   * for when it looks.
   */
  properties[PROP_CAN_PAUSE] = g_param_spec_boolean ("can-pause", NULL, NULL, TRUE, FERRY_NOTIFIED);
  /**
   * FerryTask:is-paused:
   *
   * Whether the task is paused ([method@Ferry.Task.pause]). This goes with the states of waiting and executing. Tasks
   * that wait because their executor is paused ([property@Ferry.Executor:paused]) are not paused themselves. Any thread
   * may read this.
   */
  properties[PROP_IS_PAUSED] = g_param_spec_boolean ("is-paused", NULL, NULL, FALSE, FERRY_NOTIFIED);
  /**
   * FerryTask:identifier:
   *
   * The id of the process that runs or ran the task, as text: `gdb -p` takes it. %NULL before, and for a task that runs
   * on another machine ([property@Ferry.Task:host-name]). It stays when the task is done, and another process may have
   * the same id then. To end what runs, cancel the task. It is the identifier of a worker of the pool
   * ([property@Ferry.Worker:identifier]), unless threads of this process run the tasks.
   */
  properties[PROP_IDENTIFIER] = g_param_spec_string ("identifier", NULL, NULL, NULL, FERRY_NOTIFIED);
  /**
   * FerryTask:host-name:
   *
   * The name of the host that runs or ran the task, as far as was told since the application was started; else %NULL.
   */
  properties[PROP_HOST_NAME] = g_param_spec_string ("host-name", NULL, NULL, NULL, FERRY_NOTIFIED);
  /**
   * FerryTask:n-attempts:
   *
   * How often a worker has begun the task. A task that a free worker has counts as begun. If that worker ends and had
   * not begun it, the number goes back by one; so it is exact once the task is done.
   */
  properties[PROP_N_ATTEMPTS] = g_param_spec_uint ("n-attempts", NULL, NULL, 0, G_MAXUINT, 0, FERRY_NOTIFIED);
}

static void
install_progress (void)
{
  /**
   * FerryTask:fraction: (getter get_fraction)
   *
   * How much of the work is done, from 0 to 1, so that it can be bound to a progress bar. The fraction never falls
   * during an attempt, and starts at 0 again with the next attempt. It is 1 when the task is completed. While it is not
   * known, or no more since the function has taken it back ([method@Ferry.Job.report]), it is 0, and
   * [property@Ferry.Task:indeterminate] is %TRUE. That of a task for a group falls by what a task of the group has
   * taken back.
   */
  properties[PROP_FRACTION] = g_param_spec_double ("fraction", NULL, NULL, 0, 1, 0, FERRY_NOTIFIED);
  /**
   * FerryTask:indeterminate:
   *
   * Whether it is not known how much of the work is done, since the function has not reported it, or has taken it back.
   * %FALSE when the task is done.
   */
  properties[PROP_INDETERMINATE] = g_param_spec_boolean ("indeterminate", NULL, NULL, TRUE, FERRY_NOTIFIED);
  /**
   * FerryTask:text: (getter get_text)
   *
   * The latest text that the function reported. Before that, what the task waits for, where its worker takes long to
   * start ([property@Ferry.Launcher:attach-timeout]).
   */
  properties[PROP_TEXT] = g_param_spec_string ("text", NULL, NULL, NULL, FERRY_NOTIFIED);
  /**
   * FerryTask:amount:
   *
   * How much of the work is done according to the latest report, in [property@Ferry.Task:unit].
   */
  properties[PROP_AMOUNT] = g_param_spec_uint64 ("amount", NULL, NULL, 0, G_MAXUINT64, 0, FERRY_NOTIFIED);
  /**
   * FerryTask:total:
   *
   * How much work there is, according to the latest report, in [property@Ferry.Task:unit]; 0 if it is not known.
   */
  properties[PROP_TOTAL] = g_param_spec_uint64 ("total", NULL, NULL, 0, G_MAXUINT64, 0, FERRY_NOTIFIED);
  /**
   * FerryTask:unit:
   *
   * The unit of the amount and of the total, according to the latest report.
   */
  properties[PROP_UNIT] = g_param_spec_string ("unit", NULL, NULL, NULL, FERRY_NOTIFIED);
  /**
   * FerryTask:question:
   *
   * What the function, or the program that it runs, asks now, and waits for an answer of ([method@Ferry.Task.answer]);
   * %NULL while it asks nothing. Only of an interactive task ([property@Ferry.Task:interactive]).
   */
  properties[PROP_QUESTION] = g_param_spec_string ("question", NULL, NULL, NULL, FERRY_NOTIFIED);
}

static void
install_times (void)
{
  /**
   * FerryTask:submit-time:
   *
   * When the task was submitted, in monotonic microseconds; 0 before. Changes are not notified.
   */
  properties[PROP_SUBMIT_TIME] = g_param_spec_int64 ("submit-time", NULL, NULL, 0, G_MAXINT64, 0, FERRY_NOTIFIED);
  /**
   * FerryTask:start-time:
   *
   * When a worker began the latest attempt, in monotonic microseconds, as the main loop heard of it; 0 while the task
   * waits. A main loop that was busy may hear of the beginning and the end at once.
   */
  properties[PROP_START_TIME] = g_param_spec_int64 ("start-time", NULL, NULL, 0, G_MAXINT64, 0, FERRY_NOTIFIED);
  /**
   * FerryTask:end-time:
   *
   * When the task was done, in monotonic microseconds; 0 before.
   */
  properties[PROP_END_TIME] = g_param_spec_int64 ("end-time", NULL, NULL, 0, G_MAXINT64, 0, FERRY_NOTIFIED);
}

static void
install_partial_result (void)
{
  /**
   * FerryTask:partial-result:
   *
   * Of a task that failed or was cancelled, what its function has said of its result all the same
   * ([method@Ferry.Job.send_partial_result]); else %NULL. It comes from another process, and its type was not checked.
   */
  properties[PROP_PARTIAL_RESULT] =
    g_param_spec_variant ("partial-result", NULL, NULL, G_VARIANT_TYPE_ANY, NULL, FERRY_NOTIFIED);
}

static void
install_ends (void)
{
  /**
   * FerryTask:result:
   *
   * The result of a completed task; %NULL if the task is not completed, or its function has no result.
   */
  properties[PROP_RESULT] = g_param_spec_variant ("result", NULL, NULL, G_VARIANT_TYPE_ANY, NULL, FERRY_NOTIFIED);
  /**
   * FerryTask:error: (getter get_error)
   *
   * The error of a task that failed.
   */
  properties[PROP_ERROR] = g_param_spec_boxed ("error", NULL, NULL, G_TYPE_ERROR, FERRY_NOTIFIED);
  /**
   * FerryTask:trace:
   *
   * The trace of the task's error: one line for each place in the code, the innermost first; %NULL if it is not known.
   * A task that was cancelled has one if its worker had to be ended for that, and has said where it was.
   */
  properties[PROP_TRACE] = g_param_spec_string ("trace", NULL, NULL, NULL, FERRY_NOTIFIED);
  /**
   * FerryTask:late-error:
   *
   * The first error that the function returned after the task was cancelled or had timed out. It is meant for logs, and
   * may be set after `done` was emitted. So changes are not notified.
   */
  properties[PROP_LATE_ERROR] = g_param_spec_boxed ("late-error", NULL, NULL, G_TYPE_ERROR, FERRY_READABLE);
  /**
   * FerryTask:exit: (getter get_exit)
   *
   * The exit record of the worker, if the task failed or was cancelled because its worker ended; else %NULL. A worker
   * of another machine has none here: the error tells how it ended.
   */
  properties[PROP_EXIT] = g_param_spec_object ("exit", NULL, NULL, FERRY_TYPE_EXIT, FERRY_NOTIFIED);
  /**
   * FerryTask:failures:
   *
   * Of a task that stands for a map or a group, and has failed because some of it did, what that is; else %NULL. The
   * type is `(tta(tss))`: how many failed, how many there were, and the first ten that failed. Each of these has its
   * place in the order of the map or the group, from 0 on; its name; and the message of its error. The name of a map's
   * item is its argument, if that is a short string or bytestring, else empty.
   */
  properties[PROP_FAILURES] =
    g_param_spec_variant ("failures", NULL, NULL, G_VARIANT_TYPE ("(tta(tss))"), NULL, FERRY_NOTIFIED);
  /**
   * FerryTask:last-lines:
   *
   * Of a task that failed, the last 20 whole lines that its worker printed while it ran the task, the oldest first, if
   * Ferry reads the streams ([enum@Ferry.StreamMode]); else %NULL. Changes are not notified. The last lines of a task
   * that took less than a millisecond and succeeded may be found at the one that its worker ran next. So may those
   * before a line of another process that prints to the same streams all the time. Of a worker that prints much while
   * the main loop stands still, lines may be missing.
   */
  properties[PROP_LAST_LINES] = g_param_spec_boxed ("last-lines", NULL, NULL, G_TYPE_STRV, FERRY_READABLE);
}

static GVariant *
get_result (FerryTask *self)
{
  const GError *failure;

  return is_held (self) ? NULL : need_result (self, &failure);
}

/* Whether pool/ferry-task-fields.c has it. */
static gboolean
is_setting (guint property_id)
{
  return property_id >= PROP_FIRST_SETTING && property_id <= PROP_LAST_SETTING;
}

/* Any thread may read what the submission does not change, and what says whether the task is done. */
static gboolean
is_of_any_thread (guint property_id)
{
  return property_id == PROP_KIND || property_id == PROP_FUNCTION || property_id == PROP_ARGUMENTS ||
         is_setting (property_id) || (property_id >= PROP_STATE && property_id <= PROP_CAN_CANCEL) ||
         property_id == PROP_IS_PAUSED || property_id == PROP_SUBMIT_TIME;
}

/* Whether this thread may read the property, as return_val_if_unreadable() says for functions. */
static gboolean
check_readable (FerryTask *self, guint property_id, GParamSpec *pspec)
{
  FerryTaskPrivate *priv = get_private (self);
  gboolean may_come_later = property_id == PROP_LATE_ERROR || property_id == PROP_LAST_LINES;

  if (is_of_any_thread (property_id))
    return TRUE;
  if ((may_come_later || !ferry_task_get_done (self)) && is_submitted (priv) &&
      !ferry_affinity_check_property (priv->affinity, pspec))
    return FALSE;
  return TRUE;
}

static char **
dup_lines (const GPtrArray *lines)
{
  char **copy = g_new0 (char *, lines->len + 1);

  for (guint i = 0; i < lines->len; i++)
    copy[i] = g_strdup (lines->pdata[i]);
  return copy;
}

static char **
get_last_lines (FerryTask *self)
{
  const GPtrArray *lines = peek_rest (self)->lines;
  FerryExit *exit = get_private (self)->run.exit;
  char **copy = NULL;

  if (lines != NULL && lines->len > 0)
    copy = dup_lines (lines);
  else if (lines == NULL && exit != NULL)
    g_object_get (exit, "last-lines", &copy, NULL);
  return copy;
}

static gboolean
get_can_cancel (FerryTask *self)
{
  return can_cancel (get_private (self));
}

static gboolean
get_is_paused (FerryTask *self)
{
  return get_private (self)->run.paused;
}

static gboolean
get_indeterminate (FerryTask *self)
{
  return is_indeterminate (get_private (self));
}

/* What a property is read from: a field, or a function. */
typedef struct
{
  enum
  {
    OF_RUN,
    OF_REST,
    OF_FUNCTION,
  } of;
  gsize offset;
  GCallback get;
} Reading;

#define FIELD_OF_RUN(field) OF_RUN, G_STRUCT_OFFSET (FerryRun, field), NULL
#define RARE(field) OF_REST, G_STRUCT_OFFSET (Rest, field), NULL
#define BY(get) OF_FUNCTION, 0, G_CALLBACK (get)

static const Reading readings[N_PROPERTIES] = {
  [PROP_NAME] = {BY (ferry_task_get_name)},
  [PROP_DESCRIPTION] = {RARE (description)},
  [PROP_KIND] = {BY (get_kind)},
  [PROP_FUNCTION] = {FIELD_OF_RUN (function)},
  [PROP_ARGUMENTS] = {FIELD_OF_RUN (arguments)},
  [PROP_PRIORITY] = {FIELD_OF_RUN (priority)},
  [PROP_CANCELLABLE] = {RARE (cancellable)},
  [PROP_APPLICATION_DATA] = {RARE (application_data)},
  [PROP_NOT_BEFORE] = {RARE (not_before)},
  [PROP_NEEDS] = {RARE (needs)},
  [PROP_STATE] = {BY (ferry_task_get_state)},
  [PROP_IS_DONE] = {BY (ferry_task_get_done)},
  [PROP_CAN_CANCEL] = {BY (get_can_cancel)},
  [PROP_CAN_PAUSE] = {BY (can_pause)},
  [PROP_IS_PAUSED] = {BY (get_is_paused)},
  [PROP_FRACTION] = {BY (ferry_task_get_fraction)},
  [PROP_INDETERMINATE] = {BY (get_indeterminate)},
  [PROP_TEXT] = {BY (ferry_task_get_text)},
  [PROP_AMOUNT] = {RARE (amount)},
  [PROP_TOTAL] = {RARE (total)},
  [PROP_UNIT] = {RARE (unit)},
  [PROP_QUESTION] = {RARE (question)},
  [PROP_HOST_NAME] = {RARE (host_name)},
  [PROP_N_ATTEMPTS] = {FIELD_OF_RUN (n_attempts)},
  [PROP_SUBMIT_TIME] = {BY (get_submit_time)},
  [PROP_START_TIME] = {FIELD_OF_RUN (start_time)},
  [PROP_END_TIME] = {FIELD_OF_RUN (end_time)},
  [PROP_RESULT] = {BY (get_result)},
  [PROP_ERROR] = {BY (ferry_task_get_error)},
  [PROP_TRACE] = {BY (get_trace)},
  [PROP_PARTIAL_RESULT] = {RARE (partial)},
  [PROP_LATE_ERROR] = {FIELD_OF_RUN (late_error)},
  [PROP_EXIT] = {BY (ferry_task_get_exit)},
  [PROP_FAILURES] = {RARE (failures)},
};

/* The field that a property is read from. */
static gconstpointer
find_field (FerryTask *self, guint property_id)
{
  FerryTaskPrivate *priv = get_private (self);
  const Reading *reading = &readings[property_id];

  if (is_setting (property_id))
    return G_STRUCT_MEMBER_P (priv->run.settings, ferry_task_field_get_offset (property_id - PROP_FIRST_SETTING));
  return G_STRUCT_MEMBER_P (reading->of == OF_RUN ? (gconstpointer) &priv->run : peek_rest (self), reading->offset);
}

static void
get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryTask *self = FERRY_TASK (object);
  FerryTaskPrivate *priv = get_private (self);
  const Reading *reading = &readings[property_id];

  if (!check_readable (self, property_id, pspec))
    return;
  if (property_id == PROP_LAST_LINES)
    g_value_take_boxed (value, get_last_lines (self));
  else if (property_id == PROP_IDENTIFIER)
    g_value_take_string (value, priv->run.pid > 0 ? g_strdup_printf ("%d", (int) priv->run.pid) : NULL);
  else if (reading->of == OF_FUNCTION)
    ferry_property_get (object, reading->get, value);
  else
    ferry_property_read (find_field (self, property_id), value);
}

static void
set_setting (FerryTask *self, guint property_id, const GValue *value, GParamSpec *pspec)
{
  if (!check_settable (self, pspec))
    return;
  if (is_setting (property_id))
    need_settings (self);
  else if (readings[property_id].of == OF_REST)
    need_rest (self);
  ferry_property_change (self, (gpointer) find_field (self, property_id), value, pspec);
}

/* An empty list is none. */
static void
note_needs (FerryTask *self)
{
  char **needs = peek_rest (self)->needs;

  get_private (self)->run.needs = needs != NULL && needs[0] != NULL ? (const char *const *) needs : NULL;
}

static void
set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  FerryTask *self = FERRY_TASK (object);
  FerryTaskPrivate *priv = get_private (self);

  switch (property_id)
    {
    case PROP_NAME:
      if (check_nameable (self))
        ferry_task_set_name (self, g_value_get_string (value));
      break;
    case PROP_KIND:
      priv->run.kind = g_value_get_enum (value);
      break;
    case PROP_FUNCTION:
      set_function (priv, g_value_get_string (value));
      break;
    case PROP_ARGUMENTS:
      ferry_task_set_arguments (self, g_value_get_variant (value));
      break;
    case PROP_NEEDS:
      set_setting (self, property_id, value, pspec);
      note_needs (self);
      break;
    default:
      set_setting (self, property_id, value, pspec);
    }
}

static void
emit_message (FerryTask *self, const char *type, GVariant *value)
{
  /* g_quark_try_string() makes no new quark: quarks are never freed, and workers choose the types. */
  g_signal_emit (self, signals[SIGNAL_MESSAGE], g_quark_try_string (type), type, value);
}

/* If the marshaller is NULL, GLib uses its own marshaller for the parameter types, with and without a va_list. */
static void
install_signals (FerryTaskClass *klass)
{
  GType type = G_TYPE_FROM_CLASS (klass);

  klass->message = emit_message;
  /**
   * FerryTask::progress:
   * @self: the task
   *
   * Emitted when the function has reported progress, after the changed properties are notified. One signal may stand
   * for several reports; the values are those of the newest report.
   */
  signals[SIGNAL_PROGRESS] = g_signal_new (
    "progress", type, G_SIGNAL_RUN_LAST, G_STRUCT_OFFSET (FerryTaskClass, progress), NULL, NULL, NULL, G_TYPE_NONE, 0);
  /**
   * FerryTask::yielded:
   * @self: the task
   * @value: what the function yielded
   *
   * Emitted for each value that the function of an iteration yielded, in order, before `done`. The value comes from
   * another process: check its type before unpacking it.
   */
  signals[SIGNAL_YIELDED] = g_signal_new ("yielded", type, G_SIGNAL_RUN_LAST, G_STRUCT_OFFSET (FerryTaskClass, yielded),
                                          NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_VARIANT);
  /**
   * FerryTask::message:
   * @self: the task
   * @type: the name that the function gave the value
   * @value: (nullable): the value
   *
   * Emitted for each value that the function sent with [method@Ferry.Job.send]. To get only the values of one type,
   * connect to `message::TYPE`. The value comes from another process: check its type before unpacking it.
   */
  signals[SIGNAL_MESSAGE] = g_signal_new ("message", type, G_SIGNAL_RUN_LAST | G_SIGNAL_DETAILED, 0, NULL, NULL,
                                          ferry_marshal_VOID__STRING_VARIANT, G_TYPE_NONE, 2,
                                          G_TYPE_STRING | G_SIGNAL_TYPE_STATIC_SCOPE, G_TYPE_VARIANT);
  g_signal_set_va_marshaller (signals[SIGNAL_MESSAGE], type, ferry_marshal_VOID__STRING_VARIANTv);
  /**
   * FerryTask::asks:
   * @self: the task
   * @question: what it asks, such as `Password:`; also in [property@Ferry.Task:question]
   *
   * Emitted when the function of an interactive task, or a program that it runs, asks, and waits for
   * [method@Ferry.Task.answer]. A program is found to ask when it has begun a line, does not end it, and reads. The
   * text comes from another process.
   */
  signals[SIGNAL_ASKS] = g_signal_new ("asks", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                                       G_TYPE_STRING | G_SIGNAL_TYPE_STATIC_SCOPE);
  /**
   * FerryTask::done:
   * @self: the task
   *
   * Emitted once, when the task is completed, failed or cancelled, after the changed properties are notified. It is the
   * last signal of a task.
   */
  signals[SIGNAL_DONE] = g_signal_new ("done", type, G_SIGNAL_RUN_LAST, G_STRUCT_OFFSET (FerryTaskClass, done), NULL,
                                       NULL, NULL, G_TYPE_NONE, 0);
}

/* ---- life cycle ---- */

static void
rest_free (Rest *rest)
{
  ferry_wait_queue_clear (&rest->waits);
  ferry_task_handles_clear (&rest->handles);
  ferry_task_answers_clear (&rest->answers);
  if (rest->returns != NULL)
    ferry_descriptor_port_clear (rest->returns);
  g_free (rest->returns);
  g_clear_pointer (&rest->lines, g_ptr_array_unref);
  g_free (rest->name);
  g_free (rest->description);
  g_free (rest->text);
  g_free (rest->unit);
  g_free (rest->question);
  g_free (rest->host_name);
  g_free (rest->host_loss);
  g_strfreev (rest->needs);
  g_clear_pointer (&rest->application_data, g_variant_unref);
  g_clear_pointer (&rest->failures, g_variant_unref);
  g_clear_pointer (&rest->failure_errors, g_ptr_array_unref);
  g_clear_pointer (&rest->partial, g_variant_unref);
  g_clear_pointer (&rest->opening, ferry_file_opening_unref);
  if (rest->later.open != NULL)
    rest->later.destroy (rest->later.data);
  g_clear_error (&rest->later_error);
  g_free (rest);
}

static void
ferry_task_finalize (GObject *object)
{
  FerryTaskPrivate *priv = get_private (FERRY_TASK (object));

  ferry_take_over (object);
  drop_cancellable (FERRY_TASK (object));
  if (priv->rest != NULL)
    rest_free (priv->rest);
  g_clear_pointer (&priv->affinity, ferry_affinity_unref);
  g_clear_pointer (&priv->run.arguments, g_variant_unref);
  ferry_run_clear (&priv->run);
  if (priv->run.settings != &ferry_default_task_settings)
    g_free ((gpointer) priv->run.settings);
  g_clear_pointer (&priv->call, ferry_completion_unref);
  if (priv->run.function != priv->own_function)
    g_free ((char *) priv->run.function);

  G_OBJECT_CLASS (ferry_task_parent_class)->finalize (object);
}

static void
ferry_task_class_init (FerryTaskClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = get_property;
  object_class->set_property = set_property;
  object_class->finalize = ferry_task_finalize;
  install_identity ();
  install_settings ();
  install_ways ();
  install_states ();
  install_progress ();
  install_times ();
  install_ends ();
  install_partial_result ();
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
  install_signals (klass);
}

static void
ferry_task_init (FerryTask *self)
{
  static _Atomic guint n_tasks;
  FerryTaskPrivate *priv = get_private (self);

  /* Relaxed: the number only distinguishes tasks, and orders no other memory. */
  priv->number = atomic_fetch_add_explicit (&n_tasks, 1, memory_order_relaxed) + 1;
  ferry_run_init (&priv->run, &run_funcs, self);
  priv->run.is_task = TRUE;
}
