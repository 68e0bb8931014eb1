/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How far a program is, from what it prints. See the head of the .c file. One thread at a time. */

#pragma once

#include <glib.h>
#include <math.h>

#include "progress-kind.h"

G_BEGIN_DECLS

/* What ends well is 1, and only then: a program that says 100 % may fail yet. */
#define PROGRESS_HIGHEST 0.99

/* A fraction that was told, and was not of the whole. */
#define PROGRESS_TAKEN_BACK (-(double) INFINITY)

/* The bytes of a text. */
#define PROGRESS_MAX_TEXT 512

typedef enum
{
  PROGRESS_TERMINAL = 0, /* both in one */
  PROGRESS_OUTPUT = 1,
  PROGRESS_ERROR = 2,
} ProgressStream;

typedef struct
{
  double fraction;  /* 0 to PROGRESS_HIGHEST; NAN: not known; PROGRESS_TAKEN_BACK, which stays */
  double amount;    /* NAN: not known */
  double total;     /* 0: not known */
  const char *unit; /* (nullable) */
  const char *text; /* (nullable): what was said last, in valid UTF-8 without control characters */
} ProgressReport;

typedef struct _ProgressReader ProgressReader;

ProgressReader *progress_reader_new (ProgressKind kind, const char *pattern, double total, const char *const *argv,
                                     const char *program, const char *directory,
                                     GError **error) G_GNUC_WARN_UNUSED_RESULT;
void progress_reader_free (ProgressReader *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProgressReader, progress_reader_free)

ProgressKind progress_reader_get_kind (const ProgressReader *self);
double progress_reader_get_total (const ProgressReader *self);
const char *const *progress_reader_get_files (const ProgressReader *self);
gboolean progress_reader_needs_position (const ProgressReader *self);

void progress_reader_feed (ProgressReader *self, ProgressStream stream, const char *bytes, gsize length);
void progress_reader_flush (ProgressReader *self);
void progress_reader_end (ProgressReader *self);
void progress_reader_set_position (ProgressReader *self, double position, double size);
gboolean progress_reader_take (ProgressReader *self, ProgressReport *report);

G_END_DECLS
