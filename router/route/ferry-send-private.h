/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the ways of sending share: waiting for room, and the types of a pipe. */

#pragma once

#include "route/ferry-sender-private.h"

G_BEGIN_DECLS

/* A message on its way. */
typedef struct
{
  FerrySender *sender;
  GVariant *variant; /* (nullable): NULL for plain bytes */
  const void *data;
  gsize size;
  FerryWait wait;
} FerrySend;

/* The number of a type that was announced before, or 0. With the lane taken. */
guint16 ferry_send_find_type_locked (FerrySender *self, const char *type_string);
/* Announces a type at place, for which there is room. Returns its number. */
guint16 ferry_send_announce_type_locked (FerrySender *self, const char *type_string, gsize length, guint8 *place);
/* The same variant, or one of a type that can be announced: (transfer full). */
GVariant *ferry_send_box_where_needed (FerrySender *self, GVariant *message);

/* Waits for room. Returns FALSE with an error when there is no use in trying again. */
gboolean ferry_send_wait_for_room (FerrySend *send, gsize size, GError **error);
/* Sets the error of a pipe that is closed; where this end closed it by stopping the sender, that one. */
gboolean ferry_send_refuse_ended (FerrySender *self, GError **error);
/* Turns the outcome of a wait into an error. Returns FALSE. */
gboolean ferry_send_refuse_wait (FerrySender *self, FerryWaitResult result, GError **error);
/* Has the cancellable, which may be NULL, end the waits of send. Returns what g_cancellable_disconnect() takes. */
gulong ferry_send_follow_cancellable (FerrySend *send, GCancellable *cancellable);

G_END_DECLS
