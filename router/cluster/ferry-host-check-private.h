/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* 'ferry-host --check': says in words what keeps a host with these options from working.
 *
 * Threads: the program's first. */

#pragma once

#include "cluster/ferry-bus-private.h"
#include "cluster/ferry-host-options-private.h"

G_BEGIN_DECLS

/* Sets settings to what the options say of the server. What it refers to is owned by options, or is connection_name,
 * which must be freed later. */
void ferry_host_get_bus_settings (const FerryHostOptions *options, FerryBusSettings *settings, char **connection_name);

/* Returns (transfer full) (nullable) the warning of a server that lets anybody in. */
char *ferry_host_dup_exposure (FerryBus *bus);

/* Tries all that a host needs, and writes what it finds. Returns whether all is well. */
gboolean ferry_host_check (const FerryHostOptions *options);

G_END_DECLS
