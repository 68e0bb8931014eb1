/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tasks on other machines: the library ferry-cluster-1. */

#pragma once

#include <ferry.h>

#define FERRY_INSIDE

#include "cluster/ferry-cluster-enums.h"
#include "cluster/ferry-cluster-state.h"
#include "cluster/ferry-cluster.h"
#include "cluster/ferry-host.h"

#undef FERRY_INSIDE
