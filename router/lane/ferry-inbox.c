/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The messages of one connection that any thread may handle. See ferry-answer-waits-private.h. */

#include "config.h"

#include "lane/ferry-answer-waits-private.h"

#include <string.h>

#include "base/ferry-thread-private.h"

/* What counts for each message besides its bytes: the memory of a FerryMail, and of what the heap adds. */
#define OVERHEAD 128

FerryMail *
ferry_mail_new (gconstpointer message, gsize size)
{
  FerryMail *self = g_malloc (sizeof *self + size);

  *self = (FerryMail){.share = size + OVERHEAD, .size = size};
  memcpy (self->data, message, size);
  return self;
}

FerryMail *
ferry_mail_new_for_whole (GBytes *whole, FerryValueVerdict verdict, gsize share)
{
  FerryMail *self = g_new (FerryMail, 1);

  *self = (FerryMail){
    .whole = g_bytes_ref (whole), .verdict = verdict, .share = share + OVERHEAD, .size = g_bytes_get_size (whole)};
  return self;
}

void
ferry_mail_free (FerryMail *self)
{
  g_clear_pointer (&self->whole, g_bytes_unref);
  g_clear_error (&self->end);
  g_free (self);
}

gconstpointer
ferry_mail_get_message (const FerryMail *self, gsize *size)
{
  *size = self->size;
  if (self->end != NULL)
    return NULL;
  return self->whole != NULL ? g_bytes_get_data (self->whole, NULL) : self->data;
}

void
ferry_inbox_init (FerryInbox *self, gboolean (*accepts) (gpointer data, gconstpointer message, gsize size),
                  gpointer data)
{
  *self = (FerryInbox){.accepts = accepts, .data = data};
  self->last = &self->first;
  pthread_mutex_init (&self->lock, NULL);
}

void
ferry_inbox_clear (FerryInbox *self)
{
  FerryMail *mail;

  while ((mail = self->first) != NULL)
    {
      self->first = mail->next;
      ferry_mail_free (mail);
    }
  pthread_mutex_destroy (&self->lock);
}

/* lock: sequentially consistent, as in ferry_answer_waits_add(). */
static void
count_waits_locked (FerryInbox *self, gboolean adds)
{
  guint n = 0;

  for (FerryInboxWait *wait = self->waits; wait != NULL; wait = wait->next)
    n++;
  if (self->n_waiting != NULL)
    atomic_fetch_add_explicit (self->n_waiting, adds ? n : -n, memory_order_seq_cst);
}

gsize
ferry_inbox_set_counts (FerryInbox *self, _Atomic gint64 *share, _Atomic guint *n_waiting)
{
  gsize counted;
  FERRY_AUTO_LOCK (&self->lock);

  count_waits_locked (self, FALSE);
  counted = self->share != NULL ? self->counted : 0;
  /* Sequentially consistent: as in ferry_local_queue_give_back(). */
  if (counted > 0)
    atomic_fetch_sub_explicit (self->share, (gint64) counted, memory_order_seq_cst);
  self->share = share;
  self->n_waiting = n_waiting;
  count_waits_locked (self, TRUE);
  return counted;
}

/* lock */
static void
wake_locked (FerryInbox *self)
{
  for (FerryInboxWait *wait = self->waits; wait != NULL; wait = wait->next)
    wait->came (wait);
}

/* lock */
static void
push_locked (FerryInbox *self, FerryMail *mail)
{
  *self->last = mail;
  self->last = &mail->next;
  self->counted += mail->share;
  self->n++;
  wake_locked (self);
}

gboolean
ferry_inbox_put (FerryInbox *self, FerryMail *mail, gboolean has_room, gboolean *marks)
{
  FERRY_AUTO_LOCK (&self->lock);

  *marks = !self->is_marked && self->waits == NULL;
  if (!has_room && (*marks || self->counted >= FERRY_INBOX_RESERVE))
    {
      *marks = FALSE;
      self->refused = TRUE;
      ferry_mail_free (mail);
      return FALSE;
    }
  self->is_marked |= *marks;
  /* Relaxed: only the caller's thread adds to the count, and checks for room. */
  if (self->share != NULL)
    atomic_fetch_add_explicit (self->share, (gint64) mail->share, memory_order_relaxed);
  push_locked (self, mail);
  return TRUE;
}

