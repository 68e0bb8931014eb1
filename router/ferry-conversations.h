/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Conversations over a worker's link, a socket, pipes or memory: requests and answers, and channels of messages. */

#pragma once

#include "ferry.h"

#define FERRY_INSIDE

#include "call/ferry-link-transport.h"
#include "call/ferry-transport.h"

#include "conversation/ferry-channel.h"
#include "conversation/ferry-demux.h"
#include "conversation/ferry-invocation.h"
#include "conversation/ferry-listener.h"
#include "conversation/ferry-mux.h"
#include "conversation/ferry-returned-transport.h"

#undef FERRY_INSIDE
