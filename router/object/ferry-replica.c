/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A replica of an object: keeps the properties of an object here the same as those of an object in another process.
 * Below, "the object" is the object in the other process.
 *
 * A value that comes from the object is never sent back to it. While a value that was set here is being sent, values
 * from the object wait for the answer. The answer has the count of the property's changes. So a slider that is dragged
 * never jumps back, and a value that the object has corrected still arrives here.
 *
 * When a value of the object is set here, other properties here may change because of it, such as those that a class
 * computes. The object has made the same changes, and reports them soon. A property that the object has not reported
 * after some time was changed by this end only, and is sent. A value that the application sets here is sent at once,
 * each property for itself.
 *
 * If a property is set quickly many times, only its newest value is sent, one value at a time.
 *
 * Signals of the class are emitted here when the object has emitted them, those only that the replica was made with: a
 * class emits many of its signals itself when a property is set, and these would come twice.
 *
 * A property that can only be read here is set by the class's own set_property(), and is never sent. After a change by
 * this end, it gets the object's value back. */

#include "config.h"

#include "object/ferry-proxy-private.h"

#include "base/ferry-base-private.h"
#include "object/ferry-interface-private.h"
#include "wire/ferry-remote-error-private.h"

/* How long to wait, in microseconds, for the object to report what followed from a change. */
#define CONSEQUENCE_TIME (100 * 1000)

/* References: one of the object here that is the replica, and one of each value that is being sent. */
typedef struct
{
  guint references;
  GObject *object;                 /* (unowned) (nullable): the object here; NULL when it was freed */
  FerryProxy *proxy;               /* const: (owned) */
  FerrySubscription *subscription; /* (owned) (nullable) */
  GHashTable *properties;          /* (element-type utf8 Property) (owned) */
  GStrv signals;                   /* const: (owned): those that are emitted here */
  GTask *task;                     /* (owned) (nullable): waits for the first values; has a reference to object */
  GSource *cancel;                 /* (owned) (nullable): the source of the task's cancellable */
  guint applying;                  /* how many calls on the stack are setting properties here to values of the object */
  guint64 n_disturbed;             /* how many times a property was disturbed: see Property.disturbed */
  guint64
    n_streams; /* how many streams the subscription has opened: each may be of another object with the same name */
  GMainContext *context; /* const: (owned) */
  GSource *settling;     /* (owned) (nullable): the timer of settle_cb(), which sends disturbed properties */
} Replica;

typedef struct
{
  Replica *replica;  /* const: (unowned) */
  GParamSpec *pspec; /* const */
  gboolean sends;    /* const: the property can be set by anyone, so that a value that was set here is sent */
  GVariant *remote;  /* (owned) (nullable): the object's value, as far as known here */
  guint64 n_changes; /* the object's count of the property's changes at that value */
  GVariant *wanted;  /* (owned) (nullable): a value that was set here and not sent yet */
  gboolean under_way;
  guint64 stream;      /* n_streams when the value under way was sent */
  guint64 disturbed;   /* not 0: the property has changed here while values of the object were set, or can only be read
                          and has changed here. Numbered in the order of these changes */
  gint64 disturbed_at; /* when that change was, in monotonic time */
} Property;

static void
property_free (gpointer data)
{
  Property *self = data;

  g_clear_pointer (&self->remote, g_variant_unref);
  g_clear_pointer (&self->wanted, g_variant_unref);
  g_free (self);
}

static void
replica_unref (Replica *self)
{
  if (--self->references > 0)
    return;
  g_hash_table_unref (self->properties);
  g_strfreev (self->signals);
  g_object_unref (self->proxy);
  g_main_context_unref (self->context);
  g_free (self);
}

/* Returns (transfer full) (nullable): the value that the property has here. */
static GVariant *
get_here (Property *self)
{
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_init (&value, self->pspec->value_type);
  g_object_get_property (self->replica->object, self->pspec->name, &value);
  return ferry_value_to_variant (&value, NULL);
}

/* Sets value to the object's value, if the property here takes that. Otherwise fails: GLib would warn about a value
 * that is out of range. */
