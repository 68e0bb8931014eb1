/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An exchange: its channels, their messages, the workers and channels that wait for the limit, and its properties.
 *
 * Threads:    the router's thread; without a router, the thread that made the exchange.
 * Invariants: a channel is a member while its data of MEMBER_KEY is the exchange; the list `active` has it then. It
 *             leaves when it has finished: its end was taken and its process, if it has one, has ended. The field
 *             n_running counts the members, and the processes of channels that were removed and closed before. While
 *             n_running is at the limit, functions and channels wait in `waiting`, in order.
 * References: a handler may remove any channel, and may drop the exchange. So code that emits a signal has references
 *             to both.
 * No thread:  an exchange makes no GTask except for its asynchronous functions. GLib starts a thread with the first
 *             one, and a program that has a thread can create no more channels by forks. */

#include "config.h"

#include "classic/ferry-exchange.h"

#include "classic/ferry-channel-create.h"
#include "classic/ferry-owner-private.h"
#include "conversation/ferry-channel-private.h"

#define READABLE (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)
#define SETTABLE (G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS)

/* Logs a mistake of the program. Unlike g_critical(), a test may expect it with g_test_expect_message(). */
#define critical(...) g_log (G_LOG_DOMAIN, G_LOG_LEVEL_CRITICAL, __VA_ARGS__)

/* The data of a channel that is in an exchange. */
#define MEMBER_KEY "ferry-exchange"

/* How long a removed worker is waited for, in microseconds. */
#define GRACE (5 * G_USEC_PER_SEC)

/* How often a look without waiting iterates the main context. */
#define MAX_LOOKS 16

/* A function to be started, or a channel to be added, that waits until the limit allows it. */
typedef struct
{
  char *function;      /* (owned) (nullable): NULL for a channel */
  GVariant *arguments; /* (owned) (nullable): of the function */
  GTask *call;         /* (owned) (nullable): of ferry_exchange_add_wait_async(), its data is the channel */
  GSource *source;     /* (owned) (nullable): calls turn_cancelled() when the call's cancellable is cancelled */
} Waiting;

/* The process of a channel that was removed. Counted references, by g_rc_box: there are no other threads. */
typedef struct
{
  FerryExchange *exchange; /* (owned) */
  gboolean ended;
} Leaving;

/**
 * FerryExchange:
 *
 * A set of channels that an application waits on together, with a limit for the workers that run at the same time.
 *
 * [method@FerryClassic.Exchange.start] starts a worker with a channel. At the limit, the worker is started when another
 * worker has ended. While [property@FerryClassic.Exchange:flowing] is set, [signal@FerryClassic.Exchange::data] is
 * emitted for the messages of all channels. Otherwise [method@FerryClassic.Exchange.ready] returns the channels that
 * have something to take. When one channel fails, the other channels go on.
 *
 * ```c
 * g_autoptr (FerryExchange) exchange = ferry_exchange_new (router, launcher);
 *
 * g_object_set (exchange, "limit", 3, NULL);
 * g_signal_connect (exchange, "data", G_CALLBACK (take_data), NULL);
 * for (guint i = 0; i < 100; i++)
 *   ferry_exchange_start (exchange, "square", g_variant_new_uint32 (i), &error);
 * ferry_exchange_finish_async (exchange, NULL, all_done, NULL);
 * ```
 *
 * A channel has finished when all its messages and then its end were taken, and its worker has ended. Then it leaves
 * the exchange. If the application has a reference to the channel, it can call [method@Ferry.Channel.get_exit] to see
 * how the worker ended. A channel that leaves is closed, unless [property@FerryClassic.Exchange:autoclose] is off.
 *
 * The exchange's thread is the router's thread. Channels that are added to the exchange must be made on this thread as
 * well. Without a router, an exchange is for channels of [func@FerryClassic.channel_create], on the thread that made
 * it.
 */
struct _FerryExchange
{
  GObject parent_instance;

  FerryOwner owner;        /* const: its router is NULL if the exchange starts no workers */
  FerryLauncher *launcher; /* const: (owned) (nullable): starts the workers */
  GListStore *active;      /* const: (owned) (element-type FerryChannel): the members, the oldest first */
  GQueue waiting;          /* (element-type Waiting) (owned): what waits for the limit, the oldest first */
  guint n_running;
  guint limit; /* of n_running; 0: no limit */
  gboolean autoclose;
  gboolean flowing;
  gboolean starting;  /* start_waiting() runs */
  GSource *source;    /* (owned) (nullable): looks at members, of which one may have more to take than was taken */
  GQueue ready_waits; /* of ferry_waits_add(), as the next one */
  GQueue finish_waits;
};

G_DEFINE_FINAL_TYPE (FerryExchange, ferry_exchange, G_TYPE_OBJECT)

enum
{
  PROP_0,
  PROP_ACTIVE,
  PROP_N_ACTIVE,
  PROP_N_WAITING,
  PROP_LIMIT,
  PROP_AUTOCLOSE,
  PROP_FLOWING,
  N_PROPERTIES,
};

static GParamSpec *properties[N_PROPERTIES];
static guint data_signal;

/* ---- members ---- */

static gboolean
has_room (FerryExchange *self)
{
  return self->limit == 0 || self->n_running < self->limit;
}

static gboolean
has_finished (gpointer data)
{
  FerryExchange *self = data;

  return self->n_running == 0 && self->waiting.length == 0;
}

static gboolean
get_flag (FerryChannel *channel, const char *property)
{
  gboolean flag;

  g_object_get (channel, property, &flag, NULL);
  return flag;
}

