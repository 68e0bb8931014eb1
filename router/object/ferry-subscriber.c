/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The sending end of one subscription: the changes of properties and signals that wait. It collects an object's changes
 * in a queue. A FerryPacedSender sends them to the FerrySubscription in the other process. The queue has only the
 * newest value of a property. Signals wait in order up to a number, and beyond that number they are only counted.
 * Changes of a list are joined where they touch, and into one change where there are too many. So the queue is bounded,
 * however often the object changes, and the object never waits.
 *
 * Threads: handlers run on the thread that changes the object, and read the object there; one thread at a time makes
 *          items. */

#include "config.h"

#include "object/ferry-subscriber-private.h"

#include "base/ferry-base-private.h"
#include "conversation/ferry-demux-private.h"
#include "object/ferry-exporter-private.h"
#include "object/ferry-interface-private.h"

#define MAX_SIGNALS 4096
/* The most bytes of arguments of all queued signals. A single signal may have more. */
#define MAX_SIGNAL_BYTES ((gsize) 4 * 1024 * 1024)
#define MAX_SIGNALS_AN_ITEM 512
#define MAX_CHANGES 1024

typedef struct _Subscriber Subscriber;

/* What a subscription follows: one property, one signal, or the list. */
typedef struct
{
  Subscriber *subscriber; /* const, also the next field: (unowned) */
  const FerryMember
    *member;         /* (nullable): the property or signal, of the exported object's interface; NULL for the list */
  gulong handler;    /* only for the thread that connects or disconnects: the signal handler's id */
  gboolean changed;  /* lock, also the next two fields: a property's value waits to be sent */
  guint64 n_changes; /* FerryExported.n_changes when the value was read */
  GVariant *value;   /* (owned) (nullable): the property's newest value */
} Topic;

typedef struct
{
  const FerryMember *member;
  GVariant *arguments; /* (owned) */
  gsize size;          /* of the arguments, in bytes */
} Emission;

typedef struct
{
  guint64 revision, position, removed, added;
} Change;

struct _Subscriber
{
  gpointer session; /* const, also the next field: (owned): the exporter's session */
  FerryExported *exported;
  char *name; /* const: (owned) (nullable): the name by which the object was found; NULL: it was found by its number */
  FerryPacedSender *sender; /* const: (unowned): the sender, which owns this subscriber */
  GPtrArray *topics;        /* const: (element-type Topic) (owned) */

  pthread_mutex_t lock;
  gboolean gone;      /* lock, also the fields below: the stream has ended, and handlers must be disconnected */
  gboolean connected; /* the signal handlers are connected */
  gboolean ready;     /* the first values are queued */
  gboolean has_changed;
  GQueue emissions;     /* (element-type Emission) (owned) */
  gsize emission_bytes; /* total size of the emissions' arguments */
  guint64 n_missed;
  GArray *changes; /* (element-type Change) */
  guint64 length;  /* the length that the list had when its handler was connected */
};

static void
topic_free (gpointer data)
{
  Topic *self = data;

  g_clear_pointer (&self->value, g_variant_unref);
  g_free (self);
}

static void
emission_free (gpointer data)
{
  Emission *self = data;

  g_variant_unref (self->arguments);
  g_free (self);
}

/* ---- items ---- */

static GVariant *
make_properties_locked (Subscriber *self)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(stv)"));
  for (guint i = 0; i < self->topics->len; i++)
    {
      Topic *property = self->topics->pdata[i];

      if (!property->changed)
        continue;
      property->changed = FALSE;
      g_variant_builder_add (&builder, "(stv)", property->member->name, property->n_changes, property->value);
      g_clear_pointer (&property->value, g_variant_unref);
    }
  return g_variant_builder_end (&builder);
}

static GVariant *
make_signals_locked (Subscriber *self)
{
  GVariantBuilder builder;
  Emission *emission;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(sv)"));
  for (guint n = 0; n < MAX_SIGNALS_AN_ITEM && (emission = g_queue_pop_head (&self->emissions)) != NULL; n++)
    {
      g_variant_builder_add (&builder, "(sv)", emission->member->name, emission->arguments);
      self->emission_bytes -= emission->size;
      emission_free (emission);
    }
  return g_variant_builder_end (&builder);
}

static GVariant *
make_changes_locked (Subscriber *self)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(tttt)"));
  for (guint i = 0; i < self->changes->len; i++)
    {
      const Change *change = &g_array_index (self->changes, Change, i);

      g_variant_builder_add (&builder, "(tttt)", change->revision, change->position, change->removed, change->added);
    }
  g_array_set_size (self->changes, 0);
  return g_variant_builder_end (&builder);
}

