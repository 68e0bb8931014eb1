/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The end that asks: the requests under way, their answers and timeouts, and answers that come late. */

#include "config.h"

#include "call/ferry-calls-private.h"

#include <string.h>

#include "wire/ferry-call-judgement-private.h"

/* Called just before the request is sent, and once more if it is sent again after it had to wait for room. */
static void
request_wait_begin (FerryRequestWait *self, guint64 xid)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self->transport);

  /* Where a wrong answer came before an earlier request was sent, the completion is handed over already. */
  if (priv->funcs->begin_wait == NULL || self->wait.size > 0)
    return;
  self->wait.number = xid;
  priv->funcs->begin_wait (priv->carrier, &self->wait);
}

static void
request_wait_end (FerryRequestWait *self, gboolean waits, gint64 deadline, GCancellable *cancellable)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self->transport);

  if (self->wait.is_listed)
    priv->funcs->end_wait (priv->carrier, &self->wait, waits, deadline, cancellable);
}

/* Returns the number of a new call, which is added to the table so that its answer finds it. Returns 0 with an error
 * when closed. Must be called with send_lock held. */
static guint64
begin (FerryTransportPrivate *priv, const FerryRequest *request, const FerryAnswerFuncs *funcs, gpointer data,
       GError **error)
{
  FerryXidEntry *entry;
  FERRY_AUTO_LOCK (&priv->lock);

  if (!ferry_calls_check_open (priv, error))
    return 0;
  if ((request->flags & FERRY_CALL_ONE_WAY) == 0)
    {
      entry = ferry_xid_table_add (&priv->asked, priv->next_xid);
      entry->funcs = funcs;
      entry->data = data;
      entry->asker = request->asker;
      entry->window = request->window;
      entry->flags = request->flags;
    }
  return priv->next_xid++;
}

/* Removes a call, and copies it to entry, which the caller must clear. Returns FALSE if it has ended. */
static gboolean
remove_asked_locked (FerryTransportPrivate *priv, guint64 xid, FerryXidEntry *entry)
{
  if (!ferry_xid_table_remove (&priv->asked, xid, entry))
    return FALSE;
  priv->pieces_size -= entry->pieces != NULL ? entry->pieces->len : 0;
  return TRUE;
}

/* Undoes begin(). Returns FALSE if ferry_transport_end() has removed the call and called done(). */
static gboolean
take_back (FerryTransportPrivate *priv, guint64 xid, FerryCallFlags flags)
{
  g_auto (FerryXidEntry) entry = {0};
  FERRY_AUTO_LOCK (&priv->lock);

  if ((flags & FERRY_CALL_ONE_WAY) == 0 && !remove_asked_locked (priv, xid, &entry))
    return FALSE;
  /* The next request gets this number: it was not sent, and no later number was given out while send_lock is held. */
  priv->next_xid = xid;
  return TRUE;
}

/* Returns the number of a request that was sent, or 0 with an error. */
static guint64
try_to_ask (FerryTransportPrivate *priv, FerryCallMessage *message, const FerryRequest *request,
            const FerryAnswerFuncs *funcs, gpointer data, GError **error)
{
  FerryDescriptors batch = {request->descriptors, request->n_descriptors};
  FerryPart parts[FERRY_CALL_MAX_PARTS];
  guint n_parts;
  guint64 xid;
  FERRY_AUTO_LOCK (&priv->send_lock);

  xid = batch.xid = message->header.xid = begin (priv, request, funcs, data, error);
  if (xid == 0)
    return 0;
  if (request->xid != NULL)
    atomic_store (request->xid, xid);
  if (request->wait != NULL)
    request_wait_begin (request->wait, xid);
  n_parts = ferry_call_message_get_parts (message, parts);
  if (priv->funcs->send (priv->carrier, parts, n_parts, batch.n_descriptors > 0 ? &batch : NULL, error))
    return xid;
  if (!take_back (priv, xid, request->flags))
    {
      g_clear_error (error);
      return xid;
    }
  /* Before another request gets the number. */
  if (request->xid != NULL)
    atomic_store (request->xid, 0);
  if (request->wait != NULL)
    request_wait_end (request->wait, FALSE, 0, NULL);
  return 0;
}

