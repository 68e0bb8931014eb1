/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Commands that the operator of a host has written, each with a name by which applications ask for it.
 *
 *     [thumbnail]
 *     argv=['convert', '{input.jpg}', '-resize', '128x128', '{output.png}']
 *
 * The group's name is that of a function. Its keys are properties of FerryCommand, as texts of GVariant. An application
 * gives bytes, and gets bytes: nothing that it says becomes an argument, as arguments make a shell of many programs. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Registers a function for each recipe in a file. */
gboolean command_recipes_register (const char *path, GError **error);

G_END_DECLS
