/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Somebody at the other end of a transport who follows an object: its properties, its signals, and its list. */

#pragma once

#include "call/ferry-invocation.h"
#include "object/ferry-exported-private.h"
#include "object/ferry-object-message-private.h"
#include "object/ferry-push-private.h"

G_BEGIN_DECLS

/* The feed is to be forgotten. Any thread; once, or once more where it was over before it had begun. */
typedef void (*FerryFollowerGoneFunc) (gpointer owner, FerryPush *feed);
/* Takes exported. owner: an object, of which it takes a reference. Returns (transfer full) (nullable): with an error,
 * and the invocation is not answered. Otherwise the feed answers it. */
FerryPush *ferry_follower_new (FerryInvocation *invocation, FerryExported *exported, const FerryFollowRequest *request,
                               FerryFollowerGoneFunc gone, gpointer owner, GError **error);
/* Follows from now on, once: what there is at first waits to be told. */
void ferry_follower_begin (FerryPush *feed);
/* Whether the feed is of that object, and found it by its name. */
gboolean ferry_follower_has_by_name (FerryPush *feed, FerryExported *exported);

G_END_DECLS
