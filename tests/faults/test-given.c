/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: route/ferry-given-sender.c, link/ferry-descriptor-port.c, conversation/ferry-returned-transport.c,
 * route/ferry-buffer.c, job/ferry-job.c, task/ferry-task.c
 *
 * Tasks that are given senders, and that return buffers, descriptors and transports, when the system refuses them
 * something. */

#include "config.h"

#include <errno.h>
#include <ferry-conversations.h>
#include <string.h>
#include <unistd.h>

#include "faults/faults-test.h"
#include "task/buffer-functions.h"
#include "task/return-functions.h"
#include "task/sender-functions.h"

#define SIZE 300000

/* How a task ends that was not done. Where the link of a given sender was lost, its function is told that it is closed.
 */
#define NOT_DONE                                                                                                       \
  FERRY_ERROR_SYSTEM, FERRY_ERROR_LAUNCH_FAILED, FERRY_ERROR_WORKER_LOST, FERRY_ERROR_REFUSED, FERRY_ERROR_CLOSED

static gboolean
has_no_pipes (gpointer data)
{
  return ferry_test_get_number (data, "n-pipes") == 0;
}

/* Returns (transfer full) (nullable) the result; NULL where something was refused, or there is none. */
static GVariant *
run (FaultsTest *test, FerryExecutor *executor, FerryTask *task)
{
  g_autoptr (GError) error = NULL;
  GVariant *result = NULL;

  if (ferry_executor_submit_task (executor, task, &error))
    {
      faults_test_wait_task (test, task);
      result = ferry_task_get_result (task, &error);
    }
  faults_test_works (test, &error, NOT_DONE, -1);
  return result;
}

/* ---- senders ---- */

static void
run_with_sender (FaultsTest *test, FerryExecutor *executor, const char *function)
{
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, function, g_variant_new ("(ht)", 0, 2ull));
  g_autoptr (FerrySender) sender = NULL;
  g_autoptr (FerryReceiver) receiver = NULL;
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GError) error = NULL;
  gboolean given;

  given = ferry_router_pipe (test->router, FERRY_PIPE_QUEUED, &sender, &receiver, &error) &&
          ferry_task_add_sender (task, sender, &error) == 0;
  g_assert_true (given == (error == NULL));
  if (faults_test_works (test, &error, FERRY_ERROR_SYSTEM, -1))
    result = run (test, executor, task);
  if (receiver != NULL)
    ferry_router_close_pipe (test->router, receiver, NULL);
}

static void
play_senders (FaultsTest *test, FerryExecutor *executor)
{
  run_with_sender (test, executor, "send-numbers");
  run_with_sender (test, executor, "send-buffers");
}

/* ---- buffers ---- */

static void
play_buffers (FaultsTest *test, FerryExecutor *executor)
{
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "fill", g_variant_new_uint64 ((guint64) SIZE));
      g_autoptr (GVariant) result = run (test, executor, task);
      gsize size;
      const guint8 *data = result != NULL ? g_variant_get_fixed_array (result, &size, 1) : NULL;

      g_assert_true (result == NULL || (size == SIZE && data[SIZE - 1] == (SIZE - 1) % 251));
    }
}

/* ---- descriptors and transports ---- */

static void
return_text (FaultsTest *test, FerryExecutor *executor)
{
  const char *const texts[] = {"one", "two", NULL};
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "return-texts", g_variant_new_strv (texts, -1));
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GError) error = NULL;
  char text[3];
  int fd;

  g_object_set (task, "max-returned-descriptors", 2, NULL);
  result = run (test, executor, task);
  if (result == NULL)
    return;
  fd = ferry_task_dup_descriptor (task, 1, &error);
  g_assert_true ((fd >= 0) == (error == NULL));
  /* Nothing there is what an interrupted look says. */
  if (!faults_test_works (test, &error, FERRY_ERROR_SYSTEM, FERRY_ERROR_BAD_ARGUMENTS, -1))
    return;
  g_assert_cmpint (pread (fd, text, sizeof text, 0), ==, 3);
  g_assert_cmpmem (text, 3, "two", 3);
  close (fd);
}

