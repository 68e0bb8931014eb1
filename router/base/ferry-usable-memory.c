/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How much memory this process may use. */

#include "config.h"

#include "base/ferry-usable-memory-private.h"

#include <unistd.h>

#include "base/ferry-cgroup-private.h"

/* "memory.max" of one group: a number of bytes, or "max". */
static void
limit (const char *text, gpointer data)
{
  guint64 *usable = data;
  char *end;
  guint64 bytes = g_ascii_strtoull (text, &end, 10);

  if (end != text)
    *usable = MIN (*usable, bytes);
}

/* any: the bytes of the machine's memory, and not more than a control group allows. */
guint64
ferry_get_usable_memory (void)
{
  glong n_pages = sysconf (_SC_PHYS_PAGES);
  glong page_size = sysconf (_SC_PAGESIZE);
  guint64 usable = n_pages > 0 && page_size > 0 ? (guint64) n_pages * (guint64) page_size : G_MAXUINT64;

  ferry_cgroup_read ("memory.max", limit, &usable);
  return usable;
}
