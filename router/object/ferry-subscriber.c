/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Of a property the newest value waits to be told, and nothing of those before; signals wait in their order, up to a
 * number, and are counted beyond it; changes of a list are joined where they touch, and all into one where there are
 * too many. So what waits is bounded, whatever the object does, and the object never does.
 *
 * Threads: handlers run on whatever thread changes the object, and read it there; items are made by one at a time. */

#include "config.h"

#include "object/ferry-subscriber-private.h"

#include "base/ferry-base-private.h"
#include "call/ferry-invocation-private.h"
#include "object/ferry-interface-private.h"

#define MAX_SIGNALS 4096
/* Of their arguments; a single one may have more. */
#define MAX_SIGNAL_BYTES ((gsize) 4 * 1024 * 1024)
#define MAX_SIGNALS_AN_ITEM 512
#define MAX_CHANGES 1024

typedef struct _Subscriber Subscriber;

/* A property or signal that is followed. */
typedef struct
{
  Subscriber *subscriber;    /* const: (unowned), as the next */
  const FerryMember *member; /* of the exported object's interface */
  gulong handler;            /* of who sets it up and takes it down */
  gboolean changed;          /* lock, as what follows: of a property: it waits to be told */
  guint64 n_changes;         /* when it did */
  GVariant *value;           /* (owned) (nullable): the newest */
} Followed;

typedef struct
{
  const FerryMember *member;
  GVariant *arguments; /* (owned) */
  gsize size;          /* of them */
} Emission;

typedef struct
{
  guint64 revision, position, removed, added;
} Change;

struct _Subscriber
{
  FerrySubscriberGoneFunc gone_func; /* const */
  gpointer owner;                    /* const: (owned): an object, as the next */
  FerryExported *exported;
  char *name;             /* const: (owned) (nullable): by which it was found */
  FerryPacedSender *push; /* const: (unowned): it has this */
  GPtrArray *properties;  /* const: (element-type Followed) (owned), as the next */
  GPtrArray *signals;
  gboolean list; /* const */
  gulong list_handler;

  pthread_mutex_t lock;
  gboolean gone;      /* lock, as what follows: handlers are to go */
  gboolean connected; /* they are there */
  gboolean ready;     /* the first values are there */
  gboolean has_news;
  GQueue emissions;     /* (element-type Emission) (owned) */
  gsize emission_bytes; /* of their arguments */
  guint64 n_missed;
  GArray *changes; /* (element-type Change) */
  guint64 length;
};

static void
followed_free (gpointer data)
{
  Followed *self = data;

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

/* ---- what there is to tell ---- */

static GVariant *
make_properties_locked (Subscriber *self)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(stv)"));
  for (guint i = 0; i < self->properties->len; i++)
    {
      Followed *property = self->properties->pdata[i];

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
  GVariant *item = NULL;

  pthread_mutex_lock (&self->lock);
  if (self->ready && self->has_news)
    {
      GVariant *properties = make_properties_locked (self);
      GVariant *signals = make_signals_locked (self);
      GVariant *changes = make_changes_locked (self);

      item = g_variant_new ("(@a(stv)@a(sv)t@a(tttt)t)", properties, signals, self->n_missed, changes, self->length);
      self->n_missed = 0;
      self->has_news = self->emissions.length > 0;
    }
  pthread_mutex_unlock (&self->lock);
  return item;
}

/* ---- what happens ---- */

static void
property_changed (GObject *object, GParamSpec *pspec, gpointer data)
{
  Followed *property = data;
  Subscriber *self = property->subscriber;
  g_autoptr (GVariant) before = NULL;
  g_autoptr (GVariant) value = NULL;
  guint64 n_changes = atomic_fetch_add (&self->exported->n_changes, 1) + 1;

  if (!ferry_member_get (property->member, object, &value, NULL, NULL) || value == NULL)
    return;
  pthread_mutex_lock (&self->lock);
  /* Where two threads change it, the one that looked later has the newer value. */
  if (n_changes >= property->n_changes)
    {
      before = property->value;
      property->value = g_steal_pointer (&value);
      property->n_changes = n_changes;
      property->changed = TRUE;
      self->has_news = TRUE;
    }
  pthread_mutex_unlock (&self->lock);
  ferry_paced_sender_kick (self->push);
}

/* Returns (transfer full) (nullable): a tuple of the signal's arguments. */
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
  Followed *signal = closure->data;
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
  self->has_news = TRUE;
  pthread_mutex_unlock (&self->lock);
  g_clear_pointer (&emission, emission_free);
  ferry_paced_sender_kick (self->push);
}

