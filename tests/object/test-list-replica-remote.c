/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-list-replica.c
 *
 * A replica of an exported list of a million rows. */

#include "config.h"

#include "object/number-list.h"
#include "property-test.h"

#define LENGTH 1000000
#define N_SEEN 40

typedef struct
{
  FerryTransport *ends[2];
  FerryExporter *exporter;
  NumberList *list;
  FerryProxy *proxy;
  FerryListReplica *replica;
  guint n_items; /* by what items-changed said */
  guint n_changed;
  GPtrArray *held; /* (element-type FerryListRow) (owned) */
} Remote;

static void
items_changed_cb (GListModel *model, guint position, guint n_removed, guint n_added, Remote *self)
{
  g_assert_cmpuint (position, <=, self->n_items);
  g_assert_cmpuint (n_removed, <=, self->n_items - position);
  self->n_items = self->n_items - n_removed + n_added;
  g_assert_cmpuint (g_list_model_get_n_items (model), ==, self->n_items);
  self->n_changed++;
}

static gboolean
has_length (gpointer data)
{
  Remote *self = data;

  return ferry_test_get_number (self->replica, "following") &&
         self->n_items == g_list_model_get_n_items (G_LIST_MODEL (self->list));
}

static void
export_list (Remote *self)
{
  g_autoptr (FerryInterface) interface = ferry_interface_new ("ferry.test.Numbers", NUMBER_TYPE_LIST);
  g_autoptr (GError) error = NULL;

  ferry_interface_set_list (interface, number_list_get_row, NULL, NULL);
  self->exporter = ferry_exporter_new ();
  ferry_exporter_set_context (self->exporter, g_main_context_default ());
  ferry_exporter_export (self->exporter, "numbers", G_OBJECT (self->list), interface, FERRY_CALL_POLICY_SERIAL, &error);
  g_assert_no_error (error);
  ferry_exporter_add_transport (self->exporter, self->ends[1], &error);
  g_assert_no_error (error);
  ferry_exporter_start (self->exporter);
}

static Remote *
remote_new (guint length)
{
  Remote *self = g_new0 (Remote, 1);

  ferry_transport_new_pair (&self->ends[0], &self->ends[1]);
  self->list = number_list_new (length);
  export_list (self);
  self->held = g_ptr_array_new_with_free_func (g_object_unref);
  self->proxy = ferry_proxy_new (self->ends[0], "numbers");
  self->replica = ferry_list_replica_new (self->proxy);
  g_signal_connect (self->replica, "items-changed", G_CALLBACK (items_changed_cb), self);
  ferry_test_run_until (has_length, self);
  return self;
}

static void
remote_free (Remote *self)
{
  g_autoptr (FerryProxy) proxy = NULL;

  property_test_assert_no_error (self->replica);
  g_object_get (self->replica, "proxy", &proxy, NULL);
  g_assert_true (proxy == self->proxy);
  g_assert_finalize_object (self->replica);
  g_ptr_array_unref (self->held);
  g_clear_object (&self->proxy);
  ferry_exporter_stop (self->exporter, FERRY_STOP_MODE_REFUSE);
  g_clear_object (&self->exporter);
  g_clear_object (&self->list);
  for (guint i = 0; i < 2; i++)
    {
      ferry_transport_close (self->ends[i]);
      ferry_transport_wait_closed (self->ends[i]);
      g_object_unref (self->ends[i]);
    }
  g_free (self);
}

/* ---- a region ---- */

typedef struct
{
  Remote *remote;
  guint start;
} Region;

static gboolean
is_right (gpointer data)
{
  const Region *self = data;
  GListModel *model = G_LIST_MODEL (self->remote->replica);

  if (!has_length (self->remote))
    return FALSE;
  for (guint i = self->start; i < self->start + N_SEEN; i++)
    {
      FerryListRow *row = g_list_model_get_item (model, i);

      g_ptr_array_add (self->remote->held, row);
      if (!ferry_list_row_get_loaded (row) ||
          g_variant_get_uint64 (ferry_list_row_get_value (row)) != number_list_get (self->remote->list, i))
        return FALSE;
    }
  return TRUE;
}

