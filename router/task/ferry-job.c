/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* One run of a function in a worker: what it was given, whether it is to stop, what it says on its way.
 *
 * Whoever runs it is known to it by FerryJobDriver alone. How far it is as a whole, when it is done in parts, is a
 * thing of its own (ferry-progress-parts.c), and so are the descriptors that came with its call (ferry-job-handles.c).
 *
 * Owner:   counted references: the thread that serves, and whoever the function gave one to.
 * Threads: created and finished by the thread that serves; a function may use it from any thread while it runs. Other
 *          threads hold uses for reading while they are at what the job only borrows, and finishing takes it for
 *          writing: so what a function left behind finds the job finished, and never what is gone. */

#include "config.h"

#include "task/ferry-job-private.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "call/ferry-remote-error-private.h"
#include "lane/ferry-one-shot-private.h"
#include "task/ferry-job-handles-private.h"
#include "task/ferry-map-function-private.h"
#include "task/ferry-progress-parts-private.h"
#include "task/ferry-progress-private.h"

/* How many errors of ferry_job_set_error() keep their traces: the latest, as one of them is what the job ends with. */
#define MAX_TRACES 8

struct _FerryJob
{
  GObject parent_instance;

  /* const: (unowned): used until the job is finished, and then no more, as the next two */
  const FerryJobDriver *driver;
  gpointer serve;
  FerryDownlink *downlink;
  FerryCall *call;    /* const: (owned) */
  FerryTaskKind kind; /* const */
  /* any: the call's, or in a map that of the function over the items; it stays where it is as long as the job */
  const char *_Atomic function_name;
  pthread_t thread; /* const: the one that serves */
  guint64 begun;    /* the thread that serves: ferry_trace_get_moment() when the function was called */

  pthread_rwlock_t uses;
  gboolean finished; /* uses; its writer, the thread that serves, reads it without */

  _Atomic guint cancelled; /* any: 0, or why: a FerryCancelReason, or FERRY_CANCEL_REASON_CLOSED */

  pthread_mutex_t lock;
  GCancellable *cancellable; /* lock: (owned) (nullable) */
  GPtrArray *traces;         /* lock: (owned) (nullable): see ferry_job_set_error() */
  FerryProgressParts parts;  /* lock, as what follows */
  guint n_steps;
  guint n_steps_done;
  gsize reported_size; /* of what was written to the cell last; 0: nothing */
  guint8 reported[FERRY_MAX_PROGRESS_SIZE];
};

typedef struct
{
  GError *error; /* (owned) */
  char *text;    /* (owned) */
} Trace;

/* What a job reports, before it is scaled. */
typedef struct
{
  double fraction; /* negative: not known */
  guint64 amount;
  guint64 total;
  const char *unit; /* (nullable) */
  const char *text; /* (nullable) */
} Report;

/**
 * FerryJob:
 *
 * One run of a function in a worker: where it reports how far it is, gives values on its way, and sees that it is to
 * stop.
 *
 * A [callback@Ferry.Function] gets its job as an argument, and uses it from any of its threads until it returns.
 * Whatever is left behind and uses the job after that gets %FERRY_ERROR_STOPPED.
 *
 * Nobody stops a function from outside: it looks with [method@Ferry.Job.is_cancelled], [method@Ferry.Job.check], or by
 * any of the other methods, all of which fail once the job is cancelled. What blocks in GIO is given
 * [method@Ferry.Job.get_cancellable]. A function that looks at neither is cancelled by ending its worker.
 *
 * Since: 0.1
 */
G_DEFINE_FINAL_TYPE (FerryJob, ferry_job, G_TYPE_OBJECT)

static void
trace_free (gpointer data)
{
  Trace *trace = data;

  g_error_free (trace->error);
  g_free (trace->text);
  g_free (trace);
}

static void
ferry_job_finalize (GObject *object)
{
  FerryJob *self = FERRY_JOB (object);

  ferry_take_over (self);
  ferry_progress_parts_clear (&self->parts);
  g_clear_pointer (&self->traces, g_ptr_array_unref);
  g_clear_object (&self->cancellable);
  ferry_call_unref (self->call);
  pthread_mutex_destroy (&self->lock);
  pthread_rwlock_destroy (&self->uses);

  G_OBJECT_CLASS (ferry_job_parent_class)->finalize (object);
}

