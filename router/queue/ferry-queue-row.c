/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A row of a queue's file. See ferry-queue-row-private.h. */

#include "config.h"

#include "queue/ferry-queue-row-private.h"

#include "base/ferry-base-private.h"
#include "command/ferry-command-private.h"

#define ERROR_TYPE "(siss)"
#define SETTINGS_TYPE "a{sv}"

/* The properties of a task that are stored, beside those with a column of their own. What is missing in a row has its
 * default, and one that this version does not know is left out. The first N_APART are no FerryTaskSettings. */
#define N_APART 2
static const char *const settings[] = {
  "description",
  "application-data",
  "retries",
  "idempotent",
  "stoppable",
  "interactive",
  "deadline",
  "run-timeout",
  "queue-timeout",
  "window",
  "holds-window",
  "cancel-grace",
  "max-returned-descriptors",
};

/* ---- values ---- */

GBytes *
ferry_queue_row_pack (GVariant *value)
{
  g_autoptr (GVariant) normal = NULL;
  g_autoptr (GVariant) ordered = NULL;

  if (value == NULL)
    return NULL;
  normal = g_variant_get_normal_form (value);
  ordered = G_BYTE_ORDER == G_BIG_ENDIAN ? g_variant_byteswap (normal) : g_variant_ref (normal);
  return g_variant_get_data_as_bytes (ordered);
}

GVariant *
ferry_queue_row_unpack (GBytes *bytes, const char *type)
{
  g_autoptr (GVariant) ordered = NULL;
  g_autoptr (GVariant) value = NULL;

  if (bytes == NULL)
    return NULL;
  ordered = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE (type), bytes, FALSE));
  value = G_BYTE_ORDER == G_BIG_ENDIAN ? g_variant_byteswap (ordered) : g_variant_ref (ordered);
  return g_variant_is_normal_form (value) ? g_steal_pointer (&value) : NULL;
}

/* (transfer full) (nullable): a value of any type, with its type. */
static GBytes *
pack_any (GVariant *value)
{
  g_autoptr (GVariant) boxed = value != NULL ? g_variant_ref_sink (g_variant_new_variant (value)) : NULL;

  return ferry_queue_row_pack (boxed);
}

static GVariant *
unpack_any (GBytes *bytes)
{
  g_autoptr (GVariant) boxed = ferry_queue_row_unpack (bytes, "v");

  return boxed != NULL ? g_variant_get_variant (boxed) : NULL;
}

/* Returns a floating (nullable) value; NULL: the property has its default. */
static GVariant *
read_setting (FerryTask *task, const char *name)
{
  GParamSpec *pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (task), name);
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_init (&value, pspec->value_type);
  g_object_get_property (G_OBJECT (task), name, &value);
  if (g_param_value_defaults (pspec, &value))
    return NULL;
  switch (G_TYPE_FUNDAMENTAL (pspec->value_type))
    {
    case G_TYPE_STRING:
      return g_variant_new_string (g_value_get_string (&value));
    case G_TYPE_BOOLEAN:
      return g_variant_new_boolean (g_value_get_boolean (&value));
    case G_TYPE_UINT:
      return g_variant_new_uint32 (g_value_get_uint (&value));
    case G_TYPE_INT64:
      return g_variant_new_int64 (g_value_get_int64 (&value));
    default:
      return g_value_get_variant (&value);
    }
}

/* Monotonic times end with the machine's run. */
static gint64
to_wall_clock (gint64 monotonic)
{
  return g_get_real_time () + monotonic - g_get_monotonic_time ();
}

static gint64
to_monotonic (gint64 wall_clock)
{
  return MAX (wall_clock - g_get_real_time () + g_get_monotonic_time (), 1);
}

