/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: process/ferry-sandbox.c, process/ferry-sandbox-enter.c
 *
 * What a worker in a sandbox can do nevertheless, with all layers that there are: what it was granted, what belongs to
 * itself, and all that goes over its link. And what it has only so much of. */

#include "config.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/ferry-base-private.h"
#include "process/sandbox-test.h"

#define MEBIBYTE (1024 * 1024)
#define MSEAL 462

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER TRUE
#else
#define HAS_SANITIZER FALSE
#endif

static char *
make_file (const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("ferry-sandbox-XXXXXX", &error);
  char *file;

  g_assert_no_error (error);
  file = g_build_filename (folder, "file", NULL);
  g_file_set_contents (file, text, -1, &error);
  g_assert_no_error (error);
  return file;
}

static void
remove_file (const char *file)
{
  g_autofree char *folder = g_path_get_dirname (file);

  g_assert_no_errno (g_unlink (file));
  g_assert_no_errno (g_rmdir (folder));
}

static int
try_path (SandboxTest *test, const char *what, const char *path)
{
  g_autofree char *order = g_strdup_printf ("%s:%s", what, path);

  return sandbox_test_try (test, order);
}

static void
test_reads_what_it_was_granted (void)
{
  g_autoptr (SandboxTest) test = sandbox_test_new ();
  g_autofree char *file = make_file ("text");
  g_autofree char *folder = g_path_get_dirname (file);
  gboolean refused = (ferry_sandbox_get_strength () & FERRY_SANDBOX_STRENGTH_LANDLOCK) != 0;

  ferry_test_grant (test->sandbox, "read-only-paths", "/nonexistent");
  ferry_test_grant (test->sandbox, "read-only-paths", file);
  g_assert_cmpint (try_path (test, "read", file), ==, 0);
  g_assert_cmpint (try_path (test, "write", file), !=, 0);
  g_assert_cmpint (try_path (test, "list", folder) != 0, ==, refused);
  ferry_test_grant (test->sandbox, "read-only-paths", folder);
  g_assert_cmpint (try_path (test, "list", folder), ==, 0);
  g_assert_cmpint (try_path (test, "write", file), !=, 0);
  remove_file (file);
}

static void
test_writes_what_it_was_granted (void)
{
  g_autoptr (SandboxTest) test = sandbox_test_new ();
  g_autofree char *file = make_file ("text");
  g_autofree char *other = make_file ("text");
  g_autofree char *folder = g_path_get_dirname (file);

  ferry_test_grant (test->sandbox, "writable-paths", folder);
  g_assert_cmpint (try_path (test, "write", file), ==, 0);
  g_assert_cmpint (try_path (test, "mode", file), ==, 0);
  g_assert_cmpint (try_path (test, "write", other), !=, 0);
  remove_file (other);
  remove_file (file);
}

/* A process that opens what is there would follow the one, and wait for the other. */
static void
test_leaves_no_traps_where_it_may_write (void)
{
  g_autoptr (SandboxTest) test = sandbox_test_new ();
  g_autofree char *file = make_file ("text");
  g_autofree char *folder = g_path_get_dirname (file);
  g_autofree char *trap = g_build_filename (folder, "trap", NULL);

  if (!sandbox_test_has (FERRY_SANDBOX_STRENGTH_LANDLOCK))
    return;
  ferry_test_grant (test->sandbox, "writable-paths", folder);
  g_assert_cmpint (try_path (test, "link", trap), ==, EACCES);
  g_assert_cmpint (try_path (test, "fifo", trap), ==, EACCES);
  remove_file (file);
}

static void
test_writes_behind_a_link_that_it_was_granted (void)
{
  g_autoptr (SandboxTest) test = sandbox_test_new ();
  g_autofree char *file = make_file ("text");
  g_autofree char *other = make_file ("text");
  g_autofree char *folder = g_path_get_dirname (file);
  g_autofree char *link = g_strconcat (other, "-link", NULL);

  g_assert_no_errno (symlink (folder, link));
  ferry_test_grant (test->sandbox, "writable-paths", link);
  g_assert_cmpint (try_path (test, "write", file), ==, 0);
  g_assert_cmpint (try_path (test, "write", other), !=, 0);
  g_assert_no_errno (g_unlink (link));
  remove_file (other);
  remove_file (file);
}

