/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Objects that live in another process. They are reached over the transports of <ferry-conversations.h>. */

#pragma once

#include "ferry-conversations.h"

#define FERRY_INSIDE

#include "object/ferry-exporter.h"
#include "object/ferry-interface.h"
#include "object/ferry-list-replica.h"
#include "object/ferry-list-row.h"
#include "object/ferry-object-server.h"
#include "object/ferry-proxy.h"
#include "object/ferry-spawn-again.h"

#undef FERRY_INSIDE
