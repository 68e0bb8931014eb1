/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a command is, as the application says it: an a{sv} whose keys are the properties of FerryCommand. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  GVariant *variant;                /* (owned): has the strings that are not owned */
  const char **argv;                /* (owned) (transfer container) */
  const char **environment;         /* (owned) (transfer container) (nullable) */
  const char **default_environment; /* (owned) (transfer container) (nullable): the application's */
  const char *directory;            /* (nullable): where the command runs */
  gboolean has_directory;           /* the application has chosen it, and is not just there itself */
  const char *default_directory;    /* (nullable): where the application was */
  gint32 umask;                     /* negative: that of this process */
  GVariant *input;                  /* (owned) (nullable): bytes, or the handle of bytes of the task */
  const char *input_file;           /* (nullable) */
  const char *output_file;          /* (nullable) */
  guint64 output_limit;             /* G_MAXUINT64: none, of both streams */
  gboolean fail_at_output_limit;
  gboolean merge_streams;
  gboolean all_lines;
  gboolean yield_output; /* what is read is yielded */
  gboolean terminal;
  gboolean interactive;
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
  gboolean cleans_up; /* said by and for who has the command run */
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
/* Returns (transfer full) (nullable) the value of a key from a text of GVariant: “['wc', '-l']”, “'percent'”, “4096”.
 * Fails as above, and with G_VARIANT_PARSE_ERROR. */
GVariant *command_options_parse (const char *key, const char *text, GError **error);
/* Whether a command that ended with this exit status has succeeded. */
gboolean command_options_is_success (const CommandOptions *self, int status);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CommandOptions, command_options_free)

G_END_DECLS
