/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: base/ferry-timers.c, base/ferry-limit-clock.c, engine/ferry-watermark.c
 *
 * Limits of time beside an application that does not look. Each scene is an application, a process of its own, with a
 * limit. It writes the number of its worker's process when the limit runs. Its exit status says whether the limit was
 * fair: the other side needs half of the limit, and the application does not look for twice the limit. The ways:
 *
 *   busy      its main loop is in a callback
 *   stopped   its process is stopped, by a signal
 *   frozen    its worker's process too, which goes on after it
 *
 * A machine may be too slow for a limit. So each scene is played with twice the limit if it fails, up to LONGEST. */

#include "config.h"

#include "ferry-test.h"

#include <ferry-conversations.h>
#include <gio/gunixinputstream.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/ferry-base-private.h"
#include "base/ferry-thread-private.h"

#define SHORTEST (400 * FERRY_MICROSECONDS_PER_MILLISECOND)
#define LONGEST (20 * G_USEC_PER_SEC)

/* ---- the workers ---- */

static GVariant *
answer (FerryJob *job, GVariant *arguments, GError **error)
{
  ferry_test_take_time (g_variant_get_int64 (arguments));
  return g_variant_new_boolean (TRUE);
}

static GVariant *
end_when_cancelled (FerryJob *job, GVariant *arguments, GError **error)
{
  while (!ferry_job_is_cancelled (job))
    ferry_test_let_others ();
  return g_variant_new_boolean (TRUE);
}

static gboolean
say (FerryChannel *channel, GVariant *arguments, GError **error)
{
  ferry_test_take_time (g_variant_get_int64 (arguments));
  return ferry_channel_send (channel, g_variant_new_boolean (TRUE), -1, NULL, error);
}

static void
answer_request (FerryInvocation *invocation, gpointer data)
{
  ferry_test_take_time (g_variant_get_int64 (ferry_invocation_get_arguments (invocation)));
  ferry_invocation_return_value (invocation, g_variant_new_boolean (TRUE));
}

/* Answers what comes over a transport, until the application ends. */
static int
serve_transport (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTransport) transport = ferry_worker_get_transport ("beside", &error);
  g_autoptr (FerryDemux) demux = transport != NULL ? ferry_demux_new (transport) : NULL;

  if (transport == NULL)
    return 1;
  ferry_demux_add_handler (demux, "answer", answer_request, NULL, NULL);
  if (!ferry_demux_start (demux, &error))
    return 1;
  pause ();
  return 0;
}

/* ---- the applications ---- */

typedef struct
{
  gint64 limit;
  gboolean is_busy;
  gint64 pid; /* the worker's; 0: of no interest */
} Scene;

/* In the main loop: says that the limit runs. */
static gboolean
begin (gpointer data)
{
  const Scene *self = data;

  g_print ("%" G_GINT64_FORMAT "\n", self->pid);
  if (self->is_busy)
    ferry_test_take_time (2 * self->limit);
  return G_SOURCE_REMOVE;
}

/* The limit runs, or does so before the main loop does. */
static void
do_not_look (Scene *self, gint64 pid)
{
  self->pid = pid;
  g_idle_add_full (G_PRIORITY_HIGH, begin, self, NULL);
}

static FerryRouter *
start_router (void)
{
  FerryRouter *router = ferry_router_get_default ();
  g_autoptr (GError) error = NULL;

  ferry_router_start (router, &error);
  g_assert_no_error (error);
  return router;
}

static FerryExecutor *
new_executor (void)
{
  g_autoptr (GError) error = NULL;
  FerryExecutor *executor = ferry_executor_new_for_program ("/proc/self/exe", &error);

  g_assert_no_error (error);
  return executor;
}

static FerryTask *
submit (FerryExecutor *executor, const char *function, GVariant *arguments, const char *property, gint64 value)
{
  FerryTask *task = ferry_task_new (FERRY_TASK_KIND_CALL, function, arguments);
  g_autoptr (GError) error = NULL;

  if (property != NULL)
    g_object_set (task, property, value, NULL);
  ferry_executor_submit_task (executor, task, &error);
  g_assert_no_error (error);
  return task;
}

static gboolean
is_done (gpointer task)
{
  return ferry_task_get_done (task);
}

static gboolean
has_pid (gpointer task)
{
  return ferry_test_get_string (task, "identifier") != NULL;
}

static gboolean
has_result (FerryTask *task)
{
  g_autoptr (GVariant) result = NULL;

  ferry_test_run_until (is_done, task);
  result = ferry_task_get_result (task, NULL);
  return result != NULL;
}

static void
warm_up (FerryExecutor *executor)
{
  g_autoptr (FerryTask) task = submit (executor, "answer", g_variant_new_int64 (0), NULL, 0);

  g_assert_true (has_result (task));
}

