/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "route/ferry-router-private.h"
#include "worker/ferry-launcher.h"
#include "worker/ferry-worker.h"

G_BEGIN_DECLS

FerryWorker *ferry_worker_new (const char *name, FerryLink *link, FerryMonitor *monitor);
FerryLink *ferry_worker_get_link (FerryWorker *self);
void ferry_worker_set_task_name (FerryWorker *self, const char *name);
FerryLinkObserver *ferry_worker_new_observer (FerryWorker *self);

/* In ferry-output.c. */
void ferry_output_log (const char *worker, GPid pid, const char *task, FerryStream stream, const char *line);

G_END_DECLS
