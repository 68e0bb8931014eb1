/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A row of a queue's file: a task as it is stored, and how it stands. Any thread. */

#pragma once

#include "pool/ferry-away-private.h"
#include "queue/ferry-queue-value-private.h"
#include "task/ferry-task-private.h"

G_BEGIN_DECLS

/* How a stored task stands. The numbers are those of the file. */
typedef enum
{
  FERRY_QUEUE_ROW_WAITING,
  FERRY_QUEUE_ROW_BEGUN, /* it may run, or have run: nobody knows until the end is stored */
  FERRY_QUEUE_ROW_COMPLETED,
  FERRY_QUEUE_ROW_FAILED,
  FERRY_QUEUE_ROW_CANCELLED,
} FerryQueueRowState;

#define FERRY_N_QUEUE_ROW_STATES 5

/* Times are of the wall clock, in microseconds; 0: none. */
typedef struct
{
  /* What it is: stored once. A row of a key alone has neither id nor function. */
  gint64 id;        /* above 0 */
  char *key;        /* a GRefString */
  gboolean made_up; /* the key is the library's */
  guint kind;
  char *function;             /* (nullable): a GRefString */
  char *name;                 /* (nullable): a GRefString */
  FerryQueueValue *arguments; /* (nullable): “(mvaay)” with the bytes that the task was given, if there are any */
  GBytes *settings;           /* “a{sv}”: the properties that have not their default */
  guint version;              /* of the application */
  gint64 submitted;

  /* How it stands. */
  FerryQueueRowState state;
  gint64 place; /* increases in the order of the list */
  int priority;
  gboolean paused;
  gboolean sent;  /* hosts may have it, by its id and the time of its submission, which is new then */
  guint attempts; /* how often it was begun; this and the next one are those of FerryTaskLosses */
  guint deaths;
  gint64 not_before; /* one that is over says since when a queue timeout counts */
  gint64 began;
  gint64 ended;            /* of one that waits: since when it rests until not_before */
  FerryQueueValue *result; /* (nullable) */
  GBytes *error;           /* (nullable): “(siss)”: domain, code, message, trace; or with how a process ended */
} FerryQueueRow;

/* Whether the task is made of what can be stored. Fails with FERRY_ERROR_BAD_ARGUMENTS and FERRY_ERROR_TOO_LARGE. */
gboolean ferry_queue_row_check_task (FerryTask *task, GError **error);
/* Fills a row that is all zero from a task that was not submitted. Sets neither id, key, place nor version. folder: of
 * the files of values. */
void ferry_queue_row_take_task (FerryQueueRow *self, FerryTask *task, const char *folder);
/* Returns (transfer full) a task with the settings of the row, which has not ended, or (nullable) NULL with an error.
 * It lacks its arguments if they are not at hand. type: of the task. */
FerryTask *ferry_queue_row_new_task (const FerryQueueRow *self, GType type, GError **error);
/* Whether a task that ferry_queue_row_new_task() returns lacks its arguments. */
gboolean ferry_queue_row_lacks_arguments (const FerryQueueRow *self);
/* Gives such a task its arguments, which are at hand now. Fails as ferry_queue_value_open() does. */
gboolean ferry_queue_row_give_arguments (const FerryQueueRow *self, FerryTask *task, GError **error);
/* Has a new task end as the row says, which has ended. A result in a file is read when somebody asks for it. */
void ferry_queue_row_restore_end (const FerryQueueRow *self, FerryTask *task, FerryAffinity *affinity);

/* (transfer full) (nullable): what the function is given; NULL also with an error. May read a file. */
GVariant *ferry_queue_row_open_arguments (const FerryQueueRow *self, GError **error);
/* arguments: (nullable) (transfer none). The bytes that the task was given stay. */
void ferry_queue_row_set_arguments (FerryQueueRow *self, GVariant *arguments, const char *folder);
gboolean ferry_queue_row_has_ended (const FerryQueueRow *self);
/* Whether it was cancelled, and hosts may have it, which have not heard of that. */
gboolean ferry_queue_row_is_cancelling (const FerryQueueRow *self);
/* Whether it has failed with FERRY_ERROR_INTERRUPTED. */
gboolean ferry_queue_row_was_interrupted (const FerryQueueRow *self);
/* Set the state with what goes with it. result: (nullable). */
void ferry_queue_row_complete (FerryQueueRow *self, GVariant *result, const char *folder);
void ferry_queue_row_fail (FerryQueueRow *self, const GError *error, const char *trace, FerryExit *exit);
void ferry_queue_row_cancel (FerryQueueRow *self);
/* It waits again, without result and error. */
void ferry_queue_row_wait (FerryQueueRow *self);

/* Whether it does no harm to run it twice, even at the same time. */
gboolean ferry_queue_row_is_idempotent (const FerryQueueRow *self);
/* Returns (transfer full) (nullable) the labels that a host needs for it; NULL: none. */
char **ferry_queue_row_dup_needs (const FerryQueueRow *self);
/* Whether another machine can run it, as far as the row says. */
gboolean ferry_queue_row_can_leave (const FerryQueueRow *self);
/* Sets what the row says of away (all zero). Its pointers are those of the row, but for the arguments and the needs
 * (transfer full). Fails as ferry_queue_value_open() does. */
gboolean ferry_queue_row_describe_away (const FerryQueueRow *self, FerryAwayTask *away, GError **error);
/* So many attempts are known to have been lost. */
void ferry_queue_row_count_losses (FerryQueueRow *self, guint attempts, guint deaths);
/* Returns (transfer full) (nullable) the error of a task that may not be begun again; its latest attempt was lost, and
 * is counted. death_limit: see FerryTaskLosses. what: how it was lost, as the middle of a sentence. */
GError *ferry_queue_row_judge_loss (const FerryQueueRow *self, guint death_limit, const char *what);
/* The application ends, or has ended, while the task runs: it waits again if it may be begun once more, else it has
 * failed. */
void ferry_queue_row_interrupt (FerryQueueRow *self, guint death_limit);
/* When the task fails unless it is begun, in microseconds since 1970: at its deadline, or when its queue timeout is
 * over. 0: there is neither. */
gint64 ferry_queue_row_get_expiry (const FerryQueueRow *self);
/* Since when the queue timeout counts: its submission, or the time before which it is not to be begun. */
gint64 ferry_queue_row_get_wait_start (const FerryQueueRow *self);
/* The queue timeout counts from now on. */
void ferry_queue_row_restart_wait (FerryQueueRow *self);
/* It waits, and rests until then before another attempt. */
void ferry_queue_row_rest (FerryQueueRow *self, gint64 not_before);
/* A rest is never longer than FerryTask:retry-pause from now on: somebody may have set the clock back. Returns whether
 * it has become shorter. */
gboolean ferry_queue_row_shorten_rest (FerryQueueRow *self);
/* Whether the time of the wall clock has not come from which on it may be begun. */
gboolean ferry_queue_row_waits_for_its_time (const FerryQueueRow *self);

/* By the order of the list. */
int ferry_queue_row_compare (const FerryQueueRow *one, const FerryQueueRow *other);

FerryQueueRow ferry_queue_row_copy (const FerryQueueRow *self);
void ferry_queue_row_clear (FerryQueueRow *self);
/* Of one that was allocated. */
void ferry_queue_row_free (FerryQueueRow *self);

G_END_DECLS
