/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sending: from a message to records in the up lane.
 *
 * The quick road takes the lane, finds room, writes the record in place and publishes it: no allocation, no system
 * call, and no lock where the process has one thread. Whatever it cannot do is left to the slow one: waiting for
 * room, errors, messages in pieces. */

#include "config.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "base/ferry-depth-private.h"
#include "route/ferry-send-private.h"

#define HEADER_SIZE sizeof (FerryRecordHeader)

#define COPY_BY_WORDS 128

/* Copies a message. A small one has mostly just been written, field by field: to load more at once than was stored at
 * once makes the processor wait until all its stores are out of the way, which on the road to another core's cache
 * costs more than the whole send. So small ones go by words of 8 bytes and not through memcpy(), which takes the widest
 * there is. */
static inline void
copy_payload (guint8 *place, const guint8 *data, gsize size)
{
  gsize offset = 0;

  if (G_UNLIKELY (size > COPY_BY_WORDS))
    {
      memcpy (place, data, size);
      return;
    }
  for (; offset + 8 <= size; offset += 8)
    {
      guint64 word;

      memcpy (&word, data + offset, 8);
      /* So that the compiler does not make vectors of the words. */
      __asm__("" : "+r"(word));
      memcpy (place + offset, &word, 8);
    }
  for (; offset < size; offset++)
    place[offset] = data[offset];
}

static inline gboolean
send_bytes_now (FerrySender *self, gconstpointer data, gsize size)
{
  gsize record_size = ferry_record_size (size);
  gboolean locked;
  guint8 *place = ferry_send_take_place (self, record_size, &locked);

  if (G_UNLIKELY (place == NULL))
    return FALSE;
  ferry_record_write_header (place, (guint32) size, FERRY_RECORD_BYTES, 0, self->connection_id);
  copy_payload (place + HEADER_SIZE, data, size);
  ferry_uplink_publish_and_unlock (self->uplink, record_size, locked);
  return TRUE;
}

guint16
ferry_send_find_type_locked (FerrySender *self, const char *type_string)
{
  guint n_types = self->n_types;

  if (G_LIKELY (n_types > 0 && strcmp (self->types[self->latest_type], type_string) == 0))
    return (guint16) (self->latest_type + 1);
  for (guint i = 0; i < n_types; i++)
    {
      if (strcmp (self->types[i], type_string) != 0)
        continue;
      self->latest_type = i;
      return (guint16) (i + 1);
    }
  return 0;
}

guint16
ferry_send_announce_type_locked (FerrySender *self, const char *type_string, gsize length, guint8 *place)
{
  self->types[self->n_types] = g_strdup (type_string);
  self->latest_type = self->n_types++;
  ferry_record_write_header (place, (guint32) length, FERRY_RECORD_TYPE, (guint16) self->n_types, self->connection_id);
  memcpy (place + HEADER_SIZE, type_string, length);
  return (guint16) self->n_types;
}

static gboolean
send_variant_now (FerrySender *self, GVariant *variant, gsize size)
{
  FerryTypedPlace typed;

  if (G_UNLIKELY (!ferry_send_take_typed_place (self, g_variant_get_type_string (variant), size, &typed)))
    return FALSE;
  ferry_record_write_header (typed.place, (guint32) size, FERRY_RECORD_VARIANT, typed.number, self->connection_id);
  g_variant_store (variant, typed.place + HEADER_SIZE);
  ferry_uplink_publish_and_unlock (self->uplink, typed.size, typed.locked);
  return TRUE;
}

gboolean
ferry_send_refuse_ended (FerrySender *self, GError **error)
{
  FerrySenderState state = ferry_sender_get_state (self);

  if (state != FERRY_SENDER_STARTED)
    return ferry_sender_refuse_state (state, error);
  return ferry_sender_refuse_closed (self, error);
}

gboolean
ferry_send_refuse_wait (FerrySender *self, FerryWaitResult result, GError **error)
{
  switch (result)
    {
    case FERRY_WAIT_CLOSED:
      return ferry_send_refuse_ended (self, error);
    case FERRY_WAIT_WOULD_BLOCK:
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK,
                           "The lane is full, and this call may not wait; send again later, or less");
      return FALSE;
    case FERRY_WAIT_TIMED_OUT:
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT,
                           "The lane stayed full until the deadline; the application takes messages too slowly");
      return FALSE;
    case FERRY_WAIT_INTERRUPTED:
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "Sending was cancelled");
      return FALSE;
    case FERRY_WAIT_FORKED:
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_NOT_A_WORKER,
                           "This process was forked from the worker that has the sender; send there, or start a worker "
                           "of its own");
      return FALSE;
    case FERRY_WAIT_BROKEN:
    case FERRY_WAIT_READY:
    default:
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL, "The lane was damaged by its other end");
      return FALSE;
    }
}