/* A pipe is nothing that can be granted, nor refused. */
static void
test_has_its_sandbox_whatever_was_granted (void)
{
  g_autoptr (SandboxTest) test = sandbox_test_new ();
  int pair[2];

  g_assert_no_errno (pipe (pair));
  ferry_launcher_take_stream_fd (test->launcher, FERRY_STREAM_STDIN, pair[0]);
  ferry_test_grant (test->sandbox, "read-only-paths", "/dev/stdin");
  g_assert_cmpint (try_path (test, "read", "/dev/stdin"), ==, 0);
  g_assert_cmpuint (ferry_test_get_number (test->worker, "sandbox-strength"), ==, ferry_sandbox_get_strength ());
  close (pair[1]);
}

static void
test_sees_only_itself_where_it_may_write_anywhere (void)
{
  g_autoptr (SandboxTest) test = sandbox_test_new ();
  g_autofree char *own = g_strdup_printf ("/proc/%d", (int) getpid ());

  if (!sandbox_test_has (FERRY_SANDBOX_STRENGTH_NAMESPACES))
    return;
  ferry_test_grant (test->sandbox, "writable-paths", "/proc");
  g_assert_cmpint (try_path (test, "list", own), ==, ENOENT);
  ferry_test_grant (test->sandbox, "writable-paths", "/");
  g_assert_cmpint (try_path (test, "list", own), ==, ENOENT);
  g_assert_cmpint (try_path (test, "list", "/proc/1"), ==, 0);
}

static int
compare_stream (SandboxTest *test, int stream)
{
  g_autofree char *order = NULL;
  struct stat status;

  g_assert_no_errno (fstat (stream, &status));
  order = g_strdup_printf ("same:%d:%" G_GUINT64_FORMAT, stream, (guint64) status.st_ino);
  return sandbox_test_try (test, order);
}

static void
test_has_no_stream_of_the_application (void)
{
  g_autoptr (SandboxTest) test = sandbox_test_new ();
  static const char *const names[] = {"stdin", "stdout", "stderr"};
  int input = dup (STDIN_FILENO);
  int pair[2];

  g_assert_no_errno (pipe (pair));
  dup2 (pair[0], STDIN_FILENO);
  for (int stream = FERRY_STREAM_STDIN; stream <= FERRY_STREAM_STDERR; stream++)
    {
      g_assert_cmpint (compare_stream (test, stream), ==, EXDEV);
      g_object_set (test->launcher, names[stream], FERRY_STREAM_MODE_INHERIT, NULL);
      g_assert_cmpint (compare_stream (test, stream), ==, 0);
    }
  dup2 (input, STDIN_FILENO);
  close (input);
  close (pair[0]);
  close (pair[1]);
}

/* Its order cannot name it: they are told apart by blanks and colons. */
static void
test_is_granted_a_path_with_any_characters (void)
{
  g_autoptr (SandboxTest) test = sandbox_test_new ();
  g_autofree char *file = make_file ("text");
  g_autofree char *folder = g_path_get_dirname (file);
  g_autofree char *strange = g_build_filename (folder, "100% read=:\n\377", NULL);
  g_autofree char *link = g_build_filename (folder, "link", NULL);

  g_assert_no_errno (g_mkdir (strange, 0700));
  g_assert_no_errno (symlink (strange, link));
  if ((ferry_sandbox_get_strength () & FERRY_SANDBOX_STRENGTH_LANDLOCK) != 0)
    g_assert_cmpint (try_path (test, "list", link), ==, EACCES);
  ferry_test_grant (test->sandbox, "writable-paths", strange);
  g_assert_cmpint (try_path (test, "list", link), ==, 0);
  g_assert_no_errno (g_unlink (link));
  g_assert_no_errno (g_rmdir (strange));
  remove_file (file);
}

