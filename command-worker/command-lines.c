/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Cuts what a command writes into lines, byte by byte as they were written. "one\r\n\n\ttwo \n" has the lines "one", ""
 * and "\ttwo ". Nothing but a line feed ends a line: who reads the list of an archive needs its empty lines, and blanks
 * in names. So these are not the pieces of progress-pieces.c.
 *
 * Trust: none. What is held is at most a part, however long a line is. */

#include "command-lines.h"

#include <string.h>

struct _CommandLines
{
  GByteArray *begun; /* (owned): of the line that has not ended */
  gboolean is_later; /* parts of this line were given already */
};

CommandLines *
command_lines_new (void)
{
  CommandLines *self = g_new0 (CommandLines, 1);

  self->begun = g_byte_array_new ();
  return self;
}

void
command_lines_free (CommandLines *self)
{
  g_byte_array_unref (self->begun);
  g_free (self);
}

/* Ends the line with these bytes, which follow those that were held. */
static void
end_line (CommandLines *self, const guint8 *bytes, gsize size, CommandLinesFunc take, gpointer data)
{
  if (self->begun->len > 0)
    {
      g_byte_array_append (self->begun, bytes, (guint) size);
      bytes = self->begun->data;
      size = self->begun->len;
    }
  if (size > 0 && bytes[size - 1] == '\r')
    size--;
  take (bytes, size, FALSE, data);
  g_byte_array_set_size (self->begun, 0);
  self->is_later = FALSE;
}

/* Holds bytes of a line, up to a part. Returns how many there was room for. */
static gsize
hold (CommandLines *self, const guint8 *bytes, gsize size, CommandLinesFunc take, gpointer data)
{
  gsize held = MIN (size, COMMAND_LINES_MAX - self->begun->len);
  guint8 last;

  g_byte_array_append (self->begun, bytes, (guint) held);
  if (self->begun->len < COMMAND_LINES_MAX)
    return held;
  /* A carriage return may be half of the line's end. */
  last = self->begun->data[COMMAND_LINES_MAX - 1];
  take (self->begun->data, COMMAND_LINES_MAX - (last == '\r' ? 1 : 0), TRUE, data);
  self->is_later = TRUE;
  g_byte_array_set_size (self->begun, 0);
  if (last == '\r')
    g_byte_array_append (self->begun, &last, 1);
  return held;
}

void
command_lines_feed (CommandLines *self, const guint8 *bytes, gsize size, CommandLinesFunc take, gpointer data)
{
  while (size > 0)
    {
      const guint8 *feed = memchr (bytes, '\n', size);
      gsize length = feed != NULL ? (gsize) (feed - bytes) : size;
      gsize used = length;

      if (feed != NULL && self->begun->len + length < COMMAND_LINES_MAX)
        {
          end_line (self, bytes, length, take, data);
          used++;
        }
      else
        used = hold (self, bytes, length, take, data);
      bytes += used;
      size -= used;
    }
}

void
command_lines_end (CommandLines *self, CommandLinesFunc take, gpointer data)
{
  /* The last part of a line said that more follows. */
  if (self->begun->len > 0 || self->is_later)
    take (self->begun->data, self->begun->len, FALSE, data);
  g_byte_array_set_size (self->begun, 0);
  self->is_later = FALSE;
}
