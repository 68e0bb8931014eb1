/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A thread of a worker that polls the down lane for its own answer while the receiving thread waits, for spin to search
 * to exhaustion.
 *
 * A writer, the application, sends MESSAGES records. The receiver takes all that there are, and waits: it polls, sleeps
 * on the bell, or both. The caller polls CALLS times, and takes at most one record each time. At any time, EVENTS times,
 * an event of another kind rings the bell, for which the receiver needs the turn. The claims, when nothing can move any
 * more:
 * - each record was taken, by one of the two threads, and the receiver has handled each event;
 * - never do two threads use the lane at once.
 *
 * The wake-up protocol of the lane itself is in wake.pml. Here a record with its ring is one step, as is an arming with
 * its look at the tail. The bell is a futex word: a thread sleeps on it unless it differs from what the thread saw.
 *
 * The macros weaken one step each, and then the search must find an error:
 *
 *   NO_TURN              the caller takes a record without the turn
 *   LEAVES_UNARMED       the caller leaves the lane without arming it
 *   TRUSTS_EMPTY_LANE    the caller does not look at the lane again after it has armed it
 *   LEAVES_QUIETLY       a caller that was recalled does not ring
 *   NO_RECALL            the receiver waits for a caller without recalling it
 *   LATE_BELL            the receiver loads the bell after it has found a caller */

#ifndef MESSAGES
#define MESSAGES 2
#endif
#ifndef CALLS
#define CALLS 2
#endif
#ifndef EVENTS
#define EVENTS 1
#endif

#define RECEIVER 0
#define FREE 1
#define CALLER 2
#define RECALLED 3

byte lane, taken, users, turn = RECEIVER, bell, events, handled, calls;
bool armed;

inline begin_use ()
{
  users++;
  assert (users == 1)
}

inline end_use ()
{
  users--
}

active proctype writer ()
{
  byte n;

  do
  :: n == MESSAGES -> break
  :: n < MESSAGES -> atomic { lane++; n++;
       if
       :: armed -> armed = false; bell++
       :: else
       fi }
  od
}

active proctype event_source ()
{
  byte n;

  do
  :: n == EVENTS -> break
  :: n < EVENTS -> atomic { events++; bell++; n++ }
  od
}

active proctype caller ()
{
  byte n;
  bool rings, recalled;

  do
  :: n == CALLS -> break
  :: n < CALLS -> n++;
     if
#ifdef NO_TURN
     :: true ->
#else
     :: atomic { turn == FREE -> turn = CALLER } ->
#endif
        begin_use ();
        armed = false;
        end_use ();
        /* Polls: as long as it wants, or until it is recalled. */
        if
        :: lane > 0 || turn != CALLER
#ifndef NO_RECALL
        :: true
#endif
        fi;
        begin_use ();
        if
        :: lane > 0 -> lane--; taken++
        :: true
        fi;
        rings = false;
#ifndef LEAVES_UNARMED
#ifdef TRUSTS_EMPTY_LANE
        armed = true;
#else
        atomic { armed = true; rings = (lane > 0) };
#endif
#endif
        end_use ();
        atomic { recalled = (turn == RECALLED); turn = FREE };
#ifdef LEAVES_QUIETLY
        if
        :: rings -> bell++
        :: else
        fi
#else
        if
        :: rings || recalled -> bell++
        :: else
        fi
#endif
     :: true
     fi
  od;
  calls = n
}

active proctype receiver ()
{
  byte seen, found;
  bool mine;

  do
  :: seen = bell;
     begin_use ();
     atomic { found = lane; taken = taken + lane; lane = 0 };
     end_use ();
     atomic { found = found + (events - handled); handled = events };
     if
     :: found > 0
     :: else ->
        mine = true;
        if
        :: true -> turn = FREE;
           /* Polls. */
           if
           :: lane > 0 || bell != seen || turn != FREE
           :: true
           fi;
           atomic {
             if
             :: turn == FREE -> turn = RECEIVER
             :: else -> mine = false
             fi }
        :: true
        fi;
        if
        :: mine -> atomic { armed = true; mine = (lane == 0) };
           if
           :: mine -> turn = FREE
           :: else
           fi
        :: else -> mine = true
        fi;
        if
        :: mine ->
end_asleep:
           bell != seen;
           /* Takes the turn back. */
           do
           :: seen = bell;
              if
              :: atomic { turn == FREE -> turn = RECEIVER; break }
              :: atomic { turn == CALLER ->
#ifndef NO_RECALL
                   turn = RECALLED
#endif
                 };
#ifdef LATE_BELL
                 seen = bell;
#endif
                 bell != seen
              :: turn == RECALLED -> bell != seen
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
  assert (calls == CALLS && taken == MESSAGES && handled == EVENTS)
}
