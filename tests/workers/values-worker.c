/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker that answers with large values, sound and broken ones, by the transport "a": values-worker serve
 *
 * A request names a kind of value: strings, fewer of them, broken, deepest, too-deep, dictionary, variants. Its
 * argument is "whole" or "pieces". The method of an object gets the value as an object's result does, packed, and any
 * other one gets it as it is. Nothing is checked before it is sent.
 *
 *   ask        calls the function "take" of the application's object "list", with strings, and answers what that did
 *   send       sends strings, and then bytes, by the sender "out"
 *   scribble   writes into all of its memory that the application has as well, without end, and answers
 */

#include <ferry-conversations.h>
#include <string.h>

#include "call/forge.h"
#include "link/ferry-uplink-private.h"
#include "route/ferry-sender-private.h"
#include "wire/ferry-object-message-private.h"

#define N_VALUES 1000000
#define N_SENT 100000
/* In bytes. More than all that is sent by buffers. */
#define SCRIBBLED ((gsize) 32 * 1024 * 1024)

static FerrySender *sender;

/* Returns (transfer floating). */
static GVariant *
make_strings (guint n)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_STRING_ARRAY);
  for (guint i = 0; i < n; i++)
    {
      char name[32];

      g_snprintf (name, sizeof name, "pictures/%u.jpeg", i);
      g_variant_builder_add (&builder, "s", name);
    }
  return g_variant_builder_end (&builder);
}

/* The last of the strings has no text. */
static GVariant *
make_broken (void)
{
  g_autoptr (GVariant) sound = g_variant_ref_sink (make_strings (N_VALUES));
  const gsize size = g_variant_get_size (sound);
  guint8 *data = g_memdup2 (g_variant_get_data (sound), size);

  *(guint8 *) memrchr (data, 'j', size) = 0xff;
  return g_variant_new_from_data (G_VARIANT_TYPE_STRING_ARRAY, data, size, FALSE, g_free, data);
}

/* An array of variants, of which the last has others in it, so that the whole has that many levels. */
static GVariant *
make_variants (guint levels)
{
  GVariant *inner = g_variant_new_int32 (-1);
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("av"));
  for (guint i = 0; i < N_VALUES - 1; i++)
    g_variant_builder_add (&builder, "v", g_variant_new_int32 ((gint32) i));
  for (guint i = 2; i < levels; i++)
    inner = g_variant_new_variant (inner);
  g_variant_builder_add (&builder, "v", inner);
  return g_variant_builder_end (&builder);
}

static GVariant *
make_dictionary (void)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  for (guint i = 0; i < N_VALUES; i++)
    {
      char name[32];

      g_snprintf (name, sizeof name, "%u", i);
      g_variant_builder_add (&builder, "{sv}", name, g_variant_new_int32 ((gint32) i));
    }
  return g_variant_builder_end (&builder);
}

static GVariant *
make_value (const char *kind)
{
  if (g_str_equal (kind, "strings"))
    return make_strings (N_VALUES);
  if (g_str_equal (kind, "fewer"))
    return make_strings (N_SENT);
  if (g_str_equal (kind, "broken"))
    return make_broken ();
  if (g_str_equal (kind, "deepest"))
    return make_variants (64);
  if (g_str_equal (kind, "too-deep"))
    return make_variants (65);
  if (g_str_equal (kind, "dictionary"))
    return make_dictionary ();
  g_assert_cmpstr (kind, ==, "variants");
  return make_variants (2);
}

/* Returns (transfer full). The latest value is kept, since it takes long to make. */
static GVariant *
get_value (const char *kind)
{
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  static char *latest_kind;
  static GVariant *latest;
  FERRY_AUTO_LOCK (&lock);

  if (g_strcmp0 (latest_kind, kind) != 0)
    {
      g_clear_pointer (&latest, g_variant_unref);
      g_free (latest_kind);
      latest_kind = g_strdup (kind);
      latest = g_variant_ref_sink (make_value (kind));
    }
  return g_variant_ref (latest);
}

/* ---- answering ---- */

static void
forge_answer (FerryTransport *transport, const FerryCallMessage *whole, gboolean in_pieces)
{
  for (gsize offset = 0; in_pieces && offset < whole->body_size; offset += FERRY_CALL_PIECE_SIZE)
    {
      FerryCallMessage piece = *whole;

      ferry_call_message_cut (&piece, offset);
      g_assert_true (forge_message (transport, &piece));
    }
  if (!in_pieces)
    g_assert_true (forge_message (transport, whole));
}

