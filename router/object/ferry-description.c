/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "object/ferry-description-private.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "object/ferry-member-private.h"
#include "object/ferry-object-message-private.h"

#define ACCESS_FLAGS (G_DBUS_PROPERTY_INFO_FLAGS_READABLE | G_DBUS_PROPERTY_INFO_FLAGS_WRITABLE)

static gboolean
refuse (GError **error, const char *what)
{
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL, "The other end sent a description of an interface %s", what);
  return FALSE;
}

/* Also that there is no other of that name: names has all that came before. */
static gboolean
check_name (GHashTable *names, char *name, GError **error)
{
  if (!ferry_member_name_is_valid (name))
    return refuse (error, "with a member whose name cannot be");
  if (!g_hash_table_add (names, name))
    return refuse (error, "with two members of one kind and name");
  return TRUE;
}

static void
free_argument (gpointer data)
{
  g_dbus_arg_info_unref (data);
}

static void
free_method (gpointer data)
{
  g_dbus_method_info_unref (data);
}

static void
free_property (gpointer data)
{
  g_dbus_property_info_unref (data);
}

static void
free_signal (gpointer data)
{
  g_dbus_signal_info_unref (data);
}

/* Array: (owned). Returns: an array that ends with NULL, as descriptions have them. */
static gpointer
end_array (GPtrArray *array)
{
  g_ptr_array_add (array, NULL);
  return g_ptr_array_free (array, FALSE);
}

/* Returns (nullable): NULL with an error. */
static GDBusArgInfo **
take_arguments (GVariant *arguments, GError **error)
{
  g_autoptr (GPtrArray) taken = g_ptr_array_new_with_free_func (free_argument);
  GVariantIter iter;
  const char *name;
  const char *signature;

  if (g_variant_n_children (arguments) > FERRY_MEMBER_MAX_ARGUMENTS)
    {
      refuse (error, "with a member of too many arguments");
      return NULL;
    }
  g_variant_iter_init (&iter, arguments);
  while (g_variant_iter_next (&iter, "(&s&s)", &name, &signature))
    {
      GDBusArgInfo *info;

      if ((name[0] != '\0' && !ferry_member_name_is_valid (name)) || !ferry_member_signature_is_valid (signature))
        {
          refuse (error, "with an argument whose name or type cannot be");
          return NULL;
        }
      info = g_new0 (GDBusArgInfo, 1);
      info->ref_count = 1;
      info->name = name[0] != '\0' ? g_strdup (name) : NULL;
      info->signature = g_strdup (signature);
      g_ptr_array_add (taken, info);
    }
  return end_array (g_steal_pointer (&taken));
}

static GPtrArray *
begin_members (GVariant *members, GDestroyNotify destroy, GError **error)
{
  if (g_variant_n_children (members) <= FERRY_DESCRIPTION_MAX_MEMBERS)
    return g_ptr_array_new_with_free_func (destroy);
  refuse (error, "with too many members");
  return NULL;
}

static GDBusMethodInfo **
take_methods (GVariant *methods, GError **error)
{
  g_autoptr (GPtrArray) taken = begin_members (methods, free_method, error);
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);

  for (gsize i = 0; taken != NULL && i < g_variant_n_children (methods); i++)
    {
      GDBusMethodInfo *info = g_new0 (GDBusMethodInfo, 1);
      g_autoptr (GVariant) in_arguments = NULL;
      g_autoptr (GVariant) out_arguments = NULL;

      info->ref_count = 1;
      g_ptr_array_add (taken, info);
      g_variant_get_child (methods, i, "(s@a(ss)@a(ss))", &info->name, &in_arguments, &out_arguments);
      if (!check_name (names, info->name, error))
        return NULL;
      info->in_args = take_arguments (in_arguments, error);
      if (info->in_args == NULL)
        return NULL;
      info->out_args = take_arguments (out_arguments, error);
      if (info->out_args == NULL)
        return NULL;
    }
  return taken != NULL ? end_array (g_steal_pointer (&taken)) : NULL;
}

static GDBusPropertyInfo **
take_properties (GVariant *properties, GError **error)
{
  g_autoptr (GPtrArray) taken = begin_members (properties, free_property, error);
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);

  for (gsize i = 0; taken != NULL && i < g_variant_n_children (properties); i++)
    {
      GDBusPropertyInfo *info = g_new0 (GDBusPropertyInfo, 1);
      guint32 access;

      info->ref_count = 1;
      g_ptr_array_add (taken, info);
      g_variant_get_child (properties, i, "(ssu)", &info->name, &info->signature, &access);
      if (!check_name (names, info->name, error))
        return NULL;
      if ((info->signature[0] != '\0' && !ferry_member_signature_is_valid (info->signature)) || access == 0 ||
          (access & ~(guint32) ACCESS_FLAGS) != 0)
        {
          refuse (error, "with a property whose type or access cannot be");
          return NULL;
        }
      info->flags = (GDBusPropertyInfoFlags) access;
    }
  return taken != NULL ? end_array (g_steal_pointer (&taken)) : NULL;
}

static GDBusSignalInfo **
take_signals (GVariant *signals, GError **error)
{
  g_autoptr (GPtrArray) taken = begin_members (signals, free_signal, error);
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);

  for (gsize i = 0; taken != NULL && i < g_variant_n_children (signals); i++)
    {
      GDBusSignalInfo *info = g_new0 (GDBusSignalInfo, 1);
      g_autoptr (GVariant) arguments = NULL;

      info->ref_count = 1;
      g_ptr_array_add (taken, info);
      g_variant_get_child (signals, i, "(s@a(ss))", &info->name, &arguments);
      if (!check_name (names, info->name, error))
        return NULL;
      info->args = take_arguments (arguments, error);
      if (info->args == NULL)
        return NULL;
    }
  return taken != NULL ? end_array (g_steal_pointer (&taken)) : NULL;
}

static gboolean
take_members (GDBusInterfaceInfo *info, GVariant *description, GError **error)
{
  g_autoptr (GVariant) methods = NULL;
  g_autoptr (GVariant) properties = NULL;
  g_autoptr (GVariant) signals = NULL;
  guint32 container;

  g_variant_get (description, "(s@a(sa(ss)a(ss))@a(ssu)@a(sa(ss))u)", &info->name, &methods, &properties, &signals,
                 &container);
  if (!g_dbus_is_interface_name (info->name) || strlen (info->name) > FERRY_MEMBER_NAME_MAX)
    return refuse (error, "whose name is none of an interface");
  if ((container & ~(guint32) FERRY_CONTAINER_ALL) != 0)
    return refuse (error, "with operations of a container that do not exist");
  info->methods = take_methods (methods, error);
  if (info->methods == NULL)
    return FALSE;
  info->properties = take_properties (properties, error);
  if (info->properties == NULL)
    return FALSE;
  info->signals = take_signals (signals, error);
  return info->signals != NULL;
}

GDBusInterfaceInfo *
ferry_description_to_info (GVariant *description, GError **error)
{
  GDBusInterfaceInfo *info;

  /* What is not in normal form could have a few bytes stand for any number of names. */
  if (!g_variant_is_of_type (description, G_VARIANT_TYPE (FERRY_DESCRIPTION_TYPE)) ||
      !g_variant_is_normal_form (description))
    {
      refuse (error, "that is none by its type or form");
      return NULL;
    }
  info = g_new0 (GDBusInterfaceInfo, 1);
  info->ref_count = 1;
  if (take_members (info, description, error))
    return info;
  g_dbus_interface_info_unref (info);
  return NULL;
}
