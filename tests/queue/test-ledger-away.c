/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: queue/ferry-queue-away.c, cluster/ferry-cluster-away.c, cluster/ferry-host-queue.c
 *
 * The ledger of queue/queue-ledger.h, of an application that is off for a while after each of its ends. Two hosts run
 * what waits, and are killed, stopped and started again, with the server. */

#include "config.h"

#include "cluster/nats-test.h"
#include "queue/ledger-hosts.h"
#include "queue/queue-ledger.h"

static void
test_ledger (void)
{
  LedgerHosts *hosts = ledger_hosts_new (TRUE);

  queue_ledger_play (ledger_hosts_get_url (hosts), TRUE);
  ledger_hosts_free (hosts);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  nats_test_add ("/ledger-away/each-task-is-there-once", test_ledger);
  return g_test_run ();
}
