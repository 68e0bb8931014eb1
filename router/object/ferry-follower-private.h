/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Somebody at the other end of a transport who follows an object: its properties, its signals, and its list. */

#pragma once

#include "call/ferry-invocation.h"
#include "object/ferry-exporter-link-private.h"

G_BEGIN_DECLS

/* Answers the invocation in the end, in one way or another. */
void ferry_follower_start (FerryExporterLink *link, FerryExporter *exporter, FerryInvocation *invocation);
/* Whether the feed is of that object, and found it by its name. */
gboolean ferry_follower_has_by_name (FerryPush *feed, FerryExported *exported);

G_END_DECLS
