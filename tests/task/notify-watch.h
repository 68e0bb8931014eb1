/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds properties that change without a notification.
 *
 * A watch has the value of each property of an object as it was told last: at the beginning, and then by "notify". */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* What every property of these objects has become, was told. */
typedef struct
{
  const char *const *exceptions; /* "Class:property": the documentation says that it is not notified; ends with NULL */
  GPtrArray *objects;            /* (owned) (element-type WatchedObject) */
} NotifyWatch;

NotifyWatch *notify_watch_new (const char *const *exceptions);
/* Watches an object, once. */
void notify_watch_add (NotifyWatch *self, gpointer object);
/* Iterates the main context until each property has the value that was told last, or until it does nothing more for
 * that; then ends the test with the names of the others. */
void notify_watch_check (NotifyWatch *self);
void notify_watch_free (NotifyWatch *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (NotifyWatch, notify_watch_free)

G_END_DECLS
