/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: cluster/ferry-host-main.c, cluster/ferry-host-check.c, cluster/ferry-host-status.c
 *
 * The program itself, with a real server between it and an application. */

#include "config.h"

#include <fcntl.h>
#include <nats/nats.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cluster/ferry-bus-private.h"
#include "cluster/ferry-server-access-private.h"
#include "cluster/host-test.h"
#include "cluster/server-test.h"
#include "route/ferry-router-private.h"

/* A host, and an application that is connected to the same server. */
typedef struct
{
  NatsTestServer *server;
  FerryRouter *router;
  FerryBus *bus;
  GSubprocess *host;
  char *instance; /* (nullable): of the host that was present last */
  FerryHostFacts facts;
  FerrySession *session;
  HostTestApplication *application;
} Fixture;

static char *
get_program (void)
{
  return g_test_build_filename (G_TEST_BUILT, "..", "router", "cluster", "ferry-host", NULL);
}

/* The options of a host as its user, with further ones; the program comes behind them. NULL-terminated. */
static GPtrArray *
make_arguments (const char *url, const char *name, const char *more, const char *program)
{
  GPtrArray *arguments = g_ptr_array_new_with_free_func (g_free);
  g_auto (GStrv) parts = NULL;

  /* A password is in the environment, not in the command line. */
  g_ptr_array_add (arguments, g_strdup ("env"));
  g_ptr_array_add (arguments, g_strdup_printf ("FERRY_SERVER=%s", url));
  g_ptr_array_add (arguments, get_program ());
  g_assert_true (g_shell_parse_argv (more, NULL, &parts, NULL));
  g_ptr_array_add (arguments, g_strdup ("--application=demo"));
  g_ptr_array_add (arguments, g_strdup_printf ("--name=%s", name));
  for (guint i = 0; parts[i] != NULL; i++)
    g_ptr_array_add (arguments, g_strdup (parts[i]));
  g_ptr_array_add (arguments, g_strdup (program));
  g_ptr_array_add (arguments, NULL);
  return arguments;
}

static void
start_host (Fixture *self)
{
  g_autofree char *worker = ferry_test_build_path ("serving-worker");
  g_autofree char *url = server_test_dup_url (self->server, "alpha", "secret");
  g_autoptr (GPtrArray) arguments = make_arguments (url, "alpha", "--workers 2 --label gpu --verbose", worker);

  self->host = ferry_test_start ((const char *const *) arguments->pdata, G_SUBPROCESS_FLAGS_STDOUT_PIPE);
}

/* ---- the application ---- */

static void
bus_changed (gpointer data)
{
}

static void
host_present (gpointer data, const char *host, const char *id, GVariant *facts)
{
  Fixture *self = data;
  g_auto (FerryHostFacts) told = {0};
  g_autoptr (GError) error = NULL;

  ferry_host_facts_from_variant (&told, facts, &error);
  g_assert_no_error (error);
  if (told.asking)
    return;
  g_assert_cmpstr (host, ==, "alpha");
  ferry_host_facts_clear (&self->facts);
  self->facts = told;
  told = (FerryHostFacts){0};
  g_free (self->instance);
  self->instance = g_strdup (id);
}

static void
packet_came (gpointer data, const char *peer, const char *id, GBytes *packet)
{
  Fixture *self = data;

  if (self->session != NULL)
    ferry_session_receive (self->session, g_bytes_get_data (packet, NULL), g_bytes_get_size (packet));
}

static const FerryBusFuncs bus_funcs = {bus_changed, host_present, packet_came};

static gboolean
is_present (gpointer data)
{
  return ((Fixture *) data)->instance != NULL;
}

static void
open_session (Fixture *self)
{
  FerryWire wire;
  gpointer data;

  ferry_test_run_until (is_present, self);
  ferry_bus_make_wire (self->bus, "alpha", self->instance, &wire, &data);
  self->session = ferry_session_new (&wire, data, self->router->timers, self->router->context, NULL);
  self->application = host_test_connect_over (NULL, FERRY_TRANSPORT (self->session), "demo");
  host_test_wait_room (self->application, 2);
}

static void
set_up (Fixture *self)
{
  g_autofree char *url = NULL;
  g_autoptr (GError) error = NULL;
  FerryBusSettings settings = {.application = "demo"};

  *self = (Fixture){.server = server_test_new (), .router = ferry_router_new (NULL)};
  g_assert_true (ferry_router_start (self->router, NULL));
  url = server_test_dup_url (self->server, "alice", "secret");
  settings.url = url;
  self->bus = ferry_bus_new (self->router, &settings, &bus_funcs, self, &error);
  g_assert_no_error (error);
  start_host (self);
}

