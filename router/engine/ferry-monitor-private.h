/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The monitor is the thread that drains the shared queue into the local queue. It lends this role to the main loop,
 * where the router's short cut is on and there is little traffic.
 *
 * Owner:   references are counted: the router has one, and each sender of the same process has one.
 * Threads: other threads queue commands, which the monitor's thread runs in the order of their arrival. The
 *          monitor's thread takes no lock except the lock of the commands and that of its role, and runs no callback of
 *          the application. It sleeps only in epoll, or in poll while it lends its role. */

#pragma once

#include "engine/ferry-commands-private.h"
#include "engine/ferry-pingee-private.h"
#include "engine/ferry-short-cut-private.h"

G_BEGIN_DECLS

typedef struct _FerryMonitor FerryMonitor;

/* Starts the process at the other end of a link. Runs on the monitor's thread, which lasts as long as the router runs.
 * The kernel kills a child with PR_SET_PDEATHSIG when the thread that started the child ends. When *pid is 0 on return,
 * a fork server was asked to start the process; the fork server's answer comes over the link. */
typedef gboolean (*FerryLaunchFunc) (gpointer data, int control_fd, GPid *pid, int *pidfd, GError **error);

FerryMonitor *ferry_monitor_new (FerryPingee *pingee, GMainContext *context, FerryMemoryAccount *account,
                                 gsize local_queue_limit, gint64 spare_time, GError **error);
FerryMonitor *ferry_monitor_ref (FerryMonitor *self);
void ferry_monitor_unref (FerryMonitor *self);
void ferry_monitor_stop (FerryMonitor *self);

gboolean ferry_monitor_add_link (FerryMonitor *self, FerryLink *link, FerryLaunchFunc launch, gpointer launch_data,
                                 GDestroyNotify launch_destroy);
void ferry_monitor_close_pipe (FerryMonitor *self, guint64 connection_id);
gboolean ferry_monitor_send_signal (FerryMonitor *self, FerryLink *link, int signal_number);
gboolean ferry_monitor_signal_group (FerryMonitor *self, FerryLink *link, int signal_number);
void ferry_monitor_fault_link (FerryMonitor *self, FerryLink *link, const char *detail);
void ferry_monitor_end_link (FerryMonitor *self, FerryLink *link, FerryExit *exit);

GSource *ferry_monitor_attach_short_cut (FerryMonitor *self);
void ferry_monitor_note_wait (FerryMonitor *self, FerryLink *link);
void ferry_monitor_note_taken (FerryMonitor *self, FerryLink *link, gsize share, gboolean refused);
void ferry_monitor_set_spin (FerryMonitor *self, guint32 setting);
void ferry_monitor_begin_need (FerryMonitor *self);
void ferry_monitor_end_need (FerryMonitor *self);

guint64 ferry_monitor_set_fence (FerryMonitor *self);
gboolean ferry_monitor_is_fence_reached (FerryMonitor *self, guint64 number, guint64 *n_pushed);

FerryCommands *ferry_monitor_get_commands (FerryMonitor *self);
FerryShortCut *ferry_monitor_get_short_cut (FerryMonitor *self);
FerrySharedQueue *ferry_monitor_get_shared_queue (FerryMonitor *self);
FerryLocalQueue *ferry_monitor_get_local_queue (FerryMonitor *self);
void ferry_monitor_get_counts (FerryMonitor *self, guint64 *counts);
guint ferry_monitor_count_links (FerryMonitor *self);
void ferry_monitor_count_ended_link (FerryMonitor *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryMonitor, ferry_monitor_unref)

G_END_DECLS
