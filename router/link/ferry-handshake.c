/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "link/ferry-handshake-private.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/socket.h>

#include "base/ferry-base-private.h"

#define N_DESCRIPTORS 2

/* As many as the kernel lets through in one packet. With less room it would drop the others itself, and a descriptor
 * that takes long to be closed would hold up whoever reads. */
#define MAX_DESCRIPTORS 253

/* How long a worker waits for the welcome that was put into its socket before it was started. */
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

/* application: welcome is sent as it is, but for its header. */
gboolean
ferry_control_send_welcome (int fd, const FerryWelcome *welcome, int memory, int doorbell, GError **error)
{
  union
  {
    char bytes[CMSG_SPACE (N_DESCRIPTORS * sizeof (int))];
    struct cmsghdr align;
  } control = {0};
  FerryWelcome packet = *welcome;
  struct iovec vector = {.iov_base = &packet, .iov_len = sizeof packet};
  struct msghdr message = {
    .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  struct cmsghdr *rights = CMSG_FIRSTHDR (&message);
  int fds[N_DESCRIPTORS] = {memory, doorbell};

  memcpy (packet.header.magic, FERRY_PROTOCOL_MAGIC, sizeof packet.header.magic);
  packet.header.kind = FERRY_CONTROL_WELCOME;
  packet.header.version = FERRY_PROTOCOL_VERSION;
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN (sizeof fds);
  memcpy (CMSG_DATA (rights), fds, sizeof fds);
  if (sendmsg (fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) != (gssize) sizeof packet)
    return ferry_set_system_error (error, "Sending a worker its welcome (sendmsg)");
  return TRUE;
}

static FerryControlEvent invalid (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

static FerryControlEvent
invalid (GError **error, const char *format, ...)
{
  g_autofree char *what = NULL;
  va_list arguments;

  va_start (arguments, format);
  what = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL, "On its control socket, the worker %s", what);
  return FERRY_CONTROL_INVALID;
}

/* Whether a packet begins as all do, in whatever version. */
static gboolean
is_ours (const FerryControlHeader *header, gsize size)
{
  return size >= sizeof *header && memcmp (header->magic, FERRY_PROTOCOL_MAGIC, sizeof header->magic) == 0;
}

/* Whether the packet is one of another version, of which nothing but the header means anything. */
gboolean
ferry_control_is_foreign (const FerryControlHeader *header, gsize size)
{
  return is_ours (header, size) && header->version != FERRY_PROTOCOL_VERSION;
}

/* size: of the whole packet, which may be longer than what is there of it. The version comes first. */
static FerryControlEvent
check_attach (const FerryAttach *packet, gsize size, guint n_descriptors, gsize segment_size, GError **error)
{
  const FerryControlHeader *header = &packet->header;

  if (!is_ours (header, size))
    return invalid (error,
                    "sent %" G_GSIZE_FORMAT " bytes with %u descriptors, which do not begin as a packet does; it must "
                    "answer its welcome with attach",
                    size, n_descriptors);
  if (ferry_control_is_foreign (header, size))
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_VERSION,
                   "The worker speaks protocol version %u and this application version %d; "
                   "build both with the same version of Ferry",
                   header->version, FERRY_PROTOCOL_VERSION);
      return FERRY_CONTROL_INVALID;
    }
  if (n_descriptors > 0)
    return invalid (error, "sent %u descriptors with its answer to the welcome; it must send none", n_descriptors);
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

/* Of a socket that gave a packet of no bytes, or has ended: those look alike. One that is not closed has not ended. */
gboolean
ferry_control_is_hung_up (int fd)
{
  struct pollfd poll_fd = {.fd = fd, .events = POLLRDHUP};

  return TEMP_FAILURE_RETRY (poll (&poll_fd, 1, 0)) != 0;
}

/* application: takes one packet, of whatever kind, as far as it goes into capacity bytes; *packet_size is that of all
 * of it. The descriptors that came along are added to the caller's, who does not close them on a thread that others
 * wait for. sender: (nullable): set where the socket was asked for credentials. */
