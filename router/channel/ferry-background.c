/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Results that wait for an application.
 *
 * While one is attached, a thread gives it the oldest result, waits for the answer, or for the message to be taken,
 * takes the result out of the queue, and goes on. When that fails the thread ends, and the result stays where it is.
 *
 * Threads:   any, where nothing else is said. The giver is the thread.
 * Locks:     lock; the transport is not called with it held. attaching is held for longer, by who starts and joins the
 *            giver, and is taken first; the giver never takes it.
 * Invariant: only the giver takes results out, and there is one at most, so that what it gave still is the oldest. */

#include "config.h"

#include "channel/ferry-background.h"

#include <pthread.h>

#include "base/ferry-base-private.h"
#include "base/ferry-cond-private.h"
#include "base/ferry-thread-private.h"
#include "call/ferry-mux.h"
#include "channel/ferry-channel-private.h"

typedef struct
{
  guint64 number;
  GVariant *value; /* (owned) */
} Result;

/**
 * FerryBackground:
 *
 * Results that a persistent worker keeps while no application is attached, and gives to the next one.
 *
 * Each result is a transaction that the worker begins: an application has a [class@Ferry.Demux] with a handler of the
 * method's name, whose arguments are of the type `(tv)`, the number of the result and the result. It is over with the
 * handler's answer and not before: where the application ends in between, or answers with an error, the result stays,
 * and is the first one that the next application is given. So none is lost. One that was taken up by an application
 * that ended before its answer had gone out is given again, with the same number: numbers begin at 1 and are given in
 * order, so that whoever remembers the last one knows it again.
 *
 * Where less will do, an application takes the results as the messages of a channel: see
 * [method@Ferry.Background.attach_channel].
 *
 * The results are in the worker's memory, and end with it.
 *
 * ```c
 * static void
 * attached_cb (FerryListener *listener, FerryTransport *transport, gpointer background)
 * {
 *   ferry_background_attach (background, transport, NULL);
 * }
 * ```
 *
 * Any thread may use it.
 *
 * Since: 0.1
 */
struct _FerryBackground
{
  GObject parent_instance;

  char *method;      /* const: (owned) */
  guint max_results; /* const */

  pthread_mutex_t attaching;
  GThread *giver;            /* attaching: (owned) (nullable) */
  GCancellable *cancellable; /* attaching: (owned) (nullable): ends what the giver waits for */

  pthread_mutex_t lock;
  pthread_cond_t changed;
  GQueue results;      /* lock: (element-type Result) (owned): the oldest first */
  guint64 last_number; /* lock */
  gboolean leaving;    /* lock: the giver is to end */
  gboolean giving;     /* lock: there is one that has not ended */
  gboolean finished;   /* lock: no more results come */
};

typedef struct
{
  FerryBackground *background; /* (unowned): it joins the thread */
  FerryMux *mux;               /* (owned) (nullable): that, or the next one */
  FerryChannel *channel;       /* (owned) (nullable) */
  GCancellable *cancellable;   /* (owned) */
} Giving;

G_DEFINE_FINAL_TYPE (FerryBackground, ferry_background, G_TYPE_OBJECT)

static void
result_free (gpointer data)
{
  Result *self = data;

  g_variant_unref (self->value);
  g_free (self);
}

/* ---- the giver ---- */

static GVariant *
make_given (Giving *giving, const Result *result)
{
  if (giving->channel != NULL)
    return g_variant_ref (result->value);
  return g_variant_ref_sink (g_variant_new ("(tv)", result->number, result->value));
}

/* The oldest result as what the application is given, or NULL when it is time to leave, or at the end. */
static GVariant *
wait_for_result (Giving *giving, gboolean *at_end)
{
  FerryBackground *self = giving->background;
  GVariant *given = NULL;

  pthread_mutex_lock (&self->lock);
  while (self->results.length == 0 && !self->leaving && !self->finished)
    pthread_cond_wait (&self->changed, &self->lock);
  *at_end = self->results.length == 0 && !self->leaving;
  if (!self->leaving && !*at_end)
    given = make_given (giving, self->results.head->data);
  pthread_mutex_unlock (&self->lock);
  return given;
}

static void
drop_oldest (FerryBackground *self)
{
  Result *result;

  pthread_mutex_lock (&self->lock);
  result = g_queue_pop_head (&self->results);
  pthread_cond_broadcast (&self->changed);
  pthread_mutex_unlock (&self->lock);
  result_free (result);
}

