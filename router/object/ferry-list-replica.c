/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A replica of a list: the list model, its properties, how the replica follows the list, and how it gets its rows.
 *
 * Owner:   a row belongs to the callers that hold it, and the rows looked at last also to the replica.
 * Threads: the thread that made the replica.
 * Trust:   none in the subscription's items and in the answers with rows. */

#include "config.h"

#include "object/ferry-list-replica-private.h"

#include "base/ferry-base-private.h"
#include "base/ferry-forks-private.h"
#include "base/ferry-property-private.h"
#include "engine/ferry-affinity-private.h"
#include "object/ferry-proxy-private.h"
#include "wire/ferry-object-message-private.h"
#include "wire/ferry-remote-error-private.h"

/* In rows: how many a request asks for, and how many are kept that no caller holds. */
#define DEFAULT_PAGE_SIZE 128
#define DEFAULT_CACHE_SIZE 8192
/* How many requests for rows are under way at the most. */
#define MAX_FETCHES 4
#define ANSWER_TYPE "(ttav)"

/* One fetch of rows. */
typedef struct
{
  FerryListReplica *replica; /* (unowned) (nullable): NULL while this fetch is unused */
  guint64 position;
  guint n_rows;
  gpointer handle;  /* (owned) (nullable): the source's handle; NULL when the answer has come */
  GVariant *answer; /* (owned) (nullable): an answer that waits until the subscription has reported its revision */
} RowFetch;

struct _FerryListReplica
{
  GObject parent_instance;

  guint fork_number;             /* const: see ferry-forks.c */
  FerryProxy *proxy;             /* const: (owned) (nullable): NULL with another source */
  const FerryListSource *source; /* const */
  gpointer end;                  /* const: (unowned): passed to the source's functions */
  FerryAffinity *affinity;       /* const: (owned): the thread and the main context of the replica */

  gpointer subscription; /* (owned) (nullable): NULL when the list is not followed any more */
  GQueue events;   /* (element-type Event) (owned): events that came while an earlier one was still being handled */
  gboolean taking; /* the events are being handled */
  gboolean following;
  GError *error; /* (owned) (nullable) */

  guint64 length;       /* how many rows the remote list has */
  guint64 revision;     /* the remote list's revision at that length */
  guint64 earlier;      /* the revision before the latest change */
  guint64 n_before;     /* how many rows before the latest change; the change has not touched these rows */
  guint64 n_behind;     /* how many rows behind the latest change; the change has not touched these rows */
  FerryRowTable *table; /* const: (owned) */

  guint page_size;
  guint cache_size;
  RowFetch fetches[MAX_FETCHES];
  /* (owned) (nullable): a source that fetches the wished rows in the next iteration of the main loop. Not a post in a
   * mailbox, which would keep the replica alive. */
  GSource *asking;
};

/* An event of the subscription: an item, or the notice that no items come for now. */
typedef struct
{
  GVariant *item; /* (owned) (nullable) */
  gboolean is_first;
  GError *reason; /* (owned) (nullable): why no items come */
} Event;

typedef struct
{
  guint64 revision;
  guint64 position;
  guint64 n_removed;
  guint64 n_added;
} Change;

