/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the tests of the demo share: its programs, its workers wherever they are, and folders to work on.
 *
 * A test program marks its environment; whatever it starts has the mark, also when its parent is gone. */

#pragma once

#include "ferry-test.h"

G_BEGIN_DECLS

/* To be called first in main(), and in place of g_test_run(). */
void demo_test_init (void);
int demo_test_run_all (void);
/* There is no task of an earlier run from now on: the queues of this program, and of what it starts, are in one
 * folder. */
void demo_test_forget_tasks (void);
/* Skips the test, and returns FALSE, where there is no display. */
gboolean demo_test_has_display (void);

/* How many workers of the demo there are that this test program, or what it started, has started. */
guint demo_test_count_workers (void);
void demo_test_wait_workers (guint n_workers);

/* A new folder; with everything below it it goes when it is removed. */
char *demo_test_folder_new (void);
void demo_test_folder_remove (char *folder);
void demo_test_write (const char *folder, const char *name, const char *contents);

typedef struct
{
  GSubprocess *process;
  char *output;
  char *errors;
} DemoRun;

/* Starts the demo with arguments that end with NULL; setting is "NAME=VALUE" for its environment, or "NAME" for a
 * variable that it shall not have, or NULL. */
DemoRun *demo_test_start (const char *setting, const char *const *arguments);
/* Waits for the end, and for all that the run had to say. */
void demo_test_finish (DemoRun *run);
void demo_test_run_free (DemoRun *run);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DemoRun, demo_test_run_free)

G_END_DECLS
