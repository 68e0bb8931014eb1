/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The ways in which the progress of a program is read. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How progress is read. In the order of FerryCommandProgress. */
typedef enum
{
  PROGRESS_AUTOMATIC, /* as the table of programs has it, else the last percentage of a line */
  PROGRESS_NONE,
  PROGRESS_PERCENT,  /* the one percentage of a piece */
  PROGRESS_STEPS,    /* [12/300], (12/300), 12 of 300 */
  PROGRESS_NUMBER,   /* a piece that is a number: of 100, or of the total */
  PROGRESS_KEYS,     /* name=value, a line each */
  PROGRESS_JSON,     /* an object, a line each */
  PROGRESS_PATTERN,  /* a GRegex with named groups */
  PROGRESS_POSITION, /* how far the program is in the file that it reads */
} ProgressKind;

G_END_DECLS
