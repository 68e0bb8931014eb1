/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The visits to links: a visit takes output, cells and records of a link, and decides what happens to its lane then: it
 * is armed, naps, or is stalled. Says whether the monitor may lend the drain lock.
 *
 * An active link is visited in turn. An event of its doorbell, control socket, output or process makes a link active.
 * The records of a link are not taken, for one of these reasons:
 * - Its worker has not attached. The lane is unarmed.
 * - Its lane is empty and armed. The link is not active until the writer rings.
 * - It naps: the lane is unarmed for 50 µs, to fill. It is muted as well if it was found empty too often.
 * - It naps long, for 1 ms: it rang in vain, or a barrier that it needs failed.
 * - It is stalled, as its share of blocks or of memory is in use, or another thread copies or checks a buffer, or has
 *   the names looked up of where its worker crashed. It is active again when blocks or memory are given back, or that
 *   thread is done.
 *
 * Links that begin to nap while others do wake with them. A link that naps or is stalled is active for its output and
 * its cells only. After a fault nothing is taken any more, and the link waits for the end of its process. While the
 * drain lock is lent, a lane that was emptied stays unarmed until the main loop polls, unless threads wait for answers
 * over it.
 *
 * Owner:   the monitor.
 * Threads: that which holds the drain lock; only the monitor's thread revives stalled links and ends naps. */

#include "config.h"

#include "engine/ferry-visits-private.h"

#include "engine/ferry-exit-private.h"
#include "engine/ferry-shared-queue-private.h"

gboolean
ferry_visits_init (FerryVisits *self, FerrySharedQueue *shared, FerryDrainLock *drain_lock, FerryPingee *pingee,
                   FerryMemoryAccount *account, gsize local_queue_limit, gint64 spare_time, GError **error)
{
  self->drain_lock = drain_lock;
  self->shared = shared;
  self->local = ferry_local_queue_new (self->shared, account, local_queue_limit, error);
  if (self->local == NULL)
    return FALSE;
  self->drain = ferry_drain_new (self->shared, self->local, pingee, spare_time);
  self->events = (FerryLinkEvents){self->local, self->drain};
  return TRUE;
}

void
ferry_visits_clear (FerryVisits *self)
{
  g_clear_pointer (&self->drain, ferry_drain_free);
  g_clear_pointer (&self->local, ferry_local_queue_unref);
  g_clear_pointer (&self->shared, ferry_shared_queue_free);
}

/* ---- the end of a link ---- */

void
ferry_visits_close_pipes (FerryLink *link, FerryPipeWord word)
{
  for (guint i = 0; i == 0 || i < link->connection_ids->len; i++)
    ferry_link_set_pipe_word (link, i, word);
  ferry_link_wake_writers (link);
}

void
ferry_visits_end_given (FerryVisits *self, FerryLink *link, FerryExit *exit)
{
  if (exit == NULL)
    ferry_link_note (link, FERRY_CLOSE_REASON_STOPPED, NULL);
  else if (link->given_exit == NULL)
    link->given_exit = g_object_ref (exit);
  ferry_shared_queue_end_given (self->shared, link);
}

/* Ends the links of the senders that the worker of a link was given, and that no task has. */
static void
end_bound_links (FerryVisits *self, FerryLink *worker, FerryExit *exit)
{
  for (GList *node = self->shared->links.head; node != NULL; node = node->next)
    {
      FerryLink *link = node->data;

      if (link->bound && link->worker == worker)
        ferry_visits_end_given (self, link, exit);
    }
}

/* The end of a fork server is told before the ends of the workers that it was asked to fork and did not. */
void
ferry_visits_tell_end (FerryVisits *self, FerryLink *link)
{
  g_autoptr (FerryExit) given = g_steal_pointer (&link->given_exit);
  g_autoptr (FerryExit) exit =
    given != NULL && link->cause == FERRY_NO_CAUSE ? g_steal_pointer (&given) : ferry_exit_new_for_link (link);

  ferry_link_events_tell_ended (&self->events, link, exit);
  self->n_bound -= link->bound;
  if (self->n_bound > 0 && !link->bound)
    end_bound_links (self, link, exit);
  if (link->fork_server != NULL)
    ferry_fork_server_link_finish (self->shared, link, ferry_exit_get_message (exit));
}

