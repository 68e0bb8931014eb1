/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The members of an interface, by their kinds and names.
 *
 * Owner:   members belong to the interface; what is looked up is borrowed from it.
 * Threads: one, until it is sealed; any from then on, since nothing changes any more. */

#include "config.h"

#include "object/ferry-interface-fields-private.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "object/ferry-object-message-private.h"

/**
 * FerryInterface:
 *
 * What another process can do with an object: the methods, properties and signals that it has for others, and whether
 * it is a container or a list.
 *
 * It is made member by member, or from a description with [ctor@Ferry.Interface.new_for_info], and given to
 * [method@Ferry.Exporter.export] or [method@Ferry.Exporter.export_type]. From then on it is not to be changed.
 * What has no member here is out of reach of other processes, whatever the object has.
 *
 * Values travel as variants. That of a property or of a signal's argument has the type that follows from its C type:
 *
 * | type | variant |
 * | --- | --- |
 * | `gboolean` | `b` |
 * | `gchar`, `guchar` | `y` |
 * | `gint`, `guint` | `i`, `u` |
 * | `glong`, `gint64` | `x` |
 * | `gulong`, `guint64` | `t` |
 * | `gfloat`, `gdouble` | `d` |
 * | an enumeration, flags | `i`, `u`; a number that the type does not have is refused |
 * | a string, a list of strings | `s`, `as`, in UTF-8; %NULL is sent as an empty one |
 * | `GBytes`, `GByteArray` | `ay`; %NULL is sent as an empty one |
 * | a `GVariant` | `v`; %NULL is sent as an empty tuple in it |
 *
 * Other types have none. A property that is an object can be read, which gives a reference to the object.
 *
 * An interface has at most 1024 members of a kind, a method or signal at most 64 arguments, a name at most 255 bytes
 * and a signature as well. Names consist of the letters A to Z of either case, digits, underscores and dashes, and
 * begin with a letter or underscore.
 *
 * One thread makes it; any may use it once something is exported with it.
 *
 * Since: 0.1
 */
G_DEFINE_FINAL_TYPE (FerryInterface, ferry_interface, G_TYPE_OBJECT)

static void
clear_container (FerryInterface *self)
{
  if (self->destroy != NULL)
    self->destroy (self->user_data);
  self->destroy = NULL;
  self->user_data = NULL;
  self->get_row = NULL;
  self->make_item = NULL;
  self->is_container = FALSE;
  self->is_list = FALSE;
}