static void
return_transport (FaultsTest *test, FerryExecutor *executor)
{
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "serve", NULL);
  g_autoptr (FerryTask) stop = ferry_task_new (FERRY_TASK_KIND_CALL, "stop-serving", NULL);
  g_autoptr (FerryTransport) transport = NULL;
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GError) error = NULL;

  g_object_set (task, "max-returned-descriptors", 1, NULL);
  result = run (test, executor, task);
  if (result != NULL)
    {
      transport = ferry_task_open_transport (task, 0, &error);
      g_assert_true ((transport != NULL) == (error == NULL));
      faults_test_works (test, &error, FERRY_ERROR_SYSTEM, FERRY_ERROR_BAD_ARGUMENTS, -1);
    }
  g_clear_pointer (&result, g_variant_unref);
  result = run (test, executor, stop);
}

static void
play_returns (FaultsTest *test, FerryExecutor *executor)
{
  return_text (test, executor);
  return_transport (test, executor);
}

/* ---- scenes ---- */

static void
play (FaultsTest *test, FerryPool *pool, void (*part) (FaultsTest *test, FerryExecutor *executor))
{
  FerryExecutor *executor = ferry_executor_new (pool);

  ferry_pool_set_max_workers (pool, 1);
  part (test, executor);
  g_object_unref (executor);
  g_object_unref (pool);
  ferry_test_look_until (has_no_pipes, test->router);
}

static void
play_senders_of_processes (FaultsTest *test)
{
  play (test, faults_test_make_pool (test), play_senders);
}

static void
play_buffers_of_processes (FaultsTest *test)
{
  play (test, faults_test_make_pool (test), play_buffers);
}

static void
play_returns_of_processes (FaultsTest *test)
{
  play (test, faults_test_make_pool (test), play_returns);
}

static void
play_senders_of_threads (FaultsTest *test)
{
  play (test, ferry_pool_new_for_threads (test->router), play_senders);
}

int
main (int argc, char **argv)
{
  static const Fault faults[] = {
    {FAULT_MEMFD_CREATE, EMFILE}, {FAULT_MMAP, ENOMEM},    {FAULT_EVENTFD, EMFILE}, {FAULT_SOCKETPAIR, EMFILE},
    {FAULT_SENDMSG, ENOBUFS},     {FAULT_RECVMSG, ENOMEM}, {FAULT_RECVMSG, EAGAIN}, {FAULT_EPOLL_CTL, ENOSPC},
    {FAULT_CLONE, EAGAIN},        {FAULT_DUP, EMFILE},
  };
  static const Fault of_threads[] = {
    {FAULT_MEMFD_CREATE, EMFILE},
    {FAULT_MMAP, ENOMEM},
    {FAULT_EVENTFD, EMFILE},
    {FAULT_EPOLL_CTL, ENOSPC},
  };
  static const Fault within[] = {
    {FAULT_MEMFD_CREATE, EMFILE}, {FAULT_MMAP, ENOMEM},    {FAULT_SOCKETPAIR, EMFILE},
    {FAULT_SENDMSG, ENOBUFS},     {FAULT_RECVMSG, ENOMEM}, {FAULT_DUP, EMFILE},
  };

  buffer_functions_register ();
  return_functions_register ();
  sender_functions_register ();
  faults_test_init (&argc, &argv);
  faults_test_add ("senders", play_senders_of_processes, faults, G_N_ELEMENTS (faults));
  faults_test_add ("senders-of-threads", play_senders_of_threads, of_threads, G_N_ELEMENTS (of_threads));
  faults_test_add_within ("senders", play_senders_of_processes, within, G_N_ELEMENTS (within));
  faults_test_add_limit ("senders", play_senders_of_processes);
  faults_test_add ("buffers", play_buffers_of_processes, faults, G_N_ELEMENTS (faults));
  faults_test_add_within ("buffers", play_buffers_of_processes, within, G_N_ELEMENTS (within));
  faults_test_add ("returns", play_returns_of_processes, faults, G_N_ELEMENTS (faults));
  faults_test_add_within ("returns", play_returns_of_processes, within, G_N_ELEMENTS (within));
  faults_test_add_limit ("returns", play_returns_of_processes);
  return g_test_run ();
}
