/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A router, a pool and an executor for a test, and witnesses of what happens to tasks.
 *
 * A pool of processes runs the serving worker (tests/workers/serving-worker.c). A pool of threads runs what this
 * program registers: the functions that do the same there, under the same names, are
 *
 *   nothing, echo, add, fail, yield, report, sleep-until-cancelled, spin-until-cancelled
 *
 * and those that are here only, as they are steered by the test:
 *
 *   note   s -> nothing: writes its argument into the log
 *   gate   s -> nothing: writes its argument into the log, and waits for the gate to open, or a cancel
 *   halves () -> nothing: is half done when the gate opens, and done when it is closed again
 *   hang   () -> nothing: waits for the gate and nothing else
 *   commit s -> s: commits, writes its argument into the log, waits for the gate and nothing else, and returns its
 *          argument; fails there if that is "fail"
 *   commit-late () -> nothing: waits for the gate and nothing else, and commits
 */

#pragma once

#include "ferry-test.h"

G_BEGIN_DECLS

typedef struct
{
  FerryRouter *router;     /* (owned) */
  FerryPool *pool;         /* (owned) (nullable): a test may drop it */
  FerryExecutor *executor; /* (owned) (nullable): the same */
  guint n_fds;             /* descriptors that were open before */
} TaskTest;

/* To be called in main(): registers the functions. */
void task_test_init (int *argc, char ***argv);
/* The functions only, for a program that is its own worker, before it knows what it is. */
void task_test_register (void);
/* (transfer full): the path of a file of this test, which is removed at its end. */
char *task_test_make_path (const char *name);

TaskTest *task_test_new (gboolean in_threads, guint max_workers);
/* The same of processes that the application trusts. */
TaskTest *task_test_new_trusted (guint max_workers);
/* The same of processes in a sandbox. */
TaskTest *task_test_new_in_sandbox (FerrySandbox *sandbox, guint max_workers);
/* The same of another program's processes. launcher: (nullable): NULL for a pool of threads. */
TaskTest *task_test_new_with_launcher (FerryLauncher *launcher, guint max_workers);
FerryLauncher *task_test_launcher_new (void);
/* Drops all, and asserts that no pipe, no descriptor and no process is left. */
void task_test_free (TaskTest *test);

FerryTask *task_test_submit (FerryExecutor *executor, const char *function, GVariant *arguments);
void task_test_submit_task (FerryExecutor *executor, FerryTask *task);
void task_test_wait_done (FerryTask *task);
/* Waits until the task's function runs, which is later than the task executes: that is said when a worker has it. */
void task_test_wait_begun (FerryTask *task);
/* Waits until the task's function runs, without a turn of the main loop: the task does not hear of it. */
void task_test_wait_begun_unheard (FerryTask *task);
/* Has the pool take tasks for so short that it sends ahead as many as it ever does, whatever this machine is like. */
void task_test_expect_short_tasks (FerryPool *pool);
void task_test_wait_state (FerryTask *task, FerryTaskState state);
/* Waits for the end; text is the result's, or NULL for none. */
void task_test_assert_result (FerryTask *task, const char *text);
/* Waits for the end; returns the error, which stays the task's. */
const GError *task_test_assert_failed (FerryTask *task, GQuark domain, int code);
void task_test_assert_cancelled (FerryTask *task);
void task_test_wait_workers (FerryPool *pool, guint n_workers);
/* Whether an executor has no task that waits or executes. */
gboolean task_test_is_idle (gpointer executor);
/* Iterates the default main context until it has nothing to do. */
void task_test_settle (void);
/* The parent of a process: the fork server of a worker. */
GPid task_test_get_parent (GPid pid);

/* How many warnings the library has given since the last call; a test must not leave any. */
guint task_test_take_n_warnings (void);
/* Returns how many messages the library has logged since the last call. */
guint task_test_take_n_messages (void);
/* (transfer full) (nullable): the latest message of the library, unless it was taken. */
char *task_test_take_message (void);
/* Waits until the library has said something with this part, also where few see it (G_LOG_LEVEL_INFO), and takes it. */
void task_test_wait_message (const char *part);

/* The log of functions in this process. */
char *task_test_take_log (void);
void task_test_wait_log (const char *text);
void task_test_open_gate (void);
void task_test_close_gate (void);

/* Sees all signals and notifications of a task, and holds them against the table of states: no step that the table
 * does not have, nothing of the function's after a cancel, nothing at all after the end. */
typedef struct
{
  FerryTask *task; /* (owned) */
  FerryTaskState state;
  gboolean cancelled; /* it was asked to cancel */
  guint in_cancel;    /* calls of ferry_task_cancel() that have not returned */
  gboolean muted;     /* its cancellable was cancelled */
  gboolean nested; /* handlers act on it: GObject then repeats a notification that is under way, also after the end */
  guint n_started;
  guint n_progress;
  guint n_yielded;
  guint n_messages;
  guint n_done;
} TaskTestWitness;

TaskTestWitness *task_test_witness_new (FerryTask *task);
/* Cancels the task, and notes so; returns what ferry_task_cancel() returns. */
gboolean task_test_witness_cancel (TaskTestWitness *self);
/* Asserts that the task has come to its end, once. */
void task_test_witness_free (TaskTestWitness *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TaskTest, task_test_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TaskTestWitness, task_test_witness_free)

G_END_DECLS
