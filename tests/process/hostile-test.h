/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A hostile worker beside an honest one that floods. Whatever the hostile one does, the honest one's messages come on,
 * once and in order, and the application lives. */

#pragma once

#include "process/worker-test.h"

G_BEGIN_DECLS

typedef struct
{
  FerryRouter *router;
  FerryTestPipe *honest;
  FerryWorker *honest_worker;
  FerryTestPipe *pipe;   /* the hostile worker's sender */
  FerryTestPipe *second; /* another one of it */
  FerryWorker *worker;
  gboolean trusted; /* the hostile worker, as its launcher is told */
  guint64 buffers;  /* what its buffers may take; none unless set before it is started */
} HostileTest;

/* One thing that a hostile worker does. */
typedef struct
{
  const char *path;
  const char *orders; /* with blanks between them */
  guint64 n_messages; /* that arrive from it */
  FerryCloseReason reason;
  const char *words; /* in the exit record's message */
} HostileRow;

void hostile_test_begin (HostileTest *self);
void hostile_test_spawn (HostileTest *self, const char *orders);
void hostile_test_assert_progress (HostileTest *self);
void hostile_test_assert_ended (HostileTest *self, const HostileRow *row);
void hostile_test_finish (HostileTest *self);
void hostile_test_add_rows (const HostileRow *rows, gsize n_rows);

G_END_DECLS
