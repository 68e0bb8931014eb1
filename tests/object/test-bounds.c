/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-exporter.c, object/ferry-paced-sender.c
 *
 * What an exporter keeps for others has bounds, whatever they ask and however slowly they read. */

#include "config.h"

#include <fcntl.h>
#include <locale.h>
#include <stdatomic.h>
#include <unistd.h>

#include "conversation/replies-test.h"
#include "ferry-test.h"
#include "object-test.h"
#include "object/ferry-exporter-private.h"
#include "pair-scene.h"
#include "wire/ferry-object-message-private.h"

#define SECOND G_USEC_PER_SEC

/* ---- subscriptions ---- */

typedef struct
{
  guint n_properties;
  guint n_signals;
  guint64 n_missed;
  gsize size; /* of the item */
} Told;

static FerryReplies *
follow (PairScene *scene, const char *const *properties, const char *const *signals)
{
  const FerryObjectRoot root = {"counter", 0, 0};
  g_autoptr (FerryMux) mux = ferry_mux_new (scene->here);
  g_autoptr (GError) error = NULL;
  FerryReplies *replies;

  replies =
    ferry_mux_transact_stream (mux, FERRY_OBJECT_METHOD_FOLLOW,
                               ferry_follow_request_to_variant (&root, properties, signals, FALSE), 1, -1, &error);
  g_assert_no_error (error);
  return replies;
}

static void
read_item (FerryReplies *replies, Told *told)
{
  g_autoptr (GVariant) item = NULL;
  g_autoptr (GVariant) properties = NULL;
  g_autoptr (GVariant) signals = NULL;
  g_autoptr (GError) error = NULL;

  item = replies_test_next (replies, NULL, &error);
  g_assert_no_error (error);
  g_variant_get (item, "(@a(stv)@a(sv)t@a(tttt)t)", &properties, &signals, &told->n_missed, NULL, NULL);
  told->n_properties = (guint) g_variant_n_children (properties);
  told->n_signals = (guint) g_variant_n_children (signals);
  told->size = g_variant_get_size (item);
}

static void
test_followed_twice (void)
{
  const char *properties[FERRY_FOLLOW_MAX_NAMES + 1] = {NULL};
  const char *signals[FERRY_FOLLOW_MAX_NAMES + 1] = {NULL};
  g_autoptr (FerryReplies) replies = NULL;
  PairScene scene = {NULL};
  Told first, change, signal;

  for (guint i = 0; i < FERRY_FOLLOW_MAX_NAMES; i++)
    {
      properties[i] = i % 2 == 0 ? "value" : "step";
      signals[i] = "counted";
    }
  pair_scene_open (&scene, PAIR_SCENE_RECEIVING, "counter", test_counter_create_interface (), test_counter_new ("a"));
  replies = follow (&scene, properties, signals);
  read_item (replies, &first);
  test_counter_set_value (scene.object, 5);
  read_item (replies, &change);
  test_counter_emit (scene.object, 1, "once");
  read_item (replies, &signal);
  g_assert_cmpuint (first.n_properties, ==, 2);
  g_assert_cmpuint (change.n_properties, ==, 1);
  g_assert_cmpuint (signal.n_signals, ==, 1);
  ferry_replies_cancel (replies);
  pair_scene_cut (&scene);
}

/* ---- signals that wait ---- */

#define EMISSION_SIZE ((gsize) 256 * 1024)
#define N_EMISSIONS 64
#define MOST_WAITING ((gsize) 4 * 1024 * 1024)

static char *
make_text (gsize size)
{
  return g_strnfill (size, 'x');
}

/* Between two items it reads nothing, and no other is sent to it. */
static void
test_slow_subscriber (void)
{
  g_autofree char *text = make_text (EMISSION_SIZE);
  g_autofree char *large = make_text (MOST_WAITING + EMISSION_SIZE);
  g_autoptr (FerryReplies) replies = NULL;
  PairScene scene = {NULL};
  guint64 n_missed = 0;
  guint n_received = 0;
  Told told;

  pair_scene_open (&scene, PAIR_SCENE_RECEIVING, "counter", test_counter_create_interface (), test_counter_new ("a"));
  replies = follow (&scene, NULL, (const char *const[]){"counted", NULL});
  read_item (replies, &told);
  for (int i = 0; i < N_EMISSIONS; i++)
    test_counter_emit (scene.object, i, text);
  while (n_received + n_missed < N_EMISSIONS)
    {
      read_item (replies, &told);
      n_received += told.n_signals;
      n_missed += told.n_missed;
      g_assert_cmpuint (told.size, <, MOST_WAITING + EMISSION_SIZE);
    }
  g_assert_cmpuint (n_received, >, 0);
  g_assert_cmpuint (n_missed, >, N_EMISSIONS / 4);
  /* One that is larger than all that may wait is not lost for it. */
  test_counter_emit (scene.object, 0, large);
  read_item (replies, &told);
  g_assert_cmpuint (told.n_signals, ==, 1);
  g_assert_cmpuint (told.n_missed, ==, 0);
  ferry_replies_cancel (replies);
  pair_scene_cut (&scene);
}

