/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The connection to the NATS servers: its thread, when it is tried again, and the subjects.
 *
 * It is that of an application, or of a host. It tells which hosts are there, and has the packets of sessions.
 *
 * An application has the name of its user and a number, and a host has a name and a number. The other end sees them as
 * its peer and its id. They come from the subjects, which the server's permissions guard, and never from what was sent.
 *
 * Subjects, with a random ID for each bus:
 *
 *   ferry.APPLICATION.hello.USER.ID                  application -> hosts: which are there?
 *   ferry.APPLICATION.present.HOST.ID                host -> applications, and others of its name: what it can do
 *   ferry.APPLICATION.down.HOST.ID.USER.ID           packets of a session, application -> host
 *   ferry.APPLICATION.up.USER.ID.HOST.ID             packets of a session, host -> application
 *
 * What is sent may be lost: while there is no connection, and when more comes than an end takes. Sessions mend it.
 *
 * A thread of the bus does what may wait: it connects, waits until the connection is lost, and connects again. The
 * router's thread publishes by itself as long as the link waits for nothing and nothing is before it. Else it puts what
 * is to be published into a queue, which the bus's thread empties. Threads of the link put what has come into another
 * one, in the order in which it came. The bus's thread puts changes of the state there too. The router's thread takes
 * it out, woken by a post. It stops after a while, and goes on after a pause in which sources of lower priority have
 * their turn. Both queues are bounded; what has no room is dropped, and counted.
 *
 * The NATS library does not say when it has called a handler for the last time. So handlers know a connection by its
 * number only, and ask a table which bus that is.
 *
 * Owner:   references are counted: the maker's, who closes it, the thread's, and those of wires and posts. None of them
 *          owns the router.
 * Threads: the router's, which never waits here, unless a function says another.
 * Locks:   table_lock and the bus's lock are never held together. No function of the NATS library is called with
 *          one.
 * Trust:   neither the servers nor the other ends are trusted. */

#include "config.h"

#include "cluster/ferry-bus-private.h"

#include "cluster/ferry-server-access-private.h"
#include "cluster/ferry-server-link-private.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>

#include "base/ferry-base-private.h"
#include "base/ferry-mailbox-private.h"
#include "base/ferry-thread-private.h"
#include "cluster/ferry-nats-thread-private.h"
#include "cluster/ferry-rate-private.h"
#include "cluster/ferry-run-message-private.h"
#include "route/ferry-router-private.h"

/* In bytes; each message counts as so many more. */
#define MAX_QUEUED ((gsize) 64 * 1024 * 1024)
#define ITEM_SIZE 256
/* How much of the former may be what ends say of themselves. Whoever may publish can do that by any number of names,
 * and faster than it is read. When some was dropped, all are asked again. */
#define MAX_NEWS ((gsize) 8 * 1024 * 1024)

#define DEFAULT_MAX_PACKET ((gsize) 1024 * 1024)

/* How long the router's thread delivers, and how long it then leaves other sources their turn. */
#define BUDGET (4 * G_TIME_SPAN_MILLISECOND)
#define BREATHER (1 * G_TIME_SPAN_MILLISECOND)

/* The pause between two attempts doubles from the first to the last. A connection that stayed for so long was a good
 * one: the next attempt is at once. */
#define FIRST_PAUSE (100 * G_TIME_SPAN_MILLISECOND)
#define LAST_PAUSE (2 * G_USEC_PER_SEC)
#define GOOD_TIME (1 * G_USEC_PER_SEC)

/* In milliseconds: how long the server may take to subscribe, and to take what was sent before a close. */
#define SUBSCRIBE_TIMEOUT 5000
#define CLOSE_TIMEOUT 500

/* Hosts do not answer a hello all at once, and however many come, not more often than this: each answer goes to all
 * applications. */
#define PRESENCE_JITTER (50 * G_TIME_SPAN_MILLISECOND)
#define PRESENCE_INTERVAL (1 * G_USEC_PER_SEC)
/* One of several servers learns some time after a client has connected to another one what that client listens to, and
 * drops what comes before. So an end says again what it has said when it connected: after the first of these pauses,
 * and then after four times the pause before. */
#define FIRST_AGAIN (1 * G_USEC_PER_SEC)
#define LAST_AGAIN (16 * G_USEC_PER_SEC)
/* How many presences of more bytes than this are read in a second of hosts of one name, and for how many names that is
 * counted. There may be thousands of functions in each. */
#define SMALL_PRESENCE 4096
#define MAX_HELLO 4096
#define MAX_PRESENCES 20
#define MAX_NAMES 16384

#define MAX_FEEDS 3
#define NEWS 0

/* What is subscribed to. The two words of a subject behind the prefix are a peer and its id. */
typedef struct
{
  char *prefix;
  char *peers; /* which of them: a pattern */
  void (*take) (FerryBus *self, const char *peer, const char *id, GBytes *bytes);
} Feed;

/* What waits for the router's thread. */
typedef struct
{
  char *subject;    /* (owned) (nullable): of a message; NULL for a change */
  gboolean is_news; /* a message that is no packet */
  GBytes *bytes;    /* (owned) (nullable): what a message has */
  FerryClusterState state;
  GError *error; /* (owned) (nullable) */
  char *address; /* (owned) (nullable) */
  gsize max_packet;
  gboolean has_several;   /* servers are known */
  gboolean is_exposed;    /* the server, to a host */
  gboolean is_of_error;   /* only the error has changed */
  gboolean is_of_servers; /* nothing has changed, but another server was heard of */
} Item;

