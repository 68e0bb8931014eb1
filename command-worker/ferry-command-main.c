/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The worker that runs commands, one at a time. Applications start it by ferry_executor_new_for_commands(). It uses
 * what any worker may: a function, an initialiser and ferry_worker_main(). */

#include <errno.h>
#include <fcntl.h>
#include <ferry.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "command-drain.h"
#include "command-recipes.h"
#include "command-result.h"
#include "command-run.h"

/* Where the library says it: as FERRY_COMMAND_APPLICATION_VARIABLE there. */
#define COMMAND_APPLICATION_VARIABLE "FERRY_COMMAND_APPLICATION"

/* Runs in the fork server, and in a worker that is executed. What a command leaves behind when its worker is killed
 * becomes a child of the fork server, which ends it. The workers that it forks are no subreapers by that. */
static gboolean
become_subreaper (gpointer user_data, GError **error)
{
  prctl (PR_SET_CHILD_SUBREAPER, 1);
  return TRUE;
}

/* The same. How soon the kernel takes a program when memory ends is for the application to say, and not for the worker
 * or the host that runs it. The system may refuse that to who has given up rights. */
static gboolean
be_as_dispensable_as (gpointer application, GError **error)
{
  g_autofree char *path = g_strdup_printf ("/proc/%s/oom_score_adj", (const char *) application);
  g_autofree char *score = NULL;
  int fd = open ("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

  if (fd < 0)
    return TRUE;
  if (g_file_get_contents (path, &score, NULL, NULL) && write (fd, score, strlen (score)) < 0)
    g_debug ("Programs keep the oom_score_adj of their worker: %s", g_strerror (errno));
  close (fd);
  return TRUE;
}

/* Commands that applications say; or, for a host, none but the recipes of a file. */
static gboolean
register_functions (int argc, char *argv[])
{
  g_autoptr (GError) error = NULL;

  if (argc == 3 && strcmp (argv[1], "--recipes") == 0)
    {
      if (command_recipes_register (argv[2], &error))
        return TRUE;
      g_printerr ("ferry-command: %s\n", error->message);
      return FALSE;
    }
  ferry_function_register (COMMAND_FUNCTION, COMMAND_ARGUMENTS, COMMAND_RESULT, command_run);
  return TRUE;
}

int
main (int argc, char *argv[])
{
  /* A worker that runs programs names its application; a host is one. */
  g_autofree char *application =
    argc == 3 ? g_strdup_printf ("%d", (int) getppid ()) : g_strdup (g_getenv (COMMAND_APPLICATION_VARIABLE));

  if (argc == 2 && strcmp (argv[1], COMMAND_DRAIN_ARGUMENT) == 0)
    {
      command_drain_run ();
      return EXIT_SUCCESS;
    }
  if (!register_functions (argc, argv))
    return EXIT_FAILURE;
  ferry_worker_add_initialiser ("subreaper", become_subreaper, NULL, NULL);
  if (application != NULL)
    ferry_worker_add_initialiser ("oom_score_adj", be_as_dispensable_as, application, NULL);
  ferry_worker_main (&argc, &argv);

  g_printerr ("ferry-command: this is for applications to start, by ferry_executor_new_for_commands(), and for "
              "ferry-host, as 'ferry-host [OPTION...] ferry-command --recipes FILE'.\n");
  return EXIT_FAILURE;
}
