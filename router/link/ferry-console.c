/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lines that workers print, on the application's own standard output and error, escaped and without a wait.
 *
 * Threads: any. No function waits: what the other end of a stream has no room for is dropped, and counted. */

#include "config.h"

#include "link/ferry-console-private.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>

#include "base/ferry-base-private.h"

#define N_STREAMS 3

static pthread_mutex_t console_lock = PTHREAD_MUTEX_INITIALIZER;
static guint n_dropped[N_STREAMS]; /* lock: the lines that were dropped since the last one that was shown */

/* line is valid UTF-8. */
static void
append_escaped (GString *text, const char *line)
{
  for (; *line != '\0'; line = g_utf8_next_char (line))
    {
      gunichar character = g_utf8_get_char (line);

      if ((character < 0x20 && character != '\t') || (character >= 0x7f && character < 0xa0))
        g_string_append_printf (text, "\\x%02x", character);
      else
        g_string_append_unichar (text, character);
    }
}

/* A terminal that can be written to may have room for less than a line, and then a write waits. So it is opened again,
 * for writes that do not wait: a flag of the stream itself would be every process' that has it. Returns -1 for another
 * stream, and where the terminal may not be opened. */
static int
open_terminal (guint stream)
{
  g_autofree char *path = NULL;

  if (!isatty ((int) stream))
    return -1;
  path = g_strdup_printf ("/proc/self/fd/%u", stream);
  return open (path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* Writes as much as the stream takes at once. A pipe that can be written to has room for PIPE_BUF bytes. */
static gboolean
write_now (guint stream, const char *data, gsize size)
{
  ferry_autofd terminal = open_terminal (stream);
  int fd = terminal >= 0 ? terminal : (int) stream;

  while (size > 0)
    {
      struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
      gssize n;

      if (TEMP_FAILURE_RETRY (poll (&poll_fd, 1, 0)) != 1 || poll_fd.revents != POLLOUT)
        return FALSE;
      n = ferry_write_without_signal (fd, &(struct iovec){(gpointer) data, MIN (size, PIPE_BUF)}, 1);
      if (n <= 0)
        return FALSE;
      data += n;
      size -= (gsize) n;
    }
  return TRUE;
}

void
ferry_console_show (guint stream, const char *name, GPid pid, const char *line)
{
  g_autoptr (GString) text = NULL;
  FERRY_AUTO_LOCK (&console_lock);

  if (line[0] == '\0')
    return;
  text = g_string_new (NULL);
  if (n_dropped[stream] > 0)
    g_string_append_printf (text, "(%u lines of workers were dropped, as nobody read them)\n", n_dropped[stream]);
  append_escaped (text, name);
  g_string_append_printf (text, "[%d]: ", (int) pid);
  append_escaped (text, line);
  g_string_append_c (text, '\n');
  n_dropped[stream] = write_now (stream, text->str, text->len) ? 0 : n_dropped[stream] + 1;
}
