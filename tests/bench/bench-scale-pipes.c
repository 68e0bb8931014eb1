/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* As many pipes of one router, with senders that are used in the application itself. */

#include "config.h"

#include "bench-scale.h"

#include "bench-team.h"

typedef struct
{
  FerryRouter *router;  /* (owned) */
  GPtrArray *senders;   /* (owned) (element-type FerrySender) */
  GPtrArray *receivers; /* (owned) (element-type FerryReceiver) */
  guint n_messages;
  guint n_closed;
} Pipes;

static void
message_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  ((Pipes *) user_data)->n_messages++;
}

static void
closed_cb (FerryReceiver *receiver, FerryExit *exit, Pipes *self)
{
  self->n_closed++;
}

static void
open_one (Pipes *self)
{
  FerrySender *sender = NULL;
  FerryReceiver *receiver = NULL;
  g_autoptr (GError) error = NULL;

  if (!ferry_router_pipe (self->router, FERRY_PIPE_QUEUED, &sender, &receiver, &error) ||
      !ferry_sender_start (sender, &error))
    bench_fail ("a pipe", error);
  ferry_receiver_set_handler (receiver, message_cb, self, NULL);
  g_signal_connect (receiver, "closed", G_CALLBACK (closed_cb), self);
  g_ptr_array_add (self->senders, sender);
  g_ptr_array_add (self->receivers, receiver);
}

static void
use_all (Pipes *self, guint count)
{
  const guint before = self->n_messages;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < count; i++)
    if (!ferry_sender_send_bytes (self->senders->pdata[bench_scale_shuffle (i, count)], &i, sizeof i, &error))
      bench_fail ("a message", error);
  bench_scale_run_until (&self->n_messages, before + count);
}

static void
run (BenchScale *scale, guint count)
{
  Pipes self = {.router = bench_router_open (),
                .senders = g_ptr_array_new_with_free_func (g_object_unref),
                .receivers = g_ptr_array_new_with_free_func (g_object_unref)};

  bench_scale_begin_memory (scale);
  bench_scale_begin (scale);
  for (guint i = 0; i < count; i++)
    open_one (&self);
  use_all (&self, count);
  bench_scale_end (scale, "set-up");
  bench_scale_end_memory (scale, TRUE);
  bench_scale_begin (scale);
  use_all (&self, count);
  bench_scale_end (scale, "use");
  bench_scale_begin (scale);
  for (guint i = 0; i < count; i++)
    if (!ferry_sender_stop (self.senders->pdata[bench_scale_shuffle (i, count)], NULL))
      bench_fail ("a sender's end", NULL);
  bench_scale_run_until (&self.n_closed, count);
  g_ptr_array_unref (self.senders);
  g_ptr_array_unref (self.receivers);
  bench_scale_end (scale, "tear-down");
  bench_router_close (self.router);
}

const BenchThing bench_scale_pipes = {"pipes", 1, run};
