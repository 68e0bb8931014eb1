/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: process/ferry-attributes.c, process/ferry-spawn.c, process/ferry-guardian-start.c,
 * process/ferry-fork-server.c, link/ferry-pidfd.c, lane/ferry-segment.c, base/ferry-write.c
 *
 * An application that changes what its workers inherit, or that gives up rights; and one under limits, or under a
 * filter that refuses system calls, as containers have them. This program is its own worker. What cannot be taken back
 * is done in a process of its own. */

#include "config.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/ferry-base-private.h"
#include "ferry-test.h"
#include "process/ferry-attributes-private.h"
#include "process/worker-test.h"
#include "task/ferry-executor.h"

/* ---- what the workers do ---- */

static GVariant *
add (FerryJob *job, GVariant *arguments, GError **error)
{
  return g_variant_new_int32 (g_variant_get_int32 (arguments) + 1);
}

static GVariant *
hang (FerryJob *job, GVariant *arguments, GError **error)
{
  ferry_job_report (job, 0.5, "hanging", NULL);
  while (TRUE)
    pause ();
  return NULL;
}

/* How a child of the function ends that sends itself SIGINT. */
static GVariant *
interrupt_child (FerryJob *job, GVariant *arguments, GError **error)
{
  FILE *stream = popen ("kill -INT $$; exit 7", "r");
  int status = pclose (stream);

  return g_variant_new_int32 (WIFSIGNALED (status) ? WTERMSIG (status) : -WEXITSTATUS (status));
}

static GVariant *
print_line (FerryJob *job, GVariant *arguments, GError **error)
{
  puts ("a line");
  return NULL;
}

static GVariant *
return_buffer (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autoptr (FerryBuffer) buffer = ferry_job_create_buffer (job, 500000, error);

  if (buffer != NULL)
    ferry_job_return_buffer (job, buffer);
  return NULL;
}

static GVariant *
leave (FerryJob *job, GVariant *arguments, GError **error)
{
  _exit (0);
}

/* What a process has, in words. */
static char *
describe_self (void)
{
  const mode_t mask = umask (0);
  g_autofree char *folder = g_get_current_dir ();
  struct rlimit files;
  struct rlimit core;
  struct stat root;
  cpu_set_t cores;

  umask (mask);
  g_assert_no_errno (stat ("/", &root));
  getrlimit (RLIMIT_NOFILE, &files);
  getrlimit (RLIMIT_CORE, &core);
  sched_getaffinity (0, sizeof cores, &cores);
  return g_strdup_printf ("user %d/%d of %d groups, mask %o, in %s, nice %d, cores %d, files %d, core %d, no new %d, "
                          "filter %d, root %d/%d",
                          (int) getuid (), (int) getegid (), getgroups (0, NULL), (guint) mask, folder,
                          getpriority (PRIO_PROCESS, 0), CPU_COUNT (&cores), (int) files.rlim_cur, (int) core.rlim_max,
                          prctl (PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), prctl (PR_GET_SECCOMP, 0, 0, 0, 0),
                          (int) root.st_dev, (int) root.st_ino);
}

static GVariant *
describe (FerryJob *job, GVariant *arguments, GError **error)
{
  return g_variant_new_take_string (describe_self ());
}

static GVariant *
tell_score (FerryJob *job, GVariant *arguments, GError **error)
{
  return g_variant_new_int32 (ferry_add_oom_score_adjust (0));
}

/* ---- the application ---- */

static FerryExecutor *
make_executor_for (const char *program, gboolean forked)
{
  g_autoptr (GError) error = NULL;
  FerryExecutor *executor = ferry_executor_new_for_program (program, &error);

  g_assert_no_error (error);
  g_object_set (ferry_executor_get_pool (executor), "use-fork-server", forked, "max-workers", 1, NULL);
  return executor;
}

static FerryExecutor *
make_executor (gboolean forked)
{
  return make_executor_for ("/proc/self/exe", forked);
}

/* (transfer full): the result, or NULL with the error. */
static GVariant *
call (FerryExecutor *executor, const char *function, GVariant *arguments, GError **error)
{
  g_autoptr (FerryTask) task = ferry_executor_submit (executor, function, arguments, error);

  return task != NULL ? ferry_task_wait (task, -1, error) : NULL;
}

