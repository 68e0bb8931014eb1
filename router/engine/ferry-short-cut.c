/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The short cut: when the main loop drains the links itself, around its polls and in its dispatches, for how many links
 * it polls and spins, and what a thread does that waits for an answer. While there is little traffic, the main loop
 * drains the links itself, and a thread drains its own link before it waits for an answer. Each holds the drain lock
 * then. docs/engine.md says when they do, when lanes are armed, and who hears the doorbells. While threads wait for
 * answers a ring wakes the monitor, so that there always is a holder of the drain lock, which hands the answers over.
 *
 * Owner:   the monitor.
 * Threads: the router's thread; some functions any thread.
 * Model:   tests/model/drain-lock.pml. */

#include "config.h"

#include "engine/ferry-short-cut-private.h"

#include "engine/ferry-pingee-private.h"
#include "lane/ferry-wake-private.h"

/* How often a link is visited over which threads wait, until it is empty. */
#define VISITS_PER_SERVICE 4

/* The main loop spins only where it looks at no more links than this. */
#define MAX_LINKS_TO_SPIN_FOR 8

void
ferry_short_cut_init (FerryShortCut *self, FerryVisits *visits, FerryDrainLock *drain_lock, FerryPingee *pingee,
                      GMainContext *context)
{
  self->visits = visits;
  self->shared = visits->shared;
  self->drain_lock = drain_lock;
  self->pingee = pingee;
  self->context = context != NULL ? g_main_context_ref (context) : NULL;
}

void
ferry_short_cut_clear (FerryShortCut *self)
{
  g_clear_pointer (&self->context, g_main_context_unref);
}

/* drain lock: lets an active link with an empty lane rest, with the lane armed, if the main loop may drain it. */
static void
rest_light_link (FerryShortCut *self, FerryLink *link)
{
  if (!ferry_visits_is_light (link) || ferry_lane_reader_get_available (&link->up) > 0)
    return;
  /* A link that was activated after the last drain was not visited: its ring may have been for a cell. */
  if (!ferry_visits_is_ahead_of_fork_server (link))
    ferry_link_events_take_cells (&self->visits->events, link);
  ferry_visits_rest (self->visits, link);
}

/* ---- links over which threads wait for answers ---- */

/* drain lock: drains an active link, and lets it rest with its lane armed. Returns FALSE if the monitor must take the
 * drain lock: the main loop, or this thread, has other work. */
static gboolean
serve (FerryShortCut *self, FerryLink *link)
{
  for (guint i = 0; i < VISITS_PER_SERVICE && link->visit.is_active && ferry_visits_is_light (link); i++)
    {
      ferry_visits_visit (self->visits, link, TRUE);
      if (link->visit.is_active)
        rest_light_link (self, link);
    }
  return !link->visit.is_active && ferry_visits_need_no_monitor (self->visits);
}

/* router's thread, with the drain lock, before it goes on to other work: serves the links over which threads wait.
 * Returns FALSE if the monitor must take the drain lock. */
static gboolean
serve_awaited_links (FerryShortCut *self)
{
  gboolean served = TRUE;
  GList *node = self->shared->active.head;

  while (node != NULL)
    {
      GList *next = node->next;
      FerryLink *link = node->data;

      if (ferry_answer_waits_has_any (&link->waits))
        {
          const guint64 head = link->up.head;

          served &= serve (self, link);
          self->has_served |= link->up.head != head;
        }
      node = next;
    }
  return served;
}

/* ---- the monitor lends the drain lock ---- */

void
ferry_short_cut_lend_drain_lock (FerryShortCut *self)
{
  gint64 until = ferry_drain_get_tidy_time (self->visits->drain);

  ferry_drain_lock_lend (self->drain_lock);
  /* The main loop may be polling without the bells, and must poll again with them. */
  g_main_context_wakeup (self->context);
  ferry_shared_queue_sleep (self->shared, until != G_MAXINT64 ? until : FERRY_SLEEP);
  ferry_drain_lock_take_back (self->drain_lock);
  ferry_shared_queue_hear (self->shared, TRUE);
}

/* ---- the main loop drains ---- */

/* drain lock: begins to arm the empty lanes of all active links, with one barrier for those that need it. It would else
 * be one for each, in each iteration, also where they are quiet. */
