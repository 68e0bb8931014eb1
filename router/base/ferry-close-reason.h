/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Why a pipe or a worker ended: the reasons that an application meets. Their texts are in engine/ferry-exit.c. */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
#endif

#include <glib.h>

G_BEGIN_DECLS

/**
 * FerryCloseReason:
 * @FERRY_CLOSE_REASON_STOPPED: The sender was stopped; no message was lost.
 * @FERRY_CLOSE_REASON_EXITED: The worker's process exited; the exit record has its exit status.
 * @FERRY_CLOSE_REASON_KILLED: A signal ended the worker's process; the exit record has the signal's number. Without a
 *   number, the system did not let the application end the process, which has lost its link and may run on.
 * @FERRY_CLOSE_REASON_NEVER_ATTACHED: The worker did not attach in time, or ran as an application that starts workers
 *   instead, and was killed.
 * @FERRY_CLOSE_REASON_LAUNCH_FAILED: The worker's process could not be started.
 * @FERRY_CLOSE_REASON_HUNG_UP: The worker closed its control socket but did not exit, and was killed.
 * @FERRY_CLOSE_REASON_PROTOCOL_ERROR: The worker broke a rule of the protocol, and was killed.
 * @FERRY_CLOSE_REASON_ROUTER_STOPPED: The router was stopped.
 * @FERRY_CLOSE_REASON_FORK_SERVER_LOST: The fork server that had forked the worker ended, and so the worker ended.
 *
 * Why a pipe or a worker ended. If there are several causes, the first one counts.
 */
typedef enum
{
  FERRY_CLOSE_REASON_STOPPED,
  FERRY_CLOSE_REASON_EXITED,
  FERRY_CLOSE_REASON_KILLED,
  FERRY_CLOSE_REASON_NEVER_ATTACHED,
  FERRY_CLOSE_REASON_LAUNCH_FAILED,
  FERRY_CLOSE_REASON_HUNG_UP,
  FERRY_CLOSE_REASON_PROTOCOL_ERROR,
  FERRY_CLOSE_REASON_ROUTER_STOPPED,
  FERRY_CLOSE_REASON_FORK_SERVER_LOST,
} FerryCloseReason;

G_END_DECLS
