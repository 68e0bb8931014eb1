/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "object/ferry-demo-heat-replica.h"

struct _FerryDemoHeatReplica
{
  GObject parent_instance;

  GValue values[FERRY_DEMO_HEAT_N_PROPS]; /* by the property's number */
};

static GParamSpec *properties[FERRY_DEMO_HEAT_N_PROPS];

G_DEFINE_FINAL_TYPE (FerryDemoHeatReplica, ferry_demo_heat_replica, G_TYPE_OBJECT)

static void
ferry_demo_heat_replica_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  g_value_copy (&FERRY_DEMO_HEAT_REPLICA (object)->values[id], value);
}

static void
ferry_demo_heat_replica_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GValue *kept = &FERRY_DEMO_HEAT_REPLICA (object)->values[id];

  if (g_param_values_cmp (pspec, kept, value) == 0)
    return;
  g_value_copy (value, kept);
  g_object_notify_by_pspec (object, pspec);
}

static void
ferry_demo_heat_replica_finalize (GObject *object)
{
  FerryDemoHeatReplica *self = FERRY_DEMO_HEAT_REPLICA (object);

  for (guint id = 1; id < FERRY_DEMO_HEAT_N_PROPS; id++)
    g_value_unset (&self->values[id]);
  G_OBJECT_CLASS (ferry_demo_heat_replica_parent_class)->finalize (object);
}

static void
ferry_demo_heat_replica_class_init (FerryDemoHeatReplicaClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = ferry_demo_heat_replica_get_property;
  object_class->set_property = ferry_demo_heat_replica_set_property;
  object_class->finalize = ferry_demo_heat_replica_finalize;
  ferry_demo_heat_install_properties (object_class, properties, G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY);
}

static void
ferry_demo_heat_replica_init (FerryDemoHeatReplica *self)
{
  for (guint id = 1; id < FERRY_DEMO_HEAT_N_PROPS; id++)
    {
      g_value_init (&self->values[id], G_PARAM_SPEC_VALUE_TYPE (properties[id]));
      g_param_value_set_default (properties[id], &self->values[id]);
    }
}
