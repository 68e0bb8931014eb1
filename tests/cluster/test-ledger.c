/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: cluster/ferry-cluster.c, cluster/ferry-host-main.c, cluster/ferry-session.c, cluster/ferry-bus.c
 *
 * Many tasks over three hosts, while hosts are killed, stopped, drained and started again, workers are killed, the
 * server is killed and started again, connections are cut, held up and slow, and tasks are cancelled, all at random.
 * Each run of a function writes a line into a ledger. In the end each task that was not cancelled has one end: one that
 * is idempotent a result, each other one a result or its loss. Whatever is not idempotent has at most one line.
 *
 * FERRY_TEST_LARGE_LEDGER=1 makes it ten rounds of 20,000 tasks, FERRY_TEST_LEDGER_SEED=N one round with that seed.
 * What happens follows from the seed, when it happens does not. */

#include "config.h"

#include <ferry-cluster.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/nats-test.h"
#include "cluster/proxy-test.h"
#include "task/task-test.h"

#define N_HOSTS 3
#define N_TASKS 1000
#define N_TASKS_LARGE 20000
#define N_ROUNDS_LARGE 10
#define CUT_TIMEOUT_SECONDS 2
#define N_LARGE 20
#define N_CANCELLED 5
/* Of the short form, which has little time. */
#define MAX_DISTURBANCES 20
/* Larger than the window of a session is, in bytes. */
#define LARGE_ARGUMENTS (1500 * 1000)

typedef struct _Ledger Ledger;

typedef struct
{
  Ledger *ledger;       /* (unowned) */
  char *name;           /* (owned) */
  ProxyTest *proxy;     /* (owned): the host's connection */
  GSubprocess *process; /* (owned) (nullable) */
  gboolean stopped;
  guint timer; /* that continues it, or starts it again; or 0 */
} Host;

typedef struct
{
  FerryTask *task;          /* (owned) */
  TaskTestWitness *witness; /* (owned) */
  guint n;                  /* how many numbers its function sends */
  guint attempt;            /* whose numbers come */
  guint64 next;             /* the number that comes next */
  guint n_lines;            /* in the ledger */
} Entry;

struct _Ledger
{
  double n_ends; /* when the wait began */
  GRand *random; /* (owned) */
  char *path;    /* (owned): the ledger's */
  NatsTestServer *server;
  ProxyTest *proxy; /* the application's connection */
  TaskTest *test;
  FerryCluster *cluster;
  FerryExecutor *executor;
  Host hosts[N_HOSTS];
  guint n_entries;
  Entry *entries; /* (owned) */
  guint n_results;
  guint n_lost;
  guint n_cancelled;
  guint n_disturbances;
  guint n_again;      /* attempts after the first */
  guint server_timer; /* that starts the server again; or 0 */
  guint timer;        /* of the next disturbance */
  GString *story;     /* what was done */
  gboolean over;
};

static guint
choose (Ledger *ledger, guint from, guint to)
{
  return (guint) g_rand_int_range (ledger->random, (gint32) from, (gint32) to + 1);
}

static void
note (Ledger *ledger, const char *what, const char *whom, guint milliseconds)
{
  g_string_append_printf (ledger->story, " %s %s", what, whom);
  if (milliseconds > 0)
    g_string_append_printf (ledger->story, " for %u ms", milliseconds);
  g_string_append_c (ledger->story, ';');
}

/* ---- Hosts ---- */

static void start_host (Host *host);

static gboolean
start_again (gpointer data)
{
  Host *host = data;

  host->timer = 0;
  start_host (host);
  return G_SOURCE_REMOVE;
}

/* A host ends because it was killed, or told to end before it could hear so; or else in order. */
static void
host_ended (GObject *process, GAsyncResult *result, gpointer data)
{
  Host *host = data;

  g_subprocess_wait_finish (G_SUBPROCESS (process), result, NULL);
  if (g_subprocess_get_if_signaled (G_SUBPROCESS (process)))
    {
      int number = g_subprocess_get_term_sig (G_SUBPROCESS (process));

      if (number != SIGKILL && number != SIGTERM)
        g_error ("Host '%s' was ended by signal %d:%s", host->name, number, host->ledger->story->str);
    }
  else if (g_subprocess_get_exit_status (G_SUBPROCESS (process)) != 3)
    g_assert_cmpint (g_subprocess_get_exit_status (G_SUBPROCESS (process)), ==, 0);
  g_clear_object (&host->process);
  g_clear_handle_id (&host->timer, g_source_remove);
  host->stopped = FALSE;
  if (!host->ledger->over)
    host->timer = g_timeout_add (choose (host->ledger, 0, 500), start_again, host);
}

