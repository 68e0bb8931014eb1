/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What both ends of a link's transports must agree on. */

#pragma once

#include "call/ferry-link-transport.h"
#include "call/ferry-transport-private.h"
#include "process/ferry-launcher-private.h"

G_BEGIN_DECLS

/* A cancel in the express lane contains only the number of its request. So the bits above these 48 contain the index
 * of the transport's pipe in its link plus 1, in the numbers of the application's requests. Where a link has one
 * transport alone those bits are 0. */
#define FERRY_TRANSPORT_XID_BITS 48

static inline guint64
ferry_transport_get_first_xid (guint index)
{
  return ((guint64) (index + 1) << FERRY_TRANSPORT_XID_BITS) + 1;
}

/* Within the handler of a receiver for messages of calls: whether the link waits, because another thread checks a large
 * value. Then the handler gets the record again. */
gboolean ferry_link_transport_waits (FerryRouter *router, FerryTransport *calls, gconstpointer message, gsize size);

/* Returns (transfer full) (nullable) the router of a transport that is the application's end of a link; NULL for any
 * other transport. */
FerryRouter *ferry_link_transport_dup_router (FerryTransport *transport);
/* A transport that takes the place of one of the launcher's last worker. */
typedef struct
{
  char *name;              /* (owned) */
  GObject *place;          /* (owned): the place of the former transport, which outlives that */
  FerryTransport *former;  /* (owned) (nullable): NULL if it was freed */
  FerryTransport *renewed; /* (owned) */
} FerryRenewal;

/* main: adds to the launcher transports of the names that its last worker had, unless something was added since.
 * Returns (transfer full) (nullable) (element-type FerryRenewal) them. Fails with FERRY_ERROR_ALREADY_RUNNING while one
 * of that worker is open, and as ferry_launcher_add_transport() does; then the launcher is as before. */
GPtrArray *ferry_launcher_renew_transports (FerryLauncher *self, FerryRouter *router, GError **error);
/* main: undoes ferry_launcher_renew_transports(). Nothing was added to the launcher since. */
void ferry_launcher_restore_transports (FerryLauncher *self, GPtrArray *renewals);
/* Returns (transfer none) (nullable) the place of a launcher's transport: an object for what is to be known of the
 * transport after it was freed. NULL for any other transport. */
GObject *ferry_link_transport_get_place (FerryTransport *transport);

/* Whether the other end of a transport of any kind is a worker that has not attached yet. */
gboolean ferry_link_transport_is_starting (FerryTransport *transport);
gboolean ferry_worker_has_transport (const char *name);

G_END_DECLS
