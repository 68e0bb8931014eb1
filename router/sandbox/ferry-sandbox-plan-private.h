/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The plan of a worker's sandbox. The application makes it for one launch; it travels as text in the worker's
 * environment, and is read there before main(). docs/protocol.md describes the text. */

#pragma once

#include <glib.h>

#include "lane/ferry-lane-layout.h"

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

G_END_DECLS
