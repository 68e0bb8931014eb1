/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A view: a builder of the steps that ferry_proxy_resolve() takes.
 *
 * Owner:   references are counted.
 * Threads: one at a time until the view is frozen, then any. */

#include "config.h"

#include "classic/ferry-view.h"

#include <string.h>

struct _FerryView
{
  gatomicrefcount references;
  FerryProxy *proxy;       /* const: (owned) */
  GPtrArray *steps;        /* (owned) (element-type GVariant): const once the view is frozen, as the fields below */
  GVariant *default_value; /* (owned) (nullable) */
  gboolean as_proxy;
  gboolean frozen;
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
  g_atomic_ref_count_init (&self->references);
  self->proxy = g_object_ref (proxy);
  self->steps = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
  g_object_get (proxy, "as-proxy", &self->as_proxy, NULL);
  return self;
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
  for (guint i = 0; i < self->steps->len; i++)
    g_ptr_array_add (copy->steps, g_variant_ref (self->steps->pdata[i]));
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

  g_atomic_ref_count_inc (&self->references);
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

  if (!g_atomic_ref_count_dec (&self->references))
    return;
  g_ptr_array_unref (self->steps);
  g_clear_pointer (&self->default_value, g_variant_unref);
  g_object_unref (self->proxy);
  g_free (self);
}

/**
 * ferry_view_freeze:
 * @self: a view
 *
 * Freezes the view: its operations and settings cannot be changed any more. From now on any number of threads may use
 * the view. [method@FerryClassic.View.copy] returns a copy that can be extended. Any thread, one at a time until the
 * view is frozen.
 */
void
ferry_view_freeze (FerryView *self)
{
  g_return_if_fail (self != NULL);

  self->frozen = TRUE;
}

/* ---- as text ---- */

/* How each step looks: N stands for its name, A for its arguments in brackets, K for the value behind the word, V for
 * the one behind a name or a key. */
static const struct
{
  const char *word;
  const char *form;
} forms[] = {
  {"call", ".NA"},
  {"get", ".N"},
  {"set", ".N = V"},
  {"delete", ".N = default"},
  {"get-item", "[K]"},
  {"set-item", "[K] = V"},
  {"length", ".length"},
  {"delete-item", ".delete(K)"},
  {"contains", ".contains(K)"},
  {"pass-to", " -> NA"},
  {"super", ".super(N)"},
};

/* The comma of a tuple of one value is left out. */
static void
append_arguments (GString *text, GVariant *step)
{
  g_autoptr (GVariant) arguments = g_variant_n_children (step) > 2 ? g_variant_get_child_value (step, 2) : NULL;

  if (arguments != NULL)
    g_variant_print_string (arguments, text, FALSE);
  else
    g_string_append (text, "()");
  if (arguments != NULL && g_str_has_suffix (text->str, ",)"))
    g_string_erase (text, (gssize) text->len - 2, 1);
}

static void
append_text (GString *text, GVariant *step)
{
  const char *form = NULL;
  const char *word;

  g_variant_get_child (step, 0, "&s", &word);
  for (guint i = 0; form == NULL; i++)
    if (g_str_equal (forms[i].word, word))
      form = forms[i].form;
  for (; *form != '\0'; form++)
    {
      g_autoptr (GVariant) child =
        strchr ("NKV", *form) != NULL ? g_variant_get_child_value (step, *form == 'V' ? 2 : 1) : NULL;

      if (*form == 'A')
        append_arguments (text, step);
      else if (*form == 'N')
        g_string_append (text, g_variant_get_string (child, NULL));
      else if (child != NULL)
        g_variant_print_string (child, text, FALSE);
      else
        g_string_append_c (text, *form);
    }
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
  g_autofree char *name = NULL;
  GString *text;

  g_return_val_if_fail (self != NULL, NULL);

  g_object_get (self->proxy, "name", &name, NULL);
  text = g_string_new (name);
  for (guint i = 0; i < self->steps->len; i++)
    append_text (text, self->steps->pdata[i]);
  return g_string_free (text, FALSE);
}

/* ---- operations ---- */

/* Whether function may change the view. */
static gboolean
check_open (FerryView *self, const char *function)
{
  if (self == NULL)
    g_return_if_fail_warning (G_LOG_DOMAIN, function, "self != NULL");
  else if (self->frozen)
    g_log (G_LOG_DOMAIN, G_LOG_LEVEL_CRITICAL,
           "%s(): the view is frozen, and cannot be changed; make another with ferry_view_copy()", function);
  return self != NULL && !self->frozen;
}

/* Adds a step of a word and what follows it, for function. name, first and second: (nullable); floating references are
 * taken. */
