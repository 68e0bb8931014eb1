/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the ways of sending share: waiting for room, and the types of a pipe. */

#pragma once

#include <string.h>

#include "route/ferry-buffer-private.h"
#include "route/ferry-sender-private.h"

G_BEGIN_DECLS

/* A message on its way. */
typedef struct
{
  FerrySender *sender;
  GVariant *variant;      /* (nullable): what is sent; or else */
  const FerryPart *parts; /* bytes that may lie apart */
  guint n_parts;
  gsize size;
  guint8 *joined; /* (owned) (nullable): see ferry_send_get_data() */
  FerryWait wait;
} FerrySend;

/* Writes all of it to place. */
void ferry_send_store (const FerrySend *send, guint8 *place);
/* All of it in one place. */
const guint8 *ferry_send_get_data (FerrySend *send);

/* The number of a type that was announced before, or 0. With the lane taken. */
guint16 ferry_send_find_type_locked (FerrySender *self, const char *type_string);
/* Announces a type at place, for which there is room. Returns its number. */
guint16 ferry_send_announce_type_locked (FerrySender *self, const char *type_string, gsize length, guint8 *place);
/* Sends what is larger than a record, in a buffer or in pieces. */
gboolean ferry_send_large (FerrySend *send, GError **error);
/* The same variant, or one of a type that can be announced: (transfer full). */
GVariant *ferry_send_box_where_needed (FerrySender *self, GVariant *message, GError **error);

/* Waits for room. Returns FALSE with an error when there is no use in trying again. */
gboolean ferry_send_wait_for_room (FerrySend *send, gsize size, GError **error);
/* Sets the error of a pipe that is closed; where this end closed it by stopping the sender, that one. */
gboolean ferry_send_refuse_ended (FerrySender *self, GError **error);
/* Turns the outcome of a wait into an error. Returns FALSE. */
gboolean ferry_send_refuse_wait (FerrySender *self, FerryWaitResult result, GError **error);
/* Has the cancellable, which may be NULL, end the waits of send, whose wait.data it is from then on. Returns what
 * g_cancellable_disconnect() takes. */
gulong ferry_send_follow_cancellable (FerrySend *send, GCancellable *cancellable);

/* In ferry-send-one-shot.c: hands the memory of a buffer over, or waits. */
gboolean ferry_send_one_shot (FerrySend *send, FerryBuffer *buffer, GError **error);

/* Where size bytes can be written, with the lane taken; or NULL, with the lane given back. */
static inline guint8 *
ferry_send_take_place (FerrySender *self, gsize size, gboolean *locked)
{
  FerryUplink *uplink = self->uplink;
  guint8 *place = NULL;

  *locked = ferry_uplink_lock (uplink);
  if (G_LIKELY (ferry_sender_is_sendable (self)))
    place = ferry_uplink_get_place_locked (uplink, size);
  if (G_UNLIKELY (place == NULL))
    ferry_uplink_unlock (uplink, *locked);
  return place;
}

/* Where a record is written behind the announcement of its type, where that is new: both appear at once. */
typedef struct
{
  guint8 *place;  /* of the record */
  guint16 number; /* of the type; 0 for none */
  gsize size;     /* of the record and of what is before it: what is to be published */
  gboolean locked;
} FerryTypedPlace;

/* type_string: (nullable). payload: of the record. Returns TRUE with the lane taken. */
static inline gboolean
ferry_send_take_typed_place (FerrySender *self, const char *type_string, gsize payload, FerryTypedPlace *typed)
{
  gsize record_size = ferry_record_size (payload);
  gsize announcement_size = 0;
  gboolean locked = ferry_uplink_lock (self->uplink);
  guint16 number = type_string != NULL ? ferry_send_find_type_locked (self, type_string) : 0;
  gboolean is_new = type_string != NULL && number == 0;
  gsize length = is_new ? strlen (type_string) : 0;
  guint8 *place = NULL;

  if (is_new)
    announcement_size = ferry_record_size (length);
  if (G_LIKELY (ferry_sender_is_sendable (self) && (!is_new || self->n_types < FERRY_MAX_TYPES_PER_PIPE)))
    place = ferry_uplink_get_place_locked (self->uplink, announcement_size + record_size);
  if (G_UNLIKELY (place == NULL))
    {
      ferry_uplink_unlock (self->uplink, locked);
      return FALSE;
    }
  if (is_new)
    number = ferry_send_announce_type_locked (self, type_string, length, place);
  *typed = (FerryTypedPlace){place + announcement_size, number, announcement_size + record_size, locked};
  return TRUE;
}

G_END_DECLS
