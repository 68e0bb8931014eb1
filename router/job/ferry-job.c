/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A job: one run of a function in a worker, with its arguments, cancel, progress, messages and answer.
 *
 * The job and the FerryServe that serves it know each other. It is one file since each of its functions is a use of the
 * job, which the end of the function cuts off. */

#include "config.h"

#include "job/ferry-file-value-private.h"
#include "job/ferry-job-private.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "base/ferry-property-private.h"
#include "base/ferry-scratch-folder-private.h"
#include "base/ferry-thread-private.h"
#include "job/ferry-map-function-private.h"
#include "job/ferry-serve-private.h"
#include "job/ferry-task-enums.h"
#include "lane/ferry-sealed-bytes-private.h"
#include "link/ferry-descriptor-port-private.h"
#include "link/ferry-link-private.h"
#include "route/ferry-buffer-private.h"
#include "route/ferry-given-sender-private.h"
#include "wire/ferry-progress-private.h"
#include "wire/ferry-remote-error-private.h"
#include "wire/ferry-reserved-name-private.h"
#include "wire/ferry-task-call-private.h"

/* In place of a reason for a cancel: none has an effect any more. */
#define COMMITTED G_MAXUINT

/* When an error is too large to be sent, this many bytes of its message are sent. */
#define SHORT_MESSAGE 1024

/* How often a paused function looks whether its application was killed. */
#define LOOK_INTERVAL (G_USEC_PER_SEC / 2)

struct _FerryJob
{
  GObject parent_instance;

  /* const, as the next three: (unowned): must not be used after the job is finished */
  FerryServe *serve;
  FerryDownlink *downlink;
  FerrySender *calls;
  FerrySender *progress;
  FerryCall *call; /* const: (owned) */
  /* any: the name of the call's function; in a map, of the function that runs for an item. The string lives as long as
   * the job */
  const char *_Atomic function_name;
  guint64 paused_word; /* const: what the pause word is while this job is paused, with all bits of the count */
  pthread_t thread;    /* const: the thread that serves */
  gint64 paused_time;  /* the thread that serves: for how long it has waited in pauses, in microseconds */
  guint64 begun;       /* the thread that serves: ferry_trace_get_moment() when the function was called */

  pthread_rwlock_t uses;
  gboolean finished; /* guarded by uses; the thread that serves writes it with the lock, and reads it without */

  _Atomic guint cancelled; /* any: 0, or why it was cancelled: a FerryCancelReason, or FERRY_CANCEL_REASON_CLOSED; or
                            * COMMITTED */
  _Atomic gint64 deadline; /* any: microseconds; 0: none */

  pthread_mutex_t lock;
  pthread_cond_t changed;      /* that the job is not paused any more, or is cancelled */
  guint64 pause;               /* lock: the pause word of this job that was notified last; 0: none */
  GCancellable *cancellable;   /* lock: (owned) (nullable) */
  GError *failure;             /* lock: (owned) (nullable): of ferry_job_fail() */
  FerryBuffer *returned;       /* lock: (owned) (nullable): of ferry_job_return_buffer() */
  GArray *senders;             /* lock: (owned) (nullable) (element-type JobSender): that the function has asked for */
  GArray *ends;                /* lock: (owned) (nullable) (element-type JobEnd): of ferry_job_add_end() */
  FerryScratchFolder *scratch; /* lock: (owned) (nullable) */
  FerryProgressParts parts;    /* lock */
  gboolean has_own_part; /* lock: the part is not the function's: it knows nothing of what is done at its beginning */
  guint n_returned;      /* lock: how many descriptors were returned */
  guint n_steps;         /* lock */
  guint n_steps_done;    /* lock */
  gsize reported_size;   /* lock: of the report in the cell; 0: the cell has no report */
  guint8 reported[FERRY_MAX_PROGRESS_SIZE];
};

/* The descriptors that came with a call. The call owns them until its job is finished; the function gets copies. */
typedef struct
{
  GArray *descriptors; /* (element-type int) (owned elements) */
  gboolean is_short;   /* the worker received only some of them, for lack of descriptors */
} FdBatch;

/* A sender that the task was given. */
typedef struct
{
  gint handle;
  FerrySender *sender; /* (owned) */
} JobSender;

/* What is called when the function has returned. */
typedef struct
{
  FerryJobEndFunc func;
  gpointer data;
} JobEnd;

/* A report of progress. */
typedef struct
{
  double fraction; /* of the innermost part, 0 to 1; negative: not known, or FERRY_FRACTION_TAKEN_BACK; amount / total
                    * where there is a total */
  guint64 amount;
  guint64 total;    /* 0: not known */
  const char *unit; /* (nullable) */
  const char *text; /* (nullable) */
} Report;

/**
 * FerryJob:
 *
 * One run of a function in a worker. The function uses its job to report progress, to send values, and to check whether
 * the function must stop.
 *
 * A [callback@Ferry.Function] gets its job as an argument. Until the function returns, any of its threads may use the
 * job. A thread that uses the job after that gets %FERRY_ERROR_STOPPED.
 *
 * A cancel does not interrupt a function. The function must check for a cancel by [method@Ferry.Job.is_cancelled] or
 * [method@Ferry.Job.check]. The other methods of a cancelled job fail too. [method@Ferry.Job.get_cancellable] is for
 * calls that block in GIO. If a cancelled function does none of this, its worker is killed.
 */
G_DEFINE_FINAL_TYPE (FerryJob, ferry_job, G_TYPE_OBJECT)

enum
{
  PROP_FUNCTION = 1,
  PROP_DEADLINE,
  PROP_PAUSED,
  N_PROPERTIES,
};

static GParamSpec *properties[N_PROPERTIES];

/* any */
static const char *
get_function_name (FerryJob *self)
{
  /* Relaxed: the name was written before the job was made, or before the function of that name was called. */
  return atomic_load_explicit (&self->function_name, memory_order_relaxed);
}

static gboolean hear_pause (FerryJob *self);

static void
ferry_job_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryJob *self = FERRY_JOB (object);

  if (property_id == PROP_FUNCTION)
    g_value_set_string (value, get_function_name (self));
  else if (property_id == PROP_DEADLINE)
    g_value_set_int64 (value, ferry_job_get_deadline (self));
  else
    g_value_set_boolean (value, hear_pause (self));
}

static void
ferry_job_finalize (GObject *object)
{
  FerryJob *self = FERRY_JOB (object);

  ferry_take_over (self);
  ferry_progress_parts_clear (&self->parts);
  g_clear_object (&self->cancellable);
  g_clear_error (&self->failure);
  g_clear_pointer (&self->returned, ferry_buffer_unref);
  g_clear_pointer (&self->call, ferry_call_unref);
  g_clear_pointer (&self->ends, g_array_unref);
  g_clear_pointer (&self->scratch, ferry_scratch_folder_free);
  pthread_cond_destroy (&self->changed);
  pthread_mutex_destroy (&self->lock);
  pthread_rwlock_destroy (&self->uses);

  G_OBJECT_CLASS (ferry_job_parent_class)->finalize (object);
}

