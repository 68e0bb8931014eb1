/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "cluster/proxy-test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_SIZE (64 * 1024)
#define NEVER G_MAXINT64
#define MILLISECOND G_GINT64_CONSTANT (1000)

/* One way of a connection. It takes more only when what it has is passed on, as a narrow network does. */
typedef struct
{
  guint8 *data; /* (owned) */
  gsize size;   /* that has come and was not passed on */
  gsize offset; /* where that begins */
  gint64 due;   /* when it is passed on */
} Way;

typedef struct
{
  int fds[2];    /* of the connected client, and of the port behind the proxy */
  Way ways[2];   /* ways[i] leads from fds[i] to the other one */
  gboolean over; /* one of them has ended, or was told to */
} Connection;

/* What was asked for. */
typedef struct
{
  gboolean ends;
  gboolean cuts;
  gboolean refuses;
  gint64 held_until;
  const char *const *words; /* (nullable): what has one of them is held */
  gint64 words_time;
  gint64 delay;
} Orders;

struct _ProxyTest
{
  guint to;   /* const */
  guint port; /* const */
  int listener;
  int wake; /* an eventfd: there are new orders */
  GThread *thread;
  GPtrArray *connections; /* (element-type Connection): of the thread */
  GArray *poll;           /* (element-type struct pollfd): of the thread */
  GMutex lock;
  Orders orders; /* lock */
};

static void
connection_free (gpointer data)
{
  Connection *connection = data;

  for (guint i = 0; i < 2; i++)
    {
      close (connection->fds[i]);
      g_free (connection->ways[i].data);
    }
  g_free (connection);
}

static struct sockaddr_in
make_address (guint port)
{
  return (struct sockaddr_in){
    .sin_family = AF_INET,
    .sin_port = htons ((guint16) port),
    .sin_addr.s_addr = htonl (INADDR_LOOPBACK),
  };
}

/* As it was told by now: it may have waited for a while. */
static gboolean
is_refusing (ProxyTest *self)
{
  gboolean refuses;

  g_mutex_lock (&self->lock);
  refuses = self->orders.refuses;
  g_mutex_unlock (&self->lock);
  return refuses;
}

/* On the thread: a connection without a listener is closed at once. */
static void
accept_one (ProxyTest *self)
{
  struct sockaddr_in address = make_address (self->to);
  int near_end = accept4 (self->listener, NULL, NULL, SOCK_CLOEXEC);
  int far_end = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  Connection *connection = g_new0 (Connection, 1);

  g_assert_cmpint (near_end, >=, 0);
  g_assert_cmpint (far_end, >=, 0);
  connection->fds[0] = near_end;
  connection->fds[1] = far_end;
  for (guint i = 0; i < 2; i++)
    connection->ways[i].data = g_malloc (BUFFER_SIZE);
  if (!is_refusing (self) && connect (far_end, (struct sockaddr *) &address, sizeof address) == 0)
    g_ptr_array_add (self->connections, connection);
  else
    connection_free (connection);
}

/* ---- Passing on ---- */

/* When the way has something to pass on. */
static gint64
get_due (const Way *way, const Orders *orders)
{
  return way->size == 0 ? NEVER : MAX (way->due, orders->held_until);
}

static void
watch (ProxyTest *self, int fd, short events)
{
  struct pollfd item = {.fd = fd, .events = events};

  g_array_append_val (self->poll, item);
}

/* Two items for each connection, behind those of the wake and the listener. Returns when something is due next. */
static gint64
watch_all (ProxyTest *self, const Orders *orders, gint64 now)
{
  gint64 next = NEVER;

  g_array_set_size (self->poll, 0);
  watch (self, self->wake, POLLIN);
  watch (self, self->listener, POLLIN);
  for (guint i = 0; i < self->connections->len; i++)
    for (guint side = 0; side < 2; side++)
      {
        Connection *connection = self->connections->pdata[i];
        Way *way = &connection->ways[side];
        gint64 due = get_due (way, orders);

        if (way->size == 0)
          watch (self, connection->fds[side], POLLIN);
        else if (due <= now)
          watch (self, connection->fds[1 - side], POLLOUT);
        else
          watch (self, -1, 0);
        next = due > now ? MIN (next, due) : next;
      }
  return next;
}

static void
hold (ProxyTest *self, gint64 time)
{
  g_mutex_lock (&self->lock);
  self->orders.held_until = g_get_monotonic_time () + time;
  g_mutex_unlock (&self->lock);
}

static gboolean
has_words (const Way *way, const char *const *words)
{
  for (; words != NULL && *words != NULL; words++)
    if (memmem (way->data, way->size, *words, strlen (*words)) != NULL)
      return TRUE;
  return FALSE;
}

