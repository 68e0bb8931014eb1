/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: classic/ferry-channel-fork.c, process/ferry-fork.c
 *
 * Channels to children that are forked from this program: how processes begin and end, and what they share. */

#include "config.h"

#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "classic/create-test.h"

/* Until the other end is closed or gone. */
static void
wait_for_end (FerryChannel *channel, gpointer data)
{
  g_autoptr (GVariant) value = NULL;

  while (ferry_channel_receive (channel, -1, NULL, &value, NULL, NULL) && value != NULL)
    g_clear_pointer (&value, g_variant_unref);
}

static void
say_and_stay (FerryChannel *channel, gpointer data)
{
  create_test_send (channel, 1);
  for (;;)
    pause ();
}

static void
exit_with_status (FerryChannel *channel, gpointer data)
{
  ferry_channel_exit (channel, GPOINTER_TO_INT (data));
}

static void
how_a_child_ended_is_recorded (void)
{
  g_autoptr (CreateTest) test = create_test_new ();
  g_autoptr (FerryChannel) good = create_test_start (exit_with_status, GINT_TO_POINTER (0));
  g_autoptr (FerryChannel) bad = create_test_start (exit_with_status, GINT_TO_POINTER (3));
  g_autoptr (FerryChannel) killed = create_test_start (say_and_stay, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (create_test_take (killed), ==, 1);
  g_assert_null (ferry_channel_get_exit (killed));
  g_assert_null (ferry_channel_wait (killed, 0, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  ferry_channel_send_signal (killed, SIGTERM);
  create_test_assert_exit (killed, 0, SIGTERM);
  g_assert_true (ferry_test_get_number (ferry_channel_get_exit (killed), "forced"));
  /* It was reaped, so that another process may have its number: nothing is sent. */
  ferry_channel_send_signal (killed, SIGKILL);
  g_assert_nonnull (ferry_channel_get_identifier (killed));
  create_test_assert_exit (bad, 3, 0);
  create_test_assert_exit (good, 0, 0);
  g_assert_true (ferry_exit_is_success (ferry_channel_get_exit (good)));
  create_test_assert_good_end (bad);
  create_test_assert_bad_end (killed, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
}

static void
find_no_process (FerryChannel *channel, gpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (ferry_channel_get_exit (channel));
  g_assert_null (ferry_channel_wait (channel, -1, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NOT_STARTED);
}

static void
child_has_nobody_to_wait_for (void)
{
  g_autoptr (CreateTest) test = create_test_new ();
  g_autoptr (FerryChannel) channel = create_test_start (find_no_process, NULL);

  create_test_assert_good_end (channel);
  create_test_assert_exit (channel, 0, 0);
}

/* Says that it is there, and waits to be let go: has its name by then. */
static gpointer
stand_by (gpointer socket)
{
  int fd = GPOINTER_TO_INT (socket);
  char byte = 1;

  g_assert_cmpint (write (fd, &byte, 1), ==, 1);
  g_assert_cmpint (read (fd, &byte, 1), ==, 0);
  return NULL;
}

static void
process_with_threads_is_refused (void)
{
  g_autoptr (CreateTest) test = create_test_new ();
  g_autoptr (FerryChannel) channel = NULL;
  g_autoptr (GError) error = NULL;
  GThread *thread;
  int fds[2];
  char byte;

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
  thread = g_thread_new ("bystander", stand_by, GINT_TO_POINTER (fds[0]));
  g_assert_cmpint (read (fds[1], &byte, 1), ==, 1);
  g_assert_null (ferry_channel_create (&error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_REFUSED);
  g_assert_nonnull (strstr (error->message, "2 threads"));
  g_assert_nonnull (strstr (error->message, "'bystander'"));
  g_assert_nonnull (strstr (error->message, "ferry_channel_start()"));
  close (fds[1]);
  g_thread_join (thread);
  close (fds[0]);
  channel = create_test_start (wait_for_end, NULL);
  ferry_channel_close (channel);
  create_test_assert_exit (channel, 0, 0);
}

static void
channel_of_a_brother_is_closed (void)
{
  g_autoptr (CreateTest) test = create_test_new ();
  g_autoptr (FerryChannel) first = create_test_start (wait_for_end, NULL);
  g_autoptr (FerryChannel) second = create_test_start (wait_for_end, NULL);

  /* Where the second had a descriptor of it, the first would not hear of this. */
  ferry_transport_close (ferry_test_get_object (first, "transport"));
  create_test_assert_exit (first, 0, 0);
  g_assert_null (ferry_channel_get_exit (second));
}

static void
try_brother (FerryChannel *channel, gpointer data)
{
  FerryChannel *brother = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = NULL;

  g_assert_false (ferry_channel_receive (brother, -1, NULL, &value, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED);
  g_clear_error (&error);
  g_assert_false (ferry_channel_send (brother, g_variant_new_uint32 (2), -1, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED);
  g_clear_error (&error);
  g_assert_null (ferry_channel_wait (brother, -1, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED);
  g_object_unref (brother);
  create_test_send (channel, 1);
}

static void
send_what_came (FerryChannel *channel, gpointer data)
{
  create_test_send (channel, create_test_take (channel));
}

static void
channel_of_a_brother_is_left_alone (void)
{
  g_autoptr (CreateTest) test = create_test_new ();
  g_autoptr (FerryChannel) brother = create_test_start (send_what_came, NULL);
  g_autoptr (FerryChannel) channel = create_test_start (try_brother, brother);

  g_assert_cmpuint (create_test_take (channel), ==, 1);
  create_test_assert_exit (channel, 0, 0);
  create_test_send (brother, 7);
  g_assert_cmpuint (create_test_take (brother), ==, 7);
  create_test_assert_exit (brother, 0, 0);
}

static void
other_children_are_not_waited_for (void)
{
  pid_t other = fork ();
  int status;

  if (other == 0)
    _exit (7);
  {
    g_autoptr (FerryChannel) channel = create_test_start (wait_for_end, NULL);
    g_autoptr (GError) error = NULL;
    siginfo_t info;

    /* It has ended before anything is waited for. */
    g_assert_cmpint (waitid (P_PID, (id_t) other, &info, WEXITED | WNOWAIT), ==, 0);
    ferry_channel_close (channel);
    create_test_assert_good_end (channel);
    create_test_assert_exit (channel, 0, 0);
    ferry_wait_all (NULL, PATIENCE, &error);
    g_assert_no_error (error);
  }
  g_assert_cmpint (waitpid (other, &status, WNOHANG), ==, other);
  g_assert_cmpint (WEXITSTATUS (status), ==, 7);
}

static void
end_at_once (FerryChannel *channel, gpointer data)
{
  _exit (3);
}

static void
end_is_heard_where_somebody_else_takes_the_status (void)
{
  g_autoptr (CreateTest) test = create_test_new ();

  signal (SIGCHLD, SIG_IGN);
  for (guint i = 0; i < 200; i++)
    {
      g_autoptr (FerryChannel) channel = create_test_start (end_at_once, NULL);

      create_test_assert_bad_end (channel, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
      create_test_assert_exit (channel, -1, 0);
    }
  signal (SIGCHLD, SIG_DFL);
}

static void
send_random_number (FerryChannel *channel, gpointer data)
{
  create_test_send (channel, g_random_int ());
  create_test_send (channel, (guint32) random ());
}

static void
children_draw_numbers_of_their_own (void)
{
  g_autoptr (CreateTest) test = create_test_new ();
  g_autoptr (FerryChannel) one = create_test_start (send_random_number, NULL);
  g_autoptr (FerryChannel) two = create_test_start (send_random_number, NULL);

  g_assert_cmpuint (create_test_take (one), !=, create_test_take (two));
  g_assert_cmpuint (create_test_take (one), !=, create_test_take (two));
}

static void
have_a_child (FerryChannel *channel, gpointer data)
{
  FerryChannel *own = create_test_start (say_and_stay, NULL);

  g_assert_cmpuint (create_test_take (own), ==, 1);
  create_test_send (channel, (guint32) ferry_test_parse_process (ferry_channel_get_identifier (own)));
  create_test_take (channel);
}

static void
child_ends_with_its_parent (void)
{
  g_autoptr (CreateTest) test = create_test_new ();
  g_autoptr (FerryChannel) channel = create_test_start (have_a_child, NULL);
  GPid grandchild = (GPid) create_test_take (channel);
  struct pollfd poll_fd = {.fd = (int) syscall (SYS_pidfd_open, grandchild, 0), .events = POLLIN};

  g_assert_cmpint (poll_fd.fd, >=, 0);
  ferry_channel_send_signal (channel, SIGKILL);
  create_test_assert_exit (channel, 0, SIGKILL);
  g_assert_cmpint (poll (&poll_fd, 1, FERRY_TEST_TIMEOUT_SECONDS * 1000), ==, 1);
  close (poll_fd.fd);
}

static void
set_flag (gpointer data)
{
  *(gboolean *) data = TRUE;
}

/* A main context destroys its sources when it goes: so one of them tells that nothing keeps the context. */
static void
ended_child_keeps_no_main_context (void)
{
  g_autoptr (CreateTest) test = create_test_new ();
  GMainContext *context = g_main_context_new ();
  GSource *witness = g_timeout_source_new (G_MAXUINT);
  FerryChannel *channel;
  gboolean gone = FALSE;

  g_source_set_callback (witness, NULL, &gone, set_flag);
  g_source_attach (witness, context);
  g_source_unref (witness);
  g_main_context_push_thread_default (context);
  channel = create_test_start (exit_with_status, GINT_TO_POINTER (0));
  create_test_assert_exit (channel, 0, 0);
  g_object_unref (channel);
  g_main_context_pop_thread_default (context);
  g_main_context_unref (context);
  g_assert_true (gone);
}

static void
child_of_a_dropped_channel_ends_and_leaves_nothing (void)
{
  g_autoptr (CreateTest) test = create_test_new ();
  FerryChannel *channel = create_test_start (wait_for_end, NULL);

  g_assert_finalize_object (channel);
}

static void
child_of_a_dropped_channel_is_reaped_with_the_next_one (void)
{
  g_autoptr (CreateTest) test = create_test_new ();
  FerryChannel *channel = create_test_start (wait_for_end, NULL);
  GPid pid = ferry_test_parse_process (ferry_channel_get_identifier (channel));
  siginfo_t info;

  g_assert_finalize_object (channel);
  g_assert_cmpint (waitid (P_PID, (id_t) pid, &info, WEXITED | WNOWAIT), ==, 0);
  channel = create_test_start (wait_for_end, NULL);
  g_assert_cmpint (waitid (P_PID, (id_t) pid, &info, WEXITED | WNOWAIT | WNOHANG), ==, -1);
  g_object_unref (channel);
}

static void
child_of_a_dropped_channel_that_stays_is_killed (void)
{
  g_autoptr (CreateTest) test = create_test_new ();
  FerryChannel *channel = create_test_start (say_and_stay, NULL);
  GPid pid = ferry_test_parse_process (ferry_channel_get_identifier (channel));
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (create_test_take (channel), ==, 1);
  g_assert_finalize_object (channel);
  ferry_wait_all (NULL, PATIENCE, &error);
  g_assert_no_error (error);
  g_assert_false (ferry_test_is_alive (pid));
}

static void
become_another (FerryChannel *channel, gpointer data)
{
  create_test_send (channel, 1);
  execlp ("tail", "tail", "-f", "/dev/null", NULL);
}

static void
child_that_runs_on_without_its_end_is_told_apart (void)
{
  g_autoptr (CreateTest) test = create_test_new ();
  g_autoptr (FerryChannel) channel = create_test_start (become_another, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = NULL;

  g_assert_cmpuint (create_test_take (channel), ==, 1);
  g_assert_false (ferry_channel_receive (channel, PATIENCE, NULL, &value, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  g_assert_nonnull (strstr (error->message, "runs on"));
  g_assert_true (ferry_test_is_alive (ferry_test_parse_process (ferry_channel_get_identifier (channel))));
  ferry_channel_send_signal (channel, SIGKILL);
  create_test_assert_exit (channel, 0, SIGKILL);
}

/* A parent of vfork() waits as one that waits for a disk: no signal but SIGKILL wakes it. */
static void
end_slowly (FerryChannel *channel, gpointer data)
{
  create_test_send (channel, 1);
  close_range (3, ~0U, 0);
  if (vfork () == 0)
    {
      poll (NULL, 0, 3000);
      _exit (0);
    }
  _exit (5);
}

static void
child_that_ends_slowly_has_its_status (void)
{
  g_autoptr (CreateTest) test = create_test_new ();
  g_autoptr (FerryChannel) channel = create_test_start (end_slowly, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = NULL;

  g_assert_cmpuint (create_test_take (channel), ==, 1);
  g_assert_false (ferry_channel_receive (channel, PATIENCE, NULL, &value, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  ferry_test_assert_says (error->message, "status 5");
  create_test_assert_exit (channel, 5, 0);
}

static void
keep_the_socket (FerryChannel *channel, gpointer data)
{
  int *fds = data;
  char byte;

  create_test_send (channel, 1);
  /* A process that is forked without Ferry has the socket too, and outlives this one. */
  if (fork () == 0)
    {
      close (fds[1]);
      _exit (read (fds[0], &byte, 1) == 0 ? 0 : 1);
    }
  _exit (5);
}

static void
end_is_heard_while_a_grandchild_has_the_socket (void)
{
  g_autoptr (CreateTest) test = create_test_new ();
  g_autoptr (FerryChannel) channel = NULL;
  int fds[2];

  g_assert_cmpint (pipe (fds), ==, 0);
  channel = create_test_start (keep_the_socket, fds);
  g_assert_cmpuint (create_test_take (channel), ==, 1);
  create_test_assert_bad_end (channel, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  create_test_assert_exit (channel, 5, 0);
  close (fds[0]);
  close (fds[1]);
}

static guint32 *at_exit; /* (nullable) */

static void
note_exit (void)
{
  if (at_exit != NULL)
    (*at_exit)++;
}

static void
child_does_not_do_what_the_parent_does_at_its_end (void)
{
  g_autoptr (CreateTest) test = create_test_new ();
  g_autoptr (FerryChannel) channel = NULL;

  at_exit = test->numbers;
  channel = create_test_start (wait_for_end, NULL);
  ferry_channel_close (channel);
  create_test_assert_exit (channel, 0, 0);
  at_exit = NULL;
  g_assert_cmpuint (test->numbers[0], ==, 0);
}

static void
write_to (FerryChannel *channel, gpointer file)
{
  fputs ("child", file);
}

static void
streams_are_written_once (void)
{
  g_autoptr (CreateTest) test = create_test_new ();
  g_autofree char *path = NULL;
  g_autofree char *text = NULL;
  int fd = g_file_open_tmp (NULL, &path, NULL);
  FILE *file = fdopen (fd, "w");

  fputs ("parent ", file);
  {
    g_autoptr (FerryChannel) channel = create_test_start (write_to, file);

    create_test_assert_exit (channel, 0, 0);
  }
  fclose (file);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "parent child");
  g_unlink (path);
}

static void
parent_has_no_business_with_exit (void)
{
  if (g_test_subprocess ())
    {
      FerryChannel *channel = create_test_start (wait_for_end, NULL);

      ferry_channel_exit (channel, 0);
    }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*ferry_channel_exit() was called outside of a child*");
}

int
main (int argc, char **argv)
{
  atexit (note_exit);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/channel-create-ends/how-a-child-ended-is-recorded", how_a_child_ended_is_recorded);
  g_test_add_func ("/channel-create-ends/child-has-nobody-to-wait-for", child_has_nobody_to_wait_for);
  g_test_add_func ("/channel-create-ends/process-with-threads-is-refused", process_with_threads_is_refused);
  g_test_add_func ("/channel-create-ends/channel-of-a-brother-is-closed", channel_of_a_brother_is_closed);
  g_test_add_func ("/channel-create-ends/channel-of-a-brother-is-left-alone", channel_of_a_brother_is_left_alone);
  g_test_add_func ("/channel-create-ends/other-children-are-not-waited-for", other_children_are_not_waited_for);
  g_test_add_func ("/channel-create-ends/end-is-heard-where-somebody-else-takes-the-status",
                   end_is_heard_where_somebody_else_takes_the_status);
  g_test_add_func ("/channel-create-ends/children-draw-numbers-of-their-own", children_draw_numbers_of_their_own);
  g_test_add_func ("/channel-create-ends/child-ends-with-its-parent", child_ends_with_its_parent);
  g_test_add_func ("/channel-create-ends/ended-child-keeps-no-main-context", ended_child_keeps_no_main_context);
  g_test_add_func ("/channel-create-ends/child-of-a-dropped-channel-ends-and-leaves-nothing",
                   child_of_a_dropped_channel_ends_and_leaves_nothing);
  g_test_add_func ("/channel-create-ends/child-of-a-dropped-channel-is-reaped-with-the-next-one",
                   child_of_a_dropped_channel_is_reaped_with_the_next_one);
  g_test_add_func ("/channel-create-ends/child-of-a-dropped-channel-that-stays-is-killed",
                   child_of_a_dropped_channel_that_stays_is_killed);
  g_test_add_func ("/channel-create-ends/child-that-ends-slowly-has-its-status", child_that_ends_slowly_has_its_status);
  g_test_add_func ("/channel-create-ends/child-that-runs-on-without-its-end-is-told-apart",
                   child_that_runs_on_without_its_end_is_told_apart);
  g_test_add_func ("/channel-create-ends/end-is-heard-while-a-grandchild-has-the-socket",
                   end_is_heard_while_a_grandchild_has_the_socket);
  g_test_add_func ("/channel-create-ends/child-does-not-do-what-the-parent-does-at-its-end",
                   child_does_not_do_what_the_parent_does_at_its_end);
  g_test_add_func ("/channel-create-ends/streams-are-written-once", streams_are_written_once);
  /* From here on this process has a thread. */
  g_test_add_func ("/channel-create-ends/parent-has-no-business-with-exit", parent_has_no_business_with_exit);
  return g_test_run ();
}
