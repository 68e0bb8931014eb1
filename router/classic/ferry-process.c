/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A process that runs one function: a pool with one worker, and an executor with one task.
 *
 * Threads: the router's. */

#include "config.h"

#include "classic/ferry-process.h"

#include "classic/ferry-owner-private.h"

/**
 * FerryProcess:
 *
 * A function that runs in a process of its own. This is the short form for one piece of work.
 *
 * The process runs the same program, unless it is given a launcher. So `main()` must call [func@Ferry.Worker.main], and
 * must register the function before. A function that yields values waits until [method@FerryClassic.Process.next] takes
 * them. [method@FerryClassic.Process.join] returns the function's error. The process ends when the last reference is
 * dropped. So with `g_autoptr (FerryProcess)` it ends when the variable goes out of scope.
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

  FerryOwner owner;
  FerryExecutor *executor; /* const: (owned) */
  FerryTask *task;         /* const: (owned) */
  GQueue values;           /* (element-type GVariant) (owned): values that were yielded and not taken yet */
  GQueue waits;            /* callers that wait for a value or for the end of the function */
  GQueue end_waits;        /* callers that wait for the end of the function */
};

G_DEFINE_FINAL_TYPE (FerryProcess, ferry_process, G_TYPE_OBJECT)

static void
yielded (FerryTask *task, GVariant *value, gpointer data)
{
  g_autoptr (FerryProcess) self = g_object_ref (data);

  g_queue_push_tail (&self->values, g_variant_ref (value));
  ferry_waits_finish (&self->waits);
}

static void
done (FerryTask *task, gpointer data)
{
  g_autoptr (FerryProcess) self = g_object_ref (data);

  ferry_waits_finish (&self->waits);
  ferry_waits_finish (&self->end_waits);
}

/* Kills the worker. */
static gboolean
shut_down (gpointer executor)
{
  ferry_executor_shutdown_async (executor, 0, NULL, NULL, NULL);
  return G_SOURCE_REMOVE;
}

static void
ferry_process_dispose (GObject *object)
{
  FerryProcess *self = FERRY_PROCESS (object);

  if (ferry_owner_keep (&self->owner, object))
    return;
  if (self->task != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->task, self);
      ferry_task_cancel (self->task);
    }
  if (self->executor != NULL && ferry_owner_is_here (&self->owner))
    shut_down (self->executor);
  else if (self->executor != NULL)
    {
      g_autoptr (GSource) source = g_idle_source_new ();

      g_source_set_callback (source, shut_down, g_object_ref (self->executor), g_object_unref);
      g_source_attach (source, self->owner.context);
    }
  g_clear_object (&self->task);
  g_clear_object (&self->executor);
  g_queue_clear_full (&self->values, (GDestroyNotify) g_variant_unref);

  G_OBJECT_CLASS (ferry_process_parent_class)->dispose (object);
}

