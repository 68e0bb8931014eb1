/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "faults/faults-test.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* A process that has it in its environment is of this test's. */
#define FAMILY "FERRY_TEST_FAMILY"

/* A scene has fewer calls of one kind than this. */
#define MAX_CALLS 400

/* How often a scene is played until it comes upon its first fault. */
#define MAX_PLAYS 100

/* Where a call fails. */
typedef enum
{
  PLACE_HERE,
  PLACE_LONE,   /* here, without a router */
  PLACE_WITHIN, /* in a process that the scene starts */
  PLACE_LIMIT,  /* wherever the limit of descriptors is met */
} Place;

typedef struct
{
  char *name; /* (owned) */
  FaultsScene scene;
  Fault fault;
  Place place;
} FaultsCase;

/* What must not become more. */
typedef struct
{
  guint n_fds;
  guint n_segments; /* mappings of links' memory */
  gsize n_pages;    /* mapped by calls of mmap() */
  guint n_processes;
} Holdings;

static char *family;

/* ---- what is held ---- */

static guint
count_segments (void)
{
  g_autofree char *text = NULL;
  guint n = 0;

  g_assert_true (g_file_get_contents ("/proc/self/maps", &text, NULL, NULL));
  for (const char *at = strstr (text, "memfd:ferry"); at != NULL; at = strstr (at + 1, "memfd:ferry"))
    n++;
  return n;
}

static gboolean
is_in_family (const char *pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%s/environ", pid);
  g_autofree char *text = NULL;
  gsize size = 0;

  return g_file_get_contents (path, &text, &size, NULL) && memmem (text, size, family, strlen (family)) != NULL;
}

/* A child of ours that was not reaped has no environment any more. */
static gboolean
is_own_zombie (const char *pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%s/stat", pid);
  g_autofree char *text = NULL;
  const char *state;
  char letter = 0;
  int parent = 0;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return FALSE;
  state = strrchr (text, ')');
  return state != NULL && sscanf (state, ") %c %d", &letter, &parent) == 2 && letter == 'Z' && parent == getpid ();
}

static guint
count_processes (void)
{
  g_autoptr (GDir) folder = g_dir_open ("/proc", 0, NULL);
  const char *name;
  guint n = 0;

  while ((name = g_dir_read_name (folder)) != NULL)
    if (g_ascii_isdigit (name[0]))
      n += is_in_family (name) || is_own_zombie (name);
  return n;
}

static Holdings
take_stock (void)
{
  return (Holdings){ferry_test_count_fds_without_threads (), count_segments (), fault_get_mapped (),
                    count_processes ()};
}

static gboolean
is_no_more (const Holdings *now, const Holdings *before)
{
  return now->n_fds <= before->n_fds && now->n_segments <= before->n_segments && now->n_pages <= before->n_pages &&
         now->n_processes <= before->n_processes;
}

/* What other threads and processes give back they give back soon. What the first stock had of that too much is not in
 * the next one. */
static void
assert_no_more (Holdings *before, const char *what)
{
  gint64 deadline = g_get_monotonic_time () + FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC;
  Holdings now = take_stock ();

  while (!is_no_more (&now, before) && g_get_monotonic_time () < deadline)
    {
      g_main_context_iteration (NULL, FALSE);
      g_thread_yield ();
      now = take_stock ();
    }
  if (!is_no_more (&now, before))
    g_error ("After %s there are %u descriptors, %u segments, %" G_GSIZE_FORMAT " pages and %u processes, and before "
             "there were %u, %u, %" G_GSIZE_FORMAT " and %u",
             what, now.n_fds, now.n_segments, now.n_pages, now.n_processes, before->n_fds, before->n_segments,
             before->n_pages, before->n_processes);
  *before = now;
}

/* ---- what is said ---- */

gboolean
faults_test_works (FaultsTest *test, GError **error, ...)
{
  gboolean documented = FALSE;
  va_list codes;

  if (*error == NULL)
    return TRUE;
  va_start (codes, error);
  for (int code = va_arg (codes, int); code >= 0; code = va_arg (codes, int))
    documented = documented || g_error_matches (*error, FERRY_ERROR, code);
  va_end (codes);
  if (test->expecting || !documented || (*error)->message[0] == '\0')
    g_error ("Not expected: %s %d: %s", g_quark_to_string ((*error)->domain), (*error)->code, (*error)->message);
  g_test_message ("%s", (*error)->message);
  test->n_refused++;
  g_clear_error (error);
  return FALSE;
}

