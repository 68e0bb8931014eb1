/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"
#include "engine/ferry-exit.h"
#include "process/ferry-sandbox.h"
#include "route/ferry-sender.h"

G_BEGIN_DECLS

/**
 * FerryWorkerState:
 * @FERRY_WORKER_STATE_STARTING: The process is being started, or has not attached yet.
 * @FERRY_WORKER_STATE_OPEN: The process has attached.
 * @FERRY_WORKER_STATE_ENDED: The process has ended, and all of its messages have been delivered.
 *
 * The state of a worker, in the application.
 */
typedef enum
{
  FERRY_WORKER_STATE_STARTING,
  FERRY_WORKER_STATE_OPEN,
  FERRY_WORKER_STATE_ENDED,
} FerryWorkerState;

#define FERRY_TYPE_WORKER (ferry_worker_get_type ())

FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryWorker, ferry_worker, FERRY, WORKER, GObject)

FERRY_AVAILABLE_IN_0_1
const char *ferry_worker_get_identifier (FerryWorker *self);
FERRY_AVAILABLE_IN_0_1
FerryWorkerState ferry_worker_get_state (FerryWorker *self);
FERRY_AVAILABLE_IN_0_1
void ferry_worker_send_signal (FerryWorker *self, int signal_number);
FERRY_AVAILABLE_IN_0_1
void ferry_worker_force_exit (FerryWorker *self);

FERRY_AVAILABLE_IN_0_1
gboolean ferry_worker_add_sender (FerryWorker *self, const char *name, FerrySender *sender, GError **error);
FERRY_AVAILABLE_IN_0_1
FerrySender *ferry_worker_get_sender (const char *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
