/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Attaching to a persistent worker. Each attempt that is not to be waited for has a thread of its own, since it may
 * wait for as long as it likes; GLib's threads are for what comes to an end. */

#include "config.h"

#include "channel/ferry-connect.h"

#include "base/ferry-base-private.h"
#include "base/ferry-thread-private.h"
#include "channel/ferry-attempt-private.h"

/* Of ferry_transport_connect_to(). */
#define TIMEOUT (10 * G_USEC_PER_SEC)

/**
 * ferry_transport_connect_to:
 * @address: (type filename): a path, or “@” and an abstract name
 * @error: return location for an error
 *
 * Attaches to the persistent worker at an address, the process that has a [class@Ferry.Listener] there. The transport
 * is closed when the worker ends, and the worker goes on when the transport is closed.
 *
 * Waits for the worker to answer, for 10 seconds at the most; [func@Ferry.Transport.connect_to_async] is for the thread
 * of a main loop.
 *
 * Fails with %FERRY_ERROR_NOT_LISTENING where there is no worker, also where one has left its socket behind, with
 * %FERRY_ERROR_BUSY while it has as many applications as it takes or no descriptors for one more, with
 * %FERRY_ERROR_NOT_ALLOWED where permissions or the worker keep this process out, or where the worker belongs to
 * another user who is not root, with %FERRY_ERROR_REFUSED and the worker's own reason, %FERRY_ERROR_VERSION,
 * %FERRY_ERROR_PROTOCOL, %FERRY_ERROR_TIMED_OUT, %FERRY_ERROR_BAD_ARGUMENTS and %FERRY_ERROR_SYSTEM. Any thread.
 *
 * Returns: (transfer full): the transport, or %NULL with @error set
 *
 * Since: 0.1
 */
FerryTransport *
ferry_transport_connect_to (const char *address, GError **error)
{
  g_autoptr (FerryAttempt) attempt = NULL;

  g_return_val_if_fail (address != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  attempt = ferry_attempt_new (address, TIMEOUT, FALSE, error);
  return attempt != NULL ? ferry_attempt_run (attempt, NULL, error) : NULL;
}

static gpointer
attempt_main (gpointer data)
{
  g_autoptr (GTask) task = data;
  g_autoptr (GError) error = NULL;
  FerryTransport *transport = ferry_attempt_run (g_task_get_task_data (task), g_task_get_cancellable (task), &error);

  if (transport != NULL)
    g_task_return_pointer (task, transport, g_object_unref);
  else
    g_task_return_error (task, g_steal_pointer (&error));
  return NULL;
}

static void
start (const char *address, gint64 timeout, gboolean wait, GTask *task)
{
  g_autoptr (GError) error = NULL;
  FerryAttempt *attempt = ferry_attempt_new (address, timeout, wait, &error);
  GThread *thread;

  if (attempt == NULL)
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }
  g_task_set_task_data (task, attempt, (GDestroyNotify) ferry_attempt_free);
  thread = ferry_thread_try_new ("ferry-connect", "connecting", attempt_main, g_object_ref (task), &error);
  if (thread != NULL)
    {
      g_thread_unref (thread);
      return;
    }
  g_object_unref (task);
  g_task_return_error (task, g_steal_pointer (&error));
}

/**
 * ferry_transport_connect_to_async:
 * @address: (type filename): a path, or “@” and an abstract name
 * @timeout: how long it may take, in microseconds; negative for any time
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async): called in the thread-default main context of this thread
 * @user_data: data for @callback
 *
 * Attaches to the persistent worker at an address, without waiting for it. Fails as
 * [func@Ferry.Transport.connect_to] does, and with %G_IO_ERROR_CANCELLED. Any thread.
 *
 * Since: 0.1
 */
void
ferry_transport_connect_to_async (const char *address, gint64 timeout, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (address != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (task, ferry_transport_connect_to_async);
  start (address, timeout, FALSE, task);
}

/**
 * ferry_transport_connect_when_there_async:
 * @address: (type filename): a path
 * @timeout: how long it may take, in microseconds; negative for any time
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async): called in the thread-default main context of this thread
 * @user_data: data for @callback
 *
 * Attaches to the persistent worker at an address as soon as there is one: where nobody listens there yet, the folder
 * of the path, which must be there, is watched until somebody does. Ends with
 * [func@Ferry.Transport.connect_to_finish]. Any thread.
 *
 * Fails as [func@Ferry.Transport.connect_to_async] does; with %FERRY_ERROR_NOT_LISTENING only where there is no such
 * folder, or no longer. An abstract name cannot be waited for: that is %FERRY_ERROR_BAD_ARGUMENTS.
 *
 * Since: 0.1
 */
void
ferry_transport_connect_when_there_async (const char *address, gint64 timeout, GCancellable *cancellable,
                                          GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (address != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (task, ferry_transport_connect_to_async);
  start (address, timeout, TRUE, task);
}

/**
 * ferry_transport_connect_to_finish:
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends what [func@Ferry.Transport.connect_to_async] or [func@Ferry.Transport.connect_when_there_async] began. Any
 * thread.
 *
 * Returns: (transfer full): the transport, or %NULL with @error set
 *
 * Since: 0.1
 */
FerryTransport *
ferry_transport_connect_to_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, ferry_transport_connect_to_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
