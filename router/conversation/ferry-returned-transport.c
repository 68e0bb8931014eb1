/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Transports that functions return: a pair of sockets, of which the application gets one as a returned descriptor.
 *
 * Trust: the worker has made the socket, and may keep a copy of the application's end. So the transport never relies on
 *        flags of that socket: see the writes in ferry-stream-transport.c. */

#include "config.h"

#include "conversation/ferry-returned-transport.h"

#include <sys/socket.h>

#include "base/ferry-base-private.h"
#include "task/ferry-task-private.h"

/**
 * ferry_job_return_transport:
 * @self: a job
 * @handle: (out): return location for the handle
 * @error: return location for an error
 *
 * Makes a transport between this worker and the application. The application gets its end from
 * [method@Ferry.Task.open_transport] by the handle. The function must send the handle afterwards, as for
 * [method@Ferry.Job.return_descriptor]. What this end sends before the application has its end waits in the transport.
 *
 * The transport does not end with the function. It ends when one of the two ends is closed or dropped, and with the
 * worker. A thread of the transport receives messages, as for [ctor@Ferry.Transport.new_for_descriptors].
 *
 * Fails as [method@Ferry.Job.return_descriptor] does. Any thread may call this.
 *
 * Returns: (transfer full) (nullable): the worker's end, or %NULL with an error
 */
FerryTransport *
ferry_job_return_transport (FerryJob *self, gint *handle, GError **error)
{
  int ends[2];
  ferry_autofd mine = -1;
  ferry_autofd other = -1;
  gint place;
  int fd;

  g_return_val_if_fail (FERRY_IS_JOB (self), NULL);
  g_return_val_if_fail (handle != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
    {
      ferry_set_system_error (error, "Making a transport (socketpair)");
      return NULL;
    }
  mine = ends[0];
  other = ends[1];
  place = ferry_job_return_descriptor (self, other, error);
  if (place < 0)
    return NULL;
  *handle = place;
  fd = ferry_steal_fd (&mine);
  return ferry_transport_new_for_descriptors (fd, fd, error);
}

static gboolean
check_socket (int fd, GError **error)
{
  int domain = 0;
  int type = 0;
  socklen_t size = sizeof domain;

  /* These two calls ask no file system. */
  if (getsockopt (fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX &&
      getsockopt (fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM)
    return TRUE;
  return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                          "The function has not returned a transport with this handle; return one by "
                          "ferry_job_return_transport(), or use ferry_task_dup_descriptor()");
}

/**
 * ferry_task_open_transport:
 * @self: a task with [property@Ferry.Task:max-returned-descriptors]
 * @handle: a handle that [method@Ferry.Job.return_transport] has set in the function, and a message has brought
 * @error: return location for an error
 *
 * Gets the application's end of a transport that the task's function has returned. Each transport can be got once. It
 * lives on when the task is done or dropped.
 *
 * Fails with %FERRY_ERROR_BAD_ARGUMENTS if the function has returned no transport with that handle. Fails with
 * %FERRY_ERROR_CLOSED if the transport was got before, and with %FERRY_ERROR_SYSTEM if this process has too many files
 * open, or no thread. Any thread may call this.
 *
 * Returns: (transfer full) (nullable): the application's end, or %NULL with an error
 */
FerryTransport *
ferry_task_open_transport (FerryTask *self, gint handle, GError **error)
{
  FerryDescriptorPort *returns;
  g_autofree char *sender = NULL;
  int fd;

  g_return_val_if_fail (FERRY_IS_TASK (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  returns = ferry_task_require_returned (self, &sender, error);
  fd = returns != NULL ? ferry_descriptor_port_take (returns, handle, sender, check_socket, error) : -1;
  return fd >= 0 ? ferry_transport_new_for_descriptors (fd, fd, error) : NULL;
}
