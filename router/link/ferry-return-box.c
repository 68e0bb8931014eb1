/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Both ends of a return box. See ferry-return-box-private.h. */

#include "config.h"

#include "link/ferry-return-box-private.h"

#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>

#include "base/ferry-base-private.h"
#include "wire/ferry-handshake-private.h"

struct _FerryReturnBox
{
  FerryDescriptorBox *descriptors; /* const: (owned) */

  pthread_mutex_t lock;
  int worker_end; /* lock: (owned): the worker's socket until it is sent, else -1 */
};

/* ---- the application's end ---- */

FerryReturnBox *
ferry_return_box_new (guint max)
{
  FerryReturnBox *self = g_new0 (FerryReturnBox, 1);

  self->descriptors = ferry_descriptor_box_new (max);
  self->worker_end = -1;
  pthread_mutex_init (&self->lock, NULL);
  return self;
}

void
ferry_return_box_free (FerryReturnBox *self)
{
  ferry_clear_fd (&self->worker_end);
  ferry_descriptor_box_free (self->descriptors);
  pthread_mutex_destroy (&self->lock);
  g_free (self);
}

FerryDescriptorBox *
ferry_return_box_get_descriptors (FerryReturnBox *self)
{
  return self->descriptors;
}

static gboolean
open_locked (FerryReturnBox *self, GError **error)
{
  FerryReturns packet = {.max = ferry_descriptor_box_get_max (self->descriptors)};
  ferry_autofd inbox = -1;

  if (!ferry_control_socket_pair (&inbox, &self->worker_end, error))
    return FALSE;
  errno = ferry_control_send (inbox, FERRY_CONTROL_RETURNS, &packet, sizeof packet, NULL, 0, MSG_DONTWAIT);
  if (errno == 0)
    {
      ferry_descriptor_box_set_inbox (self->descriptors, ferry_steal_fd (&inbox));
      return TRUE;
    }
  ferry_set_system_error (error, "Opening a way for the descriptors of a function (sendmsg)");
  ferry_clear_fd (&self->worker_end);
  return FALSE;
}

int
ferry_return_box_begin (FerryReturnBox *self, GError **error)
{
  FERRY_AUTO_LOCK (&self->lock);

  return self->worker_end >= 0 || open_locked (self, error) ? self->worker_end : -1;
}

void
ferry_return_box_note_sent (FerryReturnBox *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  ferry_clear_fd (&self->worker_end);
}

void
ferry_return_box_end (FerryReturnBox *self)
{
  ferry_return_box_note_sent (self);
  ferry_descriptor_box_end (self->descriptors);
}

/* ---- the worker's end ---- */

guint
ferry_return_box_read_max (int fd, GError **error)
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
