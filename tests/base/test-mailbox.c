/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: base/ferry-mailbox.c, base/ferry-work-source.c
 *
 * A main context's mailbox. */

#include "config.h"

#include "ferry-test.h"

#include "base/ferry-mailbox-private.h"
#include "base/ferry-spin-private.h"

typedef struct
{
  GMainContext *context;
  FerryMailbox *mailbox;
  GString *calls;
  gboolean done;
} Scene;

typedef struct
{
  Scene *scene;
  char name;
} Letter;

static Scene *
scene_new (void)
{
  Scene *scene = g_new0 (Scene, 1);

  scene->context = g_main_context_new ();
  scene->mailbox = ferry_mailbox_ref_for (scene->context);
  scene->calls = g_string_new (NULL);
  return scene;
}

static void
scene_free (Scene *scene)
{
  ferry_mailbox_unref (scene->mailbox);
  g_main_context_unref (scene->context);
  g_string_free (scene->calls, TRUE);
  g_free (scene);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Scene, scene_free)

static void
note_call (gpointer data)
{
  Letter *letter = data;

  g_assert_true (ferry_mailbox_is_running (letter->scene->mailbox));
  g_string_append_c (letter->scene->calls, letter->name);
}

static void
note_end (gpointer data)
{
  Letter *letter = data;

  g_string_append_c (letter->scene->calls, g_ascii_toupper (letter->name));
  g_free (letter);
}

static void
post_func (Scene *scene, void (*func) (gpointer data), char name)
{
  Letter *letter = g_new (Letter, 1);

  *letter = (Letter){scene, name};
  ferry_mailbox_post (scene->context, func, letter, note_end);
}

static void
post (Scene *scene, const char *names)
{
  for (; *names != '\0'; names++)
    post_func (scene, note_call, *names);
}

static void
settle (Scene *scene)
{
  while (g_main_context_iteration (scene->context, FALSE))
    ;
}

static void
test_order (void)
{
  g_autoptr (Scene) scene = scene_new ();

  post (scene, "abc");
  g_assert_cmpuint (ferry_mailbox_get_n (scene->mailbox), ==, 3);
  g_assert_cmpstr (scene->calls->str, ==, "");
  settle (scene);
  g_assert_cmpstr (scene->calls->str, ==, "aAbBcC");
  g_assert_false (ferry_mailbox_is_running (scene->mailbox));
  g_assert_false (g_main_context_pending (scene->context));
}

static void
test_manual (void)
{
  g_autoptr (Scene) scene = scene_new ();

  post (scene, "ab");
  g_assert_true (ferry_mailbox_run_one (scene->mailbox));
  g_assert_cmpstr (scene->calls->str, ==, "aA");
  g_assert_true (ferry_mailbox_run_one (scene->mailbox));
  g_assert_false (ferry_mailbox_run_one (scene->mailbox));
  g_assert_cmpstr (scene->calls->str, ==, "aAbB");
  /* Nothing is left of them. */
  g_assert_false (g_main_context_pending (scene->context));
  post (scene, "c");
  settle (scene);
  g_assert_cmpstr (scene->calls->str, ==, "aAbBcC");
}

static void
iterate (gpointer data)
{
  Letter *letter = data;

  note_call (letter);
  settle (letter->scene);
}

static void
test_within_a_post (void)
{
  g_autoptr (Scene) scene = scene_new ();

  post_func (scene, iterate, 'a');
  post (scene, "bc");
  settle (scene);
  g_assert_cmpstr (scene->calls->str, ==, "abBcCA");
}

static void
post_again (gpointer data)
{
  Letter *letter = data;

  note_call (letter);
  post_func (letter->scene, post_again, letter->name);
}

static void
test_one_that_posts_without_end (void)
{
  g_autoptr (Scene) scene = scene_new ();

  post_func (scene, post_again, 'a');
  for (guint n = 1; n <= 3; n++)
    {
      g_assert_true (g_main_context_iteration (scene->context, FALSE));
      g_assert_cmpuint (scene->calls->len, ==, 2 * n);
    }
}

static void
test_one_for_each_context (void)
{
  g_autoptr (Scene) scene = scene_new ();
  g_autoptr (Scene) other = scene_new ();

  g_assert_true (scene->mailbox != other->mailbox);
  post (scene, "a");
  post (other, "b");
  settle (other);
  g_assert_cmpstr (scene->calls->str, ==, "");
  g_assert_cmpstr (other->calls->str, ==, "bB");
  settle (scene);
  g_assert_cmpstr (scene->calls->str, ==, "aA");
}

/* The data goes with the context, and a context that gets the same address has a mailbox of its own. */
static void
test_end_of_the_context (void)
{
  for (guint round = 0; round < 10; round++)
    {
      Scene *scene = scene_new ();
      g_autoptr (GString) calls = g_string_new (NULL);

      g_string_free (g_steal_pointer (&scene->calls), TRUE);
      scene->calls = calls;
      post (scene, "ab");
      g_clear_pointer (&scene->mailbox, ferry_mailbox_unref);
      g_main_context_unref (scene->context);
      g_assert_cmpstr (calls->str, ==, "AB");
      g_free (scene);
    }
}

