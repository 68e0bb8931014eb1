/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The team of a worker. See ferry-team-private.h.
 *
 * One word says which thread has the lead: its lowest bits are a State, and the others count the handlers. A thread
 * takes the lead from another by a compare and exchange of that word, so that one handler is never taken for the next.
 * The thread that takes the lead acquires what the thread before it released: what that one has done as the receiving
 * thread.
 *
 * The follower goes to sleep as a reader of a lane does: it says so, and then looks at the lead once more. A thread
 * that begins a handler changes the lead first, and then looks whether the follower sleeps. These four accesses are
 * sequentially consistent, so at least one of the two sees what the other did. tests/model/lead.pml is the model.
 *
 * Locks: the team's own. Nothing is called with it held, but the start of a thread. */

#include "config.h"

#include "call/ferry-team-private.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/ferry-base-private.h"
#include "base/ferry-thread-private.h"

/* How often the follower looks, in microseconds, and after how many looks that found no new handler it sleeps. */
#define LOOK_TIME 1000
#define MAX_IDLE_LOOKS 10

/* The time in microseconds after which a thread that is not needed as a follower ends. */
#define IDLE_TIME (5 * G_USEC_PER_SEC)

typedef enum
{
  STATE_VACANT,    /* no thread has the lead */
  STATE_RECEIVING, /* a thread has it, and runs no handler that it could be replaced for */
  STATE_HANDLING,  /* a thread has it, and runs a handler: the follower may take it */
} State;

#define STATE_MASK 3
#define NEXT_HANDLER 4

struct _FerryTeam
{
  FerryTeamFunc receive; /* const, also the next field */
  gpointer data;

  _Atomic guint64 lead;     /* any */
  _Atomic guint n_waiting;  /* any: how many threads wait for the lead, or were started to do so */
  _Atomic gboolean watches; /* the follower looks at the lead now and then */

  pthread_mutex_t lock;
  pthread_cond_t changed;   /* for the follower: the lead is vacant, or a handler has begun while the follower slept */
  pthread_cond_t vacancy;   /* for the others that wait: there is no follower */
  pthread_cond_t beginning; /* for ferry_team_start() */
  gboolean has_follower;    /* lock */
  gboolean has_begun;       /* lock */
  gboolean is_over;         /* lock: nothing more can arrive */
};

/* What a thread of a team is doing. */
typedef struct
{
  FerryTeam *team; /* (unowned) (nullable): NULL for a thread of no team */
  gboolean has_lead;
  gboolean handles; /* runs a handler */
  guint64 lead;     /* while it handles: the word by which it has the lead, or could get it back */
} Member;

static _Thread_local Member member;

FerryTeam *
ferry_team_new (FerryTeamFunc receive, gpointer data)
{
  FerryTeam *self = g_new0 (FerryTeam, 1);

  self->receive = receive;
  self->data = data;
  pthread_mutex_init (&self->lock, NULL);
  ferry_cond_init (&self->changed);
  ferry_cond_init (&self->vacancy);
  ferry_cond_init (&self->beginning);
  return self;
}

gboolean
ferry_team_has_lead (FerryTeam *self)
{
  return member.team == self && member.has_lead;
}

/* Changes the lead, if it is as before. Acquires and releases what belongs to the receiving thread. */
static gboolean
exchange (FerryTeam *self, guint64 before, State state)
{
  return atomic_compare_exchange_strong_explicit (&self->lead, &before, (before & ~(guint64) STATE_MASK) | state,
                                                  memory_order_acq_rel, memory_order_relaxed);
}

/* ---- waiting for the lead ---- */

/* What the follower has seen. */
typedef struct
{
  guint64 lead;
  guint n_idle; /* looks in a row that found no new handler */
} Watch;

/* Tries to take the lead: at once where it is vacant, or from a thread that has run a handler since the last look. */
static gboolean
look (FerryTeam *self, Watch *watch)
{
  guint64 lead = atomic_load (&self->lead);
  gboolean is_same = lead == watch->lead;

  watch->n_idle = is_same ? watch->n_idle + 1 : 0;
  watch->lead = lead;
  return ((lead & STATE_MASK) == STATE_VACANT || (is_same && (lead & STATE_MASK) == STATE_HANDLING)) &&
         exchange (self, lead, STATE_RECEIVING);
}

static void
sleep_locked (FerryTeam *self, Watch *watch)
{
  if (watch->n_idle < MAX_IDLE_LOOKS)
    {
      ferry_cond_wait_until (&self->changed, &self->lock, ferry_deadline_after (LOOK_TIME));
      return;
    }
  atomic_store (&self->watches, FALSE);
  if (atomic_load (&self->lead) == watch->lead)
    pthread_cond_wait (&self->changed, &self->lock);
  atomic_store (&self->watches, TRUE);
  watch->n_idle = 0;
}

