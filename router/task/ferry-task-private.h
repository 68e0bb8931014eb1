/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The interface between a task and its executor. All functions are for the router's thread, unless their comment says
 * otherwise.
 *
 * A function that notifies a task of an event looks the event up in the table of states. If the table refuses the
 * event, the function changes nothing and returns FALSE. Else it emits the signals before it returns. Handlers may call
 * any function: cancel the task, submit other tasks, or drop the last reference. */

#pragma once

#include "base/ferry-sibling-private.h"
#include "base/ferry-timers-private.h"
#include "engine/ferry-home-private.h"
#include "link/ferry-descriptor-port-private.h"
#include "link/ferry-link-private.h"
#include "task/ferry-answer-watch-private.h"
#include "task/ferry-task-state-private.h"
#include "wire/ferry-progress-private.h"

G_BEGIN_DECLS

/* The fields of a task that its executor and its runner use. The code of FerryTask itself does not use these fields. */
typedef struct
{
  GList queue_link;          /* link in the executor's queue, or in a worker's list in_flight */
  gint64 order;              /* increases in the order of the executor's queue, within a priority */
  GList finished_link;       /* link in the executor's list of finished tasks, or in that of those that stay */
  GList list_link;           /* link in the executor's list model */
  gpointer queue;            /* (nullable): the FerryTaskSource of the executor */
  GSequenceIter *position;   /* (nullable): the task's place in the index of the list model, if there is an index */
  guint64 number;            /* increases in the order of the executor's list model */
  gpointer carrier;          /* (nullable): the FerryTaskCarrier that has the task */
  guint64 xid;               /* xid of the task's call at the worker; 0: none */
  guint64 n_fd_batches;      /* fd batches sent to the worker, up to the task's own one; 0: the task has none */
  FerryTimer timer;          /* runs out at the end of the waiting time, then of the run time, then of the grace time */
  _Atomic gboolean paused;   /* any: FerryTask:is-paused; changed by the router's thread once the task is submitted */
  guint executing : 1;       /* the executor counts the task as executing */
  guint taken_in : 1;        /* the router's thread has added the task to the executor */
  guint listed : 1;          /* the executor's list model has the task, and is not about to remove it */
  guint stays : 1;           /* finished_link is in the executor's list of tasks that stay: they failed, or are kept */
  guint held : 1;            /* queue_link is in the queue's list of tasks that are passed over */
  guint executor_paused : 1; /* the executor has paused the task, and nobody has changed that since */
  guint tried_again : 1;     /* the task was tried again, so who did it knows how it ended */
  guint obstructed : 4;      /* what a cluster has told the task of why it waits, in its own numbers; 0: nothing */
  guint escalation : 8;      /* the step of a cancelled task's escalation; 0: none yet */
  gint64 time_left;   /* while the task is paused: of the limit that stands still, in microseconds; 0: none does */
  guint n_looks;      /* how often look_for_answer() ran since more of the up lane was dispatched */
  guint64 answer_end; /* the up lane's position up to which the answer must be written; 0: not known */
  guint64 dispatched; /* the position of the up lane up to which messages were dispatched at the last look */
  guint n_keepers;    /* how often the task is kept in the executor's list model */
  gint64 let_go;      /* when that became 0 after the task's end, in monotonic time; 0: never */
  guint n_deaths;     /* number of workers that were lost while they ran the task */
  guint n_consumed;   /* number of items that were consumed since the worker was last notified */
  guint n_refusals;   /* how often workers refused the task */
  guint64 shunned;    /* number of the host that has refused or lost the task last; 0: none */
} FerryTaskPlacement;

/* Durations in microseconds, 0 for none. */
typedef struct
{
  gint64 deadline; /* monotonic time; 0: none */
  gint64 run_timeout;
  gint64 queue_timeout;
  gint64 cancel_grace;
  guint retries;
  guint window;
  gboolean holds_window;
  guint max_returned_descriptors;
  gboolean idempotent;
  gboolean stoppable;
} FerryTaskSettings;

/* How many lines of its worker's output a task keeps. */
#define FERRY_MAX_TASK_LINES 20

