/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The receiving end of an object's changes, in the process of the proxy, and how often it takes them. The sending end
 * is the subscriber, in the exporter's process. A subscription opens its stream again each time the exporter begins to
 * listen, until the transport has ended. The first item of each stream is complete: it has all properties that are
 * followed, and the length of a list.
 *
 * Owner:   the opener, which must close it.
 * Threads: the main context that was the opening thread's default one; the functions are called there. When another
 *          thread closes the subscription, a function may be running, or be called once more.
 * Trust:   an item has the type FERRY_SUBSCRIPTION_ITEM_TYPE, and any content. */

#include "config.h"

#include "object/ferry-subscription-private.h"

#include <stdatomic.h>

#include "base/ferry-base-private.h"
#include "base/ferry-mailbox-private.h"
#include "call/ferry-transport-private.h"
#include "conversation/ferry-mux-private.h"
#include "conversation/ferry-replies-private.h"

/* WINDOW: how many items may be under way at a time. PACE: the time from one item to the next, in microseconds: half
 * a frame. The subscriber joins changes that are made meanwhile. */
#define WINDOW 2
#define PACE 8000

/* References: the opener's, until it closes the subscription; one of the session's watch; one of each callback under
 * way. The subscription has no reference to its proxy, which may be the opener. */
struct _FerrySubscription
{
  _Atomic gint references;
  FerryProxySession *session; /* const, also the fields below: (owned) (nullable) */
  GError *refusal;            /* (nullable): why there is no session */
  FerryObjectRoot root;       /* its name is owned */
  guint64 watch;
  char **properties;
  char **signals;
  gboolean list;
  FerrySubscriptionFuncs funcs;
  gpointer data;
  GMainContext *context; /* const: (owned) */
  GThread *thread; /* const: (unowned): the opener's thread, which may use the context while no other thread runs it */
  _Atomic gboolean looks; /* look() is posted to the context, and has not begun */

  gboolean closed;
  GCancellable *cancellable;  /* (owned): cancels waiting for the next item */
  FerryReplies *replies;      /* (owned) (nullable): the open stream */
  _Atomic gboolean streaming; /* any: a stream is open, so no change of the session matters */
  gboolean is_first;
  gint64 last_item; /* when the last item came, in monotonic time; 0 after a pause */
  _Atomic gboolean
    wants_room;    /* a stream could not be opened for lack of room in the transport: room_came() will follow */
  GSource *pause;  /* (owned) (nullable): the timer until the next item is taken, or the next stream opened */
  gboolean silent; /* funcs.silent was called for good: no stream is opened until the names change */
  guint64 edition; /* the session's edition when the stream was opened */
};

static void take_next (FerrySubscription *self);
static void look (gpointer data);

static FerrySubscription *
subscription_ref (FerrySubscription *self)
{
  ferry_ref_count_inc (&self->references);
  return self;
}

static void
subscription_unref (gpointer data)
{
  FerrySubscription *self = data;

  if (!ferry_ref_count_dec (&self->references))
    return;
  g_clear_object (&self->replies);
  g_object_unref (self->cancellable);
  g_clear_error (&self->refusal);
  g_clear_pointer (&self->session, ferry_proxy_session_unref);
  g_free ((char *) self->root.name);
  g_strfreev (self->properties);
  g_strfreev (self->signals);
  g_main_context_unref (self->context);
  if (self->funcs.destroy != NULL)
    self->funcs.destroy (self->data);
  g_free (self);
}

static void
tell_silent (FerrySubscription *self, const GError *reason, gboolean for_ever)
{
  if (!self->closed && !self->silent && self->funcs.silent != NULL)
    self->funcs.silent (self->data, reason, for_ever);
  self->silent = self->silent || for_ever;
}

/* any: called when the session has changed: posts look() to the context. */
static void
look_soon (gpointer data)
{
  FerrySubscription *self = data;

  /* Sequentially consistent, as in stream_ended(): the session has changed before this, and stream_ended() clears the
   * flag before it reads the session. So one of the two sees the other. */
  if (!atomic_load (&self->streaming) && !atomic_exchange (&self->looks, TRUE))
    ferry_mailbox_post (self->context, look, subscription_ref (self), subscription_unref);
}

