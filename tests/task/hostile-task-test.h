/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A pool with a hostile worker as its only one (tests/workers/hostile-server.c), and beside it, on the same router, a
 * pool with an honest worker, which is asked one thing after the other: at once while its answers are waited for, and
 * else each millisecond. Whatever the hostile one does, the honest one's answers come on, and each task of the hostile
 * one's comes to its end once. */

#pragma once

#include "task/task-test.h"

G_BEGIN_DECLS

typedef struct
{
  TaskTest *honest;
  guint64 n_answers; /* of the honest worker */
  gboolean hurried;  /* its answers are waited for */
  gboolean resting;  /* it is asked nothing more */
  guint timer;       /* that asks it next, or 0 */
  FerryTask *asked;  /* (owned): what it was asked last */
  FerryPool *pool;   /* (owned): the hostile one, as the next */
  FerryExecutor *executor;
  gsize memory; /* this process', when it began */
} HostileTest;

typedef enum
{
  HOSTILE_FAULT,   /* the worker broke the protocol, which words say how */
  HOSTILE_RESULT,  /* the task has the result words, as text */
  HOSTILE_NOTHING, /* it has none */
  HOSTILE_FAILURE, /* it failed with an error that has these words */
} HostileOutcome;

/* One thing that a hostile worker does when it is asked something. */
typedef struct
{
  const char *path;
  const char *orders; /* with blanks between them */
  HostileOutcome outcome;
  const char *words;
  FerryTaskKind kind;
  guint n_tasks; /* that are submitted at once; 0 is 1 */
} HostileRow;

HostileTest *hostile_test_new (const char *orders);
/* Ends all, and asserts that the honest worker goes on, and that nothing is left. */
void hostile_test_free (HostileTest *self);
FerryTask *hostile_test_new_task (FerryTaskKind kind);
/* Submits one, with something that sees all of its signals. */
TaskTestWitness *hostile_test_submit (HostileTest *self, FerryTask *task);
/* Waits until the honest worker has answered so often that it was not held up. */
void hostile_test_assert_progress (HostileTest *self);
/* Waits for the end of a task that was lost with its worker, and asserts why. */
void hostile_test_assert_fault (HostileTest *self, FerryTask *task, const char *words);
void hostile_test_assert_n_faults (HostileTest *self, guint64 n);
/* This process has not grown by more than that since it began. */
void hostile_test_assert_memory (HostileTest *self, gsize size);
void hostile_test_add_rows (const HostileRow *rows, gsize n_rows);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HostileTest, hostile_test_free)

G_END_DECLS
