/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Errors that cross a process boundary: domain, code and message, and a trace.
 *
 * A trace is text, with a line for each place, the innermost first. A place is the process and the function that raised
 * the error, or one that handed it on. The indented lines below a place are its backtrace, where there is one. */

#pragma once

#include <gio/gio.h>

#include "base/ferry-error.h"

G_BEGIN_DECLS

/* Domain, code, message, trace, and notes about further failures, which never replace the error. */
#define FERRY_ERROR_VARIANT_TYPE "(sissas)"

/* The largest trace that is sent or taken. */
#define FERRY_MAX_TRACE 16384

/* trace and notes are (nullable). Returns (transfer floating). */
GVariant *ferry_error_to_variant (const GError *error, const char *trace, const char *const *notes);
/* Returns FERRY_ERROR_REMOTE for a malformed value. trace: (out) (optional) (nullable) (transfer full), with the notes
 * behind it. */
GError *ferry_error_from_variant (GVariant *variant, char **trace);
/* Adds the line of this process and function to inner (nullable), the trace of the error so far. */
char *ferry_trace_add_place (const char *inner, const char *function);
/* Lines of a backtrace of the calling thread, indented, without the skip innermost; NULL where glibc gives none. */
char *ferry_trace_new_backtrace (guint skip);

/* ---- the trace of an error ---- */

/* The number of traces so far. Work that may fail reads it at its beginning. */
guint64 ferry_trace_get_moment (void);
/* Gives error its trace, in place of one that it has. */
void ferry_error_set_trace (GError *error, const char *trace);
/* The error's own trace, to hand it on: (transfer full) (nullable). since: the moment when the work began that ends
 * with the error, or 0. An older trace of another domain's error is not found. */
char *ferry_error_dup_trace (const GError *error, guint64 since);
/* As g_error_copy(); the copy also has the trace that ferry_error_dup_trace() finds. */
GError *ferry_error_copy_since (const GError *error, guint64 since);
GError *ferry_error_copy (const GError *error);
/* The copy has trace (nullable). */
GError *ferry_error_copy_with_trace (const GError *error, const char *trace);

G_END_DECLS
