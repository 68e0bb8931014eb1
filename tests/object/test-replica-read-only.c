/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-replica.c
 *
 * Replicas of a class with properties that cannot be set from outside: an odometer, which counts while it is driven,
 * and has a brand that is given once. */

#include "config.h"

#include <locale.h>

#include "pair-scene.h"

typedef struct
{
  GObject parent_instance;
  int distance;
  char *brand;
} Odometer;

typedef GObjectClass OdometerClass;

GType odometer_get_type (void);
G_DEFINE_TYPE (Odometer, odometer, G_TYPE_OBJECT)

enum
{
  PROP_DISTANCE = 1,
  PROP_BRAND,
};

static void
get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  Odometer *self = (Odometer *) object;

  if (property_id == PROP_DISTANCE)
    g_value_set_int (value, self->distance);
  else
    g_value_set_string (value, self->brand);
}

static void
set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  Odometer *self = (Odometer *) object;

  if (property_id == PROP_DISTANCE)
    self->distance = g_value_get_int (value);
  else
    {
      g_free (self->brand);
      self->brand = g_value_dup_string (value);
    }
}

static void
finalize (GObject *object)
{
  g_free (((Odometer *) object)->brand);
  G_OBJECT_CLASS (odometer_parent_class)->finalize (object);
}

static void
odometer_class_init (OdometerClass *klass)
{
  klass->get_property = get_property;
  klass->set_property = set_property;
  klass->finalize = finalize;
  g_object_class_install_property (klass, PROP_DISTANCE,
                                   g_param_spec_int ("distance", NULL, NULL, 0, 1000, 0, G_PARAM_READABLE));
  g_object_class_install_property (
    klass, PROP_BRAND, g_param_spec_string ("brand", NULL, NULL, NULL, G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY));
}

static void
odometer_init (Odometer *self)
{
}

static void
drive (Odometer *self, int distance)
{
  self->distance += distance;
  g_object_notify (G_OBJECT (self), "distance");
}

/* ---- a scene ---- */

typedef struct
{
  PairScene pair;
  Odometer *odometer; /* (unowned) */
  GObject *replica;
  GPtrArray *notified; /* (element-type utf8) (owned): names of the replica's properties, in order */
  guint n_failures;
} Scene;

static void
failed_cb (Scene *self)
{
  self->n_failures++;
}

static void
notified_cb (Scene *self, GParamSpec *pspec)
{
  g_ptr_array_add (self->notified, (gpointer) pspec->name);
}

static void
set_up (Scene *self, gconstpointer data)
{
  FerryInterface *interface = ferry_interface_new ("org.example.Odometer", odometer_get_type ());

  ferry_interface_add_all (interface);
  self->odometer = g_object_new (odometer_get_type (), "brand", "Whale", NULL);
  drive (self->odometer, 7);
  pair_scene_open (&self->pair, PAIR_SCENE_CONTEXT, "odometer", interface, self->odometer);
  g_signal_connect_swapped (self->pair.proxy, "set-failed", G_CALLBACK (failed_cb), self);
  g_signal_connect_swapped (self->pair.proxy, "follow-failed", G_CALLBACK (failed_cb), self);
  self->replica = ferry_proxy_create_replica (self->pair.proxy, odometer_get_type (),
                                              (const char *const[]){"distance", "brand", NULL});
  self->notified = g_ptr_array_new ();
  g_signal_connect_swapped (self->replica, "notify", G_CALLBACK (notified_cb), self);
}

static void
tear_down (Scene *self, gconstpointer data)
{
  g_assert_cmpuint (self->n_failures, ==, 0);
  g_object_unref (self->replica);
  g_ptr_array_unref (self->notified);
  pair_scene_cut (&self->pair);
}

static gboolean
is_same (gpointer data)
{
  const Scene *self = data;
  const Odometer *replica = (const Odometer *) self->replica;

  return replica->distance == self->odometer->distance && g_strcmp0 (replica->brand, self->odometer->brand) == 0;
}

/* ---- facts ---- */

static void
test_values (Scene *self, gconstpointer data)
{
  ferry_test_run_until (is_same, self);
  g_assert_cmpuint (self->notified->len, ==, 2);
  drive (self->odometer, 3);
  ferry_test_run_until (is_same, self);
  g_assert_cmpuint (self->notified->len, ==, 3);
  g_assert_cmpstr (self->notified->pdata[2], ==, "distance");
}

static void
test_bound (Scene *self, gconstpointer data)
{
  g_autoptr (GObject) action = g_object_new (G_TYPE_SIMPLE_ACTION, "name", "bound", NULL);

  g_object_bind_property (self->replica, "distance", action, "enabled", G_BINDING_SYNC_CREATE);
  g_assert_false (g_action_get_enabled (G_ACTION (action)));
  ferry_test_run_until (is_same, self);
  g_assert_true (g_action_get_enabled (G_ACTION (action)));
}

/* What this end drives is no distance of the object's. */
static void
test_changed_here (Scene *self, gconstpointer data)
{
  ferry_test_run_until (is_same, self);
  drive ((Odometer *) self->replica, 100);
  g_assert_false (is_same (self));
  ferry_test_run_until (is_same, self);
  g_assert_cmpint (self->odometer->distance, ==, 7);
}

/* A class need not know how to set what is not set: it is left alone unless it is named. */
static void
test_unnamed (Scene *self, gconstpointer data)
{
  g_autoptr (GObject) other = ferry_proxy_create_replica (self->pair.proxy, odometer_get_type (), NULL);

  ferry_test_run_until (is_same, self);
  drive (self->odometer, 1);
  ferry_test_run_until (is_same, self);
  g_assert_cmpint (((Odometer *) other)->distance, ==, 0);
  g_assert_null (((Odometer *) other)->brand);
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

  add ("/replica-read-only/takes-what-only-the-object-sets", test_values);
  add ("/replica-read-only/notifies-what-is-bound", test_bound);
  add ("/replica-read-only/gets-the-object's-value-back-where-it-changes-itself", test_changed_here);
  add ("/replica-read-only/leaves-alone-what-is-not-named", test_unnamed);

  return g_test_run ();
}
