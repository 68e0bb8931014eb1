/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A nats-server with data/nats.conf, at a port of its own. The password of each user is "secret". */

#pragma once

#include "ferry-test.h"

G_BEGIN_DECLS

typedef struct
{
  GSubprocess *process; /* (owned) */
  char *address;        /* (owned) */
} ServerTest;

ServerTest *server_test_new (void);
void server_test_free (ServerTest *self);
/* Returns (transfer full) the URL for a user. */
char *server_test_dup_url (ServerTest *self, const char *user, const char *password);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ServerTest, server_test_free)

G_END_DECLS
