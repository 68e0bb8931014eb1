/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-exporter.c, object/ferry-subscriber.c
 *
 * What an exporter owes to each of those that it stands between: one caller's load is not another's wait, an object's
 * code runs where it is expected, and a refused caller is told. */

#include "config.h"

#include <locale.h>
#include <stdatomic.h>

#include "ferry-test.h"
#include "object-test.h"
#include "object/ferry-exporter-private.h"
#include "pair-scene.h"

#define N_IN_FLIGHT 64

/* ---- where objects go ---- */

#define N_GIVEN 50

typedef struct
{
  GThread *owner; /* of the objects */
  _Atomic guint n_made;
  _Atomic guint n_gone;
  _Atomic guint n_astray; /* of those that are gone: on another thread */
} Givens;

static void
gone (gpointer data, GObject *object)
{
  Givens *self = data;

  if (g_thread_self () != self->owner)
    atomic_fetch_add (&self->n_astray, 1);
  atomic_fetch_add (&self->n_gone, 1);
}

static void
give (gpointer object, FerryInvocation *invocation, gpointer data)
{
  Givens *self = data;
  g_autoptr (TestCounter) made = test_counter_new ("made");

  g_object_weak_ref (G_OBJECT (made), gone, self);
  atomic_fetch_add (&self->n_made, 1);
  ferry_invocation_return_object (invocation, G_OBJECT (made));
}

static FerryInterface *
create_giving_interface (Givens *givens)
{
  FerryInterface *self = test_counter_create_interface ();

  ferry_interface_add_method (self, "give", "", "o", give, givens, NULL);
  return self;
}

typedef struct
{
  FerryTransport *here;
  FerryTransport *there;
  FerryExporter *exporter;
  FerryProxy *proxy;
  TestCounter *counter;
  gboolean manual;
} Place;

static void
place_open (Place *self, gboolean manual, FerryInterface *interface)
{
  g_autoptr (GError) error = NULL;

  self->manual = manual;
  self->counter = test_counter_new ("counter");
  ferry_transport_new_pair (&self->here, &self->there);
  self->exporter = ferry_exporter_new ();
  if (manual)
    g_object_set (self->exporter, "manual", TRUE, NULL);
  else
    ferry_exporter_set_context (self->exporter, NULL);
  ferry_exporter_export (self->exporter, "counter", G_OBJECT (self->counter), interface, FERRY_CALL_POLICY_SERIAL,
                         &error);
  g_assert_no_error (error);
  ferry_exporter_export_type (self->exporter, interface, FERRY_CALL_POLICY_SERIAL);
  ferry_exporter_add_transport (self->exporter, self->there, &error);
  g_assert_no_error (error);
  ferry_exporter_start (self->exporter);
  self->proxy = ferry_proxy_new (self->here, "counter");
  g_object_unref (interface);
}

static void
place_close (Place *self)
{
  g_clear_object (&self->proxy);
  ferry_transport_close (self->here);
  ferry_transport_wait_closed (self->there);
  g_clear_object (&self->exporter);
  g_clear_object (&self->here);
  g_clear_object (&self->there);
  g_clear_object (&self->counter);
}

static void
place_serve (Place *self)
{
  if (self->manual)
    ferry_exporter_process_requests (self->exporter);
}

static gboolean
is_heard (gpointer data)
{
  place_serve (data);
  return ferry_proxy_get_listening (((Place *) data)->proxy);
}

typedef struct
{
  Place *place;
  FerryProxy *taken[N_GIVEN]; /* (owned) */
  _Atomic guint n_taken;
  Givens givens;
} Taking;

static void
given (GVariant *value, FerryProxy *object, const GError *error, gpointer data)
{
  Taking *self = data;

  g_assert_no_error (error);
  self->taken[atomic_load (&self->n_taken)] = g_object_ref (object);
  atomic_fetch_add (&self->n_taken, 1);
}

static gboolean
are_taken (gpointer data)
{
  Taking *self = data;

  place_serve (self->place);
  return atomic_load (&self->n_taken) == N_GIVEN;
}

static gboolean
are_gone (gpointer data)
{
  Taking *self = data;

  place_serve (self->place);
  return atomic_load (&self->givens.n_gone) == N_GIVEN;
}

static gpointer
close_thread (gpointer transport)
{
  ferry_transport_close (transport);
  return NULL;
}

