/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A process that runs one function: a pool with one worker, and an executor with one task.
 *
 * Threads: the router's. */

#include "config.h"

#include "task/ferry-process.h"

#include "base/ferry-base-private.h"
#include "base/ferry-forks-private.h"
#include "base/ferry-property-private.h"
#include "base/ferry-wait-queue-private.h"
#include "route/ferry-router-private.h"
#include "task/ferry-executor.h"
#include "task/ferry-iterate-private.h"
#include "task/ferry-pool.h"
#include "task/ferry-task-private.h"
#include "task/ferry-worker-main-private.h"
#include "worker/ferry-function-private.h"

/**
 * FerryProcess:
 *
 * A function that runs in a process of its own. This is the short form for one piece of work.
 *
 * The process runs the same program, unless it is given a launcher. So `main()` must call [func@Ferry.Worker.main], and
 * must register the function before. A function that yields values waits until [method@Ferry.Process.next] takes them.
 * [method@Ferry.Process.join] returns the function's error. The process ends when the last reference is dropped. So
 * with `g_autoptr (FerryProcess)` it ends when the variable goes out of scope.
 *
 * ```c
 * g_autoptr (FerryProcess) process = ferry_process_new (router, NULL, "squares", g_variant_new ("(u)", 10), &error);
 * g_autoptr (GVariant) value = NULL;
 *
 * while ((value = ferry_process_next (process, -1, &error)) != NULL)
 *   {
 *     g_print ("%u\n", g_variant_get_uint32 (value));
 *     g_clear_pointer (&value, g_variant_unref);
 *   }
 * if (!ferry_process_join (process, -1, &error))
 *   g_printerr ("%s\n", error->message);
 * ```
 *
 * On the router's thread.
 */
struct _FerryProcess
{
  GObject parent_instance;

  guint fork_number;        /* const: see ferry-forks-private.h */
  FerryRouter *router;      /* const: (owned) */
  FerryExecutor *executor;  /* const: (owned) */
  FerryTask *task;          /* const: (owned) */
  GQueue values;            /* (element-type GVariant) (owned): values that were yielded and not taken yet */
  FerryWaitQueue waits;     /* callers that wait for a value or for the end of the function */
  FerryWaitQueue end_waits; /* callers that wait for the end of the function */
};

enum
{
  PROP_TASK = 1,
};

G_DEFINE_FINAL_TYPE (FerryProcess, ferry_process, G_TYPE_OBJECT)

static void
yielded (FerryTask *task, GVariant *value, gpointer data)
{
  g_autoptr (FerryProcess) self = g_object_ref (data);

  g_queue_push_tail (&self->values, g_variant_ref (value));
  ferry_wait_queue_finish_all (&self->waits);
}

static void
done (FerryTask *task, gpointer data)
{
  g_autoptr (FerryProcess) self = g_object_ref (data);

  ferry_wait_queue_finish_all (&self->waits);
  ferry_wait_queue_finish_all (&self->end_waits);
}

/* Kills the worker. */
static void
shut_down (gpointer executor)
{
  ferry_executor_shutdown_async (executor, 0, NULL, NULL, NULL);
}

static void
ferry_process_dispose (GObject *object)
{
  FerryProcess *self = FERRY_PROCESS (object);

  if (ferry_forks_keep (object, self->fork_number))
    return;
  if (self->task != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->task, self);
      ferry_task_cancel (self->task);
    }
  if (self->executor != NULL && ferry_home_is_own (self->router->home))
    shut_down (self->executor);
  else if (self->executor != NULL)
    ferry_home_invoke (self->router->home, shut_down, g_object_ref (self->executor), g_object_unref);
  g_clear_object (&self->task);
  g_clear_object (&self->executor);
  g_queue_clear_full (&self->values, (GDestroyNotify) g_variant_unref);

  G_OBJECT_CLASS (ferry_process_parent_class)->dispose (object);
}

