/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-exporter.c, object/ferry-evaluation.c, object/ferry-exported.c, object/ferry-local-proxy.c,
 * conversation/ferry-demux.c
 *
 * Where an exporter calls methods, and in which order: on threads of a pool, where it was told nothing one at a time
 * over each transport, and among objects that call each other in their own process, of which one borrows the turn of
 * another. */

#include "config.h"

#include <locale.h>
#include <stdatomic.h>

#include "callers-test.h"
#include "object-scene.h"
#include "process/worker-test.h"

/* ---- the property that says where ---- */

/* Which properties were notified of: each at most once. */
static void
note_cb (FerryExporter *exporter, GParamSpec *pspec, GHashTable *names)
{
  g_assert_true (g_hash_table_add (names, (char *) g_param_spec_get_name (pspec)));
}

static void
assert_place (FerryExporter *exporter, GMainContext *wanted, int threads, gboolean manual, GHashTable *names,
              const char *notified)
{
  g_auto (GStrv) each = g_strsplit_set (notified, " ", -1);
  g_autoptr (GMainContext) context = NULL;

  g_object_get (exporter, "context", &context, NULL);
  g_assert_true (context == wanted);
  g_assert_cmpint (ferry_test_get_number (exporter, "threads"), ==, threads);
  g_assert_cmpint (ferry_test_get_number (exporter, "manual"), ==, manual);
  g_assert_cmpuint (g_hash_table_size (names), ==, g_strv_length (each));
  for (guint i = 0; each[i] != NULL; i++)
    g_assert_true (g_hash_table_contains (names, each[i]));
  g_hash_table_remove_all (names);
}

/* To set one of the three places unsets the others; what they are by default unsets nothing. */
static void
test_places (void)
{
  g_autoptr (FerryExporter) exporter = ferry_exporter_new ();
  g_autoptr (FerryExporter) made = g_object_new (FERRY_TYPE_EXPORTER, "threads", 3, NULL);
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);

  g_assert_cmpint (ferry_test_get_number (made, "threads"), ==, 3);
  g_signal_connect (exporter, "notify", G_CALLBACK (note_cb), names);
  assert_place (exporter, NULL, -1, FALSE, names, "");
  g_object_set (exporter, "context", context, NULL);
  assert_place (exporter, context, -1, FALSE, names, "context");
  g_object_set (exporter, "context", NULL, NULL);
  assert_place (exporter, g_main_context_default (), -1, FALSE, names, "context");
  g_object_set (exporter, "threads", -1, "manual", FALSE, NULL);
  assert_place (exporter, g_main_context_default (), -1, FALSE, names, "");
  g_object_set (exporter, "threads", 0, NULL);
  assert_place (exporter, NULL, 0, FALSE, names, "context threads");
  g_object_set (exporter, "threads", 2, NULL);
  assert_place (exporter, NULL, 2, FALSE, names, "threads");
  g_object_set (exporter, "manual", TRUE, NULL);
  assert_place (exporter, NULL, -1, TRUE, names, "manual threads");
  g_object_set (exporter, "manual", TRUE, NULL);
  assert_place (exporter, NULL, -1, TRUE, names, "");
  ferry_exporter_set_context (exporter, context);
  assert_place (exporter, context, -1, FALSE, names, "manual context");
  g_object_set (exporter, "threads", 1, NULL);
  g_hash_table_remove_all (names);
  g_object_set (exporter, "threads", -1, NULL);
  assert_place (exporter, NULL, -1, FALSE, names, "threads");
}

/* ---- a worker ---- */

/* So often a method blocks, and so many calls come behind it. */
#define N_BLOCKS 20
#define N_BEHIND 50

/* Exports the same over two transports. What one of them waits for, the other one sees. */
typedef struct
{
  ObjectScene scene;
  ObjectScene beside;
  FerryProxy *wide; /* may be called by several at a time */
} Scene;

static FerryTransport *
add_transport (ObjectScene *scene, const char *name)
{
  g_autoptr (GError) error = NULL;
  FerryTransport *transport = ferry_launcher_add_transport (scene->launcher, scene->router, name, &error);

  g_assert_no_error (error);
  return transport;
}

