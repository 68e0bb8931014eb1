/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The session of all proxies over one transport: whether the exporter listens there. It has weak references to its
 * proxies. A proxy that is finalized removes its entry from the tables, unless a new proxy has the entry by then. When
 * a worker takes the place of one that has ended, the session moves to the new one's transport, and all proxies with
 * it.
 *
 * A stream reports whether the exporter listens. The first proxy of the session opens the stream. When the stream
 * has ended and the transport has not, the next request opens it again.
 *
 * Until the first report, the exporter may be about to come up: its process is starting. Requests are sent all the
 * same, and wait at the other end. The session keeps the numbers of those that have no deadline, and ends them when no
 * report has come for START_TIME.
 *
 * Owner:   its proxies, by counted references.
 * Threads: any.
 * Trust:   none in the other end. */

#include "config.h"

#include "object/ferry-proxy-session-private.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/ferry-base-private.h"
#include "base/ferry-timers-private.h"
#include "call/ferry-link-transport-private.h"
#include "call/ferry-transport-private.h"
#include "wire/ferry-remote-error-private.h"

#define WATCH_WINDOW 16

static gint64 start_time = FERRY_EXPORTER_START_TIME;

typedef struct
{
  guint64 number;
  gboolean names;
  FerryProxySessionFunc func;
  gpointer data;
  GDestroyNotify destroy;
  _Atomic gint references;
} Watch;

typedef struct
{
  FerryWeak *proxy;   /* const: (owned) */
  guint64 generation; /* const: the exporter's generation; 0: the proxy was made by name */
} Entry;

/* The stream that reports whether the exporter listens. */
typedef struct
{
  _Atomic gint references;    /* one until the stream is done, and one of each item that is being delivered */
  FerryProxySession *session; /* const: (owned) */
  FerryTransport *transport;  /* const: (owned): the session's when the stream was made */
  _Atomic guint64 xid;        /* set before the request is sent, so that the first item knows it */
  gboolean sent;              /* session's lock */
} Stream;

struct _FerryProxySession
{
  _Atomic gint references;
  FerryTransport *transport; /* sessions' lock, and written with lock held: (owned) */

  pthread_mutex_t lock;
  GHashTable *by_number; /* lock, also for the fields below: (element-type guint64 Entry) (owned) */
  GHashTable *by_name;   /* (element-type utf8 Entry) (owned) */
  GHashTable *infos;     /* (element-type utf8 GDBusInterfaceInfo) (owned): by object; of the present edition only */
  guint64 edition;       /* how many times the exporter reported its state or its end */
  gboolean listening;
  gboolean starting;  /* the transport's exporter has not reported yet, and there is still time for that */
  GArray *early;      /* (element-type guint64) (owned): requests without a deadline that were sent while starting */
  GSource *timer;     /* (owned) (nullable): ends them */
  gboolean attaching; /* at the timer's last look the worker had not attached */
  Stream *stream;     /* (unowned) (nullable): the stream that is open or is being opened */
  gboolean again; /* a stream was requested while the open one reported an exporter that does not listen: stream_done()
                     opens the next */
  GError *end;    /* (owned) (nullable): why the transport has ended */
  GError *left;   /* (owned) (nullable): why the exporter has left the transport; cleared when a new stream is opened */
  GHashTable *watches; /* (owned) (element-type guint64 Watch): by their numbers */
  guint64 last_watch;
};

/* The key of the GObject data by which a transport has its session. */
#define SESSION_KEY "ferry-proxy-session"

G_LOCK_DEFINE_STATIC (sessions);

/* Returns (transfer full) (nullable) the transport's session. */
static FerryProxySession *
find_session (FerryTransport *transport)
{
  FerryProxySession *self;

  G_LOCK (sessions);
  self = g_object_get_data (G_OBJECT (transport), SESSION_KEY);
  if (self != NULL)
    ferry_proxy_session_ref (self);
  G_UNLOCK (sessions);
  return self;
}

static void
entry_free (gpointer data)
{
  Entry *self = data;

  ferry_weak_unref (self->proxy);
  g_free (self);
}

static Entry *
entry_new (FerryWeak *proxy, guint64 generation)
{
  Entry *self = g_new (Entry, 1);

  self->proxy = ferry_weak_ref (proxy);
  self->generation = generation;
  return self;
}

static void
watch_unref (gpointer data)
{
  Watch *self = data;

  if (!ferry_ref_count_dec (&self->references))
    return;
  if (self->destroy != NULL)
    self->destroy (self->data);
  g_free (self);
}

