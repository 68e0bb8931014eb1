/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A row of a queue's file: all that is stored of a task.
 *
 * That is the task, and how it stands. What may happen to it next, pool/ferry-task-rules.c says.
 *
 * Owner:   whoever has the struct. What it points to is counted, and never changes; so copies are cheap.
 * Threads: any; a copy may go to another thread. */

#include "config.h"

#include "queue/ferry-queue-row-private.h"

#include "base/ferry-base-private.h"
#include "command/ferry-command-private.h"
#include "engine/ferry-exit-private.h"

#define ERROR_TYPE "(siss)"
/* The error as before, and of the process that ended under the task: signal, exit status, message and last lines. */
#define LOSS_TYPE "((siss)iisas)"
#define SETTINGS_TYPE "a{sv}"
/* The function's arguments, and the bytes that the task was given, by their handles. */
#define WITH_BYTES_TYPE "(mvaay)"

/* The properties of a task that are stored, beside those with a column of their own and those that
 * pool/ferry-task-fields.c has. What is missing in a row has its default, and one that this version does not know is
 * left out. */
static const char *const properties[] = {"description", "application-data", "needs"};

/* Beside them: whether the task was given bytes, and what a binding calls the function. */
#define HAS_BYTES "has-bytes"
#define FUNCTION_OF_BINDING "function-of-binding"

/* ---- settings ---- */

/* Returns (nullable) a floating value, or one that the task keeps; NULL: the property has its default. */
static GVariant *
read_property (FerryTask *task, const char *name)
{
  GParamSpec *pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (task), name);
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_init (&value, pspec->value_type);
  g_object_get_property (G_OBJECT (task), name, &value);
  if (g_param_value_defaults (pspec, &value))
    return NULL;
  if (G_VALUE_HOLDS_STRING (&value))
    return g_variant_new_string (g_value_get_string (&value));
  return G_VALUE_HOLDS_BOXED (&value) ? g_variant_new_strv (g_value_get_boxed (&value), -1)
                                      : g_value_get_variant (&value);
}

static void
pack_properties (FerryTask *task, GVariantBuilder *builder)
{
  FerryTaskSettings settings = *ferry_task_get_run (task)->settings;

  /* Monotonic times end with the machine's run. */
  if (settings.deadline > 0)
    settings.deadline = ferry_time_to_wall_clock (settings.deadline);
  ferry_task_fields_pack (&settings, FERRY_TASK_FIELDS_OF_FILE, builder);
  for (gsize i = 0; i < G_N_ELEMENTS (properties); i++)
    {
      GVariant *value = read_property (task, properties[i]);

      if (value != NULL)
        g_variant_builder_add (builder, "{sv}", properties[i], value);
    }
}

static GBytes *
pack_settings (FerryTask *task)
{
  /* Most tasks have the default ones, and to read each property would take longer than all else of a submission. */
  const gboolean is_plain = ferry_task_is_plain (task);
  const char *shown = g_object_get_data (G_OBJECT (task), FERRY_SHOWN_FUNCTION);
  g_autoptr (GVariant) packed = NULL;
  GVariantBuilder builder;

  if (is_plain && shown == NULL)
    return ferry_queue_no_bytes ();
  g_variant_builder_init (&builder, G_VARIANT_TYPE (SETTINGS_TYPE));
  if (!is_plain)
    pack_properties (task, &builder);
  if (ferry_task_count_handles (task) > 0)
    g_variant_builder_add (&builder, "{sv}", HAS_BYTES, g_variant_new_boolean (TRUE));
  if (shown != NULL)
    g_variant_builder_add (&builder, "{sv}", FUNCTION_OF_BINDING, g_variant_new_string (shown));
  packed = g_variant_ref_sink (g_variant_builder_end (&builder));
  return ferry_queue_pack (packed);
}

