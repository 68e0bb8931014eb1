/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A view as it is resolved: step after step, each on the result of the one before it. A method may answer later, and on
 * any thread. The evaluation then continues where the exporter calls methods: on its main context, or on a thread that
 * it has for itself.
 *
 * Owner:   counted references.
 * Threads: one at a time. */

#pragma once

#include "call/ferry-invocation.h"
#include "object/ferry-exported-private.h"
#include "object/ferry-object-message-private.h"

G_BEGIN_DECLS

/* The call that an evaluation answers. */
typedef struct
{
  /* Called once. The result is object, where it is not NULL, and otherwise value, which may be NULL; both are borrowed.
   * error has its trace. */
  void (*done) (gpointer data, FerryExported *object, GVariant *value, const GError *error);
  void (*destroy) (gpointer data);
  gpointer data;               /* (owned) */
  FerryInvocation *invocation; /* (nullable): of another process: turned away where the evaluation does not begin */
  GCancellable *cancellable;   /* (nullable): of this process; both are borrowed from data */
  gint64 deadline;
} FerryEvaluationCaller;

/* A function that exported objects are passed to. */
typedef struct
{
  FerryMethodFunc func;
  gpointer user_data;
  GDestroyNotify destroy;
} FerryPassFunction;

/* What an evaluation asks of its exporter. */
typedef struct
{
  /* (transfer full) (nullable): for an object that a method gave: it is exported by its name or by its type. Fails with
   * FERRY_ERROR_NOT_ALLOWED. */
  FerryExported *(*find_object) (FerryExporter *exporter, GObject *object, GError **error);
  /* (nullable): valid as long as the exporter. Fails with FERRY_ERROR_UNKNOWN_FUNCTION. */
  const FerryPassFunction *(*find_function) (FerryExporter *exporter, const char *name, GError **error);
  /* (transfer none) (nullable): where methods are called; NULL for threads. */
  GMainContext *(*get_context) (FerryExporter *exporter);
} FerryEvaluationHost;

/* For exporters: see ferry_exporter_new_evaluation(). Takes the request's content, and root (transfer full). The
 * caller's data is destroyed with the evaluation. */
FerryEvaluation *ferry_evaluation_new (const FerryEvaluationHost *host, FerryExporter *exporter,
                                       FerryViewRequest *request, FerryExported *root,
                                       const FerryEvaluationCaller *caller);
void ferry_evaluation_unref (FerryEvaluation *self);
/* Begins, on the exporter's own thread or context. It may be done when this returns. */
void ferry_evaluation_start (FerryEvaluation *self);
/* The same for a view of this process: in a method, the evaluation uses the turns of that method's evaluation. */
void ferry_evaluation_start_here (FerryEvaluation *self);
/* For a thread that is about to wait for an evaluation: runs those that its outer calls have left queued. */
void ferry_evaluation_run_queued (void);
/* Ends with error the evaluations that wait for the object's turn, and have not begun. */
void ferry_evaluation_refuse_waiting (FerryExported *exported, const GError *error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryEvaluation, ferry_evaluation_unref)

G_END_DECLS
