/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the answering end of a test answers, in this process or in a worker's.
 *
 *   echo      anything -> the same
 *   work      (uu) -> u: twice the second number, after so many milliseconds as the first one says; an error where the
 *             second one ends with a 9
 *   numbers   t -> t: the numbers below that as a stream, and how many they were
 *   bytes     t -> ay: so many bytes
 *   echo-bytes, double-bytes  bytes -> the same, or twice that; an error for anything else
 *   fail-bytes  bytes -> an error with that message
 *   nothing   anything -> nothing
 *   never     anything -> an error: when it is cancelled
 *   where     u -> s: the name of the handler's thread, after so many milliseconds
 *   ask-back  anything -> (sv): that name, and what the asking end answers to "echo" of the same
 *   note      anything, one way: counted; note-bytes: three bytes
 *   noted     nothing -> t: how many were
 *   die       nothing: the process dies of SIGKILL
 *   leave     nothing: the process exits */

#pragma once

#include <ferry-conversations.h>

G_BEGIN_DECLS

void conversation_add_handlers (FerryDemux *demux);

G_END_DECLS
