/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Progress as bytes: what a job writes into the cell of its worker, newest value only.
 *
 * Trust: what is decoded comes from a worker; lengths are checked, text is made valid, numbers are made sane. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define FERRY_MAX_PROGRESS_UNIT 63
#define FERRY_MAX_PROGRESS_TEXT 1023

typedef struct
{
  guint64 xid;     /* of the call */
  double fraction; /* 0 to 1; negative when nobody knows */
  guint64 amount;
  guint64 total; /* 0 when nobody knows */
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

/* Unit and text may be NULL; what is too long is cut between characters. Returns the size. */
gsize ferry_progress_encode (guint8 bytes[FERRY_MAX_PROGRESS_SIZE], guint64 xid, double fraction, guint64 amount,
                             guint64 total, const char *unit, const char *text);
gboolean ferry_progress_decode (FerryProgress *self, gconstpointer data, gsize size);

G_END_DECLS
