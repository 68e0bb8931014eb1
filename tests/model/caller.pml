/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: route/ferry-leases.c, base/ferry-waiters.c
 *
 * A thread of the application that waits for an answer and has a link's up lane meanwhile, for spin to search to
 * exhaustion.
 *
 * A writer sends MESSAGES records. The owner stands for the holder of the role "drains the shared queue": the main loop or
 * the monitor. It moves records into the local queue, and dispatches them later, without the role. The caller gets the
 * lane CALLS times. It polls the lane, or sleeps on a bell of its own, and takes at most one record each time, which may
 * overtake those in the local queue. What else is in the lane then, it moves into the local queue. It sleeps until the bell rings, until a record was dispatched, which may have been its answer, or until its time is over. The
 * link may end at any time. The claims, when nothing can move any more:
 * - each record was dispatched or taken by the caller, unless the link ended before;
 * - the caller is listed whenever others take records that may be its answer;
 * - never do two threads drain at once;
 * - after the end the link's memory is freed, and no thread uses it then.
 *
 * The order of memory is that of wake.pml. Here a record is one step with the load of the epoch, as is an arming with its
 * look at the tail. Which bell the lane is armed for is a word of its own.
 *
 * What stands for what: bell is the doorbell with its epoll set, caller_bell a futex word, for_caller the lane's word
 * "caller", command is one to the monitor, and pinged the pingee.
 *
 * The macros weaken one step each, and then the search must find an error:
 *
 *   NO_ROLE              the caller takes a record without the role
 *   NO_DISMISSAL         the owner visits a link without dismissing the caller
 *   DISMISSES_UNLISTED   the owner dismisses the caller and does not list it
 *   RETURNS_UNLISTED     the caller gives the lane back with the role, and is not listed
 *   LEAVES_UNLISTED      the caller gives the lane back without the role, and is not listed
 *   TRUSTS_EMPTY_LANE    the caller gives the lane back without a look at it
 *   LEAVES_UNARMED       the caller gives the lane back unarmed
 *   LEAVES_QUIETLY       a caller that does not get the role leaves without a command
 *   LATE_WORD            the lane is armed before it is said that this is for the doorbell
 *   LATE_CALLER_BELL     the caller loads its bell after it has armed the lane
 *   SLEEPS_UNARMED       the caller sleeps although it found a record when it armed the lane
 *   KEEPS_WORD           the lane stays armed for the caller's bell when it is given back
 *   FREES_AT_ONCE        the owner frees the memory although the caller may still wait
 *   FORGETS_MEMORY       a caller that was dismissed last does not free the memory */

#ifndef MESSAGES
#define MESSAGES 3
#endif
#ifndef CALLS
#define CALLS 2
#endif

#define NONE 0
#define WAITS 1
#define DISMISSED 2
#define LAST 3

byte lane, queued, done, draining, state = NONE, caller_bell;
bool armed = true, for_caller, is_active, bell, role, command, pinged, ending, finished, failed, freed;

/* The caller has no answer yet; it is where others hand it one. */
bool awaits, listed;

inline begin_drain ()
{
  draining++;
  assert (draining == 1);
  assert (!freed)
}

inline end_drain ()
{
  draining--
}

/* Moves what is in the lane into the local queue. An answer would be handed over. */
inline take_all ()
{
  atomic {
    assert (lane == 0 || !awaits || listed);
    queued = queued + lane;
    lane = 0 }
}

/* Arms the lane for the doorbell, and looks at it. */
inline rest ()
{
#ifndef KEEPS_WORD
#ifndef LATE_WORD
  for_caller = false;
#endif
#endif
  atomic {
    if
    :: lane == 0 -> armed = true; is_active = false
    :: else
    fi };
#ifdef LATE_WORD
  for_caller = false
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
        :: for_caller -> caller_bell++
        :: true ->
#ifdef KEEPS_WORD
           !for_caller;
#endif
           bell = true
        fi
     :: else ->
        /* The record after the one that rang the caller. */
        if
        :: bell = true
        :: true
        fi
     fi
  od
}

active proctype ender ()
{
  if
  :: ending = true
  :: true
  fi
}

inline let_go ()
{
  atomic {
#ifndef FORGETS_MEMORY
    if
    :: state == LAST -> freed = true
    :: else
    fi;
#endif
    state = NONE }
}

/* Arms the lane for the caller. found: a record is there. */
inline arm_for_caller ()
{
#ifndef LATE_CALLER_BELL
  seen = caller_bell;
#endif
  for_caller = true;
  atomic { armed = (lane == 0); found = (lane > 0) };
#ifdef LATE_CALLER_BELL
  seen = caller_bell;
#endif
#ifdef SLEEPS_UNARMED
  found = false
#endif
}

