/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The seats of a listener: one for each application that is attached. A seat is its transport's, and goes with its
 * end, on whatever thread that is. */

#include "config.h"

#include "channel/ferry-porter-private.h"

#include <fcntl.h>
#include <poll.h>

#include "base/ferry-base-private.h"
#include "call/ferry-transport-private.h"
#include "channel/ferry-knock-private.h"

/* What an application that is let in needs: a seat's, and its transport's. */
#define N_FDS 4

typedef struct
{
  FerryPorter *porter; /* const: (owned) */
  int fd;              /* const: (owned): of the same socket, to look whether its application has hung up */
  pid_t pid;           /* const: of the application */
} Seat;

static void
tell (FerryPorter *self)
{
  GSource *source = NULL;

  pthread_mutex_lock (&self->lock);
  pthread_cond_broadcast (&self->changed);
  if (self->context != NULL && !self->telling)
    {
      self->telling = TRUE;
      source = g_idle_source_new ();
      g_source_set_priority (source, G_PRIORITY_DEFAULT);
      g_source_set_callback (source, self->news, ferry_porter_ref (self), (GDestroyNotify) ferry_porter_unref);
      g_source_attach (source, self->context);
    }
  pthread_mutex_unlock (&self->lock);
  g_clear_pointer (&source, g_source_unref);
}

/* any: the end of the transport. */
static void
leave_seat (gpointer data)
{
  Seat *seat = data;
  FerryPorter *porter = seat->porter;

  pthread_mutex_lock (&porter->lock);
  g_ptr_array_remove_fast (porter->seats, seat);
  pthread_mutex_unlock (&porter->lock);
  ferry_clear_fd (&seat->fd);
  g_free (seat);
  tell (porter);
  ferry_porter_wake (porter);
  ferry_porter_unref (porter);
}

gboolean
ferry_porter_has_seat_locked (FerryPorter *self)
{
  return self->seats->len < self->max_attached;
}

static gboolean
has_hung_up (const Seat *seat)
{
  struct pollfd look = {.fd = seat->fd, .events = POLLRDHUP};

  return poll (&look, 1, 0) > 0;
}

gboolean
ferry_porter_may_have_seat_soon (FerryPorter *self, pid_t pid)
{
  gboolean may;

  pthread_mutex_lock (&self->lock);
  may = ferry_porter_has_seat_locked (self);
  for (guint i = 0; i < self->seats->len && !may; i++)
    {
      const Seat *seat = self->seats->pdata[i];

      may = seat->pid == pid || has_hung_up (seat);
    }
  pthread_mutex_unlock (&self->lock);
  return may;
}

static FerryTransport *
make_transport (int *fd, GError **error)
{
  g_autoptr (GSocket) socket = g_socket_new_from_fd (*fd, error);
  g_autoptr (GSocketConnection) connection = NULL;

  if (socket == NULL)
    return NULL;
  /* It is the socket's now. */
  *fd = -1;
  connection = g_socket_connection_factory_create_connection (socket);
  return ferry_transport_new_for_stream (G_IO_STREAM (connection), error);
}

/* Those who have left before anybody took them make room for those who come. */
static void
arrive_locked (FerryPorter *self, FerryTransport *transport, GQueue *left)
{
  for (GList *l = self->arrived.head, *next; l != NULL; l = next)
    {
      next = l->next;
      if (!ferry_transport_get_closed (l->data))
        continue;
      g_queue_push_tail (left, l->data);
      g_queue_delete_link (&self->arrived, l);
    }
  g_queue_push_tail (self->stopped ? left : &self->arrived, g_object_ref (transport));
}

void
ferry_porter_let_in (FerryPorter *self, int fd, pid_t pid)
{
  ferry_autofd socket = fd;
  g_autoptr (FerryTransport) transport = NULL;
  g_autoptr (GError) error = NULL;
  GQueue left = G_QUEUE_INIT;
  Seat *seat;

  if (!ferry_check_free_fds (N_FDS, &error))
    {
      g_debug ("Process %d could not be attached: %s", (int) pid, error->message);
      ferry_knock_send_answer (socket, FERRY_KNOCK_BUSY, "it has no descriptors left; try again when it has some");
      return;
    }
  /* The seat first: whoever has been welcomed counts. */
  seat = g_new (Seat, 1);
  *seat = (Seat){ferry_porter_ref (self), fcntl (socket, F_DUPFD_CLOEXEC, 0), pid};
  pthread_mutex_lock (&self->lock);
  g_ptr_array_add (self->seats, seat);
  pthread_mutex_unlock (&self->lock);
  if (ferry_knock_send_answer (socket, FERRY_KNOCK_WELCOME, ""))
    transport = make_transport (&socket, &error);
  if (transport == NULL)
    {
      g_debug ("Process %d could not be attached: %s", (int) pid, error != NULL ? error->message : "it has left");
      leave_seat (seat);
      return;
    }
  ferry_transport_set_end_func (transport, leave_seat, seat);
  pthread_mutex_lock (&self->lock);
  arrive_locked (self, transport, &left);
  pthread_mutex_unlock (&self->lock);
  g_queue_clear_full (&left, g_object_unref);
  tell (self);
}
