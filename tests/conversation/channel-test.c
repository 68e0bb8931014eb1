/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "conversation/channel-test.h"

#include <glib-unix.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conversation/ferry-channel-private.h"

#define PATIENCE (FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC)

/* ---- what workers do ---- */

static gboolean
send_number (FerryChannel *channel, guint number, GError **error)
{
  return ferry_channel_send (channel, g_variant_new_uint32 (number), -1, NULL, error);
}

static gboolean
square (FerryChannel *channel, GVariant *arguments, GError **error)
{
  guint number = g_variant_get_uint32 (arguments);

  return send_number (channel, number * number, error);
}

static gboolean
echo (FerryChannel *channel, GVariant *arguments, GError **error)
{
  for (;;)
    {
      g_autoptr (GVariant) value = NULL;

      if (!ferry_channel_receive (channel, -1, NULL, &value, NULL, error))
        return FALSE;
      if (value == NULL)
        return TRUE;
      if (!ferry_channel_send (channel, value, -1, NULL, error))
        return FALSE;
    }
}

static gboolean
count_to (FerryChannel *channel, guint n, GError **error)
{
  for (guint i = 0; i < n; i++)
    if (!send_number (channel, i, error))
      return FALSE;
  return TRUE;
}

static gboolean
count (FerryChannel *channel, GVariant *arguments, GError **error)
{
  return count_to (channel, g_variant_get_uint32 (arguments), error);
}

static gboolean
be_deaf (FerryChannel *channel, GVariant *arguments, GError **error)
{
  for (;;)
    pause ();
  return TRUE;
}

static gboolean
count_and (FerryChannel *channel, GVariant *arguments, GError **error)
{
  const char *word;
  guint n;

  g_variant_get (arguments, "(u&s)", &n, &word);
  if (!count_to (channel, n, error))
    return FALSE;
  if (strcmp (word, "kill") == 0)
    kill (getpid (), SIGKILL);
  if (strcmp (word, "exit") == 0)
    _exit (7);
  if (strcmp (word, "hang") == 0)
    be_deaf (channel, NULL, NULL);
  if (strcmp (word, "acknowledge") == 0)
    return ferry_channel_send_acknowledged (channel, g_variant_new_uint32 (n), -1, NULL, error);
  g_set_error_literal (error, G_FILE_ERROR, G_FILE_ERROR_IO, "raised as it was told");
  return FALSE;
}

static gboolean
mix (FerryChannel *channel, GVariant *arguments, GError **error)
{
  g_autoptr (GError) failure = g_error_new_literal (G_FILE_ERROR, G_FILE_ERROR_IO, "the same words");

  if (!send_number (channel, 1, error) || !ferry_channel_send_error (channel, failure, -1, NULL, error) ||
      !send_number (channel, 2, error))
    return FALSE;
  g_propagate_error (error, g_steal_pointer (&failure));
  return FALSE;
}

static gboolean
give_pid (FerryChannel *channel, GVariant *arguments, GError **error)
{
  return ferry_channel_send (channel, g_variant_new_int32 (getpid ()), -1, NULL, error);
}

/* Over a transport that the launcher was given beside the channel. */
static gboolean
ask (FerryChannel *channel, GVariant *arguments, GError **error)
{
  g_autoptr (FerryTransport) transport = ferry_worker_get_transport ("beside", error);
  g_autoptr (FerryMux) mux = transport != NULL ? ferry_mux_new (transport) : NULL;
  g_autoptr (GVariant) answer = mux != NULL ? ferry_mux_transact (mux, "double", arguments, -1, NULL, error) : NULL;

  return answer != NULL && ferry_channel_send (channel, answer, -1, NULL, error);
}

/* The first message is a word that it waits for before it takes others. */
static gboolean
hold (FerryChannel *channel, GVariant *arguments, GError **error)
{
  guint n = 0;

  for (;;)
    {
      g_autoptr (GVariant) value = NULL;

      if (!ferry_channel_receive (channel, -1, NULL, &value, NULL, error))
        return FALSE;
      if (value == NULL)
        return send_number (channel, n, error);
      n++;
    }
}

static gboolean
be_greedy (FerryChannel *channel, GVariant *arguments, GError **error)
{
  for (guint i = 0; send_number (channel, i, error); i++)
    ;
  return FALSE;
}

static gboolean
give_data (FerryChannel *channel, GVariant *arguments, gpointer data, GError **error)
{
  return send_number (channel, *(guint *) data, error);
}

/* Main contexts have one each from their first use on, that of a thread of GLib's among them. */
static void
open_descriptors_of_glib (void)
{
  g_autoptr (GSource) source = g_unix_signal_source_new (SIGUSR2);

  g_source_attach (source, NULL);
  g_source_destroy (source);
}

static gpointer
stay (gpointer data)
{
  be_deaf (NULL, NULL, NULL);
  return NULL;
}

/* An initialiser that leaves a thread behind where the test wants that, so that the program cannot be forked. */
static gboolean
start_thread (gpointer user_data, GError **error)
{
  if (g_getenv ("CHANNEL_TEST_THREAD") != NULL)
    g_thread_unref (g_thread_new ("stays", stay, NULL));
  return TRUE;
}

