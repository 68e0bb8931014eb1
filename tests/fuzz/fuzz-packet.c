/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "fuzz-packet.h"

#include <string.h>
#include <sys/socket.h>

#include "base/ferry-base-private.h"
#include "wire/ferry-handshake-private.h"

#define MAX_FDS 4

gboolean
fuzz_packet_next (FuzzPacket *self, FuzzInput *input)
{
  const guint8 *begin = input->data + input->at;

  if (input->size - input->at < 2)
    return FALSE;
  *self = (FuzzPacket){begin + 2, MIN (begin[0], input->size - input->at - 2), begin[1] % (MAX_FDS + 1)};
  input->at += 2 + self->size;
  return TRUE;
}

FuzzPacket
fuzz_packet_take_all (const guint8 *data, gsize size)
{
  return size > 0 ? (FuzzPacket){data + 1, size - 1, data[0] % (MAX_FDS + 1)} : (FuzzPacket){0};
}

void
fuzz_packet_send (const FuzzPacket *self, int socket, int fd)
{
  union
  {
    char bytes[CMSG_SPACE (MAX_FDS * sizeof (int))];
    struct cmsghdr align;
  } control = {0};
  struct iovec vector = {.iov_base = (gpointer) self->data, .iov_len = self->size};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};

  g_assert_cmpuint (self->n_fds, <=, MAX_FDS);
  if (self->n_fds > 0)
    {
      message.msg_control = control.bytes;
      message.msg_controllen = CMSG_SPACE (self->n_fds * sizeof (int));
      control.align = (struct cmsghdr){
        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN (self->n_fds * sizeof (int))};
      for (guint i = 0; i < self->n_fds; i++)
        memcpy (CMSG_DATA (&control.align) + i * sizeof (int), &fd, sizeof fd);
    }
  g_assert_cmpint (sendmsg (socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT), ==, (gssize) self->size);
}

FuzzSocket
fuzz_socket_open (void)
{
  FuzzSocket self;

  g_assert_true (ferry_control_socket_pair (&self.application, &self.worker, NULL));
  return self;
}

void
fuzz_socket_close (FuzzSocket *self)
{
  ferry_clear_fd (&self->application);
  ferry_clear_fd (&self->worker);
}
