/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: lane/ferry-wake-private.h, lane/ferry-lane.c, lane/ferry-doorbell.c
 *
 * The wake-up protocol of a lane, for spin to search to exhaustion.
 *
 * A writer sends MESSAGES numbers through a ring with room for CAPACITY; a reader takes them out. Either may find
 * nothing to do and sleep: the reader until its doorbell rings, the writer on a futex until there is room. The claim is
 * that no wake-up is ever lost. A lost one leaves both processes asleep for good, which spin reports as an invalid end
 * state; a message that is missing, doubled or not yet filled in fails an assertion.
 *
 * Memory: each processor has a store buffer, as x86 has (total store order). A store goes to the end of its process's
 * buffer and reaches memory at any later moment, in order; a process of its own per buffer carries it there. A
 * sequentially consistent store is a store that waits until the buffer is empty. A load would look into its own buffer
 * first; here every word has one writer, which keeps its own copy and never loads the word, so a load looks into memory
 * only, and asserts that.
 *
 * What stands for what: the doorbell is an eventfd watched edge-triggered, so a ring that comes while nobody sleeps is
 * remembered; ringing need not empty the ringer's buffer. The bell is the futex word; adding to it is a locked
 * instruction, which does empty the buffer. The reader wakes a waiting writer only when half of the ring is free, as
 * far as it knows of the tail.
 *
 * The writer may begin, before any record, to publish without emptying its buffer; it announces that first. A wake-up
 * ends it. The reader's barrier waits until the writer's buffer is empty, as membarrier() does.
 *
 * A cell has no model of its own. Its writer is the writer here without a ring and without room to wait for, its
 * sequence is tail, and its reader arms and looks by the same functions.
 *
 * The macros weaken one step each, and then the search must find the lost wake-up:
 *
 *   WEAK_TAIL              the writer's store of tail may stay in the buffer while it looks at reader_waiting
 *   WEAK_READER_WAITING    the reader's store of reader_waiting may stay there while it looks at tail again
 *   WEAK_HEAD              the reader's store of head may stay there while it looks at writer_waiting
 *   WEAK_WRITER_WAITING    the writer's store of writer_waiting may stay there while it looks at head again
 *   READER_TRUSTS_ITSELF   the reader does not look at tail again before it sleeps
 *   WRITER_TRUSTS_ITSELF   the writer does not look at head again before it sleeps
 *   SAME_READER_EPOCH      the reader announces each sleep with the same number
 *   SAME_WRITER_EPOCH      the writer does
 *   LATE_BELL              the writer loads the bell after it has looked at head again
 *   FORGETFUL_DOORBELL     a ring that comes while the reader is awake is forgotten
 *   UNFUSED_FUTEX          the futex does not compare the bell before it sleeps
 *   WEAK_OMISSION          the writer's store of omits_barriers may stay there while it publishes the next record
 *   NO_BARRIER             the reader issues no barrier where the writer omits them
 *   EARLY_BARRIER          the reader looks at omits_barriers, and issues the barrier, before it announces its sleep
 *   EXACTLY_HALF           the reader wakes the writer when half of the ring is free, and not when more is */

#ifndef MESSAGES
#define MESSAGES 4
#endif
#ifndef CAPACITY
#define CAPACITY 2
#endif

#ifdef EXACTLY_HALF
#define ENOUGH_ROOM ==
#else
#define ENOUGH_ROOM <=
#endif

#define WRITER 0
#define READER 1

/* The shared words; the slots of the ring come after them. */
#define TAIL 0
#define WRITER_WAITING 1
#define HEAD 2
#define READER_WAITING 3
#define OMITS_BARRIERS 4
#define SLOTS 5
#define WORDS (SLOTS + CAPACITY)

#define STORE_BUFFER 3

byte memory[WORDS];
chan buffer[2] = [STORE_BUFFER] of { byte, byte };

byte bell;
bool doorbell_rang;
bool reader_asleep;
bool writer_asleep;

#define owner(word) (((word) == HEAD || (word) == READER_WAITING) -> READER : WRITER)

inline load (process, word, value)
{
  assert (owner (word) != process);
  value = memory[word]
}

/* A relaxed or release store: release costs nothing on a store buffer, which keeps the order. */
inline store (process, word, value)
{
  assert (owner (word) == process);
  buffer[process] ! word, value
}

inline drain (process)
{
  empty (buffer[process])
}

inline store_tail (value)
{
  store (WRITER, TAIL, value);
#ifndef WEAK_TAIL
  drain (WRITER)
#endif
}

inline store_writer_waiting (value)
{
  store (WRITER, WRITER_WAITING, value);
#ifndef WEAK_WRITER_WAITING
  drain (WRITER)
#endif
}

inline store_head (value)
{
  store (READER, HEAD, value);
#ifndef WEAK_HEAD
  drain (READER)
#endif
}

