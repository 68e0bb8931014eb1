/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A method, property or signal of an interface, and what can be done with it on an object.
 *
 * Threads: any for a member of a sealed interface; what is done to the object belongs to the object's thread.
 * Trust:   values and names of types come from another process. */

#pragma once

#include "object/ferry-method-call.h"

G_BEGIN_DECLS

/* Limits that descriptions keep too: what is within them is what the other end takes. */
#define FERRY_MEMBER_MAX_ARGUMENTS 64
#define FERRY_MEMBER_SIGNATURE_MAX 255

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

/* Names of methods, properties and signals as of D-Bus, C or GObject: [A-Za-z_][A-Za-z0-9_-]*. */
gboolean ferry_member_name_is_valid (const char *name);
/* One complete and definite type, of a length that can be described. */
gboolean ferry_member_signature_is_valid (const char *signature);
/* Any way to write the arguments. Returns (transfer full) (nullable): a tuple. */
GVariantType *ferry_member_parse_arguments (const char *signature);
FerryMember *ferry_member_new (FerryMemberKind kind, const char *name);
void ferry_member_free (FerryMember *self);
/* Whether the method has a function, or a place for one in the class. */
gboolean ferry_member_is_bound (const FerryMember *self);
const char *ferry_member_kind_to_string (FerryMemberKind kind);

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

/* What the property can be, and another process may. */
GDBusPropertyInfoFlags ferry_pspec_get_access (GParamSpec *pspec);
gboolean ferry_pspec_is_object (GParamSpec *pspec);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryMember, ferry_member_free)

G_END_DECLS