static void
test_reads_what_the_system_has (void)
{
  g_autoptr (SandboxTest) test = sandbox_test_new ();

  g_object_set (test->sandbox, "system-paths", TRUE, NULL);
  g_assert_cmpint (sandbox_test_try (test, "list:/usr"), ==, 0);
  g_assert_cmpint (sandbox_test_try (test, "write:/usr/ferry-sandbox-test"), !=, 0);
  if (sandbox_test_has (FERRY_SANDBOX_STRENGTH_LANDLOCK))
    g_assert_cmpint (sandbox_test_try (test, "read:/etc/passwd"), !=, 0);
}

static void
test_reads_a_descriptor_that_the_application_opened (void)
{
  g_autoptr (SandboxTest) test = sandbox_test_new ();
  g_autofree char *file = make_file ("abcd");
  guint32 expected;

  memcpy (&expected, "abcd", sizeof expected);
  ferry_launcher_take_stream_fd (test->launcher, FERRY_STREAM_STDIN, g_open (file, O_RDONLY | O_CLOEXEC));
  g_assert_cmpint (sandbox_test_try (test, "input"), ==, (int) expected);
  remove_file (file);
}

static void
test_has_its_own_descriptors_not_wait (void)
{
  g_autoptr (SandboxTest) test = sandbox_test_new ();

  g_assert_cmpint (sandbox_test_try (test, "turn-unblocked"), ==, 0);
  g_assert_cmpint (sandbox_test_try (test, "transport"), ==, 0);
  g_object_set (test->sandbox, "network", TRUE, NULL);
  g_assert_cmpint (sandbox_test_try (test, "flag-unblocked"), ==, 0);
  if (sandbox_test_has (FERRY_SANDBOX_STRENGTH_SYSTEM_CALLS))
    g_assert_cmpint (sandbox_test_try (test, "flag-append"), ==, EPERM);
}

static void
test_has_the_network_where_it_was_granted (void)
{
  g_autoptr (SandboxTest) test = sandbox_test_new ();

  g_object_set (test->sandbox, "network", TRUE, NULL);
  g_assert_cmpint (sandbox_test_try (test, "bind"), ==, 0);
  g_assert_cmpint (sandbox_test_try (test, "netlink:0"), ==, 0);
  if (!sandbox_test_has (FERRY_SANDBOX_STRENGTH_SYSTEM_CALLS))
    return;
  g_assert_cmpint (sandbox_test_try (test, "local:/nonexistent"), ==, EPERM);
  g_assert_cmpint (sandbox_test_try (test, "netlink:15"), ==, EPERM);
}

static void
test_starts_threads (void)
{
  g_autoptr (SandboxTest) test = sandbox_test_new ();

  g_assert_cmpint (sandbox_test_try (test, "thread"), ==, 0);
}

static void
test_knows_no_call_that_is_newer_than_the_filter (void)
{
  g_autoptr (SandboxTest) test = sandbox_test_new ();

  g_assert_cmpint (sandbox_test_try (test, "new-call"), ==, ENOSYS);
}

/* ---- limits ---- */

static void
test_has_no_more_memory_than_allowed (void)
{
  g_autoptr (SandboxTest) test = sandbox_test_new ();

  if (HAS_SANITIZER)
    {
      g_test_skip ("a sanitizer has its own idea of memory");
      return;
    }
  g_assert_cmpint (sandbox_test_try (test, "allocate:100000000"), ==, 0);
  g_assert_cmpint (sandbox_test_try (test, "share:100000000"), ==, 0);
  g_assert_cmpint (sandbox_test_try (test, "memfd:100000000"), ==, 0);
  g_assert_cmpint (sandbox_test_try (test, "stack:100000000"), ==, 0);
  g_assert_cmpint (sandbox_test_try (test, "reserve:8000000000"), ==, 0);
  g_assert_cmpint (sandbox_test_try (test, "shelve:8000000000"), ==, 0);
  g_assert_cmpint (sandbox_test_try (test, "stretch:8000000000"), ==, 0);
  g_object_set (test->sandbox, "memory-limit", (guint64) (64 * MEBIBYTE), NULL);
  g_assert_cmpint (sandbox_test_try (test, "allocate:10000000"), ==, 0);
  g_assert_cmpint (sandbox_test_try (test, "allocate:100000000"), ==, ENOMEM);
  /* What is mapped and counts for no process has its limit as well. */
  g_object_set (test->launcher, "buffer-capacity", (guint64) (16 * MEBIBYTE), NULL);
  g_assert_cmpint (sandbox_test_try (test, "reserve:400000000"), ==, 0);
  g_assert_cmpint (sandbox_test_try (test, "reserve:800000000"), ==, ENOMEM);
  g_assert_cmpint (sandbox_test_try (test, "shelve:300000000"), ==, 0);
  g_assert_cmpint (sandbox_test_try (test, "shelve:800000000"), ==, ENOMEM);
  if (!sandbox_test_has (FERRY_SANDBOX_STRENGTH_SYSTEM_CALLS))
    return;
  g_assert_cmpint (sandbox_test_try (test, "share:100000000"), ==, EPERM);
  g_assert_cmpint (sandbox_test_try (test, "memfd:100000000"), ==, EPERM);
  g_assert_cmpint (sandbox_test_try (test, "stack:100000000"), ==, EPERM);
  g_assert_cmpint (sandbox_test_try (test, "deepen:1000000000"), ==, EPERM);
  g_assert_cmpint (sandbox_test_try (test, "stretch:10000000"), ==, EPERM);
}

