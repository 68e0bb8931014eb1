/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "queue/away-test.h"

#include <fcntl.h>
#include <nats/nats.h>
#include <signal.h>
#include <string.h>

#include "base/ferry-tree-private.h"
#include "cluster/server-test.h"

static AwayTest *
make (void)
{
  AwayTest *self = g_new0 (AwayTest, 1);
  g_autoptr (GError) error = NULL;

  self->application = "away";
  self->user = "user";
  self->folder = g_dir_make_tmp ("ferry-away-XXXXXX", &error);
  g_assert_no_error (error);
  self->path = g_build_filename (self->folder, "queue.db", NULL);
  self->ledger = g_build_filename (self->folder, "ledger", NULL);
  self->router = ferry_router_new (NULL);
  g_assert_true (ferry_router_start (self->router, &error));
  return self;
}

AwayTest *
away_test_new (void)
{
  AwayTest *self = make ();

  self->server = nats_test_server_new ();
  self->configuration = g_strdup_printf ("jetstream { store_dir: \"%s/streams\" }\n", self->folder);
  away_test_start_server (self);
  self->url = nats_test_server_get_url (self->server, "nats", "127.0.0.1");
  return self;
}

/* (transfer full): for a user of the server; NULL: for one who needs no name. */
static char *
dup_url (AwayTest *self, const char *user)
{
  return self->password != NULL ? server_test_dup_url (self->server, user, self->password) : g_strdup (self->url);
}

/* (transfer full): a program of a host, as one user of the server. option: beside those that all have. */
static GSubprocess *
spawn_host (AwayTest *self, const char *user, const char *label, const char *option)
{
  g_autoptr (GSubprocessLauncher) launcher = ferry_test_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autofree char *program = g_test_build_filename (G_TEST_BUILT, "..", "router", "cluster", "ferry-host", NULL);
  g_autofree char *worker = ferry_test_build_path ("away-worker");
  g_autofree char *url = self->url_of_hosts != NULL ? g_strdup (self->url_of_hosts) : dup_url (self, user);
  g_autofree char *log = g_build_filename (self->folder, user, NULL);
  g_autofree char *queue = g_strdup_printf ("--queue=%s", self->user);
  g_autofree char *labelled = label != NULL ? g_strdup_printf ("--label=%s", label) : g_strdup (option);
  g_autoptr (GError) error = NULL;
  GSubprocess *process;

  g_subprocess_launcher_setenv (launcher, "FERRY_SERVER", url, TRUE);
  g_subprocess_launcher_set_stderr_file_path (launcher, log);
  process = g_subprocess_launcher_spawn (launcher, &error, program, "--application", self->application, "--name", user,
                                         "--workers=1", "--cut-timeout=2", queue, labelled, option, worker, NULL);
  g_assert_no_error (error);
  return process;
}

AwayTest *
away_test_new_with_users (void)
{
  AwayTest *self = make ();
  g_autofree char *streams = g_build_filename (self->folder, "streams", NULL);

  self->server = server_test_new_with_streams (streams, &self->configuration);
  self->url = nats_test_server_get_url (self->server, "nats", "127.0.0.1");
  self->application = "demo";
  self->user = "alice";
  self->password = "secret";
  return self;
}

void
away_test_make_streams (AwayTest *self)
{
  g_autoptr (GSubprocess) operator= spawn_host (self, "operator", NULL, "--check");

  g_assert_true (g_subprocess_wait_check (operator, NULL, NULL));
}

void
away_test_start_server (AwayTest *self)
{
  nats_test_server_start (self->server, self->configuration);
}

void
away_test_free (AwayTest *self)
{
  if (self->queue != NULL)
    away_test_kill (self);
  for (guint i = 0; i < AWAY_TEST_N_HOSTS; i++)
    if (self->hosts[i] != NULL)
      away_test_end_host (self, i);
  ferry_test_router_stop (self->router);
  nats_test_server_free (self->server);
  ferry_test_wait_unlocked (self->path);
  ferry_tree_remove (AT_FDCWD, self->folder);
  g_free (self->url);
  g_free (self->url_of_hosts);
  g_free (self->folder);
  g_free (self->path);
  g_free (self->ledger);
  g_free (self->configuration);
  g_free (self);
}