static void
ferry_process_finalize (GObject *object)
{
  FerryProcess *self = FERRY_PROCESS (object);

  ferry_wait_queue_clear (&self->waits);
  ferry_wait_queue_clear (&self->end_waits);
  g_clear_object (&self->router);

  G_OBJECT_CLASS (ferry_process_parent_class)->finalize (object);
}

static void
ferry_process_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  g_value_set_object (value, FERRY_PROCESS (object)->task);
}

static void
ferry_process_class_init (FerryProcessClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = ferry_process_get_property;
  object_class->dispose = ferry_process_dispose;
  object_class->finalize = ferry_process_finalize;
  /**
   * FerryProcess:task:
   *
   * The task that runs the function, for its state, its progress and its times. Any thread may read this.
   */
  g_object_class_install_property (object_class, PROP_TASK,
                                   g_param_spec_object ("task", NULL, NULL, FERRY_TYPE_TASK, FERRY_READABLE));
}

static void
ferry_process_init (FerryProcess *self)
{
  self->fork_number = ferry_forks_note ();
  ferry_wait_queue_init (&self->waits);
  ferry_wait_queue_init (&self->end_waits);
}

/* Returns (transfer full) (nullable) a launcher of this program. */
static FerryLauncher *
launcher_of_this_program (const char *function, GError **error)
{
  static const char *const argv[] = {"/proc/self/exe", NULL};

  if (ferry_function_is_registered (function) && ferry_worker_main_was_called ())
    return ferry_launcher_new (argv);
  ferry_set_error (
    error, FERRY_ERROR_UNKNOWN_FUNCTION,
    "The process would not find the function '%s'; register it with ferry_function_register(), then call "
    "ferry_worker_main(), both at the beginning of main()",
    function);
  return NULL;
}

static FerryExecutor *
make_executor (FerryRouter *router, FerryLauncher *launcher, const char *name)
{
  g_autoptr (FerryPool) pool = ferry_pool_new (router, launcher);

  g_object_set (pool, "name", name, "max-workers", 1, "use-fork-server", FALSE, NULL);
  return ferry_executor_new (pool);
}

/**
 * ferry_process_new:
 * @router: a running router
 * @launcher: (nullable): starts the process; %NULL: executes the file of this process once more, without arguments
 * @function: the name of a function that the program has registered
 * @arguments: (nullable): the arguments of @function; a floating reference is sunk
 * @error: return location for an error
 *
 * Starts a process that runs the function. The file of a script's process is its interpreter. So a script needs a
 * launcher that names the interpreter and the script. On the router's thread.
 *
 * Fails with %FERRY_ERROR_NOT_RUNNING if the router is not running, with %FERRY_ERROR_WRONG_THREAD on another thread,
 * and with %FERRY_ERROR_BAD_ARGUMENTS if the arguments do not fit the function. Without @launcher, fails with
 * %FERRY_ERROR_UNKNOWN_FUNCTION if this program has not registered the function, or has not called
 * [func@Ferry.Worker.main]. With @launcher, [method@Ferry.Process.join] tells that the program lacks the function.
 *
 * Returns: (transfer full): the process
 */
