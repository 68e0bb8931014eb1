/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The plate as an object with properties and signals, which is used in another process. */

#include "object/ferry-demo-heat.h"

#include <glib/gi18n.h>

/* So that the colours of a plate that has hardly warmed up are still told apart. */
#define LEAST_RANGE 40.0

/* Simulated seconds from one note about the temperature to the next. */
#define NOTE_INTERVAL 5.0

/* How many steps are taken between two looks at the clock. */
#define STEPS_PER_LOOK 8

#define ROW "ferry-demo-row"

enum
{
  PROP_CONDUCTIVITY = 1,
  PROP_SOURCE_POWER,
  PROP_SPEED, /* the last setting: all behind it is figures */
  PROP_TIME,
  PROP_MEAN_TEMPERATURE,
  PROP_MAX_TEMPERATURE,
  PROP_STEPS,
  PROP_N_SOURCES,
  N_NUMBERS,
  PROP_RUNNING = N_NUMBERS,
  N_PROPS
};

static const struct
{
  const char *name;
  double least;
  double most;
  double first;
} numbers[N_NUMBERS] = {
  [PROP_CONDUCTIVITY] = {"conductivity", 10.0, 400.0, 200.0},
  [PROP_SOURCE_POWER] = {"source-power", 0.0, 100.0, 25.0},
  [PROP_SPEED] = {"speed", 10.0, 2000.0, 500.0},
  [PROP_TIME] = {"time", 0.0, G_MAXDOUBLE, 0.0},
  [PROP_MEAN_TEMPERATURE] = {"mean-temperature", -G_MAXDOUBLE, G_MAXDOUBLE, FERRY_DEMO_HEAT_AMBIENT},
  [PROP_MAX_TEMPERATURE] = {"max-temperature", -G_MAXDOUBLE, G_MAXDOUBLE, FERRY_DEMO_HEAT_AMBIENT},
  [PROP_STEPS] = {"steps", 0.0, G_MAXDOUBLE, 0.0},
  [PROP_N_SOURCES] = {"n-sources", 0.0, G_MAXDOUBLE, 0.0},
};

typedef struct
{
  guint x;
  guint y;
} Source;

struct _FerryDemoHeat
{
  GObject parent_instance;

  double values[N_NUMBERS];
  gboolean running;

