/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pictures/ferry-demo-png-end.h"

#include <string.h>

#define CHECKSUM_SIZE 4

static const guint8 signature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

G_STATIC_ASSERT (sizeof signature == sizeof ((FerryDemoPngEnd *) NULL)->begun);

static void
take_begun (FerryDemoPngEnd *self)
{
  guint32 length;

  self->n_begun = 0;
  if (!self->is_signed)
    {
      self->is_signed = memcmp (self->begun, signature, sizeof signature) == 0;
      self->is_over = !self->is_signed;
      return;
    }
  self->is_over = memcmp (self->begun + sizeof length, "IEND", 4) == 0;
  memcpy (&length, self->begun, sizeof length);
  self->left = (guint64) GUINT32_FROM_BE (length) + CHECKSUM_SIZE;
}

void
ferry_demo_png_end_look (FerryDemoPngEnd *self, const guint8 *data, gsize size)
{
  for (gsize at = 0; at < size && !self->is_over;)
    {
      gsize skipped = (gsize) MIN (self->left, size - at);

      self->left -= skipped;
      at += skipped;
      if (at == size)
        return;
      self->begun[self->n_begun++] = data[at++];
      if (self->n_begun == sizeof self->begun)
        take_begun (self);
    }
}

gboolean
ferry_demo_png_end_is_missing (const FerryDemoPngEnd *self)
{
  return !self->is_over;
}