/* What waits to be published: a copy, in one block of memory, so that the two threads share nothing. */
typedef struct
{
  char *subject;
  guint8 *data;
  gsize size;
} Message;

struct _FerryBus
{
  _Atomic gint references;
  GMainContext *context; /* const: (owned) */
  char *application;     /* const */
  char *host;            /* const: (nullable) */
  char *user;            /* const */
  char id[17];           /* const */
  Feed feeds[MAX_FEEDS]; /* const: up to one without a prefix */
  char *own;             /* const: the subject of a hello, or of presence */

  FerryRouter *router; /* (unowned) (nullable): NULL once the bus is closed */
  const FerryBusFuncs *funcs;
  gpointer data;
  FerryClusterState state;
  GError *error; /* (owned) (nullable) */
  char *address; /* (owned) (nullable) */
  gsize max_packet;
  gboolean is_exposed;
  GBytes *presence; /* (owned) (nullable) */
  FerryTimer presence_timer;
  gint64 answer_due; /* monotonic time before which no further hello is answered */
  FerryTimer again_timer;
  gint64 again_pause; /* before that one runs out */
  FerryTimer resume_timer;
  gint64 resume_at;  /* monotonic time before which nothing is delivered */
  guint64 n_awaited; /* how many items must be taken before the limits that are over apply */
  guint64 n_foreign;
  GHashTable *presences; /* (owned) (element-type utf8 FerryRate): of each name */

  FerryServerAccess *access; /* the bus's thread: (owned) */
  gboolean was_up;           /* the bus's thread: a server was reached once */

  pthread_mutex_t lock;
  pthread_cond_t changed; /* the bus's thread waits for it */
  GQueue received;        /* lock: (element-type Item) */
  gsize received_size;    /* lock */
  gsize news_size;        /* lock: of those items that are news */
  gboolean lost_news;     /* lock: some were dropped, and nobody was asked again since */
  guint64 n_put;          /* lock: how many items were received, as the next one */
  guint64 n_taken;        /* lock: how many were taken out of it */
  gboolean arranged;      /* lock: a post or a timer is set, which empties received */
  GQueue unsent;          /* lock: (element-type Message) */
  gsize unsent_size;      /* lock */
  FerryServerLink *link;  /* lock: (unowned) (nullable): NULL while nothing can be published */
  gboolean is_publishing; /* lock: a thread publishes, without the lock */
  gboolean stopping;      /* lock */
  char *loss;             /* lock: (nullable): how the present connection was lost */
  GError *violation;      /* lock: (nullable): what the server did not permit, since the present connection was made */
  FerryBusCounts counts;  /* lock */
};

static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static GHashTable *table;       /* table_lock: (nullable): from the numbers of connections to their buses (unowned) */
static guint latest_connection; /* table_lock */

/* ---- References ---- */

static void
item_free (gpointer data)
{
  Item *self = data;

  g_free (self->subject);
  g_clear_pointer (&self->bytes, g_bytes_unref);
  g_clear_error (&self->error);
  g_free (self->address);
  g_free (self);
}

static gsize
item_get_size (const Item *self)
{
  return ITEM_SIZE + (self->bytes != NULL ? g_bytes_get_size (self->bytes) : 0);
}

static Message *
message_new (const char *subject, GBytes *bytes)
{
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);
  gsize subject_size = strlen (subject) + 1;
  Message *self = g_malloc (sizeof (Message) + subject_size + size);

  self->subject = memcpy (self + 1, subject, subject_size);
  self->data = (guint8 *) self->subject + subject_size;
  self->size = size;
  if (size > 0)
    memcpy (self->data, data, size);
  return self;
}

static gsize
message_get_size (const Message *self)
{
  return ITEM_SIZE + self->size;
}

FerryBus *
ferry_bus_ref (FerryBus *self)
{
  ferry_ref_count_inc (&self->references);
  return self;
}

static void
bus_free (FerryBus *self)
{
  g_queue_clear_full (&self->received, item_free);
  g_queue_clear_full (&self->unsent, g_free);
  for (guint i = 0; i < MAX_FEEDS; i++)
    {
      g_free (self->feeds[i].prefix);
      g_free (self->feeds[i].peers);
    }
  g_free (self->own);
  g_clear_pointer (&self->presence, g_bytes_unref);
  g_clear_pointer (&self->presences, g_hash_table_unref);
  g_clear_pointer (&self->access, ferry_server_access_free);
  g_clear_error (&self->error);
  g_clear_error (&self->violation);
  g_free (self->address);
  g_free (self->loss);
  g_free (self->application);
  g_free (self->host);
  g_free (self->user);
  g_main_context_unref (self->context);
  pthread_cond_destroy (&self->changed);
  pthread_mutex_destroy (&self->lock);
  g_free (self);
}

void
ferry_bus_unref (FerryBus *self)
{
  if (ferry_ref_count_dec (&self->references))
    bus_free (self);
}

static void
unref_bus (gpointer data)
{
  ferry_bus_unref (data);
}

/* ---- The queue of what was received ---- */

static void deliver (gpointer data);

