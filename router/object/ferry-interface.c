/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An interface: what members may be added to it, by kind and name, with their limits; the functions of containers and
 * lists; and the description that the other end gets.
 *
 * Owner:   members belong to the interface; other files only borrow them.
 * Threads: one until the interface is sealed, any from then on. Functions of containers and lists are called where
 *          the exporter calls methods.
 * Trust:   keys and values of items come from another process. */

#include "config.h"

#include "object/ferry-interface-private.h"

#include <stdatomic.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "base/ferry-property-private.h"
#include "conversation/ferry-invocation-private.h"
#include "conversation/ferry-variant-item-private.h"
#include "wire/ferry-object-message-private.h"

/* The longest list that is searched for a row, in items. */
#define MAX_SEARCHED 65536

/* The functions that make the interface's objects containers or lists. */
typedef struct
{
  gboolean is_set;
  gboolean is_list;
  FerryContainerFuncs funcs; /* for a list: list_funcs */
  FerryRowFunc get_row;      /* (nullable): for a list: makes the row of an item */
  gpointer user_data;        /* the user data of the functions above */
  GDestroyNotify destroy;
  FerryRowItemFunc make_item; /* (nullable): for a list: makes an item from a value */
  gpointer item_data;         /* the user data of make_item */
  GDestroyNotify item_destroy;
} Container;

struct _FerryInterface
{
  GObject parent_instance;

  char *name;                 /* const: (owned) */
  GType type;                 /* const */
  gpointer klass;             /* const: (owned): the class of the type; for an interface type, its default interface */
  _Atomic gboolean is_sealed; /* atomic; once it is TRUE, the fields below are const */
  GPtrArray *members[FERRY_N_MEMBER_KINDS];  /* (element-type FerryMember) (owned) */
  GHashTable *by_name[FERRY_N_MEMBER_KINDS]; /* (element-type utf8 FerryMember): borrowed from members */

  Container container;
  _Atomic gboolean has_no_row; /* any: the function that makes rows has returned NULL, which was logged */
};

#define SEALED "interface '%s' is exported and not changed any more; call this before ferry_exporter_export()"

/**
 * FerryInterface:
 *
 * The members of an object that other processes can use: its methods, properties and signals. An interface also says
 * whether the object is a container or a list.
 *
 * Give an interface its members, then give it to [method@Ferry.Exporter.export] or
 * [method@Ferry.Exporter.export_type]; it cannot be changed from then on. Other processes reach only the members of the
 * interface, even if the object has more.
 *
 * Values are sent as variants. The variant type of a property or of a signal's argument follows from its C type:
 *
 * | type | variant |
 * | --- | --- |
 * | `gboolean` | `b` |
 * | `gchar`, `guchar` | `y` |
 * | `gint`, `guint` | `i`, `u` |
 * | `glong`, `gint64` | `x` |
 * | `gulong`, `guint64` | `t` |
 * | `gfloat`, `gdouble` | `d` |
 * | an enumeration, flags | `i`, `u`; a number that is not of the type is refused |
 * | a string, a list of strings | `s`, `as`, in UTF-8; %NULL is sent as an empty one |
 * | `GBytes`, `GByteArray` | `ay`; %NULL is sent as an empty one |
 * | a `GVariant` | `v`; %NULL is sent as an empty tuple in it |
 *
 * Other types have no variant type. When another process reads a property that is an object, it gets a reference to
 * that object.
 *
 * An interface has at most 1024 members of a kind, and a method or signal at most 64 arguments. Names and signatures
 * have at most 255 bytes. Names consist of the letters A to Z of either case, digits, underscores and dashes, and begin
 * with a letter or underscore.
 *
 * An interface must be made by one thread. Any thread may use it after an object or a type was exported with it.
 */
G_DEFINE_FINAL_TYPE (FerryInterface, ferry_interface, G_TYPE_OBJECT)

enum
{
  PROP_NAME = 1,
  PROP_OBJECT_TYPE,
  PROP_INFO,
  N_PROPERTIES,
};

static GParamSpec *properties[N_PROPERTIES];

static void
destroy_item_data (Container *container)
{
  if (container->item_destroy != NULL)
    container->item_destroy (container->item_data);
}

static void
set_container (FerryInterface *self, const Container *container)
{
  if (self->container.destroy != NULL)
    self->container.destroy (self->container.user_data);
  destroy_item_data (&self->container);
  self->container = *container;
}