static GBytes *
pack_settings (FerryTask *task)
{
  /* Most tasks have the default ones, and to read each property would take longer than all else of a submission. */
  const gboolean has_settings = !ferry_run_has_default_settings (ferry_task_get_run (task));
  g_autoptr (GVariant) packed = NULL;
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE (SETTINGS_TYPE));
  for (gsize i = 0; i < (has_settings ? G_N_ELEMENTS (settings) : N_APART); i++)
    {
      GVariant *value = read_setting (task, settings[i]);

      if (value != NULL && g_str_equal (settings[i], "deadline"))
        value = g_variant_new_int64 (to_wall_clock (g_variant_get_int64 (value)));
      if (value != NULL)
        g_variant_builder_add (&builder, "{sv}", settings[i], value);
    }
  packed = g_variant_ref_sink (g_variant_builder_end (&builder));
  return ferry_queue_row_pack (packed);
}

static void
apply_setting (FerryTask *task, const char *name, GVariant *stored)
{
  GParamSpec *pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (task), name);
  g_auto (GValue) value = G_VALUE_INIT;

  if (g_str_equal (name, "application-data"))
    g_object_set (task, name, stored, NULL);
  else if (g_str_equal (name, "deadline"))
    g_object_set (task, name, to_monotonic (g_variant_get_int64 (stored)), NULL);
  else
    {
      g_dbus_gvariant_to_gvalue (stored, &value);
      if (G_VALUE_TYPE (&value) == pspec->value_type)
        g_object_set_property (G_OBJECT (task), name, &value);
    }
}

static gboolean
apply_settings (FerryTask *task, GBytes *packed)
{
  g_autoptr (GVariant) stored = ferry_queue_row_unpack (packed, SETTINGS_TYPE);

  for (gsize i = 0; stored != NULL && i < G_N_ELEMENTS (settings); i++)
    {
      g_autoptr (GVariant) value = g_variant_lookup_value (stored, settings[i], NULL);

      if (value != NULL)
        apply_setting (task, settings[i], value);
    }
  return stored != NULL;
}

/* ---- tasks ---- */

/* Whether a value has handles, which name descriptors of this process. */
static gboolean
has_handles (GVariant *value)
{
  return value != NULL && strchr (g_variant_get_type_string (value), G_VARIANT_CLASS_HANDLE) != NULL;
}

gboolean
ferry_queue_row_check_task (FerryTask *task, GError **error)
{
  const FerryRun *run = ferry_task_get_run (task);
  const char *name = ferry_task_get_name (task);

  if (*run->function == '\0')
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "Task '%s' stands for others, and cannot be stored; submit those", name);
  if (run->has_handles || has_handles (run->arguments))
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "Task '%s' was given descriptors, bytes or senders, which end with this process; give it "
                            "the name of a file, or the content as arguments",
                            name);
  if (run->settings->max_returned_descriptors > 0 && !g_str_equal (run->function, FERRY_COMMAND_FUNCTION))
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "Task '%s' may return descriptors, which end with this process; have its function return "
                            "values, or write a file",
                            name);
  return TRUE;
}

void
ferry_queue_row_take_task (FerryQueueRow *self, FerryTask *task)
{
  const FerryRun *run = ferry_task_get_run (task);

  self->kind = run->kind;
  self->function = g_ref_string_new_intern (run->function);
  self->name = g_ref_string_new (ferry_task_get_name (task));
  self->arguments = pack_any (run->arguments);
  self->settings = pack_settings (task);
  self->submitted = g_get_real_time ();
  self->priority = run->priority;
  self->paused = run->paused;
  self->not_before = ferry_task_get_not_before (task);
}

FerryTask *
ferry_queue_row_new_task (const FerryQueueRow *self, GType type, GError **error)
{
  g_autoptr (GVariant) arguments = unpack_any (self->arguments);
  g_autoptr (FerryTask) task = NULL;

  if (self->kind > FERRY_TASK_KIND_STEPS || *self->function == '\0' || (self->arguments != NULL && arguments == NULL))
    {
      ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS, "The stored task '%s' is none of this version; forget it",
                       self->key);
      return NULL;
    }
  task = g_object_new (type, "kind", self->kind, "function", self->function, "arguments", arguments, NULL);
  g_object_set (task, "name", self->name, "priority", self->priority, "not-before", self->not_before, NULL);
  if (!apply_settings (task, self->settings))
    {
      ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS, "The settings of the stored task '%s' are none; forget it",
                       self->key);
      return NULL;
    }
  ferry_task_get_run (task)->n_attempts = self->attempts;
  return g_steal_pointer (&task);
}

