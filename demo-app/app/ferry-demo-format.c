/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Numbers, durations and rates as the demo writes them. */

#include "app/ferry-demo-format.h"

#include <glib/gi18n.h>
#include <signal.h>

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
    return g_strdup_printf ("%.0f µs", microseconds);
  if (microseconds < 9950.0)
    return g_strdup_printf ("%.1f ms", microseconds / 1e3);
  if (microseconds < 999.5e3)
    return g_strdup_printf ("%.0f ms", microseconds / 1e3);
  return g_strdup_printf ("%.1f s", microseconds / 1e6);
}

const char *
ferry_demo_describe_end (FerryExit *ended)
{
  FerryCloseReason reason = ended != NULL ? ferry_exit_get_reason (ended) : FERRY_CLOSE_REASON_LAUNCH_FAILED;
  int number = ended != NULL ? ferry_exit_get_signal (ended) : 0;

  if (reason == FERRY_CLOSE_REASON_LAUNCH_FAILED || reason == FERRY_CLOSE_REASON_NEVER_ATTACHED)
    return _ ("Could not be started.");
  if (reason == FERRY_CLOSE_REASON_PROTOCOL_ERROR)
    return _ ("Cut off.");
  if (number == SIGKILL || number == SIGTERM)
    return _ ("Stopped.");
  return number != 0 ? _ ("Crashed.") : _ ("Ended.");
}
