/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: lane/ferry-lease.c, engine/ferry-leases.c, link/ferry-downlink.c, base/ferry-waiters.c
 *
 * Threads that wait for answers and have leases of a lane, for spin to search to exhaustion: in an application, or, with
 * WORKER, in a worker.
 *
 * A writer sends MESSAGES records. Each of WAITERS waiters begins CALLS leases. It sends a request, polls the lane or
 * sleeps on the lease bell, and takes at most one record each time. It sleeps until that bell rings, until a record was
 * taken by others, which may have been its answer, or until its time is over.
 *
 * In the application the owner is the holder of the role "drains the shared queue". It moves records into the local
 * queue, and dispatches them later, without the role. A waiter moves what it does not take there as well. The link may
 * end at any time. The claims, when nothing can move any more:
 * - each record was dispatched or taken by the waiter, unless the link ended before;
 * - the waiter is listed whenever others take records that may be its answer;
 * - the owner uses the waiter's frame only while that frame is there;
 * - never do two threads use the reader at once;
 * - after the end the link's memory is freed, and no thread uses it then.
 *
 * In the worker the owner receives: it takes all that there is, and waits. It polls, sleeps on the bell, or both. EVENTS
 * times, an event of another kind rings the bell, for which the owner needs the lane. The claims:
 * - each record was taken, and the owner has handled each event;
 * - never do two threads use the reader at once;
 * - a waiter resumes its own lease only.
 *
 * The order of memory is that of wake.pml. Here a record is one step with the load of the epoch, as is an arming with its
 * look at the tail. Which bell the lane is armed for is a word of its own, "leased_to". The word of the lease is state
 * and ticket. The lock is that of the answer waits, and is_there says whether the waiter's frame is there. The bell is the
 * doorbell with its epoll set, or a futex word, as is the lease bell. A command is one to the monitor, and pinged is the
 * pingee.
 *
 * The macros weaken one step each, and then the search must find an error:
 *
 *   NO_ROLE              the waiter takes a record without the role
 *   NO_RECALL            the owner visits a link without recalling the lease
 *   RECALLS_UNLISTED     the owner recalls the lease and does not list the waiter
 *   RECALLS_UNLOCKED     the owner recalls the lease without the lock
 *   TRUSTS_HOLDER        the owner reads the waiter's ticket before it recalls the lease
 *   LEAVES_UNLOCKED      the waiter gives the lane back without the role and without the lock
 *   RETURNS_UNLISTED     the waiter gives the lane back with the role, and is not listed
 *   LEAVES_UNLISTED      the waiter gives the lane back without the role, and is not listed
 *   TRUSTS_EMPTY_LANE    the waiter gives the lane back without a look at it
 *   LEAVES_UNARMED       the waiter gives the lane back unarmed
 *   LEAVES_QUIETLY       a waiter that does not get the role leaves without a command
 *   LATE_WORD            the lane is armed before it is said that this is for the owner
 *   LATE_LEASE_BELL      the waiter loads the lease bell after it has armed the lane
 *   SLEEPS_UNARMED       the waiter sleeps although it found a record when it armed the lane
 *   KEEPS_WORD           the lane stays armed for the lease bell when it is given back
 *   FREES_AT_ONCE        the owner frees the memory although the waiter may still wait
 *   FORGETS_MEMORY       a waiter that sees the end last does not free the memory
 *   NO_LEASE             (WORKER=1) a waiter takes a record without a lease
 *   NO_RECALL            (WORKER=1) the owner waits for a waiter without recalling the lease
 *   TRUSTS_EMPTY_LANE    (WORKER=1) a waiter does not look at the lane again after it has armed it
 *   LEAVES_UNARMED       (WORKER=1) a waiter leaves the lane without arming it
 *   LEAVES_QUIETLY       (WORKER=1) a waiter that was recalled does not ring
 *   LATE_WORD            (WORKER=1) the lane is armed before it is said which bell it is armed for
 *   LATE_BELL            (WORKER=1) the owner loads the bell after it has found a lease
 *   PAUSES_RECALLED      (WORKER=1) a waiter that was recalled pauses
 *   RESUMES_BLINDLY      (WORKER=1) a waiter does not ask whether the owner has taken the lane back
 *   NO_TICKET            (WORKER=1,WAITERS=2) a waiter asks only whether there is a lease */

