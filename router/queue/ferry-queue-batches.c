/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a queue changes in its file together, in one transaction.
 *
 * That is a batch: all that one turn of the main loop has changed, or what came while the batch before it was written.
 * What must be on the disk first waits for its batch: that a task is begun, before its executor gets it, and how it has
 * ended, before anybody is told. A batch that could not be written goes with the next one, each second.
 *
 * Owner:   the queue, of which it is a part.
 * Threads: the router's. The file is used by a thread of its own: ferry-queue-store.c. */

#include "config.h"

#include "queue/ferry-queue-batches-private.h"

/* How long a batch that could not be written waits until it is tried again, in microseconds. */
#define RETRY_TIME G_USEC_PER_SEC

/* ---- one batch ---- */

static void
order_free (gpointer data)
{
  FerryQueueOrder *self = data;

  g_free (self->id);
  g_free (self);
}

static void
batch_init (FerryQueueBatch *self)
{
  self->changes = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_queue_change_free);
  self->claims = g_ptr_array_new_with_free_func (g_object_unref);
  self->ends = g_ptr_array_new_with_free_func (g_object_unref);
  self->flushes = g_ptr_array_new_with_free_func (g_object_unref);
  self->orders = g_ptr_array_new_with_free_func (order_free);
}

static void
batch_clear (FerryQueueBatch *self)
{
  g_clear_pointer (&self->changes, g_ptr_array_unref);
  g_clear_pointer (&self->claims, g_ptr_array_unref);
  g_clear_pointer (&self->ends, g_ptr_array_unref);
  g_clear_pointer (&self->flushes, g_ptr_array_unref);
  g_clear_pointer (&self->orders, g_ptr_array_unref);
}

/* Puts what was in first in front of what is in self. */
static void
prepend (GPtrArray **self, GPtrArray **first)
{
  g_ptr_array_extend_and_steal (*first, g_steal_pointer (self));
  *self = g_steal_pointer (first);
}

static void
finish_flushes (GPtrArray *flushes, const GError *error)
{
  for (guint i = 0; i < flushes->len; i++)
    if (error != NULL)
      g_task_return_error (flushes->pdata[i], g_error_copy (error));
    else
      g_task_return_boolean (flushes->pdata[i], TRUE);
  g_ptr_array_set_size (flushes, 0);
}

void
ferry_queue_batch_tell_ends (FerryQueueBatch *self)
{
  for (guint i = 0; i < self->ends->len; i++)
    ferry_run_tell_end (ferry_task_get_run (self->ends->pdata[i]));
}

void
ferry_queue_batch_finish (FerryQueueBatch *self)
{
  finish_flushes (self->flushes, NULL);
  batch_clear (self);
}

/* ---- all of them ---- */

void
ferry_queue_batches_init (FerryQueueBatches *self, FerryTimers *timers, void (*due) (gpointer owner), gpointer owner)
{
  self->timers = timers;
  self->due = due;
  self->owner = owner;
  batch_init (&self->next);
}

void
ferry_queue_batches_stop (FerryQueueBatches *self)
{
  ferry_timers_unset (self->timers, &self->send_timer);
  ferry_timers_unset (self->timers, &self->retry_timer);
  if (self->store != NULL && self->is_open)
    ferry_queue_store_write (self->store, self->next.changes, FALSE);
  self->is_open = FALSE;
}

void
ferry_queue_batches_clear (FerryQueueBatches *self)
{
  batch_clear (&self->next);
  g_clear_error (&self->error);
}

void
ferry_queue_batches_send_soon (FerryQueueBatches *self)
{
  if (self->is_open && !ferry_timer_is_set (&self->send_timer) && !ferry_timer_is_set (&self->retry_timer))
    ferry_timers_set (self->timers, &self->send_timer, 0, self->due, self->owner);
}

static void
add_change (FerryQueueBatches *self, FerryQueueChange *change)
{
  g_ptr_array_add (self->next.changes, change);
  ferry_queue_batches_send_soon (self);
}

void
ferry_queue_batches_put (FerryQueueBatches *self, FerryQueueEntry *entry, FerryQueueChangeKind kind)
{
  if (entry->change != NULL && entry->batch_number == self->number)
    {
      ferry_queue_row_clear (&entry->change->row);
      entry->change->row = ferry_queue_row_copy (&entry->row);
      if (kind == FERRY_QUEUE_CHANGE_INSERT)
        entry->change->kind = kind;
      return;
    }
  entry->change = ferry_queue_change_of (kind, &entry->row);
  entry->batch_number = self->number;
  add_change (self, entry->change);
}

void
ferry_queue_batches_add (FerryQueueBatches *self, FerryQueueChangeKind kind, const FerryQueueRow *row)
{
  add_change (self, ferry_queue_change_of (kind, row));
}

