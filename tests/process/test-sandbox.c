/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: process/ferry-landlock.c, process/ferry-call-filter.c, process/ferry-bubblewrap.c, process/ferry-sandbox.c
 *
 * What a worker in a sandbox tries, and which layer refuses it: each layer is tried by itself, so that none is credited
 * with what another does, and the whole sandbox once more. That the attempt works without a sandbox is seen first. */

#include "config.h"

#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/ferry-base-private.h"
#include "process/sandbox-test.h"

#define LANDLOCK FERRY_SANDBOX_STRENGTH_LANDLOCK
#define TCP FERRY_SANDBOX_STRENGTH_LANDLOCK_NETWORK
#define SCOPE FERRY_SANDBOX_STRENGTH_LANDLOCK_SCOPE
#define CALLS FERRY_SANDBOX_STRENGTH_SYSTEM_CALLS
#define NAMESPACES FERRY_SANDBOX_STRENGTH_NAMESPACES
#define ANY_LANDLOCK (LANDLOCK | TCP | SCOPE)

/* %F a file, %N one that is not there, %D a folder, %P a port, %S a local socket, %I our number, %A a place in our
 * memory. */
static const struct
{
  const char *name;
  const char *order;
  guint refused_by;
} attempts[] = {
  {"reads-no-file-outside-the-grants", "read:%F", LANDLOCK},
  {"lists-no-folder-outside-the-grants", "list:%D", LANDLOCK},
  {"writes-no-file-outside-the-grants", "write:%F", LANDLOCK | NAMESPACES},
  {"makes-no-file-outside-the-grants", "write:%N", LANDLOCK | NAMESPACES},
  {"changes-no-file-s-permissions", "mode:%F", CALLS | NAMESPACES},
  {"connects-to-no-loopback-address", "connect:%P", CALLS | TCP | NAMESPACES},
  {"binds-no-port", "bind", CALLS | TCP},
  {"connects-to-no-local-socket", "local:%S", CALLS},
  {"executes-no-program", "execute:/bin/true", CALLS | LANDLOCK},
  {"spawns-no-program", "spawn:/bin/true", CALLS | LANDLOCK},
  {"forks-not-once", "fork", CALLS},
  {"writes-no-memory-of-the-application-through-proc", "memory:%I:%A", ANY_LANDLOCK | NAMESPACES},
  {"writes-no-memory-of-the-application-by-a-call", "remote:%I:%A", CALLS | ANY_LANDLOCK | NAMESPACES},
  {"traces-not-the-application", "trace:%I", CALLS | ANY_LANDLOCK | NAMESPACES},
  {"signals-not-the-application", "signal:%I", CALLS | SCOPE | NAMESPACES},
  {"queues-no-signal-to-the-application", "queue:%I", CALLS | SCOPE | NAMESPACES},
  {"changes-no-limit-of-the-application", "limit:%I", CALLS | NAMESPACES},
  {"takes-no-time-of-the-application", "schedule:%I", CALLS | NAMESPACES},
  {"moves-not-the-application", "place:%I", CALLS | NAMESPACES},
  {"makes-no-sockets-that-anyone-can-be-reached-by", "pair", CALLS},
  {"sees-not-what-becomes-of-files", "watch:%D", CALLS},
  {"empties-no-file", "empty:%F", CALLS | LANDLOCK | NAMESPACES},
  {"outlives-not-the-application", "outlive", CALLS},
  {"makes-no-namespace", "unshare", CALLS},
  {"adds-no-key", "keys", CALLS},
  {"has-nobody-wait-for-a-file", "lease:%F", CALLS | LANDLOCK},
  {"locks-no-file", "lock:%F", CALLS | LANDLOCK},
  {"reads-no-attributes-of-files", "attributes:%F", CALLS},
  {"has-no-descriptor-signal-its-owner", "turn-async", CALLS},
  {"has-no-descriptor-signal-its-owner-by-a-flag", "turn-async-flag", CALLS},
  {"asks-no-socket-of-the-network", "name-interface", CALLS},
  {"gets-no-descriptor-of-the-application", "pidfd:%I", CALLS | NAMESPACES},
  {"learns-no-address-within-the-application", "robust-list:%I", CALLS | ANY_LANDLOCK | NAMESPACES},
  {"leaves-not-its-group", "leave-group", CALLS},
  {"shares-no-core-with-the-application", "share-core:%I", CALLS | ANY_LANDLOCK | NAMESPACES},
  {"outlives-not-the-application-by-a-wide-number", "outlive-by-wide", CALLS},
  {"makes-no-ruleset", "make-ruleset", CALLS},
  {"takes-no-queue-of-the-system", "queue-reads", CALLS},
  {"has-no-descriptor-written-at-its-end-only", "flag-append", CALLS},
  {"has-no-descriptor-not-wait-by-a-flag", "flag-unblocked", CALLS},
  {"has-no-memory-that-is-never-swapped", "secret", CALLS},
  {"starts-no-thread-in-a-namespace", "thread-in-namespace", CALLS | NAMESPACES},
};