static void
apply_property (FerryTask *task, const char *name, GVariant *stored)
{
  GParamSpec *pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (task), name);
  g_auto (GValue) value = G_VALUE_INIT;

  if (g_str_equal (name, "application-data"))
    g_object_set (task, name, stored, NULL);
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
  g_autoptr (GVariant) stored = ferry_queue_unpack (packed, SETTINGS_TYPE);
  FerryTaskSettings settings;
  char *shown = NULL;

  if (stored == NULL || !ferry_task_fields_unpack (&settings, FERRY_TASK_FIELDS_OF_FILE, stored))
    return FALSE;
  if (settings.deadline > 0)
    settings.deadline = ferry_time_to_monotonic (settings.deadline);
  ferry_task_take_settings (task, &settings);
  for (gsize i = 0; i < G_N_ELEMENTS (properties); i++)
    {
      g_autoptr (GVariant) value = g_variant_lookup_value (stored, properties[i], NULL);

      if (value != NULL)
        apply_property (task, properties[i], value);
    }
  if (g_variant_lookup (stored, FUNCTION_OF_BINDING, "s", &shown))
    g_object_set_data_full (G_OBJECT (task), FERRY_SHOWN_FUNCTION, shown, g_free);
  return TRUE;
}

/* The settings of the row, whose deadline is a time of the wall clock. Those that cannot be read are the default ones:
 * no task is made of such a row. Most have none, and to unpack that would take longer than all else that is asked of a
 * row. */
static FerryTaskSettings
get_settings (const FerryQueueRow *self)
{
  g_autoptr (GVariant) stored = NULL;
  FerryTaskSettings settings;

  if (self->settings != NULL && g_bytes_get_size (self->settings) > 0)
    stored = ferry_queue_unpack (self->settings, SETTINGS_TYPE);
  if (!ferry_task_fields_unpack (&settings, FERRY_TASK_FIELDS_OF_FILE, stored))
    ferry_task_fields_unpack (&settings, FERRY_TASK_FIELDS_OF_FILE, NULL);
  return settings;
}

/* Of what the row has beside its settings. */
static GVariant *
look_up (const FerryQueueRow *self, const char *name, const GVariantType *type)
{
  g_autoptr (GVariant) stored = NULL;

  if (self->settings == NULL || g_bytes_get_size (self->settings) == 0)
    return NULL;
  stored = ferry_queue_unpack (self->settings, SETTINGS_TYPE);
  return stored != NULL ? g_variant_lookup_value (stored, name, type) : NULL;
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
  gsize size = run->arguments != NULL ? g_variant_get_size (run->arguments) : 0;

  if (*run->function == '\0')
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "Task '%s' stands for others, and cannot be stored; submit those", name);
  if (has_handles (run->arguments) && !run->has_handles)
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "Task '%s' names a descriptor that it was not given; call ferry_task_add_bytes()", name);
  for (guint i = 0; i < ferry_task_count_handles (task); i++)
    {
      GBytes *bytes = ferry_task_get_bytes (task, i);

      if (bytes == NULL)
        return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                                "Task '%s' was given descriptors or senders, which end with this process; give it the "
                                "name of a file, or bytes",
                                name);
      size += g_bytes_get_size (bytes);
    }
  if (size > FERRY_QUEUE_MAX_ARGUMENTS_SIZE)
    return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                            "Task '%s' was given %" G_GSIZE_FORMAT " bytes, and a queue stores at most %d of a task; "
                            "give it the name of a file",
                            name, size, FERRY_QUEUE_MAX_ARGUMENTS_SIZE);
  if (run->settings->max_returned_descriptors > 0 && !g_str_equal (run->function, FERRY_COMMAND_FUNCTION))
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "Task '%s' may return descriptors, which end with this process; have its function return "
                            "values, or write a file",
                            name);
  return TRUE;
}