FerryProcess *
ferry_process_new (FerryRouter *router, FerryLauncher *launcher, const char *function, GVariant *arguments,
                   GError **error)
{
  g_autoptr (FerryProcess) self = NULL;
  g_autoptr (FerryLauncher) used = NULL;
  g_autoptr (GVariant) kept = NULL;

  g_return_val_if_fail (FERRY_IS_ROUTER (router), NULL);
  g_return_val_if_fail (launcher == NULL || FERRY_IS_LAUNCHER (launcher), NULL);
  g_return_val_if_fail (function != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  kept = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
  if (!ferry_router_check (router, error))
    return NULL;
  used = launcher != NULL ? g_object_ref (launcher) : launcher_of_this_program (function, error);
  if (used == NULL)
    return NULL;
  self = g_object_new (FERRY_TYPE_PROCESS, NULL);
  self->router = g_object_ref (router);
  self->executor = make_executor (router, used, function);
  self->task = ferry_task_new (FERRY_TASK_KIND_ITERATION, function, kept);
  ferry_task_hold_window (self->task);
  g_signal_connect (self->task, "yielded", G_CALLBACK (yielded), self);
  g_signal_connect (self->task, "done", G_CALLBACK (done), self);
  if (!ferry_executor_submit_task (self->executor, self->task, error))
    return NULL;
  return g_steal_pointer (&self);
}

static gboolean
has_value_or_ended (gpointer data)
{
  FerryProcess *self = data;

  return !g_queue_is_empty (&self->values) || ferry_task_get_done (self->task);
}

/* Returns (transfer full) (nullable) the next value; NULL at the end. Allows the function to yield one more value. */
static GVariant *
take_value (FerryProcess *self)
{
  GVariant *value = g_queue_pop_head (&self->values);

  if (value != NULL)
    ferry_task_consume (self->task, 1);
  return value;
}

static gboolean
has_ended (gpointer data)
{
  return ferry_task_get_done (FERRY_PROCESS (data)->task);
}

static gboolean
wait (FerryProcess *self, FerryCondition condition, gint64 timeout, const char *what, GError **error)
{
  g_autoptr (FerryProcess) kept G_GNUC_UNUSED = g_object_ref (self);

  if (condition (self))
    return TRUE;
  if (!ferry_iterate_check (self->router, error))
    return FALSE;
  if (ferry_iterate_context (self->router->context, condition, self, timeout))
    return TRUE;
  return ferry_set_error (error, FERRY_ERROR_TIMED_OUT, "Process '%s' %s in time; wait longer, or drop the process",
                          ferry_task_get_name (self->task), what);
}

/**
 * ferry_process_next:
 * @self: a process
 * @timeout: how long to wait, in microseconds; negative for no limit
 * @error: return location for an error
 *
 * Waits for the next value that the function yields, and takes the value. The router's main context is iterated
 * meanwhile. So this is for tests and console programs; an application with a window uses
 * [method@Ferry.Process.next_async] instead.
 *
 * At the function's end, this function returns %NULL without an error. Use [method@Ferry.Process.join] to find out how
 * the function ended. On the router's thread.
 *
 * Fails with %FERRY_ERROR_TIMED_OUT if there is no value and no end within @timeout. Fails with %FERRY_ERROR_BUSY in a
 * callback of the router's main context. Fails with %FERRY_ERROR_NOT_RUNNING if the router is not running, and with
 * %FERRY_ERROR_WRONG_THREAD on another thread.
 *
 * Returns: (transfer full) (nullable): the next value
 */
GVariant *
ferry_process_next (FerryProcess *self, gint64 timeout, GError **error)
{
  g_return_val_if_fail (FERRY_IS_PROCESS (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!ferry_home_check_error (self->router->home, G_STRFUNC, error) ||
      !wait (self, has_value_or_ended, timeout, "neither yielded nor ended", error))
    return NULL;
  return take_value (self);
}

/**
 * ferry_process_next_async:
 * @self: a process
 * @cancellable: (nullable): cancels the waiting; the function continues
 * @callback: (scope async): called when there is a value, or the function has ended
 * @user_data: data for @callback
 *
 * Waits for the next value that the function yields, or for the function's end. On the router's thread.
 */
void
ferry_process_next_async (FerryProcess *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_return_if_fail (FERRY_IS_PROCESS (self));
  ferry_return_if_elsewhere (self->router->home);

  ferry_wait_queue_wait_async (&self->waits, has_value_or_ended, self, self, cancellable, callback, user_data);
}

/**
 * ferry_process_next_finish:
 * @self: a process
 * @result: the result that the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Ferry.Process.next_async]. On the router's thread.
 *
 * Fails with %FERRY_ERROR_WRONG_THREAD on another thread, and with %G_IO_ERROR_CANCELLED if the waiting was cancelled.
 * Fails with %G_IO_ERROR_PENDING if another caller has taken the value meanwhile.
 *
 * Returns: (transfer full) (nullable): the next value; %NULL without an error at the function's end
 */
GVariant *
ferry_process_next_finish (FerryProcess *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  if (!ferry_home_check_error (self->router->home, G_STRFUNC, error) ||
      !g_task_propagate_boolean (G_TASK (result), error))
    return NULL;
  if (!has_value_or_ended (self))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_PENDING,
                           "Another caller took the value; wait for values only one at a time");
      return NULL;
    }
  return take_value (self);
}

