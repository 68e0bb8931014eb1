/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An executor of 'ferry-command' for a test, and commands for it. */

#pragma once

#include <ferry.h>

G_BEGIN_DECLS

typedef struct
{
  FerryExecutor *executor; /* (owned) (nullable): a test may drop it */
  gint64 cancel_grace;     /* of the next tasks; 0: the usual one */
  gint64 run_timeout;      /* the same; 0: none */
  gboolean is_polite;      /* they are, as is usual; else they need not wait until other tests leave them a processor */
  char *folder;            /* (owned): an empty one, which is removed with all in it */
  GPtrArray *lines;        /* (owned) (element-type utf8): the messages of tasks since the last command, "line: text" */
} CommandTest;

CommandTest *command_test_new (void);
/* Drops all. */
void command_test_free (CommandTest *test);

/* Has its workers be trusted, as those of ferry_executor_new_for_commands() are. */
void command_test_trust (CommandTest *test);

/* (transfer full): a path in the folder. */
char *command_test_path (CommandTest *test, const char *name);

/* (transfer full): submits a command. options (transfer full) (nullable): its other properties. */
FerryTask *command_test_submit (CommandTest *test, const char *const *argv, GVariantDict *options);
/* The same of a script of sh. */
FerryTask *command_test_submit_script (CommandTest *test, const char *script, GVariantDict *options);
/* Waits until the task is done. */
void command_test_wait (FerryTask *task);
/* Waits for success; returns (transfer full) the standard output. */
char *command_test_wait_output (FerryTask *task);
/* Waits for a failure; returns the error, which stays the task's. */
const GError *command_test_wait_failed (FerryTask *task, GQuark domain, int code);
/* The same; returns (transfer full) what the command has written, and how it ended. */
GVariant *command_test_wait_partial (FerryTask *task, GQuark domain, int code);
void command_test_wait_cancelled (FerryTask *task);
/* Waits until the task has heard of its worker, which may be later than the command begins; returns (transfer none) it.
 */
FerryWorker *command_test_wait_worker (CommandTest *test, FerryTask *task);
/* Waits until there is a file of that name in the folder, with something in it. */
void command_test_wait_file (CommandTest *test, const char *name);
/* The same without a turn of the main loop, which hears of nothing meanwhile. */
void command_test_wait_file_unheard (CommandTest *test, const char *name);
/* (transfer full): what is in a file of the folder. */
char *command_test_read (CommandTest *test, const char *name);
/* Waits for a file of the folder with a process id in it. */
GPid command_test_wait_pid (CommandTest *test, const char *name);
/* Whether commands can be confined here; else it skips the test. */
gboolean command_test_can_confine (void);
/* Waits until the process has ended. */
void command_test_wait_gone (GPid pid);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CommandTest, command_test_free)

G_END_DECLS
