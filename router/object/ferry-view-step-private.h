/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The steps of a view that call nobody: on an object its properties and items, on a value its items. And what methods
 * take and give. */

#pragma once

#include "object/ferry-exported-private.h"
#include "object/ferry-interface-private.h"
#include "object/ferry-object-message-private.h"

G_BEGIN_DECLS

/* Gives a value, an object, or neither, (transfer full). FERRY_ERROR_UNKNOWN_MEMBER, FERRY_ERROR_NOT_ALLOWED,
 * FERRY_ERROR_BAD_ARGUMENTS, and what containers fail with. */
gboolean ferry_view_step_on_object (FerryExported *exported, const FerryStep *step, GVariant **value, GObject **object,
                                    GError **error);
/* value: (nullable) */
gboolean ferry_view_step_on_value (GVariant *value, const FerryStep *step, GVariant **result, GError **error);

/* Fails with FERRY_ERROR_BAD_ARGUMENTS. arguments: (nullable) */
gboolean ferry_view_step_check_arguments (const FerryMember *member, GVariant *arguments, GError **error);
/* The answer of a method as the next step has it: without the tuple around a single value. member: NULL for a function,
 * which may give anything. *value: (transfer full) (nullable). Fails with FERRY_ERROR_BAD_RESULT. */
gboolean ferry_view_step_unpack (const FerryMember *member, GVariant *answer, GVariant **value, GError **error);

G_END_DECLS
