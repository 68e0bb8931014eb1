/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-proxy-session.c, object/ferry-subscription.c
 *
 * Proxies, and in the place of an exporter an end that says when it listens, when names change and when it leaves: at
 * moments that an exporter would hardly ever find. */

#include "config.h"

#include <locale.h>
#include <stdatomic.h>

#include "call/ferry-transport-private.h"
#include "conversation/replies-test.h"
#include "ferry-test.h"
#include "object/ferry-interface-private.h"
#include "object/ferry-proxy-private.h"
#include "wire/ferry-object-message-private.h"

typedef struct
{
  FerryTransport *here;
  FerryTransport *there;
  FerryDemux *demux;
  FerryProxy *proxy;
  FerryInvocation *watch; /* (owned) (nullable), as the next */
  FerryInvocation *subscription;
} Scene;

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
  return ((Scene *) data)->watch != NULL;
}

static gboolean
has_subscription (gpointer data)
{
  return ((Scene *) data)->subscription != NULL;
}

static gboolean
is_listening (gpointer proxy)
{
  return ferry_proxy_get_listening (proxy);
}

static gboolean
is_silent (gpointer proxy)
{
  return !ferry_proxy_get_listening (proxy);
}

static void
set_up (Scene *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  ferry_transport_new_pair (&self->here, &self->there);
  self->demux = ferry_demux_new (self->there);
  ferry_demux_set_context (self->demux, NULL);
  ferry_demux_add_handler (self->demux, FERRY_OBJECT_METHOD_WATCH, stream, &self->watch, NULL);
  ferry_demux_add_handler (self->demux, FERRY_OBJECT_METHOD_FOLLOW, stream, &self->subscription, NULL);
  ferry_demux_start (self->demux, &error);
  g_assert_no_error (error);
  self->proxy = ferry_proxy_new (self->here, "thing");
  ferry_test_run_until (has_watch, self);
  send_item (self->watch, "(true, uint64 7)");
  ferry_test_run_until (is_listening, self->proxy);
}

static void
tear_down (Scene *self, gconstpointer data)
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

/* ---- names ---- */

static void
follow_failed_cb (FerryProxy *proxy, const GError *error, gpointer data)
{
  ++*(guint *) data;
}

static gboolean
is_counted (gpointer count)
{
  return *(guint *) count > 0;
}

static void
refuse_subscription (Scene *self)
{
  g_autoptr (FerryInvocation) subscription = g_steal_pointer (&self->subscription);

  ferry_invocation_return_new_error (subscription, FERRY_ERROR, FERRY_ERROR_UNKNOWN_OBJECT, "There is no such object");
}

typedef struct
{
  FerryProxySession *link;
  guint64 edition;
} Edition;

static gboolean
is_newer (gpointer data)
{
  const Edition *edition = data;

  return ferry_proxy_session_get_edition (edition->link) > edition->edition;
}

/* Says the same again, which is that names have changed; returns when that was heard. */
static void
change_names (Scene *self)
{
  Edition edition = {ferry_proxy_get_session (self->proxy),
                     ferry_proxy_session_get_edition (ferry_proxy_get_session (self->proxy))};
  gint64 deadline = g_get_monotonic_time () + FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC;

  send_item (self->watch, "(true, uint64 7)");
  /* The main context is not iterated: what has to be done there is not done yet. */
  while (!is_newer (&edition))
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
}

static gboolean
has_value (gpointer proxy)
{
  g_autoptr (GVariant) value = ferry_proxy_dup_cached (proxy, "value");

  return value != NULL;
}

static void
test_refused_subscription (Scene *self, gconstpointer data)
{
  guint n_failures = 0;

  g_signal_connect (self->proxy, "follow-failed", G_CALLBACK (follow_failed_cb), &n_failures);
  ferry_proxy_follow (self->proxy, (const char *const[]){"value", NULL}, NULL);
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
  ferry_test_run_until (has_value, self->proxy);
  g_signal_handlers_disconnect_by_data (self->proxy, &n_failures);
}

/* ---- states ---- */

static void
leave (Scene *self)
{
  g_autoptr (FerryInvocation) watch = g_steal_pointer (&self->watch);

  ferry_invocation_return_new_error (watch, FERRY_ERROR, FERRY_ERROR_CLOSED, "The exporter has left the transport");
}

typedef struct
{
  gboolean over;
  GError *error; /* (owned) (nullable) */
} Outcome;

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
  FerryProxySession *link;
  _Atomic guint n_told;
  _Atomic guint n_ends; /* how often there was said to be none */
} Told;

static void
told (gpointer data)
{
  Told *self = data;
  g_autoptr (GError) end = ferry_proxy_session_dup_end (self->link);

  atomic_fetch_add (&self->n_ends, end != NULL);
  atomic_fetch_add (&self->n_told, 1);
}

/* It stops, and leaves, and its end is on its way when another proxy comes. */
static void
test_successor (Scene *self, gconstpointer data)
{
  /* The watch owns it: its function may still run when the watch is removed. */
  Told *seen = g_new0 (Told, 1);
  Outcome outcome = {0};
  g_autoptr (FerryProxy) late = NULL;
  guint64 watch;

  send_item (self->watch, "(false, uint64 7)");
  ferry_test_run_until (is_silent, self->proxy);
  late = ferry_proxy_new (self->here, "late");
  seen->link = ferry_proxy_get_session (self->proxy);
  watch = ferry_proxy_session_add_watch (seen->link, FALSE, told, seen, g_free);
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
  FerryProxySession *link;
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
  atomic_store (&self->last_state, ferry_proxy_session_is_listening (self->link));
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
test_change_while_told (Scene *self, gconstpointer data)
{
  Slow slow = {.link = ferry_proxy_get_session (self->proxy)};
  gint64 deadline = g_get_monotonic_time () + FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC;
  guint64 watch;

  g_mutex_init (&slow.lock);
  g_cond_init (&slow.cond);
  watch = ferry_proxy_session_add_watch (ferry_proxy_get_session (self->proxy), FALSE, slowly_told, &slow, NULL);
  send_item (self->watch, "(false, uint64 7)");
  while (!is_told (&slow))
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
  send_item (self->watch, "(true, uint64 7)");
  g_mutex_lock (&slow.lock);
  slow.goes_on = TRUE;
  g_cond_signal (&slow.cond);
  g_mutex_unlock (&slow.lock);
  while (!is_told_again (&slow))
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
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
  Scene *self = data;

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
      Scene scene = {0};
      guint64 edition;
      GThread *thread;

      set_up (&scene, NULL);
      edition = ferry_proxy_session_get_edition (ferry_proxy_get_session (scene.proxy));
      thread = g_thread_new ("sending", send_states, &scene);
      while (ferry_proxy_session_get_edition (ferry_proxy_get_session (scene.proxy)) <= edition + i % 8)
        g_thread_yield ();
      ferry_transport_close (scene.here);
      g_thread_join (thread);
      g_assert_false (ferry_proxy_get_listening (scene.proxy));
      tear_down (&scene, NULL);
    }
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);

#define ADD(name, test) g_test_add ("/object-states/" name, Scene, NULL, set_up, test, tear_down)
  ADD ("a-subscription-that-is-refused-while-names-change-asks-once-more", test_refused_subscription);
  ADD ("who-comes-while-an-exporter-leaves-finds-the-next-one", test_successor);
  ADD ("a-state-that-changes-while-one-is-told-of-is-told", test_change_while_told);
  g_test_add_func ("/object-states/no-state-comes-after-the-end", test_no_state_comes_after_the_end);

  return g_test_run ();
}
