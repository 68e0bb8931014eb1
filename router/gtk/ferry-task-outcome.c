/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an application says of a task's end, in place of what the library would say.
 *
 * Owner:   the task.
 * Threads: the main one. */

#include "config.h"

#include "gtk/ferry-task-monitor-private.h"

#include "gtk/ferry-gtk-enums.h"

struct _FerryTaskOutcome
{
  GObject parent_instance;

  FerryTaskStatus status;
  char *detail; /* (nullable): NULL while nothing was said */
};

static guint changed_signal;

G_DEFINE_FINAL_TYPE (FerryTaskOutcome, ferry_task_outcome, G_TYPE_OBJECT)

static void
ferry_task_outcome_finalize (GObject *object)
{
  g_free (FERRY_TASK_OUTCOME (object)->detail);
  G_OBJECT_CLASS (ferry_task_outcome_parent_class)->finalize (object);
}

static void
ferry_task_outcome_class_init (FerryTaskOutcomeClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ferry_task_outcome_finalize;
  changed_signal =
    g_signal_new ("changed", FERRY_TYPE_TASK_OUTCOME, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
ferry_task_outcome_init (FerryTaskOutcome *self)
{
}

FerryTaskOutcome *
ferry_task_outcome_of (FerryTask *task)
{
  static const char key[] = "ferry-task-outcome";
  FerryTaskOutcome *self = g_object_get_data (G_OBJECT (task), key);

  if (self == NULL)
    {
      self = g_object_new (FERRY_TYPE_TASK_OUTCOME, NULL);
      g_object_set_data_full (G_OBJECT (task), key, self, g_object_unref);
    }
  return self;
}

const char *
ferry_task_outcome_get (FerryTaskOutcome *self, FerryTaskStatus *status)
{
  *status = self->status;
  return self->detail;
}

/**
 * ferry_task_set_outcome:
 * @task: a task
 * @status: what users are told that the task has come to
 * @detail: what there is to say of that, in the language of the user
 *
 * Sets what monitors of the task tell when the task has ended, in place of what they would say by themselves. So an
 * application says what a result means, or that a result cannot be right. On the thread that runs GTK.
 *
 * To the executor, a task with a result has not failed, whatever is said of it here: it leaves a list as those that
 * succeeded do, by [property@Ferry.Executor:keep-finished] and [property@Ferry.Executor:finished-time].
 */
void
ferry_task_set_outcome (FerryTask *task, FerryTaskStatus status, const char *detail)
{
  FerryTaskOutcome *self;

  g_return_if_fail (FERRY_IS_TASK (task));
  g_return_if_fail (status >= FERRY_TASK_STATUS_DONE && status <= FERRY_TASK_STATUS_FAILED);
  g_return_if_fail (detail != NULL);

  self = ferry_task_outcome_of (task);
  self->status = status;
  g_free (self->detail);
  self->detail = g_strdup (detail);
  g_signal_emit (self, changed_signal, 0);
}