static gpointer
post_thousand (gpointer data)
{
  for (guint i = 0; i < 1000; i++)
    post (data, "a");
  return NULL;
}

static void
test_threads (void)
{
  g_autoptr (Scene) scene = scene_new ();
  GThread *threads[4];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("poster", post_thousand, scene);
  while (scene->calls->len < 2 * 1000 * G_N_ELEMENTS (threads))
    g_main_context_iteration (scene->context, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  g_assert_false (g_main_context_pending (scene->context));
}

static void
count_call (gpointer data)
{
  ++*(guint *) data;
}

static gboolean
post_to_own (gpointer data)
{
  guint *n_calls = data;
  GMainContext *context = g_source_get_context (g_main_current_source ());

  g_assert_false (ferry_test_is_woken (context));
  ferry_mailbox_post (context, count_call, n_calls, NULL);
  g_assert_false (ferry_test_is_woken (context));
  return G_SOURCE_REMOVE;
}

static gpointer
post_from_elsewhere (gpointer data)
{
  gpointer *both = data;

  ferry_mailbox_post (both[0], count_call, both[1], NULL);
  return NULL;
}

/* A write to the context's descriptor for each post would cost each packet of a cluster three system calls. */
static void
test_who_is_awake_is_not_woken (void)
{
  g_autoptr (Scene) scene = scene_new ();
  GMainContext *context = scene->context;
  g_autoptr (GSource) source = g_timeout_source_new (0);
  guint n_calls = 0;
  guint n_wakes = ferry_spin_count_wakes ();
  int priority;

  g_source_set_callback (source, post_to_own, &n_calls, NULL);
  g_source_attach (source, context);
  g_main_context_iteration (context, FALSE);
  while (n_calls < 1)
    g_main_context_iteration (context, TRUE);
  g_assert_true (g_main_context_acquire (context));
  g_thread_join (g_thread_new ("elsewhere", post_from_elsewhere, (gpointer[]){context, &n_calls}));
  g_assert_false (ferry_test_is_woken (context));
  g_main_context_iteration (context, TRUE);
  g_assert_cmpuint (n_calls, ==, 2);
  /* As before it sleeps. */
  g_assert_false (g_main_context_prepare (context, &priority));
  g_thread_join (g_thread_new ("elsewhere", post_from_elsewhere, (gpointer[]){context, &n_calls}));
  g_assert_true (ferry_test_is_woken (context));
  g_main_context_release (context);
  while (n_calls < 3)
    g_main_context_iteration (context, TRUE);
  g_assert_cmpuint (ferry_spin_count_wakes (), ==, n_wakes);
  g_assert_true (g_main_context_acquire (context));
  g_assert_false (g_main_context_prepare (context, &priority));
  ferry_mailbox_post (context, count_call, &n_calls, NULL);
  g_main_context_release (context);
  g_assert_cmpuint (ferry_spin_count_wakes (), ==, n_wakes + 1);
  while (n_calls < 4)
    g_main_context_iteration (context, TRUE);
}

/* A source that posts when the context is about to sleep. */
typedef struct
{
  GSource source;
  guint n_calls;
  gboolean has_posted;
} Poster;

static gboolean
poster_prepare (GSource *source, int *timeout)
{
  Poster *self = (Poster *) source;

  *timeout = -1;
  if (!self->has_posted)
    ferry_mailbox_post (g_source_get_context (source), count_call, &self->n_calls, NULL);
  self->has_posted = TRUE;
  return FALSE;
}

static gboolean
poster_check (GSource *source)
{
  return FALSE;
}

static void
test_a_post_before_the_sleep_wakes (void)
{
  static GSourceFuncs funcs = {.prepare = poster_prepare, .check = poster_check};
  Scene *scene = scene_new ();
  Poster *poster = (Poster *) g_source_new (&funcs, sizeof (Poster));

  /* Behind the mailbox, which has looked by then. */
  g_source_set_priority (&poster->source, G_PRIORITY_LOW);
  g_source_attach (&poster->source, scene->context);
  while (poster->n_calls < 1)
    g_main_context_iteration (scene->context, TRUE);
  g_source_destroy (&poster->source);
  g_source_unref (&poster->source);
  scene_free (scene);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mailbox/posts-run-in-order-and-not-at-once", test_order);
  g_test_add_func ("/mailbox/posts-run-one-by-one", test_manual);
  g_test_add_func ("/mailbox/wakes-no-context-that-is-awake", test_who_is_awake_is_not_woken);
  g_test_add_func ("/mailbox/a-post-before-the-sleep-wakes", test_a_post_before_the_sleep_wakes);
  g_test_add_func ("/mailbox/posts-run-in-a-loop-within-a-post", test_within_a_post);
  g_test_add_func ("/mailbox/posts-that-post-let-other-sources-have-their-turn", test_one_that_posts_without_end);
  g_test_add_func ("/mailbox/is-its-context-s", test_one_for_each_context);
  g_test_add_func ("/mailbox/goes-with-its-context", test_end_of_the_context);
  g_test_add_func ("/mailbox/posts-of-many-threads-all-run", test_threads);
  return g_test_run ();
}
