/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A view as it is resolved: step after step, each on what the one before it gave. A method may answer later, and on
 * another thread; then the run goes on where the exporter has its methods called: on its main context, or on a thread
 * that is nobody else's.
 *
 * Owner:   counted references.
 * Threads: one at a time, except where something else is said. */

#pragma once

#include "call/ferry-invocation.h"
#include "object/ferry-exported-private.h"
#include "object/ferry-object-message-private.h"

G_BEGIN_DECLS

typedef struct
{
  /* Called once. result: an object where there is one, and otherwise value, which may be NULL; both borrowed.
   * error has its trace. */
  void (*done) (gpointer data, FerryExported *object, GVariant *value, const GError *error);
  /* (nullable): whether nobody wants the result any more. */
  gboolean (*is_cancelled) (gpointer data);
  /* (nullable) Returns (transfer none). */
  GCancellable *(*get_cancellable) (gpointer data);
  gint64 (*get_deadline) (gpointer data);
  void (*destroy) (gpointer data);
  /* (nullable): called in place of done: it was not begun. On the thread of who stops the exporter, which is not to
   * wait. */
  void (*refused) (gpointer data, const GError *error);
} FerryEvaluationFuncs;

/* A function that exported objects are passed to. */
typedef struct
{
  FerryMethodFunc func;
  gpointer user_data;
  GDestroyNotify destroy;
} FerryPassFunction;

/* What a run asks of its exporter. */
typedef struct
{
  /* (transfer full) (nullable): for an object that a method gave: exported by name, or its type is.
   * FERRY_ERROR_NOT_ALLOWED. */
  FerryExported *(*find_object) (FerryExporter *exporter, GObject *object, GError **error);
  /* (nullable): for as long as the exporter lives. FERRY_ERROR_UNKNOWN_FUNCTION. */
  const FerryPassFunction *(*find_function) (FerryExporter *exporter, const char *name, GError **error);
  /* Where runs go on that were answered elsewhere: (transfer none) (nullable). */
  GMainContext *(*get_context) (FerryExporter *exporter);
} FerryEvaluationHost;

/* For exporters: see ferry_exporter_new_run(). Takes the request's content, and root (transfer full). data is destroyed
 * with the run. */
FerryEvaluation *ferry_evaluation_new (const FerryEvaluationHost *host, FerryExporter *exporter,
                                       FerryViewRequest *request, FerryExported *root,
                                       const FerryEvaluationFuncs *funcs, gpointer data);
FerryEvaluation *ferry_evaluation_ref (FerryEvaluation *self);
void ferry_evaluation_unref (FerryEvaluation *self);
/* Begins, on the exporter's own thread or context. It may be through when this returns. */
void ferry_evaluation_start (FerryEvaluation *self);
/* The same of one that this process asks for: where it is asked for in a method, that method's turns are its own. */
void ferry_evaluation_start_here (FerryEvaluation *self);
/* For a thread that is about to wait for a run: takes up the runs that were left to it further up. */
void ferry_evaluation_take_up_others (void);
/* Answers those that wait for their turn at an object, and have not begun, with error. */
void ferry_evaluation_refuse_waiting (FerryExported *exported, const GError *error);

/* For method calls, any thread: the answer of the step that is under way, once. Takes all. */
void ferry_evaluation_answer (FerryEvaluation *self, GVariant *value, GObject *object, GError *error);
GCancellable *ferry_evaluation_get_cancellable (FerryEvaluation *self);
gint64 ferry_evaluation_get_deadline (FerryEvaluation *self);
/* ferry_trace_get_moment() when it was made. */
guint64 ferry_evaluation_get_begun (FerryEvaluation *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryEvaluation, ferry_evaluation_unref)

G_END_DECLS
