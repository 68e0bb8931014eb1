/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What application and workers of the demo have agreed on: the functions, which are named as the kinds of
 * ferry-demo-spec.h are, their arguments and results, and what they say on their way.
 *
 *   sha256   an iteration: path -> files and bytes; yields digests, and sends what it could not read
 *   primes   limit -> primes
 *   crash    never gives a result
 *   hang     never gives a result
 *   flood    number of messages, 0 for no end -> number of messages; sends each of them
 *
 * All report how far they are. Times are CLOCK_MONOTONIC in microseconds, so that two processes of one machine can
 * compare them. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define FERRY_DEMO_SHA256_ARGUMENTS "ay"
#define FERRY_DEMO_SHA256_RESULT "(tt)"
#define FERRY_DEMO_PRIMES_ARGUMENTS "t"
#define FERRY_DEMO_PRIMES_RESULT "t"
#define FERRY_DEMO_FLOOD_ARGUMENTS "t"
#define FERRY_DEMO_FLOOD_RESULT "t"

/* SHA-256 in hexadecimal, and the path. */
#define FERRY_DEMO_DIGEST_TYPE "(say)"

/* What could not be done, in words. */
#define FERRY_DEMO_PROBLEM "problem"
#define FERRY_DEMO_PROBLEM_TYPE "s"

/* The message's number, and when it was sent. A clock reading for each of them would cost more than the message, at
 * both ends: so one in so many, by its number, has a time of its own, and the others repeat it. */
#define FERRY_DEMO_FLOOD "flood"
#define FERRY_DEMO_FLOOD_TYPE "(tx)"
#define FERRY_DEMO_FLOOD_MESSAGES_PER_TIME 64

/* What bytes are counted in, in the reports of sha256. */
#define FERRY_DEMO_BYTES "bytes"

G_END_DECLS
