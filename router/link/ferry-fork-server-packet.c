/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "link/ferry-fork-server-packet-private.h"

#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/ferry-base-private.h"

/* Room for descriptors that come with a packet. */
typedef union
{
  char bytes[CMSG_SPACE (FERRY_START_MAX_DESCRIPTORS * sizeof (int))];
  struct cmsghdr align;
} Rights;

static void
fill_header (FerryControlHeader *header, FerryControlKind kind)
{
  memcpy (header->magic, FERRY_PROTOCOL_MAGIC, sizeof header->magic);
  header->kind = kind;
  header->version = FERRY_PROTOCOL_VERSION;
}

/* Returns 0 or an error number. */
static int
send_packet (int control, gconstpointer data, gsize size, const int *fds, guint n_fds, int flags)
{
  Rights rights = {0};
  struct iovec vector = {.iov_base = (gpointer) data, .iov_len = size};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};

  if (n_fds > 0)
    {
      struct cmsghdr *header = &rights.align;

      message.msg_control = rights.bytes;
      message.msg_controllen = CMSG_SPACE (n_fds * sizeof (int));
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN (n_fds * sizeof (int));
      memcpy (CMSG_DATA (header), fds, n_fds * sizeof (int));
    }
  return TEMP_FAILURE_RETRY (sendmsg (control, &message, flags | MSG_NOSIGNAL)) == (gssize) size ? 0 : errno;
}

/* Reads a packet with up to max_fds descriptors, those that did not come being -1. The room for them is exact: with its
 * padding the kernel would give us one more, which nobody would close. Returns its size, or what recvmsg()
 * does; truncated says that more came than there is room for. */
static gssize
receive_packet (int control, gpointer data, gsize size, int *fds, guint max_fds, int flags, gboolean *truncated)
{
  Rights rights;
  struct iovec vector = {.iov_base = data, .iov_len = size};
  struct msghdr message = {.msg_iov = &vector,
                           .msg_iovlen = 1,
                           .msg_control = rights.bytes,
                           .msg_controllen = CMSG_LEN (max_fds * sizeof (int))};
  gssize got = TEMP_FAILURE_RETRY (recvmsg (control, &message, flags | MSG_CMSG_CLOEXEC));

  for (guint i = 0; i < max_fds; i++)
    fds[i] = -1;
  *truncated = FALSE;
  if (got < 0)
    return got;
  for (struct cmsghdr *header = CMSG_FIRSTHDR (&message); header != NULL; header = CMSG_NXTHDR (&message, header))
    if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
      memcpy (fds, CMSG_DATA (header), MIN (header->cmsg_len - CMSG_LEN (0), max_fds * sizeof (int)));
  *truncated = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
  return got;
}

/* ---- the application asks ---- */

static void
append_environment (GByteArray *packet, const char *const *environment)
{
  for (; environment != NULL && *environment != NULL; environment++)
    g_byte_array_append (packet, (const guint8 *) *environment, (guint) strlen (*environment) + 1);
}

/* any: start is sent as it is, but for its header, its identity, and what the other arguments say. environment is NULL
 * where it is the fork server's. */
FerryStartRequest *
ferry_start_request_new (const FerryStart *start, const char *name, const char *cwd, const char *const *environment,
                         GError **error)
{
  g_autoptr (FerryStartRequest) self = g_new0 (FerryStartRequest, 1);
  FerryStart *packet;

  self->packet = g_byte_array_new ();
  g_byte_array_append (self->packet, (const guint8 *) start, sizeof *start);
  g_byte_array_append (self->packet, (const guint8 *) name, (guint) strlen (name));
  if (cwd != NULL)
    g_byte_array_append (self->packet, (const guint8 *) cwd, (guint) strlen (cwd));
  append_environment (self->packet, environment);
  if (self->packet->len > FERRY_MAX_PACKET_SIZE)
    {
      g_set_error (
        error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE,
        "Worker “%s” cannot be asked of its fork server: its environment, folder and name take %u bytes, and at "
        "most %d can be sent; give the fork server's launcher the same environment, or use a smaller one",
        name, self->packet->len, FERRY_MAX_PACKET_SIZE);
      return NULL;
    }
  packet = (FerryStart *) (void *) self->packet->data;
  fill_header (&packet->header, FERRY_CONTROL_START);
  packet->name_length = (guint32) strlen (name);
  packet->cwd_length = cwd != NULL ? (guint32) strlen (cwd) : 0;
  packet->environment_length = self->packet->len - (guint32) sizeof *packet - packet->name_length - packet->cwd_length;
  packet->flags = start->flags | (environment != NULL ? FERRY_START_ENVIRONMENT : 0);
  self->fds[0] = -1;
  self->n_fds = 1;
  return g_steal_pointer (&self);
}

