/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A page of Ferry in GTK's inspector. */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Adds the page to each inspector that is opened from now on, and soon to one that is open. For the constructor of the
 * library: GTK need not be initialised, and no class is made. */
void ferry_inspector_page_register (void);

G_END_DECLS