static void
tear_down (Fixture *self)
{
  g_clear_pointer (&self->application, host_test_application_free);
  if (self->session != NULL)
    ferry_transport_close (FERRY_TRANSPORT (self->session));
  g_clear_object (&self->session);
  g_subprocess_force_exit (self->host);
  g_subprocess_wait (self->host, NULL, NULL);
  g_clear_object (&self->host);
  ferry_bus_close (self->bus);
  g_clear_pointer (&self->bus, ferry_bus_unref);
  ferry_test_router_stop (g_steal_pointer (&self->router));
  ferry_host_facts_clear (&self->facts);
  g_free (self->instance);
  nats_test_server_free (self->server);
}

static void
note_end (GObject *process, GAsyncResult *result, gpointer data)
{
  g_subprocess_wait_finish (G_SUBPROCESS (process), result, NULL);
  *(gboolean *) data = TRUE;
}

/* What a host has to say goes to standard error. */
static void
assert_wrote_nothing (Fixture *self)
{
  GPollableInputStream *output = G_POLLABLE_INPUT_STREAM (g_subprocess_get_stdout_pipe (self->host));
  char byte;

  g_assert_cmpint (g_pollable_input_stream_read_nonblocking (output, &byte, 1, NULL, NULL), <=, 0);
}

static int
wait_for_exit (Fixture *self)
{
  gboolean ended = FALSE;

  g_subprocess_wait_async (self->host, NULL, note_end, &ended);
  ferry_test_wait_flag (&ended);
  assert_wrote_nothing (self);
  g_assert_true (g_subprocess_get_if_exited (self->host));
  return g_subprocess_get_exit_status (self->host);
}

/* ---- tasks ---- */

