/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Numbers as programs print them: "108,000,000", "12.6M", "28.6 MiB", "00:01:00.02". Any thread. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  double value;     /* not negative; times are in seconds */
  double factor;    /* of the letters after it, which is in value already: 1048576 for MiB; 1 without letters */
  const char *unit; /* (nullable): "bytes", or "s" */
} ProgressNumber;

const char *progress_number_parse (const char *text, gboolean grouped, ProgressNumber *number);
double progress_number_read (const char *text, gboolean grouped);

G_END_DECLS
