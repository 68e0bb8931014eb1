/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: conversation/ferry-connect.c, conversation/ferry-hello.c, conversation/ferry-address.c
 *
 * The application's side: connecting without waiting for it, to a listener that is there, one that comes later, and
 * what is no worker. */

#include "config.h"

#include "conversation/listener-test.h"

#include <glib/gstdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/ferry-base-private.h"
#include "conversation/ferry-hello-private.h"
#include "wire/ferry-frame-decoder-private.h"
#include "wire/ferry-remote-error-private.h"

typedef struct
{
  FerryTransport *transport;
  GError *error;
  gboolean done;
} Outcome;

static void
outcome_clear (Outcome *outcome)
{
  g_clear_object (&outcome->transport);
  g_clear_error (&outcome->error);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Outcome, outcome_clear)

static void
finish_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Outcome *outcome = data;

  outcome->transport = ferry_transport_connect_to_finish (result, &outcome->error);
  outcome->done = TRUE;
}

static void
assert_failed (Outcome *outcome, GQuark domain, int code)
{
  ferry_test_wait_flag (&outcome->done);
  g_assert_null (outcome->transport);
  g_assert_error (outcome->error, domain, code);
  g_clear_error (&outcome->error);
  outcome->done = FALSE;
}

static void
assert_connected (Outcome *outcome)
{
  ferry_test_wait_flag (&outcome->done);
  g_assert_no_error (outcome->error);
  g_assert_nonnull (outcome->transport);
}

/* One that lets nobody in yet. */
static FerryListener *
make_listener (const char *address)
{
  g_autoptr (GError) error = NULL;
  FerryListener *listener = ferry_listener_new (address, &error);

  g_assert_no_error (error);
  return listener;
}

/* One that lets in. */
static FerryListener *
listen_at (const char *address)
{
  g_autoptr (GError) error = NULL;
  FerryListener *listener = make_listener (address);

  g_assert_true (ferry_listener_start (listener, &error));
  return listener;
}

static void
test_connecting_does_not_wait (void)
{
  g_auto (ListenerTestPlace) place;
  g_auto (Outcome) outcome = {0};
  FerryListener *listener;

  listener_test_place_init (&place);
  ferry_transport_connect_to_async (place.address, 0, -1, NULL, finish_cb, &outcome);
  assert_failed (&outcome, FERRY_ERROR, FERRY_ERROR_NOT_LISTENING);
  listener = listen_at (place.address);
  ferry_transport_connect_to_async (place.address, 0, -1, NULL, finish_cb, &outcome);
  assert_connected (&outcome);
  g_clear_object (&outcome.transport);
  g_assert_finalize_object (listener);
}

