/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: base/ferry-weak.c, base/ferry-revival.c
 *
 * Weak references that leave the reference count alone. */

#include "config.h"

#include "ferry-test.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/ferry-revival-private.h"
#include "base/ferry-weak-private.h"

G_DECLARE_FINAL_TYPE (TestThing, test_thing, TEST, THING, GObject)

struct _TestThing
{
  GObject parent_instance;
  FerryWeak *weak;
  guint *n_finalized;
  int value;
  void (*dispatched) (void); /* (nullable): called while the thing's notifications are dispatched */
};

G_DEFINE_FINAL_TYPE (TestThing, test_thing, G_TYPE_OBJECT)

static GParamSpec *thing_property;
static void (*dispatch) (GObject *object, guint n_properties, GParamSpec **properties);

static void
test_thing_dispatch (GObject *object, guint n_properties, GParamSpec **properties)
{
  TestThing *self = TEST_THING (object);

  if (self->dispatched != NULL)
    self->dispatched ();
  dispatch (object, n_properties, properties);
}

static void
test_thing_dispose (GObject *object)
{
  ferry_weak_end (TEST_THING (object)->weak);
  g_object_notify_by_pspec (object, thing_property);

  G_OBJECT_CLASS (test_thing_parent_class)->dispose (object);
}

static void
test_thing_finalize (GObject *object)
{
  TestThing *self = TEST_THING (object);

  *self->n_finalized += 1;
  self->value = 0;
  ferry_weak_unref (self->weak);

  G_OBJECT_CLASS (test_thing_parent_class)->finalize (object);
}

static void
test_thing_class_init (TestThingClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  ferry_revival_class_init (object_class);
  dispatch = object_class->dispatch_properties_changed;
  object_class->dispatch_properties_changed = test_thing_dispatch;
  object_class->dispose = test_thing_dispose;
  object_class->finalize = test_thing_finalize;
  thing_property = g_param_spec_ref_sink (g_param_spec_int ("thing", NULL, NULL, 0, 9, 0, G_PARAM_READABLE));
}

static void
test_thing_init (TestThing *self)
{
  self->weak = ferry_weak_new (self);
  self->value = 7;
}

static TestThing *
thing_new (guint *n_finalized)
{
  TestThing *self = g_object_new (test_thing_get_type (), NULL);

  self->n_finalized = n_finalized;
  return self;
}

static void
test_end (void)
{
  guint n_finalized = 0;
  TestThing *thing = thing_new (&n_finalized);
  FerryWeak *weak = ferry_weak_ref (thing->weak);

  g_assert_true (ferry_weak_enter (weak) == thing);
  ferry_weak_leave (weak);
  g_object_unref (thing);
  g_assert_cmpuint (n_finalized, ==, 1);
  g_assert_null (ferry_weak_enter (weak));
  ferry_weak_leave (weak);
  g_assert_null (ferry_weak_get (weak));
  ferry_weak_unref (weak);
}

static void
test_last_user (void)
{
  guint n_finalized = 0;
  TestThing *thing = thing_new (&n_finalized);
  FerryWeak *weak = thing->weak;

  ferry_weak_enter (weak);
  ferry_weak_enter (weak);
  g_object_unref (thing);
  g_assert_null (ferry_weak_get (weak));
  ferry_weak_leave (weak);
  g_assert_cmpuint (n_finalized, ==, 0);
  g_assert_cmpint (thing->value, ==, 7);
  ferry_weak_leave (weak);
  g_assert_cmpuint (n_finalized, ==, 1);
}

static FerryWeak *used_elsewhere;
static guint n_finalized_elsewhere;

static gpointer
leave (gpointer data)
{
  ferry_weak_leave (used_elsewhere);
  return NULL;
}

static void
leave_elsewhere (void)
{
  g_thread_join (g_thread_new ("leaves", leave, NULL));
  g_assert_cmpuint (n_finalized_elsewhere, ==, 0);
}

/* GLib before 2.80 has given its own reference back here, and uses the object still. */
static void
test_disposal (void)
{
  TestThing *thing = thing_new (&n_finalized_elsewhere);

  thing->dispatched = leave_elsewhere;
  used_elsewhere = thing->weak;
  ferry_weak_enter (used_elsewhere);
  g_object_unref (thing);
  g_assert_cmpuint (n_finalized_elsewhere, ==, 1);
}

