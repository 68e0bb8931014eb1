/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A folder beside files that are to be replaced, in which the new ones are written. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _CommandPlace CommandPlace;

/* Makes a place in a folder, and removes those that nobody uses any more. Fails with G_IO_ERROR. */
CommandPlace *command_place_new (const char *folder, GError **error);
/* Removes the place with all that is in it. */
void command_place_free (CommandPlace *self);

/* Its name in the folder. */
const char *command_place_get_name (CommandPlace *self);
/* (transfer none): as it was given. */
const char *command_place_get_folder (CommandPlace *self);
/* Descriptors of the place and of the folder, which are the place's. */
int command_place_get_fd (CommandPlace *self);
int command_place_get_folder_fd (CommandPlace *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CommandPlace, command_place_free)

G_END_DECLS
