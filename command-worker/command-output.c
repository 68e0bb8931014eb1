/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads what a command writes, as fast as it does, with memory that has a bound whatever it writes.
 *
 * A line ends at a line feed, at a carriage return, and at a backspace: programs that draw a bar write these before or
 * after each picture of it. What is longer than a bound is cut there. Where not each line is wanted, only the end of
 * what was read at once is looked at. */

#include "command-output.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* How much is read at once: as much as a pipe has. */
#define READ_SIZE (64 * 1024)

struct _CommandOutput
{
  int fd;            /* (owned): -1: the stream has ended */
  GByteArray *start; /* (owned): the first bytes, up to limit */
  guint64 limit;
  guint64 n_read;
  guint8 *tail;    /* (owned): a ring of COMMAND_OUTPUT_TAIL bytes, the last of those that were read */
  GString *line;   /* (owned): what was read since the last end of a line, up to COMMAND_OUTPUT_MAX_LINE */
  GQueue lines;    /* (element-type utf8) (owned elements): the last lines */
  gboolean is_new; /* the newest line was not taken */
};

CommandOutput *
command_output_new (int fd, guint64 limit)
{
  CommandOutput *self = g_new0 (CommandOutput, 1);

  self->fd = fd;
  self->start = g_byte_array_new ();
  self->limit = limit;
  self->line = g_string_new (NULL);
  g_queue_init (&self->lines);
  return self;
}

void
command_output_free (CommandOutput *self)
{
  if (self->fd >= 0)
    close (self->fd);
  g_byte_array_unref (self->start);
  g_free (self->tail);
  g_string_free (self->line, TRUE);
  g_queue_clear_full (&self->lines, g_free);
  g_free (self);
}

int
command_output_get_fd (CommandOutput *self)
{
  return self->fd;
}

/* ---- text ---- */

/* Returns the first byte after the terminal sequence that begins at place with ESC. One that is cut ends at end. */
static const char *
skip_sequence (const char *place, const char *end)
{
  char kind = place + 1 < end ? place[1] : '\0';

  place = MIN (place + 2, end);
  if (kind == '[')
    {
      while (place < end && ((guchar) *place < 0x40 || (guchar) *place > 0x7e))
        place++;
      return MIN (place + 1, end);
    }
  /* Texts for the terminal, such as the title of its window: up to BEL, or ESC and a backslash. */
  if (kind == ']' || kind == 'P' || kind == '_' || kind == '^' || kind == 'X')
    {
      while (place < end && *place != '\a' && *place != '\033')
        place++;
      return MIN (place + (place < end && *place == '\033' ? 2 : 1), end);
    }
  /* Sets of characters have one byte more. */
  return kind == '(' || kind == ')' ? MIN (place + 1, end) : place;
}

/* Appends a text without its control characters. The C1 controls are two bytes of UTF-8, the first of which is 0xC2. */
static void
append_printable (GString *clean, const char *text)
{
  for (const char *place = text; *place != '\0'; place = g_utf8_next_char (place))
    {
      gunichar character = g_utf8_get_char (place);

      if (character == '\t' || !g_unichar_iscntrl (character))
        g_string_append_len (clean, place, g_utf8_next_char (place) - place);
    }
}

char *
command_output_clean (const char *text, gsize size)
{
  g_autoptr (GString) plain = g_string_sized_new (size);
  g_autoptr (GString) clean = g_string_sized_new (size);
  g_autofree char *valid = NULL;
  const char *end = text + size;

  for (const char *place = text; place < end;)
    if (*place == '\033')
      place = skip_sequence (place, end);
    else if (*place == '\0')
      place++;
    else
      g_string_append_c (plain, *place++);
  valid = g_utf8_make_valid (plain->str, (gssize) plain->len);
  append_printable (clean, valid);
  g_strchomp (clean->str);
  return g_strdup (clean->str);
}

/* ---- lines ---- */

static gboolean
ends_line (guint8 byte)
{
  return byte == '\n' || byte == '\r' || byte == '\b';
}

static void
end_line (CommandOutput *self, CommandLineFunc func, gpointer data)
{
  g_autofree char *line = command_output_clean (self->line->str, self->line->len);

  g_string_truncate (self->line, 0);
  if (line[0] == '\0')
    return;
  if (func != NULL)
    func (line, data);
  if (self->lines.length >= COMMAND_OUTPUT_LAST_LINES)
    g_free (g_queue_pop_head (&self->lines));
  g_queue_push_tail (&self->lines, g_steal_pointer (&line));
  self->is_new = TRUE;
}