static void
begin_arming (FerryShortCut *self)
{
  gboolean issued;
  guint n = 0;

  for (GList *node = self->shared->active.head; node != NULL; node = node->next)
    {
      FerryLink *link = node->data;

      if (ferry_visits_is_light (link) && ferry_lane_reader_get_available (&link->up) == 0 &&
          atomic_load_explicit (&link->up.control->writer.omits_barriers, memory_order_relaxed) != 0)
        n += ferry_lane_reader_begin_arming (&link->up);
    }
  if (n == 0)
    return;
  issued = ferry_barrier_issue ();
  for (GList *node = self->shared->active.head; node != NULL; node = node->next)
    ferry_lane_reader_note_barrier (&((FerryLink *) node->data)->up, issued);
}

/* router's thread, before the main loop polls: whether the main loop is to poll the bells. Arms the lanes. Sets *ready
 * to whether there are records already. */
static gboolean
begin_poll (FerryShortCut *self, gboolean *ready)
{
  GList *node;

  *ready = self->expects_drain;
  if (self->expects_drain || !ferry_drain_lock_acquire (self->drain_lock))
    return FALSE;
  self->drain_lock->is_unused = FALSE;
  begin_arming (self);
  node = self->shared->active.head;
  while (node != NULL)
    {
      GList *next = node->next;
      FerryLink *link = node->data;

      rest_light_link (self, link);
      node = next;
    }
  *ready = !g_queue_is_empty (&self->shared->active);
  /* Without a link there is nothing to hear. The monitor and the main loop both hear what comes until the next poll. */
  if (!*ready && !g_queue_is_empty (&self->shared->links))
    ferry_shared_queue_hear (self->shared, FALSE);
  ferry_drain_ping (self->visits->drain);
  ferry_drain_lock_release (self->drain_lock, !ferry_visits_need_no_monitor (self->visits));
  return !*ready;
}

/* Activates the links that rest, while the main loop works or spins. Their lanes are unarmed then, as if the main loop
 * had drained them. A worker that sends meanwhile does not ring, which would wake the monitor. A lane that gets full
 * rings still. all: also the links over which threads wait. */
static void
adopt_links (FerryShortCut *self, gboolean all)
{
  if (self->shared->links.length > MAX_LINKS_TO_SPIN_FOR || self->shared->links.length == self->shared->active.length)
    return;
  for (GList *node = self->shared->links.head; node != NULL; node = node->next)
    {
      FerryLink *link = node->data;

      if (link->state == FERRY_LINK_OPEN && !link->visit.is_active && !link->draining_done &&
          (all || !ferry_answer_waits_has_any (&link->waits)))
        {
          ferry_visits_set_ring_when_full (link, TRUE);
          ferry_lane_reader_disarm (&link->up);
          ferry_shared_queue_activate (self->shared, link);
        }
    }
}

/* router's thread, after the main loop has polled: whether there are records, or were. From now on, the monitor
 * hears them. If a lane is full, its ring may have been that of a writer that waits for room. So the monitor takes the
 * drain lock at once. */
static gboolean
end_poll (FerryShortCut *self, gboolean rang)
{
  gboolean ready;
  gboolean passes = FALSE;

  if (!ferry_drain_lock_acquire (self->drain_lock))
    return FALSE;
  if (rang)
    ferry_shared_queue_take_bells (self->shared);
  for (GList *node = self->shared->active.head; node != NULL; node = node->next)
    passes |= !ferry_lane_reader_look (&((FerryLink *) node->data)->up) || !ferry_visits_is_light (node->data);
  passes |= !serve_awaited_links (self);
  ready = !g_queue_is_empty (&self->shared->active) || self->has_served;
  if (!passes)
    adopt_links (self, FALSE);
  ferry_shared_queue_hear (self->shared, TRUE);
  ferry_drain_lock_release (self->drain_lock, passes);
  return ready;
}

void
ferry_short_cut_end_dispatch (FerryShortCut *self)
{
  if (ferry_drain_lock_acquire (self->drain_lock))
    ferry_drain_lock_release (self->drain_lock, !serve_awaited_links (self));
}

/* drain lock: whether an open link has records. Activates such a link, also one that is armed, with a ring that was not
 * heard yet. */
static gboolean
has_records (FerryShortCut *self)
{
  for (GList *node = self->shared->links.head; node != NULL; node = node->next)
    {
      FerryLink *link = node->data;

      if (link->state != FERRY_LINK_OPEN || link->draining_done)
        continue;
      /* A broken rule of the lane needs no handling here: the next visit finds it. */
      if (ferry_lane_reader_look (&link->up) && ferry_lane_reader_get_available (&link->up) == 0)
        continue;
      ferry_shared_queue_activate (self->shared, link);
      return TRUE;
    }
  return FALSE;
}

