/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An object with a value that changes: “value”, an int that can be read and written. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define BENCH_TYPE_GAUGE (bench_gauge_get_type ())

G_DECLARE_FINAL_TYPE (BenchGauge, bench_gauge, BENCH, GAUGE, GObject)

void bench_gauge_set_value (BenchGauge *self, int value);
int bench_gauge_get_value (BenchGauge *self);

G_END_DECLS
