/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-exporter.c, conversation/ferry-demux.c
 *
 * Where an exporter calls methods: on threads of a pool, and where it was told nothing one at a time over each
 * transport.
 */

#include "config.h"

#include <locale.h>

#include "object-scene.h"
#include "process/worker-test.h"

#define N_CALLS 50
#define N_ROUNDS 20

/* A worker that exports the same over two transports. What one of them waits for, the other one sees. */
typedef struct
{
  ObjectScene scene;
  ObjectScene beside;
  FerryProxy *wide; /* may be called by several at a time */
} Scene;

/* ---- setting up ---- */

static FerryTransport *
add_transport (ObjectScene *scene, const char *name)
{
  g_autoptr (GError) error = NULL;
  FerryTransport *transport = ferry_launcher_add_transport (scene->launcher, scene->router, name, &error);

  g_assert_no_error (error);
  return transport;
}

static void
set_up (Scene *self, gconstpointer data)
{
  ObjectScene *scene = &self->scene;

  scene->router = ferry_test_router_new ();
  scene->launcher = worker_test_launcher_new ("object-worker", "serve", "default", "beside", NULL);
  scene->here = add_transport (scene, "objects");
  self->beside.here = add_transport (scene, "beside");
  scene->worker = worker_test_spawn (scene->launcher, scene->router);
  self->wide = object_scene_new_proxy (scene, "wide");
}

static void
tear_down (Scene *self, gconstpointer data)
{
  g_clear_object (&self->wide);
  object_scene_close (&self->beside);
  object_scene_close (&self->scene);
}

/* ---- helpers ---- */

/* Has a method block, and waits until it does. */
static GCancellable *
block (Scene *self, ObjectOutcome *outcome)
{
  GCancellable *cancellable = g_cancellable_new ();

  object_scene_ask (self->wide, g_variant_new ("((ss))", "call", "block"), -1, cancellable, outcome);
  object_scene_wait_number (&self->beside, "blocked", "wide", 1);
  return cancellable;
}

static void
unblock (GCancellable *cancellable, ObjectOutcome *outcome)
{
  g_cancellable_cancel (cancellable);
  ferry_test_wait_flag (&outcome->over);
  g_assert_error (outcome->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  object_outcome_clear (outcome);
}

static void
ask_add (Scene *self, GCancellable *cancellable, ObjectOutcome *outcome)
{
  object_scene_ask (self->wide, g_variant_new ("((ss(i)))", "call", "add", 1), -1, cancellable, outcome);
}

static void
assert_counted (ObjectOutcome *outcome, int value)
{
  ferry_test_wait_flag (&outcome->over);
  g_assert_no_error (outcome->error);
  g_assert_cmpint (g_variant_get_int32 (outcome->value), ==, value);
  object_outcome_clear (outcome);
}

static void
assert_seen_beside (Scene *self, int value)
{
  g_autoptr (FerryProxy) wide = object_scene_new_proxy (&self->beside, "wide");

  g_assert_cmpint ((int) object_scene_get_number (wide, "(('get', 'value'),)"), ==, value);
}

static char *
call_where (ObjectScene *scene)
{
  g_autoptr (FerryProxy) control = object_scene_new_proxy (scene, "control");
  g_auto (ObjectOutcome) outcome = {0};

  object_scene_resolve (control, "(('pass-to', 'where'),)", NULL, &outcome);
  g_assert_no_error (outcome.error);
  return g_variant_dup_string (outcome.value, NULL);
}

/* ---- tests ---- */

static void
assert_on_pool (ObjectScene *scene)
{
  g_autofree char *name = call_where (scene);

  g_assert_true (g_str_has_prefix (name, "pool"));
}

static void
test_default (Scene *self, gconstpointer data)
{
  assert_on_pool (&self->scene);
  assert_on_pool (&self->beside);
}

static void
test_chosen_threads (void)
{
  ObjectScene scene = {NULL};

  object_scene_spawn (&scene, "serve", NULL);
  for (guint i = 0; i < N_CALLS; i++)
    assert_on_pool (&scene);
  object_scene_close (&scene);
}

static void
test_blocks (Scene *self, gconstpointer data)
{
  g_autoptr (FerryProxy) counter = object_scene_new_proxy (&self->beside, "counter");

  for (int i = 0; i < N_ROUNDS; i++)
    {
      ObjectOutcome outcome = {0};
      g_autoptr (GCancellable) cancellable = block (self, &outcome);
      g_autofree char *count = g_strdup_printf ("%d", i + 1);

      object_scene_assert_call (counter, "add", g_variant_new ("(i)", 1), count);
      g_assert_false (outcome.over);
      unblock (cancellable, &outcome);
      object_scene_wait_number (&self->beside, "blocked", "wide", 0);
    }
}

static void
test_order (Scene *self, gconstpointer data)
{
  for (int round = 0; round < N_ROUNDS; round++)
    {
      ObjectOutcome blocked = {0};
      ObjectOutcome outcomes[N_CALLS] = {{0}};
      g_autoptr (GCancellable) cancellable = block (self, &blocked);

      for (int i = 0; i < N_CALLS; i++)
        ask_add (self, NULL, &outcomes[i]);
      assert_seen_beside (self, round * N_CALLS);
      unblock (cancellable, &blocked);
      for (int i = 0; i < N_CALLS; i++)
        assert_counted (&outcomes[i], round * N_CALLS + i + 1);
    }
  object_scene_wait_number (&self->beside, "most", "wide", 1);
}

static void
test_cancel_of_one_that_waits (Scene *self, gconstpointer data)
{
  ObjectOutcome blocked = {0};
  ObjectOutcome unwanted = {0};
  ObjectOutcome wanted = {0};
  g_autoptr (GCancellable) cancellable = block (self, &blocked);
  g_autoptr (GCancellable) second = g_cancellable_new ();

  ask_add (self, second, &unwanted);
  ask_add (self, NULL, &wanted);
  unblock (second, &unwanted);
  unblock (cancellable, &blocked);
  assert_counted (&wanted, 1);
}

static void
test_kept (Scene *self, gconstpointer data)
{
  ObjectOutcome held = {0};

  object_scene_ask_call (self->wide, "hold", NULL, &held);
  object_scene_assert_call (self->wide, "add", g_variant_new ("(i)", 1), "1");
  g_assert_false (held.over);
  object_scene_let_go (&self->scene, "wide");
  assert_counted (&held, 1);
}

static void
add (const char *path, void (*test) (Scene *, gconstpointer))
{
  g_test_add (path, Scene, NULL, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);

  add ("/object-place/a-method-is-called-on-a-thread-of-a-pool", test_default);
  g_test_add_func ("/object-place/a-method-is-called-on-the-threads-that-were-chosen", test_chosen_threads);
  add ("/object-place/a-method-that-blocks-holds-up-no-other-transport-and-hears-its-cancel", test_blocks);
  add ("/object-place/calls-wait-behind-a-method-that-blocks-and-follow-in-their-order", test_order);
  add ("/object-place/a-call-that-waits-behind-one-that-blocks-can-be-cancelled", test_cancel_of_one_that_waits);
  add ("/object-place/a-method-that-keeps-its-call-holds-up-no-other", test_kept);

  return g_test_run ();
}