/* Returns a floating (nullable) value. */
static GVariant *
collect_arguments (FerryTask *task)
{
  GVariant *arguments = ferry_task_get_run (task)->arguments;
  guint n = ferry_task_count_handles (task);
  GVariantBuilder all;

  if (n == 0)
    return arguments;
  g_variant_builder_init (&all, G_VARIANT_TYPE ("aay"));
  for (guint i = 0; i < n; i++)
    g_variant_builder_add_value (
      &all, g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, ferry_task_get_bytes (task, i), TRUE));
  return g_variant_new ("(mv@aay)", arguments, g_variant_builder_end (&all));
}

void
ferry_queue_row_take_task (FerryQueueRow *self, FerryTask *task, const char *folder)
{
  const FerryRun *run = ferry_task_get_run (task);

  self->kind = run->kind;
  self->function = g_ref_string_new_intern (run->function);
  self->name = g_ref_string_new (ferry_task_get_name (task));
  self->arguments = ferry_queue_value_of (folder, collect_arguments (task));
  self->settings = pack_settings (task);
  self->submitted = g_get_real_time ();
  self->priority = run->priority;
  self->paused = run->paused;
  self->not_before = ferry_task_get_not_before (task);
}

gboolean
ferry_queue_row_lacks_arguments (const FerryQueueRow *self)
{
  return self->arguments != NULL && !ferry_queue_value_is_at_hand (self->arguments);
}

/* Whether the arguments are with the bytes that the task was given. */
static gboolean
has_bytes (const FerryQueueRow *self)
{
  g_autoptr (GVariant) value = look_up (self, HAS_BYTES, G_VARIANT_TYPE_BOOLEAN);

  return value != NULL;
}

GVariant *
ferry_queue_row_open_arguments (const FerryQueueRow *self, GError **error)
{
  g_autoptr (GVariant) stored = self->arguments != NULL ? ferry_queue_value_open (self->arguments, error) : NULL;
  GVariant *arguments = NULL;

  if (stored == NULL || !has_bytes (self))
    return g_steal_pointer (&stored);
  if (g_variant_is_of_type (stored, G_VARIANT_TYPE (WITH_BYTES_TYPE)))
    g_variant_get (stored, "(mv@aay)", &arguments, NULL);
  return arguments;
}

gboolean
ferry_queue_row_give_arguments (const FerryQueueRow *self, FerryTask *task, GError **error)
{
  g_autoptr (GVariant) stored = ferry_queue_value_open (self->arguments, error);
  g_autoptr (GVariant) arguments = NULL;
  g_autoptr (GVariant) all = NULL;

  if (stored == NULL)
    return FALSE;
  if (!has_bytes (self))
    return ferry_task_restore_arguments (task, stored, NULL, error);
  if (!g_variant_is_of_type (stored, G_VARIANT_TYPE (WITH_BYTES_TYPE)))
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS, "The stored task '%s' is none of this version; forget it",
                            self->key);
  g_variant_get (stored, "(mv@aay)", &arguments, &all);
  return ferry_task_restore_arguments (task, arguments, all, error);
}

FerryTask *
ferry_queue_row_new_task (const FerryQueueRow *self, GType type, GError **error)
{
  g_autoptr (FerryTask) task = NULL;

  if (self->kind > FERRY_TASK_KIND_STEPS || *self->function == '\0')
    {
      ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS, "The stored task '%s' is none of this version; forget it",
                       self->key);
      return NULL;
    }
  task = g_object_new (type, "kind", self->kind, "function", self->function, NULL);
  g_object_set (task, "name", self->name, "priority", self->priority, "not-before", self->not_before, NULL);
  if (!apply_settings (task, self->settings))
    {
      ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS, "The settings of the stored task '%s' are none; forget it",
                       self->key);
      return NULL;
    }
  if (self->arguments != NULL && ferry_queue_value_is_at_hand (self->arguments) &&
      !ferry_queue_row_give_arguments (self, task, error))
    return NULL;
  ferry_task_get_run (task)->n_attempts = self->attempts;
  ferry_task_get_run (task)->n_deaths = self->deaths;
  return g_steal_pointer (&task);
}

