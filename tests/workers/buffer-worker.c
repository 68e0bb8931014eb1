/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker with buffers that have memory of their own. It does what its arguments tell it, one after the other:
 *
 *   threads:N      four threads send N buffers each, filled with the thread's number, with (uu): thread and number
 *   empty:SIZE     send a buffer to which nothing was written
 *   shrunk:SIZE    send one that was made of twice the size
 *   pause          stop, until it is continued
 *   until-full     send small ones without waiting until that would block, and say how many that were
 *   narrow         give its sockets as little room as there may be
 *   late           have a deadline pass for one more
 *   unwatched      the same with a cancellable, where no descriptor is free to wait for that
 *   cancelled      have one more cancelled
 *   again          say so on standard output, and send the one that could not be sent, waiting for as long as it takes
 *   mixed          find that a buffer of the other kind is refused, by the sender "other"
 *
 * What it says goes as a message, a string. */

#include <ferry.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define N_THREADS 4

static FerrySender *sender;
static FerryBuffer *unsent;

static void
check (gboolean success, const char *what, GError **error)
{
  if (success)
    return;
  g_printerr ("buffer-worker: %s: %s\n", what, error != NULL && *error != NULL ? (*error)->message : "");
  exit (2);
}

static FerryBuffer *
create (gsize size)
{
  GError *error = NULL;
  FerryBuffer *buffer = ferry_sender_create_buffer (sender, size, &error);

  check (buffer != NULL, "create", &error);
  return buffer;
}

/* Takes buffer. */
static void
send_buffer (FerryBuffer *buffer, GVariant *metadata)
{
  GError *error = NULL;

  check (ferry_sender_send_buffer (sender, metadata, buffer, &error), "send", &error);
  ferry_buffer_unref (buffer);
}

static void
say (const char *text)
{
  GError *error = NULL;

  check (ferry_sender_send (sender, g_variant_new_string (text), &error), "say", &error);
}

typedef struct
{
  guint32 thread;
  guint32 n;
} Part;

static gpointer
send_part (gpointer data)
{
  const Part *part = data;

  for (guint32 i = 0; i < part->n; i++)
    {
      gsize size = 1 + i * 997;
      FerryBuffer *buffer = create (size);

      memset (ferry_buffer_get_data (buffer, NULL), (int) part->thread, size);
      send_buffer (buffer, g_variant_new ("(uu)", part->thread, i));
    }
  return NULL;
}

static void
send_by_threads (guint32 n)
{
  Part parts[N_THREADS];
  GThread *threads[N_THREADS];

  for (guint32 i = 0; i < N_THREADS; i++)
    {
      parts[i] = (Part){i, n};
      threads[i] = g_thread_new ("sender", send_part, &parts[i]);
    }
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
}

static void
send_shrunk (gsize size)
{
  FerryBuffer *buffer = create (2 * size);

  memset (ferry_buffer_get_data (buffer, NULL), 5, 2 * size);
  ferry_buffer_shrink (buffer, size);
  send_buffer (buffer, NULL);
}

static void
send_until_full (void)
{
  g_autofree char *text = NULL;

  for (guint n = 0;; n++)
    {
      GError *error = NULL;

      g_object_set (sender, "timeout", (gint64) -1, NULL);
      unsent = create (100);
      memset (ferry_buffer_get_data (unsent, NULL), 6, 100);
      g_object_set (sender, "timeout", (gint64) 0, NULL);
      if (ferry_sender_send_buffer (sender, NULL, unsent, &error))
        {
          g_clear_pointer (&unsent, ferry_buffer_unref);
          continue;
        }
      check (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK), "until-full", &error);
      g_clear_error (&error);
      text = g_strdup_printf ("%u", n);
      break;
    }
  g_object_set (sender, "timeout", (gint64) -1, NULL);
  say (text);
}