static const guint layers[] = {LANDLOCK, TCP, SCOPE, CALLS, NAMESPACES};

static volatile guint32 target;

typedef struct
{
  char *folder; /* (owned) */
  char *file;   /* (owned) */
  char *absent; /* (owned) */
  char *local;  /* (owned) */
  guint16 port;
  GSocketListener *listener; /* (owned) */
} Surroundings;

static void
surroundings_init (Surroundings *self)
{
  g_autoptr (GSocketAddress) address = NULL;
  g_autoptr (GError) error = NULL;

  self->folder = g_dir_make_tmp ("ferry-sandbox-XXXXXX", &error);
  g_assert_no_error (error);
  self->file = g_build_filename (self->folder, "file", NULL);
  self->absent = g_build_filename (self->folder, "absent", NULL);
  self->local = g_build_filename (self->folder, "socket", NULL);
  g_file_set_contents (self->file, "text", -1, &error);
  g_assert_no_error (error);
  self->listener = g_socket_listener_new ();
  self->port = g_socket_listener_add_any_inet_port (self->listener, NULL, &error);
  g_assert_no_error (error);
  address = g_unix_socket_address_new (self->local);
  g_socket_listener_add_address (self->listener, address, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, NULL, NULL,
                                 &error);
  g_assert_no_error (error);
}

static void
surroundings_clear (Surroundings *self)
{
  g_socket_listener_close (self->listener);
  g_object_unref (self->listener);
  g_unlink (self->file);
  g_unlink (self->absent);
  g_unlink (self->local);
  g_assert_no_errno (g_rmdir (self->folder));
  g_free (self->folder);
  g_free (self->file);
  g_free (self->absent);
  g_free (self->local);
}

static char *
fill_order (const Surroundings *self, const char *order)
{
  GString *text = g_string_new (order);
  g_autofree char *port = g_strdup_printf ("%u", self->port);
  g_autofree char *pid = g_strdup_printf ("%d", (int) getpid ());
  g_autofree char *place = g_strdup_printf ("%" G_GUINT64_FORMAT, (guint64) (guintptr) &target);

  g_string_replace (text, "%F", self->file, 0);
  g_string_replace (text, "%N", self->absent, 0);
  g_string_replace (text, "%D", self->folder, 0);
  g_string_replace (text, "%S", self->local, 0);
  g_string_replace (text, "%P", port, 0);
  g_string_replace (text, "%I", pid, 0);
  g_string_replace (text, "%A", place, 0);
  return g_string_free (text, FALSE);
}

/* Tries it with some layers; returns the error number. */
static int
try_with (SandboxTest *test, guint some_layers, const char *order, const char *absent)
{
  struct rlimit limit;
  struct rlimit before;
  int outcome;

  target = 0;
  getrlimit (RLIMIT_CORE, &before);
  g_object_set (test->sandbox, "layers", some_layers, NULL);
  outcome = sandbox_test_try (test, order);
  getrlimit (RLIMIT_CORE, &limit);
  if (outcome != 0)
    {
      g_assert_cmpuint (target, ==, 0);
      g_assert_false (g_file_test (absent, G_FILE_TEST_EXISTS));
      g_assert_cmpuint (limit.rlim_cur, ==, before.rlim_cur);
    }
  g_unlink (absent);
  return outcome;
}

