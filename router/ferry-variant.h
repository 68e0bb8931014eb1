/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Values in GVariant's serialised form, written and read in place: for messages of which there are very many. */

#pragma once

#include "ferry.h"

#define FERRY_INSIDE

#include "base/ferry-variant-reader.h"
#include "base/ferry-variant-writer.h"

#undef FERRY_INSIDE
