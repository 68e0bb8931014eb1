/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The functions that the demo's worker is asked for; ferry-demo-message.h says what they take and give. */

#pragma once

#include <ferry.h>

G_BEGIN_DECLS

GVariant *worker_work (FerryJob *job, GVariant *arguments, GError **error);
GVariant *worker_primes (FerryJob *job, GVariant *arguments, GError **error);
GVariant *worker_crash (FerryJob *job, GVariant *arguments, GError **error);
GVariant *worker_hang (FerryJob *job, GVariant *arguments, GError **error);
GVariant *worker_flood (FerryJob *job, GVariant *arguments, GError **error);
GVariant *worker_thumbnail (FerryJob *job, GVariant *arguments, GError **error);

/* Not a function: all that the process does, to its end. Returns what it exits with. */
int worker_heat (void);

G_END_DECLS
