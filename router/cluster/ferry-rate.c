/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How often something may happen that another end causes, such as a line in the log.
 *
 * Owner:   a field of what counts; zeros are a good start.
 * Threads: one at a time. */

#include "config.h"

#include "cluster/ferry-rate-private.h"

#define LOG_PERIOD (60 * G_USEC_PER_SEC)

gboolean
ferry_rate_note (FerryRate *self, gint64 period, guint limit)
{
  gint64 now = g_get_monotonic_time ();

  if (self->since == 0 || now - self->since >= period)
    *self = (FerryRate){.since = now};
  if (self->n <= limit)
    self->n++;
  return self->n <= limit;
}

static gboolean
may_log (FerryRate *self)
{
  return ferry_rate_note (self, LOG_PERIOD, FERRY_RATE_MAX_LINES);
}

static void
note_logged (FerryRate *self)
{
  if (self->n == FERRY_RATE_MAX_LINES)
    g_message ("Further messages of this kind are left out for up to a minute");
}

void
ferry_rate_log (FerryRate *self, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  if (!may_log (self))
    return;
  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_message ("%s", text);
  note_logged (self);
}

void
ferry_rate_log_fields (FerryRate *self, GLogLevelFlags level, const GLogField *fields, gsize n_fields)
{
  if (!may_log (self))
    return;
  g_log_structured_array (level, fields, n_fields);
  note_logged (self);
}