/* More than a message may have. */
#define N_BURST (64 * 1024 * 1024 / 256 / 1024 + 8)

typedef struct
{
  guint64 n_received;
  guint64 n_missed;
  gboolean has_last;
} Heard;

static void
received_cb (FerryProxy *proxy, const char *name, GVariant *arguments, gpointer data)
{
  Heard *self = data;
  int number;

  g_variant_get (arguments, "(i&s)", &number, NULL);
  self->n_received++;
  self->has_last |= number < 0;
}

static void
missed_cb (FerryProxy *proxy, guint64 n, gpointer data)
{
  ((Heard *) data)->n_missed += n;
}

static void
failed_cb (FerryProxy *proxy, const GError *error, gpointer data)
{
  g_assert_no_error (error);
}

static gboolean
has_heard_all (gpointer data)
{
  Heard *self = data;

  return self->n_received + self->n_missed == N_BURST;
}

static gboolean
is_followed (gpointer counter)
{
  return g_signal_has_handler_pending (counter, g_signal_lookup ("counted", TEST_TYPE_COUNTER), 0, TRUE);
}

static FerryTransport *
new_end (int in_fd, int out_fd)
{
  g_autoptr (GError) error = NULL;
  FerryTransport *end = ferry_transport_new_for_descriptors (in_fd, out_fd, &error);

  g_assert_no_error (error);
  return end;
}

static void
burst (TestCounter *counter, FerryProxy *proxy)
{
  static const char *const signals[] = {"counted", NULL};
  g_autofree char *text = make_text (EMISSION_SIZE);
  Heard heard = {0};

  g_signal_connect (proxy, "received", G_CALLBACK (received_cb), &heard);
  g_signal_connect (proxy, "missed", G_CALLBACK (missed_cb), &heard);
  g_signal_connect (proxy, "follow-failed", G_CALLBACK (failed_cb), NULL);
  ferry_proxy_follow (proxy, NULL, signals);
  ferry_test_look_until (is_followed, counter);
  for (int i = 0; i < N_BURST; i++)
    test_counter_emit (counter, i, text);
  ferry_test_run_until (has_heard_all, &heard);
  test_counter_emit (counter, -1, "last");
  ferry_test_wait_flag (&heard.has_last);
  g_signal_handlers_disconnect_by_data (proxy, &heard);
}

static void
test_burst (void)
{
  g_autoptr (FerryInterface) interface = test_counter_create_interface ();
  g_autoptr (FerryExporter) exporter = ferry_exporter_new ();
  g_autoptr (TestCounter) counter = test_counter_new ("counter");
  g_autoptr (FerryTransport) here = NULL;
  g_autoptr (FerryTransport) there = NULL;
  g_autoptr (FerryProxy) proxy = NULL;
  g_autoptr (GError) error = NULL;
  int forth[2];
  int back[2];

  g_assert_cmpint (pipe2 (forth, O_CLOEXEC), ==, 0);
  g_assert_cmpint (pipe2 (back, O_CLOEXEC), ==, 0);
  here = new_end (back[0], forth[1]);
  there = new_end (forth[0], back[1]);
  ferry_exporter_export (exporter, "counter", G_OBJECT (counter), interface, FERRY_CALL_POLICY_SERIAL, &error);
  g_assert_no_error (error);
  ferry_exporter_add_transport (exporter, there, &error);
  g_assert_no_error (error);
  ferry_exporter_start (exporter);
  proxy = ferry_proxy_new (here, "counter");
  burst (counter, proxy);
  g_clear_object (&proxy);
  ferry_transport_close (here);
  ferry_transport_wait_closed (there);
}

/* ---- values that are held ---- */

#define N_FIT 4

/* The same value each time: so what is counted is not there. */
static void
give (gpointer object, FerryInvocation *invocation, gpointer value)
{
  ferry_invocation_return_value (invocation, value);
}

