/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a worker prints: the pipes of its standard output and error, cut into lines. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define FERRY_N_OUTPUTS 2

/* The header of a line in a block. The text of the line and a zero byte follow. */
typedef struct
{
  guint32 length; /* without the zero byte */
  guint32 stream; /* 1 for standard output, 2 for standard error */
  guint64 call;   /* the xid of the call that the worker had begun last when the line was in the pipe; 0: of none */
} FerryOutputLine;

typedef struct
{
  int fd;         /* (owned): the reading end; -1 where the stream is not read, or where the pipe has ended */
  GString *line;  /* (owned) (nullable): the text since the last line end */
  gboolean shown; /* const: lines go to the application's own stream; else into the log */
  gboolean ready; /* the pipe may have data */
  gsize left;     /* once ending is set: how many bytes of the pipe are still to be read */
} FerryOutputPipe;

typedef struct
{
  FerryOutputPipe pipes[FERRY_N_OUTPUTS];
  int epoll;       /* (unowned): the epoll set that contains the open pipes, or -1 */
  gboolean ending; /* the process has ended: only what the pipes contained at that time is read */
  GQueue last;     /* (element-type utf8) (owned): the last lines, oldest first */
  gsize last_bytes;
  guint64 call;       /* set before a pipe is read: FerryOutputLine.call of what is read */
  char *last_error;   /* (owned) (nullable): the last line of standard error that is not empty, or that says more */
  guint64 error_call; /* its FerryOutputLine.call */
} FerryOutput;

FerryOutput *ferry_output_new (void);
void ferry_output_free (FerryOutput *self);
int ferry_output_open (FerryOutput *self, guint stream, GError **error);
void ferry_output_begin_end (FerryOutput *self);
void ferry_output_note_data (FerryOutput *self);
gboolean ferry_output_is_ready (const FerryOutput *self);
gsize ferry_output_get_size (const FerryOutput *self, guint stream);
GByteArray *ferry_output_read (FerryOutput *self, guint stream, gsize max);
char **ferry_output_dup_last_lines (FerryOutput *self);

G_END_DECLS
