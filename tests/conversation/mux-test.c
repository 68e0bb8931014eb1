/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "conversation/mux-test.h"

#include <stdatomic.h>

#include <glib-unix.h>
#include <sys/socket.h>

#include "conversation/conversation-handlers.h"

const char *const mux_test_way_names[MUX_TEST_N_WAYS] = {
  [MUX_TEST_PAIR] = "in-process",
  [MUX_TEST_SOCKET] = "socket-pair",
  [MUX_TEST_LANES] = "lanes",
};

static FerryTransport *
new_socket_end (int fd)
{
  g_autoptr (GError) error = NULL;
  FerryTransport *transport = ferry_transport_new_for_descriptors (fd, fd, &error);

  g_assert_no_error (error);
  return transport;
}

static void
start_worker (MuxTest *self, int n_threads)
{
  g_autofree char *program = ferry_test_build_path ("answering-worker");
  g_autofree char *number = g_strdup_printf ("%d", n_threads);
  const char *const argv[] = {program, number, NULL};
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);
  g_autoptr (GError) error = NULL;

  self->router = ferry_test_router_new ();
  self->transport = ferry_launcher_add_transport (launcher, self->router, "calls", &error);
  g_assert_no_error (error);
  self->worker = ferry_launcher_spawn (launcher, self->router, &error);
  g_assert_no_error (error);
}

static void
start_demux (MuxTest *self, int n_threads)
{
  g_autoptr (GError) error = NULL;

  self->demux = ferry_demux_new (self->other);
  conversation_add_handlers (self->demux);
  ferry_demux_set_threads (self->demux, n_threads);
  ferry_demux_start (self->demux, &error);
  g_assert_no_error (error);
}

/* GLib's own thread and descriptors come with their first use. */
static void
warm_up (void)
{
  g_source_unref (g_unix_signal_source_new (SIGHUP));
  g_main_context_iteration (NULL, FALSE);
}

MuxTest *
mux_test_new (MuxTestWay way, int n_threads)
{
  MuxTest *self = g_new0 (MuxTest, 1);
  int fds[2];

  warm_up ();
  self->way = way;
  self->n_fds = ferry_test_count_fds ();
  if (way == MUX_TEST_PAIR)
    ferry_transport_new_pair (&self->transport, &self->other);
  else if (way == MUX_TEST_SOCKET)
    {
      g_assert_no_errno (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
      self->transport = new_socket_end (fds[0]);
      self->other = new_socket_end (fds[1]);
    }
  else
    start_worker (self, n_threads);
  if (self->other != NULL)
    start_demux (self, n_threads);
  self->mux = ferry_mux_new (self->transport);
  return self;
}

static void
stopped_cb (GObject *demux, GAsyncResult *result, gpointer data)
{
  gboolean *stopped = data;
  g_autoptr (GError) error = NULL;

  ferry_demux_stop_finish (FERRY_DEMUX (demux), result, &error);
  g_assert_no_error (error);
  *stopped = TRUE;
}

static gboolean
has_no_more_fds (gpointer data)
{
  return ferry_test_count_fds () <= ((MuxTest *) data)->n_fds;
}

static gboolean
is_gone (gpointer data)
{
  g_autoptr (GObject) object = g_weak_ref_get (data);

  return object == NULL;
}

void
mux_test_free (MuxTest *self)
{
  gboolean stopped = FALSE;
  GWeakRef mux;

  g_assert_cmpuint (ferry_test_get_number (self->mux, "n-in-flight"), ==, 0);
  g_assert_cmpuint (ferry_test_get_number (self->mux, "n-unknown"), ==, 0);
  ferry_transport_close (self->transport);
  if (self->demux != NULL)
    {
      ferry_demux_stop_async (self->demux, NULL, stopped_cb, &stopped);
      ferry_test_wait_flag (&stopped);
    }
  if (self->worker != NULL)
    ferry_test_wait_ended (self->worker);
  g_clear_object (&self->worker);
  g_weak_ref_init (&mux, self->mux);
  g_clear_object (&self->mux);
  /* The thread that has called the last function has still to let go of it. */
  ferry_test_look_until (is_gone, &mux);
  g_weak_ref_clear (&mux);
  g_clear_object (&self->demux);
  g_clear_object (&self->other);
  g_clear_object (&self->transport);
  if (self->router != NULL)
    ferry_test_router_stop (self->router);
  ferry_test_look_until (has_no_more_fds, self);
  g_free (self);
}

/* ---- threads ---- */

typedef struct
{
  MuxTest *test;
  guint number;
  void (*func) (MuxTest *test, guint number);
  _Atomic guint *n_left;
} Thread;

static gpointer
run_thread (gpointer data)
{
  Thread *thread = data;

  thread->func (thread->test, thread->number);
  if (atomic_fetch_sub (thread->n_left, 1) == 1)
    g_main_context_wakeup (NULL);
  return NULL;
}

static gboolean
is_zero (gpointer data)
{
  return atomic_load ((_Atomic guint *) data) == 0;
}

void
mux_test_run_threads (MuxTest *self, guint n, void (*func) (MuxTest *self, guint number))
{
  g_autofree Thread *threads = g_new (Thread, n);
  g_autofree GThread **ids = g_new (GThread *, n);
  _Atomic guint n_left = n;

  for (guint i = 0; i < n; i++)
    {
      threads[i] = (Thread){self, i, func, &n_left};
      ids[i] = g_thread_new ("asker", run_thread, &threads[i]);
    }
  ferry_test_run_until (is_zero, &n_left);
  for (guint i = 0; i < n; i++)
    g_thread_join (ids[i]);
}

typedef struct
{
  FerryMux *mux;
  const char *method;
  GVariant *arguments;
  gint64 timeout;
  GCancellable *cancellable;
  GVariant *result;
  GError *error;
  _Atomic guint n_left;
} Call;

static gpointer
run_call (gpointer data)
{
  Call *self = data;

  self->result =
    ferry_mux_transact (self->mux, self->method, self->arguments, self->timeout, self->cancellable, &self->error);
  atomic_store (&self->n_left, 0);
  g_main_context_wakeup (NULL);
  return NULL;
}

gboolean
mux_test_transact (MuxTest *self, const char *method, GVariant *arguments, gint64 timeout, GCancellable *cancellable,
                   GVariant **result, GError **error)
{
  Call call = {self->mux, method, arguments, timeout, cancellable, NULL, NULL, 1};
  GThread *thread = g_thread_new ("asker", run_call, &call);

  ferry_test_run_until (is_zero, &call.n_left);
  g_thread_join (thread);
  if (result != NULL)
    *result = g_steal_pointer (&call.result);
  g_clear_pointer (&call.result, g_variant_unref);
  if (call.error == NULL)
    return TRUE;
  g_propagate_error (error, call.error);
  return FALSE;
}