/* any: gives the worker its end of the control socket. */
void
ferry_start_request_take_control (FerryStartRequest *self, int fd)
{
  self->fds[0] = fd;
}

/* any: gives the worker a standard stream, 0 to 2, in the order of their numbers. */
void
ferry_start_request_take_stream (FerryStartRequest *self, guint stream, int fd)
{
  ((FerryStart *) (void *) self->packet->data)->flags |= FERRY_START_STDIN << stream;
  self->fds[self->n_fds++] = fd;
}

void
ferry_start_request_free (FerryStartRequest *self)
{
  for (guint i = 0; i < self->n_fds; i++)
    ferry_clear_fd (&self->fds[i]);
  g_byte_array_unref (self->packet);
  g_free (self);
}

/* any: returns 0 or an error number, EAGAIN when the socket is full. */
int
ferry_start_request_send (FerryStartRequest *self, int control, guint64 id)
{
  ((FerryStart *) (void *) self->packet->data)->id = id;
  return send_packet (control, self->packet->data, self->packet->len, self->fds, self->n_fds, MSG_DONTWAIT);
}

/* ---- the fork server reads ---- */

void
ferry_start_order_clear (FerryStartOrder *self)
{
  g_free (self->name);
  g_free (self->cwd);
  g_free (self->environment);
  ferry_clear_fd (&self->control);
  for (guint i = 0; i < G_N_ELEMENTS (self->streams); i++)
    ferry_clear_fd (&self->streams[i]);
}

static void
place_streams (FerryStartOrder *self, const int *fds)
{
  guint n = 1;

  self->control = fds[0];
  for (guint i = 0; i < G_N_ELEMENTS (self->streams); i++)
    self->streams[i] = (self->start.flags & (FERRY_START_STDIN << i)) != 0 ? fds[n++] : -1;
}

static gboolean
order_is_valid (const FerryStart *start, gsize size, const int *fds)
{
  guint64 length = (guint64) start->name_length + start->cwd_length + start->environment_length;
  guint n_fds = 1 + (guint) __builtin_popcount (start->flags & 7);

  if (size < sizeof *start || memcmp (start->header.magic, FERRY_PROTOCOL_MAGIC, sizeof start->header.magic) != 0 ||
      start->header.version != FERRY_PROTOCOL_VERSION || start->header.kind != FERRY_CONTROL_START ||
      length != size - sizeof *start)
    return FALSE;
  for (guint i = 0; i < FERRY_START_MAX_DESCRIPTORS; i++)
    if ((fds[i] >= 0) != (i < n_fds))
      return FALSE;
  return TRUE;
}

/* fork server: the id of the next order, without taking it; 0 where there is none, or what came is no order. */
guint64
ferry_start_order_peek (int control)
{
  FerryStart start;

  if (TEMP_FAILURE_RETRY (recv (control, &start, sizeof start, MSG_PEEK | MSG_DONTWAIT)) != (gssize) sizeof start)
    return 0;
  return start.header.kind == FERRY_CONTROL_START ? start.id : 0;
}

/* fork server: takes the next order. Of an invalid one the id is there where nothing but descriptors was lost on the
 * way. buffer has room for FERRY_MAX_PACKET_SIZE bytes. */