/* Whether the variant's type was announced, or can be. */
static gboolean
has_type_or_number (FerrySender *self, GVariant *variant)
{
  gboolean locked = ferry_uplink_lock (self->uplink);
  gboolean can = self->n_types < FERRY_MAX_TYPES_PER_PIPE ||
                 ferry_send_find_type_locked (self, g_variant_get_type_string (variant)) != 0;

  ferry_uplink_unlock (self->uplink, locked);
  return can;
}

gboolean
ferry_send_wait_for_room (FerrySend *send, gsize size, GError **error)
{
  FerrySender *self = send->sender;
  FerrySenderState state = ferry_sender_get_state (self);
  FerryWaitResult result;

  if (state != FERRY_SENDER_STARTED)
    return ferry_sender_refuse_state (state, error);
  if (send->variant != NULL && !has_type_or_number (self, send->variant))
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE,
                   "More than %d types came up on the pipe at the same moment; send again",
                   FERRY_MAX_TYPES_PER_PIPE / 2);
      return FALSE;
    }
  result = ferry_uplink_wait (self->uplink, &send->wait, size);
  return result == FERRY_WAIT_READY || ferry_send_refuse_wait (self, result, error);
}

void
ferry_send_store (const FerrySend *send, guint8 *place)
{
  if (send->variant != NULL)
    g_variant_store (send->variant, place);
  for (guint i = 0; i < send->n_parts; i++)
    {
      copy_payload (place, send->parts[i].data, send->parts[i].size);
      place += send->parts[i].size;
    }
}

const guint8 *
ferry_send_get_data (FerrySend *send)
{
  if (send->variant != NULL)
    return g_variant_get_data (send->variant);
  if (send->n_parts == 1)
    return send->parts[0].data;
  if (send->joined == NULL)
    {
      send->joined = g_malloc (send->size);
      ferry_send_store (send, send->joined);
    }
  return send->joined;
}

static inline gboolean
send_parts_now (FerrySender *self, const FerryPart *parts, guint n_parts, gsize size)
{
  const FerrySend send = {.parts = parts, .n_parts = n_parts};
  gsize record_size = ferry_record_size (size);
  gboolean locked;
  guint8 *place = ferry_send_take_place (self, record_size, &locked);

  if (G_UNLIKELY (place == NULL))
    return FALSE;
  ferry_record_write_header (place, (guint32) size, FERRY_RECORD_BYTES, 0, self->connection_id);
  ferry_send_store (&send, place + HEADER_SIZE);
  ferry_uplink_publish_and_unlock (self->uplink, record_size, locked);
  return TRUE;
}

static gboolean
send_small (FerrySend *send, GError **error)
{
  gsize announcement = send->variant != NULL ? ferry_record_size (FERRY_MAX_TYPE_STRING) : 0;

  for (;;)
    {
      if (send->variant != NULL ? send_variant_now (send->sender, send->variant, send->size)
                                : send_parts_now (send->sender, send->parts, send->n_parts, send->size))
        return TRUE;
      if (!ferry_send_wait_for_room (send, announcement + ferry_record_size (send->size), error))
        return FALSE;
    }
}

static gboolean
is_cancelled (gpointer data)
{
  return g_cancellable_is_cancelled (data);
}

static void
cancelled_cb (GCancellable *cancellable, gpointer user_data)
{
  ferry_uplink_interrupt (user_data);
}

gulong
ferry_send_follow_cancellable (FerrySend *send, GCancellable *cancellable)
{
  if (cancellable == NULL)
    return 0;
  send->wait.interrupted = is_cancelled;
  send->wait.data = cancellable;
  return g_cancellable_connect (cancellable, G_CALLBACK (cancelled_cb), send->sender->uplink, NULL);
}

static gboolean
send_latest (FerrySend *send, GError **error)
{
  FerrySender *self = send->sender;
  FerryWaitResult result;

  if (!ferry_sender_check_latest (send->variant, send->size, error))
    return FALSE;
  result = ferry_sender_write_latest (self, send->variant, ferry_send_get_data (send), send->size);
  return result == FERRY_WAIT_READY || ferry_send_refuse_wait (self, result, error);
}

/* The slow road: the quick one did not do, or was not open to begin with. Only the newest value of a pipe for latest
 * ones counts, so it goes into a cell and never waits. */
