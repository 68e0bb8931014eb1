/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A gate in a test's program, at which the threads wait that check large values. So a test needs no luck to come in
 * between. It is open at first. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

void judge_gate_close (void);
void judge_gate_open (void);
/* Returns how many threads came to the gate since it was closed. Each wakes the default main context. */
guint judge_gate_count (void);

G_END_DECLS
