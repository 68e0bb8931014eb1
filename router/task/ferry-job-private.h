/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A job and what carries its news: one call of one worker's.
 *
 * Owner:   counted references: the thread that serves, and whoever the function gave one to.
 * Threads: created and finished by the thread that serves; a function may use it from any thread while it runs. Other
 *          threads hold uses for reading while they are at what the job only borrows, and finishing takes it for
 *          writing: so what a function left behind finds the job finished, and never what is gone. */

#pragma once

#include <pthread.h>

#include "call/ferry-transactions-private.h"
#include "link/ferry-downlink-private.h"
#include "route/ferry-sender.h"
#include "task/ferry-job.h"
#include "task/ferry-progress-parts-private.h"
#include "task/ferry-progress-private.h"
#include "task/ferry-task.h"

G_BEGIN_DECLS

typedef struct _FerryServe FerryServe;

/* A reason beside those of FerryCancelReason: the application gave up the link. */
#define FERRY_CANCEL_REASON_CLOSED 3

struct _FerryJob
{
  GObject parent_instance;

  FerryServe *serve;  /* const: (unowned): used until the job is finished, and then no more */
  FerryCall *call;    /* const: (owned) */
  FerryTaskKind kind; /* const */
  /* any: the call's, or in a map that of the function over the items; it stays where it is as long as the job */
  const char *_Atomic function_name;
  pthread_t thread; /* const: the one that serves */
  guint64 begun;    /* the thread that serves: ferry_trace_get_moment() when the function was called */

  pthread_rwlock_t uses;
  gboolean finished; /* uses; its writer, the thread that serves, reads it without */

  _Atomic guint cancelled; /* any: 0, or why: a FerryCancelReason, or the one above */

  pthread_mutex_t lock;
  GCancellable *cancellable; /* lock: (owned) (nullable) */
  GPtrArray *traces;         /* lock: (owned) (nullable): see ferry_job_set_error() */
  FerryProgressParts parts;  /* lock, as what follows */
  guint n_steps;
  guint n_steps_done;
  gsize reported_size; /* of what was written to the cell last; 0: nothing */
  guint8 reported[FERRY_MAX_PROGRESS_SIZE];
};

FerryJob *ferry_job_new (FerryServe *serve, FerryCall *call);
/* The thread that serves: the job is about to run another function. The name is never freed. */
void ferry_job_set_function_name (FerryJob *self, const char *name);
/* The thread that serves: the function is about to be called, for the next item of a map too. What errors it was left
 * with before have nothing to do with it. */
void ferry_job_begin_function (FerryJob *self);
/* After the function returned: what it still does with the job fails with FERRY_ERROR_STOPPED. */
void ferry_job_finish (FerryJob *self);
/* any: has the job stop, as far as it looks; the first reason counts. */
void ferry_job_cancel (FerryJob *self, guint reason);
/* The trace that ferry_job_set_error() captured for this very error, or NULL. */
char *ferry_job_dup_trace (FerryJob *self, const GError *error);

/* any: brackets a use of serve. Returns FALSE with an error, and nothing to end, when the job is finished. */
gboolean ferry_job_begin_use (FerryJob *self, GError **error);
void ferry_job_end_use (FerryJob *self);
/* In a use: ferry_job_check(). */
gboolean ferry_job_check_in_use (FerryJob *self, GError **error);

/* The kind of task that a call's flags say. */
FerryTaskKind ferry_call_get_task_kind (FerryCall *call);

G_END_DECLS
