/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Each mailbox is one source, which is ready while posts wait.
 *
 * The source may recurse: a post's function may iterate the context, and so wait for the effect of later posts.
 *
 * The source looks at the queue before the context sleeps. So a post wakes the context only from another thread, or
 * where the context's own thread is between that look and the sleep, in the look of another source.
 *
 * Invariant: while is_asleep is not set and the context's thread owns the context, prepare() is called before it
 * sleeps.
 */

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
  GSource source;
  GMainContext *context; /* const: (unowned): the mailbox's key in the table */
  GQueue queue;          /* lock: (element-type Post) */
  FerryMailboxFunc wake; /* lock: (nullable): called at each post */
  gpointer wake_data;    /* lock */
  gboolean is_asleep;    /* lock: prepare() has found no post, and check() was not called since */
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
  g_source_ref (&self->source);
  self->depth++;
  post->func (post->data);
  post_free (post);
  self->depth--;
  g_source_unref (&self->source);
  return TRUE;
}

guint
ferry_mailbox_get_n (FerryMailbox *self)
{
  FERRY_AUTO_LOCK (&lock);
  return self->queue.length;
}

static gboolean
has_post (GSource *source, gboolean may_sleep)
{
  FerryMailbox *self = (FerryMailbox *) source;
  FERRY_AUTO_LOCK (&lock);

  self->is_asleep = may_sleep && self->queue.length == 0;
  return self->queue.length > 0;
}

static gboolean
mailbox_prepare (GSource *source, int *timeout)
{
  *timeout = -1;
  return has_post (source, TRUE);
}

static gboolean
mailbox_check (GSource *source)
{
  return has_post (source, FALSE);
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

static GSourceFuncs mailbox_funcs = {
  .prepare = mailbox_prepare, .check = mailbox_check, .dispatch = mailbox_dispatch, .finalize = mailbox_finalize};

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
  self->context = context;
  g_source_set_static_name (&self->source, "[ferry] mailbox");
  g_source_set_can_recurse (&self->source, TRUE);
  g_source_attach (&self->source, context);
  g_hash_table_insert (table, context, self);
  /* From here on the context holds the only reference. */
  g_source_unref (&self->source);
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
  if (self->queue.length == 1 && (self->is_asleep || !g_main_context_is_owner (self->context)))
    g_main_context_wakeup (self->context);
  if (self->wake != NULL)
    self->wake (self->wake_data);
}

FerryMailbox *
ferry_mailbox_ref_for (GMainContext *context)
{
  FERRY_AUTO_LOCK (&lock);
  FerryMailbox *self = find_locked (context != NULL ? context : g_main_context_default ());

  g_source_ref (&self->source);
  return self;
}

void
ferry_mailbox_unref (FerryMailbox *self)
{
  g_source_unref (&self->source);
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
