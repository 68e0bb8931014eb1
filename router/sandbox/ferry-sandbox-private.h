/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A sandbox from within the layer. It belongs to the router's thread. */

#pragma once

#include "link/ferry-link-private.h"
#include "route/ferry-home-private.h"
#include "sandbox/ferry-sandbox-plan-private.h"
#include "sandbox/ferry-sandbox.h"
#include "spawn/ferry-spawn-private.h"

G_BEGIN_DECLS

struct _FerrySandbox
{
  GObject parent_instance;

  FerryHome *home; /* (owned) (nullable): as that of the launcher */
  FerrySandboxPolicy policy;
  guint32 layers;
  guint32 required_layers;
  gboolean network;
  GPtrArray *read_only; /* (owned) (element-type filename): absolute */
  GPtrArray *writable;  /* (owned) (element-type filename): absolute */
  guint64 memory_limit; /* 0: none, as of the others */
  guint64 cpu_limit;
  guint64 descriptor_limit;
};

/* main: from now on the sandbox is for that thread. */
void ferry_sandbox_bind (FerrySandbox *self, FerryHome *home);

/* In ferry-sandbox-launch.c: for a launcher whose worker is executed. */
gboolean ferry_sandbox_is_on (FerrySandbox *self);
gboolean ferry_sandbox_apply (FerrySandbox *self, FerrySpawnPlan *plan, FerryLink *link, GError **error);

/* In ferry-sandbox-enter.c. worker, before it has threads: enters the sandbox that the environment tells of, once. */
void ferry_sandbox_enter (void);
/* worker: whether this one is in a sandbox that limits its memory. */
gboolean ferry_sandbox_limits_memory (void);

G_END_DECLS
