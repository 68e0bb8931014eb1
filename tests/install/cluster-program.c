/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A program of an application that uses a cluster. */

#include <ferry-cluster.h>

int
main (void)
{
  g_autoptr (FerryRouter) router = ferry_router_new (NULL);
  g_autoptr (FerryCluster) cluster = ferry_cluster_new (router, "nats://localhost", "app");
  g_autoptr (GEnumClass) states = g_type_class_ref (FERRY_TYPE_CLUSTER_STATE);

  g_return_val_if_fail (FERRY_IS_RUNNER (cluster), 1);
  g_print ("%s\n", g_enum_get_value (states, FERRY_CLUSTER_STATE_RECONNECTING)->value_nick);
  return 0;
}
