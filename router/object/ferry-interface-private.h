/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Interfaces, as the files of objects use them: their members by name, the use of a member on an object, values in the
 * form in which they are sent, and descriptions.
 *
 * Threads: any, once the interface is sealed. The use of a member on an object belongs to the object's thread.
 * Trust:   values, and names of types, come from another process. A received description is hostile until its form,
 *          names, types and numbers are checked. */

#pragma once

#include "object/ferry-interface.h"

G_BEGIN_DECLS

/* ---- members ---- */

/* Limits of interfaces and descriptions. The other end accepts a description within these limits. */
#define FERRY_MEMBER_MAX_ARGUMENTS 64
#define FERRY_MEMBER_SIGNATURE_MAX 255

#define FERRY_MEMBER_ACCESS_FLAGS (G_DBUS_PROPERTY_INFO_FLAGS_READABLE | G_DBUS_PROPERTY_INFO_FLAGS_WRITABLE)

typedef enum
{
  FERRY_MEMBER_METHOD,
  FERRY_MEMBER_PROPERTY,
  FERRY_MEMBER_SIGNAL,
} FerryMemberKind;

#define FERRY_N_MEMBER_KINDS (FERRY_MEMBER_SIGNAL + 1)

typedef struct
{
  FerryMemberKind kind;
  char *name;             /* the name by which other processes use the member */
  GVariantType *in_type;  /* of a method or signal: the type of the tuple of its arguments; of a property: the type of
                             its value, NULL if the value is an object */
  GVariantType *out_type; /* of a method: the type of the tuple of its results */
  FerryMethodFunc func;   /* (nullable): of a method, also the next three fields; if func is NULL, the function at
                             class_offset is called */
  gpointer user_data;
  GDestroyNotify destroy;
  gsize class_offset;
  GParamSpec *pspec; /* of a property */
  GDBusPropertyInfoFlags access;
  guint signal_id; /* of a signal */
} FerryMember;

/* Whether a name is valid. Names of D-Bus, C and GObject members are: [A-Za-z_][A-Za-z0-9_-]*. */
gboolean ferry_member_name_is_valid (const char *name);
/* Whether a signature is one complete and definite type, of at most FERRY_MEMBER_SIGNATURE_MAX bytes. */
gboolean ferry_member_signature_is_valid (const char *signature);
/* Returns (transfer full) (nullable): the type of a tuple of arguments; NULL if the signature is not valid.
 * signature: (nullable): a tuple, or the types in it. */
GVariantType *ferry_member_parse_arguments (const char *signature);
FerryMember *ferry_member_new (FerryMemberKind kind, const char *name);
void ferry_member_free (FerryMember *self);
const char *ferry_member_kind_to_string (FerryMemberKind kind);

/* Reads a property: into value, or if the property is an object, into content, which may be NULL on success.
 * content: (nullable). Fails with FERRY_ERROR_NOT_ALLOWED if the property cannot be read. */
gboolean ferry_member_get (const FerryMember *self, GObject *object, GVariant **value, GObject **content,
                           GError **error);
/* Sets a property. value: (nullable): NULL sets the default. Fails with FERRY_ERROR_NOT_ALLOWED if the property cannot
 * be written. Fails with FERRY_ERROR_BAD_ARGUMENTS for a value of another type or a value that the property does not
 * take. */
gboolean ferry_member_set (const FerryMember *self, GObject *object, GVariant *value, GError **error);
/* Returns the function of a method. super: (nullable): the name of the type that has the function: an ancestor of the
 * object's type, or the object's type; an empty string: the parent type. Fails with FERRY_ERROR_UNKNOWN_MEMBER when the
 * type is not found, and when its class does not implement the method. Also fails so when super is set and the function
 * is not in a class. */
FerryMethodFunc ferry_member_find_func (const FerryMember *self, GObject *object, const char *super, GError **error);

/* A FerryMethodFunc whose data is a FerryFailing with a FerryMethodFuncFull. */
void ferry_method_run_failing (gpointer object, FerryInvocation *invocation, gpointer failing);

/* Returns the access that the class allows and that other processes may have. */
GDBusPropertyInfoFlags ferry_pspec_get_access (GParamSpec *pspec);
gboolean ferry_pspec_is_object (GParamSpec *pspec);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryMember, ferry_member_free)

/* ---- interfaces ---- */

/* Returns (transfer none): the interface's name. */
const char *ferry_interface_get_name (FerryInterface *self);
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

/* Returns (transfer full) (nullable): the signal's arguments as a tuple, if all of them have variant types. */
GVariantType *ferry_signal_dup_arguments_type (guint signal_id);

/* Returns (transfer floating): the description for the other end, of FERRY_DESCRIPTION_TYPE. */
GVariant *ferry_interface_describe (FerryInterface *self);
/* Returns (transfer full): the description in GIO's form. */
GDBusInterfaceInfo *ferry_interface_create_info (FerryInterface *self);

/* ---- descriptions, which exporters send to proxies ---- */

/* The fields of a description: the interface's name; methods: name, arguments, results; properties: name, type
 * (empty for an object), access; signals: name, arguments. Arguments and results are the types of tuples. */
#define FERRY_DESCRIPTION_TYPE "(sa(sss)a(ssu)a(ss))"
/* The most members of a kind that an interface or a description has. */
#define FERRY_DESCRIPTION_MAX_MEMBERS 1024

/* Returns (transfer full): the description in GIO's form. Fails with FERRY_ERROR_PROTOCOL. */
GDBusInterfaceInfo *ferry_description_to_info (GVariant *description, GError **error);

G_END_DECLS
