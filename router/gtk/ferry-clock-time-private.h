/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Times of the wall clock, as the user reads a clock. The thread that runs GTK. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* "Waits until 22:00", with the day if that is another one than that of now; of G_MAXINT64, that it is never by itself.
 * Both are in microseconds since 1970. */
char *ferry_clock_time_format_wait (gint64 time, gint64 now) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
