/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The agreement of the two ends of a link's transports. */

#pragma once

#include "call/ferry-link-transport.h"
#include "call/ferry-transport-private.h"
#include "worker/ferry-launcher-private.h"

G_BEGIN_DECLS

/* A cancel in the express lane only has the number of its request. So above these bits, the application's requests have
 * the index of the transport's pipe in its link plus 1. The requests of a pool have 0 there. */
#define FERRY_TRANSPORT_XID_BITS 48

static inline guint64
ferry_transport_get_first_xid (guint index)
{
  return ((guint64) (index + 1) << FERRY_TRANSPORT_XID_BITS) + 1;
}

/* The router of the application's end of a link; NULL for any other transport. */
FerryRouter *ferry_link_transport_dup_router (FerryTransport *transport);
/* In a worker: whether it has a transport of that name. */
gboolean ferry_worker_has_transport (const char *name);

G_END_DECLS