static void
test_has_no_more_descriptors_than_allowed (void)
{
  g_autoptr (SandboxTest) test = sandbox_test_new ();

  /* What a socket holds is the memory of no process: so there are not many unless one says so. */
  g_assert_cmpint (sandbox_test_try (test, "descriptors:200"), ==, 0);
  g_assert_cmpint (sandbox_test_try (test, "descriptors:260"), ==, EMFILE);
  g_object_set (test->sandbox, "descriptor-limit", (guint64) 40, NULL);
  g_assert_cmpint (sandbox_test_try (test, "descriptors:20"), ==, 0);
  g_assert_cmpint (sandbox_test_try (test, "descriptors:60"), ==, EMFILE);
}

/* Namespaces are what has them counted. */
static void
test_has_no_more_threads_than_allowed (void)
{
  g_autoptr (SandboxTest) test = sandbox_test_new ();

  g_assert_cmpint (sandbox_test_try (test, "threads:300"), ==, 0);
  if (HAS_SANITIZER)
    g_test_skip ("a sanitizer has no memory for so many threads");
  else if (geteuid () == 0)
    g_test_skip ("of root's threads the kernel allows any number");
  else if (sandbox_test_has (FERRY_SANDBOX_STRENGTH_NAMESPACES))
    g_assert_cmpint (sandbox_test_try (test, "threads:600"), ==, EAGAIN);
}

/* Addresses that buffers have could else be had for what a limit is to keep away. */
static void
test_keeps_buffers_where_they_are (void)
{
  g_autoptr (SandboxTest) test = sandbox_test_new ();

  if (syscall (MSEAL, NULL, 0, 0) != 0)
    {
      g_test_skip ("the kernel cannot keep them there; it can from Linux 6.10 on");
      return;
    }
  g_assert_cmpint (sandbox_test_try (test, "unmap"), ==, 0);
  g_object_set (test->sandbox, "memory-limit", (guint64) (HAS_SANITIZER ? (guint64) 1 << 46 : 64 * MEBIBYTE), NULL);
  g_assert_cmpint (sandbox_test_try (test, "unmap"), ==, EPERM);
  if (!HAS_SANITIZER)
    g_assert_cmpint (sandbox_test_try (test, "shelve:800000000"), ==, ENOMEM);
}

static void
test_has_no_capability (void)
{
  g_autoptr (SandboxTest) test = sandbox_test_new ();

  g_assert_cmpint (sandbox_test_try (test, "capability"), ==, EPERM);
  g_object_set (test->sandbox, "layers", ferry_sandbox_get_strength () & ~FERRY_SANDBOX_STRENGTH_NAMESPACES, NULL);
  g_assert_cmpint (sandbox_test_try (test, "capability"), ==, EPERM);
}

static void
test_has_no_more_processor_time_than_allowed (void)
{
  g_autoptr (SandboxTest) test = sandbox_test_new ();

  g_object_set (test->sandbox, "cpu-limit", (guint64) 1, NULL);
  sandbox_test_start (test, "spin");
  worker_test_assert_exit (test->worker, FERRY_CLOSE_REASON_KILLED, "signal 24");
}

