/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What becomes of a call: a result or an error, and how it is told.
 *
 * Owner:   the thread that serves, on its stack. */

#pragma once

#include "task/ferry-job-private.h"
#include "worker/ferry-function-private.h"

G_BEGIN_DECLS

typedef struct
{
  GVariant *result; /* (owned) (nullable) */
  GError *failure;  /* (owned) (nullable): the result does not count then */
  char *trace;      /* (owned) (nullable) */
  const char *note; /* (nullable): what else went wrong */
  gint64 begun_at;  /* monotonic time */
} FerryAnswer;

/* Whether the call is to run the function (nullable: there is none of that name). FALSE: the answer says why not. */
gboolean ferry_answer_begin (FerryAnswer *self, FerryCall *call, const FerryFunctionEntry *function);
/* What the function returned. Takes result, floating or not, and failure. */
void ferry_answer_take (FerryAnswer *self, const FerryFunctionEntry *function, GVariant *result, GError *failure,
                        FerryJob *job);
/* FERRY_ERROR_UNKNOWN_FUNCTION */
void ferry_answer_set_unknown (GError **error, const char *name);
void ferry_answer_send (FerryAnswer *self, FerryCall *call);
void ferry_answer_clear (FerryAnswer *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FerryAnswer, ferry_answer_clear)

G_END_DECLS
