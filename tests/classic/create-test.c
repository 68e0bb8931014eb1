/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "classic/create-test.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process/ferry-fork-private.h"

#define PAGE 4096

CreateTest *
create_test_new (void)
{
  CreateTest *test = g_new0 (CreateTest, 1);

  /* The default main context has a descriptor, once it is there. */
  g_main_context_default ();
  test->n_fds = ferry_test_count_fds_without_threads ();
  test->numbers = mmap (NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  g_assert_true (test->numbers != MAP_FAILED);
  return test;
}

void
create_test_free (CreateTest *test)
{
  g_autoptr (GError) error = NULL;

  ferry_wait_all (NULL, PATIENCE, &error);
  g_assert_no_error (error);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpint (waitpid (-1, NULL, WNOHANG), ==, -1);
  g_assert_cmpint (errno, ==, ECHILD);
  g_assert_cmpuint (ferry_count_threads (), ==, 1);
  g_assert_cmpuint (ferry_test_count_fds_without_threads (), ==, test->n_fds);
  munmap (test->numbers, PAGE);
  g_free (test);
}

FerryChannel *
create_test_start (CreateTestFunc func, gpointer data)
{
  g_autoptr (GError) error = NULL;
  FerryChannel *channel = ferry_channel_create (&error);

  g_assert_no_error (error);
  if (ferry_channel_get_identifier (channel) == NULL)
    {
      func (channel, data);
      ferry_channel_exit (channel, 0);
    }
  return channel;
}

void
create_test_send (FerryChannel *channel, guint32 number)
{
  g_autoptr (GError) error = NULL;

  ferry_channel_send (channel, g_variant_new_uint32 (number), -1, NULL, &error);
  g_assert_no_error (error);
}

guint32
create_test_take (FerryChannel *channel)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = NULL;

  ferry_channel_receive (channel, PATIENCE, NULL, &value, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (value);
  return g_variant_get_uint32 (value);
}

void
create_test_assert_good_end (FerryChannel *channel)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) failure = NULL;
  g_autoptr (GVariant) value = NULL;

  g_assert_true (ferry_channel_receive (channel, PATIENCE, NULL, &value, &failure, &error));
  g_assert_no_error (error);
  g_assert_no_error (failure);
  g_assert_null (value);
}

void
create_test_assert_bad_end (FerryChannel *channel, GQuark domain, int code)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = NULL;

  g_assert_false (ferry_channel_receive (channel, PATIENCE, NULL, &value, NULL, &error));
  g_assert_error (error, domain, code);
}

void
create_test_assert_exit (FerryChannel *channel, int status, int signal)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryExit) exit = ferry_channel_wait (channel, PATIENCE, &error);

  g_assert_no_error (error);
  g_assert_true (exit == ferry_channel_get_exit (channel));
  g_assert_cmpstr (ferry_test_get_string (exit, "identifier"), ==, ferry_channel_get_identifier (channel));
  g_assert_cmpint (ferry_exit_get_signal (exit), ==, signal);
  g_assert_cmpint (ferry_exit_get_exit_status (exit), ==, signal != 0 ? -1 : status);
  g_assert_cmpint (ferry_exit_get_reason (exit), ==,
                   signal != 0 ? FERRY_CLOSE_REASON_KILLED : FERRY_CLOSE_REASON_EXITED);
}
