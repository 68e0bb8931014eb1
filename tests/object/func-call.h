/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls of remote methods, heard by a function. */

#pragma once

#include <ferry-objects.h>

G_BEGIN_DECLS

/* Calls a method, and has func hear the result: a chain of this one operation. */
static inline void
test_call_with_func (FerryProxy *proxy, const char *method, GVariant *arguments, FerryProxyFunc func, gpointer data)
{
  GVariant *steps = arguments != NULL ? g_variant_new ("((ss@*))", "call", method, arguments)
                                      : g_variant_new ("((ss))", "call", method);

  ferry_proxy_resolve_with_func (proxy, steps, NULL, func, data);
}

G_END_DECLS
