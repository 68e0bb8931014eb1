/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: link/ferry-output.c
 *
 * What a worker writes to its standard output, as lines. The first byte says in how large pieces it comes. */

#include "config.h"

#include <string.h>
#include <unistd.h>

#include "base/ferry-base-private.h"
#include "fuzz.h"
#include "link/ferry-link-private.h"

/* As ferry-output.c has them. */
#define MAX_LINE 4096
#define MAX_LAST_LINES 20

/* Returns how many bytes of text the lines have. */
static gsize
check_lines (GByteArray *lines)
{
  gsize n_bytes = 0;

  for (gsize at = 0; at < lines->len;)
    {
      FerryOutputLine header;
      const char *text = (const char *) lines->data + at + sizeof header;

      g_assert_cmpuint (lines->len - at, >, sizeof header);
      memcpy (&header, lines->data + at, sizeof header);
      g_assert_cmpuint (header.stream, ==, 1);
      g_assert_cmpuint (header.length, <, lines->len - at - sizeof header);
      /* Each byte that is no text becomes three. */
      g_assert_cmpuint (header.length, <=, 3 * MAX_LINE);
      g_assert_cmpuint (strlen (text), ==, header.length);
      g_assert_true (g_utf8_validate (text, header.length, NULL));
      g_assert_null (strchr (text, '\n'));
      fuzz_n_accepted++;
      n_bytes += header.length;
      at += sizeof header + header.length + 1;
    }
  return n_bytes;
}

static gsize
read_turn (FerryOutput *output)
{
  g_autoptr (GByteArray) lines = ferry_output_read (output, 1, G_MAXSIZE);

  return check_lines (lines);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  FerryOutput *output = ferry_output_new ();
  ferry_autofd fd = ferry_output_open (output, 1, NULL);
  gsize piece = size > 0 ? 1 + data[0] * 16 : 1;
  gsize n_bytes = 0;
  gsize n_line_ends = 0;
  g_auto (GStrv) last = NULL;

  for (gsize at = 1; at < size; at += piece)
    {
      gsize length = MIN (piece, size - at);

      for (gsize i = at; i < at + length; i++)
        n_line_ends += data[i] == '\n';
      g_assert_cmpint (write (fd, data + at, length), ==, (gssize) length);
      n_bytes += read_turn (output);
      g_assert_cmpuint (output->pipes[0].line->len, <=, MAX_LINE);
    }
  ferry_output_begin_end (output);
  while (ferry_output_is_ready (output))
    n_bytes += read_turn (output);
  /* Nothing is lost, but for the ends of lines. */
  g_assert_cmpuint (n_bytes + n_line_ends + 1, >=, size);
  last = ferry_output_dup_last_lines (output);
  g_assert_cmpuint (g_strv_length (last), <=, MAX_LAST_LINES);
  ferry_output_free (output);
  return 0;
}
