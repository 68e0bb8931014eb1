/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A pool of workers, an executor and a router, as an application has them. The workers are bench-functions.
 *
 * Threads: the router's. What does not go well ends the bench. */

#pragma once

#include <ferry.h>

G_BEGIN_DECLS

typedef struct
{
  FerryRouter *router;     /* (owned) */
  FerryPool *pool;         /* (owned) */
  FerryExecutor *executor; /* (owned) */
} BenchCrew;

char *bench_path_beside (const char *name);
FerryLauncher *bench_functions_launcher (void);
void bench_fail (const char *what, const GError *error) G_GNUC_NORETURN;

void bench_crew_open (BenchCrew *self, FerryRouter *router, guint max_workers);
void bench_crew_warm_up (BenchCrew *self);
void bench_crew_close (BenchCrew *self);
FerryTask *bench_crew_submit (BenchCrew *self, const char *function, GVariant *arguments);
GVariant *bench_crew_ask (BenchCrew *self, const char *function, GVariant *arguments);
FerryRouter *bench_router_open (void);
void bench_router_close (FerryRouter *router);

G_END_DECLS