static void
ferry_interface_finalize (GObject *object)
{
  FerryInterface *self = FERRY_INTERFACE (object);

  set_container (self, &(const Container){0});
  for (guint kind = 0; kind < FERRY_N_MEMBER_KINDS; kind++)
    {
      g_hash_table_unref (self->by_name[kind]);
      g_ptr_array_unref (self->members[kind]);
    }
  if (self->klass != NULL && G_TYPE_IS_INTERFACE (self->type))
    g_type_default_interface_unref (self->klass);
  else if (self->klass != NULL)
    g_type_class_unref (self->klass);
  g_free (self->name);
  G_OBJECT_CLASS (ferry_interface_parent_class)->finalize (object);
}

static void
ferry_interface_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryInterface *self = FERRY_INTERFACE (object);

  switch (property_id)
    {
    case PROP_NAME:
      g_value_set_string (value, self->name);
      break;
    case PROP_OBJECT_TYPE:
      g_value_set_gtype (value, self->type);
      break;
    case PROP_INFO:
      g_value_take_boxed (value, ferry_interface_create_info (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
ferry_interface_class_init (FerryInterfaceClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = ferry_interface_get_property;
  object_class->finalize = ferry_interface_finalize;

  /**
   * FerryInterface:name:
   *
   * The interface's name, in D-Bus form. Any thread.
   */
  properties[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, FERRY_READABLE);

  /**
   * FerryInterface:object-type:
   *
   * The type of the interface's objects. Any thread.
   */
  properties[PROP_OBJECT_TYPE] = g_param_spec_gtype ("object-type", NULL, NULL, G_TYPE_NONE, FERRY_READABLE);

  /**
   * FerryInterface:info:
   *
   * The description that [method@Ferry.Proxy.describe_async] gets in other processes. It is a new one each time that it
   * is read, with the members that the interface has by then. The type of a property that is an object is an empty
   * string. The description does not say whether the objects are containers. The thread that makes the interface; after
   * an object or a type was exported with it, any thread.
   */
  properties[PROP_INFO] = g_param_spec_boxed ("info", NULL, NULL, G_TYPE_DBUS_INTERFACE_INFO, FERRY_READABLE);

  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
ferry_interface_init (FerryInterface *self)
{
  for (guint kind = 0; kind < FERRY_N_MEMBER_KINDS; kind++)
    {
      self->members[kind] = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_member_free);
      self->by_name[kind] = g_hash_table_new (g_str_hash, g_str_equal);
    }
}

/**
 * ferry_interface_new:
 * @name: the interface's name, in D-Bus form: `com.example.Counter`
 * @type: the type of the objects: a class, or an interface that has GObject as a prerequisite
 *
 * Returns an interface without members. Any thread.
 *
 * Returns: (transfer full): a new interface
 */
FerryInterface *
ferry_interface_new (const char *name, GType type)
{
  FerryInterface *self;

  g_return_val_if_fail (name != NULL && g_dbus_is_interface_name (name), NULL);
  g_return_val_if_fail (strlen (name) <= FERRY_MEMBER_NAME_MAX, NULL);
  g_return_val_if_fail (g_type_is_a (type, G_TYPE_OBJECT), NULL);

  self = g_object_new (FERRY_TYPE_INTERFACE, NULL);
  self->name = g_strdup (name);
  self->type = type;
  /* Keep the class: a type has its properties and signals only after its class was referenced. */
  self->klass = G_TYPE_IS_INTERFACE (type) ? g_type_default_interface_ref (type) : g_type_class_ref (type);
  return self;
}

const char *
ferry_interface_get_name (FerryInterface *self)
{
  return self->name;
}

GType
ferry_interface_get_object_type (FerryInterface *self)
{
  return self->type;
}

/* ---- members ---- */

static gboolean
is_sealed (FerryInterface *self)
{
  /* Acquire: pairs with the release in ferry_interface_seal(). Members added before it are visible. */
  return atomic_load_explicit (&self->is_sealed, memory_order_acquire);
}

/* Returns (transfer none) (nullable): the member of that kind and name. */
static FerryMember *
peek (FerryInterface *self, FerryMemberKind kind, const char *name)
{
  return g_hash_table_lookup (self->by_name[kind], name);
}

/* Whether a member of that name may be added. name: (nullable). Fails with FERRY_ERROR_BAD_ARGUMENTS. */
static gboolean
check_name (FerryInterface *self, FerryMemberKind kind, const char *name, GError **error)
{
  const char *what = ferry_member_kind_to_string (kind);

  if (name == NULL || !ferry_member_name_is_valid (name))
    ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                     "'%s' is not a valid name for a %s of '%s'; use letters, digits, '_' and '-', first a letter or "
                     "'_', at most %d bytes",
                     name != NULL ? name : "", what, self->name, FERRY_MEMBER_NAME_MAX);
  else if (peek (self, kind, name) != NULL)
    ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS, "'%s' has a %s '%s' already; use another name", self->name, what,
                     name);
  else if (self->members[kind]->len >= FERRY_DESCRIPTION_MAX_MEMBERS)
    ferry_set_error (
      error, FERRY_ERROR_BAD_ARGUMENTS,
      "'%s' cannot have the %s '%s', as an interface has at most %d members of a kind; add it to another interface",
      self->name, what, name, FERRY_DESCRIPTION_MAX_MEMBERS);
  else
    return TRUE;
  return FALSE;
}

/* As check_name(), but emits a critical message instead of setting an error. function: the called public function. */
static gboolean
check_new (FerryInterface *self, FerryMemberKind kind, const char *name, const char *function)
{
  g_autoptr (GError) error = NULL;

  if (check_name (self, kind, name, &error))
    return TRUE;
  ferry_critical ("%s(): %s", function, error->message);
  return FALSE;
}

static void
take_member (FerryInterface *self, FerryMember *member)
{
  g_ptr_array_add (self->members[member->kind], member);
  g_hash_table_insert (self->by_name[member->kind], member->name, member);
}

/* Returns (transfer none) (nullable): the new method. NULL after a critical message, which names function. */
static FerryMember *
add_method (FerryInterface *self, const char *name, const char *in_signature, const char *out_signature,
            const char *function)
{
  g_autoptr (GVariantType) in_type = ferry_member_parse_arguments (in_signature);
  g_autoptr (GVariantType) out_type = ferry_member_parse_arguments (out_signature);
  FerryMember *member;

  if (!check_new (self, FERRY_MEMBER_METHOD, name, function))
    return NULL;
  if (in_type == NULL || out_type == NULL)
    {
      ferry_critical (
        "%s(): '%s' is not a signature for method '%s' of interface '%s'; write the types of at most %d values, as in "
        "'is'",
        function, in_type == NULL ? in_signature : out_signature, name, self->name, FERRY_MEMBER_MAX_ARGUMENTS);
      return NULL;
    }
  member = ferry_member_new (FERRY_MEMBER_METHOD, name);
  member->in_type = g_steal_pointer (&in_type);
  member->out_type = g_steal_pointer (&out_type);
  take_member (self, member);
  return member;
}

#define NO_OFFSET                                                                                                      \
  "the class of '%s' has no function at offset %" G_GSIZE_FORMAT " for method '%s'; pass G_STRUCT_OFFSET() of the "    \
  "class"

static gboolean
class_has_offset (FerryInterface *self, gsize class_offset)
{
  GTypeQuery query;

  if (G_TYPE_IS_INTERFACE (self->type))
    return FALSE;
  g_type_query (self->type, &query);
  return class_offset >= sizeof (GObjectClass) && class_offset % sizeof (gpointer) == 0 &&
         class_offset <= query.class_size - sizeof (FerryMethodFunc);
}

/**
 * ferry_interface_add_method: (skip)
 * @self: an interface
 * @name: the method's name, which no other method of the interface has
 * @in_signature: (nullable): the types of the method's arguments
 * @out_signature: (nullable): the types of the method's results
 * @func: (scope notified) (closure user_data) (destroy destroy): the function that is called
 * @user_data: (nullable): passed to @func
 * @destroy: (nullable): frees @user_data, when the interface ends
 *
 * Adds a method. A signature is a tuple such as `(is)`, or the types in it without the brackets, such as `is` or `i`.
 * %NULL and an empty string mean no arguments. One argument that is itself a tuple is written with both pairs of
 * brackets: `((is))`.
 *
 * The thread that makes the interface. The exporter decides on which thread @func is called.
 */
void
ferry_interface_add_method (FerryInterface *self, const char *name, const char *in_signature, const char *out_signature,
                            FerryMethodFunc func, gpointer user_data, GDestroyNotify destroy)
{
  FerryMember *member;

  g_return_if_fail (FERRY_IS_INTERFACE (self));
  ferry_return_if_fail (!is_sealed (self), SEALED, self->name);
  g_return_if_fail (name != NULL);
  g_return_if_fail (func != NULL);

  member = add_method (self, name, in_signature, out_signature, G_STRFUNC);
  if (member == NULL)
    return;
  member->func = func;
  member->user_data = user_data;
  member->destroy = destroy;
}

void
ferry_method_run_failing (gpointer object, FerryInvocation *invocation, gpointer failing)
{
  g_autoptr (FerryInvocation) shown = ferry_invocation_new_object (invocation);
  gpointer user_data;
  GCallback func = ferry_failing_get_func (failing, &user_data);
  GError *error = NULL;

  ((FerryMethodFuncFull) func) (object, shown, user_data, &error);
  ferry_invocation_answer_failure (invocation, error);
}

/**
 * ferry_interface_add_method_full: (rename-to ferry_interface_add_method)
 * @self: an interface
 * @name: the method's name, which no other method of the interface has
 * @in_signature: (nullable): the types of the method's arguments, as in [method@Ferry.Interface.add_method]
 * @out_signature: (nullable): the types of the method's results
 * @func: (scope notified) (closure user_data) (destroy destroy): the function that is called
 * @user_data: (nullable): passed to @func
 * @destroy: (nullable): frees @user_data, when the interface ends
 *
 * Adds a method that may fail, as [method@Ferry.Interface.add_method] does one that answers each call itself. This is
 * the form for languages that throw: the caller gets what the method throws.
 *
 * The thread that makes the interface. The exporter decides on which thread @func is called.
 */
void
ferry_interface_add_method_full (FerryInterface *self, const char *name, const char *in_signature,
                                 const char *out_signature, FerryMethodFuncFull func, gpointer user_data,
                                 GDestroyNotify destroy)
{
  g_return_if_fail (FERRY_IS_INTERFACE (self));
  g_return_if_fail (func != NULL);

  ferry_interface_add_method (self, name, in_signature, out_signature, ferry_method_run_failing,
                              ferry_failing_new (G_CALLBACK (func), user_data, destroy), ferry_failing_free);
}

/**
 * ferry_interface_add_class_method:
 * @self: an interface, of a class
 * @name: the method's name, which no other method of the interface has
 * @in_signature: (nullable): the types of the method's arguments, as in [method@Ferry.Interface.add_method]
 * @out_signature: (nullable): the types of the method's results
 * @class_offset: the offset of the function in the class, in bytes: `G_STRUCT_OFFSET (CounterClass, toggle)`
 *
 * Adds a method that classes implement: a [callback@Ferry.MethodFunc] in the class of the objects' type. It is called
 * without user data. Derived classes override it as usual, and a chain with `super` calls the overridden one.
 *
 * The thread that makes the interface.
 */
void
ferry_interface_add_class_method (FerryInterface *self, const char *name, const char *in_signature,
                                  const char *out_signature, gsize class_offset)
{
  FerryMember *member;

  g_return_if_fail (FERRY_IS_INTERFACE (self));
  ferry_return_if_fail (!is_sealed (self), SEALED, self->name);
  g_return_if_fail (name != NULL);
  ferry_return_if_fail (class_has_offset (self, class_offset), NO_OFFSET, g_type_name (self->type), class_offset, name);

  member = add_method (self, name, in_signature, out_signature, G_STRFUNC);
  if (member != NULL)
    member->class_offset = class_offset;
}

/* ---- properties and signals of the objects' type ---- */

/* Returns (transfer none) (nullable): the property of the objects' type or of its ancestors. */
static GParamSpec *
find_pspec (FerryInterface *self, const char *name)
{
  return G_TYPE_IS_INTERFACE (self->type) ? g_object_interface_find_property (self->klass, name)
                                          : g_object_class_find_property (self->klass, name);
}

/* Whether values of the property can be sent. */
static gboolean
can_send (GParamSpec *pspec)
{
  return ferry_pspec_is_object (pspec) || ferry_value_get_variant_type (pspec->value_type) != NULL;
}

GVariantType *
ferry_signal_dup_arguments_type (guint signal_id)
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
  take_member (self, member);
}

