/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: wire/ferry-call-judgement.c, route/ferry-dispatch.c, call/ferry-request.c, object/ferry-proxy-call.c
 *
 * A million values in what a worker answers and asks, whole and in pieces. Another thread checks them, and meanwhile
 * other links are served. */

#include "config.h"

#include <signal.h>
#include <string.h>

#include "call/link-test.h"
#include "judge-gate.h"
#include "wire/ferry-object-message-private.h"

#define N_VALUES 1000000
#define N_SENT 100000

/* ---- a worker, and another link, which has no worker ---- */

typedef struct
{
  FerryRouter *router;
  FerryTransport *transport;
  FerryProxy *proxy;
  FerryMux *mux;
  FerryWorker *worker;
  FerryReceiver *values; /* (nullable): of what the worker sends as messages */
  GPtrArray *messages;   /* (element-type GVariant): those */
  FerrySender *sender;   /* of the other link */
  FerryReceiver *receiver;
  guint n_came; /* over the other link */
} Scene;

static void
came_cb (FerryReceiver *receiver, GVariant *message, gpointer data)
{
  ((Scene *) data)->n_came++;
}

static void
value_cb (FerryReceiver *receiver, GVariant *message, gpointer data)
{
  g_ptr_array_add (((Scene *) data)->messages, g_variant_ref (message));
}

static void
add_values (Scene *self, FerryLauncher *launcher)
{
  g_autoptr (FerrySender) sender = NULL;
  g_autoptr (GError) error = NULL;

  ferry_router_pipe (self->router, FERRY_PIPE_QUEUED, &sender, &self->values, &error);
  g_assert_no_error (error);
  g_signal_connect (self->values, "message", G_CALLBACK (value_cb), self);
  ferry_launcher_add_sender (launcher, "out", sender, &error);
  g_assert_no_error (error);
}

static void
scene_init (Scene *self, gboolean trusted)
{
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new ("values-worker", "serve", NULL);
  g_autoptr (GError) error = NULL;

  *self = (Scene){.router = ferry_test_router_new ()};
  self->messages = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
  g_object_set (launcher, "trusted", trusted, NULL);
  self->transport = link_test_add_transport (launcher, self->router, "a");
  add_values (self, launcher);
  self->proxy = ferry_proxy_new (self->transport, "values");
  self->mux = ferry_mux_new (self->transport);
  self->worker = worker_test_spawn (launcher, self->router);
  ferry_router_pipe (self->router, FERRY_PIPE_QUEUED, &self->sender, &self->receiver, &error);
  g_assert_no_error (error);
  g_assert_true (ferry_sender_start (self->sender, NULL));
  g_signal_connect (self->receiver, "message", G_CALLBACK (came_cb), self);
  ferry_test_wait_listening (self->proxy);
}

static void
scene_clear (Scene *self)
{
  ferry_transport_close (self->transport);
  ferry_worker_send_signal (self->worker, SIGKILL);
  ferry_test_wait_ended (self->worker);
  ferry_router_close_pipe (self->router, self->receiver, NULL);
  g_object_unref (self->mux);
  g_object_unref (self->proxy);
  g_object_unref (self->transport);
  g_object_unref (self->worker);
  g_object_unref (self->values);
  g_object_unref (self->sender);
  g_object_unref (self->receiver);
  ferry_test_router_stop (self->router);
  g_ptr_array_unref (self->messages);
}

/* ---- asking ---- */

typedef struct
{
  gboolean over;
  GVariant *value; /* (owned) (nullable) */
  GError *error;   /* (owned) (nullable) */
} Outcome;

static void
outcome_clear (Outcome *self)
{
  g_clear_pointer (&self->value, g_variant_unref);
  g_clear_error (&self->error);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Outcome, outcome_clear)

static void
called_cb (GObject *proxy, GAsyncResult *result, gpointer data)
{
  Outcome *self = data;

  ferry_proxy_call_finish (FERRY_PROXY (proxy), result, &self->value, NULL, &self->error);
  self->over = TRUE;
}

static void
answered_cb (GObject *mux, GAsyncResult *result, gpointer data)
{
  Outcome *self = data;

  self->value = ferry_mux_transact_finish (FERRY_MUX (mux), result, &self->error);
  self->over = TRUE;
}

/* How the worker answers: as an object or not, whole or in pieces. */
static const struct
{
  gboolean as_object;
  const char *way;
} ways[] = {{TRUE, "whole"}, {TRUE, "pieces"}, {FALSE, "whole"}, {FALSE, "pieces"}};

static void
begin (Scene *self, guint way, const char *kind, Outcome *outcome)
{
  if (ways[way].as_object)
    ferry_proxy_call_async (self->proxy, kind, g_variant_new ("(s)", ways[way].way), -1, NULL, called_cb, outcome);
  else
    ferry_mux_transact_async (self->mux, kind, g_variant_new_string (ways[way].way), -1, NULL, answered_cb, outcome);
}

static gboolean
is_judged_or_over (gpointer data)
{
  return judge_gate_count () > 0 || ((Outcome *) data)->over;
}

