/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "object-scene.h"

#include <sys/socket.h>

#include "object/ferry-proxy-private.h"
#include "process/worker-test.h"

struct _ObjectSceneKind
{
  const char *name;
  /* Makes two connected ends; NULL where there is none. */
  void (*connect) (FerryTransport **one, FerryTransport **other);
  const char *order; /* (nullable): of the worker that exports */
  const char *second_order;
};

/* ---- the kinds ---- */

static void
connect_sockets (FerryTransport **one, FerryTransport **other)
{
  g_autoptr (GError) error = NULL;
  int fds[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  *one = ferry_transport_new_for_descriptors (fds[0], fds[0], &error);
  g_assert_no_error (error);
  *other = ferry_transport_new_for_descriptors (fds[1], fds[1], &error);
  g_assert_no_error (error);
}

static const ObjectSceneKind kinds[] = {
  {"same-process", NULL, NULL, NULL},
  {"memory", ferry_transport_new_pair, NULL, NULL},
  {"socket", connect_sockets, NULL, NULL},
  {"worker", NULL, "serve", NULL},
  {"worker-by-default", NULL, "serve", "default"},
};

/* ---- setting up ---- */

void
object_scene_spawn (ObjectScene *self, const char *first_order, const char *second_order)
{
  object_scene_spawn_program (self, "object-worker", first_order, second_order);
}

void
object_scene_spawn_program (ObjectScene *self, const char *program, const char *first_order, const char *second_order)
{
  g_autoptr (GError) error = NULL;

  self->router = ferry_test_router_new ();
  self->launcher = worker_test_launcher_new (program, first_order, second_order, NULL);
  self->here = ferry_launcher_add_transport (self->launcher, self->router, "objects", &error);
  g_assert_no_error (error);
  self->worker = worker_test_spawn (self->launcher, self->router);
}

static void
export_here (ObjectScene *self)
{
  g_autoptr (GError) error = NULL;

  self->exporter = ferry_exporter_new ();
  self->shop = test_shop_new (self->exporter);
  g_object_set (self->exporter, "threads", 4, NULL);
  if (self->kind->connect != NULL)
    {
      self->kind->connect (&self->here, &self->there);
      ferry_exporter_add_transport (self->exporter, self->there, &error);
      g_assert_no_error (error);
    }
  ferry_exporter_start (self->exporter);
}

static gboolean
has_no_references (gpointer exporter)
{
  return ferry_test_get_number (exporter, "n-references") == 0;
}

/* What is left of proxies is left by an error of theirs. */
void
object_scene_close (ObjectScene *self)
{
  if (self->exporter != NULL && self->here != NULL && !ferry_test_get_number (self->here, "closed"))
    ferry_test_look_until (has_no_references, self->exporter);
  if (self->here != NULL)
    ferry_transport_close (self->here);
  g_clear_object (&self->here);
  if (self->worker != NULL && self->killed)
    ferry_test_wait_ended (self->worker);
  else if (self->worker != NULL)
    worker_test_assert_exit (self->worker, FERRY_CLOSE_REASON_EXITED, "status 0");
  g_clear_object (&self->worker);
  g_clear_object (&self->launcher);
  if (self->router != NULL)
    ferry_test_router_stop (self->router);
  self->router = NULL;
  g_clear_object (&self->there);
  g_clear_object (&self->exporter);
  g_clear_pointer (&self->shop, test_shop_free);
  ferry_test_look_until (test_counters_are_gone, NULL);
}

void
object_scene_kill_worker (ObjectScene *self)
{
  self->killed = TRUE;
  ferry_worker_force_exit (self->worker);
}

gboolean
object_scene_has_worker (ObjectScene *self)
{
  return self->worker != NULL;
}

typedef struct
{
  const ObjectSceneKind *kind;
  const ObjectSceneFact *fact;
} Case;

static void
run_case (gconstpointer data)
{
  const Case *self = data;
  ObjectScene scene = {.kind = self->kind};

  if (self->kind->order != NULL)
    object_scene_spawn (&scene, self->kind->order, self->kind->second_order);
  else
    export_here (&scene);
  self->fact->func (&scene);
  object_scene_close (&scene);
}

static void
add_facts_of (const ObjectSceneKind *kind, const char *group, const ObjectSceneFact *facts, guint n_facts)
{
  for (guint i = 0; i < n_facts; i++)
    {
      g_autofree char *path = g_strdup_printf ("/%s/%s/%s", group, kind->name, facts[i].name);
      Case *one = g_new (Case, 1);

      *one = (Case){kind, &facts[i]};
      g_test_add_data_func_full (path, one, run_case, g_free);
    }
}

void
object_scene_add_facts (const char *group, const ObjectSceneFact *facts, guint n_facts)
{
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    add_facts_of (&kinds[i], group, facts, n_facts);
}

void
object_scene_add_near_facts (const char *group, const ObjectSceneFact *facts, guint n_facts)
{
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (kinds[i].connect != NULL)
      add_facts_of (&kinds[i], group, facts, n_facts);
}

void
object_scene_add_remote_facts (const char *group, const ObjectSceneFact *facts, guint n_facts)
{
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (kinds[i].connect != NULL || kinds[i].order != NULL)
      add_facts_of (&kinds[i], group, facts, n_facts);
}

FerryProxy *
object_scene_new_proxy (ObjectScene *self, const char *name)
{
  FerryProxy *proxy =
    self->here != NULL ? ferry_proxy_new (self->here, name) : ferry_proxy_new_local (self->exporter, name);

  ferry_test_wait_listening (proxy);
  return proxy;
}

/* ---- asking ---- */

void
object_outcome_clear (ObjectOutcome *self)
{
  g_clear_pointer (&self->value, g_variant_unref);
  g_clear_object (&self->object);
  g_clear_error (&self->error);
  self->over = FALSE;
}

static void
resolved_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  ObjectOutcome *self = data;
  gboolean resolved = ferry_resolve_finish (result, &self->value, &self->object, &self->error);

  g_assert_true (resolved == (self->error == NULL));
  g_assert_false (self->over);
  self->over = TRUE;
}

