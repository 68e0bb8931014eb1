/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Ends of an application and of a host that talk over a NATS server. */

#pragma once

#include "ferry-test.h"

#include "cluster/ferry-bus-private.h"
#include "cluster/ferry-server-access-private.h"

G_BEGIN_DECLS

/* What the end of an application, or of a host, has heard. */
typedef struct
{
  FerryBus *bus;         /* (owned) */
  guint n_changed;       /* how often the state or the error has changed */
  GString *present;      /* “HOST FACTS ”, for each time that a host has told of itself */
  GPtrArray *packets;    /* (element-type GBytes): those that have come */
  char *peer;            /* (owned) (nullable): that of the last packet */
  char *id;              /* (owned) (nullable) */
  gint64 time_of_packet; /* how many microseconds the end works at each packet */
} BusTestEnd;

/* An end that connects. host (nullable) of settings says which end it is. */
BusTestEnd *bus_test_end_new (FerryRouter *router, const FerryBusSettings *settings);
void bus_test_end_free (BusTestEnd *self);
/* Waits until it has this state. */
void bus_test_end_wait_state (BusTestEnd *self, FerryClusterState state);
/* Waits until it has an error of this code with a message that matches the pattern. */
void bus_test_end_wait_error (BusTestEnd *self, FerryError code, const char *pattern);
/* Waits until a host has told of itself, as in text. Forgets what was told so far. */
void bus_test_end_wait_present (BusTestEnd *self, const char *text);
void bus_test_end_wait_packets (BusTestEnd *self, guint n);
/* Sends a packet to another end, of any user and host. */
void bus_test_end_send (BusTestEnd *self, const char *peer, const char *id, const char *text);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (BusTestEnd, bus_test_end_free)

G_END_DECLS
