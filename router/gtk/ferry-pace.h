/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-gtk.h>, not this header."
#endif

#include <ferry.h>

G_BEGIN_DECLS

#define FERRY_TYPE_PACE (ferry_pace_get_type ())
FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryPace, ferry_pace, FERRY, PACE, GObject)

FERRY_AVAILABLE_IN_0_1
FerryPace *ferry_pace_new (void) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
void ferry_pace_add (FerryPace *self, gint64 now, guint64 done);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_pace_get_rate (FerryPace *self, double *rate);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_pace_get_time_left (FerryPace *self, guint64 remaining, gint64 *time_left);

G_END_DECLS
