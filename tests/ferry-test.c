/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "ferry-test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "link/ferry-pidfd-private.h"
#include "process/ferry-spawn-private.h"
#include "route/ferry-router-private.h"

/* So many looks at what soon holds come one behind the other; later ones leave the processor to what they wait for. */
#define EAGER_LOOKS 50

/* They are found beside the library, which the tests have within themselves. */
static __attribute__ ((constructor)) void
name_programs (void)
{
  g_setenv ("FERRY_GUARDIAN", FERRY_TEST_GUARDIAN, FALSE);
  g_setenv ("FERRY_SYMBOLIZER", FERRY_TEST_SYMBOLIZER, FALSE);
  g_setenv ("FERRY_COMMAND", FERRY_TEST_COMMAND, FALSE);
}

guint
ferry_test_times (guint each_time, guint each_night)
{
  return g_getenv ("FERRY_TEST_NIGHT") != NULL ? each_night : each_time;
}

static gboolean
timed_out (gpointer data)
{
  g_error ("A test waited for %d seconds in vain", FERRY_TEST_TIMEOUT_SECONDS);
  return G_SOURCE_REMOVE;
}

void
ferry_test_run_until (FerryTestCondition condition, gpointer data)
{
  guint timer = g_timeout_add_seconds (FERRY_TEST_TIMEOUT_SECONDS, timed_out, NULL);

  while (!condition (data))
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (timer);
}

/* Wakes a look that waits. */
static gboolean
look_again (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

void
ferry_test_look_until (FerryTestCondition condition, gpointer data)
{
  gint64 deadline = g_get_monotonic_time () + FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC;
  guint timer = 0;

  for (guint n_looks = 1; !condition (data); n_looks++)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      if (n_looks == EAGER_LOOKS)
        timer = g_timeout_add (1, look_again, NULL);
      g_main_context_iteration (NULL, timer != 0);
      g_thread_yield ();
    }
  g_clear_handle_id (&timer, g_source_remove);
}

static gboolean
is_listening (gpointer proxy)
{
  return ferry_proxy_get_listening (proxy);
}

void
ferry_test_wait_listening (FerryProxy *proxy)
{
  ferry_test_run_until (is_listening, proxy);
}

gboolean
ferry_test_is_woken (GMainContext *context)
{
  GPollFD fds[8];
  int timeout;
  int n = g_main_context_query (context, G_MAXINT, &timeout, fds, G_N_ELEMENTS (fds));

  g_assert_cmpint (n, >, 0);
  return g_poll (fds, (guint) n, 0) > 0;
}

/* Both are said of the same surface, by the two libraries that look for what the pointer is over. */
static gboolean
is_of_tooltip (const char *message)
{
  return strstr (message, "gdk_surface_get_device_position: ") != NULL ||
         strstr (message, "_gtk_widget_find_at_coords: assertion 'GDK_IS_SURFACE") != NULL;
}

static gboolean
is_fatal (const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
  return !is_of_tooltip (message);
}

/* The default handler ends a test case in words, too. */
static void
log_but_tooltips (const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
  if (!is_of_tooltip (message))
    g_log_default_handler (domain, level, message, data);
}

void
ferry_test_let_tooltips_end (void)
{
  static gboolean is_set;

  for (guint i = 0; !is_set && i < 2; i++)
    g_log_set_handler (i == 0 ? "Gdk" : "Gtk", G_LOG_LEVEL_CRITICAL | G_LOG_FLAG_FATAL, log_but_tooltips, NULL);
  is_set = TRUE;
  g_test_log_set_fatal_handler (is_fatal, NULL);
}

void
ferry_test_let_others (void)
{
  g_poll (NULL, 0, 1);
}

void
ferry_test_take_time (gint64 time)
{
  gint64 end = g_get_monotonic_time () + time;

  while (g_get_monotonic_time () < end)
    ferry_test_let_others ();
}

GPid
ferry_test_fork_stopper (const char *go, gint64 time, int *order)
{
  GPid parent = getpid ();
  int fds[2];
  GPid pid;
  char byte;

  g_assert_no_errno (pipe2 (fds, O_CLOEXEC));
  pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid > 0)
    {
      close (fds[0]);
      *order = fds[1];
      return pid;
    }
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  close (fds[1]);
  if (read (fds[0], &byte, 1) != 1)
    _exit (1);
  kill (parent, SIGSTOP);
  ferry_test_take_time (time);
  kill (parent, SIGCONT);
  close (open (go, O_WRONLY | O_CLOEXEC));
  _exit (0);
}

