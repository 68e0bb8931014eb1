/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* One connection to a NATS server, and the thread that reads it.
 *
 * It has subscriptions, and messages in both directions.
 *
 * Without TLS, a thread of the link reads the socket and calls handlers.take. A sending thread writes to the socket as
 * much as it takes. Nothing waits, and a message changes threads once at each end. With TLS, the NATS library has a
 * thread for each of these, and sending may wait.
 *
 * Without TLS, the NATS library takes this for an external event loop: it leaves the socket alone, and says when there
 * is something to write. The link's thread polls the socket. What has been read lies in the subscriptions, from which
 * the thread takes it without waiting. When a connection ends, the library closes the socket before 3.10, and leaves
 * that to the link since.
 *
 * Not with TLS: the library would wait for the rest of a record, and would free what it waits with when the connection
 * ends meanwhile. The library uses TLS where the server wants it, and does not tell, so the thread looks at the first
 * byte that it reads.
 *
 * The library calls link_write_changed() and its like with its own lock held, so they call nothing of the library.
 *
 * Owner:   counted references: the maker's, and the library's from attach to detach, which may come later than the end
 *          of the connection.
 * Threads: its owner's, which may wait, unless a function says another.
 * Locks:   writing, then the library's, then lock.
 * Trust:   the server is not trusted. */

#include "config.h"

#include "cluster/ferry-server-link-private.h"

#include "cluster/ferry-server-access-private.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/ferry-base-private.h"
#include "lane/ferry-wake-private.h"

#define MAX_SUBSCRIPTIONS 3

/* How many messages that were taken are kept, and about how many bytes of them, to be given back at a time. The library
 * has a thread that frees them, and wakes it for each one that comes while it sleeps. */
#define MAX_TAKEN 32
#define MAX_TAKEN_SIZE (256 * 1024)

struct _FerryServerLink
{
  _Atomic gint references;
  const FerryServerHandlers *handlers; /* const */
  gpointer closure;                    /* const */
  natsConnection *nats;                /* const once connected: (owned) */
  int fd;                              /* const once connected: -1: the library reads and writes itself */
  int doorbell;                        /* const: (owned): makes the thread look at everything again */
  GThread *thread;                     /* (owned) (nullable) */
  pthread_mutex_t writing;             /* while the socket is written to */
  pthread_mutex_t lock;
  natsSubscription *subscriptions[MAX_SUBSCRIPTIONS]; /* lock: (owned) */
  guint n_subscriptions;                              /* lock */
  gboolean is_sending;                                /* lock: a sender will write, or has written */
  gboolean has_unwritten;                             /* lock: the library has something to write */
  gboolean is_over;                                   /* lock: the socket is not used any more */
  gboolean has_tls;                                   /* lock */
  gboolean has_looked;                                /* the thread's, as the next ones: has_tls is right */
  natsMsg *taken[MAX_TAKEN];                          /* (owned) */
  guint n_taken;
  gsize taken_size;
};

static void
link_unref (FerryServerLink *self)
{
  if (!ferry_ref_count_dec (&self->references))
    return;
#if NATS_VERSION_NUMBER >= 0x030a00
  /* Not before: neither the library nor the thread uses it any more. */
  if (self->fd >= 0)
    natsConnection_ProcessCloseEvent (&self->fd);
#endif
  ferry_clear_fd (&self->doorbell);
  pthread_mutex_destroy (&self->writing);
  pthread_mutex_destroy (&self->lock);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryServerLink, link_unref)

/* ---- What the library tells, on any thread ---- */

static natsStatus
link_attached (void **data, void *loop, natsConnection *nats, natsSock fd)
{
  FerryServerLink *self = loop;

  ferry_ref_count_inc (&self->references);
  self->fd = fd;
  *data = self;
  return NATS_OK;
}

/* The library does not use the socket any more, and may close it next. */
static natsStatus
link_read_changed (void *data, bool add)
{
  FerryServerLink *self = data;

  if (add)
    return NATS_OK;
  pthread_mutex_lock (&self->lock);
  self->is_over = TRUE;
  pthread_mutex_unlock (&self->lock);
  ferry_doorbell_ring (self->doorbell);
  return NATS_OK;
}

static natsStatus
link_write_changed (void *data, bool add)
{
  FerryServerLink *self = data;
  gboolean must_ring;

  pthread_mutex_lock (&self->lock);
  self->has_unwritten = add;
  must_ring = add && !self->is_sending;
  pthread_mutex_unlock (&self->lock);
  if (must_ring)
    ferry_doorbell_ring (self->doorbell);
  return NATS_OK;
}

