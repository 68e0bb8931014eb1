/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a task is made of, for the files that make up FerryTask.
 *
 * A program may have 100,000s of tasks that wait, so what most of them never have is in a part that is allocated when
 * it is first written.
 *
 * Threads: the router's, once the task was submitted; before that, the thread that made it. */

#pragma once

#include "task/ferry-task-private.h"

#include <stdatomic.h>

G_BEGIN_DECLS

#define FERRY_TASK_DEFAULT_CANCEL_GRACE (2 * G_USEC_PER_SEC)
#define FERRY_TASK_DEFAULT_WINDOW 16

/* Who may still have the task. From UNDER_WAY on, whoever submits owns the driver; from TAKEN on, the router's thread.
 */
typedef enum
{
  FERRY_TASK_CLAIM_FREE,
  FERRY_TASK_CLAIM_UNDER_WAY,
  FERRY_TASK_CLAIM_TAKEN,
  FERRY_TASK_CLAIM_CANCELLED, /* before it was submitted */
} FerryTaskClaim;

typedef struct _FerryTaskBridge FerryTaskBridge;

/* The part that is not always there. */
typedef struct
{
  _Atomic (char *) name; /* (nullable): any, where the task is done */
  gint64 deadline;       /* monotonic time; 0: none */
  gint64 run_timeout;
  gint64 queue_timeout;
  gint64 cancel_grace;
  guint retries;
  guint window;
  GCancellable *cancellable; /* (nullable): until the task is done */
  GArray *handles;           /* (nullable) (element-type FerryTaskHandle) (owned elements): until it is done */
  gboolean had_handles;
  FerryTaskBridge *bridge; /* (nullable): from the cancellable to the task, from the submission to the end */

  char *message; /* (nullable) */
  char *unit;    /* (nullable) */
  guint64 amount;
  guint64 total;

  GError *late_error; /* (nullable) */
  char *trace;        /* (nullable) */
  FerryExit *exit;    /* (nullable) */
  GPtrArray *waiters; /* (nullable) (element-type FerryWaiter) */
} FerryTaskRest;

struct _FerryTaskPrivate
{
  FerryTaskSeat seat;
  FerryHome *home;                /* (owned) (nullable): of the executor; const once the claim is TAKEN */
  const FerryTaskDriver *driver;  /* (nullable): while it is submitted and not done */
  gpointer executor;              /* (nullable) (unowned): the same */
  char *function;                 /* const */
  GVariant *arguments;            /* const (nullable) */
  GVariant *result;               /* (nullable) */
  GError *error;                  /* (nullable) */
  _Atomic (FerryTaskRest *) rest; /* (nullable): any, where the task is done */
  double fraction;                /* negative: not known */
  gint64 submit_time;
  gint64 start_time;
  gint64 end_time;
  guint number; /* const */
  guint n_attempts;
  GPid pid;
  int priority;
  _Atomic guint claim;     /* any: a FerryTaskClaim */
  _Atomic guint8 state;    /* any: a FerryTaskState; changes on the router's thread. Its end is set behind all else */
  _Atomic guint8 asked;    /* any: another thread asked for its cancel */
  guint kind : 4;          /* const: FerryTaskKind */
  guint leaves_worker : 1; /* done, and the worker may not know yet */
  guint holds_window : 1;  /* what is yielded is not done with when its signal is over */
};

typedef enum
{
  FERRY_TASK_PROP_NAME = 1,
  FERRY_TASK_PROP_KIND,
  FERRY_TASK_PROP_FUNCTION,
  FERRY_TASK_PROP_ARGUMENTS,
  FERRY_TASK_PROP_PRIORITY,
  FERRY_TASK_PROP_STATE,
  FERRY_TASK_PROP_DONE,
  FERRY_TASK_PROP_CANCELLABLE,
  FERRY_TASK_PROP_FRACTION,
  FERRY_TASK_PROP_MESSAGE,
  FERRY_TASK_PROP_AMOUNT,
  FERRY_TASK_PROP_TOTAL,
  FERRY_TASK_PROP_UNIT,
  FERRY_TASK_PROP_PID,
  FERRY_TASK_PROP_N_ATTEMPTS,
  FERRY_TASK_PROP_SUBMIT_TIME,
  FERRY_TASK_PROP_START_TIME,
  FERRY_TASK_PROP_END_TIME,
  FERRY_TASK_PROP_RESULT,
  FERRY_TASK_PROP_ERROR,
  FERRY_TASK_PROP_EXIT,
  FERRY_TASK_N_PROPERTIES,
} FerryTaskProperty;

/* Bytes as memory that can be handed over, for all tasks that have them. Counted references. */
typedef struct _FerryTaskBytes FerryTaskBytes;

/* What a worker is given beside the arguments; a handle is its place in the row. */
typedef struct
{
  int fd;                /* (owned), but where bytes have it */
  FerryTaskBytes *bytes; /* (owned) (nullable) */
} FerryTaskHandle;

FerryTaskPrivate *ferry_task_get_private (FerryTask *self);

static inline void
ferry_task_set_state (FerryTaskPrivate *priv, FerryTaskState state)
{
  /* Release: what the task came to, for another thread that finds it done. */
  atomic_store_explicit (&priv->state, (guint8) state, memory_order_release);
}

/* The same with its defaults when it is missing. */
const FerryTaskRest *ferry_task_peek_rest (FerryTask *self);
/* The part that is not always there, made when it is missing. */
FerryTaskRest *ferry_task_need_rest (FerryTask *self);

/* Whether the caller may look at a task that was submitted: on the router's thread, and on any once it is done, for
 * then nothing changes any more. With a critical that names the function where not. */
gboolean ferry_task_check_readable (FerryTask *self, const char *function);
/* Whether the caller may wait for the task, or change what can be changed after its submission. */
gboolean ferry_task_check_home (FerryTask *self, const char *function);
gboolean ferry_task_check_home_error (FerryTask *self, const char *function, GError **error);
/* Whether the task was not submitted, so that it can be given settings. */
gboolean ferry_task_check_settable (FerryTask *self, const char *function);

void ferry_task_install_properties (FerryTaskClass *klass);
void ferry_task_notify (FerryTask *self, FerryTaskProperty property);
void ferry_task_install_signals (FerryTaskClass *klass);

/* Closes what the task had for its workers. */
void ferry_task_drop_handles (FerryTask *self);
/* Lets go of the task's cancellable, and of the bridge from it. */
void ferry_task_drop_cancellable (FerryTask *self);

/* main: the end: sets what an end sets, and forgets the executor. was_submitted: see FERRY_TASK_CLAIM_CANCELLED. */
void ferry_task_settle (FerryTask *self, const FerryTaskTransition *transition, gboolean was_submitted);
/* main: threads that wait for the task go on. */
void ferry_task_wake_threads (FerryTask *self);
/* main: tells of the end. The caller holds a reference. was: the state before. */
void ferry_task_announce (FerryTask *self, FerryTaskState was);

/* any: from the cancellable (nullable) to the task, on the router's thread. Free with disconnect. */
FerryTaskBridge *ferry_task_bridge_new (FerryTask *self, GCancellable *cancellable, GMainContext *context);
void ferry_task_bridge_disconnect (FerryTaskBridge *bridge);
/* any: whether the cancellable was cancelled: from then on the task signals nothing of its function's. */
gboolean ferry_task_bridge_is_cancelled (FerryTaskBridge *bridge);

G_END_DECLS
