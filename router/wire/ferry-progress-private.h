/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The progress of a job. It is the fraction that is done, computed from parts, and the bytes of a report. A job writes
 * its report into the cell of its worker.
 *
 * Trust: decoded bytes come from a worker, which may be hostile. Lengths are checked, text is made valid UTF-8, and
 *        numbers are clamped. */

#pragma once

#include <glib.h>
#include <math.h>

#include "base/ferry-base-private.h"

G_BEGIN_DECLS

/* The fraction of what was known, or may have been, and is not any more. Every other negative one is not known yet. */
#define FERRY_FRACTION_TAKEN_BACK (-(double) INFINITY)

#define FERRY_MAX_PROGRESS_UNIT 63
#define FERRY_MAX_PROGRESS_TEXT 1023

typedef struct
{
  guint64 xid;     /* of the call that the report is about */
  double fraction; /* 0 to 1; FERRY_FRACTION_TAKEN_BACK; otherwise negative: not known */
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
  double fraction; /* 0 to 1; -1: not known; FERRY_FRACTION_TAKEN_BACK */
  guint64 amount;
  guint64 total;
  gboolean may_fall; /* of a sum: a fraction that was in it was taken back. No worker says so */
  char unit[FERRY_MAX_PROGRESS_UNIT + 1];
  char text[FERRY_MAX_PROGRESS_TEXT + 1];
} FerryProgress;

/* any: writes a report into bytes. unit and text are (nullable); a text that is too long is cut between characters.
 * Returns the number of bytes written. */
FERRY_FOR_SIBLINGS
gsize ferry_progress_encode (guint8 bytes[FERRY_MAX_PROGRESS_SIZE], guint64 xid, double fraction, guint64 amount,
                             guint64 total, const char *unit, const char *text);
/* any: reads a report. Returns FALSE, and changes nothing, if size does not match the lengths in data. */
FERRY_FOR_SIBLINGS
gboolean ferry_progress_decode (FerryProgress *self, gconstpointer data, gsize size);

/* any: sets an amount of a unit, which is cut between characters where it is too long. total: 0: not known. */
void ferry_progress_set_amount (FerryProgress *self, guint64 amount, guint64 total, const char *unit);

/* A part of a job, or the whole job. */
typedef struct
{
  double base;            /* where the part begins, as a fraction of the whole job */
  double share;           /* the size of the part, as a fraction of the whole job */
  double weight;          /* the size of the part, as a fraction of the part that contains it */
  double done;            /* how much of the part is done, 0 to 1 */
  gboolean is_taken_back; /* what is reported until the part ends does not count */
} FerryProgressPart;

/* The parts of a job. The job owns them, and guards them by its lock. */
typedef struct
{
  FerryProgressPart whole;
  GArray *parts;   /* (owned) (nullable) (element-type FerryProgressPart): the open parts, the outermost first */
  double furthest; /* the fraction of the whole job that is done: from 0 to 1, and never decreases; or
                    * FERRY_FRACTION_TAKEN_BACK, which stays */
} FerryProgressParts;

void ferry_progress_parts_init (FerryProgressParts *self);
void ferry_progress_parts_clear (FerryProgressParts *self);
/* Sets how much of the innermost part is done, unless more was done already. Returns furthest. */
double ferry_progress_parts_scale (FerryProgressParts *self, double fraction);
/* It is not known any more how much of the innermost part is done. Of a small part of the job, the rest of the job
 * stays known. */
void ferry_progress_parts_take_back (FerryProgressParts *self);
/* Begins a part in the innermost part. weight is its size as a fraction of the innermost part, reduced to what is
 * left. */
void ferry_progress_parts_begin (FerryProgressParts *self, double weight);
/* Ends the innermost part, which counts as complete. Returns FALSE when no part is open. */
gboolean ferry_progress_parts_end (FerryProgressParts *self);
gboolean ferry_progress_parts_has_part (const FerryProgressParts *self);

G_END_DECLS
