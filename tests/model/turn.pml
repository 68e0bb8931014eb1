/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: link/ferry-downlink.c
 *
 * A thread of a worker that waits for an answer and has the down lane meanwhile, while the receiving thread waits, for
 * spin to search to exhaustion.
 *
 * A writer, the application, sends MESSAGES records. The receiver takes all that there are, and waits: it polls, sleeps
 * on the bell, or both. Each of CALLERS callers gets the
 * lane CALLS times. It sends a request, then polls the lane, or sleeps
 * on a bell that is for callers, and takes at most one record each time. It sleeps until that bell rings, until the
 * receiver has taken a record, which may have been its answer, or until its time is over. At any time, EVENTS times, an
 * event of another kind rings the bell, for which the receiver needs the turn. The claims, when nothing can move any
 * more:
 * - each record was taken, by one of the three threads, and the receiver has handled each event;
 * - never do two threads use the lane at once.
 *
 * The order of memory is that of wake.pml. Here a record is one step with the load of the epoch, as is an arming with its
 * look at the tail. Which bell the lane is armed for is a word of its own. A bell is a futex word: a thread sleeps on it
 * unless it differs from what the thread saw.
 *
 * The macros weaken one step each, and then the search must find an error:
 *
 *   NO_TURN              a caller takes a record without the turn
 *   LEAVES_UNARMED       a caller leaves the lane without arming it
 *   TRUSTS_EMPTY_LANE    a caller does not look at the lane again after it has armed it
 *   LEAVES_QUIETLY       a caller that was recalled does not ring
 *   PAUSES_RECALLED      a caller that was recalled pauses
 *   RESUMES_BLINDLY      a caller that has paused does not ask whether the receiver has taken the turn
 *   LATE_WORD            the lane is armed before it is said which bell it is armed for
 *   NO_RECALL            the receiver waits for a caller without recalling it
 *   LATE_BELL            the receiver loads the bell after it has found a caller */

#ifndef MESSAGES
#define MESSAGES 2
#endif
#ifndef CALLS
#define CALLS 1
#endif
#ifndef CALLERS
#define CALLERS 1
#endif
#ifndef EVENTS
#define EVENTS 1
#endif

#define RECEIVER 0
#define FREE 1
#define CALLER 2
#define RECALLED 3
#define PAUSED 4

byte lane, taken, users, turn = RECEIVER, bell, caller_bell, events, handled;
bool armed, for_caller;

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
  bool due;

  do
  :: n == MESSAGES -> break
  :: n < MESSAGES -> atomic { lane++; n++; due = armed; armed = false };
     if
     :: due ->
        if
        :: for_caller -> caller_bell++
        :: true -> bell++
        fi
     :: else ->
        /* The record after the one that rang a caller. */
        if
        :: bell++
        :: true
        fi
     fi
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

/* is_empty: the lane is armed, and has no record. */
inline arm (word)
{
#ifndef LATE_WORD
  for_caller = word;
#endif
  atomic { armed = (lane == 0); is_empty = (lane == 0) };
#ifdef LATE_WORD
  for_caller = word
#endif
}

inline leave ()
{
  rings = false;
#ifndef LEAVES_UNARMED
#ifdef TRUSTS_EMPTY_LANE
  for_caller = false;
  armed = true;
#else
  arm (false);
  rings = !is_empty;
#endif
#endif
  end_use ();
  atomic { recalled = (turn == RECALLED); turn = FREE };
  if
#ifdef LEAVES_QUIETLY
  :: rings -> bell++
#else
  :: rings || recalled -> bell++
#endif
  :: else
  fi
}

inline take_own ()
{
  if
  :: lane > 0 -> lane--; taken++
  :: true
  fi
}

/* Gives the turn to whichever of the two takes it first. */
inline pause_call ()
{
  end_use ();
  atomic {
    if
#ifdef PAUSES_RECALLED
    :: true ->
#else
    :: turn == CALLER ->
#endif
       turn = PAUSED; has_turn = false
    :: else
    fi };
  if
  :: has_turn -> begin_use ()
  :: else
  fi
}

inline resume_call ()
{
  atomic {
#ifdef RESUMES_BLINDLY
    turn = CALLER; has_turn = true
#else
    if
    :: turn == PAUSED -> turn = CALLER; has_turn = true
    :: else -> is_dismissed = true
    fi
#endif
    };
  if
  :: has_turn -> begin_use ()
  :: else
  fi
}

active [CALLERS] proctype caller ()
{
  byte n, seen, seen_taken;
  bool polls, rings, recalled, has_turn, is_dismissed, is_empty, is_late;

  do
  :: n == CALLS -> break
  :: n < CALLS -> n++;
     has_turn = false; is_dismissed = false; seen_taken = taken;
     if
     :: polls = true
     :: polls = false
     fi;
     if
     :: is_late = true
     :: is_late = false
     fi;
     if
#ifdef NO_TURN
     :: true ->
#else
     :: atomic { turn == FREE -> turn = CALLER } ->
#endif
        has_turn = true;
        begin_use ();
        if
        :: polls -> armed = false
        :: else -> seen = caller_bell; arm (true)
        fi;
        if
        :: polls || is_empty -> pause_call ()
        :: else
        fi;
        if
        :: has_turn -> leave (); is_dismissed = true
        :: else
        fi;
        /* It sends its request. Then it waits. */
        if
        :: polls && !is_dismissed ->
           resume_call ();
           if
           :: has_turn ->
              end_use ();
              if
              :: lane > 0 || turn != CALLER
#ifndef NO_RECALL
              :: true
#endif
              fi;
              begin_use ();
              take_own ();
              seen = caller_bell;
              if
              :: lane == 0 -> arm (true);
                 if
                 :: is_empty -> pause_call ()
                 :: else
                 fi
              :: true
              fi;
              if
              :: has_turn -> leave (); is_dismissed = true
              :: else
              fi
           :: else
           fi
        :: else
        fi;
        if
        :: !is_dismissed ->
end_asleep:
           caller_bell != seen || taken != seen_taken || is_late;
           resume_call ();
           if
           :: has_turn -> take_own (); leave ()
           :: else
           fi
        :: else
        fi
     :: true
     fi;
     polls = false; rings = false; recalled = false; is_dismissed = false; is_empty = false; is_late = false; seen = 0;
     seen_taken = 0
  od
}

active proctype receiver ()
{
  byte seen, found;
  bool mine, is_empty;

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
        :: mine -> arm (false); mine = is_empty;
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
              :: atomic { turn == PAUSED -> turn = RECEIVER; break }
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
  assert (taken == MESSAGES && handled == EVENTS)
}
