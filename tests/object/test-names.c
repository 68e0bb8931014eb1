/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-proxy.c, object/ferry-exporter.c
 *
 * Names that come to stand for other objects, while others follow what they stood for and know what it had. */

#include "config.h"

#include <locale.h>
#include <string.h>

#include "base/ferry-mailbox-private.h"
#include "ferry-test.h"
#include "object-test.h"
#include "object/ferry-proxy-private.h"
#include "object/number-list.h"

#define NAME "thing"

typedef struct
{
  FerryTransport *here;  /* (owned) */
  FerryTransport *there; /* (owned) */
  FerryExporter *exporter;
  FerryInterface *interface; /* (owned): of counters */
  FerryProxy *proxy;
} Scene;

static gboolean
is_listening (gpointer proxy)
{
  return ferry_proxy_get_listening (proxy);
}

static void
set_up (Scene *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  ferry_transport_new_pair (&self->here, &self->there);
  self->exporter = ferry_exporter_new ();
  ferry_exporter_set_context (self->exporter, NULL);
  self->interface = test_counter_create_interface ();
  ferry_exporter_add_transport (self->exporter, self->there, &error);
  g_assert_no_error (error);
  ferry_exporter_start (self->exporter);
  self->proxy = ferry_proxy_new (self->here, NAME);
  ferry_test_run_until (is_listening, self->proxy);
}

static gboolean
has_no_counters (gpointer data)
{
  return test_counter_count () == 0;
}

static void
tear_down (Scene *self, gconstpointer data)
{
  g_clear_object (&self->proxy);
  ferry_exporter_stop (self->exporter, FERRY_STOP_MODE_REFUSE);
  g_clear_object (&self->exporter);
  g_clear_object (&self->interface);
  ferry_transport_close (self->here);
  ferry_transport_wait_closed (self->there);
  g_clear_object (&self->here);
  g_clear_object (&self->there);
  ferry_test_run_until (has_no_counters, NULL);
}

static void
export_as (Scene *self, gpointer object, FerryInterface *interface, FerryCallPolicy policy)
{
  g_autoptr (GError) error = NULL;

  ferry_exporter_export (self->exporter, NAME, object, interface, policy, &error);
  g_assert_no_error (error);
}

static TestCounter *
export_counter (Scene *self, int value)
{
  TestCounter *counter = test_counter_new ("counter");

  test_counter_set_value (counter, value);
  export_as (self, counter, self->interface, FERRY_CALL_POLICY_SERIAL);
  return counter;
}

static void
take_name (Scene *self)
{
  g_assert_true (ferry_exporter_unexport (self->exporter, NAME));
}

/* ---- asking ---- */

