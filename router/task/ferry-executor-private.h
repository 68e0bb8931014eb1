/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The executor's inside: its queue, its list, and its counts.
 *
 * Threads: the router's, but for the inbox. A task that another thread submits waits there until the router's thread
 * takes it in. */

#pragma once

#include "task/ferry-executor.h"
#include "task/ferry-pool-private.h"

G_BEGIN_DECLS

/* Tasks that wait, by priority and then in the order of their coming. Each is in one bucket by its seat's link. */
typedef struct
{
  GPtrArray *buckets; /* (owned) (element-type FerryBucket): the highest priority last; empty ones may be among them */
  guint n_tasks;
} FerryTaskQueue;

void ferry_task_queue_init (FerryTaskQueue *self);
void ferry_task_queue_clear (FerryTaskQueue *self);
/* The queue takes no references: whoever keeps the task's seat keeps the task. */
void ferry_task_queue_push (FerryTaskQueue *self, FerryTask *task, gboolean at_front);
void ferry_task_queue_remove (FerryTaskQueue *self, FerryTask *task);
FerryTask *ferry_task_queue_peek (FerryTaskQueue *self);
/* Those that wait now, the next one first, with references. */
GPtrArray *ferry_task_queue_list (FerryTaskQueue *self);

typedef struct _FerrySubmission FerrySubmission;

struct _FerryExecutor
{
  GObject parent_instance;

  FerryTaskSource source; /* how the pool sees it */
  FerryPool *pool;        /* const: (owned) */
  FerryTimers *timers;    /* const: (unowned) */
  guint max_pending;
  guint keep_finished;

  _Atomic gint state;    /* any; changes on the router's thread */
  _Atomic gint n_queued; /* any: tasks that wait: in the queue, in the inbox, or sent ahead */

  pthread_mutex_t inbox_lock;
  GQueue inbox;           /* inbox_lock: (element-type FerryTask) (owned); its own address: all so far are cancelled */
  gboolean inbox_is_told; /* inbox_lock: the router's thread is to look into it */

  FerryTaskQueue queue;
  GSequence *list;       /* (owned) (element-type FerryTask): what the model shows */
  guint64 latest_number; /* of a task in it */
  GQueue finished; /* (element-type FerryTask): those of the list that are done, the oldest first, by seat's link */
  GQueue waiters;  /* (element-type FerrySubmission) (owned): those that wait for room, see ferry-executor-submit.c */
  guint n_open;    /* tasks that are not done */
  guint n_executing;
  guint64 n_completed;
  guint64 n_failed;
  guint64 n_cancelled;
  guint n_batch_done; /* tasks that were done since there was nothing to do */

  FerryTimer refuse_timer; /* set: what waits is about to be refused */
  FerryTimer notify_timer; /* tells of changed figures, once a turn of the main loop */
  FerryTimer shutdown_timer;
  GPtrArray *shutdown_waiters; /* (nullable) (element-type FerryWaiter): calls that wait for the end of a shutdown */
  gboolean shutting_down;
};

/* In ferry-executor-list.c: the executor as a list model. */
void ferry_executor_list_model_init (GListModelInterface *iface);
void ferry_executor_list_add (FerryExecutor *self, FerryTask *task);
void ferry_executor_list_remove (FerryExecutor *self, FerryTask *task);
void ferry_executor_list_finish (FerryExecutor *self, FerryTask *task);
void ferry_executor_list_trim (FerryExecutor *self, guint keep);
void ferry_executor_list_clear (FerryExecutor *self);

/* In ferry-executor-properties.c. */
void ferry_executor_install_properties (GObjectClass *object_class);
void ferry_executor_figures_changed (FerryExecutor *self);
void ferry_executor_notify_state (FerryExecutor *self);

/* In ferry-executor.c. */
extern const FerryTaskDriver ferry_executor_driver;
void ferry_executor_take_in (FerryExecutor *self, FerryTask *task);
gboolean ferry_executor_take_back (FerryTask *task);
void ferry_executor_empty_inbox (FerryExecutor *self);
void ferry_executor_put_into_inbox (FerryExecutor *self, FerryTask *task);
void ferry_executor_put_cancel_into_inbox (FerryExecutor *self);

/* In ferry-executor-submit.c. */
void ferry_executor_wake_waiters (FerryExecutor *self);
void ferry_executor_refuse_waiters (FerryExecutor *self);
/* error (nullable): why the task was not submitted. */
typedef void (*FerrySubmittedFunc) (gpointer data, const GError *error);
void ferry_executor_submit_when_room (FerryExecutor *self, FerryTask *task, FerrySubmittedFunc func, gpointer data);

/* In ferry-executor-control.c. */
void ferry_executor_finish_shutdown (FerryExecutor *self);
guint ferry_executor_cancel_listed (FerryExecutor *self);

G_END_DECLS