FerryControlEvent
ferry_control_receive_packet (int fd, gpointer packet, gsize capacity, gsize *packet_size, GArray *descriptors,
                              pid_t *sender, GError **error)
{
  union
  {
    char bytes[CMSG_SPACE (MAX_DESCRIPTORS * sizeof (int)) + CMSG_SPACE (sizeof (struct ucred))];
    struct cmsghdr align;
  } control;
  struct iovec vector = {.iov_base = packet, .iov_len = capacity};
  struct msghdr message = {
    .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  guint n_before = descriptors->len;
  gssize size;

  /* A worker that ends and has not read all that it was sent leaves ECONNRESET, which is told once, and before what it
   * sent itself. */
  do
    size = recvmsg (fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | MSG_TRUNC);
  while (size < 0 && (errno == EINTR || errno == ECONNRESET));
  if (size < 0)
    return errno == EAGAIN || errno == EWOULDBLOCK ? FERRY_CONTROL_NOTHING : FERRY_CONTROL_CLOSED;
  collect (&message, descriptors, sender);
  if ((message.msg_flags & MSG_CTRUNC) != 0)
    return invalid (error,
                    "sent a control message that the kernel truncated; it must send one descriptor with each offer and "
                    "no others (or this process has too many files open)");
  if (size == 0 && descriptors->len == n_before && ferry_control_is_hung_up (fd))
    return FERRY_CONTROL_CLOSED;
  *packet_size = (gsize) size;
  return FERRY_CONTROL_TAKEN;
}

/* application: takes the next packet of the worker's, which is hostile until checked. */
FerryControlEvent
ferry_control_receive (int fd, gboolean attached, gsize segment_size, GArray *descriptors, GError **error)
{
  FerryAttach packet = {0};
  gsize size = 0;
  FerryControlEvent event = ferry_control_receive_packet (fd, &packet, sizeof packet, &size, descriptors, NULL, error);

  if (event != FERRY_CONTROL_TAKEN)
    return event;
  if (!attached)
    return check_attach (&packet, size, descriptors->len, segment_size, error);
  return invalid (error,
                  "sent a packet of %" G_GSIZE_FORMAT " bytes with %u descriptors after attach; only a worker with "
                  "one-shot buffers may send more, which are offers",
                  size, descriptors->len);
}

/* application: the same for a worker that has attached, and has one-shot buffers to offer. Returns TAKEN with one
 * descriptor more. */
FerryControlEvent
ferry_control_receive_memory (int fd, FerryMemoryPacket *packet, GArray *descriptors, GError **error)
{
  guint n_before = descriptors->len;
  gsize size = 0;
  FerryControlEvent event = ferry_control_receive_packet (fd, packet, sizeof *packet, &size, descriptors, NULL, error);

  if (event != FERRY_CONTROL_TAKEN)
    return event;
  if (!is_ours (&packet->header, size) || packet->header.version != FERRY_PROTOCOL_VERSION ||
      packet->header.kind != FERRY_CONTROL_MEMORY || size != sizeof *packet)
    return invalid (error,
                    "sent a packet of %" G_GSIZE_FORMAT " bytes that offers no buffer; after attach it may send offers "
                    "alone, of kind %d and %" G_GSIZE_FORMAT " bytes",
                    size, FERRY_CONTROL_MEMORY, sizeof *packet);
  if (descriptors->len != n_before + 1)
    return invalid (error, "offered a buffer with %u descriptors; it must send one, that of the memory",
                    descriptors->len - n_before);
  return FERRY_CONTROL_TAKEN;
}

/* worker: offers the memory of a buffer. Returns 0, or the number of an error. */
int
ferry_control_send_memory (int fd, guint64 number, int memory)
{
  union
  {
    char bytes[CMSG_SPACE (sizeof (int))];
    struct cmsghdr align;
  } control = {0};
  FerryMemoryPacket packet = {.header = {.kind = FERRY_CONTROL_MEMORY, .version = FERRY_PROTOCOL_VERSION},
                              .number = number};
  struct iovec vector = {.iov_base = &packet, .iov_len = sizeof packet};
  struct msghdr message = {
    .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  struct cmsghdr *rights = CMSG_FIRSTHDR (&message);

  memcpy (packet.header.magic, FERRY_PROTOCOL_MAGIC, sizeof packet.header.magic);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN (sizeof memory);
  memcpy (CMSG_DATA (rights), &memory, sizeof memory);
  return TEMP_FAILURE_RETRY (sendmsg (fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL)) < 0 ? errno : 0;
}

/* application: hands the worker up to FERRY_MAX_FDS_PER_LINK descriptors, all or none. Returns 0, or the number of
 * an error. */
int
ferry_control_send_fd_batch (int fd, guint64 number, const int *descriptors, guint n_descriptors)
{
  union
  {
    char bytes[CMSG_SPACE (FERRY_MAX_FDS_PER_LINK * sizeof (int))];
    struct cmsghdr align;
  } control = {0};
  FerryFdBatch packet = {
    .header = {.kind = FERRY_CONTROL_FD_BATCH, .version = FERRY_PROTOCOL_VERSION},
    .number = number,
    .n_descriptors = n_descriptors,
  };
  gsize size = n_descriptors * sizeof (int);
  struct iovec vector = {.iov_base = &packet, .iov_len = sizeof packet};
  struct msghdr message = {
    .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = CMSG_SPACE (size)};
  struct cmsghdr *rights = CMSG_FIRSTHDR (&message);

  g_assert (n_descriptors > 0 && n_descriptors <= FERRY_MAX_FDS_PER_LINK);

  memcpy (packet.header.magic, FERRY_PROTOCOL_MAGIC, sizeof packet.header.magic);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN (size);
  memcpy (CMSG_DATA (rights), descriptors, size);
  return TEMP_FAILURE_RETRY (sendmsg (fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL)) < 0 ? errno : 0;
}

/* worker: takes the next packet, which must be there, and adds its descriptors to the caller's. *complete becomes FALSE
 * where this process could not take all of them. Returns FALSE when it is none that an application sends. */
gboolean
ferry_control_receive_fd_batch (int fd, FerryFdBatch *packet, GArray *descriptors, gboolean *complete)
{
  union
  {
    char bytes[CMSG_SPACE (MAX_DESCRIPTORS * sizeof (int))];
    struct cmsghdr align;
  } control;
  struct iovec vector = {.iov_base = packet, .iov_len = sizeof *packet};
  struct msghdr message = {
    .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  guint n_before = descriptors->len;
  gssize size = TEMP_FAILURE_RETRY (recvmsg (fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));

  if (size < 0)
    return FALSE;
  collect (&message, descriptors, NULL);
  *complete = (message.msg_flags & MSG_CTRUNC) == 0;
  return size == sizeof *packet && (message.msg_flags & MSG_TRUNC) == 0 &&
         memcmp (packet->header.magic, FERRY_PROTOCOL_MAGIC, 8) == 0 && packet->header.kind == FERRY_CONTROL_FD_BATCH &&
         packet->header.version == FERRY_PROTOCOL_VERSION &&
         (!*complete || packet->n_descriptors == descriptors->len - n_before);
}

/* Takes the descriptors out of message. What is not wanted is closed. Returns whether they are the two expected. */
static gboolean
take_descriptors (struct msghdr *message, int *memory, int *doorbell)
{
  int fds[N_DESCRIPTORS] = {-1, -1};
  gsize n = 0;

  for (struct cmsghdr *header = CMSG_FIRSTHDR (message); header != NULL; header = CMSG_NXTHDR (message, header))
    {
      if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
        continue;
      n = MIN ((header->cmsg_len - CMSG_LEN (0)) / sizeof (int), N_DESCRIPTORS);
      memcpy (fds, CMSG_DATA (header), n * sizeof (int));
    }
  *memory = fds[0];
  *doorbell = fds[1];
  return n == N_DESCRIPTORS && (message->msg_flags & MSG_CTRUNC) == 0;
}

static gboolean
check_welcome (const FerryWelcome *welcome, gssize size, GError **error)
{
  if (size < (gssize) sizeof welcome->header || memcmp (welcome->header.magic, FERRY_PROTOCOL_MAGIC, 8) != 0)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL,
                 "The descriptor named by %s did not welcome this process; start it through a FerryLauncher",
                 FERRY_CONTROL_FD_VARIABLE);
  else if (welcome->header.version != FERRY_PROTOCOL_VERSION)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_VERSION,
                 "The application speaks protocol version %u and this worker version %d; "
                 "build both with the same version of Ferry",
                 welcome->header.version, FERRY_PROTOCOL_VERSION);
  else if (size != sizeof *welcome || welcome->header.kind != FERRY_CONTROL_WELCOME ||
           welcome->n_pipes > FERRY_MAX_PIPES_PER_LINK || welcome->n_cells > FERRY_MAX_CELLS_PER_LINK ||
           welcome->down_capacity != FERRY_DOWN_CAPACITY)
    g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL, "The application's welcome is malformed");
  else
    return TRUE;
  return FALSE;
}

