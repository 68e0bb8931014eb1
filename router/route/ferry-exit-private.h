/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "lane/ferry-link-private.h"
#include "route/ferry-exit.h"

G_BEGIN_DECLS

FerryExit *ferry_exit_new (FerryCloseReason reason, const char *message);
FerryExit *ferry_exit_new_for_link (FerryLink *link);

G_END_DECLS
