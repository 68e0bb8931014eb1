/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: base/ferry-work-source.c
 *
 * A source that wakes its context only where that sleeps, for spin to search to exhaustion.
 *
 * Two threads add POSTS pieces of work each. The context's own thread adds up to OWN, in another source's prepare() or
 * dispatch. Work that is left when all threads have ended, and a context that sleeps then, is an invalid end state. Of
 * one sleep, one thread writes to the eventfd. What the own thread adds while it dispatches writes nothing, unless a
 * source of a higher priority kept the context from checking this one.
 *
 * The context leaves out prepare() where a source of a higher priority is ready, and then it does not sleep. The source
 * may be attached while the context sleeps already. The eventfd remembers a write that comes before the poll. The
 * context empties it after the poll, before it checks its sources.
 *
 * Memory is sequentially consistent, as will_look is. A look, and an addition of work, are one step each: both have the
 * lock of the work.
 *
 * The macros weaken one step each, and then the search must find an error:
 *
 *   LATE_FORGET      prepare() clears will_look after it has looked
 *   EARLY_WAKE       a thread wakes the context before it adds its work
 *   OWN_NEVER_WAKES  the own thread does not wake the context
 *   STARTS_AWAKE     a new source has will_look
 *   LOADS_ONLY       who wakes the context does not set will_look
 *   UNCHECKED        check() does not set will_look */

#ifndef POSTS
#define POSTS 2
#endif
#ifndef OWN
#define OWN 2
#endif
#define THREADS 2

#ifdef STARTS_AWAKE
bool will_look = true;
#else
bool will_look;
#endif
bool written;
byte waiting, n_writes, n_ended;

inline add ()
{
  waiting++
}

/* An exchange, and then the write. */
inline wake ()
{
  atomic
  {
    sleeps = !will_look;
#ifndef LOADS_ONLY
    will_look = true;
#endif
    n_writes = n_writes + sleeps;
    assert (n_writes <= 1)
  }
  if
  :: sleeps -> written = true
  :: else
  fi
}

inline prepare ()
{
#ifndef LATE_FORGET
  atomic { will_look = false; n_writes = 0 }
#endif
  is_ready = waiting > 0;
#ifdef LATE_FORGET
  atomic { will_look = false; n_writes = 0 }
#endif
  if
  :: is_ready -> will_look = true
  :: else
  fi
}

inline check ()
{
#ifndef UNCHECKED
  will_look = true;
#endif
  is_ready = waiting > 0
}

proctype poster ()
{
  byte n;
  bool sleeps;

  do
  :: n < POSTS ->
#ifdef EARLY_WAKE
     wake ();
     add ();
#else
     add ();
     wake ();
#endif
     n++
  :: else -> break
  od;
  n_ended++
}

proctype loop ()
{
  bool sleeps, is_ready, polls_on, polled;
  byte own;

  if
  :: goto sleep
  :: skip
  fi;
  do
  :: is_ready = false;
     if
     :: prepare (); polls_on = is_ready
     :: polls_on = true /* a source of a higher priority is ready */
     fi;
     if
     :: own < OWN -> /* in another source's prepare() */
        own++;
        add ();
#ifndef OWN_NEVER_WAKES
        wake ()
#endif
     :: true
     fi;
sleep:
     if
     :: polls_on -> polled = written
     :: written -> polled = true
     :: !polls_on && n_ended == THREADS && waiting == 0 && !written -> break
     fi;
     if
     :: polled -> written = false
     :: else
     fi;
     if
     :: is_ready
     :: !is_ready -> check ();
        if
        :: own < OWN -> /* in another source's dispatch */
           own++;
           add ();
           assert (will_look) /* so wake () does nothing */
        :: true
        fi
     :: is_ready = false /* a source of a higher priority is ready */
     fi;
     if
     :: is_ready -> waiting--
     :: else
     fi
  od
}

init
{
  atomic
  {
    run poster ();
    run poster ();
    run loop ()
  }
}
