/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Python as a peer: bench-python.py, or another script that does what it is told and tells how fast that was. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct
{
  GSubprocess *process; /* (owned) */
  GDataInputStream *output;
} BenchPython;

/* Returns NULL, and prints a line that says so, when there is no python3. */
BenchPython *bench_python_new (const char *for_what);
/* The same of any script. */
BenchPython *bench_python_spawn (const char *const *arguments);
void bench_python_free (BenchPython *self);
/* Returns (transfer full) the next line. */
char *bench_python_read (BenchPython *self);
/* A negative figure: it has none. */
double bench_python_ask (BenchPython *self, const char *what, guint n);

G_END_DECLS