static void
assert_adds (FerryExecutor *executor)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = call (executor, "add", g_variant_new_int32 (4), &error);

  g_assert_no_error (error);
  g_assert_cmpint (g_variant_get_int32 (result), ==, 5);
}

static gboolean
is_hanging (gpointer task)
{
  return g_strcmp0 (ferry_task_get_text (task), "hanging") == 0;
}

static gboolean
is_done (gpointer task)
{
  return ferry_task_get_done (task);
}

/* A task that does not hear a cancel ends all the same, with its worker. */
static void
assert_ends_when_cancelled (FerryExecutor *executor)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "hang", NULL);

  ferry_task_set_cancel_grace (task, G_USEC_PER_SEC / 10);
  ferry_executor_submit_task (executor, task, &error);
  g_assert_no_error (error);
  ferry_test_run_until (is_hanging, task);
  ferry_task_cancel (task);
  ferry_test_run_until (is_done, task);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_CANCELLED);
}

/* Of all threads. */
static void
refuse (int number)
{
  struct sock_filter filter[] = {
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, 0),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, (guint) number, 0, 1),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {G_N_ELEMENTS (filter), filter};

  g_assert_no_errno (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  g_assert_no_errno ((int) syscall (SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program));
}

/* Returns TRUE in the process of its own; runs it else, and asserts that it passes. */
static gboolean
is_alone (void)
{
  if (g_test_subprocess ())
    return TRUE;
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
  return FALSE;
}

static void
limit (int resource, rlim_t value)
{
  struct rlimit limit;

  g_assert_no_errno (getrlimit (resource, &limit));
  limit.rlim_cur = value;
  g_assert_no_errno (setrlimit (resource, &limit));
}

/* ---- what the application changes ---- */

/* The worker that is there ends, and the next one has what the application has. */
static void
assert_next_has_the_same (FerryExecutor *executor)
{
  g_autofree char *own = describe_self ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) told = NULL;

  g_assert_null (call (executor, "leave", NULL, NULL));
  told = call (executor, "describe", NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (g_variant_get_string (told, NULL), ==, own);
}

static void
bind_to_one_core (void)
{
  cpu_set_t set;

  CPU_ZERO (&set);
  CPU_SET (sched_getcpu (), &set);
  g_assert_no_errno (sched_setaffinity (0, sizeof set, &set));
}

