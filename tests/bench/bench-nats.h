/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A NATS server at a free port of this machine, and what its bare requests take: a process answers each with what it
 * has got.
 *
 * Threads: the caller's, and one of libnats that counts answers. What does not go well ends the bench. */

#pragma once

#include <gio/gio.h>
#include <nats/nats.h>

G_BEGIN_DECLS

typedef struct
{
  char *folder;        /* (owned) */
  char *url;           /* (owned) */
  char *certificate;   /* (owned) (nullable): the server's file, if it wants TLS */
  GSubprocess *server; /* (owned) */
} BenchNats;

/* Returns FALSE, and says so, when the machine has no server; or no openssl, if the server shall want TLS. */
gboolean bench_nats_open (BenchNats *self, gboolean secure);
void bench_nats_close (BenchNats *self);
/* Starts a program that ends with this one. Its messages are not read. */
GSubprocess *bench_nats_spawn (const char *const *arguments);
void bench_nats_kill (GSubprocess *process);

/* What the process that answers does; it says so on its standard output when it is ready. */
int bench_nats_answer (const char *url);

typedef struct _BenchRequests BenchRequests;

BenchRequests *bench_requests_new (const BenchNats *nats);
void bench_requests_free (BenchRequests *self);
/* Requests a second of this payload, so many of them under way at a time. */
double bench_requests_rate (BenchRequests *self, const char *payload, guint n, guint n_under_way);
/* How long one request takes that is alone, in ns. */
double bench_requests_trip (BenchRequests *self, const char *payload);

G_END_DECLS
