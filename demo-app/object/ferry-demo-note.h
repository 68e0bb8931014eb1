/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A row of the log of the plate: when it was, in seconds of simulated time, and what. Immutable. */

#define FERRY_DEMO_TYPE_NOTE (ferry_demo_note_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoNote, ferry_demo_note, FERRY_DEMO, NOTE, GObject)

FerryDemoNote *ferry_demo_note_new (double time, const char *text) G_GNUC_WARN_UNUSED_RESULT;
double ferry_demo_note_get_time (FerryDemoNote *self);
const char *ferry_demo_note_get_text (FerryDemoNote *self);

G_END_DECLS
