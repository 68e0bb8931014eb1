/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Both ends of a return box. See ferry-return-box-private.h. */

#include "config.h"

#include "link/ferry-return-box-private.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>

#include "base/ferry-base-private.h"
#include "link/ferry-handshake-private.h"
#include "link/ferry-orphan-private.h"

/* In place of a descriptor. */
#define NEVER_CAME (-1) /* the worker sent a packet without it, or this process had too many files open */
#define TAKEN (-2)      /* ferry_return_box_take() has returned it */

struct _FerryReturnBox
{
  guint max; /* const */

  pthread_mutex_t lock;
  int inbox;      /* lock: (owned): the application's socket, or -1 */
  int worker_end; /* lock: (owned): the worker's socket until it is sent, else -1 */
  GArray *came;   /* lock: (element-type int) (owned elements): the descriptors that were taken from the inbox */
};

/* ---- the application's end ---- */

FerryReturnBox *
ferry_return_box_new (guint max)
{
  FerryReturnBox *self = g_new0 (FerryReturnBox, 1);

  self->max = MIN (max, FERRY_MAX_FDS_PER_LINK);
  self->inbox = -1;
  self->worker_end = -1;
  self->came = ferry_orphans_new ();
  pthread_mutex_init (&self->lock, NULL);
  return self;
}

/* Drops what came. Another thread closes it, and what is still in the socket. Leaves no array. */
static void
empty_locked (FerryReturnBox *self)
{
  GArray *orphans = ferry_orphans_new ();

  for (guint i = 0; i < self->came->len; i++)
    if (g_array_index (self->came, int, i) >= 0)
      g_array_append_val (orphans, g_array_index (self->came, int, i));
  if (self->inbox >= 0)
    g_array_append_val (orphans, self->inbox);
  self->inbox = -1;
  ferry_clear_fd (&self->worker_end);
  g_clear_pointer (&self->came, g_array_unref);
  ferry_orphans_free (orphans);
}

void
ferry_return_box_free (FerryReturnBox *self)
{
  empty_locked (self);
  pthread_mutex_destroy (&self->lock);
  g_free (self);
}

static gboolean
open_locked (FerryReturnBox *self, GError **error)
{
  FerryReturns packet = {.max = self->max};

  if (!ferry_control_socket_pair (&self->inbox, &self->worker_end, error))
    return FALSE;
  errno = ferry_control_send (self->inbox, FERRY_CONTROL_RETURNS, &packet, sizeof packet, NULL, 0, MSG_DONTWAIT);
  if (errno == 0)
    return TRUE;
  ferry_set_system_error (error, "Opening a way for the descriptors of a function (sendmsg)");
  ferry_clear_fd (&self->inbox);
  ferry_clear_fd (&self->worker_end);
  return FALSE;
}

int
ferry_return_box_begin (FerryReturnBox *self, GError **error)
{
  FERRY_AUTO_LOCK (&self->lock);

  if (self->worker_end >= 0)
    return self->worker_end;
  empty_locked (self);
  self->came = ferry_orphans_new ();
  return open_locked (self, error) ? self->worker_end : -1;
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
  FERRY_AUTO_LOCK (&self->lock);

  ferry_clear_fd (&self->worker_end);
  /* A later send of the worker fails. What is in the socket can still be taken. */
  if (self->inbox >= 0)
    shutdown (self->inbox, SHUT_RD);
}

/* Takes one packet from the inbox. Returns FALSE if there is none, or with an error. */
static gboolean
receive_locked (FerryReturnBox *self, GError **error)
{
  GArray *descriptors = ferry_orphans_new ();
  FerryControlHeader packet;
  gsize size;
  int fd = NEVER_CAME;
  FerryControlEvent event;
  int failure;

  errno = 0;
  event = ferry_control_receive_packet (self->inbox, &packet, sizeof packet, &size, descriptors, NULL, NULL);
  failure = event == FERRY_CONTROL_CLOSED && ferry_is_shortage (errno) ? errno : 0;
  if (event == FERRY_CONTROL_TAKEN && descriptors->len == 1)
    {
      fd = g_array_index (descriptors, int, 0);
      g_array_set_size (descriptors, 0);
    }
  ferry_orphans_free (descriptors);
  errno = failure;
  if (failure != 0)
    return ferry_set_system_error (error, "Receiving a function's descriptor (recvmsg)");
  if (event == FERRY_CONTROL_NOTHING || event == FERRY_CONTROL_CLOSED)
    return FALSE;
  g_array_append_val (self->came, fd);
  return TRUE;
}

/* Returns the place of a descriptor in the array, or NULL with an error. */
static int *
find_locked (FerryReturnBox *self, gint handle, const char *function, GError **error)
{
  g_autoptr (GError) failure = NULL;
  int *place;

  while (self->inbox >= 0 && handle >= (gint) self->came->len && self->came->len < self->max)
    if (!ferry_check_free_fds (1, &failure) || !receive_locked (self, &failure))
      break;
  if (failure != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return NULL;
    }
  if (handle < 0 || handle >= (gint) self->came->len)
    {
      ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                       "The function '%s' has returned %u descriptors, and no handle %d; send a handle only after "
                       "ferry_job_return_descriptor() has returned it",
                       function, self->came->len, handle);
      return NULL;
    }
  place = &g_array_index (self->came, int, handle);
  if (*place >= 0)
    return place;
  if (*place == TAKEN)
    ferry_set_error (error, FERRY_ERROR_CLOSED,
                     "Handle %d of the function '%s' has become a transport already; use that transport", handle,
                     function);
  else
    ferry_set_error (error, FERRY_ERROR_SYSTEM,
                     "The descriptor of handle %d of the function '%s' did not come; raise the limit of open files",
                     handle, function);
  return NULL;
}

int
ferry_return_box_dup (FerryReturnBox *self, gint handle, const char *function, GError **error)
{
  int copy;
  int *place;
  FERRY_AUTO_LOCK (&self->lock);

  place = find_locked (self, handle, function, error);
  copy = place != NULL ? fcntl (*place, F_DUPFD_CLOEXEC, 0) : -1;
  if (place != NULL && copy < 0)
    ferry_set_system_error (error, "Copying a function's descriptor (fcntl)");
  return copy;
}

int
ferry_return_box_take (FerryReturnBox *self, gint handle, const char *function,
                       gboolean (*check) (int fd, GError **error), GError **error)
{
  int fd;
  int *place;
  FERRY_AUTO_LOCK (&self->lock);

  place = find_locked (self, handle, function, error);
  if (place == NULL || (check != NULL && !check (*place, error)))
    return -1;
  fd = *place;
  *place = TAKEN;
  return fd;
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

gboolean
ferry_return_box_send (int fd, int returned, GError **error)
{
  FerryControlHeader packet = {0};

  errno = ferry_control_send (fd, FERRY_CONTROL_RETURN, &packet, sizeof packet, &returned, 1, MSG_DONTWAIT);
  if (errno == EPIPE || errno == ECONNRESET)
    return ferry_set_error (error, FERRY_ERROR_CLOSED, "The task is over, and takes no descriptors any more");
  return errno == 0 || ferry_set_system_error (error, "Returning a descriptor (sendmsg), which must be open,");
}