static void
add_signal (FerryInterface *self, guint signal_id, const GVariantType *arguments)
{
  FerryMember *member = ferry_member_new (FERRY_MEMBER_SIGNAL, g_signal_name (signal_id));

  member->signal_id = signal_id;
  member->in_type = g_variant_type_copy (arguments);
  take_member (self, member);
}

/**
 * ferry_interface_add_property:
 * @self: an interface
 * @name: a property of the objects' type that was not added before
 * @access: whether other processes may read the property, write it, or both
 *
 * Adds a property by its name in the class, with dashes. @access must not be more than the class allows: a
 * construct-only property cannot be written. A property that is an object can be read and not written. A property of
 * any other type without a variant type cannot be added.
 *
 * The thread that makes the interface.
 */
void
ferry_interface_add_property (FerryInterface *self, const char *name, GDBusPropertyInfoFlags access)
{
  GParamSpec *pspec;

  g_return_if_fail (FERRY_IS_INTERFACE (self));
  ferry_return_if_fail (!is_sealed (self), SEALED, self->name);
  g_return_if_fail (name != NULL);
  pspec = find_pspec (self, name);
  ferry_return_if_fail (pspec != NULL, "'%s' has no property '%s'; check the name", g_type_name (self->type), name);
  ferry_return_if_fail (
    can_send (pspec), "property '%s' of '%s' is a '%s', for which there is no variant type; add a method that gives it",
    name, g_type_name (self->type), g_type_name (pspec->value_type));
  ferry_return_if_fail (access != 0 && (access & ~ferry_pspec_get_access (pspec)) == 0,
                        "property '%s' of '%s' does not allow that access; pass an access that its class allows", name,
                        g_type_name (self->type));

  if (check_new (self, FERRY_MEMBER_PROPERTY, pspec->name, G_STRFUNC))
    add_property (self, pspec, access);
}

