/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads what a command writes, as fast as it does, with memory that has a bound whatever it writes.
 *
 * A line is a piece as those of progress-pieces.c: up to a line feed, a carriage return, a backspace, or a move of the
 * cursor. Where not each line is wanted, only the end of what was read at once is looked at. */

#include "command-output.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "progress-pieces.h"

/* How much is read at once: as much as a pipe has. */
#define READ_SIZE (64 * 1024)

struct _CommandOutput
{
  int fd;            /* (owned): -1: the stream has ended */
  GByteArray *start; /* (owned): the first bytes, up to limit */
  guint64 limit;
  guint64 n_read;
  guint8 *tail;           /* (owned): a ring of COMMAND_OUTPUT_TAIL bytes, the last of those that were read */
  ProgressPieces *pieces; /* (owned) */
  GQueue lines;           /* (element-type utf8) (owned elements): the last lines */
  gboolean is_new;        /* the newest line was not taken */
};

CommandOutput *
command_output_new (int fd, guint64 limit)
{
  CommandOutput *self = g_new0 (CommandOutput, 1);

  self->fd = fd;
  self->start = g_byte_array_new ();
  self->limit = limit;
  self->pieces = progress_pieces_new ();
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
  progress_pieces_free (self->pieces);
  g_queue_clear_full (&self->lines, g_free);
  g_free (self);
}

int
command_output_get_fd (CommandOutput *self)
{
  return self->fd;
}

/* ---- lines ---- */

/* For whom lines are taken. */
typedef struct
{
  CommandOutput *output;
  CommandLineFunc func; /* (nullable) */
  gpointer data;
} LineTaker;

static gboolean
take_line (const char *piece, gsize length, gpointer data)
{
  const LineTaker *taker = data;
  CommandOutput *self = taker->output;
  g_autofree char *line = g_utf8_make_valid (piece, (gssize) length);

  if (taker->func != NULL)
    taker->func (line, taker->data);
  if (self->lines.length >= COMMAND_OUTPUT_LAST_LINES)
    g_free (g_queue_pop_head (&self->lines));
  g_queue_push_tail (&self->lines, g_steal_pointer (&line));
  self->is_new = TRUE;
  return TRUE;
}

/* Returns the place in bytes from which on the last lines begin. Empty ones count too, so there may be fewer. */
static gsize
find_last_lines (const guint8 *bytes, gsize size)
{
  guint n = 0;

  for (; size > 0; size--)
    if ((bytes[size - 1] == '\n' || bytes[size - 1] == '\r') && n++ == 2 * COMMAND_OUTPUT_LAST_LINES)
      return size - 1;
  return 0;
}

static void
take_lines (CommandOutput *self, const guint8 *bytes, gsize size, CommandLineFunc func, gpointer data)
{
  gsize begin = func != NULL ? 0 : find_last_lines (bytes, size);
  LineTaker taker = {self, func, data};

  progress_pieces_feed (self->pieces, (const char *) bytes + begin, size - begin, take_line, &taker);
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
  LineTaker taker = {self, func, data};

  progress_pieces_flush (self->pieces, take_line, &taker);
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