#ifndef MESSAGES
#define MESSAGES 3
#endif
#ifndef CALLS
#define CALLS 2
#endif
#ifndef WAITERS
#define WAITERS 1
#endif
#ifndef EVENTS
#define EVENTS 1
#endif

#define OWNER 0
#define OFFERED 1
#define PAUSED 2
#define HELD 3
#define RECALLED 4
#define ENDED 5

byte lane, taken, users, bell, lease_bell, ticket;
bool leased_to;
#ifdef WORKER
byte state = OWNER, events, handled;
bool armed;
#else
byte state = OFFERED, queued;
bool armed = true, is_active, role, command, pinged, ending, finished, failed, freed;

/* The waiter has no answer yet; it is where others hand it one; its frame is there. */
bool awaits, listed, is_there;
bool locked;
#endif

#ifdef NO_TICKET
#define GOES_ON (state == PAUSED)
#else
#define GOES_ON (state == PAUSED && ticket == mine)
#endif

inline begin_use ()
{
  users++;
  assert (users == 1);
#ifndef WORKER
  assert (!freed)
#endif
}

inline end_use ()
{
  users--
}

inline ring ()
{
#ifdef WORKER
  bell++
#else
  bell = 1
#endif
}

active proctype writer ()
{
  byte n;
  bool due;

  do
  :: n == MESSAGES -> break
  :: n < MESSAGES -> atomic { lane++; n++; due = armed; armed = false };
     if
     :: due ->
        if
        :: leased_to -> lease_bell++
        :: true ->
#ifdef KEEPS_WORD
           !leased_to;
#endif
           ring ()
        fi
     :: else ->
        /* The record after the one that rang the lease bell. */
        if
        :: ring ()
        :: true
        fi
     fi
  od
}

/* Arms the lane for the lease bell or for the owner. is_empty: it has no record. */
inline arm (word)
{
#ifndef LATE_WORD
#ifdef KEEPS_WORD
  leased_to = leased_to || word;
#else
  leased_to = word;
#endif
#endif
  atomic { armed = (lane == 0); is_empty = (lane == 0) };
#ifdef LATE_WORD
  leased_to = word
#endif
}

/* is_empty: the waiter may sleep. */
inline arm_for_sleep ()
{
#ifndef LATE_LEASE_BELL
  seen = lease_bell;
#endif
  arm (true);
#ifdef LATE_LEASE_BELL
  seen = lease_bell;
#endif
#ifdef SLEEPS_UNARMED
  is_empty = true
#endif
}

/* is_empty: the waiter may wait. */
inline arm_for_lease ()
{
  if
  :: polls -> armed = false; is_empty = true
  :: else -> arm_for_sleep ()
  fi
}

inline arm_for_owner ()
{
#ifdef LEAVES_UNARMED
  is_empty = true
#else
#ifdef TRUSTS_EMPTY_LANE
  leased_to = false;
  armed = true;
  is_empty = true
#else
  arm (false)
#endif
#endif
}

/* Takes the answer, if it is the next record. is_empty: has armed the lane again. A waiter that has polled keeps an empty
 * lane, to sleep. */
inline look ()
{
  if
  :: lane > 0 -> lane--; taken++;
#ifndef WORKER
     awaits = false
#endif
  :: true
  fi;
  if
  :: polls && lane == 0 -> polls = false; arm_for_sleep ()
  :: else -> is_empty = false
  fi
}

#ifdef WORKER

inline pause_lease ()
{
  end_use ();
  atomic {
    if
#ifdef PAUSES_RECALLED
    :: true ->
#else
    :: state == HELD ->
#endif
       state = PAUSED
    :: else -> is_empty = false
    fi };
  if
  :: !is_empty -> begin_use ()
  :: else
  fi
}

