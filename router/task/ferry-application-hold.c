/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Keeps the default GApplication running while an executor has open tasks, or says that it ends over them.
 *
 * A GApplication belongs to the thread of the default main context. A router of another thread posts what concerns it
 * to that context. */

#include "config.h"

#include "task/ferry-application-hold-private.h"

#include <stdatomic.h>

#include "base/ferry-mailbox-private.h"

struct _FerryApplicationHold
{
  gboolean is_apart;         /* const: the router has another main context than the application */
  GWeakRef watched;          /* main: the application whose `shutdown` is connected */
  gulong handler;            /* main: its handler */
  GApplication *held;        /* main: (owned) (nullable) */
  _Atomic gboolean is_alone; /* any: there are open tasks, and nothing holds the application */
};

/* Whether an application has windows, whose end the user sees, and that a FerryTaskGuard is for. One that D-Bus starts
 * ends some time after its last window, which nobody sees. */
static gboolean
has_windows (GApplication *application)
{
  return g_object_class_find_property (G_OBJECT_GET_CLASS (application), "active-window") != NULL &&
         (g_application_get_flags (application) & G_APPLICATION_IS_SERVICE) == 0;
}

static void
application_ends (GApplication *application, gpointer data)
{
  FerryApplicationHold *self = data;
  const char *id = g_application_get_application_id (application);

  /* Relaxed: no other data goes with it. */
  if (atomic_load_explicit (&self->is_alone, memory_order_relaxed) && !has_windows (application))
    g_message ("The application '%s' ends while an executor has tasks, which end with it; set "
               "FerryExecutor:hold-application, or wait for ferry_executor_shutdown_async() first",
               id != NULL ? id : g_get_prgname ());
}

static void
clear (gpointer data)
{
  FerryApplicationHold *self = data;

  g_weak_ref_clear (&self->watched);
}

static void
drop_closure (gpointer self, GClosure *closure)
{
  g_atomic_rc_box_release_full (self, clear);
}

/* The handler runs after those of the application, which may end the tasks. */
static void
watch (FerryApplicationHold *self, GApplication *application)
{
  g_autoptr (GApplication) watched = g_weak_ref_get (&self->watched);

  if (watched == application)
    return;
  if (watched != NULL)
    g_signal_handler_disconnect (watched, self->handler);
  g_weak_ref_set (&self->watched, application);
  if (application != NULL)
    self->handler = g_signal_connect_data (application, "shutdown", G_CALLBACK (application_ends),
                                           g_atomic_rc_box_acquire (self), drop_closure, G_CONNECT_AFTER);
}

static void
hold (gpointer application)
{
  g_application_hold (application);
}

static void
release (gpointer application)
{
  g_application_release (application);
}

FerryApplicationHold *
ferry_application_hold_new (GMainContext *context)
{
  FerryApplicationHold *self = g_atomic_rc_box_new0 (FerryApplicationHold);

  self->is_apart = context != g_main_context_default ();
  g_weak_ref_init (&self->watched, NULL);
  return self;
}

void
ferry_application_hold_set (FerryApplicationHold *self, gboolean has_tasks, gboolean wanted)
{
  GApplication *application = has_tasks ? g_application_get_default () : NULL;

  atomic_store_explicit (&self->is_alone, has_tasks && !wanted, memory_order_relaxed);
  if (application != NULL)
    watch (self, application);
  if (application != NULL && wanted && self->held == NULL)
    {
      self->held = g_object_ref (application);
      /* At once if possible: an application that nothing holds ends without a turn of its main loop. */
      if (self->is_apart)
        ferry_mailbox_post (NULL, hold, g_object_ref (application), g_object_unref);
      else
        hold (application);
    }
  /* Later, so that what waits for the end of the last task is called first. */
  if (self->held != NULL && (!has_tasks || !wanted))
    ferry_mailbox_post (NULL, release, g_steal_pointer (&self->held), g_object_unref);
}

void
ferry_application_hold_free (FerryApplicationHold *self)
{
  ferry_application_hold_set (self, FALSE, FALSE);
  watch (self, NULL);
  g_atomic_rc_box_release_full (self, clear);
}
