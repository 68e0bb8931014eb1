/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "bench-carry.h"

#include <stdlib.h>
#include <string.h>

void
bench_carry_fail (const char *what, const GError *error)
{
  g_printerr ("bench-buffers: %s: %s\n", what, error != NULL ? error->message : "it failed");
  exit (EXIT_FAILURE);
}

/* Whether each byte is content. The loop is the cheapest work that reads everything: a read of 8 bytes, and two
 * operations. */
static gboolean
is_full_of (const guint8 *data, gsize size, guint8 content)
{
  const guint64 due = content * G_GUINT64_CONSTANT (0x0101010101010101);
  guint64 difference = 0;

  for (gsize offset = 0; offset + 8 <= size; offset += 8)
    {
      guint64 word;

      memcpy (&word, data + offset, 8);
      difference |= word ^ due;
    }
  return difference == 0;
}

void
bench_carrier_check (BenchCarrier *self, const guint8 *data, gsize size)
{
  const guint8 content = (guint8) self->n_taken++;

  if (size != self->size || data[0] != content || data[size / 2] != content || data[size - 1] != content)
    bench_carry_fail (self->way->name, NULL);
  memcpy (&self->filling, data + BENCH_CARRY_FILLING, sizeof self->filling);
  /* The first 16 bytes also have the time of filling. */
  if (self->reads && !is_full_of (data + (BENCH_CARRY_FILLING + sizeof self->filling),
                                  size - (BENCH_CARRY_FILLING + sizeof self->filling), content))
    bench_carry_fail (self->way->name, NULL);
}

gboolean
bench_carrier_spawn (BenchCarrier *self, const char *address, int fd, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autofree char *worker = bench_path_beside ("bench-buffers-worker");
  g_autofree char *size = g_strdup_printf ("%" G_GSIZE_FORMAT, self->size);

  if (fd >= 0)
    g_subprocess_launcher_take_fd (launcher, fd, BENCH_CARRY_FD);
  self->process = g_subprocess_launcher_spawn (launcher, error, worker, self->way->name, address, size, NULL);
  return self->process != NULL;
}

void
bench_carrier_end_process (BenchCarrier *self)
{
  g_subprocess_force_exit (self->process);
  g_subprocess_wait (self->process, NULL, NULL);
  g_clear_object (&self->process);
}