/**
 * FerryListReplica:
 *
 * A list of another process as a [iface@Gio.ListModel], however long it is.
 *
 * The other process exports an object that is a list model and has rows ([method@Ferry.Interface.set_list]). The
 * replica has the length of the list at once, and fetches a row when the row is looked at. An item is a
 * [class@Ferry.ListRow], which is empty until its page arrives. Put the replica into a selection model and a list view,
 * and bind [property@Ferry.ListRow:value] in the factory:
 *
 * ```c
 * static void
 * bind_cb (GtkListItemFactory *factory, GtkListItem *item)
 * {
 *   g_object_bind_property_full (gtk_list_item_get_item (item), "value", gtk_list_item_get_child (item), "label",
 *                                G_BINDING_SYNC_CREATE, value_to_text, NULL, NULL, NULL);
 * }
 * ```
 *
 * Rows are fetched in pages, at most four at a time; the rows that were looked at last are fetched first. A row is held
 * while the program has a reference to it. An empty row that is not held any more is not fetched: a scroll past a
 * million rows fetches only rows where the scroll ends. The replica also keeps the
 * [property@Ferry.ListReplica:cache-size] rows that were looked at last. While a row is held or kept, its position
 * always returns the same object.
 *
 * Changes of the other list are applied one by one, in their order. Rows behind a change keep their objects. The cost
 * of a change depends on the number of rows that are held and kept, not on the list's length.
 *
 * When the exporter stops, or its process ends, the replica keeps its rows, [property@Ferry.ListReplica:following] is
 * %FALSE, and missing rows stay empty. When the exporter listens again, the rows of the new list replace all rows.
 *
 * Of a list of more than %G_MAXUINT rows, the replica has the first %G_MAXUINT.
 *
 * A replica belongs to the thread that made it, and to the main context that was that thread's default one at that
 * time.
 */

enum
{
  PROP_0,
  PROP_PROXY,
  PROP_FOLLOWING,
  PROP_ERROR,
  PROP_N_ITEMS,
  PROP_PAGE_SIZE,
  PROP_CACHE_SIZE,
  N_PROPERTIES,
};

static GParamSpec *properties[N_PROPERTIES];

static void list_model_init (GListModelInterface *iface);
static void schedule (FerryListReplica *self);

G_DEFINE_FINAL_TYPE_WITH_CODE (FerryListReplica, ferry_list_replica, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

/* ---- the replica's properties ---- */

static guint
clip (guint64 length)
{
  return (guint) MIN (length, G_MAXUINT);
}

/* Sets the replica's error, which it takes (nullable). */
static void
take_error (FerryListReplica *self, GError *error)
{
  gboolean changed = error != NULL || self->error != NULL;

  g_clear_error (&self->error);
  self->error = error;
  if (changed)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ERROR]);
}

static void
set_following (FerryListReplica *self, gboolean following)
{
  if (self->following == following)
    return;
  self->following = following;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_FOLLOWING]);
}

/* ---- the end of following ---- */

static void
event_free (Event *self)
{
  g_clear_pointer (&self->item, g_variant_unref);
  g_clear_error (&self->reason);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Event, event_free)

static void
release (RowFetch *fetch)
{
  g_clear_pointer (&fetch->answer, g_variant_unref);
  fetch->replica = NULL;
}

static void
cancel_fetches (FerryListReplica *self)
{
  for (guint i = 0; i < MAX_FETCHES; i++)
    {
      gpointer handle = g_steal_pointer (&self->fetches[i].handle);

      if (handle != NULL)
        self->source->cancel (handle);
      release (&self->fetches[i]);
    }
}

static void
close_subscription (FerryListReplica *self)
{
  gpointer subscription = g_steal_pointer (&self->subscription);

  if (subscription != NULL)
    self->source->close_subscription (subscription);
  g_queue_clear_full (&self->events, (GDestroyNotify) event_free);
}

/* Stops following until the next first item. Takes error (nullable). */
static void
fall_silent (FerryListReplica *self, GError *error)
{
  g_object_freeze_notify (G_OBJECT (self));
  if (error != NULL)
    take_error (self, error);
  set_following (self, FALSE);
  g_object_thaw_notify (G_OBJECT (self));
}

/* Stops following for good: the other end broke a rule. Takes the error. */
static void
break_off (FerryListReplica *self, GError *error)
{
  close_subscription (self);
  cancel_fetches (self);
  fall_silent (self, error);
}

/* How a replica gets its rows.
 *
 * When an empty row is looked at, it becomes a wish. In the next iteration of the main loop the replica fetches pages
 * of wishes, the newest first and a few pages at a time. Only wishes with rows that are still held are fetched. The
 * wish of a row is removed when the row is freed. A row stays a wish until its value is there or its fetch has failed.
 * So an answer that is too old can be thrown away.
 *
 * An answer has the revision of the list at which it was read. If the replica has the same revision, the answer is
 * used. If the replica's revision is lower, the answer waits for the subscription. If the answer's revision lies
 * within the latest change, which may join several, only the rows on both sides of the change are used.
 *
 * Invariant: no row is in two fetches, unless the list has changed during one of them. */

