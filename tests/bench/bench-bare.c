/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The bare work of taking messages, in a loop: what the router's thread would spend if its messages simply lay there.
 *
 * They lie in a row of about a block's size, one behind another as they would in a block. */

#include "config.h"

#include "bench-bare.h"

#define ROW_SIZE (64 * 1024)
#define RECORD_HEADER 16

typedef struct
{
  GObject parent_instance;
} BenchEmitter;

typedef GObjectClass BenchEmitterClass;

static GType bench_emitter_get_type (void);
static guint message_signal;

G_DEFINE_FINAL_TYPE (BenchEmitter, bench_emitter, G_TYPE_OBJECT)

static void
bench_emitter_class_init (BenchEmitterClass *klass)
{
  message_signal = g_signal_new ("message", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                 g_cclosure_marshal_VOID__VARIANT, G_TYPE_NONE, 1, G_TYPE_VARIANT);
  g_signal_set_va_marshaller (message_signal, G_TYPE_FROM_CLASS (klass), g_cclosure_marshal_VOID__VARIANTv);
}

static void
bench_emitter_init (BenchEmitter *self)
{
}

static void
message_cb (BenchEmitter *emitter, GVariant *message, gpointer user_data)
{
  bench_take_raw (user_data, g_variant_get_data (message), g_variant_get_size (message));
}

static void
emit (BenchEmitter *emitter, gconstpointer data, gsize size)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, size);
  g_autoptr (GVariant) variant = g_variant_ref_sink (g_variant_new_from_bytes (BENCH_MESSAGE_TYPE, bytes, FALSE));

  g_signal_emit (emitter, message_signal, 0, variant);
}

static char *
make_row (gsize stride, gsize size, gsize n_messages)
{
  char *row = g_malloc0 (stride * n_messages);
  g_autofree BenchMessage *message = bench_message_new (size);

  for (gsize i = 0; i < n_messages; i++)
    {
      memcpy (row + i * stride, message, size);
      message->sequence++;
    }
  return row;
}

/* Takes messages for that long, and returns the ns of processor time that one took. */
double
bench_bare_run (BenchTake take, gsize size, gint64 nanoseconds)
{
  const gsize stride = (RECORD_HEADER + size + 7) / 8 * 8;
  const gsize n_messages = ROW_SIZE / stride;
  g_autofree char *row = make_row (stride, size, n_messages);
  g_autoptr (GObject) emitter = g_object_new (bench_emitter_get_type (), NULL);
  BenchPort port = {.take = bench_takes[take]};
  const gint64 end = bench_now () + nanoseconds;
  gint64 cpu = bench_thread_cpu ();
  guint64 taken = 0;

  g_signal_connect (emitter, "message", G_CALLBACK (message_cb), &port);
  while (bench_now () < end)
    {
      port.next = 0;
      for (gsize i = 0; i < n_messages; i++)
        {
          if (take == BENCH_TAKE_SIGNAL)
            emit ((BenchEmitter *) emitter, row + i * stride, size);
          else
            port.take (&port, row + i * stride, size);
        }
      taken += n_messages;
    }
  cpu = bench_thread_cpu () - cpu;
  g_assert (port.errors == 0);
  return (double) cpu / taken;
}
