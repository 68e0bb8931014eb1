/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads what a command writes, as fast as it does, with memory that has a bound whatever it writes.
 *
 * There are two kinds of lines. Those that an application reads are the bytes between two line feeds (command-lines.c).
 * Those that are shown are pieces as of progress-pieces.c: up to a line feed, a carriage return, a backspace, or a move
 * of the cursor. Of these only the last ones of what was read at once are looked at. */

#include "command-output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "progress-pieces.h"

/* How much is read at once: as much as a pipe has. */
#define READ_SIZE (64 * 1024)

/* What a pipe has that was full: whoever fills it waits less often. */
#define LARGE_PIPE (1024 * 1024)

/* The cursor goes back so many lines at most, about a terminal full. */
#define SCREEN_LINES 64

/* How a stream is drawn: what a carriage return, a backspace or a move of the cursor takes back was no output. */
typedef struct
{
  guint64 n_written;           /* without what was taken back */
  guint64 in_line;             /* of these, since the last line feed */
  gboolean returned;           /* after a carriage return, which a line feed may follow */
  guint8 escape;               /* 0, or ESC, or '[': within a sequence */
  guint number;                /* in the sequence */
  guint64 lines[SCREEN_LINES]; /* how long the lines above are, with their ends: a ring */
  guint n_lines;               /* how many of them are known */
  guint next;
} Drawn;

struct _CommandOutput
{
  int fd;              /* (owned): -1: the stream has ended */
  CommandStore *store; /* (owned) */
  CommandLines *lines; /* (owned) (nullable): NULL: nobody wanted lines yet */
  Drawn drawn;
  ProgressPieces *pieces; /* (owned) */
  GQueue last_lines;      /* (element-type filename) (owned elements): as they came: few of them are ever shown */
  gboolean is_new;        /* the newest line was not taken */
  gboolean is_large;      /* the pipe was asked to be a large one */
  gboolean is_drawn;      /* const: what is drawn over is not counted */
};

CommandOutput *
command_output_new (int fd, guint64 limit, gsize last, gboolean is_drawn)
{
  CommandOutput *self = g_new0 (CommandOutput, 1);

  self->is_drawn = is_drawn;
  self->fd = fd;
  self->store = command_store_new (limit, last);
  self->pieces = progress_pieces_new ();
  g_queue_init (&self->last_lines);
  return self;
}

void
command_output_free (CommandOutput *self)
{
  if (self->fd >= 0)
    close (self->fd);
  command_store_free (self->store);
  g_clear_pointer (&self->lines, command_lines_free);
  progress_pieces_free (self->pieces);
  g_queue_clear_full (&self->last_lines, g_free);
  g_free (self);
}

int
command_output_get_fd (CommandOutput *self)
{
  return self->fd;
}

/* ---- lines to show ---- */

static gboolean
take_line (const char *piece, gsize length, gpointer data)
{
  CommandOutput *self = data;

  if (self->last_lines.length >= COMMAND_OUTPUT_LAST_LINES)
    g_free (g_queue_pop_head (&self->last_lines));
  g_queue_push_tail (&self->last_lines, g_strndup (piece, length));
  self->is_new = TRUE;
  return TRUE;
}

/* Returns the place in bytes from which on the last lines begin. Empty ones count too, so there may be fewer. */
static gsize
find_last_lines (const guint8 *bytes, gsize size)
{
  const guint8 *feed = memrchr (bytes, '\n', size);
  const guint8 *returned = memrchr (bytes, '\r', size);

  for (guint n = 0; n < 2 * COMMAND_OUTPUT_LAST_LINES && (feed != NULL || returned != NULL); n++)
    if (returned == NULL || feed > returned)
      feed = memrchr (bytes, '\n', (gsize) (feed - bytes));
    else
      returned = memrchr (bytes, '\r', (gsize) (returned - bytes));
  if (feed == NULL && returned == NULL)
    return 0;
  return (gsize) ((returned == NULL || feed > returned ? feed : returned) - bytes);
}

static void
show_last_lines (CommandOutput *self, const guint8 *bytes, gsize size)
{
  gsize begin = find_last_lines (bytes, size);

  progress_pieces_feed (self->pieces, (const char *) bytes + begin, size - begin, take_line, self);
}

/* ---- what is drawn over ---- */

static void
take_back_line (Drawn *self)
{
  self->n_written -= self->in_line;
  self->in_line = 0;
}

static void
end_line (Drawn *self)
{
  self->lines[self->next] = self->in_line;
  self->next = (self->next + 1) % SCREEN_LINES;
  self->n_lines = MIN (self->n_lines + 1, SCREEN_LINES);
  self->in_line = 0;
}