guint64
ferry_transport_ask (FerryTransport *self, const FerryRequest *request, const FerryAnswerFuncs *funcs, gpointer data,
                     GError **error)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);
  g_autoptr (GVariant) taken G_GNUC_UNUSED = ferry_variant_take_floating (request->arguments);
  FerryCallMessage message;

  g_return_val_if_fail (request->method != NULL, 0);
  g_return_val_if_fail (request->deadline >= 0, 0);
  g_return_val_if_fail ((request->flags & FERRY_CALL_ONE_WAY) != 0 || (funcs != NULL && funcs->done != NULL), 0);
  g_return_val_if_fail ((request->flags & FERRY_CALL_ONE_WAY) == 0 || (request->flags & FERRY_CALL_STREAM) == 0, 0);
  g_return_val_if_fail (request->window == 0 || (request->flags & FERRY_CALL_STREAM) != 0, 0);

  if (!ferry_transport_check_process (self, error) ||
      !ferry_call_message_check (request->method, request->arguments, error))
    return 0;
  /* This serialises the arguments, which takes time, so it is done before the locks are taken. */
  ferry_call_message_init (&message, FERRY_CALL_REQUEST, 0, request->method, request->arguments);
  if (request->packed.data != NULL)
    ferry_call_message_set_bytes (&message, request->packed.data, request->packed.size);
  message.header.number = (request->flags & FERRY_CALL_ONE_WAY) == 0 ? request->deadline : 0;
  message.header.flags = (guint8) request->flags;
  message.header.window = request->window;
  for (;;)
    {
      guint64 count = ferry_transport_get_room_count (self);
      g_autoptr (GError) failure = NULL;
      guint64 xid = try_to_ask (priv, &message, request, funcs, data, &failure);

      if (xid != 0)
        return xid;
      if (!request->waits || !g_error_matches (failure, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
        {
          g_propagate_error (error, g_steal_pointer (&failure));
          return 0;
        }
      if (!ferry_transport_wait_for_room (self, count, request->deadline, request->cancellable, error))
        return 0;
    }
}

static gboolean
is_asked (FerryTransportPrivate *priv, guint64 xid)
{
  FERRY_AUTO_LOCK (&priv->lock);
  return ferry_xid_table_find (&priv->asked, xid) != NULL;
}

static void
send_cancel (FerryTransportPrivate *priv, guint64 xid, FerryCancelReason reason)
{
  g_autoptr (GError) error = NULL;

  /* If the express lane is closed or full, the cancel is sent after the other messages. That of the standing call goes
   * behind its windows, which say what was taken. */
  if (xid != FERRY_STANDING_XID && priv->funcs->cancel != NULL && priv->funcs->cancel (priv->carrier, xid, reason))
    return;
  if (!ferry_calls_tell (priv, &(FerryOwed){.xid = xid, .reason = reason}, 0, &error))
    g_debug ("The cancel of call %" G_GUINT64_FORMAT " was not sent: %s", xid, error->message);
}

gboolean
ferry_transport_cancel (FerryTransport *self, guint64 xid, FerryCancelReason reason)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);
  gboolean asked = is_asked (priv, xid);

  if (asked)
    send_cancel (priv, xid, reason);
  return asked;
}

static gboolean
take_out (FerryTransportPrivate *priv, guint64 xid, FerryXidEntry *entry)
{
  FERRY_AUTO_LOCK (&priv->lock);

  if (!remove_asked_locked (priv, xid, entry))
    return FALSE;
  ferry_calls_keep_window_locked (priv, entry);
  return TRUE;
}

