/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A run: what is run, how it stands, and who has it. The router's thread, unless a comment says otherwise. */

#pragma once

#include "base/ferry-base-private.h"
#include "base/ferry-timers-private.h"
#include "base/ferry-wait-queue-private.h"
#include "call/ferry-transport-private.h"
#include "engine/ferry-exit.h"
#include "job/ferry-task-enums.h"
#include "pool/ferry-task-rules-private.h"
#include "wire/ferry-progress-private.h"

G_BEGIN_DECLS

typedef struct _FerryRun FerryRun;
typedef struct _FerryTask FerryTask;
typedef struct _FerryLink FerryLink;
typedef struct _FerryTaskSource FerryTaskSource;
typedef struct _FerryTaskDestination FerryTaskDestination;
typedef struct _FerryRunKeeper FerryRunKeeper;

/* ---- The record ---- */

/* What the owner of a run does for it. All but ref and unref are for the router's thread. */
typedef struct
{
  gpointer (*ref) (gpointer owner); /* any */
  void (*unref) (gpointer owner);   /* any */
  /* Returns (transfer none) the name, for users and errors. */
  const char *(*get_name) (gpointer owner);
  /* (nullable): what people know the function by; else it is its name */
  const char *(*get_shown_function) (gpointer owner);
  /* A worker has begun the run. host_name: (nullable): of the host that has it; NULL: this machine. */
  void (*started) (gpointer owner, const char *host_name);
  /* The process of a run that started before it was known. */
  void (*pid_changed) (gpointer owner);
  /* before: the fraction before this report. */
  void (*progressed) (gpointer owner, const FerryProgress *progress, double before);
  void (*sent) (gpointer owner, const char *type, GVariant *value);
  void (*yielded) (gpointer owner, GVariant *value);
  /* (nullable): what the function has done if it fails. */
  void (*took_part) (gpointer owner, GVariant *value);
  /* (nullable): begins to open the value that a result stands for, on another thread, which calls func with data when
   * it has. Returns whether that takes time still. Takes data, which destroy frees if it is not needed. */
  gboolean (*is_opening) (gpointer owner, GVariant *result, GDestroyNotify func, gpointer data, GDestroyNotify destroy);
  /* (nullable): returns (transfer full) (nullable) the value that a result stands for, or NULL with an error. */
  GVariant *(*open_result) (gpointer owner, GVariant *result, GError **error);
  /* The run waits again, for another attempt. */
  void (*returned) (gpointer owner);
  /* (nullable, as the next three): copies the descriptors (transfer none) that the worker gets to descriptors, at most
   * FERRY_MAX_FDS_PER_LINK, and sets *n, and *flags: what follows those of the handles, FERRY_CALL_ANSWERS and
   * FERRY_CALL_RETURNS in this order. worker: the link that the run is sent over. Fails with FERRY_ERROR_SYSTEM. */
  gboolean (*give_descriptors) (gpointer owner, FerryLink *worker, int *descriptors, guint *n, guint *flags,
                                GError **error);
  /* They were sent to a worker. */
  void (*descriptors_sent) (gpointer owner);
  /* What its worker printed last, before the run fails. Takes lines (element-type utf8). */
  void (*took_lines) (gpointer owner, GPtrArray *lines);
  /* What the run waits for, in words for users; NULL: it waits no more. */
  void (*waits_for) (gpointer owner, const char *text);
  /* (nullable): the run rests before another attempt, until that monotonic time; 0: it rests no more. */
  void (*rests) (gpointer owner, gint64 until);
  /* (nullable): the run that executed is CANCELLING. was_paused: it was paused before that. */
  void (*cancelling) (gpointer owner, gboolean was_paused);
  /* (nullable): the run is about to get its last state, and nobody is told of it yet. */
  void (*ending) (gpointer owner);
  /* The run has ended. was: the state before. */
  void (*ended) (gpointer owner, FerryTaskState was);
} FerryRunFuncs;

/* After so long, a run whose fraction is not known counts as one without an end, in microseconds. Most functions report
 * soon after their beginning or not at all, so what is said of all runs does not change with each that begins. */
#define FERRY_ENDLESS_AFTER (10 * G_USEC_PER_SEC)

