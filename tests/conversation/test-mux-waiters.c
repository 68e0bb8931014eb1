/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: conversation/ferry-mux.c
 *
 * Threads that wait for answers, beside code that is called for others. */

#include "config.h"

#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conversation/mux-test.h"

typedef struct
{
  MuxTest *test;
  _Atomic gboolean is_through; /* the waiting thread has the answer */
  _Atomic gboolean called;
} Fellow;

static gpointer
wait_for_answer (gpointer data)
{
  Fellow *self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result G_GNUC_UNUSED = NULL;

  result = ferry_mux_transact (self->test->mux, "echo", g_variant_new_uint32 (5), -1, NULL, &error);
  g_assert_no_error (error);
  atomic_store (&self->is_through, TRUE);
  return NULL;
}

static void
wait_for_fellow (GVariant *result, const GError *error, gpointer data)
{
  Fellow *self = data;
  gint64 deadline = g_get_monotonic_time () + FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC;

  while (!atomic_load (&self->is_through) && g_get_monotonic_time () < deadline)
    g_thread_yield ();
  g_assert_true (atomic_load (&self->is_through));
  atomic_store (&self->called, TRUE);
  g_main_context_wakeup (NULL);
}

/* Its answer comes first, and both may come at once. */
static void
who_waits_is_woken_before_other_code_runs (gconstpointer data)
{
  g_autoptr (MuxTest) test = mux_test_new ((MuxTestWay) GPOINTER_TO_UINT (data), 1);

  for (guint i = 0; i < 200; i++)
    {
      Fellow fellow = {.test = test};
      GThread *thread = g_thread_new ("fellow", wait_for_answer, &fellow);
      g_autoptr (GError) error = NULL;

      while (ferry_test_get_number (test->mux, "n-in-flight") == 0 && !atomic_load (&fellow.is_through))
        g_thread_yield ();
      g_assert_cmpuint (ferry_mux_transact_with_func (test->mux, "echo", NULL, wait_for_fellow, &fellow, &error), >, 0);
      while (!atomic_load (&fellow.called))
        g_main_context_iteration (NULL, TRUE);
      g_thread_join (thread);
    }
}

/* ---- room ---- */

/* Reads all that comes, until the end of file. */
static gpointer
read_all (gpointer data)
{
  int fd = GPOINTER_TO_INT (data);
  char bytes[4096];

  while (read (fd, bytes, sizeof bytes) > 0)
    ;
  close (fd);
  return NULL;
}

/* Nothing is read at the other end, at first. */
static void
one_way_waits_for_room (void)
{
  g_autoptr (FerryTransport) transport = NULL;
  g_autoptr (FerryMux) mux = NULL;
  g_autoptr (GVariant) kilobyte = g_variant_ref_sink (g_variant_new_take_string (g_strnfill (1024, 'x')));
  g_autoptr (GError) error = NULL;
  GThread *reader;
  int fds[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  transport = ferry_transport_new_for_descriptors (fds[0], fds[0], &error);
  g_assert_no_error (error);
  mux = ferry_mux_new (transport);
  while (ferry_mux_send (mux, "note", kilobyte, 0, NULL, &error))
    ;
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK);
  g_clear_error (&error);
  g_assert_false (ferry_mux_send (mux, "note", kilobyte, 10000, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  g_clear_error (&error);
  reader = g_thread_new ("read", read_all, GINT_TO_POINTER (fds[1]));
  g_assert_true (ferry_mux_send (mux, "note", kilobyte, -1, NULL, &error));
  g_assert_no_error (error);
  ferry_mux_stop (mux);
  ferry_transport_close (transport);
  g_thread_join (reader);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint way = 0; way < MUX_TEST_N_WAYS; way++)
    {
      g_autofree char *path =
        g_strdup_printf ("/mux-waiters/%s/are-woken-before-other-code-runs", mux_test_way_names[way]);

      g_test_add_data_func (path, GUINT_TO_POINTER (way), who_waits_is_woken_before_other_code_runs);
    }
  g_test_add_func ("/mux-waiters/one-way-waits-for-room", one_way_waits_for_room);
  return g_test_run ();
}
