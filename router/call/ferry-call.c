/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The end that answers: a call, from the arrival of its request to its answer or cancel, and the calls that nobody
 * takes. */

#include "config.h"

#include "call/ferry-calls-private.h"

#include <string.h>

#include "base/ferry-thread-private.h"
#include "wire/ferry-reserved-name-private.h"

/* The largest arguments in bytes that lie in the memory of their call. Larger ones have memory of their own, which is
 * freed early: a call that was dropped may wait long until its refusal is sent. */
#define MAX_OWN_SIZE 1024

/* The most calls that are kept because they came before ferry_transport_take_calls(). */
#define MAX_UNOWNED 1024

typedef enum
{
  CALL_OPEN,
  CALL_ANSWERING, /* a thread is sending the answer */
  CALL_OVER,
} CallState;

struct _FerryCall
{
  _Atomic gint references;
  FerryTransport *held;         /* (owned) (nullable): the transport, once the call was handed over; written before
                                   another thread has the call */
  FerryTransportPrivate *owner; /* const, as the next three fields */
  guint64 xid;
  gint64 deadline;
  FerryCallFlags flags;
  const char *type; /* const: (nullable): the type of the arguments, in the call's memory; NULL for none */
  FerryBody body; /* const until the call is dropped: the serialised arguments; whole: (owned) (nullable): NULL if they
                     lie in the call's memory */
  _Atomic (GVariant *) arguments; /* (owned) (nullable): set once, when the arguments are wanted as a value */
  _Atomic guint32 state;          /* a CallState */
  _Atomic guint32 window;         /* how many more items may be sent */
  _Atomic guint32 cancelled;      /* a FerryCancelReason, or 0; written with the owner's lock held */
  gsize n_sent;                   /* used by the answering thread: bytes of the answer that were sent in pieces */
  void (*cancel_func) (FerryCall *call, gpointer data); /* the owner's lock: (nullable): NULL after it was called */
  gpointer cancel_data;                                 /* the owner's lock */
  void (*window_func) (gpointer data); /* the owner's lock, as window_hold and window_data: (nullable) */
  void (*window_hold) (gpointer data);
  gpointer window_data;
  gpointer attached; /* used by the one thread that attaches, then by the one that frees the call */
  GDestroyNotify attached_destroy;
  const char *method; /* const: in the call's memory */
  _Alignas(max_align_t) guint8 space[FERRY_CALL_SPACE];
  guint8 memory[]; /* const: the arguments, the method and the type */
};

/* Copies a string of that length to memory, and sets *end to the byte after it. */
static const char *
put_string (guint8 *memory, const char *string, gsize length, guint8 **end)
{
  memcpy (memory, string, length);
  memory[length] = '\0';
  *end = memory + length + 1;
  return (const char *) memory;
}

/* The arguments are copied here, before anything of them is used. checked (nullable): their bytes, where they were
 * checked. */
static FerryCall *
call_new (FerryTransportPrivate *owner, const FerryCallMessage *message, GBytes *checked)
{
  const FerryBody body = ferry_call_message_get_body (message);
  const gboolean is_own = checked == NULL && body.size <= MAX_OWN_SIZE;
  const gsize own_size = is_own ? body.size : 0;
  FerryCall *self = g_malloc (sizeof *self + own_size + message->header.name_length + message->header.type_length + 2);
  guint8 *end = self->memory;

  memset (self, 0, sizeof *self);
  atomic_init (&self->references, 1);
  self->owner = owner;
  self->xid = message->header.xid;
  self->deadline = message->header.number;
  self->flags = message->header.flags;
  self->body = (FerryBody){end, body.size, NULL, body.verdict};
  if (is_own)
    memcpy (end, body.data, body.size);
  else
    {
      self->body.whole = checked != NULL ? g_bytes_ref (checked) : ferry_body_dup_bytes (&body);
      self->body.data = g_bytes_get_data (self->body.whole, NULL);
    }
  end += own_size;
  self->method = put_string (end, message->name, message->header.name_length, &end);
  if (message->header.type_length > 0)
    self->type = put_string (end, message->type_string, message->header.type_length, &end);
  atomic_init (&self->state, CALL_OPEN);
  atomic_init (&self->window, message->header.window);
  return self;
}

