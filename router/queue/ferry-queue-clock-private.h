/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Wakes a main context when the wall clock has come to a time. The context's thread. */

#pragma once

#include <glib.h>

#include "base/ferry-timers-private.h"

G_BEGIN_DECLS

typedef struct
{
  FerryTimers *timers;          /* const */
  GMainContext *context;        /* const (unowned) */
  void (*look) (gpointer data); /* const */
  gpointer data;                /* const */
  int fd;                       /* (owned): a timer of the system; -1: none */
  GSource *source;              /* (owned) (nullable): of the fd */
  FerryTimer timer;             /* if the system has no descriptor left */
} FerryQueueClock;

/* look: the clock has come to the time that was set, or was set itself: look which it is. timers: the context's. */
void ferry_queue_clock_init (FerryQueueClock *self, FerryTimers *timers, GMainContext *context,
                             void (*look) (gpointer data), gpointer data);
void ferry_queue_clock_clear (FerryQueueClock *self);
/* The time that is waited for, in microseconds since 1970; 0: none. */
void ferry_queue_clock_set (FerryQueueClock *self, gint64 time);

G_END_DECLS