static void
test_gives_workers_what_it_has (gconstpointer forked)
{
  g_autoptr (FerryExecutor) executor = NULL;
  struct rlimit core = {0};

  if (!is_alone ())
    return;
  executor = make_executor (GPOINTER_TO_INT (forked));
  assert_adds (executor);
  assert_next_has_the_same (executor);
  umask (0137);
  assert_next_has_the_same (executor);
  g_assert_no_errno (chdir ("/proc"));
  assert_next_has_the_same (executor);
  limit (RLIMIT_NOFILE, 500);
  g_assert_no_errno (setrlimit (RLIMIT_CORE, &core));
  assert_next_has_the_same (executor);
  g_assert_no_errno (setpriority (PRIO_PROCESS, 0, getpriority (PRIO_PROCESS, 0) + 3));
  bind_to_one_core ();
  assert_next_has_the_same (executor);
  g_assert_no_errno (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  assert_next_has_the_same (executor);
  refuse (SYS_swapon);
  assert_next_has_the_same (executor);
}

static gboolean
is_root (void)
{
  if (getuid () == 0)
    return TRUE;
  g_test_skip ("only root can give up rights, and hide files");
  return FALSE;
}

/* The root of a plain chroot is a folder, and is not made private: others would see what is mounted here. */
static gboolean
may_mount (void)
{
  struct statx root;

  if (!is_root ())
    return FALSE;
  g_assert_no_errno (statx (AT_FDCWD, "/", 0, 0, &root));
  if ((root.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0)
    return TRUE;
  g_test_skip ("the root of this chroot is no mount");
  return FALSE;
}

/* As in a container that hides it. */
static void
hide_proc (void)
{
  g_assert_no_errno (unshare (CLONE_NEWNS));
  g_assert_no_errno (mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
  g_assert_no_errno (mount ("none", "/proc", "tmpfs", 0, NULL));
}

static void
test_gives_workers_its_file_mask_without_proc (gconstpointer forked)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  g_autoptr (FerryExecutor) executor = NULL;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  g_test_skip ("a sanitizer looks into /proc");
  return;
#endif
  if (!may_mount () || !is_alone ())
    return;
  hide_proc ();
  executor = make_executor_for (program, GPOINTER_TO_INT (forked));
  assert_adds (executor);
  umask (0137);
  assert_next_has_the_same (executor);
  umask (0002);
  assert_next_has_the_same (executor);
}

/* Mounts a folder that has all that the root has. */
static void
mount_another_root (const char *root)
{
  g_autoptr (GDir) dir = g_dir_open ("/", 0, NULL);
  const char *name;

  g_assert_no_errno (unshare (CLONE_NEWNS));
  g_assert_no_errno (mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
  g_assert_no_errno (mount ("none", root, "tmpfs", 0, NULL));
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *there = g_build_filename (root, name, NULL);
      g_autofree char *here = g_build_filename ("/", name, NULL);
      g_autofree char *target = g_file_read_link (here, NULL);

      if (target != NULL)
        g_assert_no_errno (symlink (target, there));
      else if (g_file_test (here, G_FILE_TEST_IS_DIR))
        {
          g_assert_no_errno (mkdir (there, 0755));
          g_assert_no_errno (mount (here, there, NULL, MS_BIND | MS_REC, NULL));
        }
    }
}

static void
test_gives_workers_its_root (gconstpointer forked)
{
  g_autofree char *root = NULL;
  g_autoptr (FerryExecutor) executor = NULL;

  if (!may_mount () || !is_alone ())
    return;
  root = g_dir_make_tmp ("ferry-root-XXXXXX", NULL);
  g_assert_nonnull (root);
  mount_another_root (root);
  executor = make_executor (GPOINTER_TO_INT (forked));
  assert_adds (executor);
  g_assert_no_errno (chroot (root));
  g_assert_no_errno (chdir ("/"));
  assert_next_has_the_same (executor);
}

#define NOBODY 65534

static void
give_up_rights (void)
{
  const gid_t other = NOBODY - 1;

  g_assert_no_errno (chdir ("/"));
  g_assert_no_errno (setgroups (1, &other));
  g_assert_no_errno (setgid (NOBODY));
  g_assert_no_errno (setuid (NOBODY));
}

static void
test_gives_workers_no_rights_that_it_gave_up (gconstpointer forked)
{
  g_autoptr (FerryExecutor) executor = NULL;

  if (!is_root () || !is_alone ())
    return;
  executor = make_executor (GPOINTER_TO_INT (forked));
  assert_adds (executor);
  give_up_rights ();
  assert_next_has_the_same (executor);
  assert_ends_when_cancelled (executor);
  assert_next_has_the_same (executor);
}

/* Calls a function that does not end, gives up the rights that the worker has, and cancels. */
static FerryTask *
cancel_without_rights (gboolean forked)
{
  g_autoptr (FerryExecutor) executor = make_executor (forked);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "hang", NULL);
  g_autoptr (GError) error = NULL;

  ferry_task_set_cancel_grace (task, G_USEC_PER_SEC / 10);
  ferry_executor_submit_task (executor, task, &error);
  g_assert_no_error (error);
  ferry_test_run_until (is_hanging, task);
  give_up_rights ();
  ferry_task_cancel (task);
  ferry_test_run_until (is_done, task);
  return g_steal_pointer (&task);
}

/* The guardian has kept the rights. */
static void
test_ends_workers_of_another_user (gconstpointer forked)
{
  g_autoptr (FerryTask) task = NULL;

  if (!is_root () || !is_alone ())
    return;
  task = cancel_without_rights (GPOINTER_TO_INT (forked));
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_CANCELLED);
}

/* Ends what a subprocess has left, of which this process is the parent then. Returns FALSE when nothing is left. */
static gboolean
end_what_is_left (void)
{
  g_autofree char *path = g_strdup_printf ("/proc/self/task/%d/children", getpid ());
  g_autofree char *text = NULL;
  g_auto (GStrv) numbers = NULL;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  numbers = g_strsplit (g_strchomp (text), " ", -1);
  for (guint i = 0; numbers[i] != NULL; i++)
    {
      const GPid pid = (GPid) g_ascii_strtoll (numbers[i], NULL, 10);

      g_assert_cmpint (pid, >, 1);
      kill (pid, SIGKILL);
      g_assert_cmpint (waitpid (pid, NULL, 0), ==, pid);
    }
  return numbers[0] != NULL;
}

