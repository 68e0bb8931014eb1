/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What well-known programs print of their progress. Any thread. */

#pragma once

#include <glib.h>

#include "progress-kind.h"

G_BEGIN_DECLS

/* A phase of a program, and how much of its work it is; the weights of a program's phases are of any sum. */
typedef struct
{
  const char *name;
  double weight;
} ProgressPhase;

/* How pieces of one stream are read. */
typedef struct
{
  ProgressKind kind;   /* PROGRESS_NONE: not at all */
  const char *pattern; /* (nullable) */
  const char *unit;    /* (nullable): of amounts that are printed without one */
  gboolean grouped;    /* whole numbers have groups of thousands */
} ProgressSpeech;

typedef struct
{
  const char *name;     /* of the program's file */
  const char *argument; /* (nullable): it must have an argument like this; see g_pattern_match_simple() */
  ProgressSpeech output;
  ProgressSpeech error;
  const ProgressPhase *phases; /* (nullable): ends with a name that is NULL */
  /* (nullable): the total of what the program counts, from its arguments; 0 where they do not say it. */
  double (*find_total) (const char *const *argv, const char *directory);
} ProgressProgram;

const ProgressProgram *progress_programs_find (const char *const *argv);

G_END_DECLS
