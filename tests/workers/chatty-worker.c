/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker that answers over its transport "calls", and says something else meanwhile: chatty-worker WHAT
 *
 *   quiet      nothing
 *   send       every tenth time, a message over the sender "side"
 *   print      every tenth time, a line
 *   chatter    both
 *   flood      messages over the sender "side" without end, and it answers nothing: it needs no transport
 *   sleep      nothing without end: it needs neither
 *
 * It answers "echo" with the arguments, "take" with nothing, and "large" with as many bytes. A counter is exported over
 * the transport "objects", if there is one. It ends with its first transport. */

#include <ferry-objects.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "object/object-test.h"

#define MAX_LARGE (4 * 1024 * 1024)

static FerrySender *side; /* (owned) (nullable) */
static gboolean prints;

static void
chat (void)
{
  static guint n;

  if (++n % 10 != 0)
    return;
  if (side != NULL)
    ferry_sender_send_bytes (side, &n, sizeof n, NULL);
  if (prints)
    {
      printf ("line %u\n", n);
      fflush (stdout);
    }
}

static void
echo (FerryInvocation *invocation, gpointer data)
{
  chat ();
  ferry_invocation_return_value (invocation, ferry_invocation_get_arguments (invocation));
}

static void
large (FerryInvocation *invocation, gpointer data)
{
  static guint8 bytes[MAX_LARGE];
  guint32 size = g_variant_get_uint32 (ferry_invocation_get_arguments (invocation));

  ferry_invocation_return_bytes (invocation, bytes, MIN (size, sizeof bytes));
}

static void
take (FerryInvocation *invocation, gpointer data)
{
  ferry_invocation_return_value (invocation, NULL);
}

static void
get_side (void)
{
  g_autoptr (GError) error = NULL;

  side = ferry_worker_get_sender ("side", &error);
  if (side == NULL || !ferry_sender_start (side, &error))
    g_error ("%s", error->message);
}

static void
export_counter (void)
{
  g_autoptr (FerryTransport) transport = ferry_worker_get_transport ("objects", NULL);
  g_autoptr (FerryInterface) interface = test_counter_create_interface ();
  g_autoptr (TestCounter) counter = test_counter_new ("the");
  FerryExporter *exporter;

  if (transport == NULL)
    return;
  /* It stays until the end of the process. */
  g_signal_connect (counter, "notify::value", G_CALLBACK (chat), NULL);
  exporter = ferry_exporter_new ();
  g_object_set (exporter, "threads", 1, NULL);
  if (!ferry_exporter_export (exporter, "counter", G_OBJECT (counter), interface, FERRY_CALL_POLICY_SERIAL, NULL) ||
      !ferry_exporter_add_transport (exporter, transport, NULL))
    g_error ("The counter cannot be exported");
  ferry_exporter_start (exporter);
}

static int
answer (void)
{
  g_autoptr (FerryTransport) transport = NULL;
  g_autoptr (FerryDemux) demux = NULL;
  g_autoptr (GError) error = NULL;

  export_counter ();
  transport = ferry_worker_get_transport ("calls", &error);
  if (transport == NULL)
    g_error ("%s", error->message);
  demux = ferry_demux_new (transport);
  ferry_demux_set_threads (demux, 0);
  ferry_demux_add_handler (demux, "echo", echo, NULL, NULL);
  ferry_demux_add_handler (demux, "large", large, NULL, NULL);
  ferry_demux_add_handler (demux, "take", take, NULL, NULL);
  if (!ferry_demux_start (demux, &error))
    g_error ("%s", error->message);
  ferry_transport_wait_closed (transport);
  return EXIT_SUCCESS;
}

int
main (int argc, char **argv)
{
  const char *what = argv[1];

  prints = strcmp (what, "print") == 0 || strcmp (what, "chatter") == 0;
  while (strcmp (what, "sleep") == 0)
    pause ();
  if (strcmp (what, "send") == 0 || strcmp (what, "chatter") == 0 || strcmp (what, "flood") == 0)
    get_side ();
  if (strcmp (what, "flood") != 0)
    return answer ();
  while (ferry_sender_send_bytes (side, what, strlen (what), NULL))
    ;
  return EXIT_SUCCESS;
}
