/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: call/ferry-link-transport.c, call/ferry-request.c
 *
 * Large answers over the links of real workers: where their bytes lie, and for how long. */

#include "config.h"

#include "call/link-test.h"

#include <stdio.h>
#include <string.h>

#define MEBIBYTE ((gsize) 1024 * 1024)
#define N_KEPT 100 /* of 4 MiB each: more than a link's large messages may come to */

static void
open_link (LinkTest *joined, gboolean trusted)
{
  link_test_init_unspawned (joined, "answer", NULL);
  g_object_set (joined->launcher, "trusted", trusted, NULL);
  joined->worker = worker_test_spawn (joined->launcher, joined->router);
}

static GVariant *
make_value (gsize size)
{
  guint8 *data = g_malloc (size);

  for (gsize i = 0; i < size; i++)
    data[i] = (guint8) (i * 31 >> 3);
  return g_variant_ref_sink (g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, data, size, TRUE, g_free, data));
}

/* As g_variant_equal(), which would print both as text. */
static void
assert_equal (GVariant *one, GVariant *other)
{
  g_assert_cmpmem (g_variant_get_data (one), g_variant_get_size (one), g_variant_get_data (other),
                   g_variant_get_size (other));
}

/* The answer to an "echo" of value: (transfer full). */
static GVariant *
echo (LinkTest *joined, GVariant *value)
{
  g_autoptr (CallTestAnswer) answer = link_test_ask (joined->a, "echo", value);

  link_test_wait_done (answer);
  g_assert_no_error (answer->error);
  assert_equal (answer->result, value);
  return g_variant_ref (answer->result);
}

/* Whether it lies in memory that a worker has as well. */
static gboolean
is_shared (GVariant *value)
{
  const guintptr address = (guintptr) g_variant_get_data (value);
  g_autofree char *maps = NULL;
  g_auto (GStrv) lines = NULL;

  g_assert_true (g_file_get_contents ("/proc/self/maps", &maps, NULL, NULL));
  lines = g_strsplit (maps, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      gulong start, end;
      char mode[5];

      if (sscanf (lines[i], "%lx-%lx %4s", &start, &end, mode) == 3 && address >= start && address < end)
        return mode[3] == 's';
    }
  g_assert_not_reached ();
}

static void
test_answers_of_a_trusted_worker_are_not_copied (void)
{
  g_autoptr (GVariant) value = make_value (3 * MEBIBYTE);
  g_auto (LinkTest) joined;
  GVariant *result;

  open_link (&joined, TRUE);
  result = echo (&joined, value);
  g_assert_true (is_shared (result));
  g_variant_unref (result);
  link_test_close (&joined);
}

static void
test_answers_of_another_worker_are_out_of_its_reach (void)
{
  g_autoptr (GVariant) value = make_value (3 * MEBIBYTE);
  g_auto (LinkTest) joined;
  GVariant *result;

  open_link (&joined, FALSE);
  result = echo (&joined, value);
  g_assert_false (is_shared (result));
  g_variant_unref (result);
  link_test_close (&joined);
}

static void
test_an_answer_outlives_the_worker (gconstpointer trusted)
{
  g_autoptr (GVariant) value = make_value (3 * MEBIBYTE);
  g_auto (LinkTest) joined;
  GVariant *result;

  open_link (&joined, trusted != NULL);
  result = echo (&joined, value);
  link_test_close (&joined);
  assert_equal (result, value);
  g_variant_unref (result);
}

/* The asking end knows nothing of how much of a link's memory an application may keep. */
static void
test_answers_may_all_be_kept (gconstpointer trusted)
{
  g_autoptr (GVariant) value = make_value (4 * MEBIBYTE);
  g_autoptr (GPtrArray) kept = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
  g_auto (LinkTest) joined;

  open_link (&joined, trusted != NULL);
  for (guint i = 0; i < N_KEPT; i++)
    g_ptr_array_add (kept, echo (&joined, value));
  for (guint i = 0; i < N_KEPT; i++)
    assert_equal (kept->pdata[i], value);
  g_clear_pointer (&kept, g_ptr_array_unref);
  link_test_close (&joined);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  /* It has a descriptor, which is not to count as left behind. */
  g_main_context_default ();

#define ADD(name, function) g_test_add_func ("/link-transport-large/" name, function)
#define ADD_BOTH(name, function)                                                                                       \
  g_test_add_data_func ("/link-transport-large/" name "/trusted", "", function);                                       \
  g_test_add_data_func ("/link-transport-large/" name "/untrusted", NULL, function)
  ADD ("answers-of-a-trusted-worker-are-not-copied", test_answers_of_a_trusted_worker_are_not_copied);
  ADD ("answers-of-another-worker-are-out-of-its-reach", test_answers_of_another_worker_are_out_of_its_reach);
  ADD_BOTH ("an-answer-outlives-the-worker", test_an_answer_outlives_the_worker);
  ADD_BOTH ("answers-may-all-be-kept", test_answers_may_all_be_kept);

  return g_test_run ();
}
