/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: engine/ferry-local-queue.c, engine/ferry-visits.c
 *
 * The main loop stands still while workers send: the application's memory stays within its limits, and everything
 * that was accepted arrives afterwards. */

#include "config.h"

#include "route/route-test.h"

#include <stdio.h>
#include <unistd.h>

#define N_WORKERS 4
#define N_MESSAGES 3000000
#define MEBIBYTE (1024 * 1024)

/* What a link may hold: its lane, and 16 blocks of 64 KiB. */
#define LINK_LIMIT (2 * MEBIBYTE + FERRY_LINK_WINDOW)
/* For what is not the route's: the allocator, the tables of mapped memory, a sanitizer. */
#define SLACK (2 * MEBIBYTE)

static gint64
get_resident_size (void)
{
  g_autofree char *text = NULL;
  gulong pages = 0;

  g_assert_true (g_file_get_contents ("/proc/self/statm", &text, NULL, NULL));
  g_assert_cmpint (sscanf (text, "%*u %lu", &pages), ==, 1);
  return (gint64) pages * sysconf (_SC_PAGESIZE);
}

/* Keeps this thread, which is the main loop's, away from it until more than that waits for it, and a second longer, in
 * which no more than the limit may come. */
static void
stand_still (FerryRouter *router, guint64 enough)
{
  GMutex lock;
  GCond no_one;
  gint64 until;

  while (ferry_router_get_counter (router, FERRY_COUNTER_QUEUED_BYTES) <= enough)
    g_thread_yield ();
  until = g_get_monotonic_time () + G_USEC_PER_SEC;
  g_mutex_init (&lock);
  g_cond_init (&no_one);
  g_mutex_lock (&lock);
  while (g_cond_wait_until (&no_one, &lock, until))
    ;
  g_mutex_unlock (&lock);
  g_cond_clear (&no_one);
  g_mutex_clear (&lock);
}

static void
assert_grown_less (gint64 before, gint64 limit)
{
  gint64 grown = get_resident_size () - before;

#ifdef __SANITIZE_ADDRESS__
  /* Freed memory stays in quarantine. */
  limit += 256 * 1024 * 1024;
#endif
  g_test_message ("The resident size grew by %" G_GINT64_FORMAT " KiB; %" G_GINT64_FORMAT " KiB are allowed",
                  grown / 1024, limit / 1024);
  g_assert_cmpint (grown, <, limit);
}

static void
test_flood_of_small_messages (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  FerryTestPipe *pipes[N_WORKERS];
  FerryWorker *workers[N_WORKERS];
  gint64 before;

  before = get_resident_size ();
  for (guint i = 0; i < N_WORKERS; i++)
    {
      pipes[i] = ferry_test_pipe_new (router);
      workers[i] = ferry_test_spawn_obedient (router, pipes[i], "send:" G_STRINGIFY (N_MESSAGES), "stop", NULL);
    }
  for (guint i = 0; i < N_WORKERS; i++)
    ferry_test_pipe_wait_count (pipes[i], 1);
  /* A link is left alone until half of its share is back. */
  stand_still (router, N_WORKERS * FERRY_LINK_WINDOW / 2);
  g_assert_cmpuint (ferry_router_get_counter (router, FERRY_COUNTER_QUEUED_BYTES), <=, N_WORKERS * FERRY_LINK_WINDOW);
  g_assert_cmpuint (ferry_router_get_counter (router, FERRY_COUNTER_QUEUED_BYTES), >,
                    N_WORKERS * FERRY_LINK_WINDOW / 2);
  g_assert_cmpuint (ferry_router_get_counter (router, FERRY_COUNTER_HIGHEST_QUEUED_BYTES), <=,
                    N_WORKERS * FERRY_LINK_WINDOW);
  assert_grown_less (before, N_WORKERS * LINK_LIMIT + SLACK);
  for (guint i = 0; i < N_WORKERS; i++)
    {
      ferry_test_pipe_wait_closed (pipes[i]);
      ferry_test_pipe_assert_end (pipes[i], FERRY_CLOSE_REASON_STOPPED);
      g_assert_cmpuint (pipes[i]->n_messages, ==, N_MESSAGES);
      ferry_test_wait_ended (workers[i]);
      ferry_test_pipe_free (pipes[i]);
      g_object_unref (workers[i]);
    }
  assert_grown_less (before, N_WORKERS * LINK_LIMIT + SLACK);
}

