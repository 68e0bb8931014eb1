/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: lane/ferry-memory-account.c, route/ferry-buffer.c
 *
 * What the buffers of worker processes take in the application: while its main loop stands still, while it keeps them,
 * for all links together, and afterwards. */

#include "config.h"

#include <unistd.h>

#include "process/worker-test.h"

#define MEBIBYTE ((guint64) 1024 * 1024)
#define N_BUFFERS 48

/* The share of a link in the local queue, for buffers of a MiB. */
#define SHARE (16 * MEBIBYTE)

/* What buffers count for beside their bytes. */
#define SLACK MEBIBYTE

typedef enum
{
  COPIED,
  TRUSTED,
} Mode;

/* A worker and what came of it. */
typedef struct
{
  FerryRouter *router;     /* (unowned) */
  FerrySender *sender;     /* (owned) */
  FerryReceiver *receiver; /* (owned) */
  FerryWorker *worker;     /* (owned) */
  GPtrArray *buffers;      /* (owned) (element-type GBytes) */
  guint n_buffers;
  guint n_messages;
  gboolean keeps;
  gboolean closed;
} Source;

static void
buffer_cb (FerryReceiver *receiver, GVariant *metadata, GBytes *buffer, gpointer data)
{
  Source *self = data;

  self->n_buffers++;
  if (self->keeps)
    g_ptr_array_add (self->buffers, g_bytes_ref (buffer));
}

static void
message_cb (FerryReceiver *receiver, GVariant *message, gpointer data)
{
  ((Source *) data)->n_messages++;
}

static void
closed_cb (FerryReceiver *receiver, FerryExit *exit, gpointer data)
{
  ((Source *) data)->closed = TRUE;
}

/* A worker that sends n buffers of a MiB between messages, and then hangs or ends. */
static Source *
source_new (FerryRouter *router, Mode mode, guint n, gboolean hangs)
{
  g_autoptr (FerryLauncher) launcher = NULL;
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) orders = NULL;
  g_autoptr (GError) error = NULL;
  Source *self = g_new0 (Source, 1);

  g_strv_builder_add (builder, g_getenv ("FERRY_TEST_WORKER"));
  g_strv_builder_add (builder, "variant:1");
  for (guint i = 0; i < n; i++)
    g_strv_builder_add (builder, "buffer:1048576");
  g_strv_builder_add (builder, hangs ? "pause" : "variant:1");
  orders = g_strv_builder_end (builder);
  launcher = ferry_launcher_new ((const char *const *) orders);
  g_object_set (launcher, "trusted", mode == TRUSTED, NULL);
  self->router = router;
  self->buffers = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  ferry_router_pipe (router, FERRY_PIPE_QUEUED, &self->sender, &self->receiver, &error);
  g_assert_no_error (error);
  g_signal_connect (self->receiver, "buffer", G_CALLBACK (buffer_cb), self);
  g_signal_connect (self->receiver, "message", G_CALLBACK (message_cb), self);
  g_signal_connect (self->receiver, "closed", G_CALLBACK (closed_cb), self);
  g_assert_true (ferry_launcher_add_sender (launcher, "out", self->sender, &error));
  self->worker = worker_test_spawn (launcher, router);
  return self;
}

/* Ends it, where it does not end by itself. */
static void
source_free (Source *self)
{
  ferry_worker_force_exit (self->worker);
  g_ptr_array_unref (self->buffers);
  ferry_test_wait_flag (&self->closed);
  ferry_test_wait_ended (self->worker);
  g_object_unref (self->worker);
  g_object_unref (self->sender);
  g_object_unref (self->receiver);
  g_free (self);
}

static guint64
get (FerryRouter *router, FerryCounter counter)
{
  return ferry_router_get_counter (router, counter);
}

/* Waits, with the main loop standing still, until so many links wait for the application, and so much of theirs is
 * there. */
static void
wait_waiting (FerryRouter *router, guint n, guint64 size)
{
  gint64 deadline = g_get_monotonic_time () + FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC;

  while (get (router, FERRY_COUNTER_WAITING_LINKS) < n || get (router, FERRY_COUNTER_BUFFER_BYTES) < size)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_thread_yield ();
    }
}

static gboolean
is_waiting (gpointer router)
{
  return get (router, FERRY_COUNTER_WAITING_LINKS) > 0;
}

static gboolean
has_all (gpointer data)
{
  return ((Source *) data)->n_buffers == N_BUFFERS;
}

static void
test_blocked_loop (gconstpointer mode)
{
  FerryRouter *router = ferry_test_router_new ();
  Source *sources[4];

  for (guint i = 0; i < G_N_ELEMENTS (sources); i++)
    sources[i] = source_new (router, GPOINTER_TO_INT (mode), N_BUFFERS, FALSE);
  wait_waiting (router, G_N_ELEMENTS (sources), SHARE / 2);
  g_assert_cmpuint (get (router, FERRY_COUNTER_BUFFER_BYTES), <=, G_N_ELEMENTS (sources) * SHARE + SLACK);
  for (guint i = 0; i < G_N_ELEMENTS (sources); i++)
    {
      ferry_test_wait_flag (&sources[i]->closed);
      g_assert_cmpuint (sources[i]->n_buffers, ==, N_BUFFERS);
      g_assert_cmpuint (sources[i]->n_messages, ==, 2);
    }
  g_assert_cmpuint (get (router, FERRY_COUNTER_BUFFER_BYTES), ==, 0);
  g_assert_cmpuint (get (router, FERRY_COUNTER_HIGHEST_BUFFER_BYTES), <=, G_N_ELEMENTS (sources) * SHARE + SLACK);
  g_assert_cmpuint (get (router, FERRY_COUNTER_HIGHEST_WAITING_LINKS), ==, G_N_ELEMENTS (sources));
  for (guint i = 0; i < G_N_ELEMENTS (sources); i++)
    source_free (sources[i]);
  ferry_test_router_stop (router);
}