/* What is known of runs that execute. */
typedef struct
{
  guint n_running;
  guint n_known;    /* of how many of them the fraction is known */
  guint n_paused;   /* how many of them are paused */
  guint n_endless;  /* how many nobody should wait for: paused, or without a fraction for so long */
  double fractions; /* the sum of what is known, each from 0 to 1 */
  double left;      /* the same of what is left of those that somebody should wait for */
} FerryRunSum;

/* ---- The keeper ----
 *
 * What keeps tasks beyond the application, such as a queue in a file. It hears of the end of each of its runs before
 * anybody else, so that it can store that first. */
typedef struct
{
  /* A run that a worker has begun has ended as end says, with the result or the error that its fields have, or one that
   * waits was cancelled. Nobody is told, and nothing else ends it, until ferry_run_tell_end(). */
  void (*hold) (FerryRunKeeper *self, FerryRun *run, FerryTaskState end);
  /* A run has been cancelled, or the time of one that executes is over. */
  void (*cancelling) (FerryRunKeeper *self, FerryRun *run);
  /* (transfer none) (nullable): why the run cannot be stored, or its end, which is held. */
  const GError *(*get_unstored) (FerryRunKeeper *self, FerryRun *run);
  /* The run has lost an attempt, and waits again: it may rest until rest_until before another one. */
  void (*returned) (FerryRunKeeper *self, FerryRun *run);
  /* The run has ended, and everybody else is told next. */
  void (*ended) (FerryRunKeeper *self, FerryRun *run);
  /* The run has another name, or is paused, or is not any more; as its executor pauses all that run, it is not told. */
  void (*changed) (FerryRunKeeper *self, FerryRun *run);
  /* What ferry_executor_retry(), ferry_executor_remove() and ferry_executor_set_task_priority() do. */
  FerryTask *(*retry) (FerryRunKeeper *self, FerryTask *task, GError **error);
  gboolean (*remove) (FerryRunKeeper *self, FerryTask *task, GError **error);
  gboolean (*set_priority) (FerryRunKeeper *self, FerryTask *task, int priority, GError **error);
  /* What ferry_executor_cancel_all() and ferry_executor_clear_finished() do. The first returns how many. */
  guint (*cancel_all) (FerryRunKeeper *self);
  void (*clear_finished) (FerryRunKeeper *self);
  /* How many tasks of the list have failed. */
  guint (*count_failed) (FerryRunKeeper *self);
  /* How many tasks the executor can run has changed; of none, it is to take back what it has begun. */
  void (*places_changed) (FerryRunKeeper *self);
  /* Adds those that a worker has begun to the sum. */
  void (*sum_running) (FerryRunKeeper *self, FerryRunSum *sum);
  /* Moves the task in front of another one of the keeper's list; NULL: behind the last one. */
  gboolean (*move) (FerryRunKeeper *self, FerryTask *task, FerryTask *before, GError **error);
  /* A task that waits for its time does not any more. */
  gboolean (*begin_now) (FerryRunKeeper *self, FerryTask *task, GError **error);
  /* What the tasks are stored in is made anew if it is gone, and workers that did not start are tried again. */
  void (*try_again) (FerryRunKeeper *self);
  /* Ends what runs, to go on with it when the application is started again, and then calls back. */
  void (*close_async) (FerryRunKeeper *self, GAsyncReadyCallback callback, gpointer user_data);
  gboolean (*close_finish) (FerryRunKeeper *self, GAsyncResult *result, GError **error);
} FerryRunKeeperFuncs;

struct _FerryRunKeeper
{
  const FerryRunKeeperFuncs *funcs; /* const */
  gpointer executor;                /* const: (unowned): the FerryExecutor that the runs are for */
  /* const: (unowned): a model of the tasks, also of those that have ended. Its properties paused, n-waiting,
   * n-executing, n-completed, n-failed, n-cancelled and fraction are as those of an executor. It has a property reason
   * as well, why it is paused, and n-interrupted. */
  GListModel *list;
};

/* The list is that of the keeper from now on: see ferry_run_keeper_of(). The other fields are set. */
FERRY_FOR_SIBLINGS
void ferry_run_keeper_init (FerryRunKeeper *self);
/* Returns (transfer none) (nullable) the keeper whose list it is; NULL: it is none's, as an executor. */
FERRY_FOR_SIBLINGS
FerryRunKeeper *ferry_run_keeper_of (GListModel *list);

