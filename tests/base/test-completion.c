/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: base/ferry-completion.c
 *
 * What can happen to a completion at once, in every order of its steps: two threads do one thing each; the first stops
 * at each of its steps, while the second goes to each of its own, or to its end. */

#include "config.h"

#include <gio/gio.h>

#include "base/ferry-error.h"

static void stop_here (void);

#define FERRY_COMPLETION_STEP() stop_here ()
#include "base/ferry-completion.c"

/* More steps than any act has. */
#define MAX_STEPS 16

typedef enum
{
  OUTCOME_NONE,
  OUTCOME_RESULT,
  OUTCOME_ERROR,
  OUTCOME_DEADLINE,
  OUTCOME_CANCELLED,
} Outcome;

typedef struct
{
  FerryCompletion *completion; /* (owned) */
  GCancellable *cancellable;   /* (owned) */
  GMainContext *context;       /* (owned) */
  gint64 deadline;             /* const: of its face */
  gint n_made;                 /* atomic, as what follows: results */
  gint n_freed;
  gint n_won; /* calls that said that theirs is the end */
  gint n_abandoned;
  gint n_told;
  gint outcome;
} Scene;

typedef struct
{
  const char *name;
  void (*func) (Scene *scene);
  Outcome outcome; /* OUTCOME_NONE for a face */
  gboolean needs_armed;
} Act;

/* What the completion has for its maker. */
typedef struct
{
  Scene *scene;
  gint *n_destroyed;
} Data;

/* ---- threads that stop ---- */

typedef struct
{
  const Act *act;
  Scene *scene;
  GThread *thread;
  pthread_mutex_t lock;
  pthread_cond_t cond;
  guint n_steps; /* lock, as what follows */
  guint stop_at; /* 0: nowhere */
  gboolean stopped;
  gboolean released;
  gboolean done;
} Actor;

static _Thread_local Actor *this_actor;

static void
stop_here (void)
{
  Actor *self = this_actor;

  if (self == NULL)
    return;
  pthread_mutex_lock (&self->lock);
  if (++self->n_steps == self->stop_at)
    {
      self->stopped = TRUE;
      pthread_cond_broadcast (&self->cond);
      while (!self->released)
        pthread_cond_wait (&self->cond, &self->lock);
    }
  pthread_mutex_unlock (&self->lock);
}

static gpointer
actor_thread (gpointer data)
{
  Actor *self = data;

  this_actor = self;
  self->act->func (self->scene);
  pthread_mutex_lock (&self->lock);
  self->done = TRUE;
  pthread_cond_broadcast (&self->cond);
  pthread_mutex_unlock (&self->lock);
  return NULL;
}

static gboolean
is_asleep (Scene *scene)
{
  return (atomic_load (&scene->completion->state) & ASLEEP) != 0;
}

/* Returns when it has stopped, is done, or sleeps until its end. */
static void
actor_start (Actor *self, Scene *scene, const Act *act, guint stop_at)
{
  gboolean waits = TRUE;

  *self = (Actor){.act = act, .scene = scene, .stop_at = stop_at};
  pthread_mutex_init (&self->lock, NULL);
  pthread_cond_init (&self->cond, NULL);
  self->thread = g_thread_new (act->name, actor_thread, self);
  while (waits)
    {
      pthread_mutex_lock (&self->lock);
      waits = !self->stopped && !self->done && !(act->outcome == OUTCOME_NONE && is_asleep (scene));
      pthread_mutex_unlock (&self->lock);
      g_thread_yield ();
    }
}

static void
actor_release (Actor *self)
{
  pthread_mutex_lock (&self->lock);
  self->released = TRUE;
  self->stop_at = 0;
  pthread_cond_broadcast (&self->cond);
  pthread_mutex_unlock (&self->lock);
}

/* Returns whether it had stopped where it was to. */
static gboolean
actor_join (Actor *self)
{
  gboolean stopped;

  g_thread_join (self->thread);
  stopped = self->stopped;
  pthread_cond_destroy (&self->cond);
  pthread_mutex_destroy (&self->lock);
  return stopped;
}

/* ---- what they do ---- */

static void
free_result (gpointer data)
{
  Scene *scene = data;

  g_atomic_int_inc (&scene->n_freed);
}

static void
finish_with_result (Scene *scene)
{
  g_atomic_int_inc (&scene->n_made);
  if (ferry_completion_finish (scene->completion, scene, free_result, NULL))
    g_atomic_int_inc (&scene->n_won);
}

static void
finish_with_error (Scene *scene)
{
  GError *error = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, "closed");

  if (ferry_completion_finish (scene->completion, NULL, NULL, error))
    g_atomic_int_inc (&scene->n_won);
}

