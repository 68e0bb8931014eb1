/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: process/ferry-worker.c
 *
 * Workers of all kinds come and go for as long as FERRY_SOAK_SECONDS says, three seconds when it says nothing: those
 * that finish, crash, are killed in a flood, have their pipe closed, or send large messages. What they send stays in
 * order, and at the end nothing of them is left: no descriptor, no link, no memory that grows with the time. */

#include "config.h"

#include "ferry-test.h"

#include <stdio.h>
#include <unistd.h>

#define N_PLACES 6
#define DEFAULT_SECONDS 3
/* What the allocator and the tables of mapped memory may take beyond what they had after the first workers. */
#define GROWTH_ALLOWED (48 * 1024 * 1024)

typedef enum
{
  KIND_FINISH,
  KIND_CRASH,
  KIND_KILL,
  KIND_CLOSE,
  KIND_LARGE,
  N_KINDS,
} Kind;

typedef struct
{
  Kind kind;
  FerryTestPipe *pipe;
  FerryWorker *worker; /* (nullable): NULL when the place is free */
  guint64 turn;        /* after how many messages the worker is killed, or its pipe closed; 0: that was done */
} Place;

static guint64 n_ended[N_KINDS];

static gint64
get_resident_size (void)
{
  g_autofree char *text = NULL;
  gulong pages = 0;

  g_assert_true (g_file_get_contents ("/proc/self/statm", &text, NULL, NULL));
  g_assert_cmpint (sscanf (text, "%*u %lu", &pages), ==, 1);
  return (gint64) pages * sysconf (_SC_PAGESIZE);
}

static void
fill (Place *place, FerryRouter *router)
{
  g_autofree char *send = g_strdup_printf ("send:%d", g_test_rand_int_range (1, 100000));
  g_autofree char *large = g_strdup_printf ("large:%d", g_test_rand_int_range (1, 4 * 1024 * 1024));

  place->kind = (Kind) g_test_rand_int_range (0, N_KINDS);
  place->turn = (guint64) g_test_rand_int_range (1, 200000);
  place->pipe = ferry_test_pipe_new (router);
  if (place->kind == KIND_FINISH)
    place->worker = ferry_test_spawn_obedient (router, place->pipe, send, "stop", NULL);
  else if (place->kind == KIND_CRASH)
    place->worker = ferry_test_spawn_obedient (router, place->pipe, send, "crash", NULL);
  else if (place->kind == KIND_LARGE)
    place->worker = ferry_test_spawn_obedient (router, place->pipe, send, large, "stop", NULL);
  else
    place->worker = ferry_test_spawn_obedient (router, place->pipe, "flood", NULL);
}

static void
take_turn (Place *place, FerryRouter *router)
{
  if (place->turn == 0 || place->pipe->n_messages < place->turn)
    return;
  place->turn = 0;
  if (place->kind == KIND_KILL)
    ferry_worker_force_exit (place->worker);
  else if (place->kind == KIND_CLOSE && !ferry_test_get_number (place->pipe->receiver, "is-closed"))
    ferry_router_close_pipe (router, place->pipe->receiver, NULL);
}

static void
empty (Place *place)
{
  static const FerryCloseReason reasons[N_KINDS] = {
    [KIND_FINISH] = FERRY_CLOSE_REASON_STOPPED,
    [KIND_CRASH] = FERRY_CLOSE_REASON_KILLED,
    [KIND_KILL] = FERRY_CLOSE_REASON_KILLED,
    [KIND_LARGE] = FERRY_CLOSE_REASON_STOPPED,
  };

  if (place->kind == KIND_CLOSE)
    {
      g_assert_cmpuint (place->pipe->n_closed, ==, 0);
      g_assert_true (place->pipe->in_order);
    }
  else
    ferry_test_pipe_assert_end (place->pipe, reasons[place->kind]);
  n_ended[place->kind]++;
  g_clear_pointer (&place->pipe, ferry_test_pipe_free);
  g_clear_object (&place->worker);
}

/* Lets the places work until the time has come, then until all are free. */
static void
soak (FerryRouter *router, gint64 until)
{
  Place places[N_PLACES] = {0};
  guint n_busy = 1;

  while (n_busy > 0)
    {
      gboolean over = g_get_monotonic_time () >= until;

      n_busy = 0;
      for (guint i = 0; i < N_PLACES; i++)
        {
          if (places[i].worker == NULL && !over)
            fill (&places[i], router);
          if (places[i].worker == NULL)
            continue;
          n_busy++;
          if (ferry_worker_get_state (places[i].worker) == FERRY_WORKER_STATE_ENDED)
            empty (&places[i]);
          else
            take_turn (&places[i], router);
        }
      if (n_busy > 0)
        g_main_context_iteration (NULL, FALSE);
    }
}

static void
test_nothing_is_left_of_many_workers (void)
{
  const char *text = g_getenv ("FERRY_SOAK_SECONDS");
  gint64 seconds = text != NULL ? g_ascii_strtoll (text, NULL, 10) : DEFAULT_SECONDS;
  FerryRouter *router = ferry_test_router_new_with_guardian ();
  guint n_fds = ferry_test_count_fds ();
  gint64 resident;

  soak (router, g_get_monotonic_time () + G_USEC_PER_SEC);
  resident = get_resident_size ();
  soak (router, g_get_monotonic_time () + seconds * G_USEC_PER_SEC);
  for (guint kind = 0; kind < N_KINDS; kind++)
    g_test_message ("%" G_GUINT64_FORMAT " workers of kind %u ended", n_ended[kind], kind);
  g_assert_cmpuint (ferry_test_count_fds (), ==, n_fds);
  g_assert_cmpuint (ferry_router_get_counter (router, FERRY_COUNTER_LINKS), ==, 0);
  g_assert_cmpuint (ferry_test_get_number (router, "n-pipes"), ==, 0);
#ifndef __SANITIZE_ADDRESS__
  g_assert_cmpint (get_resident_size () - resident, <, GROWTH_ALLOWED);
#endif
  ferry_test_router_stop (router);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/soak/nothing-is-left-of-many-workers", test_nothing_is_left_of_many_workers);
  return g_test_run ();
}
