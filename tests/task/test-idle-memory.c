/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: link/ferry-link.c, lane/ferry-lane.c
 *
 * What a link that has carried much keeps of its memory when it is idle: nearly nothing. And nothing of what is sent
 * gets lost when that memory is given back just then. */

#include "config.h"

#include "task/task-test.h"

#include <string.h>

#define KIBIBYTE ((guint64) 1024)
/* More than the lane of 2 MiB holds. */
#define N_SMALL 150
#define SMALL (30 * KIBIBYTE)
#define N_LARGE 4
#define LARGE (2048 * KIBIBYTE)
/* The control words, the pages of the lanes down, and what is in use of the lane up. */
#define SLACK (256 * KIBIBYTE)
#define N_ROUNDS 60

/* The bytes of memory of links that this process has mapped and in use. */
static guint64
get_resident (void)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  gboolean is_link = FALSE;
  guint64 sum = 0;

  g_assert_true (g_file_get_contents ("/proc/self/smaps", &text, NULL, NULL));
  lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    {
      if (g_ascii_isxdigit ((*line)[0]) && !g_ascii_isupper ((*line)[0]))
        is_link = strstr (*line, "/memfd:ferry-link") != NULL;
      else if (is_link && g_str_has_prefix (*line, "Rss:"))
        sum += g_ascii_strtoull (*line + strlen ("Rss:"), NULL, 10) * KIBIBYTE;
    }
  return sum;
}

static gboolean
is_small (gpointer data)
{
  return get_resident () <= SLACK;
}

/* The router is started anew, so that it gives memory back after that many microseconds. */
static TaskTest *
test_new (gint64 spare_time)
{
  TaskTest *test = task_test_new (FALSE, 1);
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_router_stop (test->router, &error));
  g_object_set (test->router, "spare-time", spare_time, NULL);
  g_assert_true (ferry_router_start (test->router, &error));
  g_assert_no_error (error);
  return test;
}

/* Byte i of the bytes is i modulo 251. */
static void
assert_bytes (FerryTask *task, guint64 size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = NULL;
  const guint8 *bytes;
  gsize n;

  task_test_wait_done (task);
  result = ferry_task_get_result (task, &error);
  g_assert_no_error (error);
  bytes = g_variant_get_fixed_array (result, &n, 1);
  g_assert_cmpuint (n, ==, size);
  for (gsize i = 0; i < n; i++)
    g_assert_cmpuint (bytes[i], ==, i % 251);
}

static void
ask_for_bytes (TaskTest *test, guint n_tasks, guint64 size)
{
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < n_tasks; i++)
    g_ptr_array_add (tasks, task_test_submit (test->executor, "bytes", g_variant_new_uint64 (size)));
  for (guint i = 0; i < n_tasks; i++)
    assert_bytes (tasks->pdata[i], size);
}

static void
gives_the_lane_back (void)
{
  TaskTest *test = test_new (20000);

  for (guint i = 0; i < 3; i++)
    {
      ask_for_bytes (test, N_SMALL, SMALL);
      ferry_test_look_until (is_small, NULL);
    }
  task_test_free (test);
}

/* Eight workers that flood once would else keep 17 MB until the spare time is over. */
static void
gives_a_flooded_lane_back_at_once (void)
{
  TaskTest *test = test_new (G_GINT64_CONSTANT (3600) * G_USEC_PER_SEC);

  for (guint i = 0; i < 3; i++)
    {
      ask_for_bytes (test, N_SMALL, SMALL);
      ferry_test_look_until (is_small, NULL);
    }
  task_test_free (test);
}

static void
gives_buffers_back (void)
{
  TaskTest *test = test_new (20000);

  for (guint i = 0; i < 3; i++)
    {
      ask_for_bytes (test, N_LARGE, LARGE);
      ferry_test_look_until (is_small, NULL);
    }
  task_test_free (test);
}

/* The shortest time that there is: the worker is asked to give memory back between messages, and sends on meanwhile. */
static void
loses_nothing (void)
{
  TaskTest *test = test_new (1000);

  for (guint i = 0; i < N_ROUNDS; i++)
    {
      ask_for_bytes (test, 1 + (guint) g_test_rand_int_range (0, 10), (guint64) g_test_rand_int_range (1, 100000));
      if (i % 4 == 0)
        ferry_test_look_until (is_small, NULL);
      if (i % 8 == 0)
        ask_for_bytes (test, 1, LARGE);
    }
  task_test_free (test);
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  g_test_add_func ("/idle-memory/gives-the-lane-back", gives_the_lane_back);
  g_test_add_func ("/idle-memory/gives-a-flooded-lane-back-at-once", gives_a_flooded_lane_back_at_once);
  g_test_add_func ("/idle-memory/gives-buffers-back", gives_buffers_back);
  g_test_add_func ("/idle-memory/loses-nothing", loses_nothing);
  return g_test_run ();
}
