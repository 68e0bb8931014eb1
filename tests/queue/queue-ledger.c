/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "queue/queue-ledger.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ferry-tree-private.h"
#include "ferry-test.h"

#define N_TASKS 300
/* How long the application is off after a kill, where it is, in milliseconds. */
#define MAX_OFF 3000
/* A kill comes when the ledger has grown by up to so many bytes, or else at a time of up to so many milliseconds. */
#define MAX_GROWTH 1500
#define MAX_TIME 300
/* Or when a file of a value, beside the database, is there or gone: so many of ten kills. */
#define N_AT_FILES 4

typedef struct
{
  GRand *random;      /* (owned) */
  char *folder;       /* (owned) */
  char *ledger;       /* (owned) */
  const char *server; /* (nullable) */
  gboolean is_off;    /* after each kill, for a while */
  guint n_tasks;
  GSubprocess *process; /* (owned) (nullable): the application, while it runs */
  guint n_kills;
  guint max_kills;
  goffset size_to_kill; /* of the ledger, at the next kill; 0: the time says when */
  guint n_files;        /* of values, when the kill was planned */
  guint timer;          /* of the next kill, or the next start; 0: there is none */
  gboolean over;
} Ledger;

static void start (Ledger *self);

/* Returns whether the process runs the program of the test. */
static gboolean
is_ours (GPid pid)
{
  g_autofree char *link = g_strdup_printf ("/proc/%d/exe", (int) pid);
  g_autofree char *program = g_file_read_link (link, NULL);

  return pid > 1 && program != NULL && g_str_has_suffix (program, "/queue-application");
}

/* The worker that has begun the latest task. */
static GPid
find_worker (Ledger *self)
{
  g_autofree char *text = NULL;
  const char *line;

  if (!g_file_get_contents (self->ledger, &text, NULL, NULL))
    return 0;
  line = g_strrstr (text, "\nb ");
  line = line != NULL ? strchr (line + 3, ' ') : NULL;
  return line != NULL ? (GPid) atoi (line) : 0;
}

static gboolean has_grown (gpointer data);
static gboolean kill_one (gpointer data);

static goffset
get_size (Ledger *self)
{
  GStatBuf about;

  return g_stat (self->ledger, &about) == 0 ? about.st_size : 0;
}

/* How many values have files of their own. */
static guint
count_files (Ledger *self)
{
  g_autofree char *path = g_build_filename (self->folder, "state", "queue.db.values", NULL);
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  guint n = 0;

  while (folder != NULL && g_dir_read_name (folder) != NULL)
    n++;
  return n;
}

static gboolean
has_other_files (gpointer data)
{
  Ledger *self = data;

  return count_files (self) == self->n_files ? G_SOURCE_CONTINUE : kill_one (self);
}

static void
plan_kill (Ledger *self)
{
  if (g_rand_int_range (self->random, 0, 10) < N_AT_FILES)
    {
      self->n_files = count_files (self);
      self->timer = g_timeout_add (1, has_other_files, self);
      return;
    }
  if (g_rand_int_range (self->random, 0, 4) == 0)
    {
      self->timer = g_timeout_add (g_rand_int_range (self->random, 1, MAX_TIME), kill_one, self);
      return;
    }
  self->size_to_kill = get_size (self) + g_rand_int_range (self->random, 1, MAX_GROWTH);
  self->timer = g_timeout_add (1, has_grown, self);
}

static gboolean
kill_one (gpointer data)
{
  Ledger *self = data;
  GPid worker = find_worker (self);

  self->timer = 0;
  self->n_kills++;
  if (g_rand_boolean (self->random) && is_ours (worker))
    {
      kill (worker, SIGKILL);
      if (self->n_kills < self->max_kills)
        plan_kill (self);
    }
  else
    g_subprocess_force_exit (self->process);
  return G_SOURCE_REMOVE;
}

static gboolean
has_grown (gpointer data)
{
  Ledger *self = data;

  return get_size (self) < self->size_to_kill ? G_SOURCE_CONTINUE : kill_one (self);
}

static gboolean
start_again (gpointer data)
{
  Ledger *self = data;

  self->timer = 0;
  start (self);
  return G_SOURCE_REMOVE;
}

static void
ended (GObject *process, GAsyncResult *result, gpointer data)
{
  Ledger *self = data;

  g_assert_true (g_subprocess_wait_finish (G_SUBPROCESS (process), result, NULL));
  g_clear_object (&self->process);
  g_clear_handle_id (&self->timer, g_source_remove);
  if (g_subprocess_get_if_exited (G_SUBPROCESS (process)))
    {
      g_assert_cmpint (g_subprocess_get_exit_status (G_SUBPROCESS (process)), ==, 0);
      self->over = TRUE;
    }
  else if (self->is_off)
    self->timer = g_timeout_add ((guint) g_rand_int_range (self->random, 0, MAX_OFF), start_again, self);
  else
    start (self);
}