static gboolean
is_spin_over (gpointer data)
{
  FerryShortCut *self = data;

  return ferry_drain_lock_is_wanted (self->drain_lock) || has_records (self);
}

/* Counts anew. Returns whether the records that came since the latest spin belong to a conversation: a next one is
 * likely to come at once. */
static gboolean
restart_counts (FerryShortCut *self)
{
  gboolean converses = FALSE;

  for (GList *node = self->shared->active.head; node != NULL; node = node->next)
    {
      FerryLink *link = node->data;

      converses |= ferry_traffic_restart (&link->traffic, ferry_visits_count_sent (link));
    }
  return converses;
}

/* drain lock: polls the lanes. Returns whether there are records. */
static gboolean
spin (FerryShortCut *self)
{
  gboolean converses = restart_counts (self);
  gboolean arrived = FALSE;
  gboolean muted;

  if (ferry_spin_begin (&self->spin) && converses)
    {
      adopt_links (self, TRUE);
      /* Armed links ring, and then the monitor would take the drain lock. */
      muted = self->shared->links.length > self->shared->active.length;
      if (muted)
        ferry_shared_queue_hear (self->shared, FALSE);
      arrived = ferry_spin_poll (&self->spin, is_spin_over, self) && has_records (self);
      if (muted)
        ferry_shared_queue_hear (self->shared, TRUE);
    }
  return arrived;
}

/* router's thread: whether there are records, if the main loop drains now. */
static gboolean
look_for_records (gpointer data)
{
  FerryShortCut *self = data;
  gboolean arrived;

  if (!ferry_drain_lock_acquire (self->drain_lock))
    return FALSE;
  arrived = has_records (self);
  ferry_drain_lock_release (self->drain_lock, FALSE);
  return arrived;
}

gboolean
ferry_short_cut_spin (FerryShortCut *self)
{
  gboolean arrived = FALSE;

  ferry_spin_configure (&self->spin, atomic_load_explicit (&self->spin_setting, memory_order_relaxed));
  if (self->spin.yields)
    return ferry_spin_begin (&self->spin) && ferry_spin_poll (&self->spin, look_for_records, self);
  if (!ferry_drain_lock_acquire (self->drain_lock))
    return FALSE;
  if (self->shared->links.length <= MAX_LINKS_TO_SPIN_FOR)
    arrived = spin (self);
  ferry_drain_lock_release (self->drain_lock, FALSE);
  return arrived;
}

void
ferry_short_cut_expect_drain (FerryShortCut *self)
{
  self->expects_drain = TRUE;
}

void
ferry_short_cut_give_way (FerryShortCut *self)
{
  self->expects_drain = self->gives_way = TRUE;
}

/* Whether the main loop need not visit the link. Most links of an application are so at any time. */
static gboolean
is_quiet (FerryLink *link)
{
  return ferry_visits_is_light (link) && link->visit.told_attached && !link->visit.is_stalled &&
         link->visit.nap == NULL && !link->visit.is_muted && ferry_lane_reader_look (&link->up) &&
         ferry_lane_reader_get_available (&link->up) == 0 && !ferry_link_events_has_cells (link) &&
         (link->output == NULL || !ferry_output_is_ready (link->output));
}

/* drain lock: visits an active link for the main loop. Returns FALSE if the monitor must take the drain lock. */
static gboolean
visit_for_main_loop (FerryShortCut *self, FerryLink *link)
{
  if (is_quiet (link))
    return TRUE;
  ferry_visits_visit (self->visits, link, TRUE);
  ferry_traffic_settle (&link->traffic, ferry_visits_count_sent (link));
  return ferry_visits_is_light (link);
}

void
ferry_short_cut_drain (FerryShortCut *self, gboolean calls)
{
  gboolean passes = FALSE;
  gint64 tidy_time;
  GList *node;

  self->expects_drain = FALSE;
  if (!ferry_drain_lock_acquire (self->drain_lock))
    return;
  tidy_time = ferry_drain_get_tidy_time (self->visits->drain);
  if (self->drain_lock->is_unused)
    adopt_links (self, FALSE);
  self->drain_lock->is_unused = FALSE;
  if (!g_queue_is_empty (&self->shared->active) || self->has_served)
    ferry_spin_end (&self->spin);
  self->has_served = FALSE;
  /* The blocks are dispatched by the caller at once. */
  ferry_drain_set_pings (self->visits->drain, FALSE);
  node = self->shared->active.head;
  while (node != NULL)
    {
      GList *next = node->next;

      passes |= !visit_for_main_loop (self, node->data);
      node = next;
    }
  if (calls ||
      ferry_local_queue_get_n_pushed (self->visits->local) != ferry_local_queue_get_n_popped (self->visits->local))
    passes |= !serve_awaited_links (self);
  ferry_drain_ping (self->visits->drain);
  ferry_drain_set_pings (self->visits->drain, TRUE);
  /* A monitor that sleeps does not know of a timer that this drain has started. */
  passes |= ferry_drain_get_tidy_time (self->visits->drain) != tidy_time;
  ferry_drain_lock_release (self->drain_lock, passes || !ferry_visits_need_no_monitor (self->visits));
}