static gboolean
convert (Property *self, GValue *value, GError **error)
{
  if (!ferry_value_from_variant (value, self->pspec->value_type, self->remote, error))
    return FALSE;
  if (!g_param_value_validate (self->pspec, value) || (self->pspec->flags & G_PARAM_LAX_VALIDATION) != 0)
    return TRUE;
  return ferry_set_error (
    error, FERRY_ERROR_BAD_ARGUMENTS,
    "The object's property '%s' has a value that the replica's does not take; give both the same range",
    self->pspec->name);
}

/* Sets a property that can only be read from outside. GLib's own functions refuse that, so the class is called as GLib
 * calls it. param_id is the number that the class has given the property, and no function returns it. The class need
 * not notify. */
static void
set_by_class (GObject *object, GParamSpec *pspec, const GValue *value)
{
  GParamSpec *target = g_param_spec_get_redirect_target (pspec);
  GObjectClass *klass = g_type_class_peek (pspec->owner_type);

  g_object_freeze_notify (object);
  klass->set_property (object, pspec->param_id, value, target != NULL ? target : pspec);
  g_object_notify_by_pspec (object, pspec);
  g_object_thaw_notify (object);
}

/* Sets the property here to the object's value, if the property takes it, and no value of this end is on its way. */
static void
apply (Property *self)
{
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GVariant) here = NULL;
  g_autoptr (GError) error = NULL;

  if (self->remote == NULL || self->replica->object == NULL || self->under_way || self->wanted != NULL)
    return;
  here = get_here (self);
  if (here != NULL && g_variant_equal (here, self->remote))
    return;
  if (!convert (self, &value, &error))
    {
      g_signal_emit_by_name (self->replica->proxy, "set-failed", self->pspec->name, error);
      return;
    }
  self->replica->applying++;
  if (self->sends)
    g_object_set_property (self->replica->object, self->pspec->name, &value);
  else
    set_by_class (self->replica->object, self->pspec, &value);
  self->replica->applying--;
}

static void
note_remote (Property *self, guint64 n_changes, GVariant *value)
{
  if (n_changes < self->n_changes && self->remote != NULL)
    return;
  self->n_changes = n_changes;
  g_clear_pointer (&self->remote, g_variant_unref);
  self->remote = g_variant_ref (value);
}

/* ---- from here to the object ---- */

static void send_wanted (Property *self);

/* Returns (transfer full) (nullable): the value here, if it differs from the object's. */
static GVariant *
get_own_change (Property *self)
{
  g_autoptr (GVariant) value = self->replica->object != NULL ? get_here (self) : NULL;

  if (value == NULL || (self->remote != NULL && g_variant_equal (value, self->remote)))
    return NULL;
  return g_steal_pointer (&value);
}

/* Returns (nullable) the property that was disturbed first. Clears the mark of those with the object's value. */
static Property *
find_disturbed (Replica *self)
{
  GHashTableIter iter;
  Property *property;
  Property *first = NULL;

  g_hash_table_iter_init (&iter, self->properties);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &property))
    {
      g_autoptr (GVariant) value = property->disturbed != 0 ? get_own_change (property) : NULL;

      if (value == NULL)
        property->disturbed = 0;
      else if (first == NULL || property->disturbed < first->disturbed)
        first = property;
    }
  return first;
}

static gboolean settle_cb (gpointer data);

static void
settle_later (Replica *self, gint64 when)
{
  if (self->settling != NULL)
    return;
  self->settling = g_timeout_source_new (G_MAXUINT);
  g_source_set_ready_time (self->settling, when);
  /* Lower than G_PRIORITY_DEFAULT: if the main loop was blocked, reports of the object that have come meanwhile are
   * handled first. */
  g_source_set_priority (self->settling, G_PRIORITY_HIGH_IDLE);
  g_source_set_static_name (self->settling, "[ferry] a replica's own changes");
  g_source_set_callback (self->settling, settle_cb, self, NULL);
  g_source_attach (self->settling, self->context);
}

