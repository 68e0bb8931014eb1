/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A router with one hostile worker (bench-besieger), which is replaced when the router has ended it. */

#pragma once

#include <ferry.h>

#include "bench-common.h"

G_BEGIN_DECLS

typedef struct
{
  FerryRouter *router;     /* (owned) */
  FerryReceiver *receiver; /* (owned) */
  FerryWorker *worker;     /* (owned) */
  const char *mode;        /* (unowned) what the worker does: see bench-besieger.c */
  guint n_started;
  guint64 n_messages;
  guint replacing; /* a source, or 0 */
  gboolean ending;
} BenchSiege;

/* Ends the program where the worker cannot be started. */
void bench_siege_begin (BenchSiege *self, const char *mode);
void bench_siege_end (BenchSiege *self);

G_END_DECLS
