/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: conversation/ferry-listener.c, conversation/ferry-hello.c, conversation/ferry-bound-address.c,
 * conversation/ferry-address.c
 *
 * A listener in the process of the test: how it takes its address over and gives it up, which ends it lets in, and what
 * it makes of those that do not speak the protocol. */

#include "config.h"

#include "conversation/listener-test.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ferry-base-private.h"
#include "conversation/ferry-hello-private.h"
#include "wire/ferry-frame-decoder-private.h"

static FerryListener *
listen_at (const char *address)
{
  g_autoptr (GError) error = NULL;
  FerryListener *listener = ferry_listener_new (address, &error);

  g_assert_no_error (error);
  return listener;
}

/* From now on, whether an end is taken or not. */
static void
let_in (FerryListener *listener)
{
  g_assert_null (ferry_listener_accept (listener, 0, NULL, NULL));
}

static FerryTransport *
accept_one (FerryListener *listener)
{
  g_autoptr (GError) error = NULL;
  FerryTransport *transport = ferry_listener_accept (listener, -1, NULL, &error);

  g_assert_no_error (error);
  return transport;
}

static void
assert_refused (const char *address, int code, const char *words)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (ferry_listener_new (address, &error));
  g_assert_error (error, FERRY_ERROR, code);
  if (strstr (error->message, words) == NULL)
    g_error ("'%s' has no '%s' in it", error->message, words);
}

static void
assert_hung_up_on (int fd)
{
  char byte;

  g_assert_cmpint (read (fd, &byte, 1), <=, 0);
  close (fd);
}

/* ---- the address ---- */

static void
test_the_socket_is_for_its_user_only_and_goes_with_the_listener (void)
{
  g_auto (ListenerTestPlace) place;
  mode_t before = umask (0);
  FerryListener *listener;
  g_autofree char *address = NULL;
  GStatBuf found;

  listener_test_place_init (&place);
  listener = listen_at (place.address);
  umask (before);
  g_object_get (listener, "address", &address, NULL);
  g_assert_cmpstr (address, ==, place.address);
  g_assert_cmpint (g_lstat (place.address, &found), ==, 0);
  g_assert_true (S_ISSOCK (found.st_mode));
  g_assert_cmpint (found.st_mode & 0777, ==, 0600);
  g_assert_true (listener_test_exists (&place, ".lock"));
  g_assert_finalize_object (listener);
  g_assert_false (listener_test_exists (&place, ""));
  g_assert_false (listener_test_exists (&place, ".lock"));
}