  /* All below: only of one that computes. */
  FerryDemoHeatField *field;
  GArray *sources; /* (element-type Source) */
  GListStore *notes;
  guint last_noted;     /* the setting that the last note is about, or 0 */
  double next_note;     /* simulated time */
  gint64 last_advanced; /* 0 after a standstill */
  double due;           /* steps, and part of one */
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (FerryDemoHeat, ferry_demo_heat, G_TYPE_OBJECT)

/* ---- the log ---- */

static void
add_note (FerryDemoHeat *self, const char *text)
{
  GVariant *row = g_variant_new ("(ds)", self->values[PROP_TIME], text);
  g_autoptr (GObject) note = g_object_new (G_TYPE_OBJECT, NULL);

  g_object_set_data_full (note, ROW, g_variant_ref_sink (row), (GDestroyNotify) g_variant_unref);
  self->last_noted = 0;
  if (g_list_model_get_n_items (G_LIST_MODEL (self->notes)) == FERRY_DEMO_HEAT_MAX_NOTES)
    g_list_store_remove (self->notes, 0);
  g_list_store_append (self->notes, note);
}

GVariant *
ferry_demo_heat_get_row (gpointer note)
{
  return g_object_get_data (note, ROW);
}

static char *
describe_setting (FerryDemoHeat *self, guint id)
{
  switch (id)
    {
    case PROP_CONDUCTIVITY:
      return g_strdup_printf (_ ("Conductivity %.0f W/(m·K)"), self->values[id]);
    case PROP_SOURCE_POWER:
      return g_strdup_printf (_ ("Heat sources of %.0f W"), self->values[id]);
    default:
      return g_strdup_printf (_ ("%.0f steps a second"), self->values[id]);
    }
}

/* A slider that is drawn has one note, which says where it is. */
static void
note_setting (FerryDemoHeat *self, guint id)
{
  guint n_notes = g_list_model_get_n_items (G_LIST_MODEL (self->notes));
  g_autofree char *text = describe_setting (self, id);

  if (self->last_noted == id && n_notes > 0)
    g_list_store_remove (self->notes, n_notes - 1);
  add_note (self, text);
  self->last_noted = id;
}

static void
note_temperature (FerryDemoHeat *self)
{
  g_autofree char *text = NULL;

  if (self->values[PROP_TIME] < self->next_note)
    return;
  text = g_strdup_printf (_ ("Mean %.1f °C, hottest %.1f °C"), self->values[PROP_MEAN_TEMPERATURE],
                          self->values[PROP_MAX_TEMPERATURE]);
  add_note (self, text);
  self->next_note = self->values[PROP_TIME] + NOTE_INTERVAL;
}

/* ---- computing ---- */

static void
look_at_temperatures (FerryDemoHeat *self)
{
  double lowest;

  ferry_demo_heat_field_get_range (self->field, &lowest, &self->values[PROP_MAX_TEMPERATURE],
                                   &self->values[PROP_MEAN_TEMPERATURE]);
  self->values[PROP_N_SOURCES] = self->sources->len;
  for (guint id = PROP_TIME; id < N_NUMBERS; id++)
    g_object_notify_by_pspec (G_OBJECT (self), properties[id]);
}

static void
take_steps (FerryDemoHeat *self, guint n_steps)
{
  double conductivity = self->values[PROP_CONDUCTIVITY];
  double time_step = ferry_demo_heat_field_get_time_step (conductivity);

  for (guint i = 0; i < n_steps; i++)
    {
      for (guint j = 0; j < self->sources->len; j++)
        {
          const Source *source = &g_array_index (self->sources, Source, j);

          ferry_demo_heat_field_heat (self->field, source->x, source->y, self->values[PROP_SOURCE_POWER] * time_step);
        }
      ferry_demo_heat_field_step (self->field, conductivity);
    }
  self->values[PROP_STEPS] += n_steps;
  self->values[PROP_TIME] += n_steps * time_step;
}

void
ferry_demo_heat_step (FerryDemoHeat *self, guint n_steps)
{
  if (n_steps == 0)
    return;
  take_steps (self, n_steps);
  look_at_temperatures (self);
  note_temperature (self);
}

gint64
ferry_demo_heat_advance (FerryDemoHeat *self, gint64 now, gint64 budget)
{
  gint64 end = g_get_monotonic_time () + budget;
  double speed = self->values[PROP_SPEED], steps_before = self->values[PROP_STEPS];

  if (!self->running)
    {
      self->last_advanced = 0;
      return -1;
    }
  if (self->last_advanced != 0)
    self->due += (double) MAX (now - self->last_advanced, 0) / G_USEC_PER_SEC * speed;
  else
    self->due = 0.0;
  self->last_advanced = now;
  while (self->due >= 1.0)
    {
      guint n_steps = (guint) MIN (self->due, STEPS_PER_LOOK);

      take_steps (self, n_steps);
      self->due -= n_steps;
      if (self->due >= 1.0 && g_get_monotonic_time () >= end)
        self->due = 0.0;
    }
  if (self->values[PROP_STEPS] > steps_before)
    {
      look_at_temperatures (self);
      note_temperature (self);
    }
  return (gint64) ((1.0 - self->due) / speed * G_USEC_PER_SEC) + 1;
}

/* ---- what others may ask for ---- */

void
ferry_demo_heat_reset (FerryDemoHeat *self)
{
  ferry_demo_heat_field_fill (self->field, FERRY_DEMO_HEAT_AMBIENT);
  g_array_set_size (self->sources, 0);
  self->values[PROP_TIME] = self->values[PROP_STEPS] = 0.0;
  self->next_note = NOTE_INTERVAL;
  self->due = 0.0;
  add_note (self, _ ("Reset"));
  look_at_temperatures (self);
}

gboolean
ferry_demo_heat_add_source (FerryDemoHeat *self, guint x, guint y, GError **error)
{
  Source source = {x, y};
  g_autofree char *text = NULL;

  if (x >= FERRY_DEMO_HEAT_WIDTH || y >= FERRY_DEMO_HEAT_HEIGHT)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   _ ("There is no place %u, %u on the plate; it has %d by %d"), x, y, FERRY_DEMO_HEAT_WIDTH,
                   FERRY_DEMO_HEAT_HEIGHT);
      return FALSE;
    }
  if (self->sources->len == FERRY_DEMO_HEAT_MAX_SOURCES)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE,
                   _ ("The plate has room for %d heat sources; reset it to be rid of them"),
                   FERRY_DEMO_HEAT_MAX_SOURCES);
      return FALSE;
    }
  g_array_append_val (self->sources, source);
  text = g_strdup_printf (_ ("Heat source at %u mm, %u mm"), x, y);
  add_note (self, text);
  look_at_temperatures (self);
  return TRUE;
}