gboolean
ferry_transport_forget (FerryTransport *self, guint64 xid)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);
  g_auto (FerryXidEntry) entry = {0};

  return take_out (priv, xid, &entry);
}

gpointer
ferry_transport_abandon (FerryTransport *self, guint64 xid, FerryCancelReason reason)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);
  g_auto (FerryXidEntry) entry = {0};

  if (take_out (priv, xid, &entry) && !entry.cancel_owed)
    send_cancel (priv, xid, reason);
  return entry.data;
}

gboolean
ferry_transport_end_request (FerryTransport *self, guint64 xid, FerryCancelReason reason, const GError *error)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);
  g_auto (FerryXidEntry) entry = {0};
  g_autoptr (GError) copy = NULL;

  if (!take_out (priv, xid, &entry))
    return FALSE;
  if (!entry.cancel_owed)
    send_cancel (priv, xid, reason);
  copy = ferry_error_copy (error);
  entry.funcs->done (entry.data, NULL, copy, NULL, FALSE);
  return TRUE;
}

GArray *
ferry_transport_list_asked (FerryTransport *self, gconstpointer asker)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);
  GArray *xids = g_array_new (FALSE, FALSE, sizeof (guint64));

  pthread_mutex_lock (&priv->lock);
  for (guint i = 0; i < priv->asked.n_slots; i++)
    {
      FerryXidEntry *entry = &priv->asked.slots[i];

      if (entry->xid != 0 && entry->asker == asker)
        g_array_append_val (xids, entry->xid);
    }
  pthread_mutex_unlock (&priv->lock);
  g_array_sort (xids, ferry_xid_compare);
  return xids;
}

/* Adds n to the window at this end. This must be done before the other end's window grows, so that the window here
 * is never the smaller one. While the growth waits for room it counts as owed, not as window. */
static gboolean
grow_window (FerryTransportPrivate *priv, guint64 xid, guint n, GError **error)
{
  FerryXidEntry *entry;
  FERRY_AUTO_LOCK (&priv->lock);

  entry = ferry_xid_table_find (&priv->asked, xid);
  if (entry == NULL || (entry->flags & FERRY_CALL_STREAM) == 0)
    return ferry_set_error (error, FERRY_ERROR_CLOSED,
                            "Call %" G_GUINT64_FORMAT " has no stream, or has ended; ask for a new stream", xid);
  if (n > FERRY_MAX_WINDOW - entry->window - entry->owed)
    return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                            "The window of a stream has at most %d items; add to it when items have arrived",
                            FERRY_MAX_WINDOW);
  entry->window += n;
  return TRUE;
}

gboolean
ferry_transport_add_window (FerryTransport *self, guint64 xid, guint n, GError **error)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);
  FerryXidEntry *entry;

  g_return_val_if_fail (n > 0, FALSE);

  if (!grow_window (priv, xid, n, error))
    return FALSE;
  if (ferry_calls_tell (priv, &(FerryOwed){.xid = xid}, n, error))
    return TRUE;
  FERRY_AUTO_LOCK (&priv->lock);
  entry = ferry_xid_table_find (&priv->asked, xid);
  if (entry != NULL)
    entry->window -= MIN (n, entry->window);
  return FALSE;
}

/* ---- large answers, which are sent in pieces with other messages between them ---- */

/* Trust: the other end is not trusted. Memory grows with the bytes that arrived, not with the announced size. The
 *        size of one answer is limited, and so is the size of all unfinished answers together. */

/* Adds a piece to an answer. Returns NULL, or which rule the piece breaks. */
static const char *
add_piece_locked (FerryTransportPrivate *priv, FerryXidEntry *entry, const FerryCallMessage *message)
{
  guint64 size = (guint64) message->header.number;

  if (size > priv->max_answer)
    return "is larger than this end accepts";
  if (message->body_size > FERRY_MAX_LARGEST_ANSWERS * priv->max_answer - priv->pieces_size)
    return "is one of too many large answers at the same time";
  if (entry->pieces == NULL)
    entry->pieces = g_byte_array_new ();
  if (message->body_size > FERRY_CALL_PIECE_SIZE)
    return "is in larger pieces than there are";
  if (message->body_size >= size - MIN (entry->pieces->len, size))
    return "has more bytes than it announced";
  g_byte_array_append (entry->pieces, message->body, (guint) message->body_size);
  priv->pieces_size += message->body_size;
  return NULL;
}

