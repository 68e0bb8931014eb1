/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What other threads have the monitor's thread do. */

#pragma once

#include <glib.h>
#include <pthread.h>

G_BEGIN_DECLS

typedef void (*FerryCommandFunc) (gpointer owner, gpointer data);

typedef struct
{
  gpointer owner; /* const: (unowned): the first argument of the functions */
  int doorbell;   /* const: (unowned): wakes the monitor */
  pthread_mutex_t lock;
  GQueue queue;       /* lock: (element-type Command) */
  gboolean is_closed; /* lock: no more commands are taken */
} FerryCommands;

void ferry_commands_init (FerryCommands *self, gpointer owner, int doorbell);
void ferry_commands_clear (FerryCommands *self);

/* any: makes the monitor's thread call func with data. destroy: (nullable): of data. Frees data and returns FALSE if no
 * more commands are taken. */
gboolean ferry_commands_add (FerryCommands *self, FerryCommandFunc func, gpointer data, GDestroyNotify destroy);
/* The monitor: runs the commands that are queued now. Commands that are queued meanwhile run the next time: no thread
 * can keep the monitor from visiting links. */
void ferry_commands_run (FerryCommands *self);
/* any: no more commands are taken. Those that are queued must still be run. */
void ferry_commands_close (FerryCommands *self);

G_END_DECLS