/* Nobody can end it, so its link is ended. */
static void
test_waits_for_no_worker_that_it_cannot_end (gconstpointer forked)
{
  g_autoptr (FerryTask) task = NULL;

  if (!is_root ())
    return;
  if (g_test_subprocess ())
    {
      g_log_set_always_fatal (G_LOG_FATAL_MASK);
      g_setenv ("FERRY_GUARDIAN", "/nonexistent/ferry-guardian", TRUE);
      task = cancel_without_rights (GPOINTER_TO_INT (forked));
      return;
    }
  g_assert_cmpint (prctl (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), ==, 0);
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("*could not be ended: *it has lost its link*");
  while (end_what_is_left ())
    ;
  g_assert_cmpint (prctl (PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0), ==, 0);
}

/* ---- memory ends ---- */

static void
assert_score (FerryLauncher *launcher, gboolean forked, gint32 expected)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryPool) pool = ferry_pool_new (router, launcher);
  g_autoptr (FerryExecutor) executor = ferry_executor_new (pool);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) told = NULL;

  g_object_set (pool, "use-fork-server", forked, NULL);
  told = call (executor, "tell_score", NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_variant_get_int32 (told), ==, expected);
  g_clear_object (&executor);
  g_clear_object (&pool);
  ferry_test_router_stop (router);
}

static void
test_workers_go_before_it_when_memory_ends (gconstpointer forked)
{
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new ((const char *[]){"/proc/self/exe", NULL});
  const gint32 own = ferry_add_oom_score_adjust (0);
  int more;

  g_object_get (launcher, "oom-score-adjust", &more, NULL);
  g_assert_cmpint (more, ==, 300);
  assert_score (launcher, GPOINTER_TO_INT (forked), MIN (own + 300, 1000));
  g_object_set (launcher, "oom-score-adjust", 20, NULL);
  assert_score (launcher, GPOINTER_TO_INT (forked), MIN (own + 20, 1000));
  g_object_set (launcher, "oom-score-adjust", 1000, NULL);
  assert_score (launcher, GPOINTER_TO_INT (forked), 1000);
}

/* ---- refused calls ---- */

static void
test_works_without (gconstpointer call_number)
{
  if (!is_alone ())
    return;
  refuse (GPOINTER_TO_INT (call_number));
  for (guint forked = 0; forked < 2; forked++)
    {
      g_autoptr (FerryExecutor) executor = make_executor ((gboolean) forked);

      assert_adds (executor);
      assert_ends_when_cancelled (executor);
      assert_adds (executor);
    }
}

static void
test_names_a_call_that_it_needs (void)
{
  g_autoptr (FerryExecutor) executor = NULL;
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GError) error = NULL;

  if (!is_alone ())
    return;
  refuse (SYS_memfd_create);
  executor = make_executor (TRUE);
  result = call (executor, "add", g_variant_new_int32 (4), &error);
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, "memfd_create"));
  g_assert_nonnull (strstr (error->message, "allow this one in its filter"));
}

/* ---- limits ---- */

/* A file of half a mebibyte may be written: the memory of a link is made smaller, and fits. */
static void
test_small_files_are_enough (void)
{
  g_autoptr (FerryExecutor) executor = NULL;

  if (!is_alone ())
    return;
  limit (RLIMIT_FSIZE, 512 * 1024);
  executor = make_executor (TRUE);
  assert_adds (executor);
}

/* No memory may be shared: an error, and no SIGXFSZ. */
static void
test_no_files_are_an_error (void)
{
  g_autoptr (FerryExecutor) executor = NULL;
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GError) error = NULL;

  if (!is_alone ())
    return;
  limit (RLIMIT_FSIZE, 4096);
  executor = make_executor (TRUE);
  result = call (executor, "add", g_variant_new_int32 (4), &error);
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, "ulimit -f"));
}

