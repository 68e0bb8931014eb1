/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What this system can give to a sandbox. */

#include "config.h"

#include "base/ferry-base-private.h"
#include "link/ferry-link-private.h"
#include "sandbox/ferry-bubblewrap-private.h"
#include "sandbox/ferry-call-filter-private.h"
#include "sandbox/ferry-landlock-private.h"
#include "sandbox/ferry-sandbox-private.h"

G_STATIC_ASSERT ((guint) FERRY_SANDBOX_STRENGTH_LIMITS == FERRY_LAYER_LIMITS);
G_STATIC_ASSERT ((guint) FERRY_SANDBOX_STRENGTH_NO_NEW_PRIVILEGES == FERRY_LAYER_NO_NEW_PRIVILEGES);
G_STATIC_ASSERT ((guint) FERRY_SANDBOX_STRENGTH_LANDLOCK == FERRY_LAYER_LANDLOCK);
G_STATIC_ASSERT ((guint) FERRY_SANDBOX_STRENGTH_LANDLOCK_NETWORK == FERRY_LAYER_LANDLOCK_NETWORK);
G_STATIC_ASSERT ((guint) FERRY_SANDBOX_STRENGTH_LANDLOCK_SCOPE == FERRY_LAYER_LANDLOCK_SCOPE);
G_STATIC_ASSERT ((guint) FERRY_SANDBOX_STRENGTH_SYSTEM_CALLS == FERRY_LAYER_SYSTEM_CALLS);
G_STATIC_ASSERT ((guint) FERRY_SANDBOX_STRENGTH_NAMESPACES == FERRY_LAYER_NAMESPACES);

/**
 * ferry_sandbox_get_strength:
 *
 * Tells which layers of a sandbox this system can give: what the kernel and this build of the library have, and whether
 * bubblewrap can start a process here. That one is tried by the first call, which takes some milliseconds for it, and a
 * second at the most; the answer is kept as long as the program runs. A launcher with a sandbox makes the first call
 * where nobody has. Any thread may call this.
 *
 * What a worker has in fact tells [method@Ferry.Worker.get_sandbox_strength].
 *
 * Returns: the layers
 *
 * Since: 0.1
 */
FerrySandboxStrength
ferry_sandbox_get_strength (void)
{
  guint32 layers = FERRY_LAYER_LIMITS | FERRY_LAYER_NO_NEW_PRIVILEGES | ferry_landlock_get_layers ();

  if (ferry_call_filter_is_possible ())
    layers |= FERRY_LAYER_SYSTEM_CALLS;
  if (ferry_bubblewrap_works ())
    layers |= FERRY_LAYER_NAMESPACES;
  return (FerrySandboxStrength) layers;
}

static void
get_strength_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  g_task_return_int (task, (gssize) ferry_sandbox_get_strength ());
}

/**
 * ferry_sandbox_get_strength_async:
 * @cancellable: (nullable): to give up waiting
 * @callback: (scope async) (nullable): called when it is known
 * @user_data: data for @callback
 *
 * As [func@Ferry.Sandbox.get_strength], without anybody waiting. Called early, it spares the first launch the trial.
 * Any thread.
 *
 * Since: 0.1
 */
void
ferry_sandbox_get_strength_async (GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (task, ferry_sandbox_get_strength_async);
  g_task_set_return_on_cancel (task, TRUE);
  g_task_run_in_thread (task, get_strength_in_thread);
}

/**
 * ferry_sandbox_get_strength_finish:
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends [func@Ferry.Sandbox.get_strength_async]. Fails with %G_IO_ERROR_CANCELLED. Any thread.
 *
 * Returns: the layers, or %FERRY_SANDBOX_STRENGTH_NONE with @error set
 *
 * Since: 0.1
 */
FerrySandboxStrength
ferry_sandbox_get_strength_finish (GAsyncResult *result, GError **error)
{
  gssize layers;

  g_return_val_if_fail (g_task_is_valid (result, NULL), FERRY_SANDBOX_STRENGTH_NONE);
  g_return_val_if_fail (g_async_result_is_tagged (result, ferry_sandbox_get_strength_async),
                        FERRY_SANDBOX_STRENGTH_NONE);
  g_return_val_if_fail (error == NULL || *error == NULL, FERRY_SANDBOX_STRENGTH_NONE);

  layers = g_task_propagate_int (G_TASK (result), error);
  return layers < 0 ? FERRY_SANDBOX_STRENGTH_NONE : (FerrySandboxStrength) layers;
}

/**
 * ferry_sandbox_describe_strength:
 * @strength: layers
 *
 * Names layers, for messages to people. Any thread may call this.
 *
 * Returns: (transfer full): their names, such as “limits, no new privileges, Landlock”; “nothing” where there are none
 *
 * Since: 0.1
 */
char *
ferry_sandbox_describe_strength (FerrySandboxStrength strength)
{
  return strength != 0 ? ferry_confinement_name_layers ((guint32) strength) : g_strdup ("nothing");
}