/* ---- whether the exporter listens ---- */

/* Returns (transfer full) (element-type Watch): all watches, or only those of names. */
static GPtrArray *
list_watches_locked (FerryProxySession *self, gboolean all)
{
  GPtrArray *list = g_ptr_array_new_with_free_func (watch_unref);
  GHashTableIter iter;
  Watch *watch;

  g_hash_table_iter_init (&iter, self->watches);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &watch))
    {
      if (!all && !watch->names)
        continue;
      ferry_ref_count_inc (&watch->references);
      g_ptr_array_add (list, watch);
    }
  return list;
}

static void
call_watches (GPtrArray *watches)
{
  for (guint i = 0; i < watches->len; i++)
    {
      const Watch *watch = watches->pdata[i];

      watch->func (watch->data);
    }
}

/* The exporter has reported, or nothing more is waited for: early requests are as any others. */
static void
end_starting_locked (FerryProxySession *self)
{
  self->starting = FALSE;
  g_array_set_size (self->early, 0);
  ferry_clear_source (&self->timer);
}

/* Stores what the exporter reported. Returns (transfer full) the watches to call: when the exporter reports the same
 * state again, names may stand for other objects, and only the watches of names are called. */
static GPtrArray *
set_state_locked (FerryProxySession *self, gboolean listening)
{
  GPtrArray *watches;

  self->again = self->again && !listening;
  self->edition++;
  g_hash_table_remove_all (self->infos);
  watches = list_watches_locked (
    self, self->listening != listening || self->starting || self->end != NULL || self->left != NULL);
  self->listening = listening;
  end_starting_locked (self);
  return watches;
}

static void
stream_hold (gpointer data)
{
  ferry_ref_count_inc (&((Stream *) data)->references);
}

static void
stream_unref (gpointer data)
{
  Stream *self = data;

  if (!ferry_ref_count_dec (&self->references))
    return;
  ferry_proxy_session_unref (self->session);
  g_object_unref (self->transport);
  g_free (self);
}

/* On the receiving thread. */
static void
stream_item (gpointer data, const char *name, GVariant *item)
{
  Stream *self = data;
  FerryProxySession *session = self->session;
  g_autoptr (GPtrArray) watches = NULL;
  gboolean listening;

  if (name[0] != '\0' || item == NULL || !g_variant_is_of_type (item, G_VARIANT_TYPE ("(bt)")))
    return;
  g_variant_get (item, "(bt)", &listening, NULL);
  pthread_mutex_lock (&session->lock);
  /* Of a stream that has ended meanwhile, on another thread, nothing counts any more. */
  if (session->stream == self)
    watches = set_state_locked (session, listening);
  pthread_mutex_unlock (&session->lock);
  if (watches == NULL)
    return;
  call_watches (watches);
  ferry_transport_add_window (self->transport, atomic_load (&self->xid), 1, NULL);
}

static void open_stream (FerryProxySession *self);

/* Drops the call's reference. */
static void
stream_done (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  Stream *self = data;
  FerryProxySession *session = self->session;
  g_autoptr (GPtrArray) watches = NULL;
  gboolean current;
  gboolean again;

  pthread_mutex_lock (&session->lock);
  current = session->stream == self;
  if (current)
    session->stream = NULL;
  if (current && session->end == NULL)
    session->end = ferry_transport_dup_reason (self->transport);
  again = current && session->again && session->end == NULL;
  /* When a stream to the next exporter is opened below, waiters must not be notified that no exporter is there. */
  if (current && session->end == NULL && session->left == NULL && !again)
    session->left =
      g_error_new (FERRY_ERROR, FERRY_ERROR_NOT_LISTENING,
                   "The exporter at the other end has ended (%s); wait with ferry_proxy_wait_until_listening()",
                   error != NULL ? error->message : "it left the transport");
  session->again = session->again && !again;
  if (current)
    watches = set_state_locked (session, FALSE);
  pthread_mutex_unlock (&session->lock);
  if (watches != NULL)
    call_watches (watches);
  /* The end of this stream was already on its way when a caller asked for a new stream. */
  if (again)
    open_stream (session);
  stream_unref (self);
}

static const FerryAnswerFuncs stream_funcs = {
  .item = stream_item, .done = stream_done, .hold = stream_hold, .release = stream_unref};

gboolean
ferry_proxy_session_is_too_early (const GError *error)
{
  return g_error_matches (error, FERRY_ERROR, FERRY_ERROR_NOT_STARTED) ||
         g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK);
}