/* Must be called after values of the object were set: starts the timer if any property is still disturbed. */
static void
look_at_disturbed (Replica *self)
{
  Property *first = self->applying == 0 && self->object != NULL ? find_disturbed (self) : NULL;

  if (first != NULL)
    settle_later (self, first->disturbed_at + CONSEQUENCE_TIME);
}

static void
send_own_change (Property *self)
{
  g_clear_pointer (&self->wanted, g_variant_unref);
  self->wanted = get_own_change (self);
  if (!self->under_way)
    send_wanted (self);
}

/* Sends one property to the object. It has changed here while values of the object were set (it was disturbed). One
 * that can only be read gets the object's value back. Changes of other such properties may follow from it at the
 * object, so they are checked later. */
static gboolean
settle_cb (gpointer data)
{
  Replica *self = data;
  Property *first = find_disturbed (self);

  g_clear_pointer (&self->settling, g_source_unref);
  if (first == NULL || g_get_monotonic_time () < first->disturbed_at + CONSEQUENCE_TIME)
    {
      look_at_disturbed (self);
      return G_SOURCE_REMOVE;
    }
  if (first->sends)
    send_own_change (first);
  else
    apply (first);
  /* Last, as setting the property has marked it once more. */
  first->disturbed = 0;
  if (find_disturbed (self) != NULL)
    settle_later (self, g_get_monotonic_time () + CONSEQUENCE_TIME);
  return G_SOURCE_REMOVE;
}

/* Whether a value was sent in the present stream. After a later stream began, the name may be of another object. Counts
 * of two objects cannot be compared. A value that was sent before any stream belongs to the first one. */
static gboolean
is_of_this_stream (Property *self)
{
  return MAX (self->stream, 1) == MAX (self->replica->n_streams, 1);
}

static void
sent_cb (GObject *proxy, GAsyncResult *result, gpointer data)
{
  Property *self = data;
  Replica *replica = self->replica;
  g_autoptr (GError) error = NULL;
  FerryResolved *resolved = g_task_propagate_pointer (G_TASK (result), &error);

  self->under_way = FALSE;
  if (resolved != NULL && resolved->value != NULL && is_of_this_stream (self))
    note_remote (self, resolved->n_changes, resolved->value);
  g_clear_pointer (&resolved, ferry_resolved_free);
  if (error != NULL && replica->object != NULL)
    g_signal_emit_by_name (replica->proxy, "set-failed", self->pspec->name, error);
  if (self->wanted != NULL && replica->object != NULL)
    send_wanted (self);
  else
    apply (self);
  look_at_disturbed (replica);
  replica_unref (replica);
}

static void
send_wanted (Property *self)
{
  Replica *replica = self->replica;
  g_autoptr (GVariant) wanted = g_steal_pointer (&self->wanted);
  const FerryStep step = {FERRY_STEP_SET, self->pspec->name, wanted};
  const FerryChain chain = {.proxy = replica->proxy, .steps = &step, .n_steps = 1};

  self->under_way = TRUE;
  self->stream = replica->n_streams;
  replica->references++;
  /* Push the replica's context: the answer must come there, even if this thread has another default context now. */
  g_main_context_push_thread_default (replica->context);
  ferry_resolve_run_task (&chain, -1, TRUE, g_task_new (replica->proxy, NULL, sent_cb, self));
  g_main_context_pop_thread_default (replica->context);
}

static void
changed_here (GObject *object, GParamSpec *pspec, gpointer data)
{
  Replica *replica = data;
  Property *self = g_hash_table_lookup (replica->properties, pspec->name);
  g_autoptr (GVariant) value = NULL;

  if (self == NULL)
    return;
  if (replica->applying > 0 || !self->sends)
    {
      if (self->disturbed == 0)
        self->disturbed_at = g_get_monotonic_time ();
      self->disturbed = ++replica->n_disturbed;
      look_at_disturbed (replica);
      return;
    }
  value = get_here (self);
  if (value == NULL || (!self->under_way && self->remote != NULL && g_variant_equal (value, self->remote)))
    return;
  g_clear_pointer (&self->wanted, g_variant_unref);
  self->wanted = g_steal_pointer (&value);
  if (!self->under_way)
    send_wanted (self);
}

