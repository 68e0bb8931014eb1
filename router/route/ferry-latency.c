/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How long the waits of a router poll before they sleep, by its latency and by the system's power profile. */

#include "config.h"

#include "route/ferry-router-private.h"

#include "base/ferry-base-private.h"
#include "base/ferry-spin-private.h"
#include "base/ferry-usable-cores.h"

/* The longest spins, in microseconds: a little more than a wake-up across cores, and several of them. */
#define BALANCED_SPIN 60
#define QUICK_SPIN 200

/* The share of each second that a thread may poll in vain before it sleeps, in thousandths. */
#define SPIN_SHARE 50

/* How many threads GLib starts to follow the power profile, at the most. */
#define POWER_N_THREADS 3

/* What follows the power profile; for the thread on which GLib reports a change. */
typedef struct
{
  FerryMonitor *monitor;       /* (owned) */
  GPowerProfileMonitor *power; /* (owned) */
  guint longest;               /* where power is not saved */
} Spin;

static void
spin_free (gpointer data, GClosure *closure)
{
  Spin *self = data;

  ferry_monitor_unref (self->monitor);
  g_object_unref (self->power);
  g_free (self);
}

static void
power_changed_cb (GPowerProfileMonitor *power, GParamSpec *pspec, gpointer data)
{
  const Spin *self = data;
  guint longest = g_power_profile_monitor_get_power_saver_enabled (power) ? 0 : self->longest;

  ferry_monitor_set_spin (self->monitor, FERRY_SPIN_SETTING (longest, SPIN_SHARE));
}

GClosure *
ferry_latency_begin (FerryLatency latency, FerryMonitor *monitor)
{
  /* See ferry-spin.c. */
  const gboolean yields = ferry_get_n_usable_cores () == 1;
  const guint balanced = yields ? FERRY_SPIN_YIELD : BALANCED_SPIN;
  const guint longest[] = {
    [FERRY_LATENCY_SYSTEM] = balanced,
    [FERRY_LATENCY_BALANCED] = balanced,
    [FERRY_LATENCY_QUICK] = yields ? FERRY_SPIN_YIELD : QUICK_SPIN,
    [FERRY_LATENCY_POWER_SAVING] = 0,
  };
  GClosure *closure;
  Spin *spin;

  if (latency != FERRY_LATENCY_SYSTEM || !ferry_check_free_fds (FERRY_START_N_FDS, NULL) ||
      !ferry_check_free_threads (POWER_N_THREADS, "the router", NULL))
    {
      ferry_monitor_set_spin (monitor, FERRY_SPIN_SETTING (longest[latency], SPIN_SHARE));
      return NULL;
    }
  spin = g_new (Spin, 1);
  *spin = (Spin){ferry_monitor_ref (monitor), g_power_profile_monitor_dup_default (), balanced};
  closure = g_cclosure_new (G_CALLBACK (power_changed_cb), spin, spin_free);
  g_signal_connect_closure (spin->power, "notify::power-saver-enabled", g_closure_ref (closure), FALSE);
  g_closure_sink (closure);
  power_changed_cb (spin->power, NULL, spin);
  return closure;
}

void
ferry_latency_end (GClosure *self)
{
  g_closure_invalidate (self);
  g_closure_unref (self);
}
