/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Properties that are read by their public getters, so that a class needs a table of functions and no switch. */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/* The flags of a property that is only read, and of one whose setter notifies of a change. */
#define FERRY_READABLE (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)
#define FERRY_SETTABLE (G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS)

/* any: sets value to what getter returns for object. getter has one parameter, returns the type of value, and keeps
 * what it returns. */
void ferry_property_get (gpointer object, GCallback getter, GValue *value);

G_END_DECLS
