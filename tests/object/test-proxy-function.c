/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-proxy-call.c
 *
 * Calls that are answered by a function, and methods that run on the thread that receives. */

#include "config.h"

#include <locale.h>
#include <stdatomic.h>
#include <string.h>

#include "object-test.h"
#include "pair-scene.h"

/* What a function was called with. */
typedef struct
{
  _Atomic guint n_called;
  GVariant *value;
  FerryProxy *object;
  GError *error;
} Answer;

static void
answer_clear (Answer *self)
{
  g_clear_pointer (&self->value, g_variant_unref);
  g_clear_object (&self->object);
  g_clear_error (&self->error);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Answer, answer_clear)

static void
answered (GVariant *value, FerryProxy *object, const GError *error, gpointer data)
{
  Answer *self = data;

  self->value = value != NULL ? g_variant_ref (value) : NULL;
  self->object = object != NULL ? g_object_ref (object) : NULL;
  self->error = error != NULL ? g_error_copy (error) : NULL;
  /* Release the answer to the thread that looks. */
  atomic_fetch_add_explicit (&self->n_called, 1, memory_order_release);
}

static gboolean
is_answered (gpointer answer)
{
  return atomic_load_explicit (&((Answer *) answer)->n_called, memory_order_acquire) > 0;
}

static void
resolved_cb (GObject *proxy, GAsyncResult *result, gpointer answer)
{
  g_autoptr (GVariant) value = NULL;
  g_autoptr (FerryProxy) object = NULL;
  g_autoptr (GError) error = NULL;

  ferry_proxy_resolve_finish (FERRY_PROXY (proxy), result, &value, &object, &error);
  answered (value, object, error, answer);
}

static void
call (FerryProxy *proxy, const char *method, GVariant *arguments, Answer *answer)
{
  ferry_proxy_call_with_func (proxy, method, arguments, answered, answer);
  ferry_test_look_until (is_answered, answer);
}

static void
assert_number (const Answer *answer, int number)
{
  g_assert_no_error (answer->error);
  g_assert_nonnull (answer->value);
  g_assert_cmpint (g_variant_get_int32 (answer->value), ==, number);
}

/* ---- a function ---- */

static void
set_up (PairScene *self, gconstpointer local)
{
  self->local = GPOINTER_TO_INT (local);
  pair_scene_open (self, PAIR_SCENE_CONTEXT, "counter", test_counter_create_interface (), test_counter_new ("first"));
  pair_scene_wait_listening (self);
}

static void
tear_down (PairScene *self, gconstpointer data)
{
  pair_scene_close (self);
}

static void
test_value (PairScene *self, gconstpointer data)
{
  g_auto (Answer) sum = {0};
  g_auto (Answer) nothing = {0};

  call (self->proxy, "add", g_variant_new ("(i)", 3), &sum);
  assert_number (&sum, 3);
  g_assert_null (sum.object);
  call (self->proxy, "stop", NULL, &nothing);
  g_assert_no_error (nothing.error);
  g_assert_null (nothing.value);
  g_assert_null (nothing.object);
}

static void
test_object (PairScene *self, gconstpointer data)
{
  g_auto (Answer) itself = {0};
  g_auto (Answer) made = {0};

  call (self->proxy, "get_self", NULL, &itself);
  g_assert_no_error (itself.error);
  g_assert_true (itself.object == self->proxy);
  call (self->proxy, "make", g_variant_new ("(s)", "made"), &made);
  g_assert_no_error (made.error);
  g_assert_nonnull (made.object);
  g_assert_true (made.object != self->proxy);
}