static void
ferry_job_class_init (FerryJobClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = ferry_job_get_property;
  object_class->finalize = ferry_job_finalize;
  /**
   * FerryJob:function:
   *
   * The name of the function that runs; in a map, of the function that runs for an item. Any thread may read this.
   */
  properties[PROP_FUNCTION] = g_param_spec_string ("function", NULL, NULL, NULL, FERRY_READABLE);
  /**
   * FerryJob:deadline:
   *
   * The monotonic time, in microseconds, at which the application cancels the job, so that [method@Ferry.Job.check]
   * fails; 0 for none. A pause moves the end of the task's run timeout, and so this. Any thread may read this, even
   * after the function has returned.
   */
  properties[PROP_DEADLINE] = g_param_spec_int64 ("deadline", NULL, NULL, 0, G_MAXINT64, 0, FERRY_READABLE);
  /**
   * FerryJob:paused:
   *
   * Whether the job is paused ([method@Ferry.Task.pause]). [method@Ferry.Job.check] waits while it is, and so do
   * [method@Ferry.Job.report] and the others that check for a cancel. So most functions need not read this. Any thread
   * may read it. After the function has returned it is %FALSE.
   *
   * It is for a function that waits for something else, such as for descriptors in poll(). It must then see to the
   * pause itself: stop what it drives, and let that go on at the end of the pause. Such a function calls
   * [method@Ferry.Job.get_cancellable] once, which starts the thread that watches for cancels and for pauses. From then
   * on each change is notified on that thread, at once; without that thread, when the function checks for a cancel. A
   * handler of the notification writes to a descriptor that the function polls, such as an eventfd(). The function then
   * reads the property. In such a handler, [method@Ferry.Job.check] does not wait. A handler that runs goes on while
   * the function disconnects it, so it has a duplicate of the descriptor, which the destroy function of
   * g_signal_connect_data() closes. A change that is taken back at once may go unnoticed; what was read last counts.
   * Connect the handler before the property is read for the first time: the job may be paused before its function
   * begins.
   *
   * A function that reads %TRUE has heard of the pause, as one that waits in [method@Ferry.Job.check] has. Its worker
   * is not stopped ([property@Ferry.Task:stoppable]).
   */
  properties[PROP_PAUSED] = g_param_spec_boolean ("paused", NULL, NULL, FALSE, FERRY_NOTIFIED);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
ferry_job_init (FerryJob *self)
{
  pthread_rwlock_init (&self->uses, NULL);
  pthread_mutex_init (&self->lock, NULL);
  ferry_cond_init (&self->changed);
  ferry_progress_parts_init (&self->parts);
}

static FerryTaskKind
get_task_kind (FerryCall *call)
{
  const guint flags = (guint) ferry_call_get_flags (call) & ~(guint) (FERRY_CALL_ANSWERS | FERRY_CALL_RETURNS);

  return (FerryTaskKind) (flags >> FERRY_CALL_KIND_SHIFT);
}

FerryJob *
ferry_job_new (FerryServe *serve, FerryDownlink *downlink, FerrySender *calls, FerrySender *progress, FerryCall *call)
{
  FerryJob *self = g_object_new (FERRY_TYPE_JOB, NULL);

  self->serve = serve;
  self->downlink = downlink;
  self->calls = calls;
  self->progress = progress;
  self->call = ferry_call_ref (call);
  atomic_init (&self->function_name, ferry_call_get_method (call));
  atomic_init (&self->deadline, ferry_call_get_deadline (call));
  self->paused_word = ferry_call_get_xid (call) << FERRY_PAUSE_SHIFT | FERRY_PAUSE_COUNT | FERRY_PAUSED;
  self->thread = pthread_self ();
  return self;
}

static void
stop_senders (FerryJob *self)
{
  g_autoptr (GArray) senders = NULL;

  pthread_mutex_lock (&self->lock);
  senders = g_steal_pointer (&self->senders);
  pthread_mutex_unlock (&self->lock);
  for (guint i = 0; senders != NULL && i < senders->len; i++)
    {
      g_autoptr (FerrySender) sender = g_array_index (senders, JobSender, i).sender;

      ferry_sender_end (sender);
    }
}

void
ferry_job_finish (FerryJob *self)
{
  const FdBatch *batch = ferry_call_get_attached (self->call);

  /* Waits until no other thread uses the job. */
  pthread_rwlock_wrlock (&self->uses);
  self->finished = TRUE;
  pthread_rwlock_unlock (&self->uses);
  stop_senders (self);
  if (batch != NULL)
    ferry_descriptors_close (batch->descriptors);
}

/* ---- uses: from begin_use() to end_use(), as the header says ---- */

gboolean
ferry_job_is_serving_thread (FerryJob *self)
{
  return pthread_equal (self->thread, pthread_self ()) != 0;
}

static void
end_use (FerryJob *self)
{
  if (G_UNLIKELY (!ferry_job_is_serving_thread (self)))
    pthread_rwlock_unlock (&self->uses);
}

/* any: begins a use. Returns FALSE with an error, and begins no use, when the job is finished. */
static gboolean
begin_use (FerryJob *self, GError **error)
{
  if (G_UNLIKELY (!ferry_job_is_serving_thread (self)))
    pthread_rwlock_rdlock (&self->uses);
  if (G_LIKELY (!self->finished))
    return TRUE;
  end_use (self);
  return ferry_set_error (
    error, FERRY_ERROR_STOPPED,
    "The function '%s' has returned, and its job is finished; end the threads that use the job before it returns",
    get_function_name (self));
}

/* ---- cancelling ---- */

void
ferry_job_cancel (FerryJob *self, guint reason)
{
  g_autoptr (GCancellable) cancellable = NULL;
  guint none = 0;

  /* Release: a thread that sees the cancel also sees what was written before it; pairs with get_cancelled(). */
  if (!atomic_compare_exchange_strong_explicit (&self->cancelled, &none, reason, memory_order_release,
                                                memory_order_relaxed))
    return;
  pthread_mutex_lock (&self->lock);
  g_set_object (&cancellable, self->cancellable);
  pthread_cond_broadcast (&self->changed);
  pthread_mutex_unlock (&self->lock);
  if (cancellable != NULL)
    g_cancellable_cancel (cancellable);
}

static guint
get_cancelled (FerryJob *self)
{
  /* Acquire: pairs with ferry_job_cancel(). */
  const guint cancelled = atomic_load_explicit (&self->cancelled, memory_order_acquire);

  return cancelled != COMMITTED ? cancelled : 0;
}

/* any, in a use: whether the job is cancelled. Only loads from memory until a cancel or the link's end has arrived. */
static gboolean
is_cancelled_in_use (FerryJob *self)
{
  if (G_UNLIKELY (get_cancelled (self) != 0))
    return TRUE;
  if (G_LIKELY (!ferry_downlink_has_cancel (self->downlink) && !ferry_downlink_is_closed (self->downlink)))
    return FALSE;
  ferry_serve_take_cancels (self->serve);
  return get_cancelled (self) != 0;
}

/* ---- pausing ---- */

/* any: whether a pause word says that this job is paused. */
static gboolean
is_own_pause (const FerryJob *self, guint64 pause)
{
  return (pause | FERRY_PAUSE_COUNT) == self->paused_word;
}

/* any, in a use. Only loads from memory. */
static gboolean
is_paused (FerryJob *self)
{
  return is_own_pause (self, ferry_downlink_get_pause (self->downlink));
}

/* any: whether a pause word is about this job, paused or not. */
static gboolean
is_own_word (const FerryJob *self, guint64 pause)
{
  return is_own_pause (self, pause | FERRY_PAUSED);
}

/* any, in a use: takes the deadline over that comes with the pause word, which says the latest one. */
static void
take_deadline (FerryJob *self)
{
  if (is_own_word (self, ferry_downlink_get_pause (self->downlink)))
    atomic_store_explicit (&self->deadline, ferry_downlink_get_deadline (self->downlink), memory_order_relaxed);
}

void
ferry_job_note_pause (FerryJob *self)
{
  gboolean changed;
  guint64 pause;

  if (!begin_use (self, NULL))
    return;
  pthread_mutex_lock (&self->lock);
  pause = ferry_downlink_get_pause (self->downlink);
  changed = is_own_word (self, pause) && self->pause != pause;
  if (changed)
    self->pause = pause;
  pthread_cond_broadcast (&self->changed);
  pthread_mutex_unlock (&self->lock);
  end_use (self);
  /* Also for a pause that follows another at once: the function has to hear of that one. */
  if (changed)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PAUSED]);
}

/* any, in a use: whether the word says that this job is paused. If so, the application is told that the function knows.
 */
static gboolean
hear_pause_in_use (FerryJob *self, guint64 pause)
{
  if (!is_own_pause (self, pause))
    return FALSE;
  ferry_downlink_note_heard (self->downlink, pause);
  return TRUE;
}

static gboolean
hear_pause (FerryJob *self)
{
  gboolean paused;

  if (!begin_use (self, NULL))
    return FALSE;
  paused = hear_pause_in_use (self, ferry_downlink_get_pause (self->downlink));
  end_use (self);
  return paused;
}

/* any, in a use: waits for the end of a pause, or a cancel. Does not wait where no thread would wake this one. None
 * does when the application was killed, so this one looks: its worker may hear SIGTERM, and tidies up when this
 * returns. */
static void
wait_while_paused (FerryJob *self)
{
  gint64 since = g_get_monotonic_time ();

  ferry_job_note_pause (self);
  if (!ferry_serve_watch (self->serve))
    return;
  pthread_mutex_lock (&self->lock);
  /* With the lock, the second thread notes each change of the word that is taken here. */
  while (hear_pause_in_use (self, ferry_downlink_take_pause (self->downlink)) && get_cancelled (self) == 0 &&
         !ferry_downlink_is_closed (self->downlink))
    if (!ferry_cond_wait_until (&self->changed, &self->lock, g_get_monotonic_time () + LOOK_INTERVAL))
      ferry_downlink_close_if_left (self->downlink);
  pthread_mutex_unlock (&self->lock);
  if (ferry_job_is_serving_thread (self))
    self->paused_time += g_get_monotonic_time () - since;
}

gint64
ferry_job_get_paused_time (FerryJob *self)
{
  return self->paused_time;
}

/* Returns (transfer full) a trace: the lines of inner (nullable), and a line for this job's function. */
static char *
add_place (FerryJob *self, const char *inner)
{
  return ferry_trace_add_place (inner, ferry_name_in_words (get_function_name (self)));
}

/* Sets the error of a function whose time is over, with the place where it hears of that. Returns FALSE. */
static gboolean
set_late (FerryJob *self, GError **error)
{
  g_autofree char *place = NULL;
  g_autofree char *backtrace = NULL;
  g_autofree char *trace = NULL;

  if (error == NULL)
    return FALSE;
  ferry_set_error (error, FERRY_ERROR_TIMED_OUT, FERRY_JOB_LATE_MESSAGE);
  place = add_place (self, NULL);
  backtrace = ferry_trace_new_backtrace (1);
  trace = g_strconcat (place, backtrace, NULL);
  ferry_error_set_trace (*error, trace);
  return FALSE;
}

