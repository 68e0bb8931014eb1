/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "bench-lines.h"

/* ---- an item ---- */

#define BENCH_TYPE_LINE (bench_line_get_type ())

G_DECLARE_FINAL_TYPE (BenchLine, bench_line, BENCH, LINE, GObject)

struct _BenchLine
{
  GObject parent_instance;

  GVariant *value; /* (owned) */
};

G_DEFINE_FINAL_TYPE (BenchLine, bench_line, G_TYPE_OBJECT)

static void
bench_line_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  g_value_set_variant (value, BENCH_LINE (object)->value);
}

static void
bench_line_finalize (GObject *object)
{
  g_variant_unref (BENCH_LINE (object)->value);

  G_OBJECT_CLASS (bench_line_parent_class)->finalize (object);
}

static void
bench_line_class_init (BenchLineClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = bench_line_get_property;
  object_class->finalize = bench_line_finalize;
  g_object_class_install_property (
    object_class, 1,
    g_param_spec_variant ("value", NULL, NULL, G_VARIANT_TYPE_ANY, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

static void
bench_line_init (BenchLine *self)
{
}

/* ---- the list ---- */

struct _BenchLines
{
  GObject parent_instance;

  guint length;
};

static GType
get_item_type (GListModel *model)
{
  return BENCH_TYPE_LINE;
}

static guint
get_n_items (GListModel *model)
{
  return BENCH_LINES (model)->length;
}

static gpointer
get_item (GListModel *model, guint position)
{
  BenchLine *line;

  if (position >= BENCH_LINES (model)->length)
    return NULL;
  line = g_object_new (BENCH_TYPE_LINE, NULL);
  line->value = g_variant_ref_sink (g_variant_new_take_string (bench_lines_create_text (position)));
  return line;
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (BenchLines, bench_lines, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

static void
bench_lines_class_init (BenchLinesClass *klass)
{
}

static void
bench_lines_init (BenchLines *self)
{
}

BenchLines *
bench_lines_new (guint length)
{
  BenchLines *self = g_object_new (BENCH_TYPE_LINES, NULL);

  self->length = length;
  return self;
}

char *
bench_lines_create_text (guint position)
{
  return g_strdup_printf ("This is line %u of many", position);
}

GVariant *
bench_lines_get_row (gpointer item, gpointer user_data)
{
  return g_variant_ref (BENCH_LINE (item)->value);
}
