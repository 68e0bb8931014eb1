/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "bench-echoer.h"

struct _BenchEchoer
{
  GObject parent_instance;
};

G_DEFINE_FINAL_TYPE (BenchEchoer, bench_echoer, G_TYPE_OBJECT)

static void
bench_echoer_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  g_value_set_static_string (value, BENCH_ECHOER_TEXT);
}

static void
bench_echoer_class_init (BenchEchoerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = bench_echoer_get_property;
  g_object_class_install_property (
    object_class, 1, g_param_spec_string ("text", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

static void
bench_echoer_init (BenchEchoer *self)
{
}

static void
echo (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  ferry_invocation_return_value (invocation, ferry_invocation_get_arguments (invocation));
}

static void
get_self (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  ferry_invocation_return_object (invocation, object);
}

FerryInterface *
bench_echoer_create_interface (void)
{
  FerryInterface *self = ferry_interface_new ("org.example.Bench", BENCH_TYPE_ECHOER);

  ferry_interface_add_method (self, "echo", "ay", "ay", echo, NULL, NULL);
  ferry_interface_add_method (self, "get_self", "", "o", get_self, NULL, NULL);
  ferry_interface_add_property (self, "text", G_DBUS_PROPERTY_INFO_FLAGS_READABLE);
  return self;
}
