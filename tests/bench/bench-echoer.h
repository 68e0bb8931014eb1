/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The object that is asked in bench-objects, and its interface. */

#pragma once

#include <ferry-objects.h>

G_BEGIN_DECLS

/* What its property “text” always is: 63 bytes and a NUL. */
#define BENCH_ECHOER_TEXT "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"

#define BENCH_TYPE_ECHOER (bench_echoer_get_type ())

G_DECLARE_FINAL_TYPE (BenchEchoer, bench_echoer, BENCH, ECHOER, GObject)

/* Methods: echo (ay) → ay; get_self () → o. Properties: text, a string that is read. */
FerryInterface *bench_echoer_create_interface (void);

G_END_DECLS