FerryCall *
ferry_call_ref (FerryCall *self)
{
  ferry_ref_count_inc (&self->references);
  return self;
}

/* Takes a reference, unless the last one is gone already. Must be called with the owner's lock held, while the call
 * is in the table, so that it is not freed. */
static gboolean
call_try_ref (FerryCall *self)
{
  gint references = atomic_load_explicit (&self->references, memory_order_relaxed);

  while (references > 0)
    {
      if (atomic_compare_exchange_weak_explicit (&self->references, &references, references + 1, memory_order_relaxed,
                                                 memory_order_relaxed))
        return TRUE;
    }
  return FALSE;
}

GPtrArray *
ferry_calls_ref_open_locked (FerryTransportPrivate *priv)
{
  GPtrArray *calls = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_call_unref);

  for (guint i = 0; i < priv->calls.n_slots; i++)
    {
      FerryXidEntry *entry = &priv->calls.slots[i];

      if (entry->xid != 0 && call_try_ref (entry->data))
        g_ptr_array_add (calls, entry->data);
    }
  return calls;
}

/* Removes the call from the table. The other end may have begun another call with the same number; that call stays. */
static void
call_leave_table_locked (FerryCall *self)
{
  FerryXidEntry *entry = ferry_xid_table_find (&self->owner->calls, self->xid);

  if (entry == NULL || entry->data != self)
    return;
  ferry_xid_table_remove (&self->owner->calls, self->xid, NULL);
  self->owner->calls_size -= self->body.size;
}

/* For a call without references: frees the arguments that have memory of their own. */
static void
clear_arguments (FerryCall *self)
{
  /* Relaxed: no other thread has a reference. */
  GVariant *arguments = atomic_load_explicit (&self->arguments, memory_order_relaxed);

  atomic_store_explicit (&self->arguments, NULL, memory_order_relaxed);
  g_clear_pointer (&arguments, g_variant_unref);
  g_clear_pointer (&self->body.whole, g_bytes_unref);
}

/* any: Frees a call that has no references and is not in the table. */
static void
call_free (FerryCall *self)
{
  clear_arguments (self);
  if (self->attached_destroy != NULL)
    self->attached_destroy (self->attached);
  g_free (self);
}

void
ferry_call_drop (FerryCall *self)
{
  FERRY_AUTO_LOCK (&self->owner->lock);
  /* Relaxed: the lock guards everything that depends on the state. */
  atomic_store_explicit (&self->state, CALL_OVER, memory_order_relaxed);
  self->cancel_func = NULL;
  call_leave_table_locked (self);
}

static gboolean
send_refusal (FerryTransportPrivate *priv, guint64 xid, const GError *reason, GError **error)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (ferry_error_to_variant (reason, NULL, NULL));
  FerryCallMessage message;

  ferry_call_message_init (&message, FERRY_CALL_REFUSE, xid, NULL, value);
  return ferry_calls_send (priv, &message, error);
}