/* any */
static void
arrange (FerryBus *self)
{
  ferry_mailbox_post (self->context, deliver, ferry_bus_ref (self), unref_bus);
}

static gboolean
has_room_locked (FerryBus *self, const Item *item, gsize size)
{
  return item->subject == NULL ||
         (self->received_size + size <= MAX_QUEUED && (!item->is_news || self->news_size + size <= MAX_NEWS));
}

/* any: takes item. A change of the state always has room. */
static void
put (FerryBus *self, Item *item)
{
  gsize size = item_get_size (item);
  gboolean must_arrange = FALSE;
  gboolean has_room;

  pthread_mutex_lock (&self->lock);
  has_room = !self->stopping && has_room_locked (self, item, size);
  if (has_room)
    {
      g_queue_push_tail (&self->received, item);
      self->received_size += size;
      self->news_size += item->is_news ? size : 0;
      self->n_put++;
      self->counts.n_received += item->subject != NULL;
      must_arrange = !self->arranged;
      self->arranged = TRUE;
    }
  else
    {
      self->counts.n_untaken += item->subject != NULL;
      self->lost_news = self->lost_news || item->is_news;
    }
  pthread_mutex_unlock (&self->lock);
  if (!has_room)
    item_free (item);
  if (must_arrange)
    arrange (self);
}

static Item *
take (FerryBus *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  Item *item = g_queue_pop_head (&self->received);

  if (item == NULL)
    return NULL;
  self->received_size -= item_get_size (item);
  self->news_size -= item->is_news ? item_get_size (item) : 0;
  self->n_taken++;
  return item;
}

/* FerrySettledFunc of the router's limits: whether what came from the server is taken. */
static gboolean
is_settled (gpointer data, gboolean begins)
{
  FerryBus *self = data;
  FERRY_AUTO_LOCK (&self->lock);

  if (begins)
    self->n_awaited = self->n_put;
  return self->n_taken >= self->n_awaited;
}

static void
resume (gpointer data)
{
  arrange (data);
}

static void
take_message (FerryBus *self, const char *subject, GBytes *bytes)
{
  FerryBusPeer peer;

  for (guint i = 0; i < MAX_FEEDS && self->feeds[i].prefix != NULL; i++)
    if (ferry_bus_peer_from_subject (&peer, subject, self->feeds[i].prefix))
      {
        self->feeds[i].take (self, peer.name, peer.id, bytes);
        return;
      }
  self->n_foreign++;
}

/* Takes what the bus's thread tells of the connection. Returns whether that is news. */
static gboolean
take_change (FerryBus *self, Item *item)
{
  gboolean same_error = g_strcmp0 (self->error != NULL ? self->error->message : NULL,
                                   item->error != NULL ? item->error->message : NULL) == 0;
  gboolean is_news = !same_error || (!item->is_of_error && item->state != self->state);

  g_clear_error (&self->error);
  self->error = g_steal_pointer (&item->error);
  if (item->max_packet > 0)
    self->max_packet = item->max_packet;
  if (item->is_of_error)
    return is_news;
  self->state = item->state;
  self->is_exposed = item->is_exposed;
  g_free (self->address);
  self->address = g_steal_pointer (&item->address);
  return is_news;
}

static void send_presence (gpointer data);

/* Says that this end is there. */
static void
announce (FerryBus *self)
{
  if (self->host == NULL)
    ferry_bus_say_hello (self);
  else
    send_presence (self);
}

static void
announce_again (gpointer data)
{
  FerryBus *self = data;

  if (self->state == FERRY_CLUSTER_STATE_CONNECTED)
    announce (self);
  self->again_pause *= 4;
  if (self->again_pause <= LAST_AGAIN)
    ferry_timers_set (self->router->timers, &self->again_timer, ferry_deadline_after (self->again_pause),
                      announce_again, self);
}

static void
announce_soon (FerryBus *self)
{
  self->again_pause = FIRST_AGAIN;
  ferry_timers_set (self->router->timers, &self->again_timer, ferry_deadline_after (self->again_pause), announce_again,
                    self);
}

static void
change (FerryBus *self, Item *item)
{
  gboolean is_new = !item->is_of_error && item->state == FERRY_CLUSTER_STATE_CONNECTED;

  if (take_change (self, item) && self->funcs->changed != NULL)
    self->funcs->changed (self->data);
  if (!is_new || self->router == NULL)
    return;
  announce (self);
  if (item->has_several)
    announce_soon (self);
}

/* Asks again for what was dropped, when there may be room. */
static void
ask_for_lost_news (FerryBus *self)
{
  gboolean has_lost;

  pthread_mutex_lock (&self->lock);
  has_lost = self->lost_news;
  self->lost_news = FALSE;
  pthread_mutex_unlock (&self->lock);
  if (has_lost && self->router != NULL)
    announce_soon (self);
}

/* There is another server, and its clients have not heard of this end. However often that is told, it costs no more
 * than a presence in each first pause. */
static void
take_servers (FerryBus *self)
{
  gboolean is_due = ferry_timer_is_set (&self->again_timer) && self->again_pause == FIRST_AGAIN;

  if (self->state == FERRY_CLUSTER_STATE_CONNECTED && !is_due)
    announce_soon (self);
}

