/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-replica.c
 *
 * Replicas of a class that computes properties from each other: a thermometer that shows two scales. Its numbers are
 * whole, so a scale that is sent back is not without consequences: it takes the other one to another degree. */

#include "config.h"

#include <locale.h>

#include "pair-scene.h"

/* For longer than a replica waits for what the object says itself, in milliseconds. */
#define SETTLING_TIME 150

/* ---- a thermometer ---- */

typedef struct
{
  GObject parent_instance;
  int celsius;
  int fahrenheit;
  int mark; /* nothing follows from it */
  guint n_celsius_sets;
  guint n_fahrenheit_sets;
} Thermometer;

typedef GObjectClass ThermometerClass;

GType thermometer_get_type (void);
G_DEFINE_TYPE (Thermometer, thermometer, G_TYPE_OBJECT)

enum
{
  PROP_CELSIUS = 1,
  PROP_FAHRENHEIT,
  PROP_MARK,
};

static void
thermometer_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  Thermometer *self = (Thermometer *) object;

  if (property_id == PROP_CELSIUS)
    g_value_set_int (value, self->celsius);
  else if (property_id == PROP_FAHRENHEIT)
    g_value_set_int (value, self->fahrenheit);
  else
    g_value_set_int (value, self->mark);
}

static void
thermometer_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  Thermometer *self = (Thermometer *) object;

  if (property_id == PROP_CELSIUS)
    {
      self->n_celsius_sets++;
      self->celsius = g_value_get_int (value);
      self->fahrenheit = self->celsius * 9 / 5 + 32;
      g_object_notify (object, "fahrenheit");
    }
  else if (property_id == PROP_FAHRENHEIT)
    {
      self->n_fahrenheit_sets++;
      self->fahrenheit = g_value_get_int (value);
      self->celsius = (self->fahrenheit - 32) * 5 / 9;
      g_object_notify (object, "celsius");
    }
  else
    self->mark = g_value_get_int (value);
}

static void
thermometer_class_init (ThermometerClass *klass)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

  klass->get_property = thermometer_get_property;
  klass->set_property = thermometer_set_property;
  g_object_class_install_property (klass, PROP_CELSIUS, g_param_spec_int ("celsius", NULL, NULL, 0, 1000, 0, flags));
  g_object_class_install_property (klass, PROP_FAHRENHEIT,
                                   g_param_spec_int ("fahrenheit", NULL, NULL, 32, 2000, 32, flags));
  g_object_class_install_property (klass, PROP_MARK, g_param_spec_int ("mark", NULL, NULL, 0, 1000, 0, flags));
}

static void
thermometer_init (Thermometer *self)
{
  self->fahrenheit = 32;
}

/* ---- a scene ---- */

typedef struct
{
  PairScene pair;
  Thermometer *object; /* (unowned) */
  Thermometer *replica;
  gboolean settled; /* the time for that is over */
} Scene;

static void
created_cb (GObject *proxy, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  Scene *self = data;

  self->replica = (Thermometer *) ferry_proxy_create_replica_finish (FERRY_PROXY (proxy), result, &error);
  g_assert_no_error (error);
}

static gboolean
has_replica (gpointer data)
{
  return ((Scene *) data)->replica != NULL;
}

static void
create (Scene *self)
{
  ferry_proxy_create_replica_async (self->pair.proxy, thermometer_get_type (), NULL, NULL, created_cb, self);
  ferry_test_run_until (has_replica, self);
}

static void
set_up (Scene *self, gconstpointer data)
{
  FerryInterface *interface = ferry_interface_new ("org.example.Thermometer", thermometer_get_type ());

  ferry_interface_add_all (interface);
  self->object = g_object_new (thermometer_get_type (), NULL);
  pair_scene_open (&self->pair, PAIR_SCENE_CONTEXT, "thermometer", interface, self->object);
  create (self);
}

static void
tear_down (Scene *self, gconstpointer data)
{
  g_clear_object (&self->replica);
  pair_scene_cut (&self->pair);
}

static gboolean
agree (gpointer data)
{
  Scene *self = data;

  return self->replica->celsius == self->object->celsius && self->replica->fahrenheit == self->object->fahrenheit &&
         self->replica->mark == self->object->mark;
}

static gboolean
settled_cb (gpointer data)
{
  ((Scene *) data)->settled = TRUE;
  return G_SOURCE_REMOVE;
}

/* What must not be sent has been by then: all that was said has come, the replica has had its time, and what was sent
 * after that has come. */
