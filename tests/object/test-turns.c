/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-evaluation.c, object/ferry-exported.c
 *
 * Which caller has the turn, on which thread, and which still has one when an exporter is stopped. */

#include "config.h"

#include <locale.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

#include "ferry-test.h"
#include "object-test.h"

#define N_LINKS 4
#define N_CALLS 300
#define N_ROUNDS 15

typedef struct
{
  FerryTransport *here[N_LINKS]; /* (owned), as what follows */
  FerryTransport *there[N_LINKS];
  FerryProxy *proxies[N_LINKS];
  FerryExporter *exporter;
  TestCounter *counter;
  GThread *owner;        /* const: the test's thread */
  FerryInvocation *kept; /* (owned) (nullable): the first call of keep () */
  guint n_inside;        /* in nest (), of the main context's thread */
  guint most_inside;
  guint n_nested;
  _Atomic guint n_kept;
  _Atomic guint n_on_owner; /* calls of keep () that came on the test's thread */
} Scene;

/* ---- methods ---- */

/* Runs the main loop for a while, as one that asks a question in a dialog does. */
static void
nest (gpointer object, FerryInvocation *invocation, gpointer data)
{
  Scene *self = data;

  self->n_inside++;
  self->most_inside = MAX (self->most_inside, self->n_inside);
  for (guint i = 0; i < 1000; i++)
    g_main_context_iteration (NULL, FALSE);
  self->n_inside--;
  self->n_nested++;
  ferry_invocation_return_value (invocation, NULL);
}

/* The first call is answered by the test, the others at once. */
static void
keep (gpointer object, FerryInvocation *invocation, gpointer data)
{
  Scene *self = data;

  atomic_fetch_add (&self->n_on_owner, g_thread_self () == self->owner);
  if (atomic_fetch_add (&self->n_kept, 1) > 0)
    ferry_invocation_return_value (invocation, NULL);
  else
    self->kept = ferry_invocation_ref (invocation);
}

static void
nothing (gpointer object, FerryInvocation *invocation, gpointer data)
{
  ferry_invocation_return_value (invocation, NULL);
}

/* ---- the scene ---- */

static FerryInterface *
create_interface (Scene *self)
{
  FerryInterface *interface = ferry_interface_new ("org.example.Turns", TEST_TYPE_COUNTER);

  ferry_interface_add_method (interface, "nest", "", "", nest, self, NULL);
  ferry_interface_add_method (interface, "keep", "", "", keep, self, NULL);
  ferry_interface_add_method (interface, "nothing", "", "", nothing, self, NULL);
  return interface;
}

/* On the main context, or a thread for each transport. */
static void
open_scene (Scene *self, gboolean on_context, FerryCallPolicy policy)
{
  g_autoptr (FerryInterface) interface = create_interface (self);
  g_autoptr (GError) error = NULL;

  self->owner = g_thread_self ();
  self->counter = test_counter_new ("counter");
  self->exporter = ferry_exporter_new ();
  if (on_context)
    ferry_exporter_set_context (self->exporter, NULL);
  ferry_exporter_export (self->exporter, "counter", G_OBJECT (self->counter), interface, policy, &error);
  g_assert_no_error (error);
  ferry_exporter_start (self->exporter);
  for (guint i = 0; i < N_LINKS; i++)
    {
      ferry_transport_new_pair (&self->here[i], &self->there[i]);
      ferry_exporter_add_transport (self->exporter, self->there[i], &error);
      g_assert_no_error (error);
      self->proxies[i] = ferry_proxy_new (self->here[i], "counter");
      ferry_test_wait_listening (self->proxies[i]);
    }
}

static void
close_scene (Scene *self)
{
  for (guint i = 0; i < N_LINKS; i++)
    {
      g_clear_object (&self->proxies[i]);
      ferry_transport_close (self->here[i]);
      ferry_transport_wait_closed (self->there[i]);
      g_clear_object (&self->here[i]);
      g_clear_object (&self->there[i]);
    }
  g_clear_object (&self->exporter);
  g_clear_object (&self->counter);
}

typedef struct
{
  guint n_left;
  gboolean answered[N_LINKS][N_CALLS];
} Calls;

