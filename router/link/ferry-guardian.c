/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The application's end of the guardian, the small process that ends its workers when the application has ended: what
 * the guardian is told.
 *
 * It has a pidfd of the application and of each worker. When the application has ended or has closed the guardian's
 * socket, it kills all workers with their groups, and then ends.
 *
 * Owner:   the shared queue owns the application's end of the guardian's socket.
 * Threads: the one that drains. ferry_guardian_tell() also runs in a child that shares this process' memory and has not
 *          executed its program yet.
 * Trust:   a guardian sends nothing: the application only watches the socket for its end. No worker has the socket. */

#include "config.h"

#include "link/ferry-guardian-private.h"

#include <string.h>
#include <sys/socket.h>

#include "base/ferry-base-private.h"

/* any, also in a child that shares this process' memory: sends a packet to the guardian. fd: a descriptor that is sent
 * with the packet, or -1. Waits for room in the socket, unless flags contains MSG_DONTWAIT. Returns FALSE with errno
 * set. Compiled without AddressSanitizer, which would leave its marks on the child's stack. */
__attribute__ ((no_sanitize_address)) gboolean
ferry_guardian_tell (int socket, FerryGuardianWord word, GPid pid, int fd, int flags)
{
  FerryGuardianPacket packet = {word, pid};
  struct iovec vector = {.iov_base = &packet, .iov_len = sizeof packet};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
  union
  {
    char bytes[CMSG_SPACE (sizeof (int))];
    struct cmsghdr header;
  } rights = {0};

  if (fd >= 0)
    {
      message.msg_control = rights.bytes;
      message.msg_controllen = sizeof rights.bytes;
      rights.header.cmsg_level = SOL_SOCKET;
      rights.header.cmsg_type = SCM_RIGHTS;
      rights.header.cmsg_len = CMSG_LEN (sizeof (int));
      memcpy (CMSG_DATA (&rights.header), &fd, sizeof fd);
    }
  return TEMP_FAILURE_RETRY (sendmsg (socket, &message, flags | MSG_NOSIGNAL)) == (gssize) sizeof packet;
}
