/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: conversation/ferry-channel.c, call/ferry-request.c
 *
 * A channel's end: what the other one says to it, mixed with what its owner does, in any order.
 *
 * The first byte says which end it is (1: the application's, over a link), that the channel goes before its transport
 * (2), and that what the other end says at first comes before there is a channel (4). Then come orders, a byte each;
 * one of them is followed by a message in two bytes of length. What goes out and what is taken is compared with what
 * the protocol allows, by books that are kept here. */

#include "config.h"

#include <stdio.h>
#include <string.h>

#include "conversation/ferry-channel-private.h"
#include "fuzz-end.h"
#include "fuzz.h"

typedef struct
{
  FerryTransport *transport; /* (owned) */
  FerryChannel *channel;     /* (owned) (nullable) */
  GCancellable *cancellable;
  gint64 n_room;     /* messages that may go out */
  gint64 n_windows;  /* by how much that has grown */
  guint n_given;     /* room that went to the other end */
  guint64 latest;    /* number of the owner's message that went out last */
  gboolean end_sent; /* nothing of the owner's goes behind it */
  gboolean left;     /* it went out that the channel was dropped */
  GQueue expected;   /* (element-type char*) (owned): values that came and were not taken; empty for an error */
  guint n_came;      /* messages */
  gboolean ended;
  guint64 n_sent; /* by the owner, and numbered so */
  guint n_asked;  /* calls in GIO's manner, and how many of them returned */
  guint n_returned;
  gint64 n_acknowledged;
} Scene;

/* Whether a value is a message. Sets text to (transfer full) what is taken then. */
static gboolean
read_item (GVariant *value, char **text)
{
  g_autoptr (GVariant) inner = NULL;
  guchar mark = 0;

  if (!g_variant_is_of_type (value, G_VARIANT_TYPE ("(yv)")))
    inner = g_variant_ref (value);
  else
    g_variant_get (value, "(yv)", &mark, &inner);
  *text = mark == 2 ? g_strdup ("") : mark < 2 ? g_variant_print (inner, TRUE) : NULL;
  return *text != NULL;
}

static gboolean
is_standing (const FerryCallMessage *message)
{
  return message->header.xid == FERRY_STANDING_XID;
}

/* Whether the value, if there is one, breaks no rule. A piece has none, and that of the last piece is only joined. */
static gboolean
is_good (const FerryCallMessage *message)
{
  g_autoptr (GVariant) value = NULL;

  if (message->type_string == NULL || (message->header.kind == FERRY_CALL_ANSWER && message->header.number != 0))
    return TRUE;
  value = ferry_call_message_dup_value (message, NULL);
  return value != NULL;
}

/* ---- what goes out ---- */

static void
book_item (Scene *scene, const FerryCallMessage *message)
{
  g_autoptr (GVariant) value = ferry_call_message_dup_value (message, NULL);
  g_autofree char *text = NULL;
  guint64 number;

  g_assert_false (scene->end_sent);
  g_assert_cmpint (scene->n_room--, >, 0);
  g_assert_true (read_item (value, &text));
  if (text[0] == '\0')
    return;
  g_assert_cmpint (sscanf (text, "uint64 %" G_GUINT64_FORMAT, &number), ==, 1);
  g_assert_cmpuint (number, >, scene->latest);
  scene->latest = number;
}

static void
note_sent (const FerryCallMessage *message, gpointer data)
{
  Scene *scene = data;

  g_assert_true (is_standing (message) == (message->header.kind != FERRY_CALL_REFUSE));
  if (message->header.kind == FERRY_CALL_ITEM)
    book_item (scene, message);
  else if (message->header.kind == FERRY_CALL_ANSWER || message->header.kind == FERRY_CALL_ERROR)
    {
      g_assert_false (scene->end_sent);
      scene->end_sent = TRUE;
    }
  else if (message->header.kind == FERRY_CALL_WINDOW)
    {
      g_assert_false (scene->left);
      scene->n_given += (guint) message->header.number;
    }
  else if (message->header.kind == FERRY_CALL_CANCEL)
    {
      g_assert_false (scene->left);
      scene->left = TRUE;
    }
  else
    g_assert_cmpint (message->header.kind, ==, FERRY_CALL_REFUSE);
}

/* ---- what comes ---- */

static void
take (Scene *scene, GVariant *value, GError *failure)
{
  g_autofree char *expected = g_queue_pop_head (&scene->expected);
  g_autofree char *text = value != NULL ? g_variant_print (value, TRUE) : g_strdup ("");

  fuzz_n_accepted++;
  g_assert_nonnull (expected);
  g_assert_cmpstr (text, ==, expected);
  g_assert_true ((failure != NULL) == (value == NULL));
}

/* What the books say before the channel has seen it, since it may send at once. Returns whether it keeps the rules. */
static gboolean
book_before (Scene *scene, const FerryCallMessage *message)
{
  g_autoptr (GVariant) value = NULL;
  g_autofree char *text = NULL;

  if (!is_standing (message))
    return message->header.kind != FERRY_CALL_REQUEST || is_good (message);
  if (message->header.kind == FERRY_CALL_REQUEST)
    return FALSE;
  if (message->header.kind == FERRY_CALL_WINDOW && !scene->end_sent)
    {
      scene->n_room += message->header.number;
      scene->n_windows += message->header.number;
      return scene->n_room <= FERRY_MAX_WINDOW;
    }
  if (scene->ended)
    return TRUE;
  if (message->header.kind != FERRY_CALL_ITEM)
    return is_good (message);
  value = ferry_call_message_dup_value (message, NULL);
  return value != NULL && message->header.name_length == 0 && scene->n_came - scene->n_given < FERRY_CHANNEL_WINDOW &&
         read_item (value, &text);
}

static void
book_after (Scene *scene, const FerryCallMessage *message)
{
  g_autoptr (GVariant) value = NULL;
  char *text = NULL;

  if (!is_standing (message))
    return;
  /* Whether the last piece of an answer is all of it, the channel knows. */
  if (message->header.kind == FERRY_CALL_ANSWER && message->header.number != 0)
    g_object_get (scene->channel, "closed", &scene->ended, NULL);
  else if (message->header.kind == FERRY_CALL_ANSWER || message->header.kind == FERRY_CALL_ERROR ||
           message->header.kind == FERRY_CALL_REFUSE)
    scene->ended = TRUE;
  if (message->header.kind != FERRY_CALL_ITEM || scene->ended)
    return;
  value = ferry_call_message_dup_value (message, NULL);
  g_assert_true (read_item (value, &text));
  g_queue_push_tail (&scene->expected, text);
  scene->n_came++;
}

static void
assert_fault (FerryTransport *transport)
{
  g_autoptr (GError) reason = ferry_transport_dup_reason (transport);

  g_assert_error (reason, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
}

/* A transport that is closed takes nothing; one that is open afterwards has taken what keeps the rules. */
static void
come (Scene *scene, const guint8 *data, gsize size)
{
  FerryTransport *transport = scene->transport;
  FerryCallMessage message;
  gboolean parsed = ferry_call_message_parse (&message, data, size, NULL);
  gboolean sound;

  if (ferry_transport_get_closed (transport))
    return;
  sound = parsed && book_before (scene, &message);
  ferry_transport_receive (transport, data, size);
  if (ferry_transport_get_closed (transport))
    {
      assert_fault (transport);
      return;
    }
  g_assert_true (sound);
  book_after (scene, &message);
}

/* ---- before there is a channel ---- */

/* What is asked and given then is not of the channel. */
static gboolean
is_kept (const FerryCallMessage *message)
{
  return is_standing (message) && message->header.kind != FERRY_CALL_REQUEST &&
         message->header.kind != FERRY_CALL_WINDOW && message->header.kind != FERRY_CALL_CANCEL;
}

/* Returns how many bytes of the input were messages. kept: gets those that are to be kept. */
static gsize
come_early (Scene *scene, const guint8 *data, gsize size, GPtrArray *kept)
{
  gsize at = 0;

  while (at + 3 <= size && data[at] == 'm')
    {
      gsize length = MIN ((gsize) data[at + 1] | (gsize) data[at + 2] << 8, size - at - 3);
      g_autoptr (GByteArray) bytes = g_byte_array_append (g_byte_array_new (), data + at + 3, (guint) length);
      FerryCallMessage message;

      if (!ferry_transport_get_closed (scene->transport))
        {
          ferry_transport_receive (scene->transport, bytes->data, bytes->len);
          if (ferry_call_message_parse (&message, bytes->data, bytes->len, NULL) && is_kept (&message))
            g_ptr_array_add (kept, g_steal_pointer (&bytes));
        }
      at += 3 + length;
    }
  return at;
}

/* What was kept comes with the channel, all of it or none. */
static void
make_channel (Scene *scene, GPtrArray *kept)
{
  gboolean was_open = !ferry_transport_get_closed (scene->transport);

  scene->channel = ferry_channel_new (scene->transport);
  if (ferry_transport_get_closed (scene->transport))
    {
      if (was_open)
        assert_fault (scene->transport);
      /* Those before the one that broke a rule can be taken. */
      scene->n_came = G_MAXINT;
      return;
    }
  g_assert_cmpuint (kept->len, <=, FERRY_CHANNEL_WINDOW + 1);
  for (guint i = 0; i < kept->len; i++)
    {
      GByteArray *bytes = g_ptr_array_index (kept, i);
      FerryCallMessage message;

      g_assert_true (ferry_call_message_parse (&message, bytes->data, bytes->len, NULL));
      g_assert_true (book_before (scene, &message));
      book_after (scene, &message);
    }
}

/* ---- the owner ---- */

static GVariant *
next_number (Scene *scene)
{
  return g_variant_new_uint64 (++scene->n_sent);
}

static void
send_now (Scene *scene)
{
  g_autoptr (GError) error = NULL;
  gboolean sent = ferry_channel_send (scene->channel, next_number (scene), 0, NULL, &error);

  g_assert_true (sent == (scene->latest == scene->n_sent));
  g_assert_true (sent || g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK) ||
                 g_error_matches (error, FERRY_ERROR, FERRY_ERROR_CLOSED));
}

static void
sent_cb (GObject *channel, GAsyncResult *result, gpointer data)
{
  Scene *scene = data;

  scene->n_returned++;
  ferry_channel_send_finish (FERRY_CHANNEL (channel), result, NULL);
}

static void
acknowledged_cb (GObject *channel, GAsyncResult *result, gpointer data)
{
  Scene *scene = data;

  scene->n_returned++;
  if (ferry_channel_send_acknowledged_finish (FERRY_CHANNEL (channel), result, NULL))
    g_assert_cmpint (++scene->n_acknowledged, <=, scene->n_windows);
}

static void
received_cb (GObject *channel, GAsyncResult *result, gpointer data)
{
  Scene *scene = data;
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) failure = NULL;

  scene->n_returned++;
  if (ferry_channel_receive_finish (FERRY_CHANNEL (channel), result, &value, &failure, NULL) &&
      (value != NULL || failure != NULL))
    take (scene, value, failure);
}

