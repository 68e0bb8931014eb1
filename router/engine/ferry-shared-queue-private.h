/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The shared queue: the up lanes of all links, as the monitor sees them.
 *
 * Owner:     the monitor.
 * Threads:   one thread at a time drains the queue: that with the role of ferry-role-private.h. Any thread may call
 *            ferry_shared_queue_wake().
 * Invariant: an idle link costs nothing. Its empty lane is armed: its writer rings the doorbell with the next record.
 *            Such a link is not in the list of active links. An event of its doorbell, control socket
 *            or process puts it into the list. For links that are not idle see ferry-visits-private.h. */

#pragma once

#include "link/ferry-guardian-private.h"
#include "link/ferry-link-private.h"

G_BEGIN_DECLS

/* A time for ferry_shared_queue_wait(): sleep until an event comes. */
#define FERRY_SLEEP (-1)

struct _FerrySharedQueue
{
  int epoll;
  int bells;      /* const: (owned): an epoll set of all links by their doorbells, which is in epoll itself */
  gboolean hears; /* whether a doorbell's ring is an event of epoll */
  int wake;       /* any: (owned) a doorbell */
  GQueue links;   /* all links of the queue, linked by queue_node */
  GQueue active;  /* the links that the monitor must visit, linked by active_node, in the order of their visits */
  FerryDeadlines deadlines; /* of the links in a state that times out */
  _Atomic gint faults;      /* any: 1 when some link has a fault of its down lanes that is not handled yet */

  FerryGuardian guardian;
  FerryGuardianStartFunc start_guardian;
  guint n_guardians_soon; /* how many guardians in a row ended soon after their start */

  /* (nullable): executes the requests that other threads have posted. Called before the answer to such a request is
   * handled. Must not remove a link. */
  void (*catch_up) (gpointer data);
  gpointer catch_up_data;
};

FerrySharedQueue *ferry_shared_queue_new (GError **error);
void ferry_shared_queue_free (FerrySharedQueue *self);

gboolean ferry_shared_queue_add (FerrySharedQueue *self, FerryLink *link, GError **error);
gboolean ferry_shared_queue_set_process (FerrySharedQueue *self, FerryLink *link, GPid pid, int pidfd, GError **error);
void ferry_shared_queue_remove (FerrySharedQueue *self, FerryLink *link);
void ferry_shared_queue_apply (FerrySharedQueue *self, FerryLink *link, FerryLinkEvent event, const char *detail);
void ferry_shared_queue_fault (FerrySharedQueue *self, FerryLink *link, const char *detail);
void ferry_shared_queue_end_given (FerrySharedQueue *self, FerryLink *link);
void ferry_shared_queue_end_process (FerrySharedQueue *self, FerryLink *link);
void ferry_shared_queue_send_signal (FerrySharedQueue *self, FerryLink *link, int signal_number);
void ferry_shared_queue_set_deadline (FerrySharedQueue *self, FerryLink *link, gint64 deadline);
void ferry_shared_queue_expect (FerrySharedQueue *self, FerryLink *link, FerryWatchdogKind kind, GPid pid,
                                gint64 timeout);
void ferry_shared_queue_watch_room (FerrySharedQueue *self, FerryLink *link, gboolean watched);
void ferry_shared_queue_activate (FerrySharedQueue *self, FerryLink *link);
void ferry_shared_queue_deactivate (FerrySharedQueue *self, FerryLink *link);
FerryLink *ferry_shared_queue_next (FerrySharedQueue *self);
void ferry_shared_queue_wait (FerrySharedQueue *self, gint64 until);
void ferry_shared_queue_sleep (FerrySharedQueue *self, gint64 until);
void ferry_shared_queue_hear (FerrySharedQueue *self, gboolean hears);
void ferry_shared_queue_set_deaf (FerrySharedQueue *self, FerryLink *link, gboolean deaf);
void ferry_shared_queue_take_bells (FerrySharedQueue *self);
gboolean ferry_shared_queue_open_guardian (FerrySharedQueue *self, FerryGuardianStartFunc start, GError **error);
void ferry_shared_queue_close_guardian (FerrySharedQueue *self);
void ferry_shared_queue_guard (FerrySharedQueue *self, FerryLink *link);
void ferry_shared_queue_wake (FerrySharedQueue *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerrySharedQueue, ferry_shared_queue_free)

G_END_DECLS