static void
append_to_line (CommandOutput *self, const guint8 *bytes, gsize size)
{
  gsize room = COMMAND_OUTPUT_MAX_LINE - MIN (self->line->len, COMMAND_OUTPUT_MAX_LINE);

  g_string_append_len (self->line, (const char *) bytes, (gssize) MIN (size, room));
}

/* Returns the place in bytes from which on the last lines begin. Empty ones count too, so there may be fewer. */
static gsize
find_last_lines (const guint8 *bytes, gsize size)
{
  guint n = 0;

  while (size > 0)
    {
      if (ends_line (bytes[size - 1]) && n++ > 2 * COMMAND_OUTPUT_LAST_LINES)
        return size;
      size--;
    }
  return 0;
}

static void
take_lines (CommandOutput *self, const guint8 *bytes, gsize size, CommandLineFunc func, gpointer data)
{
  gsize begin = func != NULL ? 0 : find_last_lines (bytes, size);

  if (begin > 0)
    g_string_truncate (self->line, 0);
  for (gsize place = begin; place < size; place++)
    if (ends_line (bytes[place]))
      {
        append_to_line (self, bytes + begin, place - begin);
        end_line (self, func, data);
        begin = place + 1;
      }
  append_to_line (self, bytes + begin, size - begin);
}

/* ---- bytes ---- */

static void
keep_tail (CommandOutput *self, const guint8 *bytes, gsize size)
{
  gsize place = self->n_read % COMMAND_OUTPUT_TAIL;
  gsize first = MIN (size, COMMAND_OUTPUT_TAIL - place);

  if (self->tail == NULL)
    self->tail = g_malloc (COMMAND_OUTPUT_TAIL);
  memcpy (self->tail + place, bytes, first);
  memcpy (self->tail, bytes + first, size - first);
}

const guint8 *
command_output_read (CommandOutput *self, gsize *size, CommandLineFunc func, gpointer data)
{
  static guint8 buffer[READ_SIZE];
  gssize got = self->fd >= 0 ? TEMP_FAILURE_RETRY (read (self->fd, buffer, sizeof buffer)) : 0;
  gsize room = self->limit > self->start->len ? (gsize) (self->limit - self->start->len) : 0;

  if (got < 0 && errno == EAGAIN)
    return NULL;
  /* A terminal whose other end is closed says EIO. */
  if (got <= 0)
    {
      close (self->fd);
      self->fd = -1;
      return NULL;
    }
  *size = (gsize) got;
  if (room > 0)
    g_byte_array_append (self->start, buffer, (guint) MIN (*size, room));
  keep_tail (self, buffer, *size);
  self->n_read += *size;
  take_lines (self, buffer, *size, func, data);
  return buffer;
}

void
command_output_flush (CommandOutput *self, CommandLineFunc func, gpointer data)
{
  if (self->line->len > 0)
    end_line (self, func, data);
}

char *
command_output_take_line (CommandOutput *self)
{
  const char *newest = self->is_new ? g_queue_peek_tail (&self->lines) : NULL;

  self->is_new = FALSE;
  return g_strdup (newest);
}

char *
command_output_dup_last_lines (CommandOutput *self)
{
  GString *text = g_string_new (NULL);

  for (GList *link = self->lines.head; link != NULL; link = link->next)
    g_string_append_printf (text, "%s\n", (const char *) link->data);
  return g_string_free (text, FALSE);
}

gboolean
command_output_is_over_limit (CommandOutput *self)
{
  return self->n_read > self->limit;
}

GByteArray *
command_output_get_start (CommandOutput *self)
{
  return self->start;
}

GByteArray *
command_output_dup_tail (CommandOutput *self)
{
  gsize place = self->n_read % COMMAND_OUTPUT_TAIL;
  GByteArray *tail = g_byte_array_new ();

  if (self->n_read > COMMAND_OUTPUT_TAIL)
    g_byte_array_append (tail, self->tail + place, (guint) (COMMAND_OUTPUT_TAIL - place));
  if (self->n_read > 0)
    g_byte_array_append (tail, self->tail, (guint) (self->n_read <= COMMAND_OUTPUT_TAIL ? self->n_read : place));
  return tail;
}
