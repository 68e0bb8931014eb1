/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How many cores this process may use. */

#include "config.h"

#include "base/ferry-usable-cores.h"

#include <sched.h>

#include "base/ferry-cgroup-private.h"

static guint
count_affine (void)
{
  cpu_set_t set;

  /* More than 1,024 cores do not fit into the set. */
  if (sched_getaffinity (0, sizeof set, &set) < 0)
    return g_get_num_processors ();
  return (guint) CPU_COUNT (&set);
}

/* "cpu.max" of one group: "max 100000" or "150000 100000". Part of a core counts as one. */
static void
limit (const char *text, gpointer data)
{
  guint *cores = data;
  char *end;
  guint64 quota = g_ascii_strtoull (text, &end, 10);
  guint64 period = g_ascii_strtoull (end, NULL, 10);

  if (end != text && quota > 0 && period > 0)
    *cores = (guint) MIN ((quota + period - 1) / period, *cores);
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
  guint cores = count_affine ();

  ferry_cgroup_read ("cpu.max", limit, &cores);
  return MAX (cores, 1);
}