/* The functions of an executor that its tasks call. */
typedef struct
{
  /* Called before a task that waits is cancelled. The executor takes the task back from the worker that it was sent
   * ahead to. If the worker has begun the task, the executor starts the task; afterwards the task may have any
   * state. */
  void (*withdraw) (gpointer executor, FerryTask *task);
  /* Called after a task was cancelled. A task that executed is CANCELLING, and has notified this state. A task that
   * waited is CANCELLED and has signalled nothing so far; the executor must remove it from the queue. The task is not
   * in the queue yet if another thread has just submitted it. */
  void (*cancelled) (gpointer executor, FerryTask *task);
  /* Called when n yielded values were consumed. The function may yield n more values. */
  void (*consumed) (gpointer executor, FerryTask *task, guint n);
  /* Iterates the router until the task is done, for ferry_task_wait(). Fails with FERRY_ERROR_TIMED_OUT if the task is
   * not done in time. timeout: microseconds, negative for none. */
  gboolean (*wait) (gpointer executor, FerryTask *task, gint64 timeout, GError **error);
  /* Called when the fraction has changed by a report, before that is notified. */
  void (*progressed) (gpointer executor, FerryTask *task);
  /* Called when the task was paused or resumed, as its placement says, before that is notified. The task may have any
   * state afterwards. */
  void (*pause_changed) (gpointer executor, FerryTask *task);
} FerryTaskDriver;

/* any: sets the kind, the function and the arguments of a new task. Its class may derive from FerryTask.
 * ferry_task_new() uses this too. Setting construct properties instead would make a new task cost 1.5 times as much.
 * Sinks arguments (nullable). */
FERRY_FOR_SIBLINGS
void ferry_task_set_up (FerryTask *self, FerryTaskKind kind, const char *function, GVariant *arguments);

/* any: submits a task that was not submitted before to the executor (unowned). The executor has the task until the task
 * is done. home (nullable): the router's. Fails with FERRY_ERROR_ALREADY_STARTED, and with G_IO_ERROR_CANCELLED if the
 * task was cancelled before. */
gboolean ferry_task_submit_to (FerryTask *self, const FerryTaskDriver *driver, gpointer executor, FerryHome *home,
                               GError **error);
FERRY_FOR_SIBLINGS
FerryTaskPlacement *ferry_task_get_placement (FerryTask *self);
/* any: whether the caller may wait for the task, or change it: a submitted task only on the router's thread. If not,
 * emits a critical that names function. */
gboolean ferry_task_check_home (FerryTask *self, const char *function);

/* any: what the task is made of. */
FERRY_FOR_SIBLINGS
FerryTaskKind ferry_task_get_kind (FerryTask *self);
FERRY_FOR_SIBLINGS
const char *ferry_task_get_function (FerryTask *self);
FERRY_FOR_SIBLINGS
GVariant *ferry_task_get_arguments (FerryTask *self);
/* Change settings of a task that is not submitted, or, for the name, not done. */
void ferry_task_set_name (FerryTask *self, const char *name);
void ferry_task_set_idempotent (FerryTask *self, gboolean idempotent);
/* The values of the properties. */
gint64 ferry_task_get_submit_time (FerryTask *self);
FERRY_FOR_SIBLINGS
gint64 ferry_task_get_start_time (FerryTask *self);
FERRY_FOR_SIBLINGS
gint64 ferry_task_get_end_time (FerryTask *self);
FERRY_FOR_SIBLINGS
GPid ferry_task_get_pid (FerryTask *self);
FERRY_FOR_SIBLINGS
guint ferry_task_get_n_attempts (FerryTask *self);
FERRY_FOR_SIBLINGS
const char *ferry_task_get_trace (FerryTask *self);
FERRY_FOR_SIBLINGS
const GError *ferry_task_get_late_error (FerryTask *self);
/* Gets the latest report. Its fraction is negative if it is not known. */
FERRY_FOR_SIBLINGS
void ferry_task_get_progress (FerryTask *self, FerryProgress *progress);

/* Returns the number that distinguishes the task from others of this process. */
FERRY_FOR_SIBLINGS
guint ferry_task_get_number (FerryTask *self);
FERRY_FOR_SIBLINGS
const FerryTaskSettings *ferry_task_get_settings (FerryTask *self);
/* Returns the earlier time of the task's deadline and since + timeout (timeout 0: none). 0: there is neither. */
gint64 ferry_task_get_deadline_of (FerryTask *self, gint64 since, gint64 timeout);
/* Copies the descriptors (transfer none) of the task's handles to descriptors, at most FERRY_MAX_FDS_PER_LINK, and sets
 * *n. The last one is the socket for what the function returns, if *returns is TRUE. Fails with FERRY_ERROR_SYSTEM. */
gboolean ferry_task_get_descriptors (FerryTask *self, int *descriptors, guint *n, gboolean *returns, GError **error);
/* The descriptors were sent to a worker. */
void ferry_task_note_descriptors_sent (FerryTask *self);
/* any: returns (transfer none) (nullable) the descriptors that the function has returned; NULL with
 * FERRY_ERROR_BAD_ARGUMENTS. Sets *sender (transfer full) as for ferry_descriptor_port_take(). */
