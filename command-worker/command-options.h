/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a command is, as the application says it: an a{sv} whose keys are the properties of FerryCommand. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  GVariant *variant;        /* (owned): has the strings that are not owned */
  const char **argv;        /* (owned) (transfer container) */
  const char **environment; /* (owned) (transfer container) (nullable) */
  const char *directory;    /* (nullable) */
  GVariant *input;          /* (owned) (nullable): bytes, or the handle of bytes of the task */
  const char *input_file;   /* (nullable) */
  const char *output_file;  /* (nullable) */
  guint64 output_limit;
  gboolean all_lines;
  gboolean terminal;
  gint32 progress;              /* a FerryCommandProgress */
  const char *progress_pattern; /* (nullable) */
  const char *progress_program; /* (nullable) */
  double total;                 /* 0: not known */
  const char *unit;             /* (nullable) */
  gint32 cancel_signal;
  gint32 *success_statuses; /* (owned) (nullable): NULL: 0 alone */
  gsize n_success_statuses;
  const char **output_files; /* (owned) (transfer container) (nullable) */
  gboolean replace_output_files;
  gboolean end_session;
  gboolean polite;
  gboolean confined;
  const char **readable_folders; /* (owned) (transfer container) (nullable) */
  const char **writable_folders; /* (owned) (transfer container) (nullable) */
  gboolean network;
} CommandOptions;

/* Reads the arguments of the function. Fails with FERRY_ERROR_BAD_ARGUMENTS for a key that is not known, or has a value
 * that it cannot have. */
CommandOptions *command_options_new (GVariant *arguments, GError **error);
void command_options_free (CommandOptions *self);
/* Returns (floating) (nullable) the value of a key from a text of GVariant: “['wc', '-l']”, “'percent'”, “4096”. Fails
 * as above, and with G_VARIANT_PARSE_ERROR. */
GVariant *command_options_parse (const char *key, const char *text, GError **error);
/* Whether a command that ended with this exit status has succeeded. */
gboolean command_options_is_success (const CommandOptions *self, int status);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CommandOptions, command_options_free)

G_END_DECLS
