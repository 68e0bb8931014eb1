/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How many cores this process may use. */

#include "config.h"

#include "base/ferry-usable-cores.h"

#include <sched.h>
#include <string.h>

#define CGROUP_ROOT "/sys/fs/cgroup"

static guint
count_affine (void)
{
  cpu_set_t set;

  /* More than 1,024 cores do not fit into the set. */
  if (sched_getaffinity (0, sizeof set, &set) < 0)
    return g_get_num_processors ();
  return (guint) CPU_COUNT (&set);
}

/* What "cpu.max" of one group allows: "max 100000" or "150000 100000". Part of a core counts as one. */
static guint
read_quota (const char *folder, guint cores)
{
  g_autofree char *path = g_build_filename (CGROUP_ROOT, folder, "cpu.max", NULL);
  g_autofree char *text = NULL;
  guint64 quota;
  guint64 period;
  char *end;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return cores;
  quota = g_ascii_strtoull (text, &end, 10);
  period = g_ascii_strtoull (end, NULL, 10);
  if (end == text || quota == 0 || period == 0)
    return cores;
  return (guint) MIN ((quota + period - 1) / period, cores);
}

/* The quota of our group and of each above it; the tightest counts. */
static guint
limit_by_cgroup (guint cores)
{
  g_autofree char *text = NULL;
  char *folder;
  char *slash;

  if (!g_file_get_contents ("/proc/self/cgroup", &text, NULL, NULL) || !g_str_has_prefix (text, "0::"))
    return cores;
  folder = text + strlen ("0::");
  g_strchomp (folder);
  cores = read_quota (folder, cores);
  while ((slash = strrchr (folder, '/')) != NULL)
    {
      *slash = '\0';
      cores = read_quota (folder, cores);
    }
  return cores;
}

/**
 * ferry_get_n_usable_cores:
 *
 * How many processor cores this process may use: those that its affinity allows, and not more than the quota of its
 * control group (version 2) is worth, rounded up. Any thread may call this.
 *
 * Returns: the number of cores, at least 1
 *
 * Since: 0.1
 */
guint
ferry_get_n_usable_cores (void)
{
  return MAX (limit_by_cgroup (count_affine ()), 1);
}
