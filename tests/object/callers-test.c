/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "callers-test.h"

#include "object/ferry-exporter-private.h"
#include "object/ferry-proxy-private.h"

static const char *const names[] = {"a", "b", "c"};

/* ---- waiting, on whatever thread ---- */

void
callers_test_wait_count (_Atomic guint *count, guint n)
{
  gint64 deadline = g_get_monotonic_time () + CALLERS_TEST_PATIENCE;

  while (atomic_load (count) < n)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_thread_yield ();
    }
}

/* Whether a caller waits for its turn. */
gboolean
callers_test_is_wanted (CallersTest *self, const char *name)
{
  g_autoptr (FerryExported) exported = ferry_exporter_find (self->exporter, name, NULL);
  gboolean wanted;

  pthread_mutex_lock (&exported->lock);
  wanted = !g_queue_is_empty (&exported->waiting);
  pthread_mutex_unlock (&exported->lock);
  return wanted;
}

void
callers_test_wait_wanted (CallersTest *self, const char *name)
{
  gint64 deadline = g_get_monotonic_time () + CALLERS_TEST_PATIENCE;

  while (!callers_test_is_wanted (self, name))
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_thread_yield ();
    }
}

/* Returns whether it was answered; answers call with the error otherwise. */
gboolean
callers_test_call_local (CallersTest *self, FerryInvocation *invocation, const char *name, const char *method,
                         GVariant *arguments)
{
  g_autoptr (FerryProxy) local = ferry_proxy_new_local (self->exporter, name);
  g_autoptr (GError) error = NULL;

  if (ferry_proxy_call (local, method, arguments, CALLERS_TEST_PATIENCE, NULL, NULL, NULL, &error))
    return TRUE;
  ferry_invocation_return_error (invocation, error);
  return FALSE;
}

/* ---- methods ---- */

static guint
get_index (CallersTest *self, gpointer object)
{
  return object == self->objects[0] ? 0 : object == self->objects[1] ? 1 : 2;
}

static void
enter (CallersTest *self, gpointer object)
{
  guint n = object == self->objects[0] ? atomic_fetch_add (&self->n_inside, 1) + 1 : 0;

  if (n > atomic_load (&self->most_inside))
    atomic_store (&self->most_inside, n);
  atomic_fetch_add (&self->n_lent, atomic_load (&self->busy) == g_thread_self ());
}

static void
leave (CallersTest *self, gpointer object)
{
  if (object == self->objects[0])
    atomic_fetch_sub (&self->n_inside, 1);
}

/* Passes the rest of a path on to the first on it. */
static void
go (gpointer object, FerryInvocation *invocation, gpointer data)
{
  g_autofree const char **path = NULL;
  gboolean arrived;

  enter (data, object);
  g_variant_get (ferry_invocation_get_arguments (invocation), "(^a&s)", &path);
  arrived =
    path[0] == NULL || callers_test_call_local (data, invocation, path[0], "go", g_variant_new ("(^as)", path + 1));
  leave (data, object);
  if (arrived)
    ferry_invocation_return_value (invocation, NULL);
}

static void
note (gpointer object, FerryInvocation *invocation, gpointer data)
{
  CallersTest *self = data;

  enter (self, object);
  leave (self, object);
  atomic_fetch_add (&self->n_noted, 1);
  ferry_invocation_return_value (invocation, NULL);
}

/* Other code answers it. */
static void
keep (gpointer object, FerryInvocation *invocation, gpointer data)
{
  CallersTest *self = data;

  self->kept = ferry_invocation_ref (invocation);
  atomic_fetch_add (&self->n_kept, 1);
}

/* Gives “a”, when a caller waits for the turn of this one. */
static void
give (gpointer object, FerryInvocation *invocation, gpointer data)
{
  CallersTest *self = data;

  atomic_fetch_add (&self->n_begun, 1);
  callers_test_wait_wanted (self, names[get_index (self, object)]);
  ferry_invocation_return_object (invocation, G_OBJECT (self->objects[0]));
}

