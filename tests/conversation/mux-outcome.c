/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "conversation/mux-outcome.h"

#include <glib-unix.h>
#include <signal.h>

void
mux_outcome_clear (MuxOutcome *self)
{
  g_clear_error (&self->error);
}

static void
transacted (GObject *mux, GAsyncResult *result, gpointer data)
{
  MuxOutcome *outcome = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = ferry_mux_transact_finish (FERRY_MUX (mux), result, &error);

  outcome->n_done++;
  outcome->n_good += error == NULL;
  if (value != NULL && g_variant_is_of_type (value, G_VARIANT_TYPE_UINT32))
    outcome->most = MAX (outcome->most, g_variant_get_uint32 (value));
  if (error == NULL)
    return;
  g_clear_error (&outcome->error);
  outcome->error = g_steal_pointer (&error);
}

void
mux_outcome_ask (FerryMux *mux, const char *method, guint n, gint64 timeout, GCancellable *cancellable,
                 MuxOutcome *outcome)
{
  for (guint i = 0; i < n; i++)
    ferry_mux_transact_async (mux, method, g_variant_new_uint32 (7), timeout, cancellable, transacted, outcome);
}

typedef struct
{
  MuxOutcome *outcome;
  guint n;
} Wanted;

static gboolean
are_done (gpointer data)
{
  Wanted *wanted = data;

  return wanted->outcome->n_done >= wanted->n;
}

void
mux_outcome_wait (MuxOutcome *outcome, guint n)
{
  Wanted wanted = {outcome, n};

  ferry_test_run_until (are_done, &wanted);
}

void
mux_outcome_open_descriptors (void)
{
  g_autoptr (GSource) source = g_unix_signal_source_new (SIGUSR2);

  g_source_attach (source, NULL);
  g_source_destroy (source);
  g_main_context_iteration (NULL, FALSE);
}
