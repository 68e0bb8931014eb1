/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* 'ferry-host --status': tells what a host does that runs somewhere else, or in another terminal.
 *
 * It asks the host of its name by way of the server, as 'ferry-host --check' does. So it needs what the host needs to
 * log in, and no more: no port, no file, and no rights of the host's user. */

#include "config.h"

#include "cluster/ferry-host-program-private.h"

#include "base/ferry-base-private.h"

/* How many functions are named. */
#define MAX_NAMED 8

/* Returns (transfer full) a time in the largest unit that it has one of. */
static char *
describe_time (guint64 microseconds)
{
  guint64 seconds = microseconds / G_USEC_PER_SEC;

  if (seconds < 120)
    return g_strdup_printf ("%.1f s", (double) microseconds / G_USEC_PER_SEC);
  if (seconds < 2 * 3600)
    return g_strdup_printf ("%" G_GUINT64_FORMAT " min", seconds / 60);
  if (seconds < 2 * 86400)
    return g_strdup_printf ("%" G_GUINT64_FORMAT " h %" G_GUINT64_FORMAT " min", seconds / 3600, seconds / 60 % 60);
  return g_strdup_printf ("%" G_GUINT64_FORMAT " days", seconds / 86400);
}

/* A name of a function may have any characters, and a terminal obeys some. */
static char *
describe_functions (char **functions)
{
  GString *text = g_string_new (NULL);
  guint n = g_strv_length (functions);

  for (guint i = 0; i < MIN (n, MAX_NAMED); i++)
    {
      g_autofree char *shown = g_strescape (functions[i], NULL);

      g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", shown);
    }
  if (n > MAX_NAMED)
    g_string_append_printf (text, " and %u more", n - MAX_NAMED);
  return g_string_free (text, FALSE);
}

static void
say_tasks (const FerryHostFigures *figures)
{
  g_autofree char *longest = describe_time (figures->longest_wait);

  if (figures->n_waiting > 0)
    ferry_host_say ("tasks", "%u run, %u wait, the longest for %s", figures->n_running, figures->n_waiting, longest);
  else
    ferry_host_say ("tasks", "%u run, none waits", figures->n_running);
  ferry_host_say (
    "ended", "%" G_GUINT64_FORMAT " done, %" G_GUINT64_FORMAT " failed, %" G_GUINT64_FORMAT " lost with their workers",
    figures->n_done, figures->n_failed, figures->n_lost);
}

static void
say_host (const FerryHostFacts *facts, const char *application)
{
  g_autofree char *uptime = describe_time (facts->figures.uptime);
  g_autofree char *functions = describe_functions (facts->functions);
  g_autofree char *labels = g_strjoinv (", ", facts->labels);

  ferry_host_say ("host", "'%s' of the application '%s', started %s ago%s", facts->name, application, uptime,
                  facts->draining ? ", finishes its tasks and takes no more" : "");
  if (*facts->program_version != '\0')
    ferry_host_say ("version", "%s of the program, with Ferry %s", facts->program_version, facts->ferry_version);
  else
    ferry_host_say ("version", "Ferry %s", facts->ferry_version);
  if (*labels != '\0')
    ferry_host_say ("labels", "%s", labels);
  ferry_host_say ("workers", "%u, for %u applications that are connected", facts->n_workers, facts->figures.n_sessions);
  say_tasks (&facts->figures);
  ferry_host_say ("functions", "%s", functions);
}

gboolean
ferry_host_status (const FerryHostOptions *options)
{
  g_autoptr (FerryRouter) router = ferry_router_new (NULL);
  g_auto (FerryHostInquiry) inquiry = {.wants_answer = TRUE};
  g_autoptr (GError) error = NULL;
  gboolean has_answer = FALSE;

  if (!ferry_router_start (router, &error))
    {
      ferry_host_say ("router", "%s", error->message);
      return FALSE;
    }
  if (ferry_host_inquire (&inquiry, router, options, NULL))
    {
      has_answer = inquiry.answer.name != NULL;
      if (has_answer)
        say_host (&inquiry.answer, options->application);
      else
        ferry_host_say ("host",
                        "No host '%s' of the application '%s' has answered; look whether it runs, whether both "
                        "--name and --application are its own, and whether it has this version of Ferry",
                        options->name, options->application);
    }
  ferry_router_stop (router, NULL);
  return has_answer;
}