inline give_back ()
{
  arm_for_owner ();
  end_use ();
  goes_on = false;
  atomic { recalled = (state == RECALLED); state = OFFERED };
  if
#ifdef LEAVES_QUIETLY
  :: !is_empty -> ring ()
#else
  :: !is_empty || recalled -> ring ()
#endif
  :: else
  fi
}

/* With the reader: waits, where is_empty is set; else gives the lane back. */
inline pause_or_give_back ()
{
  if
  :: is_empty -> pause_lease ()
  :: else
  fi;
  if
  :: is_empty
  :: else -> give_back ()
  fi
}

inline begin_lease ()
{
  if
#ifdef NO_LEASE
  :: true ->
#else
  :: atomic { state == OFFERED -> state = HELD; ticket++; mine = ticket } ->
#endif
     goes_on = true;
     begin_use ();
     arm_for_lease ();
     pause_or_give_back ()
  :: true
  fi
}

inline take_step ()
{
  atomic {
#ifdef RESUMES_BLINDLY
    state = HELD
#else
    if
    :: GOES_ON -> state = HELD; assert (ticket == mine)
    :: else -> goes_on = false
    fi
#endif
    };
  if
  :: goes_on -> begin_use (); look (); pause_or_give_back ()
  :: else
  fi
}

#else

/* Moves what is in the lane into the local queue. An answer would be handed over. */
inline take_all ()
{
  atomic {
    assert (lane == 0 || !awaits || listed);
    queued = queued + lane;
    lane = 0 }
}

inline rest ()
{
  arm (false);
  is_active = !is_empty
}

inline leave ()
{
  goes_on = false;
  atomic {
#ifndef FORGETS_MEMORY
    if
    :: state == ENDED -> freed = true
    :: else
    fi;
#endif
    state = OFFERED }
}

inline give_back ()
{
#ifndef RETURNS_UNLISTED
  listed = awaits;
#endif
  leave ();
  arm_for_owner ();
  if
  :: !is_empty -> is_active = true;
     /* A few visits, and then the monitor takes over. */
     take_all ();
     rest ();
     if
     :: is_active -> pinged = true
     :: else
     fi
  :: else
  fi
}

inline begin_lease ()
{
  if
  :: atomic { !role -> role = true };
     if
     :: state == OFFERED && !is_active && !finished ->
        atomic { state = PAUSED; ticket++; mine = ticket; awaits = true };
        goes_on = true;
        begin_use ();
        arm_for_lease ();
        if
        :: is_empty
        :: else -> give_back ()
        fi;
        end_use ()
     :: else
     fi;
     role = false
  :: true
  fi
}

/* Each step is taken with the role. */
inline take_step ()
{
  if
#ifdef NO_ROLE
  :: true ->
#else
  :: atomic { !role -> role = true } ->
#endif
     if
     :: GOES_ON ->
        begin_use ();
        look ();
        if
        :: is_empty
        :: else -> give_back ()
        fi;
        end_use ()
     :: else -> leave ()
     fi;
#ifndef NO_ROLE
     role = false
#endif
  :: atomic {
#ifndef LEAVES_UNLOCKED
       !locked;
#endif
       if
       :: GOES_ON -> state = OFFERED;
#ifndef LEAVES_UNLISTED
          listed = true;
#endif
          goes_on = false
       :: else
       fi };
     if
     :: !goes_on ->
#ifndef LEAVES_QUIETLY
        command = true
#endif
     :: else -> leave ()
     fi
  fi
}

#endif

active [WAITERS] proctype waiter ()
{
  byte n, seen, seen_taken, mine;
  bool goes_on, is_empty, polls, is_late, recalled;

  do
  :: n == CALLS -> break
  :: n < CALLS -> n++;
#ifndef WORKER
     is_there = true;
#endif
     seen_taken = taken;
     if
     :: polls = true
     :: polls = false
     fi;
     if
     :: is_late = true
     :: is_late = false
     fi;
     begin_lease ();
     do
     :: goes_on ->
        if
        :: polls ->
#ifndef WORKER
           /* Loads the tail. */
           assert (!freed);
#endif
           if
           :: lane > 0 || !GOES_ON
           :: true
           fi
        :: else ->
end_asleep:
#ifdef WORKER
           lease_bell != seen || taken != seen_taken || is_late
#else
           lease_bell != seen || taken != seen_taken || failed || is_late;
           assert (!freed)
#endif
        fi;
        take_step ()
     :: else -> break
     od;
#ifndef WORKER
     atomic { !listed || !locked -> awaits = false; listed = false; is_there = false };
#endif
     polls = false; is_late = false; is_empty = false; recalled = false; seen = 0; seen_taken = 0
  od
}

