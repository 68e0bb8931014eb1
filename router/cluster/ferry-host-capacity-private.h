/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How many runs applications may send to a host: its places, and what each session has of them. The router's thread. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The most places ahead. */
#define FERRY_HOST_MAX_AHEAD 64

/* A run that takes no longer is short, in microseconds. While runs are short, there are so many places ahead at the
 * least, however few the measurements ask for. */
#define FERRY_HOST_SHORT_RUN 1000
#define FERRY_HOST_MIN_AHEAD 32

/* What one session has. */
typedef struct
{
  guint64 received; /* how many runs the session has sent in all */
  guint64 capacity; /* how many it may have sent in all; never decreases */
  guint want;       /* how many more tasks wait at the application */
  guint n_open;     /* runs that were sent and are not over */
  guint n_stuck;    /* those of them that wait for the application, and need no worker */
} FerryHostShare;

typedef struct
{
  guint n_workers;
  gint64 mean_run;   /* in microseconds, of the latest runs; 0: not known */
  gint64 round_trip; /* in microseconds, of the latest ways to an application and back; 0: not known */
  GPtrArray *shares; /* (owned) (element-type FerryHostShare): elements unowned */
  guint next;        /* index of the share that has the next turn */
} FerryHostCapacity;

void ferry_host_capacity_init (FerryHostCapacity *self, guint n_workers);
void ferry_host_capacity_clear (FerryHostCapacity *self);
/* share must stay where it is until it is removed. */
void ferry_host_capacity_add (FerryHostCapacity *self, FerryHostShare *share);
void ferry_host_capacity_remove (FerryHostCapacity *self, FerryHostShare *share);

/* Another measurement, which counts for an eighth. */
void ferry_host_capacity_note_run (FerryHostCapacity *self, gint64 time);
void ferry_host_capacity_note_round_trip (FerryHostCapacity *self, gint64 time);
/* How many runs may wait here ahead of the workers. */
guint ferry_host_capacity_get_ahead (const FerryHostCapacity *self);
/* How many runs may be with workers, or wait for leave, at the same time. */
guint ferry_host_capacity_get_n_places (const FerryHostCapacity *self);
/* The same for a run that needs leave, and may have it ahead of the workers: as many as the workers end in a round
 * trip, and at most per_worker of each. What has leave counts as begun, and is lost with this host. */
guint ferry_host_capacity_get_n_leave_places (const FerryHostCapacity *self, guint per_worker);

/* The session has sent a run. Returns FALSE if it had no capacity for that: it breaks the protocol. */
gboolean ferry_host_share_take_run (FerryHostShare *self);
/* Gives out what capacity there is. */
void ferry_host_capacity_settle (FerryHostCapacity *self);

G_END_DECLS
