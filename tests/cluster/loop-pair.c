/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "cluster/loop-pair.h"

#include "base/ferry-mailbox-private.h"
#include "route/ferry-router-private.h"

typedef struct
{
  gint references; /* of the other end's wire, and of each post */
  GMainContext *context;
  FerryTimers *timers; /* (owned): so that a test knows whether the router has any */
  GWeakRef session;
  GQueue packets; /* (owned) (element-type GBytes): that came, and were not received */
  gboolean is_held;
} End;

static void
end_unref (gpointer data)
{
  End *self = data;

  if (--self->references > 0)
    return;
  g_queue_clear_full (&self->packets, (GDestroyNotify) g_bytes_unref);
  g_weak_ref_clear (&self->session);
  ferry_timers_free (self->timers);
  g_free (self);
}

static void
receive (gpointer data)
{
  End *self = data;
  g_autoptr (FerrySession) session = g_weak_ref_get (&self->session);
  GBytes *packet;

  while (!self->is_held && (packet = g_queue_pop_head (&self->packets)) != NULL)
    {
      if (session != NULL)
        ferry_session_receive (session, g_bytes_get_data (packet, NULL), g_bytes_get_size (packet));
      g_bytes_unref (packet);
    }
}

static void
receive_soon (End *self)
{
  self->references++;
  ferry_mailbox_post (self->context, receive, self, end_unref);
}

static void
send_packet (gpointer data, GBytes *packet)
{
  End *to = data;

  g_queue_push_tail (&to->packets, g_bytes_ref (packet));
  if (to->packets.length == 1)
    receive_soon (to);
}

static const FerryWire wire = {.send = send_packet, .free = end_unref};

static End *
end_new (FerryRouter *router)
{
  End *self = g_new0 (End, 1);

  self->references = 1;
  self->context = router->context;
  self->timers = ferry_timers_new (router->context);
  g_queue_init (&self->packets);
  g_weak_ref_init (&self->session, NULL);
  return self;
}

static FerrySession *
open_session (FerryRouter *router, End *own, End *to)
{
  FerrySession *session = ferry_session_new (&wire, to, own->timers, router->context, NULL);

  g_weak_ref_set (&own->session, session);
  own->references++;
  g_object_set_data_full (G_OBJECT (session), "end", own, end_unref);
  return session;
}

void
loop_pair_new (FerryRouter *router, FerrySession **one, FerrySession **other)
{
  End *ends[2] = {end_new (router), end_new (router)};

  *one = open_session (router, ends[0], ends[1]);
  *other = open_session (router, ends[1], ends[0]);
}

void
loop_pair_hold (FerrySession *end, gboolean held)
{
  End *self = g_object_get_data (G_OBJECT (end), "end");

  self->is_held = held;
  receive_soon (self);
}