/* Delivers what was received. What a func does may run a main loop, and this again in it. */
static void
deliver (gpointer data)
{
  g_autoptr (FerryBus) self = ferry_bus_ref (data);
  gint64 now = g_get_monotonic_time ();
  gboolean is_more;
  Item *item;

  if (self->router != NULL && now < self->resume_at)
    {
      ferry_timers_set (self->router->timers, &self->resume_timer, self->resume_at, resume, self);
      return;
    }
  pthread_mutex_lock (&self->lock);
  /* What is left when the bus is closed is freed with it. */
  is_more = self->router != NULL && self->received.length > 1;
  self->arranged = is_more;
  pthread_mutex_unlock (&self->lock);
  if (is_more)
    arrange (self);
  ask_for_lost_news (self);
  while (self->router != NULL && (item = take (self)) != NULL)
    {
      if (item->subject != NULL)
        take_message (self, item->subject, item->bytes);
      else if (item->is_of_servers)
        take_servers (self);
      else
        change (self, item);
      item_free (item);
      if (g_get_monotonic_time () < now + BUDGET)
        continue;
      self->resume_at = g_get_monotonic_time () + BREATHER;
      return;
    }
  if (self->router != NULL)
    ferry_timers_look (self->router->limits);
}

/* ---- What comes ---- */

static void
take_packet (FerryBus *self, const char *peer, const char *id, GBytes *bytes)
{
  self->funcs->packet (self->data, peer, id, bytes);
}

static gboolean
may_tell (FerryBus *self, const char *name, gsize size)
{
  FerryRate *rate = g_hash_table_lookup (self->presences, name);

  if (size <= SMALL_PRESENCE)
    return TRUE;
  if (rate == NULL)
    {
      if (g_hash_table_size (self->presences) >= MAX_NAMES)
        g_hash_table_remove_all (self->presences);
      rate = g_new0 (FerryRate, 1);
      g_hash_table_insert (self->presences, g_strdup (name), rate);
    }
  return ferry_rate_note (rate, G_USEC_PER_SEC, MAX_PRESENCES);
}

/* What a host tells too often is dropped: it says it again. A host hears itself as well. */
static void
take_presence (FerryBus *self, const char *peer, const char *id, GBytes *bytes)
{
  g_autoptr (GVariant) facts = NULL;

  if (self->funcs->present == NULL || strcmp (id, self->id) == 0 || !may_tell (self, peer, g_bytes_get_size (bytes)))
    return;
  facts = ferry_bus_presence_from_bytes (bytes);
  if (facts == NULL)
    self->n_foreign++;
  else
    self->funcs->present (self->data, peer, id, facts);
}

static void
answer_hello (gpointer data)
{
  FerryBus *self = data;

  self->answer_due = ferry_deadline_after (PRESENCE_INTERVAL);
  send_presence (self);
}

static void
take_hello (FerryBus *self, const char *peer, const char *id, GBytes *bytes)
{
  gint64 soon = ferry_deadline_after (g_random_int_range (0, PRESENCE_JITTER));
  g_autoptr (GVariant) versions = g_bytes_get_size (bytes) <= MAX_HELLO ? ferry_bus_presence_from_bytes (bytes) : NULL;

  if (versions == NULL)
    {
      self->n_foreign++;
      return;
    }
  if (self->funcs->hello != NULL)
    self->funcs->hello (self->data, peer, id, versions);
  if (self->presence != NULL && !ferry_timer_is_set (&self->presence_timer))
    ferry_timers_set (self->router->timers, &self->presence_timer, MAX (soon, self->answer_due), answer_hello, self);
}

/* ---- The queue of what is not sent ---- */

static void note_violation (FerryBus *self, GError *error, gsize max_packet);

static void
note_too_large (FerryBus *self, FerryServerLink *link, gsize size)
{
  gint64 most = natsConnection_GetMaxPayload (ferry_server_link_get_connection (link));

  note_violation (self,
                  g_error_new (FERRY_ERROR, FERRY_ERROR_TOO_LARGE,
                               "The NATS server takes up to %" G_GINT64_FORMAT " bytes a message, and %" G_GSIZE_FORMAT
                               " are to be sent; raise 'max_payload' in its configuration",
                               most, size),
                  (gsize) MAX (most, 0));
}

/* The router's thread or the bus's: the one for which is_publishing was set. */
static void
publish (FerryBus *self, FerryServerLink *link, const char *subject, gconstpointer data, gsize size)
{
  natsStatus status = ferry_server_link_send (link, subject, data, size);

  if (status == NATS_MAX_PAYLOAD)
    note_too_large (self, link, size);
  pthread_mutex_lock (&self->lock);
  self->is_publishing = FALSE;
  if (status == NATS_OK)
    self->counts.n_sent++;
  else
    self->counts.n_unsent++;
  /* The bus's thread may wait for this alone. */
  if (self->loss != NULL || self->stopping)
    pthread_cond_signal (&self->changed);
  pthread_mutex_unlock (&self->lock);
}

/* Returns (transfer none) (nullable) the link, if the router's thread may publish now: nothing waits, and the link does
 * not wait either. Sets is_publishing then. */
static FerryServerLink *
claim_link (FerryBus *self)
{
  FERRY_AUTO_LOCK (&self->lock);

  if (self->link == NULL || self->stopping || self->is_publishing || self->unsent.length > 0 ||
      !ferry_server_link_waits_never (self->link) || !ferry_server_link_is_clear (self->link))
    return NULL;
  self->is_publishing = TRUE;
  return self->link;
}

