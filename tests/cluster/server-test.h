/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A NATS server that runs data/nats.conf. The password of each user is "secret". */

#pragma once

#include "cluster/nats-test.h"

G_BEGIN_DECLS

/* Whether the machine lacks a server; says so in place of all tests then. To be called by main(). */
gboolean server_test_must_skip (void);

NatsTestServer *server_test_new (void);
/* Returns (transfer full) the URL for a user. */
char *server_test_dup_url (NatsTestServer *server, const char *user, const char *password);

G_END_DECLS
