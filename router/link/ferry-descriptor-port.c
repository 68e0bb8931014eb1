/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How descriptors go between two processes beside their messages: a socket pair, and packets in order.
 *
 * A packet brings one descriptor. Its handle is its place in the order of the packets, so the sending process has no
 * number to lie with. It sends a descriptor before the message that names it, so the descriptor is there when the
 * message is. Packets are taken from the socket only when a handle is asked for.
 *
 * A transport makes the pair when it first sends a descriptor. A task's port only receives: each attempt has a pair of
 * its own. docs/protocol.md says how a socket comes to the other end.
 *
 * Owner:   the object that has the messages.
 * Threads: any, as each function takes the lock, which is held while a socket is passed to the other end.
 * Trust:   none in the other process. A packet with anything but one descriptor counts as one that has none, and one
 *          with several is the last that is taken. At most `max` descriptors wait here; the others wait in the socket,
 *          where the system bounds them. No system call is made on a descriptor before it is asked for, and the port
 *          closes none itself: see ferry-orphan.c. */

#include "config.h"

#include "link/ferry-descriptor-port-private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "base/ferry-base-private.h"
#include "link/ferry-orphan-private.h"
#include "wire/ferry-handshake-private.h"

/* In place of a descriptor: the other process sent a packet without it, or this process had too many files open. */
#define NEVER_CAME (-1)

void
ferry_descriptor_port_init (FerryDescriptorPort *self, guint max)
{
  *self = (FerryDescriptorPort){.receiving = -1, .sending = -1};
  self->max = MIN (max, FERRY_MAX_FDS_PER_LINK);
  self->there = g_hash_table_new (NULL, NULL);
  pthread_mutex_init (&self->lock, NULL);
}

/* Another thread closes what came, and what is still in the socket. */
static void
empty_locked (FerryDescriptorPort *self)
{
  GArray *orphans = ferry_orphans_new ();
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->there);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      int fd = GPOINTER_TO_INT (value);

      if (fd != NEVER_CAME)
        g_array_append_val (orphans, fd);
    }
  g_hash_table_remove_all (self->there);
  if (self->receiving >= 0)
    g_array_append_val (orphans, self->receiving);
  self->receiving = -1;
  self->is_over = FALSE;
  self->n_came = 0;
  ferry_orphans_free (orphans);
}

void
ferry_descriptor_port_clear (FerryDescriptorPort *self)
{
  ferry_clear_fd (&self->sending);
  empty_locked (self);
  g_hash_table_unref (self->there);
  pthread_mutex_destroy (&self->lock);
}

guint
ferry_descriptor_port_get_max (FerryDescriptorPort *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  return self->max;
}

void
ferry_descriptor_port_set_max (FerryDescriptorPort *self, guint max)
{
  FERRY_AUTO_LOCK (&self->lock);
  self->max = MIN (max, FERRY_MAX_FDS_PER_LINK);
}

static gboolean
has_more_locked (FerryDescriptorPort *self)
{
  guint8 byte;
  gssize size;

  if (self->receiving < 0 || self->is_over)
    return FALSE;
  /* That the other end has closed its socket without reading it is told once, before what it has sent. */
  do
    size = recv (self->receiving, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT);
  while (size < 0 && (errno == ECONNRESET || errno == EINTR));
  return size > 0;
}

/* Takes socket. Handles begin at 0 again, and what came through the socket before is dropped. */
static void
set_receiving_locked (FerryDescriptorPort *self, int socket)
{
  empty_locked (self);
  self->receiving = socket;
}

void
ferry_descriptor_port_end (FerryDescriptorPort *self)
{
  FERRY_AUTO_LOCK (&self->lock);

  self->ended = TRUE;
  ferry_clear_fd (&self->sending);
  /* A later send of the other process fails. What is in the socket can still be taken. */
  if (self->receiving >= 0)
    shutdown (self->receiving, SHUT_RD);
}

/* ---- the sockets of a transport ---- */

static gboolean
set_closed_error (GError **error)
{
  return ferry_set_error (error, FERRY_ERROR_CLOSED, "The transport is closed; send descriptors over a new one");
}

/* Makes this end send through socket, and receive through it where it serves both directions. Takes socket. */
static gboolean
use_locked (FerryDescriptorPort *self, int socket, GError **error)
{
  int copy = self->both_ways ? fcntl (socket, F_DUPFD_CLOEXEC, 0) : -1;

  self->sending = socket;
  if (copy >= 0)
    set_receiving_locked (self, copy);
  return !self->both_ways || copy >= 0 || ferry_set_system_error (error, "Copying a socket (fcntl)");
}