static FerryInterface *
create_giving_interface (void)
{
  const gsize size = FERRY_MAX_HELD_BYTES / N_FIT;
  FerryInterface *self = test_counter_create_interface ();
  g_autoptr (GBytes) bytes = g_bytes_new_take (g_malloc0 (size), size);

  ferry_interface_add_method (self, "give", "", "ay", give,
                              g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, bytes, TRUE)),
                              (GDestroyNotify) g_variant_unref);
  return self;
}

/* Returns (transfer full) (nullable): where there is no room. */
static FerryProxy *
take_value (PairScene *scene)
{
  g_autoptr (GError) error = NULL;
  FerryProxy *taken = NULL;

  ferry_proxy_call (scene->proxy, "give", NULL, -1, NULL, NULL, &taken, &error);
  if (error != NULL)
    g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
  return taken;
}

static gboolean
has_dropped_one (gpointer exporter)
{
  return ferry_test_get_number (exporter, "n-references") < N_FIT;
}

static void
test_held_values (void)
{
  FerryProxy *taken[N_FIT];
  PairScene scene = {NULL};

  pair_scene_open (&scene, PAIR_SCENE_RECEIVING, "counter", create_giving_interface (), test_counter_new ("a"));
  pair_scene_wait_listening (&scene);
  g_object_set (scene.proxy, "as-proxy", TRUE, NULL);
  for (guint i = 0; i < N_FIT; i++)
    {
      taken[i] = take_value (&scene);
      g_assert_nonnull (taken[i]);
    }
  g_assert_null (take_value (&scene));
  g_object_unref (taken[0]);
  ferry_test_look_until (has_dropped_one, scene.exporter);
  taken[0] = take_value (&scene);
  g_assert_nonnull (taken[0]);
  g_assert_null (take_value (&scene));
  for (guint i = 0; i < N_FIT; i++)
    g_object_unref (taken[i]);
  pair_scene_close (&scene);
}

/* ---- calls that are not wanted ---- */

#define N_BATCHES 40
#define N_A_BATCH 50
#define N_WANTED 10

typedef struct
{
  guint n_cancelled;
  guint n_answered;
} Calls;

