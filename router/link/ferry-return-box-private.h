/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A return box: the descriptors that a function returns to its task, in a descriptor box.
 *
 * The application makes a pair of sockets for each attempt of a task, and gives the worker one of them with the call.
 * The first packet in it says how many descriptors may come.
 *
 * Threads: any, as each function takes the lock.
 * Trust:   as for a descriptor box. */

#pragma once

#include "link/ferry-descriptor-box-private.h"

G_BEGIN_DECLS

typedef struct _FerryReturnBox FerryReturnBox;

/* max: how many descriptors may come, at most FERRY_MAX_FDS_PER_LINK. */
FerryReturnBox *ferry_return_box_new (guint max);
void ferry_return_box_free (FerryReturnBox *self);
/* Returns the worker's socket for the next attempt, which stays the box's, or -1 with FERRY_ERROR_SYSTEM. What came of
 * an earlier attempt is dropped. */
int ferry_return_box_begin (FerryReturnBox *self, GError **error);
/* The worker's socket was sent to a worker. The next attempt gets another one. */
void ferry_return_box_note_sent (FerryReturnBox *self);
/* No more descriptors come. Those that came stay. */
void ferry_return_box_end (FerryReturnBox *self);
/* Returns (transfer none) what came. */
FerryDescriptorBox *ferry_return_box_get_descriptors (FerryReturnBox *self);

/* worker: returns how many descriptors may be sent through a box's socket, or 0 with FERRY_ERROR_PROTOCOL. */
guint ferry_return_box_read_max (int fd, GError **error);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryReturnBox, ferry_return_box_free)

G_END_DECLS