/* Queues bytes to be sent, if there is a connection and room. */
static void
post_message (FerryBus *self, const char *subject, GBytes *bytes)
{
  Message *message = message_new (subject, bytes);
  gboolean has_room;

  pthread_mutex_lock (&self->lock);
  has_room = self->link != NULL && !self->stopping && self->unsent_size + message_get_size (message) <= MAX_QUEUED;
  if (has_room)
    {
      g_queue_push_tail (&self->unsent, message);
      self->unsent_size += message_get_size (message);
      pthread_cond_signal (&self->changed);
    }
  else
    self->counts.n_unsent++;
  pthread_mutex_unlock (&self->lock);
  if (!has_room)
    g_free (message);
}

/* Sends bytes to the servers, if there is a connection. */
static void
send_to (FerryBus *self, const char *subject, GBytes *bytes)
{
  FerryServerLink *link = claim_link (self);
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);

  if (link != NULL)
    publish (self, link, subject, data, size);
  else
    post_message (self, subject, bytes);
}

void
ferry_bus_say_hello (FerryBus *self)
{
  g_autoptr (GBytes) versions = ferry_bus_presence_to_bytes (ferry_hello_to_variant ());

  send_to (self, self->own, versions);
}

static void
send_presence (gpointer data)
{
  FerryBus *self = data;

  if (self->presence != NULL)
    send_to (self, self->own, self->presence);
}

void
ferry_bus_set_presence (FerryBus *self, GVariant *facts)
{
  g_clear_pointer (&self->presence, g_bytes_unref);
  self->presence = ferry_bus_presence_to_bytes (facts);
  if (self->state == FERRY_CLUSTER_STATE_CONNECTED)
    send_presence (self);
}

void
ferry_bus_tell_once (FerryBus *self, GVariant *facts)
{
  g_autoptr (GBytes) presence = ferry_bus_presence_to_bytes (facts);

  if (self->state == FERRY_CLUSTER_STATE_CONNECTED)
    send_to (self, self->own, presence);
}

typedef struct
{
  FerryBus *bus; /* (owned) */
  char *subject; /* (owned) */
} Wire;

static void
wire_send (gpointer data, GBytes *packet)
{
  Wire *self = data;

  send_to (self->bus, self->subject, packet);
}

static void
wire_free (gpointer data)
{
  Wire *self = data;

  ferry_bus_unref (self->bus);
  g_free (self->subject);
  g_free (self);
}

void
ferry_bus_make_wire (FerryBus *self, const char *peer, const char *id, FerryWire *wire, gpointer *data)
{
  Wire *made = g_new (Wire, 1);

  made->bus = ferry_bus_ref (self);
  if (self->host == NULL)
    made->subject = g_strdup_printf ("ferry.%s.down.%s.%s.%s.%s", self->application, peer, id, self->user, self->id);
  else
    made->subject = g_strdup_printf ("ferry.%s.up.%s.%s.%s.%s", self->application, peer, id, self->host, self->id);
  *wire = (FerryWire){.send = wire_send, .free = wire_free};
  *data = made;
}

/* ---- Handlers that the NATS library calls, on threads of its own ---- */

static gpointer
add_to_table (FerryBus *self)
{
  FERRY_AUTO_LOCK (&table_lock);

  if (table == NULL)
    table = g_hash_table_new (NULL, NULL);
  do
    latest_connection++;
  while (latest_connection == 0 || g_hash_table_contains (table, GUINT_TO_POINTER (latest_connection)));
  g_hash_table_insert (table, GUINT_TO_POINTER (latest_connection), self);
  return GUINT_TO_POINTER (latest_connection);
}

static void
remove_from_table (gpointer connection)
{
  FERRY_AUTO_LOCK (&table_lock);

  g_hash_table_remove (table, connection);
  if (g_hash_table_size (table) == 0)
    g_clear_pointer (&table, g_hash_table_unref);
}

/* any: returns (transfer full) (nullable) the bus with that connection, if it is still the bus's. */
static FerryBus *
find_in_table (gpointer connection)
{
  FERRY_AUTO_LOCK (&table_lock);
  FerryBus *self = table != NULL ? g_hash_table_lookup (table, connection) : NULL;

  return self != NULL ? ferry_bus_ref (self) : NULL;
}

/* any: copies what has come, as it may lie at any address, and values want theirs to be aligned. */
static void
read_message (natsMsg *message, gpointer closure)
{
  g_autoptr (FerryBus) self = find_in_table (closure);
  Item *item;

  if (self != NULL)
    {
      item = g_new0 (Item, 1);
      item->subject = g_strdup (natsMsg_GetSubject (message));
      item->is_news = g_str_has_prefix (item->subject, self->feeds[NEWS].prefix);
      item->bytes = g_bytes_new (natsMsg_GetData (message), (gsize) natsMsg_GetDataLength (message));
      put (self, item);
    }
}

static void
message_came (natsConnection *nats, natsSubscription *subscription, natsMsg *message, void *closure)
{
  read_message (message, closure);
  natsMsg_Destroy (message);
}

