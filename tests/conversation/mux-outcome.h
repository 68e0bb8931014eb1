/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What becomes of calls that are alike, on the default main context. */

#pragma once

#include "ferry-test.h"

G_BEGIN_DECLS

typedef struct
{
  guint n_done;
  guint n_good;
  guint32 most;  /* of their results, which are numbers */
  GError *error; /* (owned) (nullable): the last one */
} MuxOutcome;

void mux_outcome_clear (MuxOutcome *self);
/* Asks n times, with the number 7. */
void mux_outcome_ask (FerryMux *mux, const char *method, guint n, gint64 timeout, GCancellable *cancellable,
                      MuxOutcome *outcome);
void mux_outcome_wait (MuxOutcome *outcome, guint n);
/* A thread of GLib's has some from its first use on, which are not to count as left behind. */
void mux_outcome_open_descriptors (void);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (MuxOutcome, mux_outcome_clear)

G_END_DECLS