/* ---- answers ---- */

static gboolean
check_answer (const RowFetch *fetch, GVariant *answer, GError **error)
{
  g_autoptr (GVariant) rows = NULL;
  guint64 length;
  guint64 n_expected;

  if (!g_variant_is_of_type (answer, G_VARIANT_TYPE (ANSWER_TYPE)))
    return ferry_set_error (
      error, FERRY_ERROR_PROTOCOL,
      "A remote list answered with %s instead of rows; use the same version of Ferry in both programs",
      g_variant_get_type_string (answer));
  g_variant_get (answer, "(tt@av)", NULL, &length, &rows);
  n_expected = fetch->position < length ? MIN (fetch->n_rows, length - fetch->position) : 0;
  if (g_variant_n_children (rows) == n_expected)
    return TRUE;
  return ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                          "A remote list of %" G_GUINT64_FORMAT " rows gave %" G_GSIZE_FORMAT
                          " instead of %" G_GUINT64_FORMAT " from %" G_GUINT64_FORMAT
                          "; correct its model, which must return an item for each position",
                          length, g_variant_n_children (rows), n_expected, fetch->position);
}

static void
fail (FerryListReplica *self, RowFetch *fetch, const GError *error)
{
  ferry_row_table_give_up (self->table, fetch->position, fetch->n_rows);
  release (fetch);
  schedule (self);
  if (self->following || self->error == NULL)
    take_error (self, ferry_error_copy (error));
}

/* Loads the rows from position on with the values of an answer from first on. Rows that were loaded are added to
 * loaded: the caller notifies of them later, when all rows have their values. */
static void
load_rows (FerryListReplica *self, guint64 position, GVariant *rows, gsize first, gsize n_rows, GPtrArray *loaded)
{
  g_autoptr (GPtrArray) dropped = g_ptr_array_new_with_free_func (g_object_unref);

  for (gsize i = 0; i < n_rows; i++)
    {
      g_autoptr (FerryListRow) row = ferry_row_table_get (self->table, position + i);
      g_autoptr (GVariant) value = NULL;

      if (ferry_list_row_get_loaded (row))
        continue;
      g_variant_get_child (rows, first + i, "v", &value);
      ferry_list_row_load (row, value);
      ferry_row_table_want (self->table, row, dropped);
      g_ptr_array_add (loaded, g_steal_pointer (&row));
    }
}

/* Uses the rows of an answer that are still the list's: n_before rows at the list's beginning, and n_behind at its
 * end. */
static void
use_rows (FerryListReplica *self, RowFetch *fetch, guint64 n_before, guint64 n_behind)
{
  g_autoptr (GVariant) rows = NULL;
  g_autoptr (GPtrArray) loaded = g_ptr_array_new_with_free_func (g_object_unref);
  guint64 position = fetch->position;
  guint64 length;
  guint64 behind;
  gsize n_rows;

  g_variant_get (fetch->answer, "(tt@av)", NULL, &length, &rows);
  release (fetch);
  n_rows = g_variant_n_children (rows);
  if (length < n_before || length - n_before < n_behind || n_rows == 0)
    return;
  behind = length - n_behind;
  if (position < n_before)
    load_rows (self, position, rows, 0, MIN (n_rows, n_before - position), loaded);
  if (position + n_rows > behind)
    {
      gsize first = behind > position ? behind - position : 0;

      load_rows (self, self->length - length + position + first, rows, first, n_rows - first, loaded);
    }
  for (guint i = 0; i < loaded->len; i++)
    ferry_list_row_notify_loaded (loaded->pdata[i]);
}

/* Uses an answer that has the list's revision. A length other than the list's is no reason to stop following. The
 * exporter may have exported another list under the name, which the subscription has not reported yet. */
