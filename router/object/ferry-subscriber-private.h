/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Somebody at the other end of a transport who follows an object: its properties, its signals, and its list. */

#pragma once

#include "call/ferry-invocation.h"
#include "object/ferry-exported-private.h"
#include "object/ferry-object-message-private.h"
#include "object/ferry-paced-sender-private.h"

G_BEGIN_DECLS

/* The subscription is to be forgotten. Any thread; once, or once more where it was over before it had begun. */
typedef void (*FerrySubscriberGoneFunc) (gpointer owner, FerryPacedSender *subscription);
/* Takes exported. owner: an object, of which it takes a reference. Returns (transfer full) (nullable): with an error,
 * and the invocation is not answered. Otherwise the subscription answers it. */
FerryPacedSender *ferry_subscriber_new (FerryInvocation *invocation, FerryExported *exported,
                                        const FerryFollowRequest *request, FerrySubscriberGoneFunc gone, gpointer owner,
                                        GError **error);
/* Follows from now on, once: what there is at first waits to be told. */
void ferry_subscriber_begin (FerryPacedSender *subscription);
/* Whether the subscription is of that object, and found it by its name. */
gboolean ferry_subscriber_has_by_name (FerryPacedSender *subscription, FerryExported *exported);

G_END_DECLS
