/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a worker prints: its standard output and error, line by line, and the last lines that are kept of it. Each is a
 * pipe that is read and cut into lines, which are logged or shown.
 *
 * Owner:     the link.
 * Threads:   the monitor. Before the link is added to the shared queue: the router's thread.
 * Trust:     none in the worker: a pipe may contain any bytes, in any amount. What is read at a time and the length of
 *            a line are bounded, and invalid UTF-8 is replaced.
 * Invariant: no read waits, and no function waits for the end of a pipe. A child of the worker may hold the pipe open
 *            without end. */

#include "config.h"

#include "link/ferry-output-private.h"

#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include "base/ferry-base-private.h"

/* The maximum number of bytes of one read. */
#define MAX_READ 4096

/* The bytes of a line. A longer line is cut into pieces. */
#define MAX_LINE 4096

/* The limits of the last lines that are kept for the exit record. */
#define MAX_LAST_LINES 20
#define MAX_LAST_BYTES 8192

/* The maximum number of bytes that are read from a pipe after its worker's end. A worker may enlarge a pipe. */
#define MAX_LEFT (1024 * 1024)

FerryOutput *
ferry_output_new (void)
{
  FerryOutput *self = g_new0 (FerryOutput, 1);

  self->epoll = -1;
  for (guint i = 0; i < FERRY_N_OUTPUTS; i++)
    self->pipes[i].fd = -1;
  return self;
}

/* Closes a pipe, and first removes it from the epoll set. A process that was just forked may also have the pipe open.
 * Then a close alone would leave the pipe in the epoll set, and a later line would be an event of a freed link. */
static void
close_pipe (FerryOutput *self, FerryOutputPipe *pipe)
{
  if (pipe->fd >= 0 && self->epoll >= 0)
    epoll_ctl (self->epoll, EPOLL_CTL_DEL, pipe->fd, NULL);
  ferry_clear_fd (&pipe->fd);
}

void
ferry_output_free (FerryOutput *self)
{
  for (guint i = 0; i < FERRY_N_OUTPUTS; i++)
    {
      close_pipe (self, &self->pipes[i]);
      if (self->pipes[i].line != NULL)
        g_string_free (self->pipes[i].line, TRUE);
    }
  g_queue_clear_full (&self->last, g_free);
  g_free (self->last_error);
  g_free (self);
}

/* Makes the pipe of stream 1 (output) or 2 (error). Must be called before the link is added to the shared queue.
 * Returns the worker's end, which the caller owns, or -1. */
int
ferry_output_open (FerryOutput *self, guint stream, GError **error)
{
  FerryOutputPipe *pipe = &self->pipes[stream - 1];
  int fds[2];

  if (pipe2 (fds, O_CLOEXEC) < 0)
    {
      ferry_set_system_error (error, "Making a pipe for a worker's output (pipe2)");
      return -1;
    }
  /* Each end of a pipe has its own flags, so a worker cannot make reads of this end wait. */
  fcntl (fds[0], F_SETFL, O_NONBLOCK);
  pipe->fd = fds[0];
  pipe->line = g_string_new (NULL);
  return fds[1];
}

/* What Python writes first when it is killed by a fault of its own. Behind it comes where each thread was, and which
 * modules there are. */
#define FATAL "Fatal Python error: "

/* Whether the last line of standard error says more of the process's end than those behind it. */
static gboolean
is_heading (const FerryOutput *self)
{
  return self->last_error != NULL && self->error_call == self->call && g_str_has_prefix (self->last_error, FATAL);
}

static void
remember (FerryOutput *self, guint stream, char *line, gsize length)
{
  if (stream == 2 && length > 0 && !is_heading (self))
    {
      g_free (self->last_error);
      self->last_error = g_strdup (line);
      self->error_call = self->call;
    }
  g_queue_push_tail (&self->last, line);
  self->last_bytes += length + 1;
  while (self->last.length > 1 && (self->last.length > MAX_LAST_LINES || self->last_bytes > MAX_LAST_BYTES))
    {
      char *oldest = g_queue_pop_head (&self->last);

      self->last_bytes -= strlen (oldest) + 1;
      g_free (oldest);
    }
}

/* Appends text to lines as one line. text has no line end. */
static void
take_line (FerryOutput *self, guint stream, GByteArray *lines, const char *text, gsize length)
{
  /* This also replaces zero bytes, which would end the string too early. */
  char *line = g_utf8_make_valid (text, (gssize) length);
  FerryOutputLine header = {.length = (guint32) strlen (line), .stream = stream, .call = self->call};

  g_byte_array_append (lines, (const guint8 *) &header, sizeof header);
  g_byte_array_append (lines, (const guint8 *) line, header.length + 1);
  remember (self, stream, line, header.length);
}