struct _FerryRun
{
  const FerryRunFuncs *funcs; /* const */
  gpointer owner;             /* const */

  /* What is run: const once it is submitted, but for the priority. */
  const char *function;              /* the owner's */
  GVariant *arguments;               /* (nullable): the owner's */
  const FerryTaskSettings *settings; /* the default ones, or the owner's */
  const char *const *needs;          /* (nullable): the owner's: the labels that a host must have; NULL: none */
  int priority;

  /* How it stands. Any thread may read a run that has ended. */
  guint n_attempts; /* how often a worker has begun it, of what is known now */
  gint64 submit_time;
  gint64 waits_since;      /* since when its queue timeout counts */
  gint64 start_time;       /* of this attempt; 0: it waits */
  gint64 end_time;         /* also of one whose end is held */
  gint64 heard;            /* when its function reported, yielded or sent something last; 0: it has not */
  double fraction;         /* of the work that is done, from 0 to 1; -1: not known; FERRY_FRACTION_TAKEN_BACK: not any
                            * more, in this attempt */
  GVariant *result;        /* (owned) (nullable) */
  GError *error;           /* (owned) (nullable) */
  char *trace;             /* (owned) (nullable) */
  FerryExit *exit;         /* (owned) (nullable) */
  GError *late_error;      /* (owned) (nullable): the first one after the end */
  char *unfinished;        /* (owned) (nullable): the files that its function writes in place, as its worker says */
  GError *limit_error;     /* (owned) (nullable): of the limit of time that ends it, while it is CANCELLING for that */
  GPid pid;                /* of the process that runs or ran it, on this machine; 0: not known */
  _Atomic guint8 paused;   /* any: changed by the router's thread once the run is submitted */
  _Atomic guint8 state;    /* any: a FerryTaskState; written last at the end */
  _Atomic guint8 asked;    /* any: not 0 once the router's thread is asked to cancel the run */
  guint8 kind;             /* const: a FerryTaskKind */
  guint is_task : 1;       /* const: the owner is a FerryTask */
  guint has_handles : 1;   /* const once it is submitted: a task's, which was given descriptors, bytes or senders */
  guint leaves_worker : 1; /* it has ended, and a worker may still run its function */
  guint timed_out : 1;     /* a limit of time ends it, or has */
  guint executing : 1;     /* the source counts it as executing */
  guint runs_programs : 1; /* its function does */
  guint is_committed : 1;  /* its function has done what stays, in this attempt: a cancel comes too late */
  guint repeats : 1;
  guint is_late : 1;     /* it had expired as it came to its queue */
  guint never_begun : 1; /* the start that is being undone was none: the worker had not begun it */
  guint held : 1;        /* link is in the queue's list of runs that are passed over */

  /* Who has it. */
  FerryRunKeeper *keeper;              /* (unowned) (nullable) */
  const FerryTaskTransition *end_held; /* (nullable): the end that its keeper holds */
  FerryTaskSource *source;             /* (unowned) (nullable) */
  FerryTaskDestination *destination;   /* (unowned) (nullable): the one that it was sent to */
  GList link;                          /* in the source's queue, or in what its destination has in flight */
  gint64 order;                        /* increases in the order of the queue, within a priority */
  FerryTimer timer;  /* runs out at the end of the waiting time, then of the run time, then of the grace time */
  gint64 rest_until; /* monotonic time, before which it is not tried again; 0: it does not rest */
  gint64 time_left;  /* while it is paused: of the limit that stands still, in microseconds; 0: none does */
  guint64 xid;       /* of its call at the destination; 0: none */
  guint n_consumed;  /* number of items that were consumed since the worker was last told */
  guint n_deaths;    /* how many of its attempts were lost: see FerryTaskLosses */
  guint death_limit; /* const, as repeats: of FerryTaskLosses, for the loss of a worker of this machine */
  guint n_refusals;  /* how often workers refused it */
  guint n_starts;    /* how often its start was told: the number of the present start */
};

/* any: for a run that is all zero. function, arguments: the owner's. */
FERRY_FOR_SIBLINGS
void ferry_run_init (FerryRun *self, const FerryRunFuncs *funcs, gpointer owner);
FERRY_FOR_SIBLINGS
void ferry_run_clear (FerryRun *self);

