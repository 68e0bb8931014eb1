/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Two ends that are received where a context is iterated, each by a thread that does nothing else. */

#include "config.h"

#include <sys/socket.h>

#include "call/transport-test.h"
#include "classic/ferry-polled-transport-private.h"

/* An end, and its thread. */
typedef struct
{
  int fd;
  FerryTransport *end; /* (owned): for the thread that waits for `made` */
  GMutex lock;
  GCond made;
} Polled;

/* Whether the context has a descriptor beside its own: that of the end, until it is closed. */
static gboolean
is_open (GMainContext *context)
{
  int priority;
  int timeout;

  g_main_context_prepare (context, &priority);
  return g_main_context_query (context, priority, &timeout, NULL, 0) > 1;
}

static gpointer
iterate (gpointer data)
{
  Polled *polled = data;
  g_autoptr (GMainContext) context = g_main_context_new ();

  g_main_context_push_thread_default (context);
  g_mutex_lock (&polled->lock);
  polled->end = ferry_polled_transport_new (polled->fd);
  g_cond_signal (&polled->made);
  g_mutex_unlock (&polled->lock);
  while (is_open (context))
    g_main_context_iteration (context, TRUE);
  g_main_context_pop_thread_default (context);
  return NULL;
}

static FerryTransport *
new_polled (int fd)
{
  Polled polled = {.fd = fd};

  g_mutex_init (&polled.lock);
  g_cond_init (&polled.made);
  g_thread_unref (g_thread_new ("polled", iterate, &polled));
  g_mutex_lock (&polled.lock);
  while (polled.end == NULL)
    g_cond_wait (&polled.made, &polled.lock);
  g_mutex_unlock (&polled.lock);
  g_mutex_clear (&polled.lock);
  g_cond_clear (&polled.made);
  return polled.end;
}

void
transport_test_connect_polled (FerryTransport **one, FerryTransport **other)
{
  int fds[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  *one = new_polled (fds[0]);
  *other = new_polled (fds[1]);
}
