/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

/* The name of the pipe with a number. */
#define BENCH_SCALE_SENDER "pipe-%u"
/* The environment variable with the number of pipes. */
#define BENCH_SCALE_PIPES "FERRY_BENCH_PIPES"
