/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A run from within: its steps, and where it goes on. */

#pragma once

#include "object/ferry-interface-private.h"
#include "object/ferry-view-run-private.h"

G_BEGIN_DECLS

/* How a method's function and its answer meet. */
#define PHASE_RETURNED 1
#define PHASE_ANSWERED 2

struct _FerryViewRun
{
  _Atomic gint references;
  FerryExporter *exporter; /* const: (owned) */
  FerryViewRunFuncs funcs; /* const */
  gpointer data;           /* const: (owned) */
  guint64 begun;           /* const: ferry_trace_get_moment() when it was made */

  /* Of the thread that is at it. */
  FerryViewRequest request;
  guint next;             /* step */
  FerryExported *current; /* (owned) (nullable): what the next step is done on, or there is value */
  GVariant *value;        /* (owned) (nullable) */
  FerryExported *turn;    /* (owned) (nullable): of which this run has the turn, or waits for it */
  guint64 number;         /* const: no other run has it, and it is not 0 */
  guint64 caller;         /* const: the number of the one in whose method this was asked for, or 0 */
  FerryViewRun *outer;    /* (unowned) (nullable): in the object's code: in whose the thread was before */
  GQueue *left;           /* (unowned) (nullable): the same: what the thread is to take up when it is through */
  const char *super;      /* (nullable): of the request: the class whose implementation is called */

  /* Of the step that waits for its answer: of who answers, until PHASE_ANSWERED is set. */
  _Atomic guint phase;
  const FerryMember *member; /* (nullable): of the object's interface */
  GVariant *answer;          /* (owned) (nullable) */
  GObject *answer_object;    /* (owned) (nullable) */
  GError *answer_error;      /* (owned) (nullable) */
};

/* Takes steps until it is through, or waits. answered: the step that it waited in has its answer. */
void ferry_view_run_go_on (FerryViewRun *self, gboolean answered);

/* In ferry-view-run-resume.c. */
/* (transfer none) (nullable): in whose object's code the thread is. */
FerryViewRun *ferry_view_run_get_current (void);
/* Around the object's code. What is asked for in it is asked for in this run. It may wait for what the thread was left,
 * and for what comes meanwhile: neither waits for it. */
void ferry_view_run_begin_code (FerryViewRun *self);
void ferry_view_run_end_code (FerryViewRun *self);
/* Goes on where the exporter has its methods called. Takes the run. */
void ferry_view_run_resume (FerryViewRun *self);

G_END_DECLS
