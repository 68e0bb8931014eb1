/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A replica's list, as the feed tells of it.
 *
 * What the feed tells is done in its order, also where a handler of `items-changed` runs the main loop. With each
 * change the list is right before anybody is told of it.
 *
 * Trust: none. A change that does not fit the list, or comes out of turn, ends the following. */

#include "config.h"

#include "base/ferry-error.h"
#include "call/ferry-remote-error-private.h"
#include "object/ferry-list-replica-private.h"

typedef struct
{
  GVariant *item; /* (owned) (nullable) */
  gboolean is_first;
  GError *reason; /* (owned) (nullable): of silence */
} Event;

typedef struct
{
  guint64 revision;
  guint64 position;
  guint64 n_removed;
  guint64 n_added;
} Change;

static void
event_free (Event *self)
{
  g_clear_pointer (&self->item, g_variant_unref);
  g_clear_error (&self->reason);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Event, event_free)

/* latest (nullable): the revision before. */
static gboolean
check_change (const Change *change, guint64 length, const guint64 *latest, GError **error)
{
  if (latest != NULL && change->revision <= *latest)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL,
                 "A remote list told of change %" G_GUINT64_FORMAT " after %" G_GUINT64_FORMAT
                 ": look for what the other process writes in the exporter's place",
                 change->revision, *latest);
  else if (change->position > length || change->n_removed > length - change->position ||
           change->n_added > G_MAXUINT64 - (length - change->n_removed))
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL,
                 "A remote list of %" G_GUINT64_FORMAT " rows told of %" G_GUINT64_FORMAT
                 " removed and %" G_GUINT64_FORMAT " added at %" G_GUINT64_FORMAT
                 ": have its model emit items-changed with what has changed",
                 length, change->n_removed, change->n_added, change->position);
  else
    return TRUE;
  return FALSE;
}

/* What has changed of that part of the list that is shown, as one change: where rows move across its end, all behind
 * the change counts as another. */
static void
emit_change (FerryListReplica *self, const Change *change, guint64 old_length)
{
  guint old_n = ferry_list_replica_clip (old_length);
  guint new_n = ferry_list_replica_clip (self->length);
  gboolean all_behind = change->n_removed != change->n_added && MAX (old_length, self->length) > G_MAXUINT;
  guint position;

  if (change->position >= G_MAXUINT || (change->n_removed == 0 && change->n_added == 0))
    return;
  position = (guint) change->position;
  g_list_model_items_changed (G_LIST_MODEL (self), position,
                              all_behind ? old_n - position : (guint) MIN (change->n_removed, old_n - position),
                              all_behind ? new_n - position : (guint) MIN (change->n_added, new_n - position));
  if (old_n != new_n)
    ferry_list_replica_notify_n_items (self);
}

static void
apply_change (FerryListReplica *self, const Change *change)
{
  g_autoptr (GPtrArray) dropped = g_ptr_array_new_with_free_func (g_object_unref);
  guint64 old_length = self->length;

  ferry_row_table_splice (&self->table, change->position, change->n_removed, change->n_added, dropped);
  self->length = old_length - change->n_removed + change->n_added;
  self->earlier = self->revision;
  self->revision = change->revision;
  self->n_before = change->position;
  self->n_behind = old_length - change->position - change->n_removed;
  emit_change (self, change, old_length);
  ferry_list_replica_use_answers (self);
}

static void
take_changes (FerryListReplica *self, GVariant *changes)
{
  GVariantIter iter;
  Change change;
  GError *error = NULL;

  g_variant_iter_init (&iter, changes);
  while (self->feed != NULL &&
         g_variant_iter_next (&iter, "(tttt)", &change.revision, &change.position, &change.n_removed, &change.n_added))
    {
      if (check_change (&change, self->length, &self->revision, &error))
        apply_change (self, &change);
      else
        ferry_list_replica_break_off (self, error);
    }
}

/* The list as it is after the changes that a stream begins with; the first of them may say which revision it has, and
 * nothing else. */
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
  guint old_n = ferry_list_replica_clip (self->length);
  guint64 revision;
  GError *error = NULL;

  if (!begin_with (changes, &length, &revision, &error))
    {
      ferry_list_replica_break_off (self, error);
      return;
    }
  ferry_list_replica_cancel_fetches (self);
  ferry_row_table_reset (&self->table, dropped);
  self->length = length;
  self->earlier = self->revision = revision;
  g_object_freeze_notify (G_OBJECT (self));
  ferry_list_replica_take_error (self, NULL);
  ferry_list_replica_set_following (self, TRUE);
  if (old_n != 0 || length != 0)
    g_list_model_items_changed (G_LIST_MODEL (self), 0, old_n, ferry_list_replica_clip (length));
  if (old_n != ferry_list_replica_clip (length))
    ferry_list_replica_notify_n_items (self);
  g_object_thaw_notify (G_OBJECT (self));
}

static void
take_event (FerryListReplica *self, const Event *event)
{
  g_autoptr (GVariant) changes = NULL;
  guint64 length;

  if (event->item == NULL)
    {
      g_object_freeze_notify (G_OBJECT (self));
      if (event->reason != NULL)
        ferry_list_replica_take_error (self, ferry_error_copy (event->reason));
      ferry_list_replica_set_following (self, FALSE);
      g_object_thaw_notify (G_OBJECT (self));
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

void
ferry_list_replica_open (FerryListReplica *self)
{
  static const FerryFeedFuncs funcs = {.item = item_cb, .silent = silent_cb};

  self->feed = self->source->open_feed (self->end, &funcs, self);
}

void
ferry_list_replica_close (FerryListReplica *self)
{
  gpointer feed = g_steal_pointer (&self->feed);

  if (feed != NULL)
    self->source->close_feed (feed);
  g_queue_clear_full (&self->events, (GDestroyNotify) event_free);
}

void
ferry_list_replica_break_off (FerryListReplica *self, GError *error)
{
  ferry_list_replica_close (self);
  ferry_list_replica_cancel_fetches (self);
  g_object_freeze_notify (G_OBJECT (self));
  ferry_list_replica_take_error (self, error);
  ferry_list_replica_set_following (self, FALSE);
  g_object_thaw_notify (G_OBJECT (self));
}
