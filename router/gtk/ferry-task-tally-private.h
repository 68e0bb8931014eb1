/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How far all tasks of a model are together, and whose they are. The thread that runs GTK. */

#pragma once

#include "task/ferry-executor-private.h"

#include <ferry.h>

G_BEGIN_DECLS

/* What is known of all tasks together. */
typedef struct
{
  guint n_waiting;
  FerryRunSum running;                        /* of those that run */
  guint64 n_completed, n_failed, n_cancelled; /* all that have ended so, also those that the model has no more */
  guint n_interrupted;                        /* of those that have failed, in the lists of queues */
  double fraction;                            /* of what was begun since nothing was to be done */
  gboolean indeterminate;                     /* whether the fraction says nothing of the tasks that are open */
  gboolean paused;                            /* whether nothing is begun of what waits */
} FerryTaskFigures;

#define FERRY_TYPE_TASK_TALLY (ferry_task_tally_get_type ())
G_DECLARE_FINAL_TYPE (FerryTaskTally, ferry_task_tally, FERRY, TASK_TALLY, GObject)

/* tasks: (nullable): an executor or a queue, a GtkFlattenListModel of several, or another model of tasks. The signal
 * changed tells that figures may be others, and not that a task of an executor has come or gone. */
FerryTaskTally *ferry_task_tally_new (GListModel *tasks) G_GNUC_WARN_UNUSED_RESULT;
FerryTaskFigures ferry_task_tally_get (FerryTaskTally *self);
/* How many tasks wait and run. */
guint ferry_task_tally_count_open (FerryTaskTally *self);
/* How many tasks of the model have failed. */
guint ferry_task_tally_count_failed (FerryTaskTally *self);
void ferry_task_tally_cancel_all (FerryTaskTally *self);
/* Has no task begun, and pauses those that run, or lets go on what this has paused. Tasks of no executor are paused, or
 * go on, each by itself. */
void ferry_task_tally_set_paused (FerryTaskTally *self, gboolean paused);
/* As ferry_task_tally_set_paused(), for the queues alone. */
void ferry_task_tally_let_queues_go_on (FerryTaskTally *self);
/* Has the queues try again what they cannot do, such as to write a file that is gone, or to start workers. */
void ferry_task_tally_try_queues_again (FerryTaskTally *self);
/* Whether that is so of all that has tasks. */
gboolean ferry_task_tally_is_paused (FerryTaskTally *self);
gboolean ferry_task_tally_has_queue (FerryTaskTally *self);
void ferry_task_tally_visit_queues (FerryTaskTally *self, void (*visit) (GListModel *queue, gpointer data),
                                    gpointer data);
/* How many tasks of queues would be lost at the end of the application, since their file cannot be written. why: (out)
 * (transfer full) (nullable). */
guint ferry_task_tally_count_unstored (FerryTaskTally *self, GError **why);
/* How many of the open ones no queue has: they are lost when the application ends. */
guint ferry_task_tally_count_lost (FerryTaskTally *self);
/* Before the application ends: closes the queues, whose tasks go on next time, cancels all other tasks, and calls
 * closed when the queues are closed. */
void ferry_task_tally_close (FerryTaskTally *self, void (*closed) (gpointer data), gpointer data);
gboolean ferry_task_tally_has_executor (FerryTaskTally *self);
/* (transfer none) (nullable): that of the model's executors to which the task was submitted. */
FerryExecutor *ferry_task_tally_find_executor (FerryTaskTally *self, FerryTask *task);

G_END_DECLS
