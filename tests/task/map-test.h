/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the tests of maps share: numbers to map, and functions for a pool of threads that are steered by the test:
 *
 *   double   x -> x: twice its argument
 *   hold     x -> x: as double, but for negative numbers, which wait for the gate or a cancel first
 *   refuse   x -> x: as double, but for odd numbers, which fail with G_IO_ERROR_INVALID_ARGUMENT
 *   alike    x -> x: fails with G_IO_ERROR_FAILED “alike”, and for even numbers with a backtrace
 *   spin     t -> t: its argument, after so many microseconds of the processor's time
 */

#pragma once

#include "task/task-test.h"

G_BEGIN_DECLS

#define MAP_TEST_TIMEOUT (FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC)

void map_test_init (int *argc, char ***argv);
void map_test_open_gate (void);
void map_test_close_gate (void);
/* How many calls of hold wait for the gate. */
guint map_test_get_n_held (void);
void map_test_wait_held (guint n);

/* The numbers from 0 up to n, as ax. */
GVariant *map_test_numbers (gint64 n);
FerryMap *map_test_new (TaskTest *test, const char *function, FerryMapOrder order, GVariant *arguments);
/* Makes a list model of the arguments of each item (nullable) the input. */
void map_test_set_items (FerryMap *map, GPtrArray *items);
/* Calls ferry_map_next_async(). *result is set, to a reference of its own, when there is a result. */
void map_test_ask (FerryMap *map, GAsyncResult **result);
/* Take the next result apart. Return whether there was one. All locations are (nullable), and set in any case. The
 * first one asks and waits for it. */
gboolean map_test_next (FerryMap *map, guint64 *index, GVariant **value, GError **failure, GError **error);
gboolean map_test_next_finish (FerryMap *map, GAsyncResult *result, guint64 *index, GVariant **value, GError **failure,
                               GError **error);
/* Return (transfer full) (nullable) the values of all results (element-type GVariant), each (nullable). Check that each
 * item has its place, and did not fail. */
GPtrArray *map_test_collect (FerryMap *map, gint64 timeout, GError **error);
GPtrArray *map_test_collect_finish (FerryMap *map, GAsyncResult *result, GError **error);
/* Takes the next result, which is to be a number. */
gint64 map_test_take (FerryMap *map, guint64 *index);
/* Takes the next result, which is to be an error (transfer full). */
GError *map_test_take_failure (FerryMap *map, guint64 *index);
void map_test_assert_end (FerryMap *map);
void map_test_wait_finished (FerryMap *map);

/* A source of the numbers from 0 up to length, that counts how many it was asked for. */
typedef struct
{
  gint64 length;
  gint64 fails_at; /* negative: never */
  gint64 n_given;
  gboolean destroyed;
} MapTestSource;

GVariant *map_test_source_next (gpointer source, GError **error);
void map_test_source_destroy (gpointer source);

G_END_DECLS
