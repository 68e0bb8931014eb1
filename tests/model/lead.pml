/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: call/ferry-team.c
 *
 * The threads of a team, which take turns at the lead, for spin to search to exhaustion.
 *
 * The thread with the lead receives REQUESTS requests, one after the other. It runs the handler of each where another
 * thread waits; else the request is queued, which is not modelled. A handler begins with the lead kept, or with the
 * lead given away. It returns at once, or steps aside, or blocks until another thread has received the next request.
 * One of the threads that wait is the follower. It looks at the lead whenever its timer is over. When it has seen no
 * change, it may sleep without a timer, until it is woken. The claims:
 * - each request is received, whatever handlers do: nobody is left asleep, which spin would report as an invalid end
 *   state;
 * - never do two threads receive at once.
 *
 * All accesses to the two words are sequentially consistent. The lead is one word, so a load and a compare and exchange
 * of state and number are one step each.
 *
 * The macros weaken one step each, and then the search must find an error:
 *
 *   TRUSTS_ITSELF    the follower does not look at the lead again before it sleeps
 *   EARLY_LOOK       a thread looks whether the follower watches before it begins a handler
 *   TAKES_BLINDLY    the follower takes the lead without comparing it with what it has seen
 *   ENDS_BLINDLY     a thread whose handler has returned does not ask whether it has lost the lead
 *   NEVER_WAKES      a thread that begins a handler does not wake the follower
 *   GIVES_QUIETLY    a thread that gives the lead away does not wake the follower
 *   UNLOCKED_WAKE    the follower may be woken between its look and its sleep */

#ifndef REQUESTS
#define REQUESTS 3
#endif
#ifndef MEMBERS
#define MEMBERS 2
#endif

#define VACANT 0
#define RECEIVING 1
#define HANDLING 2
#define NOTHING 3

byte state = VACANT, number, received, users, n_waiting = MEMBERS;
bool watches, follows, asleep, locked, over;

inline lock ()
{
  atomic { !locked -> locked = true }
}

inline wake ()
{
#ifndef UNLOCKED_WAKE
  lock ();
#endif
  asleep = false;
#ifndef UNLOCKED_WAKE
  locked = false
#endif
}

/* The follower takes the lead if that is as it has seen. */
inline take ()
{
  atomic {
#ifdef TAKES_BLINDLY
    state = RECEIVING; leads = true
#else
    if
    :: state == seen && number == seen_number -> state = RECEIVING; leads = true
    :: else
    fi
#endif
  }
}

inline look ()
{
  atomic {
    same = (state == seen && number == seen_number);
    seen = state;
    seen_number = number };
  if
  :: seen == VACANT || (same && seen == HANDLING) -> take ()
  :: else
  fi
}

inline sleep ()
{
  if
  :: true
  :: same -> lock ();
     watches = false;
     if
#ifdef TRUSTS_ITSELF
     :: true ->
#else
     :: atomic { state == seen && number == seen_number -> skip };
#endif
        /* As a condition does, it unlocks and falls asleep in one step. */
        atomic { asleep = !over; locked = false };
        !asleep
#ifndef TRUSTS_ITSELF
     :: else -> locked = false
#endif
     fi;
     watches = true
  fi
}

inline follow ()
{
  atomic { !follows || over -> follows = true };
  seen = NOTHING;
  watches = true;
  do
  :: over || leads -> break
  :: !over && !leads -> look ();
     if
     :: leads
     :: else -> sleep ()
     fi
  od;
  follows = false
}

/* Changes the lead for a new handler. */
inline begin_handler ()
{
#ifdef EARLY_LOOK
  sees_watches = watches;
#endif
  if
  :: own = HANDLING
  :: own = VACANT
  fi;
  atomic { number++; own_number = number; state = own };
#ifndef EARLY_LOOK
  sees_watches = watches;
#endif
  if
#ifndef GIVES_QUIETLY
  :: own == VACANT -> wake ()
#endif
#ifndef NEVER_WAKES
  :: own == HANDLING && !sees_watches -> wake ()
#endif
  :: else
  fi
}

inline step_aside ()
{
  atomic {
    if
    :: state == own && number == own_number -> state = VACANT; own = VACANT
    :: else
    fi };
  wake ()
}

inline end_handler ()
{
  atomic {
#ifdef ENDS_BLINDLY
    state = RECEIVING
#else
    if
    :: state == own && number == own_number -> state = RECEIVING
    :: else -> leads = false; n_waiting++
    fi
#endif
  }
}

inline handle ()
{
  begin_handler ();
  if
  :: true
  :: own == HANDLING -> step_aside ()
  :: true
  fi;
  if
  :: true
  :: own_received < REQUESTS -> received > own_received
  fi;
  end_handler ()
}

inline receive ()
{
  users++;
  assert (users == 1);
  if
  :: received < REQUESTS -> received++; own_received = received
  :: else -> lock (); over = true; asleep = false; locked = false
  fi;
  users--
}

active [MEMBERS] proctype member ()
{
  byte seen = NOTHING, seen_number, own, own_number, own_received;
  bool leads, same, sees_watches;

  do
  :: over -> break
  :: !over && !leads -> follow ();
     if
     :: leads -> n_waiting--
     :: else
     fi
  :: !over && leads -> receive ();
     if
     :: !over && n_waiting > 0 -> handle ()
     :: else
     fi
  od
}
