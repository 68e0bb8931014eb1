/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Stands for bench-carry-zeromq.c where libzmq is not installed. */

#include "config.h"

#include "bench-carry.h"

const BenchWay bench_way_zeromq = {.name = "zeromq"};
