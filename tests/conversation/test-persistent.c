/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: conversation/ferry-listener.c, conversation/ferry-connect.c
 *
 * Persistent workers, as processes: which attach, leave or are killed, and what is left of it. */

#include "config.h"

#include "conversation/listener-test.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define NOBODY "65534"

static const char *const modes[] = {"loop", "accept"};

/* Of a worker that was killed. */
static void
remove_leftovers (const ListenerTestPlace *place)
{
  g_autofree char *lock = g_strconcat (place->address, ".lock", NULL);

  g_unlink (place->address);
  g_unlink (lock);
}

/* ---- attaching and leaving ---- */

static void
test_who_attaches_again_finds_what_was_kept (gconstpointer mode)
{
  g_auto (ListenerTestPlace) place;
  ListenerTestWorker worker;

  listener_test_place_init (&place);
  listener_test_worker_init (&worker, place.address, mode, NULL, "listening");
  g_assert_cmpuint (listener_test_visit (place.address, 3), ==, 3);
  g_assert_cmpuint (listener_test_visit (place.address, 4), ==, 7);
  g_assert_cmpuint (listener_test_visit (place.address, 5), ==, 12);
  listener_test_worker_kill (&worker);
  remove_leftovers (&place);
}

static void
test_when_an_application_is_killed_another_one_attaches (gconstpointer mode)
{
  g_auto (ListenerTestPlace) place;
  ListenerTestWorker worker;

  listener_test_place_init (&place);
  listener_test_worker_init (&worker, place.address, mode, NULL, "listening");
  for (guint i = 1; i < 6; i++)
    {
      g_autofree char *expected = g_strdup_printf ("%u", i);

      listener_test_kill_application (listener_test_application ("attach", place.address, NULL, expected));
    }
  g_assert_cmpuint (listener_test_visit (place.address, 10), ==, 15);
  listener_test_worker_kill (&worker);
  remove_leftovers (&place);
}

static void
test_a_second_application_is_told_that_the_worker_is_busy (void)
{
  g_auto (ListenerTestPlace) place;
  ListenerTestWorker worker;
  GSubprocess *first;

  listener_test_place_init (&place);
  listener_test_worker_init (&worker, place.address, "loop", NULL, "listening");
  first = listener_test_application ("attach", place.address, NULL, "1");
  listener_test_connect_fails (place.address, FERRY_ERROR_BUSY, "as many applications as it takes");
  listener_test_kill_application (first);
  g_assert_cmpuint (listener_test_visit (place.address, 1), ==, 2);
  listener_test_worker_kill (&worker);
  remove_leftovers (&place);
}

