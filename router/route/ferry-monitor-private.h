/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The monitor is the thread that drains the shared queue into the local queue.
 *
 * Owner:   counted references: the router's, and one of each local sender's.
 * Threads: other threads leave commands, which the monitor's thread runs in the order in which they came. The thread
 *          takes no lock but that of the commands, runs no callback of the application's, and sleeps only in epoll. */

#pragma once

#include "route/ferry-local-queue-private.h"
#include "route/ferry-pingee.h"

G_BEGIN_DECLS

typedef struct _FerryMonitor FerryMonitor;

typedef void (*FerryMonitorFunc) (FerryMonitor *monitor, gpointer data);

/* Starts the process at the other end of a link. Runs on the monitor's thread, which lasts as long as the router
 * runs: the kernel ends a child by PR_SET_PDEATHSIG when the thread that started it ends. With *pid 0, a fork server
 * was asked to start it, and its answer comes over the link. */
typedef gboolean (*FerryLaunchFunc) (gpointer data, int control_fd, GPid *pid, int *pidfd, GError **error);

typedef struct
{
  guint64 n_blocks;
  guint64 n_faults;
  guint n_links;   /* links added and not yet ended on the router's thread */
  guint n_waiting; /* links that wait for blocks or memory to come back, as in the next count */
  guint most_waiting;
  gint64 queued; /* bytes in the local queue, or being dispatched */
  gint64 most_queued;
} FerryMonitorCounts;

FerryMonitor *ferry_monitor_new (FerryPingee *pingee, FerryMemoryAccount *account, gsize local_queue_limit,
                                 gint64 spare_time, GError **error);
FerryMonitor *ferry_monitor_ref (FerryMonitor *self);
void ferry_monitor_unref (FerryMonitor *self);
void ferry_monitor_stop (FerryMonitor *self);

gboolean ferry_monitor_invoke (FerryMonitor *self, FerryMonitorFunc func, gpointer data, GDestroyNotify destroy);
gboolean ferry_monitor_add_link (FerryMonitor *self, FerryLink *link, FerryLaunchFunc launch, gpointer launch_data,
                                 GDestroyNotify launch_destroy);
gboolean ferry_monitor_close_pipe (FerryMonitor *self, guint64 connection_id);
gboolean ferry_monitor_send_signal (FerryMonitor *self, FerryLink *link, int signal_number);
gboolean ferry_monitor_fault_link (FerryMonitor *self, FerryLink *link, const char *detail);

guint64 ferry_monitor_set_fence (FerryMonitor *self);
gboolean ferry_monitor_is_fence_reached (FerryMonitor *self, guint64 number, guint64 *n_pushed);

FerrySharedQueue *ferry_monitor_get_shared_queue (FerryMonitor *self);
FerryLocalQueue *ferry_monitor_get_local_queue (FerryMonitor *self);
FerryMonitorCounts ferry_monitor_get_counts (FerryMonitor *self);
void ferry_monitor_count_ended_link (FerryMonitor *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryMonitor, ferry_monitor_unref)

G_END_DECLS
