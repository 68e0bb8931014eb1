/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#define FERRY_INSIDE

#include "base/ferry-close-reason.h"
#include "base/ferry-error.h"
#include "base/ferry-usable-cores.h"
#include "base/ferry-variant-reader.h"
#include "base/ferry-variant-writer.h"
#include "base/ferry-version.h"

#include "route/ferry-buffer.h"
#include "route/ferry-exit.h"
#include "route/ferry-pingee.h"
#include "route/ferry-receiver.h"
#include "route/ferry-router.h"
#include "route/ferry-sender.h"

#include "spawn/ferry-limit.h"

#include "sandbox/ferry-sandbox.h"

#include "worker/ferry-fork-server.h"
#include "worker/ferry-function.h"
#include "worker/ferry-launcher.h"
#include "worker/ferry-worker.h"

#include "call/ferry-demux.h"
#include "call/ferry-invocation.h"
#include "call/ferry-link-transport.h"
#include "call/ferry-mux.h"
#include "call/ferry-replies.h"
#include "call/ferry-transport.h"

#include "task/ferry-error-list.h"
#include "task/ferry-executor.h"
#include "task/ferry-job.h"
#include "task/ferry-map-item.h"
#include "task/ferry-map.h"
#include "task/ferry-pool.h"
#include "task/ferry-process.h"
#include "task/ferry-runner.h"
#include "task/ferry-task-group.h"
#include "task/ferry-task.h"
#include "task/ferry-worker-main.h"

#include "channel/ferry-background.h"
#include "channel/ferry-channel.h"
#include "channel/ferry-exchange.h"
#include "channel/ferry-listener.h"

#include "object/ferry-dictionary.h"
#include "object/ferry-exporter.h"
#include "object/ferry-interface.h"
#include "object/ferry-list-replica.h"
#include "object/ferry-list-row.h"
#include "object/ferry-object-server.h"
#include "object/ferry-proxy.h"
#include "object/ferry-spawn-again.h"
#include "object/ferry-view.h"

#include "ferry-enums.h"

#undef FERRY_INSIDE
