/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a worker said of its crash, and the text of it.
 *
 * Owner: counted references: one of the link, and one of the thread that looks up names. */

#pragma once

#include <glib.h>

#include "wire/ferry-crash-packet-private.h"

G_BEGIN_DECLS

typedef struct _FerryCrashReport FerryCrashReport;

/* Looks up places in files. questions: a line each: “0” or “1” for a place that is exact, the place and what identifies
 * the file in hexadecimal, with “-” where that is not known, and the file. Returns (transfer full) (nullable) a line
 * each, for as many as were found in time: a name and a place in it, and behind a tab a file of the source and a line;
 * each of the two may be empty. Behind a second tab is a word where the file is another one by now. */
typedef char *(*FerrySymbolizeFunc) (const char *questions);

/* Takes the packet. program: (nullable): what the main program's file is. call: that the worker had begun. */
FerryCrashReport *ferry_crash_report_new (FerryCrashPacket *packet, const char *program, guint64 call);
void ferry_crash_report_unref (FerryCrashReport *self);
/* Begins to look up names on another thread, once. done: called with data afterwards, on that thread. */
void ferry_crash_report_resolve (FerryCrashReport *self, FerrySymbolizeFunc func, GDestroyNotify done, gpointer data);
/* Whether it was begun, and is done. */
gboolean ferry_crash_report_was_begun (FerryCrashReport *self);
gboolean ferry_crash_report_is_done (FerryCrashReport *self);
/* Whether the worker was only asked where it is, and in another call than this one. */
gboolean ferry_crash_report_is_stale (FerryCrashReport *self, guint64 call);
/* Returns (transfer full) (nullable) a line for each frame; with names where they were looked up. */
char *ferry_crash_report_dup_text (FerryCrashReport *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryCrashReport, ferry_crash_report_unref)

G_END_DECLS
