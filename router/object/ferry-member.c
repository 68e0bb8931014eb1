/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A member of an interface, which is a method, property or signal, as it is called, read and emitted on an object. */

#include "config.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "object/ferry-interface-private.h"
#include "wire/ferry-depth-private.h"
#include "wire/ferry-object-message-private.h"

FerryMember *
ferry_member_new (FerryMemberKind kind, const char *name)
{
  FerryMember *self = g_new0 (FerryMember, 1);

  self->kind = kind;
  self->name = g_strdup (name);
  return self;
}

void
ferry_member_free (FerryMember *self)
{
  if (self->destroy != NULL)
    self->destroy (self->user_data);
  g_clear_pointer (&self->in_type, g_variant_type_free);
  g_clear_pointer (&self->out_type, g_variant_type_free);
  g_clear_pointer (&self->pspec, g_param_spec_unref);
  g_free (self->name);
  g_free (self);
}

const char *
ferry_member_kind_to_string (FerryMemberKind kind)
{
  static const char *const names[FERRY_N_MEMBER_KINDS] = {"method", "property", "signal"};

  return names[kind];
}

/* ---- names and types ---- */

gboolean
ferry_member_name_is_valid (const char *name)
{
  gsize length = 0;

  if (!g_ascii_isalpha (name[0]) && name[0] != '_')
    return FALSE;
  while (g_ascii_isalnum (name[length]) || name[length] == '_' || name[length] == '-')
    length++;
  return name[length] == '\0' && length <= FERRY_MEMBER_NAME_MAX;
}

gboolean
ferry_member_signature_is_valid (const char *signature)
{
  return strlen (signature) <= FERRY_MEMBER_SIGNATURE_MAX &&
         ferry_depth_judge_type (signature, strlen (signature)) == FERRY_TYPE_GOOD;
}

GVariantType *
ferry_member_parse_arguments (const char *signature)
{
  g_autofree char *tuple = NULL;

  if (signature == NULL)
    signature = "";
  if (signature[0] == '(' && g_variant_type_string_is_valid (signature))
    tuple = g_strdup (signature);
  else
    tuple = g_strdup_printf ("(%s)", signature);
  if (!ferry_member_signature_is_valid (tuple) ||
      g_variant_type_n_items ((const GVariantType *) tuple) > FERRY_MEMBER_MAX_ARGUMENTS)
    return NULL;
  return (GVariantType *) g_steal_pointer (&tuple);
}

/* ---- properties ---- */

GDBusPropertyInfoFlags
ferry_pspec_get_access (GParamSpec *pspec)
{
  GDBusPropertyInfoFlags access = G_DBUS_PROPERTY_INFO_FLAGS_NONE;

  if ((pspec->flags & G_PARAM_READABLE) != 0)
    access |= G_DBUS_PROPERTY_INFO_FLAGS_READABLE;
  /* A property that is an object is never writable: another process cannot send such a value. */
  if ((pspec->flags & G_PARAM_WRITABLE) != 0 && (pspec->flags & G_PARAM_CONSTRUCT_ONLY) == 0 &&
      !ferry_pspec_is_object (pspec))
    access |= G_DBUS_PROPERTY_INFO_FLAGS_WRITABLE;
  return access;
}

gboolean
ferry_pspec_is_object (GParamSpec *pspec)
{
  return g_type_is_a (pspec->value_type, G_TYPE_OBJECT);
}

gboolean
ferry_member_get (const FerryMember *self, GObject *object, GVariant **value, GObject **content, GError **error)
{
  g_auto (GValue) held = G_VALUE_INIT;

  *value = NULL;
  if (content != NULL)
    *content = NULL;
  if ((self->access & G_DBUS_PROPERTY_INFO_FLAGS_READABLE) == 0)
    return ferry_set_error (error, FERRY_ERROR_NOT_ALLOWED,
                            "The property '%s' cannot be read, only written; export it with read access", self->name);
  g_value_init (&held, self->pspec->value_type);
  g_object_get_property (object, self->pspec->name, &held);
  if (self->in_type == NULL)
    {
      if (content != NULL)
        *content = g_value_dup_object (&held);
      return TRUE;
    }
  *value = ferry_value_to_variant (&held, error);
  if (*value != NULL)
    return TRUE;
  g_prefix_error (error, "The property '%s': ", self->name);
  return FALSE;
}

