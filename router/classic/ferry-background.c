/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Results of a worker that are kept until an application takes them.
 *
 * While an application is attached, a thread, the giver, sends it the oldest result. When the application has answered
 * the result, or has taken it from the channel, the giver removes it from the queue and sends the next one. When
 * sending fails, the giver ends and the result stays in the queue.
 *
 * Threads:   any, where nothing else is said.
 * Locks:     attaching, then lock. A thread that starts or joins the giver holds attaching; the giver never locks
 *            attaching, and reads what is set while it does not run. Functions of the transport are called without
 *            lock.
 * Invariant: only the giver removes results, and there is at most one giver. So it removes the result that it sent. */

#include "config.h"

#include "classic/ferry-background.h"

#include <string.h>

#include <ferry-conversations.h>

#include "conversation/ferry-channel-private.h"

/* The longest name of a method, in bytes. */
#define MAX_NAME 255

/**
 * FerryBackground:
 *
 * Results that a persistent worker keeps, while no application is attached, for the next one that attaches.
 *
 * Each result is a transaction that the worker begins. The application has a [class@Ferry.Demux] with a handler of the
 * method's name. The handler's arguments have the type `(tv)`: the number of the result, and the result.
 *
 * A result is removed when the handler has answered. If the application ends before its answer, or answers with an
 * error, the result stays, and is the first one that the next application gets. So no result is lost. A result may be
 * given twice, with the same number, if an application ends before its answer was sent. Numbers begin at 1 and increase
 * by one. So an application that stores the last number can recognize a repeated result.
 *
 * An application that needs no numbers can take the results as the messages of a channel: see
 * [method@FerryClassic.Background.attach_channel].
 *
 * The results are in the worker's memory. They are lost when the worker ends.
 *
 * ```c
 * static void
 * attached_cb (FerryListener *listener, FerryTransport *transport, gpointer background)
 * {
 *   ferry_background_attach (background, transport, NULL);
 * }
 * ```
 *
 * Any thread may use a background.
 */
struct _FerryBackground
{
  GObject parent_instance;

  char *method;      /* const: (owned): the name of the application's handler */
  guint max_results; /* const: the largest number of results that may wait */

  GMutex attaching;
  GThread *giver;            /* guarded by attaching: (owned) (nullable): the thread that sends the results */
  GCancellable *cancellable; /* guarded by attaching: (owned) (nullable): ends the giver, even while it waits */
  FerryMux *mux;             /* giver: (owned) (nullable): sends the results; NULL when channel is set */
  FerryChannel *channel;     /* giver: (owned) (nullable): sends the results; NULL when mux is set */

  GMutex lock;
  GCond changed;       /* signalled when one of the four fields below has changed */
  GQueue results;      /* guarded by lock: (element-type GVariant) (owned): the oldest result first */
  guint64 last_number; /* guarded by lock: the number of the newest result; the one before has one less */
  gboolean giving;     /* guarded by lock: TRUE from the giver's start until the giver ends */
  gboolean finished;   /* guarded by lock: TRUE after ferry_background_finish(): no more results are added */
};

G_DEFINE_FINAL_TYPE (FerryBackground, ferry_background, G_TYPE_OBJECT)

/* ---- the giver ---- */

typedef gboolean (*Condition) (FerryBackground *self, gpointer data);

static gboolean
has_work (FerryBackground *self, gpointer data)
{
  return self->results.length > 0 || self->finished;
}