FerryDescriptorPort *ferry_task_require_returned (FerryTask *self, char **sender, GError **error);
/* Notes at the senders that the task was given which worker's link the task is sent over. */
void ferry_task_set_worker (FerryTask *self, FerryLink *worker);
/* Whether the task was given descriptors, bytes or senders, which are closed once the task is done. */
gboolean ferry_task_had_descriptors (FerryTask *self);
/* Returns (nullable) what keeps the task on this machine, as "Task 'x' has ..." goes on. */
FERRY_FOR_SIBLINGS
const char *ferry_task_get_bond (FerryTask *self);

/* Event START: a worker has begun the task. The caller must hold a reference. */
FERRY_FOR_SIBLINGS
gboolean ferry_task_start (FerryTask *self, GPid pid);
/* Sets the process id of a task that started before its process was known. */
void ferry_task_take_pid (FerryTask *self, GPid pid);
/* Sets the name of the host that has the task; NULL: this machine. ferry_task_give_back() sets NULL. A runner calls
 * this before ferry_task_start(). */
FERRY_FOR_SIBLINGS
void ferry_task_take_host_name (FerryTask *self, const char *host_name);
/* Returns (transfer none) (nullable) that name. */
const char *ferry_task_get_host_name (FerryTask *self);
/* Notes that the task's host is lost, before the task fails for that or is given back. reason: in words. */
FERRY_FOR_SIBLINGS
void ferry_task_take_host_loss (FerryTask *self, const char *reason);
/* Returns (transfer none) (nullable) the reason; NULL: the host of the latest run is not known to be lost. */
const char *ferry_task_get_host_loss (FerryTask *self);
/* Events PROGRESS, MESSAGE, YIELD and RESULT. The functions return TRUE also if the event is ignored. The caller of
 * ferry_task_complete() must hold a reference. */
/* Sets the task's text to what it waits for, as long as its function has reported none; NULL: it waits no more. */
FERRY_FOR_SIBLINGS
void ferry_task_set_obstacle (FerryTask *self, const char *text);
FERRY_FOR_SIBLINGS
gboolean ferry_task_take_progress (FerryTask *self, const FerryProgress *progress);
FERRY_FOR_SIBLINGS
gboolean ferry_task_take_message (FerryTask *self, const char *type, GVariant *value);
FERRY_FOR_SIBLINGS
gboolean ferry_task_take_yield (FerryTask *self, GVariant *value);
gboolean ferry_task_complete (FerryTask *self, GVariant *result);
/* Events ERROR, LOST, RUN_TIMEOUT, QUEUE_TIMEOUT, REFUSE and ABANDON. Takes error, also if it returns FALSE. error may
 * be NULL only if the event leads to CANCELLED. trace and exit are (nullable). */
gboolean ferry_task_fail (FerryTask *self, FerryTaskEvent event, GError *error, const char *trace, FerryExit *exit);
/* Event RETURN: the task is WAITING again, for another attempt. A task that is CANCELLING becomes CANCELLED instead. */
gboolean ferry_task_give_back (FerryTask *self);
/* The task was sent to a worker as the call xid. Until ferry_task_unset_way(), a thread that waits may be told the
 * answer before the router's thread has received it. Then the task can only end with that answer. */
void ferry_task_set_way (FerryTask *self, const FerryCallsWay *way, guint64 xid);
void ferry_task_unset_way (FerryTask *self);
/* Decides that the router's thread ends this attempt. FALSE: a thread was told the answer already. */
gboolean ferry_task_decide (FerryTask *self);
/* If a thread was told the answer, ends the task with it, whatever its state, and returns TRUE. */
gboolean ferry_task_end_as_answered (FerryTask *self);
/* Before the task is submitted: has it finish a completion with its result or its error, before the signal done. Takes
 * a reference. */
void ferry_task_set_call (FerryTask *self, FerryCompletion *call);
/* main: the priority, for the queue, which asks often and is the router's anyway. */
int ferry_task_peek_priority (FerryTask *self);
/* Sets the priority of a task that waits. The caller must move the task in the queue. */
void ferry_task_change_priority (FerryTask *self, int priority);
/* Returns (transfer full) a new FerryTask with the same kind, function, arguments, name, priority and settings, but
 * without a cancellable and descriptors. */
FerryTask *ferry_task_new_like (FerryTask *self);
/* Logs an error of a task that was cancelled or has timed out, and keeps the first such error. */
void ferry_task_note_late_error (FerryTask *self, const GError *error, const char *trace);
/* Empties FerryTask:last-lines, which are then not those of the worker's end; then adds a line to them. */
void ferry_task_begin_lines (FerryTask *self);
void ferry_task_take_line (FerryTask *self, const char *line);
/* Sets FerryTask:failures, before the task fails for them. Sinks failures. */
void ferry_task_take_failures (FerryTask *self, GVariant *failures);
/* For tests: makes the submit time of a submitted task earlier. */
void ferry_task_backdate (FerryTask *self, gint64 microseconds);

G_END_DECLS
