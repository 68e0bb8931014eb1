/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What application and workers of the demo have agreed on. There are the functions, named as the kinds of
 * ferry-demo-job.h are, their arguments and results, and what they say on their way. There are the methods of the
 * object.
 *
 *   primes   limit -> primes
 *   crash    never gives a result
 *   hang     never gives a result
 *   flood    number of messages, 0 for no end -> number of messages; sends each of them
 *
 * and one that is not a kind, which other workers run, in a sandbox:
 *
 *   thumbnail   a file, and the longest side that is wanted -> a picture
 *
 * All kinds report how far they are. Times are CLOCK_MONOTONIC in microseconds, so that two processes of one machine
 * can compare them. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define FERRY_DEMO_PRIMES_ARGUMENTS "t"
#define FERRY_DEMO_PRIMES_RESULT "t"
#define FERRY_DEMO_FLOOD_ARGUMENTS "t"
#define FERRY_DEMO_FLOOD_RESULT "t"

/* A message of a flood, which is its number. */
#define FERRY_DEMO_FLOOD "flood"

/* ---- pipes ---- */

/* The sender that a worker has, and what it sends. */
#define FERRY_DEMO_PIPE_SENDER "messages"
typedef struct
{
  guint64 sequence;
  gint64 time;
  double value; /* what it is depends on the mode */
} FerryDemoPipeMessage;

/* Modes, arguments of the program: messages at a pace that leaves time for other things. */
#define FERRY_DEMO_PIPE_PACE "pipe-pace"
/* Sends how far the work is for each frame that its main loop has time for. SIGUSR1 has it do the work right there. */
#define FERRY_DEMO_PIPE_LOOP "pipe-loop"
/* Workers that go wrong half a second after they have begun. */
#define FERRY_DEMO_PIPE_CRASH "pipe-crash"
#define FERRY_DEMO_PIPE_HANG "pipe-hang"
#define FERRY_DEMO_PIPE_RUBBISH "pipe-rubbish"

/* The work of the start page, as a function: gives nothing, and reports how far it is. */
#define FERRY_DEMO_WORK "work"

/* ---- pictures ---- */

#define FERRY_DEMO_THUMBNAIL "thumbnail"
/* The file, the longest side, and whether the decoder is to crash. */
#define FERRY_DEMO_THUMBNAIL_ARGUMENTS "(hub)"
/* The file is the only one that a task has. */
#define FERRY_DEMO_THUMBNAIL_HANDLE 0
/* The frame, as FerryRemotePicture describes one, and its pixels. */
#define FERRY_DEMO_THUMBNAIL_RESULT "((uuus)ay)"
/* The longest side that the application asks for. */
#define FERRY_DEMO_THUMBNAIL_SIDE 160

/* A variable of the environment: a thumbnail of that size, as in 13x17, has its worker crash. */
#define FERRY_DEMO_CRASH_SIZE "FERRY_DEMO_CRASH_SIZE"

/* ---- the object ---- */

/* What has the worker's program serve the plate that is heated, in place of functions; and the transport for that. */
#define FERRY_DEMO_HEAT_ARGUMENT "heat"
#define FERRY_DEMO_HEAT_TRANSPORT "object"

/* The objects: a FerryDemoHeat with the methods below, and the list of its log. */
#define FERRY_DEMO_HEAT_OBJECT "heat"
#define FERRY_DEMO_LOG_OBJECT "log"
#define FERRY_DEMO_LOG_ROW_TYPE "(ds)"

/* A place on the plate, from the left and from above. */
#define FERRY_DEMO_HEAT_ADD_SOURCE "add-source"
#define FERRY_DEMO_HEAT_ADD_SOURCE_ARGUMENTS "uu"
#define FERRY_DEMO_HEAT_RESET "reset"
/* How many steps, at most so many. */
#define FERRY_DEMO_HEAT_STEP "step"
#define FERRY_DEMO_HEAT_STEP_ARGUMENTS "u"
#define FERRY_DEMO_HEAT_MAX_STEPS 10000
/* Gives a frame, as FerryRemotePicture describes one, the temperatures in °C that black and white are, and the pixels.
 */
#define FERRY_DEMO_HEAT_RENDER "render"
#define FERRY_DEMO_HEAT_RENDER_RESULT "(uuus)dday"

G_END_DECLS
