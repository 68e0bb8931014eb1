/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a piece says of progress, in the words of a pattern's groups. One thread at a time. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  PROGRESS_PERCENT_DONE, /* 0 to 100 */
  PROGRESS_FRACTION,     /* 0 to 1 */
  PROGRESS_DONE,
  PROGRESS_TOTAL,
  PROGRESS_LEFT,
  PROGRESS_TASK, /* which one of so many, each of which goes from 0 to its end */
  PROGRESS_TASKS,
  PROGRESS_STEP, /* being there is one step more */
  PROGRESS_TEXT,
  PROGRESS_PHASE,
  PROGRESS_END, /* of a block of keys */
  PROGRESS_N_ROLES,
} ProgressRole;

typedef struct
{
  double numbers[PROGRESS_N_ROLES]; /* NAN: not said */
  char *text;                       /* (nullable): valid UTF-8 */
  char *phase;                      /* (nullable) */
  const char *unit;                 /* (nullable): static */
  gboolean ended;                   /* the block has ended */
} ProgressValues;

void progress_values_init (ProgressValues *self);
void progress_values_clear (ProgressValues *self);
gboolean progress_values_set (ProgressValues *self, ProgressRole role, const char *value, gboolean grouped,
                              double divisor);
gboolean progress_values_are_empty (const ProgressValues *self);

const char *progress_role_get_name (ProgressRole role);

/* The names under which a program says them: "done=out_time_us/1000000 text=message|path". */
typedef struct _ProgressNames ProgressNames;

ProgressNames *progress_names_new (const char *text, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void progress_names_free (ProgressNames *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProgressNames, progress_names_free)

gboolean progress_names_have (const ProgressNames *self, ProgressRole role);
gboolean progress_names_take (const ProgressNames *self, const char *name, const char *value, ProgressValues *values);

G_END_DECLS
