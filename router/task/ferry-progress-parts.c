/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "task/ferry-progress-parts-private.h"

#include <math.h>

void
ferry_progress_parts_init (FerryProgressParts *self)
{
  *self = (FerryProgressParts){.whole = {.share = 1, .weight = 1}};
}

void
ferry_progress_parts_clear (FerryProgressParts *self)
{
  g_clear_pointer (&self->parts, g_array_unref);
}

gboolean
ferry_progress_parts_has_part (const FerryProgressParts *self)
{
  return self->parts != NULL && self->parts->len > 0;
}

static FerryProgressPart *
get_innermost (FerryProgressParts *self)
{
  if (!ferry_progress_parts_has_part (self))
    return &self->whole;
  return &g_array_index (self->parts, FerryProgressPart, self->parts->len - 1);
}

/* What is not between 0 and 1, or no number, becomes it. */
static double
clamp (double fraction)
{
  return isnan (fraction) ? 0 : CLAMP (fraction, 0, 1);
}

double
ferry_progress_parts_scale (FerryProgressParts *self, double fraction)
{
  FerryProgressPart *part = get_innermost (self);

  /* What was reported of a part is used up: parts that it is given afterwards lie behind. */
  part->done = MAX (part->done, clamp (fraction));
  self->furthest = MAX (self->furthest, clamp (part->base + part->done * part->share));
  return self->furthest;
}

void
ferry_progress_parts_begin (FerryProgressParts *self, double weight)
{
  const FerryProgressPart *parent = get_innermost (self);
  FerryProgressPart part = {.weight = MIN (clamp (weight), 1 - parent->done)};

  part.base = parent->base + parent->done * parent->share;
  part.share = part.weight * parent->share;
  if (self->parts == NULL)
    self->parts = g_array_new (FALSE, FALSE, sizeof part);
  g_array_append_val (self->parts, part);
}

gboolean
ferry_progress_parts_end (FerryProgressParts *self)
{
  double weight;

  if (!ferry_progress_parts_has_part (self))
    return FALSE;
  weight = get_innermost (self)->weight;
  g_array_set_size (self->parts, self->parts->len - 1);
  ferry_progress_parts_scale (self, get_innermost (self)->done + weight);
  return TRUE;
}

double
ferry_progress_parts_get_furthest (const FerryProgressParts *self)
{
  return self->furthest;
}