/* Refuses a dropped call, unless there is no room. */
static gboolean
refuse_dropped (gpointer data)
{
  FerryCall *self = data;
  g_autoptr (GError) reason = NULL;
  g_autoptr (GError) failure = NULL;

  /* Checked first, as the other end may leave thousands of dropped calls when the link ends. */
  if (!ferry_calls_is_closed (self->owner))
    {
      reason = g_error_new (FERRY_ERROR, FERRY_ERROR_REFUSED,
                            "The call of '%s' was dropped without an answer; ask again later",
                            ferry_name_in_words (self->method));
      if (!send_refusal (self->owner, self->xid, reason, &failure) &&
          g_error_matches (failure, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
        return FALSE;
    }
  ferry_call_drop (self);
  ferry_call_unref (self);
  return TRUE;
}

/* For a call without references that has no answer. */
static void
drop_unanswered (FerryCall *self)
{
  FerryTransportPrivate *owner = self->owner;
  const guint64 count = ferry_transport_get_room_count (owner->self);

  /* The new reference is for sending the refusal. In this state its unref does not refuse again. */
  pthread_mutex_lock (&owner->lock);
  self->cancel_func = NULL;
  atomic_store_explicit (&self->state, CALL_ANSWERING, memory_order_relaxed);
  atomic_store_explicit (&self->references, 1, memory_order_relaxed);
  /* The refusal may wait long for room, and the arguments may be large, so they are freed now. */
  owner->calls_size -= self->body.size;
  self->body.size = 0;
  pthread_mutex_unlock (&owner->lock);
  clear_arguments (self);
  if (!refuse_dropped (self))
    ferry_transport_send_later (owner->self, refuse_dropped, self, count);
}

void
ferry_call_unref (FerryCall *self)
{
  FerryTransport *held;

  if (!ferry_ref_count_dec (&self->references))
    return;
  held = g_steal_pointer (&self->held);
  /* Relaxed: only a thread with a reference changes the state. */
  switch (atomic_load_explicit (&self->state, memory_order_relaxed))
    {
    case CALL_OPEN:
      if ((self->flags & FERRY_CALL_ONE_WAY) == 0)
        {
          drop_unanswered (self);
          break;
        }
      G_GNUC_FALLTHROUGH;
    case CALL_ANSWERING:
      ferry_call_drop (self);
      G_GNUC_FALLTHROUGH;
    default:
      /* It has left the table. */
      call_free (self);
    }
  if (held == NULL)
    return;
  ferry_hand_over (held);
  g_object_unref (held);
}

FerryTransport *
ferry_call_get_transport (FerryCall *self)
{
  return self->held;
}

guint64
ferry_call_get_xid (FerryCall *self)
{
  return self->xid;
}

const char *
ferry_call_get_method (FerryCall *self)
{
  return self->method;
}

GVariant *
ferry_call_get_arguments (FerryCall *self)
{
  /* Acquire, here and below: sees the value that another thread made and released. */
  GVariant *present = atomic_load_explicit (&self->arguments, memory_order_acquire);
  g_autoptr (GVariant) made = NULL;
  g_autoptr (GBytes) bytes = NULL;

  if (present != NULL || self->type == NULL)
    return present;
  bytes = self->body.whole != NULL ? g_bytes_ref (self->body.whole) : ferry_body_dup_bytes (&self->body);
  made = g_variant_ref_sink (g_variant_new_from_bytes ((const GVariantType *) self->type, bytes,
                                                       ferry_layout_is_checked (self->type, strlen (self->type))));
  ferry_known_types_add (made);
  if (!atomic_compare_exchange_strong_explicit (&self->arguments, &present, made, memory_order_acq_rel,
                                                memory_order_acquire))
    return present;
  return g_steal_pointer (&made);
}

gboolean
ferry_call_get_body (FerryCall *self, FerryBody *body)
{
  if (self->type == NULL || !g_str_equal (self->type, FERRY_CALL_BYTES_TYPE))
    return FALSE;
  if (body != NULL)
    *body = self->body;
  return TRUE;
}

gsize
ferry_call_get_size (FerryCall *self)
{
  return self->body.size;
}

gpointer
ferry_call_get_space (FerryCall *self)
{
  return self->space;
}

gint64
ferry_call_get_deadline (FerryCall *self)
{
  return self->deadline;
}

FerryCallFlags
ferry_call_get_flags (FerryCall *self)
{
  return self->flags;
}

/* ---- cancelling ---- */

guint
ferry_call_get_cancelled (FerryCall *self)
{
  /* Relaxed: the word orders no other memory. */
  return atomic_load_explicit (&self->cancelled, memory_order_relaxed);
}

void
ferry_call_cancel (FerryCall *self, FerryCancelReason reason)
{
  void (*func) (FerryCall * call, gpointer data) = NULL;
  gpointer data = NULL;

  pthread_mutex_lock (&self->owner->lock);
  if (atomic_load_explicit (&self->cancelled, memory_order_relaxed) == 0 &&
      atomic_load_explicit (&self->state, memory_order_relaxed) != CALL_OVER)
    {
      atomic_store_explicit (&self->cancelled, reason, memory_order_relaxed);
      func = g_steal_pointer (&self->cancel_func);
      data = self->cancel_data;
    }
  pthread_mutex_unlock (&self->owner->lock);
  if (func != NULL)
    func (self, data);
}

void
ferry_call_set_cancel_func (FerryCall *self, void (*func) (FerryCall *call, gpointer data), gpointer data)
{
  gboolean cancelled;

  pthread_mutex_lock (&self->owner->lock);
  cancelled = atomic_load_explicit (&self->cancelled, memory_order_relaxed) != 0;
  self->cancel_func = cancelled ? NULL : func;
  self->cancel_data = data;
  pthread_mutex_unlock (&self->owner->lock);
  if (cancelled && func != NULL)
    func (self, data);
}

void
ferry_call_attach (FerryCall *self, gpointer data, GDestroyNotify destroy)
{
  g_assert (self->attached_destroy == NULL);
  self->attached = data;
  self->attached_destroy = destroy;
}

gpointer
ferry_call_get_attached (FerryCall *self)
{
  return self->attached;
}

/* ---- answering ---- */

/* Sends a large answer whole, or in pieces with messages of other calls between them. If there is no room for the
 * next piece, the next call of this function continues with that piece. */
static gboolean
call_send_large (FerryCall *self, const FerryCallMessage *answer, GError **error)
{
  FerryTransportPrivate *owner = self->owner;
  FerryPart parts[FERRY_CALL_MAX_PARTS];
  guint64 max_answer;

  pthread_mutex_lock (&owner->lock);
  max_answer = owner->max_answer;
  pthread_mutex_unlock (&owner->lock);
  if (answer->body_size > max_answer)
    return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                            "The answer to '%s' has %" G_GSIZE_FORMAT
                            " bytes, and the transport accepts %" G_GUINT64_FORMAT
                            "; send it as items of a stream, or raise max-message-size",
                            ferry_name_in_words (self->method), answer->body_size, max_answer);
  if (self->n_sent == 0 && owner->funcs->send_in_buffer != NULL && !ferry_calls_is_closed (owner) &&
      owner->funcs->send_in_buffer (owner->carrier, parts, ferry_call_message_get_parts (answer, parts)))
    return TRUE;
  for (;;)
    {
      FerryCallMessage message = *answer;

      ferry_call_message_cut (&message, self->n_sent);
      if (!ferry_calls_send (owner, &message, error))
        return FALSE;
      self->n_sent += message.body_size;
      if (message.header.kind == FERRY_CALL_ANSWER)
        return TRUE;
    }
}

static gboolean
call_send_end (FerryCall *self, FerryCallKind kind, GVariant *value, const FerryPart *packed, GError **error)
{
  FerryCallMessage message;

  if ((self->flags & FERRY_CALL_ONE_WAY) != 0)
    return TRUE;
  if (!ferry_call_message_check (NULL, value, error))
    return FALSE;
  ferry_call_message_init (&message, kind, self->xid, NULL, value);
  if (packed != NULL)
    ferry_call_message_set_bytes (&message, packed->data, packed->size);
  if (kind == FERRY_CALL_ANSWER && message.body_size > self->owner->piece_size)
    return call_send_large (self, &message, error);
  return ferry_calls_send (self->owner, &message, error);
}

/* Sends the end of a call: a value, or an array of bytes if packed (nullable) is set. */
static gboolean
call_end (FerryCall *self, FerryCallKind kind, GVariant *value, const FerryPart *packed, GError **error)
{
  guint32 state = CALL_OPEN;

  /* Relaxed: this only decides which thread may answer, and publishes no other memory. */
  if (!atomic_compare_exchange_strong_explicit (&self->state, &state, CALL_ANSWERING, memory_order_relaxed,
                                                memory_order_relaxed))
    {
      ferry_critical ("The call of '%s' was answered already; answer each call once",
                      ferry_name_in_words (self->method));
      return FALSE;
    }
  if (!call_send_end (self, kind, value, packed, error))
    {
      atomic_store_explicit (&self->state, CALL_OPEN, memory_order_relaxed);
      return FALSE;
    }
  ferry_call_drop (self);
  return TRUE;
}

gboolean
ferry_call_answer (FerryCall *self, GVariant *result, GError **error)
{
  g_autoptr (GVariant) taken G_GNUC_UNUSED = ferry_variant_take_floating (result);

  return call_end (self, FERRY_CALL_ANSWER, result, NULL, error);
}

gboolean
ferry_call_answer_packed (FerryCall *self, const FerryPart *packed, GError **error)
{
  return call_end (self, FERRY_CALL_ANSWER, NULL, packed, error);
}

gboolean
ferry_call_answer_error (FerryCall *self, const GError *failure, const char *trace, const char *const *notes,
                         GError **error)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (ferry_error_to_variant (failure, trace, notes));

  return call_end (self, FERRY_CALL_ERROR, value, NULL, error);
}