typedef struct
{
  gboolean over;
  GVariant *value;
  GError *error;
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
call (Scene *self, const char *method, GVariant *arguments, Outcome *outcome)
{
  ferry_proxy_call_async (self->proxy, method, arguments, -1, NULL, called_cb, outcome);
  ferry_test_wait_flag (&outcome->over);
}

typedef struct
{
  GObject *object;
  int value;
} Wanted;

static gboolean
has_value (gpointer data)
{
  const Wanted *wanted = data;
  int value;

  g_object_get (wanted->object, "value", &value, NULL);
  return value == wanted->value;
}

static void
wait_value (gpointer object, int value)
{
  Wanted wanted = {object, value};

  ferry_test_run_until (has_value, &wanted);
}

/* ---- what is followed ---- */

static const char *const value_only[] = {"value", NULL};

static void
test_replica (Scene *self, gconstpointer data)
{
  g_autoptr (TestCounter) first = export_counter (self, 1);
  g_autoptr (TestCounter) second = NULL;
  g_autoptr (GObject) replica = ferry_proxy_create_replica (self->proxy, TEST_TYPE_COUNTER, value_only);

  wait_value (replica, 1);
  take_name (self);
  second = export_counter (self, 2);
  wait_value (replica, 2);
  g_object_set (replica, "value", 3, NULL);
  wait_value (second, 3);
  test_counter_set_value (first, 50);
  test_counter_set_value (second, 4);
  wait_value (replica, 4);
  g_assert_cmpint (test_counter_get_value (first), ==, 50);
  g_clear_object (&first);
  g_assert_cmpint (test_counter_count (), ==, 2);
}

static void
follow_failed_cb (FerryProxy *proxy, const GError *error, gpointer data)
{
  GError **failure = data;

  g_assert_null (*failure);
  *failure = g_error_copy (error);
}

static gboolean
has_failed (gpointer failure)
{
  return *(GError **) failure != NULL;
}

static void
test_nothing_at_first (Scene *self, gconstpointer data)
{
  g_autoptr (GObject) replica = NULL;
  g_autoptr (TestCounter) counter = NULL;
  g_autoptr (GError) failure = NULL;

  g_signal_connect (self->proxy, "follow-failed", G_CALLBACK (follow_failed_cb), &failure);
  replica = ferry_proxy_create_replica (self->proxy, TEST_TYPE_COUNTER, value_only);
  ferry_test_run_until (has_failed, &failure);
  g_assert_error (failure, FERRY_ERROR, FERRY_ERROR_UNKNOWN_OBJECT);
  counter = export_counter (self, 7);
  wait_value (replica, 7);
  g_signal_handlers_disconnect_by_data (self->proxy, &failure);
}

static void
test_no_such_member (Scene *self, gconstpointer data)
{
  g_autoptr (TestCounter) counter = export_counter (self, 1);
  g_autoptr (GError) failure = NULL;

  g_signal_connect (self->proxy, "follow-failed", G_CALLBACK (follow_failed_cb), &failure);
  ferry_proxy_follow (self->proxy, (const char *const[]){"value", "vlaue", NULL}, NULL);
  ferry_test_run_until (has_failed, &failure);
  g_assert_error (failure, FERRY_ERROR, FERRY_ERROR_UNKNOWN_MEMBER);
  g_assert_nonnull (strstr (failure->message, "vlaue"));
  g_signal_handlers_disconnect_by_data (self->proxy, &failure);
}

static gboolean
shows_list (gpointer data)
{
  FerryListReplica *replica = ((gpointer *) data)[0];
  NumberList *list = ((gpointer *) data)[1];
  guint n = g_list_model_get_n_items (G_LIST_MODEL (replica));

  if (n == 0 || n != g_list_model_get_n_items (G_LIST_MODEL (list)))
    return FALSE;
  for (guint i = 0; i < n; i += n / 4)
    {
      g_autoptr (FerryListRow) row = g_list_model_get_item (G_LIST_MODEL (replica), i);

      while (!ferry_list_row_get_loaded (row))
        g_main_context_iteration (NULL, TRUE);
      if (g_variant_get_uint64 (ferry_list_row_get_value (row)) != number_list_get (list, i))
        return FALSE;
    }
  return TRUE;
}

static void
wait_list (FerryListReplica *replica, NumberList *list)
{
  gpointer both[] = {replica, list};

  ferry_test_run_until (shows_list, both);
}

static void
test_list (Scene *self, gconstpointer data)
{
  g_autoptr (FerryInterface) interface = ferry_interface_new ("org.example.Numbers", NUMBER_TYPE_LIST);
  g_autoptr (NumberList) first = number_list_new (1000);
  g_autoptr (NumberList) second = number_list_new (1000);
  g_autoptr (FerryListReplica) replica = ferry_list_replica_new (self->proxy);

  number_list_splice (second, 0, 1000, 1000);
  ferry_interface_set_list (interface, number_list_get_row, NULL, NULL);
  export_as (self, first, interface, FERRY_CALL_POLICY_SERIAL);
  wait_list (replica, first);
  take_name (self);
  export_as (self, second, interface, FERRY_CALL_POLICY_SERIAL);
  wait_list (replica, second);
}

/* ---- what is known ---- */

static void
described_cb (GObject *proxy, GAsyncResult *result, gpointer data)
{
  Outcome *self = data;
  GDBusInterfaceInfo *info = ferry_proxy_describe_finish (FERRY_PROXY (proxy), result, &self->error);

  g_assert_no_error (self->error);
  self->value = g_variant_ref_sink (g_variant_new_string (info->name));
  g_dbus_interface_info_unref (info);
  self->over = TRUE;
}

static void
assert_described (Scene *self, const char *name)
{
  g_auto (Outcome) outcome = {0};

  ferry_proxy_describe_async (self->proxy, -1, NULL, described_cb, &outcome);
  ferry_test_wait_flag (&outcome.over);
  g_assert_cmpstr (g_variant_get_string (outcome.value, NULL), ==, name);
}

static void
greet (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  ferry_invocation_return_value (invocation, g_variant_new ("(s)", "hello"));
}

static gboolean
greets (gpointer self)
{
  g_auto (Outcome) outcome = {0};

  call (self, "greet", NULL, &outcome);
  if (outcome.error != NULL)
    g_assert_error (outcome.error, FERRY_ERROR, FERRY_ERROR_UNKNOWN_MEMBER);
  return outcome.error == NULL;
}

static void
test_description (Scene *self, gconstpointer data)
{
  g_autoptr (TestCounter) counter = export_counter (self, 1);
  g_autoptr (FerryInterface) interface = ferry_interface_new ("org.example.Greeter", TEST_TYPE_COUNTER);
  g_autoptr (TestCounter) other = test_counter_new ("other");
  g_autofree char *name = NULL;

  ferry_interface_add_method (interface, "greet", "", "s", greet, NULL, NULL);
  g_object_get (self->interface, "name", &name, NULL);
  assert_described (self, name);
  g_assert_false (greets (self));
  take_name (self);
  export_as (self, other, interface, FERRY_CALL_POLICY_SERIAL);
  ferry_test_look_until (greets, self);
  assert_described (self, "org.example.Greeter");
}

/* ---- how many callers ---- */

typedef struct
{
  TestCounter *counter;
  guint n;
} Held;

static gboolean
holds (gpointer data)
{
  const Held *held = data;

  return test_counter_get_n_held (held->counter) >= held->n;
}

static void
wait_held (TestCounter *counter, guint n)
{
  Held held = {counter, n};

  ferry_test_run_until (holds, &held);
}

/* A call that is under way has kept what is known of the object, from when it had another policy. */
static void
test_policy (Scene *self, gconstpointer data)
{
  g_autoptr (TestCounter) counter = test_counter_new ("counter");
  Outcome outcomes[3] = {{0}};

  export_as (self, counter, self->interface, FERRY_CALL_POLICY_CONCURRENT);
  ferry_proxy_call_async (self->proxy, "hold", NULL, -1, NULL, called_cb, &outcomes[0]);
  wait_held (counter, 1);
  take_name (self);
  export_as (self, counter, self->interface, FERRY_CALL_POLICY_SERIAL);
  for (guint i = 1; i < 3; i++)
    ferry_proxy_call_async (self->proxy, "hold", NULL, -1, NULL, called_cb, &outcomes[i]);
  wait_held (counter, 2);
  for (guint i = 0; i < 3; i++)
    {
      wait_held (counter, 1);
      test_counter_let_go (counter);
    }
  for (guint i = 0; i < 3; i++)
    {
      ferry_test_wait_flag (&outcomes[i].over);
      g_assert_no_error (outcomes[i].error);
      outcome_clear (&outcomes[i]);
    }
  g_assert_cmpint (test_counter_get_most_at_once (counter), ==, 2);
}

/* ---- what a name costs those that follow another ---- */

typedef struct
{
  FerryProxySession *session;
  guint64 edition;
} Newer;

static gboolean
is_newer (gpointer data)
{
  const Newer *self = data;

  return ferry_proxy_session_get_edition (self->session) > self->edition;
}

static gboolean
is_cached (gpointer proxy)
{
  g_autoptr (GVariant) value = ferry_proxy_dup_cached (proxy, "value");

  return value != NULL;
}

/* A subscription was woken up for each name that was added or removed, and looked that its stream is open. It belongs
 * to a context of its own here, where nothing else is posted. All watches have been called for a name when the next
 * name has come. */
static void
test_other_names_wake_nothing (Scene *self, gconstpointer data)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (TestCounter) counter = export_counter (self, 7);
  FerryProxySession *session = ferry_proxy_session_get (self->here);
  FerryMailbox *mailbox = ferry_mailbox_ref_for (context);

  g_main_context_push_thread_default (context);
  ferry_proxy_follow (self->proxy, (const char *const[]){"value", NULL}, NULL);
  g_main_context_pop_thread_default (context);
  while (!is_cached (self->proxy))
    {
      g_main_context_iteration (context, FALSE);
      g_main_context_iteration (NULL, FALSE);
    }
  while (g_main_context_iteration (context, FALSE))
    ;
  for (guint i = 0; i < 10; i++)
    {
      g_autofree char *name = g_strdup_printf ("other-%u", i);
      g_autoptr (TestCounter) other = test_counter_new ("counter");
      g_autoptr (GError) error = NULL;
      Newer newer = {session, ferry_proxy_session_get_edition (session)};

      ferry_exporter_export (self->exporter, name, G_OBJECT (other), self->interface, FERRY_CALL_POLICY_SERIAL, &error);
      g_assert_no_error (error);
      ferry_test_look_until (is_newer, &newer);
    }
  g_assert_cmpuint (ferry_mailbox_get_n (mailbox), ==, 0);
  ferry_proxy_follow (self->proxy, NULL, NULL);
  while (g_main_context_iteration (context, FALSE))
    ;
  ferry_mailbox_unref (mailbox);
  ferry_proxy_session_unref (session);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    void (*test) (Scene *self, gconstpointer data);
  } facts[] = {
    {"a-replica-follows-the-object-that-has-the-name", test_replica},
    {"what-nobody-exported-yet-is-followed-once-it-is", test_nothing_at_first},
    {"what-cannot-be-followed-is-told", test_no_such_member},
    {"a-list-replica-shows-the-list-that-has-the-name", test_list},
    {"a-description-is-that-of-the-object-that-has-the-name", test_description},
    {"the-latest-policy-holds", test_policy},
    {"other-names-wake-nothing-that-is-followed", test_other_names_wake_nothing},
  };

  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (facts); i++)
    {
      g_autofree char *path = g_strconcat ("/object-names/", facts[i].name, NULL);

      g_test_add (path, Scene, NULL, set_up, facts[i].test, tear_down);
    }

  return g_test_run ();
}
