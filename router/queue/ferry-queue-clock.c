/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Wakes a queue when the wall clock has come to a time, as for FerryTask:not-before.
 *
 * A monotonic timer would not do: it stands still while the machine sleeps, and does not see that somebody has set the
 * clock.
 *
 * Owner:   FerryQueueTurns.
 * Threads: that of the main context, which it wakes. */

#include "config.h"

#include "queue/ferry-queue-clock-private.h"

#include <glib-unix.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* How often the clock is looked at where the system has no descriptor for a timer, in microseconds. */
#define LOOK_TIME (60 * (gint64) G_USEC_PER_SEC)

void
ferry_queue_clock_init (FerryQueueClock *self, FerryTimers *timers, GMainContext *context, void (*look) (gpointer data),
                        gpointer data)
{
  self->timers = timers;
  self->context = context;
  self->look = look;
  self->data = data;
  self->fd = -1;
}

void
ferry_queue_clock_clear (FerryQueueClock *self)
{
  ferry_timers_unset (self->timers, &self->timer);
  if (self->source != NULL)
    g_source_destroy (self->source);
  g_clear_pointer (&self->source, g_source_unref);
  if (self->fd >= 0)
    close (self->fd);
  self->fd = -1;
}

/* A clock that was set makes read() fail with ECANCELED; the number of times that the timer has ended tells nothing. */
static gboolean
look (int fd, GIOCondition condition, gpointer data)
{
  FerryQueueClock *self = data;
  guint64 n;
  gssize size G_GNUC_UNUSED = read (fd, &n, sizeof n);

  self->look (self->data);
  return G_SOURCE_CONTINUE;
}

static gboolean
open_timer (FerryQueueClock *self)
{
  if (self->fd >= 0)
    return TRUE;
  self->fd = timerfd_create (CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
  if (self->fd < 0)
    return FALSE;
  self->source = g_unix_fd_source_new (self->fd, G_IO_IN);
  g_source_set_callback (self->source, G_SOURCE_FUNC (look), self, NULL);
  g_source_set_static_name (self->source, "Ferry wall clock");
  g_source_attach (self->source, self->context);
  return TRUE;
}

void
ferry_queue_clock_set (FerryQueueClock *self, gint64 time)
{
  const struct itimerspec at = {
    .it_value = {.tv_sec = (time_t) (time / G_USEC_PER_SEC), .tv_nsec = (long) (time % G_USEC_PER_SEC) * 1000}};

  ferry_timers_unset (self->timers, &self->timer);
  if (time == 0 && self->fd < 0)
    return;
  /* A time that is over ends the timer at once. */
  if (open_timer (self) && timerfd_settime (self->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &at, NULL) == 0)
    return;
  if (time != 0)
    ferry_timers_set (self->timers, &self->timer,
                      g_get_monotonic_time () + CLAMP (time - g_get_real_time (), 0, LOOK_TIME), self->look,
                      self->data);
}
