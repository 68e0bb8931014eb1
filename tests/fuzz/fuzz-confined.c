/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Packets of a worker's in a sandbox, as the application takes the first of them. A byte says what is required and
 * whether the worker is wrapped; then each begins with its length and with how many descriptors come along. */

#include "config.h"

#include "base/ferry-base-private.h"
#include "descriptor-array.h"
#include "fuzz.h"
#include "lane/ferry-link-private.h"

#define WRAPPED 0x80

static void
check (const FerryLink *link, FerryControlEvent event, const GError *error)
{
  const FerryConfinement *self = &link->confinement;

  g_assert_true ((error != NULL) == (event == FERRY_CONTROL_INVALID));
  g_assert_cmpuint (self->layers & ~(self->given | FERRY_LAYERS_OF_WORKER), ==, 0);
  g_assert_cmpuint (self->layers & self->given, ==, self->given);
  g_assert_cmpint (self->pid, ==, 0);
  if (event == FERRY_CONTROL_TAKEN)
    {
      g_assert_false (self->awaited);
      g_assert_cmpuint (self->required & ~self->layers, ==, 0);
    }
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  guint64 connection_id = 1;
  guint32 no_cell = FERRY_NO_CELL;
  g_autoptr (FerryLink) link = ferry_link_new ("fuzz", &connection_id, &no_cell, 1, FUZZ_CAPACITY, 0, 1000000, NULL);
  gsize at = 1;

  if (size == 0)
    return 0;
  g_assert_true (ferry_link_open_socket (link, NULL));
  link->confinement.required = data[0] & ~WRAPPED;
  link->confinement.given = FERRY_LAYER_LIMITS;
  link->confinement.wrapped = (data[0] & WRAPPED) != 0;
  ferry_confinement_begin (link);
  while (at + 2 <= size && link->confinement.awaited)
    {
      gsize length = MIN (data[at], size - at - 2);
      g_autoptr (GArray) descriptors = descriptor_array_new ();
      g_autoptr (GError) error = NULL;
      FerryControlEvent event;

      fuzz_send_packet (link->worker_end, data + at + 2, length, link->worker_end, data[at + 1] % 5);
      event = ferry_confinement_receive (link, descriptors, &error);
      check (link, event, error);
      if (event == FERRY_CONTROL_CLOSED || event == FERRY_CONTROL_INVALID)
        return 0;
      at += 2 + length;
    }
  return 0;
}