static void
ferry_job_class_init (FerryJobClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ferry_job_finalize;
}

static void
ferry_job_init (FerryJob *self)
{
  pthread_rwlock_init (&self->uses, NULL);
  pthread_mutex_init (&self->lock, NULL);
  ferry_progress_parts_init (&self->parts);
}

FerryTaskKind
ferry_call_get_task_kind (FerryCall *call)
{
  return (FerryTaskKind) ((guint) ferry_call_get_flags (call) >> FERRY_CALL_KIND_SHIFT);
}

/* The thread that serves. */
FerryJob *
ferry_job_new (const FerryJobDriver *driver, gpointer serve, FerryDownlink *downlink, FerryCall *call)
{
  FerryJob *self = g_object_new (FERRY_TYPE_JOB, NULL);

  self->driver = driver;
  self->serve = serve;
  self->downlink = downlink;
  self->call = ferry_call_ref (call);
  atomic_init (&self->function_name, ferry_call_get_method (call));
  self->kind = ferry_call_get_task_kind (call);
  self->thread = pthread_self ();
  self->begun = ferry_trace_get_moment ();
  return self;
}

void
ferry_job_begin_function (FerryJob *self)
{
  self->begun = ferry_trace_get_moment ();
  pthread_mutex_lock (&self->lock);
  g_clear_pointer (&self->traces, g_ptr_array_unref);
  pthread_mutex_unlock (&self->lock);
}

void
ferry_job_set_function_name (FerryJob *self, const char *name)
{
  atomic_store_explicit (&self->function_name, name, memory_order_relaxed);
}

void
ferry_job_take_time (FerryJob *self)
{
  self->driver->take_time (self->serve);
}

void
ferry_job_hurry (FerryJob *self)
{
  self->driver->hurry (self->serve);
}

/* The thread that serves: waits for what other threads are in the middle of. */
void
ferry_job_finish (FerryJob *self)
{
  pthread_rwlock_wrlock (&self->uses);
  self->finished = TRUE;
  pthread_rwlock_unlock (&self->uses);
  ferry_call_drop_descriptors (self->call);
}

/* ---- uses ---- */

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

/* any: brackets a use of what the job borrows. Returns FALSE with an error, and nothing to end, when the job is
 * finished. */
static gboolean
begin_use (FerryJob *self, GError **error)
{
  if (G_UNLIKELY (!ferry_job_is_serving_thread (self)))
    pthread_rwlock_rdlock (&self->uses);
  if (G_LIKELY (!self->finished))
    return TRUE;
  end_use (self);
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_STOPPED,
               "The function “%s” has returned, and its job is over; end its threads before it returns",
               ferry_job_get_function_name (self));
  return FALSE;
}

/* ---- whether it is to stop ---- */

/* any */
void
ferry_job_cancel (FerryJob *self, guint reason)
{
  g_autoptr (GCancellable) cancellable = NULL;
  guint none = 0;

  /* Release: pairs with is_cancelled_in_use(): who stops for it sees what its asker did before. */
  if (!atomic_compare_exchange_strong_explicit (&self->cancelled, &none, reason, memory_order_release,
                                                memory_order_relaxed))
    return;
  pthread_mutex_lock (&self->lock);
  g_set_object (&cancellable, self->cancellable);
  pthread_mutex_unlock (&self->lock);
  if (cancellable != NULL)
    g_cancellable_cancel (cancellable);
}

static guint
get_cancelled (FerryJob *self)
{
  /* Acquire: pairs with ferry_job_cancel(). */
  return atomic_load_explicit (&self->cancelled, memory_order_acquire);
}

/* any: whether something may have come that concerns a job. By loads only. */
static gboolean
has_news (FerryJob *self)
{
  return ferry_downlink_has_cancel (self->downlink) || ferry_downlink_is_closed (self->downlink);
}

static gboolean
is_cancelled_in_use (FerryJob *self)
{
  if (G_UNLIKELY (get_cancelled (self) != 0))
    return TRUE;
  if (G_LIKELY (!has_news (self)))
    return FALSE;
  self->driver->take_cancels (self->serve);
  return get_cancelled (self) != 0;
}

