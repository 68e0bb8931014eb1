/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Progress: the fraction of a job that is done in parts, and a report as bytes, as a job writes it into the cell of its
 * worker.
 *
 * Trust: decoded bytes come from a worker. Lengths are checked, text is made valid UTF-8, and numbers are clamped. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define FERRY_MAX_PROGRESS_UNIT 63
#define FERRY_MAX_PROGRESS_TEXT 1023

typedef struct
{
  guint64 xid;     /* of the call */
  double fraction; /* 0 to 1; negative: not known */
  guint64 amount;
  guint64 total; /* 0: not known */
  guint16 unit_length;
  guint16 text_length;
  guint32 reserved;
} FerryProgressHeader;

#define FERRY_MAX_PROGRESS_SIZE (sizeof (FerryProgressHeader) + FERRY_MAX_PROGRESS_UNIT + FERRY_MAX_PROGRESS_TEXT)

typedef struct
{
  guint64 xid;
  double fraction;
  guint64 amount;
  guint64 total;
  char unit[FERRY_MAX_PROGRESS_UNIT + 1];
  char text[FERRY_MAX_PROGRESS_TEXT + 1];
} FerryProgress;

/* any. unit and text are (nullable); a text that is too long is cut between characters. Returns the size. */
gsize ferry_progress_encode (guint8 bytes[FERRY_MAX_PROGRESS_SIZE], guint64 xid, double fraction, guint64 amount,
                             guint64 total, const char *unit, const char *text);
/* any. Returns FALSE, with nothing changed, where size is not what the lengths in data add up to. */
gboolean ferry_progress_decode (FerryProgress *self, gconstpointer data, gsize size);

/* A part of a job, or the whole job. */
typedef struct
{
  double base;   /* where it begins, in the whole */
  double share;  /* its length, in the whole */
  double weight; /* its length, in its parent */
  double done;   /* 0 to 1: of it */
} FerryProgressPart;

/* The parts of a job. The job has them, and guards them by its lock. */
typedef struct
{
  FerryProgressPart whole;
  GArray *parts;   /* (owned) (nullable) (element-type FerryProgressPart): the open parts, the outermost first */
  double furthest; /* the fraction of the whole: from 0 to 1, and never falls */
} FerryProgressParts;

void ferry_progress_parts_init (FerryProgressParts *self);
void ferry_progress_parts_clear (FerryProgressParts *self);
/* Sets how much of the innermost part is done. Returns furthest. */
double ferry_progress_parts_scale (FerryProgressParts *self, double fraction);
/* Begins a part that takes weight of the innermost one, or the rest of it where that is less. */
void ferry_progress_parts_begin (FerryProgressParts *self, double weight);
/* Completes the innermost part. Returns FALSE when there is none. */
gboolean ferry_progress_parts_end (FerryProgressParts *self);
gboolean ferry_progress_parts_has_part (const FerryProgressParts *self);

G_END_DECLS
