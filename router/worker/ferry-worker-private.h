/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "route/ferry-router-private.h"
#include "worker/ferry-worker.h"

G_BEGIN_DECLS

FerryWorker *ferry_worker_new (const char *name, FerryLink *link, FerryMonitor *monitor);
FerryLink *ferry_worker_get_link (FerryWorker *self);
FerryLinkObserver *ferry_worker_new_observer (FerryWorker *self);

G_END_DECLS