static gboolean
flag_is_set (gpointer data)
{
  return *(gboolean *) data;
}

gint64
ferry_test_get_number (gpointer object, const char *property)
{
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_INT64);
  g_object_get_property (object, property, &value);
  return g_value_get_int64 (&value);
}

GPid
ferry_test_parse_process (const char *identifier)
{
  gint64 number;

  g_assert_nonnull (identifier);
  g_assert_true (g_ascii_string_to_signed (identifier, 10, 2, G_MAXINT32, &number, NULL));
  return (GPid) number;
}

GPid
ferry_test_get_process (gpointer object)
{
  g_autofree char *identifier = NULL;

  g_object_get (object, "identifier", &identifier, NULL);
  return ferry_test_parse_process (identifier);
}

gboolean
ferry_test_is_process (gpointer object, GPid pid)
{
  g_autofree char *identifier = NULL;

  g_object_get (object, "identifier", &identifier, NULL);
  return identifier != NULL && ferry_test_parse_process (identifier) == pid;
}

FerryWorker *
ferry_test_get_worker (FerryPool *pool, FerryTask *task)
{
  GListModel *workers = ferry_pool_get_workers (pool);

  for (guint i = 0; i < g_list_model_get_n_items (workers); i++)
    {
      g_autoptr (FerryWorker) worker = g_list_model_get_item (workers, i);

      if (ferry_test_is_process (worker, ferry_test_get_process (task)))
        return worker;
    }
  g_assert_not_reached ();
}

static gboolean
stands_still (gpointer worker)
{
  return ferry_test_is_stopped (ferry_test_get_process (worker));
}

void
ferry_test_stop_worker (FerryWorker *worker)
{
  ferry_worker_send_signal (worker, SIGSTOP);
  ferry_test_look_until (stands_still, worker);
}

double
ferry_test_get_double (gpointer object, const char *property)
{
  double found;

  g_object_get (object, property, &found, NULL);
  return found;
}

gpointer
ferry_test_get_object (gpointer object, const char *property)
{
  g_autoptr (GObject) found = NULL;

  g_object_get (object, property, &found, NULL);
  return found;
}

GVariant *
ferry_test_get_variant (gpointer object, const char *property)
{
  g_autoptr (GVariant) found = NULL;

  g_object_get (object, property, &found, NULL);
  return found;
}

const char *
ferry_test_get_string (gpointer object, const char *property)
{
  g_autofree char *found = NULL;

  g_object_get (object, property, &found, NULL);
  return g_intern_string (found);
}

const GError *
ferry_test_get_error (gpointer object, const char *property)
{
  g_autofree char *key = g_strconcat ("ferry-test-", property, NULL);
  GError *found = NULL;

  g_object_get (object, property, &found, NULL);
  g_object_set_data_full (object, key, found, (GDestroyNotify) (GCallback) g_error_free);
  return found;
}

void
ferry_test_grant (FerrySandbox *sandbox, const char *property, const char *path)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) before = NULL;
  g_auto (GStrv) paths = NULL;

  g_object_get (sandbox, property, &before, NULL);
  g_strv_builder_addv (builder, (const char **) before);
  g_strv_builder_add (builder, path);
  paths = g_strv_builder_end (builder);
  g_object_set (sandbox, property, paths, NULL);
}

void
ferry_test_assert_says (const char *text, const char *words)
{
  if (strstr (text, words) == NULL)
    g_error ("'%s' does not say '%s'", text, words);
}

static gboolean
is_gone (gpointer object)
{
  return *(gpointer *) object == NULL;
}

void
ferry_test_finalize (gpointer object)
{
  gpointer weak = object;

  g_object_add_weak_pointer (object, &weak);
  g_object_unref (object);
  ferry_test_look_until (is_gone, &weak);
}

static gboolean
is_unlocked (gpointer path)
{
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
  int fd = open (path, O_RDWR | O_CLOEXEC);
  gboolean is_free = fd < 0 || (fcntl (fd, F_OFD_GETLK, &lock) == 0 && lock.l_type == F_UNLCK);

  if (fd >= 0)
    close (fd);
  return is_free;
}

void
ferry_test_wait_unlocked (const char *path)
{
  g_autofree char *name = g_strconcat (path, ".lock", NULL);

  ferry_test_look_until (is_unlocked, name);
}

void
ferry_test_wait_flag (gboolean *flag)
{
  ferry_test_run_until (flag_is_set, flag);
}

/* Whether a descriptor is that of the file in which a thread that begins, for its allocations, reads how many
 * processors there are. It is open for a moment. */
