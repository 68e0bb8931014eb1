/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker that answers over its transport "calls" what tests/conversation/conversation-handlers.h has, with as many
 * threads as its argument says. It ends with its transport. */

#include <ferry-conversations.h>
#include <stdlib.h>

#include "conversation/conversation-handlers.h"

int
main (int argc, char **argv)
{
  g_autoptr (FerryTransport) transport = NULL;
  g_autoptr (FerryDemux) demux = NULL;
  g_autoptr (GError) error = NULL;
  int n = atoi (argv[1]);

  transport = ferry_worker_get_transport ("calls", &error);
  if (transport == NULL)
    g_error ("%s", error->message);
  demux = ferry_demux_new (transport);
  conversation_add_handlers (demux);
  ferry_demux_set_threads (demux, n);
  if (!ferry_demux_start (demux, &error))
    g_error ("%s", error->message);
  ferry_transport_wait_closed (transport);
  return EXIT_SUCCESS;
}
