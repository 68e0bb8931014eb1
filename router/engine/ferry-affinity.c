/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The thread that an object belongs to, with its main context, and the error for a call on another one.
 *
 * These two are the object's affinity. A public function that may not be called on any thread checks the affinity of
 * its object. When it is called on another thread, it logs a critical or returns an error, and does nothing else.
 *
 * While a router runs, the thread of its affinity is the thread that started the router. The router's objects share the
 * router's affinity; they hold references to it, so they may outlive the router. The affinity of a router that does not
 * run has no thread. Any thread may use the router and its objects, one thread at a time.
 *
 * Owner:   references are counted.
 * Threads: any. */

#include "config.h"

#include "engine/ferry-affinity-private.h"

#include <stdatomic.h>

#include "base/ferry-base-private.h"
#include "base/ferry-mailbox-private.h"

struct _FerryAffinity
{
  GMainContext *context;      /* const: (owned) */
  _Atomic (GThread *) thread; /* any: (unowned) (nullable): used for comparison only */
};

FerryAffinity *
ferry_affinity_new (GMainContext *context, GThread *thread)
{
  FerryAffinity *self = g_atomic_rc_box_new0 (FerryAffinity);

  self->context = g_main_context_ref (context);
  atomic_init (&self->thread, thread);
  return self;
}

FerryAffinity *
ferry_affinity_new_here (void)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();

  return ferry_affinity_new (context, g_thread_self ());
}

FerryAffinity *
ferry_affinity_ref (FerryAffinity *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
clear (gpointer data)
{
  g_main_context_unref (((FerryAffinity *) data)->context);
}

void
ferry_affinity_unref (FerryAffinity *self)
{
  g_atomic_rc_box_release_full (self, clear);
}

void
ferry_affinity_set_thread (FerryAffinity *self, GThread *thread)
{
  /* Relaxed: the pointer is only compared with g_thread_self(). A thread that finds its own pointer here has stored
   * the pointer itself. */
  atomic_store_explicit (&self->thread, thread, memory_order_relaxed);
}

GMainContext *
ferry_affinity_get_context (FerryAffinity *self)
{
  return self->context;
}

/* (nullable): returns the affinity's thread. */
static GThread *
get_thread (FerryAffinity *self)
{
  /* Relaxed: the pointer is only compared with g_thread_self(). */
  return self != NULL ? atomic_load_explicit (&self->thread, memory_order_relaxed) : NULL;
}

static gboolean
is_here (FerryAffinity *self)
{
  GThread *thread = get_thread (self);

  return thread == NULL || thread == g_thread_self ();
}

gboolean
ferry_affinity_is_own (FerryAffinity *self)
{
  GThread *thread = get_thread (self);

  if (self == NULL)
    return TRUE;
  return thread != NULL ? thread == g_thread_self () : g_main_context_is_owner (self->context);
}

gboolean
ferry_affinity_has_thread (FerryAffinity *self)
{
  return get_thread (self) != NULL;
}

static gboolean
complain (const char *function)
{
  g_critical (
    "%s() was called on another thread than its object's, and did nothing; call it on the object's thread, for "
    "example through g_main_context_invoke()",
    function);
  return FALSE;
}

gboolean
ferry_affinity_check (FerryAffinity *self, const char *function)
{
  return is_here (self) || complain (function);
}

gboolean
ferry_affinity_check_property (FerryAffinity *self, GParamSpec *pspec)
{
  if (is_here (self))
    return TRUE;
  g_critical (
    "%s:%s was used on another thread than its object's, and nothing was done; use it on the object's thread, "
    "for example through g_main_context_invoke()",
    g_type_name (pspec->owner_type), pspec->name);
  return FALSE;
}

gboolean
ferry_affinity_check_error (FerryAffinity *self, const char *function, GError **error)
{
  if (is_here (self))
    return TRUE;
  return ferry_set_error (
    error, FERRY_ERROR_WRONG_THREAD,
    "%s() was called on another thread than its object's; call it on the object's thread, for example through "
    "g_main_context_invoke()",
    function);
}

gboolean
ferry_affinity_check_context (GMainContext *context, const char *function)
{
  /* Acquiring also succeeds when no thread runs the context. In that case the object belongs to no other thread. */
  if (!g_main_context_acquire (context))
    return complain (function);
  g_main_context_release (context);
  return TRUE;
}

void
ferry_affinity_invoke (FerryAffinity *self, void (*func) (gpointer data), gpointer data, GDestroyNotify destroy)
{
  ferry_mailbox_post (self->context, func, data, destroy);
}