static inline FerryRun *
ferry_run_ref (FerryRun *self)
{
  self->funcs->ref (self->owner);
  return self;
}

static inline void
ferry_run_unref (FerryRun *self)
{
  self->funcs->unref (self->owner);
}

static inline const char *
ferry_run_get_name (FerryRun *self)
{
  return self->funcs->get_name (self->owner);
}

static inline const char *
ferry_run_get_shown_function (FerryRun *self)
{
  return self->funcs->get_shown_function != NULL ? self->funcs->get_shown_function (self->owner) : self->function;
}

/* Returns (transfer none) (nullable) the task that has the run; NULL: something else has it. */
static inline FerryTask *
ferry_run_get_task (const FerryRun *self)
{
  return self->is_task ? self->owner : NULL;
}

static inline FerryTaskState
ferry_run_get_state (const FerryRun *self)
{
  return (FerryTaskState) self->state;
}

static inline gboolean
ferry_run_get_done (const FerryRun *self)
{
  return self->state >= FERRY_TASK_STATE_COMPLETED;
}

/* Adds the run to the sum, unless it waits or has ended. */
static inline void
ferry_run_sum_add (FerryRunSum *sum, const FerryRun *run)
{
  FerryTaskState state = ferry_run_get_state (run);
  gboolean is_running = state == FERRY_TASK_STATE_EXECUTING || state == FERRY_TASK_STATE_CANCELLING;
  gboolean is_known = is_running && run->fraction >= 0;
  gboolean is_endless =
    is_running && (run->paused || (!is_known && g_get_monotonic_time () - run->start_time > FERRY_ENDLESS_AFTER));

  sum->n_running += is_running;
  sum->n_known += is_known;
  sum->n_paused += is_running && run->paused;
  sum->n_endless += is_endless;
  sum->fractions += is_known ? run->fraction : 0;
  sum->left += is_running && !is_endless ? 1.0 - (is_known ? run->fraction : 0) : 0;
}

/* Whether the fraction of all says nothing of those that are open: of none that runs it is known. Where some are done
 * and others wait, their number says how far all are; and where nothing runs, nothing is under way. */
static inline gboolean
ferry_run_sum_is_indeterminate (const FerryRunSum *sum, guint n_waiting, double fraction)
{
  return sum->n_running > 0 && sum->n_known == 0 && (n_waiting == 0 || !(fraction > 0));
}

/* Whether the owner tells what the function does: not after another thread has asked for a cancel. */
gboolean ferry_run_still_reports (const FerryRun *self);

/* Event START: a worker has begun the run. The caller must hold a reference. host_name: as in FerryRunFuncs. */
FERRY_FOR_SIBLINGS
gboolean ferry_run_start (FerryRun *self, GPid pid, const char *host_name);
void ferry_run_take_pid (FerryRun *self, GPid pid);
/* Events PROGRESS, MESSAGE, YIELD and RESULT. The functions return TRUE also if the event is ignored. */
FERRY_FOR_SIBLINGS
gboolean ferry_run_take_progress (FerryRun *self, const FerryProgress *progress);
FERRY_FOR_SIBLINGS
gboolean ferry_run_take_message (FerryRun *self, const char *type, GVariant *value);
FERRY_FOR_SIBLINGS
gboolean ferry_run_take_yield (FerryRun *self, GVariant *value);
/* Takes what the function has done if it fails, until the run has ended. */
void ferry_run_take_partial_result (FerryRun *self, GVariant *value);
/* The caller must hold a reference. */
FERRY_FOR_SIBLINGS
gboolean ferry_run_complete (FerryRun *self, GVariant *result);
/* Events ERROR, LOST, RUN_TIMEOUT, QUEUE_TIMEOUT, REFUSE and ABANDON. Takes error, also if it returns FALSE. error may
 * be NULL only if the event leads to CANCELLED. trace and exit are (nullable). RUN_TIMEOUT leads to CANCELLING, and
 * error is the run's at its end. */
FERRY_FOR_SIBLINGS
gboolean ferry_run_fail (FerryRun *self, FerryTaskEvent event, GError *error, const char *trace, FerryExit *exit);
/* Of a keeper: one that waits fails, which is stored before anybody is told. Takes error. */
FERRY_FOR_SIBLINGS
void ferry_run_refuse (FerryRun *self, GError *error);
/* any: what a function puts behind the error that it was cancelled, or that its time is over: "; 'out' may be damaged".
 * error: (nullable): its own, or the run's. Returns "" where that is nothing. */