static void
set_up (Scene *self, gconstpointer data)
{
  ObjectScene *scene = &self->scene;

  scene->router = ferry_test_router_new ();
  scene->launcher = worker_test_launcher_new ("object-worker", "serve", "default", "beside", NULL);
  scene->here = add_transport (scene, "objects");
  self->beside.here = add_transport (scene, "beside");
  scene->worker = worker_test_spawn (scene->launcher, scene->router);
  self->wide = object_scene_new_proxy (scene, "wide");
}

static void
tear_down (Scene *self, gconstpointer data)
{
  g_clear_object (&self->wide);
  object_scene_close (&self->beside);
  object_scene_close (&self->scene);
}

/* Has a method block, and waits until it does. */
static GCancellable *
block (Scene *self, ObjectOutcome *outcome)
{
  GCancellable *cancellable = g_cancellable_new ();

  object_scene_ask (self->wide, g_variant_new ("((ss))", "call", "block"), -1, cancellable, outcome);
  object_scene_wait_number (&self->beside, "blocked", "wide", 1);
  return cancellable;
}

static void
unblock (GCancellable *cancellable, ObjectOutcome *outcome)
{
  g_cancellable_cancel (cancellable);
  ferry_test_wait_flag (&outcome->over);
  g_assert_error (outcome->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  object_outcome_clear (outcome);
}

static void
ask_add (Scene *self, GCancellable *cancellable, ObjectOutcome *outcome)
{
  object_scene_ask (self->wide, g_variant_new ("((ss(i)))", "call", "add", 1), -1, cancellable, outcome);
}

static void
assert_seen_beside (Scene *self, int value)
{
  g_autoptr (FerryProxy) wide = object_scene_new_proxy (&self->beside, "wide");

  g_assert_cmpint ((int) object_scene_get_number (wide, "(('get', 'value'),)"), ==, value);
}

static char *
call_where (ObjectScene *scene)
{
  g_autoptr (FerryProxy) control = object_scene_new_proxy (scene, "control");
  g_auto (ObjectOutcome) outcome = {0};

  object_scene_resolve (control, "(('pass-to', 'where'),)", NULL, &outcome);
  g_assert_no_error (outcome.error);
  return g_variant_dup_string (outcome.value, NULL);
}

static void
assert_on_pool (ObjectScene *scene)
{
  g_autofree char *name = call_where (scene);

  g_assert_true (g_str_has_prefix (name, "pool"));
}

static void
test_default (Scene *self, gconstpointer data)
{
  assert_on_pool (&self->scene);
  assert_on_pool (&self->beside);
}

static void
test_chosen_threads (void)
{
  ObjectScene scene = {NULL};

  object_scene_spawn (&scene, "serve", NULL);
  for (guint i = 0; i < 50; i++)
    assert_on_pool (&scene);
  object_scene_close (&scene);
}

static void
test_blocks (Scene *self, gconstpointer data)
{
  g_autoptr (FerryProxy) counter = object_scene_new_proxy (&self->beside, "counter");

  for (int i = 0; i < N_BLOCKS; i++)
    {
      ObjectOutcome outcome = {0};
      g_autoptr (GCancellable) cancellable = block (self, &outcome);
      g_autofree char *count = g_strdup_printf ("%d", i + 1);

      object_scene_assert_call (counter, "add", g_variant_new ("(i)", 1), count);
      g_assert_false (outcome.over);
      unblock (cancellable, &outcome);
      object_scene_wait_number (&self->beside, "blocked", "wide", 0);
    }
}

static void
test_order (Scene *self, gconstpointer data)
{
  for (int round = 0; round < N_BLOCKS; round++)
    {
      ObjectOutcome blocked = {0};
      ObjectOutcome outcomes[N_BEHIND] = {{0}};
      g_autoptr (GCancellable) cancellable = block (self, &blocked);

      for (int i = 0; i < N_BEHIND; i++)
        ask_add (self, NULL, &outcomes[i]);
      assert_seen_beside (self, round * N_BEHIND);
      unblock (cancellable, &blocked);
      object_scene_assert_counted (outcomes, N_BEHIND, round * N_BEHIND + 1);
    }
  object_scene_wait_number (&self->beside, "most", "wide", 1);
}

static void
test_cancel_of_one_that_waits (Scene *self, gconstpointer data)
{
  ObjectOutcome blocked = {0};
  ObjectOutcome unwanted = {0};
  ObjectOutcome wanted = {0};
  g_autoptr (GCancellable) cancellable = block (self, &blocked);
  g_autoptr (GCancellable) second = g_cancellable_new ();

  ask_add (self, second, &unwanted);
  ask_add (self, NULL, &wanted);
  unblock (second, &unwanted);
  unblock (cancellable, &blocked);
  object_scene_assert_counted (&wanted, 1, 1);
}

static void
test_kept (Scene *self, gconstpointer data)
{
  ObjectOutcome held = {0};

  object_scene_ask_call (self->wide, "hold", NULL, &held);
  object_scene_assert_call (self->wide, "add", g_variant_new ("(i)", 1), "1");
  g_assert_false (held.over);
  object_scene_let_go (&self->scene, "wide");
  object_scene_assert_counted (&held, 1, 1);
}

/* ---- calls in their order ---- */

#define N_CALLS 400
#define N_THREADS 3
#define N_ROUNDS 150

/* More than a small message: it takes the ways of large ones. */
#define LARGE (300 * 1024)

/* None is waited for. */
static void
calls_of_one_thread (ObjectScene *scene)
{
  g_autoptr (FerryProxy) counter = object_scene_new_proxy (scene, "counter");
  g_autofree ObjectOutcome *outcomes = g_new0 (ObjectOutcome, N_CALLS);

  for (guint i = 0; i < N_CALLS; i++)
    object_scene_ask_call (counter, "add", g_variant_new ("(i)", 1), &outcomes[i]);
  object_scene_assert_counted (outcomes, N_CALLS, 1);
}

/* The counter is the second object of each chain. */
static void
chains (ObjectScene *scene)
{
  g_autoptr (FerryProxy) shelf = object_scene_new_proxy (scene, "shelf");
  g_autofree ObjectOutcome *outcomes = g_new0 (ObjectOutcome, N_CALLS);

  object_scene_assert_call (shelf, "append", g_variant_new ("(s)", "first"), "1");
  for (guint i = 0; i < N_CALLS; i++)
    object_scene_ask (shelf, g_variant_new_parsed ("(('get-item', 0), ('call', 'add', (1,)))"), -1, NULL, &outcomes[i]);
  object_scene_assert_counted (outcomes, N_CALLS, 1);
}

static void
large_before_small (ObjectScene *scene)
{
  g_autoptr (FerryProxy) counter = object_scene_new_proxy (scene, "counter");

  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *label = g_strnfill (LARGE, (char) ('a' + i));
      g_auto (ObjectOutcome) is_set = {0};
      g_auto (ObjectOutcome) got = {0};

      object_scene_ask (counter, g_variant_new ("((sss))", "set", "label", label), -1, NULL, &is_set);
      object_scene_ask (counter, g_variant_new ("((ss))", "get", "label"), -1, NULL, &got);
      ferry_test_wait_flag (&is_set.over);
      ferry_test_wait_flag (&got.over);
      g_assert_no_error (is_set.error);
      g_assert_no_error (got.error);
      g_assert_true (g_str_equal (g_variant_get_string (got.value, NULL), label));
    }
}