static void
settle (Scene *self)
{
  g_object_set (self->object, "mark", self->object->mark + 1, NULL);
  ferry_test_run_until (agree, self);
  self->settled = FALSE;
  g_timeout_add (SETTLING_TIME, settled_cb, self);
  ferry_test_wait_flag (&self->settled);
  g_object_set (self->replica, "mark", self->replica->mark + 1, NULL);
  ferry_test_run_until (agree, self);
}

static void
assert_shows (Thermometer *thermometer, int celsius, int fahrenheit)
{
  g_assert_cmpint (thermometer->celsius, ==, celsius);
  g_assert_cmpint (thermometer->fahrenheit, ==, fahrenheit);
}

/* ---- facts ---- */

/* Each of them is a degree that the other scale does not lead back to. */
static void
test_consequences (Scene *self, gconstpointer data)
{
  static const int degrees[] = {21, 33, 7, 21, 98};
  static const int others[] = {69, 91, 44, 69, 208};

  for (guint i = 0; i < G_N_ELEMENTS (degrees); i++)
    {
      g_object_set (self->object, "celsius", degrees[i], NULL);
      ferry_test_run_until (agree, self);
      settle (self);
      assert_shows (self->object, degrees[i], others[i]);
      assert_shows (self->replica, degrees[i], others[i]);
      g_assert_cmpuint (self->object->n_celsius_sets, ==, i + 1);
      g_assert_cmpuint (self->object->n_fahrenheit_sets, ==, 0);
    }
}

static void
test_first_values (Scene *self, gconstpointer data)
{
  g_clear_object (&self->replica);
  g_object_set (self->object, "celsius", 21, NULL);
  create (self);
  settle (self);
  assert_shows (self->object, 21, 69);
  assert_shows (self->replica, 21, 69);
  g_assert_cmpuint (self->object->n_celsius_sets, ==, 1);
  g_assert_cmpuint (self->object->n_fahrenheit_sets, ==, 0);
}

static void
test_both_scales (Scene *self, gconstpointer data)
{
  g_object_set (self->object, "celsius", 21, NULL);
  g_object_set (self->object, "fahrenheit", 100, NULL);
  ferry_test_run_until (agree, self);
  g_object_set (self->object, "celsius", 33, NULL);
  settle (self);
  assert_shows (self->object, 33, 91);
  g_assert_cmpuint (self->object->n_celsius_sets, ==, 2);
  g_assert_cmpuint (self->object->n_fahrenheit_sets, ==, 1);
}

static void
test_set_here (Scene *self, gconstpointer data)
{
  g_object_set (self->replica, "celsius", 50, NULL);
  ferry_test_run_until (agree, self);
  settle (self);
  assert_shows (self->object, 50, 122);
  assert_shows (self->replica, 50, 122);
  g_assert_cmpuint (self->object->n_celsius_sets, ==, 1);
}

static void
clamp_mark_cb (GObject *replica, GParamSpec *pspec, gpointer data)
{
  if (((Thermometer *) replica)->mark > 50)
    g_object_set (replica, "mark", 50, NULL);
}

static gboolean
is_clamped (gpointer data)
{
  Scene *self = data;

  return self->object->mark == 50 && agree (self);
}

static void
test_clamped_mark (Scene *self, gconstpointer data)
{
  g_signal_connect (self->replica, "notify::mark", G_CALLBACK (clamp_mark_cb), NULL);
  g_object_set (self->object, "mark", 80, NULL);
  ferry_test_run_until (is_clamped, self);
}

static void
clamp_cb (GObject *replica, GParamSpec *pspec, gpointer data)
{
  const int *most = data;

  if (((Thermometer *) replica)->celsius > *most)
    g_object_set (replica, "celsius", *most, NULL);
}

static gboolean
has_celsius (gpointer data)
{
  Scene *self = data;

  return self->object->celsius == 50 && agree (self);
}

static void
test_clamped (Scene *self, gconstpointer data)
{
  int most = 50;

  g_signal_connect (self->replica, "notify::celsius", G_CALLBACK (clamp_cb), &most);
  g_object_set (self->object, "celsius", 80, NULL);
  ferry_test_run_until (has_celsius, self);
  settle (self);
  assert_shows (self->object, 50, 122);
}

static void
mark_cb (GObject *replica, GParamSpec *pspec, gpointer data)
{
  g_object_set (replica, "mark", ((Thermometer *) replica)->celsius, NULL);
}