/* In a use: ferry_job_check(). */
static gboolean
check_in_use (FerryJob *self, GError **error)
{
  if (G_LIKELY (!is_cancelled_in_use (self)))
    return TRUE;
  switch (get_cancelled (self))
    {
    case FERRY_CANCEL_REASON_DEADLINE:
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT, "The job's time is over");
      break;
    case FERRY_CANCEL_REASON_CLOSED:
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_CLOSED, "The application gave up the link");
      break;
    default:
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "The job was cancelled");
      break;
    }
  return FALSE;
}

/**
 * ferry_job_is_cancelled:
 * @self: a job
 *
 * Whether the function is to stop: somebody cancelled its task, its time is over, or the application gave up on this
 * worker. Costs a few loads from memory and no system call, so it may be asked in an inner loop. It stays %TRUE, and is
 * so after the function returned.
 *
 * Any thread may call this.
 *
 * Returns: whether the function is to stop
 *
 * Since: 0.1
 */
gboolean
ferry_job_is_cancelled (FerryJob *self)
{
  gboolean cancelled;

  g_return_val_if_fail (FERRY_IS_JOB (self), TRUE);

  /* The usual case, and the quickest. */
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
 * As [method@Ferry.Job.is_cancelled], with an error that the function can return as it is. Any thread may call this.
 *
 * Fails with %G_IO_ERROR_CANCELLED when the job was cancelled, %FERRY_ERROR_TIMED_OUT when its time is over,
 * %FERRY_ERROR_CLOSED when the application gave up on this worker, and %FERRY_ERROR_STOPPED when the function has
 * returned.
 *
 * Returns: %TRUE when the function may go on
 *
 * Since: 0.1
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

/**
 * ferry_job_get_cancellable:
 * @self: a job
 *
 * A cancellable for what the function calls: it is cancelled when the job is, and when the job's deadline passes. The
 * first call in a worker starts a thread, which sleeps until there is something to cancel, and which is also where the
 * callbacks of the cancellable may be called. Where the system has no thread to give, the cancellable is cancelled by
 * [method@Ferry.Job.check] alone, until another call of this has started the thread.
 *
 * Any thread may call this. After the function returned, an unused one comes back cancelled.
 *
 * Returns: (transfer none): the job's cancellable
 *
 * Since: 0.1
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
      self->driver->watch (self->serve);
      running = !is_cancelled_in_use (self);
      end_use (self);
    }
  /* Whoever cancels sets the word first and looks for the cancellable then; here it is the other way round. */
  if (!running)
    g_cancellable_cancel (self->cancellable);
  return self->cancellable;
}

/* ---- what it was given ---- */

FerryCall *
ferry_job_get_call (FerryJob *self)
{
  return self->call;
}

/**
 * ferry_job_get_function_name:
 * @self: a job
 *
 * The name of the function that the job runs. Any thread may call this, also after the function returned.
 *
 * Returns: (transfer none): the name
 *
 * Since: 0.1
 */
const char *
ferry_job_get_function_name (FerryJob *self)
{
  g_return_val_if_fail (FERRY_IS_JOB (self), NULL);

  /* Relaxed: the name was there before the job, or before the function that it is the name of was begun. */
  return atomic_load_explicit (&self->function_name, memory_order_relaxed);
}

/**
 * ferry_job_get_deadline:
 * @self: a job
 *
 * When the job's time is over. Whoever asked then cancels it, and [method@Ferry.Job.check] says so. Any thread may call
 * this, also after the function returned.
 *
 * Returns: the deadline, in microseconds of g_get_monotonic_time(), or 0 for none
 *
 * Since: 0.1
 */
gint64
ferry_job_get_deadline (FerryJob *self)
{
  g_return_val_if_fail (FERRY_IS_JOB (self), 0);

  return ferry_call_get_deadline (self->call);
}

/* In a use. Returns -1 with an error. */
static int
find_descriptor (FerryJob *self, gint handle, GError **error)
{
  return ferry_call_find_descriptor (self->call, handle, ferry_job_get_function_name (self), error);
}

