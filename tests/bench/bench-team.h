/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A pool of workers, an executor and a router, as an application has them. The workers are bench-functions.
 *
 * Threads: the router's. What does not go well ends the bench. */

#pragma once

#include <ferry-conversations.h>

G_BEGIN_DECLS

typedef struct
{
  FerryRouter *router;     /* (owned) */
  FerryPool *pool;         /* (owned) */
  FerryExecutor *executor; /* (owned) */
} BenchTeam;

/* Reads a property that is a number. */
int bench_get_number (gpointer object, const char *property);
void bench_fail (const char *what, const GError *error) G_GNUC_NORETURN;

void bench_team_open (BenchTeam *self, FerryRouter *router, guint max_workers);
void bench_team_warm_up (BenchTeam *self);
void bench_team_close (BenchTeam *self);
FerryTask *bench_team_submit (BenchTeam *self, const char *function, GVariant *arguments);
GVariant *bench_team_ask (BenchTeam *self, const char *function, GVariant *arguments);
gboolean bench_is_closed (FerryTransport *transport);
FerryRouter *bench_router_open (void);
void bench_router_close (FerryRouter *router);

G_END_DECLS