static gboolean
is_file_of_processors (int folder, const char *name)
{
  char target[64];
  gssize size = readlinkat (folder, name, target, sizeof target - 1);

  if (size < 0)
    return FALSE;
  target[size] = '\0';
  return g_str_has_prefix (target, "/sys/devices/system/cpu/");
}

guint
ferry_test_count_fds_without_threads (void)
{
  DIR *folder = opendir ("/proc/self/fd");
  struct dirent *entry;
  guint n = 0;

  g_assert_nonnull (folder);
  while ((entry = readdir (folder)) != NULL)
    n += is_file_of_processors (dirfd (folder), entry->d_name) ? 0 : 1;
  closedir (folder);
  /* ".", ".." and the folder's own descriptor. */
  return n - 3;
}

guint64
ferry_test_count_sleeps_of (const char *thread)
{
  static const char field[] = "\nvoluntary_ctxt_switches:";
  g_autoptr (GDir) folder = g_dir_open ("/proc/self/task", 0, NULL);
  const char *number;
  guint64 n = G_MAXUINT64;

  g_assert_nonnull (folder);
  while ((number = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *path = g_strdup_printf ("/proc/self/task/%s/status", number);
      g_autofree char *name = g_strdup_printf ("Name:\t%s\n", thread);
      g_autofree char *text = NULL;
      const char *place;

      /* A thread may have ended meanwhile. */
      if (!g_file_get_contents (path, &text, NULL, NULL) || !g_str_has_prefix (text, name))
        continue;
      place = strstr (text, field);
      g_assert_nonnull (place);
      n = g_ascii_strtoull (place + strlen (field), NULL, 10);
    }
  g_assert_cmpuint (n, !=, G_MAXUINT64);
  return n;
}

gint64
ferry_test_read_clock (clockid_t clock)
{
  struct timespec time;

  clock_gettime (clock, &time);
  return (gint64) time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / 1000;
}

int
ferry_test_get_system_call (GPid pid, int thread)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/task/%d/syscall", pid, thread);
  g_autofree char *text = NULL;
  int number;

  return g_file_get_contents (path, &text, NULL, NULL) && sscanf (text, "%d ", &number) == 1 ? number : -1;
}

void
ferry_test_refuse_barriers (void)
{
  struct sock_filter filter[] = {
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, nr)),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog program = {G_N_ELEMENTS (filter), filter};

  g_assert_cmpint (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), ==, 0);
  g_assert_cmpint (syscall (SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program), ==, 0);
}

void
ferry_test_close (int *fd)
{
  ferry_clear_fd (fd);
}

guint
ferry_test_count_fds (void)
{
  /* GLib makes a thread with it, which has a descriptor for good: a router's start does so as well. */
  g_type_ensure (G_TYPE_TASK);
  /* So is the guardian's program, from the first launch on. */
  ferry_guardian_find_program ();
  return ferry_test_count_fds_without_threads ();
}

guint
ferry_test_get_lowest_fd (void)
{
  int lowest = fcntl (STDIN_FILENO, F_DUPFD_CLOEXEC, 0);

  g_assert_cmpint (lowest, >=, 0);
  close (lowest);
  return (guint) lowest;
}

guint64
ferry_test_limit_fds (guint64 limit)
{
  struct rlimit limits;
  guint64 before;

  g_assert_no_errno (getrlimit (RLIMIT_NOFILE, &limits));
  before = limits.rlim_cur;
  limits.rlim_cur = limit;
  g_assert_no_errno (setrlimit (RLIMIT_NOFILE, &limits));
  return before;
}

GVariant *
ferry_test_make_strings (guint n)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_STRING_ARRAY);
  for (guint i = 0; i < n; i++)
    {
      char name[32];

      g_snprintf (name, sizeof name, "pictures/%u.jpeg", i);
      g_variant_builder_add (&builder, "s", name);
    }
  return g_variant_builder_end (&builder);
}

/* A value that is not trusted reads as an empty string where there is no text. */
gboolean
ferry_test_is_trusted (GVariant *strings)
{
  g_autoptr (GVariant) first = g_variant_get_child_value (strings, 0);
  guint8 *text = (guint8 *) g_variant_get_data (strings);
  const guint8 before = *text;
  gboolean is_trusted;

  g_assert_cmpstr (g_variant_get_string (first, NULL), ==, "pictures/0.jpeg");
  *text = 0xff;
  g_clear_pointer (&first, g_variant_unref);
  first = g_variant_get_child_value (strings, 0);
  is_trusted = *g_variant_get_string (first, NULL) != '\0';
  *text = before;
  return is_trusted;
}