static void
ferry_interface_finalize (GObject *object)
{
  FerryInterface *self = FERRY_INTERFACE (object);

  clear_container (self);
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
ferry_interface_class_init (FerryInterfaceClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ferry_interface_finalize;
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
 * @name: the interface's name, as D-Bus has them: `com.example.Counter`
 * @type: the type of the objects: a class of objects, or an interface that only objects have
 *
 * An interface without members. Any thread.
 *
 * Returns: (transfer full): a new interface
 *
 * Since: 0.1
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
  /* Properties and signals are there as soon as somebody uses the type. */
  self->klass = G_TYPE_IS_INTERFACE (type) ? g_type_default_interface_ref (type) : g_type_class_ref (type);
  return self;
}

/**
 * ferry_interface_get_name:
 * @self: an interface
 *
 * Any thread.
 *
 * Returns: (transfer none): its name
 *
 * Since: 0.1
 */
const char *
ferry_interface_get_name (FerryInterface *self)
{
  g_return_val_if_fail (FERRY_IS_INTERFACE (self), NULL);

  return self->name;
}

/**
 * ferry_interface_get_object_type:
 * @self: an interface
 *
 * Any thread.
 *
 * Returns: the type of the objects that it is for
 *
 * Since: 0.1
 */
GType
ferry_interface_get_object_type (FerryInterface *self)
{
  g_return_val_if_fail (FERRY_IS_INTERFACE (self), G_TYPE_INVALID);

  return self->type;
}

/* ---- members ---- */

gboolean
ferry_interface_is_sealed (FerryInterface *self)
{
  /* Acquire: pairs with the release in ferry_interface_seal(), so that what was added before is seen. */
  return atomic_load_explicit (&self->is_sealed, memory_order_acquire);
}

FerryMember *
ferry_interface_peek (FerryInterface *self, FerryMemberKind kind, const char *name)
{
  return g_hash_table_lookup (self->by_name[kind], name);
}

gboolean
ferry_interface_may_add (FerryInterface *self, FerryMemberKind kind, const char *name)
{
  return ferry_member_name_is_valid (name) && self->members[kind]->len < FERRY_INTERFACE_MAX_MEMBERS &&
         ferry_interface_peek (self, kind, name) == NULL;
}

void
ferry_interface_take_member (FerryInterface *self, FerryMember *member)
{
  g_ptr_array_add (self->members[member->kind], member);
  g_hash_table_insert (self->by_name[member->kind], member->name, member);
}

gboolean
ferry_interface_check_new (FerryInterface *self, FerryMemberKind kind, const char *name, const char *function)
{
  static const char *const kinds[FERRY_N_MEMBER_KINDS] = {
    [FERRY_MEMBER_METHOD] = "method", [FERRY_MEMBER_PROPERTY] = "property", [FERRY_MEMBER_SIGNAL] = "signal"};

  if (!ferry_member_name_is_valid (name))
    ferry_critical (
      "%s(): “%s” is no name for a %s; use letters, digits, “_” and “-”, a letter or “_” first, at most %d", function,
      name, kinds[kind], FERRY_MEMBER_NAME_MAX);
  else if (ferry_interface_peek (self, kind, name) != NULL)
    ferry_critical ("%s(): interface “%s” has a %s “%s” already", function, self->name, kinds[kind], name);
  else if (self->members[kind]->len >= FERRY_INTERFACE_MAX_MEMBERS)
    ferry_critical ("%s(): “%s” cannot be added, as interface “%s” has %d members of its kind, the most there may be",
                    function, name, self->name, FERRY_INTERFACE_MAX_MEMBERS);
  else
    return TRUE;
  return FALSE;
}

static void
tell_bad_signature (FerryInterface *self, const char *name, const char *signature, const char *function)
{
  ferry_critical (
    "%s(): “%s” is no signature for method “%s” of interface “%s”; write the types of at most %d values, as in "
    "“is”",
    function, signature, name, self->name, FERRY_MEMBER_MAX_ARGUMENTS);
}

/* Returns (transfer none) (nullable): the new member, with its types; NULL after a critical of what is wrong, which
 * names the public function. */
static FerryMember *
add_method (FerryInterface *self, const char *name, const char *in_signature, const char *out_signature,
            const char *function)
{
  g_autoptr (GVariantType) in_type = ferry_member_parse_arguments (in_signature);
  g_autoptr (GVariantType) out_type = ferry_member_parse_arguments (out_signature);
  FerryMember *member;

  if (!ferry_interface_check_new (self, FERRY_MEMBER_METHOD, name, function))
    return NULL;
  if (in_type == NULL || out_type == NULL)
    {
      tell_bad_signature (self, name, in_type == NULL ? in_signature : out_signature, function);
      return NULL;
    }
  member = ferry_member_new (FERRY_MEMBER_METHOD, name);
  member->in_type = g_steal_pointer (&in_type);
  member->out_type = g_steal_pointer (&out_type);
  ferry_interface_take_member (self, member);
  return member;
}

#define NO_OFFSET                                                                                                       \
  "the class of “%s” has no function at offset %" G_GSIZE_FORMAT " for method “%s”; pass G_STRUCT_OFFSET() of the " \
  "class"
#define NO_METHOD "interface “%s” has no method “%s”; bind one that its description has, or add it"

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
 * ferry_interface_add_method:
 * @self: an interface
 * @name: the method's name, which no other method of it has
 * @in_signature: (nullable): the types of its arguments
 * @out_signature: (nullable): the types of what it gives back
 * @func: (scope notified) (closure user_data) (destroy destroy): what is called
 * @user_data: (nullable): passed to @func
 * @destroy: (nullable): called for @user_data with the interface's end
 *
 * Adds a method. A signature is a tuple such as `(is)`, or the types in it without the brackets: `is`, or one type such
 * as `i`; %NULL and an empty string mean none. One argument that is itself a tuple is written with both pairs of
 * brackets: `((is))`.
 *
 * The thread that makes the interface; @func is called where the exporter says.
 *
 * Since: 0.1
 */
void
ferry_interface_add_method (FerryInterface *self, const char *name, const char *in_signature, const char *out_signature,
                            FerryMethodFunc func, gpointer user_data, GDestroyNotify destroy)
{
  FerryMember *member;

  g_return_if_fail (FERRY_IS_INTERFACE (self));
  ferry_return_if_fail (!ferry_interface_is_sealed (self), FERRY_INTERFACE_SEALED, self->name);
  g_return_if_fail (name != NULL);
  g_return_if_fail (func != NULL);

  member = add_method (self, name, in_signature, out_signature, G_STRFUNC);
  if (member == NULL)
    return;
  member->func = func;
  member->user_data = user_data;
  member->destroy = destroy;
}

/**
 * ferry_interface_add_class_method:
 * @self: an interface, of a class
 * @name: the method's name, which no other method of it has
 * @in_signature: (nullable): the types of its arguments, as in [method@Ferry.Interface.add_method]
 * @out_signature: (nullable): the types of what it gives back
 * @class_offset: where the class has the function: `G_STRUCT_OFFSET (CounterClass, toggle)`
 *
 * Adds a method that classes implement: a [callback@Ferry.MethodFunc] in the class of the objects' type, which is
 * called without user data. Derived classes override it as usual, and [method@Ferry.View.super] reaches what they
 * override.
 *
 * The thread that makes the interface.
 *
 * Since: 0.1
 */
void
ferry_interface_add_class_method (FerryInterface *self, const char *name, const char *in_signature,
                                  const char *out_signature, gsize class_offset)
{
  FerryMember *member;

  g_return_if_fail (FERRY_IS_INTERFACE (self));
  ferry_return_if_fail (!ferry_interface_is_sealed (self), FERRY_INTERFACE_SEALED, self->name);
  g_return_if_fail (name != NULL);
  ferry_return_if_fail (class_has_offset (self, class_offset), NO_OFFSET, g_type_name (self->type), class_offset, name);

  member = add_method (self, name, in_signature, out_signature, G_STRFUNC);
  if (member != NULL)
    member->class_offset = class_offset;
}

static void
bind_member (FerryMember *member, FerryMethodFunc func, gsize class_offset)
{
  if (member->destroy != NULL)
    member->destroy (member->user_data);
  member->destroy = NULL;
  member->user_data = NULL;
  member->func = func;
  member->class_offset = class_offset;
}

/**
 * ferry_interface_bind_method:
 * @self: an interface
 * @name: a method that it has
 * @func: (scope notified) (closure user_data) (destroy destroy): what is called
 * @user_data: (nullable): passed to @func
 * @destroy: (nullable): called for @user_data with the interface's end
 *
 * Says what a method does that came from a description. What was said before is forgotten.
 *
 * The thread that makes the interface.
 *
 * Since: 0.1
 */
void
ferry_interface_bind_method (FerryInterface *self, const char *name, FerryMethodFunc func, gpointer user_data,
                             GDestroyNotify destroy)
{
  FerryMember *member;

  g_return_if_fail (FERRY_IS_INTERFACE (self));
  ferry_return_if_fail (!ferry_interface_is_sealed (self), FERRY_INTERFACE_SEALED, self->name);
  g_return_if_fail (name != NULL);
  g_return_if_fail (func != NULL);
  member = ferry_interface_peek (self, FERRY_MEMBER_METHOD, name);
  ferry_return_if_fail (member != NULL, NO_METHOD, self->name, name);

  bind_member (member, func, 0);
  member->user_data = user_data;
  member->destroy = destroy;
}

/**
 * ferry_interface_bind_class_method:
 * @self: an interface, of a class
 * @name: a method that it has
 * @class_offset: where the class has the function, as in [method@Ferry.Interface.add_class_method]
 *
 * Says which function of the class a method is that came from a description. What was said before is forgotten.
 *
 * The thread that makes the interface.
 *
 * Since: 0.1
 */
void
ferry_interface_bind_class_method (FerryInterface *self, const char *name, gsize class_offset)
{
  FerryMember *member;

  g_return_if_fail (FERRY_IS_INTERFACE (self));
  ferry_return_if_fail (!ferry_interface_is_sealed (self), FERRY_INTERFACE_SEALED, self->name);
  g_return_if_fail (name != NULL);
  ferry_return_if_fail (class_has_offset (self, class_offset), NO_OFFSET, g_type_name (self->type), class_offset, name);
  member = ferry_interface_peek (self, FERRY_MEMBER_METHOD, name);
  ferry_return_if_fail (member != NULL, NO_METHOD, self->name, name);

  bind_member (member, NULL, class_offset);
}

/* ---- containers ---- */

/**
 * ferry_interface_set_container:
 * @self: an interface
 * @funcs: what can be done with its items; copied
 * @user_data: (nullable): passed to the functions
 * @destroy: (nullable): called for @user_data with the interface's end
 *
 * Makes its objects containers, whose items others reach by keys. It replaces what was set before, a list too.
 *
 * The thread that makes the interface; the functions are called where the exporter says.
 *
 * Since: 0.1
 */
void
ferry_interface_set_container (FerryInterface *self, const FerryContainerFuncs *funcs, gpointer user_data,
                               GDestroyNotify destroy)
{
  g_return_if_fail (FERRY_IS_INTERFACE (self));
  ferry_return_if_fail (!ferry_interface_is_sealed (self), FERRY_INTERFACE_SEALED, self->name);
  g_return_if_fail (funcs != NULL);

  clear_container (self);
  self->container = *funcs;
  self->user_data = user_data;
  self->destroy = destroy;
  self->is_container = TRUE;
}

/**
 * ferry_interface_set_list:
 * @self: an interface, whose type is a [iface@Gio.ListModel]
 * @get_row: (nullable) (scope notified) (closure user_data) (destroy destroy): makes what others see of an item
 * @make_item: (nullable) (scope notified) (closure user_data) (destroy destroy): makes an item of what others send
 * @user_data: (nullable): passed to both
 * @destroy: (nullable): called for @user_data with the interface's end
 *
 * Makes its objects lists: containers whose keys are positions, of type `x`, `t`, `i` or `u`, and whose changes others
 * can follow. Positions below 0 count from the end: -1 is the last item. It replaces what was set before.
 *
 * Without @get_row, a row is a dictionary `a{sv}` of the item's readable properties that can be sent, and an item that
 * is asked for by its position is given as an object. With it, it is given as the row. Whether the list contains a
 * value is whether one of its rows is equal to it; each is made for that, so it fails with %FERRY_ERROR_TOO_LARGE
 * where there are more than 65,536.
 *
 * Where the object is a [class@Gio.ListStore], items can be removed, and where @make_item is given, replaced. Otherwise
 * that fails with %FERRY_ERROR_NOT_ALLOWED; a position that the list does not have, and an item of another type than
 * the list's, with %FERRY_ERROR_BAD_ARGUMENTS. For all else, appending too, add methods.
 *
 * The thread that makes the interface; the functions are called where the exporter says.
 *
 * Since: 0.1
 */
void
ferry_interface_set_list (FerryInterface *self, FerryRowFunc get_row, FerryRowItemFunc make_item, gpointer user_data,
                          GDestroyNotify destroy)
{
  g_return_if_fail (FERRY_IS_INTERFACE (self));
  ferry_return_if_fail (!ferry_interface_is_sealed (self), FERRY_INTERFACE_SEALED, self->name);
  ferry_return_if_fail (
    g_type_is_a (self->type, G_TYPE_LIST_MODEL),
    "interface “%s” is for “%s”, which is no G_TYPE_LIST_MODEL; use ferry_interface_set_container()", self->name,
    g_type_name (self->type));

  clear_container (self);
  self->container = ferry_interface_list_funcs;
  self->get_row = get_row;
  self->make_item = make_item;
  self->user_data = user_data;
  self->destroy = destroy;
  self->is_container = TRUE;
  self->is_list = TRUE;
}

const FerryContainerFuncs *
ferry_interface_get_container (FerryInterface *self, gpointer *user_data)
{
  if (!self->is_container)
    return NULL;
  *user_data = self->is_list ? self : self->user_data;
  return &self->container;
}

gboolean
ferry_interface_is_list (FerryInterface *self)
{
  return self->is_list;
}

/* ---- use ---- */

gboolean
ferry_interface_seal (FerryInterface *self, GError **error)
{
  GPtrArray *methods = self->members[FERRY_MEMBER_METHOD];

  for (guint i = 0; i < methods->len; i++)
    {
      const FerryMember *method = methods->pdata[i];

      if (ferry_member_is_bound (method))
        continue;
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                   "The method “%s” of “%s” has no function; give it one with ferry_interface_bind_method() or "
                   "ferry_interface_bind_class_method()",
                   method->name, self->name);
      return FALSE;
    }
  /* Release: whoever finds it sealed sees all members. Threads that are here at the same time change nothing else. */
  atomic_store_explicit (&self->is_sealed, TRUE, memory_order_release);
  return TRUE;
}