/* ---- the link ---- */

static void
test_sends_buffers_beyond_its_memory_limit (void)
{
  g_autoptr (SandboxTest) test = sandbox_test_new ();
  const guint8 *data;
  gsize size;

  if (!HAS_SANITIZER)
    g_object_set (test->sandbox, "memory-limit", (guint64) (64 * MEBIBYTE), NULL);
  sandbox_test_start (test, "buffer:100000000");
  ferry_test_wait_ended (test->worker);
  g_assert_true (ferry_exit_is_success (ferry_test_get_object (test->worker, "exit")));
  g_assert_nonnull (test->buffer);
  data = g_bytes_get_data (test->buffer, &size);
  g_assert_cmpuint (size, ==, 100000000);
  for (gsize i = 0; i < size; i++)
    if (data[i] != (guint8) (i % 251))
      g_error ("byte %" G_GSIZE_FORMAT " is %u", i, data[i]);
}

static void
test_tells_how_it_exited (void)
{
  g_autoptr (SandboxTest) test = sandbox_test_new ();

  sandbox_test_start (test, "exit:7");
  worker_test_assert_exit (test->worker, FERRY_CLOSE_REASON_EXITED, "status 7");
  sandbox_test_start (test, "exit:255");
  worker_test_assert_exit (test->worker, FERRY_CLOSE_REASON_EXITED, "status 255");
}

static void
test_tells_an_abort (void)
{
  g_autoptr (SandboxTest) test = sandbox_test_new ();

  sandbox_test_start (test, "abort");
  worker_test_assert_exit (test->worker, FERRY_CLOSE_REASON_KILLED, "signal 6");
}

static void
test_hears_of_sigterm (void)
{
  g_autoptr (SandboxTest) test = sandbox_test_new ();

  sandbox_test_start (test, "block thread term");
  sandbox_test_wait_outcome (test);
  ferry_worker_send_signal (test->worker, SIGTERM);
  worker_test_assert_exit (test->worker, FERRY_CLOSE_REASON_EXITED, "status 9");
}

/* The number of the worker that has the text in its command line; or 0. What starts it has that too. */
static GPid
find_process (const char *text)
{
  g_autoptr (GDir) folder = g_dir_open ("/proc", 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *path = g_build_filename ("/proc", name, "cmdline", NULL);
      g_autofree char *line = NULL;
      gsize size;

      if (!g_ascii_isdigit (name[0]) || !g_file_get_contents (path, &line, &size, NULL) || size == 0)
        continue;
      if (g_str_has_suffix (line, "/sandboxed-worker") && memmem (line, size, text, strlen (text)) != NULL)
        return atoi (name);
    }
  return 0;
}

static void
test_ends_at_once_when_it_is_forced_to (void)
{
  g_autoptr (SandboxTest) test = sandbox_test_new ();
  g_autofree char *mark = g_strdup_printf ("read:/nonexistent-%d", (int) getpid ());
  g_autofree char *orders = g_strconcat (mark, " spin", NULL);
  GPid pid;

  sandbox_test_start (test, orders);
  worker_test_wait_open (test->worker);
  pid = find_process (mark);
  g_assert_cmpint (pid, >, 0);
  ferry_worker_force_exit (test->worker);
  worker_test_assert_exit (test->worker, FERRY_CLOSE_REASON_KILLED, "signal 9");
  worker_test_wait_gone (pid);
}

static void
test_ends_with_the_router (void)
{
  SandboxTest *test = sandbox_test_new ();
  g_autofree char *mark = g_strdup_printf ("read:/nonexistent-%d", (int) getpid ());
  g_autofree char *orders = g_strconcat (mark, " spin", NULL);
  GPid pid;

  sandbox_test_start (test, orders);
  worker_test_wait_open (test->worker);
  pid = find_process (mark);
  g_assert_cmpint (pid, >, 0);
  sandbox_test_free (test);
  worker_test_wait_gone (pid);
}

static gboolean
is_nowhere (gpointer mark)
{
  return find_process (mark) == 0;
}

