/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How long what ffmpeg writes will be, from its arguments and from what it says of its inputs. Any thread. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* said: the durations of the inputs that ffmpeg has told, in their order; 0: of one that it does not know. Returns
 * seconds; 0: it cannot be known, or not yet. */
double progress_ffmpeg_total (const char *const *argv, const double *said, guint n_said);

/* Returns (transfer full) (nullable) the file that is read from its beginning to its end, or, of a list for the concat
 * demuxer, those that it names. NULL: there is no such file, or more than one input. */
char **progress_ffmpeg_files (const char *const *argv, const char *directory);

G_END_DECLS
