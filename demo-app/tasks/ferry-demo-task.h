/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <ferry.h>

#include "tasks/ferry-demo-spec.h"

G_BEGIN_DECLS

/* Jobs as tasks, and back. A task that an executor makes by itself, as another try of one that failed, has the same
 * function and arguments. So it is the same job. */

FerryTask *ferry_demo_task_new (const FerryDemoSpec *spec) G_GNUC_WARN_UNUSED_RESULT;
FerryDemoSpec *ferry_demo_task_dup_spec (FerryTask *task) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
