/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "fuzz-end.h"

#include "base/ferry-error.h"

typedef struct
{
  FerryTransport parent_instance;
  gboolean full;
  FuzzEndFunc func;
  gpointer user_data;
} FuzzEnd;

typedef FerryTransportClass FuzzEndClass;

static GType fuzz_end_get_type (void);
G_DEFINE_FINAL_TYPE (FuzzEnd, fuzz_end, FERRY_TYPE_TRANSPORT)

static gboolean
fuzz_end_send (FerryTransport *transport, const GOutputVector *parts, guint n_parts, GError **error)
{
  FuzzEnd *self = (FuzzEnd *) transport;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  FerryCallMessage message;

  if (self->full)
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK, "It is full");
      return FALSE;
    }
  for (guint i = 0; i < n_parts; i++)
    g_byte_array_append (bytes, parts[i].buffer, (guint) parts[i].size);
  g_assert_true (ferry_call_message_parse (&message, bytes->data, bytes->len, NULL));
  self->func (&message, self->user_data);
  return TRUE;
}

static void
fuzz_end_close (FerryTransport *transport)
{
}

static void
fuzz_end_class_init (FuzzEndClass *klass)
{
  klass->send = fuzz_end_send;
  klass->close = fuzz_end_close;
}

static void
fuzz_end_init (FuzzEnd *self)
{
}

FerryTransport *
fuzz_end_new (FuzzEndFunc func, gpointer user_data)
{
  FuzzEnd *self = g_object_new (fuzz_end_get_type (), NULL);

  self->func = func;
  self->user_data = user_data;
  return (FerryTransport *) self;
}

void
fuzz_end_set_full (FerryTransport *self, gboolean full)
{
  ((FuzzEnd *) self)->full = full;
  if (!full)
    ferry_transport_note_room (self);
}

GByteArray *
fuzz_end_join (const FerryCallMessage *message)
{
  GByteArray *bytes = g_byte_array_new ();
  FerryPart parts[FERRY_CALL_MAX_PARTS];
  guint n_parts = ferry_call_message_get_parts (message, parts);

  for (guint i = 0; i < n_parts; i++)
    g_byte_array_append (bytes, parts[i].data, (guint) parts[i].size);
  return bytes;
}

void
fuzz_end_settle (GMainContext *context)
{
  while (g_main_context_iteration (context, FALSE))
    ;
}
