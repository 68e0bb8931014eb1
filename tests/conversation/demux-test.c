/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "conversation/demux-test.h"

#include <stdatomic.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "wire/ferry-remote-error-private.h"

/* ---- the transport ---- */

G_DECLARE_FINAL_TYPE (WireTransport, wire_transport, WIRE, TRANSPORT, FerryTransport)

struct _WireTransport
{
  FerryTransport parent_instance;

  DemuxTestPair *pair; /* (unowned): outlives it */
  guint number;
};

G_DEFINE_FINAL_TYPE (WireTransport, wire_transport, FERRY_TYPE_TRANSPORT)

static gboolean
wire_transport_send_bytes (FerryTransport *transport, GBytes *message, GError **error)
{
  WireTransport *self = WIRE_TRANSPORT (transport);
  DemuxTestWire *wire = &self->pair->wires[self->number];
  gsize size = g_bytes_get_size (message);
  gboolean too_large;
  gboolean fits;

  pthread_mutex_lock (&wire->lock);
  too_large = size > wire->max_size;
  fits = wire->messages.length < wire->capacity;
  if (too_large)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE, "A wire takes %" G_GSIZE_FORMAT " bytes", wire->max_size);
  else if (!fits)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK, "The wire is full");
  else
    g_queue_push_tail (&wire->messages, g_bytes_ref (message));
  fits = fits && !too_large;
  wire->n_refused += fits ? 0 : 1;
  pthread_cond_broadcast (&wire->changed);
  while (fits && wire->slow)
    pthread_cond_wait (&wire->changed, &wire->lock);
  pthread_mutex_unlock (&wire->lock);
  return fits;
}

static void
wire_transport_close (FerryTransport *transport)
{
}

static void
wire_transport_class_init (WireTransportClass *klass)
{
  FERRY_TRANSPORT_CLASS (klass)->send_bytes = wire_transport_send_bytes;
  FERRY_TRANSPORT_CLASS (klass)->close = wire_transport_close;
}

static void
wire_transport_init (WireTransport *self)
{
}

/* ---- the wires ---- */

typedef struct
{
  DemuxTestPair *pair;
  guint sender;
} Pump;

static void
hand_on (DemuxTestPair *pair, guint sender, GBytes *bytes)
{
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);

  ferry_transport_note_room (pair->ends[sender]);
  ferry_transport_receive (pair->ends[1 - sender], data, size);
  g_bytes_unref (bytes);
}

static gpointer
pump_main (gpointer data)
{
  g_autofree Pump *pump = data;
  DemuxTestWire *wire = &pump->pair->wires[pump->sender];
  GBytes *bytes;

  pthread_mutex_lock (&wire->lock);
  while (!wire->stopped)
    {
      bytes = wire->held ? NULL : g_queue_pop_head (&wire->messages);
      if (bytes == NULL)
        {
          pthread_cond_wait (&wire->changed, &wire->lock);
          continue;
        }
      pthread_mutex_unlock (&wire->lock);
      hand_on (pump->pair, pump->sender, bytes);
      pthread_mutex_lock (&wire->lock);
      wire->n_delivered++;
    }
  pthread_mutex_unlock (&wire->lock);
  return NULL;
}

gboolean
demux_test_deliver (DemuxTestPair *pair, guint sender)
{
  DemuxTestWire *wire = &pair->wires[sender];
  GBytes *bytes;

  pthread_mutex_lock (&wire->lock);
  bytes = g_queue_pop_head (&wire->messages);
  pthread_mutex_unlock (&wire->lock);
  if (bytes != NULL)
    hand_on (pair, sender, bytes);
  return bytes != NULL;
}

static void
wire_init (DemuxTestPair *pair, guint sender)
{
  DemuxTestWire *wire = &pair->wires[sender];
  Pump *pump = g_new (Pump, 1);

  pthread_mutex_init (&wire->lock, NULL);
  pthread_cond_init (&wire->changed, NULL);
  g_queue_init (&wire->messages);
  wire->capacity = G_MAXUINT;
  wire->max_size = G_MAXSIZE;
  *pump = (Pump){pair, sender};
  wire->pump = g_thread_new ("pump", pump_main, pump);
}

static void
stop_pump (DemuxTestWire *wire)
{
  pthread_mutex_lock (&wire->lock);
  wire->stopped = TRUE;
  pthread_cond_broadcast (&wire->changed);
  pthread_mutex_unlock (&wire->lock);
  if (wire->pump != NULL)
    g_thread_join (g_steal_pointer (&wire->pump));
}

void
demux_test_pair_manual (DemuxTestPair *pair, guint sender)
{
  stop_pump (&pair->wires[sender]);
}

void
demux_test_wire_hold (DemuxTestPair *pair, guint sender, gboolean held)
{
  DemuxTestWire *wire = &pair->wires[sender];

  pthread_mutex_lock (&wire->lock);
  wire->held = held;
  pthread_cond_broadcast (&wire->changed);
  pthread_mutex_unlock (&wire->lock);
}

