/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Errors that cross a process boundary: domain, code and message, and a trace of where they came from.
 *
 * A trace is text, a line a place, the innermost first: the process and the function that raised the error, then each
 * that handed it on; below a place stand its backtrace's lines, indented, where there is one. */

#pragma once

#include <gio/gio.h>

#include "call/ferry-remote-error.h"

G_BEGIN_DECLS

/* Domain, code, message, trace, and notes: what else went wrong on the way, which never replaces the error. */
#define FERRY_ERROR_VARIANT_TYPE "(sissas)"

/* Largest trace that is sent or taken. */
#define FERRY_MAX_TRACE 16384

GVariant *ferry_error_to_variant (const GError *error, const char *trace, const char *const *notes);
/* Never fails: what is malformed comes out as FERRY_ERROR_REMOTE. Notes are appended to the trace. */
GError *ferry_error_from_variant (GVariant *variant, char **trace);
/* The line of this process and function, put behind inner (nullable), the trace of the error as it came here. */
char *ferry_trace_add_place (const char *inner, const char *function);
/* Lines of a backtrace of the calling thread, indented, without the skip innermost; NULL where glibc gives none. */
char *ferry_trace_new_backtrace (guint skip);

/* ---- the trace of an error ---- */

/* Where the process is in the order in which its errors were given traces. Work that may fail takes it as it begins. */
guint64 ferry_trace_get_moment (void);
/* Gives error its trace, in place of one that it has. */
void ferry_error_set_trace (GError *error, const char *trace);
/* The trace of this very error, for handing it on: (transfer full) (nullable). since is when the work began that ends
 * with it, or 0: what another domain's error has from before is not found. */
char *ferry_error_dup_trace (const GError *error, guint64 since);
/* g_error_copy(), which keeps no trace of an error of another domain, and this does: as ferry_error_dup_trace() finds
 * it. */
GError *ferry_error_copy_since (const GError *error, guint64 since);
GError *ferry_error_copy (const GError *error);
/* For an error whose trace is kept elsewhere: trace is (nullable). */
GError *ferry_error_copy_with_trace (const GError *error, const char *trace);

G_END_DECLS
