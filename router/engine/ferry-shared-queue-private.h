/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The shared queue, and the links of fork servers in it. The thread with the drain lock; ferry_shared_queue_wake()
 * any. */

#pragma once

#include "link/ferry-guardian-private.h"
#include "link/ferry-link-private.h"
#include "wire/ferry-fork-server-packet-private.h"

G_BEGIN_DECLS

/* ---- The shared queue ---- */

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
void ferry_shared_queue_end_in_order (FerrySharedQueue *self, FerryLink *link);
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
void ferry_shared_queue_set_muted (FerrySharedQueue *self, FerryLink *link, gboolean muted);
void ferry_shared_queue_take_bells (FerrySharedQueue *self);
gboolean ferry_shared_queue_open_guardian (FerrySharedQueue *self, FerryGuardianStartFunc start, GError **error);
void ferry_shared_queue_close_guardian (FerrySharedQueue *self);
void ferry_shared_queue_guard (FerrySharedQueue *self, FerryLink *link);
void ferry_shared_queue_wake (FerrySharedQueue *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerrySharedQueue, ferry_shared_queue_free)

/* ---- The application's end of a fork server: ferry-fork-server-link.c ---- */

/* The maximum number of requests that are sent and not answered. It is small, because descriptors in the socket count
 * against the limit of open files. */
#define FERRY_MAX_ASKED 32

void ferry_fork_server_link_begin (FerryLink *fork_server);

gboolean ferry_fork_server_link_start (FerrySharedQueue *queue, FerryLink *fork_server, FerryLink *link,
                                       FerryStartRequest *request, guint64 id, GError **error);
guint64 ferry_fork_server_link_begin_ask (FerryLink *fork_server, FerryStartRequest *request);
void ferry_fork_server_link_end_ask (FerryLink *fork_server);
/* any: returns (transfer full) (nullable) why the fork server has executed a worker, and not forked it. */
char *ferry_fork_server_link_dup_why_executed (FerryLink *fork_server);

/* monitor: for the shared queue. */
void ferry_fork_server_link_flush (FerrySharedQueue *queue, FerryLink *fork_server);
FerryControlEvent ferry_fork_server_link_receive (FerrySharedQueue *queue, FerryLink *fork_server, GError **error);
void ferry_fork_server_link_close (FerryLink *fork_server);
void ferry_fork_server_link_lose (FerrySharedQueue *queue, FerryLink *fork_server, int cause);
void ferry_fork_server_link_finish (FerrySharedQueue *queue, FerryLink *fork_server, const char *message);

G_END_DECLS
