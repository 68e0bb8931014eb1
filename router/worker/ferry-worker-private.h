/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "route/ferry-router-private.h"
#include "worker/ferry-launcher.h"
#include "worker/ferry-worker.h"

G_BEGIN_DECLS

/* Returns (transfer full) (nullable) the name of the task that the worker runs. */
typedef char *(*FerryTaskNameFunc) (FerryWorker *worker, gpointer data);

FerryWorker *ferry_worker_new (FerryLink *link, FerryRouter *router);
FerryLink *ferry_worker_get_link (FerryWorker *self);
void ferry_worker_set_task_name_func (FerryWorker *self, FerryTaskNameFunc func, gpointer data);
FerryLinkObserver *ferry_worker_new_observer (FerryWorker *self);

G_END_DECLS
