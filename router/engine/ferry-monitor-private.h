/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The monitor (ferry-monitor.c) and its parts: who drains (ferry-drain-lock.c), what a visit does (ferry-visits.c), the
 * records (ferry-drain.c), what the router is told of a link (ferry-link-events.c), the main loop's short cut
 * (ferry-short-cut.c), the watermark (ferry-watermark.c), and commands (ferry-commands.c). Owner, threads, trust and
 * what always holds are said in each of these files. */

#pragma once

#include "base/ferry-spin-private.h"
#include "engine/ferry-local-queue-private.h"
#include "engine/ferry-pingee-private.h"

#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>

G_BEGIN_DECLS

/* ---- The drain lock: ferry-drain-lock.c ---- */

typedef struct
{
  pthread_mutex_t lock;
  /* any: the drain lock is lent. Set with the lock held; the monitor clears it before it waits for the lock. Relaxed,
   * but for ferry_drain_lock_is_lent(): the lock orders what the flag tells of */
  _Atomic gboolean is_lent;
  _Atomic guint n_wants; /* any: how many threads try to acquire the drain lock while another has it */
  _Atomic gint n_needs;  /* any: how many threads need the monitor to drain */
  gint64 keep_until;     /* drain lock: monotonic time until which the monitor keeps the drain lock */
  gboolean is_unused;    /* drain lock: it was lent, and the main loop has not had it since */
  int doorbell;          /* const: (unowned): wakes the monitor */
} FerryDrainLock;

void ferry_drain_lock_init (FerryDrainLock *self, int doorbell);
void ferry_drain_lock_clear (FerryDrainLock *self);

/* The monitor: takes the drain lock at the start of its thread, and gives it up at the end. */
void ferry_drain_lock_take (FerryDrainLock *self);
void ferry_drain_lock_drop (FerryDrainLock *self);

/* The monitor: lends the drain lock, and then takes it back. In between, it sleeps until there is work for it only. */
void ferry_drain_lock_lend (FerryDrainLock *self);
void ferry_drain_lock_take_back (FerryDrainLock *self);

/* drain lock: the monitor keeps the drain lock for a while from now on. */
void ferry_drain_lock_keep (FerryDrainLock *self, gint64 now);

/* any: takes the drain lock, if it is lent. Another thread has it for some microseconds, but may have lost its
 * processor to this thread, or to others. So this one gives up after a while, as if the drain lock was not lent. It
 * wakes the monitor, which then waits for the drain lock. */
gboolean ferry_drain_lock_acquire (FerryDrainLock *self);
/* any: gives up the drain lock that this thread took while it was lent. passes: there is work for the monitor only,
 * which is woken, and takes the drain lock back. */
void ferry_drain_lock_release (FerryDrainLock *self, gboolean passes);

/* any: a hint. But if a thread has counted itself among the answer waits, and finds the drain lock not lent, then what
 * the drain lock is lent to later finds it counted: the count, this load, and the store that lends the drain lock are
 * sequentially consistent. */
static inline gboolean
ferry_drain_lock_is_lent (FerryDrainLock *self)
{
  return atomic_load_explicit (&self->is_lent, memory_order_seq_cst);
}

/* The thread that holds the drain lock and polls: whether it is to stop. The monitor takes the drain lock back, or
 * another thread wants it. Relaxed: hints. */
static inline gboolean
ferry_drain_lock_is_wanted (FerryDrainLock *self)
{
  return !ferry_drain_lock_is_lent (self) || atomic_load_explicit (&self->n_wants, memory_order_relaxed) > 0;
}

/* any: makes the monitor keep the drain lock until ferry_drain_lock_end_need(). The monitor must be woken afterwards.
 */
void ferry_drain_lock_begin_need (FerryDrainLock *self);
void ferry_drain_lock_end_need (FerryDrainLock *self);

static inline gboolean
ferry_drain_lock_is_needed (FerryDrainLock *self)
{
  /* Relaxed: a thread that needs the monitor wakes it afterwards. */
  return atomic_load_explicit (&self->n_needs, memory_order_relaxed) > 0;
}

/* ---- The drain: ferry-drain.c ---- */

typedef struct _FerryDrain FerryDrain;

typedef enum
{
  FERRY_DRAIN_EMPTY,     /* the lane is empty */
  FERRY_DRAIN_CAUGHT_UP, /* less than a block was known to be in the lane, and all of it was taken */
  FERRY_DRAIN_MORE,      /* the lane may hold more records */
  FERRY_DRAIN_STALLED,   /* the link waits: for room in the queue, for memory, or for a check */
} FerryDrainResult;