static void
give_up (Scene *scene)
{
  if (ferry_completion_abandon (scene->completion, FERRY_ABANDON_DEADLINE))
    g_atomic_int_inc (&scene->n_won);
}

static void
cancel (Scene *scene)
{
  g_cancellable_cancel (scene->cancellable);
}

static void
note_end (Scene *scene, gpointer result, const GError *error)
{
  Outcome outcome = OUTCOME_RESULT;

  g_assert_true ((result != NULL) == (error == NULL));
  if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_CLOSED))
    outcome = OUTCOME_ERROR;
  else if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT))
    outcome = OUTCOME_DEADLINE;
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    outcome = OUTCOME_CANCELLED;
  else
    g_assert_no_error (error);
  if (result != NULL)
    free_result (result);
  g_atomic_int_set (&scene->outcome, (gint) outcome);
  g_atomic_int_inc (&scene->n_told);
}

static void
take_end (Scene *scene)
{
  g_autoptr (GError) error = NULL;
  gpointer result = ferry_completion_take (scene->completion, &error);

  note_end (scene, result, error);
}

static void
be_thread (Scene *scene)
{
  ferry_completion_wait (scene->completion, scene->deadline, scene->cancellable);
  take_end (scene);
}

static void
task_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  gpointer value = g_task_propagate_pointer (G_TASK (result), &error);

  note_end (data, value, error);
}

static void
be_task (Scene *scene)
{
  g_autoptr (GTask) task = NULL;

  g_main_context_push_thread_default (scene->context);
  task = g_task_new (NULL, scene->cancellable, task_cb, scene);
  g_main_context_pop_thread_default (scene->context);
  g_task_set_check_cancellable (task, FALSE);
  ferry_completion_return (scene->completion, task, scene->deadline);
}

static void
function_cb (FerryCompletion *self, gpointer data)
{
  g_assert_true (ferry_completion_get_data (self) == data);
  g_assert_true (ferry_completion_from_data (data) == self);
  take_end (((Data *) data)->scene);
}

static void
be_function (Scene *scene)
{
  ferry_completion_call (scene->completion, function_cb, NULL);
}

static const Act ends[] = {
  {"result", finish_with_result, OUTCOME_RESULT, FALSE},
  {"error", finish_with_error, OUTCOME_ERROR, FALSE},
  {"deadline", give_up, OUTCOME_DEADLINE, FALSE},
  {"cancellable", cancel, OUTCOME_CANCELLED, TRUE},
};

/* The first two have a deadline and a cancellable. */
static const Act faces[] = {
  {"thread", be_thread, OUTCOME_NONE, FALSE},
  {"task", be_task, OUTCOME_NONE, FALSE},
  {"function", be_function, OUTCOME_NONE, FALSE},
};
#define N_ARMED 2

/* ---- scenes ---- */

static GError *
abandon_cb (gpointer data, FerryAbandonReason reason)
{
  Scene *scene = ((Data *) data)->scene;

  g_atomic_int_inc (&scene->n_abandoned);
  return reason == FERRY_ABANDON_DEADLINE ? g_error_new_literal (FERRY_ERROR, FERRY_ERROR_TIMED_OUT, "late")
                                          : g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled");
}

static void
destroy_cb (gpointer data)
{
  ++*((Data *) data)->n_destroyed;
}

static const FerryCompletionFuncs funcs = {.abandon = abandon_cb, .destroy = destroy_cb};

static void
scene_begin (Scene *self, gint *n_destroyed, gint64 deadline)
{
  Data *data;

  *self = (Scene){.deadline = deadline};
  *n_destroyed = 0;
  self->completion = ferry_completion_new (&funcs, sizeof (Data));
  self->cancellable = g_cancellable_new ();
  self->context = g_main_context_new ();
  data = ferry_completion_get_data (self->completion);
  *data = (Data){self, n_destroyed};
}

/* possible: the outcomes that there may be, as bits. */
static void
scene_end (Scene *self, const gint *n_destroyed, guint possible)
{
  gboolean abandoned;

  while (g_atomic_int_get (&self->n_told) == 0)
    g_main_context_iteration (self->context, TRUE);
  while (g_main_context_iteration (self->context, FALSE))
    ;
  g_assert_true (ferry_completion_is_over (self->completion));
  g_assert_cmpint (self->n_told, ==, 1);
  g_assert_cmpuint (possible & 1u << self->outcome, !=, 0);
  abandoned = self->outcome == OUTCOME_DEADLINE || self->outcome == OUTCOME_CANCELLED;
  g_assert_cmpint (self->n_abandoned, ==, abandoned);
  g_assert_cmpint (self->n_won, <=, 1);
  g_assert_true (self->n_won == 1 || abandoned);
  g_assert_cmpint (self->n_freed, ==, self->n_made);
  g_assert_cmpint (atomic_load (&self->completion->references), ==, 1);
  ferry_completion_unref (self->completion);
  g_assert_cmpint (*n_destroyed, ==, 1);
  g_assert_cmpint (G_OBJECT (self->cancellable)->ref_count, ==, 1);
  g_object_unref (self->cancellable);
  g_main_context_unref (self->context);
}