/* ---- hosts ---- */

static const char *const names[AWAY_TEST_N_HOSTS] = {"alpha", "beta"};

void
away_test_start_host (AwayTest *self, guint host)
{
  self->hosts[host] = spawn_host (self, names[host], self->labels[host], "--verbose");
}

void
away_test_signal_host (AwayTest *self, guint host, int signal_number)
{
  g_subprocess_send_signal (self->hosts[host], signal_number);
}

char *
away_test_dup_status (AwayTest *self, guint host)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  g_autofree char *program = g_test_build_filename (G_TEST_BUILT, "..", "router", "cluster", "ferry-host", NULL);
  g_autofree char *url = dup_url (self, names[host]);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process = NULL;
  char *text = NULL;

  g_subprocess_launcher_setenv (launcher, "FERRY_SERVER", url, TRUE);
  process = g_subprocess_launcher_spawn (launcher, &error, program, "--application", self->application, "--name",
                                         names[host], "--status", NULL);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_communicate_utf8 (process, NULL, NULL, &text, NULL, &error));
  return text;
}

typedef struct
{
  char *log;
  const char *words;
} Log;

static gboolean
has_logged (gpointer data)
{
  Log *log = data;
  g_autofree char *text = NULL;

  return g_file_get_contents (log->log, &text, NULL, NULL) && strstr (text, log->words) != NULL;
}

void
away_test_await_log (AwayTest *self, guint host, const char *words)
{
  g_autofree char *path = g_build_filename (self->folder, names[host], NULL);
  Log log = {path, words};

  ferry_test_look_until (has_logged, &log);
}

void
away_test_end_host (AwayTest *self, guint host)
{
  away_test_signal_host (self, host, SIGKILL);
  g_assert_true (g_subprocess_wait (self->hosts[host], NULL, NULL));
  g_clear_object (&self->hosts[host]);
}

/* ---- the application ---- */

/* The thread of the one before may have the file still. */
static void
note_opened (GObject *queue, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  if (ferry_queue_open_finish (FERRY_QUEUE (queue), result, &error))
    *(gboolean *) data = TRUE;
  else if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_BUSY))
    ferry_queue_open_async (FERRY_QUEUE (queue), NULL, note_opened, data);
  else
    g_assert_no_error (error);
}

void
away_test_begin (AwayTest *self)
{
  g_autofree char *worker = ferry_test_build_path ("away-worker");
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new ((const char *[]){worker, NULL});
  g_autoptr (FerryPool) pool = ferry_pool_new (self->router, launcher);
  g_autofree char *url = dup_url (self, self->user);
  gboolean is_open = FALSE;

  ferry_pool_set_max_workers (pool, 2);
  self->executor = ferry_executor_new (pool);
  if (!self->runs_here)
    ferry_executor_set_paused (self->executor, TRUE, FALSE);
  self->cluster = ferry_cluster_new (self->router, url, self->application);
  g_object_set (self->cluster, "cut-timeout", (gint64) G_USEC_PER_SEC, NULL);
  self->queue = ferry_queue_new (self->executor, self->path);
  ferry_queue_set_cluster (self->queue, FERRY_RUNNER (self->cluster));
  ferry_queue_open_async (self->queue, NULL, note_opened, &is_open);
  ferry_test_wait_flag (&is_open);
}

/* ---- the streams ---- */

typedef struct
{
  natsConnection *nats;
  jsCtx *context;
} Look;

static void
look_begin (Look *self, AwayTest *test)
{
  g_autofree char *url = dup_url (test, "operator");

  g_assert_cmpint (natsConnection_ConnectTo (&self->nats, url), ==, NATS_OK);
  g_assert_cmpint (natsConnection_JetStream (&self->context, self->nats, NULL), ==, NATS_OK);
}

static void
look_end (Look *self)
{
  jsCtx_Destroy (self->context);
  natsConnection_Destroy (self->nats);
}