static void
called_cb (GObject *proxy, GAsyncResult *result, gpointer data)
{
  gboolean *answered = data;
  Calls *calls = g_object_get_data (proxy, "calls");
  g_autoptr (GError) error = NULL;

  *answered = ferry_proxy_call_finish (FERRY_PROXY (proxy), result, NULL, NULL, &error);
  if (error != NULL)
    g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NOT_LISTENING);
  calls->n_left--;
}

/* Each proxy in turn. */
static void
call_all (Scene *self, const char *method, guint n, Calls *calls)
{
  *calls = (Calls){.n_left = n * N_LINKS};
  for (guint i = 0; i < n * N_LINKS; i++)
    {
      FerryProxy *proxy = self->proxies[i % N_LINKS];

      g_object_set_data (G_OBJECT (proxy), "calls", calls);
      ferry_proxy_call_async (proxy, method, NULL, -1, NULL, called_cb, &calls->answered[i % N_LINKS][i / N_LINKS]);
    }
}

static gboolean
are_over (gpointer calls)
{
  return ((Calls *) calls)->n_left == 0;
}

/* ---- facts ---- */

static void
test_nested_loop (void)
{
  Scene scene = {{NULL}};
  Calls calls;

  open_scene (&scene, TRUE, FERRY_CALL_POLICY_SERIAL);
  call_all (&scene, "nest", 3, &calls);
  ferry_test_run_until (are_over, &calls);
  g_assert_cmpuint (scene.n_nested, ==, 3 * N_LINKS);
  g_assert_cmpuint (scene.most_inside, ==, 1);
  close_scene (&scene);
}

static gboolean
has_kept (gpointer data)
{
  return ((Scene *) data)->kept != NULL;
}

static void
test_answering_thread (void)
{
  Scene scene = {{NULL}};
  Calls calls;

  open_scene (&scene, FALSE, FERRY_CALL_POLICY_SERIAL);
  call_all (&scene, "keep", 5, &calls);
  while (!has_kept (&scene))
    g_thread_yield ();
  ferry_invocation_return_value (scene.kept, NULL);
  g_clear_pointer (&scene.kept, ferry_invocation_unref);
  ferry_test_run_until (are_over, &calls);
  g_assert_cmpuint (atomic_load (&scene.n_kept), ==, 5 * N_LINKS);
  g_assert_cmpuint (atomic_load (&scene.n_on_owner), ==, 0);
  close_scene (&scene);
}

/* Leaves no room for a thread's stack. Returns the limit before. */
static struct rlimit
refuse_threads (void)
{
  g_autofree char *text = NULL;
  struct rlimit before;
  struct rlimit limit;

  g_assert_no_errno (getrlimit (RLIMIT_AS, &before));
  g_assert_true (g_file_get_contents ("/proc/self/statm", &text, NULL, NULL));
  limit = before;
  limit.rlim_cur = (rlim_t) g_ascii_strtoull (text, NULL, 10) * (rlim_t) sysconf (_SC_PAGESIZE) + (rlim_t) 1024 * 1024;
  g_assert_no_errno (setrlimit (RLIMIT_AS, &limit));
  return before;
}

typedef struct
{
  guint n_done;
  guint n_refused;
} Outcome;

static void
refused_or_done_cb (GObject *proxy, GAsyncResult *result, gpointer data)
{
  Outcome *outcome = data;
  g_autoptr (GError) error = NULL;

  if (ferry_proxy_call_finish (FERRY_PROXY (proxy), result, NULL, NULL, &error))
    outcome->n_done++;
  else
    {
      g_assert_error (error, FERRY_ERROR, FERRY_ERROR_SYSTEM);
      ferry_test_assert_says (error->message, "A thread for calling methods could not be started");
      outcome->n_refused++;
    }
}

static gboolean
are_settled (gpointer data)
{
  const Outcome *outcome = data;

  return outcome->n_done + outcome->n_refused == N_CALLS;
}

/* Calls keep (), and waits until the first call has come and the others wait for its turn: what was sent behind them to
 * another object is answered. */