static gboolean
has_come (gpointer data)
{
  return ((Scene *) data)->n_came > 0;
}

/* While another thread has the value. */
static void
assert_other_link_goes_on (Scene *self)
{
  self->n_came = 0;
  g_assert_true (ferry_sender_send (self->sender, g_variant_new_int32 (1), NULL));
  ferry_test_run_until (has_come, self);
}

static void
assert_passes (Scene *self, guint way, const char *kind)
{
  g_auto (Outcome) outcome = {0};
  g_autoptr (GVariant) last = NULL;

  judge_gate_close ();
  begin (self, way, kind, &outcome);
  ferry_test_run_until (is_judged_or_over, &outcome);
  g_assert_false (outcome.over);
  assert_other_link_goes_on (self);
  g_assert_false (outcome.over);
  judge_gate_open ();
  ferry_test_wait_flag (&outcome.over);
  g_assert_no_error (outcome.error);
  g_assert_cmpuint (judge_gate_count (), ==, 1);
  g_assert_cmpuint (g_variant_n_children (outcome.value), ==, N_VALUES);
  last = g_variant_get_child_value (outcome.value, N_VALUES - 1);
  if (g_str_equal (kind, "strings"))
    {
      g_assert_cmpstr (g_variant_get_string (last, NULL), ==, "pictures/999999.jpeg");
      g_assert_true (ferry_test_is_trusted (outcome.value));
    }
}

/* ---- the tests ---- */

static void
test_another_link_goes_on_while_an_answer_is_checked (gconstpointer data)
{
  static const char *const kinds[] = {"strings", "dictionary", "variants", "deepest"};
  const gboolean trusted = GPOINTER_TO_INT (data);
  Scene self;

  scene_init (&self, trusted);
  for (guint i = 0; i < (trusted ? 1 : G_N_ELEMENTS (kinds)); i++)
    for (guint way = 0; way < G_N_ELEMENTS (ways); way++)
      assert_passes (&self, way, kinds[i]);
  scene_clear (&self);
}