/* One worker's buffers are kept, as many as there may be; another's messages pass, and a buffer at a time does. */
static void
test_total (gconstpointer mode)
{
  const guint64 limit = 6 * MEBIBYTE;
  FerryRouter *router = ferry_test_router_new ();
  Source *hoard;
  Source *other;

  g_object_set (router, "buffer-limit", limit, NULL);
  hoard = source_new (router, GPOINTER_TO_INT (mode), N_BUFFERS, FALSE);
  hoard->keeps = TRUE;
  ferry_test_look_until (is_waiting, router);
  g_assert_cmpuint (get (router, FERRY_COUNTER_BUFFER_BYTES), <=, limit + SLACK);
  g_assert_cmpuint (hoard->n_buffers, <=, limit / MEBIBYTE);
  other = source_new (router, GPOINTER_TO_INT (mode), N_BUFFERS, FALSE);
  ferry_test_wait_flag (&other->closed);
  g_assert_cmpuint (other->n_buffers, ==, N_BUFFERS);
  g_assert_cmpuint (other->n_messages, ==, 2);
  g_assert_false (hoard->closed);
  g_assert_cmpuint (get (router, FERRY_COUNTER_HIGHEST_BUFFER_BYTES), <=, limit + MEBIBYTE + SLACK);
  /* When they are dropped, the rest comes. */
  hoard->keeps = FALSE;
  g_ptr_array_set_size (hoard->buffers, 0);
  ferry_test_wait_flag (&hoard->closed);
  g_assert_cmpuint (hoard->n_buffers, ==, N_BUFFERS);
  source_free (other);
  source_free (hoard);
  ferry_test_router_stop (router);
}

/* More room than there was is room at once. */
static void
test_raised_limit (void)
{
  FerryRouter *router = ferry_test_router_new ();
  Source *source;

  g_object_set (router, "buffer-limit", 2 * MEBIBYTE, NULL);
  source = source_new (router, COPIED, N_BUFFERS, FALSE);
  source->keeps = TRUE;
  ferry_test_look_until (is_waiting, router);
  g_object_set (router, "buffer-limit", 2 * N_BUFFERS * MEBIBYTE, NULL);
  ferry_test_run_until (has_all, source);
  source_free (source);
  ferry_test_router_stop (router);
}

static void
test_default_limit (void)
{
  g_autoptr (FerryRouter) router = ferry_test_router_new_stopped (NULL);
  guint64 by_default;
  guint64 limit;

  g_object_get (router, "buffer-limit", &by_default, NULL);
  g_assert_cmpuint (by_default, >, MEBIBYTE);
  g_assert_cmpuint (by_default, <=, (guint64) sysconf (_SC_PHYS_PAGES) * (guint64) sysconf (_SC_PAGESIZE) / 4);
  g_object_set (router, "buffer-limit", MEBIBYTE, NULL);
  g_object_get (router, "buffer-limit", &limit, NULL);
  g_assert_cmpuint (limit, ==, MEBIBYTE);
  g_object_set (router, "buffer-limit", (guint64) 0, NULL);
  g_object_get (router, "buffer-limit", &limit, NULL);
  g_assert_cmpuint (limit, ==, by_default);
}

static gboolean
has_nothing_spare (gpointer router)
{
  return get (router, FERRY_COUNTER_SPARE_BYTES) == 0;
}

/* The worker lives on, and so does its link. */
static void
test_given_back (gconstpointer keeps)
{
  FerryRouter *router = ferry_test_router_new_stopped (NULL);
  Source *source;

  g_object_set (router, "spare-time", (gint64) 20000, NULL);
  g_assert_true (ferry_router_start (router, NULL));
  source = source_new (router, COPIED, N_BUFFERS, TRUE);
  source->keeps = GPOINTER_TO_INT (keeps);
  ferry_test_run_until (has_all, source);
  if (source->keeps)
    ferry_test_look_until (has_nothing_spare, router);
  g_ptr_array_set_size (source->buffers, 0);
  g_assert_cmpuint (get (router, FERRY_COUNTER_BUFFER_BYTES), ==, 0);
  ferry_test_look_until (has_nothing_spare, router);
  g_assert_cmpuint (get (router, FERRY_COUNTER_HIGHEST_SPARE_BYTES), >=, source->keeps ? 0 : MEBIBYTE);
  g_assert_cmpuint (get (router, FERRY_COUNTER_LINKS), ==, 1);
  source_free (source);
  ferry_test_router_stop (router);
}

static void
add (const char *name, GTestDataFunc test)
{
  static const char *const modes[] = {[COPIED] = "copied", [TRUSTED] = "trusted"};

  for (int mode = COPIED; mode <= TRUSTED; mode++)
    {
      g_autofree char *path = g_strdup_printf ("/buffer-memory/%s/%s", modes[mode], name);

      g_test_add_data_func (path, GINT_TO_POINTER (mode), test);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  add ("a-blocked-loop-has-the-share-of-each-link", test_blocked_loop);
  add ("what-is-kept-of-one-link-leaves-the-others-one-at-a-time", test_total);
  g_test_add_func ("/buffer-memory/a-higher-limit-holds-at-once", test_raised_limit);
  g_test_add_func ("/buffer-memory/the-limit-fits-the-machine-by-default", test_default_limit);
  g_test_add_data_func ("/buffer-memory/what-is-not-used-is-given-back", GINT_TO_POINTER (FALSE), test_given_back);
  g_test_add_data_func ("/buffer-memory/what-is-dropped-late-is-given-back", GINT_TO_POINTER (TRUE), test_given_back);

  return g_test_run ();
}
