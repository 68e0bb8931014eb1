/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
#endif

#include <glib-object.h>

#include "base/ferry-version.h"

G_BEGIN_DECLS

/**
 * FERRY_ERROR:
 *
 * The error domain of Ferry; its codes are [error@Ferry.Error].
 */
#define FERRY_ERROR (ferry_error_quark ())

/**
 * FerryError:
 * @FERRY_ERROR_NOT_RUNNING: The router is not running; call [method@Ferry.Router.start] first.
 * @FERRY_ERROR_ALREADY_RUNNING: The router is running already, or another object holds what only one object may hold.
 * @FERRY_ERROR_WRONG_THREAD: The function was called on a wrong thread; call it on the router's thread, which started
 *   the router.
 * @FERRY_ERROR_NOT_STARTED: The sender has not been started, or the transport has no worker yet.
 * @FERRY_ERROR_ALREADY_STARTED: The sender has been started, or was passed to a worker.
 * @FERRY_ERROR_STOPPED: The sender has been stopped.
 * @FERRY_ERROR_CLOSED: The other end is gone: the pipe was closed, or its link ended.
 * @FERRY_ERROR_WOULD_BLOCK: There is no room now, and the caller asked not to wait.
 * @FERRY_ERROR_TIMED_OUT: The deadline passed.
 * @FERRY_ERROR_TOO_LARGE: The size of the message, or the number of things asked for, is above its documented limit.
 * @FERRY_ERROR_LAUNCH_FAILED: The worker's process could not be started.
 * @FERRY_ERROR_WORKER_LOST: The worker ended before it did what the caller asked for.
 * @FERRY_ERROR_PROTOCOL: The other end broke a rule of the protocol.
 * @FERRY_ERROR_VERSION: The two ends use versions of the protocol that do not fit together.
 * @FERRY_ERROR_BAD_ARGUMENTS: A value from outside the program, such as an argument vector, cannot be used.
 * @FERRY_ERROR_UNKNOWN_SENDER: The worker was given no sender, or no transport, of that name.
 * @FERRY_ERROR_NOT_A_WORKER: The process was not started by a [class@Ferry.Launcher], or was forked from a worker. Or a
 *   launcher started it, and it starts workers of its own before it has attached and taken a sender or transport, or
 *   asks for one as a fork server: [func@Ferry.Worker.main] comes first.
 * @FERRY_ERROR_BUSY: The function cannot be called within another call that is still running. Or a persistent worker
 *   already has an application, or has no descriptors for another application.
 * @FERRY_ERROR_SYSTEM: The system refused memory, a descriptor or a system call; the message names it.
 * @FERRY_ERROR_UNKNOWN_FUNCTION: The worker's program has no function of that name, or no handler answers the method.
 * @FERRY_ERROR_REFUSED: What the caller asked for was not begun, and will not be begun.
 * @FERRY_ERROR_NOT_DONE: There is no result yet; wait for the end.
 * @FERRY_ERROR_BAD_RESULT: A function returned a value of another type than it was registered to return, or a request
 *   of bytes was answered with another value.
 * @FERRY_ERROR_QUEUE_TIMED_OUT: The task waited in its queue for longer than its limit, and was not begun.
 * @FERRY_ERROR_QUARANTINED: The task, which is idempotent, ended several workers of a cluster, and is not run again.
 * @FERRY_ERROR_NOT_ACKNOWLEDGED: The conversation ended before the other end acknowledged the message.
 * @FERRY_ERROR_REMOTE: An error of another process, of an error domain that cannot be taken over. The domain is no
 *   name, or the other processes have named more domains than a process takes over. The message names the domain. A
 *   domain is always kept if this process has asked for its quark. Other errors keep domain, code and message.
 * @FERRY_ERROR_NOT_LISTENING: No worker listens at the address, or the exporter of an object does not listen.
 * @FERRY_ERROR_NOT_ALLOWED: The other end belongs to another user, or its permissions keep this process out. Or a
 *   property may not be read, or may not be written.
 * @FERRY_ERROR_UNKNOWN_OBJECT: No object of that name is exported, or the reference does not belong to this transport,
 *   or belongs to it no longer.
 * @FERRY_ERROR_UNKNOWN_MEMBER: The object's interface has no such method, property, signal or item operation.
 * @FERRY_ERROR_INTERRUPTED: The application ended while the task was under way, and nobody knows how far it came.
 *
 * The errors of Ferry at run time. The message of each error says what to do about it.
 *
 * A cancelled call fails with %G_IO_ERROR_CANCELLED, as in GIO.
 */
typedef enum
{
  FERRY_ERROR_NOT_RUNNING,
  FERRY_ERROR_ALREADY_RUNNING,
  FERRY_ERROR_WRONG_THREAD,
  FERRY_ERROR_NOT_STARTED,
  FERRY_ERROR_ALREADY_STARTED,
  FERRY_ERROR_STOPPED,
  FERRY_ERROR_CLOSED,
  FERRY_ERROR_WOULD_BLOCK,
  FERRY_ERROR_TIMED_OUT,
  FERRY_ERROR_TOO_LARGE,
  FERRY_ERROR_LAUNCH_FAILED,
  FERRY_ERROR_WORKER_LOST,
  FERRY_ERROR_PROTOCOL,
  FERRY_ERROR_VERSION,
  FERRY_ERROR_BAD_ARGUMENTS,
  FERRY_ERROR_UNKNOWN_SENDER,
  FERRY_ERROR_NOT_A_WORKER,
  FERRY_ERROR_BUSY,
  FERRY_ERROR_SYSTEM,
  FERRY_ERROR_UNKNOWN_FUNCTION,
  FERRY_ERROR_REFUSED,
  FERRY_ERROR_NOT_DONE,
  FERRY_ERROR_BAD_RESULT,
  FERRY_ERROR_QUEUE_TIMED_OUT,
  FERRY_ERROR_QUARANTINED,
  FERRY_ERROR_NOT_ACKNOWLEDGED,
  FERRY_ERROR_REMOTE,
  FERRY_ERROR_NOT_LISTENING,
  FERRY_ERROR_NOT_ALLOWED,
  FERRY_ERROR_UNKNOWN_OBJECT,
  FERRY_ERROR_UNKNOWN_MEMBER,
  FERRY_ERROR_INTERRUPTED,
} FerryError;

FERRY_AVAILABLE_IN_0_1
GQuark ferry_error_quark (void);
FERRY_AVAILABLE_IN_0_1
char *ferry_error_get_trace (const GError *error);
FERRY_AVAILABLE_IN_0_1
GError *ferry_error_from_variant (GVariant *variant, char **trace) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
