/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Stands for bench-road-zeromq.c where libzmq is not installed. */

#include "config.h"

#include "bench-trips.h"

const BenchRoad bench_road_zeromq = {.name = "zeromq"};