FERRY_FOR_SIBLINGS
const char *ferry_run_get_addition (const GError *error);
/* Takes the names of the files that the function writes in place: an "s", empty once they are whole. */
void ferry_run_take_unfinished (FerryRun *self, GVariant *files);
/* Returns (nullable) those names once the worker is lost. exit: (nullable): of the worker; one that got SIGTERM has
 * tidied up. */
const char *ferry_run_get_unfinished (const FerryRun *self, FerryExit *exit);
/* (transfer full): what to say of them, as "..., or submit the task again" goes on; "" where there are none. */
char *ferry_run_describe_unfinished (const FerryRun *self, FerryExit *exit);
/* Has the error of a lost worker, of the domain FERRY_ERROR, carry how that ended, and those names. exit: (nullable).
 */
void ferry_run_note_loss (const FerryRun *self, FerryExit *exit, GError *error);
/* Whether each setting has its default. */
gboolean ferry_run_has_default_settings (const FerryRun *self);
/* In microseconds: the one that was set, or the usual one of what runs. */
gint64 ferry_run_get_cancel_grace (const FerryRun *self);
/* Event RETURN: the run is WAITING again, for another attempt. One that is CANCELLING becomes CANCELLED instead. */
gboolean ferry_run_give_back (FerryRun *self);

/* Tells the end that the keeper of the run holds. Does nothing if it holds none. */
FERRY_FOR_SIBLINGS
void ferry_run_tell_end (FerryRun *self);
/* The keeper holds a cancel, which came too late: something had begun the run, and its end follows at once. */
FERRY_FOR_SIBLINGS
void ferry_run_take_up_again (FerryRun *self);
/* The keeper could not store the end that it holds: the run has failed, since why. */
FERRY_FOR_SIBLINGS
void ferry_run_lose_end (FerryRun *self, const GError *why);

/* Threads that wait for the end of a run; the key is its owner. */
extern FerryWaitQueue ferry_run_waits;

/* ---- What sources do with their runs ----
 *
 * func: for the timer of a run that was begun. */

/* Takes back a run that was sent ahead. If the worker has begun it, starts it. Returns whether the run is in the queue
 * afterwards. Others may have been taken back with it. */
FERRY_FOR_SIBLINGS
gboolean ferry_run_take_back (FerryRun *self);
/* The run waits in its source's queue from now on. */
FERRY_FOR_SIBLINGS
void ferry_run_wait (FerryRun *self, gboolean at_front);
/* The time to wait is over: the run fails, unless a worker has begun it. */
FERRY_FOR_SIBLINGS
void ferry_run_end_wait (FerryRun *self);
/* (transfer full): that it was not begun in time: FERRY_ERROR_TIMED_OUT, or FERRY_ERROR_QUEUE_TIMED_OUT. */
FERRY_FOR_SIBLINGS
GError *ferry_run_new_wait_error (FerryRun *self);
/* Those that have rested may be begun. For a timer of the source, which must stay meanwhile. */
void ferry_run_end_rests (FerryTaskSource *source);
/* Not those that have a keeper, which takes them back. */
FERRY_FOR_SIBLINGS
void ferry_run_fail_all_waiting (FerryTaskSource *source, const GError *error);
/* Ends the run now, and by force. If it does not end by that, it fails with error. Takes error. */
FERRY_FOR_SIBLINGS
void ferry_run_abandon (FerryRun *self, GError *error);
/* Event CANCEL. Returns FALSE if the run has ended, or was cancelled before. */
FERRY_FOR_SIBLINGS
gboolean ferry_run_cancel (FerryRun *self);
/* What a source does with a run of it that was cancelled: one that executed is ended by its destination, and one that
 * waited leaves the queue. */
FERRY_FOR_SIBLINGS
void ferry_run_follow_cancel (FerryRun *self);
/* The function may yield n further values. */
FERRY_FOR_SIBLINGS
void ferry_run_widen_window (FerryRun *self, guint n);
/* The limit that the run's timer is set for stands still: with func, the timer is set for the deadline alone, which
 * does not. */
