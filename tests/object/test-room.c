/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-paced-sender.c, object/ferry-subscriber.c
 *
 * Objects over a transport that is full, or slow, for some time: what waits for room comes once there is some. */

#include "config.h"

#include <locale.h>

#include "conversation/demux-test.h"
#include "number-list.h"
#include "object-test.h"
#include "property-test.h"

#define N_NAMES 40
#define N_ROWS 1000

typedef struct
{
  DemuxTestPair *wires; /* (owned) */
  FerryExporter *exporter;
  FerryInterface *interface;
  TestCounter *counter;
  NumberList *numbers;
  FerryProxy *proxy; /* (nullable): of the counter */
  guint n_failed;    /* properties that could not be set */
} Scene;

static void
set_failed_cb (FerryProxy *proxy, const char *property, const GError *error, gpointer data)
{
  g_test_message ("%s: %s", property, error->message);
  ((Scene *) data)->n_failed++;
}

static void
export_all (Scene *self)
{
  g_autoptr (FerryInterface) numbers = ferry_interface_new ("org.example.Numbers", NUMBER_TYPE_LIST);
  g_autoptr (GError) error = NULL;

  ferry_interface_set_list (numbers, number_list_get_row, NULL, NULL);
  ferry_exporter_export (self->exporter, "counter", G_OBJECT (self->counter), self->interface, FERRY_CALL_POLICY_SERIAL,
                         &error);
  g_assert_no_error (error);
  ferry_exporter_export (self->exporter, "numbers", G_OBJECT (self->numbers), numbers, FERRY_CALL_POLICY_SERIAL,
                         &error);
  g_assert_no_error (error);
}

static void
set_up (Scene *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  self->wires = demux_test_pair_new ();
  self->interface = test_counter_create_interface ();
  self->counter = test_counter_new ("first");
  self->numbers = number_list_new (N_ROWS);
  self->exporter = ferry_exporter_new ();
  ferry_exporter_set_context (self->exporter, NULL);
  export_all (self);
  ferry_exporter_add_transport (self->exporter, self->wires->ends[ASKED], &error);
  g_assert_no_error (error);
  ferry_exporter_start (self->exporter);
}

static gboolean
is_listening (gpointer proxy)
{
  return ferry_proxy_get_listening (proxy);
}

static gboolean
is_not_listening (gpointer proxy)
{
  return !ferry_proxy_get_listening (proxy);
}

static void
make_proxy (Scene *self)
{
  self->proxy = ferry_proxy_new (self->wires->ends[ASKING], "counter");
  g_signal_connect (self->proxy, "set-failed", G_CALLBACK (set_failed_cb), self);
  ferry_test_look_until (is_listening, self->proxy);
}

/* What was on its way comes to its end on the main context. The demux has its transport. */
static gboolean
is_alone (gpointer wires)
{
  return G_OBJECT (((DemuxTestPair *) wires)->ends[ASKING])->ref_count == 1 &&
         G_OBJECT (((DemuxTestPair *) wires)->ends[ASKED])->ref_count == 2;
}

static void
tear_down (Scene *self, gconstpointer data)
{
  g_assert_cmpuint (self->n_failed, ==, 0);
  g_clear_object (&self->proxy);
  ferry_exporter_stop (self->exporter, FERRY_STOP_MODE_REFUSE);
  for (guint i = 0; i < 2; i++)
    ferry_transport_close (self->wires->ends[i]);
  g_clear_object (&self->exporter);
  g_clear_object (&self->interface);
  g_clear_object (&self->counter);
  g_clear_object (&self->numbers);
  ferry_test_look_until (test_counters_are_gone, NULL);
  ferry_test_look_until (is_alone, self->wires);
  demux_test_pair_free (self->wires);
}

static void
fill (Scene *self)
{
  demux_test_wire_limit (self->wires, ASKING, 0, G_MAXSIZE);
}

