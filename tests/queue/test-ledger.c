/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: queue/ferry-queue.c, queue/ferry-queue-tasks.c, queue/ferry-queue-file.c, queue/ferry-queue-store.c,
 *        queue/ferry-queue-lock.c, queue/ferry-queue-value.c
 *
 * The ledger of queue/queue-ledger.h, with workers of the application's own. */

#include "config.h"

#include "queue/queue-ledger.h"

static void
test_ledger (void)
{
  queue_ledger_play (NULL, FALSE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ledger/each-task-is-there-once", test_ledger);
  return g_test_run ();
}
