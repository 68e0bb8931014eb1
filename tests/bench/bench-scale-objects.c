/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* As many exported objects, and a proxy for each in the same process: exported, called, followed, changed, let go, and
 * exported no longer. Both ends run in the main loop. */

#include "config.h"

#include "bench-scale.h"

#include "bench-gauge.h"
#include "bench-listening.h"
#include "bench-team.h"

typedef struct
{
  BenchScale *scale;
  guint count;
  FerryTransport *here, *there; /* (owned) */
  FerryExporter *exporter;      /* (owned) */
  FerryInterface *interface;    /* (owned) */
  GPtrArray *objects;           /* (owned) (element-type BenchGauge) */
  GPtrArray *proxies;           /* (owned) (element-type FerryProxy) */
  guint n_answers;
  guint n_told;
} Objects;

static void
read_value (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  ferry_invocation_return_value (invocation, g_variant_new ("(i)", bench_gauge_get_value (object)));
}

static void
told_cb (FerryProxy *proxy, const char *property, GVariant *value, Objects *self)
{
  self->n_told++;
}

static void
answer_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (!ferry_proxy_call_finish (FERRY_PROXY (source), result, NULL, NULL, &error))
    bench_fail ("a call", error);
  ((Objects *) user_data)->n_answers++;
}

static void
open (Objects *self, BenchScale *scale, guint count)
{
  g_autoptr (GError) error = NULL;

  *self = (Objects){.scale = scale,
                    .count = count,
                    .exporter = ferry_exporter_new (),
                    .interface = ferry_interface_new ("org.example.Gauge", BENCH_TYPE_GAUGE),
                    .objects = g_ptr_array_new_with_free_func (g_object_unref),
                    .proxies = g_ptr_array_new_with_free_func (g_object_unref)};
  ferry_interface_add_method (self->interface, "read", "", "i", read_value, NULL, NULL);
  ferry_interface_add_property (self->interface, "value", G_DBUS_PROPERTY_INFO_FLAGS_READABLE);
  ferry_transport_new_pair (&self->here, &self->there);
  ferry_exporter_set_context (self->exporter, NULL);
  if (!ferry_exporter_add_transport (self->exporter, self->there, &error))
    bench_fail ("a transport", error);
  ferry_exporter_start (self->exporter);
}

static void
export_all (Objects *self)
{
  bench_scale_begin (self->scale);
  for (guint i = 0; i < self->count; i++)
    {
      g_autofree char *name = g_strdup_printf ("gauge-%u", i);
      GObject *object = g_object_new (BENCH_TYPE_GAUGE, NULL);
      g_autoptr (GError) error = NULL;

      g_ptr_array_add (self->objects, object);
      if (!ferry_exporter_export (self->exporter, name, object, self->interface, FERRY_CALL_POLICY_SERIAL, &error))
        bench_fail ("an object", error);
    }
  bench_scale_end (self->scale, "export");
}

static void
make_proxies (Objects *self)
{
  bench_scale_begin (self->scale);
  for (guint i = 0; i < self->count; i++)
    {
      g_autofree char *name = g_strdup_printf ("gauge-%u", i);
      FerryProxy *proxy = ferry_proxy_new (self->here, name);

      g_ptr_array_add (self->proxies, proxy);
      g_signal_connect (proxy, "changed", G_CALLBACK (told_cb), self);
    }
  bench_wait_until_listening (self->proxies->pdata[0]);
  bench_scale_end (self->scale, "proxies");
}

/* A few at a time, as an exporter has a limit for what it is asked at once. */
static void
call_all (Objects *self)
{
  bench_scale_begin (self->scale);
  for (guint i = 0; i < self->count; i++)
    {
      ferry_proxy_call_async (self->proxies->pdata[bench_scale_shuffle (i, self->count)], "read", NULL, -1, NULL,
                              answer_cb, self);
      if (i >= 50)
        bench_scale_run_until (&self->n_answers, i - 50);
    }
  bench_scale_run_until (&self->n_answers, self->count);
  bench_scale_end (self->scale, "call");
}

static gboolean
has_value (FerryProxy *proxy)
{
  g_autoptr (GVariant) value = ferry_proxy_dup_cached (proxy, "value");

  return value != NULL;
}

