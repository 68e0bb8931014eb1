/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How far processes are in the file that they read, for programs that say nothing. One thread at a time. */

#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

typedef struct _ProgressPosition ProgressPosition;

ProgressPosition *progress_position_new (const char *const *paths) G_GNUC_WARN_UNUSED_RESULT;
void progress_position_free (ProgressPosition *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProgressPosition, progress_position_free)

gboolean progress_position_read (ProgressPosition *self, const pid_t *pids, gsize n_pids, double *position,
                                 double *size);

G_END_DECLS
