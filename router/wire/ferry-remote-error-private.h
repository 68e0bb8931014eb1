/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Errors that cross a process boundary: domain, code and message, and a trace.
 *
 * A trace is text with a line for each place, the innermost place first. A place is a process and a function that
 * raised the error or passed it on. The indented lines below a place are its backtrace, if there is one. */

#pragma once

#include <gio/gio.h>

#include "base/ferry-base-private.h"
#include "base/ferry-error.h"

G_BEGIN_DECLS

/* The GVariant type of an error: domain, code, message, trace, and notes. A note tells of a further failure, which
 * never replaces the error. */
#define FERRY_ERROR_VARIANT_TYPE "(sissas)"

/* The largest trace, in bytes, that is sent or accepted. */
#define FERRY_MAX_TRACE 16384

/* Returns (transfer floating) error as a value. trace: (nullable). notes: (nullable). */
FERRY_FOR_SIBLINGS
GVariant *ferry_error_to_variant (const GError *error, const char *trace, const char *const *notes);
/* Returns (transfer full) the trace inner (nullable) with a line for this process and function added at its end. */
char *ferry_trace_add_place (const char *inner, const char *function);
/* Returns (transfer full) (nullable) a trace (nullable) without its line for a function; NULL where there is no other.
 */
char *ferry_trace_drop_place (const char *trace, const char *function);
/* Returns (transfer full) (nullable) the indented lines of a backtrace of the calling thread, without the skip
 * innermost frames; NULL if glibc gives none. */
char *ferry_trace_new_backtrace (guint skip);

/* ---- the trace of an error ---- */

/* Returns how many traces were set so far. A function that may pass on an error must read this number when it begins
 * its work. */
guint64 ferry_trace_get_moment (void);
/* Sets the trace of error, and replaces an earlier trace. */
void ferry_error_set_trace (GError *error, const char *trace);
/* Returns (transfer full) (nullable) the trace that was set for error itself, to pass it on. since: what
 * ferry_trace_get_moment() returned when the work that failed began, or 0. For an error outside FERRY_ERROR, a trace
 * that was set before since is ignored. */
char *ferry_error_dup_trace (const GError *error, guint64 since);
/* Works as g_error_copy(); the copy also gets the trace that ferry_error_dup_trace() returns for error and since.
 * ferry_error_copy() uses 0 as since. */
GError *ferry_error_copy_since (const GError *error, guint64 since);
FERRY_FOR_SIBLINGS
GError *ferry_error_copy (const GError *error);
/* Works as g_error_copy(), and sets the trace of the copy to trace (nullable). */
GError *ferry_error_copy_with_trace (const GError *error, const char *trace);

G_END_DECLS