static gboolean
play_task (Scene *self, const char *property, gint64 value)
{
  g_autoptr (FerryExecutor) executor = new_executor ();
  g_autoptr (FerryTask) task = NULL;

  warm_up (executor);
  if (g_str_equal (property, "deadline"))
    value += g_get_monotonic_time ();
  task = submit (executor, "answer", g_variant_new_int64 (self->limit / 2), property, value);
  ferry_test_run_until (has_pid, task);
  do_not_look (self, ferry_test_get_process (task));
  return has_result (task);
}

static gboolean
play_run_timeout (Scene *self)
{
  return play_task (self, "run-timeout", self->limit);
}

static gboolean
play_deadline (Scene *self)
{
  return play_task (self, "deadline", self->limit);
}

/* The function ends within its grace. So its worker, the only one, is not killed, and does the next task. */
static gboolean
play_cancel_grace (Scene *self)
{
  static const char *const argv[] = {"/proc/self/exe", NULL};
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);
  g_autoptr (FerryPool) pool = ferry_pool_new (start_router (), launcher);
  g_autoptr (FerryExecutor) executor = ferry_executor_new (pool);
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (FerryTask) next = NULL;
  gint64 pid;

  ferry_pool_set_max_workers (pool, 1);
  task = submit (executor, "end-when-cancelled", NULL, "cancel-grace", self->limit);
  ferry_test_run_until (has_pid, task);
  pid = ferry_test_get_process (task);
  ferry_task_cancel (task);
  do_not_look (self, pid);
  next = submit (executor, "answer", g_variant_new_int64 (0), NULL, 0);
  return has_result (next) && ferry_test_get_process (next) == pid;
}

static gboolean
play_map (Scene *self)
{
  g_autoptr (FerryExecutor) executor = new_executor ();
  g_autoptr (FerryMap) map = NULL;
  g_autoptr (GListModel) results = NULL;
  g_autoptr (GError) error = NULL;

  warm_up (executor);
  map = ferry_map_new (executor, "answer", FERRY_MAP_ORDERED);
  ferry_map_set_arguments (map, g_variant_new ("(x)", self->limit / 2));
  do_not_look (self, 0);
  results = ferry_map_collect (map, self->limit, &error);
  return results != NULL;
}

static gboolean
play_channel (Scene *self)
{
  static const char *const argv[] = {"/proc/self/exe", NULL};
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = NULL;
  g_autoptr (FerryChannel) channel =
    ferry_channel_start (launcher, start_router (), "say", g_variant_new_int64 (self->limit / 2), &error);

  g_assert_no_error (error);
  do_not_look (self, 0);
  return ferry_channel_receive (channel, self->limit, NULL, &value, NULL, &error) && value != NULL;
}

static FerryMux *
new_mux (FerryWorker **worker)
{
  static const char *const argv[] = {"/proc/self/exe", "--serve", NULL};
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);
  FerryRouter *router = start_router ();
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTransport) transport = ferry_launcher_add_transport (launcher, router, "beside", &error);

  g_assert_no_error (error);
  *worker = ferry_launcher_spawn (launcher, router, &error);
  g_assert_no_error (error);
  return ferry_mux_new (transport);
}

static void
take_result (GObject *mux, GAsyncResult *result, gpointer answer)
{
  *(GAsyncResult **) answer = g_object_ref (result);
}

static gboolean
has_come (gpointer answer)
{
  return *(GAsyncResult **) answer != NULL;
}

/* Asks without a limit, so that the worker is there. */
static void
greet (FerryMux *mux)
{
  g_autoptr (GAsyncResult) greeting = NULL;

  ferry_mux_transact_async (mux, "answer", g_variant_new_int64 (0), -1, NULL, take_result, &greeting);
  ferry_test_run_until (has_come, &greeting);
}

static gboolean
play_call (Scene *self)
{
  g_autoptr (FerryWorker) worker = NULL;
  g_autoptr (FerryMux) mux = new_mux (&worker);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GVariant) value = NULL;

  greet (mux);
  ferry_mux_transact_async (mux, "answer", g_variant_new_int64 (self->limit / 2), self->limit, NULL, take_result,
                            &result);
  do_not_look (self, ferry_test_get_process (worker));
  ferry_test_run_until (has_come, &result);
  value = ferry_mux_transact_finish (mux, result, NULL);
  return value != NULL;
}

typedef struct
{
  Scene *scene;
  FerryMux *mux;
  GVariant *value;
  _Atomic int thread;
  _Atomic gboolean over;
} Asker;