static void
make_room (Scene *self)
{
  demux_test_wire_limit (self->wires, ASKING, G_MAXUINT, G_MAXSIZE);
  ferry_transport_note_room (self->wires->ends[ASKING]);
}

/* How many messages found no room. */
typedef struct
{
  Scene *scene;
  guint n_refused;
} Refused;

static gboolean
has_refused (gpointer data)
{
  const Refused *wanted = data;

  return demux_test_wire_count_refused (wanted->scene->wires, ASKING) >= wanted->n_refused;
}

static void
wait_refused (Scene *self, guint n)
{
  Refused wanted = {self, n};

  ferry_test_look_until (has_refused, &wanted);
}

typedef struct
{
  gpointer counter;
  int value;
} Value;

static int
get_value (gpointer counter)
{
  int value;

  g_object_get (counter, "value", &value, NULL);
  return value;
}

static gboolean
has_value (gpointer data)
{
  const Value *wanted = data;

  return get_value (wanted->counter) == wanted->value;
}

static void
wait_value (gpointer counter, int value)
{
  Value wanted = {counter, value};

  ferry_test_look_until (has_value, &wanted);
}

static GObject *
make_replica (Scene *self)
{
  GObject *replica;

  test_counter_set_value (self->counter, 1);
  replica = ferry_proxy_create_replica (self->proxy, TEST_TYPE_COUNTER, (const char *const[]){"value", NULL});
  wait_value (replica, 1);
  return replica;
}

/* ---- facts ---- */

static void
test_set (Scene *self, gconstpointer data)
{
  g_autoptr (GObject) replica = NULL;

  make_proxy (self);
  replica = make_replica (self);
  fill (self);
  for (int value = 5; value <= 7; value++)
    g_object_set (replica, "value", value, NULL);
  wait_refused (self, 1);
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  g_assert_cmpint (get_value (replica), ==, 7);
  g_assert_cmpint (get_value (self->counter), ==, 1);
  make_room (self);
  wait_value (self->counter, 7);
  g_assert_cmpint (get_value (replica), ==, 7);
}

static gboolean
has_something_to_tell (gpointer wires)
{
  return demux_test_wire_count (wires, ASKED) > 0;
}

static void
note_value_cb (GObject *replica, GParamSpec *pspec, gpointer values)
{
  g_string_append_printf (values, "%d ", get_value (replica));
}

/* What the object had before is on its way here when a value is sent there. */
static void
test_set_at_once (Scene *self, gconstpointer data)
{
  g_autoptr (GString) values = g_string_new (NULL);
  g_autoptr (GObject) replica = NULL;

  make_proxy (self);
  test_counter_set_value (self->counter, 1);
  demux_test_wire_hold (self->wires, ASKED, TRUE);
  replica = ferry_proxy_create_replica (self->proxy, TEST_TYPE_COUNTER, (const char *const[]){"value", NULL});
  g_signal_connect (replica, "notify::value", G_CALLBACK (note_value_cb), values);
  ferry_test_look_until (has_something_to_tell, self->wires);
  g_object_set (replica, "value", 5, NULL);
  wait_value (self->counter, 5);
  demux_test_wire_hold (self->wires, ASKED, FALSE);
  test_counter_set_value (self->counter, 9);
  wait_value (replica, 9);
  g_assert_cmpstr (values->str, ==, "5 9 ");
}

static void
test_follow (Scene *self, gconstpointer data)
{
  g_autoptr (GObject) replica = NULL;

  make_proxy (self);
  replica = make_replica (self);
  fill (self);
  /* The window of what is followed has two items. */
  for (int value = 2; value <= 3; value++)
    {
      test_counter_set_value (self->counter, value);
      wait_value (replica, value);
    }
  wait_refused (self, 1);
  make_room (self);
  for (int value = 4; value <= 20; value++)
    {
      test_counter_set_value (self->counter, value);
      wait_value (replica, value);
    }
}

