/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a piece says of progress, and the names under which programs say it. See progress-values.h. */

#include "config.h"

#include "progress-values.h"

#include <gio/gio.h>
#include <math.h>
#include <string.h>

#include "progress-number.h"

static const char *const role_names[PROGRESS_N_ROLES] = {
  [PROGRESS_PERCENT_DONE] = "percent", [PROGRESS_FRACTION] = "fraction", [PROGRESS_DONE] = "done",
  [PROGRESS_TOTAL] = "total",          [PROGRESS_LEFT] = "left",         [PROGRESS_TASK] = "task",
  [PROGRESS_TASKS] = "tasks",          [PROGRESS_STEP] = "step",         [PROGRESS_TEXT] = "text",
  [PROGRESS_PHASE] = "phase",          [PROGRESS_END] = "end",
};

const char *
progress_role_get_name (ProgressRole role)
{
  return role_names[role];
}

void
progress_values_init (ProgressValues *self)
{
  *self = (ProgressValues){0};
  for (guint role = 0; role < PROGRESS_N_ROLES; role++)
    self->numbers[role] = NAN;
}

void
progress_values_clear (ProgressValues *self)
{
  g_free (self->text);
  g_free (self->phase);
  progress_values_init (self);
}

gboolean
progress_values_are_empty (const ProgressValues *self)
{
  for (guint role = 0; role < PROGRESS_N_ROLES; role++)
    if (!isnan (self->numbers[role]))
      return FALSE;
  return self->text == NULL;
}

/* "9512 39062 KiB": the done of a total in KiB are KiB. */
static void
share_factor (ProgressValues *self, ProgressRole role, const ProgressNumber *number)
{
  if (role == PROGRESS_TOTAL && self->unit == NULL && number->unit != NULL)
    self->numbers[PROGRESS_DONE] *= number->factor;
  if (number->unit != NULL && (role == PROGRESS_DONE || role == PROGRESS_TOTAL || role == PROGRESS_LEFT))
    self->unit = number->unit;
}

/* Takes the value that a program printed. "N/A" is none, and a total of it is one that is not known, 0. done comes
 * before total. Returns whether it was taken. */
gboolean
progress_values_set (ProgressValues *self, ProgressRole role, const char *value, gboolean grouped, double divisor)
{
  ProgressNumber number;

  switch (role)
    {
    case PROGRESS_TEXT:
      g_free (self->text);
      self->text = g_strdup (value);
      return TRUE;
    case PROGRESS_PHASE:
      g_free (self->phase);
      self->phase = g_strdup (value);
      return TRUE;
    case PROGRESS_END:
      self->ended = TRUE;
      return TRUE;
    case PROGRESS_STEP:
      self->numbers[role] = 1;
      return TRUE;
    default:
      break;
    }
  /* What is no amount has no groups of thousands. */
  grouped = grouped && (role == PROGRESS_DONE || role == PROGRESS_TOTAL || role == PROGRESS_LEFT);
  if (progress_number_parse (value, grouped, &number) == NULL)
    {
      if (role == PROGRESS_TOTAL && strcmp (value, "N/A") == 0)
        self->numbers[role] = 0;
      return FALSE;
    }
  self->numbers[role] = number.value / divisor;
  share_factor (self, role, &number);
  return TRUE;
}

/* ---- names ---- */

typedef struct
{
  char **names; /* the first one that a block has is taken */
  double divisor;
} Name;

struct _ProgressNames
{
  Name roles[PROGRESS_N_ROLES];
};

void
progress_names_free (ProgressNames *self)
{
  for (guint role = 0; role < PROGRESS_N_ROLES; role++)
    g_strfreev (self->roles[role].names);
  g_free (self);
}

static gboolean
find_role (const char *name, gsize length, ProgressRole *role)
{
  for (guint i = 0; i < PROGRESS_N_ROLES; i++)
    if (strlen (role_names[i]) == length && strncmp (role_names[i], name, length) == 0)
      {
        *role = i;
        return TRUE;
      }
  return FALSE;
}

/* A word such as done=out_time_us/1000000. */
static gboolean
add_word (ProgressNames *self, const char *word, GError **error)
{
  const char *equals = strchr (word, '=');
  g_autofree char *names = NULL;
  char *slash;
  ProgressRole role;

  if (equals == NULL || equals[1] == '\0' || !find_role (word, (gsize) (equals - word), &role))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "'%s' says no name of progress; write it as done=NAME, with percent, fraction, done, total, left, "
                   "task, tasks, text or end before the '='",
                   word);
      return FALSE;
    }
  names = g_strdup (equals + 1);
  self->roles[role].divisor = 1;
  slash = strrchr (names, '/');
  if (slash != NULL)
    {
      self->roles[role].divisor = progress_number_read (slash + 1, FALSE);
      *slash = '\0';
    }
  if (!(self->roles[role].divisor > 0) || names[0] == '\0')
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "'%s' divides by no number; write it as done=NAME/1000", word);
      return FALSE;
    }
  g_strfreev (self->roles[role].names);
  self->roles[role].names = g_strsplit (names, "|", -1);
  return TRUE;
}

/* Reads "done=NAME total=NAME ...". A NAME may be several with bars between them, and a number to divide by. */
ProgressNames *
progress_names_new (const char *text, GError **error)
{
  g_autoptr (ProgressNames) self = g_new0 (ProgressNames, 1);
  g_auto (GStrv) words = g_strsplit (text, " ", -1);
  guint n_words = 0;

  for (guint i = 0; words[i] != NULL; i++)
    {
      if (words[i][0] == '\0')
        continue;
      if (!add_word (self, words[i], error))
        return NULL;
      n_words++;
    }
  if (n_words == 0)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                           "There are no names of progress; write them as done=NAME total=NAME");
      return NULL;
    }
  return g_steal_pointer (&self);
}

gboolean
progress_names_have (const ProgressNames *self, ProgressRole role)
{
  return self->roles[role].names != NULL;
}

static gboolean
has_value (const ProgressValues *values, guint role)
{
  return role == PROGRESS_TEXT ? values->text != NULL : !isnan (values->numbers[role]);
}

/* Takes a value by its name, where the values have none for it yet: of several names, the first that was said.
 *
 * Returns whether there is such a name. */
gboolean
progress_names_take (const ProgressNames *self, const char *name, const char *value, ProgressValues *values)
{
  gboolean known = FALSE;

  for (guint role = 0; role < PROGRESS_N_ROLES; role++)
    if (self->roles[role].names != NULL && g_strv_contains ((const char *const *) self->roles[role].names, name))
      {
        known = TRUE;
        if (!has_value (values, role))
          progress_values_set (values, role, value, FALSE, self->roles[role].divisor);
      }
  return known;
}
