/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A view: a chain of operations on an object, which is resolved as a whole. See ferry-view-private.h. */

#include "config.h"

#include "object/ferry-view-private.h"

#include <stdatomic.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "object/ferry-proxy-private.h"

/* Room in the view itself: the steps and names of a single call need no other memory. */
#define N_OWN_STEPS 2
#define OWN_NAMES_SIZE 64

struct _FerryView
{
  _Atomic gint references;
  FerryProxy *proxy; /* const: (owned) */
  FerryStep *steps;  /* own_steps, or (owned); this and the fields below are const once the view is frozen */
  guint n_steps;
  guint n_allocated;
  GVariant *default_value; /* (nullable) */
  gboolean as_proxy;
  gboolean frozen;
  GStringChunk *names; /* (nullable): (owned): names of steps that do not fit into own_names */
  gsize n_own_names;   /* how many bytes of own_names are used */
  FerryStep own_steps[N_OWN_STEPS];
  char own_names[OWN_NAMES_SIZE];
};

G_DEFINE_BOXED_TYPE (FerryView, ferry_view, ferry_view_ref, ferry_view_unref)

/**
 * ferry_view_new:
 * @proxy: the object at which the view begins
 *
 * Any thread.
 *
 * Returns: (transfer full): a view without an operation; its result is the object itself
 */
FerryView *
ferry_view_new (FerryProxy *proxy)
{
  FerryView *self;

  g_return_val_if_fail (FERRY_IS_PROXY (proxy), NULL);

  self = g_new0 (FerryView, 1);
  atomic_init (&self->references, 1);
  self->proxy = g_object_ref (proxy);
  self->as_proxy = ferry_proxy_get_as_proxy (proxy);
  self->steps = self->own_steps;
  self->n_allocated = G_N_ELEMENTS (self->own_steps);
  return self;
}

static void
grow (FerryView *self)
{
  FerryStep *steps = g_new (FerryStep, 2 * self->n_allocated);

  memcpy (steps, self->steps, sizeof *steps * self->n_steps);
  if (self->steps != self->own_steps)
    g_free (self->steps);
  self->steps = steps;
  self->n_allocated *= 2;
}

/* Returns a copy of the name, owned by the view. */
static const char *
keep_name (FerryView *self, const char *name)
{
  gsize size = strlen (name) + 1;
  char *kept = self->own_names + self->n_own_names;

  if (size <= sizeof self->own_names - self->n_own_names)
    {
      self->n_own_names += size;
      return memcpy (kept, name, size);
    }
  if (self->names == NULL)
    self->names = g_string_chunk_new (256);
  return g_string_chunk_insert (self->names, name);
}

/* Adds a step. argument (nullable): a floating reference is taken. */
static void
append (FerryView *self, FerryStepKind kind, const char *name, GVariant *argument)
{
  FerryStep *step;

  if (self->n_steps == self->n_allocated)
    grow (self);
  step = &self->steps[self->n_steps++];
  step->kind = kind;
  step->name = keep_name (self, name);
  step->argument = argument != NULL ? g_variant_ref_sink (argument) : NULL;
}

/**
 * ferry_view_copy:
 * @self: a view
 *
 * Any thread if the view is frozen; otherwise one at a time.
 *
 * Returns: (transfer full): a view with the same operations and settings, which can be extended
 */
FerryView *
ferry_view_copy (FerryView *self)
{
  FerryView *copy;

  g_return_val_if_fail (self != NULL, NULL);

  copy = ferry_view_new (self->proxy);
  copy->default_value = self->default_value != NULL ? g_variant_ref (self->default_value) : NULL;
  copy->as_proxy = self->as_proxy;
  for (guint i = 0; i < self->n_steps; i++)
    append (copy, self->steps[i].kind, self->steps[i].name, self->steps[i].argument);
  return copy;
}

/**
 * ferry_view_ref:
 * @self: a view
 *
 * Any thread.
 *
 * Returns: (transfer full): the view
 */
FerryView *
ferry_view_ref (FerryView *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  ferry_ref_count_inc (&self->references);
  return self;
}

/**
 * ferry_view_unref:
 * @self: (transfer full): a view
 *
 * Any thread.
 */
void
ferry_view_unref (FerryView *self)
{
  g_return_if_fail (self != NULL);

  if (!ferry_ref_count_dec (&self->references))
    return;
  for (guint i = 0; i < self->n_steps; i++)
    g_clear_pointer (&self->steps[i].argument, g_variant_unref);
  g_clear_pointer (&self->default_value, g_variant_unref);
  g_clear_pointer (&self->names, g_string_chunk_free);
  g_object_unref (self->proxy);
  if (self->steps != self->own_steps)
    g_free (self->steps);
  g_free (self);
}

/**
 * ferry_view_freeze:
 * @self: a view
 *
 * Freezes the view: its operations and settings cannot be changed any more. From now on any number of threads may use
 * the view. [method@Ferry.View.copy] returns a copy that can be extended. Any thread, one at a time until the view is
 * frozen.
 */