/* Reads what the kernel says of our memory, so that what wrote in vain is not taken for refused. */
static gboolean
works_without_sandbox (SandboxTest *test, const char *order, const char *absent)
{
  int outcome;

  g_object_set (test->sandbox, "policy", FERRY_SANDBOX_POLICY_OFF, NULL);
  outcome = try_with (test, 0, order, absent);
  g_object_set (test->sandbox, "policy", FERRY_SANDBOX_POLICY_PREFERRED, NULL);
  if (outcome == 0 && (g_str_has_prefix (order, "memory:") || g_str_has_prefix (order, "remote:")))
    g_assert_cmpuint (target, ==, 1);
  return outcome == 0;
}

/* Tries each layer that the system has by itself. Returns those that it has not. */
static guint
try_each_layer (SandboxTest *test, guint refused_by, const char *order, const char *absent)
{
  guint missing = 0;

  for (guint i = 0; i < G_N_ELEMENTS (layers); i++)
    {
      int outcome;

      if ((layers[i] & ferry_sandbox_get_strength ()) == 0)
        {
          missing |= layers[i];
          continue;
        }
      outcome = try_with (test, layers[i], order, absent);
      g_assert_cmpuint (ferry_test_get_number (test->worker, "sandbox-strength"), ==, layers[i]);
      if ((outcome != 0) != ((layers[i] & refused_by) != 0))
        {
          g_autofree char *name = ferry_sandbox_describe_strength (layers[i]);

          g_error ("%s with %s alone: %s", order, name, g_strerror (outcome));
        }
    }
  return missing;
}

/* Landlock knows of cutting off since Linux 6.2, a little before it knew of TCP. */
static guint
get_refused_by (gsize row)
{
  guint refused_by = attempts[row].refused_by;

  if (g_str_has_prefix (attempts[row].order, "empty:") && (ferry_sandbox_get_strength () & TCP) == 0)
    refused_by &= ~(guint) LANDLOCK;
  return refused_by;
}

static void
test_attempt (gconstpointer data)
{
  gsize row = GPOINTER_TO_SIZE (data);
  g_autoptr (SandboxTest) test = sandbox_test_new ();
  g_autofree char *order = NULL;
  guint has = ferry_sandbox_get_strength ();
  Surroundings surroundings;
  guint missing;

  surroundings_init (&surroundings);
  order = fill_order (&surroundings, attempts[row].order);
  if (!works_without_sandbox (test, order, surroundings.absent))
    g_test_skip ("this system refuses it without a sandbox too");
  else
    {
      missing = try_each_layer (test, get_refused_by (row), order, surroundings.absent);
      if ((get_refused_by (row) & has) != 0)
        g_assert_cmpint (try_with (test, has, order, surroundings.absent), !=, 0);
      if (missing != 0)
        sandbox_test_has (missing);
    }
  surroundings_clear (&surroundings);
}

/* What is not tried without a sandbox, since all that write to a disk would wait for it. */
static void
test_stalls_not_the_system (void)
{
  g_autoptr (SandboxTest) test = sandbox_test_new ();

  if (!sandbox_test_has (CALLS))
    return;
  g_object_set (test->sandbox, "layers", CALLS | FERRY_SANDBOX_STRENGTH_NO_NEW_PRIVILEGES, NULL);
  g_assert_cmpint (sandbox_test_try (test, "sync"), ==, EPERM);
  g_assert_cmpint (sandbox_test_try (test, "sync-input"), ==, EPERM);
}

/* By itself the filter refuses it. With other layers, the answer depends on the kernel's version. */
static void
test_opens_no_file_by_its_handle (void)
{
  g_autoptr (SandboxTest) test = sandbox_test_new ();

  if (!sandbox_test_has (CALLS))
    return;
  g_object_set (test->sandbox, "layers", CALLS, NULL);
  g_assert_cmpint (sandbox_test_try (test, "open-handle"), ==, EPERM);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sandbox/stalls-not-the-system", test_stalls_not_the_system);
  g_test_add_func ("/sandbox/opens-no-file-by-its-handle", test_opens_no_file_by_its_handle);

  for (gsize i = 0; i < G_N_ELEMENTS (attempts); i++)
    {
      g_autofree char *path = g_strconcat ("/sandbox/", attempts[i].name, NULL);

      g_test_add_data_func (path, GSIZE_TO_POINTER (i), test_attempt);
    }
  return g_test_run ();
}