static gboolean
is_readable (FerryChannel *channel)
{
  return get_flag (channel, "readable");
}

/* Whether the channel's end was taken. Once it is closed, it does not become readable again. */
static gboolean
is_at_end (FerryChannel *channel)
{
  return get_flag (channel, "closed") && !is_readable (channel);
}

static gboolean
is_member (FerryExchange *self, FerryChannel *channel)
{
  return g_object_get_data (G_OBJECT (channel), MEMBER_KEY) == self;
}

/* Returns the members for which is_wanted() returns TRUE. */
static GPtrArray *
list_members (FerryExchange *self, gboolean (*is_wanted) (FerryChannel *channel))
{
  GPtrArray *array = g_ptr_array_new_with_free_func (g_object_unref);
  FerryChannel *channel;

  for (guint i = 0; (channel = g_list_model_get_item (G_LIST_MODEL (self->active), i)) != NULL; i++)
    if (is_wanted (channel))
      g_ptr_array_add (array, channel);
    else
      g_object_unref (channel);
  return array;
}

static gboolean
has_ready (FerryExchange *self)
{
  for (guint i = 0;; i++)
    {
      g_autoptr (FerryChannel) channel = g_list_model_get_item (G_LIST_MODEL (self->active), i);

      if (channel == NULL || is_readable (channel))
        return channel != NULL;
    }
}

/* Ends the waits that have their condition met now. */
static void
tell (FerryExchange *self)
{
  g_autoptr (FerryExchange) kept G_GNUC_UNUSED = g_object_ref (self);

  if (has_finished (self) || (!self->flowing && has_ready (self)))
    ferry_waits_finish (&self->ready_waits);
  if (has_finished (self))
    ferry_waits_finish (&self->finish_waits);
}

/* ---- what waits for the limit ---- */

static void
waiting_free (Waiting *self)
{
  if (self->source != NULL)
    g_source_destroy (self->source);
  g_clear_pointer (&self->source, g_source_unref);
  g_free (self->function);
  g_clear_pointer (&self->arguments, g_variant_unref);
  g_clear_object (&self->call);
  g_free (self);
}

static void
enqueue (FerryExchange *self, Waiting *waiting)
{
  g_queue_push_tail (&self->waiting, waiting);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_WAITING]);
}

static gboolean
start_now (FerryExchange *self, const char *function, GVariant *arguments, GError **error)
{
  g_autoptr (FerryChannel) channel =
    ferry_channel_start (self->launcher, self->owner.router, function, arguments, error);

  return channel != NULL && ferry_exchange_add (self, channel);
}

/* Starts the waiting function, or adds the waiting channel. If this fails, emits `data` with the error, and
 * returns FALSE. */
static gboolean
start_one (FerryExchange *self, Waiting *waiting)
{
  g_autoptr (GError) failure = NULL;

  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_WAITING]);
  if (waiting->call != NULL)
    {
      g_task_return_boolean (waiting->call, ferry_exchange_add (self, g_task_get_task_data (waiting->call)));
      return TRUE;
    }
  if (start_now (self, waiting->function, waiting->arguments, &failure))
    return TRUE;
  /* The router ran when ferry_exchange_start() accepted the function, so it was stopped since then. */
  if (g_error_matches (failure, FERRY_ERROR, FERRY_ERROR_NOT_RUNNING))
    {
      g_clear_error (&failure);
      g_set_error (&failure, FERRY_ERROR, FERRY_ERROR_CLOSED,
                   "The router was stopped while a worker for '%s' waited for the limit; start the router again, then "
                   "start the worker again",
                   waiting->function);
    }
  g_signal_emit (self, data_signal, 0, NULL, NULL, NULL, failure);
  return FALSE;
}

/* Starts what waits, as far as the limit allows. */
static void
start_waiting (FerryExchange *self)
{
  g_autoptr (FerryExchange) kept = NULL;
  gboolean has_failed = FALSE;
  Waiting *waiting;

  /* If a handler of a signal that this function emits calls it again, the outer call starts the waiting workers. */
  if (self->starting)
    return;
  kept = g_object_ref (self);
  self->starting = TRUE;
  while (has_room (self) && (waiting = g_queue_pop_head (&self->waiting)) != NULL)
    {
      /* Cancelling the wait has no effect from now on, also not while handlers iterate the context. */
      if (waiting->source != NULL)
        g_source_destroy (waiting->source);
      has_failed |= !start_one (self, waiting);
      waiting_free (waiting);
    }
  self->starting = FALSE;
  if (has_failed)
    tell (self);
}

/* ---- messages ---- */

/* Emits `data` for a message, or the error that the channel ended with. Returns FALSE when it takes nothing. */
static gboolean
emit_one (FerryExchange *self, FerryChannel *channel)
{
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) failure = NULL;
  g_autoptr (GError) error = NULL;

  if (!self->flowing || !is_member (self, channel) || !is_readable (channel))
    return FALSE;
  ferry_channel_receive (channel, 0, NULL, &value, &failure, &error);
  /* Another thread may have taken it. But a channel may end with this error too. */
  if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT) && !is_at_end (channel))
    return FALSE;
  if (value != NULL || failure != NULL || error != NULL)
    g_signal_emit (self, data_signal, 0, channel, value, failure, error);
  return TRUE;
}

/* Whether the channel was started or created with a process, which has not ended. */
static gboolean
has_process (FerryChannel *channel)
{
  g_autoptr (FerryWorker) worker = NULL;

  g_object_get (channel, "worker", &worker, NULL);
  return (worker != NULL || ferry_channel_get_identifier (channel) != NULL) && ferry_channel_get_exit (channel) == NULL;
}

