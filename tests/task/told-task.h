/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A task without a worker, for tests that see it as an application does: what becomes of it is told by the test. */

#pragma once

#include <ferry.h>

G_BEGIN_DECLS

/* A task “sum” with the arguments (12, 30), which waits. */
FerryTask *told_task_new (void);
/* The same, which a worker of process 77 has begun. */
FerryTask *told_task_new_executing (void);
/* Its function reports; text is nullable. Each returns whether the task takes it. */
gboolean told_task_report (FerryTask *task, double fraction, const char *text);
/* Its function does not know any more how far it is. */
gboolean told_task_take_fraction_back (FerryTask *task, const char *text);
gboolean told_task_complete (FerryTask *task, GVariant *result);
/* Its function fails with a G_FILE_ERROR of this message. */
gboolean told_task_fail (FerryTask *task, const char *message, const char *trace);
/* Its worker ends. */
gboolean told_task_lose (FerryTask *task);

G_END_DECLS