static GVariant *
make (gpointer data)
{
  Subscriber *self = data;
  GVariant *properties, *signals, *changes, *item;
  FERRY_AUTO_LOCK (&self->lock);

  if (!self->ready || !self->has_changed)
    return NULL;
  properties = make_properties_locked (self);
  signals = make_signals_locked (self);
  changes = make_changes_locked (self);
  item = g_variant_new ("(@a(stv)@a(sv)t@a(tttt)t)", properties, signals, self->n_missed, changes, self->length);
  self->n_missed = 0;
  self->has_changed = self->emissions.length > 0;
  return g_variant_ref_sink (item);
}

/* ---- handlers ---- */

static void
property_changed (GObject *object, GParamSpec *pspec, gpointer data)
{
  Topic *property = data;
  Subscriber *self = property->subscriber;
  g_autoptr (GVariant) before = NULL;
  g_autoptr (GVariant) value = NULL;
  guint64 n_changes = atomic_fetch_add (&self->exported->n_changes, 1) + 1;

  if (!ferry_member_get (property->member, object, &value, NULL, NULL) || value == NULL)
    return;
  pthread_mutex_lock (&self->lock);
  /* Two threads may change the property at the same time: the thread with the higher count has read the newer value. */
  if (n_changes >= property->n_changes)
    {
      before = property->value;
      property->value = g_steal_pointer (&value);
      property->n_changes = n_changes;
      property->changed = TRUE;
      self->has_changed = TRUE;
    }
  pthread_mutex_unlock (&self->lock);
  ferry_paced_sender_kick (self->sender);
}

/* Returns (transfer full) (nullable): a tuple of the signal's arguments; NULL when one has no form as a GVariant. */
static GVariant *
collect (const GValue *values, guint n)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_TUPLE);
  for (guint i = 0; i < n; i++)
    {
      GVariant *value = ferry_value_to_variant (&values[i], NULL);

      if (value == NULL)
        {
          g_variant_builder_clear (&builder);
          return NULL;
        }
      g_variant_builder_add_value (&builder, value);
      g_variant_unref (value);
    }
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

static gboolean
has_room_locked (Subscriber *self, gsize size)
{
  return self->emissions.length == 0 ||
         (self->emissions.length < MAX_SIGNALS && self->emission_bytes + size <= MAX_SIGNAL_BYTES);
}

static void
signal_emitted (GClosure *closure, GValue *result, guint n_values, const GValue *values, gpointer hint,
                gpointer marshal_data)
{
  Topic *signal = closure->data;
  Subscriber *self = signal->subscriber;
  g_autoptr (GVariant) arguments = collect (values + 1, n_values - 1);
  Emission *emission;

  if (arguments == NULL)
    return;
  emission = g_new (Emission, 1);
  *emission = (Emission){signal->member, arguments, g_variant_get_size (arguments)};
  g_steal_pointer (&arguments);
  pthread_mutex_lock (&self->lock);
  if (has_room_locked (self, emission->size))
    {
      self->emission_bytes += emission->size;
      g_queue_push_tail (&self->emissions, g_steal_pointer (&emission));
    }
  else
    self->n_missed++;
  self->has_changed = TRUE;
  pthread_mutex_unlock (&self->lock);
  g_clear_pointer (&emission, emission_free);
  ferry_paced_sender_kick (self->sender);
}

/* Returns one change that covers two changes, of which the second was made after the first. */
static Change
join (const Change *first, const Change *second)
{
  guint64 start = MIN (first->position, second->position);
  guint64 end = MAX (first->position + first->added, second->position + second->removed);

  return (Change){second->revision, start, end - first->added + first->removed - start,
                  end - second->removed + second->added - start};
}

static void
add_change_locked (Subscriber *self, const Change *change)
{
  Change *last = self->changes->len > 0 ? &g_array_index (self->changes, Change, self->changes->len - 1) : NULL;

  /* Join an insertion with the change before if its rows are right behind the rows that this change added, as in a
   * log. */
  if (last != NULL && last->added > 0 && change->removed == 0 && change->position == last->position + last->added)
    *last = join (last, change);
  else
    g_array_append_val (self->changes, *change);
  if (self->changes->len <= MAX_CHANGES)
    return;
  for (guint i = 1; i < self->changes->len; i++)
    g_array_index (self->changes, Change, 0) =
      join (&g_array_index (self->changes, Change, 0), &g_array_index (self->changes, Change, i));
  g_array_set_size (self->changes, 1);
}

