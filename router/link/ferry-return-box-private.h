/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A return box: the descriptors that a function returns to its task.
 *
 * The application makes a pair of sockets for each attempt of a task, and gives the worker one of them with the call.
 * The first packet in it says how many descriptors may come. The function sends each descriptor before the message that
 * names it. So the descriptor is there when the message is, and its handle is its place in the order. The application
 * takes descriptors only when it is asked for one.
 *
 * Threads: any, as each function takes the lock.
 * Trust:   none in the worker. A packet with anything but one descriptor counts as one that has none. No system call is
 *          made on a descriptor before the application asks for it, and the box closes none itself: see
 *          ferry-orphan-private.h. */

#pragma once

#include <glib.h>

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
/* Returns (transfer full) a copy of a descriptor, or -1 with an error. function: for errors. */
int ferry_return_box_dup (FerryReturnBox *self, gint handle, const char *function, GError **error);
/* Returns (transfer full) the descriptor itself, which the box has no longer, or -1 with an error. check (nullable):
 * fails for a descriptor that is not wanted, which stays in the box. */
int ferry_return_box_take (FerryReturnBox *self, gint handle, const char *function,
                           gboolean (*check) (int fd, GError **error), GError **error);

/* worker: returns how many descriptors may be sent through a box's socket, or 0 with FERRY_ERROR_PROTOCOL. */
guint ferry_return_box_read_max (int fd, GError **error);
/* worker: sends a copy of a descriptor. Does not wait. Fails with FERRY_ERROR_CLOSED, if the task is over, and with
 * FERRY_ERROR_SYSTEM. */
gboolean ferry_return_box_send (int fd, int returned, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryReturnBox, ferry_return_box_free)

G_END_DECLS