/* The application's standard output is a file that may not grow: a worker's line is dropped, and no SIGXFSZ comes. */
static void
test_a_line_that_has_no_room_is_dropped (void)
{
  const rlim_t size = 1024 * 1024;
  g_autofree char *path = NULL;
  g_autoptr (FerryExecutor) executor = NULL;
  g_autoptr (GError) error = NULL;
  ferry_autofd fd = -1;

  if (!is_alone ())
    return;
  fd = g_file_open_tmp (NULL, &path, &error);
  g_assert_no_error (error);
  g_assert_no_errno (unlink (path));
  g_assert_no_errno (ftruncate (fd, (off_t) size));
  g_assert_cmpint (lseek (fd, 0, SEEK_END), ==, (off_t) size);
  g_assert_no_errno (dup2 (fd, STDOUT_FILENO));
  limit (RLIMIT_FSIZE, size);
  executor = make_executor (FALSE);
  g_assert_null (call (executor, "print_line", NULL, &error));
  g_assert_no_error (error);
  /* What a worker has printed is shown before its end is told. */
  g_assert_null (call (executor, "leave", NULL, NULL));
  assert_adds (executor);
}

/* A sanitizer takes more addresses than can be limited. */
static void
test_few_addresses_are_enough (void)
{
  g_autoptr (FerryLauncher) launcher = NULL;
  g_autoptr (FerryExecutor) executor = NULL;
  g_autoptr (GError) error = NULL;
  FerryRouter *router;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  g_test_skip ("a sanitizer has its own idea of address space");
  return;
#endif
  if (!is_alone ())
    return;
  limit (RLIMIT_AS, (rlim_t) 1000 * 1024 * 1024);
  /* Without a buffer, no address is taken for buffers. */
  router = ferry_test_router_new ();
  launcher = ferry_launcher_new ((const char *[]){"/bin/sleep", "1000", NULL});
  for (guint i = 0; i < 12; i++)
    g_object_unref (worker_test_spawn (launcher, router));
  ferry_test_router_stop (router);
  executor = make_executor (TRUE);
  g_object_set (ferry_executor_get_pool (executor), "max-workers", 4, NULL);
  for (guint i = 0; i < 8; i++)
    {
      g_autoptr (FerryTask) task = ferry_executor_submit (executor, "return_buffer", NULL, &error);

      g_assert_no_error (error);
      g_clear_pointer (&(GVariant *){ferry_task_wait (task, -1, &error)}, g_variant_unref);
      g_assert_no_error (error);
    }
}

/* However few descriptors are left, the router starts or says that it cannot. */
static void
test_starts_or_refuses_with_few_descriptors (void)
{
  const guint used = ferry_test_count_fds ();
  guint n_refused = 0;

  if (!is_alone ())
    return;
  for (guint n = 0; n < 16; n++)
    {
      g_autoptr (FerryRouter) router = ferry_router_new (NULL);
      g_autoptr (GError) error = NULL;

      limit (RLIMIT_NOFILE, used + n);
      if (ferry_router_start (router, &error))
        ferry_router_stop (router, NULL);
      else
        g_assert_error (error, FERRY_ERROR, FERRY_ERROR_SYSTEM);
      n_refused += error != NULL;
    }
  g_assert_cmpuint (n_refused, >, 0);
  g_assert_cmpuint (n_refused, <, 16);
}

static rlim_t
count_addresses (void)
{
  g_autofree char *text = NULL;

  g_assert_true (g_file_get_contents ("/proc/self/statm", &text, NULL, NULL));
  return (rlim_t) g_ascii_strtoull (text, NULL, 10) * (rlim_t) sysconf (_SC_PAGESIZE);
}

/* However few addresses are left, there is a thread for the router and for each of GLib's, or none is asked for. */
static void
test_starts_or_refuses_with_few_addresses (void)
{
  const rlim_t used = count_addresses ();
  guint n_refused = 0;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  g_test_skip ("a sanitizer has its own idea of address space");
  return;
#endif
  if (!is_alone ())
    return;
  for (guint n = 2; n < 40; n += 2)
    {
      g_autoptr (FerryRouter) router = ferry_router_new (NULL);
      g_autoptr (GError) error = NULL;

      limit (RLIMIT_AS, used + n * 1024 * 1024);
      if (ferry_router_start (router, &error))
        ferry_router_stop (router, NULL);
      else
        g_assert_error (error, FERRY_ERROR, FERRY_ERROR_SYSTEM);
      n_refused += error != NULL;
    }
  g_assert_cmpuint (n_refused, >, 0);
  g_assert_cmpuint (n_refused, <, 19);
}

