/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A job and what carries its news: one call of one worker's.
 *
 * Threads: created and finished by the thread that serves; a function may use it from any thread while it runs. */

#pragma once

#include "call/ferry-transactions-private.h"
#include "lane/ferry-downlink-private.h"
#include "route/ferry-sender.h"
#include "task/ferry-job.h"
#include "task/ferry-task.h"

G_BEGIN_DECLS

typedef struct _FerryServe FerryServe;

FerryJob *ferry_job_new (FerryServe *serve, FerryCall *call);
/* After the function returned: what it still does with the job fails with FERRY_ERROR_STOPPED. */
void ferry_job_finish (FerryJob *self);
/* The trace that ferry_job_set_error() captured for this very error, or NULL. */
char *ferry_job_dup_trace (FerryJob *self, const GError *error);

G_END_DECLS