void
ferry_visits_finish (FerryVisits *self, FerryLink *link)
{
  g_autoptr (FerryLink) kept G_GNUC_UNUSED = ferry_link_ref (link);

  if (link->cause == FERRY_CLOSE_REASON_PROTOCOL_ERROR)
    atomic_fetch_add_explicit (&self->n_faults, 1, memory_order_relaxed);
  /* Output may be left, for example when the router stops. */
  ferry_link_events_take_last_output (&self->events, link);
  ferry_drain_revoke (self->drain, link);
  ferry_shared_queue_remove (self->shared, link);
  ferry_visits_close_pipes (link, self->is_stopping ? FERRY_PIPE_WORD_ROUTER_STOPPED : FERRY_PIPE_WORD_LINK_ENDED);
  /* The link's memory is freed when the router's thread handles the end: see end_link() in ferry-dispatch.c. */
  ferry_visits_tell_end (self, link);
}

void
ferry_visits_end_if_local (FerryVisits *self, FerryLink *link)
{
  if (link->local && link->n_done == link->connection_ids->len)
    ferry_shared_queue_apply (self->shared, link, FERRY_LINK_FINISHED, NULL);
}

/* ---- naps ---- */

static FerryTrafficView
view_traffic (FerryLink *link)
{
  return (FerryTrafficView){
    .now = g_get_monotonic_time (),
    .head = link->up.head,
    .n_sent = ferry_visits_count_sent (link),
    .n_held = link->traffic.buffer_bytes > 0 ? ferry_arena_count_held (link->arena) : 0,
  };
}

static void
begin_nap (FerryVisits *self, FerryLink *link, FerryNap *nap, const FerryTrafficView *view)
{
  ferry_traffic_note_rest (&link->traffic, view);
  /* Only where its arming was begun. A writer that finds it disarmed anew counts its records anew, and would
   * not omit barriers in a flood. */
  if (link->up.is_begun)
    ferry_lane_reader_disarm (&link->up);
  ferry_shared_queue_deactivate (self->shared, link);
  if (g_queue_is_empty (&nap->links))
    nap->until = view->now + (nap == &self->short_nap ? FERRY_SHORT_NAP_MICROSECONDS : FERRY_LONG_NAP_MICROSECONDS);
  g_queue_push_tail (&nap->links, link);
  link->visit.nap = &nap->links;
}

static void
end_nap (FerryVisits *self, FerryNap *nap, gint64 now)
{
  FerryLink *link;

  while (now >= nap->until && (link = g_queue_pop_head (&nap->links)) != NULL)
    {
      link->visit.nap = NULL;
      ferry_shared_queue_set_muted (self->shared, link, FALSE);
      ferry_shared_queue_activate (self->shared, link);
    }
}

void
ferry_visits_end_naps (FerryVisits *self)
{
  gint64 now;

  if (g_queue_is_empty (&self->short_nap.links) && g_queue_is_empty (&self->long_nap.links))
    return;
  now = g_get_monotonic_time ();
  end_nap (self, &self->short_nap, now);
  end_nap (self, &self->long_nap, now);
}

void
ferry_visits_wake (FerryVisits *self, FerryLink *link)
{
  if (link->visit.nap == NULL)
    return;
  g_queue_remove (link->visit.nap, link);
  link->visit.nap = NULL;
}

/* Begins a short nap of a busy link. Its lane was drained up to the record that is being written. A reader this close
 * gets small blocks, and takes away the cache lines that the writer uses. */
static void
nap_if_busy (FerryVisits *self, FerryLink *link)
{
  const FerryTrafficView view = view_traffic (link);

  if (link->state == FERRY_LINK_OPEN && ferry_traffic_is_busy (&link->traffic, &view))
    begin_nap (self, link, &self->short_nap, &view);
}

static void
count_waiting (FerryVisits *self)
{
  guint n = g_queue_get_length (&self->stalled);

  atomic_store_explicit (&self->n_waiting, n, memory_order_relaxed);
  if (n > atomic_load_explicit (&self->most_waiting, memory_order_relaxed))
    atomic_store_explicit (&self->most_waiting, n, memory_order_relaxed);
}

static void
stall (FerryVisits *self, FerryLink *link)
{
  ferry_shared_queue_deactivate (self->shared, link);
  link->visit.is_stalled = TRUE;
  g_queue_push_tail (&self->stalled, link);
  count_waiting (self);
}

/* ---- where a worker crashed ----
 *
 * The end of a link is held until the names are looked up, so that whoever hears of it has the whole text. */

static gboolean
must_look_up_names (FerryLink *link)
{
  FerryCrashReport *crash = link->process.crash;

  return crash != NULL && link->process.symbolize != NULL && !ferry_crash_report_was_begun (crash) &&
         !ferry_crash_report_is_stale (crash, ferry_link_get_begun_call (link));
}

