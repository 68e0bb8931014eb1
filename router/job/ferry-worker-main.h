/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"

G_BEGIN_DECLS

/**
 * FerryInitialiser:
 * @user_data: the data given to [func@Ferry.Worker.add_initialiser]
 * @error: return location for an error
 *
 * The type of a function that prepares a program for the calls that it will serve, for instance by loading data that
 * all workers share. It runs once in a fork server, and once in each executed worker. It must not start a thread, since
 * a process with several threads cannot be forked safely.
 *
 * Returns: %TRUE on success
 */
typedef gboolean (*FerryInitialiser) (gpointer user_data, GError **error);

/**
 * FerryForkHandler:
 * @user_data: the data given to [func@Ferry.Worker.add_fork_handler]
 *
 * The type of a function that is called in each forked child, for instance to draw a new seed for random numbers.
 */
typedef void (*FerryForkHandler) (gpointer user_data);

FERRY_AVAILABLE_IN_0_1
void ferry_worker_add_initialiser (const char *name, FerryInitialiser initialiser, gpointer user_data,
                                   GDestroyNotify destroy);
FERRY_AVAILABLE_IN_0_1
void ferry_worker_add_fork_handler (FerryForkHandler handler, gpointer user_data, GDestroyNotify destroy);
FERRY_AVAILABLE_IN_0_1
void ferry_worker_set_program_version (const char *version);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_worker_main (int *argc, char ***argv);
FERRY_AVAILABLE_IN_0_1
void ferry_worker_exit (int status) G_GNUC_NORETURN;

G_END_DECLS