GBytes *
ferry_demo_heat_render (FerryDemoHeat *self, double *black, double *white)
{
  guint8 *pixels = g_malloc (FERRY_DEMO_HEAT_PICTURE_SIZE);

  *black = FERRY_DEMO_HEAT_AMBIENT;
  *white = MAX (self->values[PROP_MAX_TEMPERATURE], FERRY_DEMO_HEAT_AMBIENT + LEAST_RANGE);
  ferry_demo_heat_field_render (self->field, *black, *white, pixels);
  return g_bytes_new_take (pixels, FERRY_DEMO_HEAT_PICTURE_SIZE);
}

/* ---- the object ---- */

static void
ferry_demo_heat_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  FerryDemoHeat *self = FERRY_DEMO_HEAT (object);

  if (id == PROP_RUNNING)
    g_value_set_boolean (value, self->running);
  else
    g_value_set_double (value, self->values[id]);
}

static void
ferry_demo_heat_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  FerryDemoHeat *self = FERRY_DEMO_HEAT (object);

  if (id == PROP_RUNNING ? self->running == g_value_get_boolean (value)
                         : self->values[id] == g_value_get_double (value))
    return;
  if (id == PROP_RUNNING)
    self->running = g_value_get_boolean (value);
  else
    self->values[id] = g_value_get_double (value);
  if (self->notes != NULL && id == PROP_RUNNING)
    add_note (self, self->running ? _ ("Started") : _ ("Stopped"));
  else if (self->notes != NULL && id <= PROP_SPEED)
    note_setting (self, id);
  g_object_notify_by_pspec (object, pspec);
}

static void
ferry_demo_heat_finalize (GObject *object)
{
  FerryDemoHeat *self = FERRY_DEMO_HEAT (object);

  g_clear_pointer (&self->field, ferry_demo_heat_field_free);
  g_clear_pointer (&self->sources, g_array_unref);
  g_clear_object (&self->notes);
  G_OBJECT_CLASS (ferry_demo_heat_parent_class)->finalize (object);
}

static void
ferry_demo_heat_class_init (FerryDemoHeatClass *klass)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = ferry_demo_heat_get_property;
  object_class->set_property = ferry_demo_heat_set_property;
  object_class->finalize = ferry_demo_heat_finalize;
  for (guint id = 1; id < N_NUMBERS; id++)
    properties[id] =
      g_param_spec_double (numbers[id].name, NULL, NULL, numbers[id].least, numbers[id].most, numbers[id].first, flags);
  properties[PROP_RUNNING] = g_param_spec_boolean ("running", NULL, NULL, FALSE, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
ferry_demo_heat_init (FerryDemoHeat *self)
{
  for (guint id = 1; id < N_NUMBERS; id++)
    self->values[id] = numbers[id].first;
}

FerryDemoHeat *
ferry_demo_heat_new (void)
{
  FerryDemoHeat *self = g_object_new (FERRY_DEMO_TYPE_HEAT, NULL);

  self->field = ferry_demo_heat_field_new (FERRY_DEMO_HEAT_AMBIENT);
  self->sources = g_array_new (FALSE, FALSE, sizeof (Source));
  self->notes = g_list_store_new (G_TYPE_OBJECT);
  self->next_note = NOTE_INTERVAL;
  return self;
}

FerryDemoHeatField *
ferry_demo_heat_get_field (FerryDemoHeat *self)
{
  return self->field;
}

GListModel *
ferry_demo_heat_get_notes (FerryDemoHeat *self)
{
  return G_LIST_MODEL (self->notes);
}