gboolean
ferry_call_refuse (FerryCall *self, const GError *reason, GError **error)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (ferry_error_to_variant (reason, NULL, NULL));

  return call_end (self, FERRY_CALL_REFUSE, value, NULL, error);
}

/* ---- values before the answer ---- */

guint
ferry_call_get_window (FerryCall *self)
{
  /* Relaxed, as for all accesses to the window: it is a count and orders no other memory. */
  return atomic_load_explicit (&self->window, memory_order_relaxed);
}

/* Receiving thread, so one at a time: Adds n to the window. Returns FALSE if the window would become too large, or the
 * call has no stream. */
static gboolean
call_add_window (FerryCall *self, guint n)
{
  if ((self->flags & FERRY_CALL_STREAM) == 0 || n > FERRY_MAX_WINDOW - ferry_call_get_window (self))
    return FALSE;
  atomic_fetch_add_explicit (&self->window, n, memory_order_relaxed);
  return TRUE;
}

static void
call_note_window (FerryCall *self)
{
  void (*func) (gpointer data);
  gpointer data;

  pthread_mutex_lock (&self->owner->lock);
  func = self->window_func;
  data = self->window_data;
  if (func != NULL)
    self->window_hold (data);
  pthread_mutex_unlock (&self->owner->lock);
  if (func != NULL)
    func (data);
}

