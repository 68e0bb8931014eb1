/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "link/ferry-link-private.h"
#include "route/ferry-exit.h"

G_BEGIN_DECLS

FerryExit *ferry_exit_new (FerryCloseReason reason, const char *message);
/* The record of a link that has ended. */
FerryExit *ferry_exit_new_for_link (FerryLink *link);
/* The record of a process without a link. code and status are those of waitid(); 0 where another caller reaped it. */
FerryExit *ferry_exit_new_for_process (const char *name, GPid pid, int code, int status);

/* What kept a launch from succeeding. */
FerryObstacle ferry_exit_get_obstacle (FerryExit *self);

G_END_DECLS
