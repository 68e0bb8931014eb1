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
 * @FERRY_ERROR_NOT_RUNNING: The router is not running: call [method@Ferry.Router.start] first.
 * @FERRY_ERROR_ALREADY_RUNNING: The router is running already, or another object has what only one can have.
 * @FERRY_ERROR_WRONG_THREAD: The call belongs to the router's thread, which is the one that started it.
 * @FERRY_ERROR_NOT_STARTED: The sender has not been started, or the transport has no worker yet.
 * @FERRY_ERROR_ALREADY_STARTED: The sender has been started, or was passed to a worker.
 * @FERRY_ERROR_STOPPED: The sender has been stopped.
 * @FERRY_ERROR_CLOSED: The other end is gone: the pipe was closed, or its link ended.
 * @FERRY_ERROR_WOULD_BLOCK: There is no room now, and the caller asked not to wait.
 * @FERRY_ERROR_TIMED_OUT: The deadline passed.
 * @FERRY_ERROR_TOO_LARGE: The message, or the number of things asked for, is over its documented limit.
 * @FERRY_ERROR_LAUNCH_FAILED: The worker's process could not be started.
 * @FERRY_ERROR_WORKER_LOST: The worker ended before what was asked for could happen.
 * @FERRY_ERROR_PROTOCOL: The other end broke a rule of the protocol.
 * @FERRY_ERROR_VERSION: The two ends speak versions of the protocol that do not fit.
 * @FERRY_ERROR_BAD_ARGUMENTS: A value from outside, such as an argument vector, cannot be used.
 * @FERRY_ERROR_UNKNOWN_SENDER: The worker was given no sender, or no transport, of that name.
 * @FERRY_ERROR_NOT_A_WORKER: The process was not started by a [class@Ferry.Launcher].
 * @FERRY_ERROR_BUSY: The call cannot be nested in the one under way; or a persistent worker has an application already,
 *   or no descriptors for one.
 * @FERRY_ERROR_SYSTEM: The system refused memory, a descriptor or a call; the message names it.
 * @FERRY_ERROR_UNKNOWN_FUNCTION: The worker's program has no function of that name, or nothing answers to
 *   that method.
 * @FERRY_ERROR_REFUSED: What was asked for was not begun, and will not be.
 * @FERRY_ERROR_NOT_DONE: There is no result yet: wait for the end.
 * @FERRY_ERROR_BAD_RESULT: A function gave back something that is not what it was registered to give.
 * @FERRY_ERROR_QUEUE_TIMED_OUT: The task waited in its queue for longer than it may; it was not begun.
 * @FERRY_ERROR_QUARANTINED: The task ended several workers, and is not tried again.
 * @FERRY_ERROR_NOT_ACKNOWLEDGED: The conversation ended before the other end had taken the message.
 * @FERRY_ERROR_REMOTE: An error of another process, of a domain that this one does not know; the message names it.
 * @FERRY_ERROR_NOT_LISTENING: No worker listens at the address, or the exporter of an object does not listen.
 * @FERRY_ERROR_NOT_ALLOWED: The other end belongs to another user, or permissions keep this one from it; or a property
 *   is not to be read, or not to be written.
 * @FERRY_ERROR_UNKNOWN_OBJECT: No object of that name is exported, or the reference is not, or no longer, one of this
 *   transport's.
 * @FERRY_ERROR_UNKNOWN_MEMBER: The object's interface has no such method, property, signal or item operation.
 *
 * What can go wrong at run time, each with its remedy in the message.
 *
 * A cancelled call fails with %G_IO_ERROR_CANCELLED, as everywhere in GIO.
 *
 * Since: 0.1
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
} FerryError;

FERRY_AVAILABLE_IN_0_1
GQuark ferry_error_quark (void);
FERRY_AVAILABLE_IN_0_1
char *ferry_error_get_trace (const GError *error);

G_END_DECLS
