/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-evaluation.c, object/ferry-exported.c, object/ferry-local-proxy.c
 *
 * Objects that call each other in their own process: which borrows the turn of which, and on which thread others are
 * called. */

#include "config.h"

#include <locale.h>

#include "callers-test.h"

static gboolean
is_listening (gpointer proxy)
{
  return ferry_proxy_get_listening (proxy);
}

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
      CallersTestOutcome outcome = {0};

      callers_test_ask (scene.proxies[0][0], "go", g_variant_new ("(^as)", paths[i]), &outcome);
      callers_test_assert_answered (&outcome);
    }
  g_assert_cmpuint (atomic_load (&scene.most_inside), ==, 3);
  callers_test_close (&scene);
}

typedef struct
{
  CallersTest *scene;
  CallersTestOutcome asked;
  CallersTestOutcome noted;
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
  callers_test_ask (self->proxies[1][1], "run", NULL, &unrelated->asked);
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

  callers_test_ask (local, "note", NULL, &unrelated->noted);
  atomic_fetch_add (&self->n_begun, 1);
  return TRUE;
}

/* What the main loop brings while a method runs it is not in that method's turn, nor is what follows from it. */
static void
test_unrelated (gconstpointer two_levels)
{
  CallersTest scene = {{NULL}};
  Unrelated own = {.scene = &scene};
  CallersTestOutcome outcome = {0};

  unrelated = &own;
  callers_test_open (&scene, TRUE);
  scene.bodies[0] = run_loop;
  scene.bodies[1] = two_levels != NULL ? run_next : ask_back;
  scene.bodies[2] = ask_back;
  callers_test_ask (scene.proxies[0][0], "run", NULL, &outcome);
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
  CallersTestOutcome outcomes[2] = {{0}};

  callers_test_open (&scene, FALSE);
  scene.bodies[0] = call_b;
  scene.bodies[1] = linger;
  callers_test_ask (scene.proxies[0][0], "run", NULL, &outcomes[0]);
  callers_test_wait_count (&scene.n_begun, 1);
  callers_test_ask (scene.proxies[1][1], "go", g_variant_new_parsed ("(['a'],)"), &outcomes[1]);
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
  CallersTestOutcome outcomes[3] = {{0}};

  callers_test_open (&scene, FALSE);
  g_signal_connect (scene.objects[0], "notify::value", G_CALLBACK (value_changed_cb), &scene);
  callers_test_ask (scene.proxies[0][1], "keep", NULL, &outcomes[0]);
  callers_test_wait_count (&scene.n_kept, 1);
  callers_test_ask (scene.proxies[1][1], "go", g_variant_new_parsed ("(['a'],)"), &outcomes[1]);
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
  CallersTestOutcome outcome = {0};

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
  CallersTestOutcome outcomes[3] = {{0}};

  callers_test_open (&scene, FALSE);
  scene.bodies[0] = from_afar != NULL ? call_b_from_afar : call_b_here;
  callers_test_ask_steps (scene.proxies[0][1],
                          g_variant_new_parsed ("[('call', 'keep'), ('call', 'give'), ('call', 'run')]"), &outcomes[0]);
  callers_test_wait_count (&scene.n_kept, 1);
  callers_test_ask (scene.proxies[1][1], "note", NULL, &outcomes[1]);
  callers_test_wait_wanted (&scene, "b");
  callers_test_let_go (&scene, scene.objects[2]);
  callers_test_wait_count (&scene.n_begun, 1);
  callers_test_ask (scene.proxies[2][2], "go", g_variant_new_parsed ("(['a'],)"), &outcomes[2]);
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
  CallersTestOutcome outcomes[2] = {{0}};

  callers_test_open (&scene, TRUE);
  scene.bodies[0] = call_b_here;
  callers_test_ask_steps (scene.proxies[0][1], g_variant_new_parsed ("[('call', 'keep'), ('call', 'run')]"),
                          &outcomes[0]);
  ferry_test_run_until (has_kept, &scene);
  callers_test_ask (scene.proxies[1][1], "note", NULL, &outcomes[1]);
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
  CallersTestOutcome outcome = {0};

  callers_test_ask (local, "keep", NULL, &outcome);
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
  CallersTestOutcome outcomes[2] = {{0}};

  callers_test_open (&scene, TRUE);
  scene.bodies[0] = wait_in_loop;
  callers_test_ask (scene.proxies[0][0], "keep", NULL, &outcomes[0]);
  ferry_test_run_until (has_kept, &scene);
  callers_test_ask (scene.proxies[1][0], "run", NULL, &outcomes[1]);
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
  CallersTestOutcome outcomes[3] = {{0}};
  FerryTransport *here, *there;
  g_autoptr (TestCounter) counter = test_counter_new ("other");
  g_autoptr (FerryExporter) other = NULL;
  g_autoptr (FerryProxy) proxy = NULL;

  callers_test_open (&scene, FALSE);
  ferry_transport_new_pair (&here, &there);
  other = create_other (&scene, counter, there);
  proxy = ferry_proxy_new (here, "other");
  ferry_test_run_until (is_listening, proxy);
  callers_test_ask (scene.proxies[0][0], "keep", NULL, &outcomes[0]);
  callers_test_wait_count (&scene.n_kept, 1);
  callers_test_ask (scene.proxies[1][0], "note", NULL, &outcomes[1]);
  callers_test_wait_wanted (&scene, "a");
  callers_test_ask_steps (proxy, g_variant_new_parsed ("[('call', 'give_one'), ('get', 'value')]"), &outcomes[2]);
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

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);

#define ADD(name, test) g_test_add_func ("/object-callers/" name, test)
#define ADD_DATA(name, data, test) g_test_add_data_func ("/object-callers/" name, data, test)
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
