/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "conversation/conversation-handlers.h"
#include "conversation/replies-test.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static _Atomic guint64 n_notes;

static void
echo (FerryInvocation *invocation, gpointer data)
{
  ferry_invocation_return_value (invocation, ferry_invocation_get_arguments (invocation));
}

static void
repeat_bytes (FerryInvocation *invocation, gpointer times)
{
  gsize size;
  const guint8 *data = ferry_invocation_get_bytes (invocation, &size);
  g_autofree guint8 *twice = NULL;

  if (data == NULL)
    {
      g_assert_cmpuint (size, ==, 0);
      ferry_invocation_return_new_error (invocation, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "These are no bytes");
      return;
    }
  if (GPOINTER_TO_UINT (times) == 1)
    {
      ferry_invocation_return_bytes (invocation, data, size);
      return;
    }
  twice = g_malloc (2 * size);
  memcpy (twice, data, size);
  memcpy (twice + size, data, size);
  ferry_invocation_return_bytes (invocation, twice, 2 * size);
  /* The answer has its own bytes by now. */
  memset (twice, 0xee, 2 * size);
}

static void
fail_bytes (FerryInvocation *invocation, gpointer data)
{
  gsize size;
  const char *text = ferry_invocation_get_bytes (invocation, &size);

  ferry_invocation_return_new_error (invocation, G_FILE_ERROR, G_FILE_ERROR_NOENT, "%.*s", (int) size, text);
}

static void
nothing (FerryInvocation *invocation, gpointer data)
{
  ferry_invocation_return_value (invocation, NULL);
}

/* Until the time is over, or the answer is not wanted any more. Returns FALSE with an error then. */
static gboolean
wait_for (FerryInvocation *invocation, int milliseconds, GError **error)
{
  GCancellable *cancellable = ferry_invocation_get_cancellable (invocation);
  GPollFD poll_fd;

  g_assert_true (g_cancellable_make_pollfd (cancellable, &poll_fd));
  g_poll (&poll_fd, 1, milliseconds);
  g_cancellable_release_fd (cancellable);
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}

static void
work (FerryInvocation *invocation, gpointer data)
{
  g_autoptr (GError) error = NULL;
  guint32 milliseconds;
  guint32 number;

  g_variant_get (ferry_invocation_get_arguments (invocation), "(uu)", &milliseconds, &number);
  if (!wait_for (invocation, (int) milliseconds, &error))
    ferry_invocation_return_error (invocation, error);
  else if (number % 10 == 9)
    ferry_invocation_return_new_error (invocation, G_FILE_ERROR, G_FILE_ERROR_NOENT, "Number %u", number);
  else
    ferry_invocation_return_value (invocation, g_variant_new_uint32 (2 * number));
}

static void
numbers (FerryInvocation *invocation, gpointer data)
{
  guint64 n = g_variant_get_uint64 (ferry_invocation_get_arguments (invocation));
  g_autoptr (GError) error = NULL;

  for (guint64 i = 0; i < n; i++)
    if (!replies_test_send (invocation, g_variant_new_uint64 (i), &error))
      {
        ferry_invocation_return_error (invocation, error);
        return;
      }
  ferry_invocation_return_value (invocation, g_variant_new_uint64 (n));
}

static void
bytes (FerryInvocation *invocation, gpointer data)
{
  guint64 n = g_variant_get_uint64 (ferry_invocation_get_arguments (invocation));
  guint8 *memory = g_malloc (n + 1);

  memset (memory, 'x', n);
  ferry_invocation_return_value (invocation,
                                 g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, memory, n, TRUE, g_free, memory));
}

static void
never (FerryInvocation *invocation, gpointer data)
{
  g_autoptr (GError) error = NULL;

  while (wait_for (invocation, -1, &error))
    ;
  ferry_invocation_return_error (invocation, error);
}