/* Adds a piece to the answer of a call. If the call has ended, drops the piece. */
gboolean
ferry_calls_receive_piece (FerryTransportPrivate *priv, const FerryCallMessage *message, GError **error)
{
  FerryXidEntry *entry;
  const char *fault;
  FERRY_AUTO_LOCK (&priv->lock);

  entry = ferry_xid_table_find (&priv->asked, message->header.xid);
  fault = entry != NULL ? add_piece_locked (priv, entry, message) : NULL;
  return fault == NULL ||
         ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                          "The answer to call %" G_GUINT64_FORMAT " %s; use the same version and limits at both ends",
                          message->header.xid, fault);
}

/* ---- receiving answers and items ---- */

static void
count_orphan_locked (FerryTransportPrivate *priv, guint64 xid)
{
  if (xid < priv->next_xid)
    priv->n_late++;
  else
    priv->n_unknown++;
}

static gboolean
ends_pieces (const FerryCallMessage *message)
{
  return message->header.kind == FERRY_CALL_ANSWER && message->header.number > 0;
}

/* Passes the answer to the asker. If the value breaks a rule, passes that error, copies it to broken, and returns
 * FALSE. */
static gboolean
hand_over_answer (FerryXidEntry *entry, const FerryCallMessage *message, GError **broken)
{
  gboolean is_packed = entry->funcs->done_packed != NULL && message->header.kind == FERRY_CALL_ANSWER &&
                       ferry_call_message_is_bytes (message);
  g_autoptr (GError) error = NULL;
  g_autofree char *trace = NULL;
  GByteArray *pieces = ends_pieces (message) ? g_steal_pointer (&entry->pieces) : NULL;
  g_autoptr (GBytes) joined = is_packed && pieces != NULL ? ferry_call_message_join_bytes (message, pieces) : NULL;
  g_autoptr (GVariant) value = NULL;
  gboolean is_good;

  if (!is_packed)
    value = pieces != NULL ? ferry_call_message_join_value (message, pieces, &error)
                           : ferry_call_message_dup_value (message, &error);
  is_good = error == NULL;
  if (!is_good && broken != NULL)
    *broken = g_error_copy (error);
  if (is_good && message->header.kind != FERRY_CALL_ANSWER)
    {
      error = ferry_error_from_variant (value, &trace);
      g_clear_pointer (&value, g_variant_unref);
    }
  if (is_packed)
    {
      const FerryBody body = joined != NULL
                               ? (FerryBody){g_bytes_get_data (joined, NULL), g_bytes_get_size (joined), joined}
                               : ferry_call_message_get_body (message);

      entry->funcs->done_packed (entry->data, &body);
    }
  else
    entry->funcs->done (entry->data, value, error, trace, message->header.kind == FERRY_CALL_REFUSE);
  return is_good;
}

/* Whether the last part of an answer completes the pieces that came before. entry (nullable): of its call. */
static gboolean
fits_pieces_locked (const FerryXidEntry *entry, const FerryCallMessage *message)
{
  return entry == NULL || (entry->pieces != NULL && message->body_size <= FERRY_CALL_PIECE_SIZE &&
                           (guint64) message->header.number == entry->pieces->len + message->body_size);
}

/* ---- large values in pieces, which another thread checks ---- */

/* Takes the pieces of an answer, if its value is to be checked by another thread. Returns (transfer full) (nullable)
 * the whole value. */