/* One change that covers two, the second after the first. */
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

  /* What is put behind what was put in before, as in a log. */
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
  Subscriber *self = data;
  const Change change = {ferry_exported_get_revision (self->exported), position, removed, added};

  pthread_mutex_lock (&self->lock);
  add_change_locked (self, &change);
  self->has_news = TRUE;
  pthread_mutex_unlock (&self->lock);
  ferry_paced_sender_kick (self->push);
}

/* ---- handlers ---- */

static void
release_followed (gpointer data, GClosure *closure)
{
  ferry_paced_sender_unref (((Followed *) data)->subscriber->push);
}

static void
release_subscriber (gpointer data, GClosure *closure)
{
  ferry_paced_sender_unref (((Subscriber *) data)->push);
}

static void
connect_property (Followed *property)
{
  g_autofree char *detailed = g_strdup_printf ("notify::%s", property->member->pspec->name);

  ferry_paced_sender_ref (property->subscriber->push);
  property->handler = g_signal_connect_data (property->subscriber->exported->object, detailed,
                                             G_CALLBACK (property_changed), property, release_followed, 0);
}

static void
connect_signal (Followed *signal)
{
  GClosure *closure = g_closure_new_simple (sizeof (GClosure), signal);

  ferry_paced_sender_ref (signal->subscriber->push);
  g_closure_add_finalize_notifier (closure, signal, release_followed);
  g_closure_set_marshal (closure, signal_emitted);
  signal->handler =
    g_signal_connect_closure_by_id (signal->subscriber->exported->object, signal->member->signal_id, 0, closure, FALSE);
}

static void
connect_list (Subscriber *self)
{
  const Change nothing = {ferry_exported_get_revision (self->exported), 0, 0, 0};

  g_array_append_val (self->changes, nothing);
  self->length = g_list_model_get_n_items (G_LIST_MODEL (self->exported->object));
  ferry_paced_sender_ref (self->push);
  self->list_handler = g_signal_connect_data (self->exported->object, "items-changed", G_CALLBACK (items_changed), self,
                                              release_subscriber, 0);
}

static void
disconnect (GObject *object, gulong *handler)
{
  if (*handler != 0)
    g_signal_handler_disconnect (object, *handler);
  *handler = 0;
}

static void
disconnect_all (Subscriber *self)
{
  GObject *object = self->exported->object;

  for (guint i = 0; i < self->properties->len; i++)
    disconnect (object, &((Followed *) self->properties->pdata[i])->handler);
  for (guint i = 0; i < self->signals->len; i++)
    disconnect (object, &((Followed *) self->signals->pdata[i])->handler);
  disconnect (object, &self->list_handler);
}

/* What each property is at first. It is read where all is read, and after the handlers are there: a change in between
 * is told twice, and never missed. */
static void
note_first_values (Subscriber *self)
{
  for (guint i = 0; i < self->properties->len; i++)
    property_changed (self->exported->object, NULL, self->properties->pdata[i]);
  pthread_mutex_lock (&self->lock);
  self->ready = TRUE;
  self->has_news = TRUE;
  pthread_mutex_unlock (&self->lock);
}

static void
connect_all (Subscriber *self)
{
  gboolean gone;

  for (guint i = 0; i < self->properties->len; i++)
    connect_property (self->properties->pdata[i]);
  for (guint i = 0; i < self->signals->len; i++)
    connect_signal (self->signals->pdata[i]);
  if (self->list)
    connect_list (self);
  pthread_mutex_lock (&self->lock);
  self->connected = TRUE;
  gone = self->gone;
  pthread_mutex_unlock (&self->lock);
  if (!gone)
    return;
  disconnect_all (self);
  self->gone_func (self->owner, self->push);
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
  if (self->push != NULL)
    self->gone_func (self->owner, self->push);
}

