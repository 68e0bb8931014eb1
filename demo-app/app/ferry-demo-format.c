/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "app/ferry-demo-format.h"

/* The text has its place for the number, "%s", wherever its language wants it. */
char *
ferry_demo_format_counted (guint64 count, const char *text)
{
  g_autofree char *number = ferry_format_count (count);
  g_auto (GStrv) parts = g_strsplit (text, "%s", 2);

  return g_strjoinv (number, parts);
}

char *
ferry_demo_format_latency (double microseconds)
{
  if (microseconds < 999.5)
    return g_strdup_printf ("%.0f µs", microseconds);
  if (microseconds < 9950.0)
    return g_strdup_printf ("%.1f ms", microseconds / 1e3);
  if (microseconds < 999.5e3)
    return g_strdup_printf ("%.0f ms", microseconds / 1e3);
  return g_strdup_printf ("%.1f s", microseconds / 1e6);
}