static gboolean
give (Giving *giving, GVariant *given)
{
  g_autoptr (GVariant) answer = NULL;
  g_autoptr (GError) error = NULL;
  gboolean taken;

  if (giving->channel != NULL)
    taken = ferry_channel_send_acknowledged (giving->channel, given, -1, giving->cancellable, &error);
  else
    taken =
      ferry_mux_transact (giving->mux, giving->background->method, given, -1, giving->cancellable, &answer, &error);
  if (taken)
    return TRUE;
  g_debug ("A result was not taken, and waits for the next application: %s", error->message);
  return FALSE;
}

static void
giving_free (Giving *giving)
{
  g_clear_object (&giving->mux);
  g_clear_object (&giving->channel);
  g_object_unref (giving->cancellable);
  g_free (giving);
}

static void
give_end (Giving *giving)
{
  if (giving->channel == NULL)
    return;
  ferry_channel_close (giving->channel);
  ferry_channel_wait_end_sent (giving->channel);
}

static gpointer
give_main (gpointer data)
{
  Giving *giving = data;
  FerryBackground *self = giving->background;
  gboolean taken = TRUE;
  gboolean at_end = FALSE;

  while (taken)
    {
      g_autoptr (GVariant) given = wait_for_result (giving, &at_end);

      taken = given != NULL && give (giving, given);
      if (taken)
        drop_oldest (self);
    }
  if (at_end)
    give_end (giving);
  giving_free (giving);
  pthread_mutex_lock (&self->lock);
  self->giving = FALSE;
  pthread_cond_broadcast (&self->changed);
  pthread_mutex_unlock (&self->lock);
  return NULL;
}

static void
stop_giving_attaching (FerryBackground *self)
{
  if (self->giver == NULL)
    return;
  pthread_mutex_lock (&self->lock);
  self->leaving = TRUE;
  pthread_cond_broadcast (&self->changed);
  pthread_mutex_unlock (&self->lock);
  g_cancellable_cancel (self->cancellable);
  g_thread_join (g_steal_pointer (&self->giver));
  g_clear_object (&self->cancellable);
  pthread_mutex_lock (&self->lock);
  self->leaving = FALSE;
  pthread_mutex_unlock (&self->lock);
}

static void
set_giving (FerryBackground *self, gboolean giving)
{
  pthread_mutex_lock (&self->lock);
  self->giving = giving;
  pthread_mutex_unlock (&self->lock);
}

/* Takes over mux or channel. */
static gboolean
start_giving_attaching (FerryBackground *self, FerryMux *mux, FerryChannel *channel, GError **error)
{
  Giving *giving = g_new (Giving, 1);

  self->cancellable = g_cancellable_new ();
  *giving = (Giving){self, mux, channel, g_object_ref (self->cancellable)};
  set_giving (self, TRUE);
  self->giver = ferry_thread_try_new ("ferry-giver", "giving results", give_main, giving, error);
  if (self->giver != NULL)
    return TRUE;
  set_giving (self, FALSE);
  g_clear_object (&self->cancellable);
  giving_free (giving);
  return FALSE;
}

/* ---- the object ---- */

static void
ferry_background_finalize (GObject *object)
{
  FerryBackground *self = FERRY_BACKGROUND (object);

  stop_giving_attaching (self);
  g_queue_clear_full (&self->results, result_free);
  g_free (self->method);
  pthread_cond_destroy (&self->changed);
  pthread_mutex_destroy (&self->lock);
  pthread_mutex_destroy (&self->attaching);

  G_OBJECT_CLASS (ferry_background_parent_class)->finalize (object);
}

static void
ferry_background_class_init (FerryBackgroundClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ferry_background_finalize;
}

static void
ferry_background_init (FerryBackground *self)
{
  pthread_mutex_init (&self->attaching, NULL);
  pthread_mutex_init (&self->lock, NULL);
  ferry_cond_init (&self->changed);
  g_queue_init (&self->results);
}

/**
 * ferry_background_new:
 * @method: by what name an application is given results, 1 to 255 bytes of UTF-8
 * @max_results: how many wait at the most, at least 1
 *
 * Creates a background. It has no results, and is attached to no application. Any thread.
 *
 * Returns: (transfer full): one without results, that is attached to nobody
 *
 * Since: 0.1
 */
FerryBackground *
ferry_background_new (const char *method, guint max_results)
{
  FerryBackground *self;

  g_return_val_if_fail (method != NULL && method[0] != '\0', NULL);
  g_return_val_if_fail (max_results > 0, NULL);

  self = g_object_new (FERRY_TYPE_BACKGROUND, NULL);
  self->method = g_strdup (method);
  self->max_results = max_results;
  return self;
}