static gboolean
has_length (gpointer replica)
{
  return g_list_model_get_n_items (replica) == N_ROWS;
}

static gboolean
is_loaded (gpointer row)
{
  return ferry_list_row_get_loaded (row);
}

static void
test_rows (Scene *self, gconstpointer data)
{
  g_autoptr (FerryProxy) proxy = ferry_proxy_new (self->wires->ends[ASKING], "numbers");
  g_autoptr (FerryListReplica) replica = ferry_list_replica_new (proxy);
  g_autoptr (FerryListRow) first = NULL;
  g_autoptr (FerryListRow) last = NULL;

  ferry_test_look_until (has_length, replica);
  fill (self);
  first = g_list_model_get_item (G_LIST_MODEL (replica), 0);
  last = g_list_model_get_item (G_LIST_MODEL (replica), N_ROWS - 1);
  wait_refused (self, 1);
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  g_assert_false (ferry_list_row_get_loaded (first));
  make_room (self);
  ferry_test_look_until (is_loaded, first);
  ferry_test_look_until (is_loaded, last);
  property_test_assert_no_error (replica);
}

/* What waits for room is not sent when it is over by then. */
static void
test_dropped (Scene *self, gconstpointer data)
{
  GObject *replica;

  make_proxy (self);
  replica = make_replica (self);
  fill (self);
  g_object_set (replica, "value", 5, NULL);
  wait_refused (self, 1);
  g_object_unref (replica);
  ferry_transport_close (self->wires->ends[ASKING]);
  ferry_test_look_until (is_not_listening, self->proxy);
  g_assert_cmpint (get_value (self->counter), ==, 1);
}

/* ---- what the exporter answers ---- */

#define N_CALLS 3

static void
called_cb (GObject *proxy, GAsyncResult *result, gpointer place)
{
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) error = NULL;

  ferry_proxy_call_finish (FERRY_PROXY (proxy), result, &value, NULL, &error);
  g_assert_no_error (error);
  *(int *) place = g_variant_get_int32 (value);
}

static gboolean
has_refused_answer (gpointer wires)
{
  return demux_test_wire_count_refused (wires, ASKED) > 0;
}

static guint
count_values (const int *values)
{
  guint n = 0;

  for (guint i = 0; i < N_CALLS; i++)
    n += values[i] != 0;
  return n;
}

static gboolean
has_all_values (gpointer values)
{
  return count_values (values) == N_CALLS;
}

/* Answers that wait may arrive in another order than others, but each is that of its call. */
static void
test_results (Scene *self, gconstpointer data)
{
  int values[N_CALLS] = {0};

  make_proxy (self);
  test_counter_set_value (self->counter, 0);
  demux_test_wire_limit (self->wires, ASKED, 0, G_MAXSIZE);
  for (guint i = 0; i < N_CALLS; i++)
    ferry_proxy_call_async (self->proxy, "add", g_variant_new ("(i)", 1), -1, NULL, called_cb, &values[i]);
  ferry_test_look_until (has_refused_answer, self->wires);
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  g_assert_cmpuint (count_values (values), ==, 0);
  demux_test_wire_limit (self->wires, ASKED, G_MAXUINT, G_MAXSIZE);
  ferry_transport_note_room (self->wires->ends[ASKED]);
  ferry_test_look_until (has_all_values, values);
  for (guint i = 0; i < N_CALLS; i++)
    g_assert_cmpint (values[i], ==, i + 1);
}

/* What became of a property that was asked for. */
typedef struct
{
  gboolean over;
  char *label;   /* (owned) (nullable) */
  GError *error; /* (owned) (nullable) */
} Label;

static void
label_clear (Label *self)
{
  g_clear_pointer (&self->label, g_free);
  g_clear_error (&self->error);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Label, label_clear)

