/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A NATS server in operator mode: it knows no user by itself. An operator has signed a token for each account, and an
 * account one for each of its users. A user shows it and signs with the seed of the user's key. */

#pragma once

#include "cluster/nats-test.h"

G_BEGIN_DECLS

/* Two accounts, with as many keys of users as tests need; a user is of the account that has signed for it. */
typedef enum
{
  OPERATOR_TEST_OPERATOR,
  OPERATOR_TEST_ONE,
  OPERATOR_TEST_OTHER,
  OPERATOR_TEST_USER,
  OPERATOR_TEST_SECOND_USER,
} OperatorTestKey;

/* (transfer full): the configuration of a server. revoked: a key of a user; account ONE does not take that user's
 * tokens, also those of the next hour; or 0. */
char *operator_test_make_configuration (OperatorTestKey revoked);

/* What is in a file of credentials. */
typedef struct
{
  OperatorTestKey account; /* who has signed */
  OperatorTestKey user;
  OperatorTestKey seed; /* the seed in the file; 0: the user's */
  gint64 expiry;        /* seconds since 1970; 0: never */
} OperatorTestCredentials;

/* (transfer full): the path of a new file in the server's folder, which no other user may read. */
char *operator_test_write_credentials (NatsTestServer *server, const char *name, OperatorTestCredentials credentials);

G_END_DECLS