void
faults_test_check_exit (FaultsTest *test, FerryExit *exit, ...)
{
  int reason = (int) ferry_exit_get_reason (exit);
  gboolean documented = FALSE;
  va_list reasons;
  int first;

  va_start (reasons, exit);
  first = va_arg (reasons, int);
  for (int allowed = first; allowed >= 0; allowed = va_arg (reasons, int))
    documented = documented || allowed == reason;
  va_end (reasons);
  if (!documented || ferry_exit_get_message (exit)[0] == '\0' || (test->expecting && reason != first))
    g_error ("Not expected: %d: %s", reason, ferry_exit_get_message (exit));
  g_test_message ("%s", ferry_exit_get_message (exit));
  test->n_refused += reason != first || ferry_exit_get_exit_status (exit) > 0;
}

void
faults_test_set_order (FaultsTest *test, FerryLauncher *launcher)
{
  g_autofree char *library = ferry_test_build_path ("libferry-fault-calls.so");

  if (test->order == NULL)
    return;
  ferry_launcher_setenv (launcher, "LD_PRELOAD", library);
  ferry_launcher_setenv (launcher, "FERRY_FAULT", test->order);
}

FerryPool *
faults_test_make_pool (FaultsTest *test)
{
  g_autofree char *program = ferry_test_build_path ("serving-worker");
  const char *const argv[] = {program, NULL};
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);

  faults_test_set_order (test, launcher);
  return ferry_pool_new (test->router, launcher);
}

/* ---- what lasts ---- */

typedef struct
{
  FaultsTest *test;
  FerryTask *task;
} Awaited;

static gboolean
is_done_or_lacks_a_worker (gpointer data)
{
  const Awaited *self = data;
  const char *text = ferry_task_get_text (self->task);
  gboolean lasts = self->test->limit != NULL || self->test->witness != NULL;

  return ferry_task_get_done (self->task) ||
         (lasts && text != NULL && strstr (text, "until the system has enough") != NULL);
}

static void
end_shortage (FaultsTest *test)
{
  test->n_refused++;
  if (test->limit != NULL)
    g_assert_no_errno (setrlimit (RLIMIT_NOFILE, test->limit));
  if (test->witness != NULL)
    g_assert_no_errno (g_unlink (test->witness));
  test->limit = NULL;
  test->witness = NULL;
}

void
faults_test_wait_task (FaultsTest *test, FerryTask *task)
{
  Awaited awaited = {test, task};

  ferry_test_run_until (is_done_or_lacks_a_worker, &awaited);
  if (ferry_task_get_done (task))
    return;
  end_shortage (test);
  ferry_test_run_until (is_done_or_lacks_a_worker, &awaited);
}

/* ---- playing ---- */

/* The router goes on. */
static void
assert_carries (FerryRouter *router)
{
  FerryTestPipe *pipe = ferry_test_pipe_new (router);
  FerryWorker *worker = ferry_test_spawn_obedient (router, pipe, "send:10", NULL);

  ferry_test_pipe_wait_closed (pipe);
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_STOPPED);
  g_assert_cmpuint (pipe->n_messages, ==, 10);
  g_assert_true (pipe->in_order);
  ferry_test_wait_ended (worker);
  g_object_unref (worker);
  ferry_test_pipe_free (pipe);
}

/* Each returns whether something failed. */

static gboolean
play_here (FaultsTest *test, const FaultsCase *self, guint n)
{
  guint n_calls;

  fault_arm (self->fault.call, n, self->fault.error_number);
  self->scene (test);
  n_calls = fault_disarm ();
  g_assert_cmpuint (n_calls, <, MAX_CALLS);
  return n_calls >= n;
}

static gboolean
play_within (FaultsTest *test, const FaultsCase *self, guint n)
{
  g_autofree char *witness = g_strdup_printf ("%s/ferry-faults-%d", g_get_tmp_dir (), (int) getpid ());
  g_autofree char *order =
    g_strdup_printf ("%s %u %d %s", fault_call_names[self->fault.call], n, self->fault.error_number, witness);
  struct stat status;
  gboolean failed;

  g_assert_true (g_file_set_contents (witness, "", 0, NULL));
  test->order = order;
  test->witness = witness;
  self->scene (test);
  test->order = test->witness = NULL;
  failed = g_stat (witness, &status) < 0 || status.st_size > 0;
  g_unlink (witness);
  return failed;
}

static gboolean
play_with_limit (FaultsTest *test, const FaultsCase *self, guint n)
{
  struct rlimit before;
  struct rlimit limit;

  g_assert_no_errno (getrlimit (RLIMIT_NOFILE, &before));
  limit = before;
  limit.rlim_cur = ferry_test_count_fds_without_threads () + n - 1;
  test->n_refused = 0;
  test->limit = &before;
  g_assert_no_errno (setrlimit (RLIMIT_NOFILE, &limit));
  self->scene (test);
  test->limit = NULL;
  g_assert_no_errno (setrlimit (RLIMIT_NOFILE, &before));
  return test->n_refused > 0;
}

