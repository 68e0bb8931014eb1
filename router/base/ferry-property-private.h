/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads GObject properties by their getters, and sets those that are no more than a field. */

#pragma once

#include <glib-object.h>

#include "base/ferry-base-private.h"

G_BEGIN_DECLS

/* Flags of a read-only property, of one that notifies only of changes, of one that is set when the object is made, and
 * of one with a setter that notifies. */
#define FERRY_READABLE (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)
#define FERRY_NOTIFIED (FERRY_READABLE | G_PARAM_EXPLICIT_NOTIFY)
#define FERRY_AT_CONSTRUCTION (G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS)
#define FERRY_SETTABLE (G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS)

/* any: Sets value to what getter returns for object. The getter must have one parameter, return the C type that fits
 * the type of value, and keep ownership of what it returns. */
FERRY_FOR_SIBLINGS
void ferry_property_get (gpointer object, GCallback getter, GValue *value);

/* any: Sets value to a field, which is of the C type that fits the type of value. */
FERRY_FOR_SIBLINGS
void ferry_property_read (gconstpointer field, GValue *value);

/* Sets a field of object to value, and notifies of the property. Does neither if the field has that value already.
 * Returns whether it had another one. The field is of the C type that fits pspec. A string, a boxed value
 * such as an array of strings, an object and a variant are owned by it. */
FERRY_FOR_SIBLINGS
gboolean ferry_property_change (gpointer object, gpointer field, const GValue *value, GParamSpec *pspec);

/* Returns (transfer full) the object of a property that must be set when object is made. Ends the program if it is not:
 * no function of object can do without, and a language can make an object without calling its constructor. */
FERRY_FOR_SIBLINGS
gpointer ferry_property_require (gpointer object, const GValue *value, GParamSpec *pspec);

G_END_DECLS
