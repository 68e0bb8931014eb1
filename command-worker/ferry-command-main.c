/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The worker that runs commands, one at a time. Applications start it by ferry_executor_new_for_commands(). It uses
 * what any worker may: a function, an initialiser and ferry_worker_main(). */

#include <ferry.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "command-drain.h"
#include "command-recipes.h"
#include "command-result.h"
#include "command-run.h"

/* Runs in the fork server, and in a worker that is executed. What a command leaves behind when its worker is killed
 * becomes a child of the fork server, which ends it. The workers that it forks are no subreapers by that. */
static gboolean
become_subreaper (gpointer user_data, GError **error)
{
  prctl (PR_SET_CHILD_SUBREAPER, 1);
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
  if (argc == 2 && strcmp (argv[1], COMMAND_DRAIN_ARGUMENT) == 0)
    {
      command_drain_run ();
      return EXIT_SUCCESS;
    }
  if (!register_functions (argc, argv))
    return EXIT_FAILURE;
  ferry_worker_add_initialiser ("subreaper", become_subreaper, NULL, NULL);
  ferry_worker_main (&argc, &argv);

  g_printerr ("ferry-command: this is for applications to start, by ferry_executor_new_for_commands(), and for "
              "ferry-host, as 'ferry-host [OPTION...] ferry-command --recipes FILE'.\n");
  return EXIT_FAILURE;
}
