/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The files that a program writes which a function runs: moved into place when it succeeded, and removed when not.
 *
 * They are in their places, or gone, when the function has returned: what comes after the program may fail yet.
 *
 * Of what is written in place both know. While the program runs, its worker tidies up, also when this process is
 * killed; and this one does afterwards.
 *
 * Threads: any. */

#include "config.h"

#include "command/ferry-step-files-private.h"

#include <gio/gio.h>

#include "base/ferry-base-private.h"

/* (transfer full) (nullable): file names and arguments are bytes, and may be strings where they are UTF-8. */
static char **
dup_names (GVariant *arguments, const char *key)
{
  g_autoptr (GVariant) names = g_variant_lookup_value (arguments, key, NULL);

  if (names != NULL && g_variant_is_of_type (names, G_VARIANT_TYPE_STRING_ARRAY))
    return g_variant_dup_strv (names, NULL);
  if (names != NULL && g_variant_is_of_type (names, G_VARIANT_TYPE_BYTESTRING_ARRAY))
    return g_variant_dup_bytestring_array (names, NULL);
  return NULL;
}

/* (transfer full) (nullable) */
static char *
dup_name (GVariant *arguments, const char *key)
{
  g_autoptr (GVariant) name = g_variant_lookup_value (arguments, key, NULL);

  if (name != NULL && g_variant_is_of_type (name, G_VARIANT_TYPE_STRING))
    return g_variant_dup_string (name, NULL);
  if (name != NULL && g_variant_is_of_type (name, G_VARIANT_TYPE_BYTESTRING))
    return g_variant_dup_bytestring (name, NULL);
  return NULL;
}

/* (transfer floating): the arguments of a command that knows nothing of files to be replaced. output: (nullable): NULL:
 * as it was. */
static GVariant *
make_arguments (GVariant *arguments, CommandFiles *files, char **argv, const char *output, const char *directory)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (arguments);
  g_auto (GStrv) direct = command_files_list_direct (files);

  g_variant_dict_insert_value (&dict, "output-files",
                               g_variant_new_bytestring_array ((const char *const *) direct, -1));
  g_variant_dict_remove (&dict, "replace-output-files");
  g_variant_dict_insert_value (&dict, "argv", g_variant_new_bytestring_array ((const char *const *) argv, -1));
  g_variant_dict_insert_value (&dict, "directory", g_variant_new_bytestring (directory));
  if (output != NULL)
    g_variant_dict_insert_value (&dict, "output-file", g_variant_new_bytestring (output));
  return g_variant_dict_end (&dict);
}

gboolean
ferry_step_files_prepare (FerryTask *task, CommandFiles **files, GError **error)
{
  g_autoptr (GVariant) arguments = NULL;
  g_autoptr (CommandFiles) prepared = NULL;
  g_auto (GStrv) names = NULL;
  g_auto (GStrv) argv = NULL;
  g_autofree char *directory = NULL, *output = NULL, *input = NULL;
  g_autofree char *given = NULL, *path = NULL;
  gboolean replaces = FALSE;

  *files = NULL;
  g_object_get (task, "arguments", &arguments, NULL);
  if (arguments == NULL || !g_variant_is_of_type (arguments, G_VARIANT_TYPE_VARDICT))
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "The task of '%s' is none of a command; make it with ferry_task_new_for_command()",
                            ferry_task_get_name (task));
  names = dup_names (arguments, "output-files");
  argv = dup_names (arguments, "argv");
  if (names == NULL || names[0] == NULL || argv == NULL)
    return TRUE;
  g_variant_lookup (arguments, "replace-output-files", "b", &replaces);
  directory = dup_name (arguments, "directory");
  if (directory == NULL)
    directory = g_get_current_dir ();
  output = dup_name (arguments, "output-file");
  input = dup_name (arguments, "input-file");
  prepared = command_files_prepare ((const char *const *) names, directory, replaces, error);
  if (prepared == NULL || !command_files_redirect (prepared, argv, &output, input, error))
    return FALSE;
  given = dup_name (arguments, "output-file");
  path = given != NULL ? g_canonicalize_filename (given, directory) : NULL;
  ferry_task_set_arguments (
    task, make_arguments (arguments, prepared, argv, g_strcmp0 (path, output) != 0 ? output : NULL, directory));
  *files = g_steal_pointer (&prepared);
  return TRUE;
}