/* Removes a member that has finished. */
static void
settle (FerryExchange *self, FerryChannel *channel)
{
  if (is_member (self, channel) && is_at_end (channel) && !has_process (channel))
    ferry_exchange_remove (self, channel);
}

static void look_again (FerryExchange *self);

static void
news_came (FerryExchange *self, FerryChannel *channel)
{
  guint n = 0;

  /* At most FERRY_CHANNEL_WINDOW messages at a time, so that the other channels' messages are not delayed. */
  while (n < FERRY_CHANNEL_WINDOW && emit_one (self, channel))
    n++;
  if (n == FERRY_CHANNEL_WINDOW)
    look_again (self);
  settle (self, channel);
  tell (self);
}

static gboolean
has_news (FerryChannel *channel)
{
  return is_readable (channel) || is_at_end (channel);
}

static gboolean
look (gpointer data)
{
  g_autoptr (FerryExchange) self = g_object_ref (data);
  g_autoptr (GPtrArray) members = list_members (self, has_news);

  g_clear_pointer (&self->source, g_source_unref);
  for (guint i = 0; i < members->len; i++)
    news_came (self, members->pdata[i]);
  return G_SOURCE_REMOVE;
}

/* Makes the context call news_came() for members that have news, as the router delivers messages. */
static void
look_again (FerryExchange *self)
{
  int priority = G_PRIORITY_DEFAULT;

  if (self->source != NULL)
    return;
  if (self->owner.router != NULL)
    g_object_get (self->owner.router, "priority", &priority, NULL);
  self->source = g_idle_source_new ();
  g_source_set_static_name (self->source, "[ferry] exchange");
  g_source_set_priority (self->source, priority);
  g_source_set_callback (self->source, look, self, NULL);
  g_source_attach (self->source, self->owner.context);
}

static void
channel_changed (FerryChannel *channel, GParamSpec *pspec, gpointer data)
{
  g_autoptr (FerryExchange) self = g_object_ref (data);

  if (!g_str_equal (pspec->name, "flowing"))
    news_came (self, channel);
  else if (get_flag (channel, "flowing"))
    {
      critical ("FerryChannel:flowing: the channel is in an exchange; set the property 'flowing' of the exchange "
                "instead");
      g_object_set (channel, "flowing", FALSE, NULL);
    }
}

static void
leave (FerryExchange *self, FerryChannel *channel)
{
  g_signal_handlers_disconnect_by_func (channel, channel_changed, self);
  g_object_set_data (G_OBJECT (channel), MEMBER_KEY, NULL);
}

/**
 * ferry_exchange_add:
 * @self: an exchange
 * @channel: a channel that is in no exchange, with [property@Ferry.Channel:flowing] %FALSE
 *
 * Adds a channel at once, even if more channels run then than the limit allows. On the exchange's thread.
 *
 * Returns: %TRUE when the channel was added
 */
gboolean
ferry_exchange_add (FerryExchange *self, FerryChannel *channel)
{
  static const char *const changes[] = {"notify::readable", "notify::closed", "notify::exit", "notify::flowing"};

  g_return_val_if_fail (FERRY_IS_EXCHANGE (self), FALSE);
  g_return_val_if_fail (FERRY_IS_CHANNEL (channel), FALSE);
  if (!ferry_owner_check (&self->owner, G_STRFUNC))
    return FALSE;
  if (g_object_get_data (G_OBJECT (channel), MEMBER_KEY) != NULL || get_flag (channel, "flowing"))
    {
      critical ("%s(): the channel is in an exchange already, or its property 'flowing' is set; remove it from that "
                "exchange, or unset the property, first",
                G_STRFUNC);
      return FALSE;
    }
  g_object_set_data (G_OBJECT (channel), MEMBER_KEY, self);
  for (gsize i = 0; i < G_N_ELEMENTS (changes); i++)
    g_signal_connect (channel, changes[i], G_CALLBACK (channel_changed), self);
  if (has_news (channel))
    look_again (self);
  self->n_running++;
  g_list_store_append (self->active, channel);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_ACTIVE]);
  return TRUE;
}

/* ---- removal ---- */

static void
leaving_clear (gpointer data)
{
  g_object_unref (((Leaving *) data)->exchange);
}

static void
leaving_unref (gpointer data)
{
  g_rc_box_release_full (data, leaving_clear);
}

/* Called when the process of a channel that was removed and closed has ended. Takes the reference to leaving. */
static void
process_ended (gpointer data)
{
  Leaving *leaving = data;

  leaving->ended = TRUE;
  leaving->exchange->n_running--;
  start_waiting (leaving->exchange);
  tell (leaving->exchange);
  leaving_unref (leaving);
}

/* Closes a channel that was removed. Its process counts against the limit until it has ended. The channel itself is not
 * kept: with its last reference, a process that does not heed its end is killed. Returns (transfer full) (nullable) the
 * process, if it runs. */
static Leaving *
close_removed (FerryExchange *self, FerryChannel *channel)
{
  Leaving *leaving;

  ferry_channel_close (channel);
  if (!has_process (channel))
    return NULL;
  leaving = g_rc_box_new0 (Leaving);
  leaving->exchange = g_object_ref (self);
  ferry_channel_call_at_exit (channel, process_ended, g_rc_box_acquire (leaving));
  self->n_running++;
  return leaving;
}

static gboolean
has_left (gpointer data)
{
  return ((Leaving *) data)->ended;
}

/* Waits for the process of a channel that was removed. In a callback of the context it does not wait, and fails. Takes
 * the reference to leaving. */
