/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The demo's worker: the functions that it has, and no toolkit. The demo's pool starts it, and asks it for one job
 * after the other; it ends when the pool is done with it, or gone. With an argument it serves an object instead. */

#include <ferry.h>
#include <stdlib.h>

#include "app/ferry-demo-message.h"
#include "app/ferry-demo-place.h"
#include "app/worker-jobs.h"

static void
register_functions (void)
{
  ferry_function_register ("primes", FERRY_DEMO_PRIMES_ARGUMENTS, FERRY_DEMO_PRIMES_RESULT, worker_primes);
  ferry_function_register ("crash", NULL, NULL, worker_crash);
  ferry_function_register ("hang", NULL, NULL, worker_hang);
  ferry_function_register ("flood", FERRY_DEMO_FLOOD_ARGUMENTS, FERRY_DEMO_FLOOD_RESULT, worker_flood);
  ferry_function_register (FERRY_DEMO_WORK, NULL, "b", worker_work);
  ferry_function_register (FERRY_DEMO_THUMBNAIL, FERRY_DEMO_THUMBNAIL_ARGUMENTS, FERRY_DEMO_THUMBNAIL_RESULT,
                           worker_thumbnail);
}

int
main (int argc, char *argv[])
{
  ferry_demo_translate ();
  if (argc == 2 && g_str_equal (argv[1], FERRY_DEMO_HEAT_ARGUMENT))
    return worker_heat ();
  if (argc == 2 && g_str_has_prefix (argv[1], "pipe-"))
    return worker_pipe (argv[1]);
  register_functions ();
  ferry_worker_set_program_version (FERRY_DEMO_VERSION);
  ferry_worker_main (&argc, &argv);

  g_printerr ("ferry-demo-worker: this is for the demo to start; run ferry-demo.\n");
  return EXIT_FAILURE;
}