/* Returns whether there was a message. */
static gboolean
receive_now (Scene *scene)
{
  gboolean is_first = scene->expected.length > 0;
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) failure = NULL;
  g_autoptr (GError) error = NULL;
  gboolean good;

  good = ferry_channel_receive (scene->channel, 0, NULL, &value, &failure, &error);
  g_assert_true (!is_first || good);
  if (is_first)
    take (scene, value, failure);
  else if (good)
    g_assert_true (value == NULL && failure == NULL && scene->ended);
  else if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT))
    g_assert_false (scene->ended);
  return is_first;
}

/* Where something lies there already, it is taken with this. */
static void
receive_later (Scene *scene)
{
  scene->n_asked++;
  ferry_channel_receive_async (scene->channel, scene->cancellable, received_cb, scene);
}

static void
raise_error (Scene *scene, gboolean as_value)
{
  g_autoptr (GError) failure = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "as it was told");

  if (as_value)
    ferry_channel_send_error (scene->channel, failure, 0, NULL, NULL);
  else
    ferry_channel_fail (scene->channel, failure);
}

static void
obey (Scene *scene, guint8 order)
{
  switch (order)
    {
    case 's':
      send_now (scene);
      break;
    case 'S':
      scene->n_asked++;
      ferry_channel_send_async (scene->channel, next_number (scene), scene->cancellable, sent_cb, scene);
      break;
    case 'A':
      scene->n_asked++;
      ferry_channel_send_acknowledged_async (scene->channel, next_number (scene), scene->cancellable, acknowledged_cb,
                                             scene);
      break;
    case 'e':
    case 'f':
      raise_error (scene, order == 'e');
      break;
    case 'c':
      ferry_channel_close (scene->channel);
      break;
    case 'r':
      receive_now (scene);
      break;
    case 'R':
      receive_later (scene);
      break;
    case 'x':
      g_cancellable_cancel (scene->cancellable);
      break;
    default:
      fuzz_end_set_full (scene->transport, order == 'b');
      break;
    }
}

