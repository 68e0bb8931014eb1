/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: route/ferry-router.c
 *
 * The default router: which one it is, on which main context, and until when. Each test finds it as the one before has
 * left it, which is stopped. */

#include "config.h"

#include "route/route-test.h"

#include <sys/wait.h>
#include <unistd.h>

#define N_THREADS 8

/* With what other tests have too: the short cut where it is allowed, and no power profile, for which GLib starts
 * threads. */
static void
start (FerryRouter *router)
{
  g_autoptr (GError) error = NULL;

  router->by_monitor = !ferry_test_has_short_cut ();
  g_object_set (router, "latency", FERRY_LATENCY_BALANCED, NULL);
  ferry_router_start (router, &error);
  g_assert_no_error (error);
}

static void
stop (FerryRouter *router)
{
  g_autoptr (GError) error = NULL;

  ferry_router_stop (router, &error);
  g_assert_no_error (error);
}

static gpointer
get_default (gpointer data)
{
  gint *n_waiting = data;

  /* All threads go on together. */
  g_atomic_int_add (n_waiting, -1);
  while (g_atomic_int_get (n_waiting) > 0)
    g_thread_yield ();
  return ferry_router_get_default ();
}

/* The first test of the process: none of the threads finds a router that is made already. */
static void
test_threads_get_the_same_at_once (void)
{
  gint n_waiting = N_THREADS;
  GThread *threads[N_THREADS];

  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("asker", get_default, &n_waiting);
  for (guint i = 0; i < N_THREADS; i++)
    g_assert_true (g_thread_join (threads[i]) == ferry_router_get_default ());
}

static void
test_is_made_but_not_started (void)
{
  FerryRouter *router = ferry_router_get_default ();

  g_assert_true (FERRY_IS_ROUTER (router));
  g_assert_false (ferry_router_get_running (router));
}

static void
test_is_on_the_default_main_context (void)
{
  g_autoptr (GMainContext) other = g_main_context_new ();
  g_autoptr (GMainContext) context = NULL;

  g_main_context_push_thread_default (other);
  g_object_get (ferry_router_get_default (), "main-context", &context, NULL);
  g_main_context_pop_thread_default (other);
  g_assert_true (context == g_main_context_default ());
}

static void
test_delivers (void)
{
  FerryRouter *router = ferry_router_get_default ();
  FerryTestPipe *pipe;

  start (router);
  pipe = route_test_started_pipe (router);
  route_test_send_numbers (pipe->sender, 0, 100);
  ferry_test_pipe_wait_count (pipe, 100);
  g_assert_true (pipe->in_order);
  ferry_router_close_pipe (router, pipe->receiver, NULL);
  ferry_test_pipe_free (pipe);
  stop (router);
}

typedef struct
{
  FerryRouter *router;
  gboolean acquires; /* the thread runs the router's main context */
  GError *error;
} Start;

static gpointer
start_there (gpointer data)
{
  Start *there = data;

  g_object_set (there->router, "latency", FERRY_LATENCY_BALANCED, NULL);
  if (there->acquires)
    g_assert_true (g_main_context_acquire (there->router->context));
  if (ferry_router_start (there->router, &there->error))
    stop (there->router);
  if (there->acquires)
    g_main_context_release (there->router->context);
  return NULL;
}

static void
assert_started_there (FerryRouter *router, gboolean acquires, gboolean started)
{
  Start there = {.router = router, .acquires = acquires};

  g_thread_join (g_thread_new ("there", start_there, &there));
  if (started)
    g_assert_no_error (there.error);
  else
    g_assert_error (there.error, FERRY_ERROR, FERRY_ERROR_WRONG_THREAD);
  g_clear_error (&there.error);
}

/* While nobody runs the default main context, a thread may ask first, and is not taken to be the one that will. The
 * same holds for another router of that context. */
static void
test_is_not_the_first_thread_s (void)
{
  g_autoptr (FerryRouter) own = ferry_router_new (NULL);

  assert_started_there (ferry_router_get_default (), FALSE, FALSE);
  assert_started_there (own, FALSE, FALSE);
  assert_started_there (ferry_router_get_default (), TRUE, TRUE);
  start (ferry_router_get_default ());
  assert_started_there (own, FALSE, FALSE);
  stop (ferry_router_get_default ());
}

