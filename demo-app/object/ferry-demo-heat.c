/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "object/ferry-demo-heat.h"

#include <glib/gi18n.h>

#include "object/ferry-demo-note.h"

/* So that the colours of a plate that has hardly warmed up are still told apart. */
#define LEAST_RANGE 40.0

/* Simulated seconds from one note about the temperature to the next. */
#define NOTE_INTERVAL 5.0

/* How many steps are taken between two looks at the clock. */
#define STEPS_PER_LOOK 8

typedef struct
{
  guint x;
  guint y;
} Source;

struct _FerryDemoHeat
{
  GObject parent_instance;

  FerryDemoHeatField *field;
  GArray *sources; /* (element-type Source) */
  GListStore *notes;
  GParamSpec *last_noted; /* (unowned) (nullable): the setting that the last note is about */

  gboolean running;
  double conductivity;
  double source_power;
  double speed;

  double time;
  guint64 steps;
  double mean_temperature;
  double max_temperature;
  double next_note;     /* simulated time */
  gint64 last_advanced; /* 0 after a standstill */
  double due;           /* steps, and part of one */
};

static GParamSpec *properties[FERRY_DEMO_HEAT_N_PROPS];

G_DEFINE_FINAL_TYPE (FerryDemoHeat, ferry_demo_heat, G_TYPE_OBJECT)

/* ---- the log ---- */

static void
add_note (FerryDemoHeat *self, const char *text)
{
  g_autoptr (FerryDemoNote) note = ferry_demo_note_new (self->time, text);
  guint n_notes = g_list_model_get_n_items (G_LIST_MODEL (self->notes));

  self->last_noted = NULL;
  if (n_notes == FERRY_DEMO_HEAT_MAX_NOTES)
    g_list_store_remove (self->notes, 0);
  g_list_store_append (self->notes, note);
}

/* A slider that is drawn has one note, which says where it is. */
static void
add_note_of_setting (FerryDemoHeat *self, GParamSpec *pspec, const char *format, double value)
{
  g_autofree char *number = g_strdup_printf ("%.0f", value);
  g_auto (GStrv) parts = g_strsplit (format, "%s", 2);
  g_autofree char *text = g_strconcat (parts[0], number, parts[1], NULL);
  guint n_notes = g_list_model_get_n_items (G_LIST_MODEL (self->notes));

  if (self->last_noted == pspec && n_notes > 0)
    g_list_store_remove (self->notes, n_notes - 1);
  add_note (self, text);
  self->last_noted = pspec;
}

static void
note_temperature (FerryDemoHeat *self)
{
  g_autofree char *text = NULL;

  if (self->time < self->next_note)
    return;
  text = g_strdup_printf (_ ("Mean %.1f °C, hottest %.1f °C"), self->mean_temperature, self->max_temperature);
  add_note (self, text);
  self->next_note = self->time + NOTE_INTERVAL;
}

/* ---- computing ---- */

static void
look_at_temperatures (FerryDemoHeat *self)
{
  double lowest;

  ferry_demo_heat_field_get_range (self->field, &lowest, &self->max_temperature, &self->mean_temperature);
  g_object_notify_by_pspec (G_OBJECT (self), properties[FERRY_DEMO_HEAT_PROP_TIME]);
  g_object_notify_by_pspec (G_OBJECT (self), properties[FERRY_DEMO_HEAT_PROP_STEPS]);
  g_object_notify_by_pspec (G_OBJECT (self), properties[FERRY_DEMO_HEAT_PROP_MEAN_TEMPERATURE]);
  g_object_notify_by_pspec (G_OBJECT (self), properties[FERRY_DEMO_HEAT_PROP_MAX_TEMPERATURE]);
}

