/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Those who answer for a demux: what was asked and waits, the handlers, and the threads or the main context that run
 * them. ferry-crew.c has what all places share, ferry-crew-threads.c the threads, ferry-crew-context.c the context.
 *
 * The walk of a request: the receiving thread brings it to take(). There it is refused, begun at once, or put into the
 * queue; then a thread is summoned, or the source of the context is made ready, unless one is on its way. Who comes
 * takes one request after another until the queue is empty. Who finds more than it takes summons the next: so a flood
 * costs the receiving thread one wake-up, and the threads wake each other.
 *
 * Owner:      counted references: the demux has one, and so has each thread and the source. So a demux that is dropped
 *             while handlers run leaves them what they need.
 * Threads:    any.
 * Locks:      lock is not held while a handler, a destroy notification or the transport is called.
 * Invariants: while it is closed, the queue is empty. Where the queue is not and threads run handlers, one is coming,
 *             or there are as many as may be and none of them is idle, or none could be started and one is busy. */

#pragma once

#include <pthread.h>
#include <signal.h>

#include "call/ferry-handler-table-private.h"
#include "call/ferry-invocation-private.h"

G_BEGIN_DECLS

typedef enum
{
  FERRY_CREW_PLACE_THREADS,
  FERRY_CREW_PLACE_RECEIVING,
  FERRY_CREW_PLACE_CONTEXT,
} FerryCrewPlace;

typedef struct _FerryCrew FerryCrew;

struct _FerryCrew
{
  _Atomic gint references;
  pthread_mutex_t lock;
  FerryHandlerTable handlers; /* lock, as what follows */
  GQueue queue;               /* (element-type FerryInvocation), by link (owned) */
  guint max_pending;          /* the most that queue takes */
  guint64 max_pending_size;   /* the most bytes of arguments in it; one request may always be there */
  guint64 pending_size;
  gboolean open;
  guint64 n_closed;       /* how often it was closed: tells handlers that were begun before that from others */
  guint n_running;        /* handlers since then */
  guint n_left;           /* handlers that were begun before and have not returned */
  GQueue waiters;         /* (element-type GTask) (owned): want to know when those have, and the threads are gone */
  FerryCrewPlace place;   /* while it is closed, as the next three */
  guint n_threads_wanted; /* at most so many */
  gint64 idle_time;       /* microseconds after which an idle thread ends; negative: never */
  GMainContext *context;  /* (owned) (nullable) */

  pthread_cond_t work;
  sigset_t signals; /* that are blocked on its threads: as with whoever opened it */
  guint n_threads;
  guint n_idle;
  gboolean coming; /* a thread was woken or started, and has not looked at the queue yet */
  GThread *(*start_thread) (const char *name, GThreadFunc func, gpointer data, GError **error); /* const */

  GSource *source; /* (owned) (nullable): while it is open */
  gboolean ready;  /* the source is, or is at work */
};

/* A request that is being answered. */
typedef struct
{
  FerryInvocation *invocation; /* (owned) */
  FerryHandler *handler;       /* (owned) (nullable): there is none */
  guint64 n_closed;
} FerryCrewRun;

FerryCrew *ferry_crew_new (void);
FerryCrew *ferry_crew_ref (FerryCrew *self);
void ferry_crew_unref (FerryCrew *self);

void ferry_crew_set_handler (FerryCrew *self, const char *method, FerryHandler *handler);
gboolean ferry_crew_is_open (FerryCrew *self);
/* Each returns whether that changed anything. close() answers what waits. */
gboolean ferry_crew_open (FerryCrew *self);
gboolean ferry_crew_close (FerryCrew *self);
/* Takes invocation over. */
void ferry_crew_take (FerryCrew *self, FerryInvocation *invocation);
/* Completes task, which is taken over, when what was begun before the last close() has returned. */
void ferry_crew_wait_quiet (FerryCrew *self, GTask *task);

/* ---- between the files of the crew ---- */

/* Takes the oldest request from the queue, which has one, or for which invocation (nullable) stands. */
void ferry_crew_begin_locked (FerryCrew *self, FerryCrewRun *run, FerryInvocation *invocation);
/* Without the lock: has it answered. */
void ferry_crew_perform (FerryCrewRun *run);
void ferry_crew_end_locked (FerryCrew *self, const FerryCrewRun *run);
/* Returns what is to be completed, once the lock is let go of: an empty queue mostly. */
GQueue ferry_crew_steal_waiters_locked (FerryCrew *self);
void ferry_crew_complete (GQueue *waiters);
void ferry_crew_turn_away (GQueue *queue, const GError *reason);

/* What is to be done for what waits in the queue, once the lock is let go of. */
typedef enum
{
  FERRY_CREW_SUMMONS_NONE,
  FERRY_CREW_SUMMONS_WAKE,
  FERRY_CREW_SUMMONS_START,
} FerryCrewSummons;

FerryCrewSummons ferry_crew_summon_locked (FerryCrew *self);
void ferry_crew_summon (FerryCrew *self, FerryCrewSummons summons);

GSource *ferry_crew_source_new (FerryCrew *self);
/* Whether the calling thread may run a handler at once. */
gboolean ferry_crew_owns_context_locked (FerryCrew *self);
/* Returns the source (owned) to be made ready by ferry_crew_wake_source(), without the lock, or NULL. */
GSource *ferry_crew_summon_source_locked (FerryCrew *self);
void ferry_crew_wake_source (GSource *source);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryCrew, ferry_crew_unref)

G_END_DECLS