/* Makes a drain, which the first three arguments must outlive. spare_time: microseconds to keep unused memory. */
FerryDrain *ferry_drain_new (FerrySharedQueue *shared, FerryLocalQueue *local, FerryPingee *pingee, gint64 spare_time);
void ferry_drain_free (FerryDrain *self);

void ferry_drain_grant (FerryDrain *self, FerryLink *link);
void ferry_drain_revoke (FerryDrain *self, FerryLink *link);
FerryLink *ferry_drain_end_pipe (FerryDrain *self, guint64 connection_id, guint *index);

FerryDrainResult ferry_drain_visit (FerryDrain *self, FerryLink *link);
gboolean ferry_drain_checks_are_over (const FerryLink *link);

void ferry_drain_push (FerryDrain *self, FerryBlock *block);
void ferry_drain_ping (FerryDrain *self);
void ferry_drain_set_pings (FerryDrain *self, gboolean pings);

guint64 ferry_drain_get_n_handed_over (FerryDrain *self);
gint64 ferry_drain_get_tidy_time (FerryDrain *self);
void ferry_drain_tidy (FerryDrain *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryDrain, ferry_drain_free)

/* ---- What the router's thread is told of a link: ferry-link-events.c ---- */

typedef struct
{
  FerryLocalQueue *local; /* (unowned) */
  FerryDrain *drain;      /* (unowned) */
} FerryLinkEvents;

/* Each is told once. */
void ferry_link_events_tell_launched (FerryLinkEvents *self, FerryLink *link);
void ferry_link_events_tell_attached (FerryLinkEvents *self, FerryLink *link);
void ferry_link_events_tell_ended (FerryLinkEvents *self, FerryLink *link, FerryExit *exit);

/* Reads the next part of the worker's standard streams; also after the worker's end, to the last. Lines that are logged
 * need room. Lines wait for the process id of a worker that a fork server forks, as it is shown. */
FerryDrainResult ferry_link_events_take_output (FerryLinkEvents *self, FerryLink *link);
/* Reads what is left of the streams, and needs no room. */
void ferry_link_events_take_last_output (FerryLinkEvents *self, FerryLink *link);

/* Whether the link's worker has stored a value in a cell that the main loop has not been told of. */
gboolean ferry_link_events_has_cells (FerryLink *link);
/* Tells of the link's cells that were rung for. Omits a cell that the router's thread has yet to read for an earlier
 * report. So a worker that rings again and again uses one block for each cell. */
void ferry_link_events_take_cells (FerryLinkEvents *self, FerryLink *link);

/* ---- The visits to links: ferry-visits.c ---- */

/* Links that are not visited until a time. */
typedef struct
{
  GQueue links; /* (element-type FerryLink) */
  gint64 until; /* monotonic time of the nap's end; valid where there are links */
} FerryNap;

typedef struct
{
  FerrySharedQueue *shared;   /* (owned); any thread may wake it */
  FerryLocalQueue *local;     /* const: (owned) */
  FerryDrain *drain;          /* (owned) */
  FerryDrainLock *drain_lock; /* const: (unowned) */
  FerryLinkEvents events;     /* const */
  gboolean lends;             /* const: the drain lock is lent at times */
  GQueue stalled;             /* (element-type FerryLink) links that wait for blocks or memory */
  FerryNap short_nap;         /* links with lanes that fill meanwhile, or that are muted for as long */
  FerryNap long_nap;          /* links that ring in vain, or need a barrier that failed */
  gboolean is_marked;         /* a watermark is not reached: see FerryWatermark */
  gboolean is_stopping;
  guint n_bound;            /* links of given senders that end with their worker */
  _Atomic guint64 n_faults; /* any: links that ended with a protocol error */
  _Atomic guint n_waiting;  /* any: links in stalled; only the monitor stores it, and most_waiting */
  _Atomic guint most_waiting;
} FerryVisits;

/* Takes shared. spare_time: microseconds to keep unused memory. After a failure, ferry_visits_clear() must follow
 * too. */
gboolean ferry_visits_init (FerryVisits *self, FerrySharedQueue *shared, FerryDrainLock *drain_lock,
                            FerryPingee *pingee, FerryMemoryAccount *account, gsize local_queue_limit,
                            gint64 spare_time, GError **error);