static gboolean
play (FaultsTest *test, const FaultsCase *self, guint n, Holdings *before)
{
  g_autofree char *what = self->place == PLACE_LIMIT ? g_strdup_printf ("%s with %u descriptors", self->name, n - 1)
                                                     : g_strdup_printf ("%s with %s number %u that fails with '%s'",
                                                                        self->name, fault_call_names[self->fault.call],
                                                                        n, g_strerror (self->fault.error_number));
  gboolean failed;

  g_test_message ("%s", what);
  if (self->place == PLACE_WITHIN)
    failed = play_within (test, self, n);
  else if (self->place == PLACE_LIMIT)
    failed = play_with_limit (test, self, n);
  else
    failed = play_here (test, self, n);
  if (test->router != NULL)
    assert_carries (test->router);
  assert_no_more (before, what);
  return failed;
}

static gboolean
has_no_link (gpointer data)
{
  return count_segments () == 0 && count_processes () == 0;
}

/* What GLib opens at its first use, and what is loaded then, stays. */
static void
warm_up (FaultsTest *test, FaultsScene scene)
{
  test->expecting = TRUE;
  if (test->router != NULL)
    {
      g_source_unref (g_unix_signal_source_new (SIGHUP));
      assert_carries (test->router);
    }
  for (guint i = 0; i < 2; i++)
    scene (test);
  test->expecting = FALSE;
  ferry_test_look_until (has_no_link, NULL);
}

/* Whether the first call of its kind fails. What another process does when it has nothing else to do, such as a
 * fork server's spare, it may not come to before a scene is over: then the scene is played again. */
static gboolean
first_call_fails (FaultsTest *test, const FaultsCase *self, Holdings *before)
{
  guint n_plays = test->within ? MAX_PLAYS : 1;

  while (n_plays > 0 && !play (test, self, 1, before))
    n_plays--;
  return n_plays > 0;
}

static void
test_case (gconstpointer data)
{
  const FaultsCase *self = data;
  FaultsTest test = {.within = self->place == PLACE_WITHIN || self->place == PLACE_LIMIT};
  Holdings before;
  guint n = 2;

  if (self->place != PLACE_LONE)
    test.router = ferry_test_router_new ();
  warm_up (&test, self->scene);
  before = take_stock ();
  /* A fault that nothing comes upon is none. */
  g_assert_true (first_call_fails (&test, self, &before));
  while (play (&test, self, n, &before))
    n++;
  g_test_message ("%u calls", n - 1);
  if (test.router != NULL)
    ferry_test_router_stop (test.router);
}

static void
case_free (gpointer data)
{
  g_free (((FaultsCase *) data)->name);
  g_free (data);
}

static void
add (const char *place_name, const char *name, FaultsScene scene, Fault fault, Place place)
{
  FaultsCase *self = g_new (FaultsCase, 1);
  g_autofree char *path = NULL;

  *self = (FaultsCase){g_strdup (name), scene, fault, place};
  if (place == PLACE_LIMIT)
    path = g_strdup_printf ("/faults/%s/limit", name);
  else
    path = g_strdup_printf ("/faults/%s%s/%s-%s", name, place_name, fault_call_names[fault.call],
                            strerrorname_np (fault.error_number));
  g_test_add_data_func_full (path, self, test_case, case_free);
}

void
faults_test_add (const char *name, FaultsScene scene, const Fault *faults, gsize n_faults)
{
  for (gsize i = 0; i < n_faults; i++)
    add ("", name, scene, faults[i], PLACE_HERE);
}

void
faults_test_add_lone (const char *name, FaultsScene scene, const Fault *faults, gsize n_faults)
{
  for (gsize i = 0; i < n_faults; i++)
    add ("", name, scene, faults[i], PLACE_LONE);
}

void
faults_test_add_within (const char *name, FaultsScene scene, const Fault *faults, gsize n_faults)
{
  for (gsize i = 0; i < n_faults; i++)
    add ("-within", name, scene, faults[i], PLACE_WITHIN);
}

void
faults_test_add_limit (const char *name, FaultsScene scene)
{
  add ("", name, scene, (Fault){FAULT_N_CALLS, 0}, PLACE_LIMIT);
}

void
faults_test_init (int *argc, char ***argv)
{
  g_autofree char *own = g_strdup_printf ("%d", (int) getpid ());

  g_test_init (argc, argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  /* What fails may be warned of. */
  g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
  family = g_strdup_printf (FAMILY "=%s", own);
  g_setenv (FAMILY, own, TRUE);
}
