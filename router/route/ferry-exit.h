/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
#endif

#include <glib-object.h>

#include "base/ferry-close-reason.h"
#include "base/ferry-version.h"

G_BEGIN_DECLS

#define FERRY_TYPE_EXIT (ferry_exit_get_type ())

/**
 * FerryExit:
 *
 * The exit record: describes how a pipe, or the worker at the pipe's other end, ended.
 *
 * An exit record never changes, so any thread may use it.
 */
typedef struct _FerryExit FerryExit;

FERRY_AVAILABLE_IN_0_1
GType ferry_exit_get_type (void);

FERRY_AVAILABLE_IN_0_1
FerryExit *ferry_exit_ref (FerryExit *self);
FERRY_AVAILABLE_IN_0_1
void ferry_exit_unref (FerryExit *self);

FERRY_AVAILABLE_IN_0_1
FerryCloseReason ferry_exit_get_reason (FerryExit *self);
FERRY_AVAILABLE_IN_0_1
const char *ferry_exit_get_message (FerryExit *self);
FERRY_AVAILABLE_IN_0_1
GPid ferry_exit_get_pid (FerryExit *self);
FERRY_AVAILABLE_IN_0_1
int ferry_exit_get_exit_status (FerryExit *self);
FERRY_AVAILABLE_IN_0_1
int ferry_exit_get_signal (FerryExit *self);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_exit_is_forced (FerryExit *self);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_exit_get_core_dumped (FerryExit *self);
FERRY_AVAILABLE_IN_0_1
const char *const *ferry_exit_get_last_lines (FerryExit *self);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_exit_is_success (FerryExit *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryExit, ferry_exit_unref)

G_END_DECLS
