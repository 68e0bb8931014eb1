/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a worker is told of its sandbox: made by the application for one launch, carried as text in the worker's
 * environment, read there before main(). The text is in docs/protocol.md. */

#pragma once

#include <glib.h>

#include "lane/ferry-lane-layout.h"

G_BEGIN_DECLS

typedef struct
{
  guint32 layers;        /* what is tried, FERRY_LAYER_ bits */
  guint32 required;      /* those without which the worker does not run */
  gboolean network;      /* it may reach others */
  guint64 address_space; /* bytes that it may map beside what is mapped when it enters; 0: no limit of memory */
  GPtrArray *read_only;  /* (owned) (element-type filename): absolute paths */
  GPtrArray *writable;   /* (owned) (element-type filename): the same */
} FerrySandboxPlan;

FerrySandboxPlan *ferry_sandbox_plan_new (void);
FerrySandboxPlan *ferry_sandbox_plan_new_from_text (const char *text);
char *ferry_sandbox_plan_to_text (const FerrySandboxPlan *self);
void ferry_sandbox_plan_free (FerrySandboxPlan *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerrySandboxPlan, ferry_sandbox_plan_free)

G_END_DECLS