void ferry_visits_clear (FerryVisits *self);

/* Visits an active link. is_lent: the drain lock is lent, and the lane of the link stays unarmed until the main loop
 * polls.
 */
void ferry_visits_visit (FerryVisits *self, FerryLink *link, gboolean is_lent);
/* Arms the link's empty lane, or lets the link nap. Deactivates it if no record came meanwhile. Ends a link that is
 * done. */
void ferry_visits_rest (FerryVisits *self, FerryLink *link);
/* Ends the link. Its lane is drained to the last byte, or to a broken rule, so no record can follow. */
void ferry_visits_finish (FerryVisits *self, FerryLink *link);
/* Ends the link of a given sender. exit: (nullable): how its worker ended; NULL: the sender counts as stopped. */
void ferry_visits_end_given (FerryVisits *self, FerryLink *link, FerryExit *exit);
/* Tells the router's thread of the link's end, and the links that end with it. */
void ferry_visits_tell_end (FerryVisits *self, FerryLink *link);
/* Sets the state word of each pipe, and the first word in any case: it also closes the down lane. */
void ferry_visits_close_pipes (FerryLink *link, FerryPipeWord word);
/* Ends the link if its sender is in this process, and all its pipes are done. */
void ferry_visits_end_if_local (FerryVisits *self, FerryLink *link);

/* The monitor: activates stalled links that may go on. */
void ferry_visits_revive (FerryVisits *self);
/* The monitor: activates links with naps that are over. */
void ferry_visits_end_naps (FerryVisits *self);
/* Ends a link's nap early. */
void ferry_visits_wake (FerryVisits *self, FerryLink *link);
/* Forgets naps and stalls, before all links end. */
void ferry_visits_forget (FerryVisits *self);

/* Whether nothing is under way that only the monitor's thread does. */
gboolean ferry_visits_need_no_monitor (FerryVisits *self);
/* Whether the monitor may lend the drain lock when no link is active, and its time with it is over. */
gboolean ferry_visits_may_lend (FerryVisits *self);
/* Returns the monotonic time at which the monitor has something to do, or FERRY_SLEEP. */
gint64 ferry_visits_get_waking_time (FerryVisits *self);

/* Whether the main loop may drain the link. Then it is open, no buffer is being copied or checked, few records come at
 * a time, and the rings are for records. A ring in vain then costs the monitor's time, not that of the frames. So does
 * a copy: its page faults take as long as the worker likes. */
gboolean ferry_visits_is_light (FerryLink *link);
/* Whether the worker has attached before its fork server has answered. The link then waits for that answer, so that the
 * event of its start comes before its messages. */
gboolean ferry_visits_is_ahead_of_fork_server (FerryLink *link);
/* Whether a stalled link may be visited again. */
gboolean ferry_visits_may_go_on (FerryVisits *self, FerryLink *link);
/* Sets whether the writer rings before it waits for room: from the time when the lane is armed, until the monitor
 * visits the link. The main loop may take the ring of the armed lane and then do other work. */
void ferry_visits_set_ring_when_full (FerryLink *link, gboolean rings);

static inline guint64
ferry_visits_count_sent (FerryLink *link)
{
  /* Relaxed: a hint. */
  return atomic_load_explicit (&link->down.n_sent, memory_order_relaxed);
}

/* ---- The short cut: ferry-short-cut.c ---- */

typedef struct
{
  FerryVisits *visits;        /* const: (unowned) */
  FerrySharedQueue *shared;   /* const: (unowned): of the visits */
  FerryDrainLock *drain_lock; /* const: (unowned) */
  FerryPingee *pingee;        /* const: (unowned) */
  GMainContext *context;      /* const: (owned) (nullable): runs the main loop; NULL: the monitor always drains */
  gboolean expects_drain;     /* router's thread: the pingee is pinged, and its dispatch drains */
  gboolean gives_way;         /* router's thread: the next iteration of the main loop is for other sources */
  gboolean has_served; /* router's thread: records were taken after the latest drain, while threads waited for some */
  FerrySpin spin;      /* router's thread: the main loop's spins while it drains; any for their time */
  _Atomic guint32 spin_setting; /* any: see FERRY_SPIN_SETTING() */
} FerryShortCut;

void ferry_short_cut_init (FerryShortCut *self, FerryVisits *visits, FerryDrainLock *drain_lock, FerryPingee *pingee,
                           GMainContext *context);
