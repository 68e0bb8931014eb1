/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An interface of a D-Bus description: what it names is looked for in the objects' type. */

#include "config.h"

#include "object/ferry-interface-fields-private.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "object/ferry-object-message-private.h"

#define ACCESS_FLAGS (G_DBUS_PROPERTY_INFO_FLAGS_READABLE | G_DBUS_PROPERTY_INFO_FLAGS_WRITABLE)

/* BitRate is bit-rate, and HTTPPort is http-port. */
static char *
camel_to_kebab (const char *name)
{
  GString *kebab = g_string_new (NULL);

  for (gsize i = 0; name[i] != '\0'; i++)
    {
      gboolean begins = i > 0 && g_ascii_isupper (name[i]) &&
                        (g_ascii_islower (name[i - 1]) || g_ascii_isdigit (name[i - 1]) ||
                         (g_ascii_isupper (name[i - 1]) && g_ascii_islower (name[i + 1])));

      if (begins)
        g_string_append_c (kebab, '-');
      g_string_append_c (kebab, g_ascii_tolower (name[i]));
    }
  return g_string_free (kebab, FALSE);
}

static gboolean
check_name (FerryInterface *self, FerryMemberKind kind, const char *name, GError **error)
{
  const char *what = ferry_member_kind_to_string (kind);

  if (name == NULL || !ferry_member_name_is_valid (name))
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS, "“%s” in the description of “%s” cannot name a %s",
                 name != NULL ? name : "", self->name, what);
  else if (ferry_interface_peek (self, kind, name) != NULL)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS, "The description of “%s” has two of the %s “%s”",
                 self->name, what, name);
  else if (self->members[kind]->len >= FERRY_INTERFACE_MAX_MEMBERS)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                 "The description of “%s” has more than %u members of a kind; make more interfaces of it", self->name,
                 FERRY_INTERFACE_MAX_MEMBERS);
  else
    return TRUE;
  return FALSE;
}

/* names (optional): what the arguments are called, with empty ones for those without a name that can be sent. Returns
 * (transfer full) (nullable): a tuple, or NULL with an error. */
static GVariantType *
take_arguments (FerryMember *member, GDBusArgInfo **arguments, char ***names, GError **error)
{
  g_autoptr (GString) signature = g_string_new ("(");
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  GVariantType *type = NULL;
  gboolean valid = TRUE;

  for (gsize i = 0; arguments != NULL && arguments[i] != NULL; i++)
    {
      const char *name = arguments[i]->name;

      /* One by one: several that are wrong may be right in a row. */
      valid = valid && ferry_member_signature_is_valid (arguments[i]->signature);
      g_string_append (signature, arguments[i]->signature);
      g_strv_builder_add (builder, name != NULL && ferry_member_name_is_valid (name) ? name : "");
    }
  g_string_append_c (signature, ')');
  type = valid ? ferry_member_parse_arguments (signature->str) : NULL;
  if (type == NULL)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                 "The arguments “%s” of the %s “%s” are not of complete types, or too many", signature->str,
                 ferry_member_kind_to_string (member->kind), member->name);
  else if (names != NULL)
    *names = g_strv_builder_end (builder);
  return type;
}

static gboolean
take_method (FerryInterface *self, const GDBusMethodInfo *info, GError **error)
{
  g_autoptr (FerryMember) member = NULL;

  if (!check_name (self, FERRY_MEMBER_METHOD, info->name, error))
    return FALSE;
  member = ferry_member_new (FERRY_MEMBER_METHOD, info->name);
  member->in_type = take_arguments (member, info->in_args, &member->in_names, error);
  if (member->in_type == NULL)
    return FALSE;
  member->out_type = take_arguments (member, info->out_args, &member->out_names, error);
  if (member->out_type == NULL)
    return FALSE;
  ferry_interface_take_member (self, g_steal_pointer (&member));
  return TRUE;
}

/* ---- properties ---- */

static GParamSpec *
find_property (FerryInterface *self, const char *name, GError **error)
{
  g_autofree char *kebab = camel_to_kebab (name);
  GParamSpec *pspec = ferry_interface_find_pspec (self, name);

  if (pspec == NULL)
    pspec = ferry_interface_find_pspec (self, kebab);
  if (pspec == NULL)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                 "The property “%s” of “%s” is missing in “%s”, which has neither “%s” nor “%s”; install it there",
                 name, self->name, g_type_name (self->type), name, kebab);
  return pspec;
}

static gboolean
check_property (FerryInterface *self, const GDBusPropertyInfo *info, GParamSpec *pspec, GError **error)
{
  const GVariantType *type = ferry_value_get_variant_type (pspec->value_type);
  g_autofree char *wanted = type != NULL ? g_variant_type_dup_string (type) : g_strdup ("");
  GDBusPropertyInfoFlags access = info->flags & ACCESS_FLAGS;

  if (type == NULL && !ferry_pspec_is_object (pspec))
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                 "The property “%s” of “%s” is a “%s”, of which no value can be sent; leave it out", info->name,
                 self->name, g_type_name (pspec->value_type));
  else if (g_strcmp0 (info->signature, wanted) != 0)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                 "The property “%s” of “%s” is described with the type “%s”, but “%s” has a “%s”, which is “%s”",
                 info->name, self->name, info->signature, g_type_name (self->type), g_type_name (pspec->value_type),
                 wanted);
  else if (access == 0 || (access & ~ferry_pspec_get_access (pspec)) != 0)
    g_set_error (
      error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
      "The property “%s” of “%s” is described as one to be read, written or both, and “%s” does not allow that",
      info->name, self->name, g_type_name (self->type));
  else
    return TRUE;
  return FALSE;
}

