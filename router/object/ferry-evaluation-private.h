/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An evaluation of a chain, as those see it that begin one. */

#pragma once

#include "conversation/ferry-invocation.h"
#include "object/ferry-exported-private.h"
#include "wire/ferry-object-message-private.h"

G_BEGIN_DECLS

/* The caller of an evaluation, and what is called with the evaluation's result. */
typedef struct
{
  /* Called once, with the result: object, or else value, which may be NULL. Both are borrowed. An error has the trace
   * of the chain's steps. */
  void (*done) (gpointer data, FerryExported *object, GVariant *value, const GError *error);
  void (*destroy) (gpointer data);
  gpointer data; /* (owned) */
  FerryInvocation
    *invocation; /* (nullable): of a caller in another process; refused where the evaluation does not begin */
  GCancellable
    *cancellable; /* (nullable): of a caller in this process. invocation and cancellable are borrowed from data */
  gint64 deadline;
} FerryEvaluationCaller;

/* Returns (transfer full): an evaluation that begins at root (transfer full), an object of the exporter. Takes the
 * content of request, and a reference to the exporter. context: (nullable): the main context on which the exporter
 * calls methods; NULL: on threads. The caller's data is destroyed with the evaluation. */
FerryEvaluation *ferry_evaluation_new (FerryExporter *exporter, GMainContext *context, FerryChainRequest *request,
                                       FerryExported *root, const FerryEvaluationCaller *caller);
void ferry_evaluation_unref (FerryEvaluation *self);
/* Begins the evaluation. Must be called on a thread, or on the main context, where the exporter calls methods. The
 * evaluation may be done when this returns. */
void ferry_evaluation_start (FerryEvaluation *self);
/* Begins the evaluation of a chain that this process resolves on its own exporter. When a method calls this, the
 * evaluation uses the turns that the method's evaluation has. */
void ferry_evaluation_start_here (FerryEvaluation *self);
/* A thread must call this before it waits for an evaluation. Runs the evaluations that were queued for the thread
 * before the application code on its stack began. Otherwise the wait might never end. */
void ferry_evaluation_run_queued (void);
/* Ends with error the evaluations that have not begun and wait for the object's turn. */
void ferry_evaluation_refuse_waiting (FerryExported *exported, const GError *error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryEvaluation, ferry_evaluation_unref)

G_END_DECLS