static void
test_a_closed_listener_leaves_the_address_to_the_next_one (void)
{
  g_auto (ListenerTestPlace) place;
  FerryListener *listener;
  FerryListener *next;
  g_autoptr (GError) error = NULL;

  listener_test_place_init (&place);
  listener = listen_at (place.address);
  ferry_listener_close (listener);
  ferry_listener_close (listener);
  next = listen_at (place.address);
  g_assert_null (ferry_listener_accept (listener, -1, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED);
  g_clear_error (&error);
  g_assert_false (ferry_listener_start (listener, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED);
  g_assert_finalize_object (listener);
  g_assert_true (listener_test_exists (&place, ""));
  g_assert_finalize_object (next);
}

/* As where an administrator removed both files, and another listener has made its own since. */
static void
test_a_closed_listener_leaves_files_of_another_one (void)
{
  g_auto (ListenerTestPlace) place;
  g_autofree char *lock = NULL;
  FerryListener *listener;
  g_autoptr (GError) error = NULL;

  listener_test_place_init (&place);
  lock = g_strconcat (place.address, ".lock", NULL);
  listener = listen_at (place.address);
  g_assert_no_errno (g_unlink (place.address));
  g_assert_no_errno (g_unlink (lock));
  g_file_set_contents (place.address, "", -1, &error);
  g_assert_no_error (error);
  g_file_set_contents (lock, "", -1, &error);
  g_assert_no_error (error);
  g_assert_finalize_object (listener);
  g_assert_true (listener_test_exists (&place, ""));
  g_assert_true (listener_test_exists (&place, ".lock"));
  g_assert_no_errno (g_unlink (place.address));
  g_assert_no_errno (g_unlink (lock));
}

static void
test_a_second_listener_of_the_same_process_is_refused (void)
{
  g_auto (ListenerTestPlace) place;
  g_autofree char *words = g_strdup_printf ("Process %d listens", (int) getpid ());
  FerryListener *listener;

  listener_test_place_init (&place);
  listener = listen_at (place.address);
  assert_refused (place.address, FERRY_ERROR_ALREADY_RUNNING, words);
  g_assert_true (listener_test_exists (&place, ""));
  g_assert_finalize_object (listener);
}

static void
test_who_listens_without_a_lock_is_not_driven_away (void)
{
  g_auto (ListenerTestPlace) place;
  g_autofree char *words = g_strdup_printf ("Process %d listens", (int) getpid ());
  int foreign;

  listener_test_place_init (&place);
  foreign = listener_test_raw_socket (place.address, TRUE);
  assert_refused (place.address, FERRY_ERROR_ALREADY_RUNNING, words);
  g_assert_true (listener_test_exists (&place, ""));
  g_assert_false (listener_test_exists (&place, ".lock"));
  close (foreign);
  /* Now it has no owner. */
  g_assert_finalize_object (listen_at (place.address));
}

static void
test_what_is_no_socket_stays_where_it_is (void)
{
  g_auto (ListenerTestPlace) place;

  listener_test_place_init (&place);
  g_assert_true (g_file_set_contents (place.address, "a letter", -1, NULL));
  assert_refused (place.address, FERRY_ERROR_BAD_ARGUMENTS, "is not a socket");
  g_assert_cmpint (g_unlink (place.address), ==, 0);
}

static void
test_a_socket_that_somebody_put_in_place_of_it_is_not_removed (void)
{
  g_auto (ListenerTestPlace) place;
  FerryListener *listener;
  int foreign;

  listener_test_place_init (&place);
  listener = listen_at (place.address);
  g_assert_cmpint (g_unlink (place.address), ==, 0);
  foreign = listener_test_raw_socket (place.address, TRUE);
  g_assert_finalize_object (listener);
  g_assert_true (listener_test_exists (&place, ""));
  close (foreign);
  g_assert_cmpint (g_unlink (place.address), ==, 0);
}

static void
test_what_cannot_be_an_address_is_refused (void)
{
  g_autofree char *name = g_strnfill (200, 'x');
  g_autofree char *long_path = g_strconcat ("/tmp/", name, NULL);
  g_autofree char *long_name = g_strconcat ("@", name, NULL);

  assert_refused ("", FERRY_ERROR_BAD_ARGUMENTS, "empty");
  assert_refused ("@", FERRY_ERROR_BAD_ARGUMENTS, "'@'");
  assert_refused (long_path, FERRY_ERROR_BAD_ARGUMENTS, "too long");
  assert_refused (long_name, FERRY_ERROR_BAD_ARGUMENTS, "not a valid address");
  assert_refused ("/nonexistent/folder/worker", FERRY_ERROR_SYSTEM, "check the folder");
  listener_test_connect_fails ("", FERRY_ERROR_BAD_ARGUMENTS, "empty");
}

static void
test_without_an_address_in_the_environment_there_is_none (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (ferry_listener_new_from_environment (&error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NOT_A_WORKER);
}

/* ---- what is let in ---- */

static void
attached_cb (FerryListener *listener, FerryTransport *transport, gpointer data)
{
  g_assert_true (g_main_context_is_owner (NULL));
  g_ptr_array_add (data, g_object_ref (transport));
}

static void
notify_cb (FerryListener *listener, GParamSpec *pspec, gpointer data)
{
  *(guint *) data = ferry_test_get_number (listener, "n-attached");
}

static gboolean
is_one (gpointer data)
{
  return *(guint *) data == 1;
}

static gboolean
is_none (gpointer data)
{
  return *(guint *) data == 0;
}

static gboolean
has_one (gpointer data)
{
  return ((GPtrArray *) data)->len == 1;
}

static void
test_a_started_listener_tells_who_attaches_and_leaves (void)
{
  g_auto (ListenerTestPlace) place;
  g_autoptr (GPtrArray) attached = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GError) error = NULL;
  FerryListener *listener;
  FerryTransport *application;
  guint n = 0;

  listener_test_place_init (&place);
  listener = listen_at (place.address);
  g_signal_connect (listener, "attached", G_CALLBACK (attached_cb), attached);
  g_signal_connect (listener, "notify::n-attached", G_CALLBACK (notify_cb), &n);
  g_assert_true (ferry_listener_start (listener, &error));
  g_assert_true (ferry_listener_start (listener, &error));
  g_assert_null (ferry_listener_accept (listener, 0, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_ALREADY_RUNNING);
  application = listener_test_connect (place.address);
  ferry_test_run_until (has_one, attached);
  ferry_test_run_until (is_one, &n);
  g_object_unref (application);
  ferry_test_run_until (is_none, &n);
  g_assert_true (ferry_test_get_number (attached->pdata[0], "closed"));
  g_ptr_array_set_size (attached, 0);
  g_assert_finalize_object (listener);
}

static void
keep_cb (FerryListener *listener, FerryTransport *transport, gpointer data)
{
  g_ptr_array_add (data, g_object_ref (transport));
}

static void
wait_in_handler_cb (FerryListener *listener, FerryTransport *transport, gpointer router)
{
  g_autoptr (GError) error = NULL;
  guint none = 0;

  g_assert_false (ferry_router_route_until (router, is_none, &none, 0, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BUSY);
}

/* ferry_router_route_until() without a timeout: what it does not serve, it waits for without end. */
static void
test_a_started_listener_tells_while_a_router_routes_manually (void)
{
  g_auto (ListenerTestPlace) place;
  g_autoptr (GPtrArray) attached = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (FerryRouter) router = ferry_test_router_new_stopped (NULL);
  g_autoptr (GError) error = NULL;
  FerryListener *listener;
  FerryTransport *application;
  guint n = 0;

  listener_test_place_init (&place);
  listener = listen_at (place.address);
  g_signal_connect (listener, "attached", G_CALLBACK (wait_in_handler_cb), router);
  g_signal_connect (listener, "attached", G_CALLBACK (keep_cb), attached);
  g_signal_connect (listener, "notify::n-attached", G_CALLBACK (notify_cb), &n);
  g_assert_true (ferry_router_start (router, &error));
  g_assert_true (ferry_listener_start (listener, &error));
  application = listener_test_connect (place.address);
  g_assert_true (ferry_router_route_until (router, has_one, attached, -1, &error));
  g_assert_cmpuint (n, ==, 1);
  g_object_unref (application);
  g_assert_true (ferry_router_route_until (router, is_none, &n, -1, &error));
  g_assert_true (ferry_test_get_number (attached->pdata[0], "closed"));
  g_ptr_array_set_size (attached, 0);
  g_assert_true (ferry_router_stop (router, &error));
  g_assert_finalize_object (listener);
}

static void
test_who_comes_again_at_once_is_let_in (void)
{
  g_auto (ListenerTestPlace) place;
  FerryListener *listener;

  listener_test_place_init (&place);
  listener = listen_at (place.address);
  let_in (listener);
  for (guint i = 0; i < 50; i++)
    {
      g_autoptr (FerryTransport) application = listener_test_connect (place.address);
      g_autoptr (FerryTransport) transport = accept_one (listener);

      ferry_transport_close (application);
    }
  g_assert_finalize_object (listener);
}

static void
test_as_many_are_attached_as_the_listener_says (void)
{
  g_auto (ListenerTestPlace) place;
  FerryListener *listener;
  FerryTransport *applications[3];

  listener_test_place_init (&place);
  listener = listen_at (place.address);
  g_object_set (listener, "max-attached", 3, NULL);
  let_in (listener);
  for (guint i = 0; i < 3; i++)
    applications[i] = listener_test_connect (place.address);
  g_assert_cmpuint (ferry_test_get_number (listener, "n-attached"), ==, 3);
  listener_test_connect_fails (place.address, FERRY_ERROR_BUSY, place.address);
  /* Those that were not taken are closed with the listener. */
  g_assert_finalize_object (listener);
  for (guint i = 0; i < 3; i++)
    {
      transport_test_wait_closed (applications[i], FERRY_ERROR_CLOSED);
      g_object_unref (applications[i]);
    }
}

static void
test_who_is_attached_stays_when_the_listener_goes (void)
{
  g_auto (ListenerTestPlace) place;
  g_autoptr (FerryTransport) application = NULL;
  g_autoptr (FerryTransport) transport = NULL;
  FerryListener *listener;

  listener_test_place_init (&place);
  listener = listen_at (place.address);
  let_in (listener);
  application = listener_test_connect (place.address);
  transport = accept_one (listener);
  g_assert_finalize_object (listener);
  g_assert_false (ferry_test_get_number (application, "closed"));
  ferry_transport_close (transport);
  transport_test_wait_closed (application, FERRY_ERROR_CLOSED);
  g_clear_object (&application);
  g_clear_object (&transport);
}

static gpointer
cancel_main (gpointer data)
{
  g_cancellable_cancel (data);
  return NULL;
}

static void
test_accepting_ends_in_time_and_when_it_is_cancelled (void)
{
  g_auto (ListenerTestPlace) place;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  FerryListener *listener;
  GThread *thread;

  listener_test_place_init (&place);
  listener = listen_at (place.address);
  g_assert_null (ferry_listener_accept (listener, 1000, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  g_clear_error (&error);
  thread = g_thread_new ("cancel", cancel_main, cancellable);
  g_assert_null (ferry_listener_accept (listener, -1, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_thread_join (thread);
  g_assert_finalize_object (listener);
}

/* ---- what does not speak the protocol ---- */

static void
test_what_is_no_greeting_is_hung_up_on (void)
{
  g_auto (ListenerTestPlace) place;
  FerryListener *listener;
  int fd;

  listener_test_place_init (&place);
  listener = listen_at (place.address);
  let_in (listener);
  fd = listener_test_raw_socket (place.address, FALSE);
  g_assert_cmpint (write (fd, "GET / HTTP/1.1\r\n\r\n", 18), ==, 18);
  assert_hung_up_on (fd);
  /* One that hangs up itself. */
  close (listener_test_raw_socket (place.address, FALSE));
  g_assert_cmpuint (ferry_test_get_number (listener, "n-attached"), ==, 0);
  g_assert_finalize_object (listener);
}

static gboolean
read_answer (int fd, GError **error)
{
  guint8 head[FERRY_GREETING_SIZE + FERRY_FRAME_HEADER_SIZE];
  guint8 message[FERRY_HELLO_MAX_ANSWER];
  guint32 size;

  g_assert_cmpint (read (fd, head, sizeof head), ==, sizeof head);
  g_assert_true (ferry_greeting_check (head, FERRY_GREETING_SIZE, NULL));
  size = ferry_read_u32 (head + FERRY_GREETING_SIZE);
  g_assert_cmpuint (size, <=, sizeof message);
  g_assert_cmpint (read (fd, message, size), ==, size);
  return ferry_hello_read_answer (message, size, "the address", error);
}

static gboolean
hello_at (int fd, guint8 version, GError **error)
{
  guint8 hello[FERRY_GREETING_SIZE];

  ferry_greeting_write (hello);
  hello[8] = version;
  g_assert_cmpint (write (fd, hello, sizeof hello), ==, sizeof hello);
  return read_answer (fd, error);
}

static void
test_those_who_say_nothing_keep_nobody_waiting_and_are_hung_up_on (void)
{
  g_auto (ListenerTestPlace) place;
  FerryListener *listener;
  int silent[100];
  g_autoptr (GError) error = NULL;

  listener_test_place_init (&place);
  listener = listen_at (place.address);
  let_in (listener);
  for (guint i = 0; i < G_N_ELEMENTS (silent); i++)
    silent[i] = listener_test_raw_socket (place.address, FALSE);
  g_object_unref (listener_test_connect (place.address));
  g_assert_cmpint (ferry_test_get_number (listener, "hello-timeout"), ==, 5 * G_USEC_PER_SEC);
  g_object_set (listener, "hello-timeout", (gint64) 1000, NULL);
  g_assert_cmpint (ferry_test_get_number (listener, "hello-timeout"), ==, 1000);
  close (silent[0]);
  silent[0] = listener_test_raw_socket (place.address, FALSE);
  /* It hears why, and not that the worker has ended. */
  g_assert_false (read_answer (silent[0], &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BUSY);
  assert_hung_up_on (silent[0]);
  for (guint i = 1; i < G_N_ELEMENTS (silent); i++)
    close (silent[i]);
  g_assert_finalize_object (listener);
}

static void
test_a_hello_may_take_all_the_time_where_there_is_no_limit (void)
{
  g_auto (ListenerTestPlace) place;
  FerryListener *listener;
  g_autoptr (GError) error = NULL;
  int fd;

  listener_test_place_init (&place);
  listener = listen_at (place.address);
  let_in (listener);
  g_object_set (listener, "hello-timeout", G_MAXINT64, NULL);
  fd = listener_test_raw_socket (place.address, FALSE);
  /* Whose hello is behind the silence. */
  g_object_unref (listener_test_connect (place.address));
  g_assert_true (hello_at (fd, FERRY_STREAM_VERSION, &error));
  g_assert_no_error (error);
  close (fd);
  g_assert_finalize_object (listener);
}

#define MAX_SPENT 512

/* Descriptors that keep the process from opening more than so many others. */
typedef struct
{
  struct rlimit limit; /* before */
  int fds[MAX_SPENT];
  guint n_fds;
} Shortage;

static void
shortage_begin (Shortage *self, guint n_free)
{
  struct rlimit low;

  self->n_fds = 0;
  g_assert_no_errno (getrlimit (RLIMIT_NOFILE, &self->limit));
  low = self->limit;
  low.rlim_cur = MIN (low.rlim_cur, MAX_SPENT);
  g_assert_no_errno (setrlimit (RLIMIT_NOFILE, &low));
  while (self->n_fds < MAX_SPENT && (self->fds[self->n_fds] = dup (STDIN_FILENO)) >= 0)
    self->n_fds++;
  while (n_free-- > 0)
    close (self->fds[--self->n_fds]);
}

static void
shortage_end (Shortage *self)
{
  while (self->n_fds > 0)
    close (self->fds[--self->n_fds]);
  g_assert_no_errno (setrlimit (RLIMIT_NOFILE, &self->limit));
}

/* An application that comes during a shortage is refused, and one that comes afterwards is let in. */
static void
test_without_descriptors_it_refuses_and_goes_on (void)
{
  for (guint n_free = 1; n_free <= 8; n_free++)
    {
      g_auto (ListenerTestPlace) place;
      g_autoptr (FerryTransport) transport = NULL;
      FerryListener *listener;
      Shortage shortage;
      g_autoptr (GError) error = NULL;
      gboolean is_welcome;
      int fd;

      listener_test_place_init (&place);
      listener = listen_at (place.address);
      let_in (listener);
      fd = listener_test_raw_socket (place.address, FALSE);
      shortage_begin (&shortage, n_free);
      is_welcome = hello_at (fd, FERRY_STREAM_VERSION, &error);
      shortage_end (&shortage);
      if (!is_welcome)
        g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BUSY);
      g_assert_false (is_welcome && n_free == 1);
      g_assert_true (is_welcome || n_free < 8);
      close (fd);
      transport = listener_test_connect (place.address);
      g_clear_object (&transport);
      g_assert_finalize_object (listener);
    }
}

static void
test_another_version_is_refused_with_the_reason (void)
{
  g_auto (ListenerTestPlace) place;
  g_autoptr (GError) error = NULL;
  FerryListener *listener;
  int fd;

  listener_test_place_init (&place);
  listener = listen_at (place.address);
  let_in (listener);
  fd = listener_test_raw_socket (place.address, FALSE);
  g_assert_false (hello_at (fd, FERRY_STREAM_VERSION + 1, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_VERSION);
  close (fd);
  g_assert_finalize_object (listener);
}

static gboolean
has_nobody (gpointer listener)
{
  return ferry_test_get_number (listener, "n-attached") == 0;
}

static void
test_who_talks_nonsense_after_the_welcome_is_no_client (void)
{
  g_auto (ListenerTestPlace) place;
  FerryListener *listener;
  int fd;

  listener_test_place_init (&place);
  listener = listen_at (place.address);
  let_in (listener);
  fd = listener_test_raw_socket (place.address, FALSE);
  g_assert_true (hello_at (fd, FERRY_STREAM_VERSION, NULL));
  g_assert_cmpint (write (fd, "what am I to say here?", 22), ==, 22);
  transport_test_wait (has_nobody, listener);
  g_object_unref (listener_test_connect (place.address));
  close (fd);
  g_assert_finalize_object (listener);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    void (*func) (void);
  } tests[] = {
    {"the-socket-is-for-its-user-only-and-goes-with-the-listener",
     test_the_socket_is_for_its_user_only_and_goes_with_the_listener},
    {"a-closed-listener-leaves-the-address-to-the-next-one", test_a_closed_listener_leaves_the_address_to_the_next_one},
    {"a-closed-listener-leaves-files-of-another-one", test_a_closed_listener_leaves_files_of_another_one},
    {"a-second-listener-of-the-same-process-is-refused", test_a_second_listener_of_the_same_process_is_refused},
    {"who-listens-without-a-lock-is-not-driven-away", test_who_listens_without_a_lock_is_not_driven_away},
    {"what-is-no-socket-stays-where-it-is", test_what_is_no_socket_stays_where_it_is},
    {"a-socket-that-somebody-put-in-place-of-it-is-not-removed",
     test_a_socket_that_somebody_put_in_place_of_it_is_not_removed},
    {"what-cannot-be-an-address-is-refused", test_what_cannot_be_an_address_is_refused},
    {"without-an-address-in-the-environment-there-is-none", test_without_an_address_in_the_environment_there_is_none},
    {"a-started-listener-tells-who-attaches-and-leaves", test_a_started_listener_tells_who_attaches_and_leaves},
    {"a-started-listener-tells-while-a-router-routes-manually",
     test_a_started_listener_tells_while_a_router_routes_manually},
    {"who-comes-again-at-once-is-let-in", test_who_comes_again_at_once_is_let_in},
    {"as-many-are-attached-as-the-listener-says", test_as_many_are_attached_as_the_listener_says},
    {"who-is-attached-stays-when-the-listener-goes", test_who_is_attached_stays_when_the_listener_goes},
    {"accepting-ends-in-time-and-when-it-is-cancelled", test_accepting_ends_in_time_and_when_it_is_cancelled},
    {"what-is-no-greeting-is-hung-up-on", test_what_is_no_greeting_is_hung_up_on},
    {"those-who-say-nothing-keep-nobody-waiting-and-are-hung-up-on",
     test_those_who_say_nothing_keep_nobody_waiting_and_are_hung_up_on},
    {"a-hello-may-take-all-the-time-where-there-is-no-limit",
     test_a_hello_may_take_all_the_time_where_there_is_no_limit},
    {"without-descriptors-it-refuses-and-goes-on", test_without_descriptors_it_refuses_and_goes_on},
    {"another-version-is-refused-with-the-reason", test_another_version_is_refused_with_the_reason},
    {"who-talks-nonsense-after-the-welcome-is-no-client", test_who_talks_nonsense_after_the_welcome_is_no_client},
  };

  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *path = g_strconcat ("/listener/", tests[i].name, NULL);

      g_test_add_func (path, tests[i].func);
    }
  return g_test_run ();
}