static GBytes *
take_pieces_locked (FerryTransportPrivate *priv, const FerryCallMessage *message)
{
  FerryXidEntry *entry = ferry_xid_table_find (&priv->asked, message->header.xid);
  const FerryCallHeader *header = &message->header;

  if (entry == NULL || entry->is_handed || (guint64) header->number < FERRY_JUDGED_ASIDE ||
      !fits_pieces_locked (entry, message))
    return NULL;
  if (!message->is_checked && !ferry_call_message_is_bytes (message))
    return NULL;
  priv->pieces_size -= entry->pieces->len;
  return ferry_call_message_join_bytes (message, g_steal_pointer (&entry->pieces));
}

static void
set_judgement (FerryTransportPrivate *priv, const FerryAnswerJudgement *judgement)
{
  FerryAnswerJudgement former;

  pthread_mutex_lock (&priv->lock);
  former = priv->judgement;
  priv->judgement = *judgement;
  pthread_mutex_unlock (&priv->lock);
  g_clear_pointer (&former.body, g_bytes_unref);
  g_clear_pointer (&former.aside, ferry_aside_unref);
}

void
ferry_calls_drop_judgement (FerryTransportPrivate *priv)
{
  set_judgement (priv, &(FerryAnswerJudgement){0});
}

gboolean
ferry_transport_is_judging (FerryTransport *self, gconstpointer message, gsize size, GDestroyNotify func, gpointer data,
                            GDestroyNotify destroy)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);
  FerryAnswerJudgement judgement = {0};
  FerryCallMessage parsed;
  gboolean goes_on = FALSE;

  if (ferry_calls_is_closed (priv) || !ferry_call_message_parse (&parsed, message, size, NULL))
    {
      destroy (data);
      return FALSE;
    }
  pthread_mutex_lock (&priv->lock);
  if (priv->judgement.xid == parsed.header.xid)
    goes_on = priv->judgement.aside != NULL && !ferry_aside_is_done (priv->judgement.aside);
  else
    judgement.body = take_pieces_locked (priv, &parsed);
  pthread_mutex_unlock (&priv->lock);
  if (judgement.body == NULL)
    {
      destroy (data);
      return goes_on;
    }
  judgement.xid = parsed.header.xid;
  goes_on =
    ferry_answer_judgement_is_wanted (parsed.type_string, parsed.header.type_length,
                                      g_bytes_get_data (judgement.body, NULL), g_bytes_get_size (judgement.body));
  if (goes_on)
    judgement.aside =
      ferry_aside_judge_answer (judgement.body, parsed.type_string, parsed.header.type_length, func, data);
  else
    destroy (data);
  set_judgement (priv, &judgement);
  return goes_on;
}

/* For the answer of which another thread checks the value, or has done so: makes it one that came whole. Returns
 * (transfer full) (nullable) its bytes. */
static GBytes *
take_judged (FerryTransportPrivate *priv, FerryCallMessage *message)
{
  FerryAnswerJudgement judgement = {0};

  pthread_mutex_lock (&priv->lock);
  if (priv->judgement.xid == message->header.xid && ends_pieces (message))
    {
      judgement = priv->judgement;
      priv->judgement = (FerryAnswerJudgement){0};
    }
  pthread_mutex_unlock (&priv->lock);
  if (judgement.xid == 0)
    return NULL;
  message->whole = judgement.body;
  message->body = g_bytes_get_data (judgement.body, &message->body_size);
  message->header.number = 0;
  if (judgement.aside == NULL)
    message->verdict = FERRY_VALUE_UNJUDGED;
  else if (ferry_aside_is_done (judgement.aside))
    message->verdict = ferry_aside_end_judgement (judgement.aside);
  else
    {
      /* A thread that waits need not wait for another one. */
      message->verdict =
        ferry_answer_judge (message->type_string, message->header.type_length, message->body, message->body_size);
      ferry_aside_unref (judgement.aside);
    }
  return judgement.body;
}

/* ---- receiving an answer ---- */

