/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The packets between an application and its fork server, after the fork server has attached. See
 * ferry-fork-server-packet-private.h. */

#include "config.h"

#include "wire/ferry-fork-server-packet-private.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/ferry-base-private.h"

/* A request to start a worker, as the application makes it. */
struct _FerryStartRequest
{
  /* (owned): a FerryStart, followed by the attributes, the name, the folder and the environment */
  GByteArray *packet;
  int fds[FERRY_START_MAX_DESCRIPTORS]; /* (owned): the worker's end of its control socket, then the streams */
  guint n_fds;
};

/* ---- requests, in the application ---- */

static guint32
append (GByteArray *packet, const char *text, gsize size)
{
  g_byte_array_append (packet, (const guint8 *) text, (guint) size);
  return (guint32) size;
}

/* any: makes a request. attributes: start->attributes_length bytes. environment: NULL for the environment of the fork
 * server. Fails with FERRY_ERROR_TOO_LARGE. */
FerryStartRequest *
ferry_start_request_new (const FerryStart *start, gconstpointer attributes, const char *name, const char *cwd,
                         const char *const *environment, GError **error)
{
  g_autoptr (FerryStartRequest) self = g_new0 (FerryStartRequest, 1);
  FerryStart fixed = *start;

  self->packet = g_byte_array_new ();
  g_byte_array_set_size (self->packet, sizeof fixed);
  append (self->packet, attributes, fixed.attributes_length);
  fixed.name_length = append (self->packet, name, strlen (name));
  fixed.cwd_length = cwd != NULL ? append (self->packet, cwd, strlen (cwd)) : 0;
  fixed.environment_length = 0;
  for (guint i = 0; environment != NULL && environment[i] != NULL; i++)
    fixed.environment_length += append (self->packet, environment[i], strlen (environment[i]) + 1);
  fixed.flags |= environment != NULL ? FERRY_START_ENVIRONMENT : 0;
  memcpy (self->packet->data, &fixed, sizeof fixed);
  self->fds[0] = -1;
  self->n_fds = 1;
  if (self->packet->len <= FERRY_MAX_PACKET_SIZE)
    return g_steal_pointer (&self);
  ferry_set_error (
    error, FERRY_ERROR_TOO_LARGE,
    "Worker '%s' cannot be started by its fork server: the request with its environment, folder and name takes %u "
    "bytes, and at most %d can be sent; give the fork server's launcher the same environment, or use a smaller one",
    name, self->packet->len, FERRY_MAX_PACKET_SIZE);
  return NULL;
}

/* any: adds the worker's end of its control socket. Takes fd. */
void
ferry_start_request_take_control (FerryStartRequest *self, int fd)
{
  self->fds[0] = fd;
}

/* any: adds a standard stream of the worker, 0 to 2. Must be called in the order of the streams' numbers. Takes fd. */
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

/* any: sends the request without waiting. Returns 0 or an error number; EAGAIN when the socket is full. */
int
ferry_start_request_send (FerryStartRequest *self, int control, guint64 id)
{
  ((FerryStart *) (void *) self->packet->data)->id = id;
  return ferry_control_send (control, FERRY_CONTROL_START, self->packet->data, self->packet->len, self->fds,
                             self->n_fds, MSG_DONTWAIT);
}

/* ---- requests, in the fork server ---- */

void
ferry_start_order_clear (FerryStartOrder *self)
{
  g_free (self->attributes);
  g_free (self->name);
  g_free (self->cwd);
  g_free (self->environment);
  ferry_clear_fd (&self->control);
  for (guint i = 0; i < G_N_ELEMENTS (self->streams); i++)
    ferry_clear_fd (&self->streams[i]);
}

static gboolean
order_is_valid (const FerryStart *start, gsize size, const int *fds)
{
  guint64 length =
    (guint64) start->attributes_length + start->name_length + start->cwd_length + start->environment_length;
  guint n_fds = 1 + (guint) __builtin_popcount (start->flags & 7);

  if (size < sizeof *start || !ferry_control_is (&start->header, size, FERRY_CONTROL_START) ||
      length != size - sizeof *start)
    return FALSE;
  for (guint i = 0; i < FERRY_START_MAX_DESCRIPTORS; i++)
    if ((fds[i] >= 0) != (i < n_fds))
      return FALSE;
  return TRUE;
}