static void
test_runs_tasks (void)
{
  g_autoptr (HostTestCall) call = NULL;
  g_autoptr (HostTestCall) failed = NULL;
  Fixture fixture;

  set_up (&fixture);
  open_session (&fixture);
  g_assert_true (g_strv_contains ((const char *const *) fixture.facts.functions, "echo"));
  g_assert_cmpuint (fixture.facts.n_workers, ==, 2);
  g_assert_cmpstrv (fixture.facts.labels, ((const char *const[]){"gpu", NULL}));
  g_assert_cmpstr (fixture.facts.program_version, ==, "1.4-test");
  call = host_test_run (fixture.application, "echo", g_variant_new_string ("far away"));
  host_test_wait_begin (call);
  host_test_give_leave (call);
  host_test_assert_result (call, "'far away'");
  failed = host_test_run_idempotent (fixture.application, "crash", g_variant_new_int32 (SIGKILL));
  host_test_assert_failed (failed, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  g_assert_nonnull (strstr (failed->trace, "on host 'alpha'"));
  tear_down (&fixture);
}

/* A function that runs until the test says so. */
typedef struct
{
  char *path;
  HostTestCall *call;
} Held;

static void
hold (Held *self, Fixture *fixture)
{
  g_autofree char *folder = g_dir_make_tmp ("ferry-host-XXXXXX", NULL);

  self->path = g_build_filename (folder, "fifo", NULL);
  g_assert_cmpint (mkfifo (self->path, 0600), ==, 0);
  self->call = host_test_run_idempotent (fixture->application, "read-fifo", g_variant_new_string (self->path));
  host_test_wait_begin (self->call);
}

static void
let_go (Held *self)
{
  /* Opening it waits until the function reads. */
  int fd = open (self->path, O_WRONLY | O_CLOEXEC);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (write (fd, "x", 1), ==, 1);
  close (fd);
}

static void
held_clear (Held *self)
{
  g_autofree char *folder = g_path_get_dirname (self->path);

  unlink (self->path);
  rmdir (folder);
  g_free (self->path);
  host_test_call_unref (self->call);
}

static gboolean
is_told_to_drain (gpointer data)
{
  Fixture *self = data;

  return self->application->told_drain && self->facts.draining;
}

static void
test_sigterm_drains (void)
{
  Held held;
  Fixture fixture;

  set_up (&fixture);
  open_session (&fixture);
  hold (&held, &fixture);
  g_subprocess_send_signal (fixture.host, SIGTERM);
  ferry_test_run_until (is_told_to_drain, &fixture);
  g_assert_false (held.call->done);
  let_go (&held);
  host_test_assert_result (held.call, NULL);
  host_test_assert_result (fixture.application->serve, NULL);
  ferry_transport_close (FERRY_TRANSPORT (fixture.session));
  g_assert_cmpint (wait_for_exit (&fixture), ==, 0);
  held_clear (&held);
  tear_down (&fixture);
}

static void
test_second_sigterm_ends_at_once (void)
{
  Held held;
  Fixture fixture;

  set_up (&fixture);
  open_session (&fixture);
  hold (&held, &fixture);
  g_subprocess_send_signal (fixture.host, SIGTERM);
  ferry_test_run_until (is_told_to_drain, &fixture);
  g_subprocess_send_signal (fixture.host, SIGTERM);
  g_assert_cmpint (wait_for_exit (&fixture), ==, 3);
  /* The application hears of it by the end of the session. */
  host_test_assert_failed (held.call, FERRY_ERROR, FERRY_ERROR_CLOSED);
  host_test_assert_result (fixture.application->serve, NULL);
  held_clear (&held);
  tear_down (&fixture);
}

static void
test_host_without_tasks_ends_at_once (void)
{
  Fixture fixture;

  set_up (&fixture);
  ferry_test_run_until (is_present, &fixture);
  g_subprocess_send_signal (fixture.host, SIGINT);
  g_assert_cmpint (wait_for_exit (&fixture), ==, 0);
  tear_down (&fixture);
}

/* Also while its workers end, when there is nothing left to drain. */
static void
test_signals_may_come_to_the_very_end (void)
{
  g_autoptr (HostTestCall) call = NULL;
  gboolean is_over = FALSE;
  Fixture fixture;
  int status;

  set_up (&fixture);
  open_session (&fixture);
  call = host_test_run_idempotent (fixture.application, "echo", g_variant_new_string ("here"));
  host_test_assert_result (call, "'here'");
  g_subprocess_wait_async (fixture.host, NULL, note_end, &is_over);
  while (!is_over)
    {
      g_subprocess_send_signal (fixture.host, SIGTERM);
      g_main_context_iteration (NULL, FALSE);
    }
  status = wait_for_exit (&fixture);
  g_assert_true (status == 0 || status == 3);
  tear_down (&fixture);
}

/* ---- monitoring ---- */

/* Returns (transfer full) what the server tells of itself. */
static char *
ask_server (NatsTestServer *server, const char *path)
{
  g_autofree char *request = g_strdup_printf ("GET %s HTTP/1.0\r\n\r\n", path);
  guint16 port = (guint16) nats_test_server_get_other_port (server, "monitoring");
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GDataInputStream) input = NULL;
  g_autoptr (GError) error = NULL;
  char *text;

  connection = g_socket_client_connect_to_host (client, "127.0.0.1", port, NULL, &error);
  g_assert_no_error (error);
  g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (connection)), request, strlen (request), NULL,
                             NULL, &error);
  g_assert_no_error (error);
  input = g_data_input_stream_new (g_io_stream_get_input_stream (G_IO_STREAM (connection)));
  text = g_data_input_stream_read_upto (input, "", 1, NULL, NULL, &error);
  g_assert_no_error (error);
  return text;
}

static void
test_server_tells_who_is_connected (void)
{
  g_autofree char *text = NULL;
  Fixture fixture;

  set_up (&fixture);
  open_session (&fixture);
  text = ask_server (fixture.server, "/connz?subs=1");
  g_test_message ("%s", text);
  g_assert_nonnull (strstr (text, "\"name\": \"ferry-host alpha\""));
  g_assert_nonnull (strstr (text, "\"ferry.demo.down.alpha."));
  g_assert_nonnull (strstr (text, "\"name\": \"demo\""));
  g_assert_nonnull (strstr (text, "\"ferry.demo.up.alice."));
  tear_down (&fixture);
}

/* ---- other users ---- */

static void
keep_first (gpointer data, GBytes *packet)
{
  GBytes **kept = data;

  if (*kept == NULL)
    *kept = g_bytes_ref (packet);
}

static gboolean
has_packet (gpointer data)
{
  return *(GBytes **) data != NULL;
}

