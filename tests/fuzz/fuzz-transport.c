/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: wire/ferry-frame-decoder.c
 *
 * The bytes of a stream, as its transport takes them apart. The first byte says how many come with one read, 0 for all;
 * what is given out must not depend on that, so the rest is decoded twice. */

#include "config.h"

#include <string.h>

#include "base/ferry-error.h"
#include "fuzz.h"
#include "wire/ferry-frame-decoder-private.h"

#define MAX_MESSAGE 65536
/* What the decoder may have of memory before anything has come. */
#define SPARE_MEMORY 65536

typedef struct
{
  GByteArray *given; /* each message, behind its length */
  gboolean broken;
  int code; /* of the end */
} Outcome;

static gboolean
take_messages (FerryFrameDecoder *decoder, Outcome *outcome)
{
  g_autoptr (GError) error = NULL;
  FerryFrameStatus status;
  gconstpointer message;
  gsize size;

  while ((status = ferry_frame_decoder_next (decoder, &message, &size, &error)) == FERRY_FRAME_MESSAGE)
    {
      fuzz_n_accepted++;
      g_assert_cmpuint (size, >, 0);
      g_assert_cmpuint (size, <=, MAX_MESSAGE);
      g_byte_array_append (outcome->given, (const guint8 *) &size, sizeof size);
      g_byte_array_append (outcome->given, message, (guint) size);
    }
  outcome->broken = status == FERRY_FRAME_BROKEN;
  if (outcome->broken)
    {
      g_assert_true (error != NULL && error->domain == FERRY_ERROR);
      outcome->code = error->code;
    }
  return !outcome->broken;
}

static void
decode (const guint8 *data, gsize size, gsize at_once, Outcome *outcome)
{
  FerryFrameDecoder decoder;
  gboolean sound = TRUE;

  *outcome = (Outcome){.given = g_byte_array_new ()};
  ferry_frame_decoder_init (&decoder, MAX_MESSAGE);
  for (gsize at = 0; at < size && sound;)
    {
      gsize n;
      guint8 *room = ferry_frame_decoder_get_room (&decoder, &n);

      n = MIN (n, MIN (at_once, size - at));
      g_assert_cmpuint (n, >, 0);
      memcpy (room, data + at, n);
      ferry_frame_decoder_add (&decoder, n);
      at += n;
      g_assert_cmpuint (decoder.capacity, <=, SPARE_MEMORY + 2 * at);
      sound = take_messages (&decoder, outcome);
    }
  if (sound)
    {
      g_autoptr (GError) end = ferry_frame_decoder_end (&decoder);

      outcome->code = end->code;
      g_assert_true (g_error_matches (end, FERRY_ERROR, FERRY_ERROR_CLOSED) ||
                     g_error_matches (end, FERRY_ERROR, FERRY_ERROR_PROTOCOL));
    }
  ferry_frame_decoder_clear (&decoder);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  Outcome whole;
  Outcome pieces;

  if (size == 0)
    return 0;
  decode (data + 1, size - 1, G_MAXSIZE, &whole);
  decode (data + 1, size - 1, data[0] == 0 ? G_MAXSIZE : data[0], &pieces);
  g_assert_cmpmem (whole.given->data, whole.given->len, pieces.given->data, pieces.given->len);
  g_assert_cmpint (whole.broken, ==, pieces.broken);
  g_assert_cmpint (whole.code, ==, pieces.code);
  g_byte_array_unref (whole.given);
  g_byte_array_unref (pieces.given);
  return 0;
}