/* any */
static void
names_were_looked_up (gpointer queue)
{
  ferry_local_queue_ring (queue);
  ferry_local_queue_unref (queue);
}

static void
look_up_names (FerryVisits *self, FerryLink *link)
{
  ferry_crash_report_resolve (link->process.crash, link->process.symbolize, names_were_looked_up,
                              ferry_local_queue_ref (self->local));
  stall (self, link);
}

/* ---- rest ---- */

void
ferry_visits_set_ring_when_full (FerryLink *link, gboolean rings)
{
  if (link->visit.rings_when_full == rings)
    return;
  link->visit.rings_when_full = rings;
  /* Relaxed: a writer that finds the lane armed, which it does by an acquire, sees what was stored before. */
  atomic_store_explicit (&link->up.control->wake.ring_when_full, rings ? 1 : 0, memory_order_relaxed);
}

/* Arms the link's lane. Returns whether the link may rest: no record came meanwhile, and the writer rings for the
 * next. */
static gboolean
arm (FerryLink *link)
{
  return ferry_lane_reader_arm (&link->up) && ferry_lane_reader_get_available (&link->up) == 0 && link->up.is_armed;
}

static void
arm_and_rest (FerryVisits *self, FerryLink *link, const FerryTrafficView *view)
{
  ferry_traffic_note_rest (&link->traffic, view);
  ferry_visits_set_ring_when_full (link, self->lends);
  if (arm (link))
    ferry_shared_queue_deactivate (self->shared, link);
  /* The worker omits barriers, and this process has forbidden itself the barrier since the link was made. */
  else if (G_UNLIKELY (!link->up.is_armed && ferry_lane_reader_get_available (&link->up) == 0))
    begin_nap (self, link, &self->long_nap, view);
}

static void
rest_running (FerryVisits *self, FerryLink *link)
{
  const FerryTrafficView view = view_traffic (link);
  FerryRest rest = FERRY_REST_ARMED;

  if (ferry_traffic_carries_many (&link->traffic, view.n_sent) || ferry_traffic_rings_in_vain (&link->traffic))
    ferry_drain_lock_keep (self->drain_lock, view.now);
  if (link->state == FERRY_LINK_OPEN)
    rest = ferry_traffic_choose_rest (&link->traffic, &view);
  if (rest == FERRY_REST_ARMED)
    {
      arm_and_rest (self, link, &view);
      return;
    }
  if (rest != FERRY_REST_SHORT_NAP)
    {
      ferry_shared_queue_set_muted (self->shared, link, TRUE);
      ferry_drain_lock_keep (self->drain_lock, view.now);
    }
  begin_nap (self, link, rest == FERRY_REST_LONG_MUTED ? &self->long_nap : &self->short_nap, &view);
}

void
ferry_visits_rest (FerryVisits *self, FerryLink *link)
{
  if (link->state == FERRY_LINK_OPEN)
    ferry_visits_end_if_local (self, link);
  if (link->state == FERRY_LINK_ENDED && must_look_up_names (link))
    look_up_names (self, link);
  else if (link->state == FERRY_LINK_ENDED)
    ferry_visits_finish (self, link);
  else if (link->draining_done)
    /* The link is closed for a fault, and its process has not ended yet. */
    ferry_shared_queue_deactivate (self->shared, link);
  else
    rest_running (self, link);
}

/* ---- stalls ---- */

gboolean
ferry_visits_may_go_on (FerryVisits *self, FerryLink *link)
{
  /* Then nothing of it is left but its end. */
  if (link->process.crash != NULL && ferry_crash_report_was_begun (link->process.crash))
    return ferry_crash_report_is_done (link->process.crash);
  return ferry_local_queue_has_room (self->local, link) && ferry_drain_checks_are_over (link) &&
         (!link->visit.wants_memory || ferry_local_queue_has_memory (self->local, link));
}

static void
revive (FerryVisits *self)
{
  GList *node = self->stalled.head;

  while (node != NULL)
    {
      GList *next = node->next;
      FerryLink *link = node->data;

      if (ferry_visits_may_go_on (self, link))
        {
          link->visit.is_stalled = FALSE;
          g_queue_delete_link (&self->stalled, node);
          count_waiting (self);
          ferry_shared_queue_activate (self->shared, link);
        }
      node = next;
    }
}

void
ferry_visits_revive (FerryVisits *self)
{
  revive (self);
  if (!g_queue_is_empty (&self->shared->active) || g_queue_is_empty (&self->stalled))
    return;
  ferry_local_queue_arm (self->local);
  revive (self);
}