inline give_back ()
{
#ifndef RETURNS_UNLISTED
  listed = awaits;
#endif
  state = NONE;
  has_lane = false;
#ifndef LEAVES_UNARMED
#ifdef TRUSTS_EMPTY_LANE
  for_caller = false;
  armed = true
#else
  rest ();
  if
  :: !armed -> is_active = true;
     /* A few visits, and then the monitor takes over. */
     take_all ();
     rest ();
     if
     :: is_active -> pinged = true
     :: else
     fi
  :: else
  fi
#endif
#endif
}

inline take_own ()
{
  if
  :: lane > 0 -> lane--; done++; awaits = false
  :: true
  fi
}

/* A turn of the role. A caller that has polled keeps an empty lane, to sleep. */
inline take_turn ()
{
  if
#ifdef NO_ROLE
  :: true ->
#else
  :: atomic { !role -> role = true } ->
#endif
     if
     :: state == WAITS ->
        begin_drain ();
        take_own ();
        found = true;
        if
        :: polls && lane == 0 -> arm_for_caller ()
        :: else
        fi;
        if
        :: found -> give_back ()
        :: else
        fi;
        end_drain ()
     :: else -> let_go (); has_lane = false
     fi;
#ifndef NO_ROLE
     role = false
#endif
  :: has_lane = false;
     atomic {
       found = (state == WAITS);
       if
       :: found -> state = NONE;
#ifndef LEAVES_UNLISTED
          listed = true;
#endif
#ifndef LEAVES_QUIETLY
          command = true
#endif
       :: else
       fi };
     if
     :: found
     :: else -> let_go ()
     fi
  fi
}

active proctype caller ()
{
  byte n, seen, dispatched;
  bool has_lane, found, polls, is_late;

  do
  :: n == CALLS -> break
  :: n < CALLS -> n++;
     atomic { awaits = false; listed = false };
     dispatched = done;
     has_lane = false;
     if
     :: polls = true
     :: polls = false
     fi;
     if
     :: is_late = true
     :: is_late = false
     fi;
     if
     :: atomic { !role -> role = true };
        if
        :: state == NONE && !is_active && !finished ->
           atomic { state = WAITS; awaits = true };
           has_lane = true;
           if
           :: polls -> armed = false
           :: else -> arm_for_caller ();
              /* As give_back(), with a record. */
              if
              :: found -> listed = true; state = NONE; has_lane = false; is_active = true; pinged = true
              :: else
              fi
           fi
        :: else
        fi;
        role = false
     :: true
     fi;
     do
     :: has_lane ->
        if
        :: polls ->
           /* Loads the tail. */
           assert (!freed);
           if
           :: lane > 0 || state != WAITS
           :: true
           fi
        :: else ->
end_asleep:
           caller_bell != seen || done != dispatched || failed || is_late
        fi;
        assert (!freed);
        take_turn ();
        polls = false
     :: else -> break
     od
  od
}

inline dismiss ()
{
  if
#ifndef NO_DISMISSAL
  :: state == WAITS -> state = DISMISSED;
#ifndef DISMISSES_UNLISTED
     listed = true
#endif
#endif
  :: else
  fi
}

active proctype owner ()
{
end_idle:
  do
  :: !finished && (bell || command || pinged) ->
     atomic { !role -> role = true };
     atomic {
       is_active = is_active || bell || command;
       bell = false; command = false; pinged = false;
       if
       :: is_active -> dismiss ()
       :: else
       fi };
     if
     :: is_active ->
        begin_drain ();
        take_all ();
        rest ();
        if
        :: is_active -> pinged = true
        :: else
        fi;
        end_drain ()
     :: else
     fi;
     role = false
  :: queued > 0 -> atomic { done = done + queued; queued = 0 }
  :: ending && !finished ->
     atomic { !role -> role = true };
     atomic { dismiss () };
     begin_drain ();
     take_all ();
     end_drain ();
     is_active = false;
     finished = true;
     role = false;
     /* The transactions fail, which wakes a caller. */
     atomic { done = done + queued; queued = 0; failed = true };
     atomic {
#ifndef FREES_AT_ONCE
       if
       :: state == NONE -> freed = true
       :: else
       fi;
#else
       freed = true;
#endif
       state = LAST }
  :: finished && queued == 0 -> break
  od
}

active proctype claim ()
{
  timeout;
  assert (finished -> freed : done == MESSAGES)
}