/* ---- signals ---- */

static void
test_ends_children_by_an_interrupt (void)
{
  for (guint forked = 0; forked < 2; forked++)
    {
      g_autoptr (FerryExecutor) executor = make_executor ((gboolean) forked);
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) result = call (executor, "interrupt_child", NULL, &error);

      g_assert_no_error (error);
      g_assert_cmpint (g_variant_get_int32 (result), ==, SIGINT);
    }
}

/* ---- the guardian ---- */

/* The guardian, which is a child of this process, since this process takes orphans in; or 0. */
static GPid
find_guardian (void)
{
  g_autofree char *path = g_strdup_printf ("/proc/self/task/%d/children", (int) getpid ());
  g_autofree char *text = NULL;
  g_auto (GStrv) children = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  children = g_strsplit (text, " ", -1);
  for (guint i = 0; children[i] != NULL; i++)
    {
      g_autofree char *name_path = g_strdup_printf ("/proc/%s/comm", children[i]);
      g_autofree char *name = NULL;

      if (g_file_get_contents (name_path, &name, NULL, NULL) && g_str_has_prefix (name, "ferry-guardian"))
        return (GPid) g_ascii_strtoll (children[i], NULL, 10);
    }
  return 0;
}

static gboolean
has_guardian (gpointer data)
{
  return (*(GPid *) data = find_guardian ()) != 0;
}

static FerryRouter *
begin_with_guardian (void)
{
  g_assert_no_errno (prctl (PR_SET_CHILD_SUBREAPER, 1));
  return ferry_test_router_new_with_guardian ();
}

static void
end_guardian (GPid guardian)
{
  kill (guardian, SIGKILL);
  worker_test_wait_gone (guardian);
}

/* A guardian that ends with packets that it has not read resets the connection. */
static void
test_a_guardian_that_stood_still_is_replaced (void)
{
  g_autoptr (FerryLauncher) launcher = NULL;
  FerryRouter *router;

  if (!is_alone ())
    return;
  router = begin_with_guardian ();
  launcher = ferry_launcher_new ((const char *[]){"/bin/sleep", "1000", NULL});
  for (guint i = 0; i < 20; i++)
    {
      g_autoptr (FerryWorker) first = worker_test_spawn (launcher, router);
      g_autoptr (FerryWorker) second = NULL;
      FerryWorker *others[5];
      GPid guardian;

      worker_test_wait_launched (first);
      ferry_test_look_until (has_guardian, &guardian);
      g_assert_no_errno (kill (guardian, SIGSTOP));
      second = worker_test_spawn (launcher, router);
      worker_test_wait_launched (second);
      /* Some of these meet the guardian's end before the monitor hears of it. */
      kill (guardian, SIGKILL);
      for (guint j = 0; j < G_N_ELEMENTS (others); j++)
        others[j] = worker_test_spawn (launcher, router);
      worker_test_wait_gone (guardian);
      ferry_worker_force_exit (first);
      ferry_worker_force_exit (second);
      for (guint j = 0; j < G_N_ELEMENTS (others); j++)
        {
          worker_test_wait_launched (others[j]);
          ferry_worker_force_exit (others[j]);
          worker_test_assert_exit (others[j], FERRY_CLOSE_REASON_KILLED, "signal 9");
          g_object_unref (others[j]);
        }
    }
  ferry_test_router_stop (router);
}

