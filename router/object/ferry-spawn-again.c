/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Starts a worker of objects again after its end, and has proxies and exporters go on with the new one. The new worker
 * has transports of its own, of the same names. What had the former ones at this end gets them: the sessions of
 * proxies, and exporters. Replicas, lists and subscriptions hang on proxies, and need nothing more. */

#include "config.h"

#include "object/ferry-spawn-again.h"

#include "base/ferry-base-private.h"
#include "call/ferry-link-transport-private.h"
#include "object/ferry-exporter-private.h"
#include "object/ferry-proxy-session-private.h"

/**
 * ferry_launcher_spawn_again:
 * @self: a launcher; its last worker has ended
 * @router: the running router of that worker
 * @error: return location for an error
 *
 * Starts a worker in the place of the last one that @self spawned. That one may have been ended on purpose, or could
 * not be started. The new worker gets transports of the names that [method@Ferry.Launcher.add_transport] gave the last
 * one. All proxies go on over them, with their signals, replicas, lists and the property bindings of these. An exporter
 * that answered over a transport of the last worker answers over that of the new one.
 *
 * The new process has new objects: a replica gets their values, and a list is read again. What the application wants
 * the new objects to be, it sets when [property@Ferry.Proxy:listening] is %TRUE again. That property is %FALSE from the
 * end of the former worker on, and [signal@Ferry.Worker::ended] says how that ended. Calls that were under way then
 * have ended with %FERRY_ERROR_WORKER_LOST or %FERRY_ERROR_CLOSED, and none of them is made again. Calls from now on
 * wait until the new exporter is there, as with any worker that starts. A proxy that came as a result is of an object
 * of the former process: its calls fail with %FERRY_ERROR_UNKNOWN_OBJECT.
 *
 * A launcher that was given senders or transports since is to spawn another worker. Then, and without an earlier
 * worker, the function does what [method@Ferry.Launcher.spawn] does. Plain senders of the last worker are not renewed:
 * a pipe has one sender. On the router's thread.
 *
 * Fails as [method@Ferry.Launcher.spawn] and [method@Ferry.Launcher.add_transport] do, and with
 * %FERRY_ERROR_ALREADY_RUNNING while a transport of the last worker is open. After a failure, proxies keep the reason
 * of their transport's end, and the function may be called once more.
 *
 * Returns: (transfer full): the worker, or %NULL with @error set
 */
FerryWorker *
ferry_launcher_spawn_again (FerryLauncher *self, FerryRouter *router, GError **error)
{
  g_autoptr (GPtrArray) renewals = NULL;
  FerryWorker *worker;

  g_return_val_if_fail (FERRY_IS_LAUNCHER (self), NULL);
  g_return_val_if_fail (FERRY_IS_ROUTER (router), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  renewals = ferry_launcher_renew_transports (self, router, error);
  if (renewals == NULL)
    return NULL;
  worker = ferry_launcher_spawn (self, router, error);
  if (worker == NULL)
    {
      ferry_launcher_restore_transports (self, renewals);
      return NULL;
    }
  /* What the worker's process asks is received later by this thread's main loop. */
  for (guint i = 0; i < renewals->len; i++)
    {
      const FerryRenewal *renewal = renewals->pdata[i];

      ferry_exporter_move (renewal->place, renewal->renewed);
      if (renewal->former != NULL)
        ferry_proxy_session_move (renewal->former, renewal->renewed);
    }
  return worker;
}
