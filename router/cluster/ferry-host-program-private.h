/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The program that has the functions of a host: its pool of workers, and what it can do. And 'ferry-host --check',
 * which says in words what keeps a host with these options from working.
 *
 * Owner:   ferry-host.
 * Threads: the router's, which is the program's first. */

#pragma once

#include "cluster/ferry-bus-private.h"
#include "cluster/ferry-host-options-private.h"
#include "task/ferry-pool.h"

G_BEGIN_DECLS

typedef struct
{
  FerryRouter *router; /* (owned) */
  FerryPool *pool;     /* (owned) */
  char **functions;    /* (owned) (array zero-terminated=1): those that the host offers */
  GSource *reset;      /* (owned) (nullable): when a failed pool is tried again */
} FerryHostProgram;

/* Starts a router and one worker, asks it for its functions, and makes the pool. Waits meanwhile. Fails with an error
 * that says what is wrong with the program. */
gboolean ferry_host_program_start (FerryHostProgram *self, const FerryHostOptions *options, GError **error);
void ferry_host_program_stop (FerryHostProgram *self);

/* Sets settings to what the options say of the server. What it refers to is owned by options, or is connection_name,
 * which must be freed later. */
void ferry_host_get_bus_settings (const FerryHostOptions *options, FerryBusSettings *settings, char **connection_name);

/* Returns (transfer full) (nullable) the warning of a server that lets anybody in. */
char *ferry_host_dup_exposure (FerryBus *bus);

/* Tries all that a host needs, and writes what it finds. Returns whether all is well. */
gboolean ferry_host_check (const FerryHostOptions *options);

G_END_DECLS
