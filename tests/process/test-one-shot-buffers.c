/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: lane/ferry-one-shot.c, route/ferry-buffer.c
 *
 * Buffers with memory of their own, of a worker that keeps to the rules: in order, bounded at both ends, and nothing of
 * them stays behind. */

#include "config.h"

#include <signal.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "process/worker-test.h"

#define N_THREADS 4

typedef struct
{
  FerryRouter *router;
  FerrySender *sender;
  FerryReceiver *receiver;
  FerrySender *other;
  FerryReceiver *other_receiver;
  FerryWorker *worker;
  GQueue buffers; /* (element-type GBytes) those that are kept */
  GPtrArray *texts;
  gboolean keeps;
  guint n_buffers;
  guint32 next[N_THREADS]; /* the number that each thread's next buffer must have */
  gboolean closed;
  guint n_fds;
} Scene;

static void
assert_filled (GBytes *buffer, int byte)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (buffer, &size);

  for (gsize i = 0; i < size; i++)
    if (data[i] != byte)
      g_error ("byte %" G_GSIZE_FORMAT " is %u, and not %d", i, data[i], byte);
}

static void
buffer_cb (FerryReceiver *receiver, GVariant *metadata, GBytes *buffer, gpointer data)
{
  Scene *self = data;

  self->n_buffers++;
  if (metadata != NULL)
    {
      guint32 thread;
      guint32 number;

      g_variant_get (metadata, "(uu)", &thread, &number);
      g_assert_cmpuint (thread, <, N_THREADS);
      g_assert_cmpuint (number, ==, self->next[thread]++);
      g_assert_cmpuint (g_bytes_get_size (buffer), ==, 1 + number * 997);
      assert_filled (buffer, (int) thread);
    }
  if (self->keeps)
    g_queue_push_tail (&self->buffers, g_bytes_ref (buffer));
}

static void
message_cb (FerryReceiver *receiver, GVariant *message, gpointer data)
{
  Scene *self = data;

  g_ptr_array_add (self->texts, g_variant_dup_string (message, NULL));
}

static void
closed_cb (FerryReceiver *receiver, FerryExit *exit, gpointer data)
{
  ((Scene *) data)->closed = TRUE;
}

static void
set_up (Scene *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  self->router = ferry_test_router_new_with_guardian ();
  self->n_fds = ferry_test_count_fds ();
  ferry_router_pipe (self->router, FERRY_PIPE_ONE_SHOT_BUFFERS, &self->sender, &self->receiver, &error);
  g_assert_no_error (error);
  ferry_router_pipe (self->router, FERRY_PIPE_QUEUED, &self->other, &self->other_receiver, &error);
  g_assert_no_error (error);
  g_signal_connect (self->receiver, "buffer", G_CALLBACK (buffer_cb), self);
  g_signal_connect (self->receiver, "message", G_CALLBACK (message_cb), self);
  g_signal_connect (self->receiver, "closed", G_CALLBACK (closed_cb), self);
  self->texts = g_ptr_array_new_with_free_func (g_free);
}

/* Returns what the worker says on its standard output. */
static int
spawn (Scene *self, const char *orders)
{
  g_autofree char *path = ferry_test_build_path ("buffer-worker");
  g_autofree char *line = g_strconcat (path, " ", orders, NULL);
  g_auto (GStrv) argv = g_strsplit (line, " ", -1);
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new ((const char *const *) argv);
  g_autoptr (GError) error = NULL;
  int output;

  g_assert_true (ferry_launcher_add_sender (launcher, "out", self->sender, &error));
  g_assert_true (ferry_launcher_add_sender (launcher, "other", self->other, &error));
  self->worker = worker_test_spawn_with_output (launcher, self->router, &output);
  return output;
}

static gboolean
has_so_many_fds (gpointer data)
{
  return ferry_test_count_fds () == *(guint *) data;
}

static void
tear_down (Scene *self, gconstpointer data)
{
  worker_test_assert_exit (self->worker, FERRY_CLOSE_REASON_EXITED, "status 0");
  g_clear_object (&self->worker);
  g_clear_object (&self->sender);
  g_clear_object (&self->receiver);
  g_clear_object (&self->other);
  g_clear_object (&self->other_receiver);
  ferry_test_look_until (has_so_many_fds, &self->n_fds);
  ferry_test_router_stop (self->router);
  g_queue_clear_full (&self->buffers, (GDestroyNotify) g_bytes_unref);
  g_ptr_array_unref (self->texts);
}

static void
test_threads (Scene *self, gconstpointer data)
{
  ferry_autofd output G_GNUC_UNUSED = spawn (self, "threads:500");

  ferry_test_wait_flag (&self->closed);
  g_assert_cmpuint (self->n_buffers, ==, N_THREADS * 500);
}