static void
take_steps (FerryDemoHeat *self, guint n_steps)
{
  double time_step = ferry_demo_heat_field_get_time_step (self->conductivity);

  for (guint i = 0; i < n_steps; i++)
    {
      for (guint j = 0; j < self->sources->len; j++)
        {
          const Source *source = &g_array_index (self->sources, Source, j);

          ferry_demo_heat_field_heat (self->field, source->x, source->y, self->source_power * time_step);
        }
      ferry_demo_heat_field_step (self->field, self->conductivity);
    }
  self->steps += n_steps;
  self->time += n_steps * time_step;
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

static void
take_due_steps (FerryDemoHeat *self, gint64 budget)
{
  gint64 end = g_get_monotonic_time () + budget;
  guint64 steps_before = self->steps;

  do
    {
      guint n_steps = (guint) MIN (self->due, STEPS_PER_LOOK);

      take_steps (self, n_steps);
      self->due -= n_steps;
    }
  while (self->due >= 1.0 && g_get_monotonic_time () < end);

  if (self->due >= 1.0)
    self->due = 0.0;
  if (self->steps == steps_before)
    return;
  look_at_temperatures (self);
  note_temperature (self);
}

gint64
ferry_demo_heat_advance (FerryDemoHeat *self, gint64 now, gint64 budget)
{
  if (!self->running)
    return -1;
  if (self->last_advanced != 0)
    self->due += (double) MAX (now - self->last_advanced, 0) / G_USEC_PER_SEC * self->speed;
  self->last_advanced = now;
  if (self->due >= 1.0)
    take_due_steps (self, budget);
  return (gint64) ((1.0 - self->due) / self->speed * G_USEC_PER_SEC) + 1;
}

/* ---- what others may ask for ---- */

static void
set_running (FerryDemoHeat *self, gboolean running)
{
  if (self->running == running)
    return;
  self->running = running;
  self->last_advanced = 0;
  self->due = 0.0;
  add_note (self, running ? _ ("Started") : _ ("Stopped"));
  g_object_notify_by_pspec (G_OBJECT (self), properties[FERRY_DEMO_HEAT_PROP_RUNNING]);
}

void
ferry_demo_heat_start (FerryDemoHeat *self)
{
  set_running (self, TRUE);
}

void
ferry_demo_heat_stop (FerryDemoHeat *self)
{
  set_running (self, FALSE);
}

/* Time begins anew, at the ambient temperature and with no heat source; the settings stay. */
void
ferry_demo_heat_reset (FerryDemoHeat *self)
{
  ferry_demo_heat_field_fill (self->field, FERRY_DEMO_HEAT_AMBIENT);
  g_array_set_size (self->sources, 0);
  self->time = 0.0;
  self->steps = 0;
  self->next_note = NOTE_INTERVAL;
  self->due = 0.0;
  add_note (self, _ ("Reset"));
  look_at_temperatures (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[FERRY_DEMO_HEAT_PROP_N_SOURCES]);
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
  text = g_strdup_printf (_ ("Heat source at %u mm, %u mm"), x, y);
  add_note (self, text);
  g_object_notify_by_pspec (G_OBJECT (self), properties[FERRY_DEMO_HEAT_PROP_N_SOURCES]);
  return TRUE;
}

GBytes *
ferry_demo_heat_render (FerryDemoHeat *self, double *black, double *white)
{
  guint8 *pixels = g_malloc (FERRY_DEMO_HEAT_PICTURE_SIZE);

  *black = FERRY_DEMO_HEAT_AMBIENT;
  *white = MAX (self->max_temperature, FERRY_DEMO_HEAT_AMBIENT + LEAST_RANGE);
  ferry_demo_heat_field_render (self->field, *black, *white, pixels);
  return g_bytes_new_take (pixels, FERRY_DEMO_HEAT_PICTURE_SIZE);
}

/* ---- the object ---- */

static void
ferry_demo_heat_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  FerryDemoHeat *self = FERRY_DEMO_HEAT (object);

  switch (id)
    {
    case FERRY_DEMO_HEAT_PROP_RUNNING:
      g_value_set_boolean (value, self->running);
      break;
    case FERRY_DEMO_HEAT_PROP_CONDUCTIVITY:
      g_value_set_double (value, self->conductivity);
      break;
    case FERRY_DEMO_HEAT_PROP_SOURCE_POWER:
      g_value_set_double (value, self->source_power);
      break;
    case FERRY_DEMO_HEAT_PROP_SPEED:
      g_value_set_double (value, self->speed);
      break;
    case FERRY_DEMO_HEAT_PROP_TIME:
      g_value_set_double (value, self->time);
      break;
    case FERRY_DEMO_HEAT_PROP_MEAN_TEMPERATURE:
      g_value_set_double (value, self->mean_temperature);
      break;
    case FERRY_DEMO_HEAT_PROP_MAX_TEMPERATURE:
      g_value_set_double (value, self->max_temperature);
      break;
    case FERRY_DEMO_HEAT_PROP_STEPS:
      g_value_set_uint64 (value, self->steps);
      break;
    case FERRY_DEMO_HEAT_PROP_N_SOURCES:
      g_value_set_uint (value, self->sources->len);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
    }
}

