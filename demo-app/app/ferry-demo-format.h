/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <ferry-gtk.h>

G_BEGIN_DECLS

/* Numbers in words, beside those of ferry-gtk-1, in a new string. */

char *ferry_demo_format_counted (guint64 count, const char *text) G_GNUC_WARN_UNUSED_RESULT;
char *ferry_demo_format_latency (double microseconds) G_GNUC_WARN_UNUSED_RESULT;
/* How a worker ended, for those who did not write it; (nullable) for one that never began. */
const char *ferry_demo_describe_end (FerryExit *ended);

G_END_DECLS