/* Asks the other end for the stream. Returns FALSE while it is too early for that: see
 * ferry_proxy_session_is_too_early(). Otherwise takes the stream, which may have ended and be freed when this returns.
 */
static gboolean
ask_for_stream (gpointer stream)
{
  const FerryRequest request = {.method = FERRY_OBJECT_METHOD_WATCH,
                                .flags = FERRY_CALL_STREAM,
                                .window = WATCH_WINDOW,
                                .xid = &((Stream *) stream)->xid};
  g_autoptr (FerryProxySession) session = ferry_proxy_session_ref (((Stream *) stream)->session);
  g_autoptr (FerryTransport) transport = g_object_ref (((Stream *) stream)->transport);
  g_autoptr (GError) error = NULL;
  guint64 xid = ferry_transport_ask (transport, &request, &stream_funcs, stream, &error);

  if (xid == 0 && ferry_proxy_session_is_too_early (error))
    return FALSE;
  if (xid == 0)
    stream_done (stream, NULL, error, NULL, FALSE);
  FERRY_AUTO_LOCK (&session->lock);
  if (session->stream == stream)
    session->stream->sent = TRUE;
  return TRUE;
}

static void
open_stream (FerryProxySession *self)
{
  g_autoptr (FerryTransport) transport = ferry_proxy_session_dup_transport (self);
  guint64 count = ferry_transport_get_room_count (transport);
  Stream *stream = g_new0 (Stream, 1);
  gboolean opens;

  atomic_init (&stream->references, 1);
  stream->session = ferry_proxy_session_ref (self);
  stream->transport = g_object_ref (transport);
  pthread_mutex_lock (&self->lock);
  opens = self->stream == NULL && self->end == NULL && self->transport == transport;
  self->again = self->again || (!opens && !self->listening);
  if (opens)
    {
      self->stream = stream;
      g_clear_error (&self->left);
    }
  pthread_mutex_unlock (&self->lock);
  if (!opens)
    stream_unref (stream);
  else if (!ask_for_stream (stream))
    ferry_transport_send_later (transport, ask_for_stream, stream, count);
}

gboolean
ferry_proxy_session_check_listening (FerryProxySession *self, gboolean waits, GError **error)
{
  g_autoptr (GError) end = NULL;
  gboolean ready;

  pthread_mutex_lock (&self->lock);
  ready = self->listening || (waits && self->starting);
  end = self->end != NULL ? ferry_error_copy (self->end) : NULL;
  pthread_mutex_unlock (&self->lock);
  if (ready)
    return TRUE;
  if (end != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&end));
      return FALSE;
    }
  open_stream (self);
  return ferry_set_error (error, FERRY_ERROR_NOT_LISTENING,
                          "No exporter listens at the other end; wait with ferry_proxy_wait_until_listening()");
}

/* ---- while the exporter comes up ---- */

GError *
ferry_proxy_session_new_absence (void)
{
  return g_error_new_literal (FERRY_ERROR, FERRY_ERROR_NOT_LISTENING,
                              "No exporter has come up at the other end; have its program export the object, or wait "
                              "with ferry_proxy_wait_until_listening()");
}

gboolean
ferry_proxy_session_is_starting (FerryProxySession *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  return self->starting;
}

static gboolean start_time_over (gpointer data);

static GSource *
new_timer (FerryTransport *transport, GMainContext *context)
{
  GSource *timer = ferry_limit_source_new (ferry_deadline_after (start_time));

  g_source_set_static_name (timer, "[ferry] an exporter's time to come up");
  g_source_set_callback (timer, start_time_over, ferry_weak_ref (ferry_transport_get_weak (transport)),
                         ferry_weak_unref);
  g_source_attach (timer, context);
  return timer;
}

/* Called by the timer, which ends then. Gives the exporter its time anew while its worker attaches, and once more when
 * it has. Returns FALSE when the time is over. */
static gboolean
renew_timer (FerryProxySession *self, FerryTransport *transport)
{
  const gboolean attaching = ferry_link_transport_is_starting (transport);
  gboolean renews;
  FERRY_AUTO_LOCK (&self->lock);

  renews = attaching || self->attaching;
  self->attaching = attaching;
  if (renews && self->timer == g_main_current_source ())
    {
      g_source_unref (self->timer);
      self->timer = new_timer (transport, g_source_get_context (g_main_current_source ()));
    }
  return renews;
}

/* data: a FerryWeak of the session's transport. Ends the early requests: no exporter came up. The time of a worker
 * begins when it has attached. Until then its launcher says what becomes of it. */
