/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Packets of a worker's on the control socket, as the application takes them. Each begins with its length and with
 * how many descriptors come along. */

#include "config.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "descriptor-array.h"
#include "fuzz.h"
#include "lane/ferry-handshake-private.h"

#define SEGMENT_SIZE 208896

static FerryControlEvent
receive (int fd, gboolean attached, const guint8 *packet, gsize size, guint n_fds)
{
  g_autoptr (GArray) descriptors = descriptor_array_new ();
  g_autoptr (GError) error = NULL;
  FerryControlEvent event = ferry_control_receive (fd, attached, SEGMENT_SIZE, descriptors, &error);
  FerryAttach attach = {0};

  g_assert_cmpuint (descriptors->len, ==, n_fds);
  g_assert_true ((error != NULL) == (event == FERRY_CONTROL_INVALID));
  g_assert_true ((event == FERRY_CONTROL_CLOSED) == (size == 0 && n_fds == 0));
  if (event != FERRY_CONTROL_ATTACHED)
    return event;
  g_assert_false (attached);
  g_assert_cmpuint (n_fds, ==, 0);
  g_assert_cmpuint (size, ==, sizeof attach);
  memcpy (&attach, packet, sizeof attach);
  g_assert_cmpmem (attach.header.magic, 8, FERRY_PROTOCOL_MAGIC, 8);
  g_assert_cmpuint (attach.header.kind, ==, FERRY_CONTROL_ATTACH);
  g_assert_cmpuint (attach.header.version, ==, FERRY_PROTOCOL_VERSION);
  g_assert_cmpuint (attach.segment_size, ==, SEGMENT_SIZE);
  return event;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  ferry_autofd application = -1;
  ferry_autofd worker = -1;
  FerryControlEvent event = FERRY_CONTROL_ATTACHED;
  gboolean attached = FALSE;

  g_assert_true (ferry_control_socket_pair (&application, &worker, NULL));
  for (gsize at = 0; at + 2 <= size && event == FERRY_CONTROL_ATTACHED; attached = TRUE)
    {
      gsize length = MIN (data[at], size - at - 2);
      guint n_fds = data[at + 1] % 5;

      fuzz_send_packet (worker, data + at + 2, length, worker, n_fds);
      event = receive (application, attached, data + at + 2, length, n_fds);
      at += 2 + length;
    }
  return 0;
}