FerryControlEvent
ferry_start_order_receive (FerryStartOrder *self, int control, guint8 *buffer, GError **error)
{
  int fds[FERRY_START_MAX_DESCRIPTORS];
  const char *rest = (const char *) buffer + sizeof self->start;
  gboolean truncated;
  gssize size =
    receive_packet (control, buffer, FERRY_MAX_PACKET_SIZE, fds, FERRY_START_MAX_DESCRIPTORS, MSG_DONTWAIT, &truncated);

  *self = (FerryStartOrder){.control = -1, .streams = {-1, -1, -1}};
  if (size < 0 && errno == EAGAIN)
    return FERRY_CONTROL_NOTHING;
  if (size <= 0 && fds[0] < 0)
    return FERRY_CONTROL_CLOSED;
  memcpy (&self->start, buffer, MIN ((gsize) MAX (size, 0), sizeof self->start));
  if (truncated || !order_is_valid (&self->start, (gsize) MAX (size, 0), fds))
    {
      for (guint i = 0; i < FERRY_START_MAX_DESCRIPTORS; i++)
        ferry_clear_fd (&fds[i]);
      if (!truncated)
        self->start.id = 0;
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL,
                           "The application asked the fork server for something that it does not understand; raise the "
                           "limit of open files, or build both with the same version of Ferry");
      return FERRY_CONTROL_INVALID;
    }
  place_streams (self, fds);
  self->name = g_strndup (rest, self->start.name_length);
  rest += self->start.name_length;
  self->cwd = self->start.cwd_length > 0 ? g_strndup (rest, self->start.cwd_length) : NULL;
  rest += self->start.cwd_length;
  if ((self->start.flags & FERRY_START_ENVIRONMENT) != 0)
    {
      /* One byte more, so that the last string ends, whatever was sent. */
      self->environment = g_malloc0 ((gsize) self->start.environment_length + 1);
      memcpy (self->environment, rest, self->start.environment_length);
    }
  return FERRY_CONTROL_TAKEN;
}

/* ---- the fork server answers ---- */

gboolean
ferry_fork_server_send_started (int control, guint64 id, GPid pid, int pidfd)
{
  FerryStarted packet = {.id = id, .pid = (guint32) pid};

  fill_header (&packet.header, FERRY_CONTROL_STARTED);
  return send_packet (control, &packet, sizeof packet, &pidfd, 1, 0) == 0;
}

gboolean
ferry_fork_server_send_failed (int control, guint64 id, GPid pid, int error_number, const char *text)
{
  struct
  {
    FerryFailed failed;
    char text[FERRY_MAX_FAILURE_TEXT];
  } packet = {.failed = {.id = id, .pid = (guint32) pid}};
  gsize length = MIN (strlen (text), sizeof packet.text);

  fill_header (&packet.failed.header, FERRY_CONTROL_FAILED);
  packet.failed.text_length = (guint16) length;
  packet.failed.error_number = (guint16) error_number;
  memcpy (packet.text, text, length);
  return send_packet (control, &packet, sizeof packet.failed + length, NULL, 0, 0) == 0;
}

gboolean
ferry_fork_server_send_ended (int control, guint64 id, int code, int status)
{
  FerryEnded packet = {.id = id, .code = (guint32) code, .status = (guint32) status};

  fill_header (&packet.header, FERRY_CONTROL_ENDED);
  return send_packet (control, &packet, sizeof packet, NULL, 0, 0) == 0;
}

/* ---- the application hears ---- */

typedef union
{
  FerryControlHeader header;
  FerryStarted started;
  FerryEnded ended;
  FerryFailed failed;
  guint8 bytes[sizeof (FerryFailed) + FERRY_MAX_FAILURE_TEXT];
} AnswerPacket;

static gboolean
read_started (FerryForkServerAnswer *self, const FerryStarted *packet, gsize size)
{
  if (size != sizeof *packet || packet->pid <= 1 || packet->pid > G_MAXINT32 || self->pidfd < 0)
    return FALSE;
  self->id = packet->id;
  self->pid = packet->pid;
  return TRUE;
}

static gboolean
read_failed (FerryForkServerAnswer *self, const AnswerPacket *packet, gsize size)
{
  if (size < sizeof packet->failed || packet->failed.text_length != size - sizeof packet->failed ||
      packet->failed.pid > G_MAXINT32)
    return FALSE;
  self->id = packet->failed.id;
  self->pid = packet->failed.pid;
  self->error_number = packet->failed.error_number;
  memcpy (self->text, packet->bytes + sizeof packet->failed, packet->failed.text_length);
  self->text[packet->failed.text_length] = '\0';
  return TRUE;
}

static gboolean
read_ended (FerryForkServerAnswer *self, const FerryEnded *packet, gsize size)
{
  gboolean exited;

  if (size != sizeof *packet)
    return FALSE;
  exited = packet->code == CLD_EXITED;
  if (!exited && packet->code != CLD_KILLED && packet->code != CLD_DUMPED)
    return FALSE;
  if (packet->status > (exited ? 255 : NSIG - 1) || (!exited && packet->status == 0))
    return FALSE;
  self->id = packet->id;
  self->code = (int) packet->code;
  self->status = (int) packet->status;
  return TRUE;
}

