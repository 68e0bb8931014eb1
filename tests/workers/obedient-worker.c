/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker that does what its arguments tell it, one after the other:
 *
 *   send:N       send N messages, numbered on from the last one
 *   pair:N       send N messages by the sender "other" and as many by its own, in turn
 *   flood        send messages without end
 *   large:SIZE   send one message of SIZE bytes, of which byte i is i modulo 251
 *   buffer:SIZE  send a buffer of SIZE bytes, of which byte i is i modulo 251, with its number among buffers
 *   scribble:SIZE  send a buffer, and then, which is not allowed, write to it without end
 *   variant:N    send N GVariants of type (ts)
 *   stop         stop the sender
 *   drop         drop the sender, as a main() does that returns
 *   print:TEXT   print TEXT and a newline to standard output
 *   crash        die of SIGSEGV
 *   abort        die of SIGABRT
 *   exit:STATUS  exit at once, without a word
 *   pause        hang without end, asleep
 *   signals      from now on signals end it, also where a sanitizer would catch them
 *   spin         hang without end, computing
 *   hang-up      close every descriptor from 3 on, and go on
 *   disk:N       wait for N milliseconds as one does that waits for a disk
 *   evade        take off whatever would end it with the application, and heed no signal
 *   give-away:N  have N children that are the application's (CLONE_PARENT) and wait without end
 *   give-dead:N  have N such children that exit at once
 *   fork-send    have a forked child try to send, and end with status 4 unless it is refused
 *   fork-main    have a forked child call ferry_worker_main(), and end with status 4 unless that returns
 *   attach       ask for the sender, and nothing else; the orders to send do that by themselves
 *
 * At the end of its orders it stops its sender and returns from main(). */

#include <ferry.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "evasion.h"

static FerrySender *sender;
static guint64 next_number;

static void
check (gboolean success, GError **error)
{
  if (success)
    return;
  g_printerr ("obedient-worker: %s\n", (*error)->message);
  exit (g_error_matches (*error, FERRY_ERROR, FERRY_ERROR_CLOSED) ? 3 : 2);
}

static void
attach (void)
{
  GError *error = NULL;

  if (sender != NULL)
    return;
  sender = ferry_worker_get_sender ("out", &error);
  check (sender != NULL, &error);
  check (ferry_sender_start (sender, &error), &error);
}

static void
send_numbers (guint64 n)
{
  GError *error = NULL;

  attach ();
  for (guint64 i = 0; i < n; i++, next_number++)
    check (ferry_sender_send_bytes (sender, &next_number, sizeof next_number, &error), &error);
}

static void
send_pairs (guint64 n)
{
  GError *error = NULL;
  g_autoptr (FerrySender) other = ferry_worker_get_sender ("other", &error);

  attach ();
  check (other != NULL && ferry_sender_start (other, &error), &error);
  for (guint64 i = 0; i < n; i++)
    {
      check (ferry_sender_send_bytes (other, &i, sizeof i, &error), &error);
      send_numbers (1);
    }
  check (ferry_sender_stop (other, &error), &error);
}

static void
send_large (gsize size)
{
  g_autofree guint8 *data = g_malloc (size);
  GError *error = NULL;

  attach ();
  for (gsize i = 0; i < size; i++)
    data[i] = (guint8) (i % 251);
  check (ferry_sender_send_bytes (sender, data, size, &error), &error);
}

/* Returns where it lies. */
static guint8 *
send_buffer (gsize size)
{
  static guint32 n_buffers;
  g_autoptr (FerryBuffer) buffer = NULL;
  GError *error = NULL;
  guint8 *data;

  attach ();
  buffer = ferry_sender_create_buffer (sender, size, &error);
  check (buffer != NULL, &error);
  data = ferry_buffer_get_data (buffer, NULL);
  for (gsize i = 0; i < size; i++)
    data[i] = (guint8) (i % 251);
  check (ferry_sender_send_buffer (sender, g_variant_new_uint32 (n_buffers++), buffer, &error), &error);
  return data;
}

static void
scribble (gsize size)
{
  guint8 *data = send_buffer (size);

  /* Memory that it may no longer write to ends it by the signal, also where a sanitizer would have it otherwise. */
  signal (SIGSEGV, SIG_DFL);
  for (guint8 byte = 0;; byte++)
    memset (data, byte, size);
}

static void
send_variants (guint64 n)
{
  GError *error = NULL;

  attach ();
  for (guint64 i = 0; i < n; i++)
    check (ferry_sender_send (sender, g_variant_new ("(ts)", i, "hello"), &error), &error);
}

static void
stop (void)
{
  GError *error = NULL;

  attach ();
  check (ferry_sender_stop (sender, &error), &error);
}