/* An update of the system may remove the program while the application runs. */
static void
test_a_guardian_without_its_file_is_replaced (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = NULL;
  g_autofree char *copy = NULL;
  g_autoptr (GFile) file = NULL;
  g_autoptr (GFile) original = NULL;
  g_autoptr (FerryLauncher) launcher = NULL;
  FerryRouter *router;

  if (!is_alone ())
    return;
  folder = g_dir_make_tmp (NULL, NULL);
  copy = g_build_filename (folder, "ferry-guardian", NULL);
  original = g_file_new_for_path (g_getenv ("FERRY_GUARDIAN"));
  file = g_file_new_for_path (copy);
  g_file_copy (original, file, 0, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_setenv ("FERRY_GUARDIAN", copy, TRUE);
  router = begin_with_guardian ();
  launcher = ferry_launcher_new ((const char *[]){"/bin/sleep", "1000", NULL});
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (FerryWorker) worker = worker_test_spawn (launcher, router);
      GPid guardian;

      worker_test_wait_launched (worker);
      if (i == 0)
        g_assert_no_errno (unlink (copy));
      ferry_test_look_until (has_guardian, &guardian);
      ferry_worker_force_exit (worker);
      worker_test_assert_exit (worker, FERRY_CLOSE_REASON_KILLED, "signal 9");
      end_guardian (guardian);
    }
  ferry_test_router_stop (router);
  g_assert_no_errno (rmdir (folder));
}

static void
add_both (const char *name, GTestDataFunc func)
{
  g_autofree char *executed = g_strconcat ("/restrictions/executed/", name, NULL);
  g_autofree char *forked = g_strconcat ("/restrictions/forked/", name, NULL);

  g_test_add_data_func (executed, GINT_TO_POINTER (FALSE), func);
  g_test_add_data_func (forked, GINT_TO_POINTER (TRUE), func);
}

int
main (int argc, char **argv)
{
  ferry_function_register ("leave", "", "", leave);
  ferry_function_register ("describe", "", "s", describe);
  ferry_function_register ("tell_score", "", "i", tell_score);
  ferry_function_register ("add", "i", "i", add);
  ferry_function_register ("hang", "", "", hang);
  ferry_function_register ("interrupt_child", "", "i", interrupt_child);
  ferry_function_register ("print_line", "", "", print_line);
  ferry_function_register ("return_buffer", "", "ay", return_buffer);
  ferry_worker_main (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

  add_both ("gives-workers-what-it-has", test_gives_workers_what_it_has);
  add_both ("gives-workers-its-file-mask-without-proc", test_gives_workers_its_file_mask_without_proc);
  add_both ("gives-workers-its-root", test_gives_workers_its_root);
  add_both ("gives-workers-no-rights-that-it-gave-up", test_gives_workers_no_rights_that_it_gave_up);
  add_both ("ends-workers-of-another-user", test_ends_workers_of_another_user);
  add_both ("waits-for-no-worker-that-it-cannot-end", test_waits_for_no_worker_that_it_cannot_end);
  add_both ("workers-go-before-it-when-memory-ends", test_workers_go_before_it_when_memory_ends);
  g_test_add_data_func ("/restrictions/works-without-pidfd-open", GINT_TO_POINTER (SYS_pidfd_open), test_works_without);
  g_test_add_data_func ("/restrictions/works-without-pidfd-send-signal", GINT_TO_POINTER (SYS_pidfd_send_signal),
                        test_works_without);
  g_test_add_data_func ("/restrictions/works-without-close-range", GINT_TO_POINTER (SYS_close_range),
                        test_works_without);
  g_test_add_func ("/restrictions/names-a-call-that-it-needs", test_names_a_call_that_it_needs);
  g_test_add_func ("/restrictions/small-files-are-enough", test_small_files_are_enough);
  g_test_add_func ("/restrictions/no-files-are-an-error", test_no_files_are_an_error);
  g_test_add_func ("/restrictions/a-line-that-has-no-room-is-dropped", test_a_line_that_has_no_room_is_dropped);
  g_test_add_func ("/restrictions/few-addresses-are-enough", test_few_addresses_are_enough);
  g_test_add_func ("/restrictions/starts-or-refuses-with-few-descriptors", test_starts_or_refuses_with_few_descriptors);
  g_test_add_func ("/restrictions/starts-or-refuses-with-few-addresses", test_starts_or_refuses_with_few_addresses);
  g_test_add_func ("/restrictions/ends-children-by-an-interrupt", test_ends_children_by_an_interrupt);
  g_test_add_func ("/restrictions/a-guardian-that-stood-still-is-replaced",
                   test_a_guardian_that_stood_still_is_replaced);
  g_test_add_func ("/restrictions/a-guardian-without-its-file-is-replaced",
                   test_a_guardian_without_its_file_is_replaced);
  return g_test_run ();
}