/**
 * ferry_job_dup_descriptor:
 * @self: a job
 * @handle: what [method@Ferry.Task.add_descriptor] or [method@Ferry.Task.add_bytes] returned, as the arguments say it
 * @error: return location for an error
 *
 * Gets a descriptor that the task was given. It is a copy, which the caller closes, and which stays open when the
 * function returns; programs that the worker executes do not inherit it.
 *
 * The position in a file is one for all copies, also those of the application and of other attempts, and may be
 * anywhere: who does not want that reads with `pread()`, or sets it first.
 *
 * Fails with %FERRY_ERROR_BAD_ARGUMENTS when the task was given no such thing, %FERRY_ERROR_SYSTEM when this process
 * has too many files open, and %FERRY_ERROR_STOPPED when the function has returned. Any thread may call this.
 *
 * Returns: a descriptor, or -1 with an error
 *
 * Since: 0.1
 */
int
ferry_job_dup_descriptor (FerryJob *self, gint handle, GError **error)
{
  int copy = -1;
  int fd;

  g_return_val_if_fail (FERRY_IS_JOB (self), -1);
  g_return_val_if_fail (error == NULL || *error == NULL, -1);

  if (!begin_use (self, error))
    return -1;
  fd = find_descriptor (self, handle, error);
  if (fd >= 0)
    copy = fcntl (fd, F_DUPFD_CLOEXEC, 0);
  if (fd >= 0 && copy < 0)
    ferry_set_system_error (error, "Copying a task's descriptor (fcntl)");
  end_use (self);
  return copy;
}

/**
 * ferry_job_dup_bytes:
 * @self: a job
 * @handle: what [method@Ferry.Task.add_bytes] returned, as the arguments say it
 * @error: return location for an error
 *
 * Gets bytes that the task was given. They lie in memory that the application filled and nobody can change, which is
 * mapped and not copied; they may be kept for as long as one likes, also after the function returned.
 *
 * Fails with %FERRY_ERROR_BAD_ARGUMENTS when the task was given no such thing, or a descriptor; %FERRY_ERROR_SYSTEM
 * when there is no address space for them, and %FERRY_ERROR_STOPPED when the function has returned. Any thread may call
 * this.
 *
 * Returns: (transfer full) (nullable): the bytes, or %NULL with an error
 *
 * Since: 0.1
 */
