/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an application needs for work in background processes: tasks, pools, programs as tasks, workers, sandboxes and
 * pipes. Further headers have the rest: <ferry-conversations.h> calls and channels, and <ferry-objects.h> remote
 * objects. Each of them includes this one. */

#pragma once

#include <gio/gio.h>

#define FERRY_INSIDE

#include "base/ferry-close-reason.h"
#include "base/ferry-error.h"
#include "base/ferry-usable-cores.h"
#include "base/ferry-version.h"

#include "engine/ferry-counter.h"
#include "engine/ferry-exit.h"

#include "route/ferry-buffer.h"
#include "route/ferry-receiver.h"
#include "route/ferry-router.h"
#include "route/ferry-sender.h"

#include "process/ferry-fork-server.h"
#include "process/ferry-launcher.h"
#include "process/ferry-limit.h"
#include "process/ferry-sandbox.h"
#include "process/ferry-worker.h"

#include "job/ferry-function.h"
#include "job/ferry-job.h"
#include "job/ferry-task-enums.h"
#include "job/ferry-worker-main.h"

#include "pool/ferry-pool.h"
#include "pool/ferry-runner.h"

#include "task/ferry-executor.h"
#include "task/ferry-map-item.h"
#include "task/ferry-map.h"
#include "task/ferry-task-group.h"
#include "task/ferry-task.h"

#include "inspect/ferry-description.h"

#include "command/ferry-command.h"

#include "ferry-enums.h"

#undef FERRY_INSIDE
