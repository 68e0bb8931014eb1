/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-proxy-call.c
 *
 * What a chain gives in place of an error, and in place of which. */

#include "config.h"

#include <locale.h>

#include "ferry-test.h"
#include "object-test.h"
#include "pair-scene.h"
#include "wire/ferry-remote-error-private.h"

/* Hands on what another exporter has told it. */
static void
fail_with (gpointer object, FerryInvocation *invocation, gpointer data)
{
  int code;

  g_variant_get (ferry_invocation_get_arguments (invocation), "(i)", &code);
  ferry_invocation_return_new_error (invocation, FERRY_ERROR, code,
                                     "The exporter does not listen; wait until it listens, or start it");
}

static void
call_fail_with (PairScene *scene, int code, GVariant **value, GError **error)
{
  ferry_proxy_resolve (scene->proxy, g_variant_new ("((ss(i)))", "call", "fail_with", code),
                       g_variant_new_parsed ("{'default': <-1>}"), -1, NULL, value, NULL, error);
}

static void
assert_own_error (PairScene *scene, int code)
{
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) error = NULL;

  call_fail_with (scene, code, &value, &error);
  g_assert_error (error, FERRY_ERROR, code);
  g_assert_null (value);
}

static void
assert_default (PairScene *scene)
{
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) error = NULL;

  call_fail_with (scene, FERRY_ERROR_BUSY, &value, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_variant_get_int32 (value), ==, -1);
}

static void
test_default (gconstpointer local)
{
  FerryInterface *interface = test_counter_create_interface ();
  PairScene scene = {.local = local != NULL};

  ferry_interface_add_method (interface, "fail_with", "i", "i", fail_with, NULL, NULL);
  pair_scene_open (&scene, PAIR_SCENE_RECEIVING, "counter", interface, test_counter_new ("counter"));
  pair_scene_wait_listening (&scene);
  assert_own_error (&scene, FERRY_ERROR_NOT_LISTENING);
  assert_own_error (&scene, FERRY_ERROR_CLOSED);
  assert_own_error (&scene, FERRY_ERROR_WORKER_LOST);
  assert_own_error (&scene, FERRY_ERROR_BUSY);
  ferry_exporter_stop (scene.exporter, FERRY_STOP_MODE_REFUSE);
  assert_default (&scene);
  pair_scene_close (&scene);
}

/* Traces are found by what an error says: that of one which came from elsewhere is not this one's. */
static void
test_default_of_alike (void)
{
  FerryInterface *interface = test_counter_create_interface ();
  PairScene scene = {.local = TRUE};
  g_autoptr (GError) error = NULL;

  ferry_interface_add_method (interface, "fail_with", "i", "i", fail_with, NULL, NULL);
  pair_scene_open (&scene, PAIR_SCENE_RECEIVING, "counter", interface, test_counter_new ("counter"));
  ferry_exporter_stop (scene.exporter, FERRY_STOP_MODE_REFUSE);
  ferry_proxy_call (scene.proxy, "get_self", NULL, -1, NULL, NULL, NULL, &error);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NOT_LISTENING);
  ferry_error_set_trace (error, "another process\n");
  assert_default (&scene);
  pair_scene_close (&scene);
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);

  g_test_add_data_func ("/object-defaults/no-error-of-the-object-is-hidden", NULL, test_default);
  g_test_add_data_func ("/object-defaults/no-error-of-an-object-in-this-process-is-hidden", "local", test_default);
  g_test_add_func ("/object-defaults/another-error-that-said-the-same-takes-nothing-from-it", test_default_of_alike);

  return g_test_run ();
}