/**
 * ferry_interface_add_signal:
 * @self: an interface
 * @name: a signal of the objects' type that was not added before
 *
 * Adds a signal by its name in the class, with dashes. The types of all its arguments must have variant types. The
 * return values of signal handlers are not sent to other processes.
 *
 * The thread that makes the interface.
 */
void
ferry_interface_add_signal (FerryInterface *self, const char *name)
{
  g_autoptr (GVariantType) arguments = NULL;
  guint signal_id;

  g_return_if_fail (FERRY_IS_INTERFACE (self));
  ferry_return_if_fail (!is_sealed (self), SEALED, self->name);
  g_return_if_fail (name != NULL);
  signal_id = g_signal_lookup (name, self->type);
  ferry_return_if_fail (signal_id != 0, "'%s' has no signal '%s'; check the name", g_type_name (self->type), name);
  arguments = ferry_signal_dup_arguments_type (signal_id);
  ferry_return_if_fail (arguments != NULL,
                        "signal '%s' of '%s' has an argument for which there is no variant type, or more than %d; use "
                        "another signal",
                        name, g_type_name (self->type), FERRY_MEMBER_MAX_ARGUMENTS);

  if (check_new (self, FERRY_MEMBER_SIGNAL, g_signal_name (signal_id), G_STRFUNC))
    add_signal (self, signal_id, arguments);
}