/* Checks that the property takes the value as it is. Does not clamp: a value that would change is refused. */
static gboolean
check_range (const FerryMember *self, GVariant *value, const GValue *held, GError **error)
{
  g_auto (GValue) validated = G_VALUE_INIT;
  g_autofree char *text = NULL;

  /* Not g_param_value_is_valid(): in GLib 2.74 that function takes doubles for floats, and refuses doubles beyond
   * 3.4e38. */
  g_value_init (&validated, G_VALUE_TYPE (held));
  g_value_copy (held, &validated);
  if (!g_param_value_validate (self->pspec, &validated))
    return TRUE;
  text = ferry_show_value (value);
  return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                          "The property '%s' does not take %s; send a value within its range", self->name, text);
}

gboolean
ferry_member_set (const FerryMember *self, GObject *object, GVariant *value, GError **error)
{
  g_auto (GValue) held = G_VALUE_INIT;

  if ((self->access & G_DBUS_PROPERTY_INFO_FLAGS_WRITABLE) == 0)
    return ferry_set_error (error, FERRY_ERROR_NOT_ALLOWED,
                            "The property '%s' cannot be written, only read; export it with write access", self->name);
  if (value == NULL)
    {
      g_object_set_property (object, self->pspec->name, g_param_spec_get_default_value (self->pspec));
      return TRUE;
    }
  if (!g_variant_is_of_type (value, self->in_type))
    {
      g_autofree char *wanted = g_variant_type_dup_string (self->in_type);

      return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                              "The property '%s' has values of type '%s', not '%s'; send a value of its type",
                              self->name, wanted, g_variant_get_type_string (value));
    }
  if (!ferry_value_from_variant (&held, self->pspec->value_type, value, error))
    {
      g_prefix_error (error, "The property '%s': ", self->name);
      return FALSE;
    }
  if (!check_range (self, value, &held, error))
    return FALSE;
  g_object_set_property (object, self->pspec->name, &held);
  return TRUE;
}

/* ---- methods ---- */

/* Returns the type that super names: see ferry_member_find_func(). Returns G_TYPE_INVALID with an error. */
static GType
find_class_type (const FerryMember *self, GObject *object, const char *super, GError **error)
{
  GType own = G_OBJECT_TYPE (object);
  GType found;

  if (super == NULL)
    return own;
  found = super[0] == '\0' ? g_type_parent (own) : g_type_from_name (super);
  if (found != G_TYPE_INVALID && G_TYPE_IS_OBJECT (found) && g_type_is_a (own, found))
    return found;
  if (super[0] == '\0')
    ferry_set_error (error, FERRY_ERROR_UNKNOWN_MEMBER,
                     "'%s' has no parent class with the method '%s'; call it without 'super'", g_type_name (own),
                     self->name);
  else
    ferry_set_error (error, FERRY_ERROR_UNKNOWN_MEMBER,
                     "'%s' is not an ancestor of the class '%s', so its method '%s' cannot be called; name an ancestor",
                     super, g_type_name (own), self->name);
  return G_TYPE_INVALID;
}

FerryMethodFunc
ferry_member_find_func (const FerryMember *self, GObject *object, const char *super, GError **error)
{
  FerryMethodFunc func = NULL;
  GTypeQuery query;
  GType type;

  if (self->func != NULL && super == NULL)
    return self->func;
  if (self->func != NULL)
    {
      ferry_set_error (
        error, FERRY_ERROR_UNKNOWN_MEMBER,
        "The method '%s' is not a function of a class, so ancestors do not have it; call it without 'super'",
        self->name);
      return NULL;
    }
  type = find_class_type (self, object, super, error);
  if (type == G_TYPE_INVALID)
    return NULL;
  g_type_query (type, &query);
  /* Check the size: an ancestor's class structure ends before the functions that its descendants add. */
  if (self->class_offset + sizeof func <= query.class_size)
    func = G_STRUCT_MEMBER (FerryMethodFunc, g_type_class_peek (type), self->class_offset);
  if (func == NULL)
    ferry_set_error (error, FERRY_ERROR_UNKNOWN_MEMBER,
                     "The class '%s' does not implement the method '%s'; name a class that implements it",
                     query.type_name, self->name);
  return func;
}