void
ferry_queue_row_set_arguments (FerryQueueRow *self, GVariant *arguments, const char *folder)
{
  g_autoptr (GVariant) before = has_bytes (self) ? ferry_queue_value_open (self->arguments, NULL) : NULL;
  g_autoptr (GVariant) all = before != NULL ? g_variant_get_child_value (before, 1) : NULL;

  g_clear_pointer (&self->arguments, ferry_queue_value_unref);
  self->arguments = ferry_queue_value_of (folder, all != NULL ? g_variant_new ("(mv@aay)", arguments, all) : arguments);
}

/* (transfer full) (nullable). exit: (out) (transfer full) (nullable). */
static GVariant *
unpack_loss (const FerryQueueRow *self, FerryExit **exit)
{
  g_autoptr (GVariant) loss = ferry_queue_unpack (self->error, LOSS_TYPE);
  g_autofree const char **lines = NULL;
  const char *message;
  int signal, status;
  GVariant *error;

  *exit = NULL;
  if (loss == NULL)
    return ferry_queue_unpack (self->error, ERROR_TYPE);
  g_variant_get (loss, "(@(siss)ii&s^a&s)", &error, &signal, &status, &message, &lines);
  *exit = ferry_exit_restore (signal, status, message, lines);
  return error;
}

/* (transfer full) */
static GError *
unpack_error (const FerryQueueRow *self, char **trace, FerryExit **exit)
{
  g_autoptr (GVariant) packed = unpack_loss (self, exit);
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

static GVariant *
open_result (gpointer value, GError **error)
{
  return ferry_queue_value_open (value, error);
}

static void
free_result (gpointer value)
{
  ferry_queue_value_unref (value);
}

void
ferry_queue_row_restore_end (const FerryQueueRow *self, FerryTask *task, FerryAffinity *affinity)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryExit) exit = NULL;
  g_autofree char *trace = NULL;
  FerryTaskEnd end = {.submit_time = ferry_time_to_monotonic (self->submitted),
                      .end_time = ferry_time_to_monotonic (self->ended)};

  if (self->began > 0)
    end.start_time = ferry_time_to_monotonic (self->began);
  end.state = self->state == FERRY_QUEUE_ROW_COMPLETED ? FERRY_TASK_STATE_COMPLETED
              : self->state == FERRY_QUEUE_ROW_FAILED  ? FERRY_TASK_STATE_FAILED
                                                       : FERRY_TASK_STATE_CANCELLED;
  if (self->state == FERRY_QUEUE_ROW_COMPLETED && self->result != NULL)
    {
      if (ferry_queue_value_check (self->result, &error))
        end.result = (FerryTaskLater){open_result, ferry_queue_value_ref (self->result), free_result};
      else
        end.state = FERRY_TASK_STATE_FAILED;
      end.error = error;
    }
  if (self->state == FERRY_QUEUE_ROW_FAILED)
    {
      end.error = error = unpack_error (self, &trace, &exit);
      end.exit = exit;
      end.trace = trace != NULL && *trace != '\0' ? trace : NULL;
    }
  ferry_task_restore_end (task, affinity, &end);
}

/* ---- how it stands ---- */

gboolean
ferry_queue_row_has_ended (const FerryQueueRow *self)
{
  return self->state >= FERRY_QUEUE_ROW_COMPLETED;
}

gboolean
ferry_queue_row_is_cancelling (const FerryQueueRow *self)
{
  return self->state == FERRY_QUEUE_ROW_CANCELLED && self->sent;
}

gboolean
ferry_queue_row_was_interrupted (const FerryQueueRow *self)
{
  g_autoptr (GVariant) packed = NULL;
  g_autoptr (FerryExit) exit = NULL;
  const char *domain = NULL;
  int code = 0;

  if (self->state != FERRY_QUEUE_ROW_FAILED)
    return FALSE;
  packed = unpack_loss (self, &exit);
  if (packed == NULL)
    return FALSE;
  g_variant_get (packed, "(&si&s&s)", &domain, &code, NULL, NULL);
  return g_str_equal (domain, g_quark_to_string (FERRY_ERROR)) && code == FERRY_ERROR_INTERRUPTED;
}

