/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* See hostile-object-test.h. */

#include "config.h"

#include "object/hostile-object-test.h"
#include "object/packed-message.h"

static GVariant *
get_row (GObject *item, gpointer user_data, GError **error)
{
  return g_variant_new_int32 (test_counter_get_value (TEST_COUNTER (item)));
}

/* The owner of the view that is printed, for the error's trace. */
static void
refuse (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  ferry_invocation_return_new_error (invocation, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "None of this");
}

static void
start (HostileObject *self, guint threads)
{
  g_autoptr (FerryInterface) lists = ferry_interface_new ("org.example.List", G_TYPE_LIST_STORE);
  g_autoptr (GError) error = NULL;

  self->exporter = ferry_exporter_new ();
  if (threads > 0)
    g_object_set (self->exporter, "threads", threads, NULL);
  else
    ferry_exporter_set_context (self->exporter, NULL);
  self->shop = test_shop_new (self->exporter);
  ferry_exporter_add_function (self->exporter, "refuse", refuse, NULL, NULL);
  ferry_interface_set_list (lists, get_row, NULL, NULL);
  ferry_exporter_export (self->exporter, "list", G_OBJECT (self->list), lists, FERRY_CALL_POLICY_SERIAL, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (self->there); i++)
    {
      ferry_exporter_add_transport (self->exporter, self->there[i], &error);
      g_assert_no_error (error);
    }
  ferry_exporter_start (self->exporter);
}

HostileObject *
hostile_object_new (guint threads)
{
  HostileObject *self = g_new0 (HostileObject, 1);
  g_autoptr (TestCounter) item = test_counter_new ("item");

  self->list = g_list_store_new (TEST_TYPE_COUNTER);
  g_list_store_append (self->list, item);
  for (guint i = 0; i < G_N_ELEMENTS (self->here); i++)
    {
      ferry_transport_new_pair (&self->here[i], &self->there[i]);
      self->muxes[i] = ferry_mux_new (self->here[i]);
    }
  start (self, threads);
  return self;
}

static gboolean
has_only_item (gpointer data)
{
  return test_counter_count () == 1;
}

static gboolean
has_no_references (gpointer exporter)
{
  return ferry_test_get_number (exporter, "n-references") == 0;
}

/* A thread that is at a request has a reference to the exporter as well. */
static void
stop (HostileObject *self)
{
  g_clear_object (&self->exporter);
  g_clear_pointer (&self->shop, test_shop_free);
  ferry_test_look_until (has_only_item, NULL);
}

void
hostile_object_restart (HostileObject *self)
{
  stop (self);
  start (self, 0);
}

void
hostile_object_free (HostileObject *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->here); i++)
    {
      hostile_object_assert_answers (self, i);
      g_object_unref (self->muxes[i]);
      ferry_transport_close (self->here[i]);
      g_object_unref (self->here[i]);
      g_object_unref (self->there[i]);
    }
  ferry_test_look_until (has_no_references, self->exporter);
  stop (self);
  g_clear_object (&self->list);
  ferry_test_look_until (test_counters_are_gone, NULL);
  g_free (self);
}

/* ---- asking ---- */

void
hostile_answer_clear (HostileAnswer *self)
{
  g_clear_pointer (&self->value, g_variant_unref);
  g_clear_error (&self->error);
}

static void
answered_cb (GObject *mux, GAsyncResult *result, gpointer data)
{
  HostileAnswer *answer = data;

  answer->value = ferry_mux_transact_finish (FERRY_MUX (mux), result, &answer->error);
  answer->over = TRUE;
}

void
hostile_object_ask (HostileObject *self, guint index, const char *method, GVariant *arguments, HostileAnswer *answer)
{
  ferry_mux_transact_async (self->muxes[index], method, arguments, -1, NULL, answered_cb, answer);
  ferry_test_wait_flag (&answer->over);
}

void
hostile_object_assert_fails (HostileObject *self, guint index, const char *method, GVariant *arguments, int code)
{
  g_autoptr (GVariant) taken = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
  g_auto (HostileAnswer) answer = {0};

  hostile_object_ask (self, index, method, taken, &answer);
  if (!g_error_matches (answer.error, FERRY_ERROR, code))
    {
      g_autofree char *text = taken != NULL ? g_variant_print (taken, TRUE) : NULL;

      g_test_message ("%s %.300s", method, text);
      g_assert_error (answer.error, FERRY_ERROR, code);
    }
  g_assert_cmpuint (strlen (answer.error->message), >, 10);
}

static GVariant *
view (const char *name, guint64 generation, guint64 number, const char *steps)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) parsed = g_variant_parse (G_VARIANT_TYPE ("a(ysmv)"), steps, NULL, NULL, &error);
  FerryChainRequest request = {.root = {name, generation, number}};
  GVariant *packed;

  g_assert_no_error (error);
  request.n_steps = (guint) g_variant_n_children (parsed);
  request.steps = g_new0 (FerryStep, request.n_steps);
  for (guint i = 0; i < request.n_steps; i++)
    g_variant_get_child (parsed, i, "(y&smv)", &request.steps[i].kind, &request.steps[i].name,
                         &request.steps[i].argument);
  packed = packed_request (&request);
  ferry_chain_request_clear (&request);
  return packed;
}

GVariant *
hostile_object_view (const char *name, const char *steps)
{
  return view (name, 0, 0, steps);
}

GVariant *
hostile_object_view_number (guint64 generation, guint64 number, const char *steps)
{
  return view ("", generation, number, steps);
}

void
hostile_object_make (HostileObject *self, guint index, guint64 *generation, guint64 *number)
{
  g_auto (HostileAnswer) answer = {0};
  FerryChainResult result;

  hostile_object_ask (self, index, FERRY_OBJECT_METHOD_VIEW,
                      hostile_object_view ("counter", "[(0, 'make', <('made',)>)]"), &answer);
  g_assert_no_error (answer.error);
  g_assert_true (packed_result_take (&result, answer.value));
  *generation = result.generation;
  *number = result.number;
  ferry_chain_result_clear (&result);
  g_assert_cmpuint (*generation, !=, 0);
}

void
hostile_object_tell (HostileObject *self, guint index, const char *method, GVariant *arguments)
{
  g_autoptr (GError) error = NULL;

  ferry_mux_send (self->muxes[index], method, arguments, 0, NULL, &error);
  g_assert_no_error (error);
}

void
hostile_object_assert_answers (HostileObject *self, guint index)
{
  g_auto (HostileAnswer) answer = {0};
  FerryChainResult result;

  hostile_object_ask (self, index, FERRY_OBJECT_METHOD_VIEW, hostile_object_view ("control", "[(0, 'add', <(1,)>)]"),
                      &answer);
  g_assert_no_error (answer.error);
  g_assert_true (packed_result_take (&result, answer.value));
  g_assert_true (g_variant_is_of_type (result.value, G_VARIANT_TYPE_INT32));
  ferry_chain_result_clear (&result);
}
