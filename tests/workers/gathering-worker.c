/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A persistent worker that has its results ready.
 *
 *   gathering-worker COUNT
 *
 * It listens at the address in its environment, and gives the numbers below COUNT as the messages of a channel to each
 * application that attaches; when all were taken it ends. If they are not taken, it ends by itself after some
 * minutes. */

#include <ferry-classic.h>
#include <stdlib.h>
#include <unistd.h>

#define LIFETIME_SECONDS 1800

static FerryBackground *background;

static gpointer
accept_all (gpointer listener)
{
  FerryTransport *transport;

  while ((transport = ferry_listener_accept (listener, -1, NULL, NULL)) != NULL)
    {
      g_autoptr (FerryChannel) channel = ferry_channel_new (transport);

      g_object_unref (transport);
      if (!ferry_background_attach_channel (background, channel, NULL))
        exit (4);
    }
  return NULL;
}

int
main (int argc, char **argv)
{
  g_autoptr (FerryListener) listener = NULL;
  GThread *thread;

  alarm (LIFETIME_SECONDS);
  background = ferry_background_new ("result", 1000);
  listener = ferry_listener_new_from_environment (NULL);
  if (argc < 2 || listener == NULL)
    return 2;
  thread = g_thread_new ("accept", accept_all, listener);
  for (guint i = 0; i < (guint) atoi (argv[1]); i++)
    if (!ferry_background_put (background, g_variant_new_uint32 (i), -1, NULL, NULL))
      return 3;
  ferry_background_finish (background);
  if (!ferry_background_wait_taken (background, -1, NULL, NULL))
    return 3;
  ferry_listener_close (listener);
  g_thread_join (thread);
  g_object_unref (background);
  return 0;
}
