/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The packets of a control socket: the handshake, and the packets after it.
 *
 * The application puts the welcome and the link's descriptors into the socket before the worker starts. The worker
 * answers with an attach packet. In a sandbox, the worker sends a report of its layers before the attach packet. After
 * the attach packet it only says where it crashed. No function waits, except when the worker receives its welcome. */

#include "config.h"

#include "wire/ferry-handshake-private.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/socket.h>

#include "base/ferry-base-private.h"

/* The maximum number of descriptors that the kernel passes in one packet. With less room, the kernel closes the
 * remaining descriptors in recvmsg(), and a descriptor that takes long to close would delay the reader. */
#define MAX_DESCRIPTORS 253

/* How many milliseconds a worker waits for its welcome, which the application sends before it starts the worker. */
#define WELCOME_TIMEOUT_MS 10000

gboolean
ferry_control_socket_pair (int *application_fd, int *worker_fd, GError **error)
{
  int fds[2];

  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
    return ferry_set_system_error (error, "Making a control socket (socketpair)");
  *application_fd = fds[0];
  *worker_fd = fds[1];
  return TRUE;
}

/* any: fills in the packet's header, and sends the packet with all of the descriptors. Returns 0 or an error number. */
int
ferry_control_send (int fd, FerryControlKind kind, gpointer packet, gsize size, const int *descriptors,
                    guint n_descriptors, int flags)
{
  union
  {
    char bytes[CMSG_SPACE (FERRY_MAX_FDS_PER_LINK * sizeof (int))];
    struct cmsghdr header;
  } rights = {0};
  FerryControlHeader *header = packet;
  struct iovec vector = {.iov_base = packet, .iov_len = size};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};

  g_assert (n_descriptors <= FERRY_MAX_FDS_PER_LINK);

  memcpy (header->magic, FERRY_PROTOCOL_MAGIC, sizeof header->magic);
  header->kind = kind;
  header->version = FERRY_PROTOCOL_VERSION;
  if (n_descriptors > 0)
    {
      message.msg_control = rights.bytes;
      message.msg_controllen = CMSG_SPACE (n_descriptors * sizeof (int));
      rights.header.cmsg_level = SOL_SOCKET;
      rights.header.cmsg_type = SCM_RIGHTS;
      rights.header.cmsg_len = CMSG_LEN (n_descriptors * sizeof (int));
      memcpy (CMSG_DATA (&rights.header), descriptors, n_descriptors * sizeof (int));
    }
  return TEMP_FAILURE_RETRY (sendmsg (fd, &message, flags | MSG_NOSIGNAL)) < 0 ? errno : 0;
}

/* application: sends the welcome with its descriptors, the last one only where the link has an arena. Fills in only the
 * header of the welcome. */
gboolean
ferry_control_send_welcome (int fd, const FerryWelcome *welcome, int memory, int doorbell, int arena, GError **error)
{
  FerryWelcome packet = *welcome;
  const int fds[] = {memory, doorbell, arena};
  const guint n_fds = welcome->arena_units > 0 ? 3 : 2;

  errno = ferry_control_send (fd, FERRY_CONTROL_WELCOME, &packet, sizeof packet, fds, n_fds, MSG_DONTWAIT);
  return errno == 0 || ferry_set_system_error (error, "Sending a worker its welcome (sendmsg)");
}

static G_GNUC_PRINTF (2, 3) FerryControlEvent invalid (GError **error, const char *format, ...)
{
  g_autofree char *what = NULL;
  va_list arguments;

  va_start (arguments, format);
  what = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  ferry_set_error (error, FERRY_ERROR_PROTOCOL, "On its control socket, the worker %s", what);
  return FERRY_CONTROL_INVALID;
}

/* Whether a packet begins with the magic bytes that all versions of the protocol have. */
static gboolean
is_ours (const FerryControlHeader *header, gsize size)
{
  return size >= sizeof *header && memcmp (header->magic, FERRY_PROTOCOL_MAGIC, sizeof header->magic) == 0;
}

/* Whether the packet is of this kind and of this version of the protocol. size: the size of the whole packet. */
gboolean
ferry_control_is (const FerryControlHeader *header, gsize size, FerryControlKind kind)
{
  return is_ours (header, size) && header->version == FERRY_PROTOCOL_VERSION && header->kind == kind;
}

/* Whether the packet is of another protocol version, so that only its header can be read. size: the whole size. */
gboolean
ferry_control_is_foreign (const FerryControlHeader *header, gsize size)
{
  return is_ours (header, size) && header->version != FERRY_PROTOCOL_VERSION;
}

