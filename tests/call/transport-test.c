/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "call/transport-test.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "call/ferry-transport-private.h"

/* How often what is not told of is looked at. */
#define LOOK_MILLISECONDS 2

/* ---- the kinds ---- */

static FerryTransport *
new_for_descriptors (int in_fd, int out_fd)
{
  g_autoptr (GError) error = NULL;
  FerryTransport *end = ferry_transport_new_for_descriptors (in_fd, out_fd, &error);

  g_assert_no_error (error);
  return end;
}

static void
connect_pipes (FerryTransport **one, FerryTransport **other)
{
  int there[2];
  int back[2];

  g_assert_cmpint (pipe2 (there, O_CLOEXEC), ==, 0);
  g_assert_cmpint (pipe2 (back, O_CLOEXEC), ==, 0);
  *one = new_for_descriptors (back[0], there[1]);
  *other = new_for_descriptors (there[0], back[1]);
}

static void
connect_socket_pair (FerryTransport **one, FerryTransport **other)
{
  int fds[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  *one = new_for_descriptors (fds[0], fds[0]);
  *other = new_for_descriptors (fds[1], fds[1]);
}

static GSocket *
new_tcp_socket (void)
{
  g_autoptr (GError) error = NULL;
  GSocket *socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, &error);

  g_assert_no_error (error);
  return socket;
}

static FerryTransport *
new_for_socket (GSocket *socket)
{
  int fd = fcntl (g_socket_get_fd (socket), F_DUPFD_CLOEXEC, 0);

  return new_for_descriptors (fd, fd);
}

static void
connect_tcp (FerryTransport **one, FerryTransport **other)
{
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GSocketAddress) address = NULL;
  g_autoptr (GSocket) listening = new_tcp_socket ();
  g_autoptr (GSocket) connecting = new_tcp_socket ();
  g_autoptr (GSocket) accepted = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (g_socket_bind (listening, any, TRUE, NULL));
  g_assert_true (g_socket_listen (listening, NULL));
  address = g_socket_get_local_address (listening, NULL);
  g_assert_true (g_socket_connect (connecting, address, NULL, NULL));
  accepted = g_socket_accept (listening, NULL, &error);
  g_assert_no_error (error);
  *one = new_for_socket (connecting);
  *other = new_for_socket (accepted);
}

const TransportTestKind *
transport_test_get_kinds (guint *n)
{
  static const TransportTestKind all[] = {
    {"socket-pair", connect_socket_pair, TRUE},
    {"pipes", connect_pipes, FALSE},
    {"tcp", connect_tcp, FALSE},
    {"in-process", ferry_transport_new_pair, TRUE},
    {"polled", transport_test_connect_polled, FALSE},
    {"session", transport_test_connect_sessions, FALSE},
  };
  static TransportTestKind kinds[G_N_ELEMENTS (all)];

  *n = 0;
  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    if (all[i].connect != NULL)
      kinds[(*n)++] = all[i];
  return kinds;
}

void
transport_test_add_facts (const char *group, const TransportTestFact *facts, guint n_facts)
{
  guint n_kinds;
  const TransportTestKind *kinds = transport_test_get_kinds (&n_kinds);

  for (guint i = 0; i < n_kinds; i++)
    for (guint j = 0; j < n_facts; j++)
      {
        g_autofree char *path = g_strdup_printf ("/%s/%s/%s", group, kinds[i].name, facts[j].name);

        g_test_add_data_func (path, &kinds[i], facts[j].func);
      }
}

/* ---- waiting ---- */