/* The host has a session with another end by the application's name: what that one sends is not for this session. */
static gboolean
is_displaced (gpointer data)
{
  return ferry_session_get_counts (((Fixture *) data)->session).n_foreign > 0;
}

/* Returns (transfer full) the packet that opens a session. A host that gets it as a packet of an application that has
 * a session ends that session, and what runs for it. */
static GBytes *
make_harmful_packet (Fixture *fixture)
{
  const FerryWire wire = {keep_first, NULL};
  GBytes *packet = NULL;
  g_autoptr (FerrySession) session =
    ferry_session_new (&wire, &packet, fixture->router->timers, fixture->router->context, NULL);

  ferry_test_run_until (has_packet, &packet);
  ferry_transport_close (FERRY_TRANSPORT (session));
  return packet;
}

/* Sends the packet as one of the application's. Returns whether the server lets the user do that. */
static gboolean
send_as (Fixture *fixture, const char *user, GBytes *packet)
{
  g_autofree char *url = server_test_dup_url (fixture->server, user, "secret");
  g_autofree char *subject =
    g_strdup_printf ("ferry.demo.down.alpha.%s.alice.%s", fixture->instance, ferry_bus_get_id (fixture->bus));
  natsConnection *connection = NULL;
  const char *text;
  gboolean permitted;

  g_assert_cmpint (natsConnection_ConnectTo (&connection, url), ==, NATS_OK);
  natsConnection_Publish (connection, subject, g_bytes_get_data (packet, NULL), (int) g_bytes_get_size (packet));
  g_assert_cmpint (natsConnection_Flush (connection), ==, NATS_OK);
  permitted = natsConnection_GetLastError (connection, &text) != NATS_NOT_PERMITTED;
  natsConnection_Destroy (connection);
  return permitted;
}

static void
test_no_other_user_ends_what_runs (void)
{
  g_autoptr (GBytes) packet = NULL;
  g_autoptr (HostTestCall) call = NULL;
  Held held;
  Fixture fixture;

  set_up (&fixture);
  open_session (&fixture);
  hold (&held, &fixture);
  packet = make_harmful_packet (&fixture);
  g_assert_false (send_as (&fixture, "bob", packet));
  g_assert_false (send_as (&fixture, "beta", packet));
  call = host_test_run_idempotent (fixture.application, "echo", g_variant_new_string ("unharmed"));
  host_test_assert_result (call, "'unharmed'");
  g_assert_false (held.call->done || is_displaced (&fixture));
  /* It would have done harm. */
  g_assert_true (send_as (&fixture, "alice", packet));
  ferry_test_run_until (is_displaced, &fixture);
  held_clear (&held);
  tear_down (&fixture);
}

/* ---- what is wrong ---- */

static void
assert_says (GPtrArray *arguments, int status, const char *word)
{
  g_autoptr (GSubprocess) process = NULL;
  g_autofree char *output = NULL;
  g_autoptr (GError) error = NULL;

  process = ferry_test_start ((const char *const *) arguments->pdata,
                              G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE);
  g_assert_true (g_subprocess_communicate_utf8 (process, NULL, NULL, &output, NULL, &error));
  g_test_message ("%s", output);
  g_assert_true (g_subprocess_get_if_exited (process));
  g_assert_cmpint (g_subprocess_get_exit_status (process), ==, status);
  g_assert_nonnull (strstr (output, word));
  g_assert_null (strstr (output, "secret"));
}

static void
assert_check (NatsTestServer *server, const char *user, const char *password, const char *name, const char *more,
              const char *program, int status, const char *word)
{
  g_autofree char *url =
    server != NULL ? server_test_dup_url (server, user, password) : g_strdup ("nats://127.0.0.1:1");
  g_autoptr (GPtrArray) arguments = make_arguments (url, name, more, program);

  assert_says (arguments, status, word);
}

/* Returns (transfer full) (nullable) the next line, or NULL at the end. */
static char *
read_line (GDataInputStream *lines)
{
  g_autoptr (GError) error = NULL;
  char *line = g_data_input_stream_read_line_utf8 (lines, NULL, NULL, &error);

  g_assert_no_error (error);
  if (line != NULL)
    g_test_message ("%s", line);
  return line;
}

