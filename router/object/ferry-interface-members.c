/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The properties and signals that an interface has of its objects' type. */

#include "config.h"

#include "object/ferry-interface-fields-private.h"

#include "base/ferry-base-private.h"

GParamSpec *
ferry_interface_find_pspec (FerryInterface *self, const char *name)
{
  return G_TYPE_IS_INTERFACE (self->type) ? g_object_interface_find_property (self->klass, name)
                                          : g_object_class_find_property (self->klass, name);
}

GVariantType *
ferry_signal_get_arguments_type (guint signal_id)
{
  const GVariantType *types[FERRY_MEMBER_MAX_ARGUMENTS];
  GSignalQuery query;

  g_signal_query (signal_id, &query);
  if (query.n_params > FERRY_MEMBER_MAX_ARGUMENTS)
    return NULL;
  for (guint i = 0; i < query.n_params; i++)
    {
      types[i] = ferry_value_get_variant_type (query.param_types[i] & ~G_SIGNAL_TYPE_STATIC_SCOPE);
      if (types[i] == NULL)
        return NULL;
    }
  return g_variant_type_new_tuple (types, (int) query.n_params);
}

static void
add_property (FerryInterface *self, GParamSpec *pspec, GDBusPropertyInfoFlags access)
{
  const GVariantType *type = ferry_value_get_variant_type (pspec->value_type);
  FerryMember *member = ferry_member_new (FERRY_MEMBER_PROPERTY, pspec->name);

  member->pspec = g_param_spec_ref (pspec);
  member->access = access;
  member->in_type = type != NULL ? g_variant_type_copy (type) : NULL;
  ferry_interface_take_member (self, member);
}

static void
add_signal (FerryInterface *self, guint signal_id, const GVariantType *arguments)
{
  FerryMember *member = ferry_member_new (FERRY_MEMBER_SIGNAL, g_signal_name (signal_id));

  member->signal_id = signal_id;
  member->in_type = g_variant_type_copy (arguments);
  ferry_interface_take_member (self, member);
}

/**
 * ferry_interface_add_property:
 * @self: an interface
 * @name: a property that the objects' type has, and that was not added before
 * @access: whether others read it, write it, or both
 *
 * Adds a property, by the name that it has in its class, with dashes. @access allows nothing that the class does not:
 * a property that is given once, when the object is made, is not to be written. A property that is an object can be
 * read and not written; that of any other type without a variant type cannot be added.
 *
 * The thread that makes the interface.
 *
 * Since: 0.1
 */
void
ferry_interface_add_property (FerryInterface *self, const char *name, GDBusPropertyInfoFlags access)
{
  GParamSpec *pspec;

  g_return_if_fail (FERRY_IS_INTERFACE (self));
  ferry_return_if_fail (!ferry_interface_is_sealed (self), FERRY_INTERFACE_SEALED, self->name);
  g_return_if_fail (name != NULL);
  pspec = ferry_interface_find_pspec (self, name);
  ferry_return_if_fail (pspec != NULL, "“%s” has no property “%s”", g_type_name (self->type), name);
  ferry_return_if_fail (
    ferry_pspec_is_object (pspec) || ferry_value_get_variant_type (pspec->value_type) != NULL,
    "property “%s” of “%s” is a “%s”, for which there is no variant type; add a method that gives it", name,
    g_type_name (self->type), g_type_name (pspec->value_type));
  ferry_return_if_fail (access != 0 && (access & ~ferry_pspec_get_access (pspec)) == 0,
                        "property “%s” of “%s” does not allow that access; pass what its class allows others", name,
                        g_type_name (self->type));

  if (ferry_interface_check_new (self, FERRY_MEMBER_PROPERTY, pspec->name, G_STRFUNC))
    add_property (self, pspec, access);
}

/**
 * ferry_interface_add_signal:
 * @self: an interface
 * @name: a signal that the objects' type has, and that was not added before
 *
 * Adds a signal, by the name that it has in its class, with dashes. All its arguments have to be of types that have
 * variant types. What handlers give back stays in this process.
 *
 * The thread that makes the interface.
 *
 * Since: 0.1
 */