inline store_reader_waiting (value)
{
  store (READER, READER_WAITING, value);
#ifndef WEAK_READER_WAITING
  drain (READER)
#endif
}

inline store_omission (value)
{
  store (WRITER, OMITS_BARRIERS, value);
#ifndef WEAK_OMISSION
  if
  :: value -> drain (WRITER)
  :: else
  fi
#endif
}

inline issue_barrier (omits_barriers)
{
#ifndef NO_BARRIER
  load (READER, OMITS_BARRIERS, omits_barriers);
  if
  :: omits_barriers -> drain (WRITER)
  :: else
  fi
#else
  skip
#endif
}

inline ring_doorbell ()
{
  atomic
  {
#ifdef FORGETFUL_DOORBELL
    doorbell_rang = reader_asleep
#else
    doorbell_rang = true
#endif
  }
}

inline sleep_until_doorbell ()
{
  reader_asleep = true;
  atomic
  {
    doorbell_rang -> doorbell_rang = false;
    reader_asleep = false
  }
}

/* The kernel compares and goes to sleep as one step; a wake-up reaches only who sleeps by then. */
inline futex_wait (expected)
{
  atomic
  {
    if
#ifndef UNFUSED_FUTEX
    :: bell != expected -> skip
#endif
    :: else -> writer_asleep = true
    fi
  }
  !writer_asleep
}

inline futex_wake ()
{
  writer_asleep = false
}

proctype carry (byte process)
{
  byte word;
  byte value;

end:
  do
  :: atomic { buffer[process] ? word, value -> memory[word] = value; word = 0; value = 0 }
  od
}

proctype writer ()
{
  byte tail;
  byte head;
  byte epoch;
  byte seen;
  byte waiting;
  byte rung;
  bool omits_barriers;

  do
  :: tail < MESSAGES ->
     /* room? */
     load (WRITER, HEAD, head);
     do
     :: tail - head < CAPACITY -> break
     :: else ->
#ifndef LATE_BELL
        seen = bell;
#endif
#ifdef SAME_WRITER_EPOCH
        epoch = 1;
#else
        epoch++;
#endif
        store_writer_waiting (epoch);
#ifndef WRITER_TRUSTS_ITSELF
        load (WRITER, HEAD, head);
#endif
        if
        :: tail - head < CAPACITY -> skip
        :: else ->
#ifdef LATE_BELL
           seen = bell;
#endif
           futex_wait (seen);
           load (WRITER, HEAD, head)
        fi
     od;

     store (WRITER, SLOTS + tail % CAPACITY, tail + 1);
     tail++;
     if
     :: omits_barriers -> store (WRITER, TAIL, tail)
     :: else -> store_tail (tail)
     fi;
     load (WRITER, READER_WAITING, waiting);
     if
     :: waiting != rung ->
        rung = waiting;
        if
        :: omits_barriers -> omits_barriers = false; store_omission (0)
        :: else
        fi;
        ring_doorbell ()
     :: else ->
        if
        :: !omits_barriers -> omits_barriers = true; store_omission (1)
        :: skip
        fi
     fi
  :: else -> break
  od
}

proctype reader ()
{
  byte head;
  byte tail;
  byte epoch;
  byte waiting;
  byte answered;
  byte number;
  byte omits_barriers;

  do
  :: head < MESSAGES ->
     load (READER, TAIL, tail);
     if
     :: head != tail -> skip
     :: else ->
#ifdef SAME_READER_EPOCH
        epoch = 1;
#else
        epoch++;
#endif
#ifdef EARLY_BARRIER
        issue_barrier (omits_barriers);
#endif
        store_reader_waiting (epoch);
#ifndef EARLY_BARRIER
        issue_barrier (omits_barriers);
#endif
#ifndef READER_TRUSTS_ITSELF
        load (READER, TAIL, tail);
#endif
        if
        :: head != tail -> skip
        :: else -> sleep_until_doorbell ()
        fi
     fi;

     do
     :: head != tail ->
        /* one record, or as many as are there, and then the room is given back at once */
        do
        :: head != tail ->
           load (READER, SLOTS + head % CAPACITY, number);
           assert (number == head + 1);
           head++;
           if
           :: break
           :: head != tail -> skip
           fi
        od;
        store_head (head);
        if
        :: tail - head ENOUGH_ROOM CAPACITY / 2 ->
           load (READER, WRITER_WAITING, waiting);
           if
           :: waiting != answered ->
              answered = waiting;
              drain (READER);
              bell++;
              futex_wake ()
           :: else
           fi
        :: else
        fi
     :: else -> break
     od
  :: else -> break
  od
}

init
{
  atomic
  {
    run carry (WRITER);
    run carry (READER);
    run writer ();
    run reader ()
  }
}
