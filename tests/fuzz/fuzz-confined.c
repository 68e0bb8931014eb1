/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: link/ferry-confinement.c
 *
 * Packets of a worker's in a sandbox, as the application takes the first of them. A byte before them says what is
 * required, and whether the worker is wrapped. */

#include "config.h"

#include <string.h>

#include "descriptor-array.h"
#include "fuzz-packet.h"
#include "link/ferry-link-private.h"

#define WRAPPED 0x80

/* Returns whether more may come. */
static gboolean
receive (FerryLink *link, const FuzzPacket *packet)
{
  const FerryConfinement *self = &link->confinement;
  g_autoptr (GArray) descriptors = descriptor_array_new ();
  g_autoptr (GError) error = NULL;
  FerryControlHeader header = {0};
  FerryControlEvent event = ferry_confinement_receive (link, descriptors, &error);

  memcpy (&header, packet->data, MIN (packet->size, sizeof header));
  fuzz_n_accepted += event == FERRY_CONTROL_TAKEN;
  g_assert_true ((error != NULL) == (event == FERRY_CONTROL_INVALID) && self->pid == 0);
  g_assert_cmpuint (self->layers & ~FERRY_LAYERS_OF_WORKER, ==, self->given);
  g_assert_true (event != FERRY_CONTROL_TAKEN || (self->required & ~self->layers) == 0 || packet->size == 0 ||
                 ferry_control_is_foreign (&header, packet->size));
  return self->awaited && event != FERRY_CONTROL_CLOSED && event != FERRY_CONTROL_INVALID;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  guint64 connection_id = 1;
  guint32 no_cell = FERRY_NO_CELL;
  g_autoptr (FerryLink) link = ferry_link_new ("fuzz", &connection_id, &no_cell, 1, 1 << 17, 0, 1000000, NULL);
  FuzzInput input = {data, size, 0};
  guint8 order = fuzz_input_next_byte (&input);
  FuzzPacket packet;

  g_assert_true (ferry_link_open_socket (link, NULL));
  link->confinement.required = order & ~WRAPPED;
  link->confinement.given = FERRY_LAYER_LIMITS;
  link->confinement.wrapped = (order & WRAPPED) != 0;
  ferry_confinement_begin (link);
  for (gboolean more = TRUE; more && fuzz_packet_next (&packet, &input); more = receive (link, &packet))
    fuzz_packet_send (&packet, link->worker_end, link->worker_end);
  return 0;
}