/* packed: as the result of a chain. */
static void
answer_with (FerryCall *call, const char *kind, const char *way, gboolean packed)
{
  g_autoptr (GVariant) value = get_value (kind);
  const FerryChainResult result = {.value = value};
  g_autofree guint8 *bytes = NULL;
  FerryCallMessage message;
  gsize size;

  ferry_call_message_init (&message, FERRY_CALL_ANSWER, ferry_call_get_xid (call), NULL, packed ? NULL : value);
  if (packed)
    {
      bytes = ferry_chain_result_pack (&result, NULL, 0, &size);
      ferry_call_message_set_bytes (&message, bytes, size);
    }
  forge_answer (ferry_call_get_transport (call), &message, g_str_equal (way, "pieces"));
  ferry_call_drop (call);
}

static void
answer (FerryCall *call)
{
  g_assert_true (ferry_call_answer (call, NULL, NULL));
}

/* ---- asking the application's object ---- */

static void
asked (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  FerryCall *call = data;

  if (error != NULL)
    g_assert_true (ferry_call_answer_error (call, error, NULL, NULL, NULL));
  else
    answer (call);
  ferry_call_unref (call);
}

static void
ask (FerryCall *call)
{
  static const FerryAnswerFuncs funcs = {.done = asked};
  g_autoptr (GVariant) argument = g_variant_ref_sink (g_variant_new ("(@as)", make_strings (N_VALUES)));
  FerryStep step = {FERRY_STEP_PASS, "take", argument};
  const FerryChainRequest chain = {.root = {.name = "list"}, .n_steps = 1, .steps = &step};
  FerryRequest request = {.method = FERRY_OBJECT_METHOD_VIEW, .waits = TRUE};
  g_autofree guint8 *packed = ferry_chain_request_pack (&chain, NULL, 0, &request.packed.size);

  request.packed.data = packed;
  g_assert_cmpuint (
    ferry_transport_ask (ferry_call_get_transport (call), &request, &funcs, ferry_call_ref (call), NULL), !=, 0);
}

/* ---- shared memory ---- */

static void
send_values (FerryCall *call)
{
  g_autofree guint8 *zeros = g_malloc0 (1024 * 1024);

  g_assert_true (ferry_sender_send (sender, make_strings (N_SENT), NULL));
  g_assert_true (ferry_sender_send_bytes (sender, zeros, 1024 * 1024, NULL));
  answer (call);
}

static gpointer
write_without_end (gpointer memory)
{
  for (guint8 byte = 1;; byte++)
    memset (memory, byte, SCRIBBLED);
  return NULL;
}

static void
scribble (FerryCall *call)
{
  guint8 *memory = ferry_sender_get_uplink (sender)->arena->arena->memory;

  g_thread_unref (g_thread_new ("scribbler", write_without_end, memory));
  answer (call);
}

/* ---- requests ---- */

static void
answer_chain (FerryCall *call)
{
  FerryChainRequest chain;
  FerryBody body;
  g_autoptr (GBytes) packed = NULL;
  const char *way;

  g_assert_true (ferry_call_get_body (call, &body));
  packed = ferry_body_dup_bytes (&body);
  g_assert_true (ferry_chain_request_take (&chain, packed, body.verdict, NULL));
  g_variant_get (chain.steps[0].argument, "(&s)", &way);
  answer_with (call, chain.steps[0].name, way, TRUE);
  ferry_chain_request_clear (&chain);
}

static gpointer
handle (gpointer data)
{
  g_autoptr (FerryCall) call = data;
  const char *method = ferry_call_get_method (call);

  if (g_str_equal (method, FERRY_OBJECT_METHOD_VIEW))
    answer_chain (call);
  else if (g_str_equal (method, "ask"))
    ask (call);
  else if (g_str_equal (method, "send"))
    send_values (call);
  else if (g_str_equal (method, "scribble"))
    scribble (call);
  else
    answer_with (call, method, g_variant_get_string (ferry_call_get_arguments (call), NULL), FALSE);
  return NULL;
}

/* Each on a thread of its own, which may wait for room. */
static void
call_came (FerryTransport *transport, FerryCall *call, GObject *owner)
{
  if (g_str_equal (ferry_call_get_method (call), FERRY_OBJECT_METHOD_WATCH))
    g_assert_true (ferry_call_send_item (ferry_call_ref (call), g_variant_new ("(bt)", TRUE, (guint64) 7), NULL));
  else if (g_str_equal (ferry_call_get_method (call), FERRY_OBJECT_METHOD_RELEASE))
    ferry_call_drop (call);
  else
    g_thread_unref (g_thread_new ("answer", handle, ferry_call_ref (call)));
}

int
main (int argc, char **argv)
{
  g_autoptr (FerryTransport) transport = ferry_worker_get_transport ("a", NULL);

  g_assert_nonnull (transport);
  sender = ferry_worker_get_sender ("out", NULL);
  g_assert_true (sender == NULL || ferry_sender_start (sender, NULL));
  g_assert_true (ferry_transport_take_calls (transport, call_came, NULL, NULL));
  ferry_transport_wait_closed (transport);
  return 0;
}