static void
use_answer (FerryListReplica *self, RowFetch *fetch)
{
  g_autoptr (GError) error = NULL;
  guint64 length;

  g_variant_get_child (fetch->answer, 1, "t", &length);
  if (length == self->length)
    {
      use_rows (self, fetch, length, 0);
      return;
    }
  ferry_set_error (
    &error, FERRY_ERROR_PROTOCOL,
    "A remote list of %" G_GUINT64_FORMAT " rows had %" G_GUINT64_FORMAT
    " when its rows were read; correct its model, which must emit items-changed at each change, on one thread",
    self->length, length);
  fail (self, fetch, error);
}

/* Uses the answers that have the list's revision, and drops older ones. */
static void
use_answers (FerryListReplica *self)
{
  g_object_ref (self);
  for (guint i = 0; i < MAX_FETCHES; i++)
    {
      RowFetch *fetch = &self->fetches[i];
      guint64 revision;

      if (fetch->answer == NULL)
        continue;
      g_variant_get_child (fetch->answer, 0, "t", &revision);
      if (revision < self->earlier)
        release (fetch);
      /* The rows on both sides of the latest change, which may join many, were the same all the time. Without them, a
       * list that grows all the time would never have a row. */
      else if (revision < self->revision)
        use_rows (self, fetch, self->n_before, self->n_behind);
      else if (revision == self->revision)
        use_answer (self, fetch);
    }
  schedule (self);
  g_object_unref (self);
}

void
ferry_list_replica_answer (gpointer fetching, GVariant *answer, const GError *error)
{
  RowFetch *fetch = fetching;
  FerryListReplica *self = fetch->replica;
  GError *fault = NULL;

  fetch->handle = NULL;
  if (error != NULL)
    fail (self, fetch, error);
  else if (!check_answer (fetch, answer, &fault))
    break_off (self, fault);
  else
    {
      fetch->answer = g_variant_ref (answer);
      use_answers (self);
    }
}

/* ---- wishes ---- */

static gboolean
is_asked_for (FerryListReplica *self, guint64 position)
{
  for (guint i = 0; i < MAX_FETCHES; i++)
    {
      const RowFetch *fetch = &self->fetches[i];

      if (fetch->replica != NULL && position >= fetch->position && position - fetch->position < fetch->n_rows)
        return TRUE;
    }
  return FALSE;
}

static RowFetch *
find_free (FerryListReplica *self)
{
  for (guint i = 0; i < MAX_FETCHES; i++)
    if (self->fetches[i].replica == NULL)
      return &self->fetches[i];
  return NULL;
}

static gboolean
ask_cb (gpointer data)
{
  FerryListReplica *self = data;
  RowFetch *fetch = find_free (self);

  g_clear_pointer (&self->asking, g_source_unref);
  g_main_context_push_thread_default (ferry_affinity_get_context (self->affinity));
  for (GList *l = ferry_row_table_get_wishes (self->table)->head; self->following && l != NULL && fetch != NULL;
       l = l->next)
    {
      guint64 position = ferry_row_table_get_position (l->data);

      if (is_asked_for (self, position))
        continue;
      fetch->replica = self;
      fetch->position = position - position % self->page_size;
      fetch->n_rows = (guint) MIN (self->page_size, self->length - fetch->position);
      fetch->handle = self->source->fetch (self->end, fetch->position, fetch->n_rows, fetch);
      fetch = find_free (self);
    }
  g_main_context_pop_thread_default (ferry_affinity_get_context (self->affinity));
  return G_SOURCE_REMOVE;
}

/* Fetches the wished rows in the next iteration of the main loop. */
static void
schedule (FerryListReplica *self)
{
  if (self->asking != NULL || ferry_row_table_get_wishes (self->table)->length == 0 || find_free (self) == NULL)
    return;
  self->asking = g_idle_source_new ();
  g_source_set_priority (self->asking, G_PRIORITY_DEFAULT);
  g_source_set_static_name (self->asking, "[ferry] rows that are wished for");
  g_source_set_callback (self->asking, ask_cb, self, NULL);
  g_source_attach (self->asking, ferry_affinity_get_context (self->affinity));
}

