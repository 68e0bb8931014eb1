/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Confines a command by bubblewrap. */

#pragma once

#include <glib.h>

#include "command-options.h"

G_BEGIN_DECLS

/* (transfer full) (nullable): the arguments with which bubblewrap starts a command that sees the system's programs, the
 * folders that it was granted, and no process but its own. Fails with G_SPAWN_ERROR_NOENT where there is no bubblewrap,
 * and with G_IO_ERROR_NOT_SUPPORTED in a Flatpak, where it could not work. */
char **command_confinement_wrap (const CommandOptions *options, const char *const *argv, GError **error);

G_END_DECLS