/* ---- threads that wait for some of their calls and not for others ---- */

typedef struct
{
  FerryProxy *proxy;
  _Atomic gboolean over;
  gint32 values[2 * N_ROUNDS]; /* of each call, in the order in which they were made */
  _Atomic guint n_answered;
} Caller;

typedef struct
{
  Caller *caller;
  gint32 *value;
} Asked;

static void
answered (GVariant *value, FerryProxy *object, const GError *error, gpointer data)
{
  g_autofree Asked *self = data;

  g_assert_no_error (error);
  *self->value = g_variant_get_int32 (value);
  atomic_fetch_add (&self->caller->n_answered, 1);
}

static void
ask (Caller *self, gint32 *value)
{
  Asked *asked = g_new (Asked, 1);

  *asked = (Asked){self, value};
  ferry_proxy_call_with_func (self->proxy, "add", g_variant_new ("(i)", 1), answered, asked);
}

static void
call (Caller *self, gint32 *value)
{
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GError) error = NULL;

  ferry_proxy_call (self->proxy, "add", g_variant_new ("(i)", 1), -1, NULL, &result, NULL, &error);
  g_assert_no_error (error);
  *value = g_variant_get_int32 (result);
}

static gpointer
call_thread (gpointer data)
{
  Caller *self = data;

  for (guint i = 0; i < 2 * N_ROUNDS; i += 2)
    {
      ask (self, &self->values[i]);
      call (self, &self->values[i + 1]);
    }
  atomic_store (&self->over, TRUE);
  return NULL;
}