FERRY_FOR_SIBLINGS
void ferry_run_hold_limit (FerryRun *self, void (*func) (gpointer run));
/* Sets the timer for what was left of the limit then, and for the deadline. Returns the earlier time; 0: neither. */
FERRY_FOR_SIBLINGS
gint64 ferry_run_resume_limit (FerryRun *self, void (*func) (gpointer run));
/* The field paused was changed. */
FERRY_FOR_SIBLINGS
void ferry_run_note_pause (FerryRun *self);

/* ---- What destinations do with their runs ---- */

/* Returns the monotonic time by which a run that starts now must end; 0: none. */
FERRY_FOR_SIBLINGS
gint64 ferry_destination_get_run_deadline (const FerryRun *run);
/* Sets the run's timer. deadline: 0: none. */
FERRY_FOR_SIBLINGS
void ferry_destination_set_limit (FerryRun *run, gint64 deadline, void (*func) (gpointer run));
/* Whether an error of sending says that the run can never be sent. */
FERRY_FOR_SIBLINGS
gboolean ferry_destination_is_for_good (const GError *error);
/* Makes a run of a queue fail that can never be sent. Takes error. */
FERRY_FOR_SIBLINGS
void ferry_destination_fail_unsendable (FerryRun *run, GError *error);
/* The run was sent as the call xid: moves it from its queue to in_flight. */
FERRY_FOR_SIBLINGS
void ferry_destination_take (FerryRun *run, FerryTaskDestination *destination, GQueue *in_flight, guint64 xid);
/* The reverse. Returns (transfer full) the run, which has no destination then. If it has ended, its source may be gone.
 * limits: the router's. */
FERRY_FOR_SIBLINGS
FerryRun *ferry_destination_let_go (FerryRun *run, GQueue *in_flight, FerryTimers *limits);
/* A worker has begun the run. pid, host_name: as for ferry_run_start(). */
FERRY_FOR_SIBLINGS
void ferry_destination_start (FerryRun *run, GPid pid, const char *host_name);
/* n items were consumed. The worker is told when half a window was, so that few such messages are unread in its lane.
 */
FERRY_FOR_SIBLINGS
void ferry_destination_add_window (FerryRun *run, FerryTransport *calls, guint n);
/* Returns (transfer full) the error of a run that has lasted for too long. */
FERRY_FOR_SIBLINGS
GError *ferry_destination_new_run_error (FerryRun *run);
/* A run that executes has lasted for too long, and its destination was told to end it: it is CANCELLING, and fails with
 * error once it has ended. Takes error. */
FERRY_FOR_SIBLINGS
void ferry_destination_time_out (FerryRun *run, GError *error);
/* Makes a run fail with error, or only notes the late error if it has ended already. Takes error. trace and exit are
 * (nullable). */
FERRY_FOR_SIBLINGS
void ferry_destination_fail (FerryRun *run, FerryTaskEvent event, GError *error, const char *trace, FerryExit *exit);
/* Returns an unfinished run, which no longer has a destination, to its queue. One that is being cancelled ends instead,
 * and so does one of which another thread was told the end. The run is in the queue before its owner is told, which may
 * cancel it. */
FERRY_FOR_SIBLINGS
void ferry_destination_give_back (FerryRun *run);
/* The same for a run that the worker has not begun, whether or not its start was told: that start is no attempt. */
void ferry_destination_give_back_unbegun (FerryRun *run);
/* Makes a run complete with the result that its function has returned; or fail, if the result has the wrong type. */
FERRY_FOR_SIBLINGS
void ferry_destination_complete (FerryRun *run, GVariant *result);

/* How a run that was begun was lost. */
typedef struct
{
  gboolean repeats;  /* see FerryTaskLosses */
  guint death_limit; /* the same */
  gboolean is_final; /* nobody is there to run it again */
  GError *error;     /* (owned): for a run that is not tried again */
  const char *last;  /* what the last loss was, after “The last ” */
  const char *trace; /* (nullable) */
  FerryExit *exit;   /* (nullable) */
} FerryLoss;

/* Handles the loss of a run that has no destination any more. Takes loss->error. */
FERRY_FOR_SIBLINGS
void ferry_destination_lose (FerryRun *run, FerryLoss *loss);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryRun, ferry_run_unref)

G_END_DECLS
