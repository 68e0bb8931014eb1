/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The packets between an application and its fork server, after the fork server has attached.
 *
 * Threads: the application's functions are for the monitor, but any thread may make a request. The fork server has one
 *          thread.
 * Trust:   the application does not trust the fork server: a packet is copied, and its sizes are checked, before it is
 *          read. The fork server trusts its application, and checks sizes only to report mistakes. */

#include "config.h"

#include "wire/ferry-fork-server-packet-private.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/ferry-base-private.h"

/* The size of the longest answer: three numbers, and a text with its zero. */
#define MAX_ANSWER (sizeof (FerryForkServerPacket) + 3 * sizeof (guint32) + FERRY_MAX_FAILURE_TEXT + 1)

/* A request to start a worker, as the application makes it. */
struct _FerryStartRequest
{
  GByteArray *packet;                   /* (owned) */
  int fds[FERRY_START_MAX_DESCRIPTORS]; /* (owned): the worker's end of its control socket, then the streams */
  guint n_fds;
};

static GByteArray *
new_packet (guint64 id, GVariant *value)
{
  g_autoptr (GVariant) sunk = g_variant_ref_sink (value);
  FerryForkServerPacket fixed = {.id = id};
  GByteArray *packet = g_byte_array_new ();

  g_byte_array_append (packet, (const guint8 *) &fixed, sizeof fixed);
  g_byte_array_set_size (packet, (guint) (sizeof fixed + g_variant_get_size (sunk)));
  g_variant_store (sunk, packet->data + sizeof fixed);
  return packet;
}

/* Returns (transfer full) (nullable) the value of a packet of this kind, which is borrowed from the packet. */
static GVariant *
read_value (gconstpointer packet, gsize size, FerryControlKind kind, const char *type)
{
  const gsize fixed = sizeof (FerryForkServerPacket);
  g_autoptr (GVariant) value = NULL;

  if (size < fixed || !ferry_control_is (packet, size, kind))
    return NULL;
  value = g_variant_ref_sink (
    g_variant_new_from_data (G_VARIANT_TYPE (type), (const guint8 *) packet + fixed, size - fixed, FALSE, NULL, NULL));
  return g_variant_is_normal_form (value) ? g_steal_pointer (&value) : NULL;
}

/* ---- requests, in the application ---- */

/* any: makes a request. attributes is sunk. cwd and environment: NULL for those of the fork server. fds: the worker's
 * end of its control socket, and the standard streams 0 to 2, -1 for those of the fork server; taken on success. Fails
 * with FERRY_ERROR_TOO_LARGE. */
FerryStartRequest *
ferry_start_request_new (guint32 flags, GVariant *attributes, const char *name, const char *cwd,
                         const char *const *environment, int fds[FERRY_START_MAX_DESCRIPTORS], GError **error)
{
  g_autoptr (GByteArray) packet = NULL;
  FerryStartRequest *self;

  for (guint i = 1; i < FERRY_START_MAX_DESCRIPTORS; i++)
    flags |= fds[i] >= 0 ? FERRY_START_STDIN << (i - 1) : 0;
  packet =
    new_packet (0, g_variant_new ("(u@ay^ay^aym^aay)", flags, attributes, name, cwd != NULL ? cwd : "", environment));
  if (packet->len > FERRY_MAX_PACKET_SIZE)
    {
      ferry_set_error (
        error, FERRY_ERROR_TOO_LARGE,
        "Worker '%s' cannot be started by its fork server: the request with its environment, folder and name takes %u "
        "bytes, and at most %d can be sent; give the fork server's launcher the same environment, or use a smaller one",
        name, packet->len, FERRY_MAX_PACKET_SIZE);
      return NULL;
    }
  self = g_new0 (FerryStartRequest, 1);
  self->packet = g_steal_pointer (&packet);
  for (guint i = 0; i < FERRY_START_MAX_DESCRIPTORS; i++)
    if (fds[i] >= 0)
      self->fds[self->n_fds++] = ferry_steal_fd (&fds[i]);
  return self;
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
  ((FerryForkServerPacket *) (void *) self->packet->data)->id = id;
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
  g_strfreev (self->environment);
  ferry_clear_fd (&self->control);
  for (guint i = 0; i < G_N_ELEMENTS (self->streams); i++)
    ferry_clear_fd (&self->streams[i]);
}

