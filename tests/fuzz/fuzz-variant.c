/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: route/ferry-dispatch.c, wire/ferry-depth.c
 *
 * A variant as a receiver gets it, whole: any type, which two bytes of length precede, and any bytes. */

#include "config.h"

#include <string.h>

#include "fuzz.h"
#include "route/ferry-pipe-private.h"
#include "route/ferry-router-private.h"
#include "wire/ferry-depth-private.h"
#include "wire/ferry-layout-private.h"

static void
message_cb (FerryReceiver *receiver, GVariant *message, gpointer data)
{
  fuzz_n_accepted++;
  g_assert_cmpstr (g_variant_get_type_string (message), ==, data);
  fuzz_read_variant (message);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static FerryRouter *router;
  static FerrySender *sender;
  static FerryReceiver *receiver;
  FuzzInput input = {data, size, 0};
  g_autoptr (GBytes) type_bytes = fuzz_input_next_bytes (&input);
  g_autofree char *type =
    g_strndup (g_bytes_get_data (type_bytes, NULL), MIN (g_bytes_get_size (type_bytes), FERRY_MAX_TYPE_STRING));
  gulong handler;
  guint before = fuzz_n_accepted;

  if (router == NULL)
    {
      router = ferry_router_new (NULL);
      g_assert_true (ferry_router_start (router, NULL));
      g_assert_true (ferry_router_pipe (router, FERRY_PIPE_QUEUED, &sender, &receiver, NULL));
    }
  /* As the monitor checks them, the type when it is announced. */
  if (type == NULL || ferry_depth_judge_type (type, strlen (type)) != FERRY_TYPE_GOOD ||
      (ferry_layout_is_checked (type, strlen (type)) &&
       ferry_layout_judge (type, strlen (type), input.data + input.at, input.size - input.at) != FERRY_VALUE_GOOD))
    return 0;
  handler = g_signal_connect (receiver, "message", G_CALLBACK (message_cb), type);
  ferry_router_deliver (router, ferry_pipes_find (&router->pipes, ferry_receiver_get_connection_id (receiver)),
                        G_VARIANT_TYPE (type), ferry_layout_is_checked (type, strlen (type)), input.data + input.at,
                        input.size - input.at);
  g_assert_cmpuint (fuzz_n_accepted, ==, before + 1);
  g_signal_handler_disconnect (receiver, handler);
  return 0;
}