/* Both at once, the first stopping at its step number one, the second at two. Adds to what they stopped at. */
static void
play_two (Scene *scene, const Act *first, const Act *second, guint one, guint two, gboolean *stops)
{
  Actor actors[2];

  actor_start (&actors[0], scene, first, one);
  actor_start (&actors[1], scene, second, two);
  actor_release (&actors[0]);
  actor_release (&actors[1]);
  stops[0] |= actor_join (&actors[0]);
  stops[1] |= actor_join (&actors[1]);
}

/* Has play called for every pair of steps, until there are no more. */
static void
for_every_step (void (*play) (const Act *face, const Act *first, const Act *second, guint one, guint two,
                              gboolean *stops),
                const Act *face, const Act *first, const Act *second)
{
  gboolean stops[2] = {TRUE, TRUE};

  for (guint one = 1; stops[0]; one++)
    {
      g_assert_cmpuint (one, <, MAX_STEPS);
      stops[0] = FALSE;
      stops[1] = TRUE;
      for (guint two = 1; stops[1]; two++)
        {
          g_assert_cmpuint (two, <, MAX_STEPS);
          stops[1] = FALSE;
          play (face, first, second, one, two, stops);
        }
    }
}

/* Whether two threads may do these at once, with that face. */
static gboolean
is_possible (guint face, const Act *first, const Act *second)
{
  return face < N_ARMED || !(first->needs_armed || second->needs_armed);
}

static guint
bit_of (const Act *act)
{
  return 1u << act->outcome;
}

static void
play_face_and_end (const Act *unused, const Act *face, const Act *end, guint one, guint two, gboolean *stops)
{
  Scene scene;
  gint n_destroyed;

  scene_begin (&scene, &n_destroyed, G_MAXINT64);
  play_two (&scene, face, end, one, two, stops);
  scene_end (&scene, &n_destroyed, bit_of (end));
}

static void
test_each_face_hears_of_each_end (void)
{
  for (guint face = 0; face < G_N_ELEMENTS (faces); face++)
    for (guint end = 0; end < G_N_ELEMENTS (ends); end++)
      if (face < N_ARMED || !ends[end].needs_armed)
        for_every_step (play_face_and_end, NULL, &faces[face], &ends[end]);
}

static void
play_two_ends (const Act *face, const Act *first, const Act *second, guint one, guint two, gboolean *stops)
{
  Scene scene;
  gint n_destroyed;
  Actor actor;

  scene_begin (&scene, &n_destroyed, G_MAXINT64);
  actor_start (&actor, &scene, face, 0);
  play_two (&scene, first, second, one, two, stops);
  actor_join (&actor);
  scene_end (&scene, &n_destroyed, bit_of (first) | bit_of (second));
}

static void
test_the_first_of_two_ends_counts (void)
{
  for (guint face = 0; face < G_N_ELEMENTS (faces); face++)
    for (guint first = 0; first < G_N_ELEMENTS (ends); first++)
      for (guint second = 0; second < G_N_ELEMENTS (ends); second++)
        if (is_possible (face, &ends[first], &ends[second]))
          for_every_step (play_two_ends, &faces[face], &ends[first], &ends[second]);
}

static void
play_late_face (const Act *face, const Act *first, const Act *second, guint one, guint two, gboolean *stops)
{
  Scene scene;
  gint n_destroyed;

  scene_begin (&scene, &n_destroyed, G_MAXINT64);
  play_two (&scene, first, second, one, two, stops);
  face->func (&scene);
  scene_end (&scene, &n_destroyed, bit_of (first) | bit_of (second));
}

static void
test_a_face_that_is_given_late_hears_of_the_first_end (void)
{
  for (guint face = 0; face < G_N_ELEMENTS (faces); face++)
    for (guint first = 0; first < G_N_ELEMENTS (ends); first++)
      for (guint second = 0; second < G_N_ELEMENTS (ends); second++)
        if (is_possible (N_ARMED, &ends[first], &ends[second]))
          for_every_step (play_late_face, &faces[face], &ends[first], &ends[second]);
}

/* The face's own deadline has passed when it begins. */
static void
play_deadline (const Act *unused, const Act *face, const Act *end, guint one, guint two, gboolean *stops)
{
  Scene scene;
  gint n_destroyed;

  scene_begin (&scene, &n_destroyed, 1);
  play_two (&scene, face, end, one, two, stops);
  scene_end (&scene, &n_destroyed, bit_of (end) | 1u << OUTCOME_DEADLINE);
}

