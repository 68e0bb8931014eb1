/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Results that wait for an application.
 *
 * While one is attached, a thread gives it the oldest result, waits for the answer, takes the result out of the queue,
 * and goes on. When that fails the thread ends, and the result stays where it is.
 *
 * Threads:   any, where nothing else is said. The giver is the thread.
 * Locks:     lock; the transport is not called with it held. attaching is held for longer, by who starts and joins the
 *            giver, and is taken first; the giver never takes it.
 * Invariant: only the giver takes results out, and there is one at most, so that what it gave still is the oldest. */

#include "config.h"

#include "call/ferry-background.h"

#include <pthread.h>

#include "base/ferry-base-private.h"
#include "base/ferry-cond-private.h"
#include "base/ferry-thread-private.h"
#include "call/ferry-mux.h"

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
};

typedef struct
{
  FerryBackground *background; /* (unowned): it joins the thread */
  FerryMux *mux;               /* (owned) */
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

/* The oldest result as what the application is given, or NULL when it is time to leave. */
static GVariant *
wait_for_result (FerryBackground *self)
{
  GVariant *arguments = NULL;

  pthread_mutex_lock (&self->lock);
  while (self->results.length == 0 && !self->leaving)
    pthread_cond_wait (&self->changed, &self->lock);
  if (!self->leaving)
    {
      const Result *result = self->results.head->data;

      arguments = g_variant_ref_sink (g_variant_new ("(tv)", result->number, result->value));
    }
  pthread_mutex_unlock (&self->lock);
  return arguments;
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
give (Giving *giving, GVariant *arguments)
{
  g_autoptr (GVariant) answer = NULL;
  g_autoptr (GError) error = NULL;

  if (ferry_mux_transact (giving->mux, giving->background->method, arguments, -1, giving->cancellable, &answer, &error))
    return TRUE;
  g_debug ("A result was not taken, and waits for the next application: %s", error->message);
  return FALSE;
}

static gpointer
give_main (gpointer data)
{
  Giving *giving = data;
  gboolean given = TRUE;

  while (given)
    {
      g_autoptr (GVariant) arguments = wait_for_result (giving->background);

      given = arguments != NULL && give (giving, arguments);
      if (given)
        drop_oldest (giving->background);
    }
  g_object_unref (giving->mux);
  g_object_unref (giving->cancellable);
  g_free (giving);
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

static gboolean
start_giving_attaching (FerryBackground *self, FerryTransport *transport, GError **error)
{
  Giving *giving = g_new (Giving, 1);
  g_autoptr (GError) failure = NULL;

  self->cancellable = g_cancellable_new ();
  *giving = (Giving){self, ferry_mux_new (transport), g_object_ref (self->cancellable)};
  self->giver = ferry_thread_try_new ("ferry-giver", give_main, giving, &failure);
  if (self->giver != NULL)
    return TRUE;
  g_clear_object (&self->cancellable);
  g_object_unref (giving->mux);
  g_object_unref (giving->cancellable);
  g_free (giving);
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_SYSTEM, "A thread for giving results could not be started: %s",
               failure->message);
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
put_in_time (FerryBackground *self, GVariant *value, gint64 deadline, GCancellable *cancellable)
{
  gboolean in_time = TRUE;
  gboolean room;
  Result *result;

  pthread_mutex_lock (&self->lock);
  while (!(room = self->results.length < self->max_results) && in_time && !g_cancellable_is_cancelled (cancellable))
    in_time = ferry_cond_wait_until (&self->changed, &self->lock, deadline);
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
 *   %FERRY_ERROR_TIMED_OUT or %G_IO_ERROR_CANCELLED
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
  if (!g_cancellable_set_error_if_cancelled (cancellable, error))
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
  started = start_giving_attaching (self, transport, error);
  pthread_mutex_unlock (&self->attaching);
  return started;
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