static void
start_host (Host *host)
{
  g_autoptr (GSubprocessLauncher) launcher = ferry_test_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autofree char *program = g_test_build_filename (G_TEST_BUILT, "..", "router", "cluster", "ferry-host", NULL);
  g_autofree char *worker = ferry_test_build_path ("ledger-worker");
  g_autofree char *server = g_strdup_printf ("--server=nats://127.0.0.1:%u", proxy_test_get_port (host->proxy));
  g_autofree char *timeout = g_strdup_printf ("--cut-timeout=%d", CUT_TIMEOUT_SECONDS);
  g_autofree char *log = nats_test_server_get_path (host->ledger->server, host->name);
  g_autoptr (GError) error = NULL;

  g_subprocess_launcher_set_stderr_file_path (launcher, log);
  host->process = g_subprocess_launcher_spawn (launcher, &error, program, server, "--application=ledger", "--name",
                                               host->name, "--workers=2", timeout, worker, NULL);
  g_assert_no_error (error);
  g_subprocess_wait_async (host->process, NULL, host_ended, host);
}

static gboolean
continue_host (gpointer data)
{
  Host *host = data;

  host->timer = 0;
  host->stopped = FALSE;
  g_subprocess_send_signal (host->process, SIGCONT);
  return G_SOURCE_REMOVE;
}

/* (nullable): none where the one that is chosen does not run. */
static Host *
choose_host (Ledger *ledger)
{
  Host *host = &ledger->hosts[choose (ledger, 0, N_HOSTS - 1)];

  return host->process != NULL && !host->stopped ? host : NULL;
}

/* ---- Disturbances ---- */

static void
kill_host (Ledger *ledger)
{
  Host *host = choose_host (ledger);

  if (host == NULL)
    return;
  note (ledger, "kill", host->name, 0);
  g_subprocess_send_signal (host->process, SIGKILL);
}

static void
stop_host (Ledger *ledger)
{
  Host *host = choose_host (ledger);
  guint milliseconds = choose (ledger, 100, 2 * CUT_TIMEOUT_SECONDS * 1000);

  if (host == NULL)
    return;
  note (ledger, "stop", host->name, milliseconds);
  g_subprocess_send_signal (host->process, SIGSTOP);
  host->stopped = TRUE;
  host->timer = g_timeout_add (milliseconds, continue_host, host);
}

static void
drain_host (Ledger *ledger)
{
  Host *host = choose_host (ledger);

  if (host == NULL)
    return;
  note (ledger, "drain", host->name, 0);
  g_subprocess_send_signal (host->process, SIGTERM);
}

static gboolean
is_worker (GPid pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/exe", pid);
  g_autofree char *program = g_file_read_link (path, NULL);

  return program != NULL && g_str_has_suffix (program, "/ledger-worker");
}

/* The one that has begun a task last. */
static void
kill_worker (Ledger *ledger)
{
  g_autofree char *text = NULL;
  const char *last;
  GPid pid;

  if (!g_file_get_contents (ledger->path, &text, NULL, NULL) || (last = strrchr (text, ' ')) == NULL)
    return;
  pid = atoi (last);
  if (!is_worker (pid))
    return;
  note (ledger, "kill", "a worker", 0);
  ferry_test_kill (pid, SIGKILL);
}

static void
cancel_tasks (Ledger *ledger)
{
  note (ledger, "cancel", "some tasks", 0);
  for (guint i = 0; i < N_CANCELLED; i++)
    task_test_witness_cancel (ledger->entries[choose (ledger, 0, ledger->n_entries - 1)].witness);
}

static gboolean
start_server (gpointer data)
{
  Ledger *ledger = data;

  ledger->server_timer = 0;
  nats_test_server_spawn (ledger->server, NULL);
  return G_SOURCE_REMOVE;
}

static void
kill_server (Ledger *ledger)
{
  guint milliseconds = choose (ledger, 0, 1000);

  if (ledger->server_timer != 0)
    return;
  note (ledger, "kill", "server", milliseconds);
  nats_test_server_kill (ledger->server);
  ledger->server_timer = g_timeout_add (milliseconds, start_server, ledger);
}

static ProxyTest *
choose_proxy (Ledger *ledger, const char **name)
{
  guint i = choose (ledger, 0, N_HOSTS);

  *name = i < N_HOSTS ? ledger->hosts[i].name : "application";
  return i < N_HOSTS ? ledger->hosts[i].proxy : ledger->proxy;
}