static void
run (gpointer object, FerryInvocation *invocation, gpointer data)
{
  CallersTest *self = data;
  gboolean answers;

  enter (self, object);
  answers = self->bodies[get_index (self, object)](self, invocation);
  leave (self, object);
  if (answers)
    ferry_invocation_return_value (invocation, NULL);
}

/* ---- the scene ---- */

static FerryInterface *
create_interface (CallersTest *self)
{
  FerryInterface *interface = ferry_interface_new ("org.example.Callers", TEST_TYPE_COUNTER);

  ferry_interface_add_method (interface, "go", "as", "", go, self, NULL);
  ferry_interface_add_method (interface, "note", "", "", note, self, NULL);
  ferry_interface_add_method (interface, "keep", "", "o", keep, self, NULL);
  ferry_interface_add_method (interface, "give", "", "o", give, self, NULL);
  ferry_interface_add_method (interface, "run", "", "", run, self, NULL);
  ferry_interface_add_property (interface, "value",
                                G_DBUS_PROPERTY_INFO_FLAGS_READABLE | G_DBUS_PROPERTY_INFO_FLAGS_WRITABLE);
  return interface;
}

static void
add_link (CallersTest *self, guint index)
{
  g_autoptr (GError) error = NULL;

  ferry_transport_new_pair (&self->here[index], &self->there[index]);
  ferry_exporter_add_transport (self->exporter, self->there[index], &error);
  g_assert_no_error (error);
  for (guint i = 0; i < CALLERS_TEST_N_OBJECTS; i++)
    self->proxies[index][i] = ferry_proxy_new (self->here[index], names[i]);
  ferry_test_wait_listening (self->proxies[index][0]);
}

/* On the main context, or a thread for each transport. */
void
callers_test_open (CallersTest *self, gboolean on_context)
{
  g_autoptr (FerryInterface) interface = create_interface (self);
  g_autoptr (GError) error = NULL;

  self->exporter = ferry_exporter_new ();
  if (on_context)
    ferry_exporter_set_context (self->exporter, NULL);
  for (guint i = 0; i < CALLERS_TEST_N_OBJECTS; i++)
    {
      self->objects[i] = test_counter_new (names[i]);
      ferry_exporter_export (self->exporter, names[i], G_OBJECT (self->objects[i]), interface, FERRY_CALL_POLICY_SERIAL,
                             &error);
      g_assert_no_error (error);
    }
  ferry_exporter_start (self->exporter);
  for (guint i = 0; i < CALLERS_TEST_N_LINKS; i++)
    add_link (self, i);
}

void
callers_test_close (CallersTest *self)
{
  for (guint i = 0; i < CALLERS_TEST_N_LINKS; i++)
    {
      for (guint j = 0; j < CALLERS_TEST_N_OBJECTS; j++)
        g_clear_object (&self->proxies[i][j]);
      ferry_transport_close (self->here[i]);
      ferry_transport_wait_closed (self->there[i]);
      g_clear_object (&self->here[i]);
      g_clear_object (&self->there[i]);
    }
  g_clear_object (&self->exporter);
  for (guint i = 0; i < CALLERS_TEST_N_OBJECTS; i++)
    g_clear_object (&self->objects[i]);
}

static void
set_cb (GObject *proxy, GAsyncResult *result, gpointer data)
{
  ObjectOutcome *self = data;

  ferry_resolve_finish (result, NULL, NULL, &self->error);
  self->over = TRUE;
}

void
callers_test_set (FerryProxy *proxy, int value, ObjectOutcome *outcome)
{
  ferry_proxy_set_async (proxy, "value", g_variant_new_int32 (value), -1, NULL, set_cb, outcome);
}

void
callers_test_assert_answered (ObjectOutcome *outcome)
{
  ferry_test_wait_flag (&outcome->over);
  g_assert_no_error (outcome->error);
  object_outcome_clear (outcome);
}

/* Answers what was kept. */
void
callers_test_let_go (CallersTest *self, gpointer object)
{
  g_autoptr (FerryInvocation) invocation = g_steal_pointer (&self->kept);

  ferry_invocation_return_object (invocation, object);
}