static void
move (ProxyTest *self, Connection *connection, guint side, const Orders *orders)
{
  Way *way = &connection->ways[side];
  gssize n;

  if (way->size == 0)
    {
      n = recv (connection->fds[side], way->data, BUFFER_SIZE, MSG_DONTWAIT);
      way->size = n > 0 ? (gsize) n : 0;
      way->offset = 0;
      way->due = g_get_monotonic_time () + orders->delay;
      if (has_words (way, orders->words))
        hold (self, orders->words_time);
    }
  else
    {
      n = send (connection->fds[1 - side], way->data + way->offset, way->size, MSG_DONTWAIT | MSG_NOSIGNAL);
      way->size -= n > 0 ? (gsize) n : 0;
      way->offset += n > 0 ? (gsize) n : 0;
    }
  connection->over |= n <= 0;
}

static void
move_all (ProxyTest *self, const Orders *orders)
{
  for (guint i = 0; i < self->connections->len; i++)
    for (guint side = 0; side < 2; side++)
      if (g_array_index (self->poll, struct pollfd, 2 + 2 * i + side).revents != 0)
        move (self, self->connections->pdata[i], side, orders);
  for (guint i = self->connections->len; i-- > 0;)
    if (((Connection *) self->connections->pdata[i])->over)
      g_ptr_array_remove_index_fast (self->connections, i);
}

static Orders
take_orders (ProxyTest *self)
{
  Orders orders;

  g_mutex_lock (&self->lock);
  orders = self->orders;
  self->orders.cuts = FALSE;
  g_mutex_unlock (&self->lock);
  return orders;
}

static gpointer
pass_on (gpointer data)
{
  ProxyTest *self = data;
  Orders orders;
  eventfd_t value;

  while (orders = take_orders (self), !orders.ends)
    {
      gint64 now = g_get_monotonic_time ();
      gint64 next;

      if (orders.cuts)
        g_ptr_array_set_size (self->connections, 0);
      next = watch_all (self, &orders, now);
      poll (&g_array_index (self->poll, struct pollfd, 0), self->poll->len,
            next == NEVER ? -1 : (int) ((next - now + MILLISECOND - 1) / MILLISECOND));
      move_all (self, &orders);
      if (g_array_index (self->poll, struct pollfd, 0).revents != 0)
        eventfd_read (self->wake, &value);
      if (g_array_index (self->poll, struct pollfd, 1).revents != 0)
        accept_one (self);
    }
  return NULL;
}

/* ---- What is asked for ---- */

static void
tell (ProxyTest *self)
{
  g_mutex_unlock (&self->lock);
  g_assert_cmpint (eventfd_write (self->wake, 1), ==, 0);
}

void
proxy_test_cut (ProxyTest *self)
{
  g_mutex_lock (&self->lock);
  self->orders.cuts = TRUE;
  tell (self);
}

void
proxy_test_refuse (ProxyTest *self, gboolean refuses)
{
  g_mutex_lock (&self->lock);
  self->orders.cuts = refuses;
  self->orders.refuses = refuses;
  tell (self);
}

void
proxy_test_hold (ProxyTest *self, guint milliseconds)
{
  g_mutex_lock (&self->lock);
  self->orders.held_until = g_get_monotonic_time () + milliseconds * MILLISECOND;
  tell (self);
}

void
proxy_test_hold_at (ProxyTest *self, const char *const *words, guint milliseconds)
{
  g_mutex_lock (&self->lock);
  self->orders.words = words;
  self->orders.words_time = milliseconds * MILLISECOND;
  tell (self);
}

void
proxy_test_delay (ProxyTest *self, guint milliseconds)
{
  g_mutex_lock (&self->lock);
  self->orders.delay = milliseconds * MILLISECOND;
  tell (self);
}

guint
proxy_test_get_port (ProxyTest *self)
{
  return self->port;
}

ProxyTest *
proxy_test_new (guint to)
{
  ProxyTest *self = g_new0 (ProxyTest, 1);
  struct sockaddr_in address = make_address (0);
  socklen_t size = sizeof address;

  self->to = to;
  self->listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  self->wake = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  g_assert_cmpint (bind (self->listener, (struct sockaddr *) &address, size), ==, 0);
  g_assert_cmpint (listen (self->listener, SOMAXCONN), ==, 0);
  g_assert_cmpint (getsockname (self->listener, (struct sockaddr *) &address, &size), ==, 0);
  self->port = ntohs (address.sin_port);
  self->connections = g_ptr_array_new_with_free_func (connection_free);
  self->poll = g_array_new (FALSE, FALSE, sizeof (struct pollfd));
  g_mutex_init (&self->lock);
  self->thread = g_thread_new ("test-proxy", pass_on, self);
  return self;
}

void
proxy_test_free (ProxyTest *self)
{
  g_mutex_lock (&self->lock);
  self->orders.ends = TRUE;
  tell (self);
  g_thread_join (self->thread);
  g_ptr_array_unref (self->connections);
  g_array_unref (self->poll);
  close (self->listener);
  close (self->wake);
  g_mutex_clear (&self->lock);
  g_free (self);
}
