/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: engine/ferry-drain-lock.c, engine/ferry-short-cut.c, engine/ferry-monitor.c
 *
 * The drain lock, which the monitor, the main loop and a thread that waits pass to each other, for spin to search to
 * exhaustion.
 *
 * A writer sends MESSAGES records through a lane with room for CAPACITY, and at some time sets the value of a cell. The
 * monitor or the main loop takes them, and the main loop dispatches them, at once or after work of higher priority. At
 * any time an event of another kind, such as the end of a process, may wake the monitor, or another thread may acquire
 * the drain lock, and the main loop gives up waiting for it: there are EVENTS of both. After any poll, and in any
 * dispatch, the main loop may begin work that never ends. At any time a thread may begin to wait for answers, which are
 * among the records: who takes them hands them over. The thread acquires the drain lock for a moment, takes what has
 * come and arms the lane. The claims, when nothing can move any more:
 * - the writer has sent all records, and all and the cell's value were dispatched, or the main loop is busy for good;
 * - all records were taken, even so, if a thread waits;
 * - never do two threads drain at once.
 *
 * The wake-up protocol of the lane itself is in wake.pml, with the order of memory. Here each step of a thread that
 * holds the drain lock is one step, as are a record with its ring, and an arming with its look at the tail: wake.pml
 * shows that they may be taken as such. Steps that change only what the drain lock protects, or what only one thread
 * looks at, are joined.
 *
 * What stands for what: bell is a ring that epoll keeps in the set of the bells; hears says whether that set wakes the
 * monitor; polls, whether it wakes the main loop. woken is the eventfd of the monitor, roused that of the main
 * loop, and pinged the pingee.
 *
 * The macros weaken one step each, and then the search must find an error, with the macros in parentheses:
 *
 *   NO_LOCK              the main loop acquires the drain lock without its lock
 *   STAYS_DEAF           the monitor does not listen to the bells after it has taken the drain lock
 *   BUSY_AND_DEAF        the monitor does not hear the bells while the main loop works
 *   POLLS_UNARMED        the main loop polls without arming the lane
 *   TRUSTS_EMPTY_LANE    the main loop does not look at the lane again after it has armed it
 *   LENDS_ACTIVE         the monitor lends the drain lock while a link is active
 *   ARMS_QUIETLY         (CAPACITY=2,MESSAGES=3,EVENTS=0) arming a lane does not make its writer ring when it is full
 *   KEEPS_FULL_LANE      the main loop keeps the drain lock where it has taken the ring for a lane that is full
 *   ADOPTS_QUIETLY       the writer of a link that the main loop adopts does not ring when its lane is full
 *   RESTS_UNVISITED      the main loop arms a lane without a look at the cells of the link
 *   SPINS_DEAF           the monitor does not hear the bells after the main loop has spun
 *   ADOPTS_AWAITED       the main loop adopts the link although a thread waits
 *   DISPATCHES_UNARMED   the main loop calls handlers with the lane unarmed although a thread waits
 *   POLLED_UNARMED       (CAPACITY=2,MESSAGES=3,EVENTS=0) the same for other work after a poll
 *   LEAVES_UNARMED       the same for other work after a dispatch
 *   SLEEPS_UNARMED       a thread that begins to wait does not arm the lane
 *   MISSED_QUIETLY       the main loop goes on without the drain lock, and does not wake the monitor
 *   WAITS_SILENTLY       the writer waits for room without a ring */

#ifndef MESSAGES
#define MESSAGES 2
#endif
#ifndef CAPACITY
#define CAPACITY 1
#endif
#ifndef EVENTS
#define EVENTS 1
#endif

byte lane, taken, queued, dispatched, draining;
bool armed = true, is_active, bell, drain_lock, by_main, hears = true, rings_when_full = true, woken, pinged, roused;
bool busy, sent, cell, cell_queued, cell_dispatched, awaited;