void
ferry_view_freeze (FerryView *self)
{
  g_return_if_fail (self != NULL);

  self->frozen = TRUE;
}

FerryProxy *
ferry_view_get_proxy (FerryView *self)
{
  return self->proxy;
}

gboolean
ferry_view_is_change (FerryView *self)
{
  const FerryStep *last = self->n_steps > 0 ? &self->steps[self->n_steps - 1] : NULL;

  return last != NULL && (last->kind == FERRY_STEP_SET || last->kind == FERRY_STEP_DELETE);
}

GVariant *
ferry_view_get_default (FerryView *self)
{
  return self->default_value;
}

/* A view that sets a property cannot return a proxy: its result is the property's value. */
void
ferry_view_fill_request (FerryView *self, FerryViewRequest *request)
{
  *request = (FerryViewRequest){
    .as_proxy = self->as_proxy && !ferry_view_is_change (self),
    .n_steps = self->n_steps,
    .steps = self->steps,
  };
  ferry_proxy_get_root (self->proxy, &request->root);
}

/**
 * ferry_view_to_string:
 * @self: a view
 *
 * Describes the chain of operations for logs: `counter.list[3].append('x')`. Sends nothing. Any thread, one at a time
 * until the view is frozen.
 *
 * Returns: (transfer full): a text
 */
char *
ferry_view_to_string (FerryView *self)
{
  FerryViewRequest request;

  g_return_val_if_fail (self != NULL, NULL);

  ferry_view_fill_request (self, &request);
  return ferry_view_request_to_string (&request, request.n_steps);
}

/* ---- operations ---- */

/* Frees a value if its reference is floating. For arguments of a function that failed. */
static void
drop_floating (GVariant *value)
{
  g_autoptr (GVariant) taken G_GNUC_UNUSED = ferry_variant_take_floating (value);
}

#define RETURN_IF_FROZEN(self, argument)                                                                               \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    if ((self) == NULL || (self)->frozen)                                                                              \
      drop_floating (argument);                                                                                        \
    g_return_if_fail ((self) != NULL);                                                                                 \
    ferry_return_if_fail (!(self)->frozen,                                                                             \
                          "the view is frozen, and cannot be changed; make another with ferry_view_copy()");           \
  }                                                                                                                    \
  G_STMT_END

/**
 * ferry_view_call:
 * @self: a view that is not frozen
 * @method: the name of a method of the interface
 * @arguments: (nullable): a tuple; a floating reference is taken
 *
 * Adds the call of a method. The next operation is done on the method's result, an object or a value. Any thread, one
 * at a time until the view is frozen.
 */
void
ferry_view_call (FerryView *self, const char *method, GVariant *arguments)
{
  RETURN_IF_FROZEN (self, arguments);
  g_return_if_fail (method != NULL);

  append (self, FERRY_STEP_CALL, method, arguments);
}

/**
 * ferry_view_get:
 * @self: a view that is not frozen
 * @property: the name of a property of the interface
 *
 * Adds the reading of a property. The next operation is done on the property's value, or on the object that the
 * property has. Any thread, one at a time until the view is frozen.
 */
void
ferry_view_get (FerryView *self, const char *property)
{
  RETURN_IF_FROZEN (self, NULL);
  g_return_if_fail (property != NULL);

  append (self, FERRY_STEP_GET, property, NULL);
}

/**
 * ferry_view_set:
 * @self: a view that is not frozen
 * @property: the name of a property of the interface
 * @value: the new value; a floating reference is taken
 *
 * Adds the setting of a property, which must be the last operation. The view's result is the value that the property
 * has after that. Any thread, one at a time until the view is frozen.
 */
void
ferry_view_set (FerryView *self, const char *property, GVariant *value)
{
  RETURN_IF_FROZEN (self, value);
  g_return_if_fail (property != NULL);
  g_return_if_fail (value != NULL);

  append (self, FERRY_STEP_SET, property, value);
}

/**
 * ferry_view_delete:
 * @self: a view that is not frozen
 * @property: the name of a property of the interface
 *
 * Adds the setting of a property to its default, which must be the last operation. The view's result is the value that
 * the property has after that. Any thread, one at a time until the view is frozen.
 */
void
ferry_view_delete (FerryView *self, const char *property)
{
  RETURN_IF_FROZEN (self, NULL);
  g_return_if_fail (property != NULL);

  append (self, FERRY_STEP_DELETE, property, NULL);
}

/**
 * ferry_view_get_item:
 * @self: a view that is not frozen
 * @key: a key of the container; for a list a position, where a negative one counts from the end; a floating reference
 *   is taken
 *
 * Adds the getting of an item. It is an item of an object that is a container, or of a value that is an array, a tuple
 * or a dictionary. Any thread, one at a time until the view is frozen.
 */
void
ferry_view_get_item (FerryView *self, GVariant *key)
{
  RETURN_IF_FROZEN (self, key);
  g_return_if_fail (key != NULL);

  append (self, FERRY_STEP_GET_ITEM, "", key);
}

