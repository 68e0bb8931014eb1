/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The plan of a worker's sandbox. The application makes it for one launch; it travels as text in the worker's
 * environment, and is read there before main(). docs/protocol.md describes the text.
 *
 * Then the layers that it asks for: Landlock and the filter of system calls, which a worker enters before it has
 * threads, and namespaces, in which bubblewrap starts it. */

#pragma once

#include <glib.h>

#include "lane/ferry-lane-layout.h"
#include "spawn/ferry-spawn-private.h"

G_BEGIN_DECLS

typedef struct
{
  guint32 layers;        /* FERRY_LAYER_ bits: the layers to enter */
  guint32 required;      /* the layers without which the worker does not run */
  gboolean network;      /* the network is granted */
  guint64 address_space; /* bytes that may be mapped beside those at the start; 0: no limit of memory */
  GPtrArray *read_only;  /* (owned) (element-type filename): absolute paths */
  GPtrArray *writable;   /* (owned) (element-type filename): the same */
} FerrySandboxPlan;

FerrySandboxPlan *ferry_sandbox_plan_new (void);
/* Returns (nullable): NULL for a text with an unknown word. */
FerrySandboxPlan *ferry_sandbox_plan_new_from_text (const char *text);
char *ferry_sandbox_plan_to_text (const FerrySandboxPlan *self);
void ferry_sandbox_plan_free (FerrySandboxPlan *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerrySandboxPlan, ferry_sandbox_plan_free)

/* any: FERRY_LAYER_LANDLOCK and its newer parts, as far as this system has them. */
guint32 ferry_landlock_get_layers (void);
/* worker: enters those of the plan's layers. Returns the layers that were entered; *failure: why none was, or 0. */
guint32 ferry_landlock_enter (const FerrySandboxPlan *plan, int *failure);

/* any: whether this library was built with the filter, and this system has it. */
gboolean ferry_call_filter_is_possible (void);
/* worker: returns 0 or an error number. */
int ferry_call_filter_enter (const FerrySandboxPlan *plan);

/* any: whether a trial start has succeeded. The first call makes it, and takes ten seconds at the most. */
gboolean ferry_bubblewrap_works (void);
/* Has the plan start its program through bubblewrap, which works. */
void ferry_bubblewrap_wrap (FerrySpawnPlan *plan, const FerrySandboxPlan *sandbox);

G_END_DECLS