/* Checks an attach packet. size: the size of the whole packet, which may be greater than *packet. The version is
 * checked first, because the other checks apply to one version only. */
static FerryControlEvent
check_attach (const FerryAttach *packet, gsize size, guint n_descriptors, gsize segment_size, GError **error)
{
  const FerryControlHeader *header = &packet->header;

  if (!is_ours (header, size))
    return invalid (error,
                    "sent %" G_GSIZE_FORMAT " bytes with %u descriptors, which do not begin as a packet does; it must "
                    "answer its welcome with an attach packet",
                    size, n_descriptors);
  if (ferry_control_is_foreign (header, size))
    {
      ferry_set_error (error, FERRY_ERROR_VERSION,
                       "The worker speaks protocol version %u and this application version %d; "
                       "restart the application if Ferry was updated, else build both with the same version of Ferry",
                       header->version, FERRY_PROTOCOL_VERSION);
      return FERRY_CONTROL_INVALID;
    }
  if (n_descriptors > 0)
    return invalid (error, "sent %u descriptors with its answer to the welcome; it must send none", n_descriptors);
  if (header->kind == FERRY_CONTROL_PREPARES && size == sizeof *header)
    return FERRY_CONTROL_TAKEN;
  if (header->kind == FERRY_CONTROL_NO_WORKER)
    {
      ferry_set_error (error, FERRY_ERROR_NOT_A_WORKER,
                       "ran as an application, which starts workers of its own, and did not attach");
      return FERRY_CONTROL_INVALID;
    }
  if (header->kind != FERRY_CONTROL_ATTACH)
    return invalid (error, "answered its welcome with a packet of kind %u; it must send attach, which has kind %d",
                    header->kind, FERRY_CONTROL_ATTACH);
  if (size != sizeof *packet)
    return invalid (error, "sent an attach packet of %" G_GSIZE_FORMAT " bytes; it must have %" G_GSIZE_FORMAT, size,
                    sizeof *packet);
  if (packet->segment_size != segment_size)
    return invalid (error,
                    "attached with a segment size of %" G_GUINT64_FORMAT "; it must be %" G_GSIZE_FORMAT
                    ", as its welcome says",
                    packet->segment_size, segment_size);
  return FERRY_CONTROL_ATTACHED;
}

static void
collect (struct msghdr *message, GArray *descriptors, pid_t *sender)
{
  for (struct cmsghdr *header = CMSG_FIRSTHDR (message); header != NULL; header = CMSG_NXTHDR (message, header))
    {
      if (header->cmsg_level != SOL_SOCKET)
        continue;
      if (header->cmsg_type == SCM_RIGHTS)
        g_array_append_vals (descriptors, CMSG_DATA (header), (header->cmsg_len - CMSG_LEN (0)) / sizeof (int));
      if (header->cmsg_type == SCM_CREDENTIALS && sender != NULL)
        {
          struct ucred credentials;

          memcpy (&credentials, CMSG_DATA (header), sizeof credentials);
          *sender = credentials.pid;
        }
    }
}

/* Whether the other end is closed. Tells a closed end from an empty packet: recvmsg() returns 0 for both. */
gboolean
ferry_control_is_hung_up (int fd)
{
  struct pollfd poll_fd = {.fd = fd, .events = POLLRDHUP};

  return TEMP_FAILURE_RETRY (poll (&poll_fd, 1, 0)) != 0;
}

/* Receives one packet without waiting, and appends its descriptors. Returns the size of the whole packet, or -1 with
 * errno set. sender: (nullable): set to the sending process where the socket passes credentials. */
