/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "call/call-test.h"

typedef struct
{
  guint64 xid;
  FerryCancelReason reason;
} Cancel;

/* ---- the wires ---- */

GBytes *
call_test_join_parts (const FerryPart *parts, guint n_parts)
{
  GByteArray *bytes = g_byte_array_new ();

  for (guint i = 0; i < n_parts; i++)
    g_byte_array_append (bytes, parts[i].data, (guint) parts[i].size);
  return g_byte_array_free_to_bytes (bytes);
}

GBytes *
call_test_join (const FerryCallMessage *message)
{
  FerryPart parts[FERRY_CALL_MAX_PARTS];

  return call_test_join_parts (parts, ferry_call_message_get_parts (message, parts));
}

static gboolean
wire_is_full (gboolean full, GError **error)
{
  if (full)
    g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK, "The wire is full");
  return full;
}

static gboolean
wire_send (gpointer carrier, const FerryPart *parts, guint n_parts, FerryDescriptors *descriptors, GError **error)
{
  CallTestWire *wire = carrier;
  GBytes *bytes = call_test_join_parts (parts, n_parts);
  gboolean full;

  pthread_mutex_lock (&wire->lock);
  full = wire_is_full (wire->messages.length >= wire->capacity, error);
  if (full)
    g_bytes_unref (bytes);
  else
    g_queue_push_tail (&wire->messages, bytes);
  wire->n_sent += full ? 0 : 1;
  pthread_cond_signal (&wire->changed);
  pthread_mutex_unlock (&wire->lock);
  if (full && wire->late_room != NULL)
    {
      wire->capacity = G_MAXUINT;
      ferry_transport_note_room (wire->late_room);
    }
  return !full;
}

static gboolean
wire_cancel (gpointer carrier, guint64 xid, FerryCancelReason reason)
{
  CallTestWire *wire = carrier;
  Cancel cancel = {xid, reason};
  gboolean full;

  pthread_mutex_lock (&wire->lock);
  full = wire->no_cancels;
  if (!full)
    g_queue_push_tail (&wire->cancels, g_memdup2 (&cancel, sizeof cancel));
  pthread_cond_signal (&wire->changed);
  pthread_mutex_unlock (&wire->lock);
  return !full;
}

static const FerryCarrierFuncs wire_funcs = {.send = wire_send, .cancel = wire_cancel};

static void
wire_init (CallTestWire *wire)
{
  pthread_mutex_init (&wire->lock, NULL);
  pthread_cond_init (&wire->changed, NULL);
  g_queue_init (&wire->messages);
  g_queue_init (&wire->cancels);
  wire->capacity = G_MAXUINT;
}

static void
wire_clear (CallTestWire *wire)
{
  g_queue_clear_full (&wire->messages, (GDestroyNotify) g_bytes_unref);
  g_queue_clear_full (&wire->cancels, g_free);
  pthread_mutex_destroy (&wire->lock);
  pthread_cond_destroy (&wire->changed);
}

/* ---- a pair ---- */

CallTestPair *
call_test_pair_new (FerryTransportCallFunc first, FerryTransportCallFunc second)
{
  CallTestPair *pair = g_new0 (CallTestPair, 1);
  const FerryTransportCallFunc funcs[] = {first, second};
  g_autoptr (GError) reason = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_REFUSED, "This end only asks");

  for (guint i = 0; i < G_N_ELEMENTS (funcs); i++)
    {
      wire_init (&pair->wires[i]);
      pair->ends[i] = ferry_transport_new_for_carrier (&wire_funcs, &pair->wires[i]);
      if (funcs[i] != NULL)
        ferry_transport_take_calls (pair->ends[i], funcs[i], NULL, NULL);
      else
        ferry_transport_leave_calls (pair->ends[i], reason);
    }
  return pair;
}

void
call_test_pair_free (CallTestPair *pair)
{
  g_autoptr (GError) reason = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, "The test is over");

  for (guint i = 0; i < G_N_ELEMENTS (pair->ends); i++)
    {
      if (pair->ends[i] != NULL)
        ferry_transport_end (pair->ends[i], reason);
      g_clear_object (&pair->ends[i]);
    }
  wire_clear (&pair->wires[0]);
  wire_clear (&pair->wires[1]);
  g_free (pair);
}

static gboolean
deliver (CallTestPair *pair, guint sender, gboolean wait)
{
  CallTestWire *wire = &pair->wires[sender];
  g_autoptr (FerryTransport) receiver = g_object_ref (pair->ends[1 - sender]);
  g_autoptr (GBytes) bytes = NULL;
  g_autofree Cancel *cancel = NULL;

  pthread_mutex_lock (&wire->lock);
  while (wait && wire->messages.length == 0 && wire->cancels.length == 0 && !wire->stopped)
    pthread_cond_wait (&wire->changed, &wire->lock);
  cancel = g_queue_pop_head (&wire->cancels);
  if (cancel == NULL)
    bytes = g_queue_pop_head (&wire->messages);
  pthread_mutex_unlock (&wire->lock);
  if (cancel != NULL)
    ferry_transport_receive_cancel (receiver, cancel->xid, (guint16) cancel->reason);
  else if (bytes != NULL)
    g_assert_true (call_test_receive (receiver, bytes));
  return cancel != NULL || bytes != NULL;
}

gboolean
call_test_pair_deliver (CallTestPair *pair, guint sender)
{
  return deliver (pair, sender, FALSE);
}