static void
cut_connection (Ledger *ledger)
{
  const char *name;
  ProxyTest *proxy = choose_proxy (ledger, &name);

  note (ledger, "cut", name, 0);
  proxy_test_cut (proxy);
}

static void
hold_connection (Ledger *ledger)
{
  const char *name;
  ProxyTest *proxy = choose_proxy (ledger, &name);
  guint milliseconds = choose (ledger, 100, 2 * CUT_TIMEOUT_SECONDS * 1000);

  note (ledger, "hold", name, milliseconds);
  proxy_test_hold (proxy, milliseconds);
}

static void
slow_connection (Ledger *ledger)
{
  const char *name;
  ProxyTest *proxy = choose_proxy (ledger, &name);
  guint milliseconds = choose (ledger, 0, 1) * choose (ledger, 1, 30);

  note (ledger, "slow", name, milliseconds);
  proxy_test_delay (proxy, milliseconds);
}

static gboolean
disturb (gpointer data)
{
  static void (*const disturbances[]) (Ledger * ledger) = {
    kill_host,   stop_host,      drain_host,      kill_worker,     cancel_tasks,
    kill_server, cut_connection, hold_connection, slow_connection,
  };
  Ledger *ledger = data;

  if (ledger->n_disturbances++ == MAX_DISTURBANCES && ledger->n_entries == N_TASKS)
    {
      ledger->timer = 0;
      return G_SOURCE_REMOVE;
    }
  disturbances[choose (ledger, 0, G_N_ELEMENTS (disturbances) - 1)](ledger);
  ledger->timer = g_timeout_add (choose (ledger, 50, 1000), disturb, ledger);
  return G_SOURCE_REMOVE;
}

/* ---- Tasks ---- */

/* The numbers of an attempt come from 0, in order, without a gap; nothing of an attempt comes after the next begins. */
static void
take_number (Entry *entry, GVariant *value)
{
  guint attempt = ferry_test_get_number (entry->task, "n-attempts");

  if (attempt != entry->attempt)
    {
      g_assert_cmpuint (attempt, >, entry->attempt);
      entry->attempt = attempt;
      entry->next = 0;
    }
  g_assert_cmpuint (g_variant_get_uint64 (value), ==, entry->next);
  entry->next++;
}

static void
message_came (FerryTask *task, const char *type, GVariant *value, gpointer data)
{
  g_assert_cmpstr (type, ==, "number");
  take_number (data, value);
}

static void
value_came (FerryTask *task, GVariant *value, gpointer data)
{
  take_number (data, value);
}

/* A few have arguments, and a result, that are larger than a window. */
static FerryTask *
make_task (Ledger *ledger, guint64 id, guint *n)
{
  guint milliseconds = choose (ledger, 0, 30);

  *n = 0;
  if (id % (ledger->n_entries / N_LARGE) == 7)
    {
      g_autofree guint8 *bytes = g_malloc (LARGE_ARGUMENTS);

      memset (bytes, (int) id & 0xff, LARGE_ARGUMENTS);
      return ferry_task_new (
        FERRY_TASK_KIND_CALL, "weigh",
        g_variant_new ("(st@ay)", ledger->path, id,
                       g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, LARGE_ARGUMENTS, 1)));
    }
  *n = choose (ledger, 1, 5);
  return ferry_task_new (id % 4 < 2 ? FERRY_TASK_KIND_CALL : FERRY_TASK_KIND_ITERATION, id % 4 < 2 ? "tell" : "recite",
                         g_variant_new ("(stuu)", ledger->path, id, milliseconds, *n));
}

static void
submit (Ledger *ledger, guint64 id)
{
  Entry *entry = &ledger->entries[id];

  entry->task = make_task (ledger, id, &entry->n);
  entry->witness = task_test_witness_new (entry->task);
  g_object_set (entry->task, "idempotent", id % 2 == 0, NULL);
  g_signal_connect (entry->task, "message", G_CALLBACK (message_came), entry);
  g_signal_connect (entry->task, "yielded", G_CALLBACK (value_came), entry);
  task_test_submit_task (ledger->executor, entry->task);
}

/* ---- The end ---- */

static gboolean
is_idle (gpointer data)
{
  Ledger *ledger = data;

  return ferry_test_get_number (ledger->executor, "n-waiting") +
           ferry_test_get_number (ledger->executor, "n-executing") ==
         0;
}

static gboolean
have_hosts_ended (gpointer data)
{
  Ledger *ledger = data;

  for (guint i = 0; i < N_HOSTS; i++)
    if (ledger->hosts[i].process != NULL)
      return FALSE;
  return TRUE;
}