void
ferry_visits_forget (FerryVisits *self)
{
  g_queue_clear (&self->stalled);
  atomic_store_explicit (&self->n_waiting, 0, memory_order_relaxed);
  g_queue_clear (&self->short_nap.links);
  g_queue_clear (&self->long_nap.links);
}

/* ---- a visit ---- */

gboolean
ferry_visits_is_ahead_of_fork_server (FerryLink *link)
{
  return link->state == FERRY_LINK_OPEN && link->process.parent == FERRY_PARENT_ASKED;
}

static void
take_records (FerryVisits *self, FerryLink *link, FerryDrainResult output, gboolean is_lent)
{
  switch (ferry_drain_visit (self->drain, link))
    {
    case FERRY_DRAIN_EMPTY:
      if (output == FERRY_DRAIN_EMPTY && !is_lent)
        ferry_visits_rest (self, link);
      break;
    case FERRY_DRAIN_STALLED:
      stall (self, link);
      if (output == FERRY_DRAIN_MORE)
        ferry_shared_queue_activate (self->shared, link);
      break;
    case FERRY_DRAIN_CAUGHT_UP:
      nap_if_busy (self, link);
      break;
    default:
      break;
    }
}

static void
visit_awake (FerryVisits *self, FerryLink *link, gboolean is_lent)
{
  FerryDrainResult output;

  ferry_link_events_tell_launched (&self->events, link);
  output = ferry_link_events_take_output (&self->events, link);
  if (output == FERRY_DRAIN_STALLED)
    {
      stall (self, link);
      return;
    }
  if (link->state == FERRY_LINK_ATTACHING || ferry_visits_is_ahead_of_fork_server (link))
    {
      if (output == FERRY_DRAIN_EMPTY || link->state != FERRY_LINK_ATTACHING)
        ferry_shared_queue_deactivate (self->shared, link);
      return;
    }
  if (link->state == FERRY_LINK_OPEN && !link->local)
    ferry_link_events_tell_attached (&self->events, link);
  take_records (self, link, output, is_lent);
}

void
ferry_visits_visit (FerryVisits *self, FerryLink *link, gboolean is_lent)
{
  if (!is_lent)
    ferry_visits_set_ring_when_full (link, FALSE);
  /* Before the lane is drained: a cell's value is reported before the records that were written after it. */
  if (!ferry_visits_is_ahead_of_fork_server (link))
    ferry_link_events_take_cells (&self->events, link);
  if (link->visit.nap == NULL)
    ferry_shared_queue_set_muted (self->shared, link, FALSE);
  if (!link->visit.is_stalled && link->visit.nap == NULL)
    visit_awake (self, link, is_lent);
  else if (ferry_link_events_take_output (&self->events, link) != FERRY_DRAIN_MORE)
    ferry_shared_queue_deactivate (self->shared, link);
}

/* ---- what is left for the monitor ---- */

gboolean
ferry_visits_need_no_monitor (FerryVisits *self)
{
  return g_queue_is_empty (&self->stalled) && g_queue_is_empty (&self->short_nap.links) &&
         g_queue_is_empty (&self->long_nap.links) && !self->is_marked &&
         ferry_deadlines_get_n (&self->shared->deadlines) == 0 && !self->is_stopping;
}

gboolean
ferry_visits_may_lend (FerryVisits *self)
{
  return self->lends && ferry_visits_need_no_monitor (self) && !ferry_drain_lock_is_needed (self->drain_lock);
}

gint64
ferry_visits_get_waking_time (FerryVisits *self)
{
  gint64 until = ferry_drain_get_tidy_time (self->drain);

  if (!g_queue_is_empty (&self->short_nap.links))
    until = MIN (until, self->short_nap.until);
  if (!g_queue_is_empty (&self->long_nap.links))
    until = MIN (until, self->long_nap.until);
  if (ferry_visits_may_lend (self))
    until = MIN (until, self->drain_lock->keep_until);
  return until != G_MAXINT64 ? until : FERRY_SLEEP;
}

gboolean
ferry_visits_is_light (FerryLink *link)
{
  return link->state == FERRY_LINK_OPEN && !link->draining_done && !ferry_link_is_taking (link) &&
         !ferry_traffic_carries_many (&link->traffic, ferry_visits_count_sent (link)) &&
         ferry_lane_reader_get_available (&link->up) < FERRY_BLOCK_SIZE &&
         !ferry_traffic_rings_in_vain (&link->traffic);
}