void
ferry_queue_row_set_arguments (FerryQueueRow *self, GVariant *arguments)
{
  g_clear_pointer (&self->arguments, g_bytes_unref);
  self->arguments = pack_any (arguments);
}

/* (transfer full) */
static GError *
unpack_error (const FerryQueueRow *self, char **trace)
{
  g_autoptr (GVariant) packed = ferry_queue_row_unpack (self->error, ERROR_TYPE);
  const char *domain = NULL;
  const char *message = NULL;
  int code = 0;

  *trace = NULL;
  if (packed != NULL)
    g_variant_get (packed, "(&si&ss)", &domain, &code, &message, trace);
  if (packed == NULL || *domain == '\0')
    return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "The error of the task is not known any more");
  return g_error_new_literal (g_quark_from_string (domain), code, message);
}

void
ferry_queue_row_restore_end (const FerryQueueRow *self, FerryTask *task, FerryAffinity *affinity)
{
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *trace = NULL;
  FerryTaskEnd end = {.submit_time = to_monotonic (self->submitted), .end_time = to_monotonic (self->ended)};

  if (self->began > 0)
    end.start_time = to_monotonic (self->began);
  end.state = self->state == FERRY_QUEUE_ROW_COMPLETED ? FERRY_TASK_STATE_COMPLETED
              : self->state == FERRY_QUEUE_ROW_FAILED  ? FERRY_TASK_STATE_FAILED
                                                       : FERRY_TASK_STATE_CANCELLED;
  if (self->state == FERRY_QUEUE_ROW_COMPLETED)
    end.result = result = unpack_any (self->result);
  if (self->state == FERRY_QUEUE_ROW_FAILED)
    {
      end.error = error = unpack_error (self, &trace);
      end.trace = trace != NULL && *trace != '\0' ? trace : NULL;
    }
  ferry_task_restore_end (task, affinity, &end);
}

/* ---- how it stands ---- */

/* Whether it may be run once more, although it was begun. */
static gboolean
may_repeat (const FerryQueueRow *self)
{
  g_autoptr (GVariant) stored = ferry_queue_row_unpack (self->settings, SETTINGS_TYPE);
  g_autoptr (GVariant) arguments = unpack_any (self->arguments);
  gboolean idempotent = FALSE;
  guint32 retries = 0;

  if (stored != NULL)
    {
      g_variant_lookup (stored, "idempotent", "b", &idempotent);
      g_variant_lookup (stored, "retries", "u", &retries);
    }
  return idempotent || self->attempts <= retries || ferry_command_replaces_files (self->function, arguments);
}

gboolean
ferry_queue_row_has_ended (const FerryQueueRow *self)
{
  return self->state >= FERRY_QUEUE_ROW_COMPLETED;
}

gboolean
ferry_queue_row_was_interrupted (const FerryQueueRow *self)
{
  g_autoptr (GVariant) packed = NULL;
  const char *domain = NULL;
  int code = 0;

  if (self->state != FERRY_QUEUE_ROW_FAILED)
    return FALSE;
  packed = ferry_queue_row_unpack (self->error, ERROR_TYPE);
  if (packed == NULL)
    return FALSE;
  g_variant_get (packed, "(&si&s&s)", &domain, &code, NULL, NULL);
  return g_str_equal (domain, g_quark_to_string (FERRY_ERROR)) && code == FERRY_ERROR_INTERRUPTED;
}

static void
drop_end (FerryQueueRow *self)
{
  g_clear_pointer (&self->result, g_bytes_unref);
  g_clear_pointer (&self->error, g_bytes_unref);
  self->ended = 0;
}

