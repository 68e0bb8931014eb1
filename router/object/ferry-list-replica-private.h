/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A replica as its own files see it, and how it is made from another source than a proxy.
 *
 * Threads: the one that made it. */

#pragma once

#include "object/ferry-list-replica.h"
#include "object/ferry-list-source-private.h"
#include "object/ferry-row-table-private.h"
#include "route/ferry-home-private.h"

G_BEGIN_DECLS

#define FERRY_LIST_MAX_FETCHES 4

/* Rows that were asked for. */
typedef struct
{
  FerryListReplica *replica; /* (unowned) (nullable): NULL when nothing was asked for here */
  guint64 position;
  guint n_rows;
  gpointer handle;  /* (owned) (nullable): the source's, until the answer came */
  GVariant *answer; /* (owned) (nullable): waits for the feed to tell of its revision */
} FerryRowFetch;

struct _FerryListReplica
{
  GObject parent_instance;

  FerryProxy *proxy;             /* const: (owned) (nullable): none with another source */
  const FerryListSource *source; /* const */
  gpointer end;                  /* const: (unowned): the source's */
  GMainContext *context;         /* const: (owned) */
  FerryHome *home;               /* const: (owned) */

  gpointer feed;   /* (owned) (nullable): NULL when nothing comes any more */
  GQueue events;   /* (owned): what the feed told while what it told before was still being done */
  gboolean taking; /* the events are being taken */
  gboolean following;
  GError *error; /* (owned) (nullable) */

  guint64 length;   /* of the remote list */
  guint64 revision; /* that it had then */
  guint64 earlier;  /* the one before the latest change */
  guint64 n_before; /* rows before the latest change, which has not touched them */
  guint64 n_behind; /* the same behind it */
  FerryRowTable table;

  guint page_size;
  FerryRowFetch fetches[FERRY_LIST_MAX_FETCHES];
  GSource *asking; /* (owned) (nullable): asks for what is wished for, in the next turn of the main loop */
};

/* end: outlives the replica. */
FerryListReplica *ferry_list_replica_new_from (const FerryListSource *source, gpointer end);
/* takes the error; NULL for none any more. */
void ferry_list_replica_take_error (FerryListReplica *self, GError *error);
void ferry_list_replica_set_following (FerryListReplica *self, gboolean following);
void ferry_list_replica_notify_n_items (FerryListReplica *self);
guint ferry_list_replica_clip (guint64 length);

/* ---- the feed ---- */

void ferry_list_replica_open (FerryListReplica *self);
void ferry_list_replica_close (FerryListReplica *self);
/* The other end broke a rule: the list is not followed any more. Takes the error. */
void ferry_list_replica_break_off (FerryListReplica *self, GError *error);

/* ---- the rows ---- */

/* Has it ask for what is wished for. */
void ferry_list_replica_schedule (FerryListReplica *self);
/* Uses the answers that are of the list's revision, and throws those away that are older. */
void ferry_list_replica_use_answers (FerryListReplica *self);
void ferry_list_replica_cancel_fetches (FerryListReplica *self);

G_END_DECLS
