/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What both ends of a link's transports must agree on. */

#pragma once

#include "call/ferry-link-transport.h"
#include "call/ferry-transport-private.h"
#include "worker/ferry-launcher-private.h"

G_BEGIN_DECLS

/* A cancel in the express lane contains only the number of its request. So the bits above these 48 contain the index
 * of the transport's pipe in its link plus 1, in the numbers of the application's requests. In the numbers of a
 * pool's requests those bits are 0. */
#define FERRY_TRANSPORT_XID_BITS 48

static inline guint64
ferry_transport_get_first_xid (guint index)
{
  return ((guint64) (index + 1) << FERRY_TRANSPORT_XID_BITS) + 1;
}

/* Returns (transfer full) (nullable) the router of a transport that is the application's end of a link; NULL for any
 * other transport. */
FerryRouter *ferry_link_transport_dup_router (FerryTransport *transport);
/* In a worker: whether the worker has a transport of that name. */
gboolean ferry_worker_has_transport (const char *name);

G_END_DECLS