/* ---- from the object ---- */

/* Called at the first item of a stream: the name may be of another object now, which has counts of its own. */
static void
forget_counts (Replica *self)
{
  GHashTableIter iter;
  Property *property;

  self->n_streams++;
  g_hash_table_iter_init (&iter, self->properties);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &property))
    property->n_changes = 0;
}

/* Ends the task: returns the object, or error, which is taken. */
static void
end_task (Replica *self, GError *error)
{
  g_autoptr (GTask) task = g_steal_pointer (&self->task);

  ferry_clear_source (&self->cancel);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, g_object_ref (self->object), g_object_unref);
}

/* ---- signals ---- */

/* Sets value to each of the arguments, behind the object. Returns FALSE with an error where they are not those of the
 * signal here. */
static gboolean
unpack (Replica *self, const GSignalQuery *query, GVariant *arguments, GArray *values, GError **error)
{
  g_autoptr (GVariantType) type = ferry_signal_dup_arguments_type (query->signal_id);
  GValue *first;

  if (!g_variant_is_of_type (arguments, type))
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "The object's signal '%s' has arguments of the type '%s', and the replica's has others; "
                            "give both the same",
                            query->signal_name, g_variant_get_type_string (arguments));
  g_array_set_size (values, 1);
  first = &g_array_index (values, GValue, 0);
  g_value_init (first, G_OBJECT_TYPE (self->object));
  g_value_set_object (first, self->object);
  for (guint i = 0; i < query->n_params; i++)
    {
      g_autoptr (GVariant) argument = g_variant_get_child_value (arguments, i);
      GValue value = G_VALUE_INIT;

      if (!ferry_value_from_variant (&value, query->param_types[i] & ~G_SIGNAL_TYPE_STATIC_SCOPE, argument, error))
        return FALSE;
      g_array_append_val (values, value);
    }
  return TRUE;
}

static void
emit_here (Replica *self, const char *name, GVariant *arguments)
{
  g_autoptr (GArray) values = g_array_new (FALSE, TRUE, sizeof (GValue));
  g_autoptr (GError) error = NULL;
  GSignalQuery query;

  g_array_set_clear_func (values, (GDestroyNotify) g_value_unset);
  g_signal_query (g_signal_lookup (name, G_OBJECT_TYPE (self->object)), &query);
  if (unpack (self, &query, arguments, values, &error))
    g_signal_emitv ((const GValue *) (void *) values->data, query.signal_id, 0, NULL);
  else
    g_signal_emit_by_name (self->proxy, "follow-failed", error);
}

/* The other end may send what was not asked for. Handlers may drop the object. */
static void
take_signals (Replica *self, GVariant *item)
{
  g_autoptr (GVariant) emissions = g_variant_get_child_value (item, 1);
  GVariantIter iter;
  const char *name;
  GVariant *arguments;
  guint64 n_missed;

  g_variant_get_child (item, 2, "t", &n_missed);
  if (n_missed > 0)
    g_signal_emit_by_name (self->proxy, "missed", n_missed);
  g_variant_iter_init (&iter, emissions);
  while (self->subscription != NULL && g_variant_iter_next (&iter, "(&sv)", &name, &arguments))
    {
      g_autoptr (GVariant) taken = arguments;

      if (g_strv_contains ((const char *const *) self->signals, name))
        emit_here (self, name, taken);
    }
}