/* fork server: returns the id of the next packet if it is a start request, else 0. The packet stays in the socket. */
guint64
ferry_start_order_peek (int control)
{
  FerryStart start;

  if (TEMP_FAILURE_RETRY (recv (control, &start, sizeof start, MSG_PEEK | MSG_DONTWAIT)) != (gssize) sizeof start)
    return 0;
  return start.header.kind == FERRY_CONTROL_START ? start.id : 0;
}

/* fork server: takes the next request to start a worker. buffer must have room for FERRY_MAX_PACKET_SIZE bytes. Where
 * this returns FERRY_CONTROL_INVALID only because the request's descriptors could not be received, start.id is the
 * request's id; else start.id is 0. */
FerryControlEvent
ferry_start_order_receive (FerryStartOrder *self, int control, guint8 *buffer, GError **error)
{
  int fds[FERRY_START_MAX_DESCRIPTORS];
  const char *rest = (const char *) buffer + sizeof self->start;
  gboolean truncated;
  gssize size =
    ferry_control_receive_fixed (control, buffer, FERRY_MAX_PACKET_SIZE, fds, FERRY_START_MAX_DESCRIPTORS, &truncated);

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
      ferry_set_error (
        error, FERRY_ERROR_PROTOCOL,
        "The application sent the fork server a request that is incomplete or unknown; raise the limit of open "
        "files, or build application and fork server with the same version of Ferry");
      return FERRY_CONTROL_INVALID;
    }
  self->control = fds[0];
  for (guint i = 0, n = 1; i < G_N_ELEMENTS (self->streams); i++)
    self->streams[i] = (self->start.flags & (FERRY_START_STDIN << i)) != 0 ? fds[n++] : -1;
  self->attributes = g_memdup2 (rest, self->start.attributes_length);
  rest += self->start.attributes_length;
  self->name = g_strndup (rest, self->start.name_length);
  rest += self->start.name_length;
  self->cwd = self->start.cwd_length > 0 ? g_strndup (rest, self->start.cwd_length) : NULL;
  rest += self->start.cwd_length;
  if ((self->start.flags & FERRY_START_ENVIRONMENT) != 0)
    {
      /* One more byte terminates the last string, whatever the packet contains. */
      self->environment = g_malloc0 ((gsize) self->start.environment_length + 1);
      memcpy (self->environment, rest, self->start.environment_length);
    }
  return FERRY_CONTROL_TAKEN;
}

/* ---- answers, in the fork server ---- */

/* why_executed: (nullable): why the worker was not forked. */
gboolean
ferry_fork_server_send_started (int control, guint64 id, GPid pid, int pidfd, const char *why_executed)
{
  struct
  {
    FerryStarted started;
    char text[FERRY_MAX_FAILURE_TEXT];
  } packet = {.started = {.id = id, .pid = (guint32) pid}};
  gsize length = why_executed != NULL ? MIN (strlen (why_executed), sizeof packet.text) : 0;

  if (length > 0)
    memcpy (packet.text, why_executed, length);
  packet.started.text_length = (guint32) length;
  return ferry_control_send (control, FERRY_CONTROL_STARTED, &packet, sizeof packet.started + length, &pidfd, 1, 0) ==
         0;
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

  packet.failed.text_length = (guint16) length;
  packet.failed.error_number = (guint16) error_number;
  memcpy (packet.text, text, length);
  return ferry_control_send (control, FERRY_CONTROL_FAILED, &packet, sizeof packet.failed + length, NULL, 0, 0) == 0;
}

gboolean
ferry_fork_server_send_ended (int control, guint64 id, int code, int status)
{
  FerryEnded packet = {.id = id, .code = (guint32) code, .status = (guint32) status};

  return ferry_control_send (control, FERRY_CONTROL_ENDED, &packet, sizeof packet, NULL, 0, 0) == 0;
}

