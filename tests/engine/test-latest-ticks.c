/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: engine/ferry-cell-watch.c
 *
 * Latest values with a tick that comes in the same turn of the main loop as an aged dispatch, which does it. */

#include "engine/latest-test.h"

#define AGEING 1000

static gboolean
paint (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

static void
pass_time_until (gint64 time)
{
  while (g_get_monotonic_time () < time)
    ;
}

/* Has a tick and an aged dispatch due at once: a message has waited for longer than the ageing, and the interval since
 * the value before is over. Both sources have default priority, and the aged one comes first. */
static void
have_both_due (FerryRouter *router, LatestTest *pipe, FerryTestPipe *other, guint64 number)
{
  route_test_send_numbers (other->sender, number / 2 - 1, 1);
  route_test_wait_drained (other->sender);
  latest_test_send (pipe, number);
  pass_time_until (MAX (g_get_monotonic_time () + 2 * AGEING, router->dispatcher.hot_cells.tick));
}

static void
test_tick_after_an_aged_dispatch (void)
{
  FerryRouter *router = ferry_test_router_new_stopped (NULL);
  g_autoptr (GError) error = NULL;

  g_object_set (router, "ageing", (gint64) AGEING, "latest-interval", (gint64) 2000, NULL);
  ferry_router_start (router, &error);
  g_assert_no_error (error);
  {
    g_autoptr (LatestTest) pipe = latest_test_new (router);
    g_autoptr (FerryTestPipe) other = route_test_started_pipe (router);
    guint painter = g_idle_add_full (G_PRIORITY_HIGH_IDLE + 20, paint, NULL, NULL);

    latest_test_send (pipe, 1);
    latest_test_wait_value (pipe, 1);
    for (guint64 number = 2; number < 50; number += 2)
      {
        have_both_due (router, pipe, other, number);
        latest_test_wait_value (pipe, number);
        /* The cell is hot, so this value does not ring: it is the next tick that finds it. */
        latest_test_send (pipe, number + 1);
        latest_test_wait_value (pipe, number + 1);
      }
    g_source_remove (painter);
  }
  route_test_stop_with_open_pipes (router);
}

static gboolean
pass_tick (gpointer user_data)
{
  FerryRouter *router = user_data;

  pass_time_until (router->dispatcher.hot_cells.tick);
  return G_SOURCE_REMOVE;
}

/* The router's source comes before the tick's, and has looked when that finds, before the sleep, that the tick is due.
 */
static void
test_tick_that_is_due_before_a_sleep (void)
{
  FerryRouter *router = ferry_test_router_new_stopped (NULL);
  g_autoptr (GError) error = NULL;

  g_object_set (router, "priority", G_PRIORITY_DEFAULT, "ageing", G_GINT64_CONSTANT (-1), "latest-interval",
                (gint64) 2000, NULL);
  ferry_router_start (router, &error);
  g_assert_no_error (error);
  {
    g_autoptr (LatestTest) pipe = latest_test_new (router);

    latest_test_send (pipe, 1);
    latest_test_wait_value (pipe, 1);
    for (guint64 number = 2; number < 50; number++)
      {
        latest_test_send (pipe, number);
        g_timeout_add_full (G_PRIORITY_DEFAULT, 0, pass_tick, router, NULL);
        latest_test_wait_value (pipe, number);
      }
  }
  route_test_stop_with_open_pipes (router);
}

int
main (int argc, char **argv)
{
  route_test_init (&argc, &argv);
  g_test_add_func ("/latest-ticks/go-on-after-an-aged-dispatch-that-did-one", test_tick_after_an_aged_dispatch);
  g_test_add_func ("/latest-ticks/come-that-are-due-before-a-sleep", test_tick_that_is_due_before_a_sleep);
  return g_test_run ();
}