/* An error, or an answer that came whole, replaces the pieces that came before. With error, a whole one that breaks a
 * rule answers nothing: the transport ends, and all calls with it. */
gboolean
ferry_calls_receive_answer (FerryTransportPrivate *priv, const FerryCallMessage *message, GError **error)
{
  const guint64 xid = message->header.xid;
  g_auto (FerryXidEntry) entry = {0};
  g_autoptr (GBytes) checked = NULL;
  g_autoptr (GBytes) judged G_GNUC_UNUSED = NULL;
  FerryCallMessage sound = *message;
  FerryXidEntry *asked;
  gboolean fits;

  if (G_UNLIKELY (ends_pieces (message)))
    judged = take_judged (priv, &sound);
  if (error != NULL && sound.is_checked && !ends_pieces (&sound) && is_asked (priv, xid))
    {
      checked = ferry_call_message_dup_checked (&sound, error);
      if (checked == NULL)
        return FALSE;
      sound.body = g_bytes_get_data (checked, NULL);
      sound.whole = checked;
      sound.verdict = FERRY_VALUE_GOOD;
    }
  pthread_mutex_lock (&priv->lock);
  asked = ends_pieces (&sound) ? ferry_xid_table_find (&priv->asked, xid) : NULL;
  fits = fits_pieces_locked (asked, &sound);
  if (fits && !remove_asked_locked (priv, xid, &entry))
    count_orphan_locked (priv, xid);
  pthread_mutex_unlock (&priv->lock);
  if (!fits)
    return ferry_set_error (
      error, FERRY_ERROR_PROTOCOL,
      "Call %" G_GUINT64_FORMAT " has an answer that lacks bytes; use the same version of Ferry at both ends", xid);
  return entry.xid == 0 || hand_over_answer (&entry, &sound, error);
}

gboolean
ferry_calls_receive_item (FerryTransportPrivate *priv, const FerryCallMessage *message, GError **error)
{
  gboolean of_stream = message->name == NULL;
  const FerryAnswerFuncs *funcs = NULL;
  gpointer data = NULL;
  FerryXidEntry *entry;
  gboolean allowed = TRUE;
  gboolean is_good = TRUE;

  pthread_mutex_lock (&priv->lock);
  entry = ferry_xid_table_find (&priv->asked, message->header.xid);
  if (entry == NULL)
    count_orphan_locked (priv, message->header.xid);
  else if (of_stream && entry->window == 0)
    allowed = FALSE;
  else
    {
      entry->window -= of_stream ? 1 : 0;
      funcs = entry->funcs;
      data = entry->data;
      if (funcs->hold != NULL)
        funcs->hold (data);
    }
  pthread_mutex_unlock (&priv->lock);
  if (!allowed)
    return ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                            "Call %" G_GUINT64_FORMAT
                            " has an item beyond its window; send only as many items as the window allows",
                            message->header.xid);
  if (funcs != NULL && funcs->item != NULL)
    {
      g_autoptr (GVariant) value = ferry_call_message_dup_value (message, error);
      char name[FERRY_MAX_CALL_NAME + 1] = "";

      if (!of_stream)
        memcpy (name, message->name, message->header.name_length);
      name[message->header.name_length] = '\0';
      is_good = value != NULL;
      if (is_good)
        funcs->item (data, name, value);
    }
  if (funcs != NULL && funcs->release != NULL)
    funcs->release (data);
  return is_good;
}

gboolean
ferry_calls_check_begun (FerryTransportPrivate *priv, const FerryCallMessage *message, GError **error)
{
  const guint64 xid = message->header.xid;

  if (priv->funcs->is_begun == NULL || message->header.kind == FERRY_CALL_REFUSE ||
      priv->funcs->is_begun (priv->carrier, xid) || !is_asked (priv, xid))
    return TRUE;
  priv->unclaimed = MAX (priv->unclaimed, xid);
  return ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                          "Call %" G_GUINT64_FORMAT " has an %s, but was not claimed; a worker must claim a "
                          "call before it begins the call",
                          xid, message->header.kind == FERRY_CALL_ITEM ? "item" : "answer");
}