void
ferry_call_set_window_func (FerryCall *self, void (*func) (gpointer data), void (*hold) (gpointer data), gpointer data)
{
  FERRY_AUTO_LOCK (&self->owner->lock);
  self->window_func = func;
  self->window_hold = hold;
  self->window_data = data;
}

static gboolean
call_take_window (FerryCall *self, GError **error)
{
  guint32 window = ferry_call_get_window (self);

  do
    {
      if (window == 0)
        return ferry_set_error (
          error, FERRY_ERROR_WOULD_BLOCK,
          "The window of the stream of '%s' is used up; wait until the other end accepts more items",
          ferry_name_in_words (self->method));
    }
  while (!atomic_compare_exchange_weak_explicit (&self->window, &window, window - 1, memory_order_relaxed,
                                                 memory_order_relaxed));
  return TRUE;
}

static gboolean
call_send_value (FerryCall *self, const char *name, GVariant *value, GError **error)
{
  FerryCallMessage message;

  if (atomic_load_explicit (&self->state, memory_order_relaxed) == CALL_OVER)
    return ferry_set_error (error, FERRY_ERROR_CLOSED,
                            "The call of '%s' was answered already; send items before the answer",
                            ferry_name_in_words (self->method));
  if (!ferry_call_message_check (name, value, error))
    return FALSE;
  ferry_call_message_init (&message, FERRY_CALL_ITEM, self->xid, name, value);
  return ferry_calls_send (self->owner, &message, error);
}