/* worker: takes the welcome and its two descriptors. */
gboolean
ferry_control_receive_welcome (int fd, FerryWelcome *welcome, int *memory, int *doorbell, GError **error)
{
  union
  {
    char bytes[CMSG_SPACE (N_DESCRIPTORS * sizeof (int))];
    struct cmsghdr align;
  } control = {0};
  struct iovec vector = {.iov_base = welcome, .iov_len = sizeof *welcome};
  struct msghdr message = {
    .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
  gboolean complete;
  gssize size;

  memset (welcome, 0, sizeof *welcome);
  if (TEMP_FAILURE_RETRY (poll (&poll_fd, 1, WELCOME_TIMEOUT_MS)) <= 0)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT, "No welcome came through the descriptor named by %s",
                   FERRY_CONTROL_FD_VARIABLE);
      return FALSE;
    }
  /* MSG_TRUNC: the size is that of the whole packet, also where it is longer than a welcome. */
  size = TEMP_FAILURE_RETRY (recvmsg (fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | MSG_TRUNC));
  if (size < 0)
    return ferry_set_system_error (error, "Reading the application's welcome (recvmsg)");
  complete = take_descriptors (&message, memory, doorbell);
  if (check_welcome (welcome, size, error) && complete)
    return TRUE;
  if (error != NULL && *error == NULL)
    g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL,
                         "The application's welcome came without its descriptors; raise the limit of open files");
  ferry_clear_fd (memory);
  ferry_clear_fd (doorbell);
  return FALSE;
}