guint64
ferry_transport_get_unclaimed (FerryTransport *self)
{
  return ferry_transport_get_private (self)->unclaimed;
}

/* ---- a thread that waits for the answer ---- */

/* See ferry-answer-waits.c. */
G_STATIC_ASSERT (offsetof (FerryCallHeader, xid) == 0);

/* Takes a message if it is a piece of the answer. Calls nothing, as is_answer(). */
static gboolean
take_part (gpointer data, gconstpointer bytes, gsize size)
{
  const FerryRequestWait *self = data;
  FerryTransportPrivate *priv = ferry_transport_get_private (self->transport);
  FerryCallMessage message;

  return priv->funcs->is_begun == NULL && ferry_call_message_parse (&message, bytes, size, NULL) &&
         message.header.xid == self->wait.number && message.header.kind == FERRY_CALL_PIECE &&
         ferry_calls_receive_piece (priv, &message, NULL);
}

/* Returns whether the thread may have the answer: one that came in pieces has all its bytes. What ends the transport
 * from now on comes behind the answer, and leaves the call to that thread, which may be late. */
static gboolean
hand (FerryTransportPrivate *priv, const FerryCallMessage *message)
{
  FerryXidEntry *entry;
  FERRY_AUTO_LOCK (&priv->lock);

  entry = ferry_xid_table_find (&priv->asked, message->header.xid);
  if (ends_pieces (message) && !fits_pieces_locked (entry, message))
    return FALSE;
  if (entry != NULL)
    entry->is_handed = TRUE;
  return TRUE;
}

/* Whether a message is the answer, or the last part of it. Notes that the thread has it then. */
static gboolean
is_answer (gpointer data, gconstpointer bytes, gsize size)
{
  const FerryRequestWait *self = data;
  FerryTransportPrivate *priv = ferry_transport_get_private (self->transport);
  FerryCallMessage message;
  FerryCallKind kind;

  if (priv->funcs->is_begun != NULL || !ferry_call_message_parse (&message, bytes, size, NULL))
    return FALSE;
  kind = message.header.kind;
  return message.header.xid == self->wait.number &&
         (kind == FERRY_CALL_ANSWER || kind == FERRY_CALL_ERROR || kind == FERRY_CALL_REFUSE) && hand (priv, &message);
}

void
ferry_request_wait_init (FerryRequestWait *self, FerryTransport *transport, FerryCompletion *completion)
{
  self->transport = transport;
  self->wait = (FerryAnswerWait){
    .place = self->answer,
    .max_size = sizeof self->answer,
    .is_answer = is_answer,
    .take_part = take_part,
    .data = self,
    .completion = completion,
  };
}

/* Processes the answer that the thread was handed, maybe while another thread is in ferry_transport_process(). */
static void
receive_own_answer (FerryRequestWait *self)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self->transport);
  gconstpointer data = self->wait.whole != NULL ? g_bytes_get_data (self->wait.whole, NULL) : self->answer;
  FerryCallMessage message;

  /* The message was parsed before, so it is not malformed. If its value is, the asker gets that error. */
  if (!ferry_call_message_parse (&message, data, self->wait.size, NULL))
    return;
  message.whole = self->wait.whole;
  message.verdict = self->wait.verdict;
  ferry_calls_receive_answer (priv, &message, NULL);
}

void
ferry_request_wait_finish (FerryRequestWait *self, gint64 deadline, GCancellable *cancellable)
{
  request_wait_end (self, TRUE, deadline, cancellable);
  if (self->wait.size > 0)
    receive_own_answer (self);
  g_clear_pointer (&self->wait.whole, g_bytes_unref);
  ferry_completion_wait (self->wait.completion, deadline, cancellable);
}
