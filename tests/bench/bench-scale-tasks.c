/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* As many tasks in an executor's queue, of one priority and of as many: submitted, listed, given another priority,
 * cancelled from the middle, and run. The only worker has a
 * task that came before, and the main loop does not run until all are cancelled or run, so all of them wait. */

#include "config.h"

#include "bench-scale.h"

#include "bench-team.h"

#define BASE 10

typedef struct
{
  BenchScale *scale;
  BenchTeam team;
  GPtrArray *tasks; /* (owned) (element-type FerryTask) */
  guint n_done;
} Tasks;

static void
done_cb (FerryTask *task, Tasks *self)
{
  self->n_done++;
}

static FerryTask *
get_shuffled (Tasks *self, guint index)
{
  return self->tasks->pdata[bench_scale_shuffle (index, self->tasks->len)];
}

static void
submit_all (Tasks *self, guint count, gboolean with_priorities)
{
  bench_scale_begin (self->scale);
  for (guint i = 0; i < count; i++)
    {
      FerryTask *task = ferry_task_new (FERRY_TASK_KIND_CALL, "echo", g_variant_new_uint32 (i));
      g_autoptr (GError) error = NULL;

      if (with_priorities)
        g_object_set (task, "priority", (int) bench_scale_shuffle (i, count), NULL);
      g_signal_connect (task, "done", G_CALLBACK (done_cb), self);
      if (!ferry_executor_submit_task (self->team.executor, task, &error))
        bench_fail ("a task", error);
      g_ptr_array_add (self->tasks, task);
    }
  bench_scale_end (self->scale, "set-up");
}

static void
list_all (Tasks *self)
{
  bench_scale_begin (self->scale);
  for (guint i = 0; i < self->tasks->len; i++)
    {
      g_autoptr (FerryTask) task = g_list_model_get_item (G_LIST_MODEL (self->team.executor), i);

      if (task == NULL)
        bench_fail ("a task is not in the list", NULL);
    }
  bench_scale_end (self->scale, "list");
}

static void
change_all (Tasks *self)
{
  bench_scale_begin (self->scale);
  for (guint i = 0; i < self->tasks->len; i++)
    {
      FerryTask *task = get_shuffled (self, i);
      g_autoptr (GError) error = NULL;

      if (!ferry_executor_set_task_priority (self->team.executor, task, bench_get_number (task, "priority") + 1,
                                             &error))
        bench_fail ("a priority", error);
    }
  bench_scale_end (self->scale, "priority");
}

/* Half of the tasks. */
static void
cancel_some (Tasks *self)
{
  bench_scale_begin (self->scale);
  for (guint i = 0; i < self->tasks->len / 2; i++)
    ferry_task_cancel (get_shuffled (self, i));
  /* The main loop takes them from the list, and may have some of the others run. */
  while (g_list_model_get_n_items (G_LIST_MODEL (self->team.executor)) > self->tasks->len - self->tasks->len / 2 + 1)
    g_main_context_iteration (NULL, FALSE);
  bench_scale_end (self->scale, "cancel");
}

static void
measure (BenchScale *scale, guint count, gboolean with_priorities)
{
  FerryRouter *router = bench_router_open ();
  Tasks self = {.scale = scale, .tasks = g_ptr_array_new_with_free_func (g_object_unref)};
  g_autoptr (FerryTask) first = NULL;

  bench_team_open (&self.team, router, 1);
  first = bench_team_submit (&self.team, "echo", g_variant_new_uint32 (0));
  bench_scale_begin_memory (scale);
  submit_all (&self, count, with_priorities);
  bench_scale_end_memory (scale, FALSE);
  list_all (&self);
  change_all (&self);
  cancel_some (&self);
  bench_scale_begin (scale);
  bench_scale_run_until (&self.n_done, count);
  bench_scale_end (scale, "run");
  g_ptr_array_unref (self.tasks);
  bench_team_close (&self.team);
  bench_router_close (router);
}

static void
run_tasks (BenchScale *scale, guint count)
{
  measure (scale, count, FALSE);
}

static void
run_priorities (BenchScale *scale, guint count)
{
  measure (scale, count, TRUE);
}

const BenchThing bench_scale_tasks = {"tasks", BASE, run_tasks};
const BenchThing bench_scale_priorities = {"priorities", BASE, run_priorities};