/* The host cannot be heard. */
static void
test_host_without_permission_does_not_say_that_it_serves (void)
{
  g_autoptr (NatsTestServer) server = server_test_new ();
  g_autofree char *worker = ferry_test_build_path ("serving-worker");
  g_autofree char *url = server_test_dup_url (server, "alpha", "secret");
  g_autoptr (GPtrArray) arguments = make_arguments (url, "beta", "--workers 1", worker);
  g_autoptr (GSubprocess) host = NULL;
  g_autoptr (GDataInputStream) lines = NULL;
  g_autofree char *line = NULL;
  g_autoptr (GError) error = NULL;

  host = ferry_test_start ((const char *const *) arguments->pdata, G_SUBPROCESS_FLAGS_STDERR_PIPE);
  lines = g_data_input_stream_new (g_subprocess_get_stderr_pipe (host));
  do
    {
      g_free (line);
      line = read_line (lines);
      g_assert_nonnull (line);
      g_assert_null (strstr (line, "serves the application"));
    }
  while (strstr (line, "does not permit") == NULL);
  g_subprocess_send_signal (host, SIGTERM);
  while (line != NULL)
    {
      g_assert_null (strstr (line, "serves the application"));
      g_free (line);
      line = read_line (lines);
    }
  g_subprocess_wait (host, NULL, NULL);
}

static void
test_check_finds_nothing_wrong (void)
{
  g_autoptr (NatsTestServer) server = server_test_new ();
  g_autofree char *worker = ferry_test_build_path ("serving-worker");

  assert_check (server, "alpha", "secret", "alpha", "--check --functions '[de]cho*'", worker, 0,
                "connected to nats://");
}

static void
test_check_tells_of_a_host_of_the_same_name (void)
{
  g_autofree char *worker = ferry_test_build_path ("serving-worker");
  Fixture fixture;

  set_up (&fixture);
  ferry_test_run_until (is_present, &fixture);
  assert_check (fixture.server, "alpha", "secret", "alpha", "--check", worker, 0,
                "A host 'alpha' with 2 workers and Ferry " FERRY_PROJECT_VERSION " runs already");
  tear_down (&fixture);
}

/* ---- what it does ---- */

/* --status needs no program. */
static void
assert_status (Fixture *fixture, const char *name, int status, const char *word)
{
  g_autofree char *url = server_test_dup_url (fixture->server, name, "secret");
  g_autoptr (GPtrArray) arguments = make_arguments (url, name, "--status", NULL);

  assert_says (arguments, status, word);
}

static void
test_status_tells_what_the_host_does (void)
{
  g_autoptr (HostTestCall) call = NULL;
  Held held;
  Fixture fixture;

  set_up (&fixture);
  open_session (&fixture);
  call = host_test_run_idempotent (fixture.application, "echo", g_variant_new_string ("here"));
  host_test_assert_result (call, "'here'");
  hold (&held, &fixture);
  assert_status (&fixture, "alpha", 0, "host         'alpha' of the application 'demo', started ");
  assert_status (&fixture, "alpha", 0, "labels       gpu\n");
  assert_status (&fixture, "alpha", 0, "version      1.4-test of the program, with Ferry " FERRY_PROJECT_VERSION "\n");
  assert_status (&fixture, "alpha", 0, "workers      2, for 1 applications that are connected\n");
  assert_status (&fixture, "alpha", 0, "tasks        1 run, none waits\n");
  assert_status (&fixture, "alpha", 0, "ended        1 done, 0 failed, 0 lost with their workers\n");
  assert_status (&fixture, "beta", 2, "No host 'beta' of the application 'demo' has answered");
  g_subprocess_send_signal (fixture.host, SIGTERM);
  ferry_test_run_until (is_told_to_drain, &fixture);
  assert_status (&fixture, "alpha", 0, "finishes its tasks and takes no more\n");
  let_go (&held);
  held_clear (&held);
  tear_down (&fixture);
}

static gboolean
is_written (gpointer path)
{
  return g_file_test (path, G_FILE_TEST_EXISTS);
}

static void
test_metrics_are_there_while_the_host_is (void)
{
  g_autoptr (NatsTestServer) server = server_test_new ();
  g_autofree char *worker = ferry_test_build_path ("serving-worker");
  g_autofree char *url = server_test_dup_url (server, "alpha", "secret");
  g_autofree char *path = nats_test_server_get_path (server, "alpha.prom");
  g_autofree char *switches = g_strdup_printf ("--workers 1 --metrics-file '%s'", path);
  g_autoptr (GPtrArray) arguments = make_arguments (url, "alpha", switches, worker);
  g_autoptr (GSubprocess) host = ferry_test_start ((const char *const *) arguments->pdata, G_SUBPROCESS_FLAGS_NONE);
  g_autofree char *text = NULL;

  ferry_test_look_until (is_written, path);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_nonnull (strstr (text, "\nferry_host_workers{application=\"demo\",host=\"alpha\"} 1\n"));
  g_subprocess_send_signal (host, SIGTERM);
  g_subprocess_wait (host, NULL, NULL);
  g_assert_cmpint (g_subprocess_get_exit_status (host), ==, 0);
  g_assert_false (is_written (path));
}

