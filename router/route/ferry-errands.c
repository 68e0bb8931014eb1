/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* One source a context, which is ready while there are errands.
 *
 * It may recurse: an errand's handlers may iterate the context, and what other errands bring may be what they wait for.
 *
 * Invariant: the ready time is 0 when the queue has an errand, but for those of a dispatch that is under way. */

#include "config.h"

#include "route/ferry-errands-private.h"

#include <pthread.h>

typedef struct
{
  void (*func) (gpointer data);
  gpointer data;
  GDestroyNotify destroy; /* (nullable) */
} Errand;

struct _FerryErrands
{
  GSource source;
  GMainContext *context;    /* const: (unowned): the key in the table */
  GQueue queue;             /* lock: (element-type Errand) */
  FerryLocalQueue *watcher; /* lock: (unowned) (nullable): who sleeps on it does so on the context's thread */
  guint depth;              /* context's thread: how many errands run, one within the other */
};

/* Guards the table and what is in it. Nothing of others is called with it held, but for the context's own lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static GHashTable *table; /* lock: (element-type GMainContext FerryErrands): unowned; each lives as its context */

static void
errand_free (Errand *errand)
{
  if (errand->destroy != NULL)
    errand->destroy (errand->data);
  g_free (errand);
}

static Errand *
pop (FerryErrands *self)
{
  Errand *errand;

  pthread_mutex_lock (&lock);
  errand = g_queue_pop_head (&self->queue);
  if (self->queue.length == 0)
    g_source_set_ready_time (&self->source, -1);
  pthread_mutex_unlock (&lock);
  return errand;
}

gboolean
ferry_errands_run_one (FerryErrands *self)
{
  Errand *errand = pop (self);

  if (errand == NULL)
    return FALSE;
  g_source_ref (&self->source);
  self->depth++;
  errand->func (errand->data);
  errand_free (errand);
  self->depth--;
  g_source_unref (&self->source);
  return TRUE;
}

guint
ferry_errands_get_n (FerryErrands *self)
{
  guint n;

  pthread_mutex_lock (&lock);
  n = self->queue.length;
  pthread_mutex_unlock (&lock);
  return n;
}

static gboolean
errands_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  FerryErrands *self = (FerryErrands *) source;
  /* No more than there are now: errands that leave errands let the context do other things in between. */
  guint left = ferry_errands_get_n (self);

  while (left > 0 && ferry_errands_run_one (self))
    left--;
  return G_SOURCE_CONTINUE;
}

static void
errands_finalize (GSource *source)
{
  FerryErrands *self = (FerryErrands *) source;
  Errand *errand;

  pthread_mutex_lock (&lock);
  if (g_hash_table_lookup (table, self->context) == self)
    g_hash_table_remove (table, self->context);
  pthread_mutex_unlock (&lock);
  while ((errand = g_queue_pop_head (&self->queue)) != NULL)
    errand_free (errand);
}

static GSourceFuncs errands_funcs = {.dispatch = errands_dispatch, .finalize = errands_finalize};

/* context is not NULL. */
static FerryErrands *
find_locked (GMainContext *context)
{
  FerryErrands *self;

  if (table == NULL)
    table = g_hash_table_new (NULL, NULL);
  self = g_hash_table_lookup (table, context);
  if (self != NULL)
    return self;
  self = (FerryErrands *) g_source_new (&errands_funcs, sizeof (FerryErrands));
  self->context = context;
  g_queue_init (&self->queue);
  g_source_set_static_name (&self->source, "[ferry] errands");
  g_source_set_can_recurse (&self->source, TRUE);
  g_source_attach (&self->source, context);
  g_hash_table_insert (table, context, self);
  /* From here on it is the context's. */
  g_source_unref (&self->source);
  return self;
}

void
ferry_errands_post (GMainContext *context, void (*func) (gpointer data), gpointer data, GDestroyNotify destroy)
{
  Errand *errand = g_new (Errand, 1);
  FerryErrands *self;

  *errand = (Errand){func, data, destroy};
  pthread_mutex_lock (&lock);
  self = find_locked (context != NULL ? context : g_main_context_default ());
  g_queue_push_tail (&self->queue, errand);
  if (self->queue.length == 1)
    g_source_set_ready_time (&self->source, 0);
  if (self->watcher != NULL)
    ferry_local_queue_nudge (self->watcher);
  pthread_mutex_unlock (&lock);
}

/* any */
FerryErrands *
ferry_errands_ref_for (GMainContext *context)
{
  FerryErrands *self;

  pthread_mutex_lock (&lock);
  self = find_locked (context != NULL ? context : g_main_context_default ());
  g_source_ref (&self->source);
  pthread_mutex_unlock (&lock);
  return self;
}

/* any */
void
ferry_errands_unref (FerryErrands *self)
{
  g_source_unref (&self->source);
}

gboolean
ferry_errands_is_running (const FerryErrands *self)
{
  return self->depth > 0;
}

gboolean
ferry_errands_watch (FerryErrands *self, FerryLocalQueue *queue)
{
  gboolean is_empty;

  pthread_mutex_lock (&lock);
  is_empty = self->queue.length == 0;
  self->watcher = is_empty ? queue : NULL;
  pthread_mutex_unlock (&lock);
  return is_empty;
}

void
ferry_errands_unwatch (FerryErrands *self)
{
  pthread_mutex_lock (&lock);
  self->watcher = NULL;
  pthread_mutex_unlock (&lock);
}
