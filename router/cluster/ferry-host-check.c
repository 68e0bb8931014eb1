/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* 'ferry-host --check': tries what would go wrong at a start, and says it.
 *
 * It says in words what keeps a host with these options from working. Each thing is tried as the host itself would do
 * it, so what is said here is what would go wrong there. */

#include "config.h"

#include "cluster/ferry-host-program-private.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ferry-base-private.h"
#include "cluster/ferry-host-metrics-private.h"
#include "cluster/ferry-run-message-private.h"
#include "cluster/ferry-streams-private.h"

/* How long the server may take, in seconds. */
#define SERVER_SECONDS 10

/* How long the server is listened to after the host has told of itself, in milliseconds: what it does not permit comes
 * then, and another host of this name answers. */
#define LISTEN_TIME 3000

void
ferry_host_get_bus_settings (const FerryHostOptions *options, FerryBusSettings *settings, char **connection_name)
{
  *connection_name = g_strdup_printf ("ferry-host %s", options->name);
  *settings = (FerryBusSettings){
    .url = options->server,
    .application = options->application,
    .credentials_file = options->credentials,
    .nkey_seed_file = options->nkey,
    .tls_ca_file = options->tls_ca,
    .name = *connection_name,
    .host = options->name,
  };
}

char *
ferry_host_dup_exposure (FerryBus *bus)
{
  return ferry_bus_is_exposed (bus)
           ? g_strdup_printf (
               "The NATS server at '%s' lets anybody in who reaches it, from other machines as well, and "
               "whoever is in can run the functions of this host; give it accounts, as 'nats.conf' has "
               "them, or let it listen at 127.0.0.1",
               ferry_bus_get_address (bus))
           : NULL;
}

void
ferry_host_say (const char *what, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_print ("%-12s %s\n", what, text);
}

/* ---- files ---- */

static gboolean
check_file (const char *what, const char *path, gboolean is_secret)
{
  g_autofree char *content = NULL;
  g_autoptr (GError) error = NULL;
  struct stat status;

  if (path == NULL)
    return TRUE;
  if (!g_file_get_contents (path, &content, NULL, &error))
    {
      ferry_host_say (what, "%s; set a file that exists and that this user may read", error->message);
      return FALSE;
    }
  if (is_secret && stat (path, &status) == 0 && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    {
      ferry_host_say (what, "'%s' may be read by other users; run 'chmod 600 %s'", path, path);
      return FALSE;
    }
  ferry_host_say (what, "'%s' can be read", path);
  return TRUE;
}

/* A sandbox passes over a path that is not there, as one program may run on different systems. */
static gboolean
check_paths (const char *what, char **paths)
{
  gboolean are_well = TRUE;

  for (guint i = 0; paths != NULL && paths[i] != NULL; i++)
    if (!g_file_test (paths[i], G_FILE_TEST_EXISTS))
      {
        ferry_host_say (what, "'%s' does not exist; correct the path, or leave it out", paths[i]);
        are_well = FALSE;
      }
  return are_well;
}

/* ---- the program ---- */

static gboolean
check_program (const FerryHostOptions *options, FerryHostProgram *program)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *functions = NULL;
  guint n_workers;

  if (!ferry_host_program_start (program, options, &error))
    {
      ferry_host_say ("program", "%s", error->message);
      return FALSE;
    }
  functions = g_strjoinv (", ", program->functions);
  g_object_get (program->pool, "max-workers", &n_workers, NULL);
  ferry_host_say ("program", "'%s' runs with %u workers", options->program[0], n_workers);
  ferry_host_say ("functions", "%s", functions);
  if (program->version != NULL)
    ferry_host_say ("version", "the program is version %s", program->version);
  return TRUE;
}

/* ---- the server ---- */

