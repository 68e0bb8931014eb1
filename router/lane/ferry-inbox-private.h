/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The messages of one connection that any thread may handle. The thread that drains the link puts them in, where that
 * is one of FerryCallers. They are taken out one after the other: by the router's thread, or by a thread that waits for
 * what one of them may bring.
 *
 * Terms:   the marker of an inbox is an empty record in the local queue. It stands for all messages in the inbox, so
 *          that the router's thread takes them even where no thread waits. There is at most one at a time.
 * Threads: any.
 * Locks:   lock is taken after that of FerryCallers. With it, came() of the waits is called, and nothing else. */

#pragma once

#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>

G_BEGIN_DECLS

typedef struct _FerryInboxWait FerryInboxWait;

/* A thread that waits. */
struct _FerryInboxWait
{
  /* Wakes the thread, which must then take the messages. Called with locks held: it must not wait. */
  void (*came) (FerryInboxWait *self);
  FerryInboxWait *next; /* (unowned) (nullable) */
};

/* A message, or the end, after which there are no messages. */
typedef struct
{
  GBytes *message; /* (owned) (nullable) */
  GError *end;     /* (owned) (nullable): why the connection has ended */
  gsize share;     /* the bytes that count against the link's share */
} FerryMail;

typedef struct
{
  /* const: whether any thread may handle a message, which cannot change. Called with locks held: it must not wait. */
  gboolean (*accepts) (gpointer data, gconstpointer message, gsize size);
  gpointer data;

  pthread_mutex_t lock;
  GQueue mails;             /* lock: (element-type FerryMail) (owned) */
  FerryInboxWait *waits;    /* lock: (unowned) (nullable) */
  gboolean busy;            /* lock: a thread handles a message that it took */
  gboolean is_marked;       /* lock: the marker is in the local queue, or is being put there */
  _Atomic gint64 *share;    /* lock: (unowned) (nullable): the bytes that the link has out */
  _Atomic guint *n_waiting; /* lock: (unowned) (nullable): counts the threads that wait over the link */
} FerryInbox;

void ferry_inbox_init (FerryInbox *self, gboolean (*accepts) (gpointer data, gconstpointer message, gsize size),
                       gpointer data);
void ferry_inbox_clear (FerryInbox *self);
/* Sets the counts of a link; or unsets them, and returns the bytes that count no more. */
gsize ferry_inbox_set_counts (FerryInbox *self, _Atomic gint64 *share, _Atomic guint *n_waiting);

/* Puts a message in, and wakes the threads that wait. may_mark: the caller can put a marker into the local queue. Sets
 * *marks where it must do so. Returns FALSE where it cannot, and nobody would take the message. share: the
 * bytes that count against the link's share. */
gboolean ferry_inbox_put (FerryInbox *self, GBytes *message, gsize share, gboolean may_mark, gboolean *marks);
/* For the router's thread, which found an empty record: returns whether it was the marker. */
gboolean ferry_inbox_unmark (FerryInbox *self);
/* Puts the end in, after all messages. Takes it. */
void ferry_inbox_put_end (FerryInbox *self, GError *end);

/* Begins a wait, after which the thread must take the messages; and ends it, after which it must do so once more. */
void ferry_inbox_begin_wait (FerryInbox *self, FerryInboxWait *wait);
void ferry_inbox_end_wait (FerryInbox *self, FerryInboxWait *wait);

/* Wakes the threads that wait, which then look also for what else they can do. */
void ferry_inbox_wake (FerryInbox *self);

/* Takes the next message, or the end. Returns FALSE where there is none, or another thread handles one: that thread
 * goes on until there is none. *mine: FALSE at first; kept from one call to the next by the thread that goes on. */
gboolean ferry_inbox_take (FerryInbox *self, gboolean *mine, FerryMail *mail);

G_END_DECLS
