/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Stands for bench-zeromq.c where libzmq is not installed. */

#include "config.h"

#include "bench-feed.h"

const BenchTransport bench_zeromq = {.name = "zeromq"};
