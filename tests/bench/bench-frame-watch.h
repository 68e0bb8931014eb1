/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Notes how long the frames of a window take, from one to the next. */

#pragma once

#include <gtk/gtk.h>

#include "bench-common.h"

G_BEGIN_DECLS

#define BENCH_FRAME 16.667 /* ms, at 60 frames a second */

typedef struct
{
  gint64 last;  /* when the last frame was done, in ns; 0 when none was */
  GArray *into; /* (unowned) (nullable) (element-type double): where intervals go, in ms */
} BenchFrameWatch;

GArray *bench_frame_intervals_new (void);
/* Takes the options and opens the display. Ends the program where either fails. */
void bench_frame_begin (const char *bench, BenchOptions *options, int *argc, char ***argv);
/* Shows the window with child, which goes before the watch does. */
void bench_frame_watch_init (BenchFrameWatch *self, GtkWindow *window, GtkWidget *child);
/* Notes intervals from the next frame on; NULL: no more. */
void bench_frame_watch_note (BenchFrameWatch *self, GArray *into);

/* Prints median, p99 and max, as BENCH/NAME/median and so on. */
void bench_frame_print (const char *bench, const char *name, const GArray *intervals);
/* Prints how far the p99 is over that of base, as BENCH/p99-over-NAME. */
void bench_frame_print_p99_over (const char *bench, const char *name, const GArray *intervals, const GArray *base);
/* Prints that, the max over that of base, and what is allowed of both. */
void bench_frame_print_over (const char *bench, const char *name, const GArray *intervals, const GArray *base);

G_END_DECLS
