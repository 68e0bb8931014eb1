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
/* Has ferry_error_get_trace() find the trace of errors that are alike. */
void ferry_trace_remember (const GError *error, const char *trace);

G_END_DECLS
