/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What most programs need of tasks, in one step each, such as ferry_executor_call_async(). One goes from the path of a
 * program to an executor, the other from the name of a function to its result. Both are made of what the executor, the
 * pool and the task offer; see there.
 *
 * A call is over once: when its task is done, when its task cannot be submitted, or when its cancellable is cancelled.
 * The completion keeps the first of these. The task's cancellable is that of the call, so the task ends too.
 *
 * The callback is called by the source that has the task end, where that is one of the caller's context. A GTask would
 * have the main loop iterate once more for each call whose answer comes in the dispatch that asked.
 *
 * Threads: any; what says "main" is for the router's thread. */

#include "config.h"

#include "base/ferry-base-private.h"
#include "base/ferry-mailbox-private.h"
#include "task/ferry-executor-private.h"
#include "task/ferry-task-private.h"

/* The data of a completion. It has no task: the task has the completion. */
typedef struct
{
  FerryExecutor *executor;      /* (owned) */
  GMainContext *context;        /* (owned) */
  GAsyncReadyCallback callback; /* (nullable) */
  gpointer user_data;
  char *function;        /* (owned) */
  gboolean is_abandoned; /* by its cancellable */
  gboolean is_submitted; /* ferry_executor_call_async() has returned, on the router's thread */
} Call;

/* What a callback is given. */
struct _FerryCallResult
{
  GObject parent_instance;

  FerryCompletion *completion; /* const: (owned) */
};

#define FERRY_TYPE_CALL_RESULT (ferry_call_result_get_type ())
G_DECLARE_FINAL_TYPE (FerryCallResult, ferry_call_result, FERRY, CALL_RESULT, GObject)

/* A call with a task that waits for room in the executor. */
typedef struct
{
  FerryExecutor *executor;     /* (owned) */
  FerryTask *task;             /* (owned) */
  FerryCompletion *completion; /* (owned) */
  GCancellable *cancellable;   /* (owned) (nullable) */
} Submission;

/* ---- from a program to an executor ---- */

/* Starts the default router, unless it runs on this thread already. */
static gboolean
need_default_router (GError **error)
{
  FerryRouter *router = ferry_router_get_default ();

  return ferry_router_get_running (router) ? ferry_router_check (router, error) : ferry_router_start (router, error);
}

/**
 * ferry_executor_new_for_program:
 * @program: (type filename): the worker's program, such as `/usr/libexec/my-worker`; a name without a slash is searched
 *   for in `PATH`
 * @error: return location for an error
 *
 * Makes an executor that has its tasks run in processes of a program. There are up to [func@Ferry.get_n_usable_cores]
 * at a time, in a [class@Ferry.Pool] of its own. The program registers functions, and calls [func@Ferry.Worker.main].
 * The router is the default one, [func@Ferry.Router.get_default]; it is started, if it does not run yet.
 *
 * The pool belongs to the executor: it ends with the last reference of the executor, and with it the processes. An
 * executor stays until all its tasks are done. The pool has further settings ([method@Ferry.Executor.get_pool]). For
 * arguments, an environment or a sandbox of the processes, make a [class@Ferry.Launcher] and a pool instead.
 *
 * On the thread that runs the default main context. Before the main loop that is the main thread of the process, see
 * [method@Ferry.Router.start]; any thread may submit tasks to the executor.
 *
 * Fails with %FERRY_ERROR_LAUNCH_FAILED if the program is missing, or it may not be executed. Fails with
 * %FERRY_ERROR_WRONG_THREAD, and as [method@Ferry.Router.start] does. That the program is no worker is found later, and
 * makes the tasks fail.
 *
 * Returns: (transfer full): the executor
 */