/* The transport's end is another one's doing. */
static void
test_given_objects (gconstpointer manual)
{
  Place place = {NULL};
  Taking taking = {.place = &place, .givens = {.owner = g_thread_self ()}};

  place_open (&place, manual != NULL, create_giving_interface (&taking.givens));
  ferry_test_look_until (is_heard, &place);
  for (guint i = 0; i < N_GIVEN; i++)
    ferry_proxy_call_with_func (place.proxy, "give", NULL, given, &taking);
  ferry_test_look_until (are_taken, &taking);
  g_thread_join (g_thread_new ("closing", close_thread, place.here));
  ferry_transport_wait_closed (place.there);
  ferry_test_look_until (are_gone, &taking);
  g_assert_cmpuint (atomic_load (&taking.givens.n_astray), ==, 0);
  for (guint i = 0; i < N_GIVEN; i++)
    g_object_unref (taking.taken[i]);
  place_close (&place);
}

typedef struct
{
  FerryTransport *there;
  Givens givens;
  gboolean followed; /* const: the objects that were given away are followed */
  _Atomic gboolean ends;
} Serving;

static gboolean
initialise (FerryExporter *exporter, gpointer data, GError **error)
{
  Serving *self = data;
  g_autoptr (FerryInterface) interface = create_giving_interface (&self->givens);
  g_autoptr (TestCounter) counter = test_counter_new ("counter");

  self->givens.owner = g_thread_self ();
  ferry_exporter_export_type (exporter, interface, FERRY_CALL_POLICY_SERIAL);
  return ferry_exporter_export (exporter, "counter", G_OBJECT (counter), interface, FERRY_CALL_POLICY_SERIAL, error);
}

/* Ends the service at the same time as the transport is closed, or waits until it is closed. */
static gint64
compute (FerryExporter *exporter, gpointer data)
{
  Serving *self = data;

  if (atomic_load (&self->ends))
    return G_MININT64;
  if (atomic_load (&self->givens.n_made) == N_GIVEN && !self->followed)
    ferry_transport_wait_closed (self->there);
  return self->followed ? 0 : -1;
}

static gpointer
serve_thread (gpointer data)
{
  static const FerryObjectServerFuncs funcs = {initialise, compute, NULL};
  Serving *self = data;
  g_autoptr (GError) error = NULL;

  ferry_serve_objects (self->there, &funcs, self, &error);
  return NULL;
}

static gboolean
has_value (gpointer proxy)
{
  g_autoptr (GVariant) value = ferry_proxy_dup_cached (proxy, "value");

  return value != NULL;
}

static void
serve_until_closed (gboolean followed)
{
  FerryTransport *here;
  FerryProxy *taken[N_GIVEN] = {NULL};
  Serving serving = {.followed = followed};
  FerryProxy *proxy;
  GThread *server;
  GThread *closer;

  ferry_transport_new_pair (&here, &serving.there);
  server = g_thread_new ("server", serve_thread, &serving);
  proxy = ferry_proxy_new (here, "counter");
  ferry_test_wait_listening (proxy);
  for (guint i = 0; i < N_GIVEN; i++)
    {
      g_autoptr (GError) error = NULL;

      ferry_proxy_call (proxy, "give", NULL, -1, NULL, NULL, &taken[i], &error);
      g_assert_no_error (error);
      if (followed)
        ferry_proxy_follow (taken[i], (const char *const[]){"value", NULL}, NULL);
    }
  for (guint i = 0; i < N_GIVEN && followed; i++)
    ferry_test_run_until (has_value, taken[i]);
  closer = g_thread_new ("closing", close_thread, here);
  for (gint32 left = g_test_rand_int_range (0, 300000); left > 0 && followed; left--)
    atomic_load (&serving.ends);
  atomic_store (&serving.ends, followed);
  g_thread_join (closer);
  g_thread_join (server);
  g_assert_cmpuint (atomic_load (&serving.givens.n_gone), ==, N_GIVEN);
  g_assert_cmpuint (atomic_load (&serving.givens.n_astray), ==, 0);
  for (guint i = 0; i < N_GIVEN; i++)
    g_object_unref (taken[i]);
  g_object_unref (proxy);
  g_object_unref (here);
  g_object_unref (serving.there);
}

/* Several rounds: the thread that serves and the thread that ends the transport race for the session's end. */
static void
test_served_objects (gconstpointer followed)
{
  for (guint i = 0; i < 100; i++)
    serve_until_closed (followed != NULL);
}

/* ---- those that go on asking ---- */

#define MOST_ASKED 20000

typedef struct
{
  FerryProxy *proxy;
  _Atomic gboolean stopped;
  _Atomic guint n_asked;
  _Atomic guint n_begun;
  _Atomic guint n_over;
} Load;