/* How a replica follows its list.
 *
 * The items of the subscription are handled in their order, also when a handler of `items-changed` runs the main
 * loop. The list is up to date when a change is signalled. A change that does not fit the list, or is out of order,
 * ends the following. */

/* Checks a change. latest (nullable): the revision before; the change's must be higher. */
static gboolean
check_change (const Change *change, guint64 length, const guint64 *latest, GError **error)
{
  if (latest != NULL && change->revision <= *latest)
    ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                     "A remote list reported change %" G_GUINT64_FORMAT " after %" G_GUINT64_FORMAT
                     "; find out which code of the other process answers instead of the exporter",
                     change->revision, *latest);
  else if (change->position > length || change->n_removed > length - change->position ||
           change->n_added > G_MAXUINT64 - (length - change->n_removed))
    ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                     "A remote list of %" G_GUINT64_FORMAT " rows reported %" G_GUINT64_FORMAT
                     " removed and %" G_GUINT64_FORMAT " added at %" G_GUINT64_FORMAT
                     "; correct its model, which must emit items-changed with what has changed",
                     length, change->n_removed, change->n_added, change->position);
  else
    return TRUE;
  return FALSE;
}

/* Emits a change as one change of the first G_MAXUINT rows. If rows move across that limit, all rows behind the
 * change count as changed. */
static void
emit_change (FerryListReplica *self, const Change *change, guint64 old_length)
{
  guint old_n = clip (old_length);
  guint new_n = clip (self->length);
  gboolean all_behind = change->n_removed != change->n_added && MAX (old_length, self->length) > G_MAXUINT;
  guint position;

  if (change->position >= G_MAXUINT || (change->n_removed == 0 && change->n_added == 0))
    return;
  position = (guint) change->position;
  g_list_model_items_changed (G_LIST_MODEL (self), position,
                              all_behind ? old_n - position : (guint) MIN (change->n_removed, old_n - position),
                              all_behind ? new_n - position : (guint) MIN (change->n_added, new_n - position));
  if (old_n != new_n)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_ITEMS]);
}

static void
apply_change (FerryListReplica *self, const Change *change)
{
  g_autoptr (GPtrArray) dropped = g_ptr_array_new_with_free_func (g_object_unref);
  guint64 old_length = self->length;

  ferry_row_table_splice (self->table, change->position, change->n_removed, change->n_added, dropped);
  self->length = old_length - change->n_removed + change->n_added;
  self->earlier = self->revision;
  self->revision = change->revision;
  self->n_before = change->position;
  self->n_behind = old_length - change->position - change->n_removed;
  emit_change (self, change, old_length);
  use_answers (self);
}

static void
take_changes (FerryListReplica *self, GVariant *changes)
{
  GVariantIter iter;
  Change change;
  GError *error = NULL;

  g_variant_iter_init (&iter, changes);
  while (self->subscription != NULL &&
         g_variant_iter_next (&iter, "(tttt)", &change.revision, &change.position, &change.n_removed, &change.n_added))
    {
      if (check_change (&change, self->length, &self->revision, &error))
        apply_change (self, &change);
      else
        break_off (self, error);
    }
}

/* Sets the length and the revision that the list has after the changes of a stream's first item. The first of these
 * changes may be empty and have only the list's revision. */
static gboolean
begin_with (GVariant *changes, guint64 *length, guint64 *revision, GError **error)
{
  GVariantIter iter;
  Change change;
  const guint64 *latest = NULL;

  *revision = 0;
  g_variant_iter_init (&iter, changes);
  while (g_variant_iter_next (&iter, "(tttt)", &change.revision, &change.position, &change.n_removed, &change.n_added))
    {
      if (!check_change (&change, *length, latest, error))
        return FALSE;
      *length = *length - change.n_removed + change.n_added;
      *revision = change.revision;
      latest = revision;
    }
  return TRUE;
}

