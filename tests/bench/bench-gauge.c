/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "bench-gauge.h"

struct _BenchGauge
{
  GObject parent_instance;

  int value;
};

static GParamSpec *value_pspec;

G_DEFINE_FINAL_TYPE (BenchGauge, bench_gauge, G_TYPE_OBJECT)

void
bench_gauge_set_value (BenchGauge *self, int value)
{
  self->value = value;
  g_object_notify_by_pspec (G_OBJECT (self), value_pspec);
}

int
bench_gauge_get_value (BenchGauge *self)
{
  return self->value;
}

static void
bench_gauge_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  g_value_set_int (value, BENCH_GAUGE (object)->value);
}

static void
bench_gauge_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  bench_gauge_set_value (BENCH_GAUGE (object), g_value_get_int (value));
}

static void
bench_gauge_class_init (BenchGaugeClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = bench_gauge_get_property;
  object_class->set_property = bench_gauge_set_property;
  value_pspec = g_param_spec_int ("value", NULL, NULL, 0, G_MAXINT, 0,
                                  G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_property (object_class, 1, value_pspec);
}

static void
bench_gauge_init (BenchGauge *self)
{
}