static gboolean
start_time_over (gpointer data)
{
  g_autoptr (FerryTransport) transport = ferry_weak_get (data);
  g_autoptr (FerryProxySession) self = transport != NULL ? find_session (transport) : NULL;
  g_autoptr (FerryTransport) present = self != NULL ? ferry_proxy_session_dup_transport (self) : NULL;
  g_autoptr (GPtrArray) watches = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) early = NULL;

  if (self == NULL || present != transport || renew_timer (self, transport))
    return G_SOURCE_REMOVE;
  pthread_mutex_lock (&self->lock);
  /* The exporter may have reported meanwhile, on another thread. */
  if (self->starting)
    {
      early = g_array_copy (self->early);
      /* Requests that are made from now on fail at once. */
      watches = set_state_locked (self, FALSE);
    }
  pthread_mutex_unlock (&self->lock);
  if (watches == NULL)
    return G_SOURCE_REMOVE;
  call_watches (watches);
  error = ferry_proxy_session_new_absence ();
  for (guint i = 0; i < early->len; i++)
    ferry_transport_end_request (transport, g_array_index (early, guint64, i), FERRY_CANCEL_REASON_DEADLINE, error);
  return G_SOURCE_REMOVE;
}

void
ferry_proxy_session_add_early (FerryProxySession *self, FerryTransport *transport, guint64 xid)
{
  g_autoptr (GMainContext) context = NULL;
  FERRY_AUTO_LOCK (&self->lock);

  if (!self->starting || self->transport != transport)
    return;
  g_array_append_val (self->early, xid);
  if (self->timer != NULL)
    return;
  context = g_main_context_ref_thread_default ();
  self->timer = new_timer (self->transport, context);
}

void
ferry_proxy_session_set_start_time (gint64 time)
{
  start_time = time;
}

gint64
ferry_proxy_session_get_start_time (void)
{
  return start_time;
}

GError *
ferry_proxy_session_dup_absence (FerryProxySession *self)
{
  return ferry_proxy_session_is_starting (self) ? ferry_proxy_session_new_absence () : NULL;
}

gboolean
ferry_proxy_session_is_listening (FerryProxySession *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  return self->listening;
}

GError *
ferry_proxy_session_dup_end (FerryProxySession *self)
{
  const GError *end;
  FERRY_AUTO_LOCK (&self->lock);

  end = self->end != NULL ? self->end : self->left;
  return end != NULL ? ferry_error_copy (end) : NULL;
}

guint64
ferry_proxy_session_add_watch (FerryProxySession *self, gboolean names, FerryProxySessionFunc func, gpointer data,
                               GDestroyNotify destroy)
{
  Watch *watch = g_new (Watch, 1);
  guint64 number;

  *watch = (Watch){.names = names, .func = func, .data = data, .destroy = destroy, .references = 1};
  pthread_mutex_lock (&self->lock);
  number = watch->number = ++self->last_watch;
  g_hash_table_insert (self->watches, &watch->number, watch);
  pthread_mutex_unlock (&self->lock);
  open_stream (self);
  return number;
}

void
ferry_proxy_session_remove_watch (FerryProxySession *self, guint64 number)
{
  Watch *watch;

  pthread_mutex_lock (&self->lock);
  watch = g_hash_table_lookup (self->watches, &number);
  g_hash_table_steal (self->watches, &number);
  pthread_mutex_unlock (&self->lock);
  /* Without the lock: the watch's data may be freed. */
  if (watch != NULL)
    watch_unref (watch);
}

/* ---- dropping references of this end ---- */

typedef struct
{
  FerryTransport *transport; /* (owned) */
  guint64 generation, number, count;
} Release;

