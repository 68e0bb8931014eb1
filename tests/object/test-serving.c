/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-object-server.c
 *
 * A worker with objects that are used while it computes, and those that wait for one. */

#include "config.h"

#include <locale.h>
#include <string.h>
#include <unistd.h>

#include "object-scene.h"
#include "process/worker-test.h"

#define QUIET_MILLISECONDS 400
/* A thread that looks every 10 ms or more often does not get by with that. */
#define QUIET_SWITCHES 20
#define QUIET_MOMENTS 20

/* ---- a worker that computes ---- */

static guint
get_value (FerryProxy *counter)
{
  return object_scene_get_number (counter, "(('get', 'value'),)");
}

typedef struct
{
  ObjectScene scene;
  FerryProxy *counter;
} Computing;

static void
set_up (Computing *self, gconstpointer order)
{
  object_scene_spawn (&self->scene, order, NULL);
  if (strcmp (order, "turns") == 0)
    self->counter = object_scene_new_proxy (&self->scene, "counter");
}

static void
finish (Computing *self, const char *words)
{
  worker_test_assert_exit (self->scene.worker, FERRY_CLOSE_REASON_EXITED, words);
}

static void
tear_down (Computing *self, gconstpointer data)
{
  g_clear_object (&self->counter);
  self->scene.killed = TRUE;
  object_scene_close (&self->scene);
}

/* Returns the value that it stands still at. */
static guint
halt (Computing *self)
{
  object_scene_assert_gives (self->counter, "(('pass-to', 'toggle'),)", NULL, "false");
  return get_value (self->counter);
}

static void
test_computes (Computing *self, gconstpointer data)
{
  guint before = get_value (self->counter);
  guint value;

  /* It counts while it is read. */
  while ((value = get_value (self->counter)) == before)
    g_thread_yield ();
  g_assert_cmpuint (value, >, before);
  value = halt (self);
  g_assert_cmpuint (get_value (self->counter), ==, value);
  object_scene_assert_gives (self->counter, "(('set', 'value', 500000),)", NULL, "500000");
  g_assert_cmpuint (get_value (self->counter), ==, 500000);
  object_scene_assert_gives (self->counter, "(('pass-to', 'toggle'),)", NULL, "true");
  while ((value = get_value (self->counter)) == 500000)
    g_thread_yield ();
  g_assert_cmpuint (value, >, 500000);
  object_scene_assert_call (self->counter, "stop", NULL, NULL);
  finish (self, "status 7");
}

static void
test_closed_while_it_computes (Computing *self, gconstpointer data)
{
  ferry_transport_close (self->scene.here);
  finish (self, "status 7");
}

static void
test_fails (Computing *self, gconstpointer data)
{
  finish (self, "status 6");
}

/* ---- idle ---- */

static guint64
read_switches (const char *path)
{
  g_autofree char *contents = NULL;
  const char *at;
  guint64 n = 0;

  if (!g_file_get_contents (path, &contents, NULL, NULL))
    return 0; /* a thread that has ended */
  /* Both kinds: the name of one ends in that of the other. */
  for (at = strstr (contents, "voluntary_ctxt_switches:"); at != NULL; at = strstr (at + 1, "voluntary_ctxt_switches:"))
    n += g_ascii_strtoull (strchr (at, ':') + 1, NULL, 10);
  return n;
}

static guint64
count_switches (GPid pid)
{
  g_autofree char *folder = g_strdup_printf ("/proc/%d/task", pid);
  g_autoptr (GDir) tasks = g_dir_open (folder, 0, NULL);
  const char *name;
  guint64 n = 0;

  g_assert_nonnull (tasks);
  while ((name = g_dir_read_name (tasks)) != NULL)
    {
      g_autofree char *path = g_strdup_printf ("%s/%s/status", folder, name);

      n += read_switches (path);
    }
  return n;
}

static gboolean
raise_flag (gpointer flag)
{
  *(gboolean *) flag = TRUE;
  return G_SOURCE_REMOVE;
}

/* Whether next to no thread wakes up here and there for a moment. */
static gboolean
is_quiet (GPid pid)
{
  guint64 there = count_switches (pid);
  guint64 here = count_switches (getpid ());
  gboolean over = FALSE;

  g_timeout_add (QUIET_MILLISECONDS, raise_flag, &over);
  ferry_test_wait_flag (&over);
  return count_switches (pid) - there < QUIET_SWITCHES && count_switches (getpid ()) - here < QUIET_SWITCHES;
}

/* With a proxy that would hear of whatever happens, and a turn that has nothing to do. */
static void
test_idle (Computing *self, gconstpointer data)
{
  GPid pid = ferry_test_get_process (self->scene.worker);
  guint n_moments = 0;
  guint n_turns;

  ferry_proxy_follow (self->counter, (const char *const[]){"*", NULL}, NULL);
  halt (self);
  n_turns = object_scene_get_number (self->counter, "(('pass-to', 'turns'),)");
  /* What was under way may still come, and a machine at work interrupts; a thread that polls is never quiet. */
  while (!is_quiet (pid))
    g_assert_cmpuint (++n_moments, <, QUIET_MOMENTS);
  g_assert_cmpuint (object_scene_get_number (self->counter, "(('pass-to', 'turns'),)") - n_turns, <=, 2);
  object_scene_assert_call (self->counter, "stop", NULL, NULL);
  finish (self, "status 7");
}

