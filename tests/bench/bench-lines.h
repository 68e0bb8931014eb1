/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A long list of items that are made when they are asked for. Each has a property “value”, a variant that is a string,
 * as the rows of a replica have. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define BENCH_TYPE_LINES (bench_lines_get_type ())

G_DECLARE_FINAL_TYPE (BenchLines, bench_lines, BENCH, LINES, GObject)

BenchLines *bench_lines_new (guint length);
/* Returns (transfer full): the text of the value at a position */
char *bench_lines_create_text (guint position);
/* A FerryRowFunc of its items. */
GVariant *bench_lines_get_row (gpointer item, gpointer user_data);

G_END_DECLS