GBytes *
ferry_job_dup_bytes (FerryJob *self, gint handle, GError **error)
{
  GBytes *bytes = NULL;
  int fd;

  g_return_val_if_fail (FERRY_IS_JOB (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!begin_use (self, error))
    return NULL;
  fd = find_descriptor (self, handle, error);
  if (fd >= 0)
    bytes = ferry_one_shot_map_bytes (fd, error);
  end_use (self);
  return bytes;
}

/* What a job says of how far it is. */

/* With the lock and in a use: writes bytes to the cell, unless they are there already. */
static gboolean
write_locked (FerryJob *self, const guint8 *bytes, gsize size, GError **error)
{
  gboolean written = FALSE;

  if (size == self->reported_size && memcmp (bytes, self->reported, size) == 0)
    return TRUE;
  if (!self->driver->report (self->serve, bytes, size, &written, error))
    return FALSE;
  memmove (self->reported, bytes, size);
  self->reported_size = written ? size : 0;
  return TRUE;
}

/* How far the whole is, or -1. */
static double
scale_locked (FerryJob *self, double fraction)
{
  if (fraction >= 0)
    return ferry_progress_parts_scale (&self->parts, fraction);
  /* A part of which nothing is known stands where it is, in a whole of which something is. */
  return ferry_progress_parts_has_part (&self->parts) ? ferry_progress_parts_get_furthest (&self->parts) : -1;
}

static gboolean
report_locked (FerryJob *self, const Report *report, GError **error)
{
  guint8 bytes[FERRY_MAX_PROGRESS_SIZE];
  gsize size = ferry_progress_encode (bytes, ferry_call_get_xid (self->call), scale_locked (self, report->fraction),
                                      report->amount, report->total, report->unit, report->text);

  return write_locked (self, bytes, size, error);
}

static gboolean
report_once (FerryJob *self, const Report *report, GError **error)
{
  gboolean reported = FALSE;

  if (!begin_use (self, error))
    return FALSE;
  if (check_in_use (self, error))
    {
      pthread_mutex_lock (&self->lock);
      reported = report_locked (self, report, error);
      pthread_mutex_unlock (&self->lock);
    }
  end_use (self);
  return reported;
}

/**
 * ferry_job_report:
 * @self: a job
 * @fraction: how much is done, from 0 to 1; a negative number when nobody knows
 * @text: (nullable): what is being done, for people
 * @error: return location for an error
 *
 * Reports how far the job is. Never waits, and never fills anything up: of reports that come faster than the
 * application looks, it sees the latest. So report as often as there is something to say.
 *
 * Between [method@Ferry.Job.begin_part] and [method@Ferry.Job.end_part], @fraction is of the part. The whole never goes
 * back, whatever is reported.
 *
 * Any thread may call this.
 *
 * Fails as [method@Ferry.Job.check] does, so a function that reports need not look elsewhere, and with
 * %FERRY_ERROR_CLOSED when nobody listens any more.
 *
 * Returns: %TRUE when the function may go on
 *
 * Since: 0.1
 */
gboolean
ferry_job_report (FerryJob *self, double fraction, const char *text, GError **error)
{
  const Report report = {.fraction = fraction, .text = text};

  g_return_val_if_fail (FERRY_IS_JOB (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return report_once (self, &report, error);
}

/**
 * ferry_job_report_amount:
 * @self: a job
 * @amount: how much is done
 * @total: how much there is to do, or 0 when nobody knows
 * @unit: (nullable): what is counted, such as `bytes`; up to 63 bytes of it are shown
 * @text: (nullable): what is being done, for people
 * @error: return location for an error
 *
 * Reports how far the job is, as an amount. Otherwise as [method@Ferry.Job.report]. Any thread may call this.
 *
 * Fails as [method@Ferry.Job.check] does, and with %FERRY_ERROR_CLOSED when nobody listens any more.
 *
 * Returns: %TRUE when the function may go on
 *
 * Since: 0.1
 */
gboolean
ferry_job_report_amount (FerryJob *self, guint64 amount, guint64 total, const char *unit, const char *text,
                         GError **error)
{
  Report report = {.fraction = -1, .amount = amount, .total = total, .unit = unit, .text = text};

  g_return_val_if_fail (FERRY_IS_JOB (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (total > 0)
    {
      report.amount = MIN (amount, total);
      report.fraction = (double) report.amount / (double) total;
    }
  return report_once (self, &report, error);
}

/**
 * ferry_job_begin_part:
 * @self: a job
 * @weight: how much of the whole the part is, from 0 to 1; within another part, how much of that one
 *
 * Begins a part of the job. What is reported until [method@Ferry.Job.end_part] is of the part, and counts as much as
 * the part does. Parts may have parts. They lie one behind the other, behind what was reported before, and a part that
 * is larger than what is left gets what is left.
 *
 * Any thread may call this; a job has one innermost part at a time, whichever thread began it.
 *
 * Since: 0.1
 */
void
ferry_job_begin_part (FerryJob *self, double weight)
{
  g_return_if_fail (FERRY_IS_JOB (self));
  g_return_if_fail (weight >= 0 && weight <= 1);

  pthread_mutex_lock (&self->lock);
  ferry_progress_parts_begin (&self->parts, weight);
  pthread_mutex_unlock (&self->lock);
}

/* With the lock and in a use: writes the latest report again, with the whole's fraction as it is now. */
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
  header.fraction = ferry_progress_parts_get_furthest (&self->parts);
  memcpy (bytes, &header, sizeof header);
  write_locked (self, bytes, size, NULL);
}

/**
 * ferry_job_end_part:
 * @self: a job
 *
 * Ends the innermost part, which is then complete, however far it was reported to be. Any thread may call this.
 *
 * Since: 0.1
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
  if (in_part)
    report_part_locked (self);
  pthread_mutex_unlock (&self->lock);
  end_use (self);
  ferry_return_if_fail (in_part, "no part was begun; call ferry_job_begin_part() before");
}

/**
 * ferry_job_set_n_steps:
 * @self: a job
 * @n_steps: how many steps there will be
 *
 * Says how many steps the job has, before the first, or when the number changes. For tasks of the kind
 * %FERRY_TASK_KIND_STEPS. Any thread may call this.
 *
 * Since: 0.1
 */
void
ferry_job_set_n_steps (FerryJob *self, guint n_steps)
{
  g_return_if_fail (FERRY_IS_JOB (self));

  pthread_mutex_lock (&self->lock);
  self->n_steps = n_steps;
  self->n_steps_done = MIN (self->n_steps_done, n_steps);
  pthread_mutex_unlock (&self->lock);
}

static gboolean
may_step (FerryJob *self, GError **error)
{
  if (self->kind == FERRY_TASK_KIND_STEPS)
    return TRUE;
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
               "The function “%s” goes in steps, and its task does not; submit it with FERRY_TASK_KIND_STEPS",
               ferry_job_get_function_name (self));
  return FALSE;
}

static gboolean
step_locked (FerryJob *self, const char *text, GError **error)
{
  Report report = {.unit = "steps", .text = text};

  if (self->n_steps == 0)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                   "The function “%s” goes in steps and did not say how many; call ferry_job_set_n_steps() first",
                   ferry_job_get_function_name (self));
      return FALSE;
    }
  self->n_steps_done = MIN (self->n_steps_done + 1, self->n_steps);
  report.amount = self->n_steps_done;
  report.total = self->n_steps;
  report.fraction = (double) report.amount / (double) report.total;
  return report_locked (self, &report, error);
}

/**
 * ferry_job_step:
 * @self: a job
 * @text: (nullable): what was done, for people
 * @error: return location for an error
 *
 * Reports that one more step is done, of as many as [method@Ferry.Job.set_n_steps] said. Any thread may call this.
 *
 * Fails as [method@Ferry.Job.report] does, and with %FERRY_ERROR_BAD_ARGUMENTS when the task is not of the kind
 * %FERRY_TASK_KIND_STEPS, or the number of steps was not said.
 *
 * Returns: %TRUE when the function may go on
 *
 * Since: 0.1
 */
gboolean
ferry_job_step (FerryJob *self, const char *text, GError **error)
{
  gboolean stepped = FALSE;

  g_return_val_if_fail (FERRY_IS_JOB (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!may_step (self, error) || !begin_use (self, error))
    return FALSE;
  if (check_in_use (self, error))
    {
      pthread_mutex_lock (&self->lock);
      stepped = step_locked (self, text, error);
      pthread_mutex_unlock (&self->lock);
    }
  end_use (self);
  return stepped;
}

/* ---- values on its way ---- */

/* What begins with a control character is Ferry's own. Whatever else is wrong with a type shows when it is sent. */
static gboolean
may_have_type (const char *type, GError **error)
{
  if (type[0] == '\0' || !FERRY_MAP_IS_RESERVED_MESSAGE (type))
    return TRUE;
  g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                       "The type of a message begins with a control character; give it a name that people can read");
  return FALSE;
}

/**
 * ferry_job_send:
 * @self: a job
 * @type: what kind of message this is, a name between the function and its task: 1 to 255 bytes of UTF-8, the first of
 *   which is no control character
 * @value: the message; a floating reference is sunk
 * @error: return location for an error
 *
 * Sends the task a message on the way, which it emits as [signal@Ferry.Task::message]. Waits while the application
 * takes messages more slowly than they come. Any thread may call this.
 *
 * Fails as [method@Ferry.Job.check] does, and with %FERRY_ERROR_BAD_ARGUMENTS for an unfit @type,
 * %FERRY_ERROR_TOO_LARGE and %FERRY_ERROR_CLOSED.
 *
 * Returns: %TRUE when the message will arrive
 *
 * Since: 0.1
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
  if (!may_have_type (type, error) || !begin_use (self, error))
    return FALSE;
  sent = check_in_use (self, error) && ferry_call_send_value (self->call, type, owned, error);
  end_use (self);
  return sent;
}

/* Whether the job's function may yield on this thread. */
static gboolean
may_yield (FerryJob *self, GError **error)
{
  if (!ferry_job_is_serving_thread (self))
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_WRONG_THREAD,
                   "The function “%s” yields on a thread of its own; yield on the one that it was called on",
                   ferry_job_get_function_name (self));
      return FALSE;
    }
  if (self->kind == FERRY_TASK_KIND_ITERATION && (ferry_call_get_flags (self->call) & FERRY_CALL_STREAM) != 0)
    return TRUE;
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
               "The function “%s” yields, and its task is no iteration; submit it with FERRY_TASK_KIND_ITERATION",
               ferry_job_get_function_name (self));
  return FALSE;
}

