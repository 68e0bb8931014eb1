/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Turns decide from which link the next block is dispatched.
 *
 * Blocks come out of the local queue in the order in which the monitor drained them. Here each link has its own row of
 * blocks, and the links take turns. A turn is a time that the handlers of the link's messages may take, and may end
 * within a block. So the number and the size of a link's messages do not affect the other links.
 *
 * A link that gets a block while it is in no list enters the list fresh, which comes before the list others. Then it
 * moves to others, and stays there until its next turn, even if its row is empty. So a link that sends a little again
 * and again gets no more than its part of the time. A link with handlers that took longer than a turn gets no turn
 * until the other links had as much time. This is the scheme of FQ-CoDel (RFC 8290), with microseconds instead of
 * bytes.
 *
 * A link can be held: it gets no turn until it is released, and its blocks stay in its row.
 *
 * Owner:     the router.
 * Threads:   the router's thread only.
 * Invariant: a link with a block in its row is in one of the lists, and the list holds a reference to the link.
 *            The blocks of a row are in the order of their arrival. */

#pragma once

#include "engine/ferry-block-private.h"

G_BEGIN_DECLS

typedef struct
{
  GQueue fresh;  /* (element-type FerryLink) (owned): links that were in no list before */
  GQueue others; /* (element-type FerryLink) (owned): links that had a turn; their rows may be empty */
  GQueue held;   /* (element-type FerryLink) (owned): links that get no turn; their rows may be empty */
} FerryTurns;

void ferry_turns_add (FerryTurns *self, FerryBlock *block);
FerryBlock *ferry_turns_take (FerryTurns *self);
void ferry_turns_put_back (FerryTurns *self, FerryBlock *block);
gboolean ferry_turns_has_until (const FerryTurns *self, guint64 serial);
gboolean ferry_turns_charge (FerryLink *link, gint64 passed);
void ferry_turns_remove (FerryLink *link, FerryBlock *before, FerryBlock *block);
void ferry_turns_hold (FerryTurns *self, FerryLink *link);
gboolean ferry_turns_is_held (const FerryTurns *self, const FerryLink *link);
void ferry_turns_release (FerryTurns *self, FerryLink *link);
void ferry_turns_release_all (FerryTurns *self);

G_END_DECLS
