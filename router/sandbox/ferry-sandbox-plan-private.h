/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The plan of a worker's sandbox. The application makes a plan for each launch and puts it as text into the worker's
 * environment. The worker reads the text before main(). docs/protocol.md describes the text. */

#pragma once

#include <glib.h>

#include "lane/ferry-lane-layout.h"

G_BEGIN_DECLS

typedef struct
{
  guint32 layers;        /* FERRY_LAYER_* bits: the layers to enter */
  guint32 required;      /* FERRY_LAYER_* bits: the worker runs only with these */
  gboolean network;      /* whether the network is granted */
  guint64 address_space; /* how many bytes may be mapped after the start; 0: no limit of memory */
  GPtrArray *read_only;  /* (owned) (element-type filename): absolute paths to read */
  GPtrArray *writable;   /* (owned) (element-type filename): absolute paths to write */
} FerrySandboxPlan;

FerrySandboxPlan *ferry_sandbox_plan_new (void);
/* (transfer full) (nullable): reads a plan from text. Returns NULL for a text that does not follow the format. */
FerrySandboxPlan *ferry_sandbox_plan_new_from_text (const char *text);
char *ferry_sandbox_plan_to_text (const FerrySandboxPlan *self);
void ferry_sandbox_plan_free (FerrySandboxPlan *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerrySandboxPlan, ferry_sandbox_plan_free)

G_END_DECLS
