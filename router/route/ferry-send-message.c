/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a sender sends a message: bytes, a GVariant, or a value in serialised form.
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

/* Copies a value of a shape that keeps words, without its padding. Each word is stored once: to clear the padding
 * afterwards would load words that were just stored. Of a word that ends with 4 bytes of padding, only the member
 * before is loaded: a load that is wider than the store of the member waits for all earlier stores. */
static inline void
copy_kept (guint8 *place, const guint8 *data, const FerryShape *shape)
{
  const gsize n_words = shape->fixed_size / 8;
  guint64 halves = shape->halves;

  for (gsize i = 0; i < n_words; i++, halves >>= 1)
    {
      guint64 word = 0;

      if ((halves & 1) != 0)
        memcpy (&word, data + 8 * i, 4);
      else
        {
          memcpy (&word, data + 8 * i, 8);
          word &= shape->kept[i];
        }
      /* Keeps the compiler from joining the loop's stores to a copy and stores over it. */
      __asm__("" : "+r"(word));
      memcpy (place + 8 * i, &word, 8);
    }
}

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

/* number: of a type that was announced, with its shape given. */
static G_ALWAYS_INLINE inline gboolean
send_serialised_now (FerrySender *self, guint16 number, const FerryShape *shape, gconstpointer data, gsize size)
{
  FerrySendPlace place;
  guint8 *payload;

  if (G_UNLIKELY (!ferry_sender_take_place (self, NULL, size, &place)))
    return FALSE;
  place.number = number;
  payload = ferry_sender_write_header_locked (self, &place, FERRY_RECORD_VARIANT, size);
  if (shape->kept != NULL)
    copy_kept (payload, data, shape);
  else
    {
      /* The data of an empty value may be NULL. */
      if (size > 0)
        memcpy (payload, data, size);
      ferry_shape_clear_padding (shape, payload, size);
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

/* ---- serialised values ---- */

/* Sends a value of a type that cannot be announced, inside a “v”: its bytes, a zero byte and its type string. */
static gboolean
send_boxed (FerrySend *send, GError **error)
{
  gsize length = strlen (send->type_string);
  gsize size = send->size + 1 + length;
  g_autofree guint8 *bytes = g_malloc (size);
  FerrySend boxed = {
    .sender = send->sender, .type_string = "v", .parts = &(FerryPart){bytes, size}, .n_parts = 1, .size = size};

  ferry_send_store (send, bytes);
  bytes[send->size] = '\0';
  memcpy (bytes + send->size + 1, send->type_string, length);
  return ferry_depth_check_serialised ("v", 1, bytes, size, error) &&
         send_slowly (&boxed, ferry_sender_get_timeout (send->sender), error);
}

/* On a pipe for latest values, which announces no types, adds the type so that ferry_sender_find_type() finds it. The
 * number of types stays so low that none is boxed. */
static void
remember_type (FerrySender *self, const char *type_string)
{
  gboolean locked;

  if (!ferry_sender_is_latest (self) || !ferry_sender_is_sendable (self))
    return;
  locked = ferry_uplink_lock (self->uplink);
  if (self->n_types + 1 < FERRY_MAX_TYPES_PER_PIPE / 2 && ferry_sender_find_type (self, type_string) == 0)
    ferry_sender_add_type_locked (self, type_string);
  ferry_uplink_unlock (self->uplink, locked);
}

/* (transfer full) (nullable): returns the shape of a type that the sender has not met before. Returns NULL with an
 * error for a type with too many levels. */
static FerryShape *
make_shape (FerrySender *self, const GVariantType *type, GError **error)
{
  gsize length = g_variant_type_get_string_length (type);
  FerryShape *shape;

  if (!ferry_depth_check_type ((const char *) type, length, error))
    return NULL;
  shape = ferry_shape_new ((const char *) type, length);
  remember_type (self, shape->layout.string);
  return shape;
}

/* any: as ferry_sender_send_serialised(), for any type. number: of the type, if it was announced; else 0. As
 * send_parts_slowly(), it is no part of its caller. */
static G_NO_INLINE gboolean
send_any_serialised (FerrySender *self, guint16 number, const FerryShape *shape, const FerryPart *part, GError **error)
{
  const char *type_string = shape->layout.string;
  gsize length = strlen (type_string);
  FerrySend send = {
    .sender = self, .type_string = type_string, .shape = shape, .parts = part, .n_parts = 1, .size = part->size};

  if (shape->is_checked && !ferry_depth_check_serialised (type_string, length, part->data, part->size, error))
    return FALSE;
  if (number > 0 && is_quick (self, part->size) && send_serialised_now (self, number, shape, part->data, part->size))
    return TRUE;
  if (length <= FERRY_MAX_TYPE_STRING && ferry_sender_can_announce (self, type_string, FERRY_MAX_TYPES_PER_PIPE / 2))
    return send_slowly (&send, ferry_sender_get_timeout (self), error);
  return send_boxed (&send, error);
}

/**
 * ferry_sender_send_serialised:
 * @self: a sender
 * @type: the type of the message, a definite type
 * @data: (nullable) (array length=size) (element-type guint8): the message in the serialised form of #GVariant, in the
 *   byte order of the machine
 * @size: the size of @data in bytes; for a type of fixed size, that size
 * @error: return location for an error
 *
 * Sends a value without making a #GVariant of it, as fast as plain bytes. Otherwise this is the same as
 * [method@Ferry.Sender.send], which has the limits on types and levels, and says what must be in normal form. It waits
 * and fails as
 * [method@Ferry.Sender.send_bytes] does. The receiver cannot tell this message from one that was sent as a #GVariant.
 * Any thread.
 *
 * A C struct with the members of a tuple of fixed size is a value of that type, as it lies in memory. A `struct {
 * guint32 count; guint64 bytes; double seconds; }` has the type `(utd)`. A boolean is one byte, 0 or 1. On 32-bit x86,
 * a member of 8 bytes needs `_Alignas (8)`. The padding of such a struct, and of those in an array, arrives as zeroes
 * whatever it was. Values of other types have the serialised form of #GVariant.
 *
 * G_VARIANT_TYPE() checks its string each time, which takes half as long as a send. Where that matters, cast a
 * constant: `(const GVariantType *) "(utd)"`.
 *
 * What becomes of other bytes that are not in normal form: [method@Ferry.Receiver.set_serialised_handler].
 *
 * Returns: %TRUE when the message was sent and will arrive
 */
gboolean
ferry_sender_send_serialised (FerrySender *self, const GVariantType *type, gconstpointer data, gsize size,
                              GError **error)
{
  g_autoptr (FerryShape) made = NULL;
  const FerryShape *shape;
  guint16 number;

  if (G_UNLIKELY (!is_sender (self)))
    g_return_val_if_fail (FERRY_IS_SENDER (self), FALSE);
  g_return_val_if_fail (type != NULL, FALSE);
  g_return_val_if_fail (data != NULL || size == 0, FALSE);

  number = ferry_sender_find_type (self, (const char *) type);
  shape = number > 0 ? self->types[number - 1] : NULL;
  if (G_LIKELY (shape != NULL && shape->kept != NULL && shape->fixed_size == size && is_quick (self, size) &&
                send_serialised_now (self, number, shape, data, size)))
    return TRUE;
  if (shape == NULL)
    {
      g_return_val_if_fail (g_variant_type_is_definite (type), FALSE);
      shape = made = make_shape (self, type, error);
    }
  if (shape == NULL)
    return FALSE;
  ferry_return_val_if_fail (shape->fixed_size == 0 || shape->fixed_size == size, FALSE,
                            "a value of the type %s has %" G_GSIZE_FORMAT " bytes, not %" G_GSIZE_FORMAT
                            "; pass a struct with the same members",
                            shape->layout.string, shape->fixed_size, size);
  return send_any_serialised (self, number, shape, &(FerryPart){data, size}, error);
}