#ifdef WORKER

active proctype other ()
{
  byte n;

  do
  :: n == EVENTS -> break
  :: n < EVENTS -> atomic { events++; bell++; n++ }
  od
}

active proctype owner ()
{
  byte seen, found;
  bool is_waiting, is_empty;

  do
  :: seen = bell;
     begin_use ();
     atomic { found = lane; taken = taken + lane; lane = 0 };
     end_use ();
     atomic { found = found + (events - handled); handled = events };
     if
     :: found > 0
     :: else ->
        is_empty = true;
        is_waiting = false;
        if
        :: true -> state = OFFERED;
           /* Polls. */
           if
           :: lane > 0 || bell != seen || state != OFFERED
           :: true
           fi;
           atomic {
             if
             :: state == OFFERED -> state = OWNER
             :: else -> is_waiting = true
             fi }
        :: true
        fi;
        if
        :: !is_waiting -> arm (false);
           if
           :: is_empty -> state = OFFERED
           :: else
           fi
        :: else
        fi;
        if
        :: is_empty ->
end_asleep:
           bell != seen;
           /* Takes the lane back. */
           do
           :: seen = bell;
              if
              :: atomic { (state == OFFERED || state == PAUSED) -> state = OWNER; break }
              :: atomic { state == HELD ->
#ifndef NO_RECALL
                   state = RECALLED
#endif
                 };
#ifdef LATE_BELL
                 seen = bell;
#endif
                 bell != seen
              :: state == RECALLED -> bell != seen
              fi
           od
        :: else
        fi
     fi
  od
}

active proctype claim ()
{
  timeout;
  assert (taken == MESSAGES && handled == EVENTS)
}

#else

active proctype other ()
{
  if
  :: ending = true
  :: true
  fi
}

inline recall ()
{
  if
#ifndef NO_RECALL
  :: state == PAUSED ->
#ifndef RECALLS_UNLOCKED
     locked = true;
#endif
#ifdef TRUSTS_HOLDER
     assert (is_there);
#endif
     atomic {
       is_recalled = (state == PAUSED);
       if
       :: is_recalled -> state = RECALLED
       :: else
       fi };
     if
     :: is_recalled -> assert (is_there);
#ifndef RECALLS_UNLISTED
        listed = true
#endif
     :: else
     fi;
     locked = false
#endif
  :: else
  fi
}

active proctype owner ()
{
  bool is_empty, is_recalled;

end_idle:
  do
  :: !finished && (bell || command || pinged) ->
     atomic { !role -> role = true };
     atomic {
       is_active = is_active || bell || command;
       bell = 0; command = false; pinged = false };
     if
     :: is_active -> recall ();
        begin_use ();
        take_all ();
        rest ();
        if
        :: is_active -> pinged = true
        :: else
        fi;
        end_use ()
     :: else
     fi;
     role = false
  :: queued > 0 -> atomic { taken = taken + queued; queued = 0 }
  :: ending && !finished ->
     atomic { !role -> role = true };
     recall ();
     begin_use ();
     take_all ();
     end_use ();
     is_active = false;
     finished = true;
     role = false;
     /* The transactions fail, which wakes a waiter. */
     atomic { taken = taken + queued; queued = 0; failed = true };
     atomic {
#ifndef FREES_AT_ONCE
       if
       :: state == OFFERED -> freed = true
       :: else
       fi;
#else
       freed = true;
#endif
       state = ENDED }
  od
}

active proctype claim ()
{
  timeout;
  assert (finished -> freed : taken == MESSAGES)
}

#endif
