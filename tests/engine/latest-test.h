/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the tests of pipes for latest values share: a pipe with numbers as values, and notes of what arrived. */

#pragma once

#include "route/route-test.h"

G_BEGIN_DECLS

typedef struct _LatestTest LatestTest;

struct _LatestTest
{
  FerryRouter *router;     /* (unowned) */
  FerrySender *sender;     /* (owned) (nullable): started in this process */
  FerryReceiver *receiver; /* (owned) */
  guint n_values;
  guint64 latest; /* the number that arrived last */
  gboolean grows; /* no number came twice, or after a larger one */
  guint n_closed;
  guint at_closed; /* how many values had come by then */
  FerryCloseReason reason;
  void (*hook) (LatestTest *self); /* (nullable): called with each value, after it was noted */
  gpointer data;                   /* the hook's */
};

LatestTest *latest_test_new (FerryRouter *router);
void latest_test_free (LatestTest *self);
void latest_test_send (LatestTest *self, guint64 number);
/* Runs the main context until that number, or a larger one, arrived. */
void latest_test_wait_value (LatestTest *self, guint64 number);
void latest_test_wait_closed (LatestTest *self);
/* Runs the main context until no cell of the router's is hot. */
void latest_test_wait_cold (FerryRouter *router);
/* How often the sender rang since the last call. */
guint64 latest_test_take_rings (LatestTest *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (LatestTest, latest_test_free)

G_END_DECLS