guint
away_test_count_messages (AwayTest *self, const char *stream)
{
  g_autofree char *name = g_strdup_printf ("ferry+%s+%s+%s", self->application, self->user, stream);
  jsStreamInfo *about = NULL;
  guint n = 0;
  Look look;

  look_begin (&look, self);
  if (js_GetStreamInfo (&about, look.context, name, NULL, NULL) == NATS_OK)
    n = (guint) about->State.Msgs;
  jsStreamInfo_Destroy (about);
  look_end (&look);
  return n;
}

typedef struct
{
  AwayTest *test;
  guint n;
} Tasks;

static gboolean
has_tasks (gpointer data)
{
  Tasks *tasks = data;

  return away_test_count_messages (tasks->test, "tasks") == tasks->n;
}

void
away_test_await_tasks (AwayTest *self, guint n)
{
  Tasks tasks = {self, n};

  ferry_test_look_until (has_tasks, &tasks);
}

char *
away_test_dup_task_name (AwayTest *self)
{
  g_autofree char *stream = g_strdup_printf ("ferry+%s+%s+tasks", self->application, self->user);
  jsStreamInfo *about = NULL;
  jsOptions options;
  const char *subject;
  char *name;
  Look look;

  look_begin (&look, self);
  jsOptions_Init (&options);
  options.Stream.Info.SubjectsFilter = ">";
  g_assert_cmpint (js_GetStreamInfo (&about, look.context, stream, &options, NULL), ==, NATS_OK);
  g_assert_nonnull (about->State.Subjects);
  subject = strstr (about->State.Subjects->List[0].Subject, ".task.");
  name = g_strdup (strchr (subject + strlen (".task."), '.') + 1);
  jsStreamInfo_Destroy (about);
  look_end (&look);
  return name;
}

void
away_test_publish (AwayTest *self, const char *subject, const char *text, int length)
{
  int size = length >= 0 ? length : (int) strlen (text);
  g_autofree char *whole = g_strdup_printf ("ferry.%s.queue.%s.%s", self->application, self->user, subject);
  jsPubAck *answer = NULL;
  Look look;

  look_begin (&look, self);
  g_assert_cmpint (js_Publish (&answer, look.context, whole, text, size, NULL, NULL), ==, NATS_OK);
  jsPubAck_Destroy (answer);
  look_end (&look);
}

gboolean
away_test_may (AwayTest *self, const char *user, gboolean publishes, const char *subject)
{
  g_autofree char *url = dup_url (self, user);
  natsConnection *connection = NULL;
  natsSubscription *subscription = NULL;
  const char *text = NULL;
  gboolean may;

  g_assert_cmpint (natsConnection_ConnectTo (&connection, url), ==, NATS_OK);
  if (publishes)
    g_assert_cmpint (natsConnection_PublishString (connection, subject, "text"), ==, NATS_OK);
  else
    g_assert_cmpint (natsConnection_SubscribeSync (&subscription, connection, subject), ==, NATS_OK);
  g_assert_cmpint (natsConnection_Flush (connection), ==, NATS_OK);
  may = natsConnection_GetLastError (connection, &text) != NATS_NOT_PERMITTED;
  natsSubscription_Destroy (subscription);
  natsConnection_Destroy (connection);
  return may;
}

void
away_test_purge (AwayTest *self, const char *stream, gboolean deletes)
{
  g_autofree char *name = g_strdup_printf ("ferry+%s+%s+%s", self->application, self->user, stream);
  Look look;

  look_begin (&look, self);
  if (deletes)
    g_assert_cmpint (js_DeleteStream (look.context, name, NULL, NULL), ==, NATS_OK);
  else
    g_assert_cmpint (js_PurgeStream (look.context, name, NULL, NULL), ==, NATS_OK);
  look_end (&look);
}

static gboolean
is_delivered (gpointer data)
{
  AwayTest *self = data;
  g_autofree char *name = g_strdup_printf ("ferry+%s+%s+tasks", self->application, self->user);
  jsConsumerInfo *about = NULL;
  gboolean is_it = FALSE;
  Look look;

  look_begin (&look, self);
  if (js_GetConsumerInfo (&about, look.context, name, "normal", NULL, NULL) == NATS_OK)
    is_it = about->NumAckPending > 0;
  jsConsumerInfo_Destroy (about);
  look_end (&look);
  return is_it;
}

void
away_test_await_delivery (AwayTest *self)
{
  ferry_test_look_until (is_delivered, self);
}

