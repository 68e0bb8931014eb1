/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A view as it is resolved. */

#pragma once

#include "call/ferry-object-message-private.h"
#include "call/ferry-view.h"

G_BEGIN_DECLS

struct _FerryView
{
  _Atomic gint references;
  FerryProxy *proxy;   /* const: (owned) */
  GStringChunk *names; /* (owned), as what follows; const once it is frozen */
  FerryStep *steps;    /* their names are in names */
  guint n_steps;
  guint n_allocated;
  GVariant *default_value; /* (nullable) */
  gboolean as_proxy;
  gboolean frozen;
};

/* argument (nullable): a floating reference is taken. */
void ferry_view_append (FerryView *self, FerryStepKind kind, const char *name, GVariant *argument);
/* Borrows everything: it is not to be cleared. */
void ferry_view_fill_request (FerryView *self, FerryViewRequest *request);

G_END_DECLS