/* any: the connection has ended. */
static void
connection_closed (natsConnection *nats, void *closure)
{
  g_autoptr (FerryBus) self = find_in_table (closure);
  const char *text = NULL;

  if (self == NULL)
    return;
  if (natsConnection_GetLastError (nats, &text) == NATS_OK || text == NULL || *text == '\0')
    text = "the server closed it";
  pthread_mutex_lock (&self->lock);
  if (self->loss == NULL)
    self->loss = g_strdup (text);
  pthread_cond_signal (&self->changed);
  pthread_mutex_unlock (&self->lock);
}

/* any: returns (transfer full) what the server should permit. */
static char *
describe_permissions (FerryBus *self)
{
  const char *application = self->application;

  if (self->host == NULL)
    return g_strdup_printf ("publishing to 'ferry.%s.hello.%s.>' and 'ferry.%s.down.*.*.%s.>', and subscribing to "
                            "'ferry.%s.present.>' and 'ferry.%s.up.%s.>'",
                            application, self->user, application, self->user, application, application, self->user);
  return g_strdup_printf ("publishing to 'ferry.%s.present.%s.>' and 'ferry.%s.up.*.*.%s.>', and subscribing to "
                          "'ferry.%s.hello.>', 'ferry.%s.present.%s.>' and 'ferry.%s.down.%s.>'",
                          application, self->host, application, self->host, application, application, self->host,
                          application, self->host);
}

/* any: returns (transfer full) the error of a server that does not permit what text says. */
static GError *
make_violation (FerryBus *self, const char *text)
{
  g_autofree char *permissions = describe_permissions (self);

  return g_error_new (FERRY_ERROR, FERRY_ERROR_NOT_ALLOWED,
                      "The NATS server does not permit what is needed (%s); its configuration must permit %s", text,
                      permissions);
}

/* any: takes error, which the server or the NATS library has found while the connection goes on. max_packet: 0 if the
 * error says nothing about it. */
static void
note_violation (FerryBus *self, GError *error, gsize max_packet)
{
  Item *item = g_new0 (Item, 1);

  item->is_of_error = TRUE;
  item->error = error;
  item->max_packet = max_packet;
  pthread_mutex_lock (&self->lock);
  g_clear_error (&self->violation);
  self->violation = g_error_copy (error);
  pthread_mutex_unlock (&self->lock);
  put (self, item);
}

/* any: the server has heard of another one. */
static void
connection_learned (natsConnection *nats, void *closure)
{
  g_autoptr (FerryBus) self = find_in_table (closure);
  Item *item;

  if (self == NULL)
    return;
  item = g_new0 (Item, 1);
  item->is_of_servers = TRUE;
  put (self, item);
}

/* The link's thread: what waits for the link may be published. */
static void
connection_cleared (void *closure)
{
  g_autoptr (FerryBus) self = find_in_table (closure);

  if (self == NULL)
    return;
  pthread_mutex_lock (&self->lock);
  pthread_cond_signal (&self->changed);
  pthread_mutex_unlock (&self->lock);
}

/* any: something went wrong, and the connection goes on. */
static void
connection_failed (natsConnection *nats, natsSubscription *subscription, natsStatus status, void *closure)
{
  g_autoptr (FerryBus) self = find_in_table (closure);
  const char *text = ferry_server_access_describe (status);

  if (self == NULL)
    return;
  if (status == NATS_NOT_PERMITTED)
    {
      note_violation (self, make_violation (self, text), 0);
      return;
    }
  if (status == NATS_SLOW_CONSUMER)
    {
      FERRY_AUTO_LOCK (&self->lock);
      self->counts.n_untaken++;
      return;
    }
  g_debug ("The connection to the NATS server: %s", text);
}

static const FerryServerHandlers handlers = {connection_closed, connection_failed, connection_learned,
                                             message_came,      read_message,      connection_cleared};

/* ---- The bus's thread ---- */

/* A connection, and what the handlers know of it. */
typedef struct
{
  gpointer number;
  FerryServerLink *link;
} Connection;

/* Takes error. */
static void
tell (FerryBus *self, FerryClusterState state, GError *error, FerryServerLink *link)
{
  Item *item = g_new0 (Item, 1);

  item->state = state;
  item->error = error;
  if (link != NULL)
    {
      item->address = g_strdup (ferry_server_access_get_address (self->access));
      item->max_packet = (gsize) MAX (natsConnection_GetMaxPayload (ferry_server_link_get_connection (link)), 0);
      item->has_several = ferry_server_access_has_several (self->access);
      item->is_exposed = self->host != NULL && ferry_server_access_is_exposed (self->access);
    }
  put (self, item);
}

static void
tell_of_failure (FerryBus *self, GError *error)
{
  tell (self, self->was_up ? FERRY_CLUSTER_STATE_RECONNECTING : FERRY_CLUSTER_STATE_CONNECTING, error, NULL);
}

static void
hang_up (Connection *connection)
{
  remove_from_table (connection->number);
  ferry_server_link_free (connection->link);
}

/* The server has refused to subscribe, if it has, before it has answered. The handler of errors may hear of that later
 * than this thread goes on. */
static void
note_refusal (FerryBus *self, FerryServerLink *link)
{
  const char *text = NULL;

  if (natsConnection_GetLastError (ferry_server_link_get_connection (link), &text) != NATS_NOT_PERMITTED)
    return;
  FERRY_AUTO_LOCK (&self->lock);
  g_clear_error (&self->violation);
  self->violation = make_violation (self, text);
}