static gboolean
set_true (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

/* Whether no further server is tried. */
static gboolean
has_failed (const FerryHostOptions *options, FerryBus *bus)
{
  const GError *error = ferry_bus_get_error (bus);

  return error != NULL &&
         (strchr (options->server, ',') == NULL || !g_error_matches (error, FERRY_ERROR, FERRY_ERROR_NOT_LISTENING));
}

/* Iterates the main context until the bus is connected or says that it will not be, or the time is over. */
static void
wait_for_server (const FerryHostOptions *options, FerryBus *bus)
{
  gboolean is_over = FALSE;
  guint timer = g_timeout_add_seconds (SERVER_SECONDS, set_true, &is_over);

  while (!is_over && ferry_bus_get_state (bus) != FERRY_CLUSTER_STATE_CONNECTED && !has_failed (options, bus))
    g_main_context_iteration (NULL, TRUE);
  if (!is_over)
    g_source_remove (timer);
}

static gboolean
has_answer (const FerryHostInquiry *self)
{
  return self->wants_answer && self->answer.name != NULL;
}

static void
listen_to_server (FerryHostInquiry *self, FerryBus *bus)
{
  gboolean is_over = FALSE;
  guint timer = g_timeout_add (LISTEN_TIME, set_true, &is_over);

  while (!is_over && !has_answer (self) && ferry_bus_get_error (bus) == NULL)
    g_main_context_iteration (NULL, TRUE);
  if (!is_over)
    g_source_remove (timer);
}

static void
ignore_change (gpointer data)
{
}

static void
ignore_packet (gpointer data, const char *peer, const char *id, GBytes *packet)
{
}

/* Another host of this name has told of itself. data: FerryHostInquiry. */
static void
note_namesake (gpointer data, const char *host, const char *id, GVariant *value)
{
  FerryHostInquiry *self = data;
  g_auto (FerryHostFacts) facts = {0};

  if (!ferry_host_facts_from_variant (&facts, value, NULL) || facts.asking)
    return;
  ferry_host_facts_clear (&self->answer);
  self->answer = facts;
  facts = (FerryHostFacts){0};
}

static const FerryBusFuncs funcs = {.changed = ignore_change, .present = note_namesake, .packet = ignore_packet};

/* Tells the server's applications of a host that is being ended, so that none sends it a task. Another host of this
 * name answers. */
static GVariant *
make_presence (const FerryHostOptions *options, FerryBus *bus, char **functions)
{
  static char *none[] = {NULL};
  const FerryHostFacts facts = {
    .version = FERRY_RUN_VERSION,
    .name = options->name,
    .instance = (char *) ferry_bus_get_id (bus),
    .functions = functions != NULL ? functions : none,
    .n_workers = 1,
    .ferry_version = (char *) FERRY_PROJECT_VERSION,
    .draining = TRUE,
    .asking = TRUE,
  };

  return ferry_host_facts_to_variant (&facts);
}

/* Publishes what a host publishes: what it is, and a packet, here to an application that is nowhere. The server says
 * what it does not permit of that only then. */
static void
publish_as_host (const FerryHostOptions *options, FerryBus *bus, char **functions)
{
  g_autoptr (GBytes) nothing = g_bytes_new_static ("", 0);
  gpointer data;
  FerryWire wire;

  ferry_bus_set_presence (bus, make_presence (options, bus, functions));
  ferry_bus_make_wire (bus, "nobody", ferry_bus_get_id (bus), &wire, &data);
  wire.send (data, nothing);
  wire.free (data);
}

static gboolean
say_state (FerryBus *bus)
{
  const GError *error = ferry_bus_get_error (bus);

  if (error != NULL)
    ferry_host_say ("server", "%s", error->message);
  else if (ferry_bus_get_state (bus) != FERRY_CLUSTER_STATE_CONNECTED)
    ferry_host_say (
      "server",
      "It did not answer within %d seconds; look whether it runs, whether this machine's name service answers, and "
      "whether a firewall is between",
      SERVER_SECONDS);
  return error == NULL && ferry_bus_get_state (bus) == FERRY_CLUSTER_STATE_CONNECTED;
}

void
ferry_host_inquiry_clear (FerryHostInquiry *self)
{
  ferry_host_facts_clear (&self->answer);
  g_free (self->address);
  g_free (self->exposure);
  *self = (FerryHostInquiry){0};
}

gboolean
ferry_host_inquire (FerryHostInquiry *self, FerryRouter *router, const FerryHostOptions *options, char **functions)
{
  g_autofree char *connection_name = NULL;
  g_autoptr (FerryBus) bus = NULL;
  g_autoptr (GError) error = NULL;
  FerryBusSettings settings;
  gboolean is_well;

  ferry_host_get_bus_settings (options, &settings, &connection_name);
  bus = ferry_bus_new (router, &settings, &funcs, self, &error);
  if (bus == NULL)
    {
      ferry_host_say ("server", "%s", error->message);
      return FALSE;
    }
  wait_for_server (options, bus);
  is_well = say_state (bus);
  if (is_well)
    {
      publish_as_host (options, bus, functions);
      listen_to_server (self, bus);
      is_well = say_state (bus);
    }
  self->address = g_strdup (ferry_bus_get_address (bus));
  self->exposure = ferry_host_dup_exposure (bus);
  ferry_bus_close (bus);
  return is_well;
}

/* One that is being ended is about to leave its place. */
static void
say_namesake (const FerryHostFacts *namesake)
{
  if (namesake->name != NULL && !namesake->draining)
    ferry_host_say ("warning",
                    "A host '%s' with %u workers and Ferry %s runs already; give this one another --name, unless it "
                    "takes the place of that one",
                    namesake->name, namesake->n_workers, namesake->ferry_version);
}

static gboolean
check_server (const FerryHostOptions *options, FerryHostProgram *program)
{
  g_auto (FerryHostInquiry) inquiry = {0};
  gboolean is_well = ferry_host_inquire (&inquiry, program->router, options, program->functions);

  if (is_well)
    ferry_host_say ("server", "connected to %s as host '%s' of the application '%s'", inquiry.address, options->name,
                    options->application);
  if (inquiry.exposure != NULL)
    ferry_host_say ("warning", "%s", inquiry.exposure);
  say_namesake (&inquiry.answer);
  return is_well;
}

static gboolean
check_metrics_file (const FerryHostOptions *options)
{
  g_autofree char *folder = NULL;
  g_autoptr (GError) error = NULL;

  if (options->metrics_file == NULL)
    return TRUE;
  folder = g_path_get_dirname (options->metrics_file);
  if (!ferry_host_metrics_check_file (options->metrics_file, options->application, options->name, &error))
    ferry_host_say ("metrics", "%s", error->message);
  else if (access (folder, W_OK | X_OK) < 0)
    ferry_host_say ("metrics", "'%s' cannot be written: %s; let this user write there", folder, g_strerror (errno));
  else
    {
      ferry_host_say ("metrics", "'%s' can be written", options->metrics_file);
      return TRUE;
    }
  return FALSE;
}

/* Makes the streams of the queue where they are not there, as the host does. */
static gboolean
check_queue (const FerryHostOptions *options)
{
  g_autofree char *connection_name = NULL;
  g_autoptr (FerryStreams) streams = NULL;
  g_autoptr (GError) error = NULL;
  FerryBusSettings settings;

  if (options->queue == NULL)
    return TRUE;
  ferry_host_get_bus_settings (options, &settings, &connection_name);
  streams = ferry_streams_new (&settings, options->queue, (gint64) options->cut_timeout * G_USEC_PER_SEC, &error);
  if (streams == NULL || !ferry_streams_connect (streams, FERRY_N_AWAY_CLASSES, &error))
    {
      ferry_host_say ("queue", "%s", error->message);
      return FALSE;
    }
  ferry_host_say ("queue", "'%s' has its streams at %s", options->queue, ferry_streams_get_address (streams));
  return TRUE;
}

gboolean
ferry_host_check (const FerryHostOptions *options)
{
  FerryHostProgram program = {0};
  gboolean files_are_well = check_file ("credentials", options->credentials, TRUE);
  gboolean program_is_well;
  gboolean server_is_well;

  files_are_well = check_file ("nkey", options->nkey, TRUE) && files_are_well;
  files_are_well = check_file ("tls-ca", options->tls_ca, FALSE) && files_are_well;
  files_are_well = check_paths ("read", options->readable) && files_are_well;
  files_are_well = check_paths ("write", options->writable) && files_are_well;
  files_are_well = check_metrics_file (options) && files_are_well;
  program_is_well = check_program (options, &program);
  server_is_well =
    program.router != NULL && ferry_router_get_running (program.router) && check_server (options, &program);
  server_is_well = check_queue (options) && server_is_well;
  ferry_host_program_stop (&program);
  return files_are_well && program_is_well && server_is_well;
}
