/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the tests of tasks share: a source that counts what it is asked for, and an ear for what a task signals. */

#pragma once

#include "ferry-test.h"
#include <ferry.h>

#include "task/ferry-task-private.h"

G_BEGIN_DECLS

typedef struct
{
  FerryTaskSource source;
  guint n_cancelled;         /* how often a task was handed to cancelled() */
  FerryTaskState state_then; /* of the task at the last time */
  guint n_consumed;          /* how many items were handled */
  guint n_waits;             /* how often a thread waited */
  gboolean has_begun;        /* a task that waits was begun by a worker, which nothing told of yet */
  gboolean ends_at_once;     /* a task that is cancelled has lost its worker before cancelled() returns */
  gboolean waits;            /* the task stays in the queue */
  gboolean completes_waits;  /* wait() completes the task */
  FerryAffinity *home;       /* (nullable): what belongs to a thread belongs to any without it */
} TaskTestExecutor;

/* Must be called before threads submit tasks to it; else task_test_submit() does it. */
void task_test_executor_init (TaskTestExecutor *executor);
/* Submits a task to the executor, which may have several. */
gboolean task_test_submit (FerryTask *task, TaskTestExecutor *executor, GError **error);

/* A task “sum” with the arguments (12, 30), submitted to executor (nullable: not submitted). */
FerryTask *task_test_new (TaskTestExecutor *executor);
/* The same, and a worker of process 77 began it. */
FerryTask *task_test_new_executing (TaskTestExecutor *executor);
/* A task that was begun is begun again, at a host. */
void task_test_move (FerryTask *task, const char *host_name);
/* A report as a function makes it. */
FerryProgress task_test_progress (double fraction, const char *text);
/* An error of G_FILE_ERROR. */
GError *task_test_error (const char *message);
/* Has the task, which executes, fail for n_failed of n_parts parts, of which the twelfth is known: it has no name. */
void task_test_fail_for_parts (FerryTask *task, guint64 n_failed, guint64 n_parts, const char *message);

/* Everything that a task signals, in order, as words: "state", "is-done", "progress!", "message!a", "done!". */
typedef struct
{
  FerryTask *task;
  GString *heard;
} TaskTestEar;

TaskTestEar *task_test_ear_new (FerryTask *task);
void task_test_ear_free (TaskTestEar *ear);
/* Compares what was heard since the last time. */
#define task_test_assert_heard(ear, wanted)                                                                            \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    g_assert_cmpstr ((ear)->heard->str, ==, (wanted));                                                                 \
    g_string_truncate ((ear)->heard, 0);                                                                               \
  }                                                                                                                    \
  G_STMT_END
/* All that can be asked of a task, save late errors, as text. */
char *task_test_describe (FerryTask *task);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TaskTestEar, task_test_ear_free)

G_END_DECLS