void ferry_short_cut_clear (FerryShortCut *self);

/* The router's thread: returns (transfer full) the source of the short cut, attached to the router's context. keeps: a
 * reference to the owner of this short cut, which unref drops. */
GSource *ferry_short_cut_attach (FerryShortCut *self, gpointer keeps, GDestroyNotify unref);

/* The router's thread: the main loop does not sleep before it drains again, so the lanes need not be armed until then.
 */
void ferry_short_cut_expect_drain (FerryShortCut *self);
/* The router's thread: the same, but it drains an iteration of the main loop later, after sources of lower
 * priority. */
void ferry_short_cut_give_way (FerryShortCut *self);
/* The router's thread: drains the active links, if the drain lock is lent. calls: handlers are called afterwards, even
 * if nothing was drained. */
void ferry_short_cut_drain (FerryShortCut *self, gboolean calls);
/* The router's thread, at the end of a dispatch: the main loop goes on to other work. */
void ferry_short_cut_end_dispatch (FerryShortCut *self);
/* The router's thread, when the main loop has nothing to dispatch: spins, if the drain lock is lent. Returns whether
 * there are records. Where there is one core, yields it, without the drain lock, which a waiting thread may need
 * meanwhile. */
gboolean ferry_short_cut_spin (FerryShortCut *self);

/* any: lists a thread that is going to send a request over the link, so that it is handed the answer, and arms the
 * lane. The caller keeps a reference to the link. */
void ferry_short_cut_begin_wait (FerryShortCut *self, FerryLink *link, FerryAnswerWait *wait);
/* any: ends that. waits: first waits until the thread is handed its answer or the completion is over. Afterwards,
 * wait->size tells whether the answer is in wait->place. */
void ferry_short_cut_end_wait (FerryLink *link, FerryAnswerWait *wait, gboolean waits, gint64 deadline,
                               GCancellable *cancellable);

/* The monitor: lends the drain lock to the main loop, sleeps until there is work that is not the main loop's, and takes
 * the drain lock back. */
void ferry_short_cut_lend_drain_lock (FerryShortCut *self);

/* ---- The watermark: ferry-watermark.c ---- */

typedef struct
{
  guint64 latest;          /* router's thread: the number of the latest watermark */
  guint64 wanted;          /* monitor, as the next three: the number of the latest watermark that was begun */
  guint64 number;          /* the number of the present watermark */
  guint rounds;            /* rounds of the monitor until the watermark is set up */
  gboolean is_open;        /* the watermark is set up and not yet reached */
  _Atomic guint64 reached; /* any: the number of the latest watermark that was reached */
  _Atomic guint64 pushed;  /* any: how many blocks had been pushed when it was reached */
} FerryWatermark;

/* The monitor: begins a watermark, now or when an earlier one is reached. */
void ferry_watermark_begin (FerryWatermark *self, FerryVisits *visits, guint64 number);
/* The monitor, in each round: before the visits, sets the watermark up; and after them, returns whether it is reached
 * now.
 */
void ferry_watermark_set_up_if_due (FerryWatermark *self, FerryVisits *visits);
gboolean ferry_watermark_look (FerryWatermark *self, FerryVisits *visits);

/* ---- Commands to the monitor: ferry-commands.c ---- */

typedef void (*FerryCommandFunc) (gpointer owner, gpointer data);

typedef struct
{
  gpointer owner; /* const: (unowned): the first argument of the functions */
  int doorbell;   /* const: (unowned): wakes the monitor */
  pthread_mutex_t lock;
  GQueue queue;       /* lock: (element-type Command) */
  gboolean is_closed; /* lock: no more commands are taken */
} FerryCommands;

void ferry_commands_init (FerryCommands *self, gpointer owner, int doorbell);
void ferry_commands_clear (FerryCommands *self);

/* any: makes the monitor's thread call func with data. destroy: (nullable): of data. Frees data and returns FALSE if no
 * more commands are taken. */
gboolean ferry_commands_add (FerryCommands *self, FerryCommandFunc func, gpointer data, GDestroyNotify destroy);
/* The monitor: runs the commands that are queued now. Commands that are queued meanwhile run the next time: no thread
 * can keep the monitor from visiting links. */
void ferry_commands_run (FerryCommands *self);
/* any: no more commands are taken. Those that are queued must still be run. */
void ferry_commands_close (FerryCommands *self);

/* ---- The monitor: ferry-monitor.c ---- */

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
