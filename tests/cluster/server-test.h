/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A NATS server that runs data/nats.conf. The password of each user is "secret". */

#pragma once

#include "cluster/nats-test.h"

G_BEGIN_DECLS

/* Whether the machine lacks a server; says so in place of all tests then. To be called by main(). */
gboolean server_test_must_skip (void);

NatsTestServer *server_test_new (void);
/* The same, with the streams of queues in a folder. configuration: (out) (transfer full): for its next start. */
NatsTestServer *server_test_new_with_streams (const char *folder, char **configuration);
/* Returns (transfer full) the URL for a user. */
char *server_test_dup_url (NatsTestServer *server, const char *user, const char *password);

G_END_DECLS
