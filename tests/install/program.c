/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A program from elsewhere: starts a router, makes a pipe, stops, and says which version it met. */

#include <ferry.h>

int
main (void)
{
  g_autoptr (FerryRouter) router = ferry_router_new (NULL);
  g_autoptr (FerrySender) sender = NULL;
  g_autoptr (FerryReceiver) receiver = NULL;
  g_autoptr (GError) error = NULL;

  if (!ferry_router_start (router, &error) ||
      !ferry_router_pipe (router, FERRY_PIPE_QUEUED, &sender, &receiver, &error) ||
      !ferry_router_close_pipe (router, receiver, &error) || !ferry_router_stop (router, &error))
    {
      g_printerr ("%s\n", error->message);
      return 1;
    }
  g_print ("Ferry %s\n", FERRY_VERSION_STRING);
  return FERRY_CHECK_VERSION (FERRY_MAJOR_VERSION, FERRY_MINOR_VERSION, FERRY_MICRO_VERSION) ? 0 : 1;
}