static void
begin (FerryListReplica *self, GVariant *changes, guint64 length)
{
  g_autoptr (GPtrArray) dropped = g_ptr_array_new_with_free_func (g_object_unref);
  guint64 old_length = self->length;
  guint64 revision;
  GError *error = NULL;

  if (!begin_with (changes, &length, &revision, &error))
    {
      break_off (self, error);
      return;
    }
  cancel_fetches (self);
  ferry_row_table_reset (self->table, dropped);
  self->length = length;
  self->earlier = self->revision = revision;
  g_object_freeze_notify (G_OBJECT (self));
  take_error (self, NULL);
  set_following (self, TRUE);
  emit_change (self, &(const Change){.n_removed = old_length, .n_added = length}, old_length);
  g_object_thaw_notify (G_OBJECT (self));
}

static void
take_event (FerryListReplica *self, const Event *event)
{
  g_autoptr (GVariant) changes = NULL;
  guint64 length;

  if (event->item == NULL)
    {
      fall_silent (self, event->reason != NULL ? ferry_error_copy (event->reason) : NULL);
      return;
    }
  g_variant_get_child (event->item, 3, "@a(tttt)", &changes);
  g_variant_get_child (event->item, 4, "t", &length);
  if (event->is_first)
    begin (self, changes, length);
  else
    take_changes (self, changes);
}

static void
add_event (FerryListReplica *self, GVariant *item, gboolean is_first, const GError *reason)
{
  Event *added = g_new0 (Event, 1);

  added->item = item != NULL ? g_variant_ref (item) : NULL;
  added->is_first = is_first;
  added->reason = reason != NULL ? ferry_error_copy (reason) : NULL;
  g_queue_push_tail (&self->events, added);
  if (self->taking)
    return;
  g_object_ref (self);
  self->taking = TRUE;
  while (self->events.length > 0)
    {
      g_autoptr (Event) event = g_queue_pop_head (&self->events);

      take_event (self, event);
    }
  self->taking = FALSE;
  g_object_unref (self);
}

static void
item_cb (gpointer data, GVariant *item, gboolean is_first)
{
  add_event (data, item, is_first, NULL);
}

static void
silent_cb (gpointer data, const GError *reason, gboolean for_ever)
{
  add_event (data, NULL, FALSE, reason);
}

static void
open_subscription (FerryListReplica *self)
{
  static const FerrySubscriptionFuncs funcs = {.item = item_cb, .silent = silent_cb};

  self->subscription = self->source->open_subscription (self->end, &funcs, self);
}

/* ---- the list model ---- */

static GType
get_item_type (GListModel *model)
{
  return FERRY_TYPE_LIST_ROW;
}

static guint
get_n_items (GListModel *model)
{
  FerryListReplica *self = FERRY_LIST_REPLICA (model);

  return ferry_affinity_check (self->affinity, "g_list_model_get_n_items") ? clip (self->length) : 0;
}

