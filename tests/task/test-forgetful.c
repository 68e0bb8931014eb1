/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: process/ferry-attachment.c, process/ferry-launcher.c
 *
 * A program that is its own worker program and forgets to ask whether it runs as a worker: it is started once, and told
 * what is missing. So is one that asks too early, or takes nothing of what it was passed. One that takes what it was
 * passed may start workers of its own, up to a depth. */

#include "config.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "task/task-test.h"

/* More than any test has; what starts itself without end ends here. */
#define MAX_PROCESSES 12

/* The depth at which a worker of a worker starts no workers of its own. */
#define MAX_DEPTH 8

typedef enum
{
  IN_POOL,
  IN_FORKED_POOL,
  IN_CHANNEL,
  WITH_SENDER,
  FORKED_WITH_SENDER,
  WITHOUT_SENDER,
  PERSISTENT,
} Way;

static const char *const ways[] = {
  "pool", "pool-with-fork-server", "channel", "with-sender", "forked-with-sender", "without-sender", "persistent"};

/* What the program does before it goes on as the application. */
typedef enum
{
  FORGETFUL,
  CLEANED,     /* nothing; it is started without an environment */
  CLOSED,      /* nothing; it is started without the worker's socket, as Python's subprocess does it */
  ASKING,      /* asks for a transport, and attaches by that */
  ASKING_MAIN, /* asks for a transport, and calls ferry_worker_main() then */
  TAKING,      /* takes its sender */
} How;

static const char *const hows[] = {"forgetful", "cleaned", "closed", "asking", "asking-main", "taking"};

/* ---- the processes, each with a line in a file ---- */

static char *
read_lines (const char *path, guint *n)
{
  char *text = NULL;

  g_file_get_contents (path, &text, NULL, NULL);
  *n = 0;
  for (const char *c = text; c != NULL && *c != '\0'; c++)
    *n += *c == '\n';
  return text;
}

static void
append_line (const char *path, const char *line)
{
  g_autofree char *text = g_strdup_printf ("%s\n", line);
  int fd = g_open (path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

  g_assert_cmpint (write (fd, text, strlen (text)), ==, (gssize) strlen (text));
  close (fd);
}

/* ---- what the application does, and this program as its worker too ---- */

static FerryLauncher *
launcher_new (Way way, const char *path, How how)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  const char *const argv[] = {"env", "-i", program, hows[how], ways[way], path, NULL};
  const char *const closed[] = {"sh", "-c", "\"$@\" 3>&-; exit", "sh", program, hows[how], ways[way], path, NULL};

  if (how == CLOSED)
    return ferry_launcher_new (closed);
  return ferry_launcher_new (how == CLEANED ? argv : argv + 2);
}

/* Each runs until the work has failed, and returns why. (transfer full) */

static char *
run_in_pool (FerryRouter *router, FerryLauncher *launcher, gboolean forked)
{
  g_autoptr (FerryPool) pool = ferry_pool_new (router, launcher);
  g_autoptr (FerryExecutor) executor = ferry_executor_new (pool);
  g_autoptr (FerryTask) task = NULL;

  g_object_set (pool, "use-fork-server", forked, NULL);
  task = task_test_submit (executor, "nothing", NULL);
  task_test_wait_done (task);
  return g_strdup (ferry_task_get_error (task)->message);
}

static char *
run_in_channel (FerryRouter *router, FerryLauncher *launcher)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = NULL;
  g_autoptr (FerryChannel) channel = ferry_channel_start (launcher, router, "echo", NULL, &error);

  if (channel != NULL)
    ferry_channel_receive (channel, FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC, NULL, &value, NULL, &error);
  return g_strdup (error->message);
}

static char *
run_worker (FerryRouter *router, FerryLauncher *launcher, gboolean with_sender)
{
  FerryTestPipe *pipe = ferry_test_pipe_new (router);
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryWorker) worker = NULL;

  if (with_sender)
    g_assert_true (ferry_launcher_add_sender (launcher, "out", pipe->sender, NULL));
  worker = ferry_launcher_spawn (launcher, router, &error);
  ferry_test_pipe_free (pipe);
  if (worker == NULL)
    return g_strdup (error->message);
  ferry_test_wait_ended (worker);
  return g_strdup (ferry_exit_get_message (ferry_test_get_object (worker, "exit")));
}

