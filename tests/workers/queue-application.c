/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An application with a queue, that may be killed at any moment and started again. It is its own worker, or that of
 * hosts, if the environment has a FERRY_SERVER. With FERRY_TEST_OFF it is both, and hosts run what waits while it is
 * off.
 *
 *   queue-application QUEUE LEDGER N [look]
 *
 * Submits N tasks with the keys 0 to N - 1, some at a time, and ends when all have ended: with 0, after it has closed
 * its queue. A third of the tasks may be repeated, half of them after a pause. Where hosts run tasks while it is off,
 * some need one of them. Some that may not be repeated are cancelled. A fourth has a large result, and a fifth large
 * arguments, which are in files of their own. It appends to the ledger, a line each:
 *
 *   o PID            the application has opened its queue
 *   a KEY            the task is acknowledged: a flush after its submission has ended
 *   c KEY            the application cancels it
 *   b KEY PID        a worker has begun it
 *   e KEY            its function has come to its end
 *   d KEY STATE CODE the application was told of its end; CODE: of its error, or 0
 *   f KEY STATE CODE at the end, for each task of the list, in order
 *
 * A test that damages the row of a task has said so by “x KEY”: until the next “o”, the file may be found damaged.
 *
 * When it has opened its queue it holds that against the ledger so far, and ends with 3 if a task is missing that was
 * acknowledged, another end is there than it was told of, or one that may not be repeated was begun and waits. With
 * “look” that is all it does. */

#include <fcntl.h>
#include <ferry-queue.h>
#ifdef FERRY_TEST_CLUSTER
#include <ferry-cluster.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define N_AT_A_TIME 7
#define LARGE 100000

/* What the ledger says of a task. */
typedef struct
{
  gboolean is_acknowledged;
  gboolean is_cancelled;
  gboolean is_damaged;
  gboolean is_told;
  guint n_begun;
  int state;
  int code;
} Story;

static int ledger;
static guint n_tasks;
static gboolean has_hosts;
static gboolean only_looks;
static guint n_submitted;
static guint n_open;
static FerryQueue *queue;
static GMainLoop *loop;

static void G_GNUC_PRINTF (1, 2) note (const char *format, ...)
{
  g_autofree char *line = NULL;
  va_list arguments;

  va_start (arguments, format);
  line = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  if (write (ledger, line, strlen (line)) != (gssize) strlen (line))
    g_error ("The ledger takes no lines");
}

/* ---- the worker ---- */

/* Some work, of random length. */
static void
work (void)
{
  g_autofree char *sum = NULL;

  for (guint i = g_random_int_range (0, 10000); i > 0; i--)
    {
      g_autofree char *last = g_steal_pointer (&sum);

      sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, last != NULL ? last : "", -1);
    }
}

static gboolean
may_be_repeated (guint key)
{
  return key % 3 == 0;
}

/* (transfer full): what the key is followed by. */
static char *
make_rest (guint key, guint each)
{
  return g_strnfill (key % each == 0 ? LARGE : 1, (char) ('a' + key % 20));
}

static GVariant *
run (FerryJob *job, GVariant *arguments, GError **error)
{
  const char *path, *key, *rest;
  g_autofree char *expected = NULL;
  g_autofree char *result = NULL;

  g_variant_get (arguments, "(&s&s&s)", &path, &key, &rest);
  expected = make_rest ((guint) atoi (key), 5);
  if (!g_str_equal (rest, expected))
    g_error ("Task %s has other arguments than it was given", key);
  ledger = open (path, O_WRONLY | O_APPEND | O_CLOEXEC);
  note ("b %s %d\n", key, (int) getpid ());
  work ();
  note ("e %s\n", key);
  close (ledger);
  result = make_rest ((guint) atoi (key), 4);
  return g_variant_new_take_string (g_strconcat (key, " ", result, NULL));
}

/* ---- the application ---- */

static void
check (gboolean success, GError **error)
{
  if (success)
    return;
  g_printerr ("queue-application: %s\n", (*error)->message);
  exit (2);
}

static void
closed (GObject *object, GAsyncResult *result, gpointer data)
{
  GError *error = NULL;

  check (ferry_queue_close_finish (queue, result, &error), &error);
  g_main_loop_quit (loop);
}

static int
get_code (FerryTask *task)
{
  const GError *error = ferry_task_get_error (task);

  return error != NULL ? error->code : 0;
}

static void
finish (void)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (queue));

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (FerryTask) task = g_list_model_get_item (G_LIST_MODEL (queue), i);

      note ("f %s %d %d\n", ferry_queue_get_key (queue, task), (int) ferry_task_get_state (task), get_code (task));
    }
  ferry_queue_close_async (queue, NULL, closed, NULL);
}

static void
done (FerryTask *task)
{
  note ("d %s %d %d\n", ferry_queue_get_key (queue, task), (int) ferry_task_get_state (task), get_code (task));
  if (--n_open == 0 && n_submitted == n_tasks)
    finish ();
}

