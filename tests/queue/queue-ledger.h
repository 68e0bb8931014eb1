/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An application with a queue (tests/workers/queue-application.c) and its workers are killed at random moments, and the
 * application is started again, until it ends by itself. Then each task is there once, in order, and in a state that it
 * may have; none that may not be repeated was begun twice, or, without hosts, after its end was told, such as a
 * cancel; and nothing was told twice. While it ran, the application has held what it found in its file against what it
 * was told before.
 *
 * FERRY_TEST_LARGE_LEDGER=1 goes on until 1,000 processes were killed, FERRY_TEST_LEDGER_SEED=N begins with that seed,
 * and FERRY_TEST_LEDGER_TASKS=N has so many tasks of each. What happens follows from the seed, when it happens does
 * not. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define QUEUE_LEDGER_KILLS 12
#define QUEUE_LEDGER_KILLS_LARGE 1000

/* server: (nullable): where hosts run the tasks; NULL: the application's own workers do. is_off: hosts run what waits,
 * too, and the application is off for a while after each end. */
void queue_ledger_play (const char *server, gboolean is_off);

G_END_DECLS