/**
 * ferry_job_yield:
 * @self: a job
 * @value: the value; a floating reference is sunk
 * @error: return location for an error
 *
 * Gives the task of an iteration its next value, which it emits as [signal@Ferry.Task::yielded]. Waits while the
 * application has as many values as it wants at a time; to cancel the job ends the waiting.
 *
 * To be called on the thread that the function was called on.
 *
 * Fails as [method@Ferry.Job.check] does, and with %FERRY_ERROR_BAD_ARGUMENTS when the task is no iteration,
 * %FERRY_ERROR_WRONG_THREAD, %FERRY_ERROR_TOO_LARGE, %FERRY_ERROR_CLOSED and %FERRY_ERROR_PROTOCOL.
 *
 * Returns: %TRUE when the value will arrive
 *
 * Since: 0.1
 */
gboolean
ferry_job_yield (FerryJob *self, GVariant *value, GError **error)
{
  g_autoptr (GVariant) owned = NULL;

  g_return_val_if_fail (FERRY_IS_JOB (self), FALSE);
  g_return_val_if_fail (value != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  owned = g_variant_ref_sink (value);
  if (!may_yield (self, error))
    return FALSE;
  if (!begin_use (self, error))
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
      if (!self->driver->receive (self->serve, error))
        return FALSE;
    }
}