FerryExecutor *
ferry_executor_new_for_program (const char *program, GError **error)
{
  g_autofree char *path = NULL;
  g_autoptr (FerryLauncher) launcher = NULL;
  g_autoptr (FerryPool) pool = NULL;

  g_return_val_if_fail (program != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  path = g_find_program_in_path (program);
  if (path == NULL)
    {
      ferry_set_error (error, FERRY_ERROR_LAUNCH_FAILED,
                       "There is no program '%s' that may be executed; give the path of the worker's program", program);
      return NULL;
    }
  if (!need_default_router (error))
    return NULL;
  launcher = ferry_launcher_new ((const char *const[]){program, NULL});
  pool = ferry_pool_new (ferry_router_get_default (), launcher);
  return ferry_executor_new (pool);
}

/* ---- from a function's name to its result ---- */

static const Call *
get_call (GAsyncResult *result)
{
  return ferry_completion_get_data (FERRY_CALL_RESULT (result)->completion);
}

static gpointer
get_user_data (GAsyncResult *result)
{
  return get_call (result)->user_data;
}

static GObject *
get_source_object (GAsyncResult *result)
{
  return g_object_ref (G_OBJECT (get_call (result)->executor));
}

static gboolean
is_tagged (GAsyncResult *result, gpointer tag)
{
  return tag == (gpointer) ferry_executor_call_async;
}

static void
init_async_result (GAsyncResultIface *iface)
{
  iface->get_user_data = get_user_data;
  iface->get_source_object = get_source_object;
  iface->is_tagged = is_tagged;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (FerryCallResult, ferry_call_result, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_ASYNC_RESULT, init_async_result))

static void
ferry_call_result_finalize (GObject *object)
{
  ferry_completion_unref (FERRY_CALL_RESULT (object)->completion);
  G_OBJECT_CLASS (ferry_call_result_parent_class)->finalize (object);
}

static void
ferry_call_result_class_init (FerryCallResultClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ferry_call_result_finalize;
}

static void
ferry_call_result_init (FerryCallResult *self)
{
}

static GError *
cancelled (gpointer data, FerryAbandonReason reason)
{
  Call *call = data;

  call->is_abandoned = TRUE;
  return g_error_new (G_IO_ERROR, G_IO_ERROR_CANCELLED, "The call of %s was cancelled", call->function);
}

static void
clear_call (gpointer data)
{
  Call *call = data;

  g_object_unref (call->executor);
  g_main_context_unref (call->context);
  g_free (call->function);
}

static const FerryCompletionFuncs call_funcs = {cancelled, clear_call};

/* The context's thread. */
static void
tell (gpointer completion)
{
  const Call *call = ferry_completion_get_data (completion);
  g_autoptr (FerryCallResult) result = NULL;

  if (call->callback == NULL)
    return;
  result = g_object_new (FERRY_TYPE_CALL_RESULT, NULL);
  result->completion = ferry_completion_ref (completion);
  call->callback (G_OBJECT (call->executor), G_ASYNC_RESULT (result), call->user_data);
}

/* The thread that ends the call. The callback is not called within the handler of its cancellable, from which it could
 * not disconnect, nor within ferry_executor_call_async(). */
static void
call_over (FerryCompletion *completion, gpointer data)
{
  const Call *call = data;

  if (!call->is_abandoned && g_main_context_is_owner (call->context) && call->is_submitted)
    tell (completion);
  else
    ferry_mailbox_post (call->context, tell, ferry_completion_ref (completion),
                        (GDestroyNotify) ferry_completion_unref);
}

static void
submission_free (gpointer data)
{
  Submission *self = data;

  g_object_unref (self->executor);
  g_object_unref (self->task);
  ferry_completion_unref (self->completion);
  g_clear_object (&self->cancellable);
  g_free (self);
}

static void
submitted_cb (GObject *executor, GAsyncResult *result, gpointer data)
{
  g_autoptr (FerryCompletion) completion = data;
  GError *error = NULL;

  if (!ferry_executor_submit_task_finish (FERRY_EXECUTOR (executor), result, &error))
    ferry_completion_finish (completion, NULL, NULL, error);
}

/* main */
static void
submit_when_room (gpointer data)
{
  Submission *self = data;

  ferry_executor_submit_task_async (self->executor, self->task, self->cancellable, submitted_cb,
                                    ferry_completion_ref (self->completion));
}

/* any: has the router's thread submit the task as soon as the executor has room. On that thread it waits in its turn at
 * once, so that no later call overtakes it. */
static void
wait_for_room (FerryExecutor *self, FerryTask *task, FerryCompletion *completion, GCancellable *cancellable)
{
  FerryAffinity *affinity = ferry_executor_get_router (self)->affinity;
  Submission *submission = g_new0 (Submission, 1);

  submission->executor = g_object_ref (self);
  submission->task = g_object_ref (task);
  submission->completion = ferry_completion_ref (completion);
  g_set_object (&submission->cancellable, cancellable);
  if (!ferry_affinity_is_own (affinity))
    {
      ferry_affinity_invoke (affinity, submit_when_room, submission, submission_free);
      return;
    }
  submit_when_room (submission);
  submission_free (submission);
}

/**
 * ferry_executor_call_async:
 * @self: an executor
 * @function: the name of a registered function
 * @arguments: (nullable): the arguments of @function; a floating reference is sunk
 * @cancellable: (nullable): cancels the call
 * @callback: (scope async): called with the result, on the thread-default main context of the caller
 * @user_data: data for @callback
 *
 * Calls a function in a worker. It is a task without settings of which only the result is wanted. To see its progress,
 * make a [class@Ferry.Task] or use [method@Ferry.Executor.submit]. While
 * [property@Ferry.Executor:max-pending] tasks wait, the call waits for room. Any thread may call this.
 *
 * A cancel ends the call at once. The task ends as by [method@Ferry.Task.cancel]. A worker that has begun it is told,
 * and is ended if the function does not return in the task's grace time.
 */
void
ferry_executor_call_async (FerryExecutor *self, const char *function, GVariant *arguments, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (FerryCompletion) completion = NULL;
  g_autoptr (FerryTask) task = NULL;
  GError *error = NULL;
  Call *call;

  g_return_if_fail (FERRY_IS_EXECUTOR (self));
  g_return_if_fail (function != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = ferry_task_new (FERRY_TASK_KIND_CALL, function, arguments);
  completion = ferry_completion_new (&call_funcs, sizeof (Call));
  call = ferry_completion_get_data (completion);
  *call = (Call){g_object_ref (self), g_main_context_ref_thread_default (), callback, user_data, g_strdup (function)};
  /* On another thread, the task may end meanwhile; where its end then has the callback called, that is no recursion. */
  call->is_submitted = !ferry_affinity_is_own (ferry_executor_get_router (self)->affinity);
  ferry_completion_call (completion, call_over, cancellable);
  if (ferry_completion_is_reserved (completion))
    return;
  if (cancellable != NULL)
    g_object_set (task, "cancellable", cancellable, NULL);
  ferry_task_set_call (task, completion);
  if (!ferry_executor_submit_task (self, task, &error))
    {
      if (!g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
        ferry_completion_finish (completion, NULL, NULL, error);
      else
        {
          g_error_free (error);
          wait_for_room (self, task, completion, cancellable);
        }
    }
  if (!call->is_submitted)
    call->is_submitted = TRUE;
}

/**
 * ferry_executor_call_finish:
 * @self: an executor
 * @result: the result that the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Ferry.Executor.call_async]. Any thread.
 *
 * Fails with the error of the function, such as %FERRY_ERROR_WORKER_LOST when its worker has ended. Fails with
 * %G_IO_ERROR_CANCELLED when the call or its task was cancelled. Fails as [method@Ferry.Executor.submit_task] does, but
 * never with %FERRY_ERROR_WOULD_BLOCK.
 *
 * Returns: (transfer full) (nullable): the result; %NULL without an error if the function has no result
 */
GVariant *
ferry_executor_call_finish (FerryExecutor *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (FERRY_IS_EXECUTOR (self), NULL);
  g_return_val_if_fail (FERRY_IS_CALL_RESULT (result), NULL);
  ferry_return_val_if_fail (get_call (result)->executor == self, NULL,
                            "the result is of another executor; finish the call with the one that made it");
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return ferry_completion_take (FERRY_CALL_RESULT (result)->completion, error);
}