static void
cancelled_cb (GCancellable *cancellable, gpointer data)
{
  FerryBackground *self = data;

  pthread_mutex_lock (&self->lock);
  pthread_cond_broadcast (&self->changed);
  pthread_mutex_unlock (&self->lock);
}

static gboolean
is_finished (FerryBackground *self)
{
  gboolean finished;

  pthread_mutex_lock (&self->lock);
  finished = self->finished;
  pthread_mutex_unlock (&self->lock);
  return finished;
}

static gboolean
put_in_time (FerryBackground *self, GVariant *value, gint64 deadline, GCancellable *cancellable)
{
  gboolean in_time = TRUE;
  gboolean room;
  Result *result;

  pthread_mutex_lock (&self->lock);
  while (!(room = self->results.length < self->max_results) && in_time && !self->finished &&
         !g_cancellable_is_cancelled (cancellable))
    in_time = ferry_cond_wait_until (&self->changed, &self->lock, deadline);
  room = room && !self->finished;
  if (room)
    {
      result = g_new (Result, 1);
      *result = (Result){++self->last_number, g_variant_ref (value)};
      g_queue_push_tail (&self->results, result);
      pthread_cond_broadcast (&self->changed);
    }
  pthread_mutex_unlock (&self->lock);
  return room;
}

/**
 * ferry_background_put:
 * @self: a background
 * @result: the result; a floating reference is taken
 * @timeout: how long to wait while there are as many as may be, in microseconds; negative for any time, 0 for not at
 *   all
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Adds a result, for the application that is attached or for the next one. Any thread.
 *
 * Returns: whether it was added; if not, with %FERRY_ERROR_WOULD_BLOCK when there was no time to wait,
 *   %FERRY_ERROR_TIMED_OUT or %G_IO_ERROR_CANCELLED; with %FERRY_ERROR_CLOSED after [method@Ferry.Background.finish]
 *
 * Since: 0.1
 */
gboolean
ferry_background_put (FerryBackground *self, GVariant *result, gint64 timeout, GCancellable *cancellable,
                      GError **error)
{
  gint64 deadline = ferry_deadline_after (timeout);
  g_autoptr (GVariant) kept = NULL;
  gboolean added;
  gulong id;

  g_return_val_if_fail (FERRY_IS_BACKGROUND (self), FALSE);
  g_return_val_if_fail (result != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  kept = g_variant_ref_sink (result);
  id = cancellable != NULL ? g_cancellable_connect (cancellable, G_CALLBACK (cancelled_cb), self, NULL) : 0;
  added = put_in_time (self, kept, deadline, cancellable);
  g_cancellable_disconnect (cancellable, id);
  if (added)
    return TRUE;
  if (is_finished (self))
    g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_CLOSED,
                         "The background was finished, and takes no more results; put them before");
  else if (!g_cancellable_set_error_if_cancelled (cancellable, error))
    g_set_error (error, FERRY_ERROR, timeout == 0 ? FERRY_ERROR_WOULD_BLOCK : FERRY_ERROR_TIMED_OUT,
                 "%u results wait already, which is the most there may be; wait until they are taken",
                 self->max_results);
  return FALSE;
}

/**
 * ferry_background_attach:
 * @self: a background
 * @transport: what joins an application; a reference is kept until the next one attaches, or a result is not taken
 * @error: return location for an error
 *
 * Gives results to an application from now on, one after the other, the oldest first; whoever was given them before
 * gets no more. They are given on a thread of the background's own. Any thread but one that receives for @transport.
 *
 * Returns: whether it could; if not, with %FERRY_ERROR_SYSTEM
 *
 * Since: 0.1
 */
