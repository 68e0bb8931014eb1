/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-proxy.c, object/ferry-subscription.c
 *
 * Proxies, and in the place of an exporter an end that answers whatever the test wants. */

#include "config.h"

#include <locale.h>

#include "conversation/replies-test.h"
#include "ferry-test.h"
#include "object-test.h"
#include "object/ferry-interface-private.h"
#include "object/ferry-proxy-private.h"
#include "object/packed-message.h"

#define GENERATION 7
#define N_STATES 20000

typedef struct
{
  FerryTransport *here;
  FerryTransport *there;
  FerryDemux *demux;
  FerryProxy *proxy;
  GVariant *next;         /* (owned) (nullable): what is answered next; where there is none, it is kept */
  FerryInvocation *kept;  /* (owned) (nullable) */
  FerryInvocation *watch; /* (owned) (nullable), as the next */
  FerryInvocation *subscription;
  gint64 n_references; /* that were given and not dropped */
  guint n_notified;
} Liar;

/* ---- lying ---- */

static void
answer (FerryInvocation *invocation, gpointer data)
{
  Liar *self = data;

  if (self->next != NULL)
    ferry_invocation_return_value (invocation, self->next);
  else
    self->kept = ferry_invocation_ref (invocation);
  g_clear_pointer (&self->next, g_variant_unref);
}

static void
stream (FerryInvocation *invocation, gpointer data)
{
  FerryInvocation **kept = data;

  g_assert_null (*kept);
  *kept = ferry_invocation_ref (invocation);
}

static void
released (FerryInvocation *invocation, gpointer data)
{
  Liar *self = data;
  guint64 generation, number, count;

  g_variant_get (ferry_invocation_get_arguments (invocation), "(ttt)", &generation, &number, &count);
  self->n_references -= (gint64) count;
}

static void
send_item (FerryInvocation *invocation, const char *text)
{
  g_autoptr (GError) error = NULL;

  replies_test_send (invocation, g_variant_new_parsed (text), &error);
  g_assert_no_error (error);
}

/* ---- setting up ---- */

static gboolean
has_watch (gpointer data)
{
  return ((Liar *) data)->watch != NULL;
}

static void
notified_cb (GObject *proxy, GParamSpec *pspec, gpointer data)
{
  ((Liar *) data)->n_notified++;
}

static void
set_up (Liar *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  ferry_transport_new_pair (&self->here, &self->there);
  self->demux = ferry_demux_new (self->there);
  ferry_demux_set_context (self->demux, NULL);
  ferry_demux_add_handler (self->demux, FERRY_OBJECT_METHOD_VIEW, answer, self, NULL);
  ferry_demux_add_handler (self->demux, FERRY_OBJECT_METHOD_DESCRIBE, answer, self, NULL);
  ferry_demux_add_handler (self->demux, FERRY_OBJECT_METHOD_WATCH, stream, &self->watch, NULL);
  ferry_demux_add_handler (self->demux, FERRY_OBJECT_METHOD_FOLLOW, stream, &self->subscription, NULL);
  ferry_demux_add_handler (self->demux, FERRY_OBJECT_METHOD_RELEASE, released, self, NULL);
  ferry_demux_start (self->demux, &error);
  g_assert_no_error (error);
  self->proxy = ferry_proxy_new (self->here, "liar");
  ferry_test_run_until (has_watch, self);
  send_item (self->watch, "(true, uint64 7)");
  ferry_test_wait_listening (self->proxy);
  g_signal_connect (self->proxy, "notify::listening", G_CALLBACK (notified_cb), self);
}

static gboolean
has_no_references (gpointer data)
{
  return ((Liar *) data)->n_references == 0;
}

