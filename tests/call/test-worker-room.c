/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: call/ferry-worker-transport.c
 *
 * A worker asks while its lane is full and the application's main loop is blocked, and hears of its deadline, of its
 * cancellable, and that there is no room. */

#include "config.h"

#include <glib/gstdio.h>

#include "call/link-test.h"

#define N_REQUESTS 300

/* A worker that sends to "out" what is not wanted. */
typedef struct
{
  LinkTest joined;
  FerryReceiver *out; /* (owned) */
  GObject *owner;     /* (owned): of the calls of transport "b" */
  char *folder;
  char *path;
} Room;

static void
ignore_bytes (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
}

static void
answer_here (FerryTransport *transport, FerryCall *call, GObject *owner)
{
  GVariant *arguments = ferry_call_get_arguments (call);

  if (g_str_equal (ferry_call_get_method (call), "measure"))
    arguments = g_variant_new_uint32 ((guint32) g_variant_get_size (arguments));
  g_assert_true (ferry_call_answer (call, arguments, NULL));
}

static void
room_init (Room *self)
{
  LinkTest *joined = &self->joined;
  g_autoptr (FerrySender) sender = NULL;
  g_autoptr (GError) error = NULL;

  link_test_init_unspawned (joined, "answer", "b");
  joined->b = link_test_add_transport (joined->launcher, joined->router, "b");
  g_assert_true (ferry_router_pipe (joined->router, FERRY_PIPE_QUEUED, &sender, &self->out, NULL));
  ferry_receiver_set_handler (self->out, ignore_bytes, NULL, NULL);
  g_assert_true (ferry_launcher_add_sender (joined->launcher, "out", sender, NULL));
  joined->worker = worker_test_spawn (joined->launcher, joined->router);
  self->owner = g_object_new (G_TYPE_OBJECT, NULL);
  ferry_transport_take_calls (joined->b, answer_here, self->owner, &error);
  g_assert_no_error (error);
  self->folder = g_dir_make_tmp ("ferry-XXXXXX", NULL);
  self->path = g_build_filename (self->folder, "ended", NULL);
  link_test_assert_answers (joined->b, "name", NULL, "'b'");
}

static void
room_close (Room *self)
{
  g_autoptr (GError) reason = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_REFUSED, "The test is over");

  g_assert_true (ferry_router_close_pipe (self->joined.router, self->out, NULL));
  ferry_transport_leave_calls (self->joined.b, reason);
  link_test_close (&self->joined);
  g_object_unref (self->owner);
  g_object_unref (self->out);
  g_unlink (self->path);
  g_rmdir (self->folder);
  g_free (self->path);
  g_free (self->folder);
  link_test_clear (&self->joined);
}

/* The main context does not run meanwhile. Returns (transfer full): what the file says. */
static char *
wait_for_file (const char *path)
{
  gint64 deadline = g_get_monotonic_time () + FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC / 4;
  char *text = NULL;

  while (!g_file_get_contents (path, &text, NULL, NULL))
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_thread_yield ();
    }
  return text;
}

/* how: what the worker does; words: of the error that it has got while the main loop was blocked; text: the answers
 * when it was not any more. */
static void
assert_worker_hears (const char *how, const char *words, const char *text)
{
  Room room = {0};
  g_autoptr (CallTestAnswer) pressed = NULL;
  g_autofree char *error = NULL;

  room_init (&room);
  pressed = link_test_ask (room.joined.b, "press", g_variant_new ("(ss)", how, room.path));
  error = wait_for_file (room.path);
  if (strstr (error, words) == NULL)
    g_error ("The worker has heard “%s”, not “… %s …”", error, words);
  link_test_wait_done (pressed);
  call_test_assert_result (pressed, text);
  room_close (&room);
}

static void
test_deadline_ends_the_wait_for_room (void)
{
  assert_worker_hears ("deadline", "in time", "(<uint32 1>, uint32 0)");
}

static void
test_cancel_ends_the_wait_for_room (void)
{
  assert_worker_hears ("cancel", "cancelled", "(<uint32 1>, uint32 0)");
}

static void
test_who_does_not_wait_hears_that_there_is_no_room (void)
{
  assert_worker_hears ("async", "send again", "(<uint32 1>, uint32 0)");
}

/* The large one is accepted, and sent when there is room; what is asked after it has its time. */
static void
test_large_request_is_sent_later_and_holds_up_nobody (void)
{
  assert_worker_hears ("large", "in time", "(<uint32 1>, uint32 1)");
}

/* The worker's answers have no room. It goes on when there is some, and none is lost. */
static void
test_answers_without_room_are_sent_later (void)
{
  Room room = {0};
  g_autoptr (CallTestAnswer) pressed = NULL;
  g_autofree char *error = NULL;
  CallTestAnswer *answers[N_REQUESTS];

  room_init (&room);
  pressed = link_test_ask (room.joined.b, "press", g_variant_new ("(ss)", "async", room.path));
  error = wait_for_file (room.path);
  for (guint i = 0; i < N_REQUESTS; i++)
    answers[i] = link_test_ask (room.joined.a, "echo", g_variant_new_uint32 (i));
  for (guint i = 0; i < N_REQUESTS; i++)
    {
      g_autofree char *text = g_strdup_printf ("uint32 %u", i);

      link_test_wait_done (answers[i]);
      call_test_assert_result (answers[i], text);
      call_test_answer_free (answers[i]);
    }
  link_test_wait_done (pressed);
  room_close (&room);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  /* It has a descriptor, which is not to count as left behind. */
  g_main_context_default ();
#define ADD(name, func) g_test_add_func ("/worker-room/" name, func)
  ADD ("a-deadline-ends-the-wait-for-room", test_deadline_ends_the_wait_for_room);
  ADD ("a-cancel-ends-the-wait-for-room", test_cancel_ends_the_wait_for_room);
  ADD ("who-does-not-wait-hears-that-there-is-no-room", test_who_does_not_wait_hears_that_there_is_no_room);
  ADD ("a-large-request-is-sent-later-and-holds-up-nobody", test_large_request_is_sent_later_and_holds_up_nobody);
  ADD ("answers-without-room-are-sent-later", test_answers_without_room_are_sent_later);
#undef ADD
  return g_test_run ();
}