static gboolean
is_refused (gboolean success, GError *error)
{
  return !success && g_error_matches (error, FERRY_ERROR, FERRY_ERROR_NOT_A_WORKER);
}

static void
fork_and_send (void)
{
  pid_t child;
  int status;

  attach ();
  child = fork ();
  if (child == 0)
    {
      GError *error = NULL;
      gboolean sent = ferry_sender_send_bytes (sender, &next_number, sizeof next_number, &error);
      gboolean refused = is_refused (sent, error);

      g_clear_error (&error);
      sent = ferry_worker_get_sender ("out", &error) != NULL;
      _exit (refused && is_refused (sent, error) ? 0 : 1);
    }
  if (child < 0 || waitpid (child, &status, 0) < 0 || status != 0)
    exit (4);
}

static void
fork_and_call_main (void)
{
  pid_t child;
  int status;

  attach ();
  child = fork ();
  if (child == 0)
    {
      ferry_worker_main (NULL, NULL);
      _exit (0);
    }
  if (child < 0 || waitpid (child, &status, 0) < 0 || status != 0)
    exit (4);
}

static void
give_away (guint64 n, gboolean waits)
{
  for (guint64 i = 0; i < n; i++)
    if (evasion_give_away (waits) < 0)
      exit (5);
}

static void
spin (void)
{
  for (volatile guint64 i = 0;; i++)
    ;
}

/* From now on the signals of a crash end the worker, also where a sanitizer would catch them. */
static void
let_signals_end_it (void)
{
  struct rlimit no_core = {0, 0};

  setrlimit (RLIMIT_CORE, &no_core);
  signal (SIGSEGV, SIG_DFL);
  signal (SIGABRT, SIG_DFL);
}

static gboolean
obey_end (const char *order)
{
  let_signals_end_it ();
  if (strcmp (order, "crash") == 0)
    raise (SIGSEGV);
  else if (strcmp (order, "abort") == 0)
    abort ();
  else if (g_str_has_prefix (order, "exit:"))
    _exit (atoi (order + strlen ("exit:")));
  else if (strcmp (order, "spin") == 0)
    spin ();
  else if (strcmp (order, "pause") == 0)
    for (;;)
      pause ();
  return FALSE;
}

/* A parent of vfork() waits so: no signal but SIGKILL wakes it. */
static void
wait_as_for_a_disk (int milliseconds)
{
  if (vfork () > 0)
    return;
  poll (NULL, 0, milliseconds);
  _exit (0);
}

static gboolean
obey (const char *order)
{
  const char *colon = strchr (order, ':');
  guint64 number = colon != NULL ? g_ascii_strtoull (colon + 1, NULL, 10) : 0;

  if (g_str_has_prefix (order, "send:"))
    send_numbers (number);
  else if (g_str_has_prefix (order, "pair:"))
    send_pairs (number);
  else if (strcmp (order, "flood") == 0)
    send_numbers (G_MAXUINT64);
  else if (g_str_has_prefix (order, "large:"))
    send_large (number);
  else if (g_str_has_prefix (order, "buffer:"))
    send_buffer (number);
  else if (g_str_has_prefix (order, "scribble:"))
    scribble (number);
  else if (g_str_has_prefix (order, "variant:"))
    send_variants (number);
  else if (strcmp (order, "stop") == 0)
    stop ();
  else if (strcmp (order, "drop") == 0)
    g_clear_object (&sender);
  else if (g_str_has_prefix (order, "print:"))
    {
      puts (colon + 1);
      fflush (stdout);
    }
  else if (strcmp (order, "hang-up") == 0)
    close_range (3, ~0U, 0);
  else if (g_str_has_prefix (order, "disk:"))
    wait_as_for_a_disk (atoi (order + strlen ("disk:")));
  else if (strcmp (order, "fork-send") == 0)
    fork_and_send ();
  else if (strcmp (order, "fork-main") == 0)
    fork_and_call_main ();
  else if (strcmp (order, "evade") == 0)
    evasion_begin ();
  else if (g_str_has_prefix (order, "give-"))
    give_away (number, g_str_has_prefix (order, "give-away:"));
  else if (strcmp (order, "attach") == 0)
    attach ();
  else if (strcmp (order, "signals") == 0)
    let_signals_end_it ();
  else
    return obey_end (order);
  return TRUE;
}

int
main (int argc, char **argv)
{
  for (int i = 1; i < argc; i++)
    {
      if (obey (argv[i]))
        continue;
      g_printerr ("obedient-worker: no such order: %s\n", argv[i]);
      return 2;
    }
  if (sender != NULL)
    ferry_sender_stop (sender, NULL); /* it may have been stopped by an order */
  g_clear_object (&sender);
  return 0;
}