/* ---- answers, in the application ---- */

typedef union
{
  FerryControlHeader header;
  FerryStarted started;
  FerryEnded ended;
  FerryFailed failed;
  guint8 bytes[sizeof (FerryFailed) + FERRY_MAX_FAILURE_TEXT];
} AnswerPacket;

G_STATIC_ASSERT (sizeof (FerryStarted) <= sizeof (FerryFailed));

static gboolean
read_started (FerryForkServerAnswer *self, const AnswerPacket *packet, gsize size)
{
  const FerryStarted *started = &packet->started;

  if (size < sizeof *started || size - sizeof *started > FERRY_MAX_FAILURE_TEXT ||
      started->text_length != size - sizeof *started || started->pid <= 1 || started->pid > G_MAXINT32 ||
      self->pidfd < 0)
    return FALSE;
  self->pid = started->pid;
  memcpy (self->text, packet->bytes + sizeof *started, started->text_length);
  self->text[started->text_length] = '\0';
  return TRUE;
}

static gboolean
read_failed (FerryForkServerAnswer *self, const AnswerPacket *packet, gsize size)
{
  if (size < sizeof packet->failed || packet->failed.text_length != size - sizeof packet->failed ||
      packet->failed.pid > G_MAXINT32)
    return FALSE;
  self->pid = packet->failed.pid;
  self->error_number = packet->failed.error_number;
  memcpy (self->text, packet->bytes + sizeof packet->failed, packet->failed.text_length);
  self->text[packet->failed.text_length] = '\0';
  return TRUE;
}

static gboolean
read_ended (FerryForkServerAnswer *self, const FerryEnded *packet, gsize size)
{
  const gboolean exited = packet->code == CLD_EXITED;

  if (size != sizeof *packet || (!exited && packet->code != CLD_KILLED && packet->code != CLD_DUMPED) ||
      packet->status > (exited ? 255 : NSIG - 1) || (!exited && packet->status == 0))
    return FALSE;
  self->code = (int) packet->code;
  self->status = (int) packet->status;
  return TRUE;
}

static gboolean
read_answer (FerryForkServerAnswer *self, const AnswerPacket *packet, gsize size)
{
  self->kind = packet->header.kind;
  /* The id is at the same place in each kind of answer. */
  self->id = packet->started.id;
  if (!ferry_control_is (&packet->header, size, self->kind))
    return FALSE;
  if (self->kind == FERRY_CONTROL_STARTED)
    return read_started (self, packet, size);
  if (self->pidfd >= 0)
    return FALSE;
  if (self->kind == FERRY_CONTROL_FAILED)
    return read_failed (self, packet, size);
  return self->kind == FERRY_CONTROL_ENDED && read_ended (self, &packet->ended, size);
}

/* monitor: takes the next answer, without waiting. After FERRY_CONTROL_TAKEN, the caller owns the answer's pidfd. */
FerryControlEvent
ferry_fork_server_answer_receive (FerryForkServerAnswer *self, int control, GError **error)
{
  AnswerPacket packet = {0};
  gboolean truncated;
  gssize size;

  *self = (FerryForkServerAnswer){.pidfd = -1};
  size = ferry_control_receive_fixed (control, &packet, sizeof packet, &self->pidfd, 1, &truncated);
  if (size < 0 && errno == EAGAIN)
    return FERRY_CONTROL_NOTHING;
  if (size <= 0 && self->pidfd < 0 && !truncated)
    return FERRY_CONTROL_CLOSED;
  if (!truncated && read_answer (self, &packet, (gsize) size))
    return FERRY_CONTROL_TAKEN;
  ferry_clear_fd (&self->pidfd);
  ferry_set_error (
    error, FERRY_ERROR_PROTOCOL,
    "The fork server sent a packet on its control socket that is no answer; build application and fork server "
    "with the same version of Ferry");
  return FERRY_CONTROL_INVALID;
}