static void
wait_for_removed (FerryExchange *self, Leaving *leaving)
{
  if (!self->starting)
    ferry_owner_wait (&self->owner, G_STRFUNC, has_left, leaving, GRACE, "The worker did not end", NULL);
  leaving_unref (leaving);
}

/**
 * ferry_exchange_remove:
 * @self: an exchange
 * @channel: a channel
 *
 * Removes a channel, which may be done at any time. Its further messages must be taken from the channel itself. If
 * workers wait for the limit, the next one is started.
 *
 * If [property@FerryClassic.Exchange:autoclose] is on, this end of the channel is closed as by
 * [method@Ferry.Channel.close]. This function then waits until the worker has ended, for at most 5 seconds. While it
 * waits, it iterates the router's main context. In a callback of the main context it does not wait: a main loop is
 * never held up. Until the worker has ended, it counts against the limit, and [method@FerryClassic.Exchange.finish]
 * waits.
 *
 * A worker that waits for room to send does not end: take the channel's further messages, or drop your reference to the
 * channel. A worker that does not end by itself is killed 5 seconds after the last reference was dropped. On the
 * exchange's thread.
 *
 * Returns: %TRUE when the channel was removed, %FALSE when it was not in the exchange
 */
gboolean
ferry_exchange_remove (FerryExchange *self, FerryChannel *channel)
{
  g_autoptr (FerryExchange) kept = NULL;
  Leaving *leaving = NULL;
  guint position;

  g_return_val_if_fail (FERRY_IS_EXCHANGE (self), FALSE);
  g_return_val_if_fail (FERRY_IS_CHANNEL (channel), FALSE);
  if (!ferry_owner_check (&self->owner, G_STRFUNC))
    return FALSE;

  if (!is_member (self, channel))
    return FALSE;
  kept = g_object_ref (self);
  leave (self, channel);
  self->n_running--;
  if (self->autoclose)
    leaving = close_removed (self, channel);
  if (g_list_store_find (self->active, channel, &position))
    g_list_store_remove (self->active, position);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_ACTIVE]);
  start_waiting (self);
  tell (self);
  if (leaving != NULL)
    wait_for_removed (self, leaving);
  return TRUE;
}

/* ---- starting ---- */

/**
 * ferry_exchange_start:
 * @self: an exchange that was made with a launcher
 * @function: the name of a channel function, see [func@Ferry.Channel.function_register]
 * @arguments: (nullable): the function's arguments; a floating reference is taken
 * @error: return location for an error
 *
 * Starts a worker as [func@Ferry.Channel.start] does, and adds its channel. While as many workers run as the limit
 * allows, the worker waits, and is started later. Workers start in the order of these calls. A handler tells the
 * channels apart by [property@Ferry.Channel:function] and [method@Ferry.Channel.get_arguments]. On the exchange's
 * thread.
 *
 * Fails as [func@Ferry.Channel.start]. For a worker that waited, [signal@FerryClassic.Exchange::data] is emitted
 * instead.
 *
 * Returns: %TRUE when the worker was started, or waits
 */
gboolean
ferry_exchange_start (FerryExchange *self, const char *function, GVariant *arguments, GError **error)
{
  g_autoptr (GVariant) kept = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
  Waiting *waiting;

  g_return_val_if_fail (FERRY_IS_EXCHANGE (self), FALSE);
  if (self->launcher == NULL)
    {
      critical ("%s(): the exchange was made without a launcher; pass one to ferry_exchange_new()", G_STRFUNC);
      return FALSE;
    }
  g_return_val_if_fail (function != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ferry_owner_check_error (&self->owner, G_STRFUNC, error))
    return FALSE;
  if (!ferry_router_get_running (self->owner.router))
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_NOT_RUNNING, "The router is not running; start it first");
      return FALSE;
    }
  if (self->waiting.length == 0 && has_room (self))
    return start_now (self, function, kept, error);
  waiting = g_new0 (Waiting, 1);
  waiting->function = g_strdup (function);
  waiting->arguments = g_steal_pointer (&kept);
  enqueue (self, waiting);
  return TRUE;
}

/* ---- waiting ----
 *
 * A thread can wait for something to take, for room below the limit, and for the end of all channels. Each wait has two
 * forms. One is for console programs and tests, and iterates the router's main context, or the exchange's if there is
 * no router. The other one is asynchronous, in GIO's manner. */

static gboolean
wait_until (FerryExchange *self, const char *function, FerryCondition condition, gint64 timeout, const char *what,
            GError **error)
{
  if (!self->starting || condition (self))
    return ferry_owner_wait (&self->owner, function, condition, self, timeout, what, error);
  g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_BUSY,
                       "A handler of the exchange cannot wait for what the exchange starts; call the _async function");
  return FALSE;
}

static gboolean
is_ready (gpointer data)
{
  return has_ready (data) || has_finished (data);
}

/* Looks for what has come, without waiting. Fails where the exchange cannot be waited for at all. */
static gboolean
look_now (FerryExchange *self, const char *function, GError **error)
{
  g_autoptr (GError) reason = NULL;

  if (wait_until (self, function, is_ready, 0, "Nothing", &reason) ||
      g_error_matches (reason, FERRY_ERROR, FERRY_ERROR_BUSY))
    return TRUE;
  if (!g_error_matches (reason, FERRY_ERROR, FERRY_ERROR_TIMED_OUT))
    {
      g_propagate_error (error, g_steal_pointer (&reason));
      return FALSE;
    }
  /* Bounded, since a source of the application may always be ready. */
  for (guint i = 0; i < MAX_LOOKS && !is_ready (self); i++)
    if (!g_main_context_iteration (self->owner.context, FALSE))
      break;
  return TRUE;
}