static void
follow_all (Objects *self)
{
  bench_scale_begin (self->scale);
  for (guint i = 0; i < self->count; i++)
    ferry_proxy_follow (self->proxies->pdata[i], (const char *const[]){"value", NULL}, NULL);
  for (guint i = 0; i < self->count; i++)
    while (!has_value (self->proxies->pdata[i]))
      g_main_context_iteration (NULL, TRUE);
  bench_scale_end (self->scale, "follow");
}

static void
change_all (Objects *self)
{
  const guint before = self->n_told;

  bench_scale_begin (self->scale);
  for (guint i = 0; i < self->count; i++)
    bench_gauge_set_value (self->objects->pdata[bench_scale_shuffle (i, self->count)], (int) i + 1);
  bench_scale_run_until (&self->n_told, before + self->count);
  bench_scale_end (self->scale, "change");
}

/* Objects that come and go beside those that are followed. */
static void
add_names (Objects *self)
{
  g_autoptr (GObject) object = g_object_new (BENCH_TYPE_GAUGE, NULL);

  bench_scale_begin (self->scale);
  for (guint i = 0; i < self->count; i++)
    {
      g_autofree char *name = g_strdup_printf ("gauge-%u-too", i);
      g_autoptr (GError) error = NULL;

      if (!ferry_exporter_export (self->exporter, name, object, self->interface, FERRY_CALL_POLICY_SERIAL, &error) ||
          !ferry_exporter_unexport (self->exporter, name))
        bench_fail ("another object", error);
      while (g_main_context_iteration (NULL, FALSE))
        ;
    }
  bench_scale_end (self->scale, "names");
}

/* Whether the exporter listens to the object, since another process follows it. */
static gboolean
is_watched (gpointer object)
{
  return g_signal_handler_find (object, G_SIGNAL_MATCH_ID | G_SIGNAL_MATCH_DETAIL,
                                g_signal_lookup ("notify", G_TYPE_OBJECT), g_quark_from_static_string ("value"), NULL,
                                NULL, NULL) != 0;
}

/* Until the exporter has dropped all references and has ended all streams. */
static void
let_go_all (Objects *self)
{
  bench_scale_begin (self->scale);
  for (guint i = 0; i < self->count; i++)
    g_clear_object ((FerryProxy **) &self->proxies->pdata[bench_scale_shuffle (i, self->count)]);
  bench_scale_run_until_released (self->exporter);
  for (guint i = 0; i < self->count; i++)
    while (is_watched (self->objects->pdata[i]))
      g_main_context_iteration (NULL, FALSE);
  bench_scale_end (self->scale, "let-go");
}

static void
unexport_all (Objects *self)
{
  bench_scale_begin (self->scale);
  for (guint i = 0; i < self->count; i++)
    {
      g_autofree char *name = g_strdup_printf ("gauge-%u", bench_scale_shuffle (i, self->count));

      if (!ferry_exporter_unexport (self->exporter, name))
        bench_fail ("an object's end", NULL);
    }
  bench_scale_end (self->scale, "unexport");
}

static void
close_all (Objects *self)
{
  g_ptr_array_set_free_func (self->proxies, NULL);
  g_ptr_array_unref (self->proxies);
  g_ptr_array_unref (self->objects);
  g_object_unref (self->exporter);
  g_object_unref (self->interface);
  ferry_transport_close (self->here);
  g_object_unref (self->here);
  g_object_unref (self->there);
}

static void
run_objects (BenchScale *scale, guint count)
{
  Objects self;

  open (&self, scale, count);
  bench_scale_begin_memory (scale);
  export_all (&self);
  make_proxies (&self);
  call_all (&self);
  bench_scale_end_memory (scale, FALSE);
  let_go_all (&self);
  unexport_all (&self);
  close_all (&self);
}

/* An exporter takes 1,024 subscriptions of one transport. */
static void
run_followed (BenchScale *scale, guint count)
{
  Objects self;

  open (&self, scale, count);
  export_all (&self);
  make_proxies (&self);
  bench_scale_begin_memory (scale);
  follow_all (&self);
  bench_scale_end_memory (scale, FALSE);
  change_all (&self);
  add_names (&self);
  let_go_all (&self);
  unexport_all (&self);
  close_all (&self);
}

const BenchThing bench_scale_objects = {"objects", 10, run_objects};
const BenchThing bench_scale_followed = {"followed", 1, run_followed};