static void
item_came (gpointer data, GVariant *item, gboolean is_first)
{
  Replica *self = data;
  g_autoptr (GVariant) changes = g_variant_get_child_value (item, 0);
  g_autoptr (GObject) alive G_GNUC_UNUSED = g_object_ref (self->object);
  GVariantIter iter;
  const char *name;
  guint64 n_changes;
  GVariant *value;

  if (is_first)
    forget_counts (self);
  /* Store all values before one is set: setting a property may change others. */
  g_variant_iter_init (&iter, changes);
  while (g_variant_iter_next (&iter, "(&stv)", &name, &n_changes, &value))
    {
      g_autoptr (GVariant) taken = value;
      Property *property = g_hash_table_lookup (self->properties, name);

      if (property != NULL)
        note_remote (property, n_changes, taken);
    }
  self->applying++;
  g_variant_iter_init (&iter, changes);
  while (self->object != NULL && g_variant_iter_next (&iter, "(&stv)", &name, NULL, NULL))
    {
      Property *property = g_hash_table_lookup (self->properties, name);

      if (property != NULL)
        apply (property);
    }
  self->applying--;
  look_at_disturbed (self);
  if (self->task != NULL)
    end_task (self, NULL);
  take_signals (self, item);
}

static void
silent (gpointer data, const GError *reason, gboolean for_ever)
{
  Replica *self = data;

  if (for_ever && self->task != NULL)
    end_task (self, ferry_error_copy (reason));
  else if (for_ever)
    g_signal_emit_by_name (self->proxy, "follow-failed", reason);
}

static const FerrySubscriptionFuncs subscription_funcs = {.item = item_came, .silent = silent};

/* ---- the replica ---- */

static void
object_gone (gpointer data, GObject *object)
{
  Replica *self = data;

  self->object = NULL;
  g_clear_pointer (&self->subscription, ferry_subscription_close);
  ferry_clear_source (&self->settling);
  replica_unref (self);
}

/* Whether a property (nullable) can be kept the same: it can be read, and has a variant type. */
static gboolean
is_fit (GParamSpec *pspec)
{
  return pspec != NULL && (pspec->flags & G_PARAM_READABLE) != 0 &&
         ferry_value_get_variant_type (pspec->value_type) != NULL;
}

static gboolean
can_be_set (GParamSpec *pspec)
{
  return (pspec->flags & G_PARAM_WRITABLE) != 0 && (pspec->flags & G_PARAM_CONSTRUCT_ONLY) == 0;
}

/* signals: (transfer full). */
static Replica *
attach (GObject *object, FerryProxy *proxy, const char *const *properties, GStrv signals)
{
  GObjectClass *klass = G_OBJECT_GET_CLASS (object);
  Replica *self = g_new0 (Replica, 1);

  self->references = 1;
  self->object = object;
  self->proxy = g_object_ref (proxy);
  self->context = g_main_context_ref_thread_default ();
  self->properties = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, property_free);
  self->signals = signals;
  for (guint i = 0; properties[i] != NULL; i++)
    {
      Property *property = g_new0 (Property, 1);

      property->replica = self;
      property->pspec = g_object_class_find_property (klass, properties[i]);
      property->sends = can_be_set (property->pspec);
      g_hash_table_insert (self->properties, (gpointer) property->pspec->name, property);
    }
  g_signal_connect (object, "notify", G_CALLBACK (changed_here), self);
  g_object_weak_ref (object, object_gone, self);
  self->subscription =
    ferry_proxy_open_subscription (proxy, properties, (const char *const *) signals, FALSE, &subscription_funcs, self);
  return self;
}

/* Appends to names (element-type utf8) the fit properties of the class and its ancestors that can be set, and NULL. A
 * class need not know how to set the others: a caller that wants them names them. */
static void
list_properties (GObjectClass *klass, GPtrArray *names)
{
  guint n = 0;
  g_autofree GParamSpec **pspecs = g_object_class_list_properties (klass, &n);

  for (guint i = 0; i < n; i++)
    if (is_fit (pspecs[i]) && can_be_set (pspecs[i]))
      g_ptr_array_add (names, (gpointer) pspecs[i]->name);
  g_ptr_array_add (names, NULL);
}

/* Returns the number of the class's signal that can be emitted with what the object's had, or 0. */
static guint
find_signal (GObjectClass *klass, const char *name)
{
  guint id = g_signal_lookup (name, G_OBJECT_CLASS_TYPE (klass));
  g_autoptr (GVariantType) type = id != 0 ? ferry_signal_dup_arguments_type (id) : NULL;
  GSignalQuery query;

  if (type == NULL)
    return 0;
  g_signal_query (id, &query);
  return query.return_type == G_TYPE_NONE ? id : 0;
}

