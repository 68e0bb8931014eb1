/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Two hosts of the application of a ledger (queue/queue-ledger.h), and their server, or a cluster of three, which are
 * killed at random moments, and started again; hosts are also stopped for a while. Each host has its name as a label.
 * Where they work off a queue, its streams also lose what they have, and all clocks jump by an hour. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _LedgerHosts LedgerHosts;

/* works_off: they run what waits in the queue while its application is off. */
LedgerHosts *ledger_hosts_new (gboolean works_off);
const char *ledger_hosts_get_url (LedgerHosts *self);
void ledger_hosts_free (LedgerHosts *self);

G_END_DECLS
