/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: cluster/ferry-cluster-state.h
 *
 * What windows and logs show of a cluster's state. */

#include "config.h"

#include "ferry-cluster.h"

static void
test_states_have_names (void)
{
  g_autoptr (GEnumClass) states = g_type_class_ref (FERRY_TYPE_CLUSTER_STATE);

  g_assert_cmpstr (g_enum_get_value (states, FERRY_CLUSTER_STATE_CLOSED)->value_nick, ==, "closed");
  g_assert_cmpstr (g_enum_get_value (states, FERRY_CLUSTER_STATE_RECONNECTING)->value_nick, ==, "reconnecting");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/state/states-have-names", test_states_have_names);
  return g_test_run ();
}
