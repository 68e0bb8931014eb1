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

/* Not functions: all that the process does, to its end. They return what it exits with. */
int worker_heat (void);
/* Sends through a pipe, in one of the modes of ferry-demo-message.h. */
int worker_pipe (const char *mode);

/* FALSE when the pipe is closed. */
gboolean worker_pipe_send (FerrySender *sender, double value);
/* A few messages each millisecond; without an end where the time is negative. */
gboolean worker_pipe_send_for (FerrySender *sender, gint64 microseconds);

/* The modes that are ideas of other pages. */
void worker_loop (FerrySender *sender);
void worker_ill_crash (FerrySender *sender);
void worker_ill_hang (FerrySender *sender);
void worker_ill_rubbish (FerrySender *sender);
void worker_ill_write_nowhere (void);

G_END_DECLS
