/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-replica.c, object/ferry-subscriber.c, object/ferry-subscription.c
 *
 * Objects that are kept the same as others: a tank with a level that is a multiple of ten, and a gauge that shows
 * any. */

#include "config.h"

#include <locale.h>

#include "pair-scene.h"

/* ---- what both have ---- */

typedef struct
{
  GObject parent_instance;
  int level;
  char *text;
  gboolean sealed;
  guint n_sets; /* of the level */
} Tank;

typedef GObjectClass TankClass;

/* A tank takes only multiples of ten, and rounds. */
typedef Tank Gauge;
typedef TankClass GaugeClass;

GType tank_get_type (void);
GType gauge_get_type (void);
G_DEFINE_TYPE (Tank, tank, G_TYPE_OBJECT)
G_DEFINE_TYPE (Gauge, gauge, G_TYPE_OBJECT)

enum
{
  PROP_LEVEL = 1,
  PROP_TEXT,
  PROP_SEALED,
};

static void
get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  Tank *self = (Tank *) object;

  if (property_id == PROP_LEVEL)
    g_value_set_int (value, self->level);
  else if (property_id == PROP_TEXT)
    g_value_set_string (value, self->text);
  else
    g_value_set_boolean (value, self->sealed);
}

static void
set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  Tank *self = (Tank *) object;

  if (property_id == PROP_LEVEL)
    {
      self->n_sets++;
      self->level = g_value_get_int (value);
      if (G_OBJECT_TYPE (object) == tank_get_type ())
        self->level = self->level / 10 * 10;
    }
  else if (property_id == PROP_TEXT)
    {
      g_free (self->text);
      self->text = g_value_dup_string (value);
    }
  else
    self->sealed = g_value_get_boolean (value);
}

static void
finalize (GObject *object)
{
  g_free (((Tank *) object)->text);
  G_OBJECT_CLASS (g_type_class_peek (G_TYPE_OBJECT))->finalize (object);
}