static char *
run_forked_worker (FerryRouter *router, FerryLauncher *launcher)
{
  g_autoptr (FerryLauncher) worker_launcher = g_object_new (FERRY_TYPE_LAUNCHER, NULL);
  g_autoptr (FerryForkServer) fork_server = ferry_fork_server_new (launcher);

  ferry_launcher_set_fork_server (worker_launcher, fork_server);
  return run_worker (router, worker_launcher, TRUE);
}

static char *
run_persistent (FerryLauncher *launcher)
{
  g_autoptr (GError) error = NULL;

  return ferry_launcher_spawn_persistent (launcher, "@ferry-test-forgetful", NULL, &error) ? NULL
                                                                                           : g_strdup (error->message);
}

static char *
run (FerryRouter *router, FerryLauncher *launcher, Way way)
{
  switch (way)
    {
    case IN_POOL:
    case IN_FORKED_POOL:
      return run_in_pool (router, launcher, way == IN_FORKED_POOL);
    case IN_CHANNEL:
      return run_in_channel (router, launcher);
    case PERSISTENT:
      return run_persistent (launcher);
    case FORKED_WITH_SENDER:
      return run_forked_worker (router, launcher);
    default:
      return run_worker (router, launcher, way == WITH_SENDER);
    }
}

static FerrySender *taken_sender; /* (owned) (nullable): kept until the process ends */

static void
do_before (How how, int *argc, char ***argv)
{
  g_autoptr (FerryTransport) transport = NULL;

  if (how == ASKING || how == ASKING_MAIN)
    transport = ferry_worker_get_transport ("nothing", NULL);
  g_assert_null (transport);
  if (how == ASKING_MAIN)
    ferry_worker_main (argc, argv);
  if (how == TAKING)
    taken_sender = ferry_worker_get_sender ("out", NULL);
}

/* The application that this program is where it does not notice that it runs as a worker. */
static int
be_forgetful (const char *way_name, const char *path, How how)
{
  g_autoptr (FerryRouter) router = ferry_test_router_new ();
  g_autoptr (FerryLauncher) launcher = NULL;
  g_autofree char *error = NULL;
  guint n;
  Way way = IN_POOL;

  g_free (read_lines (path, &n));
  if (n >= MAX_PROCESSES)
    return 1;
  append_line (path, "started");
  while (strcmp (ways[way], way_name) != 0)
    way++;
  launcher = launcher_new (way, path, how);
  error = run (router, launcher, way);
  append_line (path, error != NULL ? error : "no error");
  ferry_test_router_stop (g_steal_pointer (&router));
  return 0;
}

/* ---- the tests ---- */

typedef struct
{
  char *folder; /* (owned) */
  char *path;   /* (owned): of the file that has a line for each process */
  FerryRouter *router;
} Test;

static void
test_init (Test *self)
{
  self->folder = g_dir_make_tmp ("ferry-test-forgetful-XXXXXX", NULL);
  self->path = g_build_filename (self->folder, "processes", NULL);
  self->router = ferry_test_router_new ();
}

static void
test_clear (Test *self)
{
  task_test_settle ();
  ferry_test_router_stop (self->router);
  g_unlink (self->path);
  g_rmdir (self->folder);
  g_free (self->path);
  g_free (self->folder);
}

static guint
count_started (Test *self)
{
  guint n;
  g_autofree char *text = read_lines (self->path, &n);
  guint n_started = 0;

  for (const char *c = text; c != NULL && (c = strstr (c, "started\n")) != NULL; c++)
    n_started++;
  return n_started;
}

static void
assert_started_once_and_told (Way way, How how)
{
  const gboolean has_sender = way == WITH_SENDER || way == FORKED_WITH_SENDER;
  const char *entry = has_sender ? "ferry_worker_get_sender()" : "ferry_worker_main()";
  g_autoptr (FerryLauncher) launcher = NULL;
  g_autofree char *error = NULL;
  Test test;

  test_init (&test);
  launcher = launcher_new (way, test.path, how);
  /* No time: the worker itself says that it is none. */
  g_object_set (launcher, "attach-timeout", (gint64) -1, NULL);
  error = run (test.router, launcher, way);
  ferry_test_assert_says (error, "it was killed; make the program call");
  ferry_test_assert_says (error, entry);
  g_assert_cmpuint (count_started (&test), ==, 1);
  test_clear (&test);
}

