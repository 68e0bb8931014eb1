/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the tests of worker processes share beside tests/ferry-test.h. */

#pragma once

#include "ferry-test.h"

G_BEGIN_DECLS

FerryLauncher *worker_test_launcher_new (const char *program, const char *first_order, ...) G_GNUC_NULL_TERMINATED;
FerryWorker *worker_test_spawn (FerryLauncher *launcher, FerryRouter *router);
void worker_test_add_sender (FerryLauncher *launcher, const char *name, FerryTestPipe *pipe);
int worker_test_open_output (FerryLauncher *launcher, FerryStream stream);
FerryWorker *worker_test_spawn_with_output (FerryLauncher *launcher, FerryRouter *router, int *fd);
char *worker_test_read_all (int fd);
char *worker_test_read_line (int fd);
char *worker_test_run (FerryLauncher *launcher, FerryRouter *router);

void worker_test_wait_open (FerryWorker *worker);
void worker_test_wait_launched (FerryWorker *worker);
void worker_test_wait_gone (GPid pid);
void worker_test_assert_exit (FerryWorker *worker, FerryCloseReason reason, const char *words);

G_END_DECLS
