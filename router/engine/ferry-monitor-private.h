/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The monitor: the thread that drains the links, starts and reaps processes, and does what it is told. */

#pragma once

#include "engine/ferry-commands-private.h"
#include "engine/ferry-short-cut-private.h"

#include <glib.h>

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
void ferry_monitor_end_in_order (FerryMonitor *self, FerryLink *link);
gboolean ferry_monitor_signal_group (FerryMonitor *self, FerryLink *link, int signal_number);
void ferry_monitor_fault_link (FerryMonitor *self, FerryLink *link, const char *detail);
void ferry_monitor_end_link (FerryMonitor *self, FerryLink *link, FerryExit *exit);

GSource *ferry_monitor_attach_short_cut (FerryMonitor *self);
void ferry_monitor_set_spin (FerryMonitor *self, guint32 setting);
void ferry_monitor_begin_need (FerryMonitor *self);
void ferry_monitor_end_need (FerryMonitor *self);

guint64 ferry_monitor_set_watermark (FerryMonitor *self);
gboolean ferry_monitor_is_watermark_reached (FerryMonitor *self, guint64 number, guint64 *n_pushed);

FerryShortCut *ferry_monitor_get_short_cut (FerryMonitor *self);
FerrySharedQueue *ferry_monitor_get_shared_queue (FerryMonitor *self);
/* For tests. */
FerryCommands *ferry_monitor_get_commands (FerryMonitor *self);
FerryLocalQueue *ferry_monitor_get_local_queue (FerryMonitor *self);
void ferry_monitor_get_counts (FerryMonitor *self, guint64 *counts);
guint ferry_monitor_count_links (FerryMonitor *self);
void ferry_monitor_count_ended_link (FerryMonitor *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryMonitor, ferry_monitor_unref)

G_END_DECLS