static void
expect_failure (gint64 timeout, GCancellable *cancellable, GQuark domain, int code)
{
  GError *error = NULL;

  g_object_set (sender, "timeout", timeout, "cancellable", cancellable, NULL);
  check (!ferry_sender_send_buffer (sender, NULL, unsent, &error), "failure", NULL);
  g_object_set (sender, "timeout", (gint64) -1, "cancellable", NULL, NULL);
  check (g_error_matches (error, domain, code), "failure", &error);
  check (((guint8 *) ferry_buffer_get_data (unsent, NULL))[99] == 6, "still there", NULL);
  g_error_free (error);
}

static gpointer
cancel (gpointer data)
{
  g_cancellable_cancel (data);
  return NULL;
}

static void
have_cancelled (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  GThread *thread = g_thread_new ("cancel", cancel, cancellable);

  expect_failure (-1, cancellable, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_thread_join (thread);
}

static void
narrow (void)
{
  const int least = 1;

  for (int fd = 0; fd < 64; fd++)
    setsockopt (fd, SOL_SOCKET, SO_SNDBUF, &least, sizeof least);
}

static void
be_late_unwatched (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  struct rlimit before;

  getrlimit (RLIMIT_NOFILE, &before);
  setrlimit (RLIMIT_NOFILE, &(struct rlimit){3, before.rlim_max});
  expect_failure (50000, cancellable, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  setrlimit (RLIMIT_NOFILE, &before);
}

static void
expect_mixed_refused (void)
{
  GError *error = NULL;
  FerrySender *other = ferry_worker_get_sender ("other", &error);
  FerryBuffer *buffer = create (1);

  check (other != NULL && ferry_sender_start (other, &error), "other", &error);
  check (!ferry_sender_send_buffer (other, NULL, buffer, &error), "mixed", NULL);
  check (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS), "mixed", &error);
  g_clear_error (&error);
  ferry_buffer_unref (buffer);
  buffer = ferry_sender_create_buffer (other, 1, &error);
  check (buffer != NULL, "create", &error);
  check (!ferry_sender_send_buffer (sender, NULL, buffer, &error), "mixed", NULL);
  check (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS), "mixed", &error);
  g_clear_error (&error);
  ferry_buffer_unref (buffer);
  g_object_unref (other);
  say ("refused");
}

static gboolean
obey (const char *order)
{
  const char *colon = strchr (order, ':');
  guint64 n = colon != NULL ? g_ascii_strtoull (colon + 1, NULL, 10) : 0;

  if (g_str_has_prefix (order, "threads:"))
    send_by_threads ((guint32) n);
  else if (g_str_has_prefix (order, "empty:"))
    send_buffer (create (n), NULL);
  else if (g_str_has_prefix (order, "shrunk:"))
    send_shrunk (n);
  else if (strcmp (order, "pause") == 0)
    raise (SIGSTOP);
  else if (strcmp (order, "until-full") == 0)
    send_until_full ();
  else if (strcmp (order, "late") == 0)
    expect_failure (1000, NULL, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  else if (strcmp (order, "narrow") == 0)
    narrow ();
  else if (strcmp (order, "unwatched") == 0)
    be_late_unwatched ();
  else if (strcmp (order, "cancelled") == 0)
    have_cancelled ();
  else if (strcmp (order, "again") == 0)
    {
      puts ("again");
      fflush (stdout);
      send_buffer (g_steal_pointer (&unsent), NULL);
    }
  else if (strcmp (order, "mixed") == 0)
    expect_mixed_refused ();
  else
    return FALSE;
  return TRUE;
}

int
main (int argc, char **argv)
{
  GError *error = NULL;

  sender = ferry_worker_get_sender ("out", &error);
  check (sender != NULL && ferry_sender_start (sender, &error), "start", &error);
  for (int i = 1; i < argc; i++)
    if (!obey (argv[i]))
      {
        g_printerr ("buffer-worker: no such order: %s\n", argv[i]);
        return 2;
      }
  g_object_unref (sender);
  return 0;
}