static void
test_run_dispose (void)
{
  guint n_finalized = 0;
  TestThing *thing = thing_new (&n_finalized);
  FerryWeak *weak = thing->weak;

  ferry_weak_enter (weak);
  g_object_run_dispose (G_OBJECT (thing));
  ferry_weak_leave (weak);
  g_assert_cmpuint (n_finalized, ==, 0);
  g_assert_null (ferry_weak_get (weak));
  g_object_unref (thing);
  g_assert_cmpuint (n_finalized, ==, 1);
}

static void
test_strong (void)
{
  guint n_finalized = 0;
  TestThing *thing = thing_new (&n_finalized);

  g_assert_true (ferry_weak_get (thing->weak) == thing);
  g_object_unref (thing);
  g_assert_cmpuint (n_finalized, ==, 0);
  g_object_unref (thing);
  g_assert_cmpuint (n_finalized, ==, 1);
}

static void
count_toggle (gpointer data, GObject *object, gboolean is_last)
{
  *(guint *) data += 1;
}

static void
test_count (void)
{
  guint n_finalized = 0;
  guint n_toggles = 0;
  TestThing *thing = thing_new (&n_finalized);

  g_object_add_toggle_ref (G_OBJECT (thing), count_toggle, &n_toggles);
  g_object_unref (thing);
  n_toggles = 0;
  ferry_weak_enter (thing->weak);
  ferry_weak_leave (thing->weak);
  g_assert_cmpuint (n_toggles, ==, 0);
  g_object_remove_toggle_ref (G_OBJECT (thing), count_toggle, &n_toggles);
  g_assert_cmpuint (n_finalized, ==, 1);
}

#define N_ROUNDS 2000

typedef struct
{
  _Atomic (FerryWeak *) weak;
  _Atomic gboolean over;
} Race;

static gpointer
use_all (gpointer data)
{
  Race *race = data;
  guint n_used = 0;

  while (!atomic_load (&race->over))
    {
      FerryWeak *weak = atomic_exchange (&race->weak, NULL);

      while (weak != NULL)
        {
          FERRY_USE_WEAK (TestThing, thing, weak);

          if (thing == NULL)
            break;
          g_assert_cmpint (thing->value, ==, 7);
          n_used++;
        }
      g_clear_pointer (&weak, ferry_weak_unref);
    }
  return GUINT_TO_POINTER (n_used);
}

/* Each thing goes while the other thread may be at it, and is freed once, by one of the two. */
static void
test_race (void)
{
  Race race = {0};
  g_autoptr (GThread) thread = g_thread_new ("uses", use_all, &race);
  guint n_finalized[N_ROUNDS] = {0};

  for (guint i = 0; i < N_ROUNDS; i++)
    {
      TestThing *thing = thing_new (&n_finalized[i]);

      atomic_store (&race.weak, ferry_weak_ref (thing->weak));
      while (i % 2 == 0 && atomic_load (&race.weak) != NULL)
        g_thread_yield ();
      g_object_unref (thing);
      while (atomic_load (&race.weak) != NULL)
        g_thread_yield ();
    }
  atomic_store (&race.over, TRUE);
  g_thread_join (g_steal_pointer (&thread));
  for (guint i = 0; i < N_ROUNDS; i++)
    g_assert_cmpuint (n_finalized[i], ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/weak/what-goes-is-used-no-more", test_end);
  g_test_add_func ("/weak/the-last-user-frees-what-went-meanwhile", test_last_user);
  g_test_add_func ("/weak/a-user-on-another-thread-frees-nothing-that-is-being-disposed-of", test_disposal);
  g_test_add_func ("/weak/what-is-disposed-of-by-hand-goes-on", test_run_dispose);
  g_test_add_func ("/weak/gives-a-strong-reference", test_strong);
  g_test_add_func ("/weak/nobody-hears-of-a-use", test_count);
  g_test_add_func ("/weak/a-thread-uses-what-another-drops", test_race);
  return g_test_run ();
}