static void
test_ends_with_the_application (void)
{
  GPid application = g_test_subprocess () ? getppid () : getpid ();
  g_autofree char *mark = g_strdup_printf ("read:/nonexistent-%d", (int) application);
  g_autofree char *orders = g_strconcat (mark, " spin", NULL);

  if (g_test_subprocess ())
    {
      SandboxTest *test = sandbox_test_new ();

      sandbox_test_start (test, orders);
      worker_test_wait_open (test->worker);
      g_print ("there is %s\n", find_process (mark) > 0 ? "a worker" : "none");
      fflush (NULL);
      raise (SIGKILL);
    }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_stdout ("*there is a worker*");
  ferry_test_look_until (is_nowhere, mark);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sandbox-link/reads-what-it-was-granted", test_reads_what_it_was_granted);
  g_test_add_func ("/sandbox-link/writes-what-it-was-granted", test_writes_what_it_was_granted);
  g_test_add_func ("/sandbox-link/leaves-no-traps-where-it-may-write", test_leaves_no_traps_where_it_may_write);
  g_test_add_func ("/sandbox-link/writes-behind-a-link-that-it-was-granted",
                   test_writes_behind_a_link_that_it_was_granted);
  g_test_add_func ("/sandbox-link/has-its-sandbox-whatever-was-granted", test_has_its_sandbox_whatever_was_granted);
  g_test_add_func ("/sandbox-link/sees-only-itself-where-it-may-write-anywhere",
                   test_sees_only_itself_where_it_may_write_anywhere);
  g_test_add_func ("/sandbox-link/has-no-stream-of-the-application", test_has_no_stream_of_the_application);
  g_test_add_func ("/sandbox-link/is-granted-a-path-with-any-characters", test_is_granted_a_path_with_any_characters);
  g_test_add_func ("/sandbox-link/reads-what-the-system-has", test_reads_what_the_system_has);
  g_test_add_func ("/sandbox-link/reads-a-descriptor-that-the-application-opened",
                   test_reads_a_descriptor_that_the_application_opened);
  g_test_add_func ("/sandbox-link/has-its-own-descriptors-not-wait", test_has_its_own_descriptors_not_wait);
  g_test_add_func ("/sandbox-link/has-the-network-where-it-was-granted", test_has_the_network_where_it_was_granted);
  g_test_add_func ("/sandbox-link/starts-threads", test_starts_threads);
  g_test_add_func ("/sandbox-link/knows-no-call-that-is-newer-than-the-filter",
                   test_knows_no_call_that_is_newer_than_the_filter);
  g_test_add_func ("/sandbox-link/has-no-more-memory-than-allowed", test_has_no_more_memory_than_allowed);
  g_test_add_func ("/sandbox-link/has-no-more-descriptors-than-allowed", test_has_no_more_descriptors_than_allowed);
  g_test_add_func ("/sandbox-link/has-no-more-threads-than-allowed", test_has_no_more_threads_than_allowed);
  g_test_add_func ("/sandbox-link/keeps-buffers-where-they-are", test_keeps_buffers_where_they_are);
  g_test_add_func ("/sandbox-link/has-no-capability", test_has_no_capability);
  g_test_add_func ("/sandbox-link/has-no-more-processor-time-than-allowed",
                   test_has_no_more_processor_time_than_allowed);
  g_test_add_func ("/sandbox-link/sends-buffers-beyond-its-memory-limit", test_sends_buffers_beyond_its_memory_limit);
  g_test_add_func ("/sandbox-link/tells-how-it-exited", test_tells_how_it_exited);
  g_test_add_func ("/sandbox-link/tells-an-abort", test_tells_an_abort);
  g_test_add_func ("/sandbox-link/hears-of-sigterm", test_hears_of_sigterm);
  g_test_add_func ("/sandbox-link/ends-at-once-when-it-is-forced-to", test_ends_at_once_when_it_is_forced_to);
  g_test_add_func ("/sandbox-link/ends-with-the-router", test_ends_with_the_router);
  g_test_add_func ("/sandbox-link/ends-with-the-application", test_ends_with_the_application);
  return g_test_run ();
}
