/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds the hosts of an application at the servers, and opens sessions to them.
 *
 * Owner:   its maker, which closes it.
 * Threads: the router's.
 * Trust:   a host's name and instance come from the subject of its presence, which the servers guard. */

#pragma once

#include "cluster/ferry-bus-private.h"
#include "cluster/ferry-run-message-private.h"

G_BEGIN_DECLS

typedef struct _FerryDiscovery FerryDiscovery;

/* Neither is called by a function of the discovery. */
typedef struct
{
  /* The state or the error has changed. */
  void (*changed) (gpointer data);
  /* A host has told its facts, which may be known already. Their content may be taken. */
  void (*present) (gpointer data, FerryHostFacts *facts);
  /* What is to be logged of a host. */
  void (*complain) (gpointer data, const char *text);
} FerryDiscoveryFuncs;

/* Connects. Fails as ferry_bus_new() does. */
FerryDiscovery *ferry_discovery_new (FerryRouter *router, const FerryBusSettings *settings,
                                     const FerryDiscoveryFuncs *funcs, gpointer data, GError **error);
/* Ends the discovery, which calls no func any more. The sessions must be closed before. */
void ferry_discovery_close (FerryDiscovery *self);

FerryClusterState ferry_discovery_get_state (FerryDiscovery *self);
/* Returns (transfer none) (nullable): see ferry_bus_get_error(). */
const GError *ferry_discovery_get_error (FerryDiscovery *self);

/* Returns (transfer full) see FerryCluster:instance. */
char *ferry_discovery_dup_instance (FerryDiscovery *self);

/* Returns (transfer full) a new session with a host. cut_timeout: see FerryCluster:cut-timeout. */
FerrySession *ferry_discovery_open (FerryDiscovery *self, const char *name, const char *instance, gint64 cut_timeout);
/* Another host of the name has come: the session with this one ends soon, unless the host answers. */
void ferry_discovery_doubt (FerryDiscovery *self, const char *name, const char *instance);
/* Asks all hosts soon to tell of themselves. */
void ferry_discovery_look (FerryDiscovery *self);
/* The session with a host has ended. Looks for the host again after some time, in microseconds, and takes no notice of
 * it until then; negative: it has left. lived: for how long the session was of use. The time doubles, up to a minute,
 * with each session that did not live for longer than the host was left alone before. */
void ferry_discovery_forget (FerryDiscovery *self, const char *name, const char *instance, gint64 time, gint64 lived);

G_END_DECLS