static gboolean
are_over (gpointer data)
{
  Caller *callers = data;

  for (guint i = 0; i < N_THREADS; i++)
    if (!atomic_load (&callers[i].over) || atomic_load (&callers[i].n_answered) < N_ROUNDS)
      return FALSE;
  return TRUE;
}

static void
calls_of_threads (ObjectScene *scene)
{
  g_autoptr (FerryProxy) counter = object_scene_new_proxy (scene, "counter");
  g_autofree Caller *callers = g_new0 (Caller, N_THREADS);
  GThread *threads[N_THREADS];

  for (guint i = 0; i < N_THREADS; i++)
    {
      callers[i].proxy = counter;
      threads[i] = g_thread_new ("caller", call_thread, &callers[i]);
    }
  ferry_test_look_until (are_over, callers);
  for (guint i = 0; i < N_THREADS; i++)
    {
      g_thread_join (threads[i]);
      for (guint j = 1; j < 2 * N_ROUNDS; j++)
        g_assert_cmpint (callers[i].values[j - 1], <, callers[i].values[j]);
    }
}

static const ObjectSceneFact facts[] = {
  {"calls-of-one-thread-are-carried-out-in-their-order", calls_of_one_thread},
  {"chains-reach-their-second-object-in-order", chains},
  {"a-large-call-is-carried-out-before-a-small-one-behind-it", large_before_small},
  {"calls-that-are-waited-for-keep-their-place-among-others-of-their-thread", calls_of_threads},
};

/* ---- along the chain of callers ---- */

static void
test_chain (gconstpointer on_context)
{
  static const char *const paths[][8] = {
    {"a", NULL},
    {"b", "a", NULL},
    {"b", "c", "a", NULL},
    {"b", "c", "b", "a", "c", "a", NULL},
  };
  CallersTest scene = {{NULL}};

  callers_test_open (&scene, on_context != NULL);
  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      ObjectOutcome outcome = {0};

      object_scene_ask_call (scene.proxies[0][0], "go", g_variant_new ("(^as)", paths[i]), &outcome);
      callers_test_assert_answered (&outcome);
    }
  g_assert_cmpuint (atomic_load (&scene.most_inside), ==, 3);
  callers_test_close (&scene);
}

typedef struct
{
  CallersTest *scene;
  ObjectOutcome asked;
  ObjectOutcome noted;
} Unrelated;

static Unrelated *unrelated; /* of the test that is run */

static gboolean
has_begun (gpointer data)
{
  return atomic_load (&((CallersTest *) data)->n_begun) > 0;
}

/* Asks something that does not come from it, of “b”, and waits in the main loop until “a” was asked for. */
static gboolean
run_loop (CallersTest *self, FerryInvocation *invocation)
{
  object_scene_ask_call (self->proxies[1][1], "run", NULL, &unrelated->asked);
  ferry_test_run_until (has_begun, self);
  return TRUE;
}

/* Has “c” run. */
static gboolean
run_next (CallersTest *self, FerryInvocation *invocation)
{
  return callers_test_call_local (self, invocation, "c", "run", NULL);
}

