/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A task that stands for others, which are its parts: those of a map or a group. And what of them has failed.
 *
 * Threads: the router's. */

#pragma once

#include "engine/ferry-affinity-private.h"
#include "task/ferry-task.h"

G_BEGIN_DECLS

/* Of so many it is known which they are. */
#define FERRY_MAX_FAILURES 10

/* All zero at first. */
typedef struct
{
  guint64 n;
  GPtrArray *first;  /* (owned) (nullable) (element-type GVariant): the first ones, as FerryTask:failures has them */
  GPtrArray *errors; /* (owned) (nullable) (element-type GError): theirs */
} FerryFailures;

/* number: the part's place, from 0 on. name: (nullable). */
void ferry_failures_add (FerryFailures *self, guint64 number, const char *name, const GError *error);
void ferry_failures_clear (FerryFailures *self);

#define FERRY_TYPE_WHOLE_TASK (ferry_whole_task_get_type ())
G_DECLARE_DERIVABLE_TYPE (FerryWholeTask, ferry_whole_task, FERRY, WHOLE_TASK, FerryTask)

struct _FerryWholeTaskClass
{
  FerryTaskClass parent_class;
};

/* What a map and a group do for the task. */
typedef struct
{
  /* The task is done, or is dropped: it is not told of the parts any more. */
  void (*release) (FerryWholeTask *self, gpointer parts);
  void (*cancel) (gpointer parts);
  void (*set_paused) (gpointer parts, gboolean paused);
} FerryWholeParts;

/* Returns (transfer full) a task of the class type that waits. parts: the map or the group, which it keeps until it is
 * done. affinity: that of the parts. */
gpointer ferry_whole_task_new (GType type, const FerryWholeParts *functions, gpointer parts, FerryAffinity *affinity,
                               const char *name, const char *unit);
/* Returns (transfer none) (nullable) the map or the group; NULL once the task is done. */
gpointer ferry_whole_task_get_parts (FerryWholeTask *self);
/* A part was begun. */
void ferry_whole_task_start (FerryWholeTask *self);
/* fraction: negative: not known. n_parts: 0: not known. may_fall: the fraction of a part was taken back. */
void ferry_whole_task_report (FerryWholeTask *self, double fraction, guint64 n_done, guint64 n_parts,
                              gboolean may_fall);
/* All parts have ended. Takes error (nullable): one that is not of a part. If there is none, what failed says it. */
void ferry_whole_task_finish (FerryWholeTask *self, gboolean was_cancelled, GError *error,
                              const FerryFailures *failures, guint64 n_parts);

G_END_DECLS