/* Returns TRUE if the function, which has ended, returned a result. Else sets error to the function's error. */
static gboolean
raise_error (FerryProcess *self, GError **error)
{
  g_autoptr (GVariant) result G_GNUC_UNUSED = ferry_task_get_result (self->task, error);

  return ferry_task_get_state (self->task) == FERRY_TASK_STATE_COMPLETED;
}

/**
 * ferry_process_join:
 * @self: a process
 * @timeout: how long to wait, in microseconds; negative for no limit
 * @error: return location for an error
 *
 * Waits for the function's end. The router's main context is iterated meanwhile, as in [method@Ferry.Process.next]. On
 * the router's thread.
 *
 * Values that were yielded can still be taken afterwards. But a function that waits until its values are taken does not
 * end: the application must take the values first.
 *
 * Fails with the function's error, with %FERRY_ERROR_WORKER_LOST if its process died, and as
 * [method@Ferry.Process.next] does.
 *
 * Returns: %TRUE when the function returned its result
 */
gboolean
ferry_process_join (FerryProcess *self, gint64 timeout, GError **error)
{
  g_return_val_if_fail (FERRY_IS_PROCESS (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ferry_home_check_error (self->router->home, G_STRFUNC, error))
    return FALSE;
  return wait (self, has_ended, timeout, "did not end", error) && raise_error (self, error);
}

/**
 * ferry_process_join_async:
 * @self: a process
 * @cancellable: (nullable): cancels the waiting; the function continues
 * @callback: (scope async): called when the function has ended
 * @user_data: data for @callback
 *
 * Waits for the function's end. On the router's thread.
 */
void
ferry_process_join_async (FerryProcess *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_return_if_fail (FERRY_IS_PROCESS (self));
  ferry_return_if_elsewhere (self->router->home);

  ferry_wait_queue_wait_async (&self->end_waits, has_ended, self, self, cancellable, callback, user_data);
}

/**
 * ferry_process_join_finish:
 * @self: a process
 * @result: the result that the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Ferry.Process.join_async]. Any thread.
 *
 * Fails with the function's error, with %FERRY_ERROR_WORKER_LOST if its process died, and with %G_IO_ERROR_CANCELLED if
 * the waiting was cancelled.
 *
 * Returns: %TRUE when the function returned its result
 */
gboolean
ferry_process_join_finish (FerryProcess *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error) && raise_error (self, error);
}

/**
 * ferry_process_get_result:
 * @self: a process
 * @error: return location for an error
 *
 * Gets the function's result. On the router's thread.
 *
 * Fails with %FERRY_ERROR_NOT_DONE before the function's end, and afterwards as [method@Ferry.Process.join] does.
 *
 * Returns: (transfer full) (nullable): the result; %NULL without an error if the function has no result
 */
GVariant *
ferry_process_get_result (FerryProcess *self, GError **error)
{
  g_return_val_if_fail (FERRY_IS_PROCESS (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!ferry_home_check_error (self->router->home, G_STRFUNC, error))
    return NULL;
  return ferry_task_get_result (self->task, error);
}