static void
test_unwritten (Scene *self, gconstpointer data)
{
  ferry_autofd output G_GNUC_UNUSED = spawn (self, "empty:5000001 shrunk:100000");

  self->keeps = TRUE;
  ferry_test_wait_flag (&self->closed);
  g_assert_cmpuint (self->n_buffers, ==, 2);
  g_assert_cmpuint (g_bytes_get_size (self->buffers.head->data), ==, 5000001);
  assert_filled (self->buffers.head->data, 0);
  g_assert_cmpuint (g_bytes_get_size (self->buffers.tail->data), ==, 100000);
  assert_filled (self->buffers.tail->data, 5);
}

static gboolean
has_three (gpointer data)
{
  return ((Scene *) data)->n_buffers == 3;
}

static gboolean
is_paused (gpointer pid)
{
  return ferry_test_is_stopped (GPOINTER_TO_INT (pid));
}

/* The application takes nothing while it keeps as much as it may, so the worker sends no more than it can before it
 * waits. Returns how many small ones that were. */
static guint
bound (Scene *self, const char *orders)
{
  g_autofree char *all = g_strconcat ("empty:100000000 empty:100000000 empty:100000000 pause ", orders, " again", NULL);
  ferry_autofd output = spawn (self, all);
  g_autofree char *line = NULL;
  guint n;

  self->keeps = TRUE;
  ferry_test_run_until (has_three, self);
  ferry_test_look_until (is_paused, GINT_TO_POINTER (ferry_test_get_process (self->worker)));
  ferry_worker_send_signal (self->worker, SIGCONT);
  line = worker_test_read_line (output);
  g_assert_cmpstr (line, ==, "again");
  /* Whatever there was to dispatch. */
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (self->n_buffers, ==, 3);
  g_bytes_unref (g_queue_pop_head (&self->buffers));
  ferry_test_wait_flag (&self->closed);
  n = (guint) g_ascii_strtoull (self->texts->pdata[0], NULL, 10);
  g_assert_cmpuint (self->n_buffers, ==, 3 + n + 1);
  assert_filled (self->buffers.tail->data, 6);
  return n;
}

/* Descriptors stay where they are, and the worker waits, as long as it is told to. */
static void
test_bounded (Scene *self, gconstpointer data)
{
  g_assert_cmpuint (bound (self, "until-full late cancelled"), ==, 16);
}

/* The socket has room for fewer than may be under way. */
static void
test_bounded_by_the_socket (Scene *self, gconstpointer data)
{
  g_assert_cmpuint (bound (self, "narrow until-full late unwatched cancelled"), <, 16);
}

static void
test_mixed (Scene *self, gconstpointer data)
{
  ferry_autofd output G_GNUC_UNUSED = spawn (self, "mixed");

  ferry_test_wait_flag (&self->closed);
  g_assert_cmpstr (self->texts->pdata[0], ==, "refused");
}

static void
test_local (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerrySender) sender = NULL;
  g_autoptr (FerryReceiver) receiver = NULL;
  g_autoptr (FerryBuffer) buffer = NULL;
  g_autoptr (GError) error = NULL;
  Scene scene = {.keeps = TRUE};

  ferry_router_pipe (router, FERRY_PIPE_ONE_SHOT_BUFFERS, &sender, &receiver, &error);
  g_assert_no_error (error);
  g_signal_connect (receiver, "buffer", G_CALLBACK (buffer_cb), &scene);
  g_signal_connect (receiver, "closed", G_CALLBACK (closed_cb), &scene);
  ferry_sender_start (sender, &error);
  g_assert_no_error (error);
  buffer = ferry_sender_create_buffer (sender, 10, &error);
  g_assert_no_error (error);
  memset (ferry_buffer_get_data (buffer, NULL), 9, 10);
  ferry_sender_send_buffer (sender, NULL, buffer, &error);
  g_assert_no_error (error);
  ferry_sender_stop (sender, &error);
  g_assert_no_error (error);
  ferry_test_wait_flag (&scene.closed);
  g_assert_cmpuint (scene.n_buffers, ==, 1);
  assert_filled (scene.buffers.head->data, 9);
  g_queue_clear_full (&scene.buffers, (GDestroyNotify) g_bytes_unref);
  ferry_test_router_stop (router);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, test) g_test_add ("/one-shot-buffers/" name, Scene, NULL, set_up, test, tear_down)
  ADD ("of-several-threads-come-in-order", test_threads);
  ADD ("come-whole-where-nothing-was-written", test_unwritten);
  ADD ("are-waited-for-and-stay-as-they-are", test_bounded);
  ADD ("are-waited-for-where-the-socket-is-full", test_bounded_by_the_socket);
  ADD ("go-through-their-own-kind-of-pipe", test_mixed);
  g_test_add_func ("/one-shot-buffers/are-ordinary-ones-within-the-application", test_local);

  return g_test_run ();
}
