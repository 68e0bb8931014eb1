/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-evaluation.c, conversation/ferry-demux.c
 *
 * Calls over one proxy are carried out in the order in which they were made, whatever threads the exporter has. */

#include "config.h"

#include <locale.h>
#include <stdatomic.h>

#include "func-call.h"
#include "object-scene.h"

#define N_CALLS 400
#define N_THREADS 3
#define N_ROUNDS 150

/* More than a small message: it takes the ways of large ones. */
#define LARGE (300 * 1024)

/* Waits for outcomes of “add”, and asserts that each is by 1 more than the one before. */
static void
assert_counted (ObjectOutcome *outcomes, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      ferry_test_wait_flag (&outcomes[i].over);
      g_assert_no_error (outcomes[i].error);
      g_assert_cmpint (g_variant_get_int32 (outcomes[i].value), ==, i + 1);
      object_outcome_clear (&outcomes[i]);
    }
}

/* ---- one after the other, none waited for ---- */

static void
calls_of_one_thread (ObjectScene *scene)
{
  g_autoptr (FerryProxy) counter = object_scene_new_proxy (scene, "counter");
  g_autofree ObjectOutcome *outcomes = g_new0 (ObjectOutcome, N_CALLS);

  for (guint i = 0; i < N_CALLS; i++)
    object_scene_ask_call (counter, "add", g_variant_new ("(i)", 1), &outcomes[i]);
  assert_counted (outcomes, N_CALLS);
}

/* The counter is the second object of each chain. */
static void
chains (ObjectScene *scene)
{
  g_autoptr (FerryProxy) shelf = object_scene_new_proxy (scene, "shelf");
  g_autofree ObjectOutcome *outcomes = g_new0 (ObjectOutcome, N_CALLS);

  object_scene_assert_call (shelf, "append", g_variant_new ("(s)", "first"), "1");
  for (guint i = 0; i < N_CALLS; i++)
    object_scene_ask (shelf, g_variant_new_parsed ("(('get-item', 0), ('call', 'add', (1,)))"), -1, NULL, &outcomes[i]);
  assert_counted (outcomes, N_CALLS);
}

/* ---- a large one, and a small one ---- */

static void
large_before_small (ObjectScene *scene)
{
  g_autoptr (FerryProxy) counter = object_scene_new_proxy (scene, "counter");

  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *label = g_strnfill (LARGE, (char) ('a' + i));
      g_auto (ObjectOutcome) is_set = {0};
      g_auto (ObjectOutcome) got = {0};

      object_scene_ask (counter, g_variant_new ("((sss))", "set", "label", label), -1, NULL, &is_set);
      object_scene_ask (counter, g_variant_new ("((ss))", "get", "label"), -1, NULL, &got);
      ferry_test_wait_flag (&is_set.over);
      ferry_test_wait_flag (&got.over);
      g_assert_no_error (is_set.error);
      g_assert_no_error (got.error);
      g_assert_true (g_str_equal (g_variant_get_string (got.value, NULL), label));
    }
}

/* ---- threads, that wait for some of their calls and not for others ---- */

typedef struct
{
  FerryProxy *proxy;
  _Atomic gboolean over;
  gint32 values[2 * N_ROUNDS]; /* of each call, in the order in which they were made */
  _Atomic guint n_answered;
} Caller;

typedef struct
{
  Caller *caller;
  gint32 *value;
} Asked;

static void
answered (GVariant *value, FerryProxy *object, const GError *error, gpointer data)
{
  g_autofree Asked *self = data;

  g_assert_no_error (error);
  *self->value = g_variant_get_int32 (value);
  atomic_fetch_add (&self->caller->n_answered, 1);
}

static void
ask (Caller *self, gint32 *value)
{
  Asked *asked = g_new (Asked, 1);

  *asked = (Asked){self, value};
  test_call_with_func (self->proxy, "add", g_variant_new ("(i)", 1), answered, asked);
}

static void
call (Caller *self, gint32 *value)
{
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GError) error = NULL;

  ferry_proxy_call (self->proxy, "add", g_variant_new ("(i)", 1), -1, NULL, &result, NULL, &error);
  g_assert_no_error (error);
  *value = g_variant_get_int32 (result);
}

static gpointer
call_thread (gpointer data)
{
  Caller *self = data;

  for (guint i = 0; i < 2 * N_ROUNDS; i += 2)
    {
      ask (self, &self->values[i]);
      call (self, &self->values[i + 1]);
    }
  atomic_store (&self->over, TRUE);
  return NULL;
}

static gboolean
are_over (gpointer data)
{
  Caller *callers = data;

  for (guint i = 0; i < N_THREADS; i++)
    if (!atomic_load (&callers[i].over) || atomic_load (&callers[i].n_answered) < N_ROUNDS)
      return FALSE;
  return TRUE;
}

static void
calls_of_threads (ObjectScene *scene)
{
  g_autoptr (FerryProxy) counter = object_scene_new_proxy (scene, "counter");
  g_autofree Caller *callers = g_new0 (Caller, N_THREADS);
  GThread *threads[N_THREADS];

  for (guint i = 0; i < N_THREADS; i++)
    {
      callers[i].proxy = counter;
      threads[i] = g_thread_new ("caller", call_thread, &callers[i]);
    }
  ferry_test_look_until (are_over, callers);
  for (guint i = 0; i < N_THREADS; i++)
    {
      g_thread_join (threads[i]);
      for (guint j = 1; j < 2 * N_ROUNDS; j++)
        g_assert_cmpint (callers[i].values[j - 1], <, callers[i].values[j]);
    }
}

static const ObjectSceneFact facts[] = {
  {"calls-of-one-thread-are-carried-out-in-their-order", calls_of_one_thread},
  {"chains-reach-their-second-object-in-order", chains},
  {"a-large-call-is-carried-out-before-a-small-one-behind-it", large_before_small},
  {"calls-that-are-waited-for-keep-their-place-among-others-of-their-thread", calls_of_threads},
};

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);

  object_scene_add_facts ("object-order", facts, G_N_ELEMENTS (facts));

  return g_test_run ();
}
