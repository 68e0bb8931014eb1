/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The interface between a task and its executor, and what destinations ask a task for beside its run. All functions are
 * for the router's thread, unless their comment says otherwise. */

#pragma once

#include "base/ferry-base-private.h"
#include "engine/ferry-affinity-private.h"
#include "link/ferry-descriptor-port-private.h"
#include "link/ferry-link-private.h"
#include "pool/ferry-runner-private.h"
#include "task/ferry-task.h"

G_BEGIN_DECLS

/* The run of a task, and what its executor notes of it for its list. The code of FerryTask itself does not use this. */
typedef struct
{
  FerryRun run;
  GList list_link;           /* link in the executor's list model */
  GList finished_link;       /* link in the executor's list of finished tasks, or in that of those that stay */
  GSequenceIter *position;   /* (nullable): the task's place in the index of the list model, if there is an index */
  guint64 number;            /* increases in the order of the executor's list model */
  gint64 let_go;             /* when n_keepers became 0 after the task's end, in monotonic time; 0: never */
  guint n_keepers;           /* how often the task is kept in the list model */
  guint taken_in : 1;        /* the router's thread has added the task to the executor */
  guint listed : 1;          /* the list model has the task, and is not about to remove it */
  guint stays : 1;           /* finished_link is in the list of tasks that stay: they failed, or are kept */
  guint executor_paused : 1; /* the executor has paused the task, and nobody has changed that since */
  guint tried_again : 1;     /* the task was tried again, so who did it knows how it ended */
} FerryListedRun;

/* ---- What a task gives its worker: descriptors, bytes and senders, by handles that count from 0. The task's. ---- */

typedef struct
{
  GArray *items; /* (owned) (nullable) */
} FerryTaskHandles;

guint ferry_task_handles_get_n (const FerryTaskHandles *self);
/* Each returns the handle, or -1 with an error. They fail as the public functions of these names do. */
gint ferry_task_handles_add_descriptor (FerryTaskHandles *self, int fd, GError **error);
gint ferry_task_handles_add_bytes (FerryTaskHandles *self, GBytes *bytes, GError **error);
gint ferry_task_handles_add_sender (FerryTaskHandles *self, FerrySender *sender, GError **error);
gboolean ferry_task_handles_has_senders (const FerryTaskHandles *self);
/* (transfer none) (nullable): what was given as bytes; NULL: the handle is of something else. */
GBytes *ferry_task_handles_get_bytes (const FerryTaskHandles *self, guint handle);
/* Copies the descriptors (transfer none), and tells senders the link that they are sent over. Returns how many. */
guint ferry_task_handles_give (const FerryTaskHandles *self, FerryLink *worker, int *descriptors);
/* Closes them, and ends the pipes of senders, with exit (nullable) as the reason. */
void ferry_task_handles_drop (FerryTaskHandles *self, FerryExit *exit);
void ferry_task_handles_clear (FerryTaskHandles *self);

/* ---- Answers to what the function of a task asks. The task's. ---- */

typedef struct
{
  int sending; /* (owned): -1: there is no attempt, or nobody can be answered */
  int other;   /* (owned): the worker's socket, until it is sent; else -1 */
} FerryTaskAnswers;

void ferry_task_answers_clear (FerryTaskAnswers *self);
/* Returns the worker's socket for the next attempt (transfer none), or -1 with FERRY_ERROR_SYSTEM. */
int ferry_task_answers_begin_attempt (FerryTaskAnswers *self, GError **error);
void ferry_task_answers_note_sent (FerryTaskAnswers *self);
/* Nobody reads answers any more of the worker to which the socket was sent. */
void ferry_task_answers_end_attempt (FerryTaskAnswers *self);
/* bytes: (nullable): NULL for the end. Fails with FERRY_ERROR_TOO_LARGE, FERRY_ERROR_CLOSED, FERRY_ERROR_WOULD_BLOCK
 * and FERRY_ERROR_SYSTEM. */
gboolean ferry_task_answers_send (FerryTaskAnswers *self, gconstpointer bytes, gsize size, GError **error);

/* ---- The task ---- */

/* A binding sets this data of the object to the name of a function, where all functions of its language are run by one
 * function of its own, whose name says nothing to people. */
#define FERRY_SHOWN_FUNCTION "ferry-shown-function"

/* any: sets the kind, the function and the arguments of a new task. Its class may derive from FerryTask.
 * ferry_task_new() uses this too. Setting construct properties instead would make a new task cost 1.5 times as much.
 * Sinks arguments (nullable). */
void ferry_task_set_up (FerryTask *self, FerryTaskKind kind, const char *function, GVariant *arguments);

/* any: submits a task that was not submitted before to a source (unowned), which has it until it is done. affinity
 * (nullable): the router's. Fails with FERRY_ERROR_ALREADY_STARTED, and with G_IO_ERROR_CANCELLED if the task was
 * cancelled before. */
FERRY_FOR_SIBLINGS
gboolean ferry_task_submit_to (FerryTask *self, FerryTaskSource *source, FerryAffinity *affinity, GError **error);
/* any: the task's run, which is the first field of a FerryListedRun. */
FERRY_FOR_SIBLINGS
FerryRun *ferry_task_get_run (FerryTask *self);
/* any */
const char *ferry_task_get_function (FerryTask *self);
/* Change settings of a task that is not submitted, or, for the name, not done. */
void ferry_task_set_name (FerryTask *self, const char *name);
/* Returns the number that distinguishes the task from others of this process. */
FERRY_FOR_SIBLINGS
guint ferry_task_get_number (FerryTask *self);
/* any: returns (transfer none) (nullable) the descriptors that the function has returned; NULL with
 * FERRY_ERROR_BAD_ARGUMENTS. Sets *sender (transfer full) as for ferry_descriptor_port_take(). */