static gssize
receive (int fd, gpointer packet, gsize capacity, GArray *descriptors, pid_t *sender, int *flags)
{
  union
  {
    char bytes[CMSG_SPACE (MAX_DESCRIPTORS * sizeof (int)) + CMSG_SPACE (sizeof (struct ucred))];
    struct cmsghdr align;
  } control;
  struct iovec vector = {.iov_base = packet, .iov_len = capacity};
  struct msghdr message = {
    .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  gssize size;

  /* Where a worker ended with unread packets, recvmsg() fails once with ECONNRESET, before it returns the packets that
   * the worker sent. */
  do
    size = recvmsg (fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | MSG_TRUNC);
  while (size < 0 && (errno == EINTR || errno == ECONNRESET));
  *flags = message.msg_flags;
  if (size >= 0)
    collect (&message, descriptors, sender);
  return size;
}

/* application: takes one packet of any kind, up to capacity bytes of it. Sets *packet_size to the size of the whole
 * packet. Appends the packet's descriptors. The caller must not close them on a thread that other work waits for.
 * sender: (nullable): set to the sending process where the socket passes credentials. */
FerryControlEvent
ferry_control_receive_packet (int fd, gpointer packet, gsize capacity, gsize *packet_size, GArray *descriptors,
                              pid_t *sender, GError **error)
{
  guint n_before = descriptors->len;
  int flags;
  gssize size = receive (fd, packet, capacity, descriptors, sender, &flags);

  if (size < 0)
    return errno == EAGAIN || errno == EWOULDBLOCK ? FERRY_CONTROL_NOTHING : FERRY_CONTROL_CLOSED;
  if ((flags & MSG_CTRUNC) != 0)
    return invalid (error,
                    "sent a control message that the kernel truncated; it must send no descriptors here (or this "
                    "process has too many files open)");
  if (size == 0 && descriptors->len == n_before && ferry_control_is_hung_up (fd))
    return FERRY_CONTROL_CLOSED;
  *packet_size = (gsize) size;
  return FERRY_CONTROL_TAKEN;
}

/* application: takes and checks the worker's next packet, which must be an attach packet. */
FerryControlEvent
ferry_control_receive (int fd, gsize segment_size, GArray *descriptors, GError **error)
{
  FerryAttach packet = {0};
  gsize size = 0;
  FerryControlEvent event = ferry_control_receive_packet (fd, &packet, sizeof packet, &size, descriptors, NULL, error);

  return event == FERRY_CONTROL_TAKEN ? check_attach (&packet, size, descriptors->len, segment_size, error) : event;
}

/* application: takes and checks a packet of a worker that has attached. Sets *crash (transfer full) where the event is
 * FERRY_CONTROL_TAKEN. */
FerryControlEvent
ferry_control_receive_later (int fd, FerryCrashPacket **crash, GArray *descriptors, GError **error)
{
  union
  {
    FerryControlHeader header;
    guint8 bytes[FERRY_MAX_CRASH_SIZE];
  } packet;
  gsize size = 0;
  FerryControlEvent event = ferry_control_receive_packet (fd, &packet, sizeof packet, &size, descriptors, NULL, error);

  if (event != FERRY_CONTROL_TAKEN)
    return event;
  if (size == sizeof packet.header && descriptors->len == 0 &&
      ferry_control_is (&packet.header, size, FERRY_CONTROL_NO_WORKER))
    {
      ferry_set_error (error, FERRY_ERROR_NOT_A_WORKER,
                       "ran as an application, which starts workers of its own, and took nothing that it was passed");
      return FERRY_CONTROL_INVALID;
    }
  if (descriptors->len == 0 && ferry_control_is (&packet.header, size, FERRY_CONTROL_CRASH))
    {
      *crash = ferry_crash_packet_parse (&packet, size, error);
      return *crash != NULL ? FERRY_CONTROL_TAKEN : FERRY_CONTROL_INVALID;
    }
  return invalid (error,
                  "sent a packet of %" G_GSIZE_FORMAT
                  " bytes with %u descriptors after attach; after attach it must only say where it crashed",
                  size, descriptors->len);
}

/* any: sends one descriptor, as those of a descriptor port are sent. Returns 0 or an error number. */
int
ferry_control_send_descriptor (int fd, int descriptor)
{
  FerryControlHeader packet;

  return ferry_control_send (fd, FERRY_CONTROL_DESCRIPTOR, &packet, sizeof packet, &descriptor, 1, MSG_DONTWAIT);
}

/* application: sends from 1 to FERRY_MAX_FDS_PER_LINK descriptors to the worker. Returns 0 or an error number. */
int
ferry_control_send_fd_batch (int fd, guint64 number, const int *descriptors, guint n_descriptors)
{
  FerryFdBatch packet = {.number = number, .n_descriptors = n_descriptors};

  return ferry_control_send (fd, FERRY_CONTROL_FD_BATCH, &packet, sizeof packet, descriptors, n_descriptors,
                             MSG_DONTWAIT);
}

/* worker: takes the next packet, which must have arrived, and appends its descriptors. Sets *complete to FALSE where
 * this process could not receive all of them. Returns FALSE for a packet that no application sends. */
gboolean
ferry_control_receive_fd_batch (int fd, FerryFdBatch *packet, GArray *descriptors, gboolean *complete)
{
  guint n_before = descriptors->len;
  int flags;
  gssize size = receive (fd, packet, sizeof *packet, descriptors, NULL, &flags);

  *complete = (flags & MSG_CTRUNC) == 0;
  return size == sizeof *packet && ferry_control_is (&packet->header, (gsize) size, FERRY_CONTROL_FD_BATCH) &&
         (!*complete || packet->n_descriptors == descriptors->len - n_before);
}

/* any: takes one packet and up to n_fds descriptors; the other elements of fds become -1. The room for descriptors is
 * exact: in padding, the kernel would pass one more descriptor, which would never be closed. Returns the size of the
 * whole packet, or the result of recvmsg() where it fails. Sets *truncated where more came than there is room for. */
gssize
ferry_control_receive_fixed (int fd, gpointer packet, gsize capacity, int *fds, guint n_fds, gboolean *truncated)
{
  union
  {
    char bytes[CMSG_SPACE (FERRY_START_MAX_DESCRIPTORS * sizeof (int))];
    struct cmsghdr align;
  } rights;
  struct iovec vector = {.iov_base = packet, .iov_len = capacity};
  struct msghdr message = {.msg_iov = &vector,
                           .msg_iovlen = 1,
                           .msg_control = rights.bytes,
                           .msg_controllen = CMSG_LEN (n_fds * sizeof (int))};
  gssize size = TEMP_FAILURE_RETRY (recvmsg (fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | MSG_TRUNC));

  for (guint i = 0; i < n_fds; i++)
    fds[i] = -1;
  *truncated = size >= 0 && (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
  if (size < 0)
    return size;
  for (struct cmsghdr *header = CMSG_FIRSTHDR (&message); header != NULL; header = CMSG_NXTHDR (&message, header))
    if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
      memcpy (fds, CMSG_DATA (header), MIN (header->cmsg_len - CMSG_LEN (0), n_fds * sizeof (int)));
  return size;
}

static gboolean
check_welcome (const FerryWelcome *welcome, gssize size, GError **error)
{
  if (size < (gssize) sizeof welcome->header || memcmp (welcome->header.magic, FERRY_PROTOCOL_MAGIC, 8) != 0)
    return ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                            "The environment variable %s names a descriptor that did not welcome this process; start "
                            "the process through a FerryLauncher",
                            FERRY_CONTROL_FD_VARIABLE);
  if (welcome->header.version != FERRY_PROTOCOL_VERSION)
    return ferry_set_error (
      error, FERRY_ERROR_VERSION,
      "The application speaks protocol version %u and this worker version %d; "
      "restart the application if Ferry was updated, else build both with the same version of Ferry",
      welcome->header.version, FERRY_PROTOCOL_VERSION);
  if (size != sizeof *welcome || welcome->header.kind != FERRY_CONTROL_WELCOME ||
      welcome->n_pipes > FERRY_MAX_PIPES_PER_LINK || welcome->n_cells > FERRY_MAX_CELLS_PER_LINK ||
      welcome->down_capacity != FERRY_DOWN_CAPACITY || welcome->reserved != 0)
    return ferry_set_error (
      error, FERRY_ERROR_PROTOCOL,
      "The application's welcome is malformed; build application and worker with the same version of Ferry");
  return TRUE;
}

gboolean
ferry_control_check_welcome (int fd, GError **error)
{
  socklen_t length = sizeof (int);
  FerryControlHeader header;
  int type = 0;
  gssize size;

  if (getsockopt (fd, SOL_SOCKET, SO_TYPE, &type, &length) < 0 || type != SOCK_SEQPACKET)
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "The handle is that of a descriptor or of bytes, and not of a sender; use the handle that "
                            "ferry_task_add_sender() returned");
  size = TEMP_FAILURE_RETRY (recv (fd, &header, sizeof header, MSG_PEEK | MSG_DONTWAIT));
  if (size > 0)
    return TRUE;
  return ferry_set_error (error, FERRY_ERROR_CLOSED,
                          "The sender is not there any more, since an earlier attempt of the task has taken it, or the "
                          "task is over; open another pipe, and give its sender to a new task");
}

