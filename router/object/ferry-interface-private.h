/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An interface for exporters: its members by name, and values in the form that another process gets.
 *
 * Threads: any, once it is sealed. An export seals it; from then on it is const. */

#pragma once

#include "object/ferry-description-private.h"
#include "object/ferry-interface.h"
#include "object/ferry-member-private.h"

G_BEGIN_DECLS

/* Ends the changes. Any thread, any number of times. Fails with FERRY_ERROR_BAD_ARGUMENTS when a method of its
 * description has no function. */
gboolean ferry_interface_seal (FerryInterface *self, GError **error);
/* Returns (nullable). Fails with FERRY_ERROR_UNKNOWN_MEMBER. The message names a member of another kind that has it. */
const FerryMember *ferry_interface_find (FerryInterface *self, FerryMemberKind kind, const char *name, GError **error);
/* All of a kind, in the order in which they were added. Returns (element-type FerryMember) (transfer none). */
const GPtrArray *ferry_interface_list (FerryInterface *self, FerryMemberKind kind);
/* (nullable): NULL where it is no container; sets user_data otherwise. */
const FerryContainerFuncs *ferry_interface_get_container (FerryInterface *self, gpointer *user_data);
/* Whether its objects are lists. */
gboolean ferry_interface_is_list (FerryInterface *self);
/* Makes one row of a list. Returns (transfer full). */
GVariant *ferry_interface_make_row (FerryInterface *self, gpointer item);

FerryContainerFlags ferry_interface_get_container_flags (FerryInterface *self);

/* Converts a value by its type; enumerations and flags become numbers. Returns (transfer full) (nullable). Fails with
 * FERRY_ERROR_BAD_ARGUMENTS. */
GVariant *ferry_value_to_variant (const GValue *value, GError **error);
/* value: uninitialised, and left so on failure. type: the property's. Fails with FERRY_ERROR_BAD_ARGUMENTS. */
gboolean ferry_value_from_variant (GValue *value, GType type, GVariant *variant, GError **error);
/* (nullable): the variant type of its values, static; NULL where they cannot be sent. */
const GVariantType *ferry_value_get_variant_type (GType type);

/* Makes the description for the other end. Returns (transfer floating): of FERRY_DESCRIPTION_TYPE. */
GVariant *ferry_interface_describe (FerryInterface *self);

G_END_DECLS
