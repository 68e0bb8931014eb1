/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker with an end of a transport that does what comes through its standard input: contract-worker WHAT
 *
 *   transport   gets the transport "contract", and exits with status 0 once its standard input has ended
 *   tasks       serves tasks, and lives until its standard input has ended, too
 *
 * call/contract-end.c has what it does. */

#include "config.h"

#include <ferry-conversations.h>
#include <stdlib.h>
#include <unistd.h>

#include "call/contract-end.h"
#include "call/ferry-link-transport.h"
#include "job/ferry-worker-main.h"

static ContractEnd *end;
static GThread *obeying;

static gpointer
obey (gpointer data)
{
  contract_end_obey (end, STDIN_FILENO);
  return NULL;
}

static void
finish (void)
{
  g_thread_join (obeying);
  contract_end_free (end);
}

static gboolean
begin (gpointer data, GError **error)
{
  end = contract_end_new (NULL);
  obeying = g_thread_new ("obey", obey, NULL);
  atexit (finish);
  return TRUE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  FerryTransport *transport;

  if (argc == 2 && g_str_equal (argv[1], "tasks"))
    {
      contract_end_register_functions ();
      ferry_worker_add_initialiser ("begin", begin, NULL, NULL);
      ferry_worker_main (&argc, &argv);
      return EXIT_FAILURE;
    }
  transport = ferry_worker_get_transport ("contract", &error);
  g_assert_no_error (error);
  end = contract_end_new (transport);
  obey (NULL);
  contract_end_free (end);
  return EXIT_SUCCESS;
}
