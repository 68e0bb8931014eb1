/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tasks in a file, which survive the end of their application: the library ferry-queue-1. */

#pragma once

#include <ferry.h>

#define FERRY_INSIDE

#include "queue/ferry-queue-enums.h"
#include "queue/ferry-queue.h"

#undef FERRY_INSIDE
