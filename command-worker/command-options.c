/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a command is: reads the arguments that the application sent, by a table of keys. A new one is also a property of
 * router/command/ferry-command.c, and command-run.c obeys it. */

#include "command-options.h"

#include <ferry.h>
#include <signal.h>

#define DEFAULT_OUTPUT_LIMIT (1024 * 1024)

typedef enum
{
  KIND_FILENAMES, /* aay, also arguments and variables */
  KIND_STRING,
  KIND_FILENAME, /* ay */
  KIND_BOOLEAN,
  KIND_INT,
  KIND_UINT64,
  KIND_DOUBLE,
  KIND_STATUSES, /* ai */
  KIND_INPUT,    /* ay, or i: a handle */
} Kind;

typedef struct
{
  const char *name;
  Kind kind;
  gsize place; /* in CommandOptions */
} Key;

#define KEY(name, kind, member) name, kind, G_STRUCT_OFFSET (CommandOptions, member)

static const Key keys[] = {
  {KEY ("argv", KIND_FILENAMES, argv)},
  {KEY ("environment", KIND_FILENAMES, environment)},
  {KEY ("default-environment", KIND_FILENAMES, default_environment)},
  {KEY ("directory", KIND_FILENAME, directory)},
  {KEY ("default-directory", KIND_FILENAME, default_directory)},
  {KEY ("umask", KIND_INT, umask)},
  {KEY ("input", KIND_INPUT, input)},
  {KEY ("input-file", KIND_FILENAME, input_file)},
  {KEY ("output-file", KIND_FILENAME, output_file)},
  {KEY ("output-limit", KIND_UINT64, output_limit)},
  {KEY ("fail-at-output-limit", KIND_BOOLEAN, fail_at_output_limit)},
  {KEY ("merge-streams", KIND_BOOLEAN, merge_streams)},
  {KEY ("all-lines", KIND_BOOLEAN, all_lines)},
  {KEY ("yield-output", KIND_BOOLEAN, yield_output)},
  {KEY ("terminal", KIND_BOOLEAN, terminal)},
  {KEY ("interactive", KIND_BOOLEAN, interactive)},
  {KEY ("progress", KIND_INT, progress)},
  {KEY ("progress-pattern", KIND_STRING, progress_pattern)},
  {KEY ("progress-program", KIND_FILENAME, progress_program)},
  {KEY ("total", KIND_DOUBLE, total)},
  {KEY ("unit", KIND_STRING, unit)},
  {KEY ("cancel-signal", KIND_INT, cancel_signal)},
  {KEY ("success-statuses", KIND_STATUSES, success_statuses)},
  {KEY ("output-files", KIND_FILENAMES, output_files)},
  {KEY ("replace-output-files", KIND_BOOLEAN, replace_output_files)},
  {KEY ("end-session", KIND_BOOLEAN, end_session)},
  {KEY ("cleans-up", KIND_BOOLEAN, cleans_up)},
  {KEY ("polite", KIND_BOOLEAN, polite)},
  {KEY ("confined", KIND_BOOLEAN, confined)},
  {KEY ("readable-folders", KIND_FILENAMES, readable_folders)},
  {KEY ("writable-folders", KIND_FILENAMES, writable_folders)},
  {KEY ("network", KIND_BOOLEAN, network)},
};

/* The types of a kind: arguments and file names are bytes, and may come as strings where they are UTF-8. */
static const char *const types[][2] = {
  [KIND_FILENAMES] = {"aay", "as"}, [KIND_STRING] = {"s", "s"},     [KIND_FILENAME] = {"ay", "s"},
  [KIND_BOOLEAN] = {"b", "b"},      [KIND_INT] = {"i", "i"},        [KIND_UINT64] = {"t", "t"},
  [KIND_DOUBLE] = {"d", "d"},       [KIND_STATUSES] = {"ai", "ai"}, [KIND_INPUT] = {"ay", "i"},
};

static void
take_statuses (CommandOptions *self, GVariant *value)
{
  const gint32 *statuses = g_variant_get_fixed_array (value, &self->n_success_statuses, sizeof *statuses);

  g_free (self->success_statuses);
  self->success_statuses = g_memdup2 (statuses, self->n_success_statuses * sizeof *statuses);
}

static void
take_strings (const char ***place, GVariant *value)
{
  g_free (*place);
  *place = g_variant_is_of_type (value, G_VARIANT_TYPE_STRING_ARRAY) ? g_variant_get_strv (value, NULL)
                                                                     : g_variant_get_bytestring_array (value, NULL);
}

static void
take_string (const char **place, GVariant *value)
{
  *place = g_variant_is_of_type (value, G_VARIANT_TYPE_STRING) ? g_variant_get_string (value, NULL)
                                                               : g_variant_get_bytestring (value);
}