void
ferry_queue_batches_add_claim (FerryQueueBatches *self, FerryTask *task)
{
  g_ptr_array_add (self->next.claims, g_object_ref (task));
}

void
ferry_queue_batches_add_end (FerryQueueBatches *self, FerryTask *task)
{
  g_ptr_array_add (self->next.ends, g_object_ref (task));
}

void
ferry_queue_batches_add_order (FerryQueueBatches *self, gboolean sends, char *id)
{
  FerryQueueOrder *order = g_new (FerryQueueOrder, 1);

  *order = (FerryQueueOrder){sends, id};
  g_ptr_array_add (self->next.orders, order);
}

void
ferry_queue_batches_add_flush (FerryQueueBatches *self, GTask *flush)
{
  g_ptr_array_add (self->next.flushes, flush);
  ferry_queue_batches_send_soon (self);
}

gboolean
ferry_queue_batches_has_stored (const FerryQueueBatches *self, const FerryQueueEntry *entry)
{
  return entry->change == NULL || entry->batch_number < self->n_stored;
}

gboolean
ferry_queue_batches_has_kept (const FerryQueueBatches *self, const FerryQueueEntry *entry)
{
  if (entry->first_batch > self->n_stored)
    return FALSE;
  return (!entry->stored && !ferry_queue_row_has_ended (&entry->row)) || ferry_queue_batches_has_stored (self, entry);
}

gboolean
ferry_queue_batches_has_nothing (const FerryQueueBatches *self)
{
  return self->next.changes->len == 0 && self->next.claims->len == 0 && self->next.ends->len == 0;
}

/* ---- writing ---- */

static void
set_failure (FerryQueueBatches *self, const GError *error)
{
  if (error != NULL && self->error == NULL)
    g_warning ("%s. It is tried again each second", error->message);
  g_clear_error (&self->error);
  self->error = error != NULL ? g_error_copy (error) : NULL;
}

void
ferry_queue_batches_drop (FerryQueueBatches *self)
{
  FerryQueueBatch dropped = self->next;

  batch_init (&self->next);
  self->number++;
  /* What is not stored is not told to be so. */
  for (guint i = 0; self->error != NULL && i < dropped.ends->len; i++)
    ferry_run_lose_end (ferry_task_get_run (dropped.ends->pdata[i]), self->error);
  ferry_queue_batch_tell_ends (&dropped);
  batch_clear (&dropped);
}

static void
try_later (FerryQueueBatches *self)
{
  ferry_timers_set (self->timers, &self->retry_timer, g_get_monotonic_time () + RETRY_TIME, self->due, self->owner);
}

void
ferry_queue_batches_hold_up (FerryQueueBatches *self, const GError *error)
{
  set_failure (self, error);
  try_later (self);
}

gboolean
ferry_queue_batches_send (FerryQueueBatches *self)
{
  if (self->is_writing)
    return TRUE;
  if (self->store == NULL)
    {
      ferry_queue_batches_drop (self);
      return FALSE;
    }
  if (ferry_queue_batches_has_nothing (self) && self->error == NULL)
    {
      finish_flushes (self->next.flushes, NULL);
      return FALSE;
    }
  self->sent = self->next;
  batch_init (&self->next);
  self->number++;
  self->is_writing = TRUE;
  ferry_queue_store_write (self->store, self->sent.changes, TRUE);
  return TRUE;
}

/* The batch that was not written goes with the next one. */
static void
keep_batch (FerryQueueBatches *self, const GError *error)
{
  finish_flushes (self->sent.flushes, error);
  prepend (&self->next.changes, &self->sent.changes);
  prepend (&self->next.claims, &self->sent.claims);
  prepend (&self->next.ends, &self->sent.ends);
  prepend (&self->next.orders, &self->sent.orders);
  batch_clear (&self->sent);
  try_later (self);
}

/* What is in a file needs no memory. */
static void
unload_values (GPtrArray *changes)
{
  for (guint i = 0; i < changes->len; i++)
    {
      const FerryQueueRow *row = &((FerryQueueChange *) changes->pdata[i])->row;

      if (row->arguments != NULL)
        ferry_queue_value_unload (row->arguments);
      if (row->result != NULL)
        ferry_queue_value_unload (row->result);
    }
}

gboolean
ferry_queue_batches_take (FerryQueueBatches *self, const GError *error, FerryQueueBatch *done)
{
  self->is_writing = FALSE;
  set_failure (self, error);
  if (error != NULL)
    {
      keep_batch (self, error);
      return FALSE;
    }
  self->n_stored = self->number;
  *done = self->sent;
  self->sent = (FerryQueueBatch){0};
  unload_values (done->changes);
  return TRUE;
}