void
demux_test_wire_limit (DemuxTestPair *pair, guint sender, guint capacity, gsize max_size)
{
  DemuxTestWire *wire = &pair->wires[sender];

  pthread_mutex_lock (&wire->lock);
  wire->capacity = capacity;
  wire->max_size = max_size;
  pthread_mutex_unlock (&wire->lock);
}

guint
demux_test_wire_count (DemuxTestPair *pair, guint sender)
{
  guint n;

  pthread_mutex_lock (&pair->wires[sender].lock);
  n = pair->wires[sender].messages.length;
  pthread_mutex_unlock (&pair->wires[sender].lock);
  return n;
}

guint
demux_test_wire_count_refused (DemuxTestPair *pair, guint sender)
{
  guint n;

  pthread_mutex_lock (&pair->wires[sender].lock);
  n = pair->wires[sender].n_refused;
  pthread_mutex_unlock (&pair->wires[sender].lock);
  return n;
}

guint
demux_test_wire_count_delivered (DemuxTestPair *pair, guint sender)
{
  guint n;

  pthread_mutex_lock (&pair->wires[sender].lock);
  n = pair->wires[sender].n_delivered;
  pthread_mutex_unlock (&pair->wires[sender].lock);
  return n;
}

void
demux_test_wire_slow (DemuxTestPair *pair, guint sender, gboolean slow)
{
  DemuxTestWire *wire = &pair->wires[sender];

  pthread_mutex_lock (&wire->lock);
  wire->slow = slow;
  pthread_cond_broadcast (&wire->changed);
  pthread_mutex_unlock (&wire->lock);
}

/* ---- the pair ---- */

DemuxTestPair *
demux_test_pair_new (void)
{
  DemuxTestPair *pair = g_new0 (DemuxTestPair, 1);

  /* Made before there are threads that wake it, and its descriptor with it. */
  g_main_context_wakeup (g_main_context_default ());
  for (guint i = 0; i < 2; i++)
    {
      pair->ends[i] = g_object_new (wire_transport_get_type (), NULL);
      WIRE_TRANSPORT (pair->ends[i])->pair = pair;
      WIRE_TRANSPORT (pair->ends[i])->number = i;
    }
  for (guint i = 0; i < 2; i++)
    wire_init (pair, i);
  pair->demux = ferry_demux_new (pair->ends[ASKED]);
  return pair;
}

void
demux_test_start (DemuxTestPair *pair)
{
  g_autoptr (GError) error = NULL;

  ferry_demux_start (pair->demux, &error);
  g_assert_no_error (error);
}

void
demux_test_stop (DemuxTestPair *pair)
{
  ferry_demux_stop (pair->demux);
  ferry_demux_wait_until_quiet (pair->demux);
  g_assert_false (ferry_test_get_number (pair->demux, "running"));
  g_assert_cmpuint (ferry_test_get_number (pair->demux, "n-pending"), ==, 0);
}

static void
note_gone (gpointer data, GObject *gone)
{
  atomic_store ((_Atomic gboolean *) data, TRUE);
}

static gboolean
is_gone (gpointer data)
{
  return atomic_load ((_Atomic gboolean *) data);
}

/* Another thread may be about to drop its reference. */
static void
drop_last (gpointer object)
{
  _Atomic gboolean gone = FALSE;

  g_object_weak_ref (object, note_gone, (gpointer) &gone);
  ferry_hand_over (object);
  g_object_unref (object);
  demux_test_until (is_gone, &gone);
}

void
demux_test_pair_free (DemuxTestPair *pair)
{
  demux_test_stop (pair);
  for (guint i = 0; i < 2; i++)
    stop_pump (&pair->wires[i]);
  drop_last (pair->demux);
  for (guint i = 0; i < 2; i++)
    {
      ferry_transport_close (pair->ends[i]);
      drop_last (pair->ends[i]);
    }
  for (guint i = 0; i < 2; i++)
    {
      g_queue_clear_full (&pair->wires[i].messages, (GDestroyNotify) g_bytes_unref);
      pthread_cond_destroy (&pair->wires[i].changed);
      pthread_mutex_destroy (&pair->wires[i].lock);
    }
  g_free (pair);
}

/* ---- asking ---- */

static void
note_done (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  DemuxTestAnswer *self = data;

  self->has_value = result != NULL;
  if (result != NULL)
    self->value = g_variant_get_uint32 (result);
  self->error = error != NULL ? ferry_error_copy (error) : NULL;
  self->trace = g_strdup (trace);
  self->refused = refused;
  /* Release the answer. */
  g_assert_cmpuint (atomic_fetch_add (&self->n_done, 1), ==, 0);
  g_main_context_wakeup (NULL);
}

static const FerryAnswerFuncs answer_funcs = {.done = note_done};

