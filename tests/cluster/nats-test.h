/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A NATS server of a test, at a free port of this machine, and ends that talk over it. */

#pragma once

#include "ferry-test.h"

#include "cluster/ferry-bus-private.h"

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

/* What the end of an application, or of a host, has heard. */
typedef struct
{
  FerryBus *bus;         /* (owned) */
  guint n_changed;       /* how often the state or the error has changed */
  GString *present;      /* “HOST FACTS ”, for each time that a host has told of itself */
  GPtrArray *packets;    /* (element-type GBytes): those that have come */
  char *peer;            /* (owned) (nullable): that of the last packet */
  char *id;              /* (owned) (nullable) */
  gint64 time_of_packet; /* how many microseconds the end works at each packet */
} NatsTestEnd;

/* An end that connects. host (nullable) of settings says which end it is. */
NatsTestEnd *nats_test_end_new (FerryRouter *router, const FerryBusSettings *settings);
void nats_test_end_free (NatsTestEnd *self);
/* Waits until it has this state. */
void nats_test_end_wait_state (NatsTestEnd *self, FerryClusterState state);
/* Waits until it has an error of this code with a message that matches the pattern. */
void nats_test_end_wait_error (NatsTestEnd *self, FerryError code, const char *pattern);
/* Waits until a host has told of itself, as in text. Forgets what was told so far. */
void nats_test_end_wait_present (NatsTestEnd *self, const char *text);
void nats_test_end_wait_packets (NatsTestEnd *self, guint n);
/* Sends a packet to another end, of any user and host. */
void nats_test_end_send (NatsTestEnd *self, const char *peer, const char *id, const char *text);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (NatsTestServer, nats_test_server_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (NatsTestEnd, nats_test_end_free)

G_END_DECLS
