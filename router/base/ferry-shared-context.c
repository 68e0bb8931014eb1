/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A main context that other threads may use while its own thread sleeps. See ferry-shared-context-private.h.
 *
 * A main context has an owner also while that polls. So the keeper asks it what to poll, and then gives it back until
 * the poll has returned. It is the only thread that waits for the context, and nobody enters while it waits: neither
 * the keeper nor others starve. Who cannot enter attaches a source instead, or makes one ready. */

#include "config.h"

#include "base/ferry-shared-context-private.h"

#include <pthread.h>

#include "base/ferry-base-private.h"
#include "base/ferry-thread-private.h"

struct _FerrySharedContext
{
  GMainContext *context; /* const: (owned) */

  pthread_mutex_t lock;
  pthread_cond_t left;
  GThread *user;  /* lock, also the fields below: (unowned) (nullable): the thread that has the context */
  guint depth;    /* how many times that thread has entered */
  gboolean wants; /* the keeper waits until user is NULL */
};

FerrySharedContext *
ferry_shared_context_new (GMainContext *context)
{
  FerrySharedContext *self = g_atomic_rc_box_new0 (FerrySharedContext);

  self->context = g_main_context_ref (context);
  pthread_mutex_init (&self->lock, NULL);
  ferry_cond_init (&self->left);
  self->user = g_thread_self ();
  self->depth = 1;
  return self;
}

FerrySharedContext *
ferry_shared_context_ref (FerrySharedContext *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
clear (gpointer data)
{
  FerrySharedContext *self = data;

  g_main_context_unref (self->context);
  pthread_cond_destroy (&self->left);
  pthread_mutex_destroy (&self->lock);
}

void
ferry_shared_context_unref (FerrySharedContext *self)
{
  g_atomic_rc_box_release_full (self, clear);
}

GMainContext *
ferry_shared_context_get_context (FerrySharedContext *self)
{
  return self->context;
}

/* Returns whether this was the last of the thread's uses of the context. */
static gboolean
give (FerrySharedContext *self)
{
  FERRY_AUTO_LOCK (&self->lock);

  if (--self->depth > 0)
    return FALSE;
  self->user = NULL;
  if (self->wants)
    pthread_cond_signal (&self->left);
  return TRUE;
}

/* The keeper. */
static void
take (FerrySharedContext *self)
{
  FERRY_AUTO_LOCK (&self->lock);

  self->wants = TRUE;
  while (self->user != NULL)
    pthread_cond_wait (&self->left, &self->lock);
  self->wants = FALSE;
  self->user = g_thread_self ();
  self->depth = 1;
}

static gboolean
try_take (FerrySharedContext *self)
{
  GThread *thread = g_thread_self ();
  FERRY_AUTO_LOCK (&self->lock);

  if (self->user != thread && (self->user != NULL || self->wants))
    return FALSE;
  self->user = thread;
  self->depth++;
  return TRUE;
}

gboolean
ferry_shared_context_try_enter (FerrySharedContext *self)
{
  if (!try_take (self))
    return FALSE;
  /* Nobody else has it. */
  g_main_context_acquire (self->context);
  return TRUE;
}

void
ferry_shared_context_leave (FerrySharedContext *self)
{
  g_main_context_release (self->context);
  /* What the owner of a main context attaches to it wakes nobody. */
  if (give (self))
    g_main_context_wakeup (self->context);
}

void
ferry_shared_context_iterate (FerrySharedContext *self)
{
  GPollFD few[8];
  g_autofree GPollFD *many = NULL;
  GPollFD *descriptors = few;
  int n = G_N_ELEMENTS (few);
  int wanted, priority, timeout;

  g_main_context_acquire (self->context);
  g_main_context_prepare (self->context, &priority);
  while ((wanted = g_main_context_query (self->context, priority, &timeout, descriptors, n)) > n)
    {
      g_free (many);
      descriptors = many = g_new (GPollFD, wanted);
      n = wanted;
    }
  g_main_context_release (self->context);
  give (self);
  g_poll (descriptors, (guint) wanted, timeout);
  take (self);
  g_main_context_acquire (self->context);
  if (g_main_context_check (self->context, priority, descriptors, wanted))
    g_main_context_dispatch (self->context);
  g_main_context_release (self->context);
}

void
ferry_shared_context_abandon (FerrySharedContext *self)
{
  give (self);
}