/* ---- a stream ---- */

static gboolean
pause_over (gpointer data)
{
  FerrySubscription *self = data;

  g_clear_pointer (&self->pause, g_source_unref);
  self->last_item = 0;
  if (self->replies == NULL)
    look (self);
  else
    take_next (self);
  return G_SOURCE_REMOVE;
}

/* Waits until a monotonic time; then takes the next item, or opens the next stream. */
static void
make_pause (FerrySubscription *self, gint64 until)
{
  if (self->pause != NULL)
    return;
  self->pause = g_timeout_source_new (G_MAXUINT);
  g_source_set_ready_time (self->pause, until);
  g_source_set_static_name (self->pause, "[ferry] a subscription's pace");
  g_source_set_callback (self->pause, pause_over, subscription_ref (self), subscription_unref);
  g_source_attach (self->pause, self->context);
}

static gboolean
is_worth_another_try (const GError *error)
{
  return error == NULL || g_error_matches (error, FERRY_ERROR, FERRY_ERROR_NOT_LISTENING) ||
         g_error_matches (error, FERRY_ERROR, FERRY_ERROR_REFUSED);
}

/* Whether the names have changed since the last stream was opened: the object that was not found by its name may be
 * exported now. */
static gboolean
may_be_there_now (FerrySubscription *self)
{
  return self->root.generation == 0 && ferry_proxy_session_get_edition (self->session) != self->edition;
}

static void
stream_ended (FerrySubscription *self, const GError *error)
{
  g_autoptr (GError) end = NULL;
  gboolean again;

  atomic_store (&self->streaming, FALSE);
  end = ferry_proxy_session_dup_end (self->session);
  again = end == NULL && (is_worth_another_try (error) || may_be_there_now (self));
  g_clear_object (&self->replies);
  tell_silent (self, end != NULL ? end : error, !again);
  self->silent = self->silent && !again;
  /* Try again even if the exporter listens already: it may have stopped and started again, and the subscription was
   * not notified of either. */
  if (!self->closed && !self->silent)
    make_pause (self, g_get_monotonic_time () + PACE);
}

static void
pass_on (FerrySubscription *self, GVariant *item)
{
  gboolean is_first = self->is_first;

  self->is_first = self->silent = FALSE;
  self->last_item = g_get_monotonic_time ();
  if (!self->closed)
    self->funcs.item (self->data, item, is_first);
}

static void
item_came_cb (GObject *replies, GAsyncResult *result, gpointer data)
{
  FerrySubscription *self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) item = ferry_replies_next_finish (FERRY_REPLIES (replies), result, &error);

  if (self->closed || FERRY_REPLIES (replies) != self->replies)
    {
      subscription_unref (self);
      return;
    }
  if (item != NULL && !g_variant_is_of_type (item, G_VARIANT_TYPE (FERRY_SUBSCRIPTION_ITEM_TYPE)))
    ferry_set_error (&error, FERRY_ERROR_PROTOCOL,
                     "The other end sent changes as a value of type '%s'; use the same version of Ferry at both ends",
                     g_variant_get_type_string (item));
  if (item != NULL && error == NULL)
    {
      pass_on (self, item);
      take_next (self);
    }
  else
    stream_ended (self, error);
  subscription_unref (self);
}

static void
take_next (FerrySubscription *self)
{
  if (self->closed || self->replies == NULL || self->pause != NULL)
    return;
  if (g_get_monotonic_time () < self->last_item + PACE && !self->is_first)
    {
      make_pause (self, self->last_item + PACE);
      return;
    }
  g_main_context_push_thread_default (self->context);
  ferry_replies_next_async (self->replies, self->cancellable, item_came_cb, subscription_ref (self));
  g_main_context_pop_thread_default (self->context);
}

/* Called by the threads that make room in the transport. Need not check whether there is enough room: if there is
 * not, the next try fails again. */
static gboolean
room_came (gpointer data)
{
  FerrySubscription *self = data;

  atomic_store (&self->wants_room, FALSE);
  look_soon (self);
  subscription_unref (self);
  return TRUE;
}

