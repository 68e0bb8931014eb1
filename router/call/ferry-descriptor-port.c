/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a transport sends and receives beside its messages. See ferry-descriptor-port-private.h. */

#include "config.h"

#include "call/ferry-descriptor-port-private.h"

#include <fcntl.h>

#include "base/ferry-base-private.h"
#include "link/ferry-orphan-private.h"
#include "wire/ferry-handshake-private.h"

void
ferry_descriptor_port_init (FerryDescriptorPort *self)
{
  *self = (FerryDescriptorPort){.box = ferry_descriptor_box_new (0), .outbox = -1};
  pthread_mutex_init (&self->lock, NULL);
}

void
ferry_descriptor_port_clear (FerryDescriptorPort *self)
{
  ferry_clear_fd (&self->outbox);
  ferry_descriptor_box_free (self->box);
  pthread_mutex_destroy (&self->lock);
}

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

  self->outbox = socket;
  if (copy >= 0)
    ferry_descriptor_box_set_inbox (self->box, copy);
  return !self->both_ways || copy >= 0 || ferry_set_system_error (error, "Copying a socket (fcntl)");
}

static gboolean
open_locked (FerryDescriptorPort *self, GError **error)
{
  ferry_autofd mine = -1;
  ferry_autofd other = -1;

  if (self->outbox >= 0)
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

  is_second = ferry_descriptor_box_has_inbox (self->box);
  if (socket < 0)
    self->short_of_fds = TRUE;
  else if (self->ended || is_second)
    ferry_orphan_close (socket);
  else if (!self->both_ways)
    ferry_descriptor_box_set_inbox (self->box, socket);
  else if (!use_locked (self, socket, NULL))
    self->short_of_fds = TRUE;
  return !is_second;
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
      !ferry_descriptor_send (self->outbox, fd, "The other end takes no descriptors any more; open a new transport",
                              error))
    return -1;
  return self->n_sent++;
}

static gboolean
check_receives (FerryDescriptorPort *self, GError **error)
{
  FERRY_AUTO_LOCK (&self->lock);

  if (ferry_descriptor_box_get_max (self->box) == 0)
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "This end takes no descriptors; set FerryTransport:max-descriptors to how many may wait "
                            "here");
  return !self->short_of_fds || ferry_set_error (error, FERRY_ERROR_SYSTEM,
                                                 "The other end's descriptors did not come, since this process had too "
                                                 "many files open; raise that limit, and open a new transport");
}

int
ferry_descriptor_port_take (FerryDescriptorPort *self, gint handle, GError **error)
{
  return check_receives (self, error) ? ferry_descriptor_box_take (self->box, handle, "The other end", NULL, error)
                                      : -1;
}

void
ferry_descriptor_port_end (FerryDescriptorPort *self)
{
  FERRY_AUTO_LOCK (&self->lock);

  self->ended = TRUE;
  ferry_clear_fd (&self->outbox);
  ferry_descriptor_box_end (self->box);
}
