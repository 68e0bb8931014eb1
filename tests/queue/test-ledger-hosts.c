/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: queue/ferry-queue.c, queue/ferry-queue-tasks.c, cluster/ferry-cluster.c
 *
 * The ledger of queue/queue-ledger.h, over two hosts: beside the application and its workers, hosts and the server are
 * killed, and started again. */

#include "config.h"

#include "cluster/nats-test.h"
#include "queue/ledger-hosts.h"
#include "queue/queue-ledger.h"

static void
test_ledger (void)
{
  LedgerHosts *hosts = ledger_hosts_new (FALSE);

  queue_ledger_play (ledger_hosts_get_url (hosts), FALSE);
  ledger_hosts_free (hosts);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  nats_test_add ("/ledger-hosts/each-task-is-there-once", test_ledger);
  return g_test_run ();
}