static guint
count_entries (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

typedef struct
{
  const char *folder;
  guint n;
} Entries;

static gboolean
has_at_most (gpointer data)
{
  const Entries *self = data;

  return count_entries (self->folder) <= self->n;
}

static void
test_a_hundred_come_and_leave_without_a_trace (void)
{
  g_auto (ListenerTestPlace) place;
  ListenerTestWorker worker;
  g_autofree char *folder = NULL;
  guint n_open = 0;

  listener_test_place_init (&place);
  listener_test_worker_init (&worker, place.address, "loop", NULL, "listening");
  folder = g_strdup_printf ("/proc/%d/fd", (int) worker.pid);
  for (guint32 i = 1; i <= 100; i++)
    {
      Entries entries;

      g_assert_cmpuint (listener_test_visit (place.address, 1), ==, i);
      n_open = i == 1 ? count_entries (folder) : n_open;
      /* Of those that came last there may still be some. */
      entries = (Entries){folder, n_open + 4};
      ferry_test_look_until (has_at_most, &entries);
    }
  listener_test_worker_kill (&worker);
  remove_leftovers (&place);
}

/* ---- the end of a worker ---- */

static void
test_when_the_worker_is_killed_the_next_one_takes_its_place (void)
{
  g_auto (ListenerTestPlace) place;
  ListenerTestWorker worker;
  FerryTransport *transport;

  listener_test_place_init (&place);
  listener_test_worker_init (&worker, place.address, "loop", NULL, "listening");
  transport = listener_test_connect (place.address);
  g_assert_cmpuint (listener_test_add (transport, 1), ==, 1);
  listener_test_worker_kill (&worker);
  transport_test_wait_closed (transport, FERRY_ERROR_CLOSED);
  g_object_unref (transport);
  g_assert_true (listener_test_exists (&place, ""));
  listener_test_connect_fails (place.address, FERRY_ERROR_NOT_LISTENING, "has ended");
  listener_test_worker_init (&worker, place.address, "loop", NULL, "listening");
  g_assert_cmpuint (listener_test_visit (place.address, 1), ==, 1);
  listener_test_worker_kill (&worker);
  remove_leftovers (&place);
}

static void
test_a_worker_that_exits_removes_its_socket (void)
{
  g_auto (ListenerTestPlace) place;
  ListenerTestWorker worker;
  g_autoptr (FerryTransport) transport = NULL;
  g_autoptr (FerryMux) mux = NULL;
  g_autoptr (GError) error = NULL;

  listener_test_place_init (&place);
  listener_test_worker_init (&worker, place.address, "accept", NULL, "listening");
  transport = listener_test_connect (place.address);
  mux = ferry_mux_new (transport);
  g_assert_null (ferry_mux_transact (mux, "exit", NULL, -1, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED);
  listener_test_worker_wait (&worker);
  g_assert_false (listener_test_exists (&place, ""));
  g_assert_false (listener_test_exists (&place, ".lock"));
  listener_test_connect_fails (place.address, FERRY_ERROR_NOT_LISTENING, "no such socket");
  g_clear_object (&mux);
  g_clear_object (&transport);
}

static void
test_a_second_worker_is_refused_and_told_who_is_first (void)
{
  g_auto (ListenerTestPlace) place;
  ListenerTestWorker first;
  ListenerTestWorker second;
  g_autofree char *words = NULL;

  listener_test_place_init (&place);
  listener_test_worker_init (&first, place.address, "loop", NULL, "listening");
  words = g_strdup_printf ("Process %d listens at '%s' already", (int) first.pid, place.address);
  listener_test_worker_init (&second, place.address, "loop", NULL, words);
  listener_test_worker_wait (&second);
  g_assert_cmpuint (listener_test_visit (place.address, 1), ==, 1);
  listener_test_worker_kill (&first);
  remove_leftovers (&place);
}

static void
test_an_abstract_name_has_one_owner_and_is_free_after_it (void)
{
  g_autofree char *address = g_strdup_printf ("@ferry-test-%d", (int) getpid ());
  ListenerTestWorker first;
  ListenerTestWorker second;
  g_autofree char *words = NULL;

  listener_test_connect_fails (address, FERRY_ERROR_NOT_LISTENING, address);
  listener_test_worker_init (&first, address, "loop", NULL, "listening");
  words = g_strdup_printf ("Process %d listens at '%s' already", (int) first.pid, address);
  listener_test_worker_init (&second, address, "loop", NULL, words);
  listener_test_worker_wait (&second);
  g_assert_cmpuint (listener_test_visit (address, 1), ==, 1);
  listener_test_worker_kill (&first);
  listener_test_worker_init (&second, address, "loop", NULL, "listening");
  g_assert_cmpuint (listener_test_visit (address, 1), ==, 1);
  listener_test_worker_kill (&second);
}

/* ---- detached ---- */

static void
test_a_worker_outlives_the_application_that_started_it (void)
{
  g_auto (ListenerTestPlace) place;
  g_autofree char *program = ferry_test_build_path ("persistent-worker");
  g_autoptr (GSubprocess) application = NULL;
  g_autoptr (FerryTransport) transport = NULL;
  g_autoptr (FerryMux) mux = NULL;
  g_autoptr (GVariant) pid = NULL;
  g_autoptr (GError) error = NULL;
  GPid number;

  listener_test_place_init (&place);
  application = listener_test_application ("spawn", place.address, program, "1");
  g_subprocess_wait (application, NULL, &error);
  g_assert_no_error (error);
  g_clear_object (&application);
  transport = listener_test_connect (place.address);
  g_assert_cmpuint (listener_test_add (transport, 1), ==, 2);
  mux = ferry_mux_new (transport);
  pid = ferry_mux_transact (mux, "pid", NULL, -1, NULL, &error);
  g_assert_no_error (error);
  number = g_variant_get_int32 (pid);
  ferry_test_kill (number, SIGKILL);
  transport_test_wait_closed (transport, FERRY_ERROR_CLOSED);
  worker_test_wait_gone (number);
  g_clear_object (&mux);
  g_clear_object (&transport);
  remove_leftovers (&place);
}

static char *
read_link_of (GPid pid, const char *name)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/%s", (int) pid, name);

  return g_file_read_link (path, NULL);
}

static void
test_a_worker_is_in_a_session_of_its_own_with_silent_streams (void)
{
  g_auto (ListenerTestPlace) place;
  ListenerTestWorker worker;
  g_autofree char *input = NULL;
  g_autofree char *errors = NULL;

  listener_test_place_init (&place);
  listener_test_worker_init (&worker, place.address, "loop", NULL, "listening");
  input = read_link_of (worker.pid, "fd/0");
  errors = read_link_of (worker.pid, "fd/2");
  g_assert_cmpstr (input, ==, "/dev/null");
  g_assert_cmpstr (errors, ==, "/dev/null");
  g_assert_cmpint (getsid (worker.pid), !=, getsid (0));
  /* It is not the first one of that session, so that it cannot get a terminal. */
  g_assert_cmpint (getsid (worker.pid), !=, worker.pid);
  listener_test_worker_kill (&worker);
  remove_leftovers (&place);
}

static void
test_a_worker_that_cannot_be_executed_is_told_of (void)
{
  const char *argv[] = {"/nonexistent/worker", NULL};
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);
  g_autoptr (GError) error = NULL;
  char *identifier = NULL;

  g_assert_false (ferry_launcher_spawn_persistent (launcher, "@ferry-test-none", &identifier, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_LAUNCH_FAILED);
  g_assert_nonnull (strstr (error->message, argv[0]));
  g_assert_null (identifier);
}

static void
test_a_launcher_with_logged_streams_starts_none (void)
{
  const char *argv[] = {"true", NULL};
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);
  g_autoptr (GError) error = NULL;

  g_object_set (launcher, "stderr", FERRY_STREAM_MODE_LOG, NULL);
  g_assert_false (ferry_launcher_spawn_persistent (launcher, "@ferry-test-none", NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
}

/* ---- users ---- */

/* To be asked before anything is declared that would be cleaned up. */
static gboolean
lacks_privilege (void)
{
  if (geteuid () == 0)
    return FALSE;
  g_test_skip ("Only root can become another user");
  return TRUE;
}

static void
test_another_user_does_not_reach_the_socket (void)
{
  if (lacks_privilege ())
    return;

  g_auto (ListenerTestPlace) place;
  ListenerTestWorker worker;
  g_autofree char *expected = g_strdup_printf ("%d This process lacks the permission", FERRY_ERROR_NOT_ALLOWED);

  listener_test_place_init (&place);
  listener_test_worker_init (&worker, place.address, "loop", NULL, "listening");
  listener_test_kill_application (listener_test_application ("attach", place.address, NOBODY, expected));
  listener_test_worker_kill (&worker);
  remove_leftovers (&place);
}

static void
test_another_user_is_refused_with_the_reason (void)
{
  g_autofree char *address = g_strdup_printf ("@ferry-test-%d", (int) getpid ());
  g_autofree char *expected = g_strdup_printf ("%d The worker at '%s' refused", FERRY_ERROR_NOT_ALLOWED, address);
  ListenerTestWorker worker;

  if (lacks_privilege ())
    return;
  listener_test_worker_init (&worker, address, "loop", NULL, "listening");
  listener_test_kill_application (listener_test_application ("attach", address, NOBODY, expected));
  g_assert_cmpuint (listener_test_visit (address, 1), ==, 1);
  listener_test_worker_kill (&worker);
}

static void
test_a_worker_of_another_user_is_not_trusted (void)
{
  g_autofree char *address = g_strdup_printf ("@ferry-test-%d", (int) getpid ());
  ListenerTestWorker worker;

  if (lacks_privilege ())
    return;
  listener_test_worker_init (&worker, address, "loop", NOBODY, "listening");
  listener_test_connect_fails (address, FERRY_ERROR_NOT_ALLOWED, "belongs to another user, " NOBODY);
  listener_test_worker_kill (&worker);
}

static void
test_another_user_who_is_allowed_gets_in (void)
{
  if (lacks_privilege ())
    return;

  g_auto (ListenerTestPlace) place;
  ListenerTestWorker worker;

  listener_test_place_init (&place);
  listener_test_worker_init (&worker, place.address, "loop", "+" NOBODY, "listening");
  listener_test_kill_application (listener_test_application ("attach", place.address, NOBODY, "1"));
  g_assert_cmpuint (listener_test_visit (place.address, 1), ==, 2);
  listener_test_worker_kill (&worker);
  remove_leftovers (&place);
}

/* ---- results ---- */

static void
keep (ListenerTestPlace *place, guint32 result)
{
  g_autoptr (FerryTransport) transport = listener_test_connect (place->address);
  g_autoptr (FerryMux) mux = ferry_mux_new (transport);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) kept G_GNUC_UNUSED = NULL;

  kept = ferry_mux_transact (mux, "keep", g_variant_new_uint32 (result), -1, NULL, &error);
  g_assert_no_error (error);
  ferry_transport_close (transport);
  listener_test_place_wait_left (place);
}

static void
test_a_result_waits_until_an_application_has_answered_for_it (gconstpointer mode)
{
  g_auto (ListenerTestPlace) place;
  ListenerTestWorker worker;

  listener_test_place_init (&place);
  listener_test_worker_init (&worker, place.address, mode, NULL, "listening");
  keep (&place, 70);
  for (guint i = 0; i < 3; i++)
    listener_test_kill_application (listener_test_application ("take", place.address, NULL, "1 70"));
  keep (&place, 71);
  listener_test_kill_application (listener_test_application ("answer", place.address, NULL, "1 70"));
  listener_test_worker_kill (&worker);
  remove_leftovers (&place);
}

/* ---- many at once ---- */

#define N_RIVALS 8

static void
test_of_many_that_start_at_once_one_gets_the_address (void)
{
  g_auto (ListenerTestPlace) place;
  ListenerTestWorker rivals[N_RIVALS];
  guint n_listening = 0;

  listener_test_place_init (&place);
  close (listener_test_raw_socket (place.address, TRUE));
  for (guint i = 0; i < N_RIVALS; i++)
    listener_test_worker_start (&rivals[i], place.address, "loop", NULL);
  for (guint i = 0; i < N_RIVALS; i++)
    {
      g_autofree char *line = worker_test_read_line (rivals[i].output);

      if (!g_str_equal (line, "listening"))
        {
          g_assert_nonnull (strstr (line, "already"));
          listener_test_worker_wait (&rivals[i]);
          continue;
        }
      g_assert_cmpuint (++n_listening, ==, 1);
      rivals[0] = rivals[i];
    }
  g_assert_cmpuint (n_listening, ==, 1);
  g_assert_cmpuint (listener_test_visit (place.address, 1), ==, 1);
  listener_test_worker_kill (&rivals[0]);
  remove_leftovers (&place);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autofree char *again = g_strdup_printf ("/persistent/who-attaches-again-finds-what-was-kept/%s", modes[i]);
      g_autofree char *killed =
        g_strdup_printf ("/persistent/when-an-application-is-killed-another-one-attaches/%s", modes[i]);
      g_autofree char *waits =
        g_strdup_printf ("/persistent/a-result-waits-until-an-application-has-answered-for-it/%s", modes[i]);

      g_test_add_data_func (waits, modes[i], test_a_result_waits_until_an_application_has_answered_for_it);
      g_test_add_data_func (again, modes[i], test_who_attaches_again_finds_what_was_kept);
      g_test_add_data_func (killed, modes[i], test_when_an_application_is_killed_another_one_attaches);
    }
  g_test_add_func ("/persistent/a-second-application-is-told-that-the-worker-is-busy",
                   test_a_second_application_is_told_that_the_worker_is_busy);
  g_test_add_func ("/persistent/a-hundred-come-and-leave-without-a-trace",
                   test_a_hundred_come_and_leave_without_a_trace);
  g_test_add_func ("/persistent/when-the-worker-is-killed-the-next-one-takes-its-place",
                   test_when_the_worker_is_killed_the_next_one_takes_its_place);
  g_test_add_func ("/persistent/a-worker-that-exits-removes-its-socket", test_a_worker_that_exits_removes_its_socket);
  g_test_add_func ("/persistent/a-second-worker-is-refused-and-told-who-is-first",
                   test_a_second_worker_is_refused_and_told_who_is_first);
  g_test_add_func ("/persistent/an-abstract-name-has-one-owner-and-is-free-after-it",
                   test_an_abstract_name_has_one_owner_and_is_free_after_it);
  g_test_add_func ("/persistent/a-worker-outlives-the-application-that-started-it",
                   test_a_worker_outlives_the_application_that_started_it);
  g_test_add_func ("/persistent/a-worker-is-in-a-session-of-its-own-with-silent-streams",
                   test_a_worker_is_in_a_session_of_its_own_with_silent_streams);
  g_test_add_func ("/persistent/a-worker-that-cannot-be-executed-is-told-of",
                   test_a_worker_that_cannot_be_executed_is_told_of);
  g_test_add_func ("/persistent/a-launcher-with-logged-streams-starts-none",
                   test_a_launcher_with_logged_streams_starts_none);
  g_test_add_func ("/persistent/another-user-does-not-reach-the-socket", test_another_user_does_not_reach_the_socket);
  g_test_add_func ("/persistent/another-user-is-refused-with-the-reason", test_another_user_is_refused_with_the_reason);
  g_test_add_func ("/persistent/a-worker-of-another-user-is-not-trusted", test_a_worker_of_another_user_is_not_trusted);
  g_test_add_func ("/persistent/another-user-who-is-allowed-gets-in", test_another_user_who_is_allowed_gets_in);
  g_test_add_func ("/persistent/of-many-that-start-at-once-one-gets-the-address",
                   test_of_many_that_start_at_once_one_gets_the_address);
  return g_test_run ();
}