/* Returns (nullable): the first of the names that is neither of a fit property nor of a signal. Appends them to
 * properties and signals, as the class spells them. */
static const char *
sort_names (GObjectClass *klass, const char *const *names, GPtrArray *properties, GStrvBuilder *signals)
{
  for (guint i = 0; names[i] != NULL; i++)
    {
      GParamSpec *pspec = g_object_class_find_property (klass, names[i]);

      if (is_fit (pspec))
        g_ptr_array_add (properties, (gpointer) pspec->name);
      else if (pspec == NULL && find_signal (klass, names[i]) != 0)
        g_strv_builder_add (signals, g_signal_name (find_signal (klass, names[i])));
      else
        return names[i];
    }
  g_ptr_array_add (properties, NULL);
  return NULL;
}

/* Returns (nullable): the name of the first property that neither GLib nor the class can set: see set_by_class(). */
static const char *
find_unset (GObjectClass *klass, const char *const *properties)
{
  for (guint i = 0; properties[i] != NULL; i++)
    {
      GParamSpec *pspec = g_object_class_find_property (klass, properties[i]);

      if (!can_be_set (pspec) && ((GObjectClass *) g_type_class_peek (pspec->owner_type))->set_property == NULL)
        return properties[i];
    }
  return NULL;
}

/* Returns (nullable) a replica, and sets *object (transfer full). function: the public function, for a critical
 * message. */
static Replica *
create (FerryProxy *proxy, GType type, const char *const *names, GObject **object, const char *function)
{
  g_autoptr (GTypeClass) klass = g_type_class_ref (type);
  g_autoptr (GPtrArray) properties = g_ptr_array_new ();
  g_autoptr (GStrvBuilder) signals = g_strv_builder_new ();
  const char *unfit = names != NULL ? sort_names (G_OBJECT_CLASS (klass), names, properties, signals) : NULL;
  const char *unset;

  if (unfit != NULL)
    {
      ferry_critical ("%s(): '%s' has no property '%s' that can be read and has a variant type, and no signal whose "
                      "arguments have; leave it out",
                      function, g_type_name (type), unfit);
      return NULL;
    }
  if (names == NULL)
    list_properties (G_OBJECT_CLASS (klass), properties);
  unset = find_unset (G_OBJECT_CLASS (klass), (const char *const *) properties->pdata);
  if (unset != NULL)
    {
      ferry_critical ("%s(): '%s' has no set_property() that takes its property '%s'; let the class have one, which "
                      "stores the value, or leave the property out",
                      function, g_type_name (type), unset);
      return NULL;
    }
  *object = g_object_new (type, NULL);
  if (g_object_is_floating (*object))
    g_object_ref_sink (*object);
  return attach (*object, proxy, (const char *const *) properties->pdata, g_strv_builder_end (signals));
}

/**
 * ferry_proxy_create_replica:
 * @self: a proxy
 * @type: a class of this program, with properties of the same names and types as the object's
 * @names: (nullable) (array zero-terminated=1): names of properties that can be read here, and of signals; or %NULL for
 *   all properties of the class that can be read and set
 *
 * Returns a replica: an object of this process that has its properties kept the same as those of the object in the
 * other process. Bind them to widgets with `g_object_bind_property()`. When a property of the object changes, the
 * replica's property is set, with `notify::`. When a property of the replica changes, the object's property is set. If
 * the object refuses a value, the replica gets the object's value back: see [signal@Ferry.Proxy::set-failed]. When a
 * value of the object is set here, other properties of the replica may change, such as one that the class computes.
 * Such a change is sent only if the object has not the same value within a tenth of a second. A value that is set here
 * is sent together with the changes that follow from it, in the order of their notifications.
 *
 * A property that can only be read, or is set only at construction, is replicated where it is named. Only the class can
 * set it, so the replica is set by the class's own `set_property()`, which must know the property. A class that shows
 * `value` and has no setter for others still stores it there. The replica's notification comes from Ferry. Such a
 * property is never sent to the object. When this end changes it, it gets the object's value back a tenth of a second
 * later, unless the object has changed its own.
 *
 * A signal that is named is emitted by the replica when the object has emitted it, after the changes of properties that
 * came before. Name only signals that the class does not emit itself when a property is set, or they come twice. The
 * exporter's interface must have the signal ([method@Ferry.Interface.add_signal]).
 *
 * If the object lacks one of the properties or signals, or cannot be followed, the replica keeps its values, and
 * [signal@Ferry.Proxy::follow-failed] is emitted.
 *
 * The replica begins with the class's defaults, gets its values when the exporter listens, and keeps them when the
 * exporter stops or ends. A widget with limits of its own may change a default that is outside of these limits, and so
 * change the replica and the object. For such widgets use [method@Ferry.Proxy.create_replica_async]: its replica has
 * the object's values from the beginning. The other process cannot change classes or types.
 *
 * The replica belongs to the thread's default main context, and must be used and dropped there. Any thread.
 *
 * Returns: (transfer full): the replica
 */