static void
called_cb (GObject *proxy, GAsyncResult *result, gpointer data)
{
  Calls *calls = data;
  g_autoptr (GError) error = NULL;

  if (ferry_proxy_call_finish (FERRY_PROXY (proxy), result, NULL, NULL, &error))
    calls->n_answered++;
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    calls->n_cancelled++;
  g_assert_true (error == NULL || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
}

static void
ask (PairScene *scene, guint n, GCancellable *cancellable, Calls *calls)
{
  for (guint i = 0; i < n; i++)
    ferry_proxy_call_async (scene->proxy, "add", g_variant_new ("(i)", 1), -1, cancellable, called_cb, calls);
}

static gboolean
is_held (gpointer counter)
{
  return test_counter_get_n_held (counter) > 0;
}

static gboolean
are_all_cancelled (gpointer calls)
{
  return ((Calls *) calls)->n_cancelled == N_BATCHES * N_A_BATCH;
}

static gboolean
are_all_answered (gpointer calls)
{
  return ((Calls *) calls)->n_answered == N_WANTED + 1;
}

static guint
count_waiting (PairScene *scene)
{
  g_autoptr (GError) error = NULL;
  FerryExported *exported = ferry_exporter_find (scene->exporter, "counter", &error);
  guint n;

  g_assert_no_error (error);
  pthread_mutex_lock (&exported->lock);
  n = exported->waiting.length;
  pthread_mutex_unlock (&exported->lock);
  ferry_exported_unref (exported);
  return n;
}

static void
test_unwanted_calls (void)
{
  g_autoptr (TestCounter) other = test_counter_new ("other");
  g_autoptr (FerryProxy) other_proxy = NULL;
  g_autoptr (GError) error = NULL;
  PairScene scene = {NULL};
  Calls calls = {0};

  pair_scene_open (&scene, PAIR_SCENE_RECEIVING, "counter", test_counter_create_interface (), test_counter_new ("a"));
  pair_scene_wait_listening (&scene);
  ferry_exporter_export (scene.exporter, "other", G_OBJECT (other), scene.interface, FERRY_CALL_POLICY_SERIAL, &error);
  g_assert_no_error (error);
  ferry_proxy_call_async (scene.proxy, "hold", NULL, -1, NULL, called_cb, &calls);
  ferry_test_look_until (is_held, scene.object);
  for (guint i = 0; i < N_BATCHES; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();

      ask (&scene, N_A_BATCH, cancellable, &calls);
      g_cancellable_cancel (cancellable);
    }
  ferry_test_run_until (are_all_cancelled, &calls);
  ask (&scene, N_WANTED, NULL, &calls);
  /* What was asked before has come when this is answered. */
  other_proxy = pair_scene_new_proxy (&scene, "other");
  ferry_proxy_call (other_proxy, "add", g_variant_new ("(i)", 1), -1, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (count_waiting (&scene), >=, N_WANTED);
  g_assert_cmpuint (count_waiting (&scene), <, 5 * N_A_BATCH);
  test_counter_let_go (scene.object);
  ferry_test_run_until (are_all_answered, &calls);
  g_assert_cmpint (test_counter_get_value (scene.object), ==, N_WANTED);
  g_clear_object (&other_proxy);
  pair_scene_close (&scene);
}

/* ---- room in the transport ---- */

#define LOAD ((gsize) 200 * 1024)
#define MOST_LOADS 1000

typedef struct
{
  GMutex lock;
  GCond opened;
  gboolean open;         /* lock */
  _Atomic guint n_taken; /* calls that are at the gate, or were */
  _Atomic guint n_full;
  _Atomic guint n_over; /* of those with an answer that is told to a function */
} Gate;

static void
pass (gpointer object, FerryInvocation *invocation, gpointer data)
{
  Gate *self = data;

  atomic_fetch_add (&self->n_taken, 1);
  g_mutex_lock (&self->lock);
  while (!self->open)
    g_cond_wait (&self->opened, &self->lock);
  g_mutex_unlock (&self->lock);
  ferry_invocation_return_value (invocation, NULL);
}

static gpointer
open_gate (gpointer data)
{
  Gate *self = data;

  g_mutex_lock (&self->lock);
  self->open = TRUE;
  g_cond_broadcast (&self->opened);
  g_mutex_unlock (&self->lock);
  return NULL;
}

static void
loaded (GVariant *value, FerryProxy *object, const GError *error, gpointer data)
{
  Gate *self = data;

  if (error != NULL)
    g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK);
  if (error != NULL)
    atomic_fetch_add (&self->n_full, 1);
  atomic_fetch_add (&self->n_over, 1);
}

static GVariant *
make_load (void)
{
  g_autofree char *text = make_text (LOAD);

  return g_variant_new ("(s)", text);
}

static gboolean
is_at_gate (gpointer data)
{
  return atomic_load (&((Gate *) data)->n_taken) > 0;
}

/* Returns how many were asked. */
static guint
fill (PairScene *scene, Gate *gate)
{
  guint n = 0;

  ferry_proxy_call_with_func (scene->proxy, "pass", make_load (), loaded, gate);
  ferry_test_look_until (is_at_gate, gate);
  for (n = 1; n < MOST_LOADS && atomic_load (&gate->n_full) == 0; n++)
    ferry_proxy_call_with_func (scene->proxy, "pass", make_load (), loaded, gate);
  g_assert_cmpuint (atomic_load (&gate->n_full), ==, 1);
  return n;
}

static void
test_full_transport (void)
{
  FerryInterface *interface = test_counter_create_interface ();
  g_autoptr (GThread) opener = NULL;
  g_autoptr (GError) error = NULL;
  PairScene scene = {NULL};
  Gate gate = {0};
  guint n;

  ferry_interface_add_method (interface, "pass", "s", "", pass, &gate, NULL);
  pair_scene_open (&scene, PAIR_SCENE_RECEIVING, "counter", interface, test_counter_new ("a"));
  pair_scene_wait_listening (&scene);
  n = fill (&scene, &gate);
  g_assert_false (ferry_proxy_call (scene.proxy, "pass", make_load (), SECOND / 20, NULL, NULL, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  g_clear_error (&error);
  opener = g_thread_new ("opener", open_gate, &gate);
  ferry_proxy_call (scene.proxy, "pass", make_load (), -1, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_thread_join (g_steal_pointer (&opener));
  g_assert_cmpuint (atomic_load (&gate.n_over), ==, n);
  pair_scene_close (&scene);
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/object-bounds/a-name-that-is-followed-many-times-is-told-of-once", test_followed_twice);
  g_test_add_func ("/object-bounds/signals-that-wait-are-bounded-in-bytes-and-told-as-missed", test_slow_subscriber);
  g_test_add_func ("/object-bounds/a-burst-of-signals-ends-nobodys-subscription", test_burst);
  g_test_add_func ("/object-bounds/values-that-are-held-are-bounded-in-bytes", test_held_values);
  g_test_add_func ("/object-bounds/cancelled-calls-do-not-wait-for-a-turn", test_unwanted_calls);
  g_test_add_func ("/object-bounds/a-call-that-waits-also-waits-for-room", test_full_transport);

  return g_test_run ();
}
