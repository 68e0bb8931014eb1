/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-gtk.h>, not this header."
#endif

#include <ferry.h>

G_BEGIN_DECLS

FERRY_AVAILABLE_IN_0_1
char *ferry_format_count (guint64 count) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
char *ferry_format_amount (double amount) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
char *ferry_format_duration (gint64 duration) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
char *ferry_format_time_left (gint64 time_left) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
