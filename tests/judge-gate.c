/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "judge-gate.h"

#include <dlfcn.h>

typedef struct
{
  GThreadFunc func;
  gpointer data;
} Judge;

static GMutex lock;
static GCond opened;
static gboolean is_closed; /* lock, as the next */
static guint n_judges;     /* that came to the gate */

static gpointer
pass_gate (gpointer data)
{
  g_autofree Judge *judge = data;

  g_mutex_lock (&lock);
  n_judges++;
  g_main_context_wakeup (NULL);
  while (is_closed)
    g_cond_wait (&opened, &lock);
  g_mutex_unlock (&lock);
  return judge->func (judge->data);
}

/* In the place of GLib's. */
GThread *
g_thread_try_new (const char *name, GThreadFunc func, gpointer data, GError **error)
{
  GThread *(*real) (const char *, GThreadFunc, gpointer, GError **) = dlsym (RTLD_NEXT, "g_thread_try_new");
  Judge *judge;

  if (g_strcmp0 (name, "ferry-judge") != 0)
    return real (name, func, data, error);
  judge = g_new (Judge, 1);
  *judge = (Judge){func, data};
  return real (name, pass_gate, judge, error);
}

void
judge_gate_close (void)
{
  g_mutex_lock (&lock);
  is_closed = TRUE;
  n_judges = 0;
  g_mutex_unlock (&lock);
}

void
judge_gate_open (void)
{
  g_mutex_lock (&lock);
  is_closed = FALSE;
  g_cond_broadcast (&opened);
  g_mutex_unlock (&lock);
}

guint
judge_gate_count (void)
{
  guint n;

  g_mutex_lock (&lock);
  n = n_judges;
  g_mutex_unlock (&lock);
  return n;
}
