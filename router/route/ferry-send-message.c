/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a sender sends a message: bytes, or a GVariant.
 *
 * The fast path locks the lane, writes the record directly into it, and publishes the record. It makes no allocation
 * and no system call, and takes no real lock while the process has one thread. The slow path does the rest: it waits
 * for room, sets errors, and sends what is larger than a record, or the newest value of a pipe for latest values. */

#include "config.h"

#include "route/ferry-send-private.h"

#include "base/ferry-base-private.h"
#include "wire/ferry-depth-private.h"

static inline gboolean
is_sender (gpointer self)
{
  return G_LIKELY (self != NULL && ((GTypeInstance *) self)->g_class != NULL &&
                   G_TYPE_FROM_INSTANCE (self) == ferry_sender_type);
}

/* Whether a message of that size may take the fast path. Relaxed: a thread that sets a cancellable while another sends
 * gets one or the other. */
static inline gboolean
is_quick (FerrySender *self, gsize size)
{
  return size < atomic_load_explicit (&self->quick_limit, memory_order_relaxed);
}

/* ---- the fast path ---- */

static G_ALWAYS_INLINE inline gboolean
send_parts_now (FerrySender *self, const FerryPart *parts, guint n_parts, gsize size)
{
  FerrySendPlace place;
  guint8 *payload;

  if (G_UNLIKELY (!ferry_sender_take_place (self, NULL, size, &place)))
    return FALSE;
  payload = ferry_sender_write_header_locked (self, &place, FERRY_RECORD_BYTES, size);
  for (guint i = 0; i < n_parts; i++)
    {
      /* The data of an empty part may be NULL. */
      if (parts[i].size > 0)
        memcpy (payload, parts[i].data, parts[i].size);
      payload += parts[i].size;
    }
  ferry_uplink_publish_and_unlock (self->uplink, place.size, place.locked);
  return TRUE;
}

static gboolean
send_variant_now (FerrySender *self, GVariant *variant, gsize size)
{
  FerrySendPlace place;

  if (G_UNLIKELY (!ferry_sender_take_place (self, g_variant_get_type_string (variant), size, &place)))
    return FALSE;
  g_variant_store (variant, ferry_sender_write_header_locked (self, &place, FERRY_RECORD_VARIANT, size));
  ferry_uplink_publish_and_unlock (self->uplink, place.size, place.locked);
  return TRUE;
}

/* ---- sending by the fast or the slow path ---- */

/* Sends a message by the slow path, or writes the value of a pipe for latest values into its cell. */
static gboolean
send_slowly (FerrySend *send, gint64 timeout, GError **error)
{
  gboolean sent = FALSE;

  if (send->sender->cell != FERRY_NO_CELL)
    sent = ferry_send_latest (send, error);
  else if (ferry_send_begin_waits (send, timeout, error))
    {
      sent = send->size > FERRY_MAX_RECORD_PAYLOAD
               ? ferry_send_large (send, error)
               : ferry_send_record (send, ferry_send_get_kind (send), NULL, 0, send->size, error);
      ferry_send_end_waits (send);
    }
  g_free (send->joined);
  return sent;
}

/* any: sends the parts by the slow path. It is no part of its callers, so that the fast path has few registers to
 * save. */
static G_NO_INLINE gboolean
send_parts_slowly (FerrySender *self, const FerryPart *parts, guint n_parts, gsize size, gint64 timeout, GError **error)
{
  return send_slowly (&(FerrySend){.sender = self, .parts = parts, .n_parts = n_parts, .size = size}, timeout, error);
}

/**
 * ferry_sender_send_bytes:
 * @self: a sender
 * @data: (nullable) (array length=size) (element-type guint8): the message
 * @size: the size of @data in bytes
 * @error: return location for an error
 *
 * Sends a message of plain bytes. Any thread.
 *
 * Waits while the lane is full, so that senders cannot be faster than a slow receiver for long. The property
 * [property@Ferry.Sender:timeout] limits the wait, and [property@Ferry.Sender:cancellable] ends it. On the router's own
 * thread this function never waits. A message may have up to [property@Ferry.Router:max-message-size] bytes. A message
 * of more than 32,752 bytes may be sent in pieces, and messages of other senders may pass between the pieces. When
 * sending fails after some pieces, nothing of the message is delivered.
 *
 * On a pipe for latest values this function never waits, and the message becomes the newest value.
 * [flags@Ferry.PipeFlags] says what becomes of it, and how large it may be.
 *
 * Fails with:
 *
 * - %FERRY_ERROR_NOT_STARTED or %FERRY_ERROR_STOPPED when the sender is not running
 * - %FERRY_ERROR_CLOSED when the pipe is closed
 * - %FERRY_ERROR_WOULD_BLOCK when it would have to wait and may not
 * - %FERRY_ERROR_TIMED_OUT when the time to wait is over, and %G_IO_ERROR_CANCELLED
 * - %FERRY_ERROR_TOO_LARGE
 * - %FERRY_ERROR_NOT_A_WORKER in a process that was forked from the worker
 *
 * Returns: %TRUE when the message was sent and will arrive
 */
