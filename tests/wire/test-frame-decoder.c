/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: wire/ferry-frame-decoder.c
 *
 * What the decoder of a stream has of memory; test-stream-transport.c has the rest, and the fuzzer "transport". */

#include "config.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "wire/ferry-frame-decoder-private.h"

static void
test_memory_grows_with_what_comes (void)
{
  FerryFrameDecoder decoder;
  guint8 greeting[FERRY_GREETING_SIZE];
  guint8 header[FERRY_FRAME_HEADER_SIZE];
  gconstpointer message;
  gsize size;
  gsize total = 0;

  ferry_frame_decoder_init (&decoder, G_MAXUINT32);
  ferry_greeting_write (greeting);
  ferry_write_u32 (header, G_MAXUINT32);
  memcpy (ferry_frame_decoder_get_room (&decoder, &size), greeting, sizeof greeting);
  ferry_frame_decoder_add (&decoder, sizeof greeting);
  g_assert_cmpint (ferry_frame_decoder_next (&decoder, &message, &size, NULL), ==, FERRY_FRAME_NONE);
  memcpy (ferry_frame_decoder_get_room (&decoder, &size), header, sizeof header);
  ferry_frame_decoder_add (&decoder, sizeof header);
  while (total < 4 * 1024 * 1024)
    {
      g_assert_cmpint (ferry_frame_decoder_next (&decoder, &message, &size, NULL), ==, FERRY_FRAME_NONE);
      memset (ferry_frame_decoder_get_room (&decoder, &size), 0, 1);
      size = MIN (size, 1000);
      ferry_frame_decoder_add (&decoder, size);
      total += size;
      g_assert_cmpuint (decoder.capacity, <=, 2 * total + 128 * 1024);
    }
  ferry_frame_decoder_clear (&decoder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/frame-decoder/memory-grows-with-what-comes", test_memory_grows_with_what_comes);
  return g_test_run ();
}
