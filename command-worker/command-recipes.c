/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Commands that the operator of a host has written, each with a name by which applications ask for it. Each run has a
 * folder of its own, for the files that stand where the recipe has places. */

#include "command-recipes.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>

#include "base/ferry-tree-private.h"
#include "command-options.h"
#include "command-result.h"
#include "command-run.h"

/* What applications may say of a recipe. */
#define INPUT_KEY "input"

typedef struct
{
  char *name;        /* (owned) */
  GVariant *options; /* (owned): a{sv}, as command_run() takes it; argv has places in it */
  char *input;       /* (owned) (nullable): the name of the file that a place stands for, such as “input.jpg” */
  char *output;      /* (owned) (nullable) */
} Recipe;

static void
recipe_free (gpointer data)
{
  Recipe *self = data;

  g_free (self->name);
  g_clear_pointer (&self->options, g_variant_unref);
  g_free (self->input);
  g_free (self->output);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Recipe, recipe_free)

/* ---- the file ---- */

/* Returns (transfer full) (nullable) the name of the file that a place of that kind in an argument stands for: “input”
 * or “input.jpg”, of “{input}” and “{input.jpg}”. */
static char *
find_place (const char *argument, const char *kind)
{
  g_autofree char *expression = g_strdup_printf ("\\{(%s(?:\\.[A-Za-z0-9]{1,16})?)\\}", kind);
  g_autoptr (GRegex) regex = g_regex_new (expression, 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;

  g_assert (regex != NULL);
  return g_regex_match (regex, argument, 0, &match) ? g_match_info_fetch (match, 1) : NULL;
}

/* Finds the places of a kind, which may be named more than once, but by one name. */
static gboolean
take_places (Recipe *self, const char *const *argv, const char *kind, char **name, GError **error)
{
  for (guint i = 0; argv[i] != NULL; i++)
    {
      g_autofree char *found = find_place (argv[i], kind);

      if (found == NULL)
        continue;
      if (*name != NULL && strcmp (*name, found) != 0)
        {
          g_set_error (error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE,
                       "The recipe '%s' has the places {%s} and {%s}; it has one file of that kind, so name it alike",
                       self->name, *name, found);
          return FALSE;
        }
      g_free (*name);
      *name = g_steal_pointer (&found);
    }
  return TRUE;
}

static gboolean
take_argv (Recipe *self, GError **error)
{
  g_autofree const char **argv = NULL;

  if (!g_variant_lookup (self->options, "argv", "^a&s", &argv))
    {
      g_set_error (error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_KEY_NOT_FOUND,
                   "The recipe '%s' has no 'argv'; give its program and arguments, as in argv=['wc', '{input}']",
                   self->name);
      return FALSE;
    }
  return take_places (self, argv, "input", &self->input, error) &&
         take_places (self, argv, "output", &self->output, error);
}

static gboolean
take_key (GVariantDict *options, GKeyFile *file, const char *name, const char *key, GError **error)
{
  g_autofree char *text = g_key_file_get_value (file, name, key, error);
  g_autoptr (GVariant) value = text != NULL ? command_options_parse (key, text, error) : NULL;

  if (value == NULL)
    {
      g_prefix_error (error, "The recipe '%s': ", name);
      return FALSE;
    }
  g_variant_dict_insert_value (options, key, value);
  return TRUE;
}

static Recipe *
recipe_new (GKeyFile *file, const char *name, GError **error)
{
  g_autoptr (Recipe) self = g_new0 (Recipe, 1);
  g_autoptr (CommandOptions) options = NULL;
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_auto (GStrv) keys = g_key_file_get_keys (file, name, NULL, error);

  if (keys == NULL)
    return NULL;
  for (guint i = 0; keys[i] != NULL; i++)
    if (!take_key (&dict, file, name, keys[i], error))
      return NULL;
  self->name = g_strdup (name);
  self->options = g_variant_ref_sink (g_variant_dict_end (&dict));
  if (!take_argv (self, error))
    return NULL;
  options = command_options_new (self->options, error);
  if (options == NULL)
    {
      g_prefix_error (error, "The recipe '%s': ", name);
      return NULL;
    }
  return g_steal_pointer (&self);
}

/* ---- a run ---- */

/* Returns (transfer full) the argument with each place replaced by the path of its file. */
static char *
fill (const char *argument, const char *name, const char *folder)
{
  g_autofree char *place = NULL;
  g_autofree char *path = NULL;
  g_autoptr (GString) filled = g_string_new (argument);

  if (name == NULL)
    return g_strdup (argument);
  place = g_strdup_printf ("{%s}", name);
  path = g_build_filename (folder, name, NULL);
  g_string_replace (filled, place, path, 0);
  return g_strdup (filled->str);
}

/* Returns (floating) what the command is in this run, with its files in folder. */
static GVariant *
make_options (const Recipe *self, const char *folder, gboolean has_input)
{
  g_auto (GVariantDict) options = G_VARIANT_DICT_INIT (self->options);
  g_autofree const char **argv = NULL;
  g_autoptr (GStrvBuilder) filled = g_strv_builder_new ();
  g_auto (GStrv) arguments = NULL;

  g_variant_lookup (self->options, "argv", "^a&s", &argv);
  for (guint i = 0; argv[i] != NULL; i++)
    {
      g_autofree char *with_input = fill (argv[i], self->input, folder);
      g_autofree char *with_both = fill (with_input, self->output, folder);

      g_strv_builder_add (filled, with_both);
    }
  arguments = g_strv_builder_end (filled);
  g_variant_dict_insert (&options, "argv", "^as", arguments);
  /* Its result is the file, or all that it says: who asks a host does not see what was left out. */
  if (self->output != NULL)
    g_variant_dict_insert (&options, "output-limit", "t", G_GUINT64_CONSTANT (0));
  else if (!g_variant_dict_contains (&options, "fail-at-output-limit"))
    g_variant_dict_insert (&options, "fail-at-output-limit", "b", TRUE);
  if (has_input && self->input == NULL)
    {
      g_autofree char *path = g_build_filename (folder, INPUT_KEY, NULL);

      g_variant_dict_insert (&options, "input-file", "^ay", path);
    }
  return g_variant_dict_end (&options);
}

/* Writes what the application gave where the command finds it. */
static gboolean
write_input (const Recipe *self, const char *folder, GVariant *input, GError **error)
{
  g_autofree char *path = g_build_filename (folder, self->input != NULL ? self->input : INPUT_KEY, NULL);
  gsize size;
  const char *bytes = g_variant_get_fixed_array (input, &size, 1);

  return g_file_set_contents_full (path, bytes, (gssize) size, G_FILE_SET_CONTENTS_NONE, 0600, error);
}

/* Returns (transfer full) (nullable) the result with the file that the command wrote in place of its standard output.
 */
static GVariant *
read_output (const Recipe *self, const char *folder, GVariant *result, GError **error)
{
  g_autofree char *path = g_build_filename (folder, self->output, NULL);
  g_autoptr (GVariant) status = g_variant_get_child_value (result, 0);
  g_autoptr (GVariant) errors = g_variant_get_child_value (result, 2);
  g_autoptr (CommandOptions) options = command_options_new (self->options, error);
  g_autoptr (GBytes) contents = NULL;
  g_autofree char *bytes = NULL;
  GStatBuf facts;
  gsize size;

  if (options == NULL)
    return NULL;
  if (g_stat (path, &facts) == 0 && (guint64) facts.st_size > options->output_limit)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE,
                   "The recipe '%s' made a file of %" G_GOFFSET_FORMAT " bytes, and returns at most %" G_GUINT64_FORMAT
                   "; raise 'output-limit' in the recipe",
                   self->name, (goffset) facts.st_size, options->output_limit);
      return NULL;
    }
  if (!g_file_get_contents (path, &bytes, &size, error))
    {
      g_prefix_error (error, "The recipe '%s' did not make its file {%s}: ", self->name, self->output);
      return NULL;
    }
  contents = g_bytes_new_take (g_steal_pointer (&bytes), size);
  return g_variant_new ("(@i@ay@ay)", status, g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, contents, TRUE),
                        errors);
}