gboolean
ferry_call_send_item (FerryCall *self, GVariant *value, GError **error)
{
  g_autoptr (GVariant) taken G_GNUC_UNUSED = ferry_variant_take_floating (value);

  if ((self->flags & FERRY_CALL_STREAM) == 0)
    return TRUE;
  if (!call_take_window (self, error))
    return FALSE;
  if (call_send_value (self, NULL, value, error))
    return TRUE;
  atomic_fetch_add_explicit (&self->window, 1, memory_order_relaxed);
  return FALSE;
}

gboolean
ferry_call_send_value (FerryCall *self, const char *name, GVariant *value, GError **error)
{
  g_autoptr (GVariant) taken G_GNUC_UNUSED = ferry_variant_take_floating (value);

  g_assert (name != NULL);
  if ((self->flags & FERRY_CALL_ONE_WAY) != 0)
    return TRUE;
  return call_send_value (self, name, value, error);
}

/* ---- receiving requests, windows and cancels ---- */

/* Refuses a request for which no call was made. Returns FALSE with an error if there is no room for the refusal. */
static gboolean
refuse_request (FerryTransportPrivate *priv, const FerryCallMessage *message, const char *why, GError **error)
{
  g_autoptr (GError) reason = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_REFUSED, why);
  g_autoptr (GError) failure = NULL;

  if ((message->header.flags & FERRY_CALL_ONE_WAY) != 0 || send_refusal (priv, message->header.xid, reason, &failure) ||
      !g_error_matches (failure, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
    return TRUE;
  /* Keeping such refusals for later would need unlimited memory. */
  return ferry_set_error (error, FERRY_ERROR_PROTOCOL, "The other end sends more requests than can be refused: %s",
                          why);
}

/* Whom a new call goes to: the owner of the calls, where there is one. */
typedef struct
{
  FerryTransportCallFunc func; /* (nullable) */
  GObject *owner;              /* (owned) (nullable) */
  GError *refusal;             /* (owned) (nullable): why there is none, and the call does not wait for one */
} Recipient;

static void
choose_recipient_locked (FerryTransportPrivate *priv, FerryCall *call, Recipient *recipient)
{
  if (priv->call_func != NULL)
    {
      recipient->func = priv->call_func;
      recipient->owner = priv->call_owner != NULL ? g_object_ref (priv->call_owner) : NULL;
    }
  else if (priv->refusal != NULL)
    recipient->refusal = ferry_error_copy (priv->refusal);
  else if (priv->unowned.length < MAX_UNOWNED && priv->reason == NULL)
    g_queue_push_tail (&priv->unowned, ferry_call_ref (call));
  else
    recipient->refusal = g_error_new_literal (
      FERRY_ERROR, FERRY_ERROR_REFUSED,
      "The other end does not answer requests yet, and too many requests wait there; ask again later");
}

/* Adds the call to the table. Returns FALSE, and sets error, or sets why to the reason for a refusal. */
static gboolean
admit (FerryTransportPrivate *priv, FerryCall *call, Recipient *recipient, const char **why, GError **error)
{
  FerryXidEntry early;
  FERRY_AUTO_LOCK (&priv->lock);

  if (ferry_xid_table_find (&priv->calls, call->xid) != NULL || call->xid == FERRY_STANDING_XID)
    return ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                            "Call %" G_GUINT64_FORMAT " is asked twice; use each number once", call->xid);
  priv->highest_call = MAX (priv->highest_call, call->xid);
  if (priv->calls.n_entries >= FERRY_MAX_OPEN_CALLS)
    *why = "Too many calls are open; wait for answers first";
  else if (priv->calls.n_entries > 0 && call->body.size > priv->max_open_bytes - priv->calls_size)
    *why = "The arguments of open calls are too large together; wait for answers first";
  if (*why != NULL)
    return FALSE;
  ferry_xid_table_add (&priv->calls, call->xid)->data = call;
  priv->calls_size += call->body.size;
  /* Relaxed: no other thread has the call yet. */
  if (ferry_xid_table_remove (&priv->early, call->xid, &early))
    atomic_store_explicit (&call->cancelled, early.flags, memory_order_relaxed);
  choose_recipient_locked (priv, call, recipient);
  return TRUE;
}

