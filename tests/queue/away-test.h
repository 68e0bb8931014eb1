/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An application with a queue, a NATS server that keeps messages, and hosts that run what is in it
 * (tests/workers/away-worker.c). */

#pragma once

#include <ferry-cluster.h>
#include <ferry-queue.h>

#include "cluster/nats-test.h"

G_BEGIN_DECLS

#define AWAY_TEST_N_HOSTS 2

typedef struct
{
  NatsTestServer *server;                /* (owned) */
  char *url;                             /* (owned) */
  char *url_of_hosts;                    /* (owned) (nullable): NULL: the same */
  char *folder;                          /* (owned): of the queue, the ledger and the streams */
  char *path;                            /* (owned): of the queue's file */
  char *ledger;                          /* (owned) */
  char *configuration;                   /* (owned): of the server */
  GSubprocess *hosts[AWAY_TEST_N_HOSTS]; /* (owned) (nullable) */
  FerryRouter *router;                   /* (owned) */
  FerryExecutor *executor;               /* (owned) (nullable): of the application, while it runs */
  FerryCluster *cluster;                 /* (owned) (nullable) */
  FerryQueue *queue;                     /* (owned) (nullable) */
  gboolean runs_here;                    /* the application runs tasks, too; else its executor is paused */
  const char *application;               /* "away", unless a test sets another one, as the next ones */
  const char *user;                      /* "user" */
  const char *password;                  /* (nullable): of all users */
  const char *labels[AWAY_TEST_N_HOSTS]; /* (nullable): of each host, one */
} AwayTest;

/* The server runs, and nothing else. */
AwayTest *away_test_new (void);
/* The same by data/nats.conf. */
AwayTest *away_test_new_with_users (void);
/* The operator of that server makes the streams of alice. */
void away_test_make_streams (AwayTest *self);
void away_test_free (AwayTest *self);
void away_test_start_server (AwayTest *self);

/* Each has one worker, and two seconds until others take it for lost. */
void away_test_start_host (AwayTest *self, guint host);
void away_test_signal_host (AwayTest *self, guint host, int signal_number);
/* Waits until the host has logged these words. */
void away_test_await_log (AwayTest *self, guint host, const char *words);
/* (transfer full): what 'ferry-host --status' says of it. */
char *away_test_dup_status (AwayTest *self, guint host);
/* Kills it. */
void away_test_end_host (AwayTest *self, guint host);

/* The application starts, and opens its queue. It looks several times a second whether the server has lost tasks. */
void away_test_begin (AwayTest *self);
/* How many messages one of the two streams has, 'tasks' or 'ends'. */
guint away_test_count_messages (AwayTest *self, const char *stream);
/* Waits until so many tasks are in the stream of tasks. */
void away_test_await_tasks (AwayTest *self, guint n);
/* Waits until a host has fetched a task, and no answer has come of it. */
void away_test_await_delivery (AwayTest *self);
/* (transfer full): what comes behind “task.CLASS.” in the subject of a task that waits. */
char *away_test_dup_task_name (AwayTest *self);
/* Publishes a message of the operator, at a subject behind that of the queue. length: of the text; -1: its own. */
void away_test_publish (AwayTest *self, const char *subject, const char *text, int length);
/* Whether a user may publish at a subject, or subscribe to it. */
gboolean away_test_may (AwayTest *self, const char *user, gboolean publishes, const char *subject);
/* Removes all messages of a stream; deletes: the stream, too. */
void away_test_purge (AwayTest *self, const char *stream, gboolean deletes);
/* Whether a stream is full from now on, with what it has. */
void away_test_set_full (AwayTest *self, const char *stream, gboolean is_full);
/* The application ends as if it was killed. */
void away_test_kill (AwayTest *self);
/* In order. */
void away_test_close (AwayTest *self);
/* Submits a task with the properties that follow. */
void away_test_submit (AwayTest *self, const char *function, const char *key, ...) G_GNUC_NULL_TERMINATED;
/* (transfer full) */
FerryTask *away_test_get (AwayTest *self, const char *key);
/* Waits until the task has ended. */
void away_test_await (AwayTest *self, const char *key);
/* Waits until the task has ended, which has to have its key as its result, and was begun so often. */
void away_test_assert_done (AwayTest *self, const char *key, guint n_begun);
/* Waits until the ledger has so many lines that begin with the letter; key: (nullable): of that task. */
void away_test_await_lines (AwayTest *self, char letter, const char *key, guint n);
guint away_test_count_lines (AwayTest *self, char letter, const char *key);
/* Lets a task of the function hold go on. */
void away_test_let_go (AwayTest *self, const char *key);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AwayTest, away_test_free)

G_END_DECLS
