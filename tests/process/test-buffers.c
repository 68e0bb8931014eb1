/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: route/ferry-buffer.c, lane/ferry-arena.c
 *
 * Buffers of worker processes: of one that is trusted they are read where they lie, of any other they are
 * copied. */

#include "config.h"

#include <string.h>

#include "process/worker-test.h"

#define SIZE_NUMBER 5242883
#define SIZE ((gsize) SIZE_NUMBER)

typedef enum
{
  COPIED,
  TRUSTED,
} Mode;

typedef struct
{
  FerryRouter *router;
  FerrySender *sender;
  FerryReceiver *receiver;
  FerryLauncher *launcher;
  FerryWorker *worker;
  GPtrArray *buffers; /* (element-type GBytes) */
  guint n_buffers;
  guint n_messages;
  gboolean keeps;
  gboolean closed;
} Scene;

static void
assert_pattern (GBytes *buffer, gsize size)
{
  gsize n;
  const guint8 *data = g_bytes_get_data (buffer, &n);

  g_assert_cmpuint (n, ==, size);
  for (gsize i = 0; i < n; i++)
    if (data[i] != i % 251)
      g_error ("byte %" G_GSIZE_FORMAT " is %u", i, data[i]);
}

static void
buffer_cb (FerryReceiver *receiver, GVariant *metadata, GBytes *buffer, gpointer data)
{
  Scene *self = data;

  g_assert_nonnull (metadata);
  g_assert_cmpstr (g_variant_get_type_string (metadata), ==, "u");
  g_assert_cmpuint (g_variant_get_uint32 (metadata), ==, self->n_buffers);
  self->n_buffers++;
  if (self->keeps)
    g_ptr_array_add (self->buffers, g_bytes_ref (buffer));
}

static void
message_cb (FerryReceiver *receiver, GVariant *message, gpointer data)
{
  ((Scene *) data)->n_messages++;
}

static void
closed_cb (FerryReceiver *receiver, FerryExit *exit, gpointer data)
{
  ((Scene *) data)->closed = TRUE;
}

static void
set_up (Scene *self, gconstpointer mode)
{
  g_autoptr (GError) error = NULL;

  self->router = ferry_test_router_new_with_guardian ();
  ferry_router_pipe (self->router, FERRY_PIPE_QUEUED, &self->sender, &self->receiver, &error);
  g_assert_no_error (error);
  g_signal_connect (self->receiver, "buffer", G_CALLBACK (buffer_cb), self);
  g_signal_connect (self->receiver, "message", G_CALLBACK (message_cb), self);
  g_signal_connect (self->receiver, "closed", G_CALLBACK (closed_cb), self);
  self->buffers = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  self->keeps = TRUE;
}

static void
spawn (Scene *self, gconstpointer mode, GStrv orders)
{
  g_autoptr (GStrvBuilder) argv = g_strv_builder_new ();
  g_auto (GStrv) all = NULL;
  g_autoptr (GError) error = NULL;

  g_strv_builder_add (argv, g_getenv ("FERRY_TEST_WORKER"));
  g_strv_builder_addv (argv, (const char **) orders);
  all = g_strv_builder_end (argv);
  self->launcher = ferry_launcher_new ((const char *const *) all);
  g_object_set (self->launcher, "trusted", GPOINTER_TO_INT (mode) == TRUSTED, NULL);
  g_object_set (self->launcher, "buffer-capacity", (guint64) (64 * 1024 * 1024), NULL);
  g_assert_true (ferry_launcher_add_sender (self->launcher, "out", self->sender, &error));
  self->worker = worker_test_spawn (self->launcher, self->router);
}

static void
tear_down (Scene *self, gconstpointer data)
{
  g_ptr_array_unref (self->buffers);
  g_clear_object (&self->worker);
  g_clear_object (&self->launcher);
  g_clear_object (&self->sender);
  g_clear_object (&self->receiver);
  ferry_test_router_stop (self->router);
}

