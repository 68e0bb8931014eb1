/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The answer to a call: a result or an error.
 *
 * Owner:   the thread that serves, on its stack. */

#pragma once

#include "task/ferry-job-private.h"
#include "worker/ferry-function-private.h"

G_BEGIN_DECLS

typedef struct
{
  GVariant *result; /* (owned) (nullable) */
  GError *failure;  /* (owned) (nullable): where it is set, the result does not count */
  char *trace;      /* (owned) (nullable) */
  const char *note; /* (nullable): of a second failure */
  gint64 begun_at;  /* monotonic time */
} FerryAnswer;

/* Begins a call of function (nullable: no function has that name). Returns FALSE, and sets failure, where the function
 * is not to be called. */
gboolean ferry_answer_begin (FerryAnswer *self, FerryCall *call, const FerryFunctionEntry *function);
/* Takes the function's result (nullable), floating or not, and its failure (nullable). */
void ferry_answer_take (FerryAnswer *self, const FerryFunctionEntry *function, GVariant *result, GError *failure,
                        FerryJob *job);
/* Sets FERRY_ERROR_UNKNOWN_FUNCTION. */
void ferry_answer_set_unknown (GError **error, const char *name);
/* Answers the call. Where a result cannot be sent, the answer is that error. */
void ferry_answer_send (FerryAnswer *self, FerryCall *call);
void ferry_answer_clear (FerryAnswer *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FerryAnswer, ferry_answer_clear)

G_END_DECLS
