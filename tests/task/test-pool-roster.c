/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: pool/ferry-pool-roster.c
 *
 * Which worker a pool's roster names, and that it looks at no others for that. The workers here are bare records. */

#include "config.h"

#include "ferry-test.h"

#include "pool/ferry-pool-private.h"
#include "pool/ferry-pool-roster-private.h"
#include "pool/ferry-pool-worker-private.h"
#include "task/ferry-task-private.h"

#define N_MANY 1000
#define FAR (G_USEC_PER_SEC * G_GINT64_CONSTANT (3600))

typedef struct
{
  FerryPoolRoster roster;
  FerryPoolRules rules;
  FerryLink *link; /* (owned): of all workers; no call is begun there */
  guint64 xid;
} Fixture;

static void
set_up (Fixture *self, gconstpointer data)
{
  const guint64 connection_ids[2] = {1, 2};
  const guint32 cells[2] = {FERRY_NO_CELL, 0};
  g_autoptr (GError) error = NULL;

  ferry_pool_roster_init (&self->roster, (GDestroyNotify) ferry_pool_worker_unref);
  self->link =
    ferry_link_new ("test", connection_ids, cells, 2, FERRY_MIN_LANE_CAPACITY, 0, FERRY_MIN_LANE_CAPACITY, &error);
  g_assert_no_error (error);
}

static FerryPoolWorker *
add (Fixture *self)
{
  FerryPoolWorker *worker = g_new0 (FerryPoolWorker, 1);

  /* The roster's reference, and one that the test gives back. */
  worker->references = 2;
  worker->rules = &self->rules;
  worker->router = ferry_router_new (NULL);
  worker->link = ferry_link_ref (self->link);
  worker->state = FERRY_POOL_WORKER_READY;
  g_queue_init (&worker->in_flight);
  ferry_pool_roster_add (&self->roster, worker);
  return worker;
}

static void
give (Fixture *self, FerryPoolWorker *worker)
{
  FerryRun *run = ferry_task_get_run (ferry_task_new (FERRY_TASK_KIND_CALL, "nothing", NULL));

  run->xid = ++self->xid;
  if (g_queue_is_empty (&worker->in_flight))
    worker->latest = g_get_monotonic_time ();
  g_queue_push_tail_link (&worker->in_flight, &run->link);
  ferry_pool_roster_update (&self->roster, worker);
}

static void
take (Fixture *self, FerryPoolWorker *worker)
{
  FerryRun *run = g_queue_peek_head (&worker->in_flight);

  g_queue_unlink (&worker->in_flight, &run->link);
  ferry_run_unref (run);
  ferry_pool_roster_update (&self->roster, worker);
}

static void
set_state (Fixture *self, FerryPoolWorker *worker, FerryPoolWorkerState state)
{
  worker->state = state;
  ferry_pool_roster_update (&self->roster, worker);
}

static void
set_n_missed (Fixture *self, FerryPoolWorker *worker, guint n_missed)
{
  worker->n_missed = n_missed;
  ferry_pool_roster_update (&self->roster, worker);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  while (self->roster.workers->len > 0)
    {
      guint index = self->roster.workers->len / 2;
      FerryPoolWorker *worker = g_ptr_array_index (self->roster.workers, index);

      while (!g_queue_is_empty (&worker->in_flight))
        take (self, worker);
      g_assert_cmpuint (ferry_pool_roster_remove (&self->roster, worker), ==, index);
      ferry_pool_worker_unref (worker);
    }
  g_assert_cmpuint (self->roster.n_live + self->roster.n_idle + self->roster.n_busy, ==, 0);
  ferry_pool_roster_clear (&self->roster);
  ferry_link_unref (self->link);
}

static void
names_the_one_with_least_to_do (Fixture *self, gconstpointer data)
{
  FerryPoolWorker *one = add (self);
  FerryPoolWorker *other = add (self);

  g_assert_true (ferry_pool_roster_find (&self->roster, 1) == one);
  give (self, one);
  g_assert_true (ferry_pool_roster_find (&self->roster, 1) == other);
  give (self, other);
  give (self, other);
  g_assert_null (ferry_pool_roster_find (&self->roster, 1));
  g_assert_true (ferry_pool_roster_find (&self->roster, 2) == one);
  give (self, one);
  g_assert_null (ferry_pool_roster_find (&self->roster, 2));
  g_assert_nonnull (ferry_pool_roster_find (&self->roster, 3));
  take (self, one);
  take (self, one);
  g_assert_true (ferry_pool_roster_find (&self->roster, 1) == one);
  set_state (self, one, FERRY_POOL_WORKER_RETIRING);
  g_assert_null (ferry_pool_roster_find (&self->roster, 1));
}

