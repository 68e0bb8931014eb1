/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "link/ferry-link-private.h"
#include "route/ferry-exit.h"

G_BEGIN_DECLS

FerryExit *ferry_exit_new (FerryCloseReason reason, const char *message);
FerryExit *ferry_exit_new_for_link (FerryLink *link);
/* Of a process without a link. code and status are those of waitid(), 0 where it has told another. */
FerryExit *ferry_exit_new_for_process (const char *name, GPid pid, int code, int status);

/* Of a launch that failed. */
FerryObstacle ferry_exit_get_obstacle (FerryExit *self);

G_END_DECLS
