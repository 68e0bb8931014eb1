/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the files that make up an interface share.
 *
 * Threads: one, until it is sealed; any from then on. */

#pragma once

#include <stdatomic.h>

#include "object/ferry-interface-private.h"

G_BEGIN_DECLS

/* Limits that descriptions keep too: an interface within them is one that the other end takes. */
#define FERRY_INTERFACE_MAX_MEMBERS 1024 /* of a kind */
#define FERRY_MEMBER_MAX_ARGUMENTS 64
#define FERRY_MEMBER_SIGNATURE_MAX 255

#define FERRY_N_MEMBER_KINDS (FERRY_MEMBER_SIGNAL + 1)

struct _FerryInterface
{
  GObject parent_instance;

  char *name;                                /* const: (owned) */
  GType type;                                /* const */
  gpointer klass;                            /* const: (owned): of the type, a class or the default of an interface */
  _Atomic gboolean is_sealed;                /* atomic; all that follows is const once it is set */
  GPtrArray *members[FERRY_N_MEMBER_KINDS];  /* (element-type FerryMember) (owned) */
  GHashTable *by_name[FERRY_N_MEMBER_KINDS]; /* name to FerryMember, both of members */

  gboolean is_container;
  gboolean is_list;
  FerryContainerFuncs container; /* of a list: ferry_interface_list_funcs */
  FerryRowFunc get_row;          /* (nullable): of a list, with the next */
  FerryRowItemFunc make_item;    /* (nullable) */
  gpointer user_data;            /* of the container's functions, or the list's */
  GDestroyNotify destroy;
};

/* What a list's rows are reached by; their user data is the interface. */
extern const FerryContainerFuncs ferry_interface_list_funcs;

/* With the interface's name: what is wrong with a change. */
#define FERRY_INTERFACE_SEALED                                                                                         \
  "interface “%s” is exported and not changed any more; call this before ferry_exporter_export()"
gboolean ferry_interface_is_sealed (FerryInterface *self);
/* Whether there can be a member of that name: it is one, no other of the kind has it, and there are not too many. */
gboolean ferry_interface_may_add (FerryInterface *self, FerryMemberKind kind, const char *name);
/* The same, with a critical of what is wrong, in which function is what the program called. */
gboolean ferry_interface_check_new (FerryInterface *self, FerryMemberKind kind, const char *name, const char *function);
/* The member may be added. */
void ferry_interface_take_member (FerryInterface *self, FerryMember *member);
/* (nullable) */
FerryMember *ferry_interface_peek (FerryInterface *self, FerryMemberKind kind, const char *name);
/* (nullable): of the type or its ancestors. Borrowed from their class. */
GParamSpec *ferry_interface_find_pspec (FerryInterface *self, const char *name);
/* What the property can be, and another process may. */
GDBusPropertyInfoFlags ferry_pspec_get_access (GParamSpec *pspec);
gboolean ferry_pspec_is_object (GParamSpec *pspec);
/* Returns (transfer full) (nullable): the arguments of the signal as a tuple, if all of them have variant types. */
GVariantType *ferry_signal_get_arguments_type (guint signal_id);

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

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryMember, ferry_member_free)

G_END_DECLS
