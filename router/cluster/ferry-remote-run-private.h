/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A remote run: one attempt to run a task at a host, as the application sees it. It is the carrier of the task's run,
 * from the time when that is sent until the host's answer, or the end of the session.
 *
 * What the application marks as begun is what the host may begin: see ferry-run-message-private.h. So when a session
 * ends, a task that was not begun returns to its queue. One that was begun is lost, unless it is idempotent or is
 * retried.
 *
 * Threads: the router's.
 * Trust:   a host that breaks the rules is reported to the owner of its place, which ends the session. */

#pragma once

#include "cluster/ferry-run-session-private.h"
#include "task/ferry-runner-private.h"

G_BEGIN_DECLS

typedef struct _FerryRunPlace FerryRunPlace;

typedef struct
{
  /* The host has broken a rule. detail: the end of a sentence that begins with the host. The owner must end the
   * session, at once or later. */
  void (*fault) (FerryRunPlace *self, const char *detail);
  /* A run has begun, or has ended. */
  void (*changed) (FerryRunPlace *self);
  /* Returns how many hosts could run the task, now or later, with this one. */
  guint (*count_hosts) (FerryRunPlace *self, FerryRun *run);
  /* The host has sent a line of a task's log. */
  void (*log) (FerryRunPlace *self, FerryTask *task, GLogLevelFlags level, const char *line);
} FerryRunPlaceFuncs;

/* A host, as its runs see it. Its owner keeps the fields. */
struct _FerryRunPlace
{
  const FerryRunPlaceFuncs *funcs; /* const */
  GObject *owner;                  /* const: (unowned): the object that has the place; each run references it */
  FerryRouter *router;             /* const: (unowned) */
  const char *name;                /* the host's */
  guint64 number;                  /* const: differs between hosts; never 0 */
  FerryRunSession *session;        /* (owned): unset only while there are no runs */
  guint death_limit;               /* see FerryCluster:death-limit */
  guint leave_ahead;               /* see FerryCluster:leave-ahead */
  guint n_workers;                 /* as the host said last */
  gint64 patience;   /* how long after its time a cancelled run may go on, in microseconds, before that is a fault */
  gboolean draining; /* the host has said that it takes no more tasks: that it refuses one says nothing of the task */
  GQueue in_flight;  /* (element-type FerryRun) */
  char *trouble; /* (owned) (nullable): why the host has no workers, as it said last; NULL: it has begun a task since */
  guint64 n_sent;  /* in this session: how many the host gets, of those that were sent */
  guint n_unbegun; /* how many of them have not begun */
  guint n_in_vain; /* how many tasks the owner has asked back that had not begun, since one has begun */
};

/* Sends a task of a queue to the host. Returns FALSE if it cannot be sent now; then the task stays in its queue. If it
 * can never be sent, the task fails, and TRUE is returned. */
gboolean ferry_remote_run_send (FerryRunPlace *place, FerryRun *run);
/* For a task of place->in_flight. Whether it can be asked back, and when it was sent, or asked back, in monotonic time.
 * A large request counts as sent one second after more of it has arrived, so it waits while it is under way. */
gboolean ferry_remote_run_is_waiting (FerryRun *run, gint64 *since);
/* Takes back such a task, so that another host may run it. An idempotent task is only asked back at first, and returns
 * when the host refuses it. It is taken back the second time, to run it twice does no harm, or if it was not sent as a
 * whole. */
void ferry_remote_run_ask_back (FerryRun *run);
/* Ends the run of a task of place->in_flight. The session has ended for reason. by_application: the host is not to
 * blame, and no other host shall run the task. */
void ferry_remote_run_end (FerryRun *run, const GError *reason, gboolean by_application);

G_END_DECLS
