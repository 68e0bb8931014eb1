/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Posts of any thread to a main context, which wake it.
 *
 * The source may recurse: a post's function may iterate the context, and so wait for the effect of later posts. */

#include "config.h"

#include "base/ferry-mailbox-private.h"

#include <pthread.h>

#include "base/ferry-base-private.h"

typedef struct
{
  FerryMailboxFunc func;
  gpointer data;
  GDestroyNotify destroy; /* (nullable) */
} Post;

struct _FerryMailbox
{
  FerryWorkSource work;
  GMainContext *context; /* const: (unowned): the mailbox's key in the table */
  GQueue queue;          /* lock: (element-type Post) */
  FerryMailboxFunc wake; /* lock: (nullable): called at each post */
  gpointer wake_data;    /* lock */
  guint depth;           /* context's thread: how many functions of posts are running, nested within each other */
};

/* Guards the table and its mailboxes. Only wake, and GLib functions that lock the context, are called with it held. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* lock: (element-type GMainContext FerryMailbox): unowned; a mailbox is removed when its context is freed */
static GHashTable *table;

static void
post_free (Post *post)
{
  if (post->destroy != NULL)
    post->destroy (post->data);
  g_free (post);
}

static Post *
pop (FerryMailbox *self)
{
  FERRY_AUTO_LOCK (&lock);

  return g_queue_pop_head (&self->queue);
}

gboolean
ferry_mailbox_run_one (FerryMailbox *self)
{
  Post *post = pop (self);

  if (post == NULL)
    return FALSE;
  g_source_ref (&self->work.source);
  self->depth++;
  post->func (post->data);
  post_free (post);
  self->depth--;
  g_source_unref (&self->work.source);
  return TRUE;
}

guint
ferry_mailbox_get_n (FerryMailbox *self)
{
  FERRY_AUTO_LOCK (&lock);
  return self->queue.length;
}

static gboolean
has_post (FerryWorkSource *work, int *timeout)
{
  return ferry_mailbox_get_n ((FerryMailbox *) work) > 0;
}

static gboolean
mailbox_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  FerryMailbox *self = (FerryMailbox *) source;
  /* Only the posts that wait now: if a function posts again, other sources can run before the new post. */
  guint left = ferry_mailbox_get_n (self);

  while (left > 0 && ferry_mailbox_run_one (self))
    left--;
  return G_SOURCE_CONTINUE;
}

static void
mailbox_finalize (GSource *source)
{
  FerryMailbox *self = (FerryMailbox *) source;
  Post *post;

  pthread_mutex_lock (&lock);
  if (g_hash_table_lookup (table, self->context) == self)
    g_hash_table_remove (table, self->context);
  pthread_mutex_unlock (&lock);
  while ((post = g_queue_pop_head (&self->queue)) != NULL)
    post_free (post);
}

static GSourceFuncs mailbox_funcs = {ferry_work_source_prepare, ferry_work_source_check, mailbox_dispatch,
                                     mailbox_finalize};

/* Returns (transfer none) the mailbox of context, which must not be NULL. Makes the mailbox if there is none. */
static FerryMailbox *
find_locked (GMainContext *context)
{
  FerryMailbox *self;

  if (table == NULL)
    table = g_hash_table_new (NULL, NULL);
  self = g_hash_table_lookup (table, context);
  if (self != NULL)
    return self;
  self = (FerryMailbox *) g_source_new (&mailbox_funcs, sizeof (FerryMailbox));
  self->work.look = has_post;
  self->context = context;
  g_source_set_static_name (&self->work.source, "[ferry] mailbox");
  g_source_set_can_recurse (&self->work.source, TRUE);
  g_source_attach (&self->work.source, context);
  g_hash_table_insert (table, context, self);
  /* From here on the context holds the only reference. */
  g_source_unref (&self->work.source);
  return self;
}

void
ferry_mailbox_post (GMainContext *context, FerryMailboxFunc func, gpointer data, GDestroyNotify destroy)
{
  Post *post = g_new (Post, 1);
  FerryMailbox *self;

  *post = (Post){func, data, destroy};
  FERRY_AUTO_LOCK (&lock);
  self = find_locked (context != NULL ? context : g_main_context_default ());
  g_queue_push_tail (&self->queue, post);
  ferry_work_source_wake (&self->work);
  if (self->wake != NULL)
    self->wake (self->wake_data);
}

FerryMailbox *
ferry_mailbox_ref_for (GMainContext *context)
{
  FERRY_AUTO_LOCK (&lock);
  FerryMailbox *self = find_locked (context != NULL ? context : g_main_context_default ());

  g_source_ref (&self->work.source);
  return self;
}

void
ferry_mailbox_unref (FerryMailbox *self)
{
  g_source_unref (&self->work.source);
}

gboolean
ferry_mailbox_is_running (const FerryMailbox *self)
{
  return self->depth > 0;
}

gboolean
ferry_mailbox_watch (FerryMailbox *self, FerryMailboxFunc wake, gpointer data)
{
  FERRY_AUTO_LOCK (&lock);
  gboolean is_empty = self->queue.length == 0;

  self->wake = is_empty ? wake : NULL;
  self->wake_data = data;
  return is_empty;
}

void
ferry_mailbox_unwatch (FerryMailbox *self)
{
  FERRY_AUTO_LOCK (&lock);
  self->wake = NULL;
}