/* ---- errors, and where they came from ---- */

/**
 * ferry_job_set_error:
 * @self: a job
 * @error: (nullable): return location for the error
 * @domain: the error's domain
 * @code: the error's code
 * @format: a format of printf()
 * @...: what goes into the format
 *
 * As g_set_error(), and remembers who called: when the function fails with this error, the trace that goes with it to
 * the application has the lines of a backtrace from here. See [func@Ferry.Error.get_trace].
 *
 * Any thread may call this.
 *
 * Since: 0.1
 */
void
ferry_job_set_error (FerryJob *self, GError **error, GQuark domain, int code, const char *format, ...)
{
  g_autofree char *backtrace = NULL;
  g_autofree char *place = NULL;
  Trace *trace;
  va_list arguments;

  g_return_if_fail (FERRY_IS_JOB (self));
  g_return_if_fail (error == NULL || *error == NULL);
  g_return_if_fail (format != NULL);

  if (error == NULL)
    return;
  trace = g_new0 (Trace, 1);
  va_start (arguments, format);
  trace->error = g_error_new_valist (domain, code, format, arguments);
  va_end (arguments);
  /* Without this function's own line. */
  backtrace = ferry_trace_new_backtrace (1);
  place = ferry_trace_add_place (NULL, ferry_job_get_function_name (self));
  trace->text = g_strconcat (place, backtrace, NULL);
  *error = g_error_copy (trace->error);

  pthread_mutex_lock (&self->lock);
  if (self->traces == NULL)
    self->traces = g_ptr_array_new_with_free_func (trace_free);
  if (self->traces->len == MAX_TRACES)
    g_ptr_array_remove_index (self->traces, 0);
  g_ptr_array_add (self->traces, trace);
  pthread_mutex_unlock (&self->lock);
}

/* The trace that ferry_job_set_error() captured for this very error, or NULL. */
static char *
dup_captured (FerryJob *self, const GError *error)
{
  char *text = NULL;

  pthread_mutex_lock (&self->lock);
  for (guint i = self->traces != NULL ? self->traces->len : 0; i > 0 && text == NULL; i--)
    {
      const Trace *trace = g_ptr_array_index (self->traces, i - 1);

      if (g_error_matches (error, trace->error->domain, trace->error->code) &&
          g_str_equal (error->message, trace->error->message))
        text = g_strdup (trace->text);
    }
  pthread_mutex_unlock (&self->lock);
  return text;
}

char *
ferry_job_make_trace (FerryJob *self, const GError *error)
{
  g_autofree char *captured = dup_captured (self, error);
  g_autofree char *inner = NULL;

  if (captured != NULL)
    return g_steal_pointer (&captured);
  inner = ferry_error_dup_trace (error, self->begun);
  return ferry_trace_add_place (inner, ferry_call_method_in_words (ferry_job_get_function_name (self)));
}
