/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The messages of one connection that any thread may handle. See ferry-inbox-private.h. */

#include "config.h"

#include "lane/ferry-inbox-private.h"

#include "base/ferry-thread-private.h"

void
ferry_inbox_init (FerryInbox *self, gboolean (*accepts) (gpointer data, gconstpointer message, gsize size),
                  gpointer data)
{
  *self = (FerryInbox){.accepts = accepts, .data = data};
  g_queue_init (&self->mails);
  pthread_mutex_init (&self->lock, NULL);
}

static void
mail_free (gpointer data)
{
  FerryMail *mail = data;

  g_clear_pointer (&mail->message, g_bytes_unref);
  g_clear_error (&mail->end);
  g_free (mail);
}

void
ferry_inbox_clear (FerryInbox *self)
{
  g_queue_clear_full (&self->mails, mail_free);
  pthread_mutex_destroy (&self->lock);
}

/* lock: sequentially consistent, as in ferry_callers_add(). */
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
  gsize counted = 0;
  FERRY_AUTO_LOCK (&self->lock);

  count_waits_locked (self, FALSE);
  for (GList *node = self->share != NULL ? self->mails.head : NULL; node != NULL; node = node->next)
    counted += ((FerryMail *) node->data)->share;
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
push_locked (FerryInbox *self, FerryMail mail)
{
  g_queue_push_tail (&self->mails, g_memdup2 (&mail, sizeof mail));
  wake_locked (self);
}

gboolean
ferry_inbox_put (FerryInbox *self, GBytes *message, gsize share, gboolean may_mark, gboolean *marks)
{
  FERRY_AUTO_LOCK (&self->lock);

  if (!self->is_marked && !may_mark && self->waits == NULL)
    return FALSE;
  *marks = !self->is_marked && may_mark;
  self->is_marked |= *marks;
  /* Relaxed: only the caller's thread adds to the count, and checks for room. */
  if (self->share != NULL)
    atomic_fetch_add_explicit (self->share, (gint64) share, memory_order_relaxed);
  push_locked (self, (FerryMail){.message = g_bytes_ref (message), .share = share});
  return TRUE;
}

gboolean
ferry_inbox_unmark (FerryInbox *self)
{
  gboolean was_marked;
  FERRY_AUTO_LOCK (&self->lock);

  was_marked = self->is_marked;
  self->is_marked = FALSE;
  return was_marked;
}

void
ferry_inbox_put_end (FerryInbox *self, GError *end)
{
  FERRY_AUTO_LOCK (&self->lock);
  push_locked (self, (FerryMail){.end = end});
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

gboolean
ferry_inbox_take (FerryInbox *self, gboolean *mine, FerryMail *mail)
{
  g_autofree FerryMail *next = NULL;
  FERRY_AUTO_LOCK (&self->lock);

  if (self->busy && !*mine)
    return FALSE;
  next = g_queue_pop_head (&self->mails);
  self->busy = *mine = next != NULL;
  if (next == NULL)
    return FALSE;
  *mail = *next;
  /* Sequentially consistent: as in ferry_local_queue_give_back(). */
  if (self->share != NULL)
    atomic_fetch_sub_explicit (self->share, (gint64) mail->share, memory_order_seq_cst);
  return TRUE;
}
