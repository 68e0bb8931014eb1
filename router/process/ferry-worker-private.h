/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker as the library itself sees it: what makes one, what it is expected to do, and who hears of it. For
 * launchers, pools and transports.
 *
 * Threads: the router's, or any for the getters of what is const. */

#pragma once

#include "process/ferry-launcher.h"
#include "process/ferry-worker.h"
#include "route/ferry-router-private.h"

G_BEGIN_DECLS

/* Returns (transfer full) (nullable) the name of the task that the worker runs. */
typedef char *(*FerryTaskNameFunc) (FerryWorker *worker, gpointer data);

FerryWorker *ferry_worker_new (FerryLink *link, FerryRouter *router);
FerryLink *ferry_worker_get_link (FerryWorker *self);
const char *ferry_worker_get_name (FerryWorker *self);
/* any: returns (transfer none) the router's. */
FerryAffinity *ferry_worker_get_affinity (FerryWorker *self);
/* any: returns the number of the process; 0 until it was started. */
GPid ferry_worker_get_process_number (FerryWorker *self);
void ferry_worker_set_task_name_func (FerryWorker *self, FerryTaskNameFunc func, gpointer data);
FerryLinkObserver *ferry_worker_new_observer (FerryWorker *self);
/* main: within the signal output: the FerryOutputLine.call of the line. */
guint64 ferry_worker_get_output_call (FerryWorker *self);

/* main: notices from now on when the worker does not attach, and calls the func of ferry_worker_set_late_func() then.
 * timeout: how long the worker may do nothing, in microseconds; 0: no limit. */
void ferry_worker_expect (FerryWorker *self, FerryTimers *timers, gint64 timeout);
/* main: stops the process group of a worker that has attached, or lets it go on. Such calls take effect in their order.
 * The application must let it go on: nothing else does. */
void ferry_worker_set_stopped (FerryWorker *self, gboolean stopped);
/* Asks a process to end that has a handler of SIGTERM, or is a fork server, and kills it if it does nothing for
 * FERRY_TIDY_GRACE. Kills any other one at once. */
void ferry_worker_end_in_order (FerryWorker *self);
/* main: notes that a fork server forks the worker. Until it has done so, it is what is waited for. */
void ferry_worker_set_forked (FerryWorker *self);
typedef void (*FerryLateFunc) (FerryWorker *worker, const char *text, gpointer data);
/* main: sets what is called when the worker is late. data must live as long as the worker. */
void ferry_worker_set_late_func (FerryWorker *self, FerryLateFunc func, gpointer data);

G_END_DECLS
