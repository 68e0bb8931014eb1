/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The descriptors that go down a link with messages, as the application has them between sending and their being taken.
 *
 * The packet with the descriptors goes into the control socket first, and the record that belongs to it into the down
 * lane after it, both with the link's down_lock held: so the packet is there when the worker comes to the record, in
 * the same order. That the worker has taken the packet is known by its having passed the record.
 *
 * A link whose both ends are in this process has no socket; copies of the descriptors wait here for the other end.
 *
 * Owner:   the link.
 * Threads: any, with the link's down_lock held.
 * Trust:   none in the worker. One that passes its records and leaves the packets in the socket is found out there:
 *          so what lies in the kernel on its account is bounded by what it says it has not taken. */

#pragma once

#include "link/ferry-link-private.h"

G_BEGIN_DECLS

struct _FerryHands
{
  guint64 n_sent;    /* packets */
  guint64 n_taken;   /* those that were taken from local */
  GArray *under_way; /* (element-type FerryHanded) (owned): not taken yet, in their order */
  guint n_under_way; /* descriptors in those */
  GQueue local;      /* (element-type GArray of int) (owned): of a link within this process */
};

void ferry_hands_free (FerryHands *self);

/* any: closes descriptors (element-type int) that the application gave, and leaves the array empty. */
void ferry_descriptors_close (GArray *descriptors);
void ferry_descriptors_free (GArray *descriptors);

/* How many of its descriptors the worker has not taken yet, as far as its head in the down lane tells. */
guint ferry_hands_count_locked (FerryLink *link);
/* Sends the descriptors of the message whose record is to end there in the down lane. Returns 0, or the number of an
 * error: EAGAIN where the worker has to take some first. Then its taking some rings. */
int ferry_hands_send_locked (FerryLink *link, const FerryHandful *handful, guint64 record_end);

/* any: the other end of a link within this process: takes the packet of that number, and adds its descriptors. Returns
 * FALSE when it is not there. */
gboolean ferry_hands_take_local (FerryLink *link, guint64 number, GArray *descriptors);

G_END_DECLS
