/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How much processor and memory a worker's process uses. */

#include "config.h"

#include "process/ferry-worker-usage-private.h"

#include <string.h>
#include <unistd.h>

/* Fields of /proc/PID/stat, counted from the one behind the name, which may have spaces. */
enum
{
  FIELD_STATE = 0,
  FIELD_USER_TIME = 11,
  FIELD_SYSTEM_TIME = 12,
  FIELD_STARTED = 19,
  FIELD_RESIDENT = 21,
  N_FIELDS
};

/* (transfer full) (nullable): the fields of a process that lives. */
static char **
read_fields (const char *identifier)
{
  g_autofree char *path = g_strdup_printf ("/proc/%s/stat", identifier);
  g_autofree char *text = NULL;
  g_auto (GStrv) fields = NULL;
  const char *name_end;

  if (identifier == NULL || !g_file_get_contents (path, &text, NULL, NULL))
    return NULL;
  name_end = strrchr (text, ')');
  if (name_end == NULL || name_end[1] != ' ')
    return NULL;
  fields = g_strsplit (name_end + 2, " ", -1);
  if (g_strv_length (fields) < N_FIELDS || fields[FIELD_STATE][0] == 'Z')
    return NULL;
  return g_steal_pointer (&fields);
}

static guint64
get_number (char **fields, guint field)
{
  return g_ascii_strtoull (fields[field], NULL, 10);
}

gboolean
ferry_worker_usage_look (FerryWorkerUsage *self, const char *identifier, gint64 now)
{
  g_auto (GStrv) fields = read_fields (identifier);
  FerryWorkerUsage latest = FERRY_WORKER_USAGE_INIT;

  if (fields == NULL)
    {
      *self = latest;
      return FALSE;
    }
  latest.started = get_number (fields, FIELD_STARTED);
  latest.ticks = get_number (fields, FIELD_USER_TIME) + get_number (fields, FIELD_SYSTEM_TIME);
  latest.at = now;
  latest.memory = get_number (fields, FIELD_RESIDENT) * (guint64) sysconf (_SC_PAGESIZE);
  /* Another process may have got the same number. */
  if (self->started == latest.started && self->ticks <= latest.ticks && self->at < now)
    latest.share = (double) (latest.ticks - self->ticks) / (double) sysconf (_SC_CLK_TCK) * G_USEC_PER_SEC /
                   (double) (now - self->at);
  *self = latest;
  return TRUE;
}