static natsStatus
link_detached (void *data)
{
  link_unref (data);
  return NATS_OK;
}

natsStatus
ferry_server_link_join (FerryServerLink *self, natsOptions *options)
{
  return natsOptions_SetEventLoop (options, self, link_attached, link_read_changed, link_write_changed, link_detached);
}

/* ---- Writing ---- */

gboolean
ferry_server_link_is_clear (FerryServerLink *self)
{
  FERRY_AUTO_LOCK (&self->lock);

  return !self->has_unwritten;
}

gboolean
ferry_server_link_waits_never (FerryServerLink *self)
{
  return self->fd >= 0;
}

/* any: writes as much as the socket takes. The library takes the writing of nothing for an end of the connection. */
static void
write_some (FerryServerLink *self)
{
  pthread_mutex_lock (&self->writing);
  if (!ferry_server_link_is_clear (self))
    natsConnection_ProcessWriteEvent (self->nats);
  pthread_mutex_unlock (&self->writing);
}

static void
set_sending (FerryServerLink *self, gboolean is_sending)
{
  FERRY_AUTO_LOCK (&self->lock);

  self->is_sending = is_sending;
}

natsStatus
ferry_server_link_send (FerryServerLink *self, const char *subject, gconstpointer data, gsize size)
{
  natsStatus status;

  if (!ferry_server_link_waits_never (self))
    return natsConnection_Publish (self->nats, subject, data, (int) size);
  set_sending (self, TRUE);
  status = natsConnection_Publish (self->nats, subject, data, (int) size);
  write_some (self);
  set_sending (self, FALSE);
  if (!ferry_server_link_is_clear (self))
    ferry_doorbell_ring (self->doorbell);
  return status;
}

/* ---- The link's thread ---- */

static void
give_taken_back (FerryServerLink *self)
{
  for (guint i = 0; i < self->n_taken; i++)
    natsMsg_Destroy (self->taken[i]);
  self->n_taken = 0;
  self->taken_size = 0;
}

static void
take_message (FerryServerLink *self, natsMsg *message)
{
  self->handlers->take (message, self->closure);
  self->taken[self->n_taken++] = message;
  self->taken_size += (gsize) natsMsg_GetDataLength (message);
  if (self->n_taken == MAX_TAKEN || self->taken_size > MAX_TAKEN_SIZE)
    give_taken_back (self);
}

/* Takes all that has come for one subscription. */
static void
take_messages (FerryServerLink *self, natsSubscription *subscription)
{
  natsMsg *message;
  int n = 0;

  /* Asked for before, as taking what is not there makes the library write an error. */
  while (natsSubscription_GetPending (subscription, &n, NULL) == NATS_OK && n > 0)
    for (; n > 0 && natsSubscription_NextMsg (&message, subscription, 0) == NATS_OK; n--)
      take_message (self, message);
}

static void
take_all (FerryServerLink *self)
{
  natsSubscription *subscriptions[MAX_SUBSCRIPTIONS];
  guint n;

  pthread_mutex_lock (&self->lock);
  n = self->n_subscriptions;
  memcpy (subscriptions, self->subscriptions, sizeof subscriptions);
  pthread_mutex_unlock (&self->lock);
  for (guint i = 0; i < n; i++)
    take_messages (self, subscriptions[i]);
}

/* Looks at the first byte: the protocol of NATS is text, and records of TLS begin with a small number. The library
 * reads what has come until then, and closes the connection. */
static void
look_for_tls (FerryServerLink *self)
{
  guint8 first;
  FERRY_AUTO_LOCK (&self->lock);

  if (self->has_looked || self->is_over || recv (self->fd, &first, sizeof first, MSG_PEEK | MSG_DONTWAIT) <= 0)
    return;
  self->has_looked = TRUE;
  self->has_tls = first < ' ';
  if (self->has_tls)
    shutdown (self->fd, SHUT_RDWR);
}

/* Waits until there is something to do. Returns FALSE when the link is over. events: set to what the socket is ready
 * for. */