/* ---- waiting ---- */

static gpointer
wait_thread (gpointer proxy)
{
  GError *error = NULL;

  g_assert_true (ferry_proxy_wait_until_listening (proxy, -1, NULL, &error) == (error == NULL));
  return error;
}

typedef struct
{
  gboolean over;
  GError *error;
} Waited;

static void
waited_cb (GObject *proxy, GAsyncResult *result, gpointer data)
{
  Waited *self = data;
  gboolean listens = ferry_proxy_wait_until_listening_finish (FERRY_PROXY (proxy), result, &self->error);

  g_assert_true (listens == (self->error == NULL));
  self->over = TRUE;
}

static void
wait_in_both_ways (FerryProxy *proxy, FerryWorker *victim, int code)
{
  GThread *thread = g_thread_new ("wait", wait_thread, proxy);
  g_autoptr (GError) error = NULL;
  Waited waited = {0};

  ferry_proxy_wait_until_listening_async (proxy, -1, NULL, waited_cb, &waited);
  if (victim != NULL)
    {
      worker_test_wait_open (victim);
      g_assert_false (waited.over);
      ferry_worker_force_exit (victim);
    }
  ferry_test_wait_flag (&waited.over);
  error = g_thread_join (thread);
  if (code < 0)
    {
      g_assert_no_error (error);
      g_assert_no_error (waited.error);
      return;
    }
  g_assert_error (error, FERRY_ERROR, code);
  g_assert_error (waited.error, FERRY_ERROR, code);
  g_assert_nonnull (strstr (waited.error->message, "signal 9"));
  g_clear_error (&waited.error);
}

static void
test_wait (Computing *self, gconstpointer data)
{
  self->counter = ferry_proxy_new (self->scene.here, "counter");
  wait_in_both_ways (self->counter, NULL, -1);
  wait_in_both_ways (self->counter, NULL, -1);
}

static void
test_wait_for_the_dead (Computing *self, gconstpointer data)
{
  self->counter = ferry_proxy_new (self->scene.here, "counter");
  wait_in_both_ways (self->counter, self->scene.worker, FERRY_ERROR_WORKER_LOST);
  /* From now on it is known at once. */
  wait_in_both_ways (self->counter, NULL, FERRY_ERROR_WORKER_LOST);
}

static void
test_wait_ends (Computing *self, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Waited late = {0};
  Waited cancelled = {0};

  self->counter = ferry_proxy_new (self->scene.here, "counter");
  ferry_proxy_wait_until_listening_async (self->counter, 1000, NULL, waited_cb, &late);
  ferry_proxy_wait_until_listening_async (self->counter, -1, cancellable, waited_cb, &cancelled);
  ferry_test_wait_flag (&late.over);
  g_assert_error (late.error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  g_assert_false (cancelled.over);
  g_cancellable_cancel (cancellable);
  ferry_test_wait_flag (&cancelled.over);
  g_assert_error (cancelled.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&late.error);
  g_clear_error (&cancelled.error);
}

/* ---- the main loop's thread ---- */

static gboolean
call_on_the_main_loop (gpointer data)
{
  Computing *self = data;
  g_autoptr (GError) called = NULL;
  g_autoptr (GError) read = NULL;
  g_autoptr (GError) waited = NULL;
  GError *const *errors[] = {&called, &read, &waited};

  g_assert_false (ferry_proxy_call (self->counter, "hold", NULL, -1, NULL, NULL, NULL, &called));
  g_assert_null (ferry_proxy_get (self->counter, "value", -1, NULL, &read));
  g_assert_false (ferry_proxy_wait_until_listening (self->counter, -1, NULL, &waited));
  for (guint i = 0; i < G_N_ELEMENTS (errors); i++)
    {
      g_assert_error (*errors[i], FERRY_ERROR, FERRY_ERROR_WRONG_THREAD);
      g_assert_nonnull (strstr ((*errors[i])->message, "_async()"));
    }
  g_clear_object (&self->counter);
  return G_SOURCE_REMOVE;
}

static gboolean
has_called (gpointer data)
{
  return ((Computing *) data)->counter == NULL;
}

static void
test_wrong_thread (Computing *self, gconstpointer data)
{
  g_idle_add (call_on_the_main_loop, self);
  ferry_test_run_until (has_called, self);
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);

#define ADD(name, order, test) g_test_add ("/object-serving/" name, Computing, order, set_up, test, tear_down)
  ADD ("a-counter-is-toggled-read-and-stopped-while-it-counts", "turns", test_computes);
  ADD ("it-ends-with-its-transport", "turns", test_closed_while_it_computes);
  ADD ("one-that-cannot-begin-cleans-up", "fail", test_fails);
  ADD ("who-is-not-asked-does-not-wake-up", "turns", test_idle);
  ADD ("it-is-waited-for-on-a-thread-and-in-a-loop", "serve", test_wait);
  ADD ("its-death-ends-the-waiting-at-once", "mute", test_wait_for_the_dead);
  ADD ("the-waiting-ends-in-time-or-by-a-cancel", "mute", test_wait_ends);
  ADD ("nothing-waits-on-the-main-loop's-thread", "turns", test_wrong_thread);

  return g_test_run ();
}