/* any, in a use */
static gboolean
check_cancelled_in_use (FerryJob *self, GError **error)
{
  if (G_LIKELY (!is_cancelled_in_use (self)))
    return TRUE;
  if (get_cancelled (self) == FERRY_CANCEL_REASON_DEADLINE)
    return set_late (self, error);
  if (get_cancelled (self) == FERRY_CANCEL_REASON_CLOSED)
    return ferry_set_error (error, FERRY_ERROR_CLOSED,
                            "The application has closed the link to this worker; return from the function");
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, FERRY_JOB_CANCELLED_MESSAGE);
  return FALSE;
}

/* any, in a use: waits while the job is paused, and checks that it is not cancelled. */
static gboolean
check_in_use (FerryJob *self, GError **error)
{
  if (G_UNLIKELY (is_paused (self)) && get_cancelled (self) == 0)
    wait_while_paused (self);
  return check_cancelled_in_use (self, error);
}

gboolean
ferry_job_check_cancelled (FerryJob *self, GError **error)
{
  gboolean may_go_on;

  if (!begin_use (self, error))
    return FALSE;
  may_go_on = check_cancelled_in_use (self, error);
  end_use (self);
  return may_go_on;
}

/**
 * ferry_job_is_cancelled:
 * @self: a job
 *
 * Whether the function must stop: its task was cancelled, its deadline has passed, or the application has closed the
 * link to this worker. This costs a few loads from memory and no system call, so an inner loop may call it. When it has
 * returned %TRUE once, it always does. It also returns %TRUE after the function has returned. It never waits, so a
 * function that calls only this goes on while it is paused. Any thread may call this.
 *
 * Returns: %TRUE if the function must stop
 */
gboolean
ferry_job_is_cancelled (FerryJob *self)
{
  gboolean cancelled;

  g_return_val_if_fail (FERRY_IS_JOB (self), TRUE);

  /* The usual case needs no lock. */
  if (ferry_job_is_serving_thread (self))
    return self->finished || is_cancelled_in_use (self);
  if (!begin_use (self, NULL))
    return TRUE;
  cancelled = is_cancelled_in_use (self);
  end_use (self);
  return cancelled;
}

/**
 * ferry_job_check:
 * @self: a job
 * @error: return location for an error
 *
 * Checks what [method@Ferry.Job.is_cancelled] does, and sets an error that the function can return. Waits first while
 * the job is paused ([method@Ferry.Task.pause]), until it goes on or is cancelled; so a function holds no lock that
 * others need when it calls this. Any thread.
 *
 * Fails with %G_IO_ERROR_CANCELLED when the job was cancelled, and with %FERRY_ERROR_TIMED_OUT when its deadline has
 * passed. Fails with %FERRY_ERROR_CLOSED when the application has closed the link, and %FERRY_ERROR_STOPPED when the
 * function has returned.
 *
 * Returns: %TRUE when the function may continue
 */
gboolean
ferry_job_check (FerryJob *self, GError **error)
{
  gboolean may_go_on;

  g_return_val_if_fail (FERRY_IS_JOB (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!begin_use (self, error))
    return FALSE;
  may_go_on = check_in_use (self, error);
  end_use (self);
  return may_go_on;
}

/* any, in a use: has no cancel have an effect any more. Returns FALSE if one came before. */
static gboolean
commit_in_use (FerryJob *self)
{
  guint none = 0;

  /* Relaxed: nothing is handed over but the decision itself. */
  return atomic_compare_exchange_strong_explicit (&self->cancelled, &none, COMMITTED, memory_order_relaxed,
                                                  memory_order_relaxed) ||
         none == COMMITTED;
}

/**
 * ferry_job_commit:
 * @self: a job
 * @error: return location for an error
 *
 * Checks what [method@Ferry.Job.check] does, for the last time, right before the function does what stays:
 *
 * ```c
 * if (!ferry_job_commit (job, error) || !put_into_place (file, error))
 *   return NULL;
 * ```
 *
 * If this returns %TRUE, a cancel or a limit of time that comes later comes too late. The job is not cancelled by it,
 * and the task gets what the function returns: it is completed, or has failed with the function's error. Without this,
 * a task whose cancel and whose result cross is cancelled, although its work is done; who tries it again has it twice.
 * Only a worker that is killed, since the function goes on for longer than [property@Ferry.Task:cancel-grace], leaves a
 * task that is cancelled. [method@Ferry.Job.run_command] does this by itself, before it moves files into their places.
 * In a map it is a check, and no more: the map is cancelled as a whole. Any thread may call this.
 *
 * Fails as [method@Ferry.Job.check] does.
 *
 * Returns: %TRUE when the function may do it
 */
gboolean
ferry_job_commit (FerryJob *self, GError **error)
{
  gboolean may_go_on;

  g_return_val_if_fail (FERRY_IS_JOB (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!begin_use (self, error))
    return FALSE;
  may_go_on = check_in_use (self, error);
  if (may_go_on && !g_str_equal (ferry_call_get_method (self->call), FERRY_MAP_FUNCTION))
    {
      may_go_on = commit_in_use (self) || check_cancelled_in_use (self, error);
      if (may_go_on)
        ferry_call_send_value (self->call, FERRY_COMMITTED, g_variant_new ("()"), NULL);
    }
  end_use (self);
  return may_go_on;
}

/**
 * ferry_job_get_cancellable:
 * @self: a job
 *
 * Returns a cancellable for calls that the function makes. It is cancelled when the job is cancelled, and when the
 * job's deadline passes.
 *
 * The first call of this function in a worker starts a thread that watches for cancels. Callbacks of the cancellable
 * may run on that thread. When the system cannot start the thread, [method@Ferry.Job.check] and the other methods that
 * check for a cancel cancel the cancellable. This holds until a later call starts the thread. Any thread may call this.
 * After the function has returned, the cancellable is cancelled.
 *
 * Returns: (transfer none): the job's cancellable
 */
GCancellable *
ferry_job_get_cancellable (FerryJob *self)
{
  gboolean running;

  g_return_val_if_fail (FERRY_IS_JOB (self), NULL);

  running = begin_use (self, NULL);
  pthread_mutex_lock (&self->lock);
  if (self->cancellable == NULL)
    self->cancellable = g_cancellable_new ();
  pthread_mutex_unlock (&self->lock);
  if (running)
    {
      ferry_serve_watch (self->serve);
      running = !is_cancelled_in_use (self);
      end_use (self);
    }
  /* ferry_job_cancel() first sets `cancelled` and then reads `cancellable`. This function sets `cancellable` first and
   * then reads `cancelled`, so one of them cancels the cancellable. */
  if (!running)
    g_cancellable_cancel (self->cancellable);
  return self->cancellable;
}

/**
 * ferry_job_is_repeated:
 * @self: a job
 *
 * Whether a worker may have begun the task before: that worker or its host was lost, or, of a task in a queue that
 * survives, the application ended meanwhile. Then what the function finds, such as a file that it is to make, may be of
 * that attempt; at the first one it is of somebody else. A task that is tried again after its end
 * ([method@Ferry.Executor.retry]) begins anew. Any thread may call this.
 *
 * Returns: %TRUE if this is not the first attempt
 */
gboolean
ferry_job_is_repeated (FerryJob *self)
{
  g_return_val_if_fail (FERRY_IS_JOB (self), FALSE);

  return ((guint) ferry_call_get_flags (self->call) & FERRY_CALL_REPEATED) != 0;
}

/* ---- the call, and its descriptors ---- */

FerryCall *
ferry_job_get_call (FerryJob *self)
{
  return self->call;
}

gint64
ferry_job_get_deadline (FerryJob *self)
{
  if (begin_use (self, NULL))
    {
      take_deadline (self);
      end_use (self);
    }
  return atomic_load_explicit (&self->deadline, memory_order_relaxed);
}

static void
fd_batch_free (gpointer data)
{
  FdBatch *self = data;

  ferry_descriptors_free (self->descriptors);
  g_free (self);
}

void
ferry_call_take_descriptors (FerryCall *call, const FerryDownMessage *message)
{
  GArray *descriptors = message->descriptors;
  FdBatch *batch;

  if (descriptors == NULL)
    return;
  batch = g_new (FdBatch, 1);
  *batch = (FdBatch){g_array_copy (descriptors), message->is_short};
  g_array_set_size (descriptors, 0);
  ferry_call_attach (call, batch, fd_batch_free);
}

/* In a use: returns the socket for what the function returns, or -1 if the task takes nothing. */
static int
get_return_socket (FerryJob *self)
{
  const FdBatch *batch = ferry_call_get_attached (self->call);

  if (batch == NULL || batch->descriptors->len == 0 || (ferry_call_get_flags (self->call) & FERRY_CALL_RETURNS) == 0)
    return -1;
  return g_array_index (batch->descriptors, int, batch->descriptors->len - 1);
}

/* In a use: returns how many descriptors there are before that socket. */
static guint
count_before_returns (FerryJob *self)
{
  const FdBatch *batch = ferry_call_get_attached (self->call);

  return (batch != NULL ? batch->descriptors->len : 0) - (get_return_socket (self) >= 0 ? 1 : 0);
}

/* In a use: returns the socket with answers, or -1 if nobody answers. */
static int
get_answer_socket (FerryJob *self)
{
  const FdBatch *batch = ferry_call_get_attached (self->call);
  guint n = count_before_returns (self);

  if (n == 0 || (ferry_call_get_flags (self->call) & FERRY_CALL_ANSWERS) == 0)
    return -1;
  return g_array_index (batch->descriptors, int, n - 1);
}

/* In a use: returns (transfer none) the descriptor of a handle, or -1 with an error. */
static int
find_descriptor (FerryJob *self, gint handle, GError **error)
{
  const FdBatch *batch = ferry_call_get_attached (self->call);
  guint n = count_before_returns (self) - (get_answer_socket (self) >= 0 ? 1 : 0);

  if (handle >= 0 && (guint) handle < n)
    return g_array_index (batch->descriptors, int, handle);
  ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                   "The task of '%s' was given %u descriptors, and no handle %d; add what its arguments name by "
                   "ferry_task_add_descriptor(), ferry_task_add_bytes() or ferry_task_add_sender()",
                   get_function_name (self), n, handle);
  return -1;
}

/**
 * ferry_job_dup_descriptor:
 * @self: a job
 * @handle: the handle that [method@Ferry.Task.add_descriptor] or [method@Ferry.Task.add_bytes] returned
 * @error: return location for an error
 *
 * Copies a descriptor that was added to the task. The caller must close the copy, which stays open when the function
 * returns. Programs that the worker executes do not inherit the copy.
 *
 * All copies share one position in the file, with the application's descriptor and with the copies of other attempts of
 * the task. A function that needs its own position must read with `pread()`, or set the position first.
 *
 * Fails with %FERRY_ERROR_BAD_ARGUMENTS when the task has no descriptor with that handle. Fails with
 * %FERRY_ERROR_SYSTEM when this process has too many files open, and with %FERRY_ERROR_STOPPED when the function has
 * returned. Any thread may call this.
 *
 * Returns: a descriptor, or -1 with an error
 */
int
ferry_job_dup_descriptor (FerryJob *self, gint handle, GError **error)
{
  int copy;
  int fd;

  g_return_val_if_fail (FERRY_IS_JOB (self), -1);
  g_return_val_if_fail (error == NULL || *error == NULL, -1);

  if (!begin_use (self, error))
    return -1;
  fd = find_descriptor (self, handle, error);
  copy = fd >= 0 ? fcntl (fd, F_DUPFD_CLOEXEC, 0) : -1;
  if (fd >= 0 && copy < 0)
    ferry_set_system_error (error, "Copying a task's descriptor (fcntl)");
  end_use (self);
  return copy;
}

/**
 * ferry_job_dup_bytes:
 * @self: a job
 * @handle: the handle that [method@Ferry.Task.add_bytes] returned
 * @error: return location for an error
 *
 * Maps bytes that were added to the task. Their memory is shared with the application, is not copied, and never
 * changes. The bytes stay valid after the function has returned.
 *
 * Fails with %FERRY_ERROR_BAD_ARGUMENTS when the task has no bytes with that handle, or @handle is from
 * [method@Ferry.Task.add_descriptor]. Fails with %FERRY_ERROR_SYSTEM when there is no address space left, and
 * %FERRY_ERROR_STOPPED when the function has returned. Any thread may call this.
 *
 * Returns: (transfer full) (nullable): the bytes, or %NULL with an error
 */
GBytes *
ferry_job_dup_bytes (FerryJob *self, gint handle, GError **error)
{
  GBytes *bytes;
  int fd;

  g_return_val_if_fail (FERRY_IS_JOB (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!begin_use (self, error))
    return NULL;
  fd = find_descriptor (self, handle, error);
  bytes = fd >= 0 ? ferry_sealed_bytes_map (fd, error) : NULL;
  end_use (self);
  return bytes;
}

/* In a use, with the lock. */
static gint
return_descriptor_locked (FerryJob *self, int fd, GError **error)
{
  int socket = get_return_socket (self);
  guint max;

  if (socket < 0)
    {
      ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                       "The task of '%s' takes no descriptors of its function; set FerryTask:max-returned-descriptors, "
                       "and submit the task to a pool",
                       get_function_name (self));
      return -1;
    }
  max = ferry_descriptor_port_read_max (socket, error);
  if (max == 0)
    return -1;
  if (self->n_returned >= max)
    {
      ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                       "The function '%s' has returned %u descriptors, which is the limit of its task; raise "
                       "FerryTask:max-returned-descriptors",
                       get_function_name (self), max);
      return -1;
    }
  return ferry_descriptor_send (socket, fd, "The task is over, and takes no descriptors any more", error)
           ? (gint) self->n_returned++
           : -1;
}

