/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: conversation/ferry-channel.c
 *
 * A channel's end: what the other one says to it, mixed with what its owner does, in any order.
 *
 * The first byte says which end it is (1: the application's, over a link) and that the channel goes before its
 * transport (2). Then come orders, a byte each; one of them is followed by a message in two bytes of length. What goes
 * out and what is taken is compared with what the protocol allows, by books that are kept here. */

#include "config.h"

#include <string.h>

#include "conversation/ferry-channel-private.h"
#include "fuzz-end.h"
#include "fuzz.h"
#include "wire/ferry-reserved-name-private.h"

/* What came and was not taken. */
typedef struct
{
  char *text; /* (owned): the value, NULL for an error */
  guint64 xid;
} Expected;

typedef struct
{
  FerryTransport *transport; /* (owned) */
  FerryChannel *channel;     /* (owned) (nullable) */
  GCancellable *cancellable;
  guint n_room;        /* messages that may go out */
  guint n_given;       /* credits that went to the other end */
  guint64 latest;      /* number of the owner's message that went out last */
  gboolean end_sent;   /* nothing of the owner's goes behind it */
  GHashTable *answers; /* (owned): xids of what may be answered: taken, or an end */
  GQueue expected;     /* (element-type Expected) (owned) */
  guint n_came;        /* messages */
  gboolean ended;
  guint64 n_sent; /* by the owner, and numbered so */
  guint n_asked;  /* calls in GIO's manner, and how many of them returned */
  guint n_returned;
  guint n_receiving;    /* of those that did not */
  guint n_acknowledged; /* answers that came */
} Scene;

/* ---- what goes out ---- */

static gboolean
name_is (const FerryCallMessage *message, const char *name)
{
  return message->header.name_length == strlen (name) && memcmp (message->name, name, strlen (name)) == 0;
}

static void
book_request (Scene *scene, const FerryCallMessage *message)
{
  g_autoptr (GVariant) value = ferry_call_message_dup_value (message);

  g_assert_false (scene->end_sent && !name_is (message, FERRY_CHANNEL_CREDIT));
  if (name_is (message, FERRY_CHANNEL_END))
    scene->end_sent = TRUE;
  else if (name_is (message, FERRY_CHANNEL_CREDIT))
    scene->n_given += g_variant_get_uint32 (value);
  else
    {
      g_assert_cmpuint (scene->n_room--, >, 0);
      if (name_is (message, FERRY_CHANNEL_MESSAGE))
        g_assert_cmpuint (g_variant_get_uint64 (value), >, scene->latest);
      if (name_is (message, FERRY_CHANNEL_MESSAGE))
        scene->latest = g_variant_get_uint64 (value);
    }
}

static void
note_sent (const FerryCallMessage *message, gpointer data)
{
  Scene *scene = data;

  if (message->header.kind == FERRY_CALL_REQUEST)
    book_request (scene, message);
  else if (message->header.kind == FERRY_CALL_ANSWER)
    g_assert_true (g_hash_table_remove (scene->answers, &message->header.xid));
  else
    g_assert_true (message->header.kind == FERRY_CALL_REFUSE &&
                   !g_hash_table_contains (scene->answers, &message->header.xid));
}

/* ---- what comes ---- */

static void
expected_free (gpointer data)
{
  g_free (((Expected *) data)->text);
  g_free (data);
}

static void
allow_answer (Scene *scene, guint64 xid)
{
  if (xid != 0)
    g_hash_table_add (scene->answers, g_memdup2 (&xid, sizeof xid));
}

static void
take (Scene *scene, GVariant *value, GError *failure)
{
  Expected *expected = g_queue_pop_head (&scene->expected);
  g_autofree char *text = value != NULL ? g_variant_print (value, TRUE) : NULL;

  fuzz_n_accepted++;
  g_assert_nonnull (expected);
  g_assert_cmpstr (text, ==, expected->text);
  g_assert_true ((failure != NULL) == (text == NULL));
  expected_free (expected);
}

/* What the books say before the channel has seen it, since it may send at once. Returns whether it keeps the rules. */
static gboolean
book_before (Scene *scene, const FerryCallMessage *message)
{
  guint64 xid = (message->header.flags & FERRY_CALL_ONE_WAY) == 0 ? message->header.xid : 0;
  g_autoptr (GVariant) value = NULL;
  gboolean is_message;
  guint32 n = 0;

  if (message->header.kind == FERRY_CALL_ANSWER)
    scene->n_acknowledged++;
  if (message->header.kind != FERRY_CALL_REQUEST)
    return TRUE;
  is_message = name_is (message, FERRY_CHANNEL_MESSAGE) || name_is (message, FERRY_CHANNEL_FAILURE);
  if (name_is (message, FERRY_CHANNEL_END) || (is_message && scene->n_receiving > 0))
    allow_answer (scene, xid);
  if (name_is (message, FERRY_CHANNEL_END))
    return !scene->ended;
  value = ferry_call_message_dup_value (message);
  if (is_message)
    return !scene->ended && scene->n_came - scene->n_given < FERRY_CHANNEL_WINDOW &&
           (value != NULL || name_is (message, FERRY_CHANNEL_FAILURE));
  if (!name_is (message, FERRY_CHANNEL_CREDIT))
    return TRUE;
  if (value != NULL && g_variant_is_of_type (value, G_VARIANT_TYPE_UINT32))
    n = g_variant_get_uint32 (value);
  if (n == 0 || n > FERRY_CHANNEL_WINDOW - scene->n_room)
    return FALSE;
  scene->n_room += n;
  return TRUE;
}

static void
book_after (Scene *scene, const FerryCallMessage *message)
{
  gboolean is_message = name_is (message, FERRY_CHANNEL_MESSAGE);
  g_autoptr (GVariant) value = ferry_call_message_dup_value (message);
  Expected *expected;

  if (message->header.kind != FERRY_CALL_REQUEST)
    return;
  if (name_is (message, FERRY_CHANNEL_END))
    scene->ended = TRUE;
  if (!is_message && !name_is (message, FERRY_CHANNEL_FAILURE))
    return;
  expected = g_new0 (Expected, 1);
  expected->text = is_message ? g_variant_print (value, TRUE) : NULL;
  expected->xid = (message->header.flags & FERRY_CALL_ONE_WAY) == 0 ? message->header.xid : 0;
  g_queue_push_tail (&scene->expected, expected);
  scene->n_came++;
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
      g_autoptr (GError) reason = ferry_transport_dup_reason (transport);

      g_assert_error (reason, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
      return;
    }
  g_assert_true (sound);
  book_after (scene, &message);
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
    g_assert_cmpuint (scene->n_acknowledged--, >, 0);
}

static void
received_cb (GObject *channel, GAsyncResult *result, gpointer data)
{
  Scene *scene = data;
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) failure = NULL;

  scene->n_returned++;
  scene->n_receiving--;
  if (ferry_channel_receive_finish (FERRY_CHANNEL (channel), result, &value, &failure, NULL) &&
      (value != NULL || failure != NULL))
    take (scene, value, failure);
}

