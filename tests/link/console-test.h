/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A standard stream of this process as a pipe that a test reads, when it likes. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  int stream;
  int saved;
  int reader; /* -1: the test has hung up */
} ConsoleTest;

/* stream: STDOUT_FILENO, where a test's own report goes at other times, or STDERR_FILENO. */
void console_test_begin (ConsoleTest *self, int stream);
/* (transfer full): what the pipe has. */
char *console_test_read (ConsoleTest *self);
void console_test_hang_up (ConsoleTest *self);
/* Gives the stream back. (transfer full): what the pipe had. */
char *console_test_end (ConsoleTest *self);

G_END_DECLS