static void
wake (GCancellable *cancellable, FerryBackground *self)
{
  g_mutex_lock (&self->lock);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

/* How much of a limit is over at most between two looks: the time of a process that was stopped is not its own. */
#define LOOK_TIME (G_USEC_PER_SEC / 10)

/* Waits for a change, or for a part of what is left of the limit. Returns what is left then. */
static gint64
wait_for_change_locked (FerryBackground *self, gint64 left)
{
  gint64 begun = g_get_monotonic_time ();
  gint64 part = MIN (left, LOOK_TIME);

  if (left < 0)
    g_cond_wait (&self->changed, &self->lock);
  else
    {
      g_cond_wait_until (&self->changed, &self->lock, begun + part);
      left -= CLAMP (g_get_monotonic_time () - begun, 0, part);
    }
  return left;
}

/* Waits until condition, which is called with the lock, returns TRUE. Fails with FERRY_ERROR_TIMED_OUT and
 * G_IO_ERROR_CANCELLED. */
static gboolean
wait_until (FerryBackground *self, Condition condition, gpointer data, gint64 timeout, GCancellable *cancellable,
            GError **error)
{
  gulong id = cancellable != NULL ? g_cancellable_connect (cancellable, G_CALLBACK (wake), self, NULL) : 0;
  gint64 left = timeout;
  gboolean holds;

  g_mutex_lock (&self->lock);
  while (!(holds = condition (self, data)) && left != 0 && !g_cancellable_is_cancelled (cancellable))
    left = wait_for_change_locked (self, left);
  g_mutex_unlock (&self->lock);
  g_cancellable_disconnect (cancellable, id);
  if (!holds && !g_cancellable_set_error_if_cancelled (cancellable, error))
    g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT,
                         "The application did not take all results in time; wait longer, or end without them");
  return holds;
}

/* Waits for a result. Returns the oldest result, in the form that the application gets: (transfer full) (nullable).
 * Returns NULL when the giver must end: it was cancelled, or no result will follow, and then at_end is set. */
static GVariant *
wait_for_result (FerryBackground *self, gboolean *at_end)
{
  GVariant *result;
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = NULL;

  if (!wait_until (self, has_work, NULL, -1, self->cancellable, NULL) || g_cancellable_is_cancelled (self->cancellable))
    return NULL;
  locker = g_mutex_locker_new (&self->lock);
  result = g_queue_peek_head (&self->results);
  *at_end = result == NULL;
  if (result == NULL || self->channel != NULL)
    return result != NULL ? g_variant_ref (result) : NULL;
  return g_variant_ref_sink (g_variant_new ("(tv)", self->last_number - self->results.length + 1, result));
}

static gboolean
give (FerryBackground *self, GVariant *given)
{
  g_autoptr (GVariant) answer = NULL;
  g_autoptr (GVariant) taken = NULL;
  g_autoptr (GError) error = NULL;

  if (self->channel != NULL)
    ferry_channel_send_acknowledged (self->channel, given, -1, self->cancellable, &error);
  else
    answer = ferry_mux_transact (self->mux, self->method, given, -1, self->cancellable, &error);
  if (error != NULL)
    {
      g_debug ("A result was not taken and is kept for the next application: %s", error->message);
      return FALSE;
    }
  g_mutex_lock (&self->lock);
  taken = g_queue_pop_head (&self->results);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  return TRUE;
}

/* Sets a flag, and wakes all that wait for a change of the background. flag: a field of self. */
static void
set_flag (FerryBackground *self, gboolean *flag, gboolean value)
{
  g_mutex_lock (&self->lock);
  *flag = value;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

static gpointer
giver_main (gpointer data)
{
  FerryBackground *self = data;
  gboolean at_end = FALSE;
  gboolean taken;

  do
    {
      g_autoptr (GVariant) given = wait_for_result (self, &at_end);

      taken = given != NULL && give (self, given);
    }
  while (taken);
  if (at_end && self->channel != NULL)
    {
      ferry_channel_close (self->channel);
      ferry_channel_wait_end_sent (self->channel);
    }
  g_clear_object (&self->mux);
  g_clear_object (&self->channel);
  set_flag (self, &self->giving, FALSE);
  return NULL;
}

static void
detach_attaching (FerryBackground *self)
{
  if (self->giver == NULL)
    return;
  g_cancellable_cancel (self->cancellable);
  g_thread_join (g_steal_pointer (&self->giver));
  g_clear_object (&self->cancellable);
}

/* Starts the giver, which alone uses mux or channel then. Takes ownership of both; one is NULL. */
static gboolean
attach (FerryBackground *self, FerryMux *mux, FerryChannel *channel, GError **error)
{
  g_autoptr (GError) failure = NULL;
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&self->attaching);

  detach_attaching (self);
  self->cancellable = g_cancellable_new ();
  self->mux = mux;
  self->channel = channel;
  set_flag (self, &self->giving, TRUE);
  self->giver = g_thread_try_new ("ferry-giver", giver_main, self, &failure);
  if (self->giver != NULL)
    return TRUE;
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_SYSTEM,
               "A thread for giving results could not be started: %s; end other threads, or raise the limit of them",
               failure->message);
  set_flag (self, &self->giving, FALSE);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->mux);
  g_clear_object (&self->channel);
  return FALSE;
}

