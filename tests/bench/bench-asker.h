/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A bare transaction: asked over a link with the transaction core alone, without task, executor or pool, and answered
 * by a worker (bench-answers) that has nothing else either. */

#pragma once

#include <ferry.h>

G_BEGIN_DECLS

typedef struct _BenchAsker BenchAsker;

BenchAsker *bench_asker_new (FerryRouter *router);
void bench_asker_free (BenchAsker *self);
/* Runs the main loop until the answer is there. */
void bench_asker_ask (BenchAsker *self, GVariant *arguments);

G_END_DECLS