gboolean
ferry_test_is_mapped (const char *name)
{
  g_autofree char *maps = NULL;

  g_assert_true (g_file_get_contents ("/proc/self/maps", &maps, NULL, NULL));
  return strstr (maps, name) != NULL;
}

/* What the system says of a process, one letter; 'X' for one that is not there. */
static char
get_state (GPid pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/stat", (int) pid);
  g_autofree char *text = NULL;
  const char *state;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return 'X';
  state = strrchr (text, ')');
  return state != NULL ? state[2] : 'X';
}

gboolean
ferry_test_is_alive (GPid pid)
{
  const char state = get_state (pid);

  return state != 'Z' && state != 'X';
}

GPid
ferry_test_read_parent (GPid pid)
{
  return ferry_read_parent (pid);
}

gboolean
ferry_test_is_stopped (GPid pid)
{
  return get_state (pid) == 'T';
}

void
ferry_test_kill (GPid pid, int signal_number)
{
  g_assert_cmpint (pid, >, 1);
  g_assert_no_errno (kill (pid, signal_number));
}

void
ferry_test_kill_if_there (GPid pid, int signal_number)
{
  g_assert_cmpint (pid, >, 1);
  g_assert_true (kill (pid, signal_number) == 0 || errno == ESRCH);
}

/* Whether the process has a signal that none of its threads has taken. */
static gboolean
has_pending (GPid pid, int signal_number)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/status", (int) pid);
  g_autofree char *text = NULL;
  const char *line;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return FALSE;
  line = strstr (text, "\nShdPnd:");
  g_assert_nonnull (line);
  return (g_ascii_strtoull (line + strlen ("\nShdPnd:"), NULL, 16) & G_GUINT64_CONSTANT (1) << (signal_number - 1)) !=
         0;
}

void
ferry_test_signal_often (GPid pid, int signal_number, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      ferry_test_kill_if_there (pid, signal_number);
      while (has_pending (pid, signal_number))
        g_thread_yield ();
    }
}

void
ferry_test_end_with_the_test (gpointer data)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

GSubprocessLauncher *
ferry_test_launcher_new (GSubprocessFlags flags)
{
  GSubprocessLauncher *launcher = g_subprocess_launcher_new (flags);

  g_subprocess_launcher_set_child_setup (launcher, ferry_test_end_with_the_test, NULL, NULL);
  if ((flags & (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDOUT_SILENCE)) == 0)
    g_subprocess_launcher_take_stdout_fd (launcher, fcntl (STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
  return launcher;
}

GSubprocess *
ferry_test_start (const char *const *argv, GSubprocessFlags flags)
{
  g_autoptr (GSubprocessLauncher) launcher = ferry_test_launcher_new (flags);
  g_autoptr (GError) error = NULL;
  GSubprocess *process;

  process = g_subprocess_launcher_spawnv (launcher, argv, &error);
  g_assert_no_error (error);
  return process;
}

char *
ferry_test_build_path (const char *name)
{
  return g_test_build_filename (G_TEST_BUILT, name, NULL);
}

gboolean
ferry_test_has_short_cut (void)
{
  return g_strcmp0 (g_getenv ("FERRY_TEST_SHORT_CUT"), "0") != 0;
}

FerryRouter *
ferry_test_router_new_stopped (GMainContext *context)
{
  FerryRouter *router = ferry_router_new (context);

  router->by_monitor = !ferry_test_has_short_cut ();
  g_object_set (router, "latency", FERRY_LATENCY_BALANCED, NULL);
  return router;
}

FerryRouter *
ferry_test_router_new (void)
{
  g_autoptr (GError) error = NULL;
  FerryRouter *router = ferry_test_router_new_stopped (NULL);

  ferry_router_start (router, &error);
  g_assert_no_error (error);
  return router;
}

FerryRouter *
ferry_test_router_new_with_guardian (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, NULL, NULL, NULL);

  ferry_test_wait_ended (worker);
  return router;
}

/* Stops and frees the router, which must die here. */
void
ferry_test_router_stop (FerryRouter *router)
{
  g_autoptr (GError) error = NULL;

  ferry_router_stop (router, &error);
  g_assert_no_error (error);
  g_assert_finalize_object (router);
}

static void
message_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  FerryTestPipe *pipe = user_data;
  guint64 number;

  g_assert_cmpuint (pipe->n_closed, ==, 0);
  if (size == sizeof number)
    {
      memcpy (&number, data, sizeof number);
      if (number != pipe->next)
        pipe->in_order = FALSE;
      pipe->next = number + 1;
    }
  pipe->n_messages++;
}

