/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <ferry.h>

G_BEGIN_DECLS

/* Cancels all tasks of the executor and ends all workers of its pool, the deaf ones by force. Takes as long as it takes
 * workers to leave, and at most as long as there is time for it. Dispatches the main context until then. */
void ferry_demo_end (FerryExecutor *executor);

G_END_DECLS
