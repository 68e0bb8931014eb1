/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A NATS server at a free port of this machine.
 *
 * Threads: the caller's. What does not go well ends the bench. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct
{
  char *folder;        /* (owned) */
  char *url;           /* (owned) */
  char *certificate;   /* (owned) (nullable): the server's file, if it wants TLS */
  GSubprocess *server; /* (owned) */
} BenchNats;

typedef enum
{
  BENCH_NATS_PLAIN,
  BENCH_NATS_SECURE,  /* it wants TLS */
  BENCH_NATS_KEEPING, /* it keeps messages in files */
} BenchNatsKind;

/* Returns FALSE, and says so, when the machine has no server; or no openssl, if the server shall want TLS. */
gboolean bench_nats_open (BenchNats *self, BenchNatsKind kind);
void bench_nats_close (BenchNats *self);
/* Starts a program that ends with this one. Its messages are not read. */
GSubprocess *bench_nats_spawn (const char *const *arguments);
void bench_nats_kill (GSubprocess *process);

G_END_DECLS