/* A thread may start a router of a main context that is its own, or nobody's, and of no other. */
static void
test_thread_has_a_context_of_its_own (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (FerryRouter) router = ferry_router_new (context);

  assert_started_there (router, FALSE, TRUE);
  assert_started_there (router, TRUE, TRUE);
  g_main_context_acquire (context);
  assert_started_there (router, FALSE, FALSE);
  g_main_context_release (context);
}

static void
test_is_the_same_after_a_stop (void)
{
  FerryRouter *router = ferry_router_get_default ();

  for (guint i = 0; i < 3; i++)
    {
      start (router);
      g_assert_true (ferry_router_get_default () == router);
      g_assert_true (ferry_router_get_running (router));
      stop (router);
      g_assert_true (ferry_router_get_default () == router);
      g_assert_false (ferry_router_get_running (router));
    }
}

static void
test_stays_without_references_of_the_program (void)
{
  FerryRouter *router = ferry_router_get_default ();
  gpointer seen = router;

  g_object_add_weak_pointer (G_OBJECT (router), &seen);
  g_object_unref (g_object_ref (router));
  route_test_settle ();
  g_assert_true (seen == router);
  g_object_remove_weak_pointer (G_OBJECT (router), &seen);
}

static void
test_keeps_settings (void)
{
  g_object_set (ferry_router_get_default (), "dispatch-budget", (gint64) 1234, NULL);
  start (ferry_router_get_default ());
  g_assert_cmpint (ferry_test_get_number (ferry_router_get_default (), "dispatch-budget"), ==, 1234);
  stop (ferry_router_get_default ());
}

static void
test_a_forked_child_gets_its_own (void)
{
  FerryRouter *router = ferry_router_get_default ();
  int status;
  pid_t child;

  start (router);
  child = fork ();
  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    {
      FerryRouter *own = ferry_router_get_default ();

      _exit (own != router && !ferry_router_get_running (own) && own == ferry_router_get_default () ? 0 : 1);
    }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_cmpint (status, ==, 0);
  g_assert_true (ferry_router_get_default () == router);
  stop (router);
}

/* The end of the subprocess is a return from main(). */
static void
test_a_program_ends_without_a_stop (void)
{
  if (g_test_subprocess ())
    {
      FerryRouter *router = ferry_router_get_default ();
      FerryTestPipe *pipe;

      start (router);
      pipe = ferry_test_pipe_new (router);
      g_object_unref (ferry_test_spawn_obedient (router, pipe, "send:1", "pause", NULL));
      ferry_test_pipe_wait_count (pipe, 1);
      return;
    }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
}

int
main (int argc, char **argv)
{
  route_test_init (&argc, &argv);
  route_test_add_untraceable ("/default-router/threads-get-the-same-at-once", test_threads_get_the_same_at_once);
  g_test_add_func ("/default-router/is-made-but-not-started", test_is_made_but_not_started);
  g_test_add_func ("/default-router/is-on-the-default-main-context", test_is_on_the_default_main_context);
  g_test_add_func ("/default-router/delivers", test_delivers);
  g_test_add_func ("/default-router/is-the-same-after-a-stop", test_is_the_same_after_a_stop);
  route_test_add_untraceable ("/default-router/is-not-the-first-thread-s", test_is_not_the_first_thread_s);
  route_test_add_untraceable ("/default-router/thread-has-a-context-of-its-own", test_thread_has_a_context_of_its_own);
  g_test_add_func ("/default-router/stays-without-references-of-the-program",
                   test_stays_without_references_of_the_program);
  g_test_add_func ("/default-router/keeps-settings", test_keeps_settings);
  route_test_add_untraceable ("/default-router/a-forked-child-gets-its-own", test_a_forked_child_gets_its_own);
  route_test_add_untraceable ("/default-router/a-program-ends-without-a-stop", test_a_program_ends_without_a_stop);
  return g_test_run ();
}
