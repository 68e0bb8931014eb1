/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Conversations over a worker's link, a socket, pipes or memory: requests and answers, and channels of messages. */

#pragma once

#include "ferry.h"

#define FERRY_INSIDE

#include "call/ferry-demux.h"
#include "call/ferry-invocation.h"
#include "call/ferry-link-transport.h"
#include "call/ferry-mux.h"
#include "call/ferry-replies.h"
#include "call/ferry-transport.h"

#include "channel/ferry-channel.h"
#include "channel/ferry-listener.h"

#include "task/ferry-returned-transport.h"

#undef FERRY_INSIDE
