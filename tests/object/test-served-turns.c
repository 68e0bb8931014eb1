/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-object-server.c
 *
 * A worker's methods and its turns, which are on one thread. This program is its own worker. */

#include "config.h"

#include <ferry-objects.h>

#include "process/worker-test.h"

#define N_THREADS 4
#define N_CALLS 300
#define N_TURNS 50
#define WORK 50 /* microseconds of a turn that computes */

/* ---- the worker ---- */

typedef struct
{
  GThread *thread; /* of the turns */
  gboolean computes;
  /* Without a lock or atomics, as in a program with turns: what does not keep them apart is seen here, or by the thread
   * sanitizer. */
  volatile gboolean busy;
  guint n_clashes;
  guint n_turns;
  guint value;
} State;

static State state;

static void
use_alone (gint64 duration)
{
  const gint64 end = g_get_monotonic_time () + duration;

  state.n_clashes += state.busy;
  state.busy = TRUE;
  do
    state.value++;
  while (g_get_monotonic_time () < end);
  state.n_clashes += !state.busy;
  state.busy = FALSE;
}

/* Gives whether this is another thread than that of the turns, and how many there have been. */
static void
add (gpointer object, FerryInvocation *invocation, gpointer data)
{
  use_alone (0);
  ferry_invocation_return_value (invocation, g_variant_new ("(bu)", g_thread_self () != state.thread, state.n_turns));
}

static void
compute (gpointer object, FerryInvocation *invocation, gpointer data)
{
  use_alone (0);
  state.computes = !state.computes;
  ferry_invocation_return_value (invocation, NULL);
}

static void
get_clashes (gpointer object, FerryInvocation *invocation, gpointer data)
{
  ferry_invocation_return_value (invocation, g_variant_new ("(u)", state.n_clashes));
}

static gboolean
initialise (FerryExporter *exporter, gpointer object, GError **error)
{
  g_autoptr (FerryInterface) interface = ferry_interface_new ("org.ferryproject.Test.Turns", G_TYPE_OBJECT);

  state.thread = g_thread_self ();
  ferry_interface_add_method (interface, "add", "", "bu", add, NULL, NULL);
  ferry_interface_add_method (interface, "compute", "", "", compute, NULL, NULL);
  ferry_interface_add_method (interface, "clashes", "", "u", get_clashes, NULL, NULL);
  /* No object's turn keeps the callers apart. */
  return ferry_exporter_export (exporter, "object", object, interface, FERRY_CALL_POLICY_CONCURRENT, error);
}

static gint64
turn (FerryExporter *exporter, gpointer object)
{
  use_alone (state.computes ? WORK : 0);
  state.n_turns++;
  return state.computes ? 0 : -1;
}

static int
serve (FerryTransport *transport)
{
  static const FerryObjectServerFuncs funcs = {initialise, turn, NULL};
  g_autoptr (GObject) object = g_object_new (G_TYPE_OBJECT, NULL);

  return ferry_serve_objects (transport, &funcs, object, NULL) ? 0 : 1;
}

/* ---- the application ---- */

typedef struct
{
  FerryRouter *router;
  FerryTransport *transport;
  FerryWorker *worker;
  FerryProxy *proxy;
} Fixture;

static void
set_up (Fixture *self, gconstpointer data)
{
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new ((const char *[]){"/proc/self/exe", NULL});
  g_autoptr (GError) error = NULL;

  self->router = ferry_router_new (NULL);
  g_assert_true (ferry_router_start (self->router, &error));
  self->transport = ferry_launcher_add_transport (launcher, self->router, "objects", &error);
  g_assert_no_error (error);
  self->worker = ferry_launcher_spawn (launcher, self->router, &error);
  g_assert_no_error (error);
  self->proxy = ferry_proxy_new (self->transport, "object");
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  ferry_transport_close (self->transport);
  worker_test_assert_exit (self->worker, FERRY_CLOSE_REASON_EXITED, "status 0");
  g_clear_object (&self->proxy);
  g_clear_object (&self->transport);
  g_clear_object (&self->worker);
  ferry_router_stop (self->router, NULL);
  g_clear_object (&self->router);
}

static GVariant *
call (Fixture *self, const char *method)
{
  g_autoptr (GError) error = NULL;
  GVariant *value = NULL;

  ferry_proxy_call (self->proxy, method, NULL, -1, NULL, &value, NULL, &error);
  g_assert_no_error (error);
  return value;
}

static guint
get_n_turns (Fixture *self)
{
  g_autoptr (GVariant) value = call (self, "add");
  gboolean elsewhere;
  guint n_turns;

  g_variant_get (value, "(bu)", &elsewhere, &n_turns);
  g_assert_false (elsewhere);
  return n_turns;
}

static void
assert_no_clash (Fixture *self)
{
  g_autoptr (GVariant) n_clashes = call (self, "clashes");

  g_assert_cmpuint (g_variant_get_uint32 (n_clashes), ==, 0);
}

static gpointer
call_often (gpointer data)
{
  const guint before = get_n_turns (data);

  for (guint i = 0; i < N_CALLS || get_n_turns (data) < before + N_TURNS; i++)
    g_variant_unref (call (data, "add"));
  return NULL;
}

/* Calls func on threads, which may wait. */
static void
run_threads (Fixture *self, GThreadFunc func, guint n)
{
  g_autoptr (GPtrArray) threads = g_ptr_array_new ();

  for (guint i = 0; i < n; i++)
    g_ptr_array_add (threads, g_thread_new ("calls", func, self));
  for (guint i = 0; i < n; i++)
    g_thread_join (threads->pdata[i]);
}

static gpointer
toggle (gpointer self)
{
  g_autoptr (GVariant) value G_GNUC_UNUSED = call (self, "compute");

  return NULL;
}

static gpointer
check_clashes (gpointer self)
{
  assert_no_clash (self);
  return NULL;
}

static void
test_apart (Fixture *self, gconstpointer computes)
{
  if (GPOINTER_TO_INT (computes))
    run_threads (self, toggle, 1);
  run_threads (self, call_often, N_THREADS);
  run_threads (self, check_clashes, 1);
}

int
main (int argc, char **argv)
{
  g_autoptr (FerryTransport) transport = ferry_worker_get_transport ("objects", NULL);

  if (transport != NULL)
    return serve (transport);
  g_test_init (&argc, &argv, NULL);

  g_test_add ("/object-served-turns/calls-and-the-turns-behind-them-are-apart-and-none-starves", Fixture,
              GINT_TO_POINTER (FALSE), set_up, test_apart, tear_down);
  g_test_add ("/object-served-turns/calls-and-turns-that-compute-are-apart-and-none-starves", Fixture,
              GINT_TO_POINTER (TRUE), set_up, test_apart, tear_down);

  return g_test_run ();
}