static void
await (FerryTask *task)
{
  if (ferry_task_get_done (task))
    return;
  n_open++;
  g_signal_connect (task, "done", G_CALLBACK (done), NULL);
}

static void
flushed (GObject *object, GAsyncResult *result, gpointer data)
{
  GError *error = NULL;
  g_autofree char *lines = data;

  check (ferry_queue_flush_finish (queue, result, &error), &error);
  note ("%s", lines);
}

static void
cancel (guint number)
{
  g_autofree char *key = g_strdup_printf ("%u", number);
  g_autoptr (FerryTask) task = ferry_queue_lookup (queue, key);

  if (may_be_repeated (number) || ferry_task_get_done (task))
    return;
  note ("c %s\n", key);
  ferry_task_cancel (task);
}

/* Some are cancelled at once, and others when they are stored, or have begun. */
static void
cancel_some (void)
{
  if (n_submitted % 7 == 3)
    cancel (n_submitted);
  if (n_submitted % 7 == 5 && n_submitted > 2 * N_AT_A_TIME)
    cancel (n_submitted - 2 * N_AT_A_TIME);
}

static gboolean
submit_some (gpointer data)
{
  const char *path = data;
  guint first = n_submitted;
  GString *lines = g_string_new (NULL);

  for (; n_submitted < MIN (first + N_AT_A_TIME, n_tasks); n_submitted++)
    {
      g_autofree char *key = g_strdup_printf ("%u", n_submitted);
      g_autofree char *rest = make_rest (n_submitted, 5);
      g_autoptr (FerryTask) task =
        ferry_task_new (FERRY_TASK_KIND_CALL, "run", g_variant_new ("(sss)", path, key, rest));
      g_autoptr (FerryTask) known = ferry_queue_lookup (queue, key);
      g_autoptr (FerryTask) submitted = NULL;
      GError *error = NULL;

      if (may_be_repeated (n_submitted))
        g_object_set (task, "idempotent", TRUE, "retries", 1000, "retry-pause", n_submitted % 6 * (gint64) 100000,
                      NULL);
      if (n_submitted % 7 == 0 && n_submitted % 5 != 0 && g_getenv ("FERRY_TEST_OFF") != NULL)
        g_object_set (task, "needs", (const char *const[]){n_submitted % 2 == 0 ? "alpha" : "beta", NULL}, NULL);
      submitted = ferry_queue_submit (queue, task, key, &error);
      check (submitted != NULL, &error);
      if (known == NULL)
        {
          await (submitted);
          g_string_append_printf (lines, "a %s\n", key);
        }
      cancel_some ();
    }
  ferry_queue_flush_async (queue, NULL, flushed, g_string_free (lines, FALSE));
  if (n_submitted == n_tasks && n_open == 0)
    finish ();
  return n_submitted < n_tasks;
}

static void
refuse (guint key, const char *what)
{
  g_printerr ("queue-application: task %u %s\n", key, what);
  exit (3);
}

/* Returns whether the file may be damaged after it. */
static gboolean
read_line (Story *stories, const char *line, gboolean may_be_damaged)
{
  char *rest;
  guint64 key = line[0] != '\0' ? g_ascii_strtoull (line + 2, &rest, 10) : n_tasks;
  Story *story;

  if (line[0] == 'o' || key >= n_tasks)
    return may_be_damaged && line[0] != 'o';
  story = &stories[key];
  if (line[0] == 'b' && story->is_told && !has_hosts && !may_be_repeated ((guint) key) && !story->is_damaged)
    refuse ((guint) key, "was begun after its end was told");
  story->is_acknowledged |= line[0] == 'a';
  story->is_cancelled |= line[0] == 'c';
  story->is_damaged |= line[0] == 'x';
  story->n_begun += line[0] == 'b';
  if (line[0] == 'd')
    {
      story->is_told = TRUE;
      story->state = (int) strtol (rest, &rest, 10);
      story->code = atoi (rest);
    }
  return may_be_damaged || line[0] == 'x';
}

/* Whether a task may have an end without a result. */
static gboolean
may_lack_result (guint key, const Story *story, FerryTask *task)
{
  int code = get_code (task);

  if (ferry_task_get_state (task) == FERRY_TASK_STATE_CANCELLED)
    return story->is_cancelled;
  return !may_be_repeated (key) && (code == FERRY_ERROR_INTERRUPTED || code == FERRY_ERROR_WORKER_LOST);
}

static void
check_end (guint key, const Story *story, FerryTask *task)
{
  g_autoptr (GVariant) result = ferry_task_get_result (task, NULL);
  g_autofree char *rest = make_rest (key, 4);
  g_autofree char *expected = g_strdup_printf ("%u %s", key, rest);
  FerryTaskState state = ferry_task_get_state (task);

  if (story->is_told && ((int) state != story->state || get_code (task) != story->code))
    refuse (key, "has another end than was told");
  if (state != FERRY_TASK_STATE_COMPLETED && !may_lack_result (key, story, task))
    refuse (key, "has an end that it cannot have");
  if (state == FERRY_TASK_STATE_COMPLETED &&
      (result == NULL || !g_str_equal (g_variant_get_string (result, NULL), expected)))
    refuse (key, "was completed, and has not its result");
}

