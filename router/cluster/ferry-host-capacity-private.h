/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a host divides its room among the applications that send it tasks. Plain numbers: this knows no session.
 *
 * A host has a place for each worker, and places ahead. There are so many of these that workers which are quicker than
 * the way to the application and back always find the next run here. Sessions that want more room get it by turns, one
 * run at a time. Beside that, each session may have room for the workers that are free, and for one run at the least.
 * So a task which is submitted later is sent at once. That is more than there is where several sessions use it at the
 * same time; then runs wait here, and an application may withdraw them. Room that was given is never taken back.
 *
 * An application that is cut off, or does not answer, has runs that wait for it: for leave, or for their results to be
 * taken. These take no room from others, and until they are over it gets no more room.
 *
 * Owner:   a FerryHostService has the room, each session its share.
 * Threads: one. */

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
  guint64 room;     /* how many it may have sent in all; never decreases */
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

/* The session has sent a run. Returns FALSE if it had no room for that: it breaks the protocol. */
gboolean ferry_host_share_take_run (FerryHostShare *self);
/* Gives out what room there is. */
void ferry_host_capacity_settle (FerryHostCapacity *self);

G_END_DECLS
