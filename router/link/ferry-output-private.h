/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The standard output and error of a worker, where they are logged: two pipes that are read and cut into lines.
 *
 * Owner:     the link.
 * Threads:   the monitor; before the link is added, the router's thread.
 * Trust:     a pipe may contain any bytes, in any amount. A turn reads at most FERRY_OUTPUT_TURN bytes, a line is cut
 *            into pieces of FERRY_OUTPUT_MAX_LINE, and invalid UTF-8 is replaced.
 * Invariant: no read waits, and no call waits for the end of a pipe: a grandchild may hold it open for ever. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define FERRY_N_OUTPUTS 2

#define FERRY_OUTPUT_TURN 4096
#define FERRY_OUTPUT_MAX_LINE 4096

/* The last lines, for the exit record. */
#define FERRY_OUTPUT_LAST_LINES 20
#define FERRY_OUTPUT_LAST_BYTES 8192

/* The header of a line in a block; its text and a zero byte follow. */
typedef struct
{
  guint32 length; /* without the zero byte */
  guint32 stream; /* 1 for standard output, 2 for standard error */
} FerryOutputLine;

typedef struct
{
  int fd;        /* (owned): the reading end; -1 where it is not logged, or at its end */
  GString *line; /* (owned) (nullable): the text since the last line end */
  gsize left;    /* once ending: bytes that remain to be read */
} FerryOutputPipe;

typedef struct
{
  FerryOutputPipe pipes[FERRY_N_OUTPUTS];
  int epoll;       /* (unowned): the set that the open pipes are in, or -1 */
  gboolean ready;  /* a pipe may have data */
  gboolean ending; /* the process has ended: only the present content of the pipes is read */
  gboolean ended;
  GQueue last; /* (element-type utf8): the last lines */
  gsize last_bytes;
  char *last_error;    /* (owned) (nullable): the last line of standard error that is not empty */
  guint n_errors;      /* how many such lines there were */
  guint64 error_begun; /* the call that was begun last when that line was read */
} FerryOutput;

FerryOutput *ferry_output_new (void);
void ferry_output_free (FerryOutput *self);
int ferry_output_open (FerryOutput *self, guint stream, GError **error);
void ferry_output_begin_end (FerryOutput *self);
GByteArray *ferry_output_read (FerryOutput *self);
char **ferry_output_dup_last_lines (FerryOutput *self);

G_END_DECLS