static gboolean
wait_for_events (FerryServerLink *self, int *events)
{
  struct pollfd fds[2] = {{.fd = self->fd, .events = POLLIN}, {.fd = self->doorbell, .events = POLLIN}};

  pthread_mutex_lock (&self->lock);
  fds[0].fd = self->is_over ? -1 : self->fd;
  /* A sender writes by itself, and rings if something is left. */
  fds[0].events |= self->has_unwritten && !self->is_sending ? POLLOUT : 0;
  pthread_mutex_unlock (&self->lock);
  if (fds[0].fd < 0)
    return FALSE;
  *events = poll (fds, G_N_ELEMENTS (fds), -1) > 0 ? fds[0].revents : 0;
  /* Not more than once for what rang before. */
  if (fds[1].revents != 0)
    ferry_doorbell_hear (self->doorbell);
  return TRUE;
}

static gpointer
run (gpointer data)
{
  FerryServerLink *self = data;
  int events;

  while (wait_for_events (self, &events))
    {
      if ((events & POLLOUT) != 0)
        {
          write_some (self);
          if (ferry_server_link_is_clear (self))
            self->handlers->cleared (self->closure);
        }
      if ((events & ~POLLOUT) != 0)
        {
          look_for_tls (self);
          natsConnection_ProcessReadEvent (self->nats);
        }
      take_all (self);
    }
  give_taken_back (self);
  nats_ReleaseThreadMemory ();
  return NULL;
}

/* ---- Making and ending ---- */

static gboolean
connect_to_server (FerryServerLink *self, FerryServerAccess *access, GError **error)
{
  GError *failure = NULL;

  self->nats = ferry_server_access_connect (access, self->handlers, self->closure, self, error);
  if (self->nats == NULL || self->fd < 0)
    return self->nats != NULL;
  self->thread = g_thread_try_new ("ferry-link", run, self, &failure);
  return self->thread != NULL || ferry_set_thread_error (error, "a connection to a NATS server", failure);
}

FerryServerLink *
ferry_server_link_new (FerryServerAccess *access, const FerryServerHandlers *handlers, gpointer closure, GError **error)
{
  FerryServerLink *self = g_new0 (FerryServerLink, 1);

  atomic_init (&self->references, 1);
  self->handlers = handlers;
  self->closure = closure;
  self->fd = -1;
  self->doorbell = ferry_doorbell_new (error);
  pthread_mutex_init (&self->writing, NULL);
  pthread_mutex_init (&self->lock, NULL);
  if (self->doorbell >= 0 && connect_to_server (self, access, error))
    return self;
  ferry_server_link_free (self);
  return NULL;
}

/* The thread ends before the connection: nothing else must close the socket while it reads. */
static void
end_thread (FerryServerLink *self)
{
  if (self->thread == NULL)
    return;
  pthread_mutex_lock (&self->lock);
  self->is_over = TRUE;
  pthread_mutex_unlock (&self->lock);
  ferry_doorbell_ring (self->doorbell);
  g_thread_join (g_steal_pointer (&self->thread));
}

void
ferry_server_link_free (FerryServerLink *self)
{
  end_thread (self);
  natsConnection_Destroy (self->nats);
  for (guint i = 0; i < self->n_subscriptions; i++)
    natsSubscription_Destroy (self->subscriptions[i]);
  link_unref (self);
}

natsStatus
ferry_server_link_subscribe (FerryServerLink *self, const char *subject)
{
  natsSubscription *subscription = NULL;
  natsStatus status;

  g_assert (self->n_subscriptions < MAX_SUBSCRIPTIONS);

  if (ferry_server_link_waits_never (self))
    status = natsConnection_SubscribeSync (&subscription, self->nats, subject);
  else
    status = natsConnection_Subscribe (&subscription, self->nats, subject, self->handlers->came, self->closure);
  if (status != NATS_OK)
    return status;
  pthread_mutex_lock (&self->lock);
  self->subscriptions[self->n_subscriptions++] = subscription;
  pthread_mutex_unlock (&self->lock);
  /* Something may have come for it before the thread knew of it. */
  ferry_doorbell_ring (self->doorbell);
  return NATS_OK;
}

natsStatus
ferry_server_link_flush (FerryServerLink *self, gint64 timeout)
{
  natsStatus status = natsConnection_FlushTimeout (self->nats, timeout);

  return ferry_server_link_has_tls (self) ? NATS_CONNECTION_CLOSED : status;
}

gboolean
ferry_server_link_has_tls (FerryServerLink *self)
{
  FERRY_AUTO_LOCK (&self->lock);

  return self->has_tls;
}

natsConnection *
ferry_server_link_get_connection (FerryServerLink *self)
{
  return self->nats;
}