static void
ferry_process_finalize (GObject *object)
{
  ferry_owner_clear (&FERRY_PROCESS (object)->owner);

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
  g_object_class_install_property (
    object_class, 1,
    g_param_spec_object ("task", NULL, NULL, FERRY_TYPE_TASK, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

static void
ferry_process_init (FerryProcess *self)
{
}

/* Returns (transfer full) (nullable) an executor with one worker. */
static FerryExecutor *
make_executor (FerryRouter *router, FerryLauncher *launcher, const char *name, GError **error)
{
  static const char *const this_program[] = {"/proc/self/exe", NULL};
  g_autoptr (FerryLauncher) used = launcher != NULL ? g_object_ref (launcher) : ferry_launcher_new (this_program);
  g_autoptr (FerryPool) pool = ferry_pool_new (router, used);

  /* It starts no worker yet, and looks whether the router runs, and whether on this thread. */
  if (!ferry_pool_start (pool, error))
    return NULL;
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
 * [func@Ferry.Worker.main]. With @launcher, [method@FerryClassic.Process.join] tells that the program lacks the
 * function.
 *
 * Returns: (transfer full): the process
 */
FerryProcess *
ferry_process_new (FerryRouter *router, FerryLauncher *launcher, const char *function, GVariant *arguments,
                   GError **error)
{
  g_autoptr (FerryProcess) self = NULL;
  g_autoptr (FerryExecutor) executor = NULL;
  g_autoptr (GVariant) kept = NULL;

  g_return_val_if_fail (FERRY_IS_ROUTER (router), NULL);
  g_return_val_if_fail (launcher == NULL || FERRY_IS_LAUNCHER (launcher), NULL);
  g_return_val_if_fail (function != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  kept = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
  executor = make_executor (router, launcher, function, error);
  if (executor == NULL)
    return NULL;
  self = g_object_new (FERRY_TYPE_PROCESS, NULL);
  ferry_owner_init (&self->owner, router);
  self->executor = g_steal_pointer (&executor);
  self->task = ferry_task_new (FERRY_TASK_KIND_ITERATION, function, kept);
  g_object_set (self->task, "holds-window", TRUE, NULL);
  g_signal_connect (self->task, "yielded", G_CALLBACK (yielded), self);
  g_signal_connect (self->task, "done", G_CALLBACK (done), self);
  return ferry_executor_submit_task (self->executor, self->task, error) ? g_steal_pointer (&self) : NULL;
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
wait (FerryProcess *self, const char *function, FerryCondition condition, gint64 timeout, const char *what,
      GError **error)
{
  g_autoptr (FerryProcess) kept G_GNUC_UNUSED = g_object_ref (self);
  g_autofree char *message = NULL;

  if (!ferry_owner_check_error (&self->owner, function, error))
    return FALSE;
  message = g_strdup_printf ("Process '%s' %s", ferry_task_get_name (self->task), what);
  return ferry_owner_wait (&self->owner, function, condition, self, timeout, message, error);
}

/**
 * ferry_process_next:
 * @self: a process
 * @timeout: how long to wait, in microseconds; negative for no limit
 * @error: return location for an error
 *
 * Waits for the next value that the function yields, and takes the value. The router's main context is iterated
 * meanwhile. So this is for tests and console programs; an application with a window uses
 * [method@FerryClassic.Process.next_async] instead.
 *
 * At the function's end, this function returns %NULL without an error. Use [method@FerryClassic.Process.join] to find
 * out how the function ended. On the router's thread.
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

  return wait (self, G_STRFUNC, has_value_or_ended, timeout, "neither yielded nor ended", error) ? take_value (self)
                                                                                                 : NULL;
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

  if (ferry_owner_check (&self->owner, G_STRFUNC))
    ferry_waits_add (&self->waits, ferry_process_next_async, has_value_or_ended (self), self, cancellable, callback,
                     user_data);
}

/**
 * ferry_process_next_finish:
 * @self: a process
 * @result: the result that the callback was given
 * @error: return location for an error
 *
 * Finishes [method@FerryClassic.Process.next_async]. On the router's thread.
 *
 * Fails with %FERRY_ERROR_WRONG_THREAD on another thread, and with %G_IO_ERROR_CANCELLED if the waiting was cancelled.
 * Fails with %G_IO_ERROR_PENDING if another caller has taken the value meanwhile.
 *
 * Returns: (transfer full) (nullable): the next value; %NULL without an error at the function's end
 */
GVariant *
ferry_process_next_finish (FerryProcess *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (FERRY_IS_PROCESS (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, ferry_process_next_async), NULL);

  if (!ferry_owner_check_error (&self->owner, G_STRFUNC, error) || !g_task_propagate_boolean (G_TASK (result), error))
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
 * Waits for the function's end. The router's main context is iterated meanwhile, as in
 * [method@FerryClassic.Process.next]. On the router's thread.
 *
 * Values that were yielded can still be taken afterwards. But a function that waits until its values are taken does not
 * end: the application must take the values first.
 *
 * Fails with the function's error, with %FERRY_ERROR_WORKER_LOST if its process died, and as
 * [method@FerryClassic.Process.next] does.
 *
 * Returns: %TRUE when the function returned its result
 */
gboolean
ferry_process_join (FerryProcess *self, gint64 timeout, GError **error)
{
  g_return_val_if_fail (FERRY_IS_PROCESS (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return wait (self, G_STRFUNC, has_ended, timeout, "did not end", error) && raise_error (self, error);
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

  if (ferry_owner_check (&self->owner, G_STRFUNC))
    ferry_waits_add (&self->end_waits, ferry_process_join_async, has_ended (self), self, cancellable, callback,
                     user_data);
}

/**
 * ferry_process_join_finish:
 * @self: a process
 * @result: the result that the callback was given
 * @error: return location for an error
 *
 * Finishes [method@FerryClassic.Process.join_async]. Any thread.
 *
 * Fails with the function's error, with %FERRY_ERROR_WORKER_LOST if its process died, and with %G_IO_ERROR_CANCELLED if
 * the waiting was cancelled.
 *
 * Returns: %TRUE when the function returned its result
 */
gboolean
ferry_process_join_finish (FerryProcess *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (FERRY_IS_PROCESS (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, ferry_process_join_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error) && raise_error (self, error);
}

/**
 * ferry_process_get_result:
 * @self: a process
 * @error: return location for an error
 *
 * Gets the function's result. On the router's thread.
 *
 * Fails with %FERRY_ERROR_NOT_DONE before the function's end, and afterwards as [method@FerryClassic.Process.join]
 * does.
 *
 * Returns: (transfer full) (nullable): the result; %NULL without an error if the function has no result
 */
GVariant *
ferry_process_get_result (FerryProcess *self, GError **error)
{
  g_return_val_if_fail (FERRY_IS_PROCESS (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!ferry_owner_check_error (&self->owner, G_STRFUNC, error))
    return NULL;
  return ferry_task_get_result (self->task, error);
}