static void
tear_down (Liar *self, gconstpointer data)
{
  ferry_test_run_until (has_no_references, self);
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

/* ---- asking ---- */

typedef struct
{
  gboolean over;
  GVariant *value;
  FerryProxy *object;
  GError *error;
} Outcome;

static void
outcome_clear (Outcome *self)
{
  g_clear_pointer (&self->value, g_variant_unref);
  g_clear_object (&self->object);
  g_clear_error (&self->error);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Outcome, outcome_clear)

static void
called_cb (GObject *proxy, GAsyncResult *result, gpointer data)
{
  Outcome *self = data;

  ferry_proxy_call_finish (FERRY_PROXY (proxy), result, &self->value, &self->object, &self->error);
  self->over = TRUE;
}

static void
call (Liar *self, GVariant *lie, Outcome *outcome)
{
  self->next = g_variant_ref_sink (lie);
  ferry_proxy_call_async (self->proxy, "make", NULL, -1, NULL, called_cb, outcome);
  ferry_test_wait_flag (&outcome->over);
}

/* Returns (transfer floating). */
static GVariant *
give_object (guint64 generation, guint64 number, const char *name, const char *interface)
{
  const FerryChainResult result = {.generation = generation, .number = number, .name = name, .interface = interface};

  return packed_result (&result);
}

/* Returns (transfer floating). */
static GVariant *
give_value (GVariant *value, guint64 generation)
{
  g_autoptr (GVariant) taken = g_variant_ref_sink (value);
  const FerryChainResult result = {.value = taken, .generation = generation};

  return packed_result (&result);
}

/* The proxy goes on to give what is true. */
static void
assert_honest (Liar *self)
{
  g_auto (Outcome) outcome = {0};

  call (self, give_value (g_variant_new_int32 (5), 0), &outcome);
  g_assert_no_error (outcome.error);
  g_assert_cmpint (g_variant_get_int32 (outcome.value), ==, 5);
}

/* ---- results ---- */

static void
test_results (Liar *self, gconstpointer data)
{
  static const char *const lies[] = {
    "5",
    "()",
    "'text'",
    "(uint64 1, uint64 2)",
    "<5>",
    "(5, uint64 7, uint64 1, '', '')",
    "@mv nothing",
    "@ay []",
    "b'no result of a view, though of the same type'",
  };
  g_autofree char *name = g_strnfill (256, 'n');

  for (guint i = 0; i < G_N_ELEMENTS (lies) + 3; i++)
    {
      g_auto (Outcome) outcome = {0};

      if (i < G_N_ELEMENTS (lies))
        call (self, g_variant_new_parsed (lies[i]), &outcome);
      else if (i == G_N_ELEMENTS (lies))
        call (self, give_value (g_variant_new_int32 (5), GENERATION), &outcome);
      else
        call (self, give_object (GENERATION, 1, i % 2 == 0 ? name : "", i % 2 == 0 ? "" : name), &outcome);
      g_assert_error (outcome.error, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
      g_assert_true (outcome.value == NULL && outcome.object == NULL);
      assert_honest (self);
    }
}

/* Whatever its numbers are, what was given is dropped; nothing is an object without a generation. */
static void
test_references (Liar *self, gconstpointer data)
{
  static const guint64 numbers[] = {0, 1, 1, G_MAXINT64, G_MAXUINT64, G_MAXUINT64};

  for (guint i = 0; i < G_N_ELEMENTS (numbers) * 3; i++)
    {
      g_auto (Outcome) outcome = {0};
      guint64 generation = i % 3 == 0 ? 0 : i % 3 == 1 ? GENERATION : G_MAXUINT64;

      self->n_references += generation != 0;
      call (self, give_object (generation, numbers[i / 3], i % 2 == 0 ? "" : "liar", "org.example.Lie"), &outcome);
      g_assert_no_error (outcome.error);
      g_assert_true ((outcome.object != NULL) == (generation != 0));
    }
}

static void
test_late (Liar *self, gconstpointer data)
{
  for (guint i = 0; i < 20; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (FerryInvocation) kept = NULL;
      g_auto (Outcome) outcome = {0};

      ferry_proxy_call_async (self->proxy, "make", NULL, -1, cancellable, called_cb, &outcome);
      while (self->kept == NULL)
        g_main_context_iteration (NULL, TRUE);
      kept = g_steal_pointer (&self->kept);
      g_cancellable_cancel (cancellable);
      ferry_test_wait_flag (&outcome.over);
      g_assert_error (outcome.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      self->n_references++;
      ferry_invocation_return_value (kept, give_object (GENERATION, i, NULL, NULL));
      ferry_test_run_until (has_no_references, self);
    }
}

/* ---- descriptions ---- */

static void
described_cb (GObject *proxy, GAsyncResult *result, gpointer data)
{
  Outcome *self = data;

  g_assert_null (ferry_proxy_describe_finish (FERRY_PROXY (proxy), result, &self->error));
  self->over = TRUE;
}

static void
test_descriptions (Liar *self, gconstpointer data)
{
  static const char *const lies[] = {
    "5",
    "('org.example.Lie', @a(sss) [], @a(ssu) [], 5)",
    "('', @a(sss) [], @a(ssu) [], @a(ss) [])",
    "('org.example.Lie', [('', '()', '()')], @a(ssu) [], @a(ss) [])",
    "('org.example.Lie', [('make', 'ii', '()')], @a(ssu) [], @a(ss) [])",
    "('org.example.Lie', [('make', '(', '()')], @a(ssu) [], @a(ss) [])",
    "('org.example.Lie', @a(sss) [], [('value', 'i', uint32 4)], @a(ss) [])",
    "('org.example.Lie', @a(sss) [], [('value', 'i', 3), ('value', 'i', 3)], @a(ss) [])",
  };

  for (guint i = 0; i < G_N_ELEMENTS (lies); i++)
    {
      g_auto (Outcome) outcome = {0};

      self->next = g_variant_ref_sink (g_variant_new_parsed (lies[i]));
      ferry_proxy_describe_async (self->proxy, -1, NULL, described_cb, &outcome);
      ferry_test_wait_flag (&outcome.over);
      g_assert_error (outcome.error, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
      assert_honest (self);
    }
}

/* ---- floods ---- */

typedef struct
{
  FerryInvocation *watch;
  gboolean over;
} Flood;

/* As fast as the window allows, which the receiving thread widens, but not for what is no state. It ends with the state
 * in which it began. */
static gpointer
flood_thread (gpointer data)
{
  Flood *self = data;

  for (guint i = 0; i < N_STATES; i++)
    {
      send_item (self->watch, i % 2 == 0 ? "(false, uint64 7)" : "(true, uint64 7)");
      if (i % 4000 == 0)
        send_item (self->watch, "'no such thing'");
    }
  self->over = TRUE;
  return NULL;
}

static gboolean
has_all_states (gpointer data)
{
  Liar *self = data;

  return ferry_proxy_session_get_edition (ferry_proxy_get_session (self->proxy)) == 1 + N_STATES;
}

/* While the main context is not iterated, one notification waits, and not one for each. */
static void
test_watch_flood (Liar *self, gconstpointer data)
{
  Flood flood = {.watch = self->watch};
  GThread *thread = g_thread_new ("flood", flood_thread, &flood);

  g_thread_join (thread);
  g_assert_true (flood.over);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (self->n_notified, >, 0);
  g_assert_cmpuint (self->n_notified, <, 10);
  ferry_test_run_until (has_all_states, self);
  assert_honest (self);
}

static gboolean
has_subscription (gpointer data)
{
  return ((Liar *) data)->subscription != NULL;
}

static gboolean
has_cached (gpointer proxy)
{
  g_autoptr (GVariant) value = ferry_proxy_dup_cached (proxy, "name-255");

  return value != NULL;
}

/* Names that were not asked for are kept up to a number; an item of another type ends it. */
static void
test_subscription (Liar *self, gconstpointer data)
{
  GVariantBuilder values;
  g_autoptr (GError) error = NULL;

  ferry_proxy_follow (self->proxy, (const char *const[]){"*", NULL}, NULL);
  ferry_test_run_until (has_subscription, self);
  g_variant_builder_init (&values, G_VARIANT_TYPE ("a(stv)"));
  for (guint i = 0; i < 5000; i++)
    {
      g_autofree char *name = g_strdup_printf ("name-%u", i);

      g_variant_builder_add (&values, "(stv)", name, (guint64) i, g_variant_new_uint32 (i));
    }
  replies_test_send (
    self->subscription,
    g_variant_new ("(a(stv)@a(sv)t@a(tttt)t)", &values, g_variant_new_array (G_VARIANT_TYPE ("(sv)"), NULL, 0),
                   (guint64) 0, g_variant_new_array (G_VARIANT_TYPE ("(tttt)"), NULL, 0), (guint64) 0),
    &error);
  g_assert_no_error (error);
  ferry_test_run_until (has_cached, self->proxy);
  g_assert_null (ferry_proxy_dup_cached (self->proxy, "name-256"));
  send_item (self->subscription, "('of', 'another', 'type')");
  /* The receiving thread takes that. */
  while (!ferry_invocation_is_cancelled (self->subscription))
    g_main_context_iteration (NULL, FALSE);
  ferry_invocation_return_new_error (self->subscription, G_IO_ERROR, G_IO_ERROR_CANCELLED, "It is over");
  assert_honest (self);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    void (*test) (Liar *self, gconstpointer data);
  } facts[] = {
    {"false-results-are-errors", test_results},
    {"references-of-any-number-are-dropped", test_references},
    {"what-comes-after-a-cancel-is-dropped", test_late},
    {"false-descriptions-are-errors", test_descriptions},
    {"a-flood-of-states-is-one-notification", test_watch_flood},
    {"a-subscription-of-other-types-is-ended", test_subscription},
  };

  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (facts); i++)
    {
      g_autofree char *path = g_strconcat ("/object-lies/", facts[i].name, NULL);

      g_test_add (path, Liar, NULL, set_up, facts[i].test, tear_down);
    }

  return g_test_run ();
}
