/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Turns decide which link's block is dispatched next.
 *
 * The local queue brings blocks in the order in which the monitor drained them. Here each link has a row of its own,
 * and the rows take turns. A turn is an amount of handlers' time, and may end within a block. So the number and the
 * size of a link's messages make no difference to the other links.
 *
 * A link with an empty row that gets a block goes before those that had turns already, once. It then waits among the
 * others, also with an empty row, until its turn comes round. So a link that sends a little again and again gets no
 * more than its part. A link that took more time than a turn is passed over until the others had as much. This is the
 * scheme of FQ-CoDel (RFC 8290) with microseconds in place of bytes.
 *
 * Owner:     the router.
 * Threads:   the router's.
 * Invariant: a link with a block in its row is in one of the two lists, which hold a reference. The blocks of a row are
 *            in the order in which they came. */

#pragma once

#include "route/ferry-block-private.h"

G_BEGIN_DECLS

typedef struct
{
  GQueue fresh;  /* (element-type FerryLink) (owned): links that had an empty row until now */
  GQueue others; /* (element-type FerryLink) (owned): links that had a turn; a row may be empty */
} FerryTurns;

void ferry_turns_add (FerryTurns *self, FerryBlock *block);
FerryBlock *ferry_turns_take (FerryTurns *self);
void ferry_turns_put_back (FerryTurns *self, FerryBlock *block);
gboolean ferry_turns_has_until (const FerryTurns *self, guint64 serial);
gboolean ferry_turns_charge (FerryLink *link, gint64 passed);

G_END_DECLS
