/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* See list-test.h. */

#include "config.h"

#include "object/list-test.h"

#include "object/ferry-list-replica-private.h"

typedef struct
{
  GVariant *item; /* (owned) (nullable): NULL for silence */
  gboolean is_first;
  gboolean for_ever;
  GQueue seen; /* (element-type ListTestChange) (owned): what of it is to be seen */
} Event;

/* ---- changes ---- */

static ListTestChange *
change_new (ListTest *self, guint64 position, guint64 n_removed, guint64 n_added)
{
  ListTestChange *change = g_new0 (ListTestChange, 1);

  change->revision = self->revision;
  change->position = position;
  change->n_removed = n_removed;
  change->added = g_array_new (FALSE, FALSE, sizeof (guint64));
  if (n_added > 0)
    g_array_append_vals (change->added, &g_array_index (self->numbers, guint64, position), (guint) n_added);
  return change;
}

static void
change_free (gpointer data)
{
  ListTestChange *change = data;

  g_array_unref (change->added);
  g_free (change);
}

static void
event_free (gpointer data)
{
  Event *event = data;

  g_clear_pointer (&event->item, g_variant_unref);
  g_queue_clear_full (&event->seen, change_free);
  g_free (event);
}

static void
fill (ListTest *self, guint64 position, guint64 n_rows)
{
  g_autofree guint64 *numbers = g_new (guint64, n_rows + 1);

  for (guint64 i = 0; i < n_rows; i++)
    numbers[i] = self->next_number++;
  g_array_insert_vals (self->numbers, (guint) position, numbers, (guint) n_rows);
}

void
list_test_splice (ListTest *self, guint64 position, guint64 n_removed, guint64 n_added)
{
  if (n_removed > 0)
    g_array_remove_range (self->numbers, (guint) position, (guint) n_removed);
  if (n_added > 0)
    fill (self, position, n_added);
  self->revision++;
  g_queue_push_tail (&self->changes, change_new (self, position, n_removed, n_added));
}

void
list_test_join (ListTest *self)
{
  while (self->changes.length > 1)
    {
      ListTestChange *second = g_queue_pop_tail (&self->changes);
      ListTestChange *first = g_queue_pop_tail (&self->changes);
      guint64 start = MIN (first->position, second->position);
      guint64 end = MAX (first->position + first->added->len, second->position + second->n_removed);
      guint64 n_removed = end - start - first->added->len + first->n_removed;
      guint64 n_added = end - start - second->n_removed + second->added->len;

      g_queue_push_tail (&self->changes, change_new (self, start, n_removed, n_added));
      change_free (first);
      change_free (second);
    }
}

static GVariant *
make_item (const GQueue *changes, guint64 length)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(tttt)"));
  for (GList *link = changes->head; link != NULL; link = link->next)
    {
      const ListTestChange *change = link->data;

      g_variant_builder_add (&builder, "(tttt)", change->revision, change->position, change->n_removed,
                             (guint64) change->added->len);
    }
  return g_variant_ref_sink (
    g_variant_new ("(@a(stv)@a(sv)ta(tttt)t)", g_variant_new_array (G_VARIANT_TYPE ("(stv)"), NULL, 0),
                   g_variant_new_array (G_VARIANT_TYPE ("(sv)"), NULL, 0), (guint64) 0, &builder, length));
}

void
list_test_tell (ListTest *self)
{
  Event *event = g_new0 (Event, 1);

  event->item = make_item (&self->changes, 0);
  event->seen = self->changes;
  g_queue_init (&self->changes);
  g_queue_push_tail (&self->events, event);
}

void
list_test_begin (ListTest *self)
{
  Event *event = g_new0 (Event, 1);
  GQueue base = G_QUEUE_INIT;

  g_queue_clear_full (&self->changes, change_free);
  g_queue_push_tail (&base, change_new (self, 0, 0, 0));
  event->item = make_item (&base, self->numbers->len);
  event->is_first = TRUE;
  g_queue_clear_full (&base, change_free);
  g_queue_push_tail (&event->seen, change_new (self, 0, 0, self->numbers->len));
  g_queue_push_tail (&self->events, event);
}

void
list_test_fall_silent (ListTest *self, gboolean for_ever)
{
  Event *event = g_new0 (Event, 1);

  event->for_ever = for_ever;
  g_queue_push_tail (&self->events, event);
}

void
list_test_replace (ListTest *self, guint length)
{
  g_queue_clear_full (&self->changes, change_free);
  g_array_set_size (self->numbers, 0);
  fill (self, 0, length);
  self->revision = self->n_lists++ << 32;
}

/* ---- the source ---- */

static gpointer
open_subscription (gpointer end, const FerrySubscriptionFuncs *funcs, gpointer data)
{
  ListTest *self = end;

  g_assert_null (self->funcs);
  self->funcs = funcs;
  self->data = data;
  return self;
}

static void
close_subscription (gpointer subscription)
{
  ListTest *self = subscription;

  g_assert_nonnull (self->funcs);
  self->funcs = NULL;
}

