/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A member of an interface: a method, property or signal; and its use on an object.
 *
 * Threads: any for a member of a sealed interface; its use on an object belongs to the object's thread.
 * Trust:   values and names of types come from another process. */

#pragma once

#include "object/ferry-interface.h"

G_BEGIN_DECLS

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

/* Returns the access that the class allows and that other processes may have. */
GDBusPropertyInfoFlags ferry_pspec_get_access (GParamSpec *pspec);
gboolean ferry_pspec_is_object (GParamSpec *pspec);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryMember, ferry_member_free)

G_END_DECLS