static void
hand_over_call (FerryCall *call, FerryTransportCallFunc func, GObject *owner)
{
  call->held = g_object_ref (call->owner->self);
  func (call->held, call, owner);
}

gboolean
ferry_calls_receive_request (FerryTransportPrivate *priv, const FerryCallMessage *message, GError **error)
{
  g_autoptr (GBytes) checked = message->is_checked ? ferry_call_message_dup_checked (message, error) : NULL;
  Recipient recipient = {0};
  const char *why = NULL;
  FerryCall *call;

  if (message->is_checked && checked == NULL)
    return FALSE;
  call = call_new (priv, message, checked);
  if (!admit (priv, call, &recipient, &why, error))
    {
      call_free (call);
      return why != NULL && refuse_request (priv, message, why, error);
    }
  if (recipient.func != NULL)
    hand_over_call (call, recipient.func, recipient.owner);
  else if (recipient.refusal != NULL)
    ferry_call_refuse (call, recipient.refusal, NULL);
  if (recipient.owner != NULL)
    ferry_hand_over (recipient.owner);
  g_clear_object (&recipient.owner);
  g_clear_error (&recipient.refusal);
  ferry_call_unref (call);
  return TRUE;
}

static FerryCall *
find_call (FerryTransportPrivate *priv, guint64 xid)
{
  FerryXidEntry *entry;
  FERRY_AUTO_LOCK (&priv->lock);

  entry = ferry_xid_table_find (&priv->calls, xid);
  return entry != NULL && call_try_ref (entry->data) ? entry->data : NULL;
}

/* Processes a WINDOW message. A window for a call that is over comes late, which breaks no rule. */
gboolean
ferry_calls_receive_window (FerryTransportPrivate *priv, const FerryCallMessage *message, GError **error)
{
  g_autoptr (FerryCall) call = find_call (priv, message->header.xid);

  if (call == NULL || call_add_window (call, (guint) message->header.number))
    {
      ferry_transport_wake_waiting (priv->self);
      if (call != NULL)
        call_note_window (call);
      return TRUE;
    }
  return ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                          "Call %" G_GUINT64_FORMAT
                          " has a window that is too large, or no stream; use the same version of Ferry at both ends",
                          message->header.xid);
}

static void
remember_early_locked (FerryTransportPrivate *priv, guint64 xid, FerryCancelReason reason)
{
  if (ferry_xid_table_find (&priv->early, xid) != NULL)
    return;
  if (priv->early_ring == NULL)
    priv->early_ring = g_new0 (guint64, FERRY_MAX_EARLY_CANCELS);
  ferry_xid_table_remove (&priv->early, priv->early_ring[priv->early_next], NULL);
  priv->early_ring[priv->early_next] = xid;
  priv->early_next = (priv->early_next + 1) % FERRY_MAX_EARLY_CANCELS;
  ferry_xid_table_add (&priv->early, xid)->flags = reason;
}

void
ferry_transport_receive_cancel (FerryTransport *self, guint64 xid, guint16 reason)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);
  g_autoptr (FerryCall) call = NULL;

  /* An unknown reason may come from a later version, and is still a cancel. */
  if (reason != FERRY_CANCEL_REASON_DEADLINE)
    reason = FERRY_CANCEL_REASON_CANCELLED;
  pthread_mutex_lock (&priv->lock);
  if (xid > priv->highest_call && priv->reason == NULL)
    remember_early_locked (priv, xid, reason);
  pthread_mutex_unlock (&priv->lock);
  call = find_call (priv, xid);
  if (call != NULL)
    ferry_call_cancel (call, reason);
  ferry_transport_wake_waiting (self);
}

/* ---- the owner of the calls ---- */