static gboolean
is_marked (gpointer data)
{
  Scene *self = data;

  return self->object->mark == 80 && agree (self);
}

static void
test_marked (Scene *self, gconstpointer data)
{
  g_signal_connect (self->replica, "notify::celsius", G_CALLBACK (mark_cb), NULL);
  g_object_set (self->object, "celsius", 80, NULL);
  ferry_test_run_until (is_marked, self);
  assert_shows (self->object, 80, 176);
  g_assert_cmpuint (self->object->n_celsius_sets, ==, 1);
  g_assert_cmpuint (self->object->n_fahrenheit_sets, ==, 0);
}

/* ---- a time for each change ---- */

/* What a replica waits, in microseconds, and in milliseconds the part of it after which the next change comes. */
#define OWN_TIME (100 * 1000)
#define PART_TIME 60

typedef struct
{
  Scene *scene;
  gint64 changed_at;  /* before the replica's mark was set by its handler, for the last time */
  gint64 received_at; /* when the object's mark was */
  int second;         /* what the object's own second change sets */
  gboolean part_is_over;
} Times;

static void
time_mark_cb (GObject *replica, GParamSpec *pspec, gpointer data)
{
  ((Times *) data)->changed_at = g_get_monotonic_time ();
  g_object_set (replica, "mark", ((Thermometer *) replica)->celsius, NULL);
}

static void
mark_received_cb (GObject *object, GParamSpec *pspec, gpointer data)
{
  ((Times *) data)->received_at = g_get_monotonic_time ();
}

static gboolean
part_over_cb (gpointer data)
{
  ((Times *) data)->part_is_over = TRUE;
  return G_SOURCE_REMOVE;
}

static gboolean
has_begun (gpointer data)
{
  return ((Times *) data)->changed_at != 0;
}

static gboolean
is_received (gpointer data)
{
  Times *self = data;

  return self->scene->object->mark == self->second && agree (self->scene);
}

static gboolean
has_second (gpointer data)
{
  Times *self = data;

  return self->scene->replica->celsius == self->second;
}

/* Returns FALSE where the loop stood still meanwhile: then the object's mark comes with its second change, and what the
 * object says of a property counts. */
static gboolean
try_own_time (Times *self, int first)
{
  Thermometer *object = self->scene->object;

  self->second = first + 10;
  self->changed_at = 0;
  self->part_is_over = FALSE;
  g_object_set (object, "celsius", first, NULL);
  ferry_test_run_until (has_begun, self);
  g_object_set (object, "mark", first, NULL);
  g_timeout_add (PART_TIME, part_over_cb, self);
  ferry_test_wait_flag (&self->part_is_over);
  g_object_set (object, "celsius", self->second, NULL);
  ferry_test_run_until (has_second, self);
  return self->scene->replica->mark == self->second;
}

/* The object comes to the first change by itself while that waits, and not to the second. */
static void
test_own_time (Scene *self, gconstpointer data)
{
  Times times = {.scene = self};
  int first = 80;

  g_signal_connect (self->replica, "notify::celsius", G_CALLBACK (time_mark_cb), &times);
  g_signal_connect (self->object, "notify::mark", G_CALLBACK (mark_received_cb), &times);
  while (!try_own_time (&times, first))
    {
      first += 20;
      g_assert_cmpint (first, <, 1000);
    }
  ferry_test_run_until (is_received, &times);
  g_assert_cmpint (times.received_at - times.changed_at, >=, OWN_TIME);
  g_signal_handlers_disconnect_by_data (self->object, &times);
  g_signal_handlers_disconnect_by_data (self->replica, &times);
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

  add ("/replica-siblings/consequences-are-not-sent-back", test_consequences);
  add ("/replica-siblings/first-values-are-not-sent-back", test_first_values);
  add ("/replica-siblings/the-last-scale-that-was-set-counts", test_both_scales);
  add ("/replica-siblings/what-is-set-here-is-agreed-on", test_set_here);
  add ("/replica-siblings/what-a-handler-sets-meanwhile-is-sent", test_clamped_mark);
  add ("/replica-siblings/what-a-handler-sets-of-two-siblings-is-sent", test_clamped);
  add ("/replica-siblings/what-a-handler-sets-of-another-property-is-sent", test_marked);
  add ("/replica-siblings/a-change-waits-its-own-time-and-not-the-rest-of-another's", test_own_time);

  return g_test_run ();
}