static gboolean
read_answer (FerryForkServerAnswer *self, const AnswerPacket *packet, gsize size)
{
  if (size < sizeof packet->header ||
      memcmp (packet->header.magic, FERRY_PROTOCOL_MAGIC, sizeof packet->header.magic) != 0 ||
      packet->header.version != FERRY_PROTOCOL_VERSION)
    return FALSE;
  self->kind = packet->header.kind;
  if (self->kind == FERRY_CONTROL_STARTED)
    return read_started (self, &packet->started, size);
  if (self->pidfd >= 0)
    return FALSE;
  if (self->kind == FERRY_CONTROL_FAILED)
    return read_failed (self, packet, size);
  return self->kind == FERRY_CONTROL_ENDED && read_ended (self, &packet->ended, size);
}

/* monitor: takes the next answer, without waiting. With TAKEN, its pidfd is the caller's. */
FerryControlEvent
ferry_fork_server_answer_receive (FerryForkServerAnswer *self, int control, GError **error)
{
  AnswerPacket packet = {0};
  gboolean truncated;
  gssize size;

  *self = (FerryForkServerAnswer){.pidfd = -1};
  size = receive_packet (control, &packet, sizeof packet, &self->pidfd, 1, MSG_DONTWAIT, &truncated);
  if (size < 0 && errno == EAGAIN)
    return FERRY_CONTROL_NOTHING;
  if (size <= 0 && self->pidfd < 0 && !truncated)
    return FERRY_CONTROL_CLOSED;
  if (!truncated && read_answer (self, &packet, (gsize) size))
    return FERRY_CONTROL_TAKEN;
  ferry_clear_fd (&self->pidfd);
  g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL,
                       "The fork server sent a packet that answers nothing on its control socket");
  return FERRY_CONTROL_INVALID;
}

/* From Linux 6.13: who a pidfd is about. The kernel fills in as much as it is given room for. */
typedef struct
{
  guint64 mask;
  guint64 cgroup_id;
  guint32 pid;
  guint32 tgid;
  guint32 parent;
  guint32 credentials[8];
  gint32 exit_code;
} ProcessInfo;

G_STATIC_ASSERT (sizeof (ProcessInfo) == 64);

#define GET_PROCESS_INFO _IOWR (0xff, 11, ProcessInfo)

/* What the kernel names in place of a number. */
#define REAPED (-1)

/* The number that the kernel names for a pidfd; 0 where there is none. */
static GPid
read_pidfd (int pidfd)
{
  g_autofree char *path = g_strdup_printf ("/proc/self/fdinfo/%d", pidfd);
  g_autofree char *text = NULL;
  const char *line;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return 0;
  line = strstr (text, "\nPid:");
  return line != NULL ? (GPid) g_ascii_strtoll (line + strlen ("\nPid:"), NULL, 10) : 0;
}

static GPid
read_parent (GPid pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/stat", (int) pid);
  g_autofree char *text = NULL;
  const char *name_end;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return 0;
  name_end = strrchr (text, ')');
  return name_end != NULL && strlen (name_end) > 4 ? (GPid) g_ascii_strtoll (name_end + 4, NULL, 10) : 0;
}

/* What the kernel says when a pidfd is asked whether its process can be signalled: 0, ESRCH where that was reaped,
 * ENOSYS where pidfds cannot be asked at all (as under valgrind), or another error number. */
static int
probe (int pidfd)
{
  return syscall (SYS_pidfd_send_signal, pidfd, 0, NULL, 0) < 0 ? errno : 0;
}

/* monitor: whether a descriptor that a fork server gave us is the pidfd of process pid, a child of parent, so that it
 * cannot have us signal another. One that was reaped meanwhile cannot be asked about, nor be signalled: it is none to
 * be kept from. A child may be reaped at any time, so where it does not look like one it is asked again. */
gboolean
ferry_pidfd_is_child (int pidfd, GPid pid, GPid parent)
{
  ProcessInfo info = {.mask = 1};
  int answer;

  if (ioctl (pidfd, GET_PROCESS_INFO, &info) == 0)
    return info.tgid == (guint32) pid && info.parent == (guint32) parent;
  answer = probe (pidfd);
  if (answer != 0 && answer != ENOSYS)
    return answer == ESRCH;
  if (read_pidfd (pidfd) == pid && read_parent (pid) == parent)
    return TRUE;
  return answer == ENOSYS ? read_pidfd (pidfd) == REAPED : probe (pidfd) == ESRCH;
}
