/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The fork server from within the library. It belongs to the router's thread. */

#pragma once

#include "worker/ferry-fork-server.h"
#include "worker/ferry-launcher.h"

G_BEGIN_DECLS

/* main: has a fork server that is not started any more be started again. */
void ferry_fork_server_forgive (FerryForkServer *self);
/* main: a launcher of the same workers, which has them forked by a fork server that the other launcher starts. What is
 * in a sandbox is executed all the same, and so is a program that turns out to be no fork server. */
FerryLauncher *ferry_launcher_new_forked (FerryLauncher *launcher);

G_END_DECLS
