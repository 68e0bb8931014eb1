/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Scenes that are played over and over: each time another system call fails in them, until one was played in which
 * there was no such call left to fail. After each, the process has no descriptor, mapping and process more than before,
 * and the router that was running all the while carries the messages of a new worker.
 *
 * A scene asks for what it likes, and looks at what it gets: a call either does what it is for, or fails with one of
 * its documented errors. It cleans up after itself. */

#pragma once

#include <sys/resource.h>

#include "faults/fault-calls.h"
#include "process/worker-test.h"

G_BEGIN_DECLS

typedef struct
{
  FaultCall call;
  int error_number;
} Fault;

typedef struct
{
  FerryRouter *router;        /* (owned) (nullable): it runs all the while */
  gboolean expecting;         /* nothing fails in this one: all must be well */
  gboolean within;            /* it is in the scene's worker that something may fail, and not in this process alone */
  const char *order;          /* (unowned) (nullable): what is to fail there */
  const char *witness;        /* (unowned) (nullable): the file in the order */
  const struct rlimit *limit; /* (unowned) (nullable): of descriptors, without the lower one of the scene */
  guint n_refused;            /* what did not work since the scene began */
} FaultsTest;

typedef void (*FaultsScene) (FaultsTest *test);

/* To be called in main(), in place of g_test_init(). */
void faults_test_init (int *argc, char ***argv);
/* Adds a test of each fault in a scene: /NAME/CALL. */
void faults_test_add (const char *name, FaultsScene scene, const Fault *faults, gsize n_faults);
/* The same without a router, in a process without threads. */
void faults_test_add_lone (const char *name, FaultsScene scene, const Fault *faults, gsize n_faults);
/* The same, but what fails does so in the worker or fork server that the scene starts, with faults_test_set_order(). */
void faults_test_add_within (const char *name, FaultsScene scene, const Fault *faults, gsize n_faults);
/* Adds a test of a process that may have no descriptor more than it has, then one, and so on. */
void faults_test_add_limit (const char *name, FaultsScene scene);

/* Has what fails fail in what the launcher starts. */
void faults_test_set_order (FaultsTest *test, FerryLauncher *launcher);
/* Makes a pool of such workers, which serve. */
FerryPool *faults_test_make_pool (FaultsTest *test);

/* Waits until the task is done. A pool goes on without end where there is too little for a worker: when the task says
 * so, there is enough from then on. */
void faults_test_wait_task (FaultsTest *test, FerryTask *task);

/* Whether there is no error. One must be of the codes of FERRY_ERROR that end with -1, and say something; where
 * nothing fails there must be none. Frees it. */
gboolean faults_test_works (FaultsTest *test, GError **error, ...);
/* The reason must be one of those that end with -1; where nothing fails, the first one. */
void faults_test_check_exit (FaultsTest *test, FerryExit *exit, ...);

G_END_DECLS
