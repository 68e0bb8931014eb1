/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-proxy.c, object/ferry-exporter.c, object/ferry-proxy-session.c, object/ferry-subscription.c
 *
 * Names that come to stand for other objects, while others follow what they stood for and know what it had. At moments
 * that an exporter would hardly ever find, an end in its place says when it listens, when names change and when it
 * leaves. */

#include "config.h"

#include <locale.h>
#include <stdatomic.h>
#include <string.h>

#include "base/ferry-mailbox-private.h"
#include "call/ferry-transport-private.h"
#include "conversation/replies-test.h"
#include "ferry-test.h"
#include "object-test.h"
#include "object/ferry-interface-private.h"
#include "object/ferry-proxy-private.h"
#include "object/number-list.h"
#include "wire/ferry-object-message-private.h"

#define NAME "thing"

/* ---- what is heard of names ---- */

static const char *const value_only[] = {"value", NULL};

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

typedef struct
{
  FerryProxySession *session;
  guint64 edition;
} Edition;

static Edition
get_edition (FerryProxySession *session)
{
  return (Edition){session, ferry_proxy_session_get_edition (session)};
}

static gboolean
is_newer (gpointer data)
{
  const Edition *self = data;

  return ferry_proxy_session_get_edition (self->session) > self->edition;
}

static gboolean
is_cached (gpointer proxy)
{
  g_autoptr (GVariant) value = ferry_proxy_dup_cached (proxy, "value");

  return value != NULL;
}

/* ---- asking ---- */

typedef struct
{
  gboolean over;
  GVariant *value; /* (owned) (nullable), as the next */
  GError *error;
} Outcome;

static void
outcome_clear (Outcome *self)
{
  g_clear_pointer (&self->value, g_variant_unref);
  g_clear_error (&self->error);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Outcome, outcome_clear)

/* ---- an exporter ---- */

typedef struct
{
  FerryTransport *here;  /* (owned) */
  FerryTransport *there; /* (owned) */
  FerryExporter *exporter;
  FerryInterface *interface; /* (owned): of counters */
  FerryProxy *proxy;
} Scene;

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
  ferry_test_wait_listening (self->proxy);
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
  ferry_test_run_until (test_counters_are_gone, NULL);
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
  ferry_proxy_follow (self->proxy, value_only, NULL);
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
      Edition edition = get_edition (session);

      ferry_exporter_export (self->exporter, name, G_OBJECT (other), self->interface, FERRY_CALL_POLICY_SERIAL, &error);
      g_assert_no_error (error);
      ferry_test_look_until (is_newer, &edition);
    }
  g_assert_cmpuint (ferry_mailbox_get_n (mailbox), ==, 0);
  ferry_proxy_follow (self->proxy, NULL, NULL);
  while (g_main_context_iteration (context, FALSE))
    ;
  ferry_mailbox_unref (mailbox);
  ferry_proxy_session_unref (session);
}

/* ---- an end in the place of an exporter ---- */

typedef struct
{
  FerryTransport *here;
  FerryTransport *there;
  FerryDemux *demux;
  FerryProxy *proxy;
  FerryInvocation *watch; /* (owned) (nullable), as the next */
  FerryInvocation *subscription;
} Actor;

static void
stream (FerryInvocation *invocation, gpointer data)
{
  FerryInvocation **kept = data;

  g_assert_null (*kept);
  *kept = ferry_invocation_ref (invocation);
}

static void
send_item (FerryInvocation *invocation, const char *text)
{
  g_autoptr (GError) error = NULL;

  replies_test_send (invocation, g_variant_new_parsed (text), &error);
  g_assert_no_error (error);
}

static gboolean
has_watch (gpointer data)
{
  return ((Actor *) data)->watch != NULL;
}

static gboolean
has_subscription (gpointer data)
{
  return ((Actor *) data)->subscription != NULL;
}

static gboolean
is_silent (gpointer proxy)
{
  return !ferry_proxy_get_listening (proxy);
}

static void
set_up_actor (Actor *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  ferry_transport_new_pair (&self->here, &self->there);
  self->demux = ferry_demux_new (self->there);
  ferry_demux_set_context (self->demux, NULL);
  ferry_demux_add_handler (self->demux, FERRY_OBJECT_METHOD_WATCH, stream, &self->watch, NULL);
  ferry_demux_add_handler (self->demux, FERRY_OBJECT_METHOD_FOLLOW, stream, &self->subscription, NULL);
  ferry_demux_start (self->demux, &error);
  g_assert_no_error (error);
  self->proxy = ferry_proxy_new (self->here, NAME);
  ferry_test_run_until (has_watch, self);
  send_item (self->watch, "(true, uint64 7)");
  ferry_test_wait_listening (self->proxy);
}