/* Only a thread of the library has such a name. */
static char *
dup_thread_name (void)
{
  char name[16] = "";

  g_assert_cmpint (pthread_getname_np (pthread_self (), name, sizeof name), ==, 0);
  return g_strdup (name);
}

static gboolean
blocks (int signal_number)
{
  sigset_t mask;

  pthread_sigmask (SIG_SETMASK, NULL, &mask);
  return sigismember (&mask, signal_number) == 1;
}

static void
where (FerryInvocation *invocation, gpointer data)
{
  guint32 milliseconds = g_variant_get_uint32 (ferry_invocation_get_arguments (invocation));
  g_autoptr (GError) error = NULL;

  /* As on the thread that starts the demux. */
  g_assert_false (blocks (SIGUSR1));
  if (milliseconds > 0 && !wait_for (invocation, (int) milliseconds, &error))
    ferry_invocation_return_error (invocation, error);
  else
    ferry_invocation_return_value (invocation, g_variant_new_take_string (dup_thread_name ()));
}

static void
ask_back (FerryInvocation *invocation, gpointer data)
{
  g_autofree char *name = dup_thread_name ();
  g_autoptr (FerryMux) mux = ferry_mux_new (ferry_invocation_get_transport (invocation));
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer =
    ferry_mux_transact (mux, "echo", ferry_invocation_get_arguments (invocation), -1, NULL, &error);

  if (answer == NULL)
    ferry_invocation_return_error (invocation, error);
  else
    ferry_invocation_return_value (invocation, g_variant_new ("(sv)", name, answer));
}

static void
note (FerryInvocation *invocation, gpointer data)
{
  atomic_fetch_add (&n_notes, 1);
  ferry_invocation_return_value (invocation, NULL);
}

static void
note_bytes (FerryInvocation *invocation, gpointer data)
{
  gsize size;

  g_assert_nonnull (ferry_invocation_get_bytes (invocation, &size));
  n_notes += size == 3 ? 1 : 0;
  /* Dropped, as the request is one-way. */
  ferry_invocation_return_bytes (invocation, "abc", 3);
}

static void
noted (FerryInvocation *invocation, gpointer data)
{
  ferry_invocation_return_value (invocation, g_variant_new_uint64 (atomic_load (&n_notes)));
}

static void
die (FerryInvocation *invocation, gpointer data)
{
  raise (SIGKILL);
}

static void
leave (FerryInvocation *invocation, gpointer data)
{
  _exit (0);
}

void
conversation_add_handlers (FerryDemux *demux)
{
  ferry_demux_add_handler (demux, "echo", echo, NULL, NULL);
  ferry_demux_add_handler (demux, "echo-bytes", repeat_bytes, GUINT_TO_POINTER (1), NULL);
  ferry_demux_add_handler (demux, "double-bytes", repeat_bytes, GUINT_TO_POINTER (2), NULL);
  ferry_demux_add_handler (demux, "fail-bytes", fail_bytes, NULL, NULL);
  ferry_demux_add_handler (demux, "nothing", nothing, NULL, NULL);
  ferry_demux_add_handler (demux, "work", work, NULL, NULL);
  ferry_demux_add_handler (demux, "numbers", numbers, NULL, NULL);
  ferry_demux_add_handler (demux, "bytes", bytes, NULL, NULL);
  ferry_demux_add_handler (demux, "never", never, NULL, NULL);
  ferry_demux_add_handler (demux, "where", where, NULL, NULL);
  ferry_demux_add_handler (demux, "ask-back", ask_back, NULL, NULL);
  ferry_demux_add_handler (demux, "note", note, NULL, NULL);
  ferry_demux_add_handler (demux, "note-bytes", note_bytes, NULL, NULL);
  ferry_demux_add_handler (demux, "noted", noted, NULL, NULL);
  ferry_demux_add_handler (demux, "die", die, NULL, NULL);
  ferry_demux_add_handler (demux, "leave", leave, NULL, NULL);
}