/* ---- the object ---- */

static void
ferry_background_finalize (GObject *object)
{
  FerryBackground *self = FERRY_BACKGROUND (object);

  detach_attaching (self);
  g_queue_clear_full (&self->results, (GDestroyNotify) g_variant_unref);
  g_free (self->method);
  g_cond_clear (&self->changed);
  g_mutex_clear (&self->lock);
  g_mutex_clear (&self->attaching);

  G_OBJECT_CLASS (ferry_background_parent_class)->finalize (object);
}

static void
ferry_background_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  FerryBackground *self = FERRY_BACKGROUND (object);
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&self->lock);

  g_value_set_uint (value, self->results.length);
}

static void
ferry_background_class_init (FerryBackgroundClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = ferry_background_get_property;
  object_class->finalize = ferry_background_finalize;

  /**
   * FerryBackground:n-results:
   *
   * The number of results that were not taken yet, including the one that is being given. Changes are not notified. Any
   * thread.
   */
  g_object_class_install_property (
    object_class, 1,
    g_param_spec_uint ("n-results", NULL, NULL, 0, G_MAXUINT, 0, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

static void
ferry_background_init (FerryBackground *self)
{
  g_mutex_init (&self->attaching);
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
}

/**
 * ferry_background_new:
 * @method: the name of the application's handler, 1 to 255 bytes of UTF-8; unused with
 *   [method@FerryClassic.Background.attach_channel]
 * @max_results: the largest number of results that may wait, at least 1
 *
 * Creates a background without results, attached to no application. Any thread.
 *
 * Returns: (transfer full): a new background
 */
FerryBackground *
ferry_background_new (const char *method, guint max_results)
{
  FerryBackground *self;

  g_return_val_if_fail (method != NULL && method[0] != '\0' && strlen (method) <= MAX_NAME, NULL);
  g_return_val_if_fail (max_results > 0, NULL);

  self = g_object_new (FERRY_TYPE_BACKGROUND, NULL);
  self->method = g_strdup (method);
  self->max_results = max_results;
  return self;
}

/* Adds *value and sets it to NULL, as soon as there is room. */
static gboolean
put_or_finished (FerryBackground *self, gpointer data)
{
  GVariant **value = data;

  if (*value != NULL && !self->finished && self->results.length < self->max_results)
    {
      self->last_number++;
      g_queue_push_tail (&self->results, g_steal_pointer (value));
      g_cond_broadcast (&self->changed);
    }
  return *value == NULL || self->finished;
}

/**
 * ferry_background_put:
 * @self: a background
 * @result: the result; a floating reference is taken
 * @timeout: how long to wait for room, in microseconds; negative: without a limit, 0: do not wait
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Adds a result, for the application that is attached or for the next one. While as many results wait as
 * [ctor@FerryClassic.Background.new] allows, this function waits until one was taken. Any thread.
 *
 * Fails with %FERRY_ERROR_TIMED_OUT when there was no room in time, or with %FERRY_ERROR_WOULD_BLOCK if @timeout is 0.
 * Fails with %G_IO_ERROR_CANCELLED, and with %FERRY_ERROR_CLOSED after [method@FerryClassic.Background.finish].
 *
 * Returns: %TRUE when the result was added
 */
gboolean
ferry_background_put (FerryBackground *self, GVariant *result, gint64 timeout, GCancellable *cancellable,
                      GError **error)
{
  g_autoptr (GVariant) kept = NULL;
  g_autoptr (GError) failure = NULL;

  g_return_val_if_fail (FERRY_IS_BACKGROUND (self), FALSE);
  g_return_val_if_fail (result != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  kept = g_variant_ref_sink (result);
  wait_until (self, put_or_finished, &kept, timeout, cancellable, &failure);
  if (kept == NULL)
    return TRUE;
  if (failure == NULL)
    g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_CLOSED,
                         "The background was finished and takes no more results; call ferry_background_put() before "
                         "ferry_background_finish()");
  else if (!g_error_matches (failure, FERRY_ERROR, FERRY_ERROR_TIMED_OUT))
    g_propagate_error (error, g_steal_pointer (&failure));
  else
    g_set_error (error, FERRY_ERROR, timeout == 0 ? FERRY_ERROR_WOULD_BLOCK : FERRY_ERROR_TIMED_OUT,
                 "The background already has %u results, its maximum; wait until the application has taken some",
                 self->max_results);
  return FALSE;
}

/**
 * ferry_background_attach:
 * @self: a background
 * @transport: the transport to the application; referenced until [method@FerryClassic.Background.detach], until the
 * next application attaches, or until a result could not be given
 * @error: return location for an error
 *
 * Gives results to an application from now on, one after the other, the oldest first. A thread of the background sends
 * them. An application that was attached before gets no more results. Any thread but one that receives for @transport.
 *
 * Returns: %TRUE, or %FALSE with %FERRY_ERROR_SYSTEM
 */
gboolean
ferry_background_attach (FerryBackground *self, FerryTransport *transport, GError **error)
{
  g_return_val_if_fail (FERRY_IS_BACKGROUND (self), FALSE);
  g_return_val_if_fail (FERRY_IS_TRANSPORT (transport), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return attach (self, ferry_mux_new (transport), NULL, error);
}

/**
 * ferry_background_attach_channel:
 * @self: a background
 * @channel: a channel with an application, such as one over a transport of a [class@Ferry.Listener], with no other
 *   sender; referenced for as long as [method@FerryClassic.Background.attach] has one to a transport
 * @error: return location for an error
 *
 * Gives results to an application as [method@FerryClassic.Background.attach] does, but as the messages of a channel,
 * without numbers. The application takes them with [method@Ferry.Channel.receive], or with an exchange
 * ([method@FerryClassic.Exchange.connect_async]).
 *
 * The background keeps a result until the application has taken it. A result may be given a second time if this
 * application ends, or another one attaches, at the moment when the result is taken. A listener that accepts one
 * application at a time, the default, rules out the second case. The next application attaches only after all messages
 * of this one were read.
 *
 * [method@FerryClassic.Background.finish] closes the channel after the last result. Any thread but one that receives
 * for it.
 *
 * Returns: %TRUE, or %FALSE with %FERRY_ERROR_SYSTEM
 */
gboolean
ferry_background_attach_channel (FerryBackground *self, FerryChannel *channel, GError **error)
{
  g_return_val_if_fail (FERRY_IS_BACKGROUND (self), FALSE);
  g_return_val_if_fail (FERRY_IS_CHANNEL (channel), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return attach (self, NULL, g_object_ref (channel), error);
}

/**
 * ferry_background_finish:
 * @self: a background
 *
 * Declares that no more results will be added: [method@FerryClassic.Background.put] fails from now on. Results that
 * wait are still given, to the application that is attached or to later ones. A channel is closed after the last
 * result. A second call does nothing. Any thread.
 */
void
ferry_background_finish (FerryBackground *self)
{
  g_return_if_fail (FERRY_IS_BACKGROUND (self));

  set_flag (self, &self->finished, TRUE);
}

static gboolean
is_taken (FerryBackground *self, gpointer data)
{
  return self->results.length == 0 && !(self->finished && self->giving);
}

/**
 * ferry_background_wait_taken:
 * @self: a background
 * @timeout: how long to wait, in microseconds; negative: without a limit, 0: do not wait
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Waits until all results were taken. After [method@FerryClassic.Background.finish] this function also waits until the
 * channel to an attached application is closed; then the worker can end. Any thread but the thread of a main loop, and
 * threads that receive for a transport.
 *
 * Returns: %TRUE, or %FALSE with %FERRY_ERROR_TIMED_OUT or %G_IO_ERROR_CANCELLED
 */
gboolean
ferry_background_wait_taken (FerryBackground *self, gint64 timeout, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (FERRY_IS_BACKGROUND (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return wait_until (self, is_taken, NULL, timeout, cancellable, error);
}

/**
 * ferry_background_detach:
 * @self: a background
 *
 * Stops giving results until the next application attaches. A result that an application has received and not
 * acknowledged stays in the queue. Does nothing if no application is attached. Any thread but one that receives for the
 * application's transport.
 */
void
ferry_background_detach (FerryBackground *self)
{
  g_return_if_fail (FERRY_IS_BACKGROUND (self));

  g_mutex_lock (&self->attaching);
  detach_attaching (self);
  g_mutex_unlock (&self->attaching);
}
