/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A thread of the application that polls a link's up lane for its own answer, for spin to search to exhaustion.
 *
 * A writer sends MESSAGES records. The owner stands for the holder of the role "drains the shared queue": the main loop or
 * the monitor. It moves records into the local queue, and dispatches them later, without the role. The caller polls CALLS
 * times, and takes at most one record each time. The link may end at any time. The claims, when nothing can move any
 * more:
 * - each record was dispatched or taken by the caller, unless the link ended before;
 * - never do two threads drain at once, and the caller takes no record while an earlier one waits to be dispatched;
 * - after the end the link's memory is freed, and no thread uses it then.
 *
 * The wake-up protocol of the lane itself is in wake.pml. Here a record with its ring is one step, as is an arming with
 * its look at the tail.
 *
 * What stands for what: bell is the doorbell with its epoll set, command is one to the monitor, and pinged the pingee.
 *
 * The macros weaken one step each, and then the search must find an error:
 *
 *   NO_ROLE              the caller takes a record without the role
 *   NO_DISMISSAL         the owner visits a link without dismissing the caller
 *   OVERTAKES            the caller begins although blocks of the link wait to be dispatched
 *   TRUSTS_EMPTY_LANE    the caller arms the lane without a look at it
 *   LEAVES_UNARMED       the caller does not arm the lane again
 *   LEAVES_QUIETLY       a caller that does not get the role leaves without a command
 *   FREES_AT_ONCE        the owner frees the memory although the caller may still poll
 *   FORGETS_MEMORY       a caller that was dismissed last does not free the memory */

#ifndef MESSAGES
#define MESSAGES 3
#endif
#ifndef CALLS
#define CALLS 2
#endif

#define NONE 0
#define POLLS 1
#define DISMISSED 2
#define LAST 3

byte lane, queued, done, draining, state = NONE;
bool armed = true, is_active, bell, role, command, pinged, ending, finished, freed;

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

/* Arms the empty lane; looks at it once more. */
inline rest ()
{
  if
  :: lane == 0 -> armed = true; is_active = false
  :: else
  fi
}

active proctype writer ()
{
  byte n;

  do
  :: n == MESSAGES -> break
  :: n < MESSAGES -> atomic { lane++; n++;
       if
       :: armed -> armed = false; bell = true
       :: else
       fi }
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

active proctype caller ()
{
  byte n;
  bool polls;

  do
  :: n == CALLS -> break
  :: n < CALLS -> n++;
     polls = false;
     if
     :: atomic { !role -> role = true };
        if
#ifdef OVERTAKES
        :: state == NONE && !is_active && !finished ->
#else
        :: state == NONE && !is_active && !finished && queued == 0 ->
#endif
           state = POLLS; polls = true;
           armed = false
        :: else
        fi;
        role = false
     :: true
     fi;
     if
     :: polls ->
        /* Loads the tail. */
        assert (!freed);
        if
        :: lane > 0 || state != POLLS
        :: true
        fi;
        assert (!freed);
        if
#ifdef NO_ROLE
        :: true ->
#else
        :: atomic { !role -> role = true } ->
#endif
           if
           :: state == POLLS ->
              begin_drain ();
              if
              :: lane > 0 -> assert (queued == 0); lane--; done++
              :: true
              fi;
              state = NONE;
#ifndef LEAVES_UNARMED
              atomic {
#ifdef TRUSTS_EMPTY_LANE
                armed = true
#else
                rest ();
                if
                :: lane > 0 -> is_active = true; pinged = true
                :: else
                fi
#endif
              };
#endif
              end_drain ()
           :: else -> let_go ()
           fi;
#ifndef NO_ROLE
           role = false
#endif
        :: atomic {
             if
             :: state == POLLS -> state = NONE;
#ifndef LEAVES_QUIETLY
                command = true
#endif
             :: else -> skip
             fi;
             polls = (state != NONE) };
           if
           :: polls -> let_go ()
           :: else
           fi
        fi
     :: else
     fi
  od
}

inline dismiss ()
{
  if
#ifndef NO_DISMISSAL
  :: state == POLLS -> state = DISMISSED
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
        atomic { queued = queued + lane; lane = 0 };
        atomic { rest () };
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
     atomic { queued = queued + lane; lane = 0 };
     end_drain ();
     is_active = false;
     finished = true;
     role = false;
     atomic { done = done + queued; queued = 0 };
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