static void
test_a_deadline_races_each_end (void)
{
  for (guint face = 0; face < N_ARMED; face++)
    for (guint end = 0; end < G_N_ELEMENTS (ends); end++)
      for_every_step (play_deadline, NULL, &faces[face], &ends[end]);
}

static void
test_a_deadline_alone_is_an_end (void)
{
  for (guint face = 0; face < N_ARMED; face++)
    {
      Scene scene;
      gint n_destroyed;

      scene_begin (&scene, &n_destroyed, g_get_monotonic_time () + 1000);
      faces[face].func (&scene);
      scene_end (&scene, &n_destroyed, 1u << OUTCOME_DEADLINE);
      g_assert_cmpint (g_get_monotonic_time (), >=, scene.deadline);
    }
}

static void
test_what_is_cancelled_already_is_an_end (void)
{
  for (guint face = 0; face < N_ARMED; face++)
    {
      Scene scene;
      gint n_destroyed;

      scene_begin (&scene, &n_destroyed, G_MAXINT64);
      g_cancellable_cancel (scene.cancellable);
      faces[face].func (&scene);
      scene_end (&scene, &n_destroyed, 1u << OUTCOME_CANCELLED);
    }
}

/* Nothing that came before is lost to a cancellable or a deadline that came before the face. */
static void
test_an_end_before_the_face_counts_more_than_its_deadline_and_its_cancellable (void)
{
  for (guint face = 0; face < N_ARMED; face++)
    {
      Scene scene;
      gint n_destroyed;

      scene_begin (&scene, &n_destroyed, 1);
      finish_with_result (&scene);
      g_cancellable_cancel (scene.cancellable);
      faces[face].func (&scene);
      scene_end (&scene, &n_destroyed, 1u << OUTCOME_RESULT);
    }
}

static void
test_what_nothing_waits_for_frees_its_result (void)
{
  Scene scene;
  gint n_destroyed;

  scene_begin (&scene, &n_destroyed, G_MAXINT64);
  finish_with_result (&scene);
  ferry_completion_unref (scene.completion);
  g_assert_cmpint (n_destroyed, ==, 1);
  g_assert_cmpint (scene.n_freed, ==, 1);
  g_object_unref (scene.cancellable);
  g_main_context_unref (scene.context);
}

static gpointer
end_what_was_handed (gpointer data)
{
  Scene *scene = data;
  guint n_woken;

  g_assert_true (ferry_completion_wait_or_take (scene->completion, G_MAXINT64, NULL));
  n_woken = ferry_spin_count_wakes ();
  finish_with_result (scene);
  g_assert_cmpuint (ferry_spin_count_wakes (), ==, n_woken);
  take_end (scene);
  return NULL;
}

static void
test_a_thread_that_ends_what_it_was_handed_wakes_nobody (void)
{
  Scene scene;
  gint n_destroyed;
  _Atomic guint32 *due;
  GThread *thread;

  scene_begin (&scene, &n_destroyed, G_MAXINT64);
  thread = g_thread_new ("handed", end_what_was_handed, &scene);
  while (!is_asleep (&scene))
    g_thread_yield ();
  due = ferry_completion_hand_over (scene.completion);
  g_assert_nonnull (due);
  ferry_completion_wake (due);
  g_thread_join (thread);
  scene_end (&scene, &n_destroyed, 1u << OUTCOME_RESULT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/completion/each-face-hears-of-each-end", test_each_face_hears_of_each_end);
  g_test_add_func ("/completion/the-first-of-two-ends-counts", test_the_first_of_two_ends_counts);
  g_test_add_func ("/completion/a-deadline-races-each-end", test_a_deadline_races_each_end);
  g_test_add_func ("/completion/a-deadline-alone-is-an-end", test_a_deadline_alone_is_an_end);
  g_test_add_func ("/completion/what-is-cancelled-already-is-an-end", test_what_is_cancelled_already_is_an_end);
  g_test_add_func ("/completion/a-face-that-is-given-late-hears-of-the-first-end",
                   test_a_face_that_is_given_late_hears_of_the_first_end);
  g_test_add_func ("/completion/an-end-before-the-face-counts-more-than-its-deadline-and-its-cancellable",
                   test_an_end_before_the_face_counts_more_than_its_deadline_and_its_cancellable);
  g_test_add_func ("/completion/a-thread-that-ends-what-it-was-handed-wakes-nobody",
                   test_a_thread_that_ends_what_it_was_handed_wakes_nobody);
  g_test_add_func ("/completion/what-nothing-waits-for-frees-its-result", test_what_nothing_waits_for_frees_its_result);
  return g_test_run ();
}