static void
append (FerryView *self, const char *function, const char *word, const char *name, GVariant *first, GVariant *second)
{
  GVariant *members[4] = {g_variant_new_string (word)};
  g_autoptr (GVariant) step = NULL;
  guint n = 1;

  if (name != NULL)
    members[n++] = g_variant_new_string (name);
  if (first != NULL)
    members[n++] = first;
  if (second != NULL)
    members[n++] = second;
  step = g_variant_ref_sink (g_variant_new_tuple (members, n));
  if (check_open (self, function))
    g_ptr_array_add (self->steps, g_steal_pointer (&step));
}

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
  g_return_if_fail (method != NULL);

  append (self, G_STRFUNC, "call", method, arguments, NULL);
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
  g_return_if_fail (property != NULL);

  append (self, G_STRFUNC, "get", property, NULL, NULL);
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
  g_return_if_fail (property != NULL);
  g_return_if_fail (value != NULL);

  append (self, G_STRFUNC, "set", property, value, NULL);
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
  g_return_if_fail (property != NULL);

  append (self, G_STRFUNC, "delete", property, NULL, NULL);
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
  g_return_if_fail (key != NULL);

  append (self, G_STRFUNC, "get-item", NULL, key, NULL);
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
  g_return_if_fail (key != NULL);
  g_return_if_fail (value != NULL);

  append (self, G_STRFUNC, "set-item", NULL, key, value);
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
  g_return_if_fail (key != NULL);

  append (self, G_STRFUNC, "delete-item", NULL, key, NULL);
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
  g_return_if_fail (key != NULL);

  append (self, G_STRFUNC, "contains", NULL, key, NULL);
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
  append (self, G_STRFUNC, "length", NULL, NULL, NULL);
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
  g_return_if_fail (function != NULL);

  append (self, G_STRFUNC, "pass-to", function, arguments, NULL);
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
  append (self, G_STRFUNC, "super", type_name != NULL ? type_name : "", NULL, NULL);
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
  g_autoptr (GVariant) taken = value != NULL ? g_variant_ref_sink (value) : NULL;

  if (check_open (self, G_STRFUNC))
    {
      g_clear_pointer (&self->default_value, g_variant_unref);
      self->default_value = g_steal_pointer (&taken);
    }
}

/**
 * ferry_view_set_as_proxy:
 * @self: a view that is not frozen
 * @as_proxy: whether a result that is a value stays in the other process
 *
 * Sets whether a result that is a value stays in the other process, so that this process gets a proxy of it, as for
 * objects. That proxy has [method@FerryClassic.View.get_item] and its siblings. To get the value itself, resolve a view
 * of the proxy that has no operation, with @as_proxy %FALSE. The initial state is that of
 * [property@Ferry.Proxy:as-proxy]. Any thread, one at a time until the view is frozen.
 */
void
ferry_view_set_as_proxy (FerryView *self, gboolean as_proxy)
{
  if (check_open (self, G_STRFUNC))
    self->as_proxy = as_proxy;
}

/* ---- the result ---- */

static GVariant *
make_steps (FerryView *self)
{
  return g_variant_new_tuple ((GVariant **) self->steps->pdata, self->steps->len);
}

static GVariant *
make_options (FerryView *self)
{
  GVariantDict options;

  g_variant_dict_init (&options, NULL);
  g_variant_dict_insert (&options, "as-proxy", "b", self->as_proxy);
  if (self->default_value != NULL)
    g_variant_dict_insert_value (&options, "default", self->default_value);
  return g_variant_dict_end (&options);
}

/**
 * ferry_view_resolve:
 * @self: a view
 * @timeout: how long to wait at the most, in microseconds; negative: without a limit
 * @cancellable: (nullable): ends the waiting, and cancels the call at the object's end
 * @value: (out) (optional) (nullable) (transfer full): the result, if it is a value, else %NULL
 * @object: (out) (optional) (nullable) (transfer full): a proxy of the result, if it is an object, else %NULL
 * @error: return location for an error
 *
 * Does the operations at the object's end, and waits for the result. If a method returns its own object, the result is
 * the view's proxy. Threads and errors are those of [method@Ferry.Proxy.resolve].
 *
 * Returns: whether the view was resolved
 */
gboolean
ferry_view_resolve (FerryView *self, gint64 timeout, GCancellable *cancellable, GVariant **value, FerryProxy **object,
                    GError **error)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return ferry_proxy_resolve (self->proxy, make_steps (self), make_options (self), timeout, cancellable, value, object,
                              error);
}

/**
 * ferry_view_resolve_async:
 * @self: a view
 * @timeout: how long to wait at the most, in microseconds; negative: without a limit
 * @cancellable: (nullable): ends the waiting, and cancels the call at the object's end
 * @callback: (scope async): called when the operation has ended
 * @user_data: data for @callback
 *
 * As [method@FerryClassic.View.resolve], without waiting. Fails at once with %FERRY_ERROR_WOULD_BLOCK when the
 * transport has no room. Any thread.
 */
void
ferry_view_resolve_async (FerryView *self, gint64 timeout, GCancellable *cancellable, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_return_if_fail (self != NULL);

  ferry_proxy_resolve_async (self->proxy, make_steps (self), make_options (self), timeout, cancellable, callback,
                             user_data);
}

/**
 * ferry_view_resolve_finish:
 * @self: the view
 * @result: the result that the callback got; its source is the view's proxy
 * @value: (out) (optional) (nullable) (transfer full): the result, if it is a value, else %NULL
 * @object: (out) (optional) (nullable) (transfer full): a proxy of the result, if it is an object, else %NULL
 * @error: return location for an error
 *
 * Ends [method@FerryClassic.View.resolve_async]; fails as [method@FerryClassic.View.resolve] does. Any thread.
 *
 * Returns: whether the view was resolved
 */
gboolean
ferry_view_resolve_finish (FerryView *self, GAsyncResult *result, GVariant **value, FerryProxy **object, GError **error)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return ferry_proxy_resolve_finish (self->proxy, result, value, object, error);
}