/* ---- all members ---- */

static void
add_all_properties (FerryInterface *self)
{
  guint n_pspecs;
  g_autofree GParamSpec **pspecs = G_TYPE_IS_INTERFACE (self->type)
                                     ? g_object_interface_list_properties (self->klass, &n_pspecs)
                                     : g_object_class_list_properties (self->klass, &n_pspecs);

  for (guint i = 0; i < n_pspecs; i++)
    {
      /* Look up the property by name: for an overridden property, the list may have only a redirect to it. */
      GParamSpec *pspec = find_pspec (self, pspecs[i]->name);
      GDBusPropertyInfoFlags access = ferry_pspec_get_access (pspec);

      if (access != 0 && can_send (pspec) && check_name (self, FERRY_MEMBER_PROPERTY, pspec->name, NULL))
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
      g_autoptr (GVariantType) arguments = ferry_signal_dup_arguments_type (ids[i]);

      if (arguments != NULL && check_name (self, FERRY_MEMBER_SIGNAL, g_signal_name (ids[i]), NULL))
        add_signal (self, ids[i], arguments);
    }
}

/**
 * ferry_interface_add_all:
 * @self: an interface
 *
 * Adds the properties and signals of the objects' type, of its ancestors below [class@GObject.Object], and of their
 * interfaces. Leaves out those that were added before. These are the properties that are objects or have variant types,
 * with all access that the class allows. The signals are those with at most 64 arguments, all of variant types. If the
 * objects' type is an interface, only its own properties and signals are added.
 *
 * Use this with care: each property that is writable in the class becomes writable for other processes.
 *
 * The thread that makes the interface.
 */
void
ferry_interface_add_all (FerryInterface *self)
{
  g_autofree GType *interfaces = NULL;
  guint n_interfaces = 0;

  g_return_if_fail (FERRY_IS_INTERFACE (self));
  ferry_return_if_fail (!is_sealed (self), SEALED, self->name);

  add_all_properties (self);
  for (GType type = self->type; type != G_TYPE_OBJECT && type != G_TYPE_INTERFACE; type = g_type_parent (type))
    add_signals_of (self, type);
  if (!G_TYPE_IS_INTERFACE (self->type))
    interfaces = g_type_interfaces (self->type, &n_interfaces);
  for (guint i = 0; i < n_interfaces; i++)
    add_signals_of (self, interfaces[i]);
}

/* ---- the rows of a list as the items of a container ---- */