/* Returns the length of the first piece of a line that is too long, up to the end of a UTF-8 character if possible. */
static gsize
get_piece_length (const GString *line)
{
  for (gsize length = MAX_LINE; length > MAX_LINE - 4; length--)
    if (((guint8) line->str[length] & 0xc0) != 0x80)
      return length;
  return MAX_LINE;
}

static void
split (FerryOutput *self, guint stream, GByteArray *lines, const char *data, gsize size)
{
  GString *line = self->pipes[stream - 1].line;

  while (size > 0)
    {
      const char *end = memchr (data, '\n', size);
      gsize length = end != NULL ? (gsize) (end - data) : size;

      g_string_append_len (line, data, (gssize) length);
      while (line->len > MAX_LINE)
        {
          gsize piece = get_piece_length (line);

          take_line (self, stream, lines, line->str, piece);
          g_string_erase (line, 0, (gssize) piece);
        }
      if (end == NULL)
        return;
      take_line (self, stream, lines, line->str, line->len);
      g_string_truncate (line, 0);
      data += length + 1;
      size -= length + 1;
    }
}

/* Reads up to MAX_READ bytes of a pipe, and up to max. Returns whether the pipe may have more data. */
static gboolean
read_pipe (FerryOutput *self, guint stream, gsize max, GByteArray *lines)
{
  FerryOutputPipe *pipe = &self->pipes[stream - 1];
  char buffer[MAX_READ];
  gssize size;

  if (pipe->fd < 0 || (self->ending && pipe->left == 0))
    return FALSE;
  max = MIN (sizeof buffer, self->ending ? pipe->left : max);
  size = TEMP_FAILURE_RETRY (read (pipe->fd, buffer, max));
  if (size <= 0)
    {
      pipe->left = 0;
      if (size == 0 || errno != EAGAIN)
        close_pipe (self, pipe);
      return FALSE;
    }
  split (self, stream, lines, buffer, (gsize) size);
  pipe->left -= MIN (pipe->left, (gsize) size);
  return self->ending ? pipe->left > 0 : TRUE;
}

/* Notes that the pipes may have data. */
void
ferry_output_note_data (FerryOutput *self)
{
  for (guint i = 0; i < FERRY_N_OUTPUTS; i++)
    self->pipes[i].ready = self->pipes[i].line != NULL;
}

/* Whether a pipe may have data. */
gboolean
ferry_output_is_ready (const FerryOutput *self)
{
  for (guint i = 0; i < FERRY_N_OUTPUTS; i++)
    if (self->pipes[i].ready)
      return TRUE;
  return FALSE;
}

/* Returns how many bytes are in the pipe of a stream now. */
gsize
ferry_output_get_size (const FerryOutput *self, guint stream)
{
  int size = 0;

  return self->pipes[stream - 1].fd >= 0 && ioctl (self->pipes[stream - 1].fd, FIONREAD, &size) == 0
           ? (gsize) MAX (size, 0)
           : 0;
}

/* Notes that the process has ended. From now on, only what the pipes contain now is read. */
void
ferry_output_begin_end (FerryOutput *self)
{
  if (self->ending)
    return;
  self->ending = TRUE;
  ferry_output_note_data (self);
  for (guint i = 0; i < FERRY_N_OUTPUTS; i++)
    self->pipes[i].left = MIN (ferry_output_get_size (self, i + 1), MAX_LEFT);
}

/* Reads up to max bytes of the pipe of a stream, once. Returns (transfer full) the complete lines, each with its
 * FerryOutputLine in front; and at last, once ending is set, the line that has no end. */
GByteArray *
ferry_output_read (FerryOutput *self, guint stream, gsize max)
{
  FerryOutputPipe *pipe = &self->pipes[stream - 1];
  GByteArray *lines = g_byte_array_new ();

  pipe->ready = read_pipe (self, stream, max, lines);
  if (self->ending && !pipe->ready)
    {
      if (pipe->line != NULL && pipe->line->len > 0)
        {
          take_line (self, stream, lines, pipe->line->str, pipe->line->len);
          g_string_truncate (pipe->line, 0);
        }
      close_pipe (self, pipe);
    }
  return lines;
}

/* Returns copies of the last lines, oldest first. (transfer full) */
char **
ferry_output_dup_last_lines (FerryOutput *self)
{
  g_autoptr (GStrvBuilder) lines = g_strv_builder_new ();

  for (GList *node = self->last.head; node != NULL; node = node->next)
    g_strv_builder_add (lines, node->data);
  return g_strv_builder_end (lines);
}
