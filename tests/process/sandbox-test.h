/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker in a sandbox that tries things (tests/workers/sandboxed-worker.c), and what it met. */

#pragma once

#include "process/worker-test.h"

G_BEGIN_DECLS

typedef struct
{
  FerryRouter *router;     /* (owned) */
  FerryLauncher *launcher; /* (owned) */
  FerrySandbox *sandbox;   /* (owned): with all layers, where there are, and nothing granted */
  FerryTestPipe *pipe;     /* (owned) (nullable): of the latest worker */
  FerryWorker *worker;     /* (owned) (nullable): the latest one */
  GArray *outcomes;        /* (owned) (element-type int): what it sent */
  GBytes *buffer;          /* (owned) (nullable): what it sent last */
} SandboxTest;

SandboxTest *sandbox_test_new (void);
void sandbox_test_free (SandboxTest *self);

/* Starts a worker, with orders that are separated by blanks. */
void sandbox_test_start (SandboxTest *self, const char *orders);
/* Starts one and waits for its end, which must be a good one. Returns the error number that its one order met. */
int sandbox_test_try (SandboxTest *self, const char *order);
/* Waits until the worker has sent something. */
void sandbox_test_wait_outcome (SandboxTest *self);
/* Whether the system has the layers. Else the test is skipped, and says which are missing. */
gboolean sandbox_test_has (FerrySandboxStrength layers);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SandboxTest, sandbox_test_free)

G_END_DECLS