static void
fetch_free (gpointer data)
{
  ListTestFetch *fetch = data;

  g_clear_pointer (&fetch->answer, g_variant_unref);
  g_free (fetch);
}

static gpointer
fetch_cb (gpointer end, guint64 position, guint n_rows, gpointer data)
{
  ListTest *self = end;
  ListTestFetch *fetch = g_new0 (ListTestFetch, 1);

  g_assert_cmpuint (n_rows, >, 0);
  fetch->test = self;
  fetch->position = position;
  fetch->n_rows = n_rows;
  fetch->data = data;
  g_ptr_array_add (self->fetches, fetch);
  self->n_asked++;
  self->most_fetches = MAX (self->most_fetches, self->fetches->len);
  return fetch;
}

static void
cancel (gpointer data)
{
  ListTestFetch *fetch = data;

  g_assert_true (g_ptr_array_remove (fetch->test->fetches, fetch));
}

static const FerryListSource source = {open_subscription, close_subscription, fetch_cb, cancel};

ListTestFetch *
list_test_get_fetch (ListTest *self, guint index)
{
  g_assert_cmpuint (index, <, self->fetches->len);
  return self->fetches->pdata[index];
}

void
list_test_read (ListTestFetch *fetch)
{
  GArray *numbers = fetch->test->numbers;
  GVariantBuilder rows;

  g_assert_null (fetch->answer);
  g_variant_builder_init (&rows, G_VARIANT_TYPE ("av"));
  for (guint64 i = fetch->position; i < MIN (fetch->position + fetch->n_rows, numbers->len); i++)
    g_variant_builder_add (&rows, "v", g_variant_new_uint64 (g_array_index (numbers, guint64, i)));
  fetch->answer = g_variant_ref_sink (g_variant_new ("(ttav)", fetch->test->revision, (guint64) numbers->len, &rows));
}

static void
end_fetch (ListTestFetch *fetch, GVariant *answer, const GError *error)
{
  GPtrArray *fetches = fetch->test->fetches;
  guint index;

  g_assert_true (g_ptr_array_find (fetches, fetch, &index));
  g_ptr_array_steal_index (fetches, index);
  ferry_list_replica_answer (fetch->data, answer, error);
  fetch_free (fetch);
}

void
list_test_answer (ListTestFetch *fetch)
{
  if (fetch->answer == NULL)
    list_test_read (fetch);
  end_fetch (fetch, fetch->answer, NULL);
}

void
list_test_answer_with (ListTestFetch *fetch, GVariant *answer)
{
  g_autoptr (GVariant) sunk = g_variant_ref_sink (answer);

  end_fetch (fetch, sunk, NULL);
}

void
list_test_fail (ListTestFetch *fetch)
{
  g_autoptr (GError) error = g_error_new (FERRY_ERROR, FERRY_ERROR_WORKER_LOST, "The list has gone");

  end_fetch (fetch, NULL, error);
}

gboolean
list_test_deliver (ListTest *self)
{
  g_autoptr (GError) reason = g_error_new (FERRY_ERROR, FERRY_ERROR_NOT_LISTENING, "The list is silent");
  Event *event = g_queue_pop_head (&self->events);
  ListTestChange *change;

  if (event == NULL)
    return FALSE;
  while ((change = g_queue_pop_head (&event->seen)) != NULL)
    {
      if (event->is_first)
        change->n_removed = self->cells->len;
      if (change->n_removed > 0 || change->added->len > 0)
        g_queue_push_tail (&self->expected, change);
      else
        change_free (change);
    }
  if (self->funcs != NULL && event->item != NULL)
    self->funcs->item (self->data, event->item, event->is_first);
  else if (self->funcs != NULL)
    self->funcs->silent (self->data, reason, event->for_ever);
  event_free (event);
  return TRUE;
}

void
list_test_give_item (ListTest *self, gboolean is_first, const char *text)
{
  g_autoptr (GVariant) item = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *whole = g_strdup_printf ("([], [], 0, %s)", text);

  item = g_variant_parse (G_VARIANT_TYPE (FERRY_SUBSCRIPTION_ITEM_TYPE), whole, NULL, NULL, &error);
  g_assert_no_error (error);
  self->funcs->item (self->data, item, is_first);
}

void
list_test_turn (ListTest *self)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

void
list_test_settle (ListTest *self)
{
  list_test_tell (self);
  do
    {
      while (list_test_deliver (self))
        ;
      while (self->fetches->len > 0)
        list_test_answer (list_test_get_fetch (self, 0));
      list_test_turn (self);
    }
  while (self->events.length > 0 || self->fetches->len > 0);
}

/* ---- the witness ---- */

static ListTestCell *
get_cell (ListTest *self, guint position)
{
  g_assert_cmpuint (position, <, self->cells->len);
  return &g_array_index (self->cells, ListTestCell, position);
}

static void
value_cb (FerryListRow *row, GParamSpec *pspec, ListTest *self)
{
  g_assert_true (ferry_list_row_get_loaded (row));
  self->n_loaded++;
}

