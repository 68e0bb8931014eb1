/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Results that wait for an application.
 *
 * While an application is attached, a thread, the giver, gives it the oldest result. When that is answered, or taken,
 * the giver removes it from the queue, and continues with the next one. When that fails the giver ends, and the result
 * stays.
 *
 * Threads:   any, where nothing else is said.
 * Locks:     attaching, then lock. A thread that starts or joins the giver holds attaching; the giver never takes it.
 *            The transport is called without lock.
 * Invariant: only the giver removes results, and there is one giver at most, so the result it gave is the oldest. */

#include "config.h"

#include "channel/ferry-background.h"

#include <pthread.h>

#include "base/ferry-base-private.h"
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
 * Each result is a transaction that the worker begins. The application has a [class@Ferry.Demux] with a handler of the
 * method's name; its arguments have the type `(tv)`: the number of the result, and the result.
 *
 * A result is removed with the handler's answer. Where the application ends before that, or answers with an error, the
 * result stays, and the next application is given it first. So no result is lost. A result may be given twice, with the
 * same number, where an application ends before its answer was sent. Numbers begin at 1 and are given in order, so an
 * application that keeps the last number recognizes it.
 *
 * Without numbers, an application takes the results as the messages of a channel: see
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
  GCancellable *cancellable; /* attaching: (owned) (nullable): ends the giver, also while it waits for an answer */

  pthread_mutex_t lock;
  FerryWaitQueue waits; /* for a change of what follows */
  GQueue results;       /* lock: (element-type Result) (owned): the oldest first */
  guint64 last_number;  /* lock */
  gboolean giving;      /* lock: the giver has not ended */
  gboolean finished;    /* lock: no more results come */
};