static void
test_arrive (Scene *self, gconstpointer mode)
{
  spawn (self, mode,
         (char *[]){(char *) "buffer:1", (char *) "variant:1", (char *) "buffer:" G_STRINGIFY (SIZE_NUMBER),
                    (char *) "variant:1", NULL});
  ferry_test_wait_flag (&self->closed);
  worker_test_assert_exit (self->worker, FERRY_CLOSE_REASON_EXITED, "status 0");
  g_assert_cmpuint (self->n_buffers, ==, 2);
  g_assert_cmpuint (self->n_messages, ==, 2);
  /* They stay as they are when their worker is gone. */
  assert_pattern (self->buffers->pdata[0], 1);
  assert_pattern (self->buffers->pdata[1], SIZE);
}

/* More than all of them may take: each is dropped as it comes, and its memory serves again. */
static void
test_many (Scene *self, gconstpointer mode)
{
  g_autoptr (GStrvBuilder) orders = g_strv_builder_new ();
  g_auto (GStrv) all = NULL;

  for (guint i = 0; i < 200; i++)
    g_strv_builder_add (orders, i % 2 == 0 ? "buffer:3000000" : "buffer:500001");
  all = g_strv_builder_end (orders);
  self->keeps = FALSE;
  spawn (self, mode, all);
  ferry_test_wait_flag (&self->closed);
  worker_test_assert_exit (self->worker, FERRY_CLOSE_REASON_EXITED, "status 0");
  g_assert_cmpuint (self->n_buffers, ==, 200);
}

static gboolean
has_one (gpointer data)
{
  return ((Scene *) data)->n_buffers == 1;
}

/* What a worker changes that is not trusted, it changes for itself. */
static void
test_copy (Scene *self, gconstpointer mode)
{
  g_autoptr (GBytes) seen = NULL;
  const guint8 *data;

  spawn (self, mode, (char *[]){(char *) "scribble:" G_STRINGIFY (SIZE_NUMBER), NULL});
  ferry_test_run_until (has_one, self);
  data = g_bytes_get_data (self->buffers->pdata[0], NULL);
  seen = g_bytes_new (data, SIZE);
  for (guint i = 0; i < 50; i++)
    g_assert_cmpmem (data, SIZE, g_bytes_get_data (seen, NULL), SIZE);
  ferry_worker_force_exit (self->worker);
  ferry_test_wait_flag (&self->closed);
  g_assert_cmpmem (data, SIZE, g_bytes_get_data (seen, NULL), SIZE);
}

static gboolean
has_started (gpointer data)
{
  return ((Scene *) data)->n_buffers >= 5;
}

static gboolean
has_so_many_fds (gpointer data)
{
  return ferry_test_count_fds () == *(guint *) data;
}

static void
test_killed (Scene *self, gconstpointer mode)
{
  g_autoptr (GStrvBuilder) orders = g_strv_builder_new ();
  g_auto (GStrv) all = NULL;
  guint n_fds = ferry_test_count_fds ();
  guint n;

  for (guint i = 0; i < 2000; i++)
    g_strv_builder_add (orders, "buffer:" G_STRINGIFY (SIZE_NUMBER));
  all = g_strv_builder_end (orders);
  spawn (self, mode, all);
  ferry_test_run_until (has_started, self);
  ferry_worker_force_exit (self->worker);
  ferry_test_wait_flag (&self->closed);
  n = self->buffers->len;
  g_assert_cmpuint (n, >=, 5);
  for (guint i = 0; i < n; i++)
    assert_pattern (self->buffers->pdata[i], SIZE);
  g_clear_object (&self->worker);
  ferry_test_look_until (has_so_many_fds, &n_fds);
}

static void
add (const char *name, void (*test) (Scene *, gconstpointer))
{
  static const char *const modes[] = {[COPIED] = "copied", [TRUSTED] = "trusted"};

  for (int mode = COPIED; mode <= TRUSTED; mode++)
    {
      g_autofree char *path = g_strdup_printf ("/buffers/%s/%s", modes[mode], name);

      g_test_add (path, Scene, GINT_TO_POINTER (mode), set_up, test, tear_down);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  add ("arrive-and-stay", test_arrive);
  add ("are-as-many-as-it-takes", test_many);
  add ("of-a-killed-worker-are-whole", test_killed);
  g_test_add ("/buffers/copied/are-not-changed-by-their-worker", Scene, GINT_TO_POINTER (COPIED), set_up, test_copy,
              tear_down);

  return g_test_run ();
}
