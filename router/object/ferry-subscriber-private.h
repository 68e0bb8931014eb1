/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A subscription of the other end to an object: to its properties, its signals, and its list. */

#pragma once

#include "call/ferry-invocation.h"
#include "object/ferry-exported-private.h"
#include "object/ferry-object-message-private.h"
#include "object/ferry-paced-sender-private.h"

G_BEGIN_DECLS

/* The subscription has ended. Any thread; called once, or twice where it ended before it began. */
typedef void (*FerrySubscriberGoneFunc) (gpointer owner, FerryPacedSender *subscription);
/* Takes exported, and a reference of owner, an object. Returns (transfer full) (nullable). The subscription answers the
 * invocation; on failure the caller does. */
FerryPacedSender *ferry_subscriber_new (FerryInvocation *invocation, FerryExported *exported,
                                        const FerryFollowRequest *request, FerrySubscriberGoneFunc gone, gpointer owner,
                                        GError **error);
/* Connects to the object, and queues its first values. Called once. */
void ferry_subscriber_begin (FerryPacedSender *subscription);
/* Whether the subscription found that object by its name. */
gboolean ferry_subscriber_has_by_name (FerryPacedSender *subscription, FerryExported *exported);

G_END_DECLS
