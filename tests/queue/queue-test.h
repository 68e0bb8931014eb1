/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A queue in a folder of its own, in front of the executor of a TaskTest, whose functions it runs. */

#pragma once

#include <ferry-queue.h>

#include "task/task-test.h"

G_BEGIN_DECLS

typedef struct
{
  TaskTest *test;    /* (owned) */
  char *folder;      /* (owned) */
  char *path;        /* (owned): of the queue's file */
  FerryQueue *queue; /* (owned) (nullable) */
  guint death_limit; /* of each queue that is made from now on; 0: the default one */
} QueueTest;

/* The functions run in threads of this process. The queue is open. */
QueueTest *queue_test_new (guint max_workers);
/* test: (transfer full): whose executor the queue has. */
QueueTest *queue_test_new_for (TaskTest *test);
void queue_test_free (QueueTest *self);

/* Makes the queue, not open: for a test that sets its properties. */
void queue_test_make (QueueTest *self);
/* Opens the queue, and fails the test if that fails. */
void queue_test_open (QueueTest *self);
/* The same; returns (transfer full) the error. */
GError *queue_test_fail_to_open (FerryQueue *queue);
/* Waits until all changes so far are on the disk. */
void queue_test_flush (QueueTest *self);
/* Ends the queue as the end of an application that has closed it. */
void queue_test_close (QueueTest *self);
/* The same, where not all can be stored; returns (transfer full) the error. */
GError *queue_test_fail_to_close (QueueTest *self);
/* Ends the queue as a crash: nothing more is written. What ran goes on, and the queue does not hear of it. */
void queue_test_crash (QueueTest *self);
/* Makes it anew and opens it. */
void queue_test_restart (QueueTest *self);

/* (transfer full): submits a task. arguments: as text, or NULL. */
FerryTask *queue_test_submit (QueueTest *self, const char *function, const char *arguments, const char *key);
/* (transfer full): submits a task that was made, which must be taken. */
FerryTask *queue_test_submit_task (QueueTest *self, FerryTask *task, const char *key);
/* (transfer full): the task with the key, which must be in the list. */
FerryTask *queue_test_get (QueueTest *self, const char *key);
/* The keys of the list, in its order. (transfer full) */
char *queue_test_list (QueueTest *self);
/* Runs a statement of SQLite on a file that no queue has open. Returns (transfer full) its first value as text. */
char *queue_test_ask (QueueTest *self, const char *statement);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (QueueTest, queue_test_free)

G_END_DECLS