/* Waits for the lead as the follower. Returns FALSE when nothing more can arrive. */
static gboolean
follow_locked (FerryTeam *self)
{
  Watch watch = {0};

  self->has_follower = TRUE;
  atomic_store (&self->watches, TRUE);
  while (!self->is_over && !look (self, &watch))
    sleep_locked (self, &watch);
  self->has_follower = FALSE;
  pthread_cond_signal (&self->vacancy);
  return !self->is_over;
}

/* Waits until the team needs a follower. Returns FALSE when it was not needed for a while, or nothing more arrives. */
static gboolean
wait_for_vacancy_locked (FerryTeam *self)
{
  gint64 deadline = ferry_deadline_after (IDLE_TIME);
  gboolean in_time = TRUE;

  while (in_time && self->has_follower && !self->is_over)
    in_time = ferry_cond_wait_until (&self->vacancy, &self->lock, deadline);
  return !self->has_follower && !self->is_over;
}

static gboolean
wait_for_lead (FerryTeam *self)
{
  gboolean has_lead;
  FERRY_AUTO_LOCK (&self->lock);

  has_lead = wait_for_vacancy_locked (self) && follow_locked (self);
  atomic_fetch_sub_explicit (&self->n_waiting, 1, memory_order_relaxed);
  if (has_lead && !self->has_begun)
    {
      self->has_begun = TRUE;
      pthread_cond_broadcast (&self->beginning);
    }
  return has_lead;
}

/* ---- threads ---- */

static void
end (FerryTeam *self)
{
  FERRY_AUTO_LOCK (&self->lock);

  self->is_over = TRUE;
  pthread_cond_broadcast (&self->changed);
  pthread_cond_broadcast (&self->vacancy);
}

static gpointer
thread_main (gpointer data)
{
  FerryTeam *self = data;

  member.team = self;
  while (wait_for_lead (self))
    {
      member.has_lead = TRUE;
      self->receive (self->data);
      if (member.has_lead)
        {
          end (self);
          break;
        }
      atomic_fetch_add_explicit (&self->n_waiting, 1, memory_order_relaxed);
    }
  return NULL;
}

static gboolean
start_thread (FerryTeam *self, GError **error)
{
  g_autoptr (GThread) thread = NULL;

  atomic_fetch_add_explicit (&self->n_waiting, 1, memory_order_relaxed);
  thread = ferry_thread_try_new ("ferry-reader", "reading what the application sends", thread_main, self, error);
  if (thread == NULL)
    atomic_fetch_sub_explicit (&self->n_waiting, 1, memory_order_relaxed);
  return thread != NULL;
}

/* Waits, since the process may exit right after this, and leak checkers report a thread that is only half started. */
gboolean
ferry_team_start (FerryTeam *self, GError **error)
{
  FERRY_AUTO_LOCK (&self->lock);

  if (!start_thread (self, error))
    return FALSE;
  while (!self->has_begun)
    pthread_cond_wait (&self->beginning, &self->lock);
  return TRUE;
}

/* ---- handlers ---- */

/* Has the follower look at the lead now. */
static void
wake_follower (FerryTeam *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  pthread_cond_signal (&self->changed);
}

gboolean
ferry_team_may_handle (FerryTeam *self)
{
  if (!ferry_team_has_lead (self) || member.handles)
    return FALSE;
  /* Relaxed: a thread that waits does not end while it is the follower, and no other than this thread takes the lead
   * away meanwhile. */
  return atomic_load_explicit (&self->n_waiting, memory_order_relaxed) > 0 || start_thread (self, NULL);
}

void
ferry_team_begin_handler (FerryTeam *self, gboolean is_quick)
{
  /* Relaxed: only the thread with the lead changes it while it is STATE_RECEIVING. */
  guint64 lead = atomic_load_explicit (&self->lead, memory_order_relaxed);

  member.handles = TRUE;
  member.lead = (lead & ~(guint64) STATE_MASK) + NEXT_HANDLER + (guint64) (is_quick ? STATE_HANDLING : STATE_VACANT);
  atomic_store (&self->lead, member.lead);
  if (!is_quick || !atomic_load (&self->watches))
    wake_follower (self);
}

gboolean
ferry_team_end_handler (FerryTeam *self, gboolean *was_quick)
{
  const gboolean was_handling = (member.lead & STATE_MASK) == STATE_HANDLING;

  member.has_lead = exchange (self, member.lead, STATE_RECEIVING);
  *was_quick = member.has_lead || !was_handling;
  member.handles = FALSE;
  return member.has_lead;
}

gboolean
ferry_team_step_aside (FerryTeam *self)
{
  if (member.team != self || !member.handles)
    return FALSE;
  if ((member.lead & STATE_MASK) != STATE_HANDLING)
    return TRUE;
  if (exchange (self, member.lead, STATE_VACANT))
    {
      member.lead = (member.lead & ~(guint64) STATE_MASK) | STATE_VACANT;
      wake_follower (self);
    }
  return TRUE;
}
