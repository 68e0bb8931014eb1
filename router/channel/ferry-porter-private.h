/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who answers the door for a listener: a thread that hears knocks, so that those who may not come in are told why even
 * while the worker is busy, and those who say nothing keep nobody waiting.
 *
 * Each application that was let in has a seat until its transport is closed. Where all are taken, a knock is refused at
 * once, unless a seat is about to be free: its application has hung up, or is the one that knocks again. Such a knock
 * is kept in line for a moment.
 *
 * Owner:   counted references: the listener's, the thread's, and those of the seats, which outlive the listener.
 * Threads: any, where nothing else is said.
 * Locks:   starting, then lock; within that, only a transport is asked whether it is closed. */

#pragma once

#include <pthread.h>

#include "call/ferry-binding-private.h"
#include "call/ferry-transport.h"

G_BEGIN_DECLS

typedef struct
{
  _Atomic gint references;
  FerryBinding *binding; /* starting, and of the thread while it runs: (owned) (nullable) */
  int wake_fd;           /* const: (owned): an eventfd; wakes the thread */

  pthread_mutex_t starting; /* taken before lock; the thread never takes it */
  GThread *thread;          /* starting: (owned) (nullable) */

  pthread_mutex_t lock;
  pthread_cond_t changed;
  GQueue arrived;        /* lock: (element-type FerryTransport) (owned): let in, and not taken yet */
  GPtrArray *seats;      /* lock: (element-type Seat) (unowned): each is its transport's */
  GArray *users;         /* lock: (element-type uid_t): who may come in beside our own user */
  guint max_attached;    /* lock */
  gint64 knock_time;     /* lock: how long a knock may take, in microseconds */
  gboolean stopped;      /* lock */
  GMainContext *context; /* lock: (owned) (nullable): where news are told; NULL where nobody wants them */
  GSourceFunc news;      /* lock: called with the porter, some time after what there is to tell */
  gboolean telling;      /* lock: it is going to be called */
  GWeakRef listener;     /* any */

  GPtrArray *knocks; /* of the thread: (element-type Knock) (owned), the oldest first */
  gint64 deaf_until; /* of the thread: no descriptors are left, so nobody is let in until then */
  gint64 logged_at;  /* of the thread: when a foreign user was logged, or 0 */
  guint n_unlogged;  /* of the thread */
} FerryPorter;

FerryPorter *ferry_porter_new (FerryBinding *binding, GError **error);
void ferry_porter_unref (FerryPorter *self);

/* Starts the thread; nothing where it runs, or was stopped. */
gboolean ferry_porter_start (FerryPorter *self, GError **error);
/* Ends the thread, gives the address up, and closes those who were let in and not taken. Those who were stay. */
void ferry_porter_stop (FerryPorter *self);
void ferry_porter_wake (FerryPorter *self);

/* The oldest that was let in and is still open; NULL where there is none. */
FerryTransport *ferry_porter_take_locked (FerryPorter *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryPorter, ferry_porter_unref)

G_END_DECLS
