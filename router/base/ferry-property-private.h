/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Properties that are read by their public getters, so that a class needs a table of functions and no switch. */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/* any: sets value to what getter returns for object. getter has one parameter, returns the type of value, and keeps
 * what it returns. */
void ferry_property_get (gpointer object, GCallback getter, GValue *value);

G_END_DECLS