static void
items_changed (GListModel *list, guint position, guint removed, guint added, gpointer data)
{
  Subscriber *self = ((Topic *) data)->subscriber;
  const Change change = {ferry_exported_get_revision (self->exported), position, removed, added};

  pthread_mutex_lock (&self->lock);
  add_change_locked (self, &change);
  self->has_changed = TRUE;
  pthread_mutex_unlock (&self->lock);
  ferry_paced_sender_kick (self->sender);
}

/* ---- connecting ---- */

static void
release_topic (gpointer data, GClosure *closure)
{
  ferry_paced_sender_unref (((Topic *) data)->subscriber->sender);
}

static gulong
connect_list (Topic *list, GObject *object)
{
  Subscriber *self = list->subscriber;
  const Change nothing = {.revision = ferry_exported_count_revisions (self->exported)};

  g_array_append_val (self->changes, nothing);
  self->length = g_list_model_get_n_items (G_LIST_MODEL (object));
  return g_signal_connect_data (object, "items-changed", G_CALLBACK (items_changed), list, release_topic, 0);
}

static gulong
connect_property (Topic *property, GObject *object)
{
  g_autofree char *detailed = g_strdup_printf ("notify::%s", property->member->pspec->name);

  return g_signal_connect_data (object, detailed, G_CALLBACK (property_changed), property, release_topic, 0);
}

static gulong
connect_signal (Topic *signal, GObject *object)
{
  GClosure *closure = g_closure_new_simple (sizeof (GClosure), signal);

  g_closure_add_finalize_notifier (closure, signal, release_topic);
  g_closure_set_marshal (closure, signal_emitted);
  return g_signal_connect_closure_by_id (object, signal->member->signal_id, 0, closure, FALSE);
}

static void
disconnect_all (Subscriber *self)
{
  for (guint i = 0; i < self->topics->len; i++)
    g_clear_signal_handler (&((Topic *) self->topics->pdata[i])->handler, self->exported->object);
}

static gboolean
is_property (const Topic *topic)
{
  return topic->member != NULL && topic->member->kind == FERRY_MEMBER_PROPERTY;
}

/* Queues the first values. They must be read after the handlers are connected: then a change in between is sent
 * twice, and never missed. */
static void
note_first_values (Subscriber *self)
{
  for (guint i = 0; i < self->topics->len; i++)
    if (is_property (self->topics->pdata[i]))
      property_changed (self->exported->object, NULL, self->topics->pdata[i]);
  FERRY_AUTO_LOCK (&self->lock);
  self->ready = TRUE;
  self->has_changed = TRUE;
}

static void
connect_all (Subscriber *self)
{
  GObject *object = self->exported->object;
  gboolean gone;

  for (guint i = 0; i < self->topics->len; i++)
    {
      Topic *topic = self->topics->pdata[i];

      ferry_paced_sender_ref (self->sender);
      topic->handler = topic->member == NULL ? connect_list (topic, object)
                       : is_property (topic) ? connect_property (topic, object)
                                             : connect_signal (topic, object);
    }
  pthread_mutex_lock (&self->lock);
  self->connected = TRUE;
  gone = self->gone;
  pthread_mutex_unlock (&self->lock);
  if (!gone)
    return;
  disconnect_all (self);
  ferry_exporter_forget_subscription (self->session, self->sender);
}

/* ---- beginning and end ---- */

static void
subscriber_gone (gpointer data)
{
  Subscriber *self = data;
  gboolean connected;

  pthread_mutex_lock (&self->lock);
  self->gone = TRUE;
  connected = self->connected;
  pthread_mutex_unlock (&self->lock);
  if (connected)
    disconnect_all (self);
  if (self->sender != NULL)
    ferry_exporter_forget_subscription (self->session, self->sender);
}

static void
subscriber_free (gpointer data)
{
  Subscriber *self = data;

  g_queue_clear_full (&self->emissions, emission_free);
  g_array_unref (self->changes);
  g_ptr_array_unref (self->topics);
  g_free (self->name);
  ferry_exported_unref (self->exported);
  g_object_unref (self->session);
  pthread_mutex_destroy (&self->lock);
  g_free (self);
}

static const FerryPacedSenderFuncs subscriber_funcs = {make, subscriber_gone, subscriber_free};