#define LARGE "large:8000000"

/* One large message of each link may be in the queue, and the limit of the queue holds for all of them. */
static void
test_flood_of_large_messages (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  FerryTestPipe *pipes[N_WORKERS];
  FerryWorker *workers[N_WORKERS];
  gint64 before = get_resident_size ();

  for (guint i = 0; i < N_WORKERS; i++)
    {
      pipes[i] = ferry_test_pipe_new (router);
      workers[i] = ferry_test_spawn_obedient (router, pipes[i], LARGE, LARGE, LARGE, LARGE, LARGE, LARGE, LARGE, LARGE,
                                              LARGE, LARGE, "stop", NULL);
    }
  stand_still (router, 8000000);
  g_assert_cmpuint (ferry_router_get_counter (router, FERRY_COUNTER_QUEUED_BYTES), <=, 16 * MEBIBYTE + 8000000);
  assert_grown_less (before, 16 * MEBIBYTE + 8000000 + N_WORKERS * (LINK_LIMIT + 8000000) + SLACK);
  for (guint i = 0; i < N_WORKERS; i++)
    {
      ferry_test_pipe_wait_closed (pipes[i]);
      ferry_test_pipe_assert_end (pipes[i], FERRY_CLOSE_REASON_STOPPED);
      g_assert_cmpuint (pipes[i]->n_messages, ==, 10);
      ferry_test_wait_ended (workers[i]);
      ferry_test_pipe_free (pipes[i]);
      g_object_unref (workers[i]);
    }
}

/* The limit of the local queue holds for all links together. */
static void
test_many_links_share_the_limit_of_the_local_queue (void)
{
  FerryRouter *router = ferry_test_router_new_stopped (NULL);
  FerryTestPipe *pipes[20];
  RouteTestSend *sends[20];

  g_object_set (router, "local-queue-limit", (guint64) MEBIBYTE, NULL);
  g_assert_true (ferry_router_start (router, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (pipes); i++)
    {
      pipes[i] = route_test_started_pipe (router);
      sends[i] = route_test_send_new (pipes[i]->sender, NULL, 8, -1, NULL);
      route_test_send_finish (sends[i], 0, 0);
    }
  while (ferry_router_get_counter (router, FERRY_COUNTER_QUEUED_BYTES) < MEBIBYTE)
    g_thread_yield ();
  for (guint i = 0; i < G_N_ELEMENTS (pipes); i++)
    {
      RouteTestSend *send = route_test_send_new (pipes[i]->sender, NULL, 8, -1, NULL);

      route_test_send_finish (send, 0, 0);
    }
  g_assert_cmpuint (ferry_router_get_counter (router, FERRY_COUNTER_QUEUED_BYTES), ==, MEBIBYTE);
  for (guint i = 0; i < G_N_ELEMENTS (pipes); i++)
    {
      ferry_test_pipe_wait_count (pipes[i], 2);
      ferry_test_pipe_free (pipes[i]);
    }
  ferry_test_router_stop (router);
}

int
main (int argc, char **argv)
{
  route_test_init (&argc, &argv);
  g_test_add_func ("/memory/many-links-share-the-limit-of-the-local-queue",
                   test_many_links_share_the_limit_of_the_local_queue);
  g_test_add_func ("/memory/is-bounded-in-a-flood-of-small-messages", test_flood_of_small_messages);
  g_test_add_func ("/memory/is-bounded-in-a-flood-of-large-messages", test_flood_of_large_messages);
  return g_test_run ();
}
