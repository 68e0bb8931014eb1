/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A transport over two descriptors: the one over a stream, and the stream. */

#include "config.h"

#include "call/ferry-transport.h"

#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <gio/gunixoutputstream.h>
#include <sys/ioctl.h>

#include "base/ferry-base-private.h"

/* So that a sender never waits for a reader. A worker in a sandbox may not set flags by fcntl(). */
static gboolean
set_nonblocking (int fd, GError **error)
{
  int on = 1;

  return ioctl (fd, FIONBIO, &on) == 0 || ferry_set_system_error (error, "ioctl(FIONBIO)");
}

/* A process that is started later and has a copy would keep the other end from hearing of the end. */
static gboolean
set_close_on_exec (int fd, GError **error)
{
  return fcntl (fd, F_SETFD, FD_CLOEXEC) == 0 || ferry_set_system_error (error, "fcntl(FD_CLOEXEC)");
}

/**
 * ferry_transport_new_for_descriptors:
 * @in_fd: a descriptor to read from
 * @out_fd: a descriptor to write to: another one, or the same where that is a socket
 * @error: return location for an error
 *
 * Makes a transport over two descriptors, such as those of two pipes, or over one socket. It takes both over, closes
 * them at its end, also where this fails, keeps them from processes that are started later, and makes @out_fd
 * non-blocking, which those that have it already see too.
 *
 * The rest is as with [ctor@Ferry.Transport.new_for_stream]. Any thread.
 *
 * Returns: (transfer full): the transport, or %NULL with %FERRY_ERROR_SYSTEM
 *
 * Since: 0.1
 */
FerryTransport *
ferry_transport_new_for_descriptors (int in_fd, int out_fd, GError **error)
{
  g_autoptr (GInputStream) input = NULL;
  g_autoptr (GOutputStream) output = NULL;
  g_autoptr (GIOStream) stream = NULL;

  g_return_val_if_fail (in_fd >= 0, NULL);
  g_return_val_if_fail (out_fd >= 0, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  /* Each closes its descriptor with its last reference, too. */
  input = g_unix_input_stream_new (in_fd, TRUE);
  output = g_unix_output_stream_new (out_fd, in_fd != out_fd);
  stream = g_simple_io_stream_new (input, output);
  if (!set_close_on_exec (in_fd, error) || !set_close_on_exec (out_fd, error) || !set_nonblocking (out_fd, error))
    return NULL;
  return ferry_transport_new_for_stream (stream, error);
}
