/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the tests of remote objects export, in this process or in another one. */

#pragma once

#include "object-test.h"

G_BEGIN_DECLS

#define TEST_TYPE_SHELF (test_shelf_get_type ())
/* Counters in a row: a container with positions (i) as keys, and the counters as items. It is set by labels.
 * Methods: append (s) → i: the new length; get_self () → o; _hidden () → s: “found”; labels () → as. */
G_DECLARE_FINAL_TYPE (TestShelf, test_shelf, TEST, SHELF, GObject)

/* Objects: counter and control (TestCounter) and twice (TestDoubleCounter), which are called by one at a time; wide
 * (TestCounter), which is called by many; shelf.
 *
 * Functions: total (i) → i, of a shelf: the values of its counters and that number; again (i) → i, of a counter: calls
 * add of “counter” by a proxy of its own process; doze (b): the exporter is stopped, and fulfils or not; exit (i): the
 * process exits; turns () → t: how often test_shop_take_turn() was called; toggle (): it counts,
 * or does not any more; where () → s: the name of the thread that calls it. Of the object of the name that they are
 * given: let-go (s): test_counter_let_go(); held (s) → u, cancelled (s) → u, blocked (s) → u, most (s) → i. */
typedef struct
{
  FerryExporter *exporter; /* (unowned) */
  TestCounter *counter;    /* (owned), as the others */
  TestCounter *control;
  TestCounter *wide;
  TestDoubleCounter *twice;
  TestShelf *shelf;
  gboolean counting; /* of the thread of test_shop_take_turn(), as the next */
  guint64 n_turns;
} TestShop;

TestShop *test_shop_new (FerryExporter *exporter);
void test_shop_free (TestShop *self);
/* A turn of ferry_serve_objects() that counts up the value of “counter”, until its method stop was called. */
gint64 test_shop_take_turn (TestShop *self);

G_END_DECLS