static GVariant *
run_in (const Recipe *self, FerryJob *job, const char *folder, GVariant *input, GError **error)
{
  g_autoptr (GVariant) options = NULL;
  g_autoptr (GVariant) result = NULL;

  if (input != NULL && !write_input (self, folder, input, error))
    return NULL;
  options = g_variant_ref_sink (make_options (self, folder, input != NULL));
  result = command_run (job, options, error);
  if (result == NULL)
    return NULL;
  g_variant_ref_sink (result);
  return self->output != NULL ? read_output (self, folder, result, error) : g_steal_pointer (&result);
}

static GVariant *
run (FerryJob *job, GVariant *arguments, gpointer user_data, GError **error)
{
  const Recipe *self = user_data;
  g_autoptr (GVariant) input = g_variant_lookup_value (arguments, INPUT_KEY, G_VARIANT_TYPE_BYTESTRING);
  g_autofree char *folder = NULL;
  GVariant *result;

  if (g_variant_n_children (arguments) != (input != NULL ? 1 : 0))
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                   "The recipe '%s' takes nothing but '" INPUT_KEY
                   "', which is bytes; all else is in the recipe, which "
                   "is the host's",
                   self->name);
      return NULL;
    }
  if (self->input != NULL && input == NULL)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS, "The recipe '%s' needs '" INPUT_KEY "'", self->name);
      return NULL;
    }
  folder = g_dir_make_tmp ("ferry-recipe-XXXXXX", error);
  if (folder == NULL)
    return NULL;
  result = run_in (self, job, folder, input, error);
  ferry_tree_remove (AT_FDCWD, folder);
  return result;
}

gboolean
command_recipes_register (const char *path, GError **error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_auto (GStrv) names = NULL;

  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, error))
    {
      g_prefix_error (error, "The file of recipes '%s' cannot be read: ", path);
      return FALSE;
    }
  names = g_key_file_get_groups (file, NULL);
  for (guint i = 0; names[i] != NULL; i++)
    {
      Recipe *recipe = recipe_new (file, names[i], error);

      if (recipe == NULL)
        return FALSE;
      ferry_function_register_full (names[i], COMMAND_ARGUMENTS, COMMAND_RESULT, run, recipe, recipe_free);
    }
  return TRUE;
}
