/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Hosts that are left alone for some time. The router's thread. */

#pragma once

#include "cluster/ferry-bus-private.h"

G_BEGIN_DECLS

typedef struct
{
  FerryTimers *timers; /* const: (unowned): the router's */
  FerryBus *bus;       /* const: (unowned) */
  GHashTable *table;   /* (owned) (element-type utf8 Absence): those that are not used, and those that were not */
  FerryTimer timer;    /* runs out when a host may be used again */
  gint64 due;          /* monotonic time before which this end asks no more */
} FerryAbsences;

/* For one that is all zero, or was cleared. */
void ferry_absences_init (FerryAbsences *self, FerryTimers *timers, FerryBus *bus);
void ferry_absences_clear (FerryAbsences *self);
/* Asks all hosts soon to tell of themselves. */
void ferry_absences_look_soon (FerryAbsences *self);
/* Whether the host is not used. */
gboolean ferry_absences_has (FerryAbsences *self, const char *name, const char *instance);
/* Leaves a host alone whose session has ended, for some time, in microseconds; G_MAXINT64: for ever. lived: for how
 * long the session was of use. The time doubles, up to a minute, with each session that did not live for longer than
 * the host was left alone before. */
void ferry_absences_add (FerryAbsences *self, const char *name, const char *instance, gint64 time, gint64 lived);

G_END_DECLS
