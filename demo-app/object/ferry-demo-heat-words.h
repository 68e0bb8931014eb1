/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/* Properties of the plate in words, for bindings to labels: each is a GBindingTransformFunc. */

gboolean ferry_demo_heat_to_seconds (GBinding *binding, const GValue *from, GValue *to, gpointer user_data);
gboolean ferry_demo_heat_to_degrees (GBinding *binding, const GValue *from, GValue *to, gpointer user_data);
gboolean ferry_demo_heat_to_count (GBinding *binding, const GValue *from, GValue *to, gpointer user_data);
/* What a button does about time that runs, or does not. */
gboolean ferry_demo_heat_to_verb (GBinding *binding, const GValue *from, GValue *to, gpointer user_data);

G_END_DECLS
