/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A replica of a list of as many rows, all of which are held: loaded, replaced, added and removed in the
 * middle, and let go. Both ends run in the main loop. */

#include "config.h"

#include "bench-scale.h"

#include <ferry-objects.h>

#include "bench-gauge.h"
#include "bench-team.h"

#define BASE 10
#define NAME "rows"

typedef struct
{
  BenchScale *scale;
  guint count;
  FerryTransport *here, *there; /* (owned) */
  FerryExporter *exporter;      /* (owned) */
  GListStore *store;            /* (owned) (element-type BenchGauge) */
  FerryProxy *proxy;            /* (owned) */
  FerryListReplica *replica;    /* (owned) */
  GPtrArray *rows;              /* (owned) (element-type FerryListRow) */
  guint n_loaded;
  guint length;
} Rows;

static GVariant *
get_row (gpointer item, gpointer user_data)
{
  return g_variant_ref_sink (g_variant_new_int32 (bench_gauge_get_value (item)));
}

static GObject *
create_item (guint value)
{
  return g_object_new (BENCH_TYPE_GAUGE, "value", (int) value, NULL);
}

static void
loaded_cb (FerryListRow *row, GParamSpec *pspec, Rows *self)
{
  self->n_loaded++;
}

/* Holds the row at a position. */
static void
look_at (Rows *self, guint position)
{
  FerryListRow *row = g_list_model_get_item (G_LIST_MODEL (self->replica), position);

  if (row == NULL)
    bench_fail ("a row", NULL);
  if (ferry_list_row_get_loaded (row))
    self->n_loaded++;
  else
    g_signal_connect (row, "notify::value", G_CALLBACK (loaded_cb), self);
  g_ptr_array_add (self->rows, row);
}

static void
changed_cb (GListModel *model, guint position, guint n_removed, guint n_added, Rows *self)
{
  self->length += n_added - n_removed;
}

static void
open (Rows *self, BenchScale *scale, guint count)
{
  g_autoptr (FerryInterface) interface = ferry_interface_new ("org.example.Rows", G_TYPE_LIST_STORE);
  g_autoptr (GError) error = NULL;

  *self = (Rows){.scale = scale,
                 .count = count,
                 .exporter = ferry_exporter_new (),
                 .store = g_list_store_new (BENCH_TYPE_GAUGE),
                 .rows = g_ptr_array_new_with_free_func (g_object_unref)};
  for (guint i = 0; i < count; i++)
    {
      g_autoptr (GObject) item = create_item (i);

      g_list_store_append (self->store, item);
    }
  ferry_interface_set_list (interface, get_row, NULL, NULL);
  ferry_transport_new_pair (&self->here, &self->there);
  ferry_exporter_set_context (self->exporter, NULL);
  if (!ferry_exporter_export (self->exporter, NAME, G_OBJECT (self->store), interface, FERRY_CALL_POLICY_SERIAL,
                              &error) ||
      !ferry_exporter_add_transport (self->exporter, self->there, &error))
    bench_fail ("a list", error);
  ferry_exporter_start (self->exporter);
}

static void
follow (Rows *self)
{
  bench_scale_begin (self->scale);
  self->proxy = ferry_proxy_new (self->here, NAME);
  self->replica = ferry_list_replica_new (self->proxy);
  g_signal_connect (self->replica, "items-changed", G_CALLBACK (changed_cb), self);
  bench_scale_run_until (&self->length, self->count);
  bench_scale_end (self->scale, "follow");
}

static void
load_all (Rows *self)
{
  bench_scale_begin (self->scale);
  for (guint i = 0; i < self->count; i++)
    look_at (self, i);
  bench_scale_run_until (&self->n_loaded, self->count);
  bench_scale_end (self->scale, "load");
}

static void
wait_for_length (Rows *self)
{
  while (self->length != g_list_model_get_n_items (G_LIST_MODEL (self->store)))
    g_main_context_iteration (NULL, TRUE);
}

/* Each row by a change of its own; the row that is added tells that all changes have come. */
static void
replace_all (Rows *self)
{
  g_autoptr (GObject) last = create_item (self->count);

  self->n_loaded = 0;
  bench_scale_begin (self->scale);
  for (guint i = 0; i < self->count; i++)
    {
      g_autoptr (GObject) item = create_item (i);

      g_list_store_splice (self->store, bench_scale_shuffle (i, self->count), 1, (gpointer *) &item, 1);
    }
  g_list_store_append (self->store, last);
  wait_for_length (self);
  bench_scale_end (self->scale, "replace");
  bench_scale_begin (self->scale);
  g_ptr_array_set_size (self->rows, 0);
  for (guint i = 0; i < self->count; i++)
    look_at (self, i);
  bench_scale_run_until (&self->n_loaded, self->count);
  bench_scale_end (self->scale, "load-again");
}

/* Half as many changes at once as there are rows. */
static void
add_and_remove (Rows *self)
{
  bench_scale_begin (self->scale);
  for (guint i = 0; i < self->count / 2; i++)
    {
      g_autoptr (GObject) item = create_item (i);

      g_list_store_insert (self->store, bench_scale_shuffle (i, self->count), item);
    }
  wait_for_length (self);
  bench_scale_end (self->scale, "add");
  bench_scale_begin (self->scale);
  for (guint i = 0; i < self->count / 2; i++)
    g_list_store_remove (self->store, bench_scale_shuffle (i, self->count));
  wait_for_length (self);
  bench_scale_end (self->scale, "remove");
}

static void
let_go (Rows *self)
{
  bench_scale_begin (self->scale);
  g_ptr_array_unref (self->rows);
  g_object_unref (self->replica);
  g_object_unref (self->proxy);
  bench_scale_run_until_released (self->exporter);
  bench_scale_end (self->scale, "let-go");
}

static void
run (BenchScale *scale, guint count)
{
  Rows self;

  open (&self, scale, count);
  bench_scale_begin_memory (scale);
  follow (&self);
  load_all (&self);
  bench_scale_end_memory (scale, FALSE);
  replace_all (&self);
  add_and_remove (&self);
  let_go (&self);
  g_object_unref (self.exporter);
  ferry_transport_close (self.here);
  g_object_unref (self.here);
  g_object_unref (self.there);
  g_object_unref (self.store);
}

const BenchThing bench_scale_rows = {"rows", BASE, run};