static gboolean
has_its_descriptors (guint32 flags, const int *fds)
{
  guint n_fds = 1 + (guint) __builtin_popcount (flags & 7);

  for (guint i = 0; i < FERRY_START_MAX_DESCRIPTORS; i++)
    if ((fds[i] >= 0) != (i < n_fds))
      return FALSE;
  return TRUE;
}

/* fork server: returns the id of the next packet if it is a start request, else 0. The packet stays in the socket. */
guint64
ferry_start_order_peek (int control)
{
  FerryForkServerPacket packet;

  if (TEMP_FAILURE_RETRY (recv (control, &packet, sizeof packet, MSG_PEEK | MSG_DONTWAIT)) != (gssize) sizeof packet)
    return 0;
  return packet.header.kind == FERRY_CONTROL_START ? packet.id : 0;
}

/* fork server: takes the next request to start a worker. buffer must have room for FERRY_MAX_PACKET_SIZE bytes. Where
 * this returns FERRY_CONTROL_INVALID only because the request's descriptors could not be received, id is the request's;
 * else id is 0. */
FerryControlEvent
ferry_start_order_receive (FerryStartOrder *self, int control, guint8 *buffer, GError **error)
{
  int fds[FERRY_START_MAX_DESCRIPTORS];
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GVariant) attributes = NULL;
  FerryForkServerPacket fixed = {0};
  gconstpointer bytes;
  gboolean truncated;
  gssize size =
    ferry_control_receive_fixed (control, buffer, FERRY_MAX_PACKET_SIZE, fds, FERRY_START_MAX_DESCRIPTORS, &truncated);

  *self = (FerryStartOrder){.control = -1, .streams = {-1, -1, -1}};
  if (size < 0 && errno == EAGAIN)
    return FERRY_CONTROL_NOTHING;
  if (size <= 0 && fds[0] < 0)
    return FERRY_CONTROL_CLOSED;
  memcpy (&fixed, buffer, MIN ((gsize) MAX (size, 0), sizeof fixed));
  self->id = fixed.id;
  value = truncated ? NULL : read_value (buffer, (gsize) MAX (size, 0), FERRY_CONTROL_START, FERRY_START_TYPE);
  if (value != NULL)
    g_variant_get_child (value, 0, "u", &self->flags);
  if (value == NULL || !has_its_descriptors (self->flags, fds))
    {
      for (guint i = 0; i < FERRY_START_MAX_DESCRIPTORS; i++)
        ferry_clear_fd (&fds[i]);
      if (!truncated)
        self->id = 0;
      ferry_set_error (
        error, FERRY_ERROR_PROTOCOL,
        "The application sent the fork server a request that is incomplete or unknown; raise the limit of open "
        "files, or build application and fork server with the same version of Ferry");
      return FERRY_CONTROL_INVALID;
    }
  g_variant_get (value, "(u@ay^ay^aym^aay)", NULL, &attributes, &self->name, &self->cwd, &self->environment);
  bytes = g_variant_get_fixed_array (attributes, &self->attributes_size, 1);
  self->attributes = g_memdup2 (bytes, self->attributes_size);
  self->control = fds[0];
  for (guint i = 0, n = 1; i < G_N_ELEMENTS (self->streams); i++)
    self->streams[i] = (self->flags & (FERRY_START_STDIN << i)) != 0 ? fds[n++] : -1;
  return FERRY_CONTROL_TAKEN;
}

/* ---- answers, in the fork server ---- */

static gboolean
send_answer (int control, FerryControlKind kind, guint64 id, const guint32 numbers[3], const char *text,
             const int *pidfd)
{
  g_autofree char *cut = g_strndup (text, FERRY_MAX_FAILURE_TEXT);
  GVariant *value = g_variant_new ("(uuu^ay)", numbers[0], numbers[1], numbers[2], cut);
  g_autoptr (GByteArray) packet = new_packet (id, value);

  return ferry_control_send (control, kind, packet->data, packet->len, pidfd, pidfd != NULL, 0) == 0;
}