static gboolean
look_cb (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

void
transport_test_wait (FerryTestCondition condition, gpointer data)
{
  guint timer = g_timeout_add (LOOK_MILLISECONDS, look_cb, NULL);

  ferry_test_run_until (condition, data);
  g_source_remove (timer);
}

void
transport_test_wake (void)
{
  g_main_context_wakeup (NULL);
}

typedef struct
{
  _Atomic guint *count;
  guint wanted;
} Count;

static gboolean
is_reached (gpointer data)
{
  Count *count = data;

  return *count->count >= count->wanted;
}

void
transport_test_wait_count (_Atomic guint *count, guint wanted)
{
  Count waiting = {count, wanted};

  transport_test_wait (is_reached, &waiting);
  g_assert_cmpuint (*count, ==, wanted);
}

static gboolean
is_closed (gpointer data)
{
  return ferry_test_get_number (data, "closed");
}

void
transport_test_wait_closed (FerryTransport *end, int code)
{
  g_autoptr (GError) reason = NULL;

  transport_test_wait (is_closed, end);
  g_object_get (end, "reason", &reason, NULL);
  g_assert_error (reason, FERRY_ERROR, code);
}

guint
transport_test_count_threads (void)
{
  DIR *folder = opendir ("/proc/self/task");
  struct dirent *entry;
  guint n = 0;

  g_assert_nonnull (folder);
  while ((entry = readdir (folder)) != NULL)
    {
      g_autofree char *path = g_build_filename ("/proc/self/task", entry->d_name, "comm", NULL);
      g_autofree char *name = NULL;

      if (entry->d_name[0] != '.' && g_file_get_contents (path, &name, NULL, NULL))
        n += g_str_has_prefix (name, "ferry-") ? 1 : 0;
    }
  closedir (folder);
  return n;
}

typedef struct
{
  guint n_threads;
  guint n_fds;
} Left;

/* There may have been more at first than there was to be: of a test before, a thread that had no name yet when it was
 * looked for, and was on its way to its end. */
static gboolean
is_left (gpointer data)
{
  Left *left = data;

  return transport_test_count_threads () <= left->n_threads && ferry_test_count_fds () <= left->n_fds;
}

void
transport_test_wait_left (guint n_threads, guint n_fds)
{
  Left left = {n_threads, n_fds};

  transport_test_wait (is_left, &left);
}

/* ---- a pair ---- */

TransportTestPair *
transport_test_pair_new (const TransportTestKind *kind)
{
  TransportTestPair *pair = g_new0 (TransportTestPair, 1);

  /* What a main context needs, it needs from the first wait on. And the first use of a quark, which GLib leaves to
   * chance, looks like a race to ThreadSanitizer. */
  g_main_context_iteration (NULL, FALSE);
  g_io_error_quark ();
  pair->n_fds = ferry_test_count_fds ();
  pair->n_threads = transport_test_count_threads ();
  pair->owner = g_object_new (G_TYPE_OBJECT, NULL);
  kind->connect (&pair->ends[0], &pair->ends[1]);
  return pair;
}

void
transport_test_pair_free (TransportTestPair *pair)
{
  for (guint i = 0; i < G_N_ELEMENTS (pair->ends); i++)
    {
      if (pair->ends[i] != NULL)
        ferry_transport_close (pair->ends[i]);
      g_clear_object (&pair->ends[i]);
    }
  transport_test_wait_left (pair->n_threads, pair->n_fds);
  g_object_unref (pair->owner);
  g_free (pair);
}

void
transport_test_take_calls (TransportTestPair *pair, guint end,
                           void (*func) (FerryTransport *self, FerryCall *call, GObject *owner))
{
  g_autoptr (GError) error = NULL;

  ferry_transport_take_calls (pair->ends[end], func, pair->owner, &error);
  g_assert_no_error (error);
}

/* ---- asking ---- */

gboolean
transport_test_try_tell (FerryTransport *end, const char *method, GVariant *arguments)
{
  FerryRequest request = {.method = method, .arguments = arguments, .flags = FERRY_CALL_ONE_WAY};
  g_autoptr (GError) error = NULL;

  if (ferry_transport_ask (end, &request, NULL, NULL, &error) != 0)
    return TRUE;
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK);
  return FALSE;
}

/* ---- gates ---- */

void
transport_test_gate_set (TransportTestGate *gate, gboolean open)
{
  pthread_mutex_lock (&gate->lock);
  gate->open = open;
  pthread_cond_broadcast (&gate->changed);
  pthread_mutex_unlock (&gate->lock);
}

void
transport_test_gate_pass (TransportTestGate *gate)
{
  pthread_mutex_lock (&gate->lock);
  while (!gate->open)
    pthread_cond_wait (&gate->changed, &gate->lock);
  pthread_mutex_unlock (&gate->lock);
}
