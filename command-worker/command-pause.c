/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Stops every process of a command while its job is paused: a program such as ninja has its steps in groups of their
 * own, and one such as script a session.
 *
 * The thread that runs the function waits in ferry_job_report() while the job is paused. So the thread that hears of
 * the pause stops the command.
 *
 * A program such as script(1) stops itself when the one that it runs is stopped. It hears of that stop after the pause,
 * when it goes on, and nobody but us would let it go on once more. How soon it does that is the system's doing. So for
 * some time after a pause the command is looked at, each time after twice as long.
 *
 * Threads: new and free on the one that runs the function; the handler on any, also while that one frees this. */

#include "command-pause.h"

#include <pthread.h>

/* The first look after a pause, in microseconds, and the last one. */
#define FIRST_LOOK (50 * 1000)
#define LAST_LOOK (60 * G_USEC_PER_SEC)

#define NEVER G_MAXINT64

/* In an atomic box: the owner has a reference, and the handler. */
struct _CommandPause
{
  FerryJob *job; /* const: (unowned): the handler's */
  gulong handler;
  pthread_mutex_t lock;
  CommandSession *session; /* lock: (unowned) (nullable): NULL: it is not stopped any more */
  gboolean is_stopped;     /* lock */
  gboolean was_told;       /* lock: users were told that some of it goes on */
  gint64 resumed_at;       /* lock: when it went on after a pause */
  gint64 next_look;        /* lock: for what has stopped itself; NEVER: there is none */
};

/* With the lock: stops the command or lets it go on. Returns (transfer full) (nullable) what is to be told of that. */
static char *
set_stopped_locked (CommandPause *self, gboolean is_stopped)
{
  const gboolean was_told = self->was_told;
  g_autofree char *others = NULL;

  if (is_stopped)
    others = command_session_stop (self->session);
  else
    command_session_continue (self->session);
  self->resumed_at = g_get_monotonic_time ();
  self->next_look = is_stopped ? NEVER : self->resumed_at + FIRST_LOOK;
  /* The thread that follows the command sleeps until its next look. */
  command_session_wake (self->session);
  self->was_told = others != NULL;
  if (others != NULL)
    return g_strdup_printf ("Goes on, since what belongs to another user cannot be paused: %s", others);
  return was_told ? g_strdup ("Goes on") : NULL;
}

static void
paused_changed (FerryJob *job, GParamSpec *pspec, gpointer data)
{
  CommandPause *self = data;
  g_autofree char *text = NULL;
  gboolean is_paused;

  /* With the lock, what is read last is done last. */
  pthread_mutex_lock (&self->lock);
  g_object_get (job, "paused", &is_paused, NULL);
  if (self->session != NULL && is_paused != self->is_stopped)
    text = set_stopped_locked (self, is_paused);
  self->is_stopped = is_paused;
  pthread_mutex_unlock (&self->lock);
  /* On another thread than that which hears of the pause, this waits for its end. */
  if (text != NULL)
    ferry_job_report (job, -1, text, NULL);
}

static void
clear (gpointer data)
{
  pthread_mutex_destroy (&((CommandPause *) data)->lock);
}

static void
unref (gpointer self, GClosure *closure)
{
  g_atomic_rc_box_release_full (self, clear);
}

CommandPause *
command_pause_new (FerryJob *job, CommandSession *session)
{
  CommandPause *self = g_atomic_rc_box_new0 (CommandPause);

  self->job = job;
  self->session = session;
  self->next_look = NEVER;
  pthread_mutex_init (&self->lock, NULL);
  self->handler = g_signal_connect_data (job, "notify::paused", G_CALLBACK (paused_changed),
                                         g_atomic_rc_box_acquire (self), unref, 0);
  /* The job may be paused already. */
  paused_changed (job, NULL, self);
  return self;
}

gint64
command_pause_look (CommandPause *self, gint64 now)
{
  gint64 next;

  pthread_mutex_lock (&self->lock);
  if (now >= self->next_look)
    {
      command_session_continue_stopped (self->session);
      self->next_look = now < self->resumed_at + LAST_LOOK ? now + (now - self->resumed_at) : NEVER;
    }
  next = self->next_look;
  pthread_mutex_unlock (&self->lock);
  return next;
}

void
command_pause_free (CommandPause *self)
{
  pthread_mutex_lock (&self->lock);
  self->session = NULL;
  pthread_mutex_unlock (&self->lock);
  g_signal_handler_disconnect (self->job, self->handler);
  unref (self, NULL);
}