static gboolean
send_slowly (FerrySend *send, GCancellable *cancellable, GError **error)
{
  FerrySender *self = send->sender;
  gulong handler;
  gboolean sent;

  if (!ferry_sender_is_sendable (self))
    return ferry_send_refuse_ended (self, error);
  send->wait.index = self->index;
  if (self->latest)
    sent = send_latest (send, error);
  else
    {
      handler = ferry_send_follow_cancellable (send, cancellable);
      sent = send->size > FERRY_MAX_RECORD_PAYLOAD ? ferry_send_large (send, error) : send_small (send, error);
      g_cancellable_disconnect (cancellable, handler);
    }
  g_free (send->joined);
  return sent;
}

static gboolean
send_bytes_slowly (FerrySender *self, const FerryPart *parts, guint n_parts, gsize size, gint64 deadline,
                   GCancellable *cancellable, GError **error)
{
  FerrySend send = {.sender = self, .parts = parts, .n_parts = n_parts, .size = size, .wait = {.deadline = deadline}};

  return send_slowly (&send, cancellable, error);
}

/**
 * ferry_sender_send_bytes_until:
 * @self: a sender
 * @data: (nullable) (array length=size) (element-type guint8): the message
 * @size: how many bytes
 * @deadline: when to give up, in microseconds of g_get_monotonic_time(); 0 not to wait at all, and
 *   [const@Ferry.NO_DEADLINE] to wait for as long as it takes
 * @cancellable: (nullable): ends the waiting
 * @error: return location for an error
 *
 * Sends a message of plain bytes.
 *
 * Waits while the lane is full, which is how a slow receiver holds back its senders. On the router's own thread, a
 * sender never waits. Messages of any size up to [property@Ferry.Router:max-message-size] can be sent; those of more
 * than 32,752 bytes travel in pieces, and other senders' messages pass between them. One that is given up halfway is
 * not delivered.
 *
 * On a pipe for latest values ([flags@Ferry.PipeFlags]) it never waits. The message becomes the newest value, and may
 * be overtaken by the next one; with the string of its type it has at most 4,088 bytes.
 *
 * Any thread may call this.
 *
 * Fails with %FERRY_ERROR_NOT_STARTED or %FERRY_ERROR_STOPPED in the wrong state,
 * %FERRY_ERROR_CLOSED when the other end is gone, %FERRY_ERROR_WOULD_BLOCK when it would have to wait
 * and may not, %FERRY_ERROR_TIMED_OUT when the deadline passed, %FERRY_ERROR_TOO_LARGE,
 * %FERRY_ERROR_NOT_A_WORKER in a process that was forked from the worker, and with %G_IO_ERROR_CANCELLED.
 *
 * Returns: %TRUE when the message will arrive
 *
 * Since: 0.1
 */
gboolean
ferry_sender_send_bytes_until (FerrySender *self, gconstpointer data, gsize size, gint64 deadline,
                               GCancellable *cancellable, GError **error)
{
  if (G_UNLIKELY (!ferry_sender_is_sender (self)))
    g_return_val_if_fail (FERRY_IS_SENDER (self), FALSE);
  g_return_val_if_fail (data != NULL || size == 0, FALSE);

  if (G_UNLIKELY (cancellable != NULL && g_cancellable_set_error_if_cancelled (cancellable, error)))
    return FALSE;
  if (G_LIKELY (size < self->quick_limit && send_bytes_now (self, data, size)))
    return TRUE;
  return send_bytes_slowly (self, &(FerryPart){data, size}, 1, size, deadline, cancellable, error);
}

/* any: sends one message of plain bytes whose parts lie apart. As ferry_sender_send_bytes_until(). */
gboolean
ferry_sender_send_parts (FerrySender *self, const FerryPart *parts, guint n_parts, gint64 deadline,
                         GCancellable *cancellable, GError **error)
{
  gsize size = 0;

  if (G_UNLIKELY (cancellable != NULL && g_cancellable_set_error_if_cancelled (cancellable, error)))
    return FALSE;
  for (guint i = 0; i < n_parts; i++)
    size += parts[i].size;
  if (G_LIKELY (size < self->quick_limit && send_parts_now (self, parts, n_parts, size)))
    return TRUE;
  return send_bytes_slowly (self, parts, n_parts, size, deadline, cancellable, error);
}

