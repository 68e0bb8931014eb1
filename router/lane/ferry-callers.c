/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The threads that wait for answers over one link. See ferry-callers-private.h. */

#include "config.h"

#include "lane/ferry-callers-private.h"

#include "base/ferry-thread-private.h"

void
ferry_callers_init (FerryCallers *self)
{
  *self = (FerryCallers){0};
  pthread_mutex_init (&self->lock, NULL);
}

void
ferry_callers_clear (FerryCallers *self)
{
  pthread_mutex_destroy (&self->lock);
}

/* lock: returns where the pointer to the thread of that number is, or else the end of the list. */
static FerryCaller **
find_locked (FerryCallers *self, guint64 connection_id, guint64 number)
{
  FerryCaller **place = &self->lists[number % FERRY_N_CALLER_LISTS];

  while (*place != NULL && ((*place)->number != number || (*place)->connection_id != connection_id))
    place = &(*place)->next;
  return place;
}

static void
remove_locked (FerryCallers *self, FerryCaller **place)
{
  *place = (*place)->next;
  atomic_fetch_sub_explicit (&self->n, 1, memory_order_seq_cst);
}

void
ferry_callers_add (FerryCallers *self, FerryCaller *caller)
{
  FerryCaller **list = &self->lists[caller->number % FERRY_N_CALLER_LISTS];
  FERRY_AUTO_LOCK (&self->lock);

  caller->next = *list;
  *list = caller;
  /* Sequentially consistent: see is_awaited() of ferry-monitor.c. */
  atomic_fetch_add_explicit (&self->n, 1, memory_order_seq_cst);
}

void
ferry_callers_remove (FerryCallers *self, FerryCaller *caller)
{
  FerryCaller **place;
  FERRY_AUTO_LOCK (&self->lock);

  place = find_locked (self, caller->connection_id, caller->number);
  if (*place != NULL)
    remove_locked (self, place);
}

void
ferry_callers_sync (FerryCallers *self)
{
  FERRY_AUTO_LOCK (&self->lock);
}

void
ferry_answer_run_begin (FerryAnswerRun *self, FerryCallers *callers)
{
  *self = (FerryAnswerRun){.callers = callers};
  pthread_mutex_lock (&callers->lock);
}

void
ferry_answer_run_end (FerryAnswerRun *self)
{
  ferry_due_waiters_wake (&self->due);
  pthread_mutex_unlock (&self->callers->lock);
}

/* (nullable): returns where the pointer to the thread is that waits for a message. */
static FerryCaller **
find_waiting (FerryAnswerRun *self, guint64 connection_id, const guint8 *payload, gsize size)
{
  FerryCaller **place;
  guint64 number;

  if (size < sizeof number)
    return NULL;
  memcpy (&number, payload, sizeof number);
  place = find_locked (self->callers, connection_id, number);
  return *place != NULL ? place : NULL;
}

static void
hand_over (FerryAnswerRun *self, FerryCaller **place)
{
  FerryCaller *caller = *place;

  remove_locked (self->callers, place);
  /* The caller's memory may be gone after this. */
  ferry_completion_hand_over (caller->completion, &self->due);
}

static gboolean
take_whole (FerryCaller *caller, GBytes *whole)
{
  gsize size;
  gconstpointer data = g_bytes_get_data (whole, &size);

  if (!caller->is_answer (caller->data, data, size))
    return FALSE;
  caller->whole = g_bytes_ref (whole);
  caller->size = size;
  return TRUE;
}

static gboolean
take_private (FerryCaller *caller, const FerryRecordHeader *header, const guint8 *payload)
{
  g_autoptr (GBytes) whole = NULL;

  if (header->length <= caller->max_size || header->kind != FERRY_RECORD_BYTES)
    return FALSE;
  whole = g_bytes_new (payload, header->length);
  return take_whole (caller, whole);
}

gboolean
ferry_answer_run_take (FerryAnswerRun *self, const FerryRecordHeader *header, const guint8 *payload,
                       gboolean is_private)
{
  FerryCaller **place = find_waiting (self, header->connection_id, payload, header->length);

  if (place == NULL)
    return FALSE;
  if (is_private && (*place)->take_part ((*place)->data, payload, header->length))
    return TRUE;
  /* Where the worker may change the payload meanwhile, the copy is checked. */
  if (!ferry_caller_take (*place, header, payload) && !(is_private && take_private (*place, header, payload)))
    return FALSE;
  hand_over (self, place);
  return TRUE;
}

gboolean
ferry_answer_run_take_whole (FerryAnswerRun *self, guint64 connection_id, GBytes *whole)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (whole, &size);
  FerryCaller **place = find_waiting (self, connection_id, data, size);

  if (place == NULL || !take_whole (*place, whole))
    return FALSE;
  hand_over (self, place);
  return TRUE;
}
