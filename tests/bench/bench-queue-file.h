/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an application does with the file of a queue, and waits for.
 *
 * Threads: the router's. What does not go well ends the bench. */

#pragma once

#include <ferry-queue.h>

G_BEGIN_DECLS

void bench_queue_open (FerryQueue *queue);
void bench_queue_flush (FerryQueue *queue);
void bench_queue_close (FerryQueue *queue);

G_END_DECLS
