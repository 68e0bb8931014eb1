/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How far a job is as a whole, when it is done in parts that have parts.
 *
 * Owner:     the job, under its lock.
 * Invariant: what ferry_progress_parts_scale() returns never falls, is at least 0 and at most 1. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A part, or the whole: which stretch of the whole it takes, and how much of it is done. */
typedef struct
{
  double base;   /* where it begins, in the whole */
  double share;  /* how long it is, in the whole */
  double weight; /* how long it is, in its parent */
  double done;   /* 0 to 1: of it */
} FerryProgressPart;

typedef struct
{
  FerryProgressPart whole;
  GArray *parts;   /* (owned) (nullable) (element-type FerryProgressPart): those that were begun, the outermost first */
  double furthest; /* the largest that was returned */
} FerryProgressParts;

void ferry_progress_parts_init (FerryProgressParts *self);
void ferry_progress_parts_clear (FerryProgressParts *self);

/* The whole's fraction when the innermost part is at fraction. */
double ferry_progress_parts_scale (FerryProgressParts *self, double fraction);
/* A part that takes weight of the innermost one, or what is left of it. */
void ferry_progress_parts_begin (FerryProgressParts *self, double weight);
/* Completes the innermost part. Returns FALSE when there is none. */
gboolean ferry_progress_parts_end (FerryProgressParts *self);
/* The furthest that the whole has come. */
double ferry_progress_parts_get_furthest (const FerryProgressParts *self);
gboolean ferry_progress_parts_has_part (const FerryProgressParts *self);

G_END_DECLS