/**
 * ferry_view_set_item:
 * @self: a view that is not frozen
 * @key: the key; a floating reference is taken
 * @value: the new item; a floating reference is taken
 *
 * Adds the setting of a container's item, which must be the last operation. Any thread, one at a time until the view is
 * frozen.
 */
void
ferry_view_set_item (FerryView *self, GVariant *key, GVariant *value)
{
  if (self == NULL || self->frozen)
    drop_floating (key);
  RETURN_IF_FROZEN (self, value);
  g_return_if_fail (key != NULL);
  g_return_if_fail (value != NULL);

  append (self, FERRY_STEP_SET_ITEM, "", g_variant_new ("(vv)", key, value));
}

/**
 * ferry_view_delete_item:
 * @self: a view that is not frozen
 * @key: the key; a floating reference is taken
 *
 * Adds the removal of a container's item, which must be the last operation. Any thread, one at a time until the view is
 * frozen.
 */
void
ferry_view_delete_item (FerryView *self, GVariant *key)
{
  RETURN_IF_FROZEN (self, key);
  g_return_if_fail (key != NULL);

  append (self, FERRY_STEP_DELETE_ITEM, "", key);
}

/**
 * ferry_view_contains:
 * @self: a view that is not frozen
 * @key: the key to find; for a list or an array, the item to find; a floating reference is taken
 *
 * Adds the search for an item, which must be the last operation. The view's result is a boolean. Any thread, one at a
 * time until the view is frozen.
 */
void
ferry_view_contains (FerryView *self, GVariant *key)
{
  RETURN_IF_FROZEN (self, key);
  g_return_if_fail (key != NULL);

  append (self, FERRY_STEP_CONTAINS, "", key);
}

/**
 * ferry_view_length:
 * @self: a view that is not frozen
 *
 * Adds the counting of items, which must be the last operation. The view's result is a 64-bit unsigned number. Any
 * thread, one at a time until the view is frozen.
 */
void
ferry_view_length (FerryView *self)
{
  RETURN_IF_FROZEN (self, NULL);

  append (self, FERRY_STEP_LENGTH, "", NULL);
}

/**
 * ferry_view_pass_to:
 * @self: a view that is not frozen
 * @function: the name of a function that was added with [method@Ferry.Exporter.add_function]
 * @arguments: (nullable): further arguments, a tuple; a floating reference is taken
 *
 * Adds the call of a function of the object's process. The function gets the object and @arguments. The next operation
 * is done on the function's result. Any thread, one at a time until the view is frozen.
 */
void
ferry_view_pass_to (FerryView *self, const char *function, GVariant *arguments)
{
  RETURN_IF_FROZEN (self, arguments);
  g_return_if_fail (function != NULL);

  append (self, FERRY_STEP_PASS, function, arguments);
}

/**
 * ferry_view_super:
 * @self: a view that is not frozen
 * @type_name: (nullable): the name of a type from which the object's type is derived; %NULL: the parent of the object's
 * type
 *
 * Makes the next call use the implementation in the class of that type. The next operation must be the call of a method
 * that is a function of a class: see [method@Ferry.Interface.add_class_method]. Any thread, one at a time until the
 * view is frozen.
 */
void
ferry_view_super (FerryView *self, const char *type_name)
{
  RETURN_IF_FROZEN (self, NULL);

  append (self, FERRY_STEP_SUPER, type_name != NULL ? type_name : "", NULL);
}

void
ferry_view_rows (FerryView *self, guint64 position, guint n_rows)
{
  append (self, FERRY_STEP_ROWS, "", g_variant_new ("(tu)", position, n_rows));
}

/* ---- settings ---- */

/**
 * ferry_view_set_default:
 * @self: a view that is not frozen
 * @value: (nullable): a value, or %NULL to have none; a floating reference is taken
 *
 * Sets a result that is returned instead of an error when the exporter does not listen, or its process has ended. Any
 * thread, one at a time until the view is frozen.
 */
void
ferry_view_set_default (FerryView *self, GVariant *value)
{
  RETURN_IF_FROZEN (self, value);

  g_clear_pointer (&self->default_value, g_variant_unref);
  self->default_value = value != NULL ? g_variant_ref_sink (value) : NULL;
}

/**
 * ferry_view_set_as_proxy:
 * @self: a view that is not frozen
 * @as_proxy: whether a result that is a value stays in the other process
 *
 * Sets whether a result that is a value stays in the other process, so that this process gets a proxy of it, as for
 * objects. That proxy has [method@Ferry.View.get_item] and its siblings. To get the value itself, resolve a view of the
 * proxy that has no operation, with @as_proxy %FALSE. The initial state is that of [method@Ferry.Proxy.set_as_proxy].
 * Any thread, one at a time until the view is frozen.
 */
void
ferry_view_set_as_proxy (FerryView *self, gboolean as_proxy)
{
  RETURN_IF_FROZEN (self, NULL);

  self->as_proxy = as_proxy;
}