static gboolean
take_property (FerryInterface *self, const GDBusPropertyInfo *info, GError **error)
{
  const GVariantType *type;
  FerryMember *member;
  GParamSpec *pspec;

  if (!check_name (self, FERRY_MEMBER_PROPERTY, info->name, error))
    return FALSE;
  pspec = find_property (self, info->name, error);
  if (pspec == NULL || !check_property (self, info, pspec, error))
    return FALSE;
  member = ferry_member_new (FERRY_MEMBER_PROPERTY, info->name);
  type = ferry_value_get_variant_type (pspec->value_type);
  member->in_type = type != NULL ? g_variant_type_copy (type) : NULL;
  member->pspec = g_param_spec_ref (pspec);
  member->access = info->flags & ACCESS_FLAGS;
  ferry_interface_take_member (self, member);
  return TRUE;
}

/* ---- signals ---- */

static guint
find_signal (FerryInterface *self, const char *name, GError **error)
{
  g_autofree char *kebab = camel_to_kebab (name);
  guint signal_id = g_signal_lookup (name, self->type);

  if (signal_id == 0)
    signal_id = g_signal_lookup (kebab, self->type);
  if (signal_id == 0)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                 "The signal “%s” of “%s” is missing in “%s”, which has neither “%s” nor “%s”; install it there", name,
                 self->name, g_type_name (self->type), name, kebab);
  return signal_id;
}

static gboolean
check_signal (FerryInterface *self, const FerryMember *member, GError **error)
{
  g_autoptr (GVariantType) type = ferry_signal_get_arguments_type (member->signal_id);
  g_autofree char *found = type != NULL ? g_variant_type_dup_string (type) : NULL;
  g_autofree char *wanted = g_variant_type_dup_string (member->in_type);

  if (g_strcmp0 (found, wanted) == 0)
    return TRUE;
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
               "The signal “%s” of “%s” is described with the arguments “%s”, but that of “%s” has %s%s%s",
               member->name, self->name, wanted, g_type_name (self->type),
               found != NULL ? "“" : "some that cannot be sent", found != NULL ? found : "", found != NULL ? "”" : "");
  return FALSE;
}

static gboolean
take_signal (FerryInterface *self, const GDBusSignalInfo *info, GError **error)
{
  g_autoptr (FerryMember) member = NULL;

  if (!check_name (self, FERRY_MEMBER_SIGNAL, info->name, error))
    return FALSE;
  member = ferry_member_new (FERRY_MEMBER_SIGNAL, info->name);
  member->signal_id = find_signal (self, info->name, error);
  if (member->signal_id == 0)
    return FALSE;
  member->in_type = take_arguments (member, info->args, &member->in_names, error);
  if (member->in_type == NULL || !check_signal (self, member, error))
    return FALSE;
  ferry_interface_take_member (self, g_steal_pointer (&member));
  return TRUE;
}

/* ---- the whole ---- */

static gboolean
take_members (FerryInterface *self, const GDBusInterfaceInfo *info, GError **error)
{
  for (gsize i = 0; info->methods != NULL && info->methods[i] != NULL; i++)
    {
      if (!take_method (self, info->methods[i], error))
        return FALSE;
    }
  for (gsize i = 0; info->properties != NULL && info->properties[i] != NULL; i++)
    {
      if (!take_property (self, info->properties[i], error))
        return FALSE;
    }
  for (gsize i = 0; info->signals != NULL && info->signals[i] != NULL; i++)
    {
      if (!take_signal (self, info->signals[i], error))
        return FALSE;
    }
  return TRUE;
}

/**
 * ferry_interface_new_for_info:
 * @info: what the interface has, from [ctor@Gio.DBusNodeInfo.new_for_xml] for example
 * @type: the type of the objects: a class of objects, or an interface that only objects have
 * @error: return location for an error
 *
 * An interface with all that a description has. Others know its members by the names in there.
 *
 * Methods are still to be bound, each by [method@Ferry.Interface.bind_method] or
 * [method@Ferry.Interface.bind_class_method]; what is exported with one that is not fails with
 * %FERRY_ERROR_BAD_ARGUMENTS.
 *
 * Properties and signals are those of @type that have the same name, or else the one that comes of it with dashes and
 * small letters: `bit-rate` for `BitRate`, `http-port` for `HTTPPort`. Their types have to be exactly those in the
 * table of [class@Ferry.Interface]: a string is `s` and neither `o` nor `g`, and an enumeration is `i`. A property that
 * is an object has an empty type. What may be read and written there has to be readable and writable here; less is
 * allowed. Any thread.
 *
 * Fails with %FERRY_ERROR_BAD_ARGUMENTS, which names what is missing in @type or does not fit, and for a description
 * that itself is none: with names that cannot be, or twice the same, or with more than an interface has.
 *
 * Returns: (transfer full): a new interface, or %NULL with an error
 *
 * Since: 0.1
 */
FerryInterface *
ferry_interface_new_for_info (GDBusInterfaceInfo *info, GType type, GError **error)
{
  g_autoptr (FerryInterface) self = NULL;

  g_return_val_if_fail (info != NULL, NULL);
  g_return_val_if_fail (g_type_is_a (type, G_TYPE_OBJECT), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (info->name == NULL || !g_dbus_is_interface_name (info->name) || strlen (info->name) > FERRY_MEMBER_NAME_MAX)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                   "“%s” is no name of an interface; one is like “com.example.Counter”",
                   info->name != NULL ? info->name : "");
      return NULL;
    }
  self = ferry_interface_new (info->name, type);
  return take_members (self, info, error) ? g_steal_pointer (&self) : NULL;
}