static void
tear_down_actor (Actor *self, gconstpointer data)
{
  ferry_transport_close (self->here);
  g_clear_pointer (&self->watch, ferry_invocation_unref);
  g_clear_pointer (&self->subscription, ferry_invocation_unref);
  /* What tells of the end has a reference to it for a moment. */
  g_object_add_weak_pointer (G_OBJECT (self->proxy), (gpointer *) &self->proxy);
  g_object_unref (self->proxy);
  while (self->proxy != NULL)
    g_main_context_iteration (NULL, FALSE);
  ferry_demux_stop (self->demux);
  g_clear_object (&self->demux);
  g_clear_object (&self->here);
  g_clear_object (&self->there);
}

/* Does not iterate the main context: what has to be done there is not done yet. */
static void
spin_until (FerryTestCondition condition, gpointer data)
{
  gint64 deadline = g_get_monotonic_time () + FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC;

  while (!condition (data))
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
}

static void
refuse_subscription (Actor *self)
{
  g_autoptr (FerryInvocation) subscription = g_steal_pointer (&self->subscription);

  ferry_invocation_return_new_error (subscription, FERRY_ERROR, FERRY_ERROR_UNKNOWN_OBJECT, "There is no such object");
}

/* Says the same again, which is that names have changed; returns when that was heard. */
static void
change_names (Actor *self)
{
  Edition edition = get_edition (ferry_proxy_get_session (self->proxy));

  send_item (self->watch, "(true, uint64 7)");
  spin_until (is_newer, &edition);
}

static void
count_cb (FerryProxy *proxy, const GError *error, gpointer data)
{
  ++*(guint *) data;
}

static gboolean
is_counted (gpointer count)
{
  return *(guint *) count > 0;
}

static void
test_refused_subscription (Actor *self, gconstpointer data)
{
  guint n_failures = 0;

  g_signal_connect (self->proxy, "follow-failed", G_CALLBACK (count_cb), &n_failures);
  ferry_proxy_follow (self->proxy, value_only, NULL);
  ferry_test_run_until (has_subscription, self);
  refuse_subscription (self);
  ferry_test_run_until (is_counted, &n_failures);
  for (guint i = 0; i < 3; i++)
    {
      change_names (self);
      ferry_test_run_until (has_subscription, self);
      change_names (self);
      refuse_subscription (self);
      ferry_test_run_until (has_subscription, self);
      refuse_subscription (self);
      n_failures = 0;
      ferry_test_run_until (is_counted, &n_failures);
    }
  change_names (self);
  ferry_test_run_until (has_subscription, self);
  send_item (self->subscription, "([('value', uint64 1, <5>)], @a(sv) [], uint64 0, @a(tttt) [], uint64 0)");
  ferry_test_run_until (is_cached, self->proxy);
  g_signal_handlers_disconnect_by_data (self->proxy, &n_failures);
}

/* ---- states ---- */

static void
leave (Actor *self)
{
  g_autoptr (FerryInvocation) watch = g_steal_pointer (&self->watch);

  ferry_invocation_return_new_error (watch, FERRY_ERROR, FERRY_ERROR_CLOSED, "The exporter has left the transport");
}

static void
waited_cb (GObject *proxy, GAsyncResult *result, gpointer data)
{
  Outcome *self = data;

  ferry_proxy_wait_until_listening_finish (FERRY_PROXY (proxy), result, &self->error);
  self->over = TRUE;
}

/* Any thread. */
typedef struct
{
  FerryProxySession *session;
  _Atomic guint n_ends; /* how often there was said to be none */
} Told;

static void
told (gpointer data)
{
  Told *self = data;
  g_autoptr (GError) end = ferry_proxy_session_dup_end (self->session);

  atomic_fetch_add (&self->n_ends, end != NULL);
}

/* It stops, and leaves, and its end is on its way when another proxy comes. */
static void
test_successor (Actor *self, gconstpointer data)
{
  /* The watch owns it: its function may still run when the watch is removed. */
  Told *seen = g_new0 (Told, 1);
  Outcome outcome = {0};
  g_autoptr (FerryProxy) late = NULL;
  guint64 watch;

  send_item (self->watch, "(false, uint64 7)");
  ferry_test_run_until (is_silent, self->proxy);
  late = ferry_proxy_new (self->here, "late");
  seen->session = ferry_proxy_get_session (self->proxy);
  watch = ferry_proxy_session_add_watch (seen->session, FALSE, told, seen, g_free);
  ferry_proxy_wait_until_listening_async (late, -1, NULL, waited_cb, &outcome);
  leave (self);
  ferry_test_run_until (has_watch, self);
  send_item (self->watch, "(true, uint64 8)");
  ferry_test_wait_flag (&outcome.over);
  g_assert_no_error (outcome.error);
  g_assert_true (ferry_proxy_get_listening (self->proxy));
  g_assert_true (ferry_proxy_get_listening (late));
  g_assert_cmpuint (atomic_load (&seen->n_ends), ==, 0);
  ferry_proxy_session_remove_watch (ferry_proxy_get_session (self->proxy), watch);
}

