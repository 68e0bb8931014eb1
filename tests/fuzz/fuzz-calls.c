/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: call/ferry-request.c, wire/ferry-call-message.c
 *
 * Messages of calls, as either end takes them. Each begins with two bytes of its length. The end that takes them has
 * asked four calls, two of them streams; it answers calls, drops them, keeps them, as their names begin. */

#include "config.h"

#include <string.h>

#include "call/ferry-transport-private.h"
#include "fuzz.h"

#define N_ASKED 4

typedef struct
{
  FerryTransport *end;
  GQueue kept;           /* (element-type FerryCall) (owned) */
  guint n_done[N_ASKED]; /* of each call */
} Scene;

typedef struct
{
  Scene *scene;
  guint index;
} Asked;

static void
read_value (GVariant *value)
{
  if (value == NULL)
    return;
  g_assert_false (g_variant_is_floating (value));
  fuzz_read_variant (value);
}

static void
take_item (gpointer data, const char *name, GVariant *value)
{
  Asked *asked = data;

  g_assert_cmpuint (asked->scene->n_done[asked->index], ==, 0);
  g_assert_true (g_utf8_validate (name, -1, NULL));
  g_assert_nonnull (value);
  read_value (value);
}

static void
take_done (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  Asked *asked = data;

  asked->scene->n_done[asked->index]++;
  g_assert_true (error == NULL || (result == NULL && g_utf8_validate (error->message, -1, NULL)));
  g_assert_true (trace == NULL || g_utf8_validate (trace, -1, NULL));
  g_assert_true (!refused || error != NULL);
  read_value (result);
}

static gboolean
check_sent (gpointer carrier, const FerryPart *parts, guint n_parts, FerryDescriptors *descriptors, GError **error)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GError) fault = NULL;
  FerryCallMessage again;

  for (guint i = 0; i < n_parts; i++)
    g_byte_array_append (bytes, parts[i].data, (guint) parts[i].size);
  ferry_call_message_parse (&again, bytes->data, bytes->len, &fault);
  g_assert_no_error (fault);
  return TRUE;
}

static const FerryCarrierFuncs carrier_funcs = {.send = check_sent};

static void
take_request (FerryTransport *self, FerryCall *call, GObject *owner)
{
  Scene *scene = ferry_transport_get_carrier (self, &carrier_funcs);
  const char *method = ferry_call_get_method (call);
  GVariant *arguments = ferry_call_get_arguments (call);
  FerryBody body;

  fuzz_n_accepted++;
  g_assert_true (g_utf8_validate (method, -1, NULL));
  g_assert_cmpint (ferry_call_get_deadline (call), >=, 0);
  read_value (arguments);
  if (ferry_call_get_body (call, &body))
    g_assert_cmpmem (body.data, body.size, g_variant_get_data (arguments), g_variant_get_size (arguments));
  if (method[0] == 'a')
    g_assert_true (ferry_call_answer (call, arguments, NULL));
  else if (method[0] == 's')
    {
      while (ferry_call_get_window (call) % 64 > 0 && ferry_call_send_item (call, g_variant_new_int32 (1), NULL))
        ;
    }
  else if (method[0] != 'd')
    g_queue_push_tail (&scene->kept, ferry_call_ref (call));
}

/* What is sent is thrown away, once it was seen to be what the other end would take. */

static void
ask (Scene *scene, Asked *asked)
{
  static const FerryAnswerFuncs funcs = {.item = take_item, .done = take_done};

  for (guint i = 0; i < N_ASKED; i++)
    {
      FerryRequest request = {
        .method = "ask", .flags = i % 2 == 0 ? 0 : FERRY_CALL_STREAM, .window = i % 2 == 0 ? 0 : 3};

      asked[i] = (Asked){scene, i};
      g_assert_cmpuint (ferry_transport_ask (scene->end, &request, &funcs, &asked[i], NULL), ==, i + 1);
    }
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  Scene scene = {.kept = G_QUEUE_INIT};
  Asked asked[N_ASKED];
  g_autoptr (GError) reason = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, "The input is over");
  gboolean sound = TRUE;

  scene.end = ferry_transport_new_for_carrier (&carrier_funcs, &scene);
  ferry_transport_take_calls (scene.end, take_request, NULL, NULL);
  ask (&scene, asked);
  for (gsize at = 0; at + 2 <= size && sound;)
    {
      gsize length = MIN ((gsize) data[at] | (gsize) data[at + 1] << 8, size - at - 2);
      g_autofree guint8 *message = g_memdup2 (data + at + 2, length);
      g_autoptr (GError) error = NULL;

      sound = ferry_transport_process (scene.end, message, length, NULL, FERRY_VALUE_UNJUDGED, &error);
      g_assert_true (sound || g_error_matches (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL));
      at += 2 + length;
    }
  ferry_transport_end (scene.end, reason);
  for (guint i = 0; i < N_ASKED; i++)
    g_assert_cmpuint (scene.n_done[i], ==, 1);
  g_queue_clear_full (&scene.kept, (GDestroyNotify) ferry_call_unref);
  g_object_unref (scene.end);
  return 0;
}
