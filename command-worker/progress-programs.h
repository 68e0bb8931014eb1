/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What well-known programs print of their progress. Any thread. */

#pragma once

#include <glib.h>

#include "progress-kind.h"

G_BEGIN_DECLS

/* A phase of a program, in its order, and how much of its work it is; the weights of a program's phases are of any sum.
 */
typedef struct
{
  const char *name; /* what the phase's name begins with, in a protocol that no language changes; "": any */
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
  const ProgressPhase *phases; /* (nullable): ends with a name that is NULL; empty: nobody knows how many there are */
  /* (nullable): the total of what the program counts, from its arguments and the totals that it has said alone, in
   * their order; 0 where they do not say it. */
  double (*find_total) (const char *const *argv, const char *directory, const double *said, guint n_said);
  /* (nullable): returns (transfer full) (nullable) the files that it reads from their beginning to their end, in their
   * order; NULL where it reads others too. */
  char **(*find_files) (const char *const *argv, const char *directory);
  /* (nullable): where find_total says NAN, percentages are of the whole from a piece on that has this. */
  const char *whole;
} ProgressProgram;

const ProgressProgram *progress_programs_find (const char *const *argv, const char *name, char ***arguments);

G_END_DECLS