static void
test_metrics_replace_no_file_of_somebody_else (void)
{
  g_autoptr (NatsTestServer) server = server_test_new ();
  g_autofree char *worker = ferry_test_build_path ("serving-worker");
  g_autofree char *path = nats_test_server_get_path (server, "notes.prom");
  g_autofree char *switches = g_strdup_printf ("--metrics-file '%s'", path);
  g_autofree char *checked = g_strdup_printf ("--check %s", switches);
  g_autofree char *text = NULL;

  nats_test_server_write (server, "notes.prom", "notes\n");
  assert_check (server, "alpha", "secret", "alpha", switches, worker, 2, "and is not replaced; give another name");
  assert_check (server, "alpha", "secret", "alpha", checked, worker, 2, "and is not replaced; give another name");
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "notes\n");
}

/* Its command line, which each user of the machine can read; and its workers, which have no use for it. */
static void
test_password_is_in_no_command_line_and_in_no_worker (void)
{
  g_autofree char *path = NULL;
  g_autofree char *line = NULL;
  g_autoptr (HostTestCall) call = NULL;
  g_autoptr (GError) error = NULL;
  gsize size;
  Fixture fixture;

  set_up (&fixture);
  open_session (&fixture);
  path = g_strdup_printf ("/proc/%s/cmdline", g_subprocess_get_identifier (fixture.host));
  g_file_get_contents (path, &line, &size, &error);
  g_assert_no_error (error);
  g_assert_nonnull (memmem (line, size, "--name=alpha", strlen ("--name=alpha")));
  g_assert_null (memmem (line, size, "secret", strlen ("secret")));
  call = host_test_run_idempotent (fixture.application, "environment", g_variant_new_string ("FERRY_SERVER"));
  host_test_assert_result (call, "''");
  tear_down (&fixture);
}

static void
test_password_in_a_command_line_is_refused (void)
{
  g_autofree char *program = get_program ();
  g_autoptr (GPtrArray) arguments = g_ptr_array_new ();

  g_ptr_array_add (arguments, program);
  g_ptr_array_add (arguments, (gpointer) "--server=nats://alpha:secret@127.0.0.1:1");
  g_ptr_array_add (arguments, (gpointer) "/bin/true");
  g_ptr_array_add (arguments, NULL);
  assert_says (arguments, 1, "give the URL by the environment variable FERRY_SERVER");
}

static void
test_check_tries_all_servers (void)
{
  g_autoptr (NatsTestServer) server = server_test_new ();
  g_autofree char *worker = ferry_test_build_path ("serving-worker");
  g_autofree char *url = server_test_dup_url (server, "alpha", "secret");
  g_autofree char *urls = g_strconcat ("nats://127.0.0.1:1,", url, NULL);
  g_autoptr (GPtrArray) arguments = make_arguments (urls, "alpha", "--check", worker);

  assert_says (arguments, 0, "connected to nats://");
}

static void
test_check_tells_what_is_wrong_with_the_server (void)
{
  g_autoptr (NatsTestServer) server = server_test_new ();
  g_autofree char *worker = ferry_test_build_path ("serving-worker");
  /* Longer than a name service takes. */
  g_autofree char *label = g_strnfill (64, 'n');
  g_autofree char *url = g_strdup_printf ("nats://%s.invalid", label);
  g_autoptr (GPtrArray) arguments = make_arguments (url, "alpha", "--check", worker);

  assert_says (arguments, 2, "No machine has the name 'nnnn");
  assert_check (NULL, NULL, NULL, "alpha", "--check", worker, 2, "No NATS server answers");
  assert_check (server, "alpha", "guessed", "alpha", "--check", worker, 2, "does not let the user 'alpha' in");
  assert_check (server, "alpha", "secret", "beta", "--check", worker, 2, "does not permit");
}

