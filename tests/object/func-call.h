/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls of remote methods, heard by a function. */

#pragma once

#include <ferry-objects.h>

G_BEGIN_DECLS

/* Calls a method, and has func hear the result. */
static inline void
test_call_with_func (FerryProxy *proxy, const char *method, GVariant *arguments, FerryProxyFunc func, gpointer data)
{
  ferry_proxy_call_with_func (proxy, method, arguments, func, data);
}

G_END_DECLS
