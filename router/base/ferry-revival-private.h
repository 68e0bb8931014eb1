/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An object that outlives its dispose(), and whose last reference another thread may drop. Any thread. */

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