/**
 * ferry_sender_send_bytes:
 * @self: a sender
 * @data: (nullable) (array length=size) (element-type guint8): the message
 * @size: how many bytes
 * @error: return location for an error
 *
 * Sends a message of plain bytes, and waits for room as long as it takes. As
 * [method@Ferry.Sender.send_bytes_until], which lists the errors. Any thread.
 *
 * Returns: %TRUE when the message will arrive
 *
 * Since: 0.1
 */
gboolean
ferry_sender_send_bytes (FerrySender *self, gconstpointer data, gsize size, GError **error)
{
  return ferry_sender_send_bytes_until (self, data, size, FERRY_NO_DEADLINE, NULL, error);
}

/* A type that cannot be announced (there are too many, or its string is too long) travels inside a "v". Half of the
 * numbers are left for threads that find room for a new type at the same moment. Returns NULL for a value that is
 * deeper than it may be. */
GVariant *
ferry_send_box_where_needed (FerrySender *self, GVariant *variant, GError **error)
{
  const char *type_string = g_variant_get_type_string (variant);
  g_autoptr (GVariant) boxed = NULL;
  gboolean fits = TRUE;

  if (G_UNLIKELY (self->uplink != NULL && self->n_types >= FERRY_MAX_TYPES_PER_PIPE / 2))
    {
      gboolean locked = ferry_uplink_lock (self->uplink);

      fits = ferry_send_find_type_locked (self, type_string) != 0;
      ferry_uplink_unlock (self->uplink, locked);
    }
  if (G_LIKELY (fits && strlen (type_string) <= FERRY_MAX_TYPE_STRING))
    return G_LIKELY (ferry_depth_check (variant, error)) ? g_variant_ref (variant) : NULL;
  boxed = g_variant_ref_sink (g_variant_new_variant (variant));
  return ferry_depth_check (boxed, error) ? g_steal_pointer (&boxed) : NULL;
}

/**
 * ferry_sender_send_until:
 * @self: a sender
 * @message: the message; a floating reference is taken over
 * @deadline: when to give up, in microseconds of g_get_monotonic_time(); 0 not to wait at all, and
 *   [const@Ferry.NO_DEADLINE] to wait for as long as it takes
 * @cancellable: (nullable): ends the waiting
 * @error: return location for an error
 *
 * Sends a #GVariant. As [method@Ferry.Sender.send_bytes_until], which lists the errors.
 *
 * The type of the message is announced the first time, and is a number from then on. A pipe carries up to 127
 * types so; a message of yet another type, or of one whose string is longer than 1,024 bytes, arrives as a `v` that
 * holds it. Any thread.
 *
 * A message has at most 64 levels: each array, maybe, tuple, dictionary entry and variant is one, and what is inside
 * variants counts. One that has more, or a type string of more than 65,536 bytes inside a variant, fails with
 * %FERRY_ERROR_TOO_LARGE.
 *
 * Returns: %TRUE when the message will arrive
 *
 * Since: 0.1
 */
gboolean
ferry_sender_send_until (FerrySender *self, GVariant *message, gint64 deadline, GCancellable *cancellable,
                         GError **error)
{
  g_autoptr (GVariant) taken = NULL;
  g_autoptr (GVariant) boxed = NULL;
  FerrySend send;
  gsize size;

  if (G_UNLIKELY (!ferry_sender_is_sender (self)))
    g_return_val_if_fail (FERRY_IS_SENDER (self), FALSE);
  g_return_val_if_fail (message != NULL, FALSE);

  taken = g_variant_ref_sink (message);
  if (G_UNLIKELY (cancellable != NULL && g_cancellable_set_error_if_cancelled (cancellable, error)))
    return FALSE;
  boxed = ferry_send_box_where_needed (self, taken, error);
  if (G_UNLIKELY (boxed == NULL))
    return FALSE;
  size = g_variant_get_size (boxed);
  if (G_LIKELY (size < self->quick_limit && send_variant_now (self, boxed, size)))
    return TRUE;
  send = (FerrySend){.sender = self, .variant = boxed, .size = size, .wait = {.deadline = deadline}};
  return send_slowly (&send, cancellable, error);
}

/**
 * ferry_sender_send:
 * @self: a sender
 * @message: the message; a floating reference is taken over
 * @error: return location for an error
 *
 * Sends a #GVariant, and waits for room as long as it takes. As [method@Ferry.Sender.send_until]. Any thread.
 *
 * Returns: %TRUE when the message will arrive
 *
 * Since: 0.1
 */
gboolean
ferry_sender_send (FerrySender *self, GVariant *message, GError **error)
{
  return ferry_sender_send_until (self, message, FERRY_NO_DEADLINE, NULL, error);
}
