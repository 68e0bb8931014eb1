/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "task/ferry-job.h"

#include "base/ferry-base-private.h"
#include "call/ferry-remote-error-private.h"
#include "task/ferry-job-handles-private.h"
#include "task/ferry-map-function-private.h"
#include "task/ferry-serve-private.h"

/* How many errors of ferry_job_set_error() keep their traces: the latest, as one of them is what the job ends with. */
#define MAX_TRACES 8

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
typedef struct
{
  GError *error; /* (owned) */
  char *text;    /* (owned) */
} Trace;

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
ferry_job_new (FerryServe *serve, FerryCall *call)
{
  FerryJob *self = g_object_new (FERRY_TYPE_JOB, NULL);

  self->serve = serve;
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

/* The thread that serves: waits for what other threads are in the middle of. */
void
ferry_job_finish (FerryJob *self)
{
  pthread_rwlock_wrlock (&self->uses);
  self->finished = TRUE;
  pthread_rwlock_unlock (&self->uses);
  ferry_call_drop_descriptors (self->call);
}

static gboolean
is_serving_thread (FerryJob *self)
{
  return pthread_equal (self->thread, pthread_self ()) != 0;
}

gboolean
ferry_job_begin_use (FerryJob *self, GError **error)
{
  if (G_UNLIKELY (!is_serving_thread (self)))
    pthread_rwlock_rdlock (&self->uses);
  if (G_LIKELY (!self->finished))
    return TRUE;
  ferry_job_end_use (self);
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_STOPPED,
               "The function “%s” has returned, and its job is over; end its threads before it returns",
               ferry_job_get_function_name (self));
  return FALSE;
}

void
ferry_job_end_use (FerryJob *self)
{
  if (G_UNLIKELY (!is_serving_thread (self)))
    pthread_rwlock_unlock (&self->uses);
}

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

static gboolean
is_cancelled_in_use (FerryJob *self)
{
  if (G_UNLIKELY (get_cancelled (self) != 0))
    return TRUE;
  if (G_LIKELY (!ferry_serve_has_news (self->serve)))
    return FALSE;
  ferry_serve_take_cancels (self->serve);
  return get_cancelled (self) != 0;
}

gboolean
ferry_job_check_in_use (FerryJob *self, GError **error)
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
  if (is_serving_thread (self))
    return self->finished || is_cancelled_in_use (self);
  if (!ferry_job_begin_use (self, NULL))
    return TRUE;
  cancelled = is_cancelled_in_use (self);
  ferry_job_end_use (self);
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

  if (!ferry_job_begin_use (self, error))
    return FALSE;
  may_go_on = ferry_job_check_in_use (self, error);
  ferry_job_end_use (self);
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

  running = ferry_job_begin_use (self, NULL);
  pthread_mutex_lock (&self->lock);
  if (self->cancellable == NULL)
    self->cancellable = g_cancellable_new ();
  pthread_mutex_unlock (&self->lock);
  if (running)
    {
      ferry_serve_watch (self->serve);
      running = !is_cancelled_in_use (self);
      ferry_job_end_use (self);
    }
  /* Whoever cancels sets the word first and looks for the cancellable then; here it is the other way round. */
  if (!running)
    g_cancellable_cancel (self->cancellable);
  return self->cancellable;
}

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
  if (!may_have_type (type, error) || !ferry_job_begin_use (self, error))
    return FALSE;
  sent = ferry_job_check_in_use (self, error) && ferry_call_send_value (self->call, type, owned, error);
  ferry_job_end_use (self);
  return sent;
}

/* Whether the job's function may yield on this thread. */
static gboolean
may_yield (FerryJob *self, GError **error)
{
  if (!is_serving_thread (self))
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
  if (!ferry_job_begin_use (self, error))
    return FALSE;
  for (;;)
    {
      g_autoptr (GError) refusal = NULL;

      if (!ferry_job_check_in_use (self, error))
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

char *
ferry_job_dup_trace (FerryJob *self, const GError *error)
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