void
ferry_interface_add_signal (FerryInterface *self, const char *name)
{
  g_autoptr (GVariantType) arguments = NULL;
  guint signal_id;

  g_return_if_fail (FERRY_IS_INTERFACE (self));
  ferry_return_if_fail (!ferry_interface_is_sealed (self), FERRY_INTERFACE_SEALED, self->name);
  g_return_if_fail (name != NULL);
  signal_id = g_signal_lookup (name, self->type);
  ferry_return_if_fail (signal_id != 0, "“%s” has no signal “%s”", g_type_name (self->type), name);
  arguments = ferry_signal_get_arguments_type (signal_id);
  ferry_return_if_fail (arguments != NULL,
                        "signal “%s” of “%s” has an argument for which there is no variant type; use another one", name,
                        g_type_name (self->type));

  if (ferry_interface_check_new (self, FERRY_MEMBER_SIGNAL, g_signal_name (signal_id), G_STRFUNC))
    add_signal (self, signal_id, arguments);
}

/* ---- all that there is ---- */

static GParamSpec **
list_pspecs (FerryInterface *self, guint *n_pspecs)
{
  return G_TYPE_IS_INTERFACE (self->type) ? g_object_interface_list_properties (self->klass, n_pspecs)
                                          : g_object_class_list_properties (self->klass, n_pspecs);
}

static void
add_all_properties (FerryInterface *self)
{
  guint n_pspecs;
  g_autofree GParamSpec **pspecs = list_pspecs (self, &n_pspecs);

  for (guint i = 0; i < n_pspecs; i++)
    {
      /* What is listed may only refer to the one that it overrides. */
      GParamSpec *pspec = ferry_interface_find_pspec (self, pspecs[i]->name);
      GDBusPropertyInfoFlags access = ferry_pspec_get_access (pspec);

      if (access != 0 && (ferry_pspec_is_object (pspec) || ferry_value_get_variant_type (pspec->value_type) != NULL) &&
          ferry_interface_may_add (self, FERRY_MEMBER_PROPERTY, pspec->name))
        add_property (self, pspec, access);
    }
}

static void
add_signals_of (FerryInterface *self, GType type)
{
  guint n_ids;
  g_autofree guint *ids = g_signal_list_ids (type, &n_ids);

  for (guint i = 0; i < n_ids; i++)
    {
      g_autoptr (GVariantType) arguments = ferry_signal_get_arguments_type (ids[i]);

      if (arguments != NULL && ferry_interface_may_add (self, FERRY_MEMBER_SIGNAL, g_signal_name (ids[i])))
        add_signal (self, ids[i], arguments);
    }
}

/**
 * ferry_interface_add_all:
 * @self: an interface
 *
 * Adds what the objects' type, its ancestors below [class@GObject.Object] and their interfaces have and was not added
 * before: the properties that are objects or have variant types, with all the access that there is, and the signals
 * whose arguments have variant types. Of a type that is an interface these are its own.
 *
 * That opens a lot: what is writable in the class becomes writable for other processes.
 *
 * The thread that makes the interface.
 *
 * Since: 0.1
 */
void
ferry_interface_add_all (FerryInterface *self)
{
  g_autofree GType *interfaces = NULL;
  guint n_interfaces = 0;

  g_return_if_fail (FERRY_IS_INTERFACE (self));
  ferry_return_if_fail (!ferry_interface_is_sealed (self), FERRY_INTERFACE_SEALED, self->name);

  add_all_properties (self);
  for (GType type = self->type; type != G_TYPE_OBJECT && type != G_TYPE_INTERFACE; type = g_type_parent (type))
    add_signals_of (self, type);
  if (!G_TYPE_IS_INTERFACE (self->type))
    interfaces = g_type_interfaces (self->type, &n_interfaces);
  for (guint i = 0; i < n_interfaces; i++)
    add_signals_of (self, interfaces[i]);
}
