/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The description of an interface, which is sent from the exporter to proxies. */

#include "config.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "object/ferry-interface-private.h"
#include "wire/ferry-object-message-private.h"

static gboolean
refuse (GError **error, const char *what)
{
  return ferry_set_error (
    error, FERRY_ERROR_PROTOCOL,
    "The other end sent a description of an interface %s; use the same version of Ferry at both ends", what);
}

/* Frees the array, and returns (transfer full) its elements, with NULL behind the last. */
static gpointer
end_array (GPtrArray *array)
{
  g_ptr_array_add (array, NULL);
  return g_ptr_array_free (array, FALSE);
}

/* signature: the type of a tuple. Returns (transfer full) (nullable): the arguments, or NULL with an error. */
static GDBusArgInfo **
take_arguments (const char *signature, GError **error)
{
  g_autoptr (GPtrArray) taken = g_ptr_array_new_with_free_func ((GDestroyNotify) g_dbus_arg_info_unref);
  const GVariantType *type = (const GVariantType *) signature;

  if (signature[0] != '(' || !ferry_member_signature_is_valid (signature) ||
      g_variant_type_n_items (type) > FERRY_MEMBER_MAX_ARGUMENTS)
    {
      refuse (error, "with a member whose arguments are invalid");
      return NULL;
    }
  for (type = g_variant_type_first (type); type != NULL; type = g_variant_type_next (type))
    {
      GDBusArgInfo *info = g_new0 (GDBusArgInfo, 1);

      info->ref_count = 1;
      info->signature = g_variant_type_dup_string (type);
      g_ptr_array_add (taken, info);
    }
  return end_array (g_steal_pointer (&taken));
}

/* Returns (transfer full) a member, also with an error. So do the next two functions. */
static gpointer
take_method (GVariant *member, GError **error)
{
  GDBusMethodInfo *info = g_new0 (GDBusMethodInfo, 1);
  const char *in_arguments;
  const char *out_arguments;

  info->ref_count = 1;
  g_variant_get (member, "(s&s&s)", &info->name, &in_arguments, &out_arguments);
  info->in_args = take_arguments (in_arguments, error);
  if (info->in_args != NULL)
    info->out_args = take_arguments (out_arguments, error);
  return info;
}

static gpointer
take_property (GVariant *member, GError **error)
{
  GDBusPropertyInfo *info = g_new0 (GDBusPropertyInfo, 1);
  guint32 access;

  info->ref_count = 1;
  g_variant_get (member, "(ssu)", &info->name, &info->signature, &access);
  if ((info->signature[0] != '\0' && !ferry_member_signature_is_valid (info->signature)) || access == 0 ||
      (access & ~(guint32) FERRY_MEMBER_ACCESS_FLAGS) != 0)
    refuse (error, "with a property whose type or access is invalid");
  info->flags = (GDBusPropertyInfoFlags) access;
  return info;
}

static gpointer
take_signal (GVariant *member, GError **error)
{
  GDBusSignalInfo *info = g_new0 (GDBusSignalInfo, 1);
  const char *arguments;

  info->ref_count = 1;
  g_variant_get (member, "(s&s)", &info->name, &arguments);
  info->args = take_arguments (arguments, error);
  return info;
}

/* Returns (transfer full) (nullable): all members of a kind; NULL: an error. destroy: frees what take returns. */
static gpointer
take_kind (GVariant *members, gpointer (*take) (GVariant *member, GError **error), GDestroyNotify destroy,
           GError **error)
{
  g_autoptr (GPtrArray) taken = g_ptr_array_new_with_free_func (destroy);
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  GError *failure = NULL;

  if (g_variant_n_children (members) > FERRY_DESCRIPTION_MAX_MEMBERS)
    refuse (&failure, "with too many members");
  for (gsize i = 0; failure == NULL && i < g_variant_n_children (members); i++)
    {
      g_autoptr (GVariant) member = g_variant_get_child_value (members, i);
      char *name;

      g_variant_get_child (member, 0, "s", &name);
      if (!ferry_member_name_is_valid (name))
        refuse (&failure, "with a member whose name is invalid");
      else if (g_hash_table_contains (names, name))
        refuse (&failure, "with two members of one kind and name");
      else
        g_ptr_array_add (taken, take (member, &failure));
      g_hash_table_add (names, name);
    }
  if (failure == NULL)
    return end_array (g_steal_pointer (&taken));
  g_propagate_error (error, failure);
  return NULL;
}

static gboolean
take_members (GDBusInterfaceInfo *info, GVariant *description, GError **error)
{
  g_autoptr (GVariant) methods = NULL;
  g_autoptr (GVariant) properties = NULL;
  g_autoptr (GVariant) signals = NULL;

  g_variant_get (description, "(s@a(sss)@a(ssu)@a(ss))", &info->name, &methods, &properties, &signals);
  if (!g_dbus_is_interface_name (info->name) || strlen (info->name) > FERRY_MEMBER_NAME_MAX)
    return refuse (error, "whose name is invalid");
  info->methods = take_kind (methods, take_method, (GDestroyNotify) g_dbus_method_info_unref, error);
  if (info->methods != NULL)
    info->properties = take_kind (properties, take_property, (GDestroyNotify) g_dbus_property_info_unref, error);
  if (info->properties != NULL)
    info->signals = take_kind (signals, take_signal, (GDestroyNotify) g_dbus_signal_info_unref, error);
  return info->signals != NULL;
}

GDBusInterfaceInfo *
ferry_description_to_info (GVariant *description, GError **error)
{
  GDBusInterfaceInfo *info;

  /* Require normal form: otherwise a few bytes could stand for any number of names. */
  if (!g_variant_is_of_type (description, G_VARIANT_TYPE (FERRY_DESCRIPTION_TYPE)) ||
      !g_variant_is_normal_form (description))
    {
      refuse (error, "of a wrong type or form");
      return NULL;
    }
  info = g_new0 (GDBusInterfaceInfo, 1);
  info->ref_count = 1;
  if (take_members (info, description, error))
    return info;
  g_dbus_interface_info_unref (info);
  return NULL;
}