void
call_test_pair_pump (CallTestPair *pair)
{
  gboolean any = TRUE;

  while (any)
    {
      any = call_test_pair_deliver (pair, 0);
      any = call_test_pair_deliver (pair, 1) || any;
    }
}

static gpointer
pump_first (gpointer data)
{
  while (deliver (data, 0, TRUE))
    ;
  return NULL;
}

static gpointer
pump_second (gpointer data)
{
  while (deliver (data, 1, TRUE))
    ;
  return NULL;
}

GThread *
call_test_pair_start_pump (CallTestPair *pair, guint sender)
{
  return g_thread_new ("pump", sender == 0 ? pump_first : pump_second, pair);
}

void
call_test_pair_stop_pump (CallTestPair *pair, guint sender, GThread *thread)
{
  CallTestWire *wire = &pair->wires[sender];

  pthread_mutex_lock (&wire->lock);
  wire->stopped = TRUE;
  pthread_cond_signal (&wire->changed);
  pthread_mutex_unlock (&wire->lock);
  g_thread_join (thread);
}

/* ---- messages ---- */

GBytes *
call_test_message (FerryCallKind kind, guint64 xid, gint64 number, const char *name, GVariant *value)
{
  g_autoptr (GVariant) kept = value != NULL ? g_variant_ref_sink (value) : NULL;
  FerryCallMessage message;

  ferry_call_message_init (&message, kind, xid, name, kept);
  message.header.number = number;
  return call_test_join (&message);
}

gboolean
call_test_receive (FerryTransport *end, GBytes *bytes)
{
  g_autoptr (GError) error = NULL;
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);

  if (ferry_transport_process (end, data, size, NULL, FERRY_VALUE_UNJUDGED, &error))
    {
      g_assert_no_error (error);
      return TRUE;
    }
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
  return FALSE;
}

/* ---- answers ---- */

static void
note_item (gpointer data, const char *name, GVariant *value)
{
  CallTestAnswer *answer = data;
  g_autofree char *text = g_variant_print (value, FALSE);

  g_assert_cmpuint (answer->n_done, ==, 0);
  g_string_append_printf (answer->items, "%s%s;", name, text);
}

static void
note_done (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  CallTestAnswer *answer = data;

  answer->n_done++;
  answer->refused = refused;
  answer->result = result != NULL ? g_variant_ref_sink (result) : NULL;
  answer->error = error != NULL ? g_error_copy (error) : NULL;
  answer->trace = g_strdup (trace);
}

const FerryAnswerFuncs call_test_answer_funcs = {.item = note_item, .done = note_done};

static CallTestAnswer *
ask (FerryTransport *end, const FerryRequest *request)
{
  g_autoptr (GError) error = NULL;
  CallTestAnswer *answer = g_new0 (CallTestAnswer, 1);

  answer->end = end;
  answer->items = g_string_new (NULL);
  answer->xid = ferry_transport_ask (end, request, &call_test_answer_funcs, answer, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (answer->xid, !=, 0);
  return answer;
}

CallTestAnswer *
call_test_ask (FerryTransport *end, const char *method, GVariant *arguments)
{
  FerryRequest request = {.method = method, .arguments = arguments};

  return ask (end, &request);
}

CallTestAnswer *
call_test_ask_stream (FerryTransport *end, const char *method, guint16 window)
{
  FerryRequest request = {.method = method, .flags = FERRY_CALL_STREAM, .window = window};

  return ask (end, &request);
}

/* Forgets what is not done yet: the end must be there then. */
void
call_test_answer_free (CallTestAnswer *answer)
{
  if (answer->n_done == 0)
    g_assert_true (ferry_transport_forget (answer->end, answer->xid));
  g_clear_pointer (&answer->result, g_variant_unref);
  g_clear_error (&answer->error);
  g_free (answer->trace);
  g_string_free (answer->items, TRUE);
  g_free (answer);
}

/* text NULL: an answer without a value. */
void
call_test_assert_result (CallTestAnswer *answer, const char *text)
{
  g_autofree char *found = answer->result != NULL ? g_variant_print (answer->result, TRUE) : NULL;

  g_assert_cmpuint (answer->n_done, ==, 1);
  g_assert_no_error (answer->error);
  g_assert_false (answer->refused);
  g_assert_cmpstr (found, ==, text);
}

void
call_test_assert_failed (CallTestAnswer *answer, GQuark domain, int code)
{
  g_assert_cmpuint (answer->n_done, ==, 1);
  g_assert_null (answer->result);
  g_assert_error (answer->error, domain, code);
}

/* ---- calls that are kept ---- */

static GPtrArray *kept; /* (element-type FerryCall) (owned) (nullable) */

void
call_test_keep (FerryTransport *self, FerryCall *call, GObject *owner)
{
  if (kept == NULL)
    kept = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_call_unref);
  g_ptr_array_add (kept, ferry_call_ref (call));
}

guint
call_test_count_kept (void)
{
  return kept != NULL ? kept->len : 0;
}

FerryCall *
call_test_get_kept (guint i)
{
  g_assert_cmpuint (i, <, call_test_count_kept ());
  return g_ptr_array_index (kept, i);
}

void
call_test_drop_kept (guint n)
{
  n = MIN (n, call_test_count_kept ());
  if (n > 0)
    g_ptr_array_remove_range (kept, 0, n);
}

CallTestPair *
call_test_pair_new_keeping (void)
{
  call_test_drop_kept (G_MAXUINT);
  return call_test_pair_new (call_test_keep, call_test_keep);
}