FerryDescriptorPort *ferry_task_require_returned (FerryTask *self, char **sender, GError **error);
/* Returns (nullable) what keeps the task on this machine, as "Task 'x' has ..." goes on. */
FERRY_FOR_SIBLINGS
const char *ferry_task_get_local_part (FerryTask *self);

/* Returns (transfer none) (nullable) the name of the host that has the task; NULL: this machine. */
const char *ferry_task_get_host_name (FerryTask *self);
/* Notes that the task's host is lost, before the task fails for that or is given back. reason: in words. */
FERRY_FOR_SIBLINGS
void ferry_task_take_host_loss (FerryTask *self, const char *reason);
/* Returns (transfer none) (nullable) the reason; NULL: the host of the latest run is not known to be lost. */
const char *ferry_task_get_host_loss (FerryTask *self);
/* What the user has to know of a task that has ended without a result: the files (nullable) that its lost worker wrote
 * in place, and what its function (nullable) has said about those when it was ended. */
FERRY_FOR_SIBLINGS
void ferry_task_get_harm (FerryTask *self, const char **files, const char **note);
/* Sets the task's text to what it waits for, as long as its function has reported none; NULL: it waits no more. */
FERRY_FOR_SIBLINGS
void ferry_task_set_obstacle (FerryTask *self, const char *text);
/* Whether that would change nothing. */
FERRY_FOR_SIBLINGS
gboolean ferry_task_is_told (FerryTask *self, const char *text);
/* Before the task is submitted: has it finish a completion with its result or its error, before the signal done. Takes
 * a reference. */
void ferry_task_set_call (FerryTask *self, FerryCompletion *call);
/* Sets the priority of a task that waits. The caller must move the task in the queue. */
FERRY_FOR_SIBLINGS
void ferry_task_change_priority (FerryTask *self, int priority);
/* FerryTask:not-before, also of a task that was submitted. */
FERRY_FOR_SIBLINGS
gint64 ferry_task_get_not_before (FerryTask *self);
FERRY_FOR_SIBLINGS
void ferry_task_change_not_before (FerryTask *self, gint64 not_before);
/* Returns (transfer full) a new FerryTask with the same kind, function, arguments, name, priority and settings, but
 * without a cancellable and descriptors. */
FerryTask *ferry_task_new_like (FerryTask *self);
/* Before it is submitted, on its thread: they are the task's from now on. */
FERRY_FOR_SIBLINGS
void ferry_task_take_settings (FerryTask *self, const FerryTaskSettings *settings);
/* Before it is submitted: the task does the work of before, which is done, once more. */
FERRY_FOR_SIBLINGS
void ferry_task_follow (FerryTask *self, FerryTask *before);
/* How often a worker has begun the tasks whose work it does once more, and whether one of them has crashed. */
FERRY_FOR_SIBLINGS
guint ferry_task_get_n_attempts_before (FerryTask *self);
FERRY_FOR_SIBLINGS
gboolean ferry_task_has_crashed_before (FerryTask *self);

/* any: whether its settings, description and application-data have their defaults, and it was given no handles. */
FERRY_FOR_SIBLINGS
gboolean ferry_task_is_plain (FerryTask *self);
/* How many handles the task was given, and (transfer none) (nullable) the bytes that one of them is of. */
FERRY_FOR_SIBLINGS
guint ferry_task_count_handles (FerryTask *self);
FERRY_FOR_SIBLINGS
GBytes *ferry_task_get_bytes (FerryTask *self, guint handle);
/* Gives a task of an earlier process, which was not begun in this one, its arguments (nullable) and the bytes that it
 * was given, an “aay” (nullable). Fails as ferry_task_add_bytes() does. */
FERRY_FOR_SIBLINGS
gboolean ferry_task_restore_arguments (FerryTask *self, GVariant *arguments, GVariant *bytes, GError **error);

/* A result that is read when somebody asks for it. */
typedef struct
{
  /* (nullable): any, one at a time: returns (transfer full) (nullable) the result, or NULL with an error. */
  GVariant *(*open) (gpointer data, GError **error);
  gpointer data;
  GDestroyNotify destroy; /* any */
} FerryTaskLater;

/* How a task has ended in an earlier process. */
typedef struct
{
  FerryTaskState state;
  FerryTaskLater result; /* taken */
  const GError *error;   /* (nullable): of a task that failed */
  const char *trace;     /* (nullable) */
  FerryExit *exit;       /* (nullable): of the process that ended under it */
  gint64 submit_time;    /* in monotonic time of this process, as the next ones: above 0 */
  gint64 start_time;     /* 0: it was not begun */
  gint64 end_time;
} FerryTaskEnd;

/* any: a task that was not submitted has ended so, and nobody is told. */
FERRY_FOR_SIBLINGS
void ferry_task_restore_end (FerryTask *self, FerryAffinity *affinity, const FerryTaskEnd *end);
/* Sets FerryTask:failures, before the task fails for them. Sinks failures. errors: (element-type GError): theirs. */
void ferry_task_take_failures (FerryTask *self, GVariant *failures, GPtrArray *errors);
/* Returns (transfer none) (nullable) those errors. */
FERRY_FOR_SIBLINGS
GPtrArray *ferry_task_get_failure_errors (FerryTask *self);

G_END_DECLS
