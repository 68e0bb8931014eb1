/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "route/ferry-pingee.h"

G_BEGIN_DECLS

FerryPingee *ferry_pingee_ref (FerryPingee *self);

/* Lets a main loop within the callback call the callback again. It does after a ping, and where wants_call says so.
 * Each iteration of the context asks wants_call, with the callback's data. To be called before the pingee is
 * connected. */
void ferry_pingee_set_can_recurse (FerryPingee *self, FerryPingeeFunc wants_call);

G_END_DECLS
