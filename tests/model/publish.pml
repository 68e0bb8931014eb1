/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: lane/ferry-lane.c, lane/ferry-lane-private.h
 *
 * How a record is published, for spin to search to exhaustion.
 *
 * A writer writes up to MESSAGES records of one or two words into a ring of CAPACITY words, and may stop at any time. A
 * record's first word publishes it. The writer clears the word behind a record before. It stores the index each STEP
 * words, and at other times as it likes. A reader takes what is published, sleeps where there is nothing, and lets the
 * writer have the words again. The claims:
 * - each record comes whole, once, in order, although the ring has words of earlier records everywhere;
 * - the reader finds no index far behind, and so refuses no writer that keeps to the rules;
 * - when nothing can move any more, each record was taken: nothing waits for the next index.
 *
 * The order of memory is that of wake.pml. Here the store of a first word is one step with the load of the epoch, as is
 * an arming. What the writer stores before the first word comes in any order, and each store is a step of its own.
 *
 * The macros weaken one step each, and then the search must find an error:
 *
 *   WORD_FIRST           the writer publishes a record before it is whole
 *   NO_CLEAR             the writer leaves the word behind the record as it was
 *   LATE_CLEAR           the writer clears the word behind the record after it has published the record
 *   INDEX_FIRST          the writer stores the index before the record is published
 *   SELDOM_INDEX         the writer stores the index when it likes
 *   FILLS_ALL            the writer lets a record end where the oldest one begins, and so clears its first word
 *   SLEEPS_BY_INDEX      the reader that arms looks at the index only
 *   WALKS_BLINDLY        the reader goes on behind a record without a look at the word there */

#ifndef MESSAGES
#define MESSAGES 4
#endif
#ifndef CAPACITY
#define CAPACITY 4
#endif
#ifdef FILLS_ALL
#define END 0
#else
#define END 1
#endif
#define STEP 2
/* A record has at most as many words as a step. */
#define MAX_LAG (2 * STEP)

/* The first word of record n has its size too; the second word is no first word. */
#define FIRST(n, size) (2 * (n) + (size))
#define SIZE(word) (2 - (word) % 2)
#define SECOND(n) (100 + 2 * (n))

byte ring[CAPACITY], published, taken, index, head;
bool armed, bell;

/* size: of the record that is written. */
inline write_rest ()
{
  if
  :: size == 2 -> ring[(tail + 1) % CAPACITY] = SECOND (n)
  :: else
  fi
}

inline clear ()
{
  ring[(tail + size) % CAPACITY] = 0
}

inline publish ()
{
  atomic {
    ring[tail % CAPACITY] = FIRST (n, size);
    published++;
    due = armed;
    armed = false }
}

active proctype writer ()
{
  byte n, size, tail;
  bool due;

  do
  :: break
  :: n < MESSAGES ->
     n++;
     if
     :: size = 1
     :: size = 2
     fi;
end_full:
     tail + size + END <= head + CAPACITY;
#ifdef INDEX_FIRST
     index = tail + size;
#endif
#ifdef WORD_FIRST
     clear ();
     publish ();
     write_rest ();
#else
     if
     :: write_rest ();
#ifndef NO_CLEAR
#ifndef LATE_CLEAR
        clear ()
     :: clear ();
        write_rest ()
#endif
#endif
     fi;
     publish ();
#endif
#ifdef LATE_CLEAR
     clear ();
#endif
     tail = tail + size;
     if
     :: index = tail
#ifdef SELDOM_INDEX
     :: true
#else
     :: tail / STEP == (tail - size) / STEP
#endif
     fi;
     if
     :: due -> bell = true
     :: else
     fi
  od
}

/* Goes on from record to record, as far as it likes. */
inline walk ()
{
  do
  :: word != 0 ->
     tail = tail + SIZE (word);
#ifdef WALKS_BLINDLY
     word = FIRST (0, 2)
#else
     word = ring[tail % CAPACITY]
#endif
     if
     :: true
     :: break
     fi
  :: else -> break
  od
}

inline take_published ()
{
  if
  :: index > tail -> tail = index
  :: else ->
     assert (tail - index <= MAX_LAG);
     walk ()
  fi
}

inline sleep ()
{
  armed = true;
  word = ring[tail % CAPACITY];
#ifdef SLEEPS_BY_INDEX
  if
  :: index <= tail -> word = 0
  :: else
  fi;
#endif
  if
  :: word == 0 ->
end_asleep:
     bell;
     bell = false
  :: else -> armed = false
  fi
}

/* Takes the records up to the tail, which are whole. */
inline take ()
{
  do
  :: position < tail ->
     taken++;
     word = ring[position % CAPACITY];
     assert (word == FIRST (taken, SIZE (word)));
     if
     :: SIZE (word) == 2 -> assert (ring[(position + 1) % CAPACITY] == SECOND (taken))
     :: else
     fi;
     position = position + SIZE (word)
  :: else -> break
  od;
  assert (position == tail);
  head = position
}

active proctype reader ()
{
  byte word, tail, position;

  do
  :: word = ring[tail % CAPACITY];
     if
     :: word == 0 -> sleep ()
     :: else -> take_published ()
     fi;
     take ()
  od
}

active proctype claim ()
{
  timeout;
  assert (taken == published)
}
