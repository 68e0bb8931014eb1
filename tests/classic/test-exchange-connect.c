/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: classic/ferry-exchange.c
 *
 * An exchange with channels to persistent workers, which it leaves and finds again. */

#include "config.h"

#include <ferry-classic.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ferry-test.h"

#define PATIENCE (FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC)
#define N_WORKERS 3
#define N_RESULTS 200

typedef struct
{
  char *folder;
  char *addresses[N_WORKERS];
  int pidfds[N_WORKERS];
} Workers;

static void
workers_start (Workers *self)
{
  g_autofree char *program = ferry_test_build_path ("gathering-worker");
  g_autofree char *count = g_strdup_printf ("%d", N_RESULTS);
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new ((const char *[]){program, count, NULL});

  self->folder = g_dir_make_tmp ("ferry-XXXXXX", NULL);
  for (guint i = 0; i < N_WORKERS; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *identifier = NULL;

      self->addresses[i] = g_strdup_printf ("%s/worker-%u", self->folder, i);
      g_assert_true (ferry_launcher_spawn_persistent (launcher, self->addresses[i], &identifier, &error));
      g_assert_no_error (error);
      self->pidfds[i] = (int) syscall (SYS_pidfd_open, ferry_test_parse_process (identifier), 0);
      g_assert_cmpint (self->pidfds[i], >=, 0);
    }
}

/* They end by themselves, and take what they made with them. */
static void
workers_wait (Workers *self)
{
  for (guint i = 0; i < N_WORKERS; i++)
    {
      struct pollfd poll_fd = {.fd = self->pidfds[i], .events = POLLIN};

      g_assert_cmpint (poll (&poll_fd, 1, FERRY_TEST_TIMEOUT_SECONDS * 1000), ==, 1);
      close (self->pidfds[i]);
      g_free (self->addresses[i]);
    }
  g_assert_cmpint (g_rmdir (self->folder), ==, 0);
  g_free (self->folder);
}

typedef struct
{
  FerryChannel *channel; /* (owned) */
  GError *error;         /* (owned) */
  gboolean done;
} Connecting;

static void
connected_cb (GObject *exchange, GAsyncResult *result, gpointer data)
{
  Connecting *connecting = data;

  connecting->channel = ferry_exchange_connect_finish (FERRY_EXCHANGE (exchange), result, &connecting->error);
  connecting->done = TRUE;
}

static FerryChannel *
connect_to (FerryExchange *exchange, const char *address)
{
  Connecting connecting = {0};

  ferry_exchange_connect_async (exchange, address, PATIENCE, NULL, connected_cb, &connecting);
  ferry_test_wait_flag (&connecting.done);
  g_assert_no_error (connecting.error);
  g_assert_nonnull (connecting.channel);
  return connecting.channel;
}

/* What came of each worker: that is told apart by the order in which they were connected to. */
typedef struct
{
  FerryChannel *channels[N_WORKERS]; /* (unowned) */
  guint next[N_WORKERS];
  guint n_errors;
} Heard;

static void
take_data (FerryExchange *exchange, FerryChannel *channel, GVariant *value, GError *failure, GError *error,
           gpointer data)
{
  Heard *heard = data;
  guint i = 0;

  heard->n_errors += error != NULL;
  if (value == NULL)
    return;
  while (heard->channels[i] != channel)
    i++;
  g_assert_cmpuint (g_variant_get_uint32 (value), ==, heard->next[i]++);
}

static FerryExchange *
connect_to_all (FerryRouter *router, Workers *workers, Heard *heard)
{
  FerryExchange *exchange = ferry_exchange_new (router, NULL);

  g_signal_connect (exchange, "data", G_CALLBACK (take_data), heard);
  for (guint i = 0; i < N_WORKERS; i++)
    {
      heard->channels[i] = connect_to (exchange, workers->addresses[i]);
      g_object_unref (heard->channels[i]);
    }
  g_assert_cmpuint (ferry_test_get_number (exchange, "n-active"), ==, N_WORKERS);
  return exchange;
}

static void
results_are_taken_up_where_they_were_left (void)
{
  FerryRouter *router = ferry_test_router_new ();
  Workers workers;
  Heard heard = {0};
  FerryExchange *exchange;
  g_autoptr (GError) error = NULL;

  workers_start (&workers);
  for (guint visit = 0; visit < 4; visit++)
    {
      exchange = connect_to_all (router, &workers, &heard);
      for (guint n = 0; n < 10 + 7 * visit; n++)
        {
          g_autoptr (GPtrArray) ready = ferry_exchange_ready (exchange, PATIENCE, &error);
          g_autoptr (GVariant) value = NULL;

          g_assert_no_error (error);
          ferry_channel_receive (ready->pdata[0], 0, NULL, &value, NULL, &error);
          g_assert_no_error (error);
          take_data (exchange, ready->pdata[0], value, NULL, NULL, &heard);
        }
      g_assert_finalize_object (exchange);
    }
  exchange = connect_to_all (router, &workers, &heard);
  ferry_exchange_finish (exchange, PATIENCE, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < N_WORKERS; i++)
    g_assert_cmpuint (heard.next[i], ==, N_RESULTS);
  g_assert_cmpuint (heard.n_errors, ==, 0);
  g_assert_finalize_object (exchange);
  workers_wait (&workers);
  ferry_test_router_stop (router);
}

static void
results_are_collected_without_a_router (void)
{
  Workers workers;
  Heard heard = {0};
  FerryExchange *exchange;
  g_autoptr (GError) error = NULL;

  workers_start (&workers);
  exchange = connect_to_all (NULL, &workers, &heard);
  ferry_exchange_finish (exchange, PATIENCE, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < N_WORKERS; i++)
    g_assert_cmpuint (heard.next[i], ==, N_RESULTS);
  g_assert_finalize_object (exchange);
  workers_wait (&workers);
}

static void
nobody_there_is_an_error (void)
{
  g_autoptr (FerryExchange) exchange = ferry_exchange_new (NULL, NULL);
  Connecting connecting = {0};

  ferry_exchange_connect_async (exchange, "@ferry-nobody-listens-here", PATIENCE, NULL, connected_cb, &connecting);
  ferry_test_wait_flag (&connecting.done);
  g_assert_error (connecting.error, FERRY_ERROR, FERRY_ERROR_NOT_LISTENING);
  g_clear_error (&connecting.error);
  g_assert_null (connecting.channel);
  g_assert_cmpuint (ferry_test_get_number (exchange, "n-active"), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/exchange-connect/results-are-taken-up-where-they-were-left",
                   results_are_taken_up_where_they_were_left);
  g_test_add_func ("/exchange-connect/results-are-collected-without-a-router", results_are_collected_without_a_router);
  g_test_add_func ("/exchange-connect/nobody-there-is-an-error", nobody_there_is_an_error);
  return g_test_run ();
}