typedef struct
{
  FerryBackground *background; /* (unowned): it joins the thread */
  FerryMux *mux;               /* (owned) (nullable): the way to the application, or channel is */
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

static gboolean
has_work (gpointer data)
{
  FerryBackground *self = data;
  FERRY_AUTO_LOCK (&self->lock);

  return self->results.length > 0 || self->finished;
}

/* (transfer full) (nullable): the oldest result as the application is given it. NULL when the giver is to end: behind
 * the last result, with at_end set, or because it is cancelled. */
static GVariant *
wait_for_result (Giving *giving, gboolean *at_end)
{
  FerryBackground *self = giving->background;
  GVariant *given = NULL;
  const Result *result;

  if (!ferry_wait_queue_wait (&self->waits, NULL, has_work, self, G_MAXINT64, giving->cancellable, NULL, NULL) ||
      g_cancellable_is_cancelled (giving->cancellable))
    return NULL;
  pthread_mutex_lock (&self->lock);
  result = g_queue_peek_head (&self->results);
  if (result != NULL && giving->channel != NULL)
    given = g_variant_ref (result->value);
  else if (result != NULL)
    given = g_variant_ref_sink (g_variant_new ("(tv)", result->number, result->value));
  pthread_mutex_unlock (&self->lock);
  *at_end = given == NULL;
  return given;
}

static void
drop_oldest (FerryBackground *self)
{
  Result *result;

  pthread_mutex_lock (&self->lock);
  result = g_queue_pop_head (&self->results);
  pthread_mutex_unlock (&self->lock);
  ferry_wait_queue_finish_all (&self->waits);
  result_free (result);
}

static gboolean
give (Giving *giving, GVariant *given)
{
  g_autoptr (GVariant) answer = NULL;
  g_autoptr (GError) error = NULL;
  gboolean taken =
    giving->channel != NULL
      ? ferry_channel_send_acknowledged (giving->channel, given, -1, giving->cancellable, &error)
      : ferry_mux_transact (giving->mux, giving->background->method, given, -1, giving->cancellable, &answer, &error);

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

/* flag: of self */
static void
set_flag (FerryBackground *self, gboolean *flag, gboolean value)
{
  pthread_mutex_lock (&self->lock);
  *flag = value;
  pthread_mutex_unlock (&self->lock);
  ferry_wait_queue_finish_all (&self->waits);
}

static gpointer
giver_main (gpointer data)
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
  if (at_end && giving->channel != NULL)
    {
      ferry_channel_close (giving->channel);
      ferry_channel_wait_end_sent (giving->channel);
    }
  giving_free (giving);
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

/* Takes mux or channel. */
static gboolean
attach (FerryBackground *self, FerryMux *mux, FerryChannel *channel, GError **error)
{
  Giving *giving = g_new (Giving, 1);
  FERRY_AUTO_LOCK (&self->attaching);

  detach_attaching (self);
  self->cancellable = g_cancellable_new ();
  *giving = (Giving){self, mux, channel, g_object_ref (self->cancellable)};
  set_flag (self, &self->giving, TRUE);
  self->giver = ferry_thread_try_new ("ferry-giver", "giving results", giver_main, giving, error);
  if (self->giver != NULL)
    return TRUE;
  set_flag (self, &self->giving, FALSE);
  g_clear_object (&self->cancellable);
  giving_free (giving);
  return FALSE;
}

/* ---- the object ---- */

static void
ferry_background_finalize (GObject *object)
{
  FerryBackground *self = FERRY_BACKGROUND (object);

  detach_attaching (self);
  g_queue_clear_full (&self->results, result_free);
  g_free (self->method);
  ferry_wait_queue_clear (&self->waits);
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
  ferry_wait_queue_init (&self->waits);
  g_queue_init (&self->results);
}

/**
 * ferry_background_new:
 * @method: the name of the application's handler, 1 to 255 bytes of UTF-8
 * @max_results: how many results wait at most, at least 1
 *
 * Creates a background. It has no results, and is attached to no application. Any thread.
 *
 * Returns: (transfer full): a new background
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

/* A result that waits for room. */
typedef struct
{
  FerryBackground *background;
  GVariant *value; /* (nullable): NULL once it was added */
} Putting;

static gboolean
put_or_finished (gpointer data)
{
  Putting *putting = data;
  FerryBackground *self = putting->background;
  gboolean finished;

  pthread_mutex_lock (&self->lock);
  finished = self->finished;
  if (putting->value != NULL && !finished && self->results.length < self->max_results)
    {
      Result *result = g_new (Result, 1);

      *result = (Result){++self->last_number, g_variant_ref (g_steal_pointer (&putting->value))};
      g_queue_push_tail (&self->results, result);
    }
  pthread_mutex_unlock (&self->lock);
  return putting->value == NULL || finished;
}

/**
 * ferry_background_put:
 * @self: a background
 * @result: the result; a floating reference is taken
 * @timeout: how long to wait for room, in microseconds; negative for any time, 0 for not at all
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Adds a result, for the application that is attached or for the next one. Any thread.
 *
 * Fails with %FERRY_ERROR_TIMED_OUT, or %FERRY_ERROR_WOULD_BLOCK where @timeout is 0. Fails with
 * %G_IO_ERROR_CANCELLED, and with %FERRY_ERROR_CLOSED after [method@Ferry.Background.finish].
 *
 * Returns: %TRUE when it was added
 *
 * Since: 0.1
 */
gboolean
ferry_background_put (FerryBackground *self, GVariant *result, gint64 timeout, GCancellable *cancellable,
                      GError **error)
{
  gint64 deadline = ferry_deadline_after (timeout);
  g_autoptr (GVariant) kept = NULL;
  g_autoptr (GError) failure = NULL;
  Putting putting = {self, result};

  g_return_val_if_fail (FERRY_IS_BACKGROUND (self), FALSE);
  g_return_val_if_fail (result != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  kept = g_variant_ref_sink (result);
  ferry_wait_queue_wait (&self->waits, NULL, put_or_finished, &putting, deadline, cancellable, NULL, &failure);
  if (putting.value == NULL)
    {
      ferry_wait_queue_finish_all (&self->waits);
      return TRUE;
    }
  if (failure == NULL)
    ferry_set_error (error, FERRY_ERROR_CLOSED,
                     "The background was finished, and takes no more results; put them before");
  else if (!g_error_matches (failure, FERRY_ERROR, FERRY_ERROR_TIMED_OUT))
    g_propagate_error (error, g_steal_pointer (&failure));
  else
    ferry_set_error (error, timeout == 0 ? FERRY_ERROR_WOULD_BLOCK : FERRY_ERROR_TIMED_OUT,
                     "%u results wait already, which is the most there may be; wait until they are taken",
                     self->max_results);
  return FALSE;
}

/**
 * ferry_background_attach:
 * @self: a background
 * @transport: the transport to the application; a reference is kept until the next one attaches, or a result is not
 *   taken
 * @error: return location for an error
 *
 * Gives results to an application from now on, one after the other, the oldest first, on a thread of the background's
 * own. The application that was attached before gets no more. Any thread but one that receives for @transport.
 *
 * Returns: %TRUE, or %FALSE with %FERRY_ERROR_SYSTEM
 *
 * Since: 0.1
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
 *   sender; a reference is kept as with [method@Ferry.Background.attach]
 * @error: return location for an error
 *
 * Gives results to an application as [method@Ferry.Background.attach] does, but as the messages of a channel, without a
 * number. The application takes them with [method@Ferry.Channel.receive], or its exchange does
 * ([method@Ferry.Exchange.connect_async]).
 *
 * A result is kept until it was taken. A result may be given again where the next application attaches, or this one
 * ends, at the moment at which it is taken. With a listener that lets in one application at a time, the default, only
 * the latter can be: the next application comes after all that this one has sent.
 *
 * After [method@Ferry.Background.finish] the channel is closed behind the last result. Any thread but one that receives
 * for the channel's transport.
 *
 * Returns: %TRUE, or %FALSE with %FERRY_ERROR_SYSTEM
 *
 * Since: 0.1
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
 * Says that no more results come. The results that wait are still given, to the application that is attached or to
 * later ones; behind them a channel is closed. Does nothing the second time. Any thread.
 *
 * Since: 0.1
 */
void
ferry_background_finish (FerryBackground *self)
{
  g_return_if_fail (FERRY_IS_BACKGROUND (self));

  set_flag (self, &self->finished, TRUE);
}

static gboolean
is_taken (gpointer data)
{
  FerryBackground *self = data;
  FERRY_AUTO_LOCK (&self->lock);

  return self->results.length == 0 && !(self->finished && self->giving);
}

/**
 * ferry_background_wait_taken:
 * @self: a background
 * @timeout: how long to wait, in microseconds; negative for any time, 0 for not at all
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Waits until no result is left. After [method@Ferry.Background.finish] it also waits until the channel of an attached
 * application is closed: then the worker can end. Any thread but that of a main loop, and those that receive for a
 * transport.
 *
 * Returns: %TRUE, or %FALSE with %FERRY_ERROR_TIMED_OUT or %G_IO_ERROR_CANCELLED
 *
 * Since: 0.1
 */
gboolean
ferry_background_wait_taken (FerryBackground *self, gint64 timeout, GCancellable *cancellable, GError **error)
{
  gint64 deadline = ferry_deadline_after (timeout);

  g_return_val_if_fail (FERRY_IS_BACKGROUND (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return ferry_wait_queue_wait (&self->waits, NULL, is_taken, self, deadline, cancellable,
                                "The results were not taken in time; wait longer, or end without", error);
}

/**
 * ferry_background_detach:
 * @self: a background
 *
 * Gives no more results until the next application attaches. A result that was given and not answered stays. Does
 * nothing where no application is attached. Any thread but one that receives for the transport.
 *
 * Since: 0.1
 */
void
ferry_background_detach (FerryBackground *self)
{
  g_return_if_fail (FERRY_IS_BACKGROUND (self));

  FERRY_AUTO_LOCK (&self->attaching);
  detach_attaching (self);
}

/**
 * ferry_background_get_n_results:
 * @self: a background
 *
 * Counts the results that wait, with the one that is being given. Any thread.
 *
 * Returns: the number of results
 *
 * Since: 0.1
 */
guint
ferry_background_get_n_results (FerryBackground *self)
{
  g_return_val_if_fail (FERRY_IS_BACKGROUND (self), 0);

  FERRY_AUTO_LOCK (&self->lock);
  return self->results.length;
}