/**
 * ferry_job_return_descriptor:
 * @self: a job
 * @fd: a descriptor, which stays the caller's
 * @error: return location for an error
 *
 * Returns a descriptor to the application, for example of memory, a file or a socket. The application gets the
 * descriptor from [method@Ferry.Task.dup_descriptor] by the handle that this function returns. The function must send
 * the handle afterwards: in its result, a yielded value or a message, by convention as a value of type “h”. Handles
 * count from 0. They have nothing to do with the handles of what the task was given.
 *
 * The application takes as many as [property@Ferry.Task:max-returned-descriptors] says. This function never waits.
 *
 * Fails with %FERRY_ERROR_BAD_ARGUMENTS if the task takes none, as in a map or a cluster. Fails with
 * %FERRY_ERROR_TOO_LARGE if the task takes no more. Fails with %FERRY_ERROR_CLOSED if the task is over, and with
 * %FERRY_ERROR_SYSTEM if the system refuses to send the descriptor. Fails with %FERRY_ERROR_STOPPED if the function has
 * returned. Any thread may call this.
 *
 * Returns: the handle, or -1 with an error
 */
gint
ferry_job_return_descriptor (FerryJob *self, int fd, GError **error)
{
  gint handle;

  g_return_val_if_fail (FERRY_IS_JOB (self), -1);
  g_return_val_if_fail (error == NULL || *error == NULL, -1);

  if (!begin_use (self, error))
    return -1;
  pthread_mutex_lock (&self->lock);
  handle = return_descriptor_locked (self, fd, error);
  pthread_mutex_unlock (&self->lock);
  end_use (self);
  return handle;
}

/**
 * ferry_job_return_file:
 * @self: a job
 * @fd: a descriptor, which stays the caller's, of memory or of a file
 * @type: the type of the value
 * @error: return location for an error
 *
 * Makes a value of what the function has written to memory or a file, for a result that is too large for a message:
 * [property@Ferry.Router:max-message-size] does not count for it. The function returns this value, or sends it with
 * [method@Ferry.Job.send_partial_result], and the application gets a value of @type. It opens and checks the value on a
 * thread, so its main loop goes on meanwhile.
 *
 * The descriptor has the serialised value, as [method@GLib.Variant.get_data] has it, from its beginning to its end, and
 * nobody writes to it any more. Memory of memfd_create() must have the seals `F_SEAL_SHRINK` and `F_SEAL_WRITE`, and is
 * not copied. Any other regular file is taken from a trusted worker only ([property@Ferry.Launcher:trusted]). Numbers
 * and arrays of them, such as `ay` or `(iad)`, are read in the file itself: where somebody still writes to it they
 * change, and where somebody makes it shorter the application gets `SIGBUS`. A value with texts, variants or arrays of
 * arrays, such as `as` or `a{sv}`, is copied into the application's memory first. A file should have no name any more.
 *
 * It is one of the descriptors of [method@Ferry.Job.return_descriptor], and this function fails as that one does. Any
 * thread may call it.
 *
 * Returns: (transfer floating) (nullable): a value that stands for the one in the file, or %NULL with an error
 */
