/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The worker of all benches: sends through the transport that its command line names, and does so until that is cut
 * or its standard input ends. */

#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "bench-feed.h"

typedef struct
{
  const BenchTransport *transport;
  gpointer end;
  BenchContent content;
  gsize size;
  BenchMessage *message; /* (owned) with the number and time of what is sent next */
} Worker;

static gboolean
send_next (Worker *self)
{
  gboolean sent;

  if (self->content == BENCH_CONTENT_BYTES && self->transport->send != NULL)
    sent = self->transport->send (self->end, self->message, self->size);
  else
    sent = self->transport->send_variant (self->end, bench_message_to_variant (self->message));
  self->message->sequence++;
  return sent;
}

/* The same loop for every transport; only the call to its send function goes through a pointer. */
static void
flood_bytes (Worker *self)
{
  gboolean (*const send) (gpointer, gconstpointer, gsize) = self->transport->send;
  const gpointer end = self->end;
  BenchMessage *const message = self->message;
  const gsize size = self->size;

  while (send (end, message, size))
    message->sequence++;
}

/* The strings are the same ones each time, so neither way has to make them. */
static void
flood_strings (Worker *self)
{
  GVariantBuilder builder;
  g_autoptr (GVariant) strings = NULL;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_STRING_ARRAY);
  for (guint i = 0; i < BENCH_N_STRINGS; i++)
    {
      char name[32];

      g_snprintf (name, sizeof name, "pictures/%u.jpeg", i);
      g_variant_builder_add (&builder, "s", name);
    }
  strings = g_variant_ref_sink (g_variant_builder_end (&builder));
  while (
    self->transport->send_variant (self->end, g_variant_new (BENCH_STRINGS_TYPE, self->message->sequence, strings)))
    self->message->sequence++;
}

static void
flood (Worker *self)
{
  if (self->content == BENCH_CONTENT_STRINGS)
    {
      flood_strings (self);
      return;
    }
  if (self->content == BENCH_CONTENT_BYTES && self->transport->send != NULL)
    flood_bytes (self);
  while (send_next (self))
    ;
}

/* Wakes up at a fresh moment for each message, so that no reader can be found still warm from the last one. */
static void
obey (Worker *self)
{
  BenchOrder order;

  while (read (STDIN_FILENO, &order, sizeof order) == sizeof order)
    {
      for (guint i = 0; i < order.n_messages; i++)
        {
          bench_pause (order.interval * G_GINT64_CONSTANT (1000));
          self->message->stamp = bench_now ();
          if (!send_next (self))
            return;
        }
    }
}

static void
idle (Worker *self)
{
  char byte;

  while (read (STDIN_FILENO, &byte, sizeof byte) > 0)
    ;
}

static void
burn (Worker *self)
{
  volatile guint64 *const sequence = &self->message->sequence;

  for (;;)
    (*sequence)++;
}

int
main (int argc, char **argv)
{
  static void (*const modes[BENCH_N_MODES]) (Worker *) = {
    [BENCH_MODE_FLOOD] = flood,
    [BENCH_MODE_PACED] = obey,
    [BENCH_MODE_IDLE] = idle,
    [BENCH_MODE_BUSY] = burn,
  };
  g_autoptr (GError) error = NULL;
  Worker self = {0};
  guint64 mode;

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  signal (SIGPIPE, SIG_IGN);
  if (argc != 6)
    return EXIT_FAILURE;
  self.transport = bench_transport_find (argv[1]);
  self.content = (BenchContent) g_ascii_strtoull (argv[2], NULL, 10);
  mode = g_ascii_strtoull (argv[3], NULL, 10);
  self.size = g_ascii_strtoull (argv[4], NULL, 10);
  if (self.transport == NULL || mode >= BENCH_N_MODES)
    return EXIT_FAILURE;
  self.message = bench_message_new (self.size);
  self.end = self.transport->attach (argv[5], self.size, &error);
  if (self.end == NULL)
    {
      g_printerr ("bench-worker: %s\n", error->message);
      return EXIT_FAILURE;
    }
  modes[mode](&self);
  g_free (self.message);
  return EXIT_SUCCESS;
}
