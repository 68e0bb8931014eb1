/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "call/ferry-crew-private.h"
#include "call/ferry-demux.h"

G_BEGIN_DECLS

/* How many invocations there were so far; each has its number, from 1 on. */
guint64 ferry_demux_get_n_received (FerryDemux *self);
/* For tests: borrowed, while nothing runs. */
FerryCrew *ferry_demux_get_crew (FerryDemux *self);

G_END_DECLS