static void
test_a_broken_answer_has_an_error_that_says_what_is_wrong (void)
{
  static const struct
  {
    const char *kind;
    const char *words;
  } kinds[] = {{"broken", "not in normal form"}, {"too-deep", "more than 64 levels"}};

  for (guint way = 0; way < G_N_ELEMENTS (ways) * G_N_ELEMENTS (kinds); way++)
    {
      g_auto (Outcome) outcome = {0};
      Scene self;

      scene_init (&self, FALSE);
      begin (&self, way / 2, kinds[way % 2].kind, &outcome);
      ferry_test_wait_flag (&outcome.over);
      g_assert_error (outcome.error, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
      g_assert_nonnull (strstr (outcome.error->message, kinds[way % 2].words));
      scene_clear (&self);
    }
}

/* The worker is killed, and its end comes behind what it has sent. */
static void
test_an_answer_comes_whose_worker_dies_while_it_is_checked (void)
{
  for (guint way = 0; way < G_N_ELEMENTS (ways); way++)
    {
      g_auto (Outcome) outcome = {0};
      Scene self;

      scene_init (&self, FALSE);
      judge_gate_close ();
      begin (&self, way, "fewer", &outcome);
      ferry_test_run_until (is_judged_or_over, &outcome);
      ferry_worker_send_signal (self.worker, SIGKILL);
      assert_other_link_goes_on (&self);
      g_assert_false (outcome.over);
      judge_gate_open ();
      ferry_test_wait_flag (&outcome.over);
      g_assert_no_error (outcome.error);
      g_assert_cmpuint (g_variant_n_children (outcome.value), ==, N_SENT);
      scene_clear (&self);
    }
}

/* What is checked is dropped, while the other thread has it. */
static void
test_a_transport_is_closed_while_an_answer_is_checked (void)
{
  for (guint way = 0; way < G_N_ELEMENTS (ways); way++)
    {
      g_auto (Outcome) outcome = {0};
      Scene self;

      scene_init (&self, FALSE);
      judge_gate_close ();
      begin (&self, way, "fewer", &outcome);
      ferry_test_run_until (is_judged_or_over, &outcome);
      ferry_transport_close (self.transport);
      ferry_test_wait_flag (&outcome.over);
      g_assert_error (outcome.error, FERRY_ERROR, FERRY_ERROR_CLOSED);
      assert_other_link_goes_on (&self);
      judge_gate_open ();
      scene_clear (&self);
    }
}

/* ---- what a worker asks ---- */

static void
take (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  g_autoptr (GVariant) strings = g_variant_get_child_value (ferry_invocation_get_arguments (invocation), 0);

  *(guint *) user_data = (guint) g_variant_n_children (strings);
  g_assert_true (ferry_test_is_trusted (strings));
  ferry_invocation_return_value (invocation, NULL);
}

static void
test_another_link_goes_on_while_the_arguments_of_an_object_are_checked (gconstpointer data)
{
  g_autoptr (FerryExporter) exporter = ferry_exporter_new ();
  g_autoptr (FerryInterface) interface = ferry_interface_new ("org.example.List", G_TYPE_LIST_STORE);
  g_autoptr (GListStore) list = g_list_store_new (G_TYPE_OBJECT);
  g_autoptr (GError) error = NULL;
  g_auto (Outcome) outcome = {0};
  guint n_taken = 0;
  Scene self;

  scene_init (&self, GPOINTER_TO_INT (data));
  ferry_exporter_set_context (exporter, NULL);
  ferry_exporter_add_function (exporter, "take", take, &n_taken, NULL);
  ferry_exporter_export (exporter, "list", G_OBJECT (list), interface, FERRY_CALL_POLICY_SERIAL, &error);
  g_assert_no_error (error);
  ferry_exporter_add_transport (exporter, self.transport, &error);
  g_assert_no_error (error);
  ferry_exporter_start (exporter);
  judge_gate_close ();
  ferry_mux_transact_async (self.mux, "ask", NULL, -1, NULL, answered_cb, &outcome);
  ferry_test_run_until (is_judged_or_over, &outcome);
  assert_other_link_goes_on (&self);
  g_assert_cmpuint (n_taken, ==, 0);
  judge_gate_open ();
  ferry_test_wait_flag (&outcome.over);
  g_assert_no_error (outcome.error);
  g_assert_cmpuint (n_taken, ==, N_VALUES);
  scene_clear (&self);
}

/* ---- a worker that writes on ---- */

static gboolean
has_messages (gpointer data)
{
  return ((Scene *) data)->messages->len == 2;
}

static void
command (Scene *self, const char *method)
{
  g_auto (Outcome) outcome = {0};

  ferry_mux_transact_async (self->mux, method, NULL, -1, NULL, answered_cb, &outcome);
  ferry_test_wait_flag (&outcome.over);
  g_assert_no_error (outcome.error);
}

/* The bytes are lent, and show that the worker writes while the values are read. */
static void
test_a_worker_that_writes_without_end_changes_no_checked_value (void)
{
  GVariant *read[1 + G_N_ELEMENTS (ways)];
  g_autoptr (GVariant) sent = g_variant_ref_sink (ferry_test_make_strings (N_SENT));
  Outcome outcomes[G_N_ELEMENTS (ways)] = {0};
  const volatile guint8 *lent;
  guint n_changes = 0;
  Scene self;

  scene_init (&self, TRUE);
  command (&self, "send");
  ferry_test_run_until (has_messages, &self);
  for (guint way = 0; way < G_N_ELEMENTS (ways); way++)
    {
      begin (&self, way, "fewer", &outcomes[way]);
      ferry_test_wait_flag (&outcomes[way].over);
      g_assert_no_error (outcomes[way].error);
      read[1 + way] = outcomes[way].value;
    }
  read[0] = self.messages->pdata[0];
  lent = g_variant_get_data (self.messages->pdata[1]);
  command (&self, "scribble");
  while (n_changes < 20)
    {
      const guint8 before = *lent;

      for (guint i = 0; i < G_N_ELEMENTS (read); i++)
        for (gsize j = 0; j < g_variant_n_children (read[i]); j += 997)
          {
            g_autofree char *name = g_strdup_printf ("pictures/%" G_GSIZE_FORMAT ".jpeg", j);
            g_autoptr (GVariant) child = g_variant_get_child_value (read[i], j);

            g_assert_cmpstr (g_variant_get_string (child, NULL), ==, name);
          }
      n_changes += *lent != before;
    }
  g_assert_cmpvariant (read[0], sent);
  for (guint way = 0; way < G_N_ELEMENTS (ways); way++)
    outcome_clear (&outcomes[way]);
  scene_clear (&self);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func)                                                                                                \
  g_test_add_data_func ("/large-values/" path, GINT_TO_POINTER (FALSE), func);                                         \
  g_test_add_data_func ("/large-values/trusted/" path, GINT_TO_POINTER (TRUE), func)
  ADD ("another-link-goes-on-while-an-answer-is-checked", test_another_link_goes_on_while_an_answer_is_checked);
  ADD ("another-link-goes-on-while-the-arguments-of-an-object-are-checked",
       test_another_link_goes_on_while_the_arguments_of_an_object_are_checked);
#undef ADD
  g_test_add_func ("/large-values/a-broken-answer-has-an-error-that-says-what-is-wrong",
                   test_a_broken_answer_has_an_error_that_says_what_is_wrong);
  g_test_add_func ("/large-values/an-answer-comes-whose-worker-dies-while-it-is-checked",
                   test_an_answer_comes_whose_worker_dies_while_it_is_checked);
  g_test_add_func ("/large-values/a-transport-is-closed-while-an-answer-is-checked",
                   test_a_transport_is_closed_while_an_answer_is_checked);
  g_test_add_func ("/large-values/a-worker-that-writes-without-end-changes-no-checked-value",
                   test_a_worker_that_writes_without_end_changes_no_checked_value);
  return g_test_run ();
}
