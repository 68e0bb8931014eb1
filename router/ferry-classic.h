/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What users of older systems know by name: the library ferry-classic-1, written over ferry-1 as an application is. */

#pragma once

#include <ferry-conversations.h>
#include <ferry-objects.h>

#define FERRY_INSIDE

#include "classic/ferry-background.h"
#include "classic/ferry-channel-create.h"
#include "classic/ferry-error-list.h"
#include "classic/ferry-exchange.h"
#include "classic/ferry-process.h"
#include "classic/ferry-view.h"

#undef FERRY_INSIDE
