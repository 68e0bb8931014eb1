/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Whether the end of a JPEG picture is there: the decoder paints what a file was cut off of grey, and says nothing. The
 * file's bytes are given in order. What is no JPEG has no end to wait for.
 *
 * The format is ITU-T T.81, annex B. Segments begin with a mark and say how long they are. Behind those of scans there
 * are bytes in which a zero follows each 0xff that is no mark. */
typedef struct
{
  enum
  {
    FERRY_DEMO_JPEG_START,
    FERRY_DEMO_JPEG_START_MARK,
    FERRY_DEMO_JPEG_SEGMENT, /* a mark is due */
    FERRY_DEMO_JPEG_MARK,    /* the byte behind 0xff */
    FERRY_DEMO_JPEG_LENGTH,
    FERRY_DEMO_JPEG_LENGTH_LOW,
    FERRY_DEMO_JPEG_CONTENTS,
    FERRY_DEMO_JPEG_SCAN,
    FERRY_DEMO_JPEG_OVER, /* it ended, or is no JPEG */
  } state;
  guint8 mark;
  guint left; /* bytes of the segment */
} FerryDemoJpegEnd;

void ferry_demo_jpeg_end_look (FerryDemoJpegEnd *self, const guint8 *data, gsize size);
gboolean ferry_demo_jpeg_end_is_missing (const FerryDemoJpegEnd *self);

G_END_DECLS