GVariant *
ferry_job_return_file (FerryJob *self, int fd, const GVariantType *type, GError **error)
{
  gint handle;

  g_return_val_if_fail (FERRY_IS_JOB (self), NULL);
  g_return_val_if_fail (type != NULL && g_variant_type_is_definite (type), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  handle = ferry_job_return_descriptor (self, fd, error);
  return handle >= 0 ? ferry_file_value_new (handle, type) : NULL;
}

/**
 * ferry_job_create_buffer:
 * @self: a job
 * @size: the size of the buffer in bytes, at least 1
 * @error: return location for an error
 *
 * Makes a buffer for the function's result, to be filled and then returned with [method@Ferry.Job.return_buffer]. Where
 * the memory of buffers has room, the application gets these bytes without a copy if the worker is trusted
 * ([property@Ferry.Launcher:trusted]), and with one copy if not. This function never waits. Any thread.
 *
 * A result has at most [property@Ferry.Router:max-message-size] bytes, of which a few are for its header. An
 * application that keeps results keeps the buffers' memory.
 *
 * Fails with %FERRY_ERROR_SYSTEM when there is no memory, and with %FERRY_ERROR_STOPPED when the function has returned.
 *
 * Returns: (transfer full) (nullable): a buffer, or %NULL with an error
 */
FerryBuffer *
ferry_job_create_buffer (FerryJob *self, gsize size, GError **error)
{
  FerryBuffer *buffer;

  g_return_val_if_fail (FERRY_IS_JOB (self), NULL);
  g_return_val_if_fail (size > 0, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!begin_use (self, error))
    return NULL;
  buffer = ferry_sender_create_job_buffer (self->calls, size, error);
  end_use (self);
  return buffer;
}

/**
 * ferry_job_return_buffer:
 * @self: a job
 * @buffer: a buffer of [method@Ferry.Job.create_buffer]
 *
 * Makes the bytes of a buffer the function's result, a value of the type `ay`, as soon as the function returns %NULL
 * without an error. Of several buffers the last one counts. The buffer must not be written to afterwards. Any thread
 * may call this until the function returns.
 */
void
ferry_job_return_buffer (FerryJob *self, FerryBuffer *buffer)
{
  g_return_if_fail (FERRY_IS_JOB (self));
  g_return_if_fail (buffer != NULL);
  ferry_return_if_fail (buffer->is_job && buffer->data != NULL,
                        "the buffer is not a job's, or was returned already; make one with ferry_job_create_buffer()");

  FERRY_AUTO_LOCK (&self->lock);
  g_clear_pointer (&self->returned, ferry_buffer_unref);
  self->returned = g_boxed_copy (FERRY_TYPE_BUFFER, buffer);
}

/* Moves the buffer of ferry_job_return_buffer() to the answer, unless the function has given another result. */
static void
take_buffer (FerryJob *self, FerryAnswer *answer)
{
  g_autoptr (FerryBuffer) buffer = NULL;

  pthread_mutex_lock (&self->lock);
  buffer = g_steal_pointer (&self->returned);
  pthread_mutex_unlock (&self->lock);
  if (buffer == NULL || answer->result != NULL || answer->failure != NULL)
    return;
  answer->result = g_variant_ref_sink (
    g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, buffer->data, buffer->message.size, TRUE, NULL, NULL));
  answer->buffer = g_steal_pointer (&buffer);
}

/* In a use, with the lock: returns (transfer none) (nullable) a sender that the function has asked for before. */
static FerrySender *
find_sender_locked (FerryJob *self, gint handle)
{
  for (guint i = 0; self->senders != NULL && i < self->senders->len; i++)
    if (g_array_index (self->senders, JobSender, i).handle == handle)
      return g_array_index (self->senders, JobSender, i).sender;
  return NULL;
}

/* In a use: returns (transfer full) (nullable) a sender. */
static FerrySender *
get_sender_in_use (FerryJob *self, gint handle, GError **error)
{
  int fd = find_descriptor (self, handle, error);
  JobSender found = {handle, NULL};
  FERRY_AUTO_LOCK (&self->lock);

  if (fd < 0)
    return NULL;
  found.sender = find_sender_locked (self, handle);
  if (found.sender != NULL)
    return g_object_ref (found.sender);
  found.sender = ferry_given_sender_open (fd, error);
  if (found.sender == NULL)
    return NULL;
  if (self->senders == NULL)
    self->senders = g_array_new (FALSE, FALSE, sizeof found);
  g_array_append_val (self->senders, found);
  return g_object_ref (found.sender);
}

/**
 * ferry_job_get_sender:
 * @self: a job
 * @handle: the handle that [method@Ferry.Task.add_sender] returned
 * @error: return location for an error
 *
 * Gets a sender that was added to the task. It is not started yet: call [method@Ferry.Sender.start]. Called again, this
 * function returns the same sender. The sender is stopped when the function returns, whoever has references to it.
 *
 * Fails with %FERRY_ERROR_BAD_ARGUMENTS when the task has no sender with that handle. Fails with %FERRY_ERROR_CLOSED
 * when an earlier attempt of the task had the sender, or the task is over. Fails with %FERRY_ERROR_SYSTEM when this
 * process has no memory or descriptors left, and with %FERRY_ERROR_STOPPED when the function has returned. Any thread
 * may call this.
 *
 * Returns: (transfer full): the sender, or %NULL with an error
 */