/* Asks for “a”, and does not wait. */
static gboolean
ask_back (CallersTest *self, FerryInvocation *invocation)
{
  g_autoptr (FerryProxy) local = ferry_proxy_new_local (self->exporter, "a");

  object_scene_ask_call (local, "note", NULL, &unrelated->noted);
  atomic_fetch_add (&self->n_begun, 1);
  return TRUE;
}

/* What the main loop brings while a method runs it is not in that method's turn, nor is what follows from it. */
static void
test_unrelated (gconstpointer two_levels)
{
  CallersTest scene = {{NULL}};
  Unrelated own = {.scene = &scene};
  ObjectOutcome outcome = {0};

  unrelated = &own;
  callers_test_open (&scene, TRUE);
  scene.bodies[0] = run_loop;
  scene.bodies[1] = two_levels != NULL ? run_next : ask_back;
  scene.bodies[2] = ask_back;
  object_scene_ask_call (scene.proxies[0][0], "run", NULL, &outcome);
  callers_test_assert_answered (&outcome);
  callers_test_assert_answered (&own.asked);
  callers_test_assert_answered (&own.noted);
  g_assert_cmpuint (atomic_load (&scene.n_noted), ==, 1);
  g_assert_cmpuint (atomic_load (&scene.most_inside), ==, 1);
  callers_test_close (&scene);
}

/* ---- the methods that a thread calls ---- */

static gboolean
call_b (CallersTest *self, FerryInvocation *invocation)
{
  gboolean answered = callers_test_call_local (self, invocation, "b", "run", NULL);

  /* What is done now is not done by “b”. */
  atomic_store (&self->busy, NULL);
  return answered;
}

/* Ends when a caller waits for the turn of “b”, and that thread goes back to “a”. */
static gboolean
linger (CallersTest *self, FerryInvocation *invocation)
{
  atomic_fetch_add (&self->n_begun, 1);
  callers_test_wait_wanted (self, "b");
  atomic_store (&self->busy, g_thread_self ());
  return TRUE;
}

/* One that waits for “b”, and wants “a” there, is not called in “a” when its turn has come. */
static void
test_waiting (void)
{
  CallersTest scene = {{NULL}};
  ObjectOutcome outcomes[2] = {{0}};

  callers_test_open (&scene, FALSE);
  scene.bodies[0] = call_b;
  scene.bodies[1] = linger;
  object_scene_ask_call (scene.proxies[0][0], "run", NULL, &outcomes[0]);
  callers_test_wait_count (&scene.n_begun, 1);
  object_scene_ask_call (scene.proxies[1][1], "go", g_variant_new_parsed ("(['a'],)"), &outcomes[1]);
  for (guint i = 0; i < G_N_ELEMENTS (outcomes); i++)
    callers_test_assert_answered (&outcomes[i]);
  g_assert_cmpuint (atomic_load (&scene.n_lent), ==, 0);
  g_assert_cmpuint (atomic_load (&scene.most_inside), ==, 1);
  callers_test_close (&scene);
}

/* Within a property's handler: answers a call of “b” while another one waits for the turn of “b”. */
static void
value_changed_cb (GObject *object, GParamSpec *pspec, gpointer data)
{
  CallersTest *self = data;

  atomic_store (&self->busy, g_thread_self ());
  callers_test_let_go (self, self->objects[2]);
  atomic_store (&self->busy, NULL);
}

static void
test_handler (void)
{
  CallersTest scene = {{NULL}};
  ObjectOutcome outcomes[3] = {{0}};

  callers_test_open (&scene, FALSE);
  g_signal_connect (scene.objects[0], "notify::value", G_CALLBACK (value_changed_cb), &scene);
  object_scene_ask_call (scene.proxies[0][1], "keep", NULL, &outcomes[0]);
  callers_test_wait_count (&scene.n_kept, 1);
  object_scene_ask_call (scene.proxies[1][1], "go", g_variant_new_parsed ("(['a'],)"), &outcomes[1]);
  callers_test_wait_wanted (&scene, "b");
  callers_test_set (scene.proxies[2][0], 5, &outcomes[2]);
  for (guint i = 0; i < G_N_ELEMENTS (outcomes); i++)
    callers_test_assert_answered (&outcomes[i]);
  g_assert_cmpuint (atomic_load (&scene.n_lent), ==, 0);
  callers_test_close (&scene);
}