static void
test_errors (PairScene *self, gconstpointer data)
{
  g_auto (Answer) unknown = {0};
  g_auto (Answer) stopped = {0};
  g_auto (Answer) failed = {0};

  call (self->proxy, "nothing", NULL, &unknown);
  g_assert_error (unknown.error, FERRY_ERROR, FERRY_ERROR_UNKNOWN_MEMBER);
  call (self->proxy, "fail", g_variant_new ("(s)", "on purpose"), &failed);
  g_assert_nonnull (failed.error);
  g_assert_nonnull (strstr (failed.error->message, "on purpose"));
  ferry_exporter_stop (self->exporter, FERRY_STOP_MODE_DRAIN);
  call (self->proxy, "add", g_variant_new ("(i)", 1), &stopped);
  g_assert_error (stopped.error, FERRY_ERROR, FERRY_ERROR_NOT_LISTENING);
  g_assert_null (stopped.value);
}

static void
test_default (PairScene *self, gconstpointer data)
{
  g_auto (Answer) answer = {0};

  ferry_exporter_stop (self->exporter, FERRY_STOP_MODE_DRAIN);
  ferry_proxy_resolve_async (self->proxy, g_variant_new ("((ss))", "get", "value"),
                             g_variant_new_parsed ("{'default': <-1>}"), -1, NULL, resolved_cb, &answer);
  ferry_test_look_until (is_answered, &answer);
  assert_number (&answer, -1);
}

static gboolean
holds_one (gpointer counter)
{
  return test_counter_get_n_held (counter) == 1;
}

static void
test_closed (PairScene *self, gconstpointer data)
{
  g_auto (Answer) answer = {0};

  ferry_proxy_call_with_func (self->proxy, "hold", NULL, answered, &answer);
  ferry_test_look_until (holds_one, self->object);
  g_assert_false (is_answered (&answer));
  ferry_transport_close (self->here);
  ferry_test_look_until (is_answered, &answer);
  g_assert_error (answer.error, FERRY_ERROR, FERRY_ERROR_CLOSED);
  test_counter_let_go (self->object);
  g_clear_object (&self->proxy);
  pair_scene_wait_dropped (self);
  /* Once, and no more when the answer comes. */
  g_assert_cmpuint (atomic_load (&answer.n_called), ==, 1);
}

/* ---- methods on the thread that receives ---- */

static void
set_up_receiving (PairScene *self, gconstpointer data)
{
  pair_scene_open (self, PAIR_SCENE_RECEIVING, "counter", test_counter_create_interface (), test_counter_new ("first"));
  pair_scene_wait_listening (self);
}

typedef struct
{
  FerryProxy *proxy; /* of what is at the other end */
  GThread *thread;   /* (unowned) */
  GError *error;
} Visit;

/* What only the thread that receives may not do. */
static void
visit (gpointer object, FerryInvocation *invocation, gpointer data)
{
  Visit *self = data;

  self->thread = g_thread_self ();
  g_clear_error (&self->error);
  ferry_proxy_call (self->proxy, "add", g_variant_new ("(i)", 1), -1, NULL, NULL, NULL, &self->error);
  ferry_invocation_return_value (invocation, NULL);
}

static void
pass_to_visit (PairScene *self)
{
  g_auto (Answer) answer = {0};

  ferry_proxy_resolve_async (self->proxy, g_variant_new ("((ss))", "pass-to", "visit"), NULL, -1, NULL, resolved_cb,
                             &answer);
  ferry_test_look_until (is_answered, &answer);
  g_assert_no_error (answer.error);
}

static void
test_receiving_thread (PairScene *self, gconstpointer data)
{
  g_autoptr (FerryProxy) back = ferry_proxy_new (self->there, "counter");
  Visit place = {back, NULL, NULL};
  GThread *first;

  ferry_exporter_add_function (self->exporter, "visit", visit, &place, NULL);
  pass_to_visit (self);
  g_assert_error (place.error, FERRY_ERROR, FERRY_ERROR_WRONG_THREAD);
  first = g_steal_pointer (&place.thread);
  pass_to_visit (self);
  g_assert_error (place.error, FERRY_ERROR, FERRY_ERROR_WRONG_THREAD);
  g_assert_true (place.thread == first);
  g_assert_true (first != g_thread_self ());
  g_clear_error (&place.error);
}