static void
label_cb (GObject *proxy, GAsyncResult *result, gpointer data)
{
  Label *label = data;
  g_autoptr (GVariant) value = ferry_proxy_get_finish (FERRY_PROXY (proxy), result, &label->error);

  label->label = value != NULL ? g_variant_dup_string (value, NULL) : NULL;
  label->over = TRUE;
}

static Label
ask_label (Scene *self)
{
  Label label = {FALSE, NULL, NULL};

  ferry_proxy_get_async (self->proxy, "label", -1, NULL, label_cb, &label);
  ferry_test_wait_flag (&label.over);
  return label;
}

/* The transport takes no such message, so that the error is what is left to say. */
static void
test_too_large_results (Scene *self, gconstpointer data)
{
  g_autofree char *long_label = g_strnfill (20000, 'x');
  g_auto (Label) large = {0};
  g_auto (Label) small = {0};

  make_proxy (self);
  g_object_set (self->counter, "label", long_label, NULL);
  demux_test_wire_limit (self->wires, ASKED, G_MAXUINT, 10000);
  large = ask_label (self);
  g_assert_error (large.error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
  g_assert_nonnull (strstr (large.error->message, "The answer to 'counter.label' cannot be sent"));
  g_assert_null (large.label);
  g_object_set (self->counter, "label", "short", NULL);
  small = ask_label (self);
  g_assert_no_error (small.error);
  g_assert_cmpstr (small.label, ==, "short");
}

static gpointer
make_proxy_main (gpointer data)
{
  Scene *self = data;

  return ferry_proxy_new (self->wires->ends[ASKING], "counter");
}

/* The request, and the place that an item had in the window. */
static gboolean
has_taken_an_item (gpointer data)
{
  return demux_test_wire_count_delivered (((Scene *) data)->wires, ASKING) >= 2;
}

/* What the other end has to tell may come before the asking thread is back from asking; its place in the window is
 * given back all the same. */
static void
test_early_news (Scene *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  GThread *thread;

  demux_test_wire_slow (self->wires, ASKING, TRUE);
  thread = g_thread_new ("asking", make_proxy_main, self);
  ferry_test_look_until (has_taken_an_item, self);
  for (guint i = 0; i < N_NAMES; i++)
    {
      g_autofree char *name = g_strdup_printf ("counter %u", i);
      g_autoptr (TestCounter) counter = test_counter_new (name);

      ferry_exporter_export (self->exporter, name, G_OBJECT (counter), self->interface, FERRY_CALL_POLICY_SERIAL,
                             &error);
      g_assert_no_error (error);
      ferry_exporter_unexport (self->exporter, name);
      g_main_context_iteration (NULL, FALSE);
    }
  demux_test_wire_slow (self->wires, ASKING, FALSE);
  self->proxy = g_thread_join (thread);
  for (guint i = 0; i < 2; i++)
    {
      ferry_test_look_until (is_listening, self->proxy);
      ferry_exporter_stop (self->exporter, FERRY_STOP_MODE_REFUSE);
      ferry_test_look_until (is_not_listening, self->proxy);
      ferry_exporter_start (self->exporter);
    }
}

static void
add (const char *name, void (*test) (Scene *, gconstpointer))
{
  g_autofree char *path = g_strconcat ("/object-room/", name, NULL);

  g_test_add (path, Scene, NULL, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);

  add ("a-replica-sets-the-newest-value-once-there-is-some", test_set);
  add ("a-replica-does-not-go-back-from-what-is-set-at-once", test_set_at_once);
  add ("a-replica-follows-on-after-a-shortage", test_follow);
  add ("rows-of-a-list-come-once-there-is-some", test_rows);
  add ("a-replica-that-is-gone-sets-nothing-more", test_dropped);
  add ("results-come-once-there-is-some", test_results);
  add ("a-result-that-is-too-large-for-any-is-an-error", test_too_large_results);
  add ("news-that-come-before-the-request-has-returned-count", test_early_news);
  return g_test_run ();
}