DemuxTestAnswer *
demux_test_ask_fully (DemuxTestPair *pair, const FerryRequest *request)
{
  DemuxTestAnswer *self = g_new0 (DemuxTestAnswer, 1);
  g_autoptr (GError) error = NULL;

  self->pair = pair;
  self->xid = ferry_transport_ask (pair->ends[ASKING], request, &answer_funcs, self, &error);
  g_assert_no_error (error);
  return self;
}

DemuxTestAnswer *
demux_test_ask (DemuxTestPair *pair, const char *method, GVariant *arguments)
{
  return demux_test_ask_fully (pair, &(FerryRequest){.method = method, .arguments = arguments});
}

void
demux_test_cancel (DemuxTestAnswer *answer, FerryCancelReason reason)
{
  g_assert_true (ferry_transport_cancel (answer->pair->ends[ASKING], answer->xid, reason));
}

void
demux_test_answer_free (DemuxTestAnswer *answer)
{
  g_clear_error (&answer->error);
  g_free (answer->trace);
  g_free (answer);
}

gboolean
demux_test_is_done (DemuxTestAnswer *answer)
{
  return atomic_load (&answer->n_done) > 0;
}

static gboolean
is_done (gpointer data)
{
  return demux_test_is_done (data);
}

void
demux_test_wait (DemuxTestAnswer *answer)
{
  ferry_test_run_until (is_done, answer);
}

void
demux_test_expect_value (DemuxTestAnswer *answer, guint32 value)
{
  demux_test_wait (answer);
  g_assert_no_error (answer->error);
  g_assert_true (answer->has_value);
  g_assert_cmpuint (answer->value, ==, value);
  demux_test_answer_free (answer);
}

void
demux_test_expect_failure (DemuxTestAnswer *answer, GQuark domain, int code)
{
  demux_test_wait (answer);
  g_assert_error (answer->error, domain, code);
  demux_test_answer_free (answer);
}

void
demux_test_expect_refused_for (DemuxTestAnswer *answer, const char *words)
{
  demux_test_wait (answer);
  g_assert_true (answer->refused);
  g_assert_nonnull (strstr (answer->error->message, words));
  demux_test_expect_failure (answer, FERRY_ERROR, FERRY_ERROR_REFUSED);
}

void
demux_test_expect_refused (DemuxTestAnswer *answer)
{
  demux_test_expect_refused_for (answer, "");
}

/* ---- gates and handlers ---- */

void
demux_test_gate_init (DemuxTestGate *gate)
{
  memset (gate, 0, sizeof *gate);
  pthread_mutex_init (&gate->lock, NULL);
  pthread_cond_init (&gate->changed, NULL);
}

void
demux_test_gate_clear (DemuxTestGate *gate)
{
  pthread_cond_destroy (&gate->changed);
  pthread_mutex_destroy (&gate->lock);
}

static void
pass_gate (DemuxTestGate *gate)
{
  pthread_mutex_lock (&gate->lock);
  gate->n_came++;
  gate->n_inside++;
  gate->most_inside = MAX (gate->most_inside, gate->n_inside);
  pthread_cond_broadcast (&gate->changed);
  while (!gate->open)
    pthread_cond_wait (&gate->changed, &gate->lock);
  gate->n_inside--;
  pthread_mutex_unlock (&gate->lock);
}

void
demux_test_gate_open (DemuxTestGate *gate)
{
  pthread_mutex_lock (&gate->lock);
  gate->open = TRUE;
  pthread_cond_broadcast (&gate->changed);
  pthread_mutex_unlock (&gate->lock);
}

guint
demux_test_gate_count (DemuxTestGate *gate)
{
  guint n;

  pthread_mutex_lock (&gate->lock);
  n = gate->n_came;
  pthread_mutex_unlock (&gate->lock);
  return n;
}

guint
demux_test_gate_most (DemuxTestGate *gate)
{
  guint n;

  pthread_mutex_lock (&gate->lock);
  n = gate->most_inside;
  pthread_mutex_unlock (&gate->lock);
  return n;
}

void
demux_test_gate_wait (DemuxTestGate *gate, guint n_came)
{
  pthread_mutex_lock (&gate->lock);
  while (gate->n_came < n_came)
    pthread_cond_wait (&gate->changed, &gate->lock);
  pthread_mutex_unlock (&gate->lock);
}

void
demux_test_add_one (FerryInvocation *invocation, gpointer data)
{
  GVariant *arguments = ferry_invocation_get_arguments (invocation);
  guint32 number = arguments != NULL ? g_variant_get_uint32 (arguments) : 0;

  ferry_invocation_return_value (invocation, g_variant_new_uint32 (number + 1));
}

void
demux_test_gated (FerryInvocation *invocation, gpointer gate)
{
  pass_gate (gate);
  demux_test_add_one (invocation, NULL);
}

void
demux_test_until (FerryTestCondition condition, gpointer data)
{
  gint64 end = g_get_monotonic_time () + FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC;

  while (!condition (data))
    {
      g_assert_cmpint (g_get_monotonic_time (), <, end);
      g_thread_yield ();
    }
}