static void
see (Remote *remote, guint start)
{
  Region region = {remote, start};

  ferry_test_run_until (is_right, &region);
  g_ptr_array_set_size (remote->held, 0);
}

static void
see_regions (Remote *remote)
{
  see (remote, 0);
  see (remote, g_list_model_get_n_items (G_LIST_MODEL (remote->list)) / 2);
  see (remote, g_list_model_get_n_items (G_LIST_MODEL (remote->list)) - N_SEEN);
}

static void
test_regions (void)
{
  Remote *remote = remote_new (LENGTH);

  see_regions (remote);
  g_assert_cmpuint (remote->n_changed, ==, 1);
  g_assert_cmpuint (number_list_get_n_made (remote->list), <, 1000);
  remote_free (remote);
}

static void
test_changes (void)
{
  Remote *remote = remote_new (LENGTH);

  see_regions (remote);
  for (guint i = 0; i < 100; i++)
    number_list_splice (remote->list, LENGTH + i, 0, 1);
  see_regions (remote);
  number_list_splice (remote->list, 10, 5, 700);
  number_list_splice (remote->list, LENGTH / 2, 1000, 1000);
  see_regions (remote);
  number_list_splice (remote->list, 0, g_list_model_get_n_items (G_LIST_MODEL (remote->list)), 0);
  ferry_test_run_until (has_length, remote);
  number_list_splice (remote->list, 0, 0, LENGTH);
  see_regions (remote);
  remote_free (remote);
}

/* Changes while answers are under way, from a seed. */
static void
test_storm (void)
{
  Remote *remote = remote_new (10000);

  for (guint i = 0; i < 2000; i++)
    {
      guint length = g_list_model_get_n_items (G_LIST_MODEL (remote->list));
      guint position = (guint) g_test_rand_int_range (0, (gint32) length - 10);

      number_list_splice (remote->list, position, (guint) g_test_rand_int_range (0, 10),
                          (guint) g_test_rand_int_range (0, 11));
      g_ptr_array_add (remote->held, g_list_model_get_item (G_LIST_MODEL (remote->replica), position / 2));
      if (i % 7 == 0)
        g_main_context_iteration (NULL, FALSE);
      if (i % 100 == 0)
        see_regions (remote);
    }
  see_regions (remote);
  remote_free (remote);
}

static gboolean
is_silent (gpointer data)
{
  Remote *self = data;

  return !ferry_test_get_number (self->replica, "following");
}

static void
test_stop (void)
{
  Remote *remote = remote_new (LENGTH);
  g_autoptr (FerryListRow) row = NULL;
  guint n_changed;

  see_regions (remote);
  row = g_list_model_get_item (G_LIST_MODEL (remote->replica), 7);
  ferry_exporter_stop (remote->exporter, FERRY_STOP_MODE_DRAIN);
  ferry_test_run_until (is_silent, remote);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (remote->replica)), ==, LENGTH);
  g_assert_true (ferry_list_row_get_loaded (row));
  number_list_splice (remote->list, 0, 500, 0);
  n_changed = remote->n_changed;
  ferry_exporter_start (remote->exporter);
  ferry_test_run_until (has_length, remote);
  g_assert_cmpuint (remote->n_changed, ==, n_changed + 1);
  g_assert_cmpuint (g_variant_get_uint64 (ferry_list_row_get_value (row)), ==, 7);
  see_regions (remote);
  remote_free (remote);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/list-replica-remote/has-a-million-rows-and-asks-for-few", test_regions);
  g_test_add_func ("/list-replica-remote/follows-appending-splicing-and-clearing", test_changes);
  g_test_add_func ("/list-replica-remote/is-right-after-a-storm-of-changes", test_storm);
  g_test_add_func ("/list-replica-remote/is-replaced-after-the-exporter-was-stopped", test_stop);
  return g_test_run ();
}
