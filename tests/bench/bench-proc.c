/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "bench-proc.h"

#include <string.h>

/* Adds up the numbers behind a name in a file of /proc. */
static gint64
sum_of (const char *contents, const char *name)
{
  const gsize length = strlen (name);
  gint64 sum = 0;

  for (const char *at = strstr (contents, name); at != NULL; at = strstr (at + 1, name))
    sum += g_ascii_strtoll (at + length, NULL, 10);
  return sum;
}

/* The context switches of all threads of a process since each began. Both kinds are in the file, and one's name ends
 * in the other's. */
guint64
bench_proc_switches (GPid pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/task", pid);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  guint64 switches = 0;
  const char *thread;

  while (dir != NULL && (thread = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *status = g_build_filename (path, thread, "status", NULL);
      g_autofree char *contents = NULL;

      if (g_file_get_contents (status, &contents, NULL, NULL))
        switches += sum_of (contents, "voluntary_ctxt_switches:");
    }
  return switches;
}

/* The KiB of a process that are in memory, and how many of them are in memfds. */
gint64
bench_proc_resident (GPid pid, gint64 *of_memfds)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/smaps", pid);
  g_autofree char *contents = NULL;
  g_auto (GStrv) lines = NULL;
  gboolean is_memfd = FALSE;
  gint64 resident = 0, memfds = 0;

  if (!g_file_get_contents (path, &contents, NULL, NULL))
    return 0;
  lines = g_strsplit (contents, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    {
      const gint64 size = g_str_has_prefix (*line, "Rss:") ? sum_of (*line, "Rss:") : 0;

      if (g_ascii_isxdigit ((*line)[0]) && !g_ascii_isupper ((*line)[0]))
        is_memfd = strstr (*line, "/memfd:") != NULL;
      resident += size;
      memfds += is_memfd ? size : 0;
    }
  if (of_memfds != NULL)
    *of_memfds = memfds;
  return resident;
}

/* The KiB that a process has for itself. */
gint64
bench_proc_private (GPid pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/smaps_rollup", pid);
  g_autofree char *contents = NULL;

  if (!g_file_get_contents (path, &contents, NULL, NULL))
    return 0;
  return sum_of (contents, "Private_Clean:") + sum_of (contents, "Private_Dirty:");
}
