/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Packets between an application and a nursery, read as either end would read them. Each begins with its length and
 * with how many descriptors come along. Whatever comes, no descriptor is left. */

#include "config.h"

#include <string.h>
#include <sys/wait.h>

#include "base/ferry-base-private.h"
#include "ferry-test.h"
#include "fuzz.h"
#include "lane/ferry-nursery-packet-private.h"

static void
check_answer (const FerryNurseryAnswer *answer, gsize size, guint n_fds)
{
  gboolean started = answer->kind == FERRY_CONTROL_STARTED;

  g_assert_cmpuint (n_fds, ==, started ? 1 : 0);
  g_assert_true ((answer->pidfd >= 0) == started);
  if (answer->kind == FERRY_CONTROL_FAILED)
    {
      g_assert_cmpuint (size, >=, sizeof (FerryFailed));
      g_assert_cmpuint (strlen (answer->text), <=, size - sizeof (FerryFailed));
      return;
    }
  g_assert_cmpuint (size, ==, 32);
  if (started)
    g_assert_cmpint ((GPid) answer->pid, >, 1);
  else
    g_assert_true (answer->code == CLD_EXITED ? answer->status <= 255 : answer->status > 0 && answer->status < 65);
}

static void
read_answer (int fd, gsize size, guint n_fds)
{
  g_autoptr (GError) error = NULL;
  FerryNurseryAnswer answer;
  FerryControlEvent event = ferry_nursery_answer_receive (&answer, fd, &error);

  g_assert_true ((error != NULL) == (event == FERRY_CONTROL_INVALID));
  g_assert_true ((event == FERRY_CONTROL_CLOSED) == (size == 0 && n_fds == 0));
  if (event == FERRY_CONTROL_TAKEN)
    check_answer (&answer, size, n_fds);
  if (event == FERRY_CONTROL_TAKEN && answer.pidfd >= 0)
    ferry_pidfd_is_child (answer.pidfd, (GPid) answer.pid, 1);
  ferry_clear_fd (&answer.pidfd);
}

static void
read_order (int fd, gsize size, guint n_fds)
{
  static guint8 buffer[FERRY_MAX_PACKET_SIZE];
  g_autoptr (GError) error = NULL;
  FerryStartOrder order;
  FerryControlEvent event = ferry_start_order_receive (&order, fd, buffer, &error);

  g_assert_true ((error != NULL) == (event == FERRY_CONTROL_INVALID));
  if (event == FERRY_CONTROL_TAKEN)
    {
      g_assert_cmpint (order.control, >=, 0);
      g_assert_cmpuint (n_fds, >=, 1);
      g_assert_cmpuint (strlen (order.name), <=, order.start.name_length);
      if (order.environment != NULL)
        g_assert_cmpint (order.environment[order.start.environment_length], ==, '\0');
    }
  ferry_start_order_clear (&order);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  guint before = ferry_test_count_fds ();

  for (gsize at = 0; at + 2 <= size;)
    {
      ferry_autofd one = -1;
      ferry_autofd other = -1;
      gsize length = MIN (data[at], size - at - 2);
      guint n_fds = data[at + 1] % 5;

      g_assert_true (ferry_control_socket_pair (&one, &other, NULL));
      fuzz_send_packet (other, data + at + 2, length, other, n_fds);
      read_answer (one, length, n_fds);
      fuzz_send_packet (other, data + at + 2, length, other, n_fds);
      read_order (one, length, n_fds);
      at += 2 + length;
    }
  g_assert_cmpuint (ferry_test_count_fds (), ==, before);
  return 0;
}
