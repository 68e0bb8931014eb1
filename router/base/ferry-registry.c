/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lists of the process's routers, pools, executors, workers, channels and transports, for who looks at the whole of it.
 *
 * Owner:   a list has no reference to its objects. An object leaves at the beginning of its dispose(), during which it
 *          still has one reference: so whoever finds it under the lock may take another one.
 * Threads: any. A forked child begins with empty lists: what it has inherited is its parent's, and so may be the
 *          lock. */

#include "config.h"

#include "base/ferry-registry-private.h"

#include <pthread.h>

#include "base/ferry-base-private.h"
#include "base/ferry-forks-private.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static GQueue lists[FERRY_N_KINDS]; /* lock, as the next one: (element-type GObject) */
static guint64 n_added[FERRY_N_KINDS];

/* A handler of pthread_atfork(): runs in each child, which has one thread then. */
static void
begin_child (void)
{
  pthread_mutex_init (&lock, NULL);
  for (guint i = 0; i < FERRY_N_KINDS; i++)
    g_queue_init (&lists[i]);
}

static void
watch_forks (void)
{
  static gsize watched;

  if (g_once_init_enter (&watched))
    {
      pthread_atfork (NULL, NULL, begin_child);
      g_once_init_leave (&watched, 1);
    }
}

void
ferry_registry_add (FerryRegistered *self, FerryKind kind, gpointer object, FerryLoadFunc look)
{
  watch_forks ();
  self->fork_number = ferry_forks_note ();
  self->kind = kind;
  self->look = look;
  self->link.data = object;
  pthread_mutex_lock (&lock);
  self->number = ++n_added[kind];
  g_queue_push_tail_link (&lists[kind], &self->link);
  pthread_mutex_unlock (&lock);
}

void
ferry_registry_remove (FerryRegistered *self)
{
  if (self->number == 0 || ferry_forks_is_inherited (self->fork_number))
    return;
  pthread_mutex_lock (&lock);
  if (self->link.data != NULL)
    g_queue_unlink (&lists[self->kind], &self->link);
  self->link.data = NULL;
  pthread_mutex_unlock (&lock);
}

static void
clear_found (gpointer found)
{
  g_object_unref (((FerryFound *) found)->object);
}

GArray *
ferry_registry_list (FerryKind kind)
{
  GArray *all = g_array_new (FALSE, FALSE, sizeof (FerryFound));
  FERRY_AUTO_LOCK (&lock);

  g_array_set_clear_func (all, clear_found);
  for (GList *link = lists[kind].head; link != NULL; link = link->next)
    {
      const FerryRegistered *entry = (const FerryRegistered *) (gconstpointer) link;
      FerryFound found = {.object = g_object_ref (link->data), .number = entry->number, .look = entry->look};

      g_array_append_val (all, found);
    }
  return all;
}
