/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who answers the door for a listener: a thread that hears hellos, so that those who may not come in are told why even
 * while the worker is busy, and those who say nothing keep nobody waiting.
 *
 * Each application that was let in has a seat until its transport is closed. Where all are taken, a hello is refused at
 * once, unless a seat is about to be free: its application has hung up, or is the one that hellos again. Such a hello
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
  gint64 hello_time;     /* lock: how long a hello may take, in microseconds */
  gboolean stopped;      /* lock */
  GMainContext *context; /* lock: (owned) (nullable): where news are told; NULL where nobody wants them */
  GSourceFunc news;      /* lock: called with the acceptor, some time after what there is to tell */
  gboolean telling;      /* lock: it is going to be called */
  GWeakRef listener;     /* any */

  GPtrArray *hellos; /* of the thread: (element-type Hello) (owned), the oldest first */
  gint64 deaf_until; /* of the thread: no descriptors are left, so nobody is let in until then */
  gint64 logged_at;  /* of the thread: when a foreign user was logged, or 0 */
  guint n_unlogged;  /* of the thread */
} FerryAcceptor;

FerryAcceptor *ferry_acceptor_new (FerryBinding *binding, GError **error);
void ferry_acceptor_unref (FerryAcceptor *self);

/* Starts the thread; nothing where it runs, or was stopped. */
gboolean ferry_acceptor_start (FerryAcceptor *self, GError **error);
/* Ends the thread, gives the address up, and closes those who were let in and not taken. Those who were stay. */
void ferry_acceptor_stop (FerryAcceptor *self);
void ferry_acceptor_wake (FerryAcceptor *self);

/* The oldest that was let in and is still open; NULL where there is none. */
FerryTransport *ferry_acceptor_take_locked (FerryAcceptor *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryAcceptor, ferry_acceptor_unref)

G_END_DECLS
