/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a thread that waits for a task finds the answer of its call before the router's thread has received it. The
 * thread looks through the worker's messages in the local queue, which stay there.
 *
 * Threads: any, each with a watch of its own. The routes are the router's thread's.
 * Trust:   an answer counts only if the worker has claimed its call. The router's thread finds all other faults, when
 *          it receives the answer. */

#pragma once

#include "engine/ferry-local-queue-private.h"
#include "engine/ferry-monitor-private.h"
#include "lane/ferry-answer-waits-private.h"
#include "link/ferry-link-private.h"

G_BEGIN_DECLS

/* Where the answers of one worker come. */
typedef struct
{
  FerryMonitor *monitor; /* const: (owned) (nullable) */
  FerryLink *link;       /* const: (owned) */
  guint64 connection_id; /* const: of the pipe of the answers */
} FerryAnswerRoute;

/* What the function has returned. Never changed. */
typedef struct
{
  GVariant *result; /* (owned) (nullable) */
  GError *error;    /* (owned) (nullable) */
  char *trace;      /* (owned) (nullable): of the error */
} FerryEarlyAnswer;

typedef struct
{
  FerryInboxWait wait;
  FerryAnswerRoute route;
  FerryLocalSearch search;
  guint64 xid;          /* 0: there is no watch */
  gconstpointer waited; /* const: given to came */
  void (*came) (gconstpointer waited);
} FerryAnswerWatch;

void ferry_answer_route_init (FerryAnswerRoute *self, FerryMonitor *monitor, FerryLink *link, guint64 connection_id);
/* To be called when no thread can read a pointer to the route any more. A thread that has read one before is awaited.
 */
void ferry_answer_route_clear (FerryAnswerRoute *self);

/* Begins to watch for the answer of a call. place: where the pointer to the route is, which may be changed meanwhile.
 * came: called with locks held when there is something to look at. Returns FALSE if there is no route. */
gboolean ferry_answer_watch_begin (FerryAnswerWatch *self, const FerryAnswerRoute *_Atomic *place, guint64 xid,
                                   void (*came) (gconstpointer waited), gconstpointer waited);
void ferry_answer_watch_end (FerryAnswerWatch *self);
/* Returns (transfer full) (nullable) the answer, if it has come since the last look. */
FerryEarlyAnswer *ferry_answer_watch_look (FerryAnswerWatch *self);

void ferry_early_answer_free (FerryEarlyAnswer *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryEarlyAnswer, ferry_early_answer_free)

G_END_DECLS
