/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "task/task-test.h"

#include "base/ferry-base-private.h"
#include "pool/ferry-run-private.h"

static gboolean
leads_to (FerryTaskState from, FerryTaskState to)
{
  for (guint event = 0; event < FERRY_N_TASK_EVENTS; event++)
    {
      const FerryTaskTransition *transition = ferry_task_state_next (from, (FerryTaskEvent) event);

      if (transition->step == FERRY_TASK_STEP_TAKEN && transition->next == to)
        return TRUE;
    }
  /* Of one whose time is over: see the table. */
  return from == FERRY_TASK_STATE_CANCELLING && to == FERRY_TASK_STATE_FAILED;
}

/* By any number of steps. */
static gboolean
reaches (FerryTaskState from, FerryTaskState to)
{
  guint reached = 1u << from;
  guint before = 0;

  while (reached != before)
    {
      before = reached;
      for (guint state = 0; state < FERRY_N_TASK_STATES; state++)
        for (guint next = 0; next < FERRY_N_TASK_STATES; next++)
          if ((reached & 1u << state) != 0 && leads_to ((FerryTaskState) state, (FerryTaskState) next))
            reached |= 1u << next;
    }
  return (reached & 1u << to) != 0;
}

static void
state_changed (FerryTask *task, GParamSpec *pspec, gpointer data)
{
  TaskTestWitness *self = data;
  FerryTaskState state = ferry_task_get_state (task);

  if (state == self->state)
    return;
  /* Where handlers act, one notification stands for all that happened since the one before. */
  if (!leads_to (self->state, state) && !(self->nested && reaches (self->state, state)))
    g_error ("Task '%s' went from state %d to %d", ferry_task_get_name (task), self->state, state);
  g_assert_cmpuint (self->n_done, ==, 0);
  g_assert_false ((self->cancelled || self->muted) && state == FERRY_TASK_STATE_COMPLETED);
  /* The call may find that a worker has begun the task, and then a handler that its worker has lost it. */
  g_assert_false (self->cancelled && self->in_cancel == 0 && state == FERRY_TASK_STATE_WAITING);
  self->n_started += state == FERRY_TASK_STATE_EXECUTING;
  self->state = state;
}

static void
notified (FerryTask *task, GParamSpec *pspec, gpointer data)
{
  TaskTestWitness *self = data;

  if (self->n_done > 0 && !self->nested)
    g_error ("Task '%s' notified of '%s' after its end", ferry_task_get_name (task), pspec->name);
}

/* Of what the function does nothing is told but while it executes. */
static void
assert_executing (TaskTestWitness *self, FerryTaskEvent event)
{
  state_changed (self->task, NULL, self);
  g_assert_cmpuint (self->n_done, ==, 0);
  g_assert_false (self->cancelled || self->muted);
  g_assert_cmpint (ferry_task_get_state (self->task), ==, self->state);
  g_assert_cmpint (ferry_task_state_next (self->state, event)->step, ==, FERRY_TASK_STEP_TAKEN);
}

static void
progressed (FerryTask *task, gpointer data)
{
  TaskTestWitness *self = data;

  assert_executing (self, FERRY_TASK_EVENT_PROGRESS);
  self->n_progress++;
}

static void
yielded (FerryTask *task, GVariant *value, gpointer data)
{
  TaskTestWitness *self = data;

  assert_executing (self, FERRY_TASK_EVENT_YIELD);
  self->n_yielded++;
}

static void
sent (FerryTask *task, const char *type, GVariant *value, gpointer data)
{
  TaskTestWitness *self = data;

  assert_executing (self, FERRY_TASK_EVENT_MESSAGE);
  self->n_messages++;
}

static void
done (FerryTask *task, gpointer data)
{
  TaskTestWitness *self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = ferry_task_get_result (task, &error);

  state_changed (task, NULL, self);
  g_assert_cmpuint (self->n_done++, ==, 0);
  g_assert_true (ferry_task_get_done (task));
  g_assert_cmpint (ferry_task_get_state (task), ==, self->state);
  switch (self->state)
    {
    case FERRY_TASK_STATE_COMPLETED:
      g_assert_no_error (error);
      break;
    case FERRY_TASK_STATE_FAILED:
      g_assert_nonnull (error);
      g_assert_null (result);
      break;
    case FERRY_TASK_STATE_CANCELLED:
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      break;
    default:
      g_assert_not_reached ();
    }
}

TaskTestWitness *
task_test_witness_new (FerryTask *task)
{
  TaskTestWitness *self = g_new0 (TaskTestWitness, 1);

  self->task = g_object_ref (task);
  self->state = ferry_task_get_state (task);
  g_signal_connect (task, "notify::state", G_CALLBACK (state_changed), self);
  g_signal_connect (task, "notify", G_CALLBACK (notified), self);
  g_signal_connect (task, "progress", G_CALLBACK (progressed), self);
  g_signal_connect (task, "yielded", G_CALLBACK (yielded), self);
  g_signal_connect (task, "message", G_CALLBACK (sent), self);
  g_signal_connect (task, "done", G_CALLBACK (done), self);
  return self;
}

gboolean
task_test_witness_cancel (TaskTestWitness *self)
{
  gboolean taken;

  if (ferry_task_get_done (self->task))
    {
      g_assert_false (ferry_task_cancel (self->task));
      return FALSE;
    }
  self->cancelled = TRUE;
  self->in_cancel++;
  taken = ferry_task_cancel (self->task);
  self->in_cancel--;
  return taken;
}

void
task_test_witness_free (TaskTestWitness *self)
{
  g_assert_cmpuint (self->n_done, ==, 1);
  g_assert_true (ferry_task_get_done (self->task));
  g_signal_handlers_disconnect_by_data (self->task, self);
  g_object_unref (self->task);
  g_free (self);
}
