/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a replica comes by its rows.
 *
 * Whoever asks for a row that is not there wishes for it. In the next turn of the main loop the pages of those wishes
 * are asked for whose rows are still held, the newest first, so many at a time: a row that nobody holds any more took
 * its wish with it. A row stays a wish until it is there or its fetch has failed, so that an answer that turns out to
 * be too old only has to be thrown away.
 *
 * An answer says which revision of the list it was read at. It is used while the list has that very revision here, and
 * waits for the feed when that is behind. Of one that falls into the latest change, the rows on both sides are used.
 *
 * Invariant: no row is in two fetches, unless the list has changed under one of them. */

#include "config.h"

#include "base/ferry-error.h"
#include "call/ferry-remote-error-private.h"
#include "object/ferry-list-replica-private.h"
#include "object/ferry-list-row-private.h"

#define ANSWER_TYPE "(ttav)"

static void
release (FerryRowFetch *fetch)
{
  g_clear_pointer (&fetch->answer, g_variant_unref);
  fetch->replica = NULL;
}

void
ferry_list_replica_cancel_fetches (FerryListReplica *self)
{
  for (guint i = 0; i < FERRY_LIST_MAX_FETCHES; i++)
    {
      gpointer handle = g_steal_pointer (&self->fetches[i].handle);

      if (handle != NULL)
        self->source->cancel (handle);
      release (&self->fetches[i]);
    }
}

/* ---- answers ---- */

static gboolean
check_answer (const FerryRowFetch *fetch, GVariant *answer, GError **error)
{
  g_autoptr (GVariant) rows = NULL;
  guint64 length;
  guint64 n_expected;

  if (!g_variant_is_of_type (answer, G_VARIANT_TYPE (ANSWER_TYPE)))
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL,
                   "A remote list answered with %s in place of rows: have both programs use the same version of Ferry",
                   g_variant_get_type_string (answer));
      return FALSE;
    }
  g_variant_get (answer, "(tt@av)", NULL, &length, &rows);
  n_expected = fetch->position < length ? MIN (fetch->n_rows, length - fetch->position) : 0;
  if (g_variant_n_children (rows) == n_expected)
    return TRUE;
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL,
               "A remote list of %" G_GUINT64_FORMAT " rows gave %" G_GSIZE_FORMAT " in place of %" G_GUINT64_FORMAT
               " from %" G_GUINT64_FORMAT ": have its model give an item for each position",
               length, g_variant_n_children (rows), n_expected, fetch->position);
  return FALSE;
}

static void
fail (FerryListReplica *self, FerryRowFetch *fetch, const GError *error)
{
  ferry_row_table_give_up (&self->table, fetch->position, fetch->n_rows);
  release (fetch);
  ferry_list_replica_schedule (self);
  if (self->following || self->error == NULL)
    ferry_list_replica_take_error (self, ferry_error_copy (error));
}

/* The rows of an answer from first on, as those from position on. Who is loaded goes to loaded: all rows have their
 * values before anybody is told. */
static void
load_rows (FerryListReplica *self, guint64 position, GVariant *rows, gsize first, gsize n_rows, GPtrArray *loaded)
{
  g_autoptr (GPtrArray) dropped = g_ptr_array_new_with_free_func (g_object_unref);

  for (gsize i = 0; i < n_rows; i++)
    {
      g_autoptr (FerryListRow) row = ferry_row_table_get (&self->table, position + i);
      g_autoptr (GVariant) value = NULL;

      if (ferry_list_row_get_loaded (row))
        continue;
      g_variant_get_child (rows, first + i, "v", &value);
      ferry_list_row_load (row, value);
      ferry_row_table_want (&self->table, row, dropped);
      g_ptr_array_add (loaded, g_steal_pointer (&row));
    }
}

static void
notify_loaded (GPtrArray *loaded)
{
  for (guint i = 0; i < loaded->len; i++)
    ferry_list_row_notify_loaded (loaded->pdata[i]);
}

/* Another length is no reason to break off: the exporter may have put another list in its place, of which the feed has
 * not told yet. */
static void
use_answer (FerryListReplica *self, FerryRowFetch *fetch)
{
  g_autoptr (GVariant) rows = NULL;
  g_autoptr (GPtrArray) loaded = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GError) error = NULL;
  guint64 position = fetch->position;
  guint64 length;

  g_variant_get (fetch->answer, "(tt@av)", NULL, &length, &rows);
  if (length == self->length)
    {
      release (fetch);
      load_rows (self, position, rows, 0, g_variant_n_children (rows), loaded);
      notify_loaded (loaded);
      return;
    }
  g_set_error (&error, FERRY_ERROR, FERRY_ERROR_PROTOCOL,
               "A remote list of %" G_GUINT64_FORMAT " rows had %" G_GUINT64_FORMAT
               " when it was asked: have its model emit items-changed at each change, on one thread",
               self->length, length);
  fail (self, fetch, error);
}

