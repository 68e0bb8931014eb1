/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Whether the end of a PNG picture is there: the decoder leaves what a file was cut off of empty, and says nothing. The
 * file's bytes are given in order. What is no PNG has no end to wait for.
 *
 * The format is ISO/IEC 15948. Behind a signature of 8 bytes come chunks. Each has its length and name, of 4 bytes
 * each, as many bytes as that, and a checksum of 4. */
typedef struct
{
  guint8 begun[8]; /* the signature, or what a chunk begins with, as far as it has come */
  guint n_begun;
  guint64 left; /* bytes of the chunk */
  gboolean is_signed;
  gboolean is_over; /* it ended, or is no PNG */
} FerryDemoPngEnd;

void ferry_demo_png_end_look (FerryDemoPngEnd *self, const guint8 *data, gsize size);
gboolean ferry_demo_png_end_is_missing (const FerryDemoPngEnd *self);

G_END_DECLS