static void
start (Ledger *self)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autofree char *program = g_test_build_filename (G_TEST_BUILT, "queue-application", NULL);
  g_autofree char *queue = g_build_filename (self->folder, "state", "queue.db", NULL);
  g_autofree char *n = g_strdup_printf ("%u", self->n_tasks);
  g_autoptr (GError) error = NULL;

  if (self->server != NULL)
    g_subprocess_launcher_setenv (launcher, "FERRY_SERVER", self->server, TRUE);
  if (self->is_off)
    g_subprocess_launcher_setenv (launcher, "FERRY_TEST_OFF", "1", TRUE);
  self->process = g_subprocess_launcher_spawn (launcher, &error, program, queue, self->ledger, n, NULL);
  g_assert_no_error (error);
  g_subprocess_wait_async (self->process, NULL, ended, self);
  if (self->n_kills < self->max_kills)
    plan_kill (self);
}

/* What the ledger says of a task. */
typedef struct
{
  guint n_begun;
  guint n_ended;
  guint n_told;
  gboolean is_cancelled;
  int state;
  int code;
} Story;

static void
read_line (const Ledger *self, Story *stories, const char *line, guint *n_listed)
{
  char *rest;
  guint64 key = line[0] != '\0' ? g_ascii_strtoull (line + 2, &rest, 10) : self->n_tasks;
  Story *story = &stories[key];

  if (key >= self->n_tasks)
    return;
  if (line[0] == 'b' && key % 3 != 0 && self->server == NULL)
    g_assert_cmpuint (story->n_told, ==, 0);
  story->n_begun += line[0] == 'b';
  story->n_ended += line[0] == 'e';
  story->n_told += line[0] == 'd';
  story->is_cancelled |= line[0] == 'c';
  if (line[0] != 'f')
    return;
  /* One that was killed in its list is followed by another one. */
  if (key == 0)
    *n_listed = 0;
  g_assert_cmpuint (key, ==, *n_listed);
  *n_listed += 1;
  story->state = (int) strtol (rest, &rest, 10);
  story->code = atoi (rest);
}

static void
check_story (guint key, const Story *story)
{
  gboolean is_done = story->state == FERRY_TASK_STATE_COMPLETED;

  g_assert_cmpuint (story->n_told, <=, 1);
  if (is_done)
    g_assert_cmpuint (story->n_ended, >=, 1);
  if (key % 3 == 0)
    {
      g_assert_cmpint (story->state, ==, FERRY_TASK_STATE_COMPLETED);
      return;
    }
  g_assert_cmpuint (story->n_begun, <=, 1);
  if (story->state == FERRY_TASK_STATE_CANCELLED)
    g_assert_true (story->is_cancelled);
  else if (!is_done)
    {
      g_assert_cmpint (story->state, ==, FERRY_TASK_STATE_FAILED);
      g_assert_true (story->code == FERRY_ERROR_INTERRUPTED || story->code == FERRY_ERROR_WORKER_LOST);
    }
}

static void
check_ledger (Ledger *self)
{
  g_autofree Story *stories = g_new0 (Story, self->n_tasks);
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  guint n_listed = 0, n_failed = 0, n_cancelled = 0, n_again = 0;

  g_assert_true (g_file_get_contents (self->ledger, &text, NULL, NULL));
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    read_line (self, stories, lines[i], &n_listed);
  g_assert_cmpuint (n_listed, ==, self->n_tasks);
  for (guint i = 0; i < self->n_tasks; i++)
    {
      check_story (i, &stories[i]);
      n_failed += stories[i].state == FERRY_TASK_STATE_FAILED;
      n_cancelled += stories[i].state == FERRY_TASK_STATE_CANCELLED;
      n_again += stories[i].n_begun > 1;
    }
  g_test_message ("%u kills; %u of %u tasks may or may not have run, %u are cancelled, %u ran more than once",
                  self->n_kills, n_failed, self->n_tasks, n_cancelled, n_again);
}

static void
play (guint32 seed, const char *server, gboolean is_off, guint *n_kills)
{
  const char *given = g_getenv ("FERRY_TEST_LEDGER_TASKS");
  Ledger self = {.random = g_rand_new_with_seed (seed),
                 .max_kills = QUEUE_LEDGER_KILLS,
                 .server = server,
                 .is_off = is_off,
                 .n_tasks = given != NULL ? (guint) atoi (given) : N_TASKS};

  g_test_message ("seed %u", seed);
  self.folder = g_dir_make_tmp ("ferry-ledger-XXXXXX", NULL);
  self.ledger = g_build_filename (self.folder, "ledger", NULL);
  start (&self);
  ferry_test_wait_flag (&self.over);
  check_ledger (&self);
  *n_kills += self.n_kills;
  ferry_tree_remove (AT_FDCWD, self.folder);
  g_rand_free (self.random);
  g_free (self.ledger);
  g_free (self.folder);
}

void
queue_ledger_play (const char *server, gboolean is_off)
{
  const char *given = g_getenv ("FERRY_TEST_LEDGER_SEED");
  guint32 seed = given != NULL ? (guint32) g_ascii_strtoull (given, NULL, 10) : (guint32) g_test_rand_int ();
  const gboolean is_large = g_getenv ("FERRY_TEST_LARGE_LEDGER") != NULL;
  guint n_kills = 0;

  do
    play (seed++, server, is_off, &n_kills);
  while (is_large && n_kills < QUEUE_LEDGER_KILLS_LARGE);
}