/* Returns whether there was a message. */
static gboolean
receive_now (Scene *scene)
{
  Expected *first = g_queue_peek_head (&scene->expected);
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) failure = NULL;
  g_autoptr (GError) error = NULL;
  gboolean good;

  if (first != NULL)
    allow_answer (scene, first->xid);
  good = ferry_channel_receive (scene->channel, 0, NULL, &value, &failure, &error);
  g_assert_true (first == NULL || good);
  if (first != NULL)
    take (scene, value, failure);
  else if (good)
    g_assert_true (value == NULL && failure == NULL && scene->ended);
  else if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT))
    g_assert_false (scene->ended);
  return first != NULL;
}

/* Where something lies there already, it is taken with this. */
static void
receive_later (Scene *scene)
{
  Expected *first = g_queue_peek_head (&scene->expected);

  if (first != NULL)
    allow_answer (scene, first->xid);
  scene->n_asked++;
  scene->n_receiving++;
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
      while (receive_now (scene))
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
  g_queue_clear_full (&scene->expected, expected_free);
  g_assert_finalize_object (scene->transport);
  g_hash_table_unref (scene->answers);
  g_object_unref (scene->cancellable);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  Scene scene = {.expected = G_QUEUE_INIT};

  if (size == 0)
    return 0;
  g_main_context_push_thread_default (context);
  scene.transport = fuzz_end_new (note_sent, &scene);
  scene.n_room = FERRY_CHANNEL_WINDOW;
  scene.answers = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  scene.channel = ferry_channel_new (scene.transport);
  scene.cancellable = g_cancellable_new ();
  if ((data[0] & 1) != 0)
    ferry_channel_take_router (scene.channel, ferry_router_new (context));
  run (&scene, context, data + 1, size - 1);
  finish (&scene, context, (data[0] & 2) != 0);
  g_main_context_pop_thread_default (context);
  return 0;
}
