/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The monitor: the thread that drains the shared queue into the local queue.
 *
 * Owner:   counted references: the router's, and one of each local sender's.
 * Threads: what other threads want of it comes as a command, run on the monitor's thread in the order of their
 *          coming. The thread takes no lock but that of the commands, runs no callback of the application's, and
 *          sleeps only in epoll. */

#pragma once

#include "base/ferry-depth-private.h"
#include "route/ferry-local-queue-private.h"
#include "route/ferry-pingee.h"

G_BEGIN_DECLS

/* What ferry_router_route_until() sets at its beginning, and passes when all that was sent before is dispatched. The
 * monitor has reached it when it has drained each lane to where the lane was written at that time. */
typedef struct
{
  guint64 latest;          /* router's thread: the number of the one that was set last */
  guint64 number;          /* monitor, as the next two: of the one that is set up */
  guint rounds;            /* until it is set up */
  gboolean open;           /* it is not reached */
  _Atomic guint64 reached; /* any: the number of the one that was reached last */
  _Atomic guint64 pushed;  /* any: how many blocks had been pushed by then */
} FerryFence;

/* monitor: where a pipe comes in. Its number is found through the low bits of its connection id. */
typedef struct
{
  guint64 connection_id;
  FerryLink *link; /* (unowned) */
  guint index;     /* in the link's pipe table */
  guint n_types;   /* announced so far */
  gboolean done;   /* its stop was drained, or the application closed it */
  GPtrArray *deep; /* (nullable) (owned) (element-type utf8): by number, the types whose values may be deeper than they
                      are; NULL for others */
} FerryGrantEntry;

typedef struct
{
  GThread *thread;          /* const */
  FerrySharedQueue *shared; /* monitor: (owned), but for its wake */
  FerryLocalQueue *local;   /* const: (owned) */
  FerryPingee *pingee;      /* const: (owned) */
  GArray *grants;           /* monitor: (element-type FerryGrantEntry), by the slot of the connection id */
  GQueue stalled;           /* monitor: (element-type FerryLink) links that wait for blocks to come back */
  GQueue dozing;            /* monitor: (element-type FerryLink) links whose lanes are left to fill for a moment */
  gint64 doze_until;        /* monitor: when the moment is over */
  GQueue lingering;         /* monitor: (element-type FerryLink) those whose writers are in no hurry */
  gint64 linger_until;      /* monitor: when they are looked after */
  gint64 spare_time;        /* const: how long memory for copies is kept unused, in microseconds */
  gint64 tidy_at;           /* monitor: when what was not used goes, in monotonic time; 0: there is nothing */
  guint n_unpinged;         /* monitor: blocks that were pushed since the latest ping */
  FerryFence fence;         /* see there */
  gboolean stopping;        /* monitor */
  pthread_mutex_t lock;
  GQueue commands;          /* lock: (element-type Command) */
  gboolean closed;          /* lock: no more commands are taken */
  _Atomic gint references;  /* any */
  _Atomic guint64 n_blocks; /* any, as the next two */
  _Atomic guint64 n_faults;
  _Atomic guint n_links;   /* any: links added and not yet ended on the router's thread */
  _Atomic guint n_waiting; /* any: links in stalled, as the next one */
  _Atomic guint most_waiting;
} FerryMonitor;

typedef void (*FerryMonitorFunc) (FerryMonitor *monitor, gpointer data);

/* Starts the process at the other end of a link. Runs on the monitor's thread, which lasts as long as the router
 * runs: the kernel ends a child by PR_SET_PDEATHSIG when the thread that started it ends. With *pid 0, somebody else
 * was asked to start it, and the link will say what came of that. */
typedef gboolean (*FerryLaunchFunc) (gpointer data, int control_fd, GPid *pid, int *pidfd, GError **error);

/* A connection id: the slot in the low bits, what tells its uses apart above. */
#define FERRY_SLOT_BITS 24
#define FERRY_MAX_SLOTS (1u << FERRY_SLOT_BITS)

static inline guint
ferry_connection_id_get_slot (guint64 connection_id)
{
  return (guint) (connection_id & (FERRY_MAX_SLOTS - 1));
}

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

