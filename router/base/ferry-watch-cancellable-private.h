/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a call in GIO's manner follows its cancellable while it waits: a source in the caller's context.
 *
 * Threads: any; func runs in the context that the call returns to. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Has func called when the cancellable of call, which has one, is cancelled. source is set before that can be, so
 * the end of the call destroys it. name is a literal, destroy (nullable). */
static inline void
ferry_watch_cancellable (GTask *call, GSource **source, const char *name, GCancellableSourceFunc func, gpointer data,
                         GDestroyNotify destroy)
{
  *source = g_cancellable_source_new (g_task_get_cancellable (call));
  g_source_set_static_name (*source, name);
  g_source_set_callback (*source, G_SOURCE_FUNC (func), data, destroy);
  g_source_attach (*source, g_task_get_context (call));
}

/* In that context, or where no other thread uses source, which may be NULL. */
static inline void
ferry_unwatch_cancellable (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

G_END_DECLS