/* The list had that revision within its latest change, which may be many that the exporter has joined: what is on
 * either side of it was the same all the while. Without that, a list that grows all the time would never have a row. */
static void
use_sides (FerryListReplica *self, FerryRowFetch *fetch)
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
  if (length < self->n_before || length - self->n_before < self->n_behind || n_rows == 0)
    return;
  behind = length - self->n_behind;
  if (position < self->n_before)
    load_rows (self, position, rows, 0, MIN (n_rows, self->n_before - position), loaded);
  if (position + n_rows > behind)
    {
      gsize first = behind > position ? behind - position : 0;

      load_rows (self, self->length - length + position + first, rows, first, n_rows - first, loaded);
    }
  notify_loaded (loaded);
}

void
ferry_list_replica_use_answers (FerryListReplica *self)
{
  g_object_ref (self);
  for (guint i = 0; i < FERRY_LIST_MAX_FETCHES; i++)
    {
      FerryRowFetch *fetch = &self->fetches[i];
      guint64 revision;

      if (fetch->answer == NULL)
        continue;
      g_variant_get_child (fetch->answer, 0, "t", &revision);
      if (revision < self->earlier)
        release (fetch);
      else if (revision < self->revision)
        use_sides (self, fetch);
      else if (revision == self->revision)
        use_answer (self, fetch);
    }
  ferry_list_replica_schedule (self);
  g_object_unref (self);
}

static void
answered_cb (gpointer data, GVariant *answer, const GError *error)
{
  FerryRowFetch *fetch = data;
  FerryListReplica *self = fetch->replica;
  GError *fault = NULL;

  fetch->handle = NULL;
  if (error != NULL)
    fail (self, fetch, error);
  else if (!check_answer (fetch, answer, &fault))
    ferry_list_replica_break_off (self, fault);
  else
    {
      fetch->answer = g_variant_ref (answer);
      ferry_list_replica_use_answers (self);
    }
}

/* ---- wishes ---- */

static gboolean
is_asked_for (FerryListReplica *self, guint64 position)
{
  for (guint i = 0; i < FERRY_LIST_MAX_FETCHES; i++)
    {
      const FerryRowFetch *fetch = &self->fetches[i];

      if (fetch->replica != NULL && position >= fetch->position && position - fetch->position < fetch->n_rows)
        return TRUE;
    }
  return FALSE;
}

static FerryRowFetch *
find_free (FerryListReplica *self)
{
  for (guint i = 0; i < FERRY_LIST_MAX_FETCHES; i++)
    if (self->fetches[i].replica == NULL)
      return &self->fetches[i];
  return NULL;
}

static void
ask (FerryListReplica *self, FerryRowFetch *fetch, guint64 position)
{
  fetch->replica = self;
  fetch->position = position - position % self->page_size;
  fetch->n_rows = (guint) MIN (self->page_size, self->length - fetch->position);
  fetch->handle = self->source->fetch (self->end, fetch->position, fetch->n_rows, answered_cb, fetch);
}

static gboolean
ask_cb (gpointer data)
{
  FerryListReplica *self = data;
  FerryListRow *row = ferry_row_table_peek_wish (&self->table);
  FerryRowFetch *fetch = find_free (self);

  g_clear_pointer (&self->asking, g_source_unref);
  g_main_context_push_thread_default (self->context);
  for (; self->following && row != NULL && fetch != NULL; row = ferry_row_table_next_wish (&self->table, row))
    {
      guint64 position = ferry_row_table_get_position (row);

      if (is_asked_for (self, position))
        continue;
      ask (self, fetch, position);
      fetch = find_free (self);
    }
  g_main_context_pop_thread_default (self->context);
  return G_SOURCE_REMOVE;
}

void
ferry_list_replica_schedule (FerryListReplica *self)
{
  if (self->asking != NULL || ferry_row_table_peek_wish (&self->table) == NULL || find_free (self) == NULL)
    return;
  self->asking = g_idle_source_new ();
  g_source_set_priority (self->asking, G_PRIORITY_DEFAULT);
  g_source_set_static_name (self->asking, "[ferry] rows that are wished for");
  g_source_set_callback (self->asking, ask_cb, self, NULL);
  g_source_attach (self->asking, self->context);
}