FerryGrantEntry *ferry_monitor_find_grant (FerryMonitor *self, FerryLink *link, guint64 connection_id);

/* monitor: whether a value of a type that was announced is no deeper than it may be. number: 0 for plain bytes. */
static inline gboolean
ferry_grant_entry_allows (const FerryGrantEntry *self, guint16 number, gconstpointer data, gsize size)
{
  const char *type = number > 0 && self->deep != NULL ? g_ptr_array_index (self->deep, number - 1) : NULL;

  return G_LIKELY (type == NULL) || ferry_depth_allows (type, strlen (type), data, size);
}

/* monitor: nothing more comes through a pipe that its sender stopped, or that is closed. */
static inline void
ferry_grant_entry_set_done (FerryGrantEntry *self)
{
  self->link->n_done += !self->done;
  self->done = TRUE;
}

/* monitor: whether that holds for all pipes of a link whose senders are in this process. It ends then. */
static inline gboolean
ferry_monitor_is_local_end (FerryLink *link)
{
  return link->local && link->n_done == link->connection_ids->len;
}

void ferry_monitor_run_commands (FerryMonitor *self);
void ferry_monitor_push_news (FerryMonitor *self, FerryLink *link, FerryBlockKind kind);
void ferry_monitor_tell_launched (FerryMonitor *self, FerryLink *link);
void ferry_monitor_finish_link (FerryMonitor *self, FerryLink *link);

/* In ferry-visit.c. */
void ferry_monitor_work_or_sleep (FerryMonitor *self);
guint64 ferry_monitor_set_fence (FerryMonitor *self);
gboolean ferry_monitor_is_fence_reached (FerryMonitor *self, guint64 number, guint64 *n_pushed);
void ferry_monitor_tidy_later (FerryMonitor *self);

/* In ferry-monitor-cells.c. */
void ferry_monitor_take_cells (FerryMonitor *self, FerryLink *link);
gboolean ferry_monitor_refuse_cell (FerryMonitor *self, guint64 connection_id, const char *fault);

#define FERRY_FAULT_TOO_DEEP                                                                                           \
  "it sent a value of more than " G_STRINGIFY (FERRY_MAX_DEPTH) " levels, those inside its variants counted; it must " \
                                                                "send it flat, or in parts"

/* In ferry-drain.c. */
typedef enum
{
  FERRY_DRAIN_EMPTY,     /* nothing more is there */
  FERRY_DRAIN_CAUGHT_UP, /* all that was there was taken, and it filled less than a block */
  FERRY_DRAIN_MORE,      /* more may be there */
  FERRY_DRAIN_STALLED,   /* the link has its share of blocks out */
} FerryDrainResult;

FerryDrainResult ferry_monitor_drain (FerryMonitor *self, FerryLink *link);
void ferry_monitor_push (FerryMonitor *self, FerryBlock *block);
void ferry_monitor_ping (FerryMonitor *self);

/* In ferry-drain-buffer.c. */
FerryDrainResult ferry_monitor_copy_buffer (FerryMonitor *self, FerryLink *link, const char **fault);
FerryDrainResult ferry_monitor_finish_one_shot (FerryMonitor *self, FerryLink *link, const char **fault);
gboolean ferry_monitor_has_looked (const FerryLink *link);
const char *ferry_monitor_take_buffer (FerryMonitor *self, FerryLink *link, const FerryGrantEntry *grant,
                                       const FerryRecordHeader *header, const guint8 *place);
const char *ferry_monitor_take_large (FerryMonitor *self, FerryLink *link, guint64 connection_id,
                                      const FerryLargeMessage *large, const guint8 *place);
const char *ferry_monitor_take_one_shot (FerryMonitor *self, FerryLink *link, const FerryGrantEntry *grant,
                                         const FerryRecordHeader *header, const guint8 *place);

/* In ferry-output-drain.c. */
FerryDrainResult ferry_monitor_drain_output (FerryMonitor *self, FerryLink *link);
void ferry_monitor_finish_output (FerryMonitor *self, FerryLink *link);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryMonitor, ferry_monitor_unref)

G_END_DECLS