/* Sends a release. Returns FALSE while the transport has no room; otherwise takes the release. */
static gboolean
send_release (gpointer data)
{
  Release *self = data;
  const FerryRequest request = {
    .method = FERRY_OBJECT_METHOD_RELEASE,
    .arguments = g_variant_new ("(ttt)", self->generation, self->number, self->count),
    .flags = FERRY_CALL_ONE_WAY,
  };
  g_autoptr (GError) error = NULL;

  if (ferry_transport_ask (self->transport, &request, NULL, NULL, &error) == 0 &&
      g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
    return FALSE;
  g_object_unref (self->transport);
  g_free (self);
  return TRUE;
}

/* Releases need no order: the other end subtracts each count. */
void
ferry_proxy_session_release (FerryProxySession *self, guint64 generation, guint64 number, guint64 count)
{
  g_autoptr (FerryTransport) transport =
    generation != 0 && count != 0 ? ferry_proxy_session_dup_transport (self) : NULL;
  Release *release;
  guint64 room;

  if (transport == NULL || ferry_transport_get_closed (transport))
    return;
  room = ferry_transport_get_room_count (transport);
  release = g_new (Release, 1);
  *release = (Release){g_object_ref (transport), generation, number, count};
  if (!send_release (release))
    ferry_transport_send_later (transport, send_release, release, room);
}

/* ---- proxies ---- */

/* Returns (transfer none) (nullable) the proxy of an entry (nullable). Sets in_use to its weak reference if it was
 * entered. The caller leaves it without the lock, which finalizing the proxy takes. */
static FerryProxy *
use_locked (const Entry *entry, FerryWeak **in_use)
{
  if (entry == NULL)
    return NULL;
  *in_use = entry->proxy;
  return ferry_weak_enter (entry->proxy);
}

void
ferry_proxy_session_add_name (FerryProxySession *self, FerryWeak *proxy, const char *name)
{
  FERRY_AUTO_LOCK (&self->lock);
  g_hash_table_insert (self->by_name, g_strdup (name), entry_new (proxy, 0));
}

/* Returns (nullable) the entry of the result's number. An entry does not count if its reference is of another exporter,
 * which used the same number before. */
static Entry *
find_reference_locked (FerryProxySession *self, const FerryChainResult *result)
{
  Entry *entry = g_hash_table_lookup (self->by_number, &result->number);

  return entry != NULL && entry->generation == result->generation ? entry : NULL;
}

FerryProxy *
ferry_proxy_session_find_or_make (FerryProxySession *self, const FerryChainResult *result, FerryProxyMakeFunc make,
                                  FerryProxy *asker, gboolean *by_name)
{
  FerryWeak *in_use[2] = {NULL, NULL};
  FerryProxy *made = NULL;
  FerryProxy *proxy = NULL;

  pthread_mutex_lock (&self->lock);
  if (result->name != NULL)
    proxy = use_locked (g_hash_table_lookup (self->by_name, result->name), &in_use[0]);
  *by_name = proxy != NULL;
  if (proxy == NULL)
    proxy = use_locked (find_reference_locked (self, result), &in_use[1]);
  if (proxy == NULL)
    {
      FerryWeak *weak;

      made = make (asker, result, &weak);
      g_hash_table_insert (self->by_number, g_memdup2 (&result->number, sizeof result->number),
                           entry_new (weak, result->generation));
    }
  pthread_mutex_unlock (&self->lock);
  if (made == NULL)
    made = g_object_ref (proxy);
  for (guint i = 0; i < G_N_ELEMENTS (in_use); i++)
    g_clear_pointer (&in_use[i], ferry_weak_leave);
  return made;
}

/* Removes the entry of a proxy that is being finalized, unless a new proxy has taken its place in the table. */
static void
forget (FerryProxySession *self, GHashTable *table, gconstpointer key)
{
  FerryWeak *in_use = NULL;

  pthread_mutex_lock (&self->lock);
  if (use_locked (g_hash_table_lookup (table, key), &in_use) == NULL)
    g_hash_table_remove (table, key);
  pthread_mutex_unlock (&self->lock);
  g_clear_pointer (&in_use, ferry_weak_leave);
}

void
ferry_proxy_session_forget (FerryProxySession *self, const char *name, guint64 generation, guint64 number)
{
  if (generation == 0)
    forget (self, self->by_name, name);
  else
    forget (self, self->by_number, &number);
}

/* ---- descriptions ---- */

GDBusInterfaceInfo *
ferry_proxy_session_dup_info (FerryProxySession *self, const char *object)
{
  GDBusInterfaceInfo *info;
  FERRY_AUTO_LOCK (&self->lock);

  info = g_hash_table_lookup (self->infos, object);
  if (info != NULL)
    g_dbus_interface_info_ref (info);
  return info;
}

void
ferry_proxy_session_set_info (FerryProxySession *self, const char *object, guint64 edition, GDBusInterfaceInfo *info)
{
  FERRY_AUTO_LOCK (&self->lock);
  if (edition == self->edition)
    g_hash_table_insert (self->infos, g_strdup (object), g_dbus_interface_info_ref (info));
}

guint64
ferry_proxy_session_get_edition (FerryProxySession *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  return self->edition;
}

FerryTransport *
ferry_proxy_session_dup_transport (FerryProxySession *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  return g_object_ref (self->transport);
}

/* ---- the session ---- */

static FerryProxySession *
session_new (FerryTransport *transport)
{
  FerryProxySession *self = g_new0 (FerryProxySession, 1);

  atomic_init (&self->references, 1);
  self->transport = g_object_ref (transport);
  pthread_mutex_init (&self->lock, NULL);
  self->starting = TRUE;
  self->early = g_array_new (FALSE, FALSE, sizeof (guint64));
  self->by_number = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, entry_free);
  self->by_name = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, entry_free);
  self->infos = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_dbus_interface_info_unref);
  self->watches = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, watch_unref);
  return self;
}