static gboolean
open_locked (FerryDescriptorPort *self, GError **error)
{
  ferry_autofd mine = -1;
  ferry_autofd other = -1;

  if (self->sending >= 0)
    return TRUE;
  if (self->ended)
    return set_closed_error (error);
  if (self->pass == NULL && self->both_ways)
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "The application takes no descriptors over this transport; it must set "
                            "FerryTransport:max-descriptors at its end");
  if (self->pass == NULL)
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "This kind of transport sends no descriptors; use the transport of a worker, of a task, of "
                            "a pair, or over a socket of this machine");
  return ferry_control_socket_pair (&mine, &other, error) && self->pass (self->pass_data, other, error) &&
         use_locked (self, ferry_steal_fd (&mine), error);
}

gboolean
ferry_descriptor_port_open (FerryDescriptorPort *self, GError **error)
{
  FERRY_AUTO_LOCK (&self->lock);
  return open_locked (self, error);
}

gboolean
ferry_descriptor_port_join (FerryDescriptorPort *self, int socket)
{
  gboolean is_second;
  FERRY_AUTO_LOCK (&self->lock);

  is_second = self->receiving >= 0;
  if (socket < 0)
    self->short_of_fds = TRUE;
  else if (self->ended || is_second)
    ferry_orphan_close (socket);
  else if (!self->both_ways)
    set_receiving_locked (self, socket);
  else if (!use_locked (self, socket, NULL))
    self->short_of_fds = TRUE;
  return !is_second;
}

/* ---- the sockets of a task ---- */

static gboolean
open_attempt_locked (FerryDescriptorPort *self, GError **error)
{
  FerryReturns packet = {.max = self->max};
  ferry_autofd receiving = -1;

  if (!ferry_control_socket_pair (&receiving, &self->sending, error))
    return FALSE;
  errno = ferry_control_send (receiving, FERRY_CONTROL_RETURNS, &packet, sizeof packet, NULL, 0, MSG_DONTWAIT);
  if (errno == 0)
    {
      set_receiving_locked (self, ferry_steal_fd (&receiving));
      return TRUE;
    }
  ferry_set_system_error (error, "Opening a way for the descriptors of a function (sendmsg)");
  ferry_clear_fd (&self->sending);
  return FALSE;
}

int
ferry_descriptor_port_begin_attempt (FerryDescriptorPort *self, GError **error)
{
  FERRY_AUTO_LOCK (&self->lock);

  return self->sending >= 0 || open_attempt_locked (self, error) ? self->sending : -1;
}

void
ferry_descriptor_port_note_sent (FerryDescriptorPort *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  ferry_clear_fd (&self->sending);
}

void
ferry_descriptor_port_end_attempt (FerryDescriptorPort *self, gboolean all)
{
  FERRY_AUTO_LOCK (&self->lock);

  if (all || (self->n_came == 0 && !has_more_locked (self)))
    empty_locked (self);
}

guint
ferry_descriptor_port_read_max (int fd, GError **error)
{
  FerryReturns packet = {0};
  /* The packet stays in the socket, which the call's other threads may read too. */
  gssize size = TEMP_FAILURE_RETRY (recv (fd, &packet, sizeof packet, MSG_DONTWAIT | MSG_PEEK));

  if (size == sizeof packet && ferry_control_is (&packet.header, (gsize) size, FERRY_CONTROL_RETURNS) && packet.max > 0)
    return packet.max;
  ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                   "The application has not said how many descriptors a function may return; build application and "
                   "worker with the same version of Ferry");
  return 0;
}

/* ---- sending ---- */

gboolean
ferry_descriptor_send (int socket, int fd, const char *closed, GError **error)
{
  errno = ferry_control_send_descriptor (socket, fd);
  if (errno == EPIPE || errno == ECONNRESET)
    return ferry_set_error (error, FERRY_ERROR_CLOSED, "%s", closed);
  if (errno == EAGAIN)
    return ferry_set_error (error, FERRY_ERROR_WOULD_BLOCK,
                            "Too many descriptors wait for the other end to take them; send again when it has");
  return errno == 0 || ferry_set_system_error (error, "Sending a descriptor (sendmsg), which must be open,");
}

gint
ferry_descriptor_port_send (FerryDescriptorPort *self, int fd, GError **error)
{
  FERRY_AUTO_LOCK (&self->lock);

  if (self->n_sent == G_MAXINT)
    {
      ferry_set_error (error, FERRY_ERROR_TOO_LARGE, "The transport has no more handles; send over a new one");
      return -1;
    }
  if (!open_locked (self, error) ||
      !ferry_descriptor_send (self->sending, fd, "The other end takes no descriptors any more; open a new transport",
                              error))
    return -1;
  return self->n_sent++;
}

/* ---- receiving ---- */

/* Takes the next packet of a socket. Does not wait. Sets *fd (transfer full) to its descriptor, or to -1 if it has
 * none or several, or this process has too many files open; and *several. Returns FALSE if no packet is there, or with
 * FERRY_ERROR_SYSTEM. */