static gpointer
ask (gpointer data)
{
  Asker *self = data;

  self->thread = gettid ();
  self->value = ferry_mux_transact (self->mux, "answer", g_variant_new_int64 (self->scene->limit / 2),
                                    self->scene->limit, NULL, NULL);
  self->over = TRUE;
  g_main_context_wakeup (NULL);
  return NULL;
}

static gboolean
is_over (gpointer asker)
{
  return ((Asker *) asker)->over;
}

/* Whether the thread waits for its answer. */
static gboolean
is_asleep (gpointer data)
{
  const Asker *self = data;
  int call = self->thread != 0 ? ferry_test_get_system_call (getpid (), self->thread) : -1;

  return self->over || call == FERRY_SYS_FUTEX;
}

static gboolean
play_thread (Scene *self)
{
  g_autoptr (FerryWorker) worker = NULL;
  g_autoptr (FerryMux) mux = new_mux (&worker);
  Asker asker = {self, mux};
  GThread *thread;

  greet (mux);
  thread = g_thread_new ("asks", ask, &asker);
  ferry_test_look_until (is_asleep, &asker);
  do_not_look (self, ferry_test_get_process (worker));
  ferry_test_run_until (is_over, &asker);
  g_thread_join (thread);
  return asker.value != NULL;
}

static const struct
{
  const char *name;
  gboolean (*play) (Scene *self);
  gboolean has_pid; /* so that its worker can be stopped */
} scenes[] = {
  {"run-timeout", play_run_timeout, TRUE},   {"deadline", play_deadline, TRUE},
  {"cancel-grace", play_cancel_grace, TRUE}, {"map", play_map, FALSE},
  {"channel", play_channel, FALSE},          {"call", play_call, TRUE},
  {"waiting-thread", play_thread, TRUE},
};

/* ---- the test ---- */

typedef enum
{
  BUSY,
  STOPPED,
  FROZEN,
} Way;

typedef struct
{
  guint scene;
  Way way;
} Case;

/* Returns whether the limit was fair. */
static gboolean
play (const Case *self, gint64 limit)
{
  g_autofree char *number = g_strdup_printf ("%u", self->scene);
  g_autofree char *length = g_strdup_printf ("%" G_GINT64_FORMAT, limit);
  const char *argv[] = {"/proc/self/exe", "--play", number, length, self->way == BUSY ? "busy" : "idle", NULL};
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process = ferry_test_start (argv, G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  g_autoptr (GDataInputStream) output = NULL;
  g_autofree char *line = NULL;

  output = g_data_input_stream_new (g_subprocess_get_stdout_pipe (process));
  line = g_data_input_stream_read_line (output, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (line);
  /* Where the limit was over before, each of them may be gone. */
  if (self->way == FROZEN)
    ferry_test_kill_if_there (ferry_test_parse_process (line), SIGSTOP);
  if (self->way != BUSY)
    {
      g_subprocess_send_signal (process, SIGSTOP);
      ferry_test_take_time (2 * limit);
      g_subprocess_send_signal (process, SIGCONT);
    }
  if (self->way == FROZEN)
    ferry_test_kill_if_there (ferry_test_parse_process (line), SIGCONT);
  g_assert_true (g_subprocess_wait (process, NULL, &error));
  return g_subprocess_get_successful (process);
}

static void
test_limit_is_fair (gconstpointer data)
{
  for (gint64 limit = SHORTEST; !play (data, limit); limit *= 2)
    g_assert_cmpint (limit, <, LONGEST);
}

static int
be_application (char **argv)
{
  Scene scene = {g_ascii_strtoll (argv[3], NULL, 10), g_str_equal (argv[4], "busy")};

  _exit (scenes[atoi (argv[2])].play (&scene) ? 0 : 1);
}

static void
add (guint scene, Way way, const char *name)
{
  g_autofree char *path = g_strdup_printf ("/limits/%s/%s", scenes[scene].name, name);

  g_test_add_data_func_full (path, g_memdup2 (&(Case){scene, way}, sizeof (Case)), test_limit_is_fair, g_free);
}

int
main (int argc, char **argv)
{
  if (argc > 1 && g_str_equal (argv[1], "--serve"))
    return serve_transport ();
  ferry_function_register ("answer", "x", "b", answer);
  ferry_function_register ("end-when-cancelled", NULL, "b", end_when_cancelled);
  ferry_channel_function_register ("say", "x", say);
  ferry_worker_main (&argc, &argv);
  if (argc > 4 && g_str_equal (argv[1], "--play"))
    return be_application (argv);
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (scenes); i++)
    {
      if (!g_str_equal (scenes[i].name, "waiting-thread"))
        add (i, BUSY, "busy");
      add (i, STOPPED, "stopped");
      if (scenes[i].has_pid)
        add (i, FROZEN, "frozen");
    }
  return g_test_run ();
}
