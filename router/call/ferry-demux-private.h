/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "call/ferry-crew-private.h"
#include "call/ferry-demux.h"

G_BEGIN_DECLS

/* For tests: borrowed, while nothing runs. */
FerryCrew *ferry_demux_get_crew (FerryDemux *self);

G_END_DECLS
