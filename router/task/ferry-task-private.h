/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The interface between a task and its executor. All functions are for the router's thread, unless they say otherwise.
 *
 * A function that tells a task of an event returns FALSE, with nothing changed, where the table of states refuses the
 * event. It emits the signals before it returns. Handlers may do anything: cancel the task, submit other tasks, or drop
 * the last reference. */

#pragma once

#include "base/ferry-timers-private.h"
#include "route/ferry-home-private.h"
#include "task/ferry-progress-private.h"
#include "task/ferry-task-state-private.h"

G_BEGIN_DECLS

/* The fields of a task that its executor and its pool use. FerryTask does not use them. */
typedef struct
{
  GList queue_link;        /* in its queue, or in the list of a worker's calls */
  GList finished_link;     /* in its executor's list of tasks that are done */
  gpointer queue;          /* (nullable): the executor, as the pool sees it */
  GSequenceIter *position; /* (nullable): in the executor's list */
  guint64 number;          /* in the order of that list */
  gpointer worker;         /* (nullable): the pool's worker that has it */
  guint64 xid;             /* of its call */
  guint64 n_fd_batches;    /* how many fd batches had gone to the worker then, with its own; 0: it has none */
  FerryTimer timer;        /* for the end of its waiting, then of its run, then of the grace of a cancel */
  guint executing : 1;     /* counted as executing */
  guint taken_in : 1;      /* the router's thread has added it to the executor */
  guint escalation : 8;    /* the step of its escalation */
  guint n_looks;           /* for its answer, once the worker has claimed another call, since more was dispatched */
  guint64 answer_end;      /* the up lane's position by which the answer lies in it, if there is one; 0: not known */
  guint64 dispatched;      /* how far the up lane was dispatched at the latest look */
  guint n_deaths;          /* workers that were lost while they ran it */
  guint n_consumed;        /* items that were consumed since the worker was last told */
  guint n_refusals;        /* how often workers refused it */
} FerryTaskPlacement;

/* Durations in microseconds, 0 for none. */
typedef struct
{
  gint64 deadline; /* monotonic time; 0: none */
  gint64 run_timeout;
  gint64 queue_timeout;
  gint64 cancel_grace;
  guint retries;
  guint window;
} FerryTaskSettings;

/* What a task needs of its executor. */
typedef struct
{
  /* Before the cancel of a task that waits: the executor takes it back from the worker that it was sent ahead to. Where
   * the worker has begun it, the executor starts the task, whose state may then be any. */
  void (*withdraw) (gpointer executor, FerryTask *task);
  /* The task was cancelled. One that executed is CANCELLING, and has signalled it. One that waited is CANCELLED, has
   * signalled nothing so far, and leaves the queue. It is not in the queue yet where another thread has just submitted
   * it. */
  void (*cancelled) (gpointer executor, FerryTask *task);
  /* n yielded values were consumed, so that the function may yield n more. */
  void (*consumed) (gpointer executor, FerryTask *task, guint n);
  /* Routes until the task is done, for ferry_task_wait(). Fails with FERRY_ERROR_TIMED_OUT. timeout: microseconds,
   * negative for none. */
  gboolean (*wait) (gpointer executor, FerryTask *task, gint64 timeout, GError **error);
} FerryTaskDriver;

/* any: sets up a new task of a class that derives from FerryTask, as ferry_task_new() does. Not by properties, which
 * would take half as long again as the rest. Sinks arguments (nullable). */
void ferry_task_set_up (FerryTask *self, FerryTaskKind kind, const char *function, GVariant *arguments);

/* any: gives a task that was not submitted before to the executor (unowned), until it is done. home (nullable): the
 * router's. Fails with FERRY_ERROR_ALREADY_STARTED, and with G_IO_ERROR_CANCELLED when the task was cancelled before.
 */
gboolean ferry_task_submit_to (FerryTask *self, const FerryTaskDriver *driver, gpointer executor, FerryHome *home,
                               GError **error);
FerryTaskPlacement *ferry_task_get_placement (FerryTask *self);
/* any: whether the caller may wait for the task, or change it: on the router's thread once it is submitted. With a
 * critical that names the function where not. */
gboolean ferry_task_check_home (FerryTask *self, const char *function);

const FerryTaskSettings *ferry_task_get_settings (FerryTask *self);
/* The earlier one of the task's deadline and since + timeout (0: none). Returns 0 where there is neither. */
gint64 ferry_task_get_deadline_of (FerryTask *self, gint64 since, gint64 timeout);
/* (transfer none): the descriptors of its handles, at most FERRY_MAX_FDS_PER_LINK. Returns their number. */
guint ferry_task_get_descriptors (FerryTask *self, int *descriptors);
/* Whether it was given descriptors; they are closed once it is done. */
gboolean ferry_task_had_descriptors (FerryTask *self);

/* START: a worker began the task. */
gboolean ferry_task_start (FerryTask *self, GPid pid);
/* The process of a task that started before its process was known. */
void ferry_task_take_pid (FerryTask *self, GPid pid);
/* PROGRESS, MESSAGE, YIELD and RESULT: they return TRUE also where the event is ignored. */
gboolean ferry_task_take_progress (FerryTask *self, const FerryProgress *progress);
gboolean ferry_task_take_message (FerryTask *self, const char *type, GVariant *value);
gboolean ferry_task_take_yield (FerryTask *self, GVariant *value);
gboolean ferry_task_complete (FerryTask *self, GVariant *result);
/* ERROR, LOST, RUN_TIMEOUT, QUEUE_TIMEOUT, REFUSE and ABANDON. Takes the error, also where it returns FALSE; it may be
 * NULL only where the event leads to CANCELLED. trace and exit are (nullable). */
gboolean ferry_task_fail (FerryTask *self, FerryTaskEvent event, GError *error, const char *trace, FerryExit *exit);
/* RETURN: the task is WAITING again, for another attempt; one that is CANCELLING is then CANCELLED. */
gboolean ferry_task_give_back (FerryTask *self);
/* Before the submission: yielded values stay in the window until ferry_task_consume() is called for them. */
void ferry_task_hold_window (FerryTask *self);
void ferry_task_consume (FerryTask *self, guint n);
/* Of a task that waits. The caller moves it in the queue. */
void ferry_task_change_priority (FerryTask *self, int priority);
/* (transfer full): a new FerryTask of the same kind, with the same function, arguments, name, priority and settings,
 * but without a cancellable and descriptors. */
FerryTask *ferry_task_new_like (FerryTask *self);
/* Logs an error of a task that is cancelling or has timed out, and keeps the first one. */
void ferry_task_note_late_error (FerryTask *self, const GError *error, const char *trace);
/* For tests: makes a submitted task older. */
void ferry_task_backdate (FerryTask *self, gint64 microseconds);

G_END_DECLS