inline begin_drain ()
{
  draining++;
  assert (draining == 1)
}

inline end_drain ()
{
  draining--
}

/* Moves what is in the lane into the local queue. */
inline take_records ()
{
  cell_queued = cell_queued || cell;
  cell = false;
  queued = queued + lane;
  taken = taken + lane;
  lane = 0
}

/* Arms the empty lane of an active link, and looks at it once more. */
inline rest ()
{
  if
  :: lane == 0 ->
#ifndef ARMS_QUIETLY
     rings_when_full = true;
#endif
     armed = true; is_active = false
  :: else
  fi
}

/* Makes a resting link active, so that its writer does not ring while the main loop works; or does not, where there are
 * many links. */
inline adopt ()
{
  if
#ifdef ADOPTS_AWAITED
  :: armed && !is_active ->
#else
  :: armed && !is_active && !awaited ->
#endif
#ifndef ADOPTS_QUIETLY
     rings_when_full = true;
#else
     rings_when_full = false;
#endif
     armed = false; is_active = true
  :: true
  fi
}

/* Takes the records of a link over which a thread waits, and arms its lane. */
inline serve ()
{
  if
  :: awaited && is_active -> take_records (); pinged = (pinged || queued > 0 || cell_queued); rest ()
  :: else
  fi
}

/* Acquires the drain lock. */
#ifdef NO_LOCK
#define ACQUIRE by_main
#define LEAVE skip
#else
#define ACQUIRE atomic { by_main && !drain_lock -> drain_lock = true }
#define LEAVE drain_lock = false
#endif

/* A thread that has lost its processor keeps the drain lock, and the main loop goes on without it. */
#ifdef MISSED_QUIETLY
#define GIVE_UP by_main && drain_lock
#else
#define GIVE_UP atomic { by_main && drain_lock -> woken = true }
#endif

/* An event wakes the monitor, or another thread acquires the drain lock. */
active proctype events ()
{
  byte n;

end_events:
  do
  :: atomic { n < EVENTS -> n++; woken = true }
  :: atomic { n < EVENTS && by_main && !drain_lock -> n++; drain_lock = true };
     drain_lock = false
  od
}

active proctype waiter ()
{
  if
  :: true -> skip
  :: true -> goto done
  fi;
  awaited = true;
#ifndef SLEEPS_UNARMED
  if
  :: ACQUIRE ->
     atomic { serve () };
     LEAVE
  :: !by_main
  :: GIVE_UP
  fi;
#endif
done:
  skip
}

active proctype writer ()
{
  byte n;

  do
  :: n == MESSAGES -> break
  :: n < MESSAGES ->
    if
    :: atomic { lane < CAPACITY -> lane++; n++;
         if
         :: armed -> armed = false; bell = true
         :: else
         fi }
    :: atomic { lane == CAPACITY ->
#ifndef WAITS_SILENTLY
         if
         :: rings_when_full -> bell = true
         :: else
         fi
#endif
       }
       lane < CAPACITY
    fi
  od;
  sent = true
}

active proctype cell_writer ()
{
  atomic { cell = true; bell = true }
}

active proctype monitor ()
{
  atomic { !drain_lock -> drain_lock = true };
  do
  :: atomic {
       begin_drain ();
       if
       :: bell -> bell = false; is_active = true
       :: else
       fi };
     if
     :: is_active ->
        atomic { rings_when_full = false; take_records (); pinged = (pinged || queued > 0 || cell_queued) };
        atomic { rest () }
     :: else
     fi;
     end_drain ();
     if
#ifdef LENDS_ACTIVE
     :: true ->
#else
     :: !is_active ->
#endif
        /* Lends the drain lock, and sleeps. */
        atomic { by_main = true; drain_lock = false; roused = true };
end_lent:
        atomic { woken || (hears && bell) -> woken = false };
        by_main = false;
        atomic { !drain_lock -> drain_lock = true;
#ifndef STAYS_DEAF
          hears = true
#endif
        }
     :: !is_active ->
        /* Keeps the drain lock, and sleeps. */
end_kept:
        atomic { woken || (hears && bell) -> woken = false }
     :: is_active
     fi
  od
}