static void
drop_end (FerryQueueRow *self)
{
  g_clear_pointer (&self->result, ferry_queue_value_unref);
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
ferry_queue_row_complete (FerryQueueRow *self, GVariant *result, const char *folder)
{
  end (self, FERRY_QUEUE_ROW_COMPLETED);
  self->result = ferry_queue_value_of (folder, result);
}

void
ferry_queue_row_fail (FerryQueueRow *self, const GError *error, const char *trace, FerryExit *exit)
{
  GVariant *packed = g_variant_new (ERROR_TYPE, g_quark_to_string (error->domain), error->code, error->message,
                                    trace != NULL ? trace : "");
  g_autoptr (GVariant) all = NULL;

  if (exit != NULL)
    packed = g_variant_new ("(@(siss)iis^as)", packed, ferry_exit_get_signal (exit), ferry_exit_get_exit_status (exit),
                            ferry_exit_get_message (exit), ferry_exit_get_last_lines (exit));
  all = g_variant_ref_sink (packed);
  end (self, FERRY_QUEUE_ROW_FAILED);
  self->error = ferry_queue_pack (all);
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

void
ferry_queue_row_count_losses (FerryQueueRow *self, guint attempts, guint deaths)
{
  self->attempts = MAX (self->attempts, attempts);
  self->deaths = MAX (self->deaths, deaths);
}

/* Whether it may run twice. */
static gboolean
is_repeatable (const FerryQueueRow *self, const FerryTaskSettings *settings)
{
  g_autoptr (GVariant) arguments = NULL;

  if (settings->idempotent)
    return TRUE;
  if (g_str_equal (self->function, FERRY_COMMAND_FUNCTION))
    arguments = ferry_queue_row_open_arguments (self, NULL);
  return ferry_command_replaces_files (self->function, arguments);
}

GError *
ferry_queue_row_judge_loss (const FerryQueueRow *self, guint death_limit, const char *what)
{
  const FerryTaskSettings settings = get_settings (self);
  const FerryTaskLosses losses = {self->attempts, self->deaths, is_repeatable (self, &settings), death_limit};

  switch (ferry_task_rules_judge_loss (&settings, &losses))
    {
    case FERRY_TASK_IS_RETRIED:
      return NULL;
    case FERRY_TASK_IS_SET_ASIDE:
      return g_error_new (FERRY_ERROR, FERRY_ERROR_QUARANTINED,
                          "Task '%s' was lost %u times, at last as it %s, and is not begun again by itself; find out "
                          "whether it ends what runs it, and try it again",
                          self->name, self->deaths, what);
    default:
      return g_error_new (FERRY_ERROR, FERRY_ERROR_INTERRUPTED,
                          "Task '%s' %s, and may have done a part of its work; look what it has done, and try it again",
                          self->name, what);
    }
}

void
ferry_queue_row_interrupt (FerryQueueRow *self, guint death_limit)
{
  g_autoptr (GError) error = ferry_queue_row_judge_loss (self, death_limit, "was under way when the application ended");

  if (error != NULL)
    {
      ferry_queue_row_fail (self, error, NULL, NULL);
      return;
    }
  ferry_queue_row_wait (self);
  ferry_queue_row_restart_wait (self);
}

gboolean
ferry_queue_row_is_idempotent (const FerryQueueRow *self)
{
  return get_settings (self).idempotent;
}

char **
ferry_queue_row_dup_needs (const FerryQueueRow *self)
{
  g_autoptr (GVariant) needs = look_up (self, "needs", G_VARIANT_TYPE_STRING_ARRAY);

  return needs != NULL && g_variant_n_children (needs) > 0 ? g_variant_dup_strv (needs, NULL) : NULL;
}

gboolean
ferry_queue_row_can_leave (const FerryQueueRow *self)
{
  const FerryTaskSettings settings = get_settings (self);

  return !g_str_equal (self->function, FERRY_COMMAND_FUNCTION) && !has_bytes (self) && !settings.interactive &&
         settings.max_returned_descriptors == 0 &&
         (self->arguments == NULL || ferry_queue_value_get_name (self->arguments) == NULL);
}

static FerryAwayClass
find_class (int priority, gboolean has_needs)
{
  FerryAwayClass plain = priority > 0 ? FERRY_AWAY_HIGH : priority < 0 ? FERRY_AWAY_LOW : FERRY_AWAY_NORMAL;

  return has_needs ? (FerryAwayClass) (FERRY_AWAY_LABELLED_HIGH + plain) : plain;
}

gboolean
ferry_queue_row_describe_away (const FerryQueueRow *self, FerryAwayTask *away, GError **error)
{
  g_autoptr (GVariant) arguments = self->arguments != NULL ? ferry_queue_value_open (self->arguments, error) : NULL;
  g_autoptr (GVariant) needs = look_up (self, "needs", G_VARIANT_TYPE_STRING_ARRAY);

  if (self->arguments != NULL && arguments == NULL)
    return FALSE;
  *away = (FerryAwayTask){
    .kind = self->kind,
    .function = self->function,
    .name = self->name,
    .arguments = g_steal_pointer (&arguments),
    .class = find_class (self->priority, needs != NULL && g_variant_n_children (needs) > 0),
    .not_before = self->not_before,
    .waits_since = ferry_queue_row_get_wait_start (self),
    .needs = g_steal_pointer (&needs),
    .attempts = self->attempts,
    .deaths = self->deaths,
    .settings = get_settings (self),
  };
  return TRUE;
}

gint64
ferry_queue_row_get_wait_start (const FerryQueueRow *self)
{
  return MAX (self->submitted, self->not_before);
}

gint64
ferry_queue_row_get_expiry (const FerryQueueRow *self)
{
  const FerryTaskSettings settings = get_settings (self);

  return ferry_task_rules_get_expiry (&settings, self->paused ? 0 : ferry_queue_row_get_wait_start (self));
}

void
ferry_queue_row_restart_wait (FerryQueueRow *self)
{
  if (get_settings (self).queue_timeout > 0)
    self->not_before = MAX (self->not_before, g_get_real_time ());
}

void
ferry_queue_row_rest (FerryQueueRow *self, gint64 not_before)
{
  ferry_queue_row_wait (self);
  self->not_before = not_before;
  self->ended = g_get_real_time ();
}

gboolean
ferry_queue_row_shorten_rest (FerryQueueRow *self)
{
  FerryTaskSettings settings;
  gint64 latest;

  if (self->state != FERRY_QUEUE_ROW_WAITING || self->ended == 0)
    return FALSE;
  settings = get_settings (self);
  latest = ferry_time_add (g_get_real_time (), ferry_task_rules_get_rest (&settings, self->attempts));
  if (self->not_before <= latest)
    return FALSE;
  self->not_before = latest;
  return TRUE;
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
  ferry_queue_value_ref (self->arguments);
  keep_blob (self->settings);
  ferry_queue_value_ref (self->result);
  keep_blob (self->error);
  return *self;
}

void
ferry_queue_row_clear (FerryQueueRow *self)
{
  g_clear_pointer (&self->key, g_ref_string_release);
  g_clear_pointer (&self->function, g_ref_string_release);
  g_clear_pointer (&self->name, g_ref_string_release);
  g_clear_pointer (&self->arguments, ferry_queue_value_unref);
  g_clear_pointer (&self->settings, g_bytes_unref);
  drop_end (self);
}

void
ferry_queue_row_free (FerryQueueRow *self)
{
  ferry_queue_row_clear (self);
  g_free (self);
}
