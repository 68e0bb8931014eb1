/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Weak references to public objects that leave the reference count alone, as JavaScript's bindings need it.
 *
 * By such a reference, a thread of ours uses an object:
 *
 *   FERRY_USE_WEAK (FerryChannel, self, end->channel);
 *
 *   if (self != NULL)
 *     flush (self);
 *
 * A GWeakRef would do for C. But where JavaScript has the object, GJS hears of each change between one reference and
 * two, and takes a lock for that. It holds that lock while it collects garbage and disposes of objects. GLib before
 * 2.80 has a lock of its own locked during g_weak_ref_get(), and needs it to dispose of any object. So a thread that
 * takes such a reference while JavaScript collects, or ends, would wait for GJS, and GJS for the thread.
 *
 * Owner:   counted references: one of the object, and one of each that may use it.
 * Threads: any.
 * Ends:    The object says at the beginning of its dispose() that it goes; who comes later gets NULL. If it is in use
 *          then, its last user has its last reference, and frees it. So dispose() may run while others use the object.
 *          Use what it clears with a lock, or clear it in finalize(). */

#include "config.h"

#include "base/ferry-weak-private.h"

#include <pthread.h>

#include "base/ferry-base-private.h"
#include "base/ferry-revival-private.h"

struct _FerryWeak
{
  _Atomic gint references;

  pthread_mutex_t lock;
  gpointer object; /* lock, also the next fields: (unowned) (nullable): NULL once it goes */
  guint n_users;
  gpointer kept; /* (owned) (nullable): the object, which went while it was in use */
};

FerryWeak *
ferry_weak_new (gpointer object)
{
  FerryWeak *self = g_new0 (FerryWeak, 1);

  atomic_init (&self->references, 1);
  pthread_mutex_init (&self->lock, NULL);
  self->object = object;
  return self;
}

FerryWeak *
ferry_weak_ref (FerryWeak *self)
{
  ferry_ref_count_inc (&self->references);
  return self;
}

void
ferry_weak_unref (gpointer data)
{
  FerryWeak *self = data;

  if (!ferry_ref_count_dec (&self->references))
    return;
  g_assert (self->n_users == 0);
  pthread_mutex_destroy (&self->lock);
  g_free (self);
}

static void
revived (gpointer object, gpointer weak)
{
  FerryWeak *self = weak;

  pthread_mutex_lock (&self->lock);
  self->kept = object;
  pthread_mutex_unlock (&self->lock);
  ferry_weak_leave (self);
}

void
ferry_weak_end (FerryWeak *self)
{
  gpointer object;
  gboolean is_in_use;

  pthread_mutex_lock (&self->lock);
  object = g_steal_pointer (&self->object);
  is_in_use = object != NULL && self->n_users > 0;
  if (is_in_use)
    {
      /* The thread that disposes of the object is a user up to the end of that. */
      ferry_ref_count_inc (&self->references);
      self->n_users++;
    }
  pthread_mutex_unlock (&self->lock);
  /* Here that thread has the object's last reference, so nobody hears of another one. */
  if (is_in_use)
    ferry_revive (object, revived, self);
}

gpointer
ferry_weak_enter (FerryWeak *self)
{
  FERRY_AUTO_LOCK (&self->lock);

  ferry_ref_count_inc (&self->references);
  self->n_users++;
  return self->object;
}

void
ferry_weak_leave (FerryWeak *self)
{
  g_autoptr (GObject) kept = NULL;

  pthread_mutex_lock (&self->lock);
  if (--self->n_users == 0)
    kept = g_steal_pointer (&self->kept);
  pthread_mutex_unlock (&self->lock);
  ferry_weak_unref (self);
}

gpointer
ferry_weak_get (FerryWeak *self)
{
  FERRY_USE_WEAK (GObject, object, self);

  return object != NULL ? g_object_ref (object) : NULL;
}