FerryProxySession *
ferry_proxy_session_get (FerryTransport *transport)
{
  FerryProxySession *self;

  G_LOCK (sessions);
  self = g_object_get_data (G_OBJECT (transport), SESSION_KEY);
  if (self != NULL)
    ferry_proxy_session_ref (self);
  else
    {
      self = session_new (transport);
      g_object_set_data (G_OBJECT (transport), SESSION_KEY, self);
    }
  G_UNLOCK (sessions);
  open_stream (self);
  return self;
}

FerryProxySession *
ferry_proxy_session_ref (FerryProxySession *self)
{
  ferry_ref_count_inc (&self->references);
  return self;
}

/* Takes the stream from a session of which only the stream has a reference. Returns the stream's xid, which the
 * caller must end; 0 if there is nothing to end. */
static guint64
steal_stream (FerryProxySession *self)
{
  guint64 xid = 0;
  FERRY_AUTO_LOCK (&self->lock);

  if (self->stream != NULL && self->stream->sent)
    xid = atomic_load (&self->stream->xid);
  if (xid != 0)
    {
      self->stream = NULL;
      self->listening = FALSE;
    }
  return xid;
}

/* Makes the session that of a transport without one. Returns (transfer full) (element-type Watch) the watches to call.
 */
static GPtrArray *
move_locked (FerryProxySession *self, FerryTransport *to)
{
  self->transport = g_object_ref (to);
  /* The streams of the former transport have ended, or find that they are not the session's. */
  self->stream = NULL;
  self->again = FALSE;
  g_clear_error (&self->end);
  g_clear_error (&self->left);
  end_starting_locked (self);
  self->starting = TRUE;
  self->listening = FALSE;
  self->edition++;
  g_hash_table_remove_all (self->infos);
  return list_watches_locked (self, TRUE);
}

void
ferry_proxy_session_move (FerryTransport *from, FerryTransport *to)
{
  g_autoptr (FerryProxySession) self = find_session (from);
  g_autoptr (FerryTransport) transport = NULL;
  g_autoptr (GPtrArray) watches = NULL;

  if (self == NULL)
    return;
  G_LOCK (sessions);
  g_object_set_data (G_OBJECT (from), SESSION_KEY, NULL);
  g_object_set_data (G_OBJECT (to), SESSION_KEY, self);
  pthread_mutex_lock (&self->lock);
  transport = self->transport;
  watches = move_locked (self, to);
  pthread_mutex_unlock (&self->lock);
  G_UNLOCK (sessions);
  open_stream (self);
  call_watches (watches);
}

static void
session_free (FerryProxySession *self)
{
  end_starting_locked (self);
  g_array_unref (self->early);
  g_hash_table_unref (self->by_number);
  g_hash_table_unref (self->by_name);
  g_hash_table_unref (self->infos);
  g_hash_table_unref (self->watches);
  g_clear_error (&self->end);
  g_clear_error (&self->left);
  pthread_mutex_destroy (&self->lock);
  g_object_unref (self->transport);
  g_free (self);
}

void
ferry_proxy_session_unref (FerryProxySession *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTransport) transport = NULL;
  guint64 xid = 0;
  gint references;

  /* With this lock no other thread can get a reference meanwhile: see ferry_proxy_session_get(). */
  G_LOCK (sessions);
  references = atomic_fetch_sub (&self->references, 1) - 1;
  if (references == 0)
    g_object_set_data (G_OBJECT (self->transport), SESSION_KEY, NULL);
  else if (references == 1)
    xid = steal_stream (self);
  if (xid != 0)
    transport = g_object_ref (self->transport);
  G_UNLOCK (sessions);
  if (references == 0)
    session_free (self);
  if (xid == 0)
    return;
  error = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, "The last proxy of the transport was dropped");
  ferry_transport_end_request (transport, xid, FERRY_CANCEL_REASON_CANCELLED, error);
}