static void
set_setting (FerryDemoHeat *self, double *setting, const GValue *value, GParamSpec *pspec, const char *note)
{
  if (*setting == g_value_get_double (value))
    return;
  *setting = g_value_get_double (value);
  add_note_of_setting (self, pspec, note, *setting);
  g_object_notify_by_pspec (G_OBJECT (self), pspec);
}

static void
ferry_demo_heat_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  FerryDemoHeat *self = FERRY_DEMO_HEAT (object);

  switch (id)
    {
    case FERRY_DEMO_HEAT_PROP_RUNNING:
      set_running (self, g_value_get_boolean (value));
      break;
    case FERRY_DEMO_HEAT_PROP_CONDUCTIVITY:
      set_setting (self, &self->conductivity, value, pspec, _ ("Conductivity %s W/(m·K)"));
      break;
    case FERRY_DEMO_HEAT_PROP_SOURCE_POWER:
      set_setting (self, &self->source_power, value, pspec, _ ("Heat sources of %s W"));
      break;
    case FERRY_DEMO_HEAT_PROP_SPEED:
      set_setting (self, &self->speed, value, pspec, _ ("%s steps a second"));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
    }
}

static void
ferry_demo_heat_finalize (GObject *object)
{
  FerryDemoHeat *self = FERRY_DEMO_HEAT (object);

  ferry_demo_heat_field_free (self->field);
  g_array_unref (self->sources);
  g_object_unref (self->notes);
  G_OBJECT_CLASS (ferry_demo_heat_parent_class)->finalize (object);
}

static void
ferry_demo_heat_class_init (FerryDemoHeatClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = ferry_demo_heat_get_property;
  object_class->set_property = ferry_demo_heat_set_property;
  object_class->finalize = ferry_demo_heat_finalize;
  ferry_demo_heat_install_properties (object_class, properties, G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY);
}

static void
ferry_demo_heat_init (FerryDemoHeat *self)
{
  self->field = ferry_demo_heat_field_new (FERRY_DEMO_HEAT_AMBIENT);
  self->sources = g_array_new (FALSE, FALSE, sizeof (Source));
  self->notes = g_list_store_new (FERRY_DEMO_TYPE_NOTE);
  self->conductivity = FERRY_DEMO_HEAT_CONDUCTIVITY;
  self->source_power = FERRY_DEMO_HEAT_POWER;
  self->speed = FERRY_DEMO_HEAT_SPEED;
  self->mean_temperature = self->max_temperature = FERRY_DEMO_HEAT_AMBIENT;
  self->next_note = NOTE_INTERVAL;
}

FerryDemoHeat *
ferry_demo_heat_new (void)
{
  return g_object_new (FERRY_DEMO_TYPE_HEAT, NULL);
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
