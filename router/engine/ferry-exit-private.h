/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How exit records are made, for the files that notice an end, and what they say beside their properties. A record
 * never changes, so any thread may use it. */

#pragma once

#include "base/ferry-base-private.h"
#include "engine/ferry-exit.h"
#include "link/ferry-link-private.h"

G_BEGIN_DECLS

FerryExit *ferry_exit_new (FerryCloseReason reason, const char *message);
FerryExit *ferry_exit_new_for_link (FerryLink *link);
/* One of an earlier process of this program. signal: 0 where none ended it. */
FERRY_FOR_SIBLINGS
FerryExit *ferry_exit_restore (int signal, int exit_status, const char *message, const char *const *last_lines);
/* Makes the exit record of a process without a link. The parameters code and status are si_code and si_status of
 * waitid(). They are 0 where another part of the program reaped the process. signals_sent: bit n - 1: this process sent
 * it signal n. */
FERRY_FOR_SIBLINGS
FerryExit *ferry_exit_new_for_process (const char *name, GPid pid, int code, int status, guint64 signals_sent);

FERRY_FOR_SIBLINGS
const char *const *ferry_exit_get_last_lines (FerryExit *self);

/* (nullable): FerryExit:backtrace. */
const char *ferry_exit_get_backtrace (FerryExit *self);
/* Whether the process was ended by a signal that the application has not sent, and has told where it was. */
gboolean ferry_exit_has_crashed (FerryExit *self);
/* (transfer full) (nullable): the same as the trace of an error, of a function that was lost with its process. */
char *ferry_exit_dup_trace (FerryExit *self, const char *function);

/* Returns what made a launch fail. */
FerryLaunchFailure ferry_exit_get_launch_failure (FerryExit *self);

G_END_DECLS