void
object_scene_ask (FerryProxy *proxy, GVariant *steps, gint64 timeout, GCancellable *cancellable, ObjectOutcome *outcome)
{
  ferry_proxy_resolve_async (proxy, steps, NULL, timeout, cancellable, resolved_cb, outcome);
}

void
object_scene_ask_call (FerryProxy *proxy, const char *method, GVariant *arguments, ObjectOutcome *outcome)
{
  ferry_proxy_call_async (proxy, method, arguments, -1, NULL, resolved_cb, outcome);
}

/* Returns (transfer full) (nullable). */
static GVariant *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  GVariant *value = text != NULL ? g_variant_parse (NULL, text, NULL, NULL, &error) : NULL;

  g_assert_no_error (error);
  return value;
}

void
object_scene_resolve (FerryProxy *proxy, const char *steps, const char *options, ObjectOutcome *outcome)
{
  g_autoptr (GVariant) parsed_steps = parse (steps);
  g_autoptr (GVariant) parsed_options = parse (options);

  ferry_proxy_resolve_async (proxy, parsed_steps, parsed_options, -1, NULL, resolved_cb, outcome);
  ferry_test_wait_flag (&outcome->over);
}

static void
assert_is (ObjectOutcome *outcome, const char *text)
{
  g_autofree char *printed = NULL;

  g_assert_no_error (outcome->error);
  g_assert_null (outcome->object);
  if (outcome->value != NULL)
    printed = g_variant_print (outcome->value, FALSE);
  g_assert_cmpstr (printed, ==, text);
}

static void
assert_failed (ObjectOutcome *outcome, GQuark domain, int code)
{
  g_assert_error (outcome->error, domain, code);
  g_assert_null (outcome->value);
  g_assert_null (outcome->object);
}

void
object_scene_assert_gives (FerryProxy *proxy, const char *steps, const char *options, const char *text)
{
  g_auto (ObjectOutcome) outcome = {0};

  object_scene_resolve (proxy, steps, options, &outcome);
  assert_is (&outcome, text);
}

void
object_scene_assert_fails (FerryProxy *proxy, const char *steps, const char *options, GQuark domain, int code)
{
  g_auto (ObjectOutcome) outcome = {0};

  object_scene_resolve (proxy, steps, options, &outcome);
  assert_failed (&outcome, domain, code);
}

void
object_scene_assert_call (FerryProxy *proxy, const char *method, GVariant *arguments, const char *text)
{
  g_auto (ObjectOutcome) outcome = {0};

  object_scene_ask_call (proxy, method, arguments, &outcome);
  ferry_test_wait_flag (&outcome.over);
  assert_is (&outcome, text);
}

void
object_scene_assert_call_fails (FerryProxy *proxy, const char *method, GVariant *arguments, GQuark domain, int code)
{
  g_auto (ObjectOutcome) outcome = {0};

  object_scene_ask_call (proxy, method, arguments, &outcome);
  ferry_test_wait_flag (&outcome.over);
  assert_failed (&outcome, domain, code);
}

void
object_scene_assert_counted (ObjectOutcome *outcomes, guint n, int first)
{
  for (guint i = 0; i < n; i++)
    {
      ferry_test_wait_flag (&outcomes[i].over);
      g_assert_no_error (outcomes[i].error);
      g_assert_cmpint (g_variant_get_int32 (outcomes[i].value), ==, first + (int) i);
      object_outcome_clear (&outcomes[i]);
    }
}

guint
object_scene_get_number (FerryProxy *proxy, const char *steps)
{
  g_auto (ObjectOutcome) outcome = {0};

  object_scene_resolve (proxy, steps, NULL, &outcome);
  g_assert_no_error (outcome.error);
  if (g_variant_is_of_type (outcome.value, G_VARIANT_TYPE_INT32))
    return (guint) g_variant_get_int32 (outcome.value);
  if (g_variant_is_of_type (outcome.value, G_VARIANT_TYPE_UINT64))
    return (guint) g_variant_get_uint64 (outcome.value);
  return g_variant_get_uint32 (outcome.value);
}

/* ---- waiting ---- */

void
object_scene_wait_number (ObjectScene *self, const char *function, const char *name, guint number)
{
  g_autoptr (FerryProxy) control = object_scene_new_proxy (self, "control");
  g_autofree char *steps = g_strdup_printf ("(('pass-to', '%s', ('%s',)),)", function, name);
  gint64 deadline = g_get_monotonic_time () + FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC;

  while (object_scene_get_number (control, steps) != number)
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
}

void
object_scene_let_go (ObjectScene *self, const char *name)
{
  g_autoptr (FerryProxy) control = object_scene_new_proxy (self, "control");
  g_autofree char *steps = g_strdup_printf ("(('pass-to', 'let-go', ('%s',)),)", name);

  object_scene_assert_gives (control, steps, NULL, NULL);
}
