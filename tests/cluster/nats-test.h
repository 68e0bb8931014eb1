/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A NATS server of a test, at a free port of this machine. */

#pragma once

#include "ferry-test.h"

G_BEGIN_DECLS

typedef struct
{
  char *folder;        /* (owned): for the server's files, and for what a test needs beside */
  guint port;          /* 0 before the first start */
  const char *address; /* where it listens: 127.0.0.1 unless a test sets another one */
  GPid pid;            /* 0 while it does not run */
} NatsTestServer;

/* Whether the machine lacks a server, or another program; the test is skipped then, and says so. */
gboolean nats_test_must_skip (const char *program);
/* Adds a test that needs a server. */
void nats_test_add (const char *path, void (*test) (void));

/* A server that does not run yet. */
NatsTestServer *nats_test_server_new (void);
/* Starts the server with a configuration (nullable), at the port that it had before. */
void nats_test_server_start (NatsTestServer *self, const char *configuration);
/* The same, and does not wait until it takes connections. It must have had a port before. */
void nats_test_server_spawn (NatsTestServer *self, const char *configuration);
/* Kills it, so that it can end nothing in order. */
void nats_test_server_kill (NatsTestServer *self);
void nats_test_server_free (NatsTestServer *self);
/* (transfer full): “SCHEME://HOST:PORT”. */
char *nats_test_server_get_url (NatsTestServer *self, const char *scheme, const char *host);
/* At which port the server does something else, such as "monitoring" or "cluster", which its configuration has it do at
 * any port. */
guint nats_test_server_get_other_port (NatsTestServer *self, const char *what);
/* (transfer full): the path of a file in the folder. */
char *nats_test_server_get_path (NatsTestServer *self, const char *name);
void nats_test_server_write (NatsTestServer *self, const char *name, const char *text);
/* Makes name.pem, which signs certificates, and server.pem with server-key.pem, which it has signed, for 'localhost'
 * and 127.0.0.1. */
void nats_test_server_make_certificates (NatsTestServer *self, const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (NatsTestServer, nats_test_server_free)

G_END_DECLS