/* Hosts drain, with whatever server and connections there are. */
static void
end_hosts (Ledger *ledger)
{
  ledger->over = TRUE;
  g_clear_handle_id (&ledger->timer, g_source_remove);
  g_clear_handle_id (&ledger->server_timer, g_source_remove);
  for (guint i = 0; i < N_HOSTS; i++)
    {
      Host *host = &ledger->hosts[i];

      g_clear_handle_id (&host->timer, g_source_remove);
      if (host->process == NULL)
        continue;
      g_subprocess_send_signal (host->process, SIGTERM);
      g_subprocess_send_signal (host->process, SIGCONT);
    }
  ferry_test_run_until (have_hosts_ended, ledger);
}

/* In a long round the kernel may give the number to another process. */
static gboolean
has_ended (gpointer data)
{
  GPid pid = *(GPid *) data;
  g_autofree char *path = g_strdup_printf ("/proc/%d/exe", (int) pid);
  g_autofree char *program = g_file_read_link (path, NULL);

  return !ferry_test_is_alive (pid) || (program != NULL && !g_str_has_suffix (program, "/ledger-worker"));
}

/* Counts the lines of each task. No process that has written one outlives its host. */
static void
read_lines (Ledger *ledger)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (ledger->path, &text, NULL, &error);
  g_assert_no_error (error);
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL && lines[i][0] != '\0'; i++)
    {
      char *rest;
      guint64 id = g_ascii_strtoull (lines[i], &rest, 10);
      GPid pid = atoi (rest);

      g_assert_cmpuint (id, <, ledger->n_entries);
      g_assert_cmpint (pid, >, 0);
      ledger->entries[id].n_lines++;
      ferry_test_look_until (has_ended, &pid);
    }
}

/* As they were in the arguments. */
static void
check_bytes (FerryTask *task, GVariant *result)
{
  g_autoptr (GVariant) sent = g_variant_get_child_value (ferry_test_get_variant (task, "arguments"), 2);
  g_autoptr (GVariant) come = g_variant_get_child_value (result, 1);

  g_assert_cmpmem (g_variant_get_data (come), g_variant_get_size (come), g_variant_get_data (sent),
                   g_variant_get_size (sent));
}

static void
check_result (Ledger *ledger, guint64 id, GVariant *result)
{
  Entry *entry = &ledger->entries[id];
  g_autoptr (GVariant) number = NULL;

  ledger->n_results++;
  g_assert_cmpuint (entry->n_lines, >=, 1);
  if (g_variant_is_container (result))
    {
      number = g_variant_get_child_value (result, 0);
      check_bytes (entry->task, result);
    }
  else
    {
      number = g_variant_ref (result);
      g_assert_cmpuint (entry->attempt, ==, ferry_test_get_number (entry->task, "n-attempts"));
      g_assert_cmpuint (entry->next, ==, entry->n);
    }
  g_assert_cmpuint (g_variant_get_uint64 (number), ==, id);
}

static void
check_entry (Ledger *ledger, guint64 id)
{
  Entry *entry = &ledger->entries[id];
  guint n_attempts = ferry_test_get_number (entry->task, "n-attempts");
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = ferry_task_get_result (entry->task, &error);

  g_assert_true (ferry_task_get_done (entry->task));
  ledger->n_again += n_attempts > 0 ? n_attempts - 1 : 0;
  if (result != NULL)
    check_result (ledger, id, result);
  else if (entry->witness->cancelled)
    ledger->n_cancelled++;
  else
    {
      g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
      g_assert_false (ferry_test_get_number (entry->task, "idempotent"));
      ledger->n_lost++;
    }
  if (!ferry_test_get_number (entry->task, "idempotent"))
    g_assert_cmpuint (entry->n_lines, <=, 1);
}

/* ---- A round ---- */

static void
ledger_init (Ledger *ledger, guint seed, guint n_tasks)
{
  static const char *const names[N_HOSTS] = {"alpha", "beta", "gamma"};
  g_autofree char *url = NULL;

  ledger->random = g_rand_new_with_seed (seed);
  ledger->story = g_string_new (NULL);
  ledger->test = task_test_new (TRUE, 1);
  ledger->server = nats_test_server_new ();
  ledger->path = nats_test_server_get_path (ledger->server, "ledger");
  nats_test_server_write (ledger->server, "ledger", "");
  nats_test_server_start (ledger->server, NULL);
  ledger->proxy = proxy_test_new (ledger->server->port);
  url = g_strdup_printf ("nats://127.0.0.1:%u", proxy_test_get_port (ledger->proxy));
  ledger->cluster = ferry_cluster_new (ledger->test->router, url, "ledger");
  g_object_set (ledger->cluster, "cut-timeout", (gint64) CUT_TIMEOUT_SECONDS * G_USEC_PER_SEC, NULL);
  g_object_set (ledger->cluster, "death-limit", 0, NULL);
  ledger->executor = ferry_executor_new_for_runner (FERRY_RUNNER (ledger->cluster));
  for (guint i = 0; i < N_HOSTS; i++)
    {
      ledger->hosts[i].ledger = ledger;
      ledger->hosts[i].name = g_strdup (names[i]);
      ledger->hosts[i].proxy = proxy_test_new (ledger->server->port);
      start_host (&ledger->hosts[i]);
    }
  ledger->n_entries = n_tasks;
  ledger->entries = g_new0 (Entry, n_tasks);
}