FerrySender *
ferry_job_get_sender (FerryJob *self, gint handle, GError **error)
{
  FerrySender *sender;

  g_return_val_if_fail (FERRY_IS_JOB (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!begin_use (self, error))
    return NULL;
  sender = get_sender_in_use (self, handle, error);
  end_use (self);
  return sender;
}

/* ---- what ends with the function ---- */

gboolean
ferry_job_add_end (FerryJob *self, FerryJobEndFunc func, gpointer data, GError **error)
{
  const JobEnd end = {func, data};

  if (!begin_use (self, error))
    return FALSE;
  pthread_mutex_lock (&self->lock);
  if (self->ends == NULL)
    self->ends = g_array_new (FALSE, FALSE, sizeof end);
  g_array_append_val (self->ends, end);
  pthread_mutex_unlock (&self->lock);
  end_use (self);
  return TRUE;
}

const char *
ferry_job_make_scratch_folder (FerryJob *self, GError **error)
{
  const char *path = NULL;

  if (!begin_use (self, error))
    return NULL;
  pthread_mutex_lock (&self->lock);
  if (self->scratch == NULL)
    self->scratch = ferry_scratch_folder_new (error);
  if (self->scratch != NULL)
    path = ferry_scratch_folder_get_path (self->scratch);
  pthread_mutex_unlock (&self->lock);
  end_use (self);
  return path;
}

void
ferry_job_remove_scratch_folder (FerryJob *self)
{
  g_autoptr (FerryScratchFolder) scratch = NULL;
  FERRY_AUTO_LOCK (&self->lock);

  scratch = g_steal_pointer (&self->scratch);
}

/* The thread that serves: the function has returned. failure: why it has failed, or NULL. */
static void
end_function (FerryJob *self, GError **failure)
{
  g_autoptr (GArray) ends = NULL;

  pthread_mutex_lock (&self->lock);
  ends = g_steal_pointer (&self->ends);
  pthread_mutex_unlock (&self->lock);
  for (guint i = ends != NULL ? ends->len : 0; i > 0; i--)
    {
      const JobEnd *end = &g_array_index (ends, JobEnd, i - 1);

      end->func (end->data, failure);
    }
  ferry_job_remove_scratch_folder (self);
}

/* ---- progress ---- */

/* In a use: writes a report to the cell, unless the cell has the same bytes. Never waits. */
static gboolean
write_locked (FerryJob *self, const guint8 *bytes, gsize size, GError **error)
{
  g_autoptr (GError) refusal = NULL;
  gboolean written;

  if (size == self->reported_size && memcmp (bytes, self->reported, size) == 0)
    return TRUE;
  written = ferry_sender_send_parts (self->progress, &(FerryPart){bytes, size}, 1, 0, &refusal);
  if (!written && !g_error_matches (refusal, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
    {
      g_propagate_error (error, g_steal_pointer (&refusal));
      return FALSE;
    }
  memmove (self->reported, bytes, size);
  self->reported_size = written ? size : 0;
  return TRUE;
}

/* Counts a step, and sets amount and total of the report. */
static gboolean
step_locked (FerryJob *self, Report *report, GError **error)
{
  const char *name = get_function_name (self);

  if (get_task_kind (self->call) != FERRY_TASK_KIND_STEPS)
    return ferry_set_error (
      error, FERRY_ERROR_BAD_ARGUMENTS,
      "The function '%s' reports steps, and its task is of another kind; submit it with FERRY_TASK_KIND_STEPS", name);
  if (self->n_steps == 0)
    return ferry_set_error (
      error, FERRY_ERROR_BAD_ARGUMENTS,
      "The function '%s' reports a step before it has set the number of steps; call ferry_job_set_n_steps() first",
      name);
  self->n_steps_done = MIN (self->n_steps_done + 1, self->n_steps);
  report->amount = self->n_steps_done;
  report->total = self->n_steps;
  return TRUE;
}

/* In a use: counts the step if it is one, and writes the report to the cell. */
static gboolean
report_locked (FerryJob *self, Report *report, gboolean is_step, GError **error)
{
  guint8 bytes[FERRY_MAX_PROGRESS_SIZE];
  double fraction = -1;
  gsize size;

  if (is_step && !step_locked (self, report, error))
    return FALSE;
  if (report->total > 0)
    {
      report->amount = MIN (report->amount, report->total);
      report->fraction = (double) report->amount / (double) report->total;
    }
  if (report->fraction == FERRY_FRACTION_TAKEN_BACK)
    ferry_progress_parts_take_back (&self->parts);
  if (report->fraction >= 0)
    fraction = ferry_progress_parts_scale (&self->parts, report->fraction);
  /* Each report says it: the application reads only the newest. */
  else if (self->parts.furthest == FERRY_FRACTION_TAKEN_BACK)
    fraction = self->parts.furthest;
  else if (ferry_progress_parts_has_part (&self->parts) && (!self->has_own_part || self->parts.furthest > 0))
    fraction = self->parts.furthest;
  size = ferry_progress_encode (bytes, ferry_call_get_xid (self->call), fraction, report->amount, report->total,
                                report->unit, report->text);
  return write_locked (self, bytes, size, error);
}

void
ferry_job_pass_progress (FerryJob *self, double fraction, guint64 amount, const char *unit, const char *text)
{
  Report report = {.fraction = fraction, .amount = amount, .unit = unit, .text = text};

  if (!begin_use (self, NULL))
    return;
  pthread_mutex_lock (&self->lock);
  report_locked (self, &report, FALSE, NULL);
  pthread_mutex_unlock (&self->lock);
  end_use (self);
}

static gboolean
make_report (FerryJob *self, Report report, gboolean is_step, GError **error)
{
  gboolean reported = FALSE;

  if (!begin_use (self, error))
    return FALSE;
  if (check_cancelled_in_use (self, error))
    {
      pthread_mutex_lock (&self->lock);
      reported = report_locked (self, &report, is_step, error);
      pthread_mutex_unlock (&self->lock);
      /* Afterwards, so that users see in the pause how far it has come. */
      if (reported && G_UNLIKELY (is_paused (self)))
        reported = check_in_use (self, error);
    }
  end_use (self);
  return reported;
}

/**
 * ferry_job_report:
 * @self: a job
 * @fraction: the fraction that is done, from 0 to 1; negative when it is not known; `-INFINITY` to take it back
 * @text: (nullable): what the function does now, for users
 * @error: return location for an error
 *
 * Reports the progress of the job, and then waits while the job is paused, as [method@Ferry.Job.check] does; a handler
 * of [property@Ferry.Job:paused] does not wait. There is no queue: when reports come faster than the application reads
 * them, the application reads only the newest. So a function may report as often as it likes.
 *
 * Between [method@Ferry.Job.begin_part] and [method@Ferry.Job.end_part], @fraction is a fraction of the part. The
 * fraction of the whole job never decreases, and -1 leaves it where it is: a function may report a text alone.
 *
 * Say a function has copied 10 files of 10, and finds that each has another part. Its bar was wrong, and `-INFINITY`
 * takes it back: it pulses until the job ends. That is final for the job, whatever is reported later, so that no bar
 * comes and goes. In a part of less than half of the job it is final for this part only: the bar of the job stands
 * still until the part ends.
 *
 * Fails as [method@Ferry.Job.check] does, so a function that reports needs no other check. Also fails with
 * %FERRY_ERROR_CLOSED when the application does not receive reports any more. Any thread may call this.
 *
 * Returns: %TRUE when the function may continue
 */
gboolean
ferry_job_report (FerryJob *self, double fraction, const char *text, GError **error)
{
  g_return_val_if_fail (FERRY_IS_JOB (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return make_report (self, (Report){.fraction = fraction, .text = text}, FALSE, error);
}

/**
 * ferry_job_report_amount:
 * @self: a job
 * @amount: how much is done, in @unit
 * @total: how much there is to do, in @unit, or 0 when it is not known
 * @unit: (nullable): the unit of @amount and @total, such as `bytes`; only the first 63 bytes of the text are sent
 * @text: (nullable): what the function does now, for users
 * @error: return location for an error
 *
 * Reports the progress of the job as an amount. In all else, it does what [method@Ferry.Job.report] does, and fails as
 * that does. Any thread may call this.
 *
 * Returns: %TRUE when the function may continue
 */
gboolean
ferry_job_report_amount (FerryJob *self, guint64 amount, guint64 total, const char *unit, const char *text,
                         GError **error)
{
  g_return_val_if_fail (FERRY_IS_JOB (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return make_report (self, (Report){.fraction = -1, .amount = amount, .total = total, .unit = unit, .text = text},
                      FALSE, error);
}

/**
 * ferry_job_begin_part:
 * @self: a job
 * @weight: the part's size, from 0 to 1, as a fraction of the part that contains it, or else of the whole job
 *
 * Begins a part of the job. Until [method@Ferry.Job.end_part], reports are reports of this part. A part may contain
 * parts.
 *
 * A part begins at the fraction of the newest report, or of the end of the previous part. A part that is larger than
 * what is left is shortened to what is left. Any thread may call this; all threads share one innermost part.
 */
void
ferry_job_begin_part (FerryJob *self, double weight)
{
  g_return_if_fail (FERRY_IS_JOB (self));
  g_return_if_fail (weight >= 0 && weight <= 1);

  FERRY_AUTO_LOCK (&self->lock);
  ferry_progress_parts_begin (&self->parts, weight);
}

/* Has the application know that the function is one that can be paused, unless it has reported, and so knows already.
 */
static void
report_first (FerryJob *self)
{
  Report report = {.fraction = -1};

  if (!begin_use (self, NULL))
    return;
  pthread_mutex_lock (&self->lock);
  if (self->reported_size == 0)
    report_locked (self, &report, FALSE, NULL);
  pthread_mutex_unlock (&self->lock);
  end_use (self);
}

void
ferry_job_note_programs (FerryJob *self)
{
  if (!begin_use (self, NULL))
    return;
  ferry_call_send_value (self->call, FERRY_RUNS_PROGRAMS, g_variant_new ("()"), NULL);
  end_use (self);
}

gboolean
ferry_job_begin_own_part (FerryJob *self)
{
  gboolean has_part;

  pthread_mutex_lock (&self->lock);
  has_part = ferry_progress_parts_has_part (&self->parts);
  if (!has_part)
    ferry_progress_parts_begin (&self->parts, (1 - self->parts.whole.done) / 2);
  self->has_own_part |= !has_part;
  pthread_mutex_unlock (&self->lock);
  report_first (self);
  return !has_part;
}

/* In a use: writes the newest report again, with the current fraction of the whole job. */
static void
report_part_locked (FerryJob *self)
{
  guint8 bytes[FERRY_MAX_PROGRESS_SIZE];
  gsize size = self->reported_size;
  FerryProgressHeader header;

  if (size == 0)
    size = ferry_progress_encode (bytes, ferry_call_get_xid (self->call), 0, 0, 0, NULL, NULL);
  else
    memcpy (bytes, self->reported, size);
  memcpy (&header, bytes, sizeof header);
  header.fraction = self->parts.furthest;
  memcpy (bytes, &header, sizeof header);
  write_locked (self, bytes, size, NULL);
}

/**
 * ferry_job_end_part:
 * @self: a job
 *
 * Ends the innermost part, which then counts as complete. Any thread may call this.
 */
void
ferry_job_end_part (FerryJob *self)
{
  gboolean in_part;

  g_return_if_fail (FERRY_IS_JOB (self));

  if (!begin_use (self, NULL))
    return;
  pthread_mutex_lock (&self->lock);
  in_part = ferry_progress_parts_end (&self->parts);
  self->has_own_part = self->has_own_part && ferry_progress_parts_has_part (&self->parts);
  if (in_part)
    report_part_locked (self);
  pthread_mutex_unlock (&self->lock);
  end_use (self);
  ferry_return_if_fail (in_part, "no part was begun; call ferry_job_begin_part() first");
}

/**
 * ferry_job_set_n_steps:
 * @self: a job
 * @n_steps: the number of steps
 *
 * Sets how many steps the job has. The function must call this before its first step, and may call it again when the
 * number changes. For tasks of the kind %FERRY_TASK_KIND_STEPS. Any thread may call this.
 */
void
ferry_job_set_n_steps (FerryJob *self, guint n_steps)
{
  g_return_if_fail (FERRY_IS_JOB (self));

  FERRY_AUTO_LOCK (&self->lock);
  self->n_steps = n_steps;
  self->n_steps_done = MIN (self->n_steps_done, n_steps);
}

/**
 * ferry_job_step:
 * @self: a job
 * @text: (nullable): what the step did, for users
 * @error: return location for an error
 *
 * Reports that one more step is done, out of the number that [method@Ferry.Job.set_n_steps] has set. Any thread.
 *
 * Fails as [method@Ferry.Job.report] does. Fails with %FERRY_ERROR_BAD_ARGUMENTS when the task is not of the kind
 * %FERRY_TASK_KIND_STEPS, or the number of steps was not set.
 *
 * Returns: %TRUE when the function may continue
 */
gboolean
ferry_job_step (FerryJob *self, const char *text, GError **error)
{
  g_return_val_if_fail (FERRY_IS_JOB (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return make_report (self, (Report){.unit = "steps", .text = text}, TRUE, error);
}

/* ---- messages and yielded values ---- */

/**
 * ferry_job_send:
 * @self: a job
 * @type: a name for the kind of message: 1 to 255 bytes of UTF-8, the first of which is not a control character
 * @value: the message; a floating reference is sunk
 * @error: return location for an error
 *
 * Sends a message to the task, which emits it as [signal@Ferry.Task::message]. Waits while the lane to the application
 * is full. Any thread may call this.
 *
 * Fails as [method@Ferry.Job.check] does, with %FERRY_ERROR_BAD_ARGUMENTS for a @type that is not allowed,
 * %FERRY_ERROR_TOO_LARGE and %FERRY_ERROR_CLOSED.
 *
 * Returns: %TRUE when the message was written to the lane
 */
gboolean
ferry_job_send (FerryJob *self, const char *type, GVariant *value, GError **error)
{
  g_autoptr (GVariant) owned = NULL;
  gboolean sent;

  g_return_val_if_fail (FERRY_IS_JOB (self), FALSE);
  g_return_val_if_fail (type != NULL, FALSE);
  g_return_val_if_fail (value != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  owned = g_variant_ref_sink (value);
  /* Types that begin with a control character are Ferry's own. ferry_call_send_value() checks the rest of the type. */
  if (type[0] != '\0' && FERRY_MAP_IS_RESERVED_MESSAGE (type))
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "The type of a message begins with a control character; use a type that people can read");
  if (!begin_use (self, error))
    return FALSE;
  sent = check_in_use (self, error) && ferry_call_send_value (self->call, type, owned, error);
  end_use (self);
  return sent;
}

void
ferry_job_pass_message (FerryJob *self, const char *type, GVariant *value)
{
  if (!begin_use (self, NULL))
    return;
  ferry_call_send_value (self->call, type, value, NULL);
  end_use (self);
}

void
ferry_job_pass_unfinished (FerryJob *self, const char *files)
{
  if (!begin_use (self, NULL))
    return;
  ferry_call_send_value (self->call, FERRY_UNFINISHED, g_variant_new_string (files), NULL);
  end_use (self);
}

/**
 * ferry_job_send_partial_result:
 * @self: a job
 * @value: what there is of a result; a floating reference is sunk
 * @error: return location for an error
 *
 * Says what the function has done, although it will fail: the task has it as [property@Ferry.Task:partial-result] if it
 * fails or is cancelled. The last one counts. A function whose job was cancelled, or whose time is over, sends one too.
 * Waits while the lane to the application is full. Any thread may call this.
 *
 * Fails with %FERRY_ERROR_BAD_ARGUMENTS in a map, whose items have no such results. Fails with %FERRY_ERROR_TOO_LARGE,
 * %FERRY_ERROR_CLOSED and %FERRY_ERROR_STOPPED as [method@Ferry.Job.send] does.
 *
 * Returns: %TRUE when it was written to the lane
 */
gboolean
ferry_job_send_partial_result (FerryJob *self, GVariant *value, GError **error)
{
  g_autoptr (GVariant) owned = NULL;
  gboolean sent;

  g_return_val_if_fail (FERRY_IS_JOB (self), FALSE);
  g_return_val_if_fail (value != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  owned = g_variant_ref_sink (value);
  if (g_str_equal (ferry_call_get_method (self->call), FERRY_MAP_FUNCTION))
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "An item of a map has no partial result; call '%s' by a task of its own",
                            get_function_name (self));
  if (!begin_use (self, error))
    return FALSE;
  sent = ferry_call_send_value (self->call, FERRY_PARTIAL_RESULT, owned, error);
  end_use (self);
  return sent;
}

/* Checks that the function may yield, and may do it on this thread. */
static gboolean
may_yield (FerryJob *self, GError **error)
{
  if (!ferry_job_is_serving_thread (self))
    return ferry_set_error (
      error, FERRY_ERROR_WRONG_THREAD,
      "The function '%s' yields on a thread that did not call it; yield on the thread that called it",
      get_function_name (self));
  if (get_task_kind (self->call) == FERRY_TASK_KIND_ITERATION &&
      (ferry_call_get_flags (self->call) & FERRY_CALL_STREAM) != 0)
    return TRUE;
  return ferry_set_error (
    error, FERRY_ERROR_BAD_ARGUMENTS,
    "The function '%s' yields, and its task is not an iteration; submit it with FERRY_TASK_KIND_ITERATION",
    get_function_name (self));
}

/**
 * ferry_job_yield:
 * @self: a job
 * @value: the value; a floating reference is sunk
 * @error: return location for an error
 *
 * Sends the next value of an iteration to its task, which emits the value as [signal@Ferry.Task::yielded]. Waits while
 * the task's window is full ([property@Ferry.Task:window]). A cancel of the job ends the wait. Must be called on the
 * thread that the function was called on.
 *
 * Fails as [method@Ferry.Job.check] does, with %FERRY_ERROR_BAD_ARGUMENTS when the task is not an iteration,
 * %FERRY_ERROR_WRONG_THREAD, %FERRY_ERROR_TOO_LARGE, %FERRY_ERROR_CLOSED and %FERRY_ERROR_PROTOCOL.
 *
 * Returns: %TRUE when the value was sent
 */
gboolean
ferry_job_yield (FerryJob *self, GVariant *value, GError **error)
{
  g_autoptr (GVariant) owned = NULL;

  g_return_val_if_fail (FERRY_IS_JOB (self), FALSE);
  g_return_val_if_fail (value != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  owned = g_variant_ref_sink (value);
  if (!may_yield (self, error) || !begin_use (self, error))
    return FALSE;
  for (;;)
    {
      g_autoptr (GError) refusal = NULL;

      if (!check_in_use (self, error))
        return FALSE;
      if (ferry_call_send_item (self->call, owned, &refusal))
        return TRUE;
      if (!g_error_matches (refusal, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
        {
          g_propagate_error (error, g_steal_pointer (&refusal));
          return FALSE;
        }
      if (!ferry_serve_receive (self->serve, error))
        return FALSE;
    }
}

/* ---- questions ---- */

static gboolean
set_nobody_error (FerryJob *self, GError **error)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
               "Nobody answers what the function '%s' asks; set FerryTask:interactive, and submit the task to a pool",
               get_function_name (self));
  return FALSE;
}

/**
 * ferry_job_ask:
 * @self: a job
 * @question: (nullable): what the user is asked; %NULL when the question is over without an answer
 * @error: return location for an error
 *
 * Asks the user of the application: its task emits [signal@Ferry.Task::asks]. This function does not wait.
 * [method@Ferry.Job.dup_answers] has the descriptor that the answer comes from. Waits only while the lane to the
 * application is full, and also goes on while the job is paused. Any thread may call this.
 *
 * Fails with %G_IO_ERROR_NOT_SUPPORTED if the task is not [property@Ferry.Task:interactive], with
 * %FERRY_ERROR_TOO_LARGE and with %FERRY_ERROR_CLOSED. Fails with %FERRY_ERROR_STOPPED when the function has returned.
 *
 * Returns: %TRUE when the application was asked
 */
gboolean
ferry_job_ask (FerryJob *self, const char *question, GError **error)
{
  g_autoptr (GVariant) value = NULL;
  gboolean asked;

  g_return_val_if_fail (FERRY_IS_JOB (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  value = g_variant_ref_sink (g_variant_new_string (question != NULL ? question : ""));
  if (!begin_use (self, error))
    return FALSE;
  asked = get_answer_socket (self) >= 0 ? ferry_call_send_value (self->call, FERRY_QUESTION, value, error)
                                        : set_nobody_error (self, error);
  end_use (self);
  return asked;
}

/**
 * ferry_job_dup_answers:
 * @self: a job
 * @error: return location for an error
 *
 * Copies the descriptor from which the answers of the application come ([method@Ferry.Task.answer]): a socket, from
 * which each read gets one answer, of at most 4,096 bytes. 0 bytes are the end of the input: no more answers come. All
 * copies are one socket. An answer may be a password: overwrite it once it was used. The caller must close the copy.
 * Any thread may call this.
 *
 * Fails with %G_IO_ERROR_NOT_SUPPORTED if the task is not [property@Ferry.Task:interactive], and as
 * [method@Ferry.Job.dup_descriptor] does.
 *
 * Returns: a descriptor, or -1 with an error
 */
int
ferry_job_dup_answers (FerryJob *self, GError **error)
{
  int copy = -1;
  int socket;

  g_return_val_if_fail (FERRY_IS_JOB (self), -1);
  g_return_val_if_fail (error == NULL || *error == NULL, -1);

  if (!begin_use (self, error))
    return -1;
  socket = get_answer_socket (self);
  if (socket < 0)
    set_nobody_error (self, error);
  else if ((copy = fcntl (socket, F_DUPFD_CLOEXEC, 0)) < 0)
    ferry_set_system_error (error, "Copying the socket of answers (fcntl)");
  end_use (self);
  return copy;
}

/* ---- errors and their traces ---- */

/**
 * ferry_job_set_error:
 * @self: a job
 * @error: (nullable): return location for the error
 * @domain: the error's domain
 * @code: the error's code
 * @format: a format of printf()
 * @...: the arguments of the format
 *
 * Sets an error as g_set_error() does, and stores a backtrace with it. When the function fails with this error, the
 * application gets the backtrace as the error's trace ([func@Ferry.Error.get_trace]). Any thread may call this.
 */
void
ferry_job_set_error (FerryJob *self, GError **error, GQuark domain, int code, const char *format, ...)
{
  g_autofree char *backtrace = NULL;
  g_autofree char *place = NULL;
  g_autofree char *trace = NULL;
  va_list arguments;

  g_return_if_fail (FERRY_IS_JOB (self));
  g_return_if_fail (error == NULL || *error == NULL);
  g_return_if_fail (format != NULL);

  if (error == NULL)
    return;
  va_start (arguments, format);
  *error = g_error_new_valist (domain, code, format, arguments);
  va_end (arguments);
  /* The backtrace leaves out the line of ferry_job_set_error() itself. */
  backtrace = ferry_trace_new_backtrace (1);
  place = add_place (self, NULL);
  trace = g_strconcat (place, backtrace, NULL);
  ferry_error_set_trace (*error, trace);
}

/**
 * ferry_job_fail:
 * @self: a job
 * @error: the error
 * @trace: (nullable): where the error was raised, a line for each place; %NULL for a backtrace of the C functions
 *
 * Has the function fail with an error and a trace, such as that of an exception, as soon as it returns. What it returns
 * is dropped. The application finds the trace with [func@Ferry.Error.get_trace]. If the function sets an error itself,
 * or this is called again, the first error counts. Any thread may call this until the function returns.
 */
void
ferry_job_fail (FerryJob *self, const GError *error, const char *trace)
{
  g_autofree char *place = NULL;
  g_autofree char *backtrace = NULL;
  g_autofree char *whole = NULL;

  g_return_if_fail (FERRY_IS_JOB (self));
  g_return_if_fail (error != NULL);

  place = add_place (self, NULL);
  if (trace == NULL)
    backtrace = ferry_trace_new_backtrace (1);
  whole = g_strconcat (place, trace != NULL ? trace : backtrace, NULL);
  FERRY_AUTO_LOCK (&self->lock);
  if (self->failure == NULL)
    self->failure = ferry_error_copy_with_trace (error, whole);
}

/* Moves the error of ferry_job_fail() to failure, unless the function has set one. Returns whether it did. */
static gboolean
take_failure (FerryJob *self, GError **failure)
{
  FERRY_AUTO_LOCK (&self->lock);
  gboolean is_wanted = self->failure != NULL && *failure == NULL;

  if (is_wanted)
    *failure = g_steal_pointer (&self->failure);
  g_clear_error (&self->failure);
  return is_wanted;
}

/* Returns (transfer full) a trace for the error that the function failed with. It is the trace that
 * ferry_job_set_error() stored, or else the trace that came with the error from another process, and a line for this
 * function. */
static char *
make_trace (FerryJob *self, const GError *error)
{
  g_autofree char *inner = ferry_error_dup_trace (error, self->begun);
  g_autofree char *place = add_place (self, NULL);

  /* A trace of ferry_job_set_error() has the line of this function already. */
  if (inner != NULL && g_str_has_prefix (inner, place))
    return g_steal_pointer (&inner);
  return add_place (self, inner);
}

/* ---- the answer ---- */

void
ferry_answer_clear (FerryAnswer *self)
{
  g_clear_pointer (&self->result, g_variant_unref);
  g_clear_pointer (&self->buffer, ferry_buffer_unref);
  g_clear_error (&self->failure);
  g_clear_pointer (&self->trace, g_free);
}

gboolean
ferry_answer_set_unknown (GError **error, const char *name)
{
  return ferry_set_error (
    error, FERRY_ERROR_UNKNOWN_FUNCTION,
    "The program of worker '%s' has no function '%s'; register it in the program, before that serves calls",
    program_invocation_short_name, name);
}

static gboolean
check_descriptors (FerryCall *call, GError **error)
{
  const FdBatch *batch = ferry_call_get_attached (call);

  if (batch == NULL || !batch->is_short)
    return TRUE;
  return ferry_set_error (
    error, FERRY_ERROR_SYSTEM,
    "The worker received only %u of the descriptors that were sent with '%s'; raise its limit of open files, "
    "or close some files",
    batch->descriptors->len, ferry_call_get_method (call));
}

gboolean
ferry_answer_begin (FerryAnswer *self, FerryCall *call, const FerryFunctionEntry *function)
{
  const char *name = ferry_call_get_method (call);
  guint cancelled = ferry_call_get_cancelled (call);

  self->begun_at = g_get_monotonic_time ();
  /* The other end judges the deadline, and cancels: this process may have been stopped together with it. */
  if (cancelled == FERRY_CANCEL_REASON_DEADLINE)
    ferry_set_error (&self->failure, FERRY_ERROR_TIMED_OUT,
                     "The deadline of the call passed before its function began; give it more time");
  else if (cancelled != 0)
    g_set_error_literal (&self->failure, G_IO_ERROR, G_IO_ERROR_CANCELLED,
                         "The call was cancelled before its function began");
  else if (function == NULL)
    ferry_answer_set_unknown (&self->failure, name);
  else
    return ferry_function_check_arguments (function, ferry_call_get_arguments (call), &self->failure) &&
           check_descriptors (call, &self->failure);
  return FALSE;
}

void
ferry_answer_run (FerryAnswer *self, FerryJob *job, const FerryFunctionEntry *function, GVariant *arguments)
{
  const char *outer = get_function_name (job);
  gboolean job_failed;
  GVariant *result;

  atomic_store_explicit (&job->function_name, function->name, memory_order_relaxed);
  job->begun = ferry_trace_get_moment ();
  result = ferry_function_run (function, job, arguments, &self->failure);
  job_failed = take_failure (job, &self->failure);
  self->result = result != NULL ? g_variant_take_ref (result) : NULL;
  take_buffer (job, self);
  if (self->failure != NULL && result != NULL && !job_failed)
    {
      self->note = "The function also returned a value, which was dropped";
      g_warning ("Function '%s' set an error and returned a value; the value was dropped: %s", function->name,
                 self->failure->message);
    }
  /* The application checks what is in a file. */
  if (self->failure == NULL && !ferry_file_value_is (self->result))
    ferry_function_check_result (function, self->result, &self->failure);
  end_function (job, &self->failure);
  if (self->failure != NULL)
    self->trace = make_trace (job, self->failure);
  atomic_store_explicit (&job->function_name, outer, memory_order_relaxed);
}

/* Whether the refusal of a message means that no answer can be sent any more. Moves the refusal to error then. */
static gboolean
is_closed (GError **refusal, GError **error)
{
  if (!g_error_matches (*refusal, FERRY_ERROR, FERRY_ERROR_CLOSED) &&
      !g_error_matches (*refusal, FERRY_ERROR, FERRY_ERROR_STOPPED))
    return FALSE;
  g_propagate_error (error, g_steal_pointer (refusal));
  return TRUE;
}

/* Sends a failure that is too large: with a shortened message, and without its trace. */
static gboolean
send_short_failure (FerryAnswer *self, FerryCall *call, const FerryAnswerSendFuncs *funcs, GError **error)
{
  const char *const notes[] = {"The error was too large to be sent as a whole", NULL};
  const GError *failure = self->failure;
  g_autofree char *start = g_utf8_make_valid (failure->message, (gssize) strnlen (failure->message, SHORT_MESSAGE));
  g_autoptr (GError) shortened = g_error_new (failure->domain, failure->code, "%s...", start);
  g_autoptr (GError) refusal = NULL;

  if (funcs->send_failure (call, shortened, NULL, notes, &refusal))
    return TRUE;
  if (is_closed (&refusal, error))
    return FALSE;
  g_warning ("The failure of call %" G_GUINT64_FORMAT " of '%s' cannot be sent: %s", ferry_call_get_xid (call),
             ferry_name_in_words (ferry_call_get_method (call)), refusal->message);
  g_propagate_error (error, g_steal_pointer (&refusal));
  return FALSE;
}

gboolean
ferry_answer_send (FerryAnswer *self, FerryCall *call, const FerryAnswerSendFuncs *funcs, const char *function,
                   GError **error)
{
  const char *const notes[] = {self->note, NULL};
  g_autoptr (GError) refusal = NULL;

  if (self->failure == NULL)
    {
      if (funcs->send_result (call, self->result, &self->failure))
        return TRUE;
      if (is_closed (&self->failure, error))
        return FALSE;
      g_prefix_error (&self->failure, "The result of function '%s' cannot be sent: ", function);
    }
  if (funcs->send_failure (call, self->failure, self->trace, notes, &refusal))
    return TRUE;
  return !is_closed (&refusal, error) && send_short_failure (self, call, funcs, error);
}
