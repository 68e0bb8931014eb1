/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Large answers, which come in pieces with other messages between them.
 *
 * Trust: none. Memory grows with what comes and not with what is announced; an answer, and all of them together, are
 *        bounded. */

#include "config.h"

#include "call/ferry-call-private.h"

#include "base/ferry-error.h"

/* The pieces of an answer so far, or NULL. */
GByteArray *
ferry_transactions_take_pieces_locked (FerryTransactions *self, guint64 xid)
{
  gpointer key;
  gpointer pieces;

  if (self->pieces == NULL || !g_hash_table_steal_extended (self->pieces, &xid, &key, &pieces))
    return NULL;
  g_free (key);
  self->pieces_size -= ((GByteArray *) pieces)->len;
  return pieces;
}

void
ferry_transactions_drop_pieces_locked (FerryTransactions *self, guint64 xid)
{
  GByteArray *pieces = ferry_transactions_take_pieces_locked (self, xid);

  g_clear_pointer (&pieces, g_byte_array_unref);
}

static GByteArray *
find_locked (FerryTransactions *self, guint64 xid)
{
  GByteArray *pieces;

  if (self->pieces == NULL)
    self->pieces = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, (GDestroyNotify) g_byte_array_unref);
  pieces = g_hash_table_lookup (self->pieces, &xid);
  if (pieces != NULL)
    return pieces;
  pieces = g_byte_array_new ();
  g_hash_table_insert (self->pieces, g_memdup2 (&xid, sizeof xid), pieces);
  return pieces;
}

/* Returns why it cannot be. */
static const char *
add_locked (FerryTransactions *self, const FerryCallMessage *message)
{
  guint64 size = (guint64) message->header.number;
  GByteArray *pieces;

  if (size > self->max_answer)
    return "is larger than this end takes";
  if (message->body_size > FERRY_MAX_LARGEST_ANSWERS * self->max_answer - self->pieces_size)
    return "comes beside too many that are as large";
  pieces = find_locked (self, message->header.xid);
  if (message->body_size >= size - MIN (pieces->len, size))
    return "has more pieces than it is long";
  g_byte_array_append (pieces, message->body, (guint) message->body_size);
  self->pieces_size += message->body_size;
  return NULL;
}

/* Of an answer that is wanted no more they are dropped. */
gboolean
ferry_transactions_receive_piece (FerryTransactions *self, const FerryCallMessage *message, GError **error)
{
  guint64 xid = message->header.xid;
  const char *fault = NULL;

  pthread_mutex_lock (&self->lock);
  if (ferry_xid_table_find (&self->asked, xid) != NULL)
    fault = add_locked (self, message);
  pthread_mutex_unlock (&self->lock);
  if (fault == NULL)
    return TRUE;
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL, "The answer to transaction %" G_GUINT64_FORMAT " %s", xid,
               fault);
  return FALSE;
}

/* Whether an answer, which has the last of the value, goes with the pieces before it, or is not wanted any more. */
gboolean
ferry_transactions_check_pieces (FerryTransactions *self, const FerryCallMessage *message, GError **error)
{
  guint64 xid = message->header.xid;
  GByteArray *pieces;
  gboolean fits;

  pthread_mutex_lock (&self->lock);
  pieces = self->pieces != NULL ? g_hash_table_lookup (self->pieces, &xid) : NULL;
  fits = ferry_xid_table_find (&self->asked, xid) == NULL ||
         (pieces != NULL && (guint64) message->header.number == pieces->len + message->body_size);
  pthread_mutex_unlock (&self->lock);
  if (!fits)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL, "Transaction %" G_GUINT64_FORMAT " has an answer with a gap",
                 xid);
  return fits;
}
