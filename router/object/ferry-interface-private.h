/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The functions of an interface that exporters use. They give its members by name, and convert values to and from the
 * form in which they are sent.
 *
 * Threads: any, once the interface is sealed. */

#pragma once

#include "object/ferry-description-private.h"
#include "object/ferry-interface.h"
#include "object/ferry-member-private.h"

G_BEGIN_DECLS

/* Returns (transfer none): the interface's name. */
const char *ferry_interface_get_name (FerryInterface *self);
/* Returns the type of the interface's objects. */
GType ferry_interface_get_object_type (FerryInterface *self);
/* Seals the interface: it cannot be changed from now on. Any thread, any number of times. */
void ferry_interface_seal (FerryInterface *self);
/* Returns (nullable) the member of that kind and name. Fails with FERRY_ERROR_UNKNOWN_MEMBER. If a member of another
 * kind has the name, the message says so. */
const FerryMember *ferry_interface_find (FerryInterface *self, FerryMemberKind kind, const char *name, GError **error);
/* Returns (element-type FerryMember) (transfer none): all members of a kind, in the order in which they were added. */
const GPtrArray *ferry_interface_list (FerryInterface *self, FerryMemberKind kind);
/* Returns the functions of a container, and sets user_data; or returns NULL where objects are no containers. */
const FerryContainerFuncs *ferry_interface_get_container (FerryInterface *self, gpointer *user_data);
/* Whether the interface's objects are lists. */
gboolean ferry_interface_is_list (FerryInterface *self);
/* Returns (transfer full): the row of a list's item. */
GVariant *ferry_interface_make_row (FerryInterface *self, gpointer item);

/* Returns (transfer full) (nullable): the value as a variant. Enumerations and flags become numbers. Fails with
 * FERRY_ERROR_BAD_ARGUMENTS. */
GVariant *ferry_value_to_variant (const GValue *value, GError **error);
/* Converts a variant to a value of a type. value: must be uninitialised, and stays so on failure. Fails with
 * FERRY_ERROR_BAD_ARGUMENTS. */
gboolean ferry_value_from_variant (GValue *value, GType type, GVariant *variant, GError **error);
/* Returns (nullable): the variant type of values of a type, static; NULL if such values cannot be sent. */
const GVariantType *ferry_value_get_variant_type (GType type);

/* Returns (transfer floating): the description for the other end, of FERRY_DESCRIPTION_TYPE. */
GVariant *ferry_interface_describe (FerryInterface *self);
/* Returns (transfer full): the description in GIO's form. */
GDBusInterfaceInfo *ferry_interface_create_info (FerryInterface *self);

G_END_DECLS
