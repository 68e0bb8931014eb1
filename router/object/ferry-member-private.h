/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A method, property or signal of an interface, and its use on an object.
 *
 * Threads: any for a member of a sealed interface; its use on an object belongs to the object's thread.
 * Trust:   values and names of types come from another process. */

#pragma once

#include "object/ferry-interface.h"

G_BEGIN_DECLS

/* Limits of interfaces and descriptions: the other end takes what is within them. */
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
  char *name;             /* for the other end */
  GVariantType *in_type;  /* of a method or signal: the tuple of its arguments; of a property: its value's, NULL for an
                           * object */
  GVariantType *out_type; /* of a method: a tuple */
  char **in_names;        /* (nullable): of the arguments, as the next: for the description */
  char **out_names;
  FerryMethodFunc func; /* (nullable): of a method, as what follows; class_offset is used where it is NULL */
  gpointer user_data;
  GDestroyNotify destroy;
  gsize class_offset;
  GParamSpec *pspec; /* of a property */
  GDBusPropertyInfoFlags access;
  guint signal_id; /* of a signal */
} FerryMember;

/* Names of D-Bus, C and GObject are valid: [A-Za-z_][A-Za-z0-9_-]*. */
gboolean ferry_member_name_is_valid (const char *name);
/* Whether it is one complete and definite type, of at most FERRY_MEMBER_SIGNATURE_MAX bytes. */
gboolean ferry_member_signature_is_valid (const char *signature);
/* signature: (nullable): a tuple, or the types in it. Returns (transfer full) (nullable): a tuple. */
GVariantType *ferry_member_parse_arguments (const char *signature);
FerryMember *ferry_member_new (FerryMemberKind kind, const char *name);
void ferry_member_free (FerryMember *self);
/* Whether the method has a function, or an offset of one in the class. */
gboolean ferry_member_is_bound (const FerryMember *self);
const char *ferry_member_kind_to_string (FerryMemberKind kind);

/* Reads a property: into value, or for an object into content, which may be NULL on success. content: (nullable). Fails
 * with FERRY_ERROR_NOT_ALLOWED where the access does not allow it. */
gboolean ferry_member_get (const FerryMember *self, GObject *object, GVariant **value, GObject **content,
                           GError **error);
/* value: (nullable): NULL sets the default. Fails with FERRY_ERROR_NOT_ALLOWED, and with FERRY_ERROR_BAD_ARGUMENTS for
 * another type or a value that the property does not take. */
gboolean ferry_member_set (const FerryMember *self, GObject *object, GVariant *value, GError **error);
/* The function of a method. super: (nullable): uses the function of the type of that name, which is an ancestor or the
 * object's own; empty for the parent. Fails with FERRY_ERROR_UNKNOWN_MEMBER. It fails so, too, where the class does not
 * implement the method, and with super where the function is not in a class. */
FerryMethodFunc ferry_member_find_func (const FerryMember *self, GObject *object, const char *super, GError **error);

/* The access that the class allows, and that other processes may have. */
GDBusPropertyInfoFlags ferry_pspec_get_access (GParamSpec *pspec);
gboolean ferry_pspec_is_object (GParamSpec *pspec);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryMember, ferry_member_free)

G_END_DECLS