/**
 * ferry_exchange_ready:
 * @self: an exchange with messages that do not flow
 * @timeout: how long to wait, in microseconds; 0: do not wait, negative: without a limit
 * @error: return location for an error
 *
 * Waits until channels have a message to take, or their end. [method@Ferry.Channel.receive] then takes it without
 * waiting. While it waits, this function iterates the router's main context. So it is for tests and console programs;
 * an application uses [method@FerryClassic.Exchange.ready_async]. On the exchange's thread.
 *
 * With a time of 0, this function looks once, iterates the context only for what has come already, and does not fail
 * because nothing has. In a callback of the main context it then does not iterate at all.
 *
 * Fails with %FERRY_ERROR_TIMED_OUT, %FERRY_ERROR_NOT_RUNNING and %FERRY_ERROR_WRONG_THREAD. Fails with
 * %FERRY_ERROR_BUSY in a callback of the main context, if @timeout is not 0.
 *
 * Returns: (transfer container) (element-type FerryChannel) (nullable): the channels that have something to take, or
 * %NULL with @error set. The array is empty when all channels have finished and none waits for the limit; with a
 * @timeout of 0 also when nothing has come
 */
GPtrArray *
ferry_exchange_ready (FerryExchange *self, gint64 timeout, GError **error)
{
  g_autoptr (FerryExchange) kept = NULL;

  g_return_val_if_fail (FERRY_IS_EXCHANGE (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  kept = g_object_ref (self);
  if (timeout == 0 ? !look_now (self, G_STRFUNC, error)
                   : !wait_until (self, G_STRFUNC, is_ready, timeout,
                                  "No channel of the exchange had a message or its end", error))
    return NULL;
  return list_members (self, is_readable);
}

/**
 * ferry_exchange_ready_async:
 * @self: an exchange with messages that do not flow
 * @cancellable: (nullable): ends the wait
 * @callback: (scope async): called when channels have something to take, or all have finished
 * @user_data: data for @callback
 *
 * Waits as [method@FerryClassic.Exchange.ready] does, without blocking. On the exchange's thread.
 */
void
ferry_exchange_ready_async (FerryExchange *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                            gpointer user_data)
{
  g_return_if_fail (FERRY_IS_EXCHANGE (self));
  if (!ferry_owner_check (&self->owner, G_STRFUNC))
    return;

  ferry_waits_add (&self->ready_waits, ferry_exchange_ready_async, is_ready (self), self, cancellable, callback,
                   user_data);
}

/**
 * ferry_exchange_ready_finish:
 * @self: an exchange
 * @result: the result that the callback got
 * @error: return location for an error
 *
 * Ends [method@FerryClassic.Exchange.ready_async]. Fails with %FERRY_ERROR_WRONG_THREAD and %G_IO_ERROR_CANCELLED. On
 * the exchange's thread.
 *
 * Returns: (transfer container) (element-type FerryChannel) (nullable): the channels that have something to take now,
 * or %NULL with @error set. The array is empty when all channels have finished, or everything was taken since
 */
GPtrArray *
ferry_exchange_ready_finish (FerryExchange *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (FERRY_IS_EXCHANGE (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, ferry_exchange_ready_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!ferry_owner_check_error (&self->owner, G_STRFUNC, error) || !g_task_propagate_boolean (G_TASK (result), error))
    return NULL;
  return list_members (self, is_readable);
}

/* ---- waiting for room below the limit ---- */

static gboolean
has_turn (gpointer data)
{
  FerryExchange *self = data;

  return self->waiting.length == 0 && has_room (self);
}

/**
 * ferry_exchange_add_wait:
 * @self: an exchange
 * @channel: a channel, as for [method@FerryClassic.Exchange.add]
 * @timeout: how long to wait, in microseconds; negative: without a limit
 * @error: return location for an error
 *
 * Adds a channel when the limit allows it, after all workers and channels that wait already. Waits as
 * [method@FerryClassic.Exchange.ready] does; an application uses [method@FerryClassic.Exchange.add_wait_async]. The
 * messages of the other channels must flow or be taken meanwhile, so that these channels can finish. On the exchange's
 * thread. Fails as [method@FerryClassic.Exchange.ready]; then the channel is not added.
 *
 * Returns: %TRUE when the channel was added
 */
gboolean
ferry_exchange_add_wait (FerryExchange *self, FerryChannel *channel, gint64 timeout, GError **error)
{
  g_autoptr (FerryExchange) kept = NULL;

  g_return_val_if_fail (FERRY_IS_EXCHANGE (self), FALSE);
  g_return_val_if_fail (FERRY_IS_CHANNEL (channel), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  kept = g_object_ref (self);
  return wait_until (self, G_STRFUNC, has_turn, timeout, "No worker of the exchange ended", error) &&
         ferry_exchange_add (self, channel);
}

static gboolean
turn_cancelled (GCancellable *cancellable, gpointer data)
{
  Waiting *waiting = data;
  g_autoptr (GTask) call = g_object_ref (waiting->call);
  FerryExchange *self = g_task_get_source_object (call);

  g_queue_remove (&self->waiting, waiting);
  waiting_free (waiting);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_WAITING]);
  g_task_set_check_cancellable (call, TRUE);
  g_task_return_error_if_cancelled (call);
  tell (self);
  return G_SOURCE_REMOVE;
}

/**
 * ferry_exchange_add_wait_async:
 * @self: an exchange
 * @channel: a channel, as for [method@FerryClassic.Exchange.add]
 * @cancellable: (nullable): ends the wait; then the channel is not added
 * @callback: (scope async): called when the channel was added
 * @user_data: data for @callback
 *
 * Adds a channel as [method@FerryClassic.Exchange.add_wait] does, without blocking. On the exchange's thread.
 */
void
ferry_exchange_add_wait_async (FerryExchange *self, FerryChannel *channel, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data)
{
  Waiting *waiting;

  g_return_if_fail (FERRY_IS_EXCHANGE (self));
  g_return_if_fail (FERRY_IS_CHANNEL (channel));
  if (!ferry_owner_check (&self->owner, G_STRFUNC))
    return;

  waiting = g_new0 (Waiting, 1);
  waiting->call = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (waiting->call, ferry_exchange_add_wait_async);
  g_task_set_task_data (waiting->call, g_object_ref (channel), g_object_unref);
  g_task_set_check_cancellable (waiting->call, FALSE);
  if (cancellable != NULL)
    {
      waiting->source = g_cancellable_source_new (cancellable);
      g_source_set_static_name (waiting->source, "[ferry] stop waiting for a turn");
      g_source_set_callback (waiting->source, G_SOURCE_FUNC (turn_cancelled), waiting, NULL);
      g_source_attach (waiting->source, g_task_get_context (waiting->call));
    }
  enqueue (self, waiting);
  start_waiting (self);
}

/**
 * ferry_exchange_add_wait_finish:
 * @self: an exchange
 * @result: the result that the callback got
 * @error: return location for an error
 *
 * Ends [method@FerryClassic.Exchange.add_wait_async]. Fails with %G_IO_ERROR_CANCELLED. Any thread.
 *
 * Returns: %TRUE when the channel was added
 */
gboolean
ferry_exchange_add_wait_finish (FerryExchange *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (FERRY_IS_EXCHANGE (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, ferry_exchange_add_wait_async), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * ferry_exchange_create:
 * @self: an exchange
 * @timeout: how long to wait for the limit, in microseconds; 0: do not wait, negative: without a limit
 * @error: return location for an error
 *
 * Forks the process as [func@FerryClassic.channel_create] does, when the limit allows it, and adds the parent's end of
 * the channel. If this function must wait, it sets [property@FerryClassic.Exchange:flowing], so
 * [signal@FerryClassic.Exchange::data] must be connected before. In the child [method@Ferry.Channel.get_identifier]
 * returns %NULL. The child must not use the exchange.
 *
 * ```c
 * for (guint i = 0; i < 100; i++)
 *   {
 *     g_autoptr (FerryChannel) channel = ferry_exchange_create (exchange, -1, &error);
 *
 *     if (channel != NULL && ferry_channel_get_identifier (channel) == NULL)
 *       {
 *         ferry_channel_send (channel, g_variant_new_uint32 (i * i), -1, NULL, NULL);
 *         ferry_channel_exit (channel, 0);
 *       }
 *   }
 * ```
 *
 * On the exchange's thread. Fails as [func@FerryClassic.channel_create], and, when it waits, as
 * [method@FerryClassic.Exchange.ready].
 *
 * Returns: (transfer full): the channel, in both processes, or %NULL with @error set
 */
FerryChannel *
ferry_exchange_create (FerryExchange *self, gint64 timeout, GError **error)
{
  g_autoptr (FerryExchange) kept = NULL;
  FerryChannel *channel;

  g_return_val_if_fail (FERRY_IS_EXCHANGE (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!ferry_owner_check_error (&self->owner, G_STRFUNC, error))
    return NULL;
  kept = g_object_ref (self);
  if (!has_turn (self))
    g_object_set (self, "flowing", TRUE, NULL);
  if (!wait_until (self, G_STRFUNC, has_turn, timeout, "No process of the exchange ended", error))
    return NULL;
  channel = ferry_channel_create (error);
  if (channel != NULL && ferry_channel_get_identifier (channel) != NULL)
    ferry_exchange_add (self, channel);
  return channel;
}

/* ---- waiting until all channels have finished ---- */

/**
 * ferry_exchange_finish:
 * @self: an exchange
 * @timeout: how long to wait, in microseconds; negative: without a limit
 * @error: return location for an error
 *
 * Sets [property@FerryClassic.Exchange:flowing], and waits until all channels have finished and no worker or channel
 * waits for the limit. Connect [signal@FerryClassic.Exchange::data] first, because without a handler messages are
 * dropped. Waits as [method@FerryClassic.Exchange.ready] does; an application uses
 * [method@FerryClassic.Exchange.finish_async].
 *
 * This function does not fail with the error of a channel: [signal@FerryClassic.Exchange::data] is emitted with it.
 * Fails as [method@FerryClassic.Exchange.ready]. On the exchange's thread.
 *
 * Returns: %TRUE when all channels have finished
 */
gboolean
ferry_exchange_finish (FerryExchange *self, gint64 timeout, GError **error)
{
  g_autoptr (FerryExchange) kept = NULL;

  g_return_val_if_fail (FERRY_IS_EXCHANGE (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ferry_owner_check_error (&self->owner, G_STRFUNC, error))
    return FALSE;
  kept = g_object_ref (self);
  g_object_set (self, "flowing", TRUE, NULL);
  return wait_until (self, G_STRFUNC, has_finished, timeout, "The channels of the exchange did not finish", error);
}

/**
 * ferry_exchange_finish_async:
 * @self: an exchange
 * @cancellable: (nullable): ends the wait
 * @callback: (scope async): called when all channels have finished
 * @user_data: data for @callback
 *
 * Does what [method@FerryClassic.Exchange.finish] does, without blocking. On the exchange's thread.
 */
void
ferry_exchange_finish_async (FerryExchange *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_return_if_fail (FERRY_IS_EXCHANGE (self));
  if (!ferry_owner_check (&self->owner, G_STRFUNC))
    return;

  g_object_set (self, "flowing", TRUE, NULL);
  ferry_waits_add (&self->finish_waits, ferry_exchange_finish_async, has_finished (self), self, cancellable, callback,
                   user_data);
}

/**
 * ferry_exchange_finish_finish:
 * @self: an exchange
 * @result: the result that the callback got
 * @error: return location for an error
 *
 * Ends [method@FerryClassic.Exchange.finish_async]. Fails with %G_IO_ERROR_CANCELLED. Any thread.
 *
 * Returns: %TRUE when all channels have finished
 */
gboolean
ferry_exchange_finish_finish (FerryExchange *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (FERRY_IS_EXCHANGE (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, ferry_exchange_finish_async), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- persistent workers ---- */

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) call = data;
  FerryExchange *self = g_task_get_source_object (call);
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTransport) transport = ferry_transport_connect_to_finish (result, &error);
  GMainContext *context = self->owner.context;
  FerryChannel *channel;

  if (transport == NULL)
    {
      g_task_return_error (call, g_steal_pointer (&error));
      return;
    }
  g_main_context_push_thread_default (context);
  channel = ferry_channel_new (transport);
  g_main_context_pop_thread_default (context);
  ferry_exchange_add (self, channel);
  g_task_return_pointer (call, channel, g_object_unref);
}

/**
 * ferry_exchange_connect_async:
 * @self: an exchange
 * @address: (type filename): where a persistent worker listens: a path, or “@” and an abstract name
 * @timeout: how long the whole attempt may take, in microseconds; negative: without a limit
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async): called when the channel was added, or could not be added
 * @user_data: data for @callback
 *
 * Attaches to a persistent worker, and adds a channel with this worker, even at the limit. At a path, this function
 * waits until a worker listens there; at an abstract name, a worker must listen already: see
 * [func@Ferry.Transport.connect_to_async]. The worker makes its end of the channel over the transport that it gets from
 * its [class@Ferry.Listener], such as for [method@FerryClassic.Background.attach_channel].
 *
 * To leave, remove the channel ([method@FerryClassic.Exchange.remove]) and drop its last reference, or drop the
 * exchange. The worker continues, and may be attached to again, from this process or another one. If the worker ends
 * without having closed its channel, [signal@FerryClassic.Exchange::data] is emitted with %FERRY_ERROR_CLOSED. On the
 * exchange's thread.
 */
void
ferry_exchange_connect_async (FerryExchange *self, const char *address, gint64 timeout, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *call;

  g_return_if_fail (FERRY_IS_EXCHANGE (self));
  g_return_if_fail (address != NULL);
  if (!ferry_owner_check (&self->owner, G_STRFUNC))
    return;

  call = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (call, ferry_exchange_connect_async);
  /* The callback gets a channel that was added, even if the attempt was cancelled after that. */
  g_task_set_check_cancellable (call, FALSE);
  ferry_transport_connect_to_async (address, address[0] == '@' ? 0 : timeout, timeout, cancellable, connected_cb, call);
}

/**
 * ferry_exchange_connect_finish:
 * @self: an exchange
 * @result: the result that the callback got
 * @error: return location for an error
 *
 * Ends [method@FerryClassic.Exchange.connect_async]. Fails as [func@Ferry.Transport.connect_to_async]. Any thread.
 *
 * Returns: (transfer full): the channel, which is in the exchange, or %NULL with @error set
 */
FerryChannel *
ferry_exchange_connect_finish (FerryExchange *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (FERRY_IS_EXCHANGE (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, ferry_exchange_connect_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/* ---- properties ---- */

/**
 * ferry_exchange_get_active: (get-property active)
 * @self: an exchange
 *
 * Gets the channels, in the order in which they were added. On the exchange's thread.
 *
 * Returns: (transfer none): a list of [class@Ferry.Channel]
 */
GListModel *
ferry_exchange_get_active (FerryExchange *self)
{
  g_return_val_if_fail (FERRY_IS_EXCHANGE (self), NULL);
  if (!ferry_owner_check (&self->owner, G_STRFUNC))
    return NULL;

  return G_LIST_MODEL (self->active);
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  FerryExchange *self = FERRY_EXCHANGE (object);

  if (!ferry_owner_check (&self->owner, "FerryExchange: g_object_get"))
    return;
  if (id == PROP_ACTIVE)
    g_value_set_object (value, self->active);
  else if (id == PROP_N_ACTIVE)
    g_value_set_uint (value, g_list_model_get_n_items (G_LIST_MODEL (self->active)));
  else if (id == PROP_N_WAITING)
    g_value_set_uint (value, self->waiting.length);
  else if (id == PROP_LIMIT)
    g_value_set_uint (value, self->limit);
  else
    g_value_set_boolean (value, id == PROP_AUTOCLOSE ? self->autoclose : self->flowing);
}

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  FerryExchange *self = FERRY_EXCHANGE (object);
  gboolean *flag = id == PROP_FLOWING ? &self->flowing : &self->autoclose;

  if (!ferry_owner_check (&self->owner, "FerryExchange: g_object_set") ||
      (id == PROP_LIMIT ? self->limit == g_value_get_uint (value) : *flag == g_value_get_boolean (value)))
    return;
  if (id == PROP_LIMIT)
    self->limit = g_value_get_uint (value);
  else
    *flag = !*flag;
  g_object_notify_by_pspec (object, pspec);
  if (id == PROP_LIMIT)
    start_waiting (self);
  else if (id == PROP_FLOWING)
    look_again (self);
}

static void
install_properties (GObjectClass *object_class)
{
  object_class->get_property = get_property;
  object_class->set_property = set_property;

  /**
   * FerryExchange:active: (getter get_active)
   *
   * The channels, in the order in which they were added: a list of [class@Ferry.Channel]. On the exchange's thread, as
   * all properties.
   */
  properties[PROP_ACTIVE] = g_param_spec_object ("active", NULL, NULL, G_TYPE_LIST_MODEL, READABLE);

  /**
   * FerryExchange:n-active:
   *
   * The number of channels of the exchange.
   */
  properties[PROP_N_ACTIVE] = g_param_spec_uint ("n-active", NULL, NULL, 0, G_MAXUINT, 0, READABLE);

  /**
   * FerryExchange:n-waiting:
   *
   * The number of workers to be started and channels to be added that wait for the limit.
   */
  properties[PROP_N_WAITING] = g_param_spec_uint ("n-waiting", NULL, NULL, 0, G_MAXUINT, 0, READABLE);

  /**
   * FerryExchange:limit:
   *
   * The largest number of workers that may run at the same time; 0, the default: no limit. Each unfinished channel
   * counts as one. What waits is started when a worker has ended, when a channel was removed, and when the limit is
   * raised.
   */
  properties[PROP_LIMIT] = g_param_spec_uint ("limit", NULL, NULL, 0, G_MAXUINT, 0, SETTABLE);

  /**
   * FerryExchange:autoclose:
   *
   * Whether channels that leave the exchange from now on are closed, and their workers waited for. They leave because
   * they have finished or by [method@FerryClassic.Exchange.remove]. %TRUE by default.
   */
  properties[PROP_AUTOCLOSE] = g_param_spec_boolean ("autoclose", NULL, NULL, TRUE, SETTABLE);

  /**
   * FerryExchange:flowing:
   *
   * Whether [signal@FerryClassic.Exchange::data] is emitted for the messages of all channels. Otherwise, as by default,
   * messages stay until they are taken from the channels. The signal is emitted also for messages that were received
   * before, so connect the handlers first.
   */
  properties[PROP_FLOWING] = g_param_spec_boolean ("flowing", NULL, NULL, FALSE, SETTABLE);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

/* ---- the object ---- */

/**
 * ferry_exchange_new:
 * @router: (nullable): a router; %NULL if the exchange has only channels of [func@FerryClassic.channel_create]
 * @launcher: (nullable): what starts workers, which needs a @router; %NULL if channels are only added or created
 *
 * Makes an exchange. Without a router it belongs to the calling thread, and its functions that wait iterate the main
 * context that is now the thread-default one. Any thread.
 *
 * Returns: (transfer full): a new exchange
 */
FerryExchange *
ferry_exchange_new (FerryRouter *router, FerryLauncher *launcher)
{
  FerryExchange *self;

  g_return_val_if_fail (router == NULL || FERRY_IS_ROUTER (router), NULL);
  g_return_val_if_fail (launcher == NULL || FERRY_IS_LAUNCHER (launcher), NULL);
  g_return_val_if_fail (launcher == NULL || router != NULL, NULL);

  self = g_object_new (FERRY_TYPE_EXCHANGE, NULL);
  g_set_object (&self->launcher, launcher);
  ferry_owner_init (&self->owner, router);
  return self;
}

static void
ferry_exchange_dispose (GObject *object)
{
  FerryExchange *self = FERRY_EXCHANGE (object);
  FerryChannel *channel;

  for (guint i = 0; (channel = g_list_model_get_item (G_LIST_MODEL (self->active), i)) != NULL; i++)
    {
      leave (self, channel);
      g_object_unref (channel);
    }
  g_list_store_remove_all (self->active);
  g_queue_clear_full (&self->waiting, (GDestroyNotify) waiting_free);
  if (self->source != NULL)
    g_source_destroy (self->source);
  g_clear_pointer (&self->source, g_source_unref);

  G_OBJECT_CLASS (ferry_exchange_parent_class)->dispose (object);
}

static void
ferry_exchange_finalize (GObject *object)
{
  FerryExchange *self = FERRY_EXCHANGE (object);

  g_object_unref (self->active);
  g_clear_object (&self->launcher);
  ferry_owner_clear (&self->owner);

  G_OBJECT_CLASS (ferry_exchange_parent_class)->finalize (object);
}

static void
ferry_exchange_class_init (FerryExchangeClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = ferry_exchange_dispose;
  object_class->finalize = ferry_exchange_finalize;
  install_properties (object_class);

  /**
   * FerryExchange::data:
   * @self: the exchange
   * @channel: (nullable): the channel; %NULL if @error is of a worker that waited and could not be started
   * @value: (nullable): the message
   * @failure: (nullable): an error that was sent as a message
   * @error: (nullable): the error that the channel ended with: from the function, or how the worker was lost
   *
   * A message was taken from one of the channels, or a channel ended with an error. Exactly one of @value, @failure and
   * @error is set. Emitted while [property@FerryClassic.Exchange:flowing] is set.
   */
  data_signal = g_signal_new ("data", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 4,
                              FERRY_TYPE_CHANNEL, G_TYPE_VARIANT, G_TYPE_ERROR, G_TYPE_ERROR);
}

static void
ferry_exchange_init (FerryExchange *self)
{
  self->active = g_list_store_new (FERRY_TYPE_CHANNEL);
  self->autoclose = TRUE;
}