static void
ledger_clear (Ledger *ledger)
{
  for (guint i = 0; i < ledger->n_entries; i++)
    {
      task_test_witness_free (ledger->entries[i].witness);
      g_object_unref (ledger->entries[i].task);
    }
  g_free (ledger->entries);
  ferry_test_finalize (ledger->executor);
  ferry_cluster_close (ledger->cluster);
  ferry_test_finalize (ledger->cluster);
  for (guint i = 0; i < N_HOSTS; i++)
    {
      proxy_test_free (ledger->hosts[i].proxy);
      g_free (ledger->hosts[i].name);
    }
  proxy_test_free (ledger->proxy);
  nats_test_server_free (ledger->server);
  task_test_free (ledger->test);
  g_string_free (ledger->story, TRUE);
  g_rand_free (ledger->random);
  g_free (ledger->path);
}

static gboolean
tell_of_progress (gpointer data)
{
  Ledger *ledger = data;

  g_test_message ("%d wait, %d execute;%s", (int) ferry_test_get_number (ledger->executor, "n-waiting"),
                  (int) ferry_test_get_number (ledger->executor, "n-executing"), ledger->story->str);
  g_string_truncate (ledger->story, 0);
  return G_SOURCE_CONTINUE;
}

static double
count_ends (Ledger *ledger)
{
  return ferry_test_get_number (ledger->executor, "n-completed") +
         ferry_test_get_number (ledger->executor, "n-failed") + ferry_test_get_number (ledger->executor, "n-cancelled");
}

static gboolean
goes_on (gpointer data)
{
  Ledger *ledger = data;

  return is_idle (ledger) || count_ends (ledger) > ledger->n_ends;
}

/* A wait ends a hang. All tasks may take longer on a busy machine, so each wait is for the next one's end. */
static void
wait_for_all (Ledger *ledger)
{
  while (!is_idle (ledger))
    {
      ledger->n_ends = count_ends (ledger);
      ferry_test_run_until (goes_on, ledger);
    }
}

static void
run_round (guint seed, guint n_tasks)
{
  Ledger ledger = {.over = FALSE};
  gint64 start = g_get_monotonic_time ();
  guint teller;

  g_test_message ("Seed %u, %u tasks", seed, n_tasks);
  ledger_init (&ledger, seed, n_tasks);
  teller = g_timeout_add_seconds (2, tell_of_progress, &ledger);
  for (guint id = 0; id < n_tasks; id++)
    submit (&ledger, id);
  disturb (&ledger);
  wait_for_all (&ledger);
  end_hosts (&ledger);
  g_source_remove (teller);
  read_lines (&ledger);
  for (guint id = 0; id < n_tasks; id++)
    check_entry (&ledger, id);
  g_test_message ("Seed %u: %u results, %u lost, %u cancelled, %u run again, %.1f s", seed, ledger.n_results,
                  ledger.n_lost, ledger.n_cancelled, ledger.n_again,
                  (double) (g_get_monotonic_time () - start) / G_USEC_PER_SEC);
  /* Else it shows little. */
  g_assert_cmpuint (ledger.n_results, >, n_tasks * 3 / 4);
  ledger_clear (&ledger);
}

static void
each_task_has_one_end (void)
{
  const char *seed = g_getenv ("FERRY_TEST_LEDGER_SEED");
  gboolean large = g_getenv ("FERRY_TEST_LARGE_LEDGER") != NULL;
  guint n_rounds = large && seed == NULL ? N_ROUNDS_LARGE : 1;

  if (nats_test_must_skip ("nats-server"))
    return;
  for (guint i = 0; i < n_rounds; i++)
    run_round (seed != NULL ? (guint) g_ascii_strtoull (seed, NULL, 10) : g_random_int (),
               large ? N_TASKS_LARGE : N_TASKS);
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  g_test_add_func ("/ledger/each-task-has-one-end", each_task_has_one_end);
  return g_test_run ();
}