/* The cursor goes up: the lines above are drawn again. */
static void
take_back_lines (Drawn *self, guint n)
{
  take_back_line (self);
  for (; n > 0 && self->n_lines > 0; n--, self->n_lines--)
    {
      self->next = (self->next + SCREEN_LINES - 1) % SCREEN_LINES;
      self->n_written -= self->lines[self->next];
    }
}

/* The cursor goes up, to a place of the screen, or within the line or below it. */
static void
move_cursor (Drawn *self, guint8 byte)
{
  if (byte == 'A' || byte == 'F')
    take_back_lines (self, MAX (self->number, 1));
  else if (strchr ("Hdf", byte) != NULL)
    take_back_lines (self, SCREEN_LINES);
  else if (strchr ("BEGJK", byte) != NULL)
    take_back_line (self);
}

/* Returns FALSE where the byte is not part of a sequence. */
static gboolean
draw_escape (Drawn *self, guint8 byte)
{
  if (self->escape == 0 && byte != '\033')
    return FALSE;
  if (self->escape == '[' && byte >= '@')
    {
      self->escape = 0;
      move_cursor (self, byte);
    }
  else if (self->escape == '[')
    self->number = g_ascii_isdigit (byte) ? MIN (10 * self->number + (guint) (byte - '0'), SCREEN_LINES) : self->number;
  else
    {
      self->escape = byte == '\033' || (byte == '[' && self->escape == '\033') ? byte : 0;
      self->number = 0;
    }
  return TRUE;
}

static void
draw (Drawn *self, const guint8 *bytes, gsize size)
{
  for (gsize i = 0; i < size; i++)
    {
      const guint8 byte = bytes[i];

      if (self->returned && byte != '\n' && byte != '\r')
        take_back_line (self);
      self->returned = byte == '\r';
      if (byte == '\r' || draw_escape (self, byte))
        continue;
      if (byte == '\b')
        {
          self->n_written -= MIN (self->in_line, 1);
          self->in_line -= MIN (self->in_line, 1);
          continue;
        }
      self->n_written++;
      self->in_line++;
      if (byte == '\n')
        end_line (self);
    }
}

/* ---- bytes ---- */

static void
feed_lines (CommandOutput *self, const guint8 *bytes, gsize size, CommandLinesFunc lines, gpointer data)
{
  if (lines == NULL)
    return;
  if (self->lines == NULL)
    self->lines = command_lines_new ();
  command_lines_feed (self->lines, bytes, size, lines, data);
}

const guint8 *
command_output_read (CommandOutput *self, gsize *size, CommandLinesFunc lines, gpointer data, GError **error)
{
  static guint8 buffer[READ_SIZE];
  gssize got = self->fd >= 0 ? TEMP_FAILURE_RETRY (read (self->fd, buffer, sizeof buffer)) : 0;

  if (got < 0 && errno == EAGAIN)
    return NULL;
  /* A terminal whose other end is closed says EIO. */
  if (got <= 0)
    {
      if (self->fd >= 0)
        close (self->fd);
      self->fd = -1;
      return NULL;
    }
  if (got == READ_SIZE && !self->is_large)
    {
      fcntl (self->fd, F_SETPIPE_SZ, LARGE_PIPE);
      self->is_large = TRUE;
    }
  *size = (gsize) got;
  if (!command_store_add (self->store, buffer, *size, error))
    return NULL;
  if (self->is_drawn)
    draw (&self->drawn, buffer, *size);
  else
    self->drawn.n_written += *size;
  feed_lines (self, buffer, *size, lines, data);
  show_last_lines (self, buffer, *size);
  return buffer;
}

gboolean
command_output_end (CommandOutput *self, CommandLinesFunc lines, gpointer data, GError **error)
{
  if (self->lines != NULL && lines != NULL)
    command_lines_end (self->lines, lines, data);
  progress_pieces_flush (self->pieces, take_line, self);
  return command_store_end (self->store, error);
}

char *
command_output_take_line (CommandOutput *self)
{
  const char *newest = self->is_new ? g_queue_peek_tail (&self->last_lines) : NULL;

  self->is_new = FALSE;
  return newest != NULL ? progress_pieces_dup_text (newest, strlen (newest)) : NULL;
}

char *
command_output_dup_last_lines (CommandOutput *self)
{
  GString *text = g_string_new (NULL);

  for (GList *link = self->last_lines.head; link != NULL; link = link->next)
    {
      g_autofree char *line = progress_pieces_dup_text (link->data, strlen (link->data));

      g_string_append_printf (text, "%s\n", line);
    }
  return g_string_free (text, FALSE);
}

guint64
command_output_get_n_written (CommandOutput *self)
{
  return self->drawn.n_written;
}

CommandStore *
command_output_get_store (CommandOutput *self)
{
  return self->store;
}
