/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Commands of other threads to the monitor, such as to start or end a link, in the order of their arrival.
 *
 * Owner:   the monitor.
 * Threads: any thread adds commands; the monitor's thread runs them. */

#include "config.h"

#include "engine/ferry-commands-private.h"

#include "base/ferry-base-private.h"
#include "lane/ferry-wake-private.h"

typedef struct
{
  FerryCommandFunc func;
  gpointer data;
  GDestroyNotify destroy;
} Command;

static void
command_free (Command *command)
{
  if (command->destroy != NULL)
    command->destroy (command->data);
  g_free (command);
}

void
ferry_commands_init (FerryCommands *self, gpointer owner, int doorbell)
{
  *self = (FerryCommands){.owner = owner, .doorbell = doorbell};
  pthread_mutex_init (&self->lock, NULL);
}

void
ferry_commands_clear (FerryCommands *self)
{
  g_assert (g_queue_is_empty (&self->queue));
  pthread_mutex_destroy (&self->lock);
}

gboolean
ferry_commands_add (FerryCommands *self, FerryCommandFunc func, gpointer data, GDestroyNotify destroy)
{
  Command *command = g_new (Command, 1);
  gboolean closed;

  *command = (Command){func, data, destroy};
  pthread_mutex_lock (&self->lock);
  closed = self->is_closed;
  if (!closed)
    g_queue_push_tail (&self->queue, command);
  pthread_mutex_unlock (&self->lock);
  /* The lock must be free by now: the monitor, when it wakes, begins by taking it. */
  if (!closed)
    ferry_doorbell_ring (self->doorbell);
  else
    command_free (command);
  return !closed;
}

void
ferry_commands_run (FerryCommands *self)
{
  GQueue commands;
  Command *command;

  pthread_mutex_lock (&self->lock);
  commands = self->queue;
  g_queue_init (&self->queue);
  pthread_mutex_unlock (&self->lock);
  while ((command = g_queue_pop_head (&commands)) != NULL)
    {
      command->func (self->owner, command->data);
      command_free (command);
    }
}

void
ferry_commands_close (FerryCommands *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  self->is_closed = TRUE;
}
