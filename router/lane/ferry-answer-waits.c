/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The threads that wait for answers over one link, and how the one that drains hands them over.
 *
 * They are listed by the numbers of the answers. The thread that drains the link hands an answer to the thread that
 * waits for it, and wakes that thread. The payload of an answer begins with its number.
 *
 * Threads: any. Answers are taken by one thread at a time.
 * Locks:   lock is held while answers are handed over. The only functions that are called with it are those of
 *          FerryAnswerWait, and those of the completions, which take no lock. */

#include "config.h"

#include "lane/ferry-answer-waits-private.h"

#include "base/ferry-thread-private.h"

void
ferry_answer_waits_init (FerryAnswerWaits *self)
{
  *self = (FerryAnswerWaits){0};
  pthread_mutex_init (&self->lock, NULL);
}

void
ferry_answer_waits_clear (FerryAnswerWaits *self)
{
  pthread_mutex_destroy (&self->lock);
}

/* lock: returns where the pointer to the thread of that number is, or else the end of the list. */
static FerryAnswerWait **
find_locked (FerryAnswerWaits *self, guint64 connection_id, guint64 number)
{
  FerryAnswerWait **place = &self->lists[number % FERRY_N_ANSWER_WAIT_LISTS];

  while (*place != NULL && ((*place)->number != number || (*place)->connection_id != connection_id))
    place = &(*place)->next;
  return place;
}

static void
remove_locked (FerryAnswerWaits *self, FerryAnswerWait **place)
{
  *place = (*place)->next;
  atomic_fetch_sub_explicit (&self->n, 1, memory_order_seq_cst);
}

gboolean
ferry_answer_waits_add (FerryAnswerWaits *self, FerryAnswerWait *wait)
{
  FerryAnswerWait **list = &self->lists[wait->number % FERRY_N_ANSWER_WAIT_LISTS];
  FERRY_AUTO_LOCK (&self->lock);

  wait->next = *list;
  *list = wait;
  wait->is_listed = TRUE;
  /* Sequentially consistent: see ferry_drain_lock_is_lent(). */
  return atomic_fetch_add_explicit (&self->n, 1, memory_order_seq_cst) == 0;
}

void
ferry_answer_waits_remove (FerryAnswerWaits *self, FerryAnswerWait *wait)
{
  FerryAnswerWait **place;
  FERRY_AUTO_LOCK (&self->lock);

  place = find_locked (self, wait->connection_id, wait->number);
  if (*place != NULL)
    remove_locked (self, place);
  wait->is_listed = FALSE;
}

void
ferry_answer_pass_begin (FerryAnswerPass *self, FerryAnswerWaits *waits)
{
  *self = (FerryAnswerPass){.waits = waits};
  pthread_mutex_lock (&waits->lock);
}

static void
wake_due (FerryAnswerPass *self)
{
  if (self->due != NULL)
    ferry_completion_wake (self->due);
  self->due = NULL;
}

/* A thread that is woken is likely to take the lock at once, for its next request. */
void
ferry_answer_pass_end (FerryAnswerPass *self)
{
  pthread_mutex_unlock (&self->waits->lock);
  wake_due (self);
}

/* (nullable): returns where the pointer to the thread is that waits for a message. */
static FerryAnswerWait **
find_waiting (FerryAnswerPass *self, guint64 connection_id, const guint8 *payload, gsize size)
{
  FerryAnswerWait **place;
  guint64 number;

  if (size < sizeof number)
    return NULL;
  memcpy (&number, payload, sizeof number);
  place = find_locked (self->waits, connection_id, number);
  return *place != NULL ? place : NULL;
}

static void
hand_over (FerryAnswerPass *self, FerryAnswerWait **place)
{
  FerryAnswerWait *wait = *place;

  remove_locked (self->waits, place);
  wake_due (self);
  /* The wait's memory may be gone after this. */
  self->due = ferry_completion_hand_over (wait->completion);
}

/* Returns (transfer full) the bytes, or a copy of them. */
static GBytes *
dup_whole (GBytes *whole, gboolean may_keep)
{
  gsize size;
  gconstpointer data = g_bytes_get_data (whole, &size);

  return may_keep ? g_bytes_ref (whole) : g_bytes_new (data, size);
}

static gboolean
take_whole (FerryAnswerWait *wait, GBytes *whole, FerryValueVerdict verdict, gboolean may_keep)
{
  gsize size;
  gconstpointer data = g_bytes_get_data (whole, &size);

  if (!wait->is_answer (wait->data, data, size))
    return FALSE;
  wait->whole = dup_whole (whole, may_keep);
  wait->verdict = verdict;
  wait->size = size;
  return TRUE;
}

static gboolean
take_private (FerryAnswerWait *wait, const FerryRecordHeader *header, const guint8 *payload)
{
  g_autoptr (GBytes) whole = NULL;

  if (header->length <= wait->max_size || header->kind != FERRY_RECORD_BYTES)
    return FALSE;
  whole = g_bytes_new (payload, header->length);
  return take_whole (wait, whole, FERRY_VALUE_UNJUDGED, TRUE);
}

gboolean
ferry_answer_pass_take (FerryAnswerPass *self, const FerryRecordHeader *header, const guint8 *payload,
                        gboolean is_private)
{
  FerryAnswerWait **place = find_waiting (self, header->connection_id, payload, header->length);

  if (place == NULL)
    return FALSE;
  if (is_private && (*place)->take_part ((*place)->data, payload, header->length))
    return TRUE;
  /* Where the worker may change the payload meanwhile, the copy is checked. */
  if (!ferry_answer_wait_take (*place, header, payload) && !(is_private && take_private (*place, header, payload)))
    return FALSE;
  hand_over (self, place);
  return TRUE;
}

gboolean
ferry_answer_pass_take_whole (FerryAnswerPass *self, guint64 connection_id, GBytes *whole, FerryValueVerdict verdict,
                              gboolean may_keep)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (whole, &size);
  FerryAnswerWait **place = find_waiting (self, connection_id, data, size);

  if (place == NULL || !take_whole (*place, whole, verdict, may_keep))
    return FALSE;
  hand_over (self, place);
  return TRUE;
}