static void answered (GVariant *value, FerryProxy *object, const GError *error, gpointer data);

static void
ask (Load *self)
{
  atomic_fetch_add (&self->n_asked, 1);
  ferry_proxy_call_with_func (self->proxy, "work", NULL, answered, self);
}

static void
answered (GVariant *value, FerryProxy *object, const GError *error, gpointer data)
{
  Load *self = data;

  g_assert_no_error (error);
  if (!atomic_load (&self->stopped) && atomic_load (&self->n_asked) < MOST_ASKED)
    ask (self);
  atomic_fetch_add (&self->n_over, 1);
}

static gboolean
is_over (gpointer data)
{
  Load *self = data;

  return atomic_load (&self->n_over) == atomic_load (&self->n_asked);
}

/* Takes as long as it takes that others are asked for. */
static void
work_on (gpointer object, FerryInvocation *invocation, gpointer data)
{
  Load *self = data;
  guint n_begun = atomic_fetch_add (&self->n_begun, 1) + 1;

  while (!atomic_load (&self->stopped) && atomic_load (&self->n_asked) < MIN (n_begun + N_IN_FLIGHT / 2, MOST_ASKED))
    g_thread_yield ();
  ferry_invocation_return_value (invocation, NULL);
}

typedef struct
{
  Place *place;
  Load *load;
} Loaded;

static gboolean
is_over_manual (gpointer data)
{
  Loaded *self = data;

  place_serve (self->place);
  return is_over (self->load);
}

static void
test_one_turn (void)
{
  FerryInterface *interface = test_counter_create_interface ();
  Place place = {NULL};
  Load load = {NULL};
  Loaded loaded = {&place, &load};
  guint n;

  ferry_interface_add_method (interface, "work", "", "", work_on, &load, NULL);
  place_open (&place, TRUE, interface);
  ferry_test_look_until (is_heard, &place);
  load.proxy = place.proxy;
  for (guint i = 0; i < N_IN_FLIGHT; i++)
    ask (&load);
  do
    n = ferry_exporter_process_requests (place.exporter);
  while (n == 0);
  g_assert_cmpuint (n, <, MOST_ASKED / 10);
  g_assert_cmpuint (atomic_load (&load.n_asked), <, MOST_ASKED);
  atomic_store (&load.stopped, TRUE);
  ferry_test_look_until (is_over_manual, &loaded);
  place_close (&place);
}

/* ---- one that keeps an object busy ---- */

#define N_CALLS 10
#define MOST_BETWEEN 2000
#define WORK_MICROSECONDS 100

static void
work (gpointer object, FerryInvocation *invocation, gpointer data)
{
  gint64 end = g_get_monotonic_time () + WORK_MICROSECONDS;

  while (g_get_monotonic_time () < end)
    ;
  ferry_invocation_return_value (invocation, NULL);
}

typedef struct
{
  FerryExported *exported; /* (owned) */
  _Atomic gboolean begun;
  Load load;
} Busy;

static guint
count_waiting (FerryExported *exported)
{
  guint n;

  pthread_mutex_lock (&exported->lock);
  n = exported->waiting.length;
  pthread_mutex_unlock (&exported->lock);
  return n;
}

/* So it is this thread that all of them are left to. */
static void
gather (gpointer object, FerryInvocation *invocation, gpointer data)
{
  Busy *self = data;

  atomic_store (&self->begun, TRUE);
  while (count_waiting (self->exported) < N_IN_FLIGHT)
    g_thread_yield ();
  ferry_invocation_return_value (invocation, NULL);
}

static gboolean
has_begun (gpointer data)
{
  return atomic_load (&((Busy *) data)->begun);
}

/* Returns how many others' calls were answered, at the least, while one of this one's was under way: where the machine
 * leaves a thread alone for long, more are. */
static guint
call_beside (PairScene *scene, Load *load)
{
  guint least = G_MAXUINT;

  for (guint i = 0; i < N_CALLS; i++)
    {
      guint before = atomic_load (&load->n_over);
      g_autoptr (GError) error = NULL;

      ferry_proxy_call (scene->proxy, "work", NULL, -1, NULL, NULL, NULL, &error);
      g_assert_no_error (error);
      least = MIN (least, atomic_load (&load->n_over) - before);
    }
  return least;
}

static void
gathered (GVariant *value, FerryProxy *object, const GError *error, gpointer data)
{
  g_assert_no_error (error);
}

