/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The sending end of a subscription, as an exporter has it. */

#pragma once

#include "object/ferry-exported-private.h"
#include "object/ferry-paced-sender-private.h"
#include "wire/ferry-object-message-private.h"

G_BEGIN_DECLS

/* Returns (transfer full) (nullable): a subscriber, which answers the invocation. On failure the caller must answer
 * the invocation. Takes exported (transfer full), and a reference to session, one of the exporter's. Fails with
 * FERRY_ERROR_UNKNOWN_MEMBER and FERRY_ERROR_NOT_ALLOWED. */
FerryPacedSender *ferry_subscriber_new (FerryInvocation *invocation, FerryExported *exported,
                                        const FerryFollowRequest *request, gpointer session, GError **error);
/* Connects signal handlers to the object, and queues its first values. Must be called once. */
void ferry_subscriber_begin (FerryPacedSender *subscription);
/* Whether the subscription is of that object, and was requested by the object's name. */
gboolean ferry_subscriber_has_by_name (FerryPacedSender *subscription, FerryExported *exported);

G_END_DECLS