gboolean
ferry_inbox_is_marked (FerryInbox *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  return self->is_marked;
}

void
ferry_inbox_unmark (FerryInbox *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  self->is_marked = FALSE;
}

void
ferry_inbox_put_end (FerryInbox *self, GError *end)
{
  FerryMail *mail = g_new (FerryMail, 1);
  FERRY_AUTO_LOCK (&self->lock);

  *mail = (FerryMail){.end = end};
  push_locked (self, mail);
}

void
ferry_inbox_wake (FerryInbox *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  wake_locked (self);
}

void
ferry_inbox_begin_wait (FerryInbox *self, FerryInboxWait *wait)
{
  FERRY_AUTO_LOCK (&self->lock);

  wait->next = self->waits;
  self->waits = wait;
  if (self->n_waiting != NULL)
    atomic_fetch_add_explicit (self->n_waiting, 1, memory_order_seq_cst);
}

void
ferry_inbox_end_wait (FerryInbox *self, FerryInboxWait *wait)
{
  FerryInboxWait **place = &self->waits;
  FERRY_AUTO_LOCK (&self->lock);

  while (*place != wait)
    place = &(*place)->next;
  *place = wait->next;
  if (self->n_waiting != NULL)
    atomic_fetch_sub_explicit (self->n_waiting, 1, memory_order_seq_cst);
}

/* lock: (transfer full): returns the first of the messages. */
static FerryMail *
pop_locked (FerryInbox *self)
{
  FerryMail *mail = self->first;

  self->first = mail->next;
  if (self->first == NULL)
    self->last = &self->first;
  self->counted -= mail->share;
  self->n--;
  /* Sequentially consistent: as in ferry_local_queue_give_back(). */
  if (self->share != NULL)
    atomic_fetch_sub_explicit (self->share, (gint64) mail->share, memory_order_seq_cst);
  return mail;
}

FerryMail *
ferry_inbox_take (FerryInbox *self, gboolean *mine)
{
  FERRY_AUTO_LOCK (&self->lock);

  if (self->busy && !*mine)
    {
      self->asked = TRUE;
      return NULL;
    }
  if (!*mine || self->asked)
    self->n_left = self->n;
  self->asked = FALSE;
  self->busy = *mine = self->n_left > 0;
  if (!*mine)
    return NULL;
  self->n_left--;
  return pop_locked (self);
}

FerryMail *
ferry_inbox_take_marked (FerryInbox *self)
{
  FERRY_AUTO_LOCK (&self->lock);

  self->asked |= self->busy;
  self->is_marked = !self->busy && self->first != NULL;
  self->busy |= self->is_marked;
  return self->is_marked ? pop_locked (self) : NULL;
}

/* lock */
static void
release_locked (FerryInbox *self)
{
  self->busy = FALSE;
  /* A thread that found the inbox busy takes the rest where the router's thread does something else first. */
  if (self->asked && self->first != NULL)
    wake_locked (self);
  self->asked = FALSE;
}

void
ferry_inbox_release (FerryInbox *self)
{
  FERRY_AUTO_LOCK (&self->lock);

  release_locked (self);
}

void
ferry_inbox_put_back (FerryInbox *self, FerryMail *mail)
{
  FERRY_AUTO_LOCK (&self->lock);

  mail->next = self->first;
  if (self->first == NULL)
    self->last = &mail->next;
  self->first = mail;
  self->counted += mail->share;
  self->n++;
  if (self->share != NULL)
    atomic_fetch_add_explicit (self->share, (gint64) mail->share, memory_order_seq_cst);
  release_locked (self);
}

gboolean
ferry_inbox_end_refusal (FerryInbox *self)
{
  gboolean refused;
  FERRY_AUTO_LOCK (&self->lock);

  refused = self->refused;
  self->refused = FALSE;
  return refused;
}