static gpointer
get_item (GListModel *model, guint position)
{
  FerryListReplica *self = FERRY_LIST_REPLICA (model);
  g_autoptr (GPtrArray) dropped = NULL;
  FerryListRow *row;

  if (!ferry_affinity_check (self->affinity, "g_list_model_get_item") || position >= clip (self->length))
    return NULL;
  dropped = g_ptr_array_new_with_free_func (g_object_unref);
  row = ferry_row_table_get (self->table, position);
  ferry_row_table_want (self->table, row, dropped);
  schedule (self);
  return row;
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

/* ---- the list of a proxy's object, as a source ---- */

static gpointer
proxy_open (gpointer end, const FerrySubscriptionFuncs *funcs, gpointer data)
{
  return ferry_proxy_open_subscription (end, NULL, NULL, TRUE, funcs, data);
}

static void
proxy_answered_cb (GObject *object, GAsyncResult *result, gpointer fetch)
{
  g_autoptr (GVariant) answer = NULL;
  g_autoptr (FerryProxy) stranger = NULL;
  g_autoptr (GError) error = NULL;

  if (ferry_resolve_finish (result, &answer, &stranger, &error) && answer == NULL)
    ferry_set_error (
      &error, FERRY_ERROR_PROTOCOL,
      "The other end answered a request for rows without rows; use the same version of Ferry in both programs");
  /* After a cancel, the replica may have been freed. */
  if (!g_cancellable_is_cancelled (g_task_get_cancellable (G_TASK (result))))
    ferry_list_replica_answer (fetch, answer, error);
}

static gpointer
proxy_fetch (gpointer end, guint64 position, guint n_rows, gpointer fetch)
{
  const FerryStep step = {FERRY_STEP_ROWS, "", g_variant_new ("(tu)", position, n_rows)};
  const FerryChain chain = {.proxy = end, .steps = &step, .n_steps = 1};
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  ferry_resolve_run_task (&chain, -1, TRUE, g_task_new (end, cancellable, proxy_answered_cb, fetch));
  /* The task has a reference to the cancellable until it has answered. */
  return cancellable;
}

static const FerryListSource proxy_source = {proxy_open, (GDestroyNotify) ferry_subscription_close, proxy_fetch,
                                             (GDestroyNotify) g_cancellable_cancel};

/* ---- the object ---- */

static const gsize fields[N_PROPERTIES] = {
  [PROP_PROXY] = G_STRUCT_OFFSET (FerryListReplica, proxy),
  [PROP_FOLLOWING] = G_STRUCT_OFFSET (FerryListReplica, following),
  [PROP_ERROR] = G_STRUCT_OFFSET (FerryListReplica, error),
  [PROP_PAGE_SIZE] = G_STRUCT_OFFSET (FerryListReplica, page_size),
  [PROP_CACHE_SIZE] = G_STRUCT_OFFSET (FerryListReplica, cache_size),
};

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  FerryListReplica *self = FERRY_LIST_REPLICA (object);

  if (id != PROP_PROXY && !ferry_affinity_check_property (self->affinity, pspec))
    return;
  if (id == PROP_N_ITEMS)
    g_value_set_uint (value, get_n_items (G_LIST_MODEL (self)));
  else
    ferry_property_read (G_STRUCT_MEMBER_P (self, fields[id]), value);
}

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  FerryListReplica *self = FERRY_LIST_REPLICA (object);
  g_autoptr (GPtrArray) dropped = NULL;

  if (!ferry_affinity_check_property (self->affinity, pspec) ||
      !ferry_property_change (self, G_STRUCT_MEMBER_P (self, fields[id]), value, pspec) || id != PROP_CACHE_SIZE)
    return;
  dropped = g_ptr_array_new_with_free_func (g_object_unref);
  ferry_row_table_set_cache_size (self->table, self->cache_size, dropped);
}

static void
ferry_list_replica_constructed (GObject *object)
{
  FerryListReplica *self = FERRY_LIST_REPLICA (object);

  G_OBJECT_CLASS (ferry_list_replica_parent_class)->constructed (object);

  self->affinity = ferry_affinity_new_here ();
  self->table = ferry_row_table_new (self->affinity, self->cache_size);
  if (self->proxy == NULL)
    return;
  self->source = &proxy_source;
  self->end = self->proxy;
  open_subscription (self);
}

static void
ferry_list_replica_dispose (GObject *object)
{
  FerryListReplica *self = FERRY_LIST_REPLICA (object);
  g_autoptr (GPtrArray) dropped = g_ptr_array_new_with_free_func (g_object_unref);

  if (ferry_forks_keep (object, self->fork_number))
    return;
  close_subscription (self);
  cancel_fetches (self);
  ferry_clear_source (&self->asking);
  self->following = FALSE;
  self->length = 0;
  ferry_row_table_reset (self->table, dropped);

  G_OBJECT_CLASS (ferry_list_replica_parent_class)->dispose (object);
}

static void
ferry_list_replica_finalize (GObject *object)
{
  FerryListReplica *self = FERRY_LIST_REPLICA (object);

  g_clear_pointer (&self->table, ferry_row_table_free);
  g_clear_error (&self->error);
  g_clear_pointer (&self->affinity, ferry_affinity_unref);
  g_clear_object (&self->proxy);

  G_OBJECT_CLASS (ferry_list_replica_parent_class)->finalize (object);
}

