/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: lane/ferry-doorbell.c
 *
 * Threads of one process that sleep on a futex doorbell, for spin to search to exhaustion.
 *
 * A ringer has RINGS news and rings for each. A ring wakes at most LIMIT of the sleepers, whichever the kernel takes
 * first; each of SLEEPERS threads waits for one of the news. The next one comes when all have ended that waited for
 * those before. So a thread that is left asleep stops everything, which spin reports as an invalid end state. And
 * threads must not wake each other for ever: of each ring, each thread passes on at most one wake-up.
 *
 * A thread that passes a wake-up on has as many woken as are counted, again whichever the kernel takes first. If so
 * many were woken, and one was counted since, it does so again.
 *
 * Memory is sequentially consistent here: wake.pml has the order of the words of a lane. n_sleepers is a half of one
 * word, whose other half says how often one was counted: here, passing. It is changed by locked instructions, and so is
 * the count of the bell.
 *
 * The macros weaken one step each, and then the search must find an error:
 *
 *   NO_PASS         a thread that was woken wakes no other
 *   PASSES_ALWAYS   a thread that was woken without a ring wakes the others as well
 *   TWO_STEPS       the ring changes the count, and wakes threads as a step of its own
 *   LATE_COUNT      a thread counts itself when it sleeps already
 *   EARLY_LEAVE     a thread that was woken looks whether others are counted before it sleeps
 *   ONE_ROUND       a thread passes a wake-up on once, also if one was counted since
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

/* Of a thread that passes a wake-up on: LOOKED, or COUNTED when one was counted since it looked. */
#define LOOKED 1
#define COUNTED 2
byte passing[SLEEPERS];

#define note_count(i) passing[i] = (passing[i] == LOOKED -> COUNTED : passing[i])

inline count ()
{
  atomic { n_sleepers++; note_count (0); note_count (1); note_count (2) }
}

/* Sets n to how many were woken. */
inline wake (limit)
{
  n = 0;
  do
  :: n < limit ->
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

proctype ringer ()
{
  byte n;

  do
  :: news < RINGS ->
     news++;
#ifdef TWO_STEPS
     rings++;
     atomic { wake (LIMIT); n = 0 };
#else
     atomic { rings++; wake (LIMIT); n = 0 };
#endif
     n_ended == n_to_end[news]
  :: else -> break
  od
}

proctype sleeper (byte self; byte wanted)
{
  byte seen, others, now, n;

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
     count ();
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
     count ();
#endif
     !asleep[self];
     atomic
     {
       n_sleepers--;
       passing[self] = LOOKED;
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
        atomic { n_passes++; assert (n_passes <= RINGS * SLEEPERS) };
        do
        :: others > 0 ->
           atomic { wake (others) };
#ifdef ONE_ROUND
           break
#else
           atomic
           {
             if
             :: n == others && passing[self] == COUNTED -> others = n_sleepers; passing[self] = LOOKED
             :: else -> others = 0
             fi;
             n = 0
           }
#endif
        :: else -> break
        od
     :: else
     fi;
     atomic { others = 0; now = 0; seen = 0; n = 0; passing[self] = 0 }
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