static void
test_busy_object (void)
{
  FerryInterface *interface = test_counter_create_interface ();
  g_autoptr (FerryTransport) here = NULL;
  g_autoptr (FerryTransport) there = NULL;
  g_autoptr (GError) error = NULL;
  PairScene scene = {NULL};
  Busy busy = {NULL};

  ferry_interface_add_method (interface, "work", "", "", work, NULL, NULL);
  ferry_interface_add_method (interface, "gather", "", "", gather, &busy, NULL);
  pair_scene_open (&scene, 1, "counter", interface, test_counter_new ("counter"));
  pair_scene_wait_listening (&scene);
  busy.exported = ferry_exporter_find (scene.exporter, "counter", &error);
  ferry_transport_new_pair (&here, &there);
  ferry_exporter_add_transport (scene.exporter, there, &error);
  g_assert_no_error (error);
  busy.load.proxy = ferry_proxy_new (here, "counter");
  ferry_test_wait_listening (busy.load.proxy);
  ferry_proxy_call_with_func (scene.proxy, "gather", NULL, gathered, NULL);
  ferry_test_look_until (has_begun, &busy);
  for (guint i = 0; i < N_IN_FLIGHT; i++)
    ask (&busy.load);
  g_assert_cmpuint (call_beside (&scene, &busy.load), <, MOST_BETWEEN);
  atomic_store (&busy.load.stopped, TRUE);
  ferry_test_look_until (is_over, &busy.load);
  g_clear_object (&busy.load.proxy);
  ferry_transport_close (here);
  ferry_transport_wait_closed (there);
  ferry_exported_unref (busy.exported);
  pair_scene_close (&scene);
}

/* ---- a stop ---- */

typedef struct
{
  gboolean over;
  GError *error; /* (owned) (nullable) */
} Outcome;

static void
called_cb (GObject *proxy, GAsyncResult *result, gpointer data)
{
  Outcome *outcome = data;

  ferry_proxy_call_finish (FERRY_PROXY (proxy), result, NULL, NULL, &outcome->error);
  outcome->over = TRUE;
}

static gboolean
is_held (gpointer counter)
{
  return test_counter_get_n_held (counter) > 0;
}

static gboolean
has_waiting (gpointer data)
{
  return count_waiting (data) > 0;
}

static void
test_nameless_object (void)
{
  FerryExported *exported;
  PairScene scene = {NULL};
  Outcome held = {0};
  Outcome waits = {0};

  pair_scene_open (&scene, PAIR_SCENE_RECEIVING, "counter", test_counter_create_interface (),
                   test_counter_new ("counter"));
  pair_scene_wait_listening (&scene);
  exported = ferry_exporter_find (scene.exporter, "counter", NULL);
  ferry_proxy_call_async (scene.proxy, "hold", NULL, -1, NULL, called_cb, &held);
  ferry_test_look_until (is_held, scene.object);
  ferry_proxy_call_async (scene.proxy, "add", g_variant_new ("(i)", 1), -1, NULL, called_cb, &waits);
  ferry_test_look_until (has_waiting, exported);
  ferry_exporter_unexport (scene.exporter, "counter");
  ferry_exporter_stop (scene.exporter, FERRY_STOP_MODE_REFUSE);
  g_assert_false (has_waiting (exported));
  ferry_test_wait_flag (&waits.over);
  g_assert_error (waits.error, FERRY_ERROR, FERRY_ERROR_REFUSED);
  test_counter_let_go (scene.object);
  ferry_test_wait_flag (&held.over);
  g_assert_no_error (held.error);
  g_assert_cmpint (test_counter_get_value (scene.object), ==, 0);
  g_clear_error (&waits.error);
  ferry_exported_unref (exported);
  pair_scene_close (&scene);
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);

  g_test_add_data_func ("/object-fairness/objects-that-were-given-away-go-on-their-own-context", NULL,
                        test_given_objects);
  g_test_add_data_func ("/object-fairness/objects-that-were-given-away-go-where-requests-are-processed", "manually",
                        test_given_objects);
  g_test_add_data_func ("/object-fairness/objects-that-were-given-away-go-on-the-thread-that-serves", NULL,
                        test_served_objects);
  g_test_add_data_func ("/object-fairness/objects-that-are-followed-go-on-the-thread-that-serves", "followed",
                        test_served_objects);
  g_test_add_func ("/object-fairness/processing-requests-comes-back-while-others-go-on-asking", test_one_turn);
  g_test_add_func ("/object-fairness/one-who-keeps-an-object-busy-does-not-keep-others-waiting", test_busy_object);
  g_test_add_func ("/object-fairness/a-stop-that-refuses-also-does-so-where-the-name-was-taken-back",
                   test_nameless_object);

  return g_test_run ();
}