/* ---- a thread that waits for an answer ---- */

/* Arms the link's lane for a thread that waits, was counted among the answer waits, and is going to sleep: the main
 * loop may have left the lane unarmed. From now on it does not. */
static void
note_wait (FerryShortCut *self, FerryLink *link)
{
  gboolean passes = FALSE;
  gint64 tidy_time;

  if (!ferry_drain_lock_acquire (self->drain_lock))
    return;
  if (link->visit.is_active)
    {
      tidy_time = ferry_drain_get_tidy_time (self->visits->drain);
      passes = !serve (self, link);
      ferry_drain_ping (self->visits->drain);
      /* A monitor that sleeps does not know of a timer that this thread has started. */
      passes |= ferry_drain_get_tidy_time (self->visits->drain) != tidy_time;
    }
  ferry_drain_lock_release (self->drain_lock, passes);
}

void
ferry_short_cut_begin_wait (FerryShortCut *self, FerryLink *link, FerryAnswerWait *wait)
{
  if (ferry_answer_waits_add (&link->waits, wait))
    note_wait (self, link);
}

void
ferry_short_cut_end_wait (FerryLink *link, FerryAnswerWait *wait, gboolean waits, gint64 deadline,
                          GCancellable *cancellable)
{
  /* A thread that was handed its answer is in no list any more. */
  if (!waits || !ferry_completion_wait_or_take (wait->completion, deadline, cancellable))
    ferry_answer_waits_remove (&link->waits, wait);
  wait->is_listed = FALSE;
}

/* ---- the source ----
 *
 * It is never dispatched: it works around each poll, and pings the pingee where there is something to drain. The router
 * drains in the dispatch of the pingee, with its priority and ageing. The source has the highest priority, since GLib
 * omits sources of a lower priority than that of a ready one. */

typedef struct
{
  GSource source;
  GPollFD bells;
  gboolean polls;      /* bells is among what the main loop polls */
  gboolean gives_way;  /* this iteration is for other sources */
  FerryShortCut *self; /* (unowned): kept by owner */
  gpointer owner;      /* (owned) */
  GDestroyNotify unref;
} Source;

static gboolean
source_prepare (GSource *data, int *timeout)
{
  Source *source = (Source *) data;
  FerryShortCut *self = source->self;
  gboolean gives_way = self->gives_way;
  gboolean ready;
  gboolean polls = begin_poll (self, &ready);

  *timeout = gives_way ? 0 : -1;
  if (polls != source->polls && !ready)
    {
      source->polls = polls;
      if (polls)
        g_source_add_poll (data, &source->bells);
      else
        g_source_remove_poll (data, &source->bells);
    }
  source->gives_way = gives_way;
  self->gives_way = FALSE;
  if (ready && !gives_way)
    ferry_pingee_ping (self->pingee);
  return FALSE;
}

static gboolean
source_check (GSource *data)
{
  Source *source = (Source *) data;

  if (!source->gives_way && end_poll (source->self, (source->bells.revents & G_IO_IN) != 0))
    ferry_pingee_ping (source->self->pingee);
  return FALSE;
}

static void
source_finalize (GSource *data)
{
  Source *source = (Source *) data;

  source->unref (source->owner);
}

GSource *
ferry_short_cut_attach (FerryShortCut *self, gpointer keeps, GDestroyNotify unref)
{
  static GSourceFuncs funcs = {.prepare = source_prepare, .check = source_check, .finalize = source_finalize};
  GSource *data = g_source_new (&funcs, sizeof (Source));
  Source *source = (Source *) data;

  source->bells = (GPollFD){.fd = self->shared->bells, .events = G_IO_IN};
  source->self = self;
  source->owner = keeps;
  source->unref = unref;
  g_source_set_priority (data, G_MININT);
  g_source_set_static_name (data, "[ferry] short cut");
  g_source_attach (data, self->context);
  return data;
}