static void
names_a_late_one_last_and_for_one_task (Fixture *self, gconstpointer data)
{
  FerryPoolWorker *late = add (self);
  FerryPoolWorker *later = add (self);
  FerryPoolWorker *other = add (self);

  set_n_missed (self, later, 2);
  set_n_missed (self, late, 1);
  g_assert_true (ferry_pool_roster_find (&self->roster, 1) == other);
  give (self, other);
  g_assert_true (ferry_pool_roster_find (&self->roster, 1) == late);
  g_assert_true (ferry_pool_roster_find (&self->roster, 8) == other);
  give (self, late);
  g_assert_true (ferry_pool_roster_find (&self->roster, 1) == later);
  give (self, later);
  g_assert_null (ferry_pool_roster_find (&self->roster, 1));
  set_n_missed (self, late, 0);
  take (self, late);
  g_assert_true (ferry_pool_roster_find (&self->roster, 1) == late);
}

static void
names_none_that_had_all_its_tasks (Fixture *self, gconstpointer data)
{
  FerryPoolWorker *worker = add (self);

  self->rules.max_tasks = 2;
  ferry_pool_roster_update_all (&self->roster);
  worker->n_done = 1;
  give (self, worker);
  g_assert_null (ferry_pool_roster_find (&self->roster, 8));
  self->rules.max_tasks = 3;
  ferry_pool_roster_update_all (&self->roster);
  g_assert_true (ferry_pool_roster_find (&self->roster, 8) == worker);
}

static void
counts (Fixture *self, gconstpointer data)
{
  FerryPoolWorker *one = add (self);
  FerryPoolWorker *other = add (self);

  give (self, one);
  g_assert_cmpuint (self->roster.n_live, ==, 2);
  g_assert_cmpuint (self->roster.n_idle, ==, 1);
  g_assert_cmpuint (self->roster.n_busy, ==, 1);
  set_state (self, one, FERRY_POOL_WORKER_RETIRING);
  set_state (self, other, FERRY_POOL_WORKER_STARTING);
  g_assert_cmpuint (self->roster.n_live, ==, 1);
  g_assert_cmpuint (self->roster.n_idle, ==, 1);
  g_assert_cmpuint (self->roster.n_busy, ==, 1);
  take (self, one);
  g_assert_cmpuint (self->roster.n_busy, ==, 0);
}

static void
finds_what_may_be_stolen (Fixture *self, gconstpointer data)
{
  FerryPoolWorker *one = add (self);
  FerryPoolWorker *other = add (self);
  gint64 begins_by;
  guint most;

  g_assert_null (ferry_pool_roster_find_busiest (&self->roster, FAR, &most, &begins_by));
  g_assert_cmpint (begins_by, ==, 0);
  give (self, one);
  g_assert_null (ferry_pool_roster_find_busiest (&self->roster, FAR, &most, &begins_by));
  g_assert_cmpint (begins_by, ==, one->latest + FAR);
  g_assert_true (ferry_pool_roster_find_busiest (&self->roster, -1, &most, &begins_by) == one);
  g_assert_cmpuint (most, ==, 1);
  for (guint i = 0; i < 3; i++)
    give (self, other);
  g_assert_true (ferry_pool_roster_find_busiest (&self->roster, FAR, &most, &begins_by) == other);
  g_assert_cmpuint (most, ==, 2);
  g_assert_true (ferry_pool_roster_find_busiest (&self->roster, -1, &most, &begins_by) == other);
}

/* Each answer cost a look at every worker, so a pool of a thousand took a thousand times as long. */
static void
looks_at_few_of_many (Fixture *self, gconstpointer data)
{
  gint64 begins_by;
  guint most;

  for (guint i = 0; i < N_MANY; i++)
    give (self, add (self));
  self->roster.n_visits = 0;
  for (guint i = 0; i < N_MANY; i++)
    {
      FerryPoolWorker *worker = g_ptr_array_index (self->roster.workers, i);

      take (self, worker);
      g_assert_true (ferry_pool_roster_find (&self->roster, 1) == worker);
      ferry_pool_roster_find_busiest (&self->roster, FAR, &most, &begins_by);
      give (self, worker);
    }
  g_assert_cmpuint (self->roster.n_visits, <=, 3 * N_MANY);
}

#define ADD(path, func) g_test_add ("/pool-roster/" path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  ADD ("names-the-one-with-least-to-do", names_the_one_with_least_to_do);
  ADD ("names-a-late-one-last-and-for-one-task", names_a_late_one_last_and_for_one_task);
  ADD ("names-none-that-had-all-its-tasks", names_none_that_had_all_its_tasks);
  ADD ("counts", counts);
  ADD ("finds-what-may-be-stolen", finds_what_may_be_stolen);
  ADD ("looks-at-few-of-many", looks_at_few_of_many);
  return g_test_run ();
}
