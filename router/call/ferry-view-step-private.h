/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The steps of a view that call nobody: on an object its properties and items, on a value its items. */

#pragma once

#include "call/ferry-exported-private.h"
#include "call/ferry-interface-private.h"
#include "call/ferry-object-message-private.h"

G_BEGIN_DECLS

/* Gives a value, an object, or neither, (transfer full). FERRY_ERROR_UNKNOWN_MEMBER, FERRY_ERROR_NOT_ALLOWED,
 * FERRY_ERROR_BAD_ARGUMENTS, and what containers fail with. */
gboolean ferry_view_step_on_object (FerryExported *exported, const FerryStep *step, GVariant **value, GObject **object,
                                    GError **error);
/* value: (nullable) */
gboolean ferry_view_step_on_value (GVariant *value, const FerryStep *step, GVariant **result, GError **error);

G_END_DECLS