active proctype loop ()
{
  bool ready, polls, arrived;

  do
  :: /* Before the poll. */
     if
     :: ACQUIRE ->
#ifdef TRUSTS_EMPTY_LANE
        if
        :: is_active && lane == 0 -> armed = true; is_active = false
        :: else
        fi;
#else
#ifndef POLLS_UNARMED
        atomic {
          if
          :: is_active && lane == 0 ->
#ifndef RESTS_UNVISITED
             cell_queued = cell_queued || cell;
             pinged = (pinged || cell);
             cell = false;
#endif
             rest ()
          :: else
          fi;
          ready = is_active };
#endif
#endif
        atomic {
          if
          :: ready -> pinged = true; ready = false
          :: else -> hears = false; polls = true
          fi };
        LEAVE
     :: !by_main
     :: GIVE_UP
     fi;
end_poll:
     atomic { pinged || roused || (polls && bell) -> roused = false };
     /* After the poll. */
     if
     :: ACQUIRE ->
        atomic {
          if
          :: polls && bell -> bell = false; is_active = true
          :: else
          fi;
          pinged = (pinged || is_active) };
#ifndef POLLED_UNARMED
        atomic { serve () };
#endif
        if
        :: is_active && lane == CAPACITY -> skip
        :: else -> atomic { adopt () }
        fi;
#ifndef BUSY_AND_DEAF
        hears = true;
#endif
#ifndef KEEPS_FULL_LANE
        atomic {
          if
          :: is_active && lane == CAPACITY -> by_main = false; woken = true
          :: else
          fi };
#endif
        LEAVE
     :: !by_main
     :: GIVE_UP
     fi;
     polls = false;
     if
     :: break
     :: true
     fi;
     if
     :: pinged -> pinged = false;
acquire:
        if
        :: ACQUIRE ->
           atomic { adopt () };
           if
           :: is_active ->
              atomic { begin_drain () };
              atomic { take_records () };
              end_drain ();
              if
              :: atomic { by_main = false; woken = true }
              :: true
              fi
           :: else
           fi;
#ifndef DISPATCHES_UNARMED
           atomic {
             if
             :: by_main && (queued > 0 || cell_queued) -> serve ()
             :: else
             fi };
#endif
           LEAVE
        :: !by_main
        :: GIVE_UP
        fi;
        if
        :: queued > 0 || cell_queued -> break
        :: true
        fi;
        atomic { dispatched = dispatched + queued; queued = 0; cell_dispatched = cell_dispatched || cell_queued;
                 cell_queued = false };
        /* Spins. */
        if
        :: ACQUIRE ->
           hears = false;
           /* As adopt(), also for an awaited link. */
           atomic {
             if
             :: armed && !is_active -> rings_when_full = true; armed = false; is_active = true
             :: true
             fi };
           atomic {
             arrived = (lane > 0);
             is_active = is_active || arrived };
#ifndef SPINS_DEAF
           hears = true;
#endif
           LEAVE
        :: true
        fi;
        if
        :: arrived -> arrived = false; goto acquire
        :: else
        fi;
#ifndef LEAVES_UNARMED
        if
        :: ACQUIRE ->
           atomic { serve () };
           LEAVE
        :: !by_main
        :: GIVE_UP
        fi
#endif
     :: true
     fi;
     /* Does other work. */
     if
     :: break
     :: true
     fi
  od;
  busy = true
}

active proctype claim ()
{
  timeout;
  atomic {
    assert (sent);
    assert (!awaited || taken == MESSAGES);
    assert (busy || (dispatched == MESSAGES && cell_dispatched)) }
}