static GVariant *
make_properties_row (GObject *item)
{
  guint n_pspecs;
  g_autofree GParamSpec **pspecs = g_object_class_list_properties (G_OBJECT_GET_CLASS (item), &n_pspecs);
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  for (guint i = 0; i < n_pspecs; i++)
    {
      g_auto (GValue) held = G_VALUE_INIT;
      g_autoptr (GVariant) value = NULL;

      if ((pspecs[i]->flags & G_PARAM_READABLE) == 0 || ferry_value_get_variant_type (pspecs[i]->value_type) == NULL)
        continue;
      g_value_init (&held, pspecs[i]->value_type);
      g_object_get_property (item, pspecs[i]->name, &held);
      /* A string that is not UTF-8 is left out, like values without a variant type. */
      value = ferry_value_to_variant (&held, NULL);
      if (value != NULL)
        g_variant_builder_add (&builder, "{sv}", pspecs[i]->name, value);
    }
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

GVariant *
ferry_interface_make_row (FerryInterface *self, gpointer item)
{
  g_autoptr (GError) error = NULL;
  GVariant *row;

  if (self->container.get_row == NULL)
    return make_properties_row (item);
  row = self->container.get_row (item, self->container.user_data, &error);
  if (row != NULL)
    return g_variant_take_ref (row);
  if (error != NULL)
    /* Not g_warning(), so that a test can expect it. */
    g_log (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "The function that makes rows of '%s' failed for a '%s': %s", self->name,
           G_OBJECT_TYPE_NAME (item), error->message);
  /* Once. Relaxed: no other data goes with it. */
  else if (!atomic_exchange_explicit (&self->has_no_row, TRUE, memory_order_relaxed))
    ferry_critical ("The function that makes rows of '%s' returned NULL for a '%s', and this is said once; correct it "
                    "to return a row for each item",
                    self->name, G_OBJECT_TYPE_NAME (item));
  return g_variant_ref_sink (g_variant_new ("()"));
}

static gboolean
take_position (GListModel *model, GVariant *key, guint *position, GError **error)
{
  guint64 found;

  if (!ferry_variant_get_position (key, g_list_model_get_n_items (model), &found, error))
    return FALSE;
  *position = (guint) found;
  return TRUE;
}

/* Returns (nullable) the object as a GListStore. Fails with FERRY_ERROR_NOT_ALLOWED if it is not one. */
static GListStore *
get_store (FerryInterface *self, gpointer object, GError **error)
{
  if (G_IS_LIST_STORE (object))
    return G_LIST_STORE (object);
  ferry_set_error (error, FERRY_ERROR_NOT_ALLOWED,
                   "Items of '%s' cannot be replaced or removed, as a '%s' is not a GListStore; add methods for that",
                   self->name, G_OBJECT_TYPE_NAME (object));
  return NULL;
}

/* ---- a list as a container: the user data of its functions is the interface ---- */

static gboolean
get_item (gpointer object, GVariant *key, GVariant **value, GObject **item, gpointer user_data, GError **error)
{
  FerryInterface *self = user_data;
  g_autoptr (GObject) found = NULL;
  guint position;

  if (!take_position (object, key, &position, error))
    return FALSE;
  found = g_list_model_get_item (object, position);
  if (self->container.get_row != NULL)
    *value = ferry_interface_make_row (self, found);
  else
    *item = g_steal_pointer (&found);
  return TRUE;
}

static gboolean
set_item (gpointer object, GVariant *key, GVariant *value, gpointer user_data, GError **error)
{
  FerryInterface *self = user_data;
  GListStore *store = get_store (self, object, error);
  g_autoptr (GObject) item = NULL;
  gpointer additions[1];
  guint position;

  if (store == NULL)
    return FALSE;
  if (self->container.make_item == NULL)
    return ferry_set_error (
      error, FERRY_ERROR_NOT_ALLOWED,
      "Items of '%s' cannot be replaced, as it has no function that makes items from values; call "
      "ferry_interface_accept_items(), or add a method",
      self->name);
  item = self->container.make_item (value, self->container.item_data, error);
  /* Must be after make_item(): application code may change the list. */
  if (item == NULL || !take_position (object, key, &position, error))
    return FALSE;
  if (!g_type_is_a (G_OBJECT_TYPE (item), g_list_model_get_item_type (object)))
    return ferry_set_error (
      error, FERRY_ERROR_BAD_ARGUMENTS,
      "The list has items of '%s', but a '%s' was made from the value; send a value of another type",
      g_type_name (g_list_model_get_item_type (object)), G_OBJECT_TYPE_NAME (item));
  additions[0] = item;
  g_list_store_splice (store, position, 1, additions, 1);
  return TRUE;
}

static gboolean
delete_item (gpointer object, GVariant *key, gpointer user_data, GError **error)
{
  GListStore *store = get_store (user_data, object, error);
  guint position;

  if (store == NULL || !take_position (object, key, &position, error))
    return FALSE;
  g_list_store_remove (store, position);
  return TRUE;
}

static gboolean
contains (gpointer object, GVariant *key, gboolean *is_there, gpointer user_data, GError **error)
{
  *is_there = FALSE;
  /* Do not search a long list: other callers would wait for the thread. */
  if (g_list_model_get_n_items (object) > MAX_SEARCHED)
    return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                            "A list of more than %d items is not searched; add a method that finds the item",
                            MAX_SEARCHED);
  for (guint i = 0; !*is_there; i++)
    {
      g_autoptr (GObject) item = g_list_model_get_item (object, i);
      g_autoptr (GVariant) row = item != NULL ? ferry_interface_make_row (user_data, item) : NULL;

      if (row == NULL)
        break;
      *is_there = g_variant_equal (row, key);
    }
  return TRUE;
}

