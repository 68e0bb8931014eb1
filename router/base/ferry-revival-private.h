/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An object that outlives its dispose(), and whose last reference another thread may drop:
 *
 *   static void
 *   thing_dispose (GObject *object)
 *   {
 *     if (is_in_use (object))
 *       {
 *         ferry_revive (object, hand_on, queue);
 *         return;
 *       }
 *     ...
 *
 * Until 2.80, g_object_unref() uses an object that was given a reference in its dispose() after it has given its own
 * one back. Another thread that drops the new reference then frees the object beneath it. So the new reference is
 * handed on by the thread that disposes of the object, as the last thing that GObject does with it.
 *
 * Threads: any. */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/* Gets the reference to the object (transfer full), which it may drop or give to another thread. */
typedef void (*FerryRevived) (gpointer object, gpointer data);

/* For class_init() of a class whose dispose() calls ferry_revive(). */
void ferry_revival_class_init (GObjectClass *klass);

/* For dispose(), once in a call of it. */
void ferry_revive (gpointer object, FerryRevived revived, gpointer data);

G_END_DECLS