/* The thread that receives is free meanwhile, and the step behind it is done nevertheless. */
static void
test_receiving_goes_on (PairScene *self, gconstpointer data)
{
  g_autoptr (FerryProxy) other = NULL;
  g_auto (Answer) chain = {0};
  g_auto (Answer) made = {0};
  g_auto (Answer) queued = {0};
  g_auto (Answer) aside = {0};

  call (self->proxy, "make", g_variant_new ("(s)", "other"), &made);
  g_assert_no_error (made.error);
  ferry_proxy_resolve_async (self->proxy, g_variant_new_parsed ("(('call', 'hold'), ('length',))"), NULL, -1, NULL,
                             resolved_cb, &chain);
  ferry_test_look_until (holds_one, self->object);
  ferry_proxy_call_with_func (self->proxy, "add", g_variant_new ("(i)", 4), answered, &queued);
  call (made.object, "add", g_variant_new ("(i)", 5), &aside);
  assert_number (&aside, 5);
  g_assert_false (is_answered (&chain));
  g_assert_false (is_answered (&queued));
  test_counter_let_go (self->object);
  ferry_test_look_until (is_answered, &chain);
  /* An int has no length. */
  g_assert_nonnull (chain.error);
  ferry_test_look_until (is_answered, &queued);
  assert_number (&queued, 4);
}

static void
stop_here (gpointer object, FerryInvocation *invocation, gpointer exporter)
{
  ferry_exporter_stop (exporter, FERRY_STOP_MODE_REFUSE);
  ferry_invocation_return_value (invocation, NULL);
}

static void
test_receiving_stops (PairScene *self, gconstpointer data)
{
  g_auto (Answer) stopped = {0};
  g_auto (Answer) late = {0};
  g_auto (Answer) again = {0};

  ferry_exporter_add_function (self->exporter, "stop-here", stop_here, self->exporter, NULL);
  ferry_proxy_resolve_async (self->proxy, g_variant_new ("((ss))", "pass-to", "stop-here"), NULL, -1, NULL, resolved_cb,
                             &stopped);
  ferry_test_look_until (is_answered, &stopped);
  g_assert_no_error (stopped.error);
  call (self->proxy, "add", g_variant_new ("(i)", 1), &late);
  g_assert_error (late.error, FERRY_ERROR, FERRY_ERROR_NOT_LISTENING);
  ferry_exporter_start (self->exporter);
  pair_scene_wait_listening (self);
  call (self->proxy, "add", g_variant_new ("(i)", 1), &again);
  assert_number (&again, 1);
}

/* ---- the tests ---- */

static void
add (const char *name, void (*test) (PairScene *, gconstpointer))
{
  g_autofree char *remote = g_strdup_printf ("/proxy-function/transport/%s", name);
  g_autofree char *local = g_strdup_printf ("/proxy-function/local/%s", name);

  g_test_add (remote, PairScene, GINT_TO_POINTER (FALSE), set_up, test, tear_down);
  g_test_add (local, PairScene, GINT_TO_POINTER (TRUE), set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);

  add ("is-given-a-value-or-nothing", test_value);
  add ("is-given-a-proxy-of-an-object", test_object);
  add ("is-told-why-there-is-no-result", test_errors);
  add ("is-given-the-default-where-nobody-listens", test_default);
  g_test_add ("/proxy-function/transport/is-called-once-when-the-transport-closes", PairScene, NULL, set_up,
              test_closed, tear_down);

#define ADD_RECEIVING(name, test)                                                                                      \
  g_test_add ("/exporter-receiving/" name, PairScene, NULL, set_up_receiving, test, tear_down)
  ADD_RECEIVING ("methods-run-on-the-thread-that-receives", test_receiving_thread);
  ADD_RECEIVING ("what-waits-does-not-hold-up-the-thread-that-receives", test_receiving_goes_on);
  ADD_RECEIVING ("a-method-stops-it", test_receiving_stops);

  return g_test_run ();
}