/* worker: takes the welcome and its descriptors, which the caller owns. *arena is -1 where the link has no arena. Waits
 * for the welcome. arena (nullable): NULL for a caller that does not want it. */
gboolean
ferry_control_receive_welcome (int fd, FerryWelcome *welcome, int *memory, int *doorbell, int *arena, GError **error)
{
  struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
  gboolean truncated;
  int fds[3];
  gssize size;

  memset (welcome, 0, sizeof *welcome);
  if (TEMP_FAILURE_RETRY (poll (&poll_fd, 1, WELCOME_TIMEOUT_MS)) <= 0)
    return ferry_set_error (
      error, FERRY_ERROR_TIMED_OUT,
      "The application did not answer in time through the descriptor that the variable %s names; start this process "
      "through a FerryLauncher",
      FERRY_CONTROL_FD_VARIABLE);
  size = ferry_control_receive_fixed (fd, welcome, sizeof *welcome, fds, G_N_ELEMENTS (fds), &truncated);
  if (size < 0)
    return ferry_set_system_error (error, "Reading the application's welcome (recvmsg)");
  *memory = fds[0];
  *doorbell = fds[1];
  if (check_welcome (welcome, size, error))
    {
      if (!truncated && *doorbell >= 0 && (fds[2] >= 0) == (welcome->arena_units > 0))
        {
          if (arena != NULL)
            *arena = ferry_steal_fd (&fds[2]);
          ferry_clear_fd (&fds[2]);
          return TRUE;
        }
      ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                       "The application's welcome came without its descriptors; raise the limit of open files");
    }
  ferry_clear_fd (memory);
  ferry_clear_fd (doorbell);
  ferry_clear_fd (&fds[2]);
  return FALSE;
}