static void
is_started_once_and_told (gconstpointer data)
{
  assert_started_once_and_told (GPOINTER_TO_UINT (data), FORGETFUL);
}

/* The sign that it is a worker is then what it inherited. */
static void
is_told_without_an_environment (gconstpointer data)
{
  assert_started_once_and_told (GPOINTER_TO_UINT (data), CLEANED);
}

/* Its application hears nothing of it, and starts the program between them again and again where it is a pool's. */
static void
is_told_without_a_socket (void)
{
  g_autoptr (FerryLauncher) launcher = NULL;
  g_autofree char *end = NULL;
  g_autofree char *text = NULL;
  Test test;
  guint n;

  test_init (&test);
  launcher = launcher_new (WITH_SENDER, test.path, CLOSED);
  end = run (test.router, launcher, WITH_SENDER);
  ferry_test_assert_says (end, "exited with status 0");
  g_assert_cmpuint (count_started (&test), ==, 1);
  text = read_lines (test.path, &n);
  ferry_test_assert_says (text, "has closed the worker's socket");
  test_clear (&test);
}

/* It has attached, since it has asked for something, and was passed something else. As a fork server it has not. */
static void
is_told_though_it_asked (gconstpointer data)
{
  assert_started_once_and_told (GPOINTER_TO_UINT (data), ASKING);
}

/* The fork server has not got what its worker was passed, and the worker does not ask again. */
static void
is_told_though_it_asked_before_the_fork (void)
{
  assert_started_once_and_told (FORKED_WITH_SENDER, ASKING_MAIN);
}

/* A worker that takes its sender may start workers, and this one starts itself. */
static void
starts_itself_up_to_a_depth (void)
{
  g_autoptr (FerryLauncher) launcher = NULL;
  g_autofree char *end = NULL;
  g_autofree char *text = NULL;
  Test test;
  guint n;

  test_init (&test);
  launcher = launcher_new (WITH_SENDER, test.path, TAKING);
  end = run (test.router, launcher, WITH_SENDER);
  ferry_test_assert_says (end, "exited with status 0");
  g_assert_cmpuint (count_started (&test), ==, MAX_DEPTH);
  text = read_lines (test.path, &n);
  ferry_test_assert_says (text, "a worker of a worker, and so on through 8 applications");
  test_clear (&test);
}

static gboolean
has_told (gpointer data)
{
  guint n;

  g_free (read_lines (((Test *) data)->path, &n));
  return n >= 2;
}

/* A process that need not attach is not killed, and gets the error itself. */
static void
is_told_itself (gconstpointer data)
{
  Way way = GPOINTER_TO_UINT (data);
  g_autoptr (FerryLauncher) launcher = NULL;
  g_autofree char *end = NULL;
  g_autofree char *text = NULL;
  Test test;
  guint n;

  test_init (&test);
  launcher = launcher_new (way, test.path, FORGETFUL);
  end = run (test.router, launcher, way);
  if (way == PERSISTENT)
    g_assert_null (end);
  else
    ferry_test_assert_says (end, "exited with status 0");
  ferry_test_look_until (has_told, &test);
  g_assert_cmpuint (count_started (&test), ==, 1);
  text = read_lines (test.path, &n);
  ferry_test_assert_says (text, way == PERSISTENT ? "ferry_listener_new_from_environment()" : "ferry_worker_main()");
  test_clear (&test);
}

/* The function "nest" of this program's workers: has a pool of its own do what it was given. */
static GVariant *
nest (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autoptr (FerryRouter) router = ferry_test_router_new ();
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new ((const char *const[]){"/proc/self/exe", "worker", NULL});
  g_autoptr (FerryPool) pool = ferry_pool_new (router, launcher);
  g_autoptr (FerryExecutor) executor = ferry_executor_new (pool);
  g_autoptr (FerryTask) task = NULL;
  GVariant *result;

  g_object_set (pool, "use-fork-server", g_variant_get_boolean (arguments), NULL);
  task = task_test_submit (executor, "echo", g_variant_new ("s", "from within"));
  task_test_wait_done (task);
  g_assert_no_error (ferry_task_get_error (task));
  result = ferry_task_get_result (task, error);
  g_clear_object (&executor);
  g_clear_object (&pool);
  task_test_settle ();
  ferry_test_router_stop (g_steal_pointer (&router));
  return result;
}

