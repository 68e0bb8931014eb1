/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What comes from a NATS server: the name of the sender, and what a host tells of itself.
 *
 * Owner:   none; these are functions without a state.
 * Threads: any.
 * Trust:   neither the servers nor the other ends are trusted. */

#pragma once

#include "cluster/ferry-run-message-private.h"

G_BEGIN_DECLS

/* The other end: tokens. */
typedef struct
{
  char name[FERRY_MAX_TOKEN + 1];
  char id[FERRY_MAX_TOKEN + 1];
} FerryBusPeer;

/* Sets peer to the two words of a subject behind a prefix. Returns FALSE if the subject does not begin with that, or
 * has no two tokens behind it. */
gboolean ferry_bus_peer_from_subject (FerryBusPeer *peer, const char *subject, const char *prefix);

/* Returns (transfer full) what is sent of the facts of a host, which are sunk. */
GBytes *ferry_bus_presence_to_bytes (GVariant *facts);
/* Returns (transfer full) (nullable) facts of a host, in normal form, but of any type and content; NULL: it is no such
 * message. */
GVariant *ferry_bus_presence_from_bytes (GBytes *bytes);

G_END_DECLS
