/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The nursery from within the library. It belongs to the router's thread. */

#pragma once

#include "worker/ferry-launcher.h"
#include "worker/ferry-nursery.h"

G_BEGIN_DECLS

/* main: has a nursery that is not started any more be started again. */
void ferry_nursery_forgive (FerryNursery *self);
/* main: a launcher of the same workers, which has them forked by a nursery that the other launcher starts. What is in a
 * sandbox is executed all the same, and so is a program that turns out to be no nursery. */
FerryLauncher *ferry_launcher_new_forked (FerryLauncher *launcher);

G_END_DECLS