static void
closed_cb (FerryReceiver *receiver, FerryExit *exit, gpointer user_data)
{
  FerryTestPipe *pipe = user_data;

  pipe->n_closed++;
  pipe->at_closed = pipe->n_messages;
  g_clear_object (&pipe->exit);
  pipe->exit = g_object_ref (exit);
}

FerryTestPipe *
ferry_test_pipe_new (FerryRouter *router)
{
  return ferry_test_pipe_new_with_flags (router, FERRY_PIPE_QUEUED);
}

FerryTestPipe *
ferry_test_pipe_new_with_flags (FerryRouter *router, FerryPipeFlags flags)
{
  g_autoptr (GError) error = NULL;
  FerryTestPipe *pipe = g_new0 (FerryTestPipe, 1);

  pipe->router = router;
  pipe->in_order = TRUE;
  ferry_router_pipe (router, flags, &pipe->sender, &pipe->receiver, &error);
  g_assert_no_error (error);
  ferry_receiver_set_handler (pipe->receiver, message_cb, pipe, NULL);
  g_signal_connect (pipe->receiver, "closed", G_CALLBACK (closed_cb), pipe);
  return pipe;
}

/* Closes the pipe where it is still open. */
void
ferry_test_pipe_free (FerryTestPipe *pipe)
{
  if (!ferry_test_get_number (pipe->receiver, "is-closed"))
    ferry_router_close_pipe (pipe->router, pipe->receiver, NULL);
  ferry_receiver_set_handler (pipe->receiver, NULL, NULL, NULL);
  g_signal_handlers_disconnect_by_data (pipe->receiver, pipe);
  g_object_unref (pipe->sender);
  g_object_unref (pipe->receiver);
  g_clear_object (&pipe->exit);
  g_free (pipe);
}

static gboolean
is_closed (gpointer data)
{
  return ((FerryTestPipe *) data)->n_closed > 0;
}

void
ferry_test_pipe_wait_closed (FerryTestPipe *pipe)
{
  ferry_test_run_until (is_closed, pipe);
}

typedef struct
{
  FerryTestPipe *pipe;
  guint64 n_messages;
} Count;

static gboolean
has_count (gpointer data)
{
  Count *count = data;

  return count->pipe->n_messages >= count->n_messages;
}

void
ferry_test_pipe_wait_count (FerryTestPipe *pipe, guint64 n_messages)
{
  Count count = {pipe, n_messages};

  ferry_test_run_until (has_count, &count);
}

/* Asserts that `closed` came once, after the last message, for that reason, and that all messages were in order. */
void
ferry_test_pipe_assert_end (FerryTestPipe *pipe, FerryCloseReason reason)
{
  g_assert_cmpuint (pipe->n_closed, ==, 1);
  g_assert_cmpuint (pipe->at_closed, ==, pipe->n_messages);
  g_assert_true (pipe->in_order);
  if (ferry_exit_get_reason (pipe->exit) != reason)
    g_error ("Closed with reason %d (%s), not %d", ferry_exit_get_reason (pipe->exit),
             ferry_exit_get_message (pipe->exit), reason);
}

FerryWorker *
ferry_test_spawn (FerryRouter *router, const char *program, FerryTestPipe *pipe, const char *first_order, ...)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autoptr (FerryLauncher) launcher = NULL;
  g_autoptr (GError) error = NULL;
  FerryWorker *worker;
  va_list orders;

  g_ptr_array_add (argv, (gpointer) program);
  va_start (orders, first_order);
  for (const char *order = first_order; order != NULL; order = va_arg (orders, const char *))
    g_ptr_array_add (argv, (gpointer) order);
  va_end (orders);
  g_ptr_array_add (argv, NULL);

  launcher = ferry_launcher_new ((const char *const *) argv->pdata);
  if (pipe != NULL)
    ferry_launcher_add_sender (launcher, "out", pipe->sender, &error);
  g_assert_no_error (error);
  worker = ferry_launcher_spawn (launcher, router, &error);
  g_assert_no_error (error);
  return worker;
}

static gboolean
has_ended (gpointer data)
{
  return ferry_worker_get_state (data) == FERRY_WORKER_STATE_ENDED;
}

void
ferry_test_wait_ended (FerryWorker *worker)
{
  ferry_test_run_until (has_ended, worker);
}
