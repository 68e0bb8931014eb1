/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls of remote methods, heard by a function. */

#pragma once

#include <ferry-objects.h>

G_BEGIN_DECLS

/* Calls a method, and has func hear the result: a view of this one operation. */
static inline void
test_call_with_func (FerryProxy *proxy, const char *method, GVariant *arguments, FerryViewFunc func, gpointer data)
{
  g_autoptr (FerryView) view = ferry_view_new (proxy);

  ferry_view_call (view, method, arguments);
  ferry_view_resolve_with_func (view, func, data);
}

G_END_DECLS
