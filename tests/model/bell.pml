/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: lane/ferry-doorbell.c
 *
 * Threads of one process that sleep on a futex doorbell, for spin to search to exhaustion.
 *
 * A ringer has RINGS news and rings for each. A ring wakes at most LIMIT of the sleepers, whichever the kernel takes
 * first; each of SLEEPERS threads waits for one of the news. The next one comes when all have ended that waited for those
 * before. So a thread that is left asleep stops everything, which spin reports as an invalid end state. And threads must
 * not wake each other for ever: of each ring, each thread passes on at most one wake-up.
 *
 * Memory is sequentially consistent here: wake.pml has the order of the words of a lane. n_sleepers is changed by locked
 * instructions, and so is the count of the bell.
 *
 * The macros weaken one step each, and then the search must find an error:
 *
 *   NO_PASS         a thread that was woken wakes no other
 *   PASSES_ALWAYS   a thread that was woken without a ring wakes the others as well
 *   TWO_STEPS       the ring changes the count, and wakes threads as a step of its own
 *   LATE_COUNT      a thread counts itself when it sleeps already
 *   EARLY_LEAVE     a thread that was woken looks whether others are counted before it sleeps
 *   LATE_BELL       a thread loads the bell after it has looked for its news */

#ifndef SLEEPERS
#define SLEEPERS 3
#endif
#ifndef RINGS
#define RINGS 2
#endif
#ifndef LIMIT
#define LIMIT 1
#endif

byte news, rings, n_sleepers, n_passes, n_to_end[RINGS + 1], n_ended;
bool asleep[SLEEPERS];

inline wake_some ()
{
  n = 0;
  do
  :: n < LIMIT ->
     if
     :: asleep[0] -> asleep[0] = false
     :: asleep[1] -> asleep[1] = false
     :: asleep[2] -> asleep[2] = false
     :: else -> break
     fi;
     n++
  :: else -> break
  od
}

inline wake_all ()
{
  asleep[0] = false;
  asleep[1] = false;
  asleep[2] = false
}

proctype ringer ()
{
  byte n;

  do
  :: news < RINGS ->
     news++;
#ifdef TWO_STEPS
     rings++;
     atomic { wake_some () };
#else
     atomic { rings++; wake_some () };
#endif
     n_ended == n_to_end[news]
  :: else -> break
  od
}

proctype sleeper (byte self; byte wanted)
{
  byte seen, others, now;

  do
  :: true ->
#ifndef LATE_BELL
     seen = rings;
#endif
     if
     :: news >= wanted -> seen = 0; break
     :: else
     fi;
#ifdef LATE_BELL
     seen = rings;
#endif
#ifndef LATE_COUNT
     n_sleepers++;
#endif
#ifdef EARLY_LEAVE
     others = n_sleepers - 1;
#endif
     atomic
     {
       if
       :: rings != seen -> skip
       :: else -> asleep[self] = true
       fi
     }
#ifdef LATE_COUNT
     n_sleepers++;
#endif
     !asleep[self];
     atomic
     {
       n_sleepers--;
#ifndef EARLY_LEAVE
       others = n_sleepers
#endif
     }
     now = rings;
#ifdef PASSES_ALWAYS
     now = seen + 1;
#endif
#ifdef NO_PASS
     now = seen;
#endif
     if
     :: others > 0 && now != seen ->
        atomic { wake_all (); n_passes++ }
        assert (n_passes <= RINGS * SLEEPERS)
     :: else
     fi;
     atomic { others = 0; now = 0; seen = 0 }
  od;
  n_ended++
}

/* Each thread waits for any of the news. */
inline start (self)
{
  if
  :: wanted = 1
  :: wanted = RINGS
  fi;
  run sleeper (self, wanted);
  n = wanted;
  do
  :: n <= RINGS -> n_to_end[n]++; n++
  :: else -> break
  od
}

init
{
  byte wanted, n;

  atomic
  {
    start (0);
    start (1);
    start (2);
    wanted = 0;
    n = 0;
    run ringer ()
  }
}