/* Stores a value, of a type of the key. Its strings stay those of self->variant. */
static void
take (CommandOptions *self, const Key *key, GVariant *value)
{
  gpointer place = G_STRUCT_MEMBER_P (self, key->place);

  switch (key->kind)
    {
    case KIND_FILENAMES:
      take_strings (place, value);
      return;
    case KIND_STRING:
    case KIND_FILENAME:
      take_string (place, value);
      return;
    case KIND_BOOLEAN:
      *(gboolean *) place = g_variant_get_boolean (value);
      return;
    case KIND_INT:
      *(gint32 *) place = g_variant_get_int32 (value);
      return;
    case KIND_UINT64:
      *(guint64 *) place = g_variant_get_uint64 (value);
      return;
    case KIND_DOUBLE:
      *(double *) place = g_variant_get_double (value);
      return;
    case KIND_INPUT:
      g_clear_pointer ((GVariant **) place, g_variant_unref);
      *(GVariant **) place = g_variant_ref (value);
      return;
    case KIND_STATUSES:
      take_statuses (self, value);
      return;
    default:
      g_assert_not_reached ();
    }
}

static const Key *
find_key (const char *name, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    if (g_str_equal (name, keys[i].name))
      return &keys[i];
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
               "A command has no property '%s'; build application and 'ferry-command' with the same version of Ferry",
               name);
  return NULL;
}

static gboolean
take_named (CommandOptions *self, const char *name, GVariant *value, GError **error)
{
  const Key *key = find_key (name, error);

  if (key == NULL)
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (types[0]); i++)
    if (g_variant_is_of_type (value, G_VARIANT_TYPE (types[key->kind][i])))
      {
        take (self, key, value);
        return TRUE;
      }
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
               "The value of '%s' of a command has the type '%s'; it must be '%s'", name,
               g_variant_get_type_string (value), types[key->kind][0]);
  return FALSE;
}

/* (transfer full): the value of FerryCommand:progress by its name, such as “'percent'”. */
static GVariant *
parse_progress (const char *text, GError **error)
{
  g_autoptr (GVariant) name = g_variant_parse (G_VARIANT_TYPE_STRING, text, NULL, NULL, error);
  g_autoptr (GTypeClass) type = g_type_class_ref (FERRY_TYPE_COMMAND_PROGRESS);
  const GEnumValue *value;

  if (name == NULL)
    return NULL;
  value = g_enum_get_value_by_nick ((GEnumClass *) type, g_variant_get_string (name, NULL));
  if (value != NULL)
    return g_variant_ref_sink (g_variant_new_int32 (value->value));
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
               "There is no progress %s; take 'none', 'percent', 'steps', 'number', 'keys', 'json' or 'pattern'", text);
  return NULL;
}

GVariant *
command_options_parse (const char *name, const char *text, GError **error)
{
  const Key *key = find_key (name, error);
  GVariant *value;

  if (key == NULL || key->place == G_STRUCT_OFFSET (CommandOptions, progress))
    return key != NULL ? parse_progress (text, error) : NULL;
  value = g_variant_parse (G_VARIANT_TYPE (types[key->kind][1]), text, NULL, NULL, error);
  if (value == NULL)
    g_prefix_error (error, "The value %s of '%s': ", text, name);
  return value;
}

CommandOptions *
command_options_new (GVariant *arguments, GError **error)
{
  g_autoptr (CommandOptions) self = g_new0 (CommandOptions, 1);
  GVariantIter iter;
  const char *name;
  GVariant *value;

  self->variant = g_variant_ref (arguments);
  self->output_limit = DEFAULT_OUTPUT_LIMIT;
  self->cancel_signal = SIGINT;
  self->polite = TRUE;
  self->umask = -1;
  g_variant_iter_init (&iter, arguments);
  while (g_variant_iter_next (&iter, "{&sv}", &name, &value))
    {
      /* What is in value is in the arguments too, which stay. */
      g_autoptr (GVariant) owned = value;

      if (!take_named (self, name, owned, error))
        return NULL;
    }
  self->has_directory = self->directory != NULL;
  if (!self->has_directory)
    self->directory = self->default_directory;
  if (self->argv == NULL || self->argv[0] == NULL || self->argv[0][0] == '\0')
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                           "A command needs 'argv', with a program and its arguments");
      return NULL;
    }
  if (self->cancel_signal <= 0 || self->cancel_signal >= NSIG)
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                           "The value of 'cancel-signal' of a command is no signal; give one of <signal.h>");
      return NULL;
    }
  return g_steal_pointer (&self);
}

void
command_options_free (CommandOptions *self)
{
  g_free (self->argv);
  g_clear_pointer (&self->input, g_variant_unref);
  g_free (self->environment);
  g_free (self->default_environment);
  g_free (self->success_statuses);
  g_free (self->output_files);
  g_free (self->readable_folders);
  g_free (self->writable_folders);
  g_variant_unref (self->variant);
  g_free (self);
}

gboolean
command_options_is_success (const CommandOptions *self, int status)
{
  if (self->success_statuses == NULL)
    return status == 0;
  for (gsize i = 0; i < self->n_success_statuses; i++)
    if (self->success_statuses[i] == status)
      return TRUE;
  return FALSE;
}
