/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a link has carried lately, and what is therefore to happen to its lane when it is empty. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What is to happen to a lane that was found empty. */
typedef enum
{
  FERRY_REST_ARMED,      /* it is armed: the worker rings for its next record */
  FERRY_REST_SHORT_NAP,  /* it is read again after FERRY_SHORT_NAP_MICROSECONDS, without a ring */
  FERRY_REST_MUTED,      /* the same, and the worker's doorbell is not heard meanwhile */
  FERRY_REST_LONG_MUTED, /* the same, for FERRY_LONG_NAP_MICROSECONDS */
} FerryRest;

#define FERRY_SHORT_NAP_MICROSECONDS 50
#define FERRY_LONG_NAP_MICROSECONDS 1000

typedef struct
{
  guint64 n_records;     /* about how many records came since the latest rest, or a later restart of the count */
  guint64 n_sent_before; /* how many messages had been sent to the worker when that count began */
  gint64 credit;         /* how many records may have come as part of a conversation, by what was sent before that */
  guint64 buffer_bytes;  /* bytes of the buffers that came since the latest rest */
  gint64 rested_at;      /* monotonic time in microseconds at which the lane was last found empty */
  guint64 rested_head;   /* the lane's head at that time */
  gint64 rests_since;    /* monotonic time since which n_rests are counted */
  guint n_rests;         /* how often the lane was found empty since then */
  guint rings_allowed;   /* how many more times the doorbell may ring without progress */
  guint rings_borne;     /* how many more of these rings are heard before the doorbell is not heard for a while */
  guint64 progress;      /* the worker's progress at its latest ring */
} FerryTraffic;

/* What a link shows now. */
typedef struct
{
  gint64 now;     /* monotonic time in microseconds */
  guint64 head;   /* the up lane's */
  guint64 n_sent; /* how many messages were sent to the worker */
  guint n_held;   /* how many of the worker's buffers the application has; not looked at where none came */
} FerryTrafficView;

void ferry_traffic_init (FerryTraffic *self);

static inline void
ferry_traffic_note_records (FerryTraffic *self, guint64 n)
{
  self->n_records += n;
}

static inline void
ferry_traffic_note_buffer (FerryTraffic *self, gsize size)
{
  self->buffer_bytes += size;
}

/* Notes a ring of the doorbell. Returns FALSE when the worker has rung too often without progress. progress: a number
 * that changes with each record that the worker publishes or takes, and with each value of a cell. */
gboolean ferry_traffic_note_ring (FerryTraffic *self, guint64 progress);
/* Notes that the doorbell was not heard for a while: it is heard for some rings more now. */
void ferry_traffic_note_muted (FerryTraffic *self);
/* Whether the worker has rung so often without progress that its next rings are believed to be in vain too. */
gboolean ferry_traffic_rings_in_vain (const FerryTraffic *self);

/* Whether worker and application converse. Then at least half of the records go with a message of the application, as
 * its answer or as what it answers. The worker waits for the application sooner or later, and does not run ahead. So a
 * hand-over to the monitor, or a pause in which the lane fills, only adds to the wait. */
gboolean ferry_traffic_converses (const FerryTraffic *self, guint64 n_sent);
/* Whether records come without end, and the monitor drains better than the main loop. */
gboolean ferry_traffic_carries_many (const FerryTraffic *self, guint64 n_sent);
/* Whether the lane is to fill for a moment, whether it is empty or not. */
gboolean ferry_traffic_is_busy (const FerryTraffic *self, const FerryTrafficView *view);

/* Decides what happens to the empty lane of an open link. Counts how often a lane that is not busy was found empty. */
FerryRest ferry_traffic_choose_rest (FerryTraffic *self, const FerryTrafficView *view);
/* Notes that the lane rests now: restarts the counts. */
void ferry_traffic_note_rest (FerryTraffic *self, const FerryTrafficView *view);
/* Restarts the count of records. The answers to what was sent before may still come, and are counted as such. Returns
 * whether some records came, all of them as part of a conversation. */
gboolean ferry_traffic_restart (FerryTraffic *self, guint64 n_sent);
/* Restarts the count of a long conversation, so that it does not count as many records. */
void ferry_traffic_settle (FerryTraffic *self, guint64 n_sent);

G_END_DECLS