static void
call_in_a_row (Scene *self, FerryProxy *behind, Outcome *outcome)
{
  g_autoptr (GError) error = NULL;

  *outcome = (Outcome){0};
  atomic_store (&self->n_kept, 0);
  for (guint i = 0; i < N_CALLS; i++)
    ferry_proxy_call_async (self->proxies[0], "keep", NULL, -1, NULL, refused_or_done_cb, outcome);
  ferry_proxy_call (behind, "nothing", NULL, -1, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (self->kept);
}

static void
let_go (Scene *self)
{
  ferry_invocation_return_value (self->kept, NULL);
  g_clear_pointer (&self->kept, ferry_invocation_unref);
}

/* The thread that answers may not call those in turn. Where there is no other, they are refused, and never called. */
static void
test_without_a_thread (void)
{
  Scene scene = {{NULL}};
  g_autoptr (TestCounter) other = test_counter_new ("other");
  g_autoptr (FerryInterface) interface = create_interface (&scene);
  g_autoptr (FerryProxy) behind = NULL;
  g_autoptr (GError) error = NULL;
  struct rlimit before;
  Outcome outcome;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  g_test_skip ("a sanitizer has its own idea of address space");
  return;
#endif
  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
      g_test_trap_assert_passed ();
      return;
    }
  open_scene (&scene, FALSE, FERRY_CALL_POLICY_SERIAL);
  ferry_exporter_export (scene.exporter, "other", G_OBJECT (other), interface, FERRY_CALL_POLICY_SERIAL, &error);
  g_assert_no_error (error);
  behind = ferry_proxy_new (scene.here[0], "other");
  call_in_a_row (&scene, behind, &outcome);
  before = refuse_threads ();
  let_go (&scene);
  g_assert_no_errno (setrlimit (RLIMIT_AS, &before));
  ferry_test_run_until (are_settled, &outcome);
  g_assert_cmpuint (outcome.n_refused, ==, N_CALLS - 1);
  /* With threads, the same object has its turns, and what was refused has none. */
  call_in_a_row (&scene, behind, &outcome);
  let_go (&scene);
  ferry_test_run_until (are_settled, &outcome);
  g_assert_cmpuint (outcome.n_done, ==, N_CALLS);
  g_assert_cmpuint (atomic_load (&scene.n_kept), ==, N_CALLS);
  g_clear_object (&behind);
  close_scene (&scene);
}

/* A caller of an object of its own process has its turn on its own thread, and leaves the next one to others. */
static void
test_calling_thread (void)
{
  Scene scene = {{NULL}};
  g_autoptr (FerryProxy) local = NULL;
  g_autoptr (GError) error = NULL;
  Calls calls;

  open_scene (&scene, FALSE, FERRY_CALL_POLICY_SERIAL);
  local = ferry_proxy_new_local (scene.exporter, "counter");
  for (guint i = 0; i < 100; i++)
    {
      atomic_store (&scene.n_kept, 1);
      atomic_store (&scene.n_on_owner, 0);
      call_all (&scene, "keep", 5, &calls);
      ferry_proxy_call (local, "nothing", NULL, -1, NULL, NULL, NULL, &error);
      /* Others were in turn: then this thread may not wait. */
      if (error != NULL)
        g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WRONG_THREAD);
      g_clear_error (&error);
      ferry_test_run_until (are_over, &calls);
      g_assert_cmpuint (atomic_load (&scene.n_on_owner), ==, 0);
    }
  close_scene (&scene);
}

/* What came before a stop is answered: so of one caller's calls it is the first that are, and those behind them are
 * not. */
static void
test_stop (void)
{
  for (guint round = 0; round < N_ROUNDS; round++)
    {
      Scene scene = {{NULL}};
      Calls calls;

      open_scene (&scene, FALSE, FERRY_CALL_POLICY_CONCURRENT);
      call_all (&scene, "nothing", N_CALLS, &calls);
      ferry_exporter_stop (scene.exporter, FERRY_STOP_MODE_DRAIN);
      ferry_test_run_until (are_over, &calls);
      for (guint i = 0; i < N_LINKS; i++)
        for (guint j = 1; j < N_CALLS; j++)
          g_assert_true (calls.answered[i][j - 1] || !calls.answered[i][j]);
      close_scene (&scene);
    }
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/object-turns/a-method-that-runs-the-main-loop-keeps-its-turn", test_nested_loop);
  g_test_add_func ("/object-turns/who-answers-is-not-called-by-others", test_answering_thread);
  g_test_add_func ("/object-turns/who-calls-here-is-not-called-by-others", test_calling_thread);
  g_test_add_func ("/object-turns/without-a-thread-those-in-turn-are-refused", test_without_a_thread);
  g_test_add_func ("/object-turns/a-stop-answers-all-that-came-before", test_stop);

  return g_test_run ();
}
