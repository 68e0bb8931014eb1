/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How often something may happen that another end causes. One thread at a time. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  gint64 since; /* monotonic time at which the present period began */
  guint n;      /* how often it has happened since */
} FerryRate;

/* Counts. Returns whether it has happened no more often than limit in the present period, of so many microseconds. */
gboolean ferry_rate_note (FerryRate *self, gint64 period, guint limit);

/* How many lines of one rate are logged in a minute. */
#define FERRY_RATE_MAX_LINES 20

/* Logs a message about another end. What is beyond FERRY_RATE_MAX_LINES is left out, and that is said, since an end may
 * give reason to complain as often as it likes. */
void ferry_rate_log (FerryRate *self, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* The same for a structured message. */
void ferry_rate_log_fields (FerryRate *self, GLogLevelFlags level, const GLogField *fields, gsize n_fields);

G_END_DECLS
