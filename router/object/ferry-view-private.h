/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A view as it is resolved. */

#pragma once

#include "object/ferry-object-message-private.h"
#include "object/ferry-view.h"

G_BEGIN_DECLS

/* A single call takes no memory but the view's own. */
#define FERRY_VIEW_N_OWN_STEPS 2
#define FERRY_VIEW_OWN_NAMES_SIZE 64

struct _FerryView
{
  _Atomic gint references;
  FerryProxy *proxy; /* const: (owned) */
  FerryStep *steps;  /* own_steps, or (owned), as what follows; const once it is frozen */
  guint n_steps;
  guint n_allocated;
  GVariant *default_value; /* (nullable) */
  gboolean as_proxy;
  gboolean frozen;
  GStringChunk *names; /* (nullable): of steps, where they do not fit into own_names */
  gsize n_own_names;   /* bytes */
  FerryStep own_steps[FERRY_VIEW_N_OWN_STEPS];
  char own_names[FERRY_VIEW_OWN_NAMES_SIZE];
};

/* argument (nullable): a floating reference is taken. */
void ferry_view_append (FerryView *self, FerryStepKind kind, const char *name, GVariant *argument);
/* Whether it sets or deletes a property: what comes of it is a change, as FERRY_STEP_SET has it. */
gboolean ferry_view_is_change (FerryView *self);
/* Borrows everything: it is not to be cleared. */
void ferry_view_fill_request (FerryView *self, FerryViewRequest *request);

G_END_DECLS