/* worker: answers the welcome with an attach packet. A worker that cannot attach passes a segment_size of 0; then the
 * packet only notifies the application of this process' protocol version. */
gboolean
ferry_control_send_attach (int fd, gsize segment_size, GError **error)
{
  FerryAttach packet = {.segment_size = segment_size, .worker_pid = (guint32) getpid ()};

  errno = ferry_control_send (fd, FERRY_CONTROL_ATTACH, &packet, sizeof packet, NULL, 0, MSG_DONTWAIT);
  return errno == 0 || ferry_set_system_error (error, "Answering the application's welcome (sendmsg)");
}

/* worker: sends what is said before the attach packet, or instead of it: NO_WORKER or PREPARES. The welcome stays in
 * the socket. Nothing follows from a failure: the application then waits for attach until the worker's time is over. */
void
ferry_control_send_word (int fd, FerryControlKind kind)
{
  FerryControlHeader packet;

  ferry_control_send (fd, kind, &packet, sizeof packet, NULL, 0, MSG_DONTWAIT);
}

/* ---- the worker's control socket ---- */

/* Returns the variable that names the control socket, or NULL. A set-id program ignores its environment. */
static const char *
get_control_text (void)
{
  return getauxval (AT_SECURE) != 0 ? NULL : g_getenv (FERRY_CONTROL_FD_VARIABLE);
}

static gboolean
is_control_socket (const char *text, int *fd)
{
  socklen_t length = sizeof (int);
  guint64 number = 0;
  int type = 0;

  if (!ferry_parse_number (text, 10, 0, G_MAXINT, &number))
    return FALSE;
  *fd = (int) number;
  return getsockopt (*fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_SEQPACKET;
}

int
ferry_control_find_fd (void)
{
  const char *text = get_control_text ();
  int fd;

  return text != NULL && is_control_socket (text, &fd) ? fd : -1;
}

gboolean
ferry_control_is_named (void)
{
  return get_control_text () != NULL;
}

gboolean
ferry_control_has_welcome (int fd)
{
  FerryControlHeader header;
  int flags = getauxval (AT_SECURE) != 0 ? -1 : fcntl (fd, F_GETFD);
  gssize size;

  /* A socket of this process' own is closed where it executes a program. */
  if (flags < 0 || (flags & FD_CLOEXEC) != 0)
    return FALSE;
  size = TEMP_FAILURE_RETRY (recv (fd, &header, sizeof header, MSG_PEEK | MSG_DONTWAIT));
  return size >= 0 && ferry_control_is (&header, (gsize) size, FERRY_CONTROL_WELCOME);
}

int
ferry_control_take_fd (GError **error)
{
  const char *text = get_control_text ();
  int fd;

  if (text == NULL)
    {
      ferry_set_error (error, FERRY_ERROR_NOT_A_WORKER, "This process is no worker; start it through a FerryLauncher");
      return -1;
    }
  if (!is_control_socket (text, &fd))
    {
      ferry_set_error (error, FERRY_ERROR_NOT_A_WORKER,
                       "%s names '%s', which is no control socket; start this process through a FerryLauncher",
                       FERRY_CONTROL_FD_VARIABLE, text);
      return -1;
    }
  g_unsetenv (FERRY_CONTROL_FD_VARIABLE);
  fcntl (fd, F_SETFD, FD_CLOEXEC);
  return fd;
}
