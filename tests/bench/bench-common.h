/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The type of every message. Its serialised form is laid out as BenchMessage, so that one message can travel as plain
 * bytes and as a GVariant, and both ends can check the same content. */
#define BENCH_MESSAGE_TYPE ((const GVariantType *) "(ttus)")
#define BENCH_MESSAGE_PERCENT 42

typedef struct
{
  guint64 sequence; /* counts from 0; the reader checks that none is missing or doubled */
  gint64 stamp;     /* when it was sent, in ns of CLOCK_MONOTONIC; 0 in a flood */
  guint32 percent;
  char text[]; /* fills the message up to its size, with its NUL */
} BenchMessage;

typedef struct
{
  gboolean quick; /* rough figures are enough */
  gboolean smoke; /* figures are not looked at */
  char *only;     /* (nullable) the end of the rows to measure, for a profiler */
  guint rounds;
  gint64 warm_up; /* both in ns */
  gint64 window;
} BenchOptions;

gboolean bench_options_parse (BenchOptions *options, int *argc, char ***argv);
gint64 bench_choose (const BenchOptions *options, gint64 smoke, gint64 quick, gint64 whole);

gint64 bench_now (void);
gint64 bench_thread_cpu (void);
void bench_pause (gint64 nanoseconds);
/* Iterates the default main context for so many ns. */
void bench_run_for (gint64 duration);

void bench_print (const char *name, double value, const char *unit);
/* The same; format: of the name. */
void bench_print_as (double value, const char *unit, const char *format, ...) G_GNUC_PRINTF (3, 4);
void bench_print_budget (const char *text);
void bench_comment (const char *format, ...) G_GNUC_PRINTF (1, 2);

double bench_quantile (const double *values, gsize n_values, double quantile);
/* The same of an array of doubles. */
double bench_array_quantile (const GArray *array, double quantile);
double bench_median (const double *values, gsize n_values);
double bench_median_ratio (const double *values, const double *base, gsize n_values);

BenchMessage *bench_message_new (gsize size);
GVariant *bench_message_to_variant (const BenchMessage *message);

char *bench_path_beside (const char *name);
GSubprocess *bench_spawn (char **argv, int stdin_fd, const int *fds, guint n_fds, GError **error);

#define BENCH_DBUS_PATH "/org/example/Bench"
#define BENCH_DBUS_INTERFACE "org.example.Bench"
/* GDBus over a socket, with an object whose method (XML, may be empty) gives back its arguments; it starts no message
 * processing. Takes fd over, and waits until both ends know of each other. Returns (transfer full) (nullable). */
GDBusConnection *bench_dbus_open (int fd, gboolean is_server, const char *method, GError **error);

guint64 bench_proc_switches (GPid pid);
gint64 bench_proc_resident (GPid pid, gint64 *of_memfds);
gint64 bench_proc_private (GPid pid);

G_END_DECLS
