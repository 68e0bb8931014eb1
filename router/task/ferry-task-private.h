/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an executor does with a task. All of it on the router's thread, but where it says other.
 *
 * Each of the functions that tell a task what happened asks the table first: it returns FALSE, with nothing changed,
 * where the table refuses the event. Signals are emitted before they return; handlers may do anything, also cancel the
 * task, submit others, or drop the last reference. */

#pragma once

#include "route/ferry-timers-private.h"
#include "task/ferry-progress-private.h"
#include "task/ferry-task-state-private.h"

G_BEGIN_DECLS

typedef struct _FerryTaskPrivate FerryTaskPrivate;

/* What the executor keeps in a task. FerryTask neither reads nor writes it, but for freeing nothing of it. */
typedef struct
{
  GList queue_link;        /* in its queue, or in flight at a worker */
  GList finished_link;     /* in its executor's list of those that are done */
  gpointer queue;          /* (nullable): the executor, as the pool sees it */
  GSequenceIter *position; /* (nullable): in the executor's list */
  gpointer worker;         /* (nullable): the pool's worker that has it */
  guint64 xid;             /* of its call */
  FerryTimer timer;        /* for its queue's deadline, then the run's, then the grace of a cancel */
  gboolean executing;      /* counted as such */
  gboolean taken_in;       /* the router's thread has it in its books */
  guint n_deaths;          /* workers that were lost while they ran it */
  guint escalation;        /* how far its end was pressed for */
} FerryTaskSeat;

/* How a task reaches its executor. */
typedef struct
{
  /* The task was asked to cancel, and its state allows it. Called once the state is CANCELLING (it executed); a task
   * that waited is CANCELLED already, and has to be taken out of the queue. */
  void (*cancelled) (gpointer executor, FerryTask *task);
  /* The consumer took what was yielded: n items more may come. */
  void (*consumed) (gpointer executor, FerryTask *task, guint n);
  /* Drives routing until the task is done or the deadline passes, for ferry_task_wait(). */
  gboolean (*wait) (gpointer executor, FerryTask *task, gint64 timeout, GError **error);
} FerryTaskDriver;

/* any: whether the task was not submitted before; claims it for the executor (unowned; cleared when it is done). */
gboolean ferry_task_claim (FerryTask *self, const FerryTaskDriver *driver, gpointer executor, GMainContext *context,
                           GError **error);
FerryTaskSeat *ferry_task_get_seat (FerryTask *self);

gint64 ferry_task_get_run_timeout (FerryTask *self);
gint64 ferry_task_get_queue_timeout (FerryTask *self);
gint64 ferry_task_get_cancel_grace (FerryTask *self);
guint ferry_task_get_retries (FerryTask *self);
guint ferry_task_get_window (FerryTask *self);

gboolean ferry_task_start (FerryTask *self, GPid pid);
gboolean ferry_task_take_progress (FerryTask *self, const FerryProgress *progress);
gboolean ferry_task_take_message (FerryTask *self, const char *type, GVariant *value);
gboolean ferry_task_take_yield (FerryTask *self, GVariant *value);
gboolean ferry_task_complete (FerryTask *self, GVariant *result);
/* The errors are the task's from then on. trace and exit may be NULL. */
gboolean ferry_task_fail (FerryTask *self, FerryTaskEvent event, GError *error, const char *trace, FerryExit *exit);
gboolean ferry_task_give_back (FerryTask *self);
/* Of a task that waits; the executor moves it. */
void ferry_task_change_priority (FerryTask *self, int priority);
/* A new one with the same function, arguments, name and settings, of the same kind; a plain FerryTask. */
FerryTask *ferry_task_new_like (FerryTask *self);
/* For a cancelling or timed-out task: notes an error that came too late, for the log. */
void ferry_task_note_late_error (FerryTask *self, const GError *error, const char *trace);

G_END_DECLS