static void
release (ListTest *self, FerryListRow *row)
{
  if (row == NULL)
    return;
  g_signal_handlers_disconnect_by_func (row, value_cb, self);
  g_object_unref (row);
}

/* The rows that went are released at the end, when the cells are right. */
static void
items_changed_cb (GListModel *model, guint position, guint n_removed, guint n_added, ListTest *self)
{
  ListTestChange *change = g_queue_pop_head (&self->expected);
  g_autofree ListTestCell *added = NULL;
  g_autofree ListTestCell *gone = NULL;

  self->n_changed++;
  if (self->blind)
    return;
  added = g_new0 (ListTestCell, n_added + 1);
  gone = g_new0 (ListTestCell, n_removed + 1);
  g_assert_nonnull (change);
  g_assert_cmpuint (position, ==, change->position);
  g_assert_cmpuint (n_removed, ==, change->n_removed);
  g_assert_cmpuint (n_added, ==, change->added->len);
  for (guint i = 0; i < n_added; i++)
    added[i].number = g_array_index (change->added, guint64, i);
  for (guint i = 0; i < n_removed; i++)
    {
      gone[i] = *get_cell (self, position + i);
      get_cell (self, position + i)->row = NULL;
    }
  if (n_removed > 0)
    g_array_remove_range (self->cells, position, n_removed);
  if (n_added > 0)
    g_array_insert_vals (self->cells, position, added, n_added);
  g_assert_cmpuint (g_list_model_get_n_items (model), ==, self->cells->len);
  change_free (change);
  for (guint i = 0; i < n_removed; i++)
    release (self, gone[i].row);
}

void
list_test_assert_right (ListTest *self, guint position)
{
  const ListTestCell *cell = get_cell (self, position);
  g_autoptr (FerryListRow) row = g_list_model_get_item (G_LIST_MODEL (self->replica), position);

  g_assert_true (FERRY_IS_LIST_ROW (row));
  if (cell->row != NULL)
    g_assert_true (row == cell->row);
  if (ferry_list_row_get_loaded (row))
    g_assert_cmpuint (g_variant_get_uint64 (ferry_list_row_get_value (row)), ==, cell->number);
  else
    g_assert_null (ferry_list_row_get_value (row));
}

FerryListRow *
list_test_look (ListTest *self, guint position)
{
  ListTestCell *cell = get_cell (self, position);

  list_test_assert_right (self, position);
  if (cell->row == NULL)
    {
      cell->row = g_list_model_get_item (G_LIST_MODEL (self->replica), position);
      g_signal_connect (cell->row, "notify::value", G_CALLBACK (value_cb), self);
    }
  return cell->row;
}

gboolean
list_test_is_loaded (ListTest *self, guint position)
{
  return ferry_list_row_get_loaded (list_test_look (self, position));
}

void
list_test_count_cb (GObject *object, GParamSpec *pspec, guint *n)
{
  ++*n;
}

void
list_test_look_away (ListTest *self, guint position)
{
  release (self, g_steal_pointer (&get_cell (self, position)->row));
}

/* The replica has what the remote list has. */
void
list_test_assert_all_right (ListTest *self)
{
  g_assert_cmpuint (self->cells->len, ==, self->numbers->len);
  for (guint i = 0; i < self->cells->len; i++)
    {
      const ListTestCell *cell = get_cell (self, i);

      g_assert_cmpuint (cell->number, ==, g_array_index (self->numbers, guint64, i));
      if (cell->row == NULL)
        continue;
      g_assert_true (ferry_list_row_get_loaded (cell->row));
      list_test_assert_right (self, i);
    }
}

ListTest *
list_test_new (guint length)
{
  ListTest *self = g_new0 (ListTest, 1);

  self->numbers = g_array_new (FALSE, FALSE, sizeof (guint64));
  self->fetches = g_ptr_array_new_with_free_func (fetch_free);
  self->cells = g_array_new (FALSE, FALSE, sizeof (ListTestCell));
  list_test_replace (self, length);
  self->replica = ferry_list_replica_new_from (&source, self);
  g_signal_connect (self->replica, "items-changed", G_CALLBACK (items_changed_cb), self);
  return self;
}

ListTest *
list_test_new_begun (guint length)
{
  ListTest *self = list_test_new (length);

  list_test_begin (self);
  list_test_deliver (self);
  return self;
}

void
list_test_free (ListTest *self)
{
  if (self->replica != NULL)
    g_assert_finalize_object (g_steal_pointer (&self->replica));
  g_assert_null (self->funcs);
  g_assert_cmpuint (self->fetches->len, ==, 0);
  g_assert_false (g_main_context_pending (NULL));
  for (guint i = 0; i < self->cells->len; i++)
    list_test_look_away (self, i);
  g_array_unref (self->cells);
  g_array_unref (self->numbers);
  g_ptr_array_unref (self->fetches);
  g_queue_clear_full (&self->changes, change_free);
  g_queue_clear_full (&self->expected, change_free);
  g_queue_clear_full (&self->events, event_free);
  g_free (self);
}