/* Returns a new subscriber without topics. Takes exported (transfer full). */
static Subscriber *
subscriber_new (FerryExported *exported, const FerryFollowRequest *request, gpointer session)
{
  Subscriber *self = g_new0 (Subscriber, 1);

  self->session = g_object_ref (session);
  self->exported = exported;
  if (request->root.generation == 0)
    self->name = g_strdup (request->root.name);
  self->topics = g_ptr_array_new_with_free_func (topic_free);
  self->changes = g_array_new (FALSE, FALSE, sizeof (Change));
  pthread_mutex_init (&self->lock, NULL);
  return self;
}

/* Adds a member to follow, unless it was added already. member: (nullable): NULL for the list. */
static void
add_topic (Subscriber *self, const FerryMember *member)
{
  Topic *topic;

  for (guint i = 0; i < self->topics->len; i++)
    if (((Topic *) self->topics->pdata[i])->member == member)
      return;
  topic = g_new0 (Topic, 1);
  topic->subscriber = self;
  topic->member = member;
  g_ptr_array_add (self->topics, topic);
}

/* Whether a property can be followed: other processes may read it, and its value is not an object. */
static gboolean
can_follow (const FerryMember *member)
{
  return (member->access & G_DBUS_PROPERTY_INFO_FLAGS_READABLE) != 0 && member->in_type != NULL;
}

static gboolean
add_property (Subscriber *self, const char *name, GError **error)
{
  const FerryMember *member = ferry_interface_find (self->exported->interface, FERRY_MEMBER_PROPERTY, name, error);

  if (member == NULL)
    return FALSE;
  if (!can_follow (member))
    return ferry_set_error (error, FERRY_ERROR_NOT_ALLOWED,
                            "The property '%s' cannot be followed, as it cannot be read or is an object; leave it out",
                            name);
  add_topic (self, member);
  return TRUE;
}

static void
add_all_properties (Subscriber *self)
{
  const GPtrArray *members = ferry_interface_list (self->exported->interface, FERRY_MEMBER_PROPERTY);

  for (guint i = 0; i < members->len; i++)
    if (can_follow (members->pdata[i]))
      add_topic (self, members->pdata[i]);
}

static gboolean
add_members (Subscriber *self, const FerryFollowRequest *request, GError **error)
{
  GVariantIter names;
  const char *name;

  g_variant_iter_init (&names, request->properties);
  while (g_variant_iter_next (&names, "&s", &name))
    if (g_str_equal (name, "*"))
      add_all_properties (self);
    else if (!add_property (self, name, error))
      return FALSE;
  g_variant_iter_init (&names, request->signals);
  while (g_variant_iter_next (&names, "&s", &name))
    {
      const FerryMember *member = ferry_interface_find (self->exported->interface, FERRY_MEMBER_SIGNAL, name, error);

      if (member == NULL)
        return FALSE;
      add_topic (self, member);
    }
  if (request->list)
    add_topic (self, NULL);
  if (!request->list || ferry_interface_is_list (self->exported->interface))
    return TRUE;
  return ferry_set_error (error, FERRY_ERROR_UNKNOWN_MEMBER,
                          "The object is not exported as a list; follow its properties and signals only");
}

gboolean
ferry_subscriber_has_by_name (FerryPacedSender *subscription, FerryExported *exported)
{
  Subscriber *self = ferry_paced_sender_get_data (subscription);

  return self->name != NULL && self->exported == exported;
}

FerryPacedSender *
ferry_subscriber_new (FerryInvocation *invocation, FerryExported *exported, const FerryFollowRequest *request,
                      gpointer session, GError **error)
{
  Subscriber *self;

  if (exported->object == NULL)
    {
      ferry_set_error (error, FERRY_ERROR_UNKNOWN_MEMBER,
                       "A value does not change, and cannot be followed; follow an object");
      ferry_exported_unref (exported);
      return NULL;
    }
  self = subscriber_new (exported, request, session);
  if (!add_members (self, request, error))
    {
      subscriber_free (self);
      return NULL;
    }
  self->sender = ferry_paced_sender_new (invocation, &subscriber_funcs, self);
  return self->sender;
}

void
ferry_subscriber_begin (FerryPacedSender *subscription)
{
  Subscriber *self = ferry_paced_sender_get_data (subscription);

  connect_all (self);
  /* What was asked behind this may begin: it is heard of. The properties are read by code of the application. */
  ferry_demux_let_next ();
  note_first_values (self);
}