void
away_test_set_full (AwayTest *self, const char *stream, gboolean is_full)
{
  g_autofree char *name = g_strdup_printf ("ferry+%s+%s+%s", self->application, self->user, stream);
  jsStreamInfo *about = NULL;
  Look look;

  look_begin (&look, self);
  g_assert_cmpint (js_GetStreamInfo (&about, look.context, name, NULL, NULL), ==, NATS_OK);
  about->Config->MaxBytes = is_full ? (gint64) about->State.Bytes : -1;
  g_assert_cmpint (js_UpdateStream (NULL, look.context, about->Config, NULL, NULL), ==, NATS_OK);
  jsStreamInfo_Destroy (about);
  look_end (&look);
}

static void
drop (AwayTest *self)
{
  ferry_test_finalize (g_steal_pointer (&self->queue));
  ferry_test_finalize (g_steal_pointer (&self->cluster));
  ferry_test_finalize (g_steal_pointer (&self->executor));
}

void
away_test_kill (AwayTest *self)
{
  drop (self);
}

static void
note_closed (GObject *queue, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  ferry_queue_close_finish (FERRY_QUEUE (queue), result, &error);
  g_assert_no_error (error);
  *(gboolean *) data = TRUE;
}

void
away_test_close (AwayTest *self)
{
  gboolean is_closed = FALSE;

  ferry_queue_close_async (self->queue, NULL, note_closed, &is_closed);
  ferry_test_wait_flag (&is_closed);
  drop (self);
}

void
away_test_submit (AwayTest *self, const char *function, const char *key, ...)
{
  g_autoptr (FerryTask) task =
    ferry_task_new (FERRY_TASK_KIND_CALL, function, g_variant_new ("(ss)", self->ledger, key));
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTask) submitted = NULL;
  const char *property;
  va_list values;

  va_start (values, key);
  property = va_arg (values, const char *);
  if (property != NULL)
    g_object_set_valist (G_OBJECT (task), property, values);
  va_end (values);
  submitted = ferry_queue_submit (self->queue, task, key, &error);
  g_assert_no_error (error);
  g_assert_nonnull (submitted);
}

FerryTask *
away_test_get (AwayTest *self, const char *key)
{
  FerryTask *task = ferry_queue_lookup (self->queue, key);

  g_assert_nonnull (task);
  return task;
}

void
away_test_await (AwayTest *self, const char *key)
{
  g_autoptr (FerryTask) task = away_test_get (self, key);
  g_autoptr (GVariant) result = ferry_task_wait (task, -1, NULL);

  g_assert_true (ferry_task_get_done (task));
}

/* ---- the ledger ---- */

guint
away_test_count_lines (AwayTest *self, char letter, const char *key)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  g_autofree char *beginning = key != NULL ? g_strdup_printf ("%c %s ", letter, key) : g_strdup_printf ("%c ", letter);
  guint n = 0;

  if (!g_file_get_contents (self->ledger, &text, NULL, NULL))
    return 0;
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    n += g_str_has_prefix (lines[i], beginning);
  return n;
}

typedef struct
{
  AwayTest *test;
  char letter;
  const char *key;
  guint n;
} Lines;

static gboolean
has_lines (gpointer data)
{
  Lines *lines = data;

  return away_test_count_lines (lines->test, lines->letter, lines->key) >= lines->n;
}

void
away_test_await_lines (AwayTest *self, char letter, const char *key, guint n)
{
  Lines lines = {self, letter, key, n};

  ferry_test_look_until (has_lines, &lines);
}

void
away_test_let_go (AwayTest *self, const char *key)
{
  g_autofree char *gate = g_strconcat (self->ledger, key, NULL);

  g_assert_true (g_file_set_contents (gate, "", 0, NULL));
}

void
away_test_assert_done (AwayTest *self, const char *key, guint n_begun)
{
  g_autoptr (FerryTask) task = away_test_get (self, key);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = NULL;

  away_test_await (self, key);
  result = ferry_task_get_result (task, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (g_variant_get_string (result, NULL), ==, key);
  g_assert_cmpuint (away_test_count_lines (self, 'b', key), ==, n_begun);
}
