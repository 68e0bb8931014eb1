/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whose the tasks of a list are, and which of those that are done are kept. The thread that runs GTK. */

#include "config.h"

#include "gtk/ferry-task-keeper-private.h"

#include "task/ferry-executor-private.h"

struct _FerryTaskKeeper
{
  GObject parent_instance;

  FerryTaskTally *tally;   /* (owned) (nullable) */
  FerryExecutor *executor; /* (owned) (nullable) */
  GHashTable *looked_at;   /* (element-type FerryTask): those that the executor keeps, since somebody looks at them */
};

G_DEFINE_FINAL_TYPE (FerryTaskKeeper, ferry_task_keeper, G_TYPE_OBJECT)

GHashTable *
ferry_task_keeper_make_set (void)
{
  return g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
}

static void
ferry_task_keeper_finalize (GObject *object)
{
  FerryTaskKeeper *self = FERRY_TASK_KEEPER (object);

  g_hash_table_unref (self->looked_at);
  g_clear_object (&self->tally);
  g_clear_object (&self->executor);
  G_OBJECT_CLASS (ferry_task_keeper_parent_class)->finalize (object);
}

static void
ferry_task_keeper_class_init (FerryTaskKeeperClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ferry_task_keeper_finalize;
}

static void
ferry_task_keeper_init (FerryTaskKeeper *self)
{
  self->looked_at = ferry_task_keeper_make_set ();
}

FerryTaskKeeper *
ferry_task_keeper_new (void)
{
  return g_object_new (FERRY_TYPE_TASK_KEEPER, NULL);
}

void
ferry_task_keeper_set_tally (FerryTaskKeeper *self, FerryTaskTally *tally)
{
  g_set_object (&self->tally, tally);
}

void
ferry_task_keeper_set_executor (FerryTaskKeeper *self, FerryExecutor *executor)
{
  g_set_object (&self->executor, executor);
}

FerryExecutor *
ferry_task_keeper_get_executor (FerryTaskKeeper *self)
{
  return self->executor;
}

gboolean
ferry_task_keeper_has_executor (FerryTaskKeeper *self)
{
  return self->executor != NULL || (self->tally != NULL && ferry_task_tally_has_executor (self->tally));
}

FerryExecutor *
ferry_task_keeper_find_executor (FerryTaskKeeper *self, FerryTask *task)
{
  FerryExecutor *executor =
    task != NULL && self->tally != NULL ? ferry_task_tally_find_executor (self->tally, task) : NULL;

  return executor != NULL ? executor : self->executor;
}

void
ferry_task_keeper_keep (FerryTaskKeeper *self, FerryTask *task, gboolean keep)
{
  FerryExecutor *executor = ferry_task_keeper_find_executor (self, task);

  if (executor != NULL)
    ferry_executor_keep_task (executor, task, keep);
}

/* The executor's list may change meanwhile, and this be called again. */
void
ferry_task_keeper_set_looked_at (FerryTaskKeeper *self, GHashTable *tasks)
{
  g_autoptr (GHashTable) before = g_steal_pointer (&self->looked_at);
  g_autoptr (GHashTable) now = g_hash_table_ref (tasks);
  GHashTableIter iter;
  gpointer task;

  self->looked_at = g_hash_table_ref (tasks);
  g_hash_table_iter_init (&iter, now);
  while (g_hash_table_iter_next (&iter, &task, NULL))
    if (!g_hash_table_contains (before, task))
      ferry_task_keeper_keep (self, task, TRUE);
  g_hash_table_iter_init (&iter, before);
  while (g_hash_table_iter_next (&iter, &task, NULL))
    if (!g_hash_table_contains (now, task))
      ferry_task_keeper_keep (self, task, FALSE);
}

void
ferry_task_keeper_add_looked_at (FerryTaskKeeper *self, GHashTable *tasks)
{
  GHashTableIter iter;
  gpointer task;

  g_hash_table_iter_init (&iter, tasks);
  while (g_hash_table_iter_next (&iter, &task, NULL))
    if (g_hash_table_add (self->looked_at, g_object_ref (task)))
      ferry_task_keeper_keep (self, task, TRUE);
}

void
ferry_task_keeper_clear (FerryTaskKeeper *self)
{
  g_autoptr (GHashTable) none = ferry_task_keeper_make_set ();

  ferry_task_keeper_set_looked_at (self, none);
}