static void
test_a_worker_that_does_not_let_in_is_not_waited_for (void)
{
  g_auto (ListenerTestPlace) place;
  g_auto (Outcome) outcome = {0};
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  FerryListener *listener;

  listener_test_place_init (&place);
  listener = make_listener (place.address);
  ferry_transport_connect_to_async (place.address, 0, 1000, NULL, finish_cb, &outcome);
  assert_failed (&outcome, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  ferry_transport_connect_to_async (place.address, 0, -1, cancellable, finish_cb, &outcome);
  g_cancellable_cancel (cancellable);
  assert_failed (&outcome, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_finalize_object (listener);
}

/* There is a descriptor for the socket, and none for the cancellable. */
static void
test_a_cancel_that_cannot_be_waited_for_fails (void)
{
  g_auto (ListenerTestPlace) place;
  g_auto (Outcome) outcome = {0};
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  FerryListener *listener;
  guint64 before;

  listener_test_place_init (&place);
  listener = make_listener (place.address);
  /* What GLib opens at its first use is there from here on. */
  ferry_transport_connect_to_async (place.address, 0, 1000, NULL, finish_cb, &outcome);
  assert_failed (&outcome, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  before = ferry_test_limit_fds (ferry_test_get_lowest_fd () + 1);
  ferry_transport_connect_to_async (place.address, 0, -1, cancellable, finish_cb, &outcome);
  ferry_test_wait_flag (&outcome.done);
  ferry_test_limit_fds (before);
  assert_failed (&outcome, FERRY_ERROR, FERRY_ERROR_SYSTEM);
  g_assert_finalize_object (listener);
}

static void
test_a_listener_that_goes_before_it_lets_in_is_not_there (void)
{
  g_auto (ListenerTestPlace) place;
  g_auto (Outcome) outcome = {0};
  FerryListener *listener;

  listener_test_place_init (&place);
  listener = make_listener (place.address);
  ferry_transport_connect_to_async (place.address, 0, -1, NULL, finish_cb, &outcome);
  g_assert_finalize_object (listener);
  assert_failed (&outcome, FERRY_ERROR, FERRY_ERROR_NOT_LISTENING);
}

/* ---- waiting for a worker ---- */

static void
test_who_waits_is_let_in_when_the_worker_comes (void)
{
  g_auto (ListenerTestPlace) place;
  g_auto (Outcome) outcome = {0};
  FerryListener *listener;

  listener_test_place_init (&place);
  ferry_transport_connect_to_async (place.address, -1, -1, NULL, finish_cb, &outcome);
  listener = listen_at (place.address);
  assert_connected (&outcome);
  g_clear_object (&outcome.transport);
  g_assert_finalize_object (listener);
}

static void
test_who_waits_at_a_stale_socket_is_let_in_by_the_next_owner (void)
{
  g_auto (ListenerTestPlace) place;
  g_auto (Outcome) outcome = {0};
  FerryListener *listener;

  listener_test_place_init (&place);
  close (listener_test_raw_socket (place.address, TRUE));
  g_assert_true (listener_test_exists (&place, ""));
  ferry_transport_connect_to_async (place.address, -1, -1, NULL, finish_cb, &outcome);
  listener = listen_at (place.address);
  assert_connected (&outcome);
  g_clear_object (&outcome.transport);
  g_assert_finalize_object (listener);
}

static void
test_waiting_ends_in_time_and_when_it_is_cancelled (void)
{
  g_auto (ListenerTestPlace) place;
  g_auto (Outcome) outcome = {0};
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  listener_test_place_init (&place);
  ferry_transport_connect_to_async (place.address, 1000, -1, NULL, finish_cb, &outcome);
  assert_failed (&outcome, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  ferry_transport_connect_to_async (place.address, -1, 1000, NULL, finish_cb, &outcome);
  assert_failed (&outcome, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  ferry_transport_connect_to_async (place.address, -1, -1, cancellable, finish_cb, &outcome);
  g_cancellable_cancel (cancellable);
  assert_failed (&outcome, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_where_no_worker_can_come_nobody_waits (void)
{
  g_auto (ListenerTestPlace) place;
  g_autofree char *address = NULL;
  g_auto (Outcome) outcome = {0};

  listener_test_place_init (&place);
  address = g_build_filename (place.folder, "missing", "worker", NULL);
  ferry_transport_connect_to_async (address, -1, -1, NULL, finish_cb, &outcome);
  assert_failed (&outcome, FERRY_ERROR, FERRY_ERROR_NOT_LISTENING);
  ferry_transport_connect_to_async ("@ferry-test", -1, -1, NULL, finish_cb, &outcome);
  assert_failed (&outcome, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
}

static void
test_when_the_folder_is_removed_waiting_ends (void)
{
  g_auto (ListenerTestPlace) place;
  g_autofree char *folder = NULL;
  g_autofree char *address = NULL;
  g_auto (Outcome) outcome = {0};

  listener_test_place_init (&place);
  folder = g_build_filename (place.folder, "inner", NULL);
  address = g_build_filename (folder, "worker", NULL);
  g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);
  ferry_transport_connect_to_async (address, -1, -1, NULL, finish_cb, &outcome);
  g_assert_cmpint (g_rmdir (folder), ==, 0);
  assert_failed (&outcome, FERRY_ERROR, FERRY_ERROR_NOT_LISTENING);
}

/* ---- what is no worker ---- */

static void
test_who_answers_in_another_language_is_no_worker (void)
{
  g_auto (ListenerTestPlace) place;
  g_auto (Outcome) outcome = {0};
  int listening;
  int fd;

  listener_test_place_init (&place);
  listening = listener_test_raw_socket (place.address, TRUE);
  ferry_transport_connect_to_async (place.address, 0, -1, NULL, finish_cb, &outcome);
  fd = accept (listening, NULL, NULL);
  g_assert_cmpint (write (fd, "220 mail.example.org ESMTP ready", 32), ==, 32);
  assert_failed (&outcome, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
  close (fd);
  close (listening);
  g_assert_cmpint (g_unlink (place.address), ==, 0);
}

/* It says that a larger message follows than there may be. */
static void
test_an_answer_without_measure_is_refused (void)
{
  guint8 answer[FERRY_GREETING_SIZE + FERRY_FRAME_HEADER_SIZE];
  g_auto (ListenerTestPlace) place;
  g_auto (Outcome) outcome = {0};
  int listening;
  int fd;

  listener_test_place_init (&place);
  listening = listener_test_raw_socket (place.address, TRUE);
  ferry_transport_connect_to_async (place.address, 0, -1, NULL, finish_cb, &outcome);
  fd = accept (listening, NULL, NULL);
  ferry_greeting_write (answer);
  ferry_write_u32 (answer + FERRY_GREETING_SIZE, FERRY_HELLO_MAX_ANSWER + 1);
  g_assert_cmpint (write (fd, answer, sizeof answer), ==, sizeof answer);
  assert_failed (&outcome, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
  close (fd);
  close (listening);
  g_assert_cmpint (g_unlink (place.address), ==, 0);
}

static void
answer_with (FerryCallKind kind, GVariant *value, GError **error)
{
  g_autoptr (GVariant) sunk = value != NULL ? g_variant_ref_sink (value) : NULL;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  FerryPart parts[FERRY_CALL_MAX_PARTS];
  FerryCallMessage message = {0};
  guint n_parts;

  ferry_call_message_init (&message, kind, 1, NULL, sunk);
  n_parts = ferry_call_message_get_parts (&message, parts);
  for (guint i = 0; i < n_parts; i++)
    g_byte_array_append (bytes, parts[i].data, (guint) parts[i].size);
  g_assert_true (ferry_hello_read_answer (bytes->data, bytes->len, "/run/worker", error) == (error == NULL));
}

/* A listener gives its reason. What it may not say becomes a refusal, also what is no error. */
static void
test_the_reason_of_a_refusal_is_given (void)
{
  static const struct
  {
    const char *domain;
    int code;
    int expected;
  } cases[] = {
    {"ferry-error-quark", FERRY_ERROR_BUSY, FERRY_ERROR_BUSY},
    {"ferry-error-quark", FERRY_ERROR_NOT_ALLOWED, FERRY_ERROR_NOT_ALLOWED},
    {"ferry-error-quark", FERRY_ERROR_VERSION, FERRY_ERROR_VERSION},
    {"ferry-error-quark", FERRY_ERROR_NOT_LISTENING, FERRY_ERROR_REFUSED},
    {"ferry-error-quark", 4711, FERRY_ERROR_REFUSED},
    {"g-io-error-quark", FERRY_ERROR_BUSY, FERRY_ERROR_REFUSED},
  };
  g_autoptr (GError) malformed = NULL;
  g_autoptr (GError) other = NULL;

  answer_with (FERRY_CALL_ANSWER, NULL, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      GVariant *value = g_variant_new (FERRY_ERROR_VARIANT_TYPE, cases[i].domain, cases[i].code, "no place", "", NULL);

      answer_with (FERRY_CALL_ERROR, value, &error);
      g_assert_error (error, FERRY_ERROR, cases[i].expected);
      g_assert_nonnull (strstr (error->message, "'/run/worker' refused"));
      g_assert_nonnull (strstr (error->message, "no place"));
    }
  answer_with (FERRY_CALL_ITEM, g_variant_new_string ("no error"), &other);
  g_assert_error (other, FERRY_ERROR, FERRY_ERROR_REFUSED);
  g_assert_false (ferry_hello_read_answer ("no message", 10, "/run/worker", &malformed));
  g_assert_error (malformed, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/connect/connecting-does-not-wait", test_connecting_does_not_wait);
  g_test_add_func ("/connect/a-worker-that-does-not-let-in-is-not-waited-for",
                   test_a_worker_that_does_not_let_in_is_not_waited_for);
  g_test_add_func ("/connect/a-cancel-that-cannot-be-waited-for-fails", test_a_cancel_that_cannot_be_waited_for_fails);
  g_test_add_func ("/connect/a-listener-that-goes-before-it-lets-in-is-not-there",
                   test_a_listener_that_goes_before_it_lets_in_is_not_there);
  g_test_add_func ("/connect/who-waits-is-let-in-when-the-worker-comes",
                   test_who_waits_is_let_in_when_the_worker_comes);
  g_test_add_func ("/connect/who-waits-at-a-stale-socket-is-let-in-by-the-next-owner",
                   test_who_waits_at_a_stale_socket_is_let_in_by_the_next_owner);
  g_test_add_func ("/connect/waiting-ends-in-time-and-when-it-is-cancelled",
                   test_waiting_ends_in_time_and_when_it_is_cancelled);
  g_test_add_func ("/connect/where-no-worker-can-come-nobody-waits", test_where_no_worker_can_come_nobody_waits);
  g_test_add_func ("/connect/when-the-folder-is-removed-waiting-ends", test_when_the_folder_is_removed_waiting_ends);
  g_test_add_func ("/connect/who-answers-in-another-language-is-no-worker",
                   test_who_answers_in_another_language_is_no_worker);
  g_test_add_func ("/connect/an-answer-without-measure-is-refused", test_an_answer_without_measure_is_refused);
  g_test_add_func ("/connect/the-reason-of-a-refusal-is-given", test_the_reason_of_a_refusal_is_given);
  return g_test_run ();
}