/* why_executed: (nullable): why the worker was not forked. */
gboolean
ferry_fork_server_send_started (int control, guint64 id, GPid pid, int pidfd, const char *why_executed)
{
  const guint32 numbers[] = {(guint32) pid, 0, 0};

  return send_answer (control, FERRY_CONTROL_STARTED, id, numbers, why_executed != NULL ? why_executed : "", &pidfd);
}

gboolean
ferry_fork_server_send_failed (int control, guint64 id, GPid pid, int error_number, const char *text)
{
  const guint32 numbers[] = {(guint32) pid, (guint32) error_number, 0};

  return send_answer (control, FERRY_CONTROL_FAILED, id, numbers, text, NULL);
}

gboolean
ferry_fork_server_send_ended (int control, guint64 id, int code, int status)
{
  const guint32 numbers[] = {0, (guint32) code, (guint32) status};

  return send_answer (control, FERRY_CONTROL_ENDED, id, numbers, "", NULL);
}

/* ---- answers, in the application ---- */

static gboolean
is_end (guint32 code, guint32 status)
{
  if (code == CLD_EXITED)
    return status <= 255;
  return (code == CLD_KILLED || code == CLD_DUMPED) && status > 0 && status < NSIG;
}

static gboolean
read_answer (FerryForkServerAnswer *self, const FerryForkServerPacket *packet, gsize size)
{
  g_autoptr (GVariant) value = read_value (packet, size, packet->header.kind, FERRY_START_ANSWER_TYPE);
  const char *text;
  guint32 number;
  guint32 status;

  if (value == NULL)
    return FALSE;
  g_variant_get (value, "(uuu^&ay)", &self->pid, &number, &status, &text);
  self->kind = packet->header.kind;
  self->id = packet->id;
  g_strlcpy (self->text, text, sizeof self->text);
  self->code = self->error_number = (int) number;
  self->status = (int) status;
  if (self->pid > G_MAXINT32 || (self->pidfd >= 0 || self->lost_pidfd) != (self->kind == FERRY_CONTROL_STARTED))
    return FALSE;
  if (self->kind == FERRY_CONTROL_STARTED)
    return self->pid > 1;
  return self->kind == FERRY_CONTROL_FAILED ? number <= G_MAXINT32
                                            : self->kind == FERRY_CONTROL_ENDED && is_end (number, status);
}

/* monitor: takes the next answer, without waiting. After FERRY_CONTROL_TAKEN, the caller owns the answer's pidfd. */
FerryControlEvent
ferry_fork_server_answer_receive (FerryForkServerAnswer *self, int control, GError **error)
{
  guint8 packet[MAX_ANSWER] __attribute__ ((aligned (8))) = {0};
  gboolean truncated;
  gssize size;

  *self = (FerryForkServerAnswer){.pidfd = -1};
  size = ferry_control_receive_fixed (control, packet, sizeof packet, &self->pidfd, 1, &truncated);
  if (size < 0 && errno == EAGAIN)
    return FERRY_CONTROL_NOTHING;
  if (size <= 0 && self->pidfd < 0 && !truncated)
    return FERRY_CONTROL_CLOSED;
  /* The kernel drops a descriptor that the process has no room for, and says so as it says that there were too many. */
  self->lost_pidfd = truncated && self->pidfd < 0 && size <= (gssize) sizeof packet;
  if ((!truncated || self->lost_pidfd) &&
      read_answer (self, (const FerryForkServerPacket *) (const void *) packet, (gsize) size))
    return FERRY_CONTROL_TAKEN;
  ferry_clear_fd (&self->pidfd);
  ferry_set_error (
    error, FERRY_ERROR_PROTOCOL,
    "The fork server sent a packet on its control socket that is no answer; build application and fork server "
    "with the same version of Ferry");
  return FERRY_CONTROL_INVALID;
}