/* Subscribes, and waits until the server has done so: what is asked from now on is answered to this bus. */
static gboolean
subscribe (FerryBus *self, Connection *connection, GError **error)
{
  natsStatus status = NATS_OK;

  for (guint i = 0; i < MAX_FEEDS && self->feeds[i].prefix != NULL && status == NATS_OK; i++)
    {
      g_autofree char *subject = g_strconcat (self->feeds[i].prefix, self->feeds[i].peers, NULL);

      status = ferry_server_link_subscribe (connection->link, subject);
    }
  if (status == NATS_OK)
    status = ferry_server_link_flush (connection->link, SUBSCRIBE_TIMEOUT);
  return status == NATS_OK ||
         ferry_set_error (error, FERRY_ERROR_NOT_LISTENING,
                          "The NATS server at '%s' did not answer (%s); it is tried again",
                          ferry_server_access_get_address (self->access), natsStatus_GetText (status));
}

static gboolean
make_connection (FerryBus *self, Connection *connection, GError **error)
{
  *connection = (Connection){.number = add_to_table (self)};
  pthread_mutex_lock (&self->lock);
  g_clear_pointer (&self->loss, g_free);
  g_clear_error (&self->violation);
  pthread_mutex_unlock (&self->lock);
  connection->link = ferry_server_link_new (self->access, &handlers, connection->number, error);
  if (connection->link == NULL)
    {
      remove_from_table (connection->number);
      return FALSE;
    }
  if (subscribe (self, connection, error))
    {
      note_refusal (self, connection->link);
      return TRUE;
    }
  if (ferry_server_link_has_tls (connection->link))
    ferry_server_access_note_tls (self->access);
  hang_up (connection);
  return FALSE;
}

/* From now on, the router's thread may send. */
static void
go_up (FerryBus *self, Connection *connection)
{
  GError *violation;

  ferry_server_access_learn (self->access, ferry_server_link_get_connection (connection->link));
  self->was_up = TRUE;
  pthread_mutex_lock (&self->lock);
  self->link = connection->link;
  self->counts.n_connects++;
  violation = self->violation != NULL ? g_error_copy (self->violation) : NULL;
  pthread_mutex_unlock (&self->lock);
  tell (self, FERRY_CLUSTER_STATE_CONNECTED, violation, connection->link);
}

/* What is still to be sent is lost: the connection has ended, or is about to. */
static void
go_down (FerryBus *self)
{
  FERRY_AUTO_LOCK (&self->lock);

  while (self->is_publishing)
    pthread_cond_wait (&self->changed, &self->lock);
  self->link = NULL;
  self->counts.n_unsent += self->unsent.length;
  g_queue_clear_full (&self->unsent, g_free);
  self->unsent_size = 0;
}

static gboolean
may_publish_locked (FerryBus *self)
{
  return self->unsent.length > 0 &&
         (!ferry_server_link_waits_never (self->link) || ferry_server_link_is_clear (self->link));
}

/* Returns (transfer full) (nullable) the next message, and sets is_publishing; NULL: the connection was lost, or the
 * bus is closed and all was sent. */
static Message *
wait_for_message (FerryBus *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  Message *message;

  while (self->loss == NULL && !may_publish_locked (self) && !(self->stopping && self->unsent.length == 0))
    pthread_cond_wait (&self->changed, &self->lock);
  message = self->loss == NULL ? g_queue_pop_head (&self->unsent) : NULL;
  if (message == NULL)
    return NULL;
  self->unsent_size -= message_get_size (message);
  self->is_publishing = TRUE;
  return message;
}

/* Whether the bus was not closed. Waits for pause microseconds, or until it is closed. */
static gboolean
go_on (FerryBus *self, gint64 pause)
{
  gint64 end = g_get_monotonic_time () + pause;
  struct timespec at = {.tv_sec = end / G_USEC_PER_SEC, .tv_nsec = end % G_USEC_PER_SEC * 1000};
  FERRY_AUTO_LOCK (&self->lock);

  while (!self->stopping && pause > 0 && pthread_cond_timedwait (&self->changed, &self->lock, &at) == 0)
    ;
  return !self->stopping;
}

/* Publishes until the connection is lost or the bus is closed. */
static void
serve (FerryBus *self, Connection *connection)
{
  g_autofree char *loss = NULL;
  Message *message;

  go_up (self, connection);
  while ((message = wait_for_message (self)) != NULL)
    {
      publish (self, connection->link, message->subject, message->data, message->size);
      g_free (message);
    }
  go_down (self);
  /* Other servers may have come since this one was connected to. */
  ferry_server_access_learn (self->access, ferry_server_link_get_connection (connection->link));
  pthread_mutex_lock (&self->lock);
  loss = g_steal_pointer (&self->loss);
  pthread_mutex_unlock (&self->lock);
  if (loss != NULL)
    tell_of_failure (self, g_error_new (FERRY_ERROR, FERRY_ERROR_CLOSED,
                                        "The connection to the NATS server at '%s' was lost (%s); it is tried again",
                                        ferry_server_access_get_address (self->access), loss));
  else
    ferry_server_link_flush (connection->link, CLOSE_TIMEOUT);
  hang_up (connection);
}