GObject *
ferry_proxy_create_replica (FerryProxy *self, GType type, const char *const *names)
{
  GObject *object = NULL;

  g_return_val_if_fail (FERRY_IS_PROXY (self), NULL);
  g_return_val_if_fail (g_type_is_a (type, G_TYPE_OBJECT) && !G_TYPE_IS_ABSTRACT (type), NULL);

  create (self, type, names, &object, G_STRFUNC);
  return object;
}

static gboolean
cancelled_cb (GCancellable *cancellable, gpointer data)
{
  GError *error = NULL;

  g_cancellable_set_error_if_cancelled (cancellable, &error);
  end_task (data, error);
  return G_SOURCE_REMOVE;
}

/**
 * ferry_proxy_create_replica_async:
 * @self: a proxy
 * @type: a class of this program, as for [method@Ferry.Proxy.create_replica]
 * @names: (nullable) (array zero-terminated=1): names of properties and signals, as for
 *   [method@Ferry.Proxy.create_replica]
 * @cancellable: (nullable): ends the waiting
 * @callback: (scope async): called when the replica has the object's values
 * @user_data: data for @callback
 *
 * Makes a replica. The operation ends when the exporter listens and the replica has the values of the object's
 * properties. The replica belongs to the thread's default main context. Any thread.
 */
void
ferry_proxy_create_replica_async (FerryProxy *self, GType type, const char *const *names, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GObject) object = NULL;
  Replica *replica;

  g_return_if_fail (FERRY_IS_PROXY (self));
  g_return_if_fail (g_type_is_a (type, G_TYPE_OBJECT) && !G_TYPE_IS_ABSTRACT (type));

  replica = create (self, type, names, &object, G_STRFUNC);
  if (replica == NULL)
    return;
  replica->task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (replica->task, ferry_proxy_create_replica_async);
  g_task_set_check_cancellable (replica->task, FALSE);
  g_task_set_task_data (replica->task, g_steal_pointer (&object), g_object_unref);
  if (cancellable == NULL)
    return;
  replica->cancel = g_cancellable_source_new (cancellable);
  g_source_set_callback (replica->cancel, G_SOURCE_FUNC (cancelled_cb), replica, NULL);
  g_source_attach (replica->cancel, g_task_get_context (replica->task));
}

/**
 * ferry_proxy_create_replica_finish:
 * @self: a proxy
 * @result: the result that the callback got
 * @error: return location for an error
 *
 * Ends [method@Ferry.Proxy.create_replica_async]. Any thread.
 *
 * Fails with %G_IO_ERROR_CANCELLED, with the reason of the transport's end, and when the object cannot be followed,
 * such as with %FERRY_ERROR_UNKNOWN_OBJECT, %FERRY_ERROR_UNKNOWN_MEMBER and %FERRY_ERROR_NOT_ALLOWED.
 *
 * Returns: (transfer full) (nullable): the replica, or %NULL with an error
 */
GObject *
ferry_proxy_create_replica_finish (FerryProxy *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (FERRY_IS_PROXY (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