/* worker: answers the welcome; with a segment_size of 0 it only tells the application our version. */
gboolean
ferry_control_send_attach (int fd, gsize segment_size, GError **error)
{
  FerryAttach packet = {
    .header = {.kind = FERRY_CONTROL_ATTACH, .version = FERRY_PROTOCOL_VERSION},
    .segment_size = segment_size,
    .worker_pid = (guint32) getpid (),
  };

  memcpy (packet.header.magic, FERRY_PROTOCOL_MAGIC, sizeof packet.header.magic);
  if (send (fd, &packet, sizeof packet, MSG_DONTWAIT | MSG_NOSIGNAL) != (gssize) sizeof packet)
    return ferry_set_system_error (error, "Answering the application's welcome (send)");
  return TRUE;
}

/* ---- the worker's control socket ---- */

/* What names the control socket, or NULL. A set-id program takes no orders from its environment. */
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

  if (!g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT, &number, NULL))
    return FALSE;
  *fd = (int) number;
  return getsockopt (*fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_SEQPACKET;
}

/* The control socket's descriptor, where there is one that nobody has taken; else -1. */
int
ferry_control_find_fd (void)
{
  const char *text = get_control_text ();
  int fd;

  return text != NULL && is_control_socket (text, &fd) ? fd : -1;
}

/* The control socket's descriptor, which no child of ours inherits, and no second look finds. */
int
ferry_control_take_fd (GError **error)
{
  const char *text = get_control_text ();
  int fd;

  if (text == NULL)
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_NOT_A_WORKER,
                           "This process is no worker; have a FerryLauncher start it");
      return -1;
    }
  if (!is_control_socket (text, &fd))
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_NOT_A_WORKER,
                   "%s names “%s”, which is no control socket; have a FerryLauncher start this process",
                   FERRY_CONTROL_FD_VARIABLE, text);
      return -1;
    }
  g_unsetenv (FERRY_CONTROL_FD_VARIABLE);
  fcntl (fd, F_SETFD, FD_CLOEXEC);
  return fd;
}
