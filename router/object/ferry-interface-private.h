/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An interface as exporters use it: its members by name, and how a value gets into an object and out of it.
 *
 * Threads: any, once it is sealed, which it is as soon as something is exported with it: from then on it is const. */

#pragma once

#include "object/ferry-interface.h"

G_BEGIN_DECLS

typedef enum
{
  FERRY_MEMBER_METHOD,
  FERRY_MEMBER_PROPERTY,
  FERRY_MEMBER_SIGNAL,
} FerryMemberKind;

typedef struct
{
  FerryMemberKind kind;
  char *name;             /* as the other end knows it */
  GVariantType *in_type;  /* of a method: a tuple; of a signal: a tuple of its arguments; of a property: its value, none
                           * (NULL)  where it is an object */
  GVariantType *out_type; /* of a method: a tuple */
  char **in_names;        /* (nullable): of the arguments, as the next: for the description */
  char **out_names;
  FerryMethodFunc func; /* (nullable): of a method, with what follows; without it there is class_offset */
  gpointer user_data;
  GDestroyNotify destroy;
  gsize class_offset;
  GParamSpec *pspec; /* of a property */
  GDBusPropertyInfoFlags access;
  guint signal_id; /* of a signal */
} FerryMember;

/* What a description says of a container: the operations that it offers. */
typedef enum
{
  FERRY_CONTAINER_GET_ITEM = 1 << 0,
  FERRY_CONTAINER_SET_ITEM = 1 << 1,
  FERRY_CONTAINER_DELETE_ITEM = 1 << 2,
  FERRY_CONTAINER_CONTAINS = 1 << 3,
  FERRY_CONTAINER_LENGTH = 1 << 4,
  FERRY_CONTAINER_LIST = 1 << 5, /* whose changes can be followed */
  FERRY_CONTAINER_ALL = (1 << 6) - 1,
} FerryContainerFlags;

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

/* Reads a property: a value, or where its type is a class, the object, which may be NULL with success; content
 * (nullable): nobody wants it. Checks access: FERRY_ERROR_NOT_ALLOWED. */
gboolean ferry_member_get (const FerryMember *self, GObject *object, GVariant **value, GObject **content,
                           GError **error);
/* FERRY_ERROR_NOT_ALLOWED, FERRY_ERROR_BAD_ARGUMENTS for another type or a value that the property does not take. NULL
 * sets the default. */
gboolean ferry_member_set (const FerryMember *self, GObject *object, GVariant *value, GError **error);
/* The function of a method. With super, that of an ancestor's class: of the type of that name, which may be the
 * object's own, or of the parent of the object's type where it is empty. FERRY_ERROR_UNKNOWN_MEMBER, also for a method
 * that has its function from ferry_interface_add_method(), and for a class that has none. */
FerryMethodFunc ferry_member_find_func (const FerryMember *self, GObject *object, const char *super, GError **error);

/* A GValue as another process gets it, by its type: what D-Bus has, enumerations and flags as numbers. (nullable): with
 * FERRY_ERROR_BAD_ARGUMENTS. Returns (transfer full). */
GVariant *ferry_value_to_variant (const GValue *value, GError **error);
/* value: to be uninitialised, and left so where it fails. type: what the property has. Fails with
 * FERRY_ERROR_BAD_ARGUMENTS. */
gboolean ferry_value_from_variant (GValue *value, GType type, GVariant *variant, GError **error);
/* (nullable): the type that values of it have there, none where there is none. Static. */
const GVariantType *ferry_value_get_variant_type (GType type);

/* What the other end is told of the interface, and what it makes of that: its name; methods: name, arguments, results;
 * properties: name, type (empty for an object), access; signals: name, arguments; FerryContainerFlags. Arguments have a
 * name, which may be empty, and a type. */
#define FERRY_DESCRIPTION_TYPE "(sa(sa(ss)a(ss))a(ssu)a(sa(ss))u)"
/* Returns (transfer floating) */
GVariant *ferry_interface_describe (FerryInterface *self);
/* What the flags of the container say has no place in it. Fails with FERRY_ERROR_PROTOCOL. */
GDBusInterfaceInfo *ferry_interface_info_from_description (GVariant *description, GError **error);

G_END_DECLS
