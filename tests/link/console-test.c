/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "link/console-test.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

void
console_test_begin (ConsoleTest *self, int stream)
{
  int fds[2];

  g_assert_no_errno (pipe2 (fds, O_CLOEXEC));
  fcntl (fds[0], F_SETFL, O_NONBLOCK);
  fflush (stdout);
  *self = (ConsoleTest){stream, dup (stream), fds[0]};
  dup2 (fds[1], stream);
  close (fds[1]);
}

char *
console_test_read (ConsoleTest *self)
{
  GString *text = g_string_new (NULL);
  char buffer[4096];
  gssize n;

  while (self->reader >= 0 && (n = read (self->reader, buffer, sizeof buffer)) > 0)
    g_string_append_len (text, buffer, n);
  return g_string_free (text, FALSE);
}

void
console_test_hang_up (ConsoleTest *self)
{
  if (self->reader >= 0)
    close (self->reader);
  self->reader = -1;
}

char *
console_test_end (ConsoleTest *self)
{
  char *text;

  dup2 (self->saved, self->stream);
  close (self->saved);
  text = console_test_read (self);
  console_test_hang_up (self);
  return text;
}
