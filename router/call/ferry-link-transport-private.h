/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the two ends of a link's transports agree upon. */

#pragma once

#include "call/ferry-link-transport.h"
#include "call/ferry-transport-private.h"
#include "worker/ferry-launcher-private.h"

G_BEGIN_DECLS

/* A cancel in the express lane says only which request it is about. So what the application asks is numbered, above
 * these bits, with the index of the transport's pipe among those of the link, from 1 on: below is what a pool asks. */
#define FERRY_TRANSPORT_XID_BITS 48

static inline guint64
ferry_transport_get_first_xid (guint index)
{
  return ((guint64) (index + 1) << FERRY_TRANSPORT_XID_BITS) + 1;
}

/* The router of the application's end of a link; NULL for any other transport. */
FerryRouter *ferry_link_transport_dup_router (FerryTransport *transport);
/* In a worker: whether it was passed a transport of that name. */
gboolean ferry_worker_has_transport (const char *name);

G_END_DECLS