static void
install (GObjectClass *klass)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

  klass->get_property = get_property;
  klass->set_property = set_property;
  klass->finalize = finalize;
  g_object_class_install_property (klass, PROP_LEVEL, g_param_spec_int ("level", NULL, NULL, 0, 1000, 0, flags));
  g_object_class_install_property (klass, PROP_TEXT, g_param_spec_string ("text", NULL, NULL, NULL, flags));
  g_object_class_install_property (klass, PROP_SEALED, g_param_spec_boolean ("sealed", NULL, NULL, FALSE, flags));
  g_signal_new ("over-flowed", G_OBJECT_CLASS_TYPE (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2,
                G_TYPE_INT, G_TYPE_STRING | G_SIGNAL_TYPE_STATIC_SCOPE);
  g_signal_new ("emptied", G_OBJECT_CLASS_TYPE (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  g_signal_new ("asked", G_OBJECT_CLASS_TYPE (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_BOOLEAN, 0);
}

static void
tank_class_init (TankClass *klass)
{
  install (klass);
}

static void
gauge_class_init (GaugeClass *klass)
{
  install (klass);
}

static void
tank_init (Tank *self)
{
}

static void
gauge_init (Gauge *self)
{
}

/* ---- a scene ---- */

typedef struct
{
  PairScene pair;
  Tank *tank;            /* (unowned) */
  FerryInvocation *held; /* (owned) (nullable): of the tank's method that is answered later */
  GString *failures;     /* properties that could not be set, a letter each */
} Scene;

static void
set_failed_cb (FerryProxy *proxy, const char *property, const GError *error, gpointer data)
{
  g_assert_nonnull (error);
  g_string_append_c (data, property[0]);
}

static void
hold (gpointer tank, FerryInvocation *invocation, gpointer data)
{
  ((Scene *) data)->held = ferry_invocation_ref (invocation);
}

static void
set_up (Scene *self, gconstpointer data)
{
  FerryInterface *interface = ferry_interface_new ("org.example.Tank", tank_get_type ());
  const GDBusPropertyInfoFlags both = G_DBUS_PROPERTY_INFO_FLAGS_READABLE | G_DBUS_PROPERTY_INFO_FLAGS_WRITABLE;

  ferry_interface_add_property (interface, "level", both);
  ferry_interface_add_property (interface, "text", both);
  ferry_interface_add_property (interface, "sealed", G_DBUS_PROPERTY_INFO_FLAGS_READABLE);
  ferry_interface_add_signal (interface, "over-flowed");
  ferry_interface_add_signal (interface, "emptied");
  ferry_interface_add_method (interface, "hold", "", "", hold, self, NULL);
  self->tank = g_object_new (tank_get_type (), "level", 50, "text", "full", NULL);
  pair_scene_open (&self->pair, PAIR_SCENE_CONTEXT, "tank", interface, self->tank);
  self->failures = g_string_new (NULL);
  g_signal_connect (self->pair.proxy, "set-failed", G_CALLBACK (set_failed_cb), self->failures);
}

static void
tear_down (Scene *self, gconstpointer data)
{
  pair_scene_cut (&self->pair);
  g_string_free (self->failures, TRUE);
}

static void
created_cb (GObject *proxy, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  Gauge **gauge = data;

  *gauge = (Gauge *) ferry_proxy_create_replica_finish (FERRY_PROXY (proxy), result, &error);
  g_assert_no_error (error);
}

static gboolean
is_set (gpointer pointer)
{
  return *(gpointer *) pointer != NULL;
}

static Gauge *
create (Scene *self)
{
  Gauge *gauge = NULL;

  ferry_proxy_create_replica_async (self->pair.proxy, gauge_get_type (), NULL, NULL, created_cb, &gauge);
  ferry_test_run_until (is_set, &gauge);
  return gauge;
}

typedef struct
{
  Tank *tank;
  int level;
} Level;

static gboolean
has_level (gpointer data)
{
  const Level *wanted = data;

  return wanted->tank->level == wanted->level;
}

static void
wait_level (Tank *tank, int level)
{
  Level wanted = {tank, level};

  ferry_test_run_until (has_level, &wanted);
}

/* ---- facts ---- */

static void
test_values (Scene *self, gconstpointer data)
{
  g_autoptr (GObject) gauge = G_OBJECT (create (self));

  g_assert_cmpint (((Gauge *) gauge)->level, ==, 50);
  g_assert_cmpstr (((Gauge *) gauge)->text, ==, "full");
  g_object_set (self->tank, "level", 70, NULL);
  wait_level ((Gauge *) gauge, 70);
  /* Nothing of that went back. */
  g_assert_cmpuint (self->tank->n_sets, ==, 2);
}

static void
overflowed_cb (Gauge *gauge, int amount, const char *what, GString *heard)
{
  g_assert_cmpint (gauge->level, >=, 80);
  g_string_append_printf (heard, "%d of %s. ", amount, what);
}

static void
emptied_cb (Gauge *gauge, GString *heard)
{
  g_string_append (heard, "Empty. ");
}

/* A signal comes behind the change before it, and one that is not named does not come. */
static void
test_signals (Scene *self, gconstpointer data)
{
  const char *const names[] = {"level", "over_flowed", NULL};
  g_autoptr (GObject) gauge = ferry_proxy_create_replica (self->pair.proxy, gauge_get_type (), names);
  g_autoptr (GString) heard = g_string_new (NULL);

  g_signal_connect (gauge, "over-flowed", G_CALLBACK (overflowed_cb), heard);
  g_signal_connect (gauge, "emptied", G_CALLBACK (emptied_cb), heard);
  wait_level ((Gauge *) gauge, 50);
  g_object_set (self->tank, "level", 80, NULL);
  g_signal_emit_by_name (self->tank, "emptied");
  g_signal_emit_by_name (self->tank, "over-flowed", 3, "milk");
  g_signal_emit_by_name (self->tank, "over-flowed", 4, "tea");
  g_object_set (self->tank, "level", 90, NULL);
  wait_level ((Gauge *) gauge, 90);
  g_assert_cmpstr (heard->str, ==, "3 of milk. 4 of tea. ");
}

static void
assert_no_replica (Scene *self, const char *name)
{
  const char *const names[] = {"level", name, NULL};
  g_autofree char *words = g_strdup_printf ("*'Gauge' has no property '%s' * no signal*leave it out*", name);

  g_test_expect_message ("Ferry", G_LOG_LEVEL_CRITICAL, words);
  g_assert_null (ferry_proxy_create_replica (self->pair.proxy, gauge_get_type (), names));
  g_test_assert_expected_messages ();
}

static void
test_no_such_member (Scene *self, gconstpointer data)
{
  assert_no_replica (self, "height");
  assert_no_replica (self, "asked");
}

static void
test_set (Scene *self, gconstpointer data)
{
  g_autoptr (GObject) gauge = G_OBJECT (create (self));

  g_object_set (gauge, "level", 30, NULL);
  wait_level (self->tank, 30);
  g_assert_cmpint (((Gauge *) gauge)->level, ==, 30);
}

static void
test_put_right (Scene *self, gconstpointer data)
{
  g_autoptr (GObject) gauge = G_OBJECT (create (self));

  g_object_set (gauge, "level", 37, NULL);
  wait_level (self->tank, 30);
  wait_level ((Gauge *) gauge, 30);
  g_assert_cmpuint (self->tank->n_sets, ==, 2);
}

static void
test_quickly (Scene *self, gconstpointer data)
{
  g_autoptr (GObject) gauge = G_OBJECT (create (self));
  guint before = self->tank->n_sets;

  for (int level = 1; level <= 90; level++)
    {
      g_object_set (gauge, "level", level * 10, NULL);
      g_assert_cmpint (((Gauge *) gauge)->level, ==, level * 10);
    }
  wait_level (self->tank, 900);
  /* The first, and the newest of those that came while it was on its way. */
  g_assert_cmpuint (self->tank->n_sets - before, ==, 2);
  g_assert_cmpint (((Gauge *) gauge)->level, ==, 900);
}

static int n_back;

static void
never_back_cb (GObject *gauge, GParamSpec *pspec, gpointer last)
{
  int *before = last;
  int level = ((Gauge *) gauge)->level;

  n_back += level < *before;
  *before = level;
}

/* As a slider is dragged, while the object tells of each value that it has been given. */
static void
test_dragged (Scene *self, gconstpointer data)
{
  g_autoptr (GObject) gauge = G_OBJECT (create (self));
  int last = 50;

  n_back = 0;
  g_signal_connect (gauge, "notify::level", G_CALLBACK (never_back_cb), &last);
  for (int level = 60; level <= 1000; level += 10)
    {
      gint64 next = g_get_monotonic_time () + 2000;

      g_object_set (gauge, "level", level, NULL);
      while (g_get_monotonic_time () < next)
        g_main_context_iteration (NULL, FALSE);
    }
  wait_level (self->tank, 1000);
  for (int i = 0; i < 100; i++)
    g_main_context_iteration (NULL, FALSE);
  g_assert_cmpint (n_back, ==, 0);
}

/* What its own class makes of a value is not what it was set to. */
static void
test_class_rounds (Scene *self, gconstpointer data)
{
  g_autoptr (FerryInterface) interface = ferry_interface_new ("org.example.Gauge", gauge_get_type ());
  g_autoptr (GObject) object = g_object_new (gauge_get_type (), "level", 57, NULL);
  g_autoptr (FerryProxy) proxy = ferry_proxy_new (self->pair.here, "gauge");
  g_autoptr (GObject) replica = NULL;
  g_autoptr (GError) error = NULL;

  ferry_interface_add_all (interface);
  ferry_exporter_export (self->pair.exporter, "gauge", object, interface, FERRY_CALL_POLICY_SERIAL, &error);
  g_assert_no_error (error);
  replica = ferry_proxy_create_replica (proxy, tank_get_type (), (const char *const[]){"level", NULL});
  wait_level ((Tank *) replica, 50);
  g_object_set (object, "level", 68, NULL);
  wait_level ((Tank *) replica, 60);
  g_assert_cmpint (((Gauge *) object)->level, ==, 68);
  g_assert_cmpuint (((Gauge *) object)->n_sets, ==, 2);
  g_clear_object (&replica);
  g_assert_true (ferry_exporter_unexport (self->pair.exporter, "gauge"));
}

static gboolean
has_failed (gpointer failures)
{
  return ((GString *) failures)->len > 0;
}

static void
test_refused (Scene *self, gconstpointer data)
{
  g_autoptr (GObject) gauge = G_OBJECT (create (self));

  g_object_set (gauge, "sealed", TRUE, NULL);
  ferry_test_run_until (has_failed, self->failures);
  g_assert_cmpstr (self->failures->str, ==, "s");
  g_assert_false (self->tank->sealed);
  g_assert_false (((Gauge *) gauge)->sealed);
}

static void
test_bound (Scene *self, gconstpointer data)
{
  g_autoptr (GObject) gauge = G_OBJECT (create (self));
  g_autoptr (GObject) widget = g_object_new (gauge_get_type (), NULL);

  g_object_bind_property (gauge, "level", widget, "level", G_BINDING_BIDIRECTIONAL | G_BINDING_SYNC_CREATE);
  g_object_set (widget, "level", 44, NULL);
  wait_level (self->tank, 40);
  wait_level ((Gauge *) widget, 40);
  g_object_set (self->tank, "level", 90, NULL);
  wait_level ((Gauge *) widget, 90);
}

static void
test_dropped (Scene *self, gconstpointer data)
{
  g_autoptr (GObject) gauge = G_OBJECT (create (self));

  g_object_set (gauge, "level", 20, NULL);
  g_assert_finalize_object (g_steal_pointer (&gauge));
  wait_level (self->tank, 20);
}

/* ---- waiting for the first values ---- */

typedef struct
{
  gboolean over;
  GObject *replica;
  GError *error;
} Outcome;

static void
outcome_cb (GObject *proxy, GAsyncResult *result, gpointer data)
{
  Outcome *self = data;

  self->replica = ferry_proxy_create_replica_finish (FERRY_PROXY (proxy), result, &self->error);
  self->over = TRUE;
}

static void
test_late (Scene *self, gconstpointer data)
{
  Outcome outcome = {0};

  ferry_exporter_stop (self->pair.exporter, FERRY_STOP_MODE_DRAIN);
  ferry_proxy_create_replica_async (self->pair.proxy, gauge_get_type (), NULL, NULL, outcome_cb, &outcome);
  for (int i = 0; i < 100; i++)
    g_main_context_iteration (NULL, FALSE);
  g_assert_false (outcome.over);
  ferry_exporter_start (self->pair.exporter);
  ferry_test_wait_flag (&outcome.over);
  g_assert_no_error (outcome.error);
  g_assert_cmpint (((Gauge *) outcome.replica)->level, ==, 50);
  g_object_unref (outcome.replica);
}

static void
test_cancelled (Scene *self, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Outcome outcome = {0};

  ferry_exporter_stop (self->pair.exporter, FERRY_STOP_MODE_DRAIN);
  ferry_proxy_create_replica_async (self->pair.proxy, gauge_get_type (), NULL, cancellable, outcome_cb, &outcome);
  g_cancellable_cancel (cancellable);
  ferry_test_wait_flag (&outcome.over);
  g_assert_error (outcome.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&outcome.error);
}

static void
test_unknown (Scene *self, gconstpointer data)
{
  g_autoptr (FerryProxy) nobody = ferry_proxy_new (self->pair.here, "nobody");
  Outcome outcome = {0};

  ferry_proxy_create_replica_async (nobody, gauge_get_type (), NULL, NULL, outcome_cb, &outcome);
  ferry_test_wait_flag (&outcome.over);
  g_assert_error (outcome.error, FERRY_ERROR, FERRY_ERROR_UNKNOWN_OBJECT);
  g_clear_error (&outcome.error);
}

static void
test_closed (Scene *self, gconstpointer data)
{
  Outcome outcome = {0};

  ferry_exporter_stop (self->pair.exporter, FERRY_STOP_MODE_DRAIN);
  ferry_proxy_create_replica_async (self->pair.proxy, gauge_get_type (), NULL, NULL, outcome_cb, &outcome);
  ferry_transport_close (self->pair.there);
  ferry_test_wait_flag (&outcome.over);
  g_assert_error (outcome.error, FERRY_ERROR, FERRY_ERROR_CLOSED);
  g_clear_error (&outcome.error);
}

static gboolean
is_held (gpointer data)
{
  return ((Scene *) data)->held != NULL;
}

typedef struct
{
  FerryProxy *proxy;
  int level;
} Cached;

static gboolean
has_cached (gpointer data)
{
  const Cached *wanted = data;
  g_autoptr (GVariant) level = ferry_proxy_dup_cached (wanted->proxy, "level");

  return level != NULL && g_variant_get_int32 (level) == wanted->level;
}

static void
wait_cached (FerryProxy *proxy, int level)
{
  Cached wanted = {proxy, level};

  ferry_test_run_until (has_cached, &wanted);
}

static void
refused_cb (GObject *proxy, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_proxy_call_finish (FERRY_PROXY (proxy), result, NULL, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_UNKNOWN_OBJECT);
  *(gboolean *) data = TRUE;
}

/* The name is another object's by the time that the first one has answered, which has seen many more changes. */
static void
test_late_answer (Scene *self, gconstpointer data)
{
  g_autoptr (FerryInterface) interface = ferry_interface_new ("org.example.Gauge", gauge_get_type ());
  g_autoptr (GObject) gauge = G_OBJECT (create (self));
  g_autoptr (GObject) other = g_object_new (gauge_get_type (), "level", 7, NULL);
  g_autoptr (FerryProxy) nobody = ferry_proxy_new (self->pair.here, "nobody");
  g_autoptr (GError) error = NULL;
  gboolean refused = FALSE;

  for (int level = 10; level <= 900; level += 10)
    g_object_set (self->tank, "level", level, NULL);
  wait_level ((Gauge *) gauge, 900);
  ferry_proxy_call_async (self->pair.proxy, "hold", NULL, -1, NULL, NULL, NULL);
  ferry_test_run_until (is_held, self);
  g_object_set (gauge, "level", 1000, NULL);
  /* It was taken in by the time that what was asked after it is refused. */
  ferry_proxy_call_async (nobody, "hold", NULL, -1, NULL, refused_cb, &refused);
  ferry_test_wait_flag (&refused);
  ferry_interface_add_all (interface);
  g_assert_true (ferry_exporter_unexport (self->pair.exporter, "tank"));
  ferry_exporter_export (self->pair.exporter, "tank", other, interface, FERRY_CALL_POLICY_SERIAL, &error);
  g_assert_no_error (error);
  /* By the time that another stream has told so many changes, that of the replica has begun. */
  ferry_proxy_follow (self->pair.proxy, (const char *const[]){"level", NULL}, NULL);
  for (int level = 20; level < 40; level++)
    {
      g_object_set (other, "level", level, NULL);
      wait_cached (self->pair.proxy, level);
    }
  ferry_invocation_return_value (self->held, NULL);
  g_clear_pointer (&self->held, ferry_invocation_unref);
  wait_level (self->tank, 1000);
  for (int level = 1; level < 10; level++)
    {
      g_object_set (other, "level", level, NULL);
      wait_level ((Gauge *) gauge, level);
    }
  g_assert_true (ferry_exporter_unexport (self->pair.exporter, "tank"));
}

/* A class like those of widgets' parts: its objects begin with a floating reference. */
typedef Tank Dial;
typedef GInitiallyUnownedClass DialClass;

GType dial_get_type (void);
G_DEFINE_TYPE (Dial, dial, G_TYPE_INITIALLY_UNOWNED)

static void
dial_class_init (DialClass *klass)
{
  install (G_OBJECT_CLASS (klass));
}

static void
dial_init (Dial *self)
{
}

static void
test_not_floating (Scene *self, gconstpointer data)
{
  GObject *replica = ferry_proxy_create_replica (self->pair.proxy, dial_get_type (), NULL);
  Gauge *created = NULL;

  g_assert_false (g_object_is_floating (replica));
  wait_level ((Tank *) replica, 50);
  g_assert_finalize_object (replica);
  ferry_proxy_create_replica_async (self->pair.proxy, dial_get_type (), NULL, NULL, created_cb, &created);
  ferry_test_run_until (is_set, &created);
  g_assert_false (g_object_is_floating (created));
  g_object_unref (created);
}

/* ---- a context of its own ---- */

typedef struct
{
  Scene *scene;
  GMainLoop *loop;
  GObject *replica;
  GThread *thread;
  guint n_elsewhere; /* notifications on another thread */
  gboolean over;     /* main */
} Elsewhere;

static void
note_thread_cb (GObject *replica, GParamSpec *pspec, gpointer data)
{
  Elsewhere *self = data;

  self->n_elsewhere += self->thread != g_thread_self ();
}

/* Each thing that it sees has it do the next. */
static gboolean
step_cb (gpointer data)
{
  Elsewhere *self = data;
  Gauge *gauge = (Gauge *) self->replica;

  if (gauge->level == 50)
    g_object_set (gauge, "level", 37, NULL);
  else if (gauge->level == 30)
    g_object_set (gauge, "level", 48, NULL);
  else if (gauge->level == 40)
    g_main_loop_quit (self->loop);
  return G_SOURCE_CONTINUE;
}

static gboolean
set_over_cb (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

/* Nothing but g_main_loop_run() is needed, which makes no context the thread's default one. */
static gpointer
elsewhere_main (gpointer data)
{
  Elsewhere *self = data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GSource) source = g_timeout_source_new (1);

  self->loop = g_main_loop_new (context, FALSE);
  g_main_context_push_thread_default (context);
  self->replica = ferry_proxy_create_replica (self->scene->pair.proxy, gauge_get_type (), NULL);
  g_main_context_pop_thread_default (context);
  g_signal_connect (self->replica, "notify", G_CALLBACK (note_thread_cb), self);
  g_source_set_callback (source, step_cb, self, NULL);
  g_source_attach (source, context);
  g_main_loop_run (self->loop);
  g_source_destroy (source);
  g_object_unref (self->replica);
  while (g_main_context_iteration (context, FALSE))
    continue;
  g_main_loop_unref (self->loop);
  g_main_context_invoke (NULL, set_over_cb, &self->over);
  return NULL;
}

static void
test_other_context (Scene *self, gconstpointer data)
{
  Elsewhere elsewhere = {.scene = self};

  elsewhere.thread = g_thread_new ("elsewhere", elsewhere_main, &elsewhere);
  ferry_test_wait_flag (&elsewhere.over);
  g_thread_join (elsewhere.thread);
  g_assert_cmpuint (elsewhere.n_elsewhere, ==, 0);
  g_assert_cmpint (self->tank->level, ==, 40);
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

  add ("/replica/has-the-values-of-the-object-and-its-changes", test_values);
  add ("/replica/emits-the-signals-that-it-was-made-with", test_signals);
  add ("/replica/is-not-made-of-names-that-there-are-not", test_no_such_member);
  add ("/replica/has-the-object-set-where-it-is-set", test_set);
  add ("/replica/has-what-the-object-makes-of-a-value", test_put_right);
  add ("/replica/sends-the-newest-of-many-values", test_quickly);
  add ("/replica/takes-no-late-answer-of-another-object-for-its-own", test_late_answer);
  add ("/replica/is-not-floating", test_not_floating);
  add ("/replica/belongs-to-the-context-that-it-was-made-for", test_other_context);
  add ("/replica/never-jumps-back-while-it-is-dragged", test_dragged);
  add ("/replica/sends-nothing-back-where-its-class-rounds", test_class_rounds);
  add ("/replica/is-set-back-where-the-object-refuses", test_refused);
  add ("/replica/reaches-a-widget-both-ways", test_bound);
  add ("/replica/may-go-while-a-value-is-on-its-way", test_dropped);
  add ("/replica/waits-for-an-exporter-that-listens", test_late);
  add ("/replica/is-not-waited-for-any-more-once-cancelled", test_cancelled);
  add ("/replica/of-no-object-is-an-error", test_unknown);
  add ("/replica/of-a-closed-transport-is-an-error", test_closed);

  return g_test_run ();
}