static gboolean
receive_descriptor (int socket, int *fd, gboolean *several, GError **error)
{
  GArray *descriptors = ferry_orphans_new ();
  FerryControlHeader packet;
  gsize size;
  FerryControlEvent event;
  int failure;

  errno = 0;
  event = ferry_control_receive_packet (socket, &packet, sizeof packet, &size, descriptors, NULL, NULL);
  failure = event == FERRY_CONTROL_CLOSED && ferry_is_shortage (errno) ? errno : 0;
  *several = descriptors->len > 1;
  *fd = NEVER_CAME;
  if (event == FERRY_CONTROL_TAKEN && descriptors->len == 1)
    {
      *fd = g_array_index (descriptors, int, 0);
      g_array_set_size (descriptors, 0);
    }
  ferry_orphans_free (descriptors);
  errno = failure;
  if (failure != 0)
    return ferry_set_system_error (error, "Receiving a descriptor (recvmsg)");
  return event != FERRY_CONTROL_NOTHING && event != FERRY_CONTROL_CLOSED;
}

/* Takes one packet from the socket. Returns FALSE if there is none, or with an error. */
static gboolean
receive_locked (FerryDescriptorPort *self, GError **error)
{
  int fd;

  /* The kernel gives a packet's descriptors to this process one by one, so 64 packets with many would take 0.1 s. */
  if (!receive_descriptor (self->receiving, &fd, &self->is_over, error))
    return FALSE;
  g_hash_table_insert (self->there, GINT_TO_POINTER (self->n_came), GINT_TO_POINTER (fd));
  self->n_came++;
  return TRUE;
}

/* Why there is no descriptor with a handle. */
static gboolean
set_missing_error_locked (FerryDescriptorPort *self, gint handle, const char *sender, GError **error)
{
  if (handle >= 0 && handle < self->n_came)
    return ferry_set_error (error, FERRY_ERROR_CLOSED,
                            "The descriptor with handle %d was taken already; use it where it is", handle);
  if (g_hash_table_size (self->there) >= self->max && has_more_locked (self))
    return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                            "%s has sent more than the %u descriptors that may wait here; take those that are there, "
                            "or let more wait",
                            sender, self->max);
  return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                          "%s has not sent handle %d; %d descriptors have come; name a handle only after the function "
                          "that sends descriptors has returned it",
                          sender, handle, self->n_came);
}

/* Returns a descriptor, which stays the port's, or -1 with an error. */
static int
find_locked (FerryDescriptorPort *self, gint handle, const char *sender, GError **error)
{
  g_autoptr (GError) failure = NULL;
  gpointer value;

  while (self->receiving >= 0 && !self->is_over && handle >= self->n_came &&
         g_hash_table_size (self->there) < self->max)
    if (!ferry_check_free_fds (1, &failure) || !receive_locked (self, &failure))
      break;
  if (failure != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return -1;
    }
  if (!g_hash_table_lookup_extended (self->there, GINT_TO_POINTER (handle), NULL, &value))
    {
      set_missing_error_locked (self, handle, sender, error);
      return -1;
    }
  if (GPOINTER_TO_INT (value) == NEVER_CAME)
    ferry_set_error (error, FERRY_ERROR_SYSTEM,
                     "%s has sent handle %d, and its descriptor did not come; raise the limit of open files", sender,
                     handle);
  return GPOINTER_TO_INT (value);
}

static gboolean
check_receives_locked (FerryDescriptorPort *self, GError **error)
{
  if (self->max == 0)
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "This end takes no descriptors; set FerryTransport:max-descriptors to how many may wait "
                            "here");
  return !self->short_of_fds || ferry_set_error (error, FERRY_ERROR_SYSTEM,
                                                 "The other end's descriptors did not come, since this process had too "
                                                 "many files open; raise that limit, and open a new transport");
}

int
ferry_descriptor_port_dup (FerryDescriptorPort *self, gint handle, const char *sender, GError **error)
{
  int copy;
  int fd;
  FERRY_AUTO_LOCK (&self->lock);

  fd = find_locked (self, handle, sender, error);
  copy = fd >= 0 ? fcntl (fd, F_DUPFD_CLOEXEC, 0) : -1;
  if (fd >= 0 && copy < 0)
    ferry_set_system_error (error, "Copying a descriptor (fcntl)");
  return copy;
}

int
ferry_descriptor_port_take (FerryDescriptorPort *self, gint handle, const char *sender,
                            gboolean (*check) (int fd, GError **error), GError **error)
{
  int fd;
  FERRY_AUTO_LOCK (&self->lock);

  fd = check_receives_locked (self, error) ? find_locked (self, handle, sender, error) : -1;
  if (fd < 0 || (check != NULL && !check (fd, error)))
    return -1;
  g_hash_table_remove (self->there, GINT_TO_POINTER (handle));
  return fd;
}