void
channel_test_init (int *argc, char ***argv)
{
  ferry_channel_function_register ("square", "u", square);
  ferry_channel_function_register ("echo", NULL, echo);
  ferry_channel_function_register ("count", "u", count);
  ferry_channel_function_register ("count-and", "(us)", count_and);
  ferry_channel_function_register ("mixed", NULL, mix);
  ferry_channel_function_register ("give-pid", NULL, give_pid);
  ferry_channel_function_register ("ask", "u", ask);
  ferry_channel_function_register ("hold", NULL, hold);
  ferry_channel_function_register ("greedy", NULL, be_greedy);
  ferry_channel_function_register ("deaf", NULL, be_deaf);
  ferry_channel_function_register_full ("data", "u", give_data, g_memdup2 (&(guint){CHANNEL_TEST_DATA}, sizeof (guint)),
                                        g_free);
  ferry_worker_add_initialiser ("thread", start_thread, NULL, NULL);
  ferry_worker_main (argc, argv);
  g_test_init (argc, argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  open_descriptors_of_glib ();
}

/* ---- the application ---- */

ChannelTest *
channel_test_new (void)
{
  static const char *const self_argv[] = {"/proc/self/exe", NULL};
  ChannelTest *test = g_new0 (ChannelTest, 1);

  test->n_fds = ferry_test_count_fds ();
  test->router = ferry_test_router_new ();
  test->launcher = ferry_launcher_new (self_argv);
  return test;
}

static gboolean
has_no_workers (gpointer data)
{
  return ferry_channel_count_running (((ChannelTest *) data)->router) == 0;
}

static gboolean
has_no_descriptors_left (gpointer data)
{
  ChannelTest *test = data;

  return ferry_test_get_number (test->router, "n-pipes") == 0;
}

static gboolean
has_as_many_fds (gpointer data)
{
  return ferry_test_count_fds () == ((ChannelTest *) data)->n_fds;
}

void
channel_test_free (ChannelTest *test)
{
  ferry_test_run_until (has_no_workers, test);
  ferry_test_run_until (has_no_descriptors_left, test);
  g_assert_finalize_object (test->launcher);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  ferry_test_router_stop (test->router);
  /* Threads that end now may have the last reference to what has them. */
  ferry_test_look_until (has_as_many_fds, test);
  g_free (test);
}

FerryChannel *
channel_test_start (ChannelTest *test, const char *function, GVariant *arguments)
{
  g_autoptr (GError) error = NULL;
  FerryChannel *channel = ferry_channel_start (test->launcher, test->router, function, arguments, &error);

  g_assert_no_error (error);
  return channel;
}

GVariant *
channel_test_take (FerryChannel *channel)
{
  g_autoptr (GError) failure = NULL;
  g_autoptr (GError) error = NULL;
  GVariant *value = NULL;

  ferry_channel_receive (channel, PATIENCE, NULL, &value, &failure, &error);
  g_assert_no_error (error);
  g_assert_no_error (failure);
  g_assert_nonnull (value);
  return value;
}

void
channel_test_assert_next (FerryChannel *channel, guint expected)
{
  g_autoptr (GVariant) value = channel_test_take (channel);

  g_assert_cmpuint (g_variant_get_uint32 (value), ==, expected);
}

void
channel_test_assert_good_end (FerryChannel *channel)
{
  g_autoptr (GError) failure = NULL;
  g_autoptr (GError) error = NULL;
  GVariant *value = NULL;

  g_assert_true (ferry_channel_receive (channel, PATIENCE, NULL, &value, &failure, &error));
  g_assert_no_error (error);
  g_assert_no_error (failure);
  g_assert_null (value);
  g_assert_true (ferry_test_get_number (channel, "closed"));
}

void
channel_test_assert_bad_end (FerryChannel *channel, GQuark domain, int code, const char *words)
{
  g_autoptr (GError) failure = NULL;
  g_autoptr (GError) error = NULL;
  GVariant *value = NULL;

  g_assert_false (ferry_channel_receive (channel, PATIENCE, NULL, &value, &failure, &error));
  g_assert_no_error (failure);
  g_assert_null (value);
  g_assert_error (error, domain, code);
  if (strstr (error->message, words) == NULL)
    g_error ("Ended with '%s', not '… %s …'", error->message, words);
}

void
channel_test_send (FerryChannel *channel, guint number)
{
  g_autoptr (GError) error = NULL;

  ferry_channel_send (channel, g_variant_new_uint32 (number), 0, NULL, &error);
  g_assert_no_error (error);
}

void
channel_test_assert_exit (FerryChannel *channel, int status, int signal_number)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryExit) exit = ferry_channel_wait (channel, PATIENCE, &error);

  g_assert_no_error (error);
  g_assert_true (exit == ferry_channel_get_exit (channel));
  g_assert_cmpint (ferry_exit_get_exit_status (exit), ==, status);
  g_assert_cmpint (ferry_exit_get_signal (exit), ==, signal_number);
}