static gboolean
get_length (gpointer object, guint64 *length, gpointer user_data, GError **error)
{
  *length = g_list_model_get_n_items (object);
  return TRUE;
}

static const FerryContainerFuncs list_funcs = {
  .get_item = get_item,
  .set_item = set_item,
  .delete_item = delete_item,
  .contains = contains,
  .get_length = get_length,
};

/* ---- containers ---- */

/**
 * ferry_interface_set_container:
 * @self: an interface
 * @funcs: the operations on a container's items; copied
 * @user_data: (nullable): passed to the functions
 * @destroy: (nullable): frees @user_data, when the interface ends or @user_data is replaced
 *
 * Makes the interface's objects containers: other processes use their items by keys. Replaces the functions of a
 * container or list that were set before.
 *
 * The thread that makes the interface. The exporter decides on which thread the functions are called.
 */
void
ferry_interface_set_container (FerryInterface *self, const FerryContainerFuncs *funcs, gpointer user_data,
                               GDestroyNotify destroy)
{
  g_return_if_fail (FERRY_IS_INTERFACE (self));
  ferry_return_if_fail (!is_sealed (self), SEALED, self->name);
  g_return_if_fail (funcs != NULL);

  set_container (self, &(const Container){.is_set = TRUE, .funcs = *funcs, .user_data = user_data, .destroy = destroy});
}

/**
 * ferry_interface_set_list:
 * @self: an interface for a type of [iface@Gio.ListModel]
 * @get_row: (nullable) (scope notified) (closure user_data) (destroy destroy): makes the row of an item, which other
 *   processes see
 * @user_data: (nullable): data for @get_row
 * @destroy: (nullable): frees @user_data, when the interface ends or @user_data is replaced
 *
 * Makes the interface's objects lists: containers with positions as keys. Other processes can follow the changes of a
 * list. A position is a number of any type of 16 bits or more. Positions below 0 count from the end: -1 is the last
 * item. Replaces the functions of a container or list that were set before.
 *
 * Without @get_row, a row is a dictionary `a{sv}` of the item's readable properties that can be sent, and getting an
 * item gives the object. With @get_row, getting an item gives its row.
 *
 * The list contains a value if one of its rows is equal to it. The search makes rows until one is equal, so it fails
 * with %FERRY_ERROR_TOO_LARGE for a list of more than 65,536 items.
 *
 * Items of a [class@Gio.ListStore] can be removed, and replaced after [method@Ferry.Interface.accept_items]. For other
 * lists, removing and replacing fail with %FERRY_ERROR_NOT_ALLOWED. A position outside of the list, and an item of
 * another type than the list's, fail with %FERRY_ERROR_BAD_ARGUMENTS. For other changes, such as appending, add
 * methods.
 *
 * The thread that makes the interface. The exporter decides on which thread the functions are called.
 */
void
ferry_interface_set_list (FerryInterface *self, FerryRowFunc get_row, gpointer user_data, GDestroyNotify destroy)
{
  g_return_if_fail (FERRY_IS_INTERFACE (self));
  ferry_return_if_fail (!is_sealed (self), SEALED, self->name);
  ferry_return_if_fail (
    g_type_is_a (self->type, G_TYPE_LIST_MODEL),
    "interface '%s' is for '%s', which is not a G_TYPE_LIST_MODEL; use ferry_interface_set_container()", self->name,
    g_type_name (self->type));

  set_container (self, &(const Container){TRUE, TRUE, list_funcs, get_row, user_data, destroy});
}

/**
 * ferry_interface_accept_items:
 * @self: an interface that [method@Ferry.Interface.set_list] has made one of lists
 * @make_item: (scope notified) (closure user_data) (destroy destroy): makes an item from a value that another process
 *   sends
 * @user_data: (nullable): data for @make_item
 * @destroy: (nullable): frees @user_data, when the interface ends or the functions of its lists are replaced
 *
 * Lets other processes replace items of a [class@Gio.ListStore], as the operation `set-item` of a chain does. Replaces
 * the function that was set before.
 *
 * The thread that makes the interface. The exporter decides on which thread the function is called.
 */