/* A handler of the object's calls the object. */
static void
value_called_cb (GObject *object, GParamSpec *pspec, gpointer data)
{
  CallersTest *self = data;
  g_autoptr (FerryProxy) local = ferry_proxy_new_local (self->exporter, "a");
  g_autoptr (GError) error = NULL;

  ferry_proxy_call (local, "note", NULL, CALLERS_TEST_PATIENCE, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
}

static void
test_handler_calls (gconstpointer on_context)
{
  CallersTest scene = {{NULL}};
  ObjectOutcome outcome = {0};

  callers_test_open (&scene, on_context != NULL);
  g_signal_connect (scene.objects[0], "notify::value", G_CALLBACK (value_called_cb), &scene);
  callers_test_set (scene.proxies[0][0], 5, &outcome);
  callers_test_assert_answered (&outcome);
  g_assert_cmpuint (atomic_load (&scene.n_noted), ==, 1);
  callers_test_close (&scene);
}

/* ---- what a thread was left ---- */

static gboolean
call_b_here (CallersTest *self, FerryInvocation *invocation)
{
  return callers_test_call_local (self, invocation, "b", "note", NULL);
}

static gboolean
call_b_from_afar (CallersTest *self, FerryInvocation *invocation)
{
  g_autoptr (GError) error = NULL;

  if (ferry_proxy_call (self->proxies[2][1], "note", NULL, CALLERS_TEST_PATIENCE, NULL, NULL, NULL, &error))
    return TRUE;
  ferry_invocation_return_error (invocation, error);
  return FALSE;
}

/* A view leaves “b” and “c” to those that wait for them, and goes on to “a”, which calls “b”. The holder of “c” wants
 * “a”. */
static void
test_left (gconstpointer from_afar)
{
  CallersTest scene = {{NULL}};
  ObjectOutcome outcomes[3] = {{0}};

  callers_test_open (&scene, FALSE);
  scene.bodies[0] = from_afar != NULL ? call_b_from_afar : call_b_here;
  object_scene_ask (scene.proxies[0][1], g_variant_new_parsed ("[('call', 'keep'), ('call', 'give'), ('call', 'run')]"),
                    -1, NULL, &outcomes[0]);
  callers_test_wait_count (&scene.n_kept, 1);
  object_scene_ask_call (scene.proxies[1][1], "note", NULL, &outcomes[1]);
  callers_test_wait_wanted (&scene, "b");
  callers_test_let_go (&scene, scene.objects[2]);
  callers_test_wait_count (&scene.n_begun, 1);
  object_scene_ask_call (scene.proxies[2][2], "go", g_variant_new_parsed ("(['a'],)"), &outcomes[2]);
  for (guint i = 0; i < G_N_ELEMENTS (outcomes); i++)
    callers_test_assert_answered (&outcomes[i]);
  g_assert_cmpuint (atomic_load (&scene.n_lent), ==, 0);
  g_assert_cmpuint (atomic_load (&scene.most_inside), ==, 1);
  callers_test_close (&scene);
}

static gboolean
has_kept (gpointer data)
{
  return atomic_load (&((CallersTest *) data)->n_kept) > 0;
}

static gboolean
is_b_wanted (gpointer data)
{
  return callers_test_is_wanted (data, "b");
}

/* On a context nothing else can call the one that was left in turn, and the method waits for that one. */
static void
test_left_on_context (void)
{
  CallersTest scene = {{NULL}};
  ObjectOutcome outcomes[2] = {{0}};

  callers_test_open (&scene, TRUE);
  scene.bodies[0] = call_b_here;
  object_scene_ask (scene.proxies[0][1], g_variant_new_parsed ("[('call', 'keep'), ('call', 'run')]"), -1, NULL,
                    &outcomes[0]);
  ferry_test_run_until (has_kept, &scene);
  object_scene_ask_call (scene.proxies[1][1], "note", NULL, &outcomes[1]);
  ferry_test_run_until (is_b_wanted, &scene);
  callers_test_let_go (&scene, scene.objects[0]);
  for (guint i = 0; i < G_N_ELEMENTS (outcomes); i++)
    callers_test_assert_answered (&outcomes[i]);
  g_assert_cmpuint (atomic_load (&scene.n_noted), ==, 2);
  callers_test_close (&scene);
}

static gboolean
let_go_cb (gpointer data)
{
  callers_test_let_go (data, ((CallersTest *) data)->objects[2]);
  return G_SOURCE_REMOVE;
}

/* Waits in the main loop for what “b” does not answer at once. */
static gboolean
wait_in_loop (CallersTest *self, FerryInvocation *invocation)
{
  g_autoptr (FerryProxy) local = ferry_proxy_new_local (self->exporter, "b");
  ObjectOutcome outcome = {0};

  object_scene_ask_call (local, "keep", NULL, &outcome);
  g_idle_add (let_go_cb, self);
  callers_test_assert_answered (&outcome);
  return TRUE;
}

static gboolean
is_a_wanted (gpointer data)
{
  return callers_test_is_wanted (data, "a");
}

/* The method had to wait for its turn. */
static void
test_loop_after_turn (void)
{
  CallersTest scene = {{NULL}};
  ObjectOutcome outcomes[2] = {{0}};

  callers_test_open (&scene, TRUE);
  scene.bodies[0] = wait_in_loop;
  object_scene_ask_call (scene.proxies[0][0], "keep", NULL, &outcomes[0]);
  ferry_test_run_until (has_kept, &scene);
  object_scene_ask_call (scene.proxies[1][0], "run", NULL, &outcomes[1]);
  ferry_test_run_until (is_a_wanted, &scene);
  callers_test_let_go (&scene, scene.objects[2]);
  for (guint i = 0; i < G_N_ELEMENTS (outcomes); i++)
    callers_test_assert_answered (&outcomes[i]);
  callers_test_close (&scene);
}

/* ---- two exporters ---- */

/* The object goes with the step behind this one, on the thread that serves, and drops the call that it has. */
static void
give_one (gpointer object, FerryInvocation *invocation, gpointer data)
{
  CallersTest *self = data;
  g_autoptr (TestCounter) made = test_counter_new ("made");

  atomic_store (&self->busy, g_thread_self ());
  g_object_set_data_full (G_OBJECT (made), "kept", g_steal_pointer (&self->kept),
                          (GDestroyNotify) ferry_invocation_unref);
  ferry_invocation_return_object (invocation, G_OBJECT (made));
}

static FerryExporter *
create_other (CallersTest *self, TestCounter *counter, FerryTransport *transport)
{
  g_autoptr (FerryInterface) interface = ferry_interface_new ("org.example.Other", TEST_TYPE_COUNTER);
  FerryExporter *other = ferry_exporter_new ();
  g_autoptr (GError) error = NULL;

  ferry_interface_add_method (interface, "give_one", "", "o", give_one, self, NULL);
  ferry_interface_add_property (interface, "value", G_DBUS_PROPERTY_INFO_FLAGS_READABLE);
  ferry_exporter_export_type (other, interface, FERRY_CALL_POLICY_SERIAL);
  ferry_exporter_export (other, "other", G_OBJECT (counter), interface, FERRY_CALL_POLICY_SERIAL, &error);
  g_assert_no_error (error);
  ferry_exporter_add_transport (other, transport, &error);
  g_assert_no_error (error);
  ferry_exporter_start (other);
  return other;
}

/* What was kept of one's object is dropped on the thread that serves the other one: a caller that waits for that object
 * is not called there. */
static void
test_two_exporters (void)
{
  CallersTest scene = {{NULL}};
  ObjectOutcome outcomes[3] = {{0}};
  FerryTransport *here, *there;
  g_autoptr (TestCounter) counter = test_counter_new ("other");
  g_autoptr (FerryExporter) other = NULL;
  g_autoptr (FerryProxy) proxy = NULL;

  callers_test_open (&scene, FALSE);
  ferry_transport_new_pair (&here, &there);
  other = create_other (&scene, counter, there);
  proxy = ferry_proxy_new (here, "other");
  ferry_test_wait_listening (proxy);
  object_scene_ask_call (scene.proxies[0][0], "keep", NULL, &outcomes[0]);
  callers_test_wait_count (&scene.n_kept, 1);
  object_scene_ask_call (scene.proxies[1][0], "note", NULL, &outcomes[1]);
  callers_test_wait_wanted (&scene, "a");
  object_scene_ask (proxy, g_variant_new_parsed ("[('call', 'give_one'), ('get', 'value')]"), -1, NULL, &outcomes[2]);
  ferry_test_wait_flag (&outcomes[0].over);
  g_assert_error (outcomes[0].error, FERRY_ERROR, FERRY_ERROR_REFUSED);
  g_clear_error (&outcomes[0].error);
  callers_test_assert_answered (&outcomes[1]);
  callers_test_assert_answered (&outcomes[2]);
  g_assert_cmpuint (atomic_load (&scene.n_lent), ==, 0);
  g_clear_object (&proxy);
  ferry_transport_close (here);
  ferry_transport_wait_closed (there);
  g_object_unref (here);
  g_object_unref (there);
  callers_test_close (&scene);
}

static void
add (const char *path, void (*test) (Scene *, gconstpointer))
{
  g_test_add (path, Scene, NULL, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/object-place/one-property-says-where-methods-are-called", test_places);
  add ("/object-place/a-method-is-called-on-a-thread-of-a-pool", test_default);
  g_test_add_func ("/object-place/a-method-is-called-on-the-threads-that-were-chosen", test_chosen_threads);
  add ("/object-place/a-method-that-blocks-holds-up-no-other-transport-and-hears-its-cancel", test_blocks);
  add ("/object-place/calls-wait-behind-a-method-that-blocks-and-follow-in-their-order", test_order);
  add ("/object-place/a-call-that-waits-behind-one-that-blocks-can-be-cancelled", test_cancel_of_one_that_waits);
  add ("/object-place/a-method-that-keeps-its-call-holds-up-no-other", test_kept);
  object_scene_add_facts ("object-place", facts, G_N_ELEMENTS (facts));
#define ADD(name, test) g_test_add_func ("/object-place/" name, test)
#define ADD_DATA(name, data, test) g_test_add_data_func ("/object-place/" name, data, test)
  ADD_DATA ("on-threads/a-turn-goes-along-the-chain-of-callers", NULL, test_chain);
  ADD_DATA ("on-a-context/a-turn-goes-along-the-chain-of-callers", "context", test_chain);
  ADD_DATA ("who-was-not-asked-for-in-a-method-waits-for-its-turn", NULL, test_unrelated);
  ADD_DATA ("what-follows-from-who-was-not-asked-for-waits", "two levels", test_unrelated);
  ADD ("who-waits-is-not-called-within-another's-method", test_waiting);
  ADD ("who-waits-is-not-called-within-another's-handler", test_handler);
  ADD_DATA ("on-threads/a-handler-may-call-its-own-object", NULL, test_handler_calls);
  ADD_DATA ("on-a-context/a-handler-may-call-its-own-object", "context", test_handler_calls);
  ADD_DATA ("what-a-view-has-left-waits-for-no-method-of-it", NULL, test_left);
  ADD_DATA ("what-a-view-has-left-is-there-for-others", "from afar", test_left);
  ADD ("a-method-on-a-context-lets-who-was-left-go-first", test_left_on_context);
  ADD ("a-loop-of-a-method-that-had-to-wait-has-its-answers", test_loop_after_turn);
  ADD ("a-thread-calls-no-methods-of-another-exporter", test_two_exporters);

  return g_test_run ();
}
