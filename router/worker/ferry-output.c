/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where the lines that a worker wrote are logged: with GLib's structured log, on the router's thread. */

#include "config.h"

#include "worker/ferry-worker-private.h"

#define LOG_DOMAIN "Ferry-Worker"

void
ferry_output_log (const char *worker, GPid pid, const char *task, FerryStream stream, const char *line)
{
  gboolean is_error = stream == FERRY_STREAM_STDERR;
  char number[16];
  GLogField fields[] = {
    {"MESSAGE", line, -1},           {"PRIORITY", is_error ? "5" : "6", -1},
    {"GLIB_DOMAIN", LOG_DOMAIN, -1}, {"FERRY_WORKER", worker, -1},
    {"FERRY_PID", number, -1},       {"FERRY_STREAM", is_error ? "stderr" : "stdout", -1},
    {"FERRY_TASK", task, -1},
  };

  g_snprintf (number, sizeof number, "%d", (int) pid);
  g_log_structured_array (is_error ? G_LOG_LEVEL_MESSAGE : G_LOG_LEVEL_INFO, fields,
                          G_N_ELEMENTS (fields) - (task == NULL));
}