gboolean
ferry_sender_send_bytes (FerrySender *self, gconstpointer data, gsize size, GError **error)
{
  if (G_UNLIKELY (!is_sender (self)))
    g_return_val_if_fail (FERRY_IS_SENDER (self), FALSE);
  g_return_val_if_fail (data != NULL || size == 0, FALSE);

  if (G_LIKELY (is_quick (self, size) && send_parts_now (self, &(FerryPart){data, size}, 1, size)))
    return TRUE;
  return send_parts_slowly (self, &(FerryPart){data, size}, 1, size, ferry_sender_get_timeout (self), error);
}

/* any: as ferry_sender_send_bytes(), for a message made of the given parts, one after the other, and with a timeout of
 * its own. */
gboolean
ferry_sender_send_parts (FerrySender *self, const FerryPart *parts, guint n_parts, gint64 timeout, GError **error)
{
  gsize size = 0;

  for (guint i = 0; i < n_parts; i++)
    size += parts[i].size;
  if (G_LIKELY (is_quick (self, size) && send_parts_now (self, parts, n_parts, size)))
    return TRUE;
  return send_parts_slowly (self, parts, n_parts, size, timeout, error);
}

GVariant *
ferry_sender_box_where_needed (FerrySender *self, GVariant *variant, GError **error)
{
  const char *type_string = g_variant_get_type_string (variant);
  g_autoptr (GVariant) boxed = NULL;

  if (G_LIKELY (ferry_sender_can_announce (self, type_string, FERRY_MAX_TYPES_PER_PIPE / 2) &&
                strlen (type_string) <= FERRY_MAX_TYPE_STRING))
    return G_LIKELY (ferry_depth_check (variant, error)) ? g_variant_ref (variant) : NULL;
  boxed = g_variant_ref_sink (g_variant_new_variant (variant));
  return ferry_depth_check (boxed, error) ? g_steal_pointer (&boxed) : NULL;
}

/**
 * ferry_sender_send:
 * @self: a sender
 * @message: the message; if its reference is floating, the function takes ownership
 * @error: return location for an error
 *
 * Sends a #GVariant. Otherwise this is the same as [method@Ferry.Sender.send_bytes], which says how it waits and lists
 * the errors. Any thread.
 *
 * The first message of a type announces the type, and all messages of that type carry a number instead of the type
 * string. A pipe can announce up to 127 types. A message of a further type, or of a type with a string of more than
 * 1,024 bytes, arrives inside a variant of type `v`.
 *
 * A message may have at most 64 levels: each array, maybe, tuple, dictionary entry and variant is one level, also
 * inside variants. Sending fails with %FERRY_ERROR_TOO_LARGE for a message with more levels, or with a type string of
 * more than 65,536 bytes inside a variant.
 *
 * A message with a variant in its type, or with an array of elements that vary in size such as `as`, must be in normal
 * form, as all values are that a program has made. For one that was read from a file, which may be broken, sending
 * fails with %FERRY_ERROR_BAD_ARGUMENTS: send what g_variant_get_normal_form() makes of it.
 *
 * Returns: %TRUE when the message was sent and will arrive
 */
gboolean
ferry_sender_send (FerrySender *self, GVariant *message, GError **error)
{
  g_autoptr (GVariant) taken = NULL;
  g_autoptr (GVariant) boxed = NULL;
  gsize size;

  if (G_UNLIKELY (!is_sender (self)))
    g_return_val_if_fail (FERRY_IS_SENDER (self), FALSE);
  g_return_val_if_fail (message != NULL, FALSE);

  taken = g_variant_ref_sink (message);
  boxed = ferry_sender_box_where_needed (self, taken, error);
  if (G_UNLIKELY (boxed == NULL))
    return FALSE;
  size = g_variant_get_size (boxed);
  if (G_LIKELY (is_quick (self, size) && send_variant_now (self, boxed, size)))
    return TRUE;
  return send_slowly (&(FerrySend){.sender = self, .variant = boxed, .size = size}, ferry_sender_get_timeout (self),
                      error);
}
