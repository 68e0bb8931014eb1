/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "base/ferry-cgroup-private.h"

#include <string.h>

#define CGROUP_ROOT "/sys/fs/cgroup"

static void
read_one (const char *folder, const char *file, FerryCgroupFunc func, gpointer data)
{
  g_autofree char *path = g_build_filename (CGROUP_ROOT, folder, file, NULL);
  g_autofree char *text = NULL;

  if (g_file_get_contents (path, &text, NULL, NULL))
    func (text, data);
}

/* Calls func with a file of our group, such as "cpu.max", and of each group above it, where there is one. A limit of
 * any of them holds, so the tightest counts. */
void
ferry_cgroup_read (const char *file, FerryCgroupFunc func, gpointer data)
{
  g_autofree char *text = NULL;
  char *folder;
  char *slash;

  if (!g_file_get_contents ("/proc/self/cgroup", &text, NULL, NULL) || !g_str_has_prefix (text, "0::"))
    return;
  folder = text + strlen ("0::");
  g_strchomp (folder);
  read_one (folder, file, func, data);
  while ((slash = strrchr (folder, '/')) != NULL)
    {
      *slash = '\0';
      read_one (folder, file, func, data);
    }
}