/* ---- the whole ---- */

/* Callbacks run in between, so that what they say is of the order before. */
static void
settle (Scene *scene, GMainContext *context)
{
  fuzz_end_settle (context);
  if (g_cancellable_is_cancelled (scene->cancellable))
    g_cancellable_reset (scene->cancellable);
  g_assert_cmpuint (scene->n_given + scene->expected.length, <=, scene->n_came);
}

static void
run (Scene *scene, GMainContext *context, const guint8 *data, gsize size)
{
  for (gsize at = 0; at < size;)
    {
      guint8 order = data[at++];

      if (order == 'm' && at + 2 <= size)
        {
          gsize length = MIN ((gsize) data[at] | (gsize) data[at + 1] << 8, size - at - 2);
          g_autofree guint8 *message = g_memdup2 (data + at + 2, length);

          come (scene, message, length);
          at += 2 + length;
        }
      else
        obey (scene, order);
      settle (scene, context);
    }
}

static void
finish (Scene *scene, GMainContext *context, gboolean channel_first)
{
  g_autoptr (GError) reason = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, "The input is over");

  if (!channel_first)
    {
      ferry_transport_end (scene->transport, reason);
      settle (scene, context);
      while (scene->n_came != G_MAXINT && receive_now (scene))
        ;
      g_assert_cmpuint (scene->expected.length, ==, 0);
    }
  g_object_add_weak_pointer (G_OBJECT (scene->channel), (gpointer *) &scene->channel);
  g_object_unref (scene->channel);
  fuzz_end_set_full (scene->transport, FALSE);
  ferry_transport_end (scene->transport, reason);
  settle (scene, context);
  g_assert_cmpuint (scene->n_returned, ==, scene->n_asked);
  g_assert_null (scene->channel);
  g_queue_clear_full (&scene->expected, g_free);
  g_assert_finalize_object (scene->transport);
  g_object_unref (scene->cancellable);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GPtrArray) kept = g_ptr_array_new_with_free_func ((GDestroyNotify) g_byte_array_unref);
  Scene scene = {.expected = G_QUEUE_INIT, .n_room = FERRY_CHANNEL_WINDOW};
  gsize n_early;

  if (size == 0)
    return 0;
  g_main_context_push_thread_default (context);
  scene.transport = fuzz_end_new (note_sent, &scene);
  n_early = (data[0] & 4) != 0 ? come_early (&scene, data + 1, size - 1, kept) : 0;
  make_channel (&scene, kept);
  scene.cancellable = g_cancellable_new ();
  if ((data[0] & 1) != 0)
    ferry_channel_take_router (scene.channel, ferry_router_new (context));
  if (scene.n_came != G_MAXINT)
    run (&scene, context, data + 1 + n_early, size - 1 - n_early);
  finish (&scene, context, (data[0] & 2) != 0);
  g_main_context_pop_thread_default (context);
  return 0;
}
