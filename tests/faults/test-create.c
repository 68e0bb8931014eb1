/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: classic/ferry-channel-fork.c, process/ferry-fork.c
 *
 * What a program without threads that forks itself gets when the system refuses it something. */

#include "config.h"

#include <errno.h>
#include <ferry-classic.h>

#include "faults/faults-test.h"

#define PATIENCE (FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC)

/* In the child: what fails there is its own only. */
static void
answer (FerryChannel *channel)
{
  g_autoptr (GVariant) value = NULL;

  fault_disarm ();
  if (ferry_channel_receive (channel, PATIENCE, NULL, &value, NULL, NULL) && value != NULL)
    ferry_channel_send (channel, value, PATIENCE, NULL, NULL);
  ferry_channel_exit (channel, 0);
}

static void
play_channel (FaultsTest *test)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryChannel) channel = ferry_channel_create (&error);
  g_autoptr (FerryExit) exit = NULL;
  g_autoptr (GVariant) value = NULL;

  g_assert_true ((channel == NULL) == (error != NULL));
  if (!faults_test_works (test, &error, FERRY_ERROR_SYSTEM, -1))
    return;
  if (ferry_channel_get_identifier (channel) == NULL)
    answer (channel);
  ferry_channel_send (channel, g_variant_new_uint32 (5), PATIENCE, NULL, &error);
  if (faults_test_works (test, &error, FERRY_ERROR_CLOSED, FERRY_ERROR_SYSTEM, -1))
    {
      ferry_channel_receive (channel, PATIENCE, NULL, &value, NULL, &error);
      if (faults_test_works (test, &error, FERRY_ERROR_CLOSED, FERRY_ERROR_WORKER_LOST, FERRY_ERROR_SYSTEM, -1))
        g_assert_cmpuint (g_variant_get_uint32 (value), ==, 5);
    }
  ferry_channel_close (channel);
  exit = ferry_channel_wait (channel, PATIENCE, &error);
  g_assert_no_error (error);
  faults_test_check_exit (test, exit, FERRY_CLOSE_REASON_EXITED, FERRY_CLOSE_REASON_KILLED, -1);
}

int
main (int argc, char **argv)
{
  static const Fault faults[] = {
    {FAULT_SOCKETPAIR, EMFILE}, {FAULT_CLONE, EAGAIN},    {FAULT_CLONE, ENOMEM},   {FAULT_PIDFD_OPEN, EMFILE},
    {FAULT_PIDFD_OPEN, ENOMEM}, {FAULT_SENDMSG, ENOBUFS}, {FAULT_SENDMSG, EAGAIN}, {FAULT_SENDMSG, EINTR},
    {FAULT_RECV, ENOMEM},       {FAULT_RECV, EINTR},
  };

  faults_test_init (&argc, &argv);
  faults_test_add_lone ("channel-of-a-fork", play_channel, faults, G_N_ELEMENTS (faults));
  return g_test_run ();
}