static void
test_check_tells_what_is_wrong_with_the_program (void)
{
  g_autoptr (NatsTestServer) server = server_test_new ();
  g_autofree char *worker = ferry_test_build_path ("serving-worker");

  assert_check (server, "alpha", "secret", "alpha", "--check", "/no/such/program", 2, "/no/such/program");
  assert_check (server, "alpha", "secret", "alpha", "--check", "/bin/true", 2, "ferry_worker_main()");
  assert_check (server, "alpha", "secret", "alpha", "--check --functions none", worker, 2, "No function of");
}

static void
test_check_tells_what_is_wrong_with_files (void)
{
  g_autofree char *worker = ferry_test_build_path ("serving-worker");
  g_autofree char *path = NULL;
  int fd = g_file_open_tmp ("ferry-credentials-XXXXXX", &path, NULL);
  g_autofree char *option = g_strdup_printf ("--check --credentials '%s'", path);

  g_assert_cmpint (fchmod (fd, 0644), ==, 0);
  close (fd);
  assert_check (NULL, NULL, NULL, "alpha", option, worker, 2, "may be read by other users");
  unlink (path);
  assert_check (NULL, NULL, NULL, "alpha", option, worker, 2, path);
  assert_check (NULL, NULL, NULL, "alpha", "--check --sandbox required --read /nonexistent/folder", worker, 2,
                "'/nonexistent/folder' does not exist");
}

static void
test_wrong_options_are_told (void)
{
  g_autofree char *worker = ferry_test_build_path ("serving-worker");

  assert_check (NULL, NULL, NULL, "not.a.token", "--verbose", worker, 1, "--name 'not.a.token'");
  assert_check (NULL, NULL, NULL, "alpha", "--workers many", worker, 1, "many");
}

static void
test_program_that_cannot_be_run_ends_the_host (void)
{
  assert_check (NULL, NULL, NULL, "alpha", "--verbose", "/no/such/program", 2, "'/no/such/program' cannot be run");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  if (server_test_must_skip ())
    return 0;
  g_test_add_func ("/host/runs-tasks", test_runs_tasks);
  g_test_add_func ("/host/sigterm-drains", test_sigterm_drains);
  g_test_add_func ("/host/second-sigterm-ends-at-once", test_second_sigterm_ends_at_once);
  g_test_add_func ("/host/without-tasks-ends-at-once", test_host_without_tasks_ends_at_once);
  g_test_add_func ("/host/signals-may-come-to-the-very-end", test_signals_may_come_to_the_very_end);
  g_test_add_func ("/host/server-tells-who-is-connected", test_server_tells_who_is_connected);
  g_test_add_func ("/host/no-other-user-ends-what-runs", test_no_other_user_ends_what_runs);
  g_test_add_func ("/host/without-permission-does-not-say-that-it-serves",
                   test_host_without_permission_does_not_say_that_it_serves);
  g_test_add_func ("/host/check-finds-nothing-wrong", test_check_finds_nothing_wrong);
  g_test_add_func ("/host/check-tells-of-a-host-of-the-same-name", test_check_tells_of_a_host_of_the_same_name);
  g_test_add_func ("/host/status-tells-what-the-host-does", test_status_tells_what_the_host_does);
  g_test_add_func ("/host/metrics-are-there-while-the-host-is", test_metrics_are_there_while_the_host_is);
  g_test_add_func ("/host/metrics-replace-no-file-of-somebody-else", test_metrics_replace_no_file_of_somebody_else);
  g_test_add_func ("/host/password-is-in-no-command-line-and-in-no-worker",
                   test_password_is_in_no_command_line_and_in_no_worker);
  g_test_add_func ("/host/password-in-a-command-line-is-refused", test_password_in_a_command_line_is_refused);
  g_test_add_func ("/host/check-tries-all-servers", test_check_tries_all_servers);
  g_test_add_func ("/host/check-tells-what-is-wrong-with-the-server", test_check_tells_what_is_wrong_with_the_server);
  g_test_add_func ("/host/check-tells-what-is-wrong-with-the-program", test_check_tells_what_is_wrong_with_the_program);
  g_test_add_func ("/host/check-tells-what-is-wrong-with-files", test_check_tells_what_is_wrong_with_files);
  g_test_add_func ("/host/wrong-options-are-told", test_wrong_options_are_told);
  g_test_add_func ("/host/program-that-cannot-be-run-ends-the-host", test_program_that_cannot_be_run_ends_the_host);
  return g_test_run ();
}
