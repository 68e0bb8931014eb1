/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A fence in the stream of all messages. ferry_router_route_until() sets one when it begins, and so does the router
 * when a limit of time is over. The monitor then notes each lane's tail, and has reached the fence when it has drained
 * each lane up to that tail. A fence that is set meanwhile is set up afterwards, so that each is reached.
 *
 * Owner:   the monitor.
 * Threads: the router's thread sets fences; the monitor's thread sets them up and looks at them. */

#pragma once

#include "engine/ferry-visits-private.h"

G_BEGIN_DECLS

typedef struct
{
  guint64 latest;          /* router's thread: the number of the latest fence */
  guint64 wanted;          /* monitor, as the next three: the number of the latest fence that was begun */
  guint64 number;          /* the number of the present fence */
  guint rounds;            /* rounds of the monitor until the fence is set up */
  gboolean is_open;        /* the fence is set up and not yet reached */
  _Atomic guint64 reached; /* any: the number of the latest fence that was reached */
  _Atomic guint64 pushed;  /* any: how many blocks had been pushed when it was reached */
} FerryFence;

/* The router's thread: returns the number of a new fence, which ferry_fence_begin() must begin. */
guint64 ferry_fence_take_number (FerryFence *self);
/* The router's thread: whether that fence is reached. If so, sets *n_pushed to how many blocks were pushed before. */
gboolean ferry_fence_is_reached (FerryFence *self, guint64 number, guint64 *n_pushed);

/* The monitor: begins a fence, now or when an earlier one is reached. */
void ferry_fence_begin (FerryFence *self, FerryVisits *visits, guint64 number);
/* The monitor, in each round: before the visits, sets the fence up; and after them, returns whether it is reached now.
 */
void ferry_fence_set_up_if_due (FerryFence *self, FerryVisits *visits);
gboolean ferry_fence_look (FerryFence *self, FerryVisits *visits);

G_END_DECLS
