/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A descriptor box: the descriptors that another process sends through a socket of the box.
 *
 * A packet brings one descriptor. Its handle is its place in the order of the packets, so the sending process has no
 * number to lie with. It sends a descriptor before the message that names it, so the descriptor is there when the
 * message is. Packets are taken from the socket only when a handle is asked for.
 *
 * A box only receives. The other process sends with ferry_descriptor_send(), through the other socket of the pair.
 *
 * Owner:   the object that has the messages.
 * Threads: any, as each function takes the lock.
 * Trust:   none in the other process. A packet with anything but one descriptor counts as one that has none, and one
 *          with several is the last that is taken. At most `max` descriptors wait here; the others wait in the socket,
 * where the system bounds them. No system call is made on a descriptor before it is asked for, and the box closes none
 * itself: see ferry-orphan-private.h. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _FerryDescriptorBox FerryDescriptorBox;

/* max: how many descriptors may wait here, at most FERRY_MAX_FDS_PER_LINK. */
FerryDescriptorBox *ferry_descriptor_box_new (guint max);
void ferry_descriptor_box_free (FerryDescriptorBox *self);

guint ferry_descriptor_box_get_max (FerryDescriptorBox *self);
void ferry_descriptor_box_set_max (FerryDescriptorBox *self, guint max);
/* Takes socket, or -1. Handles begin at 0 again, and what came through the socket before is dropped. */
void ferry_descriptor_box_set_inbox (FerryDescriptorBox *self, int socket);
gboolean ferry_descriptor_box_has_inbox (FerryDescriptorBox *self);
/* No more descriptors come. Those that came stay. */
void ferry_descriptor_box_end (FerryDescriptorBox *self);

/* Returns (transfer full) a copy of a descriptor, or -1 with an error. sender: the subject of an error's message, such
 * as "The other end". */
int ferry_descriptor_box_dup (FerryDescriptorBox *self, gint handle, const char *sender, GError **error);
/* Returns (transfer full) the descriptor itself, which the box has no longer, or -1 with an error. check (nullable):
 * fails for a descriptor that is not wanted, which stays in the box. */
int ferry_descriptor_box_take (FerryDescriptorBox *self, gint handle, const char *sender,
                               gboolean (*check) (int fd, GError **error), GError **error);

/* Sends a copy of a descriptor through a socket. Does not wait. Fails with FERRY_ERROR_CLOSED, FERRY_ERROR_WOULD_BLOCK
 * and FERRY_ERROR_SYSTEM. closed: the message of the first of these. */
gboolean ferry_descriptor_send (int socket, int fd, const char *closed, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryDescriptorBox, ferry_descriptor_box_free)

G_END_DECLS
