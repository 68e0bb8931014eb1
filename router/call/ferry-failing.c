/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Handlers that may fail: the error is the answer. */

#include "config.h"

#include "call/ferry-failing-private.h"

#include "base/ferry-base-private.h"
#include "call/ferry-demux.h"
#include "call/ferry-invocation-private.h"

/* What a FerryMethodFuncFull is. */
typedef void (*MethodFunc) (gpointer object, FerryInvocation *invocation, gpointer data, GError **error);

struct _FerryFailing
{
  GCallback func;
  gpointer data;
  GDestroyNotify destroy; /* (nullable): of data */
};

FerryFailing *
ferry_failing_new (GCallback func, gpointer data, GDestroyNotify destroy)
{
  FerryFailing *self = g_new (FerryFailing, 1);

  *self = (FerryFailing){.func = func, .data = data, .destroy = destroy};
  return self;
}

void
ferry_failing_free (gpointer data)
{
  FerryFailing *self = data;

  if (self->destroy != NULL)
    self->destroy (self->data);
  g_free (self);
}

/* Takes error (nullable). Where the handler has answered before, logs it. */
static void
answer_failure (FerryInvocation *invocation, GError *error)
{
  g_autoptr (GError) taken = error;
  g_autofree char *words = NULL;

  if (taken == NULL)
    return;
  if (!ferry_invocation_is_answered (invocation))
    {
      ferry_invocation_return_error (invocation, taken);
      return;
    }
  words = ferry_invocation_dup_words (invocation);
  /* Not g_warning(), so that a test can expect it. */
  g_log (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING,
         "The handler of '%s' has failed after its answer, so only this log has its error: %s", words, taken->message);
}

void
ferry_failing_run_method (gpointer object, FerryInvocation *invocation, gpointer data)
{
  const FerryFailing *self = data;
  GError *error = NULL;

  ((MethodFunc) self->func) (object, invocation, self->data, &error);
  answer_failure (invocation, error);
}

static void
run_handler (FerryInvocation *invocation, gpointer data)
{
  const FerryFailing *self = data;
  GError *error = NULL;

  ((FerryDemuxHandlerFull) self->func) (invocation, self->data, &error);
  answer_failure (invocation, error);
}

/**
 * ferry_demux_add_handler_full: (rename-to ferry_demux_add_handler)
 * @self: a demux
 * @method: (nullable): the method that @handler answers, or %NULL for all methods that have no handler
 * @handler: (scope notified) (closure user_data) (destroy destroy): called for each request
 * @user_data: data for @handler
 * @destroy: (nullable): frees @user_data on any thread, after @handler was removed and has returned
 *
 * Adds a handler that may fail, as [method@Ferry.Demux.add_handler] does one that answers each request itself. This is
 * the form for languages that throw: the caller gets what the handler throws. Any thread, at any time.
 */
void
ferry_demux_add_handler_full (FerryDemux *self, const char *method, FerryDemuxHandlerFull handler, gpointer user_data,
                              GDestroyNotify destroy)
{
  g_return_if_fail (FERRY_IS_DEMUX (self));
  g_return_if_fail (handler != NULL);

  ferry_demux_add_handler (self, method, run_handler, ferry_failing_new (G_CALLBACK (handler), user_data, destroy),
                           ferry_failing_free);
}
