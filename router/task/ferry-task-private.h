/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an executor does with a task. All of it on the router's thread, but where it says other.
 *
 * Each of the functions that tell a task what happened asks the table first: it returns FALSE, with nothing changed,
 * where the table refuses the event. Signals are emitted before they return; handlers may do anything, also cancel the
 * task, submit others, or drop the last reference. */

#pragma once

#include "base/ferry-timers-private.h"
#include "route/ferry-home-private.h"
#include "task/ferry-progress-private.h"
#include "task/ferry-task-state-private.h"

G_BEGIN_DECLS

/* What the executor keeps in a task. FerryTask neither reads nor writes it, but for freeing nothing of it. */
typedef struct
{
  GList queue_link;        /* in its queue, or in flight at a worker */
  GList finished_link;     /* in its executor's list of those that are done */
  gpointer queue;          /* (nullable): the executor, as the pool sees it */
  GSequenceIter *position; /* (nullable): in the executor's list */
  guint64 number;          /* in the order of that list */
  gpointer worker;         /* (nullable): the pool's worker that has it */
  guint64 xid;             /* of its call */
  guint64 n_handed;        /* how many packets of descriptors had gone to the worker by then; 0: it has none */
  FerryTimer timer;        /* for its queue's deadline, then the run's, then the grace of a cancel */
  guint executing : 1;     /* counted as such */
  guint taken_in : 1;      /* the router's thread has it in its books */
  guint escalation : 8;    /* how far its end was pressed for */
  guint n_looks;           /* for its answer, once the worker claimed another call, since more was dispatched */
  guint64 answer_end;      /* the up lane's position by which the answer lies in it, if there is one; 0: not known */
  guint64 dispatched;      /* how far the up lane was dispatched at the latest look */
  guint n_deaths;          /* workers that were lost while they ran it */
  guint n_consumed;        /* items that were, since the worker was last told */
  guint n_refusals;        /* how often workers refused it */
} FerryTaskPlacement;

/* How a task reaches its executor. */
typedef struct
{
  /* A task that waits was asked to cancel. The executor takes it back from the worker that it was sent ahead to. Where
   * the worker has begun it, the executor starts the task, which executes then. Handlers may run, so the caller looks
   * at the state anew. */
  void (*withdraw) (gpointer executor, FerryTask *task);
  /* The task was asked to cancel, and its state allows it. A task that executed is CANCELLING, and has said so. A task
   * that waited is CANCELLED, has signalled nothing so far, and is to be taken out of the queue. It is not in the queue
   * yet where another thread submitted it a moment ago. */
  void (*cancelled) (gpointer executor, FerryTask *task);
  /* The consumer took what was yielded: n items more may come. */
  void (*consumed) (gpointer executor, FerryTask *task, guint n);
  /* Drives routing until the task is done (TRUE), or until the time is over (FERRY_ERROR_TIMED_OUT), for
   * ferry_task_wait(). timeout in microseconds, negative for no end. */
  gboolean (*wait) (gpointer executor, FerryTask *task, gint64 timeout, GError **error);
  /* any: the home (unowned) (nullable) of the tasks that the executor has: the router's. */
  FerryHome *(*get_home) (gpointer executor);
} FerryTaskDriver;

/* For a class that derives from FerryTask, of a task that was just made: what ferry_task_new() sets. Not as properties:
 * to pass them takes half again as long as all else. Arguments (nullable), floating or not, are taken. */
void ferry_task_set_up (FerryTask *self, FerryTaskKind kind, const char *function, GVariant *arguments);

/* any: claims a task that was not submitted before for the executor (unowned; forgotten when the task is done). Fails
 * with FERRY_ERROR_ALREADY_STARTED, and with G_IO_ERROR_CANCELLED when the task was cancelled before. */
gboolean ferry_task_claim (FerryTask *self, const FerryTaskDriver *driver, gpointer executor, GError **error);
FerryTaskPlacement *ferry_task_get_placement (FerryTask *self);
/* Whether the caller may wait for the task, or change what can be changed after its submission. With a critical that
 * names the function where not. */
gboolean ferry_task_check_home (FerryTask *self, const char *function);

gint64 ferry_task_get_deadline (FerryTask *self);
/* The deadline of what has so many microseconds since then (0: as long as it takes), and ends with the task's own
 * deadline at the latest. 0: never. */
gint64 ferry_task_get_deadline_of (FerryTask *self, gint64 since, gint64 timeout);
gint64 ferry_task_get_run_timeout (FerryTask *self);
gint64 ferry_task_get_queue_timeout (FerryTask *self);
gint64 ferry_task_get_cancel_grace (FerryTask *self);
guint ferry_task_get_retries (FerryTask *self);
guint ferry_task_get_window (FerryTask *self);
/* The descriptors that its handles stand for (FERRY_MAX_FDS_PER_LINK at most), which stay the task's. Returns how
 * many they are. */
guint ferry_task_get_descriptors (FerryTask *self, int *descriptors);
/* Whether it was given any, which it has no more once it is done. */
gboolean ferry_task_had_descriptors (FerryTask *self);

gboolean ferry_task_start (FerryTask *self, GPid pid);
/* The process that runs the task is known later than that the task runs. */
void ferry_task_take_pid (FerryTask *self, GPid pid);
/* These three return TRUE also for what is ignored. */
gboolean ferry_task_take_progress (FerryTask *self, const FerryProgress *progress);
gboolean ferry_task_take_message (FerryTask *self, const char *type, GVariant *value);
gboolean ferry_task_take_yield (FerryTask *self, GVariant *value);
gboolean ferry_task_complete (FerryTask *self, GVariant *result);
/* For ERROR, LOST, RUN_TIMEOUT, QUEUE_TIMEOUT, REFUSE and ABANDON. Takes the error in any case, also when it returns
 * FALSE; it may be NULL only where the task is CANCELLED by the event. trace and exit may be NULL. */
gboolean ferry_task_fail (FerryTask *self, FerryTaskEvent event, GError *error, const char *trace, FerryExit *exit);
/* RETURN: back to WAITING for another attempt; a task that was cancelled meanwhile is CANCELLED, and returns TRUE. */
gboolean ferry_task_give_back (FerryTask *self);
void ferry_task_hold_window (FerryTask *self);
void ferry_task_consume (FerryTask *self, guint n);
/* Of a task that waits; the executor moves it. */
void ferry_task_change_priority (FerryTask *self, int priority);
/* A new one with the same function, arguments, name and settings, of the same kind; a plain FerryTask. */
FerryTask *ferry_task_new_like (FerryTask *self);
/* For a cancelling or timed-out task: notes an error that came too late, for the log. */
void ferry_task_note_late_error (FerryTask *self, const GError *error, const char *trace);
/* For tests: a task that was submitted is so many microseconds older. */
void ferry_task_backdate (FerryTask *self, gint64 microseconds);

G_END_DECLS
