/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker that is given senders while it runs. A message is 8 bytes: its number, from 0. With the argument "plain", it
 * says "ready" through the sender "out", waits for SIGUSR1, and sends ten messages through the sender "late". Else it
 * answers over its transport "calls":
 *
 *   send  (st) -> (): sends so many messages through the sender of that name, and stops the sender
 *   keep  (st) -> (): the same, but keeps the sender
 *   drop  (st) -> (): the same, but drops the sender without a stop
 *   die   -> nothing: sends one message through the kept sender, and is killed */

#include <ferry-conversations.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static FerrySender *kept;

/* Returns (transfer full) (nullable) the sender. */
static FerrySender *
send_numbers (const char *name, guint64 n, GError **error)
{
  g_autoptr (FerrySender) sender = ferry_worker_get_sender (name, error);

  if (sender == NULL || !ferry_sender_start (sender, error))
    return NULL;
  for (guint64 i = 0; i < n; i++)
    if (!ferry_sender_send_bytes (sender, &i, sizeof i, error))
      return NULL;
  return g_steal_pointer (&sender);
}

static void
answer (FerryInvocation *invocation, gpointer data)
{
  const char *method = ferry_invocation_get_method (invocation);
  g_autoptr (FerrySender) sender = NULL;
  g_autoptr (GError) error = NULL;
  const char *name;
  guint64 n;

  g_variant_get (ferry_invocation_get_arguments (invocation), "(&st)", &name, &n);
  sender = send_numbers (name, n, &error);
  if (sender != NULL && strcmp (method, "keep") == 0)
    g_set_object (&kept, sender);
  else if (sender != NULL && strcmp (method, "send") == 0)
    ferry_sender_stop (sender, &error);
  if (error != NULL)
    ferry_invocation_return_error (invocation, error);
  else
    ferry_invocation_return_value (invocation, g_variant_new ("()"));
}

static void
die (FerryInvocation *invocation, gpointer data)
{
  guint64 number = 0;

  ferry_sender_send_bytes (kept, &number, sizeof number, NULL);
  raise (SIGKILL);
}

static int
serve (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTransport) transport = ferry_worker_get_transport ("calls", &error);
  g_autoptr (FerryDemux) demux = NULL;

  if (transport == NULL)
    g_error ("%s", error->message);
  demux = ferry_demux_new (transport);
  ferry_demux_add_handler (demux, "send", answer, NULL, NULL);
  ferry_demux_add_handler (demux, "keep", answer, NULL, NULL);
  ferry_demux_add_handler (demux, "drop", answer, NULL, NULL);
  ferry_demux_add_handler (demux, "die", die, NULL, NULL);
  ferry_demux_set_threads (demux, 1);
  if (!ferry_demux_start (demux, &error))
    g_error ("%s", error->message);
  ferry_transport_wait_closed (transport);
  return EXIT_SUCCESS;
}

static int
wait_for_signal (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerrySender) out = NULL;
  g_autoptr (FerrySender) late = NULL;
  int signal_number;
  sigset_t signals;

  sigemptyset (&signals);
  sigaddset (&signals, SIGUSR1);
  sigprocmask (SIG_BLOCK, &signals, NULL);
  out = send_numbers ("out", 1, &error);
  if (out == NULL)
    g_error ("%s", error->message);
  sigwait (&signals, &signal_number);
  late = send_numbers ("late", 10, &error);
  if (late == NULL || !ferry_sender_stop (late, &error))
    g_error ("%s", error->message);
  return EXIT_SUCCESS;
}

int
main (int argc, char **argv)
{
  return argc > 1 && strcmp (argv[1], "plain") == 0 ? wait_for_signal () : serve ();
}