static void
install_state_properties (GObjectClass *object_class)
{
  /**
   * FerryListReplica:following:
   *
   * Whether the replica has the list of the other process, and is notified of its changes: %FALSE before the list's
   * length has arrived, and while its exporter does not listen. On the thread that made the replica.
   */
  properties[PROP_FOLLOWING] = g_param_spec_boolean ("following", NULL, NULL, FALSE, FERRY_READABLE);
  /**
   * FerryListReplica:error:
   *
   * The latest error: why requested rows stay empty, or why the list is not followed. %NULL when there was no error
   * since the list is followed. A row that stayed empty is fetched again when it is got from the replica again.
   *
   * An error of the other process has the domain and code that it has there. %FERRY_ERROR_PROTOCOL means that the other
   * end broke a rule, for example that the exporter's model reported impossible changes; the list is not followed any
   * more. On the thread that made the replica.
   */
  properties[PROP_ERROR] = g_param_spec_boxed ("error", NULL, NULL, G_TYPE_ERROR, FERRY_READABLE);
  /**
   * FerryListReplica:n-items:
   *
   * How many rows the replica has, at most %G_MAXUINT; 0 until the other process has reported the length.
   */
  properties[PROP_N_ITEMS] = g_param_spec_uint ("n-items", NULL, NULL, 0, G_MAXUINT, 0, FERRY_READABLE);
}

static void
ferry_list_replica_class_init (FerryListReplicaClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = ferry_list_replica_constructed;
  object_class->dispose = ferry_list_replica_dispose;
  object_class->finalize = ferry_list_replica_finalize;
  object_class->get_property = get_property;
  object_class->set_property = set_property;

  install_state_properties (object_class);
  /**
   * FerryListReplica:proxy:
   *
   * The proxy of the other process's list. Any thread.
   */
  properties[PROP_PROXY] = g_param_spec_object ("proxy", NULL, NULL, FERRY_TYPE_PROXY, FERRY_AT_CONSTRUCTION);
  /**
   * FerryListReplica:page-size:
   *
   * How many rows are fetched at a time, 1 to 1024. On the thread that made the replica.
   */
  properties[PROP_PAGE_SIZE] =
    g_param_spec_uint ("page-size", NULL, NULL, 1, FERRY_ROWS_MAX, DEFAULT_PAGE_SIZE, FERRY_SETTABLE);
  /**
   * FerryListReplica:cache-size:
   *
   * How many rows the replica keeps, also if the program does not hold them: the rows that were looked at last; 0 for
   * none. If the number gets smaller, the rows that are too many are dropped at once. On the thread that made the
   * replica.
   */
  properties[PROP_CACHE_SIZE] =
    g_param_spec_uint ("cache-size", NULL, NULL, 0, G_MAXUINT, DEFAULT_CACHE_SIZE, FERRY_SETTABLE);

  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
ferry_list_replica_init (FerryListReplica *self)
{
  self->fork_number = ferry_forks_note ();
  self->page_size = DEFAULT_PAGE_SIZE;
  self->cache_size = DEFAULT_CACHE_SIZE;
}

FerryListReplica *
ferry_list_replica_new_from (const FerryListSource *source, gpointer end)
{
  FerryListReplica *self = g_object_new (FERRY_TYPE_LIST_REPLICA, NULL);

  self->source = source;
  self->end = end;
  open_subscription (self);
  return self;
}

/**
 * ferry_list_replica_new:
 * @proxy: the proxy of the other process's list
 *
 * Returns a replica of a list. The replica is empty until the other process has reported the list's length: wait for
 * [property@Ferry.ListReplica:following].
 *
 * If the object is not a list, or does not exist, [property@Ferry.ListReplica:error] is set. Any thread; from then on
 * the replica belongs to that thread.
 *
 * Returns: (transfer full): a new replica
 */
FerryListReplica *
ferry_list_replica_new (FerryProxy *proxy)
{
  g_return_val_if_fail (FERRY_IS_PROXY (proxy), NULL);

  return g_object_new (FERRY_TYPE_LIST_REPLICA, "proxy", proxy, NULL);
}