static void
subscriber_free (gpointer data)
{
  Subscriber *self = data;

  g_queue_clear_full (&self->emissions, emission_free);
  g_array_unref (self->changes);
  g_ptr_array_unref (self->properties);
  g_ptr_array_unref (self->signals);
  g_free (self->name);
  ferry_exported_unref (self->exported);
  g_object_unref (self->owner);
  pthread_mutex_destroy (&self->lock);
  g_free (self);
}

static const FerryPacedSenderFuncs subscriber_funcs = {make, subscriber_gone, subscriber_free};

/* Takes exported. */
static Subscriber *
subscriber_new (FerryExported *exported, const FerryFollowRequest *request, FerrySubscriberGoneFunc gone,
                gpointer owner)
{
  Subscriber *self = g_new0 (Subscriber, 1);

  self->gone_func = gone;
  self->owner = g_object_ref (owner);
  self->exported = exported;
  if (request->root.generation == 0)
    self->name = g_strdup (request->root.name);
  self->properties = g_ptr_array_new_with_free_func (followed_free);
  self->signals = g_ptr_array_new_with_free_func (followed_free);
  self->list = request->list;
  self->changes = g_array_new (FALSE, FALSE, sizeof (Change));
  pthread_mutex_init (&self->lock, NULL);
  return self;
}

static void
add_followed (Subscriber *self, GPtrArray *list, const FerryMember *member)
{
  Followed *followed;

  /* Named twice, it is told of once. */
  for (guint i = 0; i < list->len; i++)
    if (((Followed *) list->pdata[i])->member == member)
      return;
  followed = g_new0 (Followed, 1);
  followed->subscriber = self;
  followed->member = member;
  g_ptr_array_add (list, followed);
}

/* An object's class is nothing that could be told as a value. */
static gboolean
can_follow (const FerryMember *member)
{
  return (member->access & G_DBUS_PROPERTY_INFO_FLAGS_READABLE) != 0 && member->in_type != NULL;
}

static gboolean
add_property (Subscriber *self, const char *name, GError **error)
{
  const FerryMember *member = ferry_interface_find (self->exported->interface, FERRY_MEMBER_PROPERTY, name, error);

  if (member != NULL && can_follow (member))
    add_followed (self, self->properties, member);
  else if (member != NULL)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_NOT_ALLOWED, "“%s” cannot be read, and so not be followed", name);
  return member != NULL && can_follow (member);
}

static void
add_all_properties (Subscriber *self)
{
  g_autoptr (GPtrArray) members = ferry_interface_list (self->exported->interface, FERRY_MEMBER_PROPERTY);

  for (guint i = 0; i < members->len; i++)
    if (can_follow (members->pdata[i]))
      add_followed (self, self->properties, members->pdata[i]);
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
      add_followed (self, self->signals, member);
    }
  if (!request->list || ferry_interface_is_list (self->exported->interface))
    return TRUE;
  g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_UNKNOWN_MEMBER, "The object is not exported as a list");
  return FALSE;
}

gboolean
ferry_subscriber_has_by_name (FerryPacedSender *subscription, FerryExported *exported)
{
  Subscriber *self = ferry_paced_sender_get_data (subscription);

  return self->name != NULL && self->exported == exported;
}

FerryPacedSender *
ferry_subscriber_new (FerryInvocation *invocation, FerryExported *exported, const FerryFollowRequest *request,
                      FerrySubscriberGoneFunc gone, gpointer owner, GError **error)
{
  Subscriber *self;

  if (exported->object == NULL)
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_UNKNOWN_MEMBER, "A value does not change");
      ferry_exported_unref (exported);
      return NULL;
    }
  self = subscriber_new (exported, request, gone, owner);
  if (!add_members (self, request, error))
    {
      subscriber_free (self);
      return NULL;
    }
  self->push = ferry_paced_sender_new (invocation, &subscriber_funcs, self);
  return self->push;
}

void
ferry_subscriber_begin (FerryPacedSender *subscription)
{
  Subscriber *self = ferry_paced_sender_get_data (subscription);

  if (self->list)
    ferry_exported_count_revisions (self->exported);
  connect_all (self);
  note_first_values (self);
}