static void
serves_though_it_asked (gconstpointer data)
{
  g_autoptr (FerryRouter) router = ferry_test_router_new ();
  g_autoptr (FerryLauncher) launcher = launcher_new (IN_POOL, "", ASKING_MAIN);
  g_autoptr (FerryPool) pool = ferry_pool_new (router, launcher);
  g_autoptr (FerryExecutor) executor = ferry_executor_new (pool);
  g_autoptr (FerryTask) task = NULL;

  g_object_set (pool, "use-fork-server", GPOINTER_TO_UINT (data) != 0, NULL);
  task = task_test_submit (executor, "echo", g_variant_new ("s", "asked"));
  task_test_assert_result (task, "'asked'");
  g_clear_object (&executor);
  g_clear_object (&pool);
  task_test_settle ();
  ferry_test_router_stop (g_steal_pointer (&router));
}

static void
may_start_workers_once_attached (gconstpointer data)
{
  gboolean forked = GPOINTER_TO_UINT (data) != 0;
  g_autoptr (FerryRouter) router = ferry_test_router_new ();
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new ((const char *const[]){"/proc/self/exe", "worker", NULL});
  g_autoptr (FerryPool) pool = ferry_pool_new (router, launcher);
  g_autoptr (FerryExecutor) executor = ferry_executor_new (pool);
  g_autoptr (FerryTask) task = NULL;

  g_object_set (pool, "use-fork-server", forked, NULL);
  task = task_test_submit (executor, "nest", g_variant_new_boolean (forked));
  task_test_assert_result (task, "'from within'");
  g_clear_object (&executor);
  g_clear_object (&pool);
  task_test_settle ();
  ferry_test_router_stop (g_steal_pointer (&router));
}

int
main (int argc, char **argv)
{
  ferry_function_register ("nest", "b", NULL, nest);
  task_test_register ();
  for (How how = FORGETFUL; argc > 3 && how <= TAKING; how++)
    if (strcmp (argv[1], hows[how]) == 0)
      {
        do_before (how, &argc, &argv);
        return be_forgetful (argv[2], argv[3], how);
      }
  ferry_worker_main (&argc, &argv);
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  for (guint way = IN_POOL; way <= WITH_SENDER; way++)
    {
      g_autofree char *path = g_strdup_printf ("/forgetful/is-started-once-and-told/%s", ways[way]);
      g_autofree char *cleaned = g_strdup_printf ("/forgetful/is-told-without-an-environment/%s", ways[way]);
      g_autofree char *asking = g_strdup_printf ("/forgetful/is-told-though-it-asked/%s", ways[way]);

      g_test_add_data_func (path, GUINT_TO_POINTER (way), is_started_once_and_told);
      g_test_add_data_func (cleaned, GUINT_TO_POINTER (way), is_told_without_an_environment);
      g_test_add_data_func (asking, GUINT_TO_POINTER (way), is_told_though_it_asked);
    }
  for (guint way = WITHOUT_SENDER; way <= PERSISTENT; way++)
    {
      g_autofree char *path = g_strdup_printf ("/forgetful/is-told-itself/%s", ways[way]);

      g_test_add_data_func (path, GUINT_TO_POINTER (way), is_told_itself);
    }
  g_test_add_func ("/forgetful/is-told-without-a-socket", is_told_without_a_socket);
  g_test_add_func ("/forgetful/is-told-though-it-asked-before-the-fork", is_told_though_it_asked_before_the_fork);
  g_test_add_func ("/forgetful/starts-itself-up-to-a-depth", starts_itself_up_to_a_depth);
  g_test_add_data_func ("/forgetful/an-executed-worker-serves-though-it-asked", GUINT_TO_POINTER (0),
                        serves_though_it_asked);
  g_test_add_data_func ("/forgetful/a-forked-worker-serves-though-it-asked", GUINT_TO_POINTER (1),
                        serves_though_it_asked);
  g_test_add_data_func ("/forgetful/a-worker-that-attached-may-start-workers", GUINT_TO_POINTER (0),
                        may_start_workers_once_attached);
  g_test_add_data_func ("/forgetful/a-forked-worker-that-attached-may-start-workers", GUINT_TO_POINTER (1),
                        may_start_workers_once_attached);
  return g_test_run ();
}
