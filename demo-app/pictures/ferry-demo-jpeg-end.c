/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pictures/ferry-demo-jpeg-end.h"

#include <string.h>

#define START_OF_IMAGE 0xd8
#define END_OF_IMAGE 0xd9
#define START_OF_SCAN 0xda
#define LENGTH_SIZE 2

/* Marks without a segment: those between the parts of a scan, and one that is for private use. */
static gboolean
stands_alone (guint8 mark)
{
  return (mark >= 0xd0 && mark <= 0xd7) || mark == 0x01;
}

static void
take_mark (FerryDemoJpegEnd *self, guint8 mark)
{
  /* Any number of 0xff may stand before one. */
  if (mark == 0xff)
    return;
  if (mark == END_OF_IMAGE)
    self->state = FERRY_DEMO_JPEG_OVER;
  else if (mark == 0 || stands_alone (mark))
    self->state = self->mark == START_OF_SCAN ? FERRY_DEMO_JPEG_SCAN : FERRY_DEMO_JPEG_SEGMENT;
  else
    {
      self->mark = mark;
      self->state = FERRY_DEMO_JPEG_LENGTH;
    }
}

static void
take_byte (FerryDemoJpegEnd *self, guint8 byte)
{
  switch (self->state)
    {
    case FERRY_DEMO_JPEG_START:
      self->state = byte == 0xff ? FERRY_DEMO_JPEG_START_MARK : FERRY_DEMO_JPEG_OVER;
      break;
    case FERRY_DEMO_JPEG_START_MARK:
      self->state = byte == START_OF_IMAGE ? FERRY_DEMO_JPEG_SEGMENT : FERRY_DEMO_JPEG_OVER;
      break;
    case FERRY_DEMO_JPEG_SEGMENT:
    case FERRY_DEMO_JPEG_SCAN:
      if (byte == 0xff)
        self->state = FERRY_DEMO_JPEG_MARK;
      break;
    case FERRY_DEMO_JPEG_MARK:
      take_mark (self, byte);
      break;
    case FERRY_DEMO_JPEG_LENGTH:
      self->left = (guint) byte << 8;
      self->state = FERRY_DEMO_JPEG_LENGTH_LOW;
      break;
    case FERRY_DEMO_JPEG_LENGTH_LOW:
      self->left = MAX (self->left | byte, LENGTH_SIZE) - LENGTH_SIZE;
      self->state = FERRY_DEMO_JPEG_CONTENTS;
      break;
    case FERRY_DEMO_JPEG_CONTENTS:
    case FERRY_DEMO_JPEG_OVER:
    default:
      g_assert_not_reached ();
    }
}

/* How many bytes say nothing: of a segment, or before the next mark of a scan. */
static gsize
skip (FerryDemoJpegEnd *self, const guint8 *data, gsize size)
{
  const guint8 *mark;
  gsize n;

  if (self->state == FERRY_DEMO_JPEG_SCAN)
    {
      mark = memchr (data, 0xff, size);
      return mark != NULL ? (gsize) (mark - data) : size;
    }
  if (self->state != FERRY_DEMO_JPEG_CONTENTS)
    return 0;
  n = MIN (size, self->left);
  self->left -= (guint) n;
  if (self->left == 0)
    self->state = self->mark == START_OF_SCAN ? FERRY_DEMO_JPEG_SCAN : FERRY_DEMO_JPEG_SEGMENT;
  return n;
}

void
ferry_demo_jpeg_end_look (FerryDemoJpegEnd *self, const guint8 *data, gsize size)
{
  gsize at = 0;

  while (at < size && self->state != FERRY_DEMO_JPEG_OVER)
    {
      at += skip (self, data + at, size - at);
      if (at < size && self->state != FERRY_DEMO_JPEG_CONTENTS)
        take_byte (self, data[at++]);
    }
}

gboolean
ferry_demo_jpeg_end_is_missing (const FerryDemoJpegEnd *self)
{
  return self->state != FERRY_DEMO_JPEG_OVER;
}
