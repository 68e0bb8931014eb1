/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How an object knows that a forked child has inherited it. Any thread. */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/* How often this process, and those that it was forked from, were forked since the first call of ferry_forks_note(). */
extern guint ferry_n_forks;

/* Returns a number for an object that is being made: that of this process. */
guint ferry_forks_note (void);

/* Whether the object that got this number belongs to a process that this one was forked from. */
static inline gboolean
ferry_forks_is_inherited (guint number)
{
  return G_UNLIKELY (number != ferry_n_forks);
}

/* For dispose(), which returns at once where this returns TRUE: whether the object is inherited. Then it is kept. */
static inline gboolean
ferry_forks_keep (gpointer object, guint number)
{
  if (!ferry_forks_is_inherited (number))
    return FALSE;
  g_object_ref (object);
  return TRUE;
}

G_END_DECLS