typedef struct
{
  FerryProxySession *session;
  GMutex lock;
  GCond cond;
  gboolean goes_on;            /* lock */
  _Atomic guint n_told;        /* with what is told */
  _Atomic gboolean last_state; /* as it was told last */
} Slow;

/* The receiving thread: of the first change it takes its time. */
static void
slowly_told (gpointer data)
{
  Slow *self = data;

  g_mutex_lock (&self->lock);
  atomic_fetch_add (&self->n_told, 1);
  while (!self->goes_on)
    g_cond_wait (&self->cond, &self->lock);
  atomic_store (&self->last_state, ferry_proxy_session_is_listening (self->session));
  g_mutex_unlock (&self->lock);
}

static gboolean
is_told (gpointer data)
{
  return atomic_load (&((Slow *) data)->n_told) > 0;
}

static gboolean
is_told_again (gpointer data)
{
  Slow *self = data;

  return atomic_load (&self->n_told) > 1 && atomic_load (&self->last_state);
}

/* The state changes while the change before it is told of. */
static void
test_change_while_told (Actor *self, gconstpointer data)
{
  Slow slow = {.session = ferry_proxy_get_session (self->proxy)};
  guint64 watch;

  g_mutex_init (&slow.lock);
  g_cond_init (&slow.cond);
  watch = ferry_proxy_session_add_watch (ferry_proxy_get_session (self->proxy), FALSE, slowly_told, &slow, NULL);
  send_item (self->watch, "(false, uint64 7)");
  spin_until (is_told, &slow);
  send_item (self->watch, "(true, uint64 7)");
  g_mutex_lock (&slow.lock);
  slow.goes_on = TRUE;
  g_cond_signal (&slow.cond);
  g_mutex_unlock (&slow.lock);
  spin_until (is_told_again, &slow);
  ferry_proxy_session_remove_watch (ferry_proxy_get_session (self->proxy), watch);
  g_mutex_clear (&slow.lock);
  g_cond_clear (&slow.cond);
}

/* ---- an end on another thread ---- */

#define N_ENDS 1000

/* With a pair of transports, the states are received on this thread. */
static gpointer
send_states (gpointer data)
{
  Actor *self = data;

  while (!ferry_transport_get_closed (self->there))
    replies_test_send (self->watch, g_variant_new ("(bt)", TRUE, (guint64) 7), NULL);
  return NULL;
}

/* A state that is on its way when the transport is closed is told before the end, or not at all. */
static void
test_no_state_comes_after_the_end (void)
{
  for (guint i = 0; i < N_ENDS; i++)
    {
      Actor actor = {0};
      guint64 edition;
      GThread *thread;

      set_up_actor (&actor, NULL);
      edition = ferry_proxy_session_get_edition (ferry_proxy_get_session (actor.proxy));
      thread = g_thread_new ("sending", send_states, &actor);
      while (ferry_proxy_session_get_edition (ferry_proxy_get_session (actor.proxy)) <= edition + i % 8)
        g_thread_yield ();
      ferry_transport_close (actor.here);
      g_thread_join (thread);
      g_assert_false (ferry_proxy_get_listening (actor.proxy));
      tear_down_actor (&actor, NULL);
    }
}

static void
add (const char *path, void (*test) (Scene *, gconstpointer))
{
  g_test_add (path, Scene, NULL, set_up, test, tear_down);
}

static void
add_acted (const char *path, void (*test) (Actor *, gconstpointer))
{
  g_test_add (path, Actor, NULL, set_up_actor, test, tear_down_actor);
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);

  add ("/object-names/a-replica-follows-the-object-that-has-the-name", test_replica);
  add ("/object-names/what-nobody-exported-yet-is-followed-once-it-is", test_nothing_at_first);
  add ("/object-names/what-cannot-be-followed-is-told", test_no_such_member);
  add ("/object-names/a-list-replica-shows-the-list-that-has-the-name", test_list);
  add ("/object-names/a-description-is-that-of-the-object-that-has-the-name", test_description);
  add ("/object-names/the-latest-policy-holds", test_policy);
  add ("/object-names/other-names-wake-nothing-that-is-followed", test_other_names_wake_nothing);
  add_acted ("/object-names/a-subscription-that-is-refused-while-names-change-asks-once-more",
             test_refused_subscription);
  add_acted ("/object-names/who-comes-while-an-exporter-leaves-finds-the-next-one", test_successor);
  add_acted ("/object-names/a-state-that-changes-while-one-is-told-of-is-told", test_change_while_told);
  g_test_add_func ("/object-names/no-state-comes-after-the-end", test_no_state_comes_after_the_end);

  return g_test_run ();
}
