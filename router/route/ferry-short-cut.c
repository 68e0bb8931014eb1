/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A source that is never dispatched. Before each poll of the main loop it arms the lanes, and adds the bells to what is
 * polled. After each poll it takes the bells that have rung, and pings the pingee where there is something to drain.
 * The router drains in the dispatch of the pingee, with its priority and ageing.
 *
 * The source has the highest priority, since GLib omits sources whose priority is lower than that of a ready one. So
 * the monitor hears the bells whenever the main loop does not poll. */

#include "config.h"

#include "route/ferry-short-cut-private.h"

typedef struct
{
  GSource source;
  GPollFD bells;
  gboolean polls;        /* bells is among what the main loop polls */
  FerryMonitor *monitor; /* (owned) */
  FerryPingee *pingee;   /* (owned) */
} ShortCut;

static gboolean
prepare (GSource *source, int *timeout)
{
  ShortCut *self = (ShortCut *) source;
  gboolean polls;
  gboolean ready;

  *timeout = -1;
  polls = ferry_monitor_begin_poll (self->monitor, &ready);
  if (polls != self->polls && !ready)
    {
      self->polls = polls;
      self->bells.revents = 0;
      if (polls)
        g_source_add_poll (source, &self->bells);
      else
        g_source_remove_poll (source, &self->bells);
    }
  if (ready)
    ferry_pingee_ping (self->pingee);
  return FALSE;
}

static gboolean
check (GSource *source)
{
  ShortCut *self = (ShortCut *) source;

  if (ferry_monitor_end_poll (self->monitor, (self->bells.revents & G_IO_IN) != 0))
    ferry_pingee_ping (self->pingee);
  return FALSE;
}

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  g_assert_not_reached ();
}

static void
finalize (GSource *source)
{
  ShortCut *self = (ShortCut *) source;

  ferry_monitor_unref (self->monitor);
  ferry_pingee_unref (self->pingee);
}

static GSourceFuncs funcs = {.prepare = prepare, .check = check, .dispatch = dispatch, .finalize = finalize};

GSource *
ferry_short_cut_attach (GMainContext *context, FerryMonitor *monitor, FerryPingee *pingee)
{
  GSource *source = g_source_new (&funcs, sizeof (ShortCut));
  ShortCut *self = (ShortCut *) source;

  self->monitor = ferry_monitor_ref (monitor);
  self->pingee = ferry_pingee_ref (pingee);
  self->bells = (GPollFD){.fd = ferry_monitor_get_bells (monitor), .events = G_IO_IN};
  g_source_set_priority (source, G_MININT);
  g_source_set_static_name (source, "[ferry] short cut");
  g_source_attach (source, context);
  return source;
}