gboolean
ferry_background_attach (FerryBackground *self, FerryTransport *transport, GError **error)
{
  gboolean started;

  g_return_val_if_fail (FERRY_IS_BACKGROUND (self), FALSE);
  g_return_val_if_fail (FERRY_IS_TRANSPORT (transport), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  pthread_mutex_lock (&self->attaching);
  stop_giving_attaching (self);
  started = start_giving_attaching (self, ferry_mux_new (transport), NULL, error);
  pthread_mutex_unlock (&self->attaching);
  return started;
}

/**
 * ferry_background_attach_channel:
 * @self: a background
 * @channel: a channel with an application, such as one over what a [class@Ferry.Listener] gives, that nobody else sends
 *   over; a reference is kept as with [method@Ferry.Background.attach]
 * @error: return location for an error
 *
 * Gives results to an application as [method@Ferry.Background.attach] does, but as the messages of a channel, without a
 * number: for an application that takes them with [method@Ferry.Channel.receive], or whose exchange does
 * ([method@Ferry.Exchange.connect_async]). A result is kept until it was taken. One that was taken in the same
 * instant in which the next application attaches, or whose application ends then, may be given again: a listener that
 * lets in one at a time, as it does where nothing else is said, hears all that one has said before the next one comes.
 *
 * After [method@Ferry.Background.finish] the channel is closed behind the last result. Any thread but one that receives
 * for the channel's transport.
 *
 * Returns: whether it could; if not, with %FERRY_ERROR_SYSTEM
 *
 * Since: 0.1
 */
gboolean
ferry_background_attach_channel (FerryBackground *self, FerryChannel *channel, GError **error)
{
  gboolean started;

  g_return_val_if_fail (FERRY_IS_BACKGROUND (self), FALSE);
  g_return_val_if_fail (FERRY_IS_CHANNEL (channel), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  pthread_mutex_lock (&self->attaching);
  stop_giving_attaching (self);
  started = start_giving_attaching (self, NULL, g_object_ref (channel), error);
  pthread_mutex_unlock (&self->attaching);
  return started;
}

/**
 * ferry_background_finish:
 * @self: a background
 *
 * Says that no more results come: those that wait are still given, to the application that is attached or to those that
 * attach later, and behind them a channel is closed. Does nothing where it was said before. Any thread.
 *
 * Since: 0.1
 */
void
ferry_background_finish (FerryBackground *self)
{
  g_return_if_fail (FERRY_IS_BACKGROUND (self));

  pthread_mutex_lock (&self->lock);
  self->finished = TRUE;
  pthread_cond_broadcast (&self->changed);
  pthread_mutex_unlock (&self->lock);
}

/* lock is held. */
static gboolean
is_taken_locked (FerryBackground *self)
{
  return self->results.length == 0 && !(self->finished && self->giving);
}

/**
 * ferry_background_wait_taken:
 * @self: a background
 * @timeout: how long to wait, in microseconds; negative for any time, 0 for not at all
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Waits until no result is left, and where there was a [method@Ferry.Background.finish], until an application that is
 * attached by a channel has been told so: then the worker can end. Any thread but that of a main loop, and those that
 * receive for a transport.
 *
 * Returns: whether it is so; if not, with %FERRY_ERROR_TIMED_OUT or %G_IO_ERROR_CANCELLED
 *
 * Since: 0.1
 */
gboolean
ferry_background_wait_taken (FerryBackground *self, gint64 timeout, GCancellable *cancellable, GError **error)
{
  gint64 deadline = ferry_deadline_after (timeout);
  gboolean in_time = TRUE;
  gboolean taken;
  gulong id;

  g_return_val_if_fail (FERRY_IS_BACKGROUND (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  id = cancellable != NULL ? g_cancellable_connect (cancellable, G_CALLBACK (cancelled_cb), self, NULL) : 0;
  pthread_mutex_lock (&self->lock);
  while (!(taken = is_taken_locked (self)) && in_time && !g_cancellable_is_cancelled (cancellable))
    in_time = ferry_cond_wait_until (&self->changed, &self->lock, deadline);
  pthread_mutex_unlock (&self->lock);
  g_cancellable_disconnect (cancellable, id);
  if (!taken && !g_cancellable_set_error_if_cancelled (cancellable, error))
    g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT,
                         "Nobody took the results in time; wait longer, or end without");
  return taken;
}

/**
 * ferry_background_detach:
 * @self: a background
 *
 * Gives no more results until the next application attaches. One that is being given, and was not answered, stays. Does
 * nothing where nobody is attached. Any thread but one that receives for the transport.
 *
 * Since: 0.1
 */
void
ferry_background_detach (FerryBackground *self)
{
  g_return_if_fail (FERRY_IS_BACKGROUND (self));

  pthread_mutex_lock (&self->attaching);
  stop_giving_attaching (self);
  pthread_mutex_unlock (&self->attaching);
}

/**
 * ferry_background_get_n_results:
 * @self: a background
 *
 * Counts the results that wait, with the one that is being given. Any thread.
 *
 * Returns: how many results wait, the one included that is being given
 *
 * Since: 0.1
 */
guint
ferry_background_get_n_results (FerryBackground *self)
{
  guint n;

  g_return_val_if_fail (FERRY_IS_BACKGROUND (self), 0);

  pthread_mutex_lock (&self->lock);
  n = self->results.length;
  pthread_mutex_unlock (&self->lock);
  return n;
}