static gint64
get_next_pause (gint64 pause)
{
  gint64 next = CLAMP (2 * pause, FIRST_PAUSE, LAST_PAUSE);

  /* All that have lost a server do not come back at once. */
  return next - g_random_int_range (0, (gint32) (next / 4));
}

/* any: ends the thread, when it has sent what it has. */
static void
stop (gpointer bus)
{
  FerryBus *self = bus;
  FERRY_AUTO_LOCK (&self->lock);

  self->stopping = TRUE;
  pthread_cond_signal (&self->changed);
}

static gpointer
run (gpointer data)
{
  FerryBus *self = data;
  Connection connection;
  gint64 pause = 0;

  while (go_on (self, pause))
    {
      g_autoptr (GError) error = NULL;
      gint64 began;

      if (!make_connection (self, &connection, &error))
        {
          tell_of_failure (self, g_steal_pointer (&error));
          pause = get_next_pause (pause);
          continue;
        }
      began = g_get_monotonic_time ();
      serve (self, &connection);
      pause = g_get_monotonic_time () - began > GOOD_TIME ? 0 : get_next_pause (pause);
    }
  return NULL;
}

/* ---- Making and closing ---- */

static gboolean
make_id (FerryBus *self, GError **error)
{
  guint64 number;

  if (getrandom (&number, sizeof number, 0) != sizeof number)
    return ferry_set_system_error (error, "getrandom()");
  g_snprintf (self->id, sizeof self->id, "%016" G_GINT64_MODIFIER "x", number);
  return TRUE;
}

static void
set_subjects (FerryBus *self)
{
  const char *application = self->application;

  if (self->host == NULL)
    {
      self->own = g_strdup_printf ("ferry.%s.hello.%s.%s", application, self->user, self->id);
      self->feeds[NEWS] = (Feed){g_strdup_printf ("ferry.%s.present.", application), g_strdup ("*.*"), take_presence};
      self->feeds[1] = (Feed){g_strdup_printf ("ferry.%s.up.%s.%s.", application, self->user, self->id),
                              g_strdup ("*.*"), take_packet};
      return;
    }
  self->own = g_strdup_printf ("ferry.%s.present.%s.%s", application, self->host, self->id);
  self->feeds[NEWS] = (Feed){g_strdup_printf ("ferry.%s.hello.", application), g_strdup ("*.*"), take_hello};
  self->feeds[1] =
    (Feed){g_strdup_printf ("ferry.%s.down.%s.%s.", application, self->host, self->id), g_strdup ("*.*"), take_packet};
  self->feeds[2] =
    (Feed){g_strdup_printf ("ferry.%s.present.", application), g_strconcat (self->host, ".*", NULL), take_presence};
}

FerryBus *
ferry_bus_new (FerryRouter *router, const FerryBusSettings *settings, const FerryBusFuncs *funcs, gpointer data,
               GError **error)
{
  g_autoptr (FerryServerAccess) access = ferry_server_access_new (settings, error);
  g_autoptr (FerryBus) self = NULL;

  if (access == NULL)
    return NULL;
  self = g_new0 (FerryBus, 1);
  self->references = 1;
  self->context = g_main_context_ref (router->context);
  pthread_mutex_init (&self->lock, NULL);
  ferry_cond_init (&self->changed);
  self->router = router;
  self->funcs = funcs;
  self->data = data;
  self->state = FERRY_CLUSTER_STATE_CONNECTING;
  self->presences = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->max_packet = DEFAULT_MAX_PACKET;
  self->application = g_strdup (settings->application);
  self->host = g_strdup (settings->host);
  self->user = g_strdup (ferry_server_access_get_user (access));
  self->access = g_steal_pointer (&access);
  if (!make_id (self, error))
    return NULL;
  set_subjects (self);
  if (!ferry_nats_thread_start ("ferry-bus", "a cluster", run, ferry_bus_ref (self), stop, unref_bus, error))
    {
      ferry_bus_unref (self);
      return NULL;
    }
  ferry_timers_add_settled_func (router->limits, is_settled, self);
  return g_steal_pointer (&self);
}

void
ferry_bus_close (FerryBus *self)
{
  if (self->router == NULL)
    return;
  ferry_timers_unset (self->router->timers, &self->presence_timer);
  ferry_timers_unset (self->router->timers, &self->again_timer);
  ferry_timers_unset (self->router->timers, &self->resume_timer);
  ferry_timers_remove_settled_func (self->router->limits, self);
  self->router = NULL;
  self->state = FERRY_CLUSTER_STATE_CLOSED;
  stop (self);
}

/* ---- What is asked ---- */

FerryClusterState
ferry_bus_get_state (FerryBus *self)
{
  return self->state;
}

const GError *
ferry_bus_get_error (FerryBus *self)
{
  return self->error;
}

const char *
ferry_bus_get_user (FerryBus *self)
{
  return self->user;
}

const char *
ferry_bus_get_id (FerryBus *self)
{
  return self->id;
}

const char *
ferry_bus_get_address (FerryBus *self)
{
  return self->address;
}

gboolean
ferry_bus_is_exposed (FerryBus *self)
{
  return self->is_exposed;
}

gsize
ferry_bus_get_max_packet (FerryBus *self)
{
  return self->max_packet;
}

FerryBusCounts
ferry_bus_get_counts (FerryBus *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  FerryBusCounts counts = self->counts;

  counts.n_foreign = self->n_foreign;
  return counts;
}