static gboolean
check_no_calls (gboolean is_free, GError **error)
{
  return is_free ||
         ferry_set_error (
           error, FERRY_ERROR_ALREADY_RUNNING,
           "The calls of this transport have an owner already; stop that one first, or use another transport");
}

gboolean
ferry_transport_check_no_calls (FerryTransport *self, GError **error)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);
  FERRY_AUTO_LOCK (&priv->lock);

  return check_no_calls (priv->call_func == NULL, error);
}

gboolean
ferry_transport_take_calls (FerryTransport *self, FerryTransportCallFunc func, GObject *owner, GError **error)
{
  /* Kept while this function runs, as func may drop the other references. */
  g_autoptr (FerryTransport) kept G_GNUC_UNUSED = g_object_ref (self);
  FerryTransportPrivate *priv = ferry_transport_get_private (self);
  FerryCall *call;
  gboolean taken;

  pthread_mutex_lock (&priv->lock);
  taken = priv->call_func == NULL;
  /* Calls that waited come first. Requests that arrive meanwhile are queued behind them. */
  while (taken && (call = g_queue_pop_head (&priv->unowned)) != NULL)
    {
      pthread_mutex_unlock (&priv->lock);
      hand_over_call (call, func, owner);
      ferry_call_unref (call);
      pthread_mutex_lock (&priv->lock);
      taken = priv->call_func == NULL;
    }
  if (taken)
    {
      priv->call_func = func;
      priv->call_owner = owner;
      g_clear_error (&priv->refusal);
    }
  pthread_mutex_unlock (&priv->lock);
  return check_no_calls (taken, error);
}

void
ferry_transport_leave_calls (FerryTransport *self, const GError *reason)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);
  FerryCall *call;
  GQueue unowned;

  pthread_mutex_lock (&priv->lock);
  priv->call_func = NULL;
  priv->call_owner = NULL;
  g_clear_error (&priv->refusal);
  priv->refusal = ferry_error_copy (reason);
  unowned = priv->unowned;
  g_queue_init (&priv->unowned);
  pthread_mutex_unlock (&priv->lock);
  while ((call = g_queue_pop_head (&unowned)) != NULL)
    {
      ferry_call_refuse (call, reason, NULL);
      ferry_call_unref (call);
    }
}

/* ---- the standing call ---- */

FerryCall *
ferry_transport_stand (FerryTransport *self, const char *method, const FerryAnswerFuncs *funcs, gpointer data)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);
  g_autoptr (GError) reason = NULL;
  FerryCallMessage message;
  FerryXidEntry *entry;
  FerryXidEntry early = {0};
  FerryCall *call;

  ferry_call_message_init (&message, FERRY_CALL_REQUEST, FERRY_STANDING_XID, method, NULL);
  message.header.flags = FERRY_CALL_STREAM;
  message.header.window = FERRY_STANDING_WINDOW;
  call = call_new (priv, &message, NULL);
  pthread_mutex_lock (&priv->lock);
  if (priv->standing_asked)
    {
      pthread_mutex_unlock (&priv->lock);
      call_free (call);
      return NULL;
    }
  call->held = g_object_ref (self);
  priv->standing_asked = TRUE;
  reason = priv->reason != NULL ? ferry_error_copy (priv->reason) : NULL;
  if (reason == NULL)
    {
      entry = ferry_xid_table_add (&priv->asked, FERRY_STANDING_XID);
      entry->funcs = funcs;
      entry->data = data;
      entry->window = FERRY_STANDING_WINDOW;
      entry->flags = FERRY_CALL_STREAM;
      ferry_xid_table_add (&priv->calls, FERRY_STANDING_XID)->data = call;
      ferry_xid_table_remove (&priv->early, FERRY_STANDING_XID, &early);
    }
  else
    early.flags = FERRY_CANCEL_REASON_CANCELLED;
  /* Relaxed: no other thread has the call yet. */
  atomic_store_explicit (&call->cancelled, early.flags, memory_order_relaxed);
  pthread_mutex_unlock (&priv->lock);
  if (reason != NULL)
    funcs->done (data, NULL, reason, NULL, FALSE);
  return call;
}
