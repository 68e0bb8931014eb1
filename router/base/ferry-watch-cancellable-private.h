/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Watches the cancellable of a GTask while the GTask waits, by a source in the GTask's context.
 *
 * Threads: any; func runs in the GTask's context. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Makes func be called when the cancellable of call is cancelled. call must have a cancellable. *source is set
 * before func can be called, so that the code that ends call can destroy it. name: a string literal. destroy:
 * (nullable). */
static inline void
ferry_watch_cancellable (GTask *call, GSource **source, const char *name, GCancellableSourceFunc func, gpointer data,
                         GDestroyNotify destroy)
{
  *source = g_cancellable_source_new (g_task_get_cancellable (call));
  g_source_set_static_name (*source, name);
  g_source_set_callback (*source, G_SOURCE_FUNC (func), data, destroy);
  g_source_attach (*source, g_task_get_context (call));
}

/* Destroys *source (nullable) and sets it to NULL. In the context of call, or while no other thread uses *source. */
static inline void
ferry_unwatch_cancellable (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

G_END_DECLS
