/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An interface as exporters use it: its members by name, and values as another process gets them.
 *
 * Threads: any, once it is sealed, which it is as soon as something is exported with it: from then on it is const. */

#pragma once

#include "object/ferry-description-private.h"
#include "object/ferry-interface.h"
#include "object/ferry-member-private.h"

G_BEGIN_DECLS

/* Ends the changes. Any thread, any number of times. Fails with FERRY_ERROR_BAD_ARGUMENTS when a method of its
 * description has no function. */
gboolean ferry_interface_seal (FerryInterface *self, GError **error);
/* Returns (nullable): with FERRY_ERROR_UNKNOWN_MEMBER, which says what there is of that name instead. */
const FerryMember *ferry_interface_find (FerryInterface *self, FerryMemberKind kind, const char *name, GError **error);
/* All of a kind, in the order in which they were added. Returns (element-type FerryMember) (transfer container). */
GPtrArray *ferry_interface_list (FerryInterface *self, FerryMemberKind kind);
/* (nullable): user_data is set if there is one. */
const FerryContainerFuncs *ferry_interface_get_container (FerryInterface *self, gpointer *user_data);
/* Whether it is a GListModel's, whose changes can be followed. */
gboolean ferry_interface_is_list (FerryInterface *self);
/* Of a list: one row. Returns (transfer full). */
GVariant *ferry_interface_make_row (FerryInterface *self, gpointer item);

FerryContainerFlags ferry_interface_get_container_flags (FerryInterface *self);

/* A GValue as another process gets it, by its type: what D-Bus has, enumerations and flags as numbers. (nullable): with
 * FERRY_ERROR_BAD_ARGUMENTS. Returns (transfer full). */
GVariant *ferry_value_to_variant (const GValue *value, GError **error);
/* value: to be uninitialised, and left so where it fails. type: what the property has. Fails with
 * FERRY_ERROR_BAD_ARGUMENTS. */
gboolean ferry_value_from_variant (GValue *value, GType type, GVariant *variant, GError **error);
/* (nullable): the type that values of it have there, none where there is none. Static. */
const GVariantType *ferry_value_get_variant_type (GType type);

/* What the other end is told. Returns (transfer floating): of FERRY_DESCRIPTION_TYPE. */
GVariant *ferry_interface_describe (FerryInterface *self);

G_END_DECLS