static void
check_story (guint number, const Story *story)
{
  g_autofree char *key = g_strdup_printf ("%u", number);
  g_autoptr (FerryTask) task = ferry_queue_lookup (queue, key);

  if (story->is_damaged)
    return;
  if (!may_be_repeated (number) && story->n_begun > 1)
    refuse (number, "was begun twice");
  if (task == NULL && (story->is_acknowledged || story->n_begun > 0))
    refuse (number, story->is_acknowledged ? "was acknowledged, and is gone" : "was begun, and is gone");
  if (task != NULL && ferry_task_get_done (task))
    check_end (number, story, task);
  else if (story->is_told)
    refuse (number, "has an end that was told, and waits");
  else if (story->n_begun > 0 && !may_be_repeated (number) && !has_hosts)
    refuse (number, "was begun, and waits");
}

/* Holds the list against the ledger. */
static void
compare (const char *path)
{
  g_autofree Story *stories = g_new0 (Story, n_tasks + 1);
  g_autoptr (GError) damage = NULL;
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  gboolean may_be_damaged = FALSE;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    exit (2);
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    may_be_damaged = read_line (stories, lines[i], may_be_damaged);
  g_object_get (queue, "damage", &damage, NULL);
  if (damage != NULL && !may_be_damaged)
    check (FALSE, &damage);
  for (guint key = 0; key < n_tasks; key++)
    check_story (key, &stories[key]);
}

static gboolean open_queue (gpointer data);

static void
opened (GObject *object, GAsyncResult *result, gpointer data)
{
  GError *error = NULL;
  gboolean success;
  guint n;

  success = ferry_queue_open_finish (queue, result, &error);
  check (success, &error);
  compare (data);
  if (only_looks)
    {
      g_main_loop_quit (loop);
      return;
    }
  note ("o %d\n", (int) getpid ());
  n = g_list_model_get_n_items (G_LIST_MODEL (queue));
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (FerryTask) task = g_list_model_get_item (G_LIST_MODEL (queue), i);

      await (task);
    }
  g_idle_add (submit_some, data);
}

static gboolean
open_queue (gpointer data)
{
  ferry_queue_open_async (queue, NULL, opened, data);
  return G_SOURCE_REMOVE;
}

static FerryExecutor *
make_executor (GError **error)
{
#ifdef FERRY_TEST_CLUSTER
  const char *server = g_getenv ("FERRY_SERVER");

  if (server != NULL && g_getenv ("FERRY_TEST_OFF") == NULL)
    {
      FerryRouter *router = ferry_router_get_default ();
      g_autoptr (FerryCluster) cluster = ferry_cluster_new (router, server, "queue");

      /* As those of the hosts. A task that is lost often has done nothing wrong here. */
      g_object_set (cluster, "cut-timeout", (gint64) 2 * G_USEC_PER_SEC, "death-limit", 0, NULL);
      if (!ferry_router_start (router, error))
        return NULL;
      return ferry_executor_new_for_runner (FERRY_RUNNER (cluster));
    }
#endif
  return ferry_executor_new_for_program ("/proc/self/exe", error);
}

/* Hosts run what waits while the application is off. */
static void
set_cluster (FerryExecutor *executor)
{
#ifdef FERRY_TEST_CLUSTER
  g_autoptr (FerryCluster) cluster = NULL;

  if (g_getenv ("FERRY_TEST_OFF") == NULL)
    return;
  ferry_pool_set_max_workers (ferry_executor_get_pool (executor), 1);
  cluster = ferry_cluster_new (ferry_router_get_default (), g_getenv ("FERRY_SERVER"), "queue");
  ferry_queue_set_cluster (queue, FERRY_RUNNER (cluster));
#endif
}

int
main (int argc, char **argv)
{
  g_autoptr (FerryExecutor) executor = NULL;
  GError *error = NULL;

  ferry_function_register ("run", "(sss)", "s", run);
  ferry_worker_main (&argc, &argv);
  if (argc < 4)
    return 2;
  only_looks = argc > 4;
  has_hosts = g_getenv ("FERRY_SERVER") != NULL;
  n_tasks = (guint) atoi (argv[3]);
  ledger = open (argv[2], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  executor = make_executor (&error);
  check (executor != NULL, &error);
  loop = g_main_loop_new (NULL, FALSE);
  queue = ferry_queue_new (executor, argv[1]);
  g_object_set (queue, "death-limit", 0, NULL);
  if (only_looks)
    g_object_set (queue, "start", FERRY_QUEUE_START_PAUSED, NULL);
  set_cluster (executor);
  open_queue (argv[2]);
  g_main_loop_run (loop);
  g_object_unref (queue);
  return 0;
}