static void
end (FerryQueueRow *self, FerryQueueRowState state)
{
  drop_end (self);
  self->state = state;
  self->paused = FALSE;
  self->ended = g_get_real_time ();
}

void
ferry_queue_row_complete (FerryQueueRow *self, GVariant *result)
{
  end (self, FERRY_QUEUE_ROW_COMPLETED);
  self->result = pack_any (result);
}

void
ferry_queue_row_fail (FerryQueueRow *self, const GError *error, const char *trace)
{
  g_autoptr (GVariant) packed = g_variant_ref_sink (g_variant_new (
    ERROR_TYPE, g_quark_to_string (error->domain), error->code, error->message, trace != NULL ? trace : ""));

  end (self, FERRY_QUEUE_ROW_FAILED);
  self->error = ferry_queue_row_pack (packed);
}

void
ferry_queue_row_cancel (FerryQueueRow *self)
{
  end (self, FERRY_QUEUE_ROW_CANCELLED);
}

void
ferry_queue_row_wait (FerryQueueRow *self)
{
  drop_end (self);
  self->state = FERRY_QUEUE_ROW_WAITING;
}

static void
fail_as_interrupted (FerryQueueRow *row)
{
  g_autoptr (GError) error =
    g_error_new (FERRY_ERROR, FERRY_ERROR_INTERRUPTED,
                 "Task '%s' was under way when the application ended, and may have done a part of its work; look what "
                 "it has done, and try it again",
                 row->name);

  ferry_queue_row_fail (row, error, NULL);
}

void
ferry_queue_row_interrupt (FerryQueueRow *self)
{
  if (may_repeat (self))
    ferry_queue_row_wait (self);
  else
    fail_as_interrupted (self);
}

void
ferry_queue_row_settle (FerryQueueRow *self, guint death_limit)
{
  g_autoptr (GError) error = NULL;

  self->deaths++;
  if (death_limit == 0 || self->deaths < death_limit || !may_repeat (self))
    {
      ferry_queue_row_interrupt (self);
      return;
    }
  error = g_error_new (FERRY_ERROR, FERRY_ERROR_QUARANTINED,
                       "Task '%s' was under way at %u ends of the application, and is not begun again by itself; "
                       "find out whether it ends the application, and try it again",
                       self->name, self->deaths);
  ferry_queue_row_fail (self, error, NULL);
}

gboolean
ferry_queue_row_waits_for_its_time (const FerryQueueRow *self)
{
  return self->not_before > 0 && self->not_before > g_get_real_time ();
}

/* ---- the struct ---- */

static void
keep_text (char *text)
{
  if (text != NULL)
    g_ref_string_acquire (text);
}

static void
keep_blob (GBytes *blob)
{
  if (blob != NULL)
    g_bytes_ref (blob);
}

int
ferry_queue_row_compare (const FerryQueueRow *one, const FerryQueueRow *other)
{
  if (one->place != other->place)
    return one->place < other->place ? -1 : 1;
  return one->id < other->id ? -1 : one->id > other->id;
}

FerryQueueRow
ferry_queue_row_copy (const FerryQueueRow *self)
{
  keep_text (self->key);
  keep_text (self->function);
  keep_text (self->name);
  keep_blob (self->arguments);
  keep_blob (self->settings);
  keep_blob (self->result);
  keep_blob (self->error);
  return *self;
}

void
ferry_queue_row_clear (FerryQueueRow *self)
{
  g_clear_pointer (&self->key, g_ref_string_release);
  g_clear_pointer (&self->function, g_ref_string_release);
  g_clear_pointer (&self->name, g_ref_string_release);
  g_clear_pointer (&self->arguments, g_bytes_unref);
  g_clear_pointer (&self->settings, g_bytes_unref);
  drop_end (self);
}

void
ferry_queue_row_free (FerryQueueRow *self)
{
  ferry_queue_row_clear (self);
  g_free (self);
}
