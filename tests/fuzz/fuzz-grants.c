/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: link/ferry-downlink.c
 *
 * Bytes in a down lane, as the worker reads its grants from them. With an odd number of them, eight are the tail. */

#include "config.h"

#include "process/ferry-attachment.c" /* whole, since what it keeps of them is its own */

#include "fuzz.h"

static void
read_all (Attachment *self)
{
  g_autoptr (GError) error = NULL;
  GHashTableIter iterator;
  gpointer name;
  gpointer grant;

  g_assert_true (read_grants (self, &error) || g_error_matches (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL));
  g_hash_table_iter_init (&iterator, self->grants);
  while (g_hash_table_iter_next (&iterator, &name, &grant))
    {
      fuzz_n_accepted++;
      g_assert_cmpuint (strlen (name), <=, FERRY_DOWN_CAPACITY);
      g_assert_cmpuint (((Grant *) grant)->granted.index, <, FERRY_MAX_PIPES_PER_LINK);
    }
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (Attachment) self = g_new0 (Attachment, 1);
  FerrySegment segment;
  guint64 tail = MIN (size, FERRY_DOWN_CAPACITY) & ~(gsize) 7;
  ferry_autofd memory = -1;

  self->control = -1;
  self->grants = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, grant_free);
  g_assert_true (ferry_segment_create (&segment, FERRY_MIN_LANE_CAPACITY, 0, &memory, NULL));
  if (tail > 0)
    memcpy (segment.down_ring, data, tail);
  if (size % 2 == 1 && size > 8)
    memcpy (&tail, data + size - 8, sizeof tail);
  atomic_store (&ferry_segment_get_down (&segment)->writer.index, tail);
  self->uplink = ferry_uplink_new (&segment, -1, 0, 1);
  self->downlink = ferry_downlink_new (self->uplink);
  read_all (self);
  return 0;
}