const FerryMember *
ferry_interface_find (FerryInterface *self, FerryMemberKind kind, const char *name, GError **error)
{
  const FerryMember *member = ferry_interface_peek (self, kind, name);
  const char *wanted = ferry_member_kind_to_string (kind);
  g_autofree char *shown = NULL;

  if (member != NULL)
    return member;
  for (FerryMemberKind other = 0; other < FERRY_N_MEMBER_KINDS; other++)
    {
      if (ferry_interface_peek (self, other, name) == NULL)
        continue;
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_UNKNOWN_MEMBER,
                   "“%s” has no %s “%s”, but a %s of that name; ask for that", self->name, wanted, name,
                   ferry_member_kind_to_string (other));
      return NULL;
    }
  /* The name is another process's. */
  shown = ferry_member_name_is_valid (name) ? g_strdup (name) : g_strescape (name, NULL);
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_UNKNOWN_MEMBER, "“%s” has no %s “%s”; its description says what it has",
               self->name, wanted, shown);
  return NULL;
}

GPtrArray *
ferry_interface_list (FerryInterface *self, FerryMemberKind kind)
{
  GPtrArray *members = self->members[kind];
  GPtrArray *list = g_ptr_array_sized_new (members->len);

  for (guint i = 0; i < members->len; i++)
    g_ptr_array_add (list, members->pdata[i]);
  return list;
}