/* Returns FALSE with an error where no stream can be opened. */
static gboolean
open_stream (FerrySubscription *self, GError **error)
{
  g_autoptr (FerryTransport) transport = ferry_proxy_session_dup_transport (self->session);
  g_autoptr (FerryMux) mux = ferry_mux_new (transport);
  guint64 count = ferry_transport_get_room_count (transport);
  g_autoptr (GError) failure = NULL;
  GVariant *request = ferry_follow_request_to_variant (&self->root, (const char *const *) self->properties,
                                                       (const char *const *) self->signals, self->list);

  self->is_first = TRUE;
  self->edition = ferry_proxy_session_get_edition (self->session);
  self->replies = ferry_mux_transact_stream (mux, FERRY_OBJECT_METHOD_FOLLOW, request, WINDOW, -1, &failure);
  atomic_store (&self->streaming, self->replies != NULL);
  if (self->replies != NULL)
    take_next (self);
  else if (!ferry_proxy_session_is_too_early (failure))
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return FALSE;
    }
  else if (!atomic_exchange (&self->wants_room, TRUE))
    ferry_transport_send_later (transport, room_came, subscription_ref (self), count);
  return TRUE;
}

/* ---- the exporter ---- */

/* Whether a request is answered, now or when the exporter has come up. */
static gboolean
may_ask (FerrySubscription *self)
{
  return ferry_proxy_session_is_listening (self->session) || ferry_proxy_session_is_starting (self->session);
}

static void
look (gpointer data)
{
  FerrySubscription *self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) end = NULL;

  /* Clear the flag before the state is read, so that a later change posts look() again. */
  atomic_store (&self->looks, FALSE);
  if (self->closed || self->replies != NULL || self->pause != NULL || (self->silent && !may_be_there_now (self)))
    return;
  if (may_ask (self))
    {
      if (!open_stream (self, &error))
        stream_ended (self, error);
      return;
    }
  end = ferry_proxy_session_dup_end (self->session);
  if (end != NULL)
    tell_silent (self, end, TRUE);
}

/* ---- the subscription ---- */

static void
tell_refusal (gpointer data)
{
  FerrySubscription *self = data;

  tell_silent (self, self->refusal, TRUE);
}

FerrySubscription *
ferry_subscription_open (const FerrySubscriptionSource *source, const char *const *properties,
                         const char *const *signals, gboolean list, const FerrySubscriptionFuncs *funcs, gpointer data)
{
  FerrySubscription *self = g_new0 (FerrySubscription, 1);

  atomic_init (&self->references, 1);
  self->session = source->session;
  self->refusal = source->refusal;
  self->root = source->root;
  self->root.name = g_strdup (self->root.name);
  self->properties = g_strdupv ((char **) properties);
  self->signals = g_strdupv ((char **) signals);
  self->list = list;
  self->funcs = *funcs;
  self->data = data;
  self->context = g_main_context_ref_thread_default ();
  self->thread = g_thread_self ();
  self->cancellable = g_cancellable_new ();
  if (self->session == NULL)
    {
      ferry_mailbox_post (self->context, tell_refusal, subscription_ref (self), subscription_unref);
      return self;
    }
  self->watch =
    ferry_proxy_session_add_watch (self->session, TRUE, look_soon, subscription_ref (self), subscription_unref);
  /* Asked at once: what is asked of the object from now on comes behind this, and so is heard of. A failure is told
   * later. */
  if (!may_ask (self) || !open_stream (self, NULL))
    look_soon (self);
  return self;
}

/* On the context's thread. */
static void
close_here (gpointer data)
{
  FerrySubscription *self = data;

  self->closed = TRUE;
  if (self->watch != 0)
    ferry_proxy_session_remove_watch (self->session, self->watch);
  g_cancellable_cancel (self->cancellable);
  if (self->replies != NULL)
    ferry_replies_cancel (self->replies);
  ferry_clear_source (&self->pause);
}

void
ferry_subscription_close (FerrySubscription *self)
{
  /* Do not acquire the context here: meanwhile the context's own thread could not run it. */
  if (self->thread == g_thread_self () || g_main_context_is_owner (self->context))
    close_here (self);
  else
    ferry_mailbox_post (self->context, close_here, subscription_ref (self), subscription_unref);
  subscription_unref (self);
}