void
ferry_interface_accept_items (FerryInterface *self, FerryRowItemFunc make_item, gpointer user_data,
                              GDestroyNotify destroy)
{
  g_return_if_fail (FERRY_IS_INTERFACE (self));
  g_return_if_fail (make_item != NULL);
  ferry_return_if_fail (!is_sealed (self), SEALED, self->name);
  ferry_return_if_fail (self->container.is_list,
                        "interface '%s' is not for lists yet; call ferry_interface_set_list() first", self->name);

  destroy_item_data (&self->container);
  self->container.make_item = make_item;
  self->container.item_data = user_data;
  self->container.item_destroy = destroy;
}

const FerryContainerFuncs *
ferry_interface_get_container (FerryInterface *self, gpointer *user_data)
{
  if (!self->container.is_set)
    return NULL;
  *user_data = self->container.is_list ? self : self->container.user_data;
  return &self->container.funcs;
}

gboolean
ferry_interface_is_list (FerryInterface *self)
{
  return self->container.is_list;
}

/* ---- use ---- */

void
ferry_interface_seal (FerryInterface *self)
{
  /* Release: a thread that finds the interface sealed sees all members. Several threads may store TRUE. */
  atomic_store_explicit (&self->is_sealed, TRUE, memory_order_release);
}

const FerryMember *
ferry_interface_find (FerryInterface *self, FerryMemberKind kind, const char *name, GError **error)
{
  const FerryMember *member = peek (self, kind, name);
  const char *wanted = ferry_member_kind_to_string (kind);
  g_autofree char *shown = NULL;

  if (member != NULL)
    return member;
  for (FerryMemberKind other = 0; other < FERRY_N_MEMBER_KINDS; other++)
    {
      if (peek (self, other, name) == NULL)
        continue;
      ferry_set_error (error, FERRY_ERROR_UNKNOWN_MEMBER, "'%s' has no %s '%s', but a %s of that name; use that one",
                       self->name, wanted, name, ferry_member_kind_to_string (other));
      return NULL;
    }
  /* Escape an invalid name: it comes from another process. */
  shown = ferry_member_name_is_valid (name) ? g_strdup (name) : g_strescape (name, NULL);
  ferry_set_error (error, FERRY_ERROR_UNKNOWN_MEMBER, "'%s' has no %s '%s'; look up its members in its description",
                   self->name, wanted, shown);
  return NULL;
}

const GPtrArray *
ferry_interface_list (FerryInterface *self, FerryMemberKind kind)
{
  return self->members[kind];
}

/* ---- descriptions for the other end ---- */

static void
describe_member (GVariantBuilder *builder, const FerryMember *member)
{
  g_autofree char *in = member->in_type != NULL ? g_variant_type_dup_string (member->in_type) : g_strdup ("");
  g_autofree char *out = member->out_type != NULL ? g_variant_type_dup_string (member->out_type) : NULL;

  if (member->kind == FERRY_MEMBER_PROPERTY)
    g_variant_builder_add (builder, "(ssu)", member->name, in, (guint32) member->access);
  else if (member->kind == FERRY_MEMBER_METHOD)
    g_variant_builder_add (builder, "(sss)", member->name, in, out);
  else
    g_variant_builder_add (builder, "(ss)", member->name, in);
}

GVariant *
ferry_interface_describe (FerryInterface *self)
{
  static const char *const types[FERRY_N_MEMBER_KINDS] = {"a(sss)", "a(ssu)", "a(ss)"};
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE (FERRY_DESCRIPTION_TYPE));
  g_variant_builder_add (&builder, "s", self->name);
  for (FerryMemberKind kind = 0; kind < FERRY_N_MEMBER_KINDS; kind++)
    {
      g_variant_builder_open (&builder, G_VARIANT_TYPE (types[kind]));
      for (guint i = 0; i < self->members[kind]->len; i++)
        describe_member (&builder, self->members[kind]->pdata[i]);
      g_variant_builder_close (&builder);
    }
  return g_variant_builder_end (&builder);
}

GDBusInterfaceInfo *
ferry_interface_create_info (FerryInterface *self)
{
  g_autoptr (GVariant) description = g_variant_ref_sink (ferry_interface_describe (self));
  g_autoptr (GError) error = NULL;
  GDBusInterfaceInfo *info = ferry_description_to_info (description, &error);

  /* This cannot fail: members are checked against the limits of descriptions when they are added. */
  g_assert_no_error (error);
  return info;
}
