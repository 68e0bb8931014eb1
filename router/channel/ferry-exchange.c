/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "base/ferry-base-private.h"
#include "base/ferry-heed-private.h"
#include "channel/ferry-channel-start-private.h"
#include "channel/ferry-exchange-private.h"
#include "route/ferry-router-private.h"
#include "worker/ferry-launcher-private.h"

/**
 * FerryExchange:
 *
 * A set of channels that are waited on together, and a limit for how many workers run at a time.
 *
 * [method@Ferry.Exchange.start] starts a worker with a channel, or has that wait until another worker has ended. What
 * comes over any of the channels goes to [signal@Ferry.Exchange::data] while [property@Ferry.Exchange:flowing] is set;
 * else [method@Ferry.Exchange.ready] tells which channels have something to take. A channel that fails does not
 * disturb the others.
 *
 * ```c
 * g_autoptr (FerryExchange) exchange = ferry_exchange_new (router, launcher);
 *
 * ferry_exchange_set_limit (exchange, 3);
 * g_signal_connect (exchange, "data", G_CALLBACK (take_data), NULL);
 * for (guint i = 0; i < 100; i++)
 *   ferry_exchange_start (exchange, "square", g_variant_new_uint32 (i), &error);
 * ferry_exchange_finish_async (exchange, NULL, all_done, NULL);
 * ```
 *
 * A channel has come to its end when the end was taken, behind all messages, and its worker has ended. It is removed
 * then, unless [property@Ferry.Exchange:autoclose] is off; whoever has a reference finds how its worker ended with
 * [method@Ferry.Channel.get_exit].
 *
 * On the router's thread. Channels that are added are to be made there as well. Without a router it is for the channels
 * of [func@Ferry.Channel.create], on the thread that creates them.
 *
 * Since: 0.1
 */
G_DEFINE_FINAL_TYPE (FerryExchange, ferry_exchange, G_TYPE_OBJECT)

static guint data_signal;

/* ---- members ---- */

static void
member_clear (gpointer data)
{
  g_object_unref (((FerryMember *) data)->channel);
}

void
ferry_member_unref (FerryMember *self)
{
  g_rc_box_release_full (self, member_clear);
}

gboolean
ferry_member_is_ready (FerryMember *self)
{
  FerryChannel *channel = self->channel;
  gboolean ready;

  pthread_mutex_lock (&channel->lock);
  ready = channel->in.length > 0 || (ferry_channel_is_at_end_locked (channel) && !channel->end_taken);
  pthread_mutex_unlock (&channel->lock);
  return ready;
}

static gboolean
has_come_to_its_end (FerryChannel *channel)
{
  gboolean taken;

  pthread_mutex_lock (&channel->lock);
  taken = channel->end_taken;
  pthread_mutex_unlock (&channel->lock);
  return taken && (channel->process == NULL || ferry_channel_get_exit (channel) != NULL);
}

gboolean
ferry_exchange_has_room (FerryExchange *self)
{
  return self->limit == 0 || self->n_running < self->limit;
}

gboolean
ferry_exchange_is_finished (FerryExchange *self)
{
  return self->n_running == 0 && self->waiting.length == 0;
}

gboolean
ferry_exchange_has_ready (FerryExchange *self)
{
  GHashTableIter iter;
  gpointer member;

  g_hash_table_iter_init (&iter, self->members);
  while (g_hash_table_iter_next (&iter, NULL, &member))
    if (ferry_member_is_ready (member))
      return TRUE;
  return FALSE;
}

void
ferry_exchange_tell (FerryExchange *self)
{
  g_autoptr (FerryExchange) kept G_GNUC_UNUSED = g_object_ref (self);

  if (ferry_exchange_is_finished (self) || (!self->flowing && ferry_exchange_has_ready (self)))
    ferry_waiters_return (&self->ready_waiters);
  if (ferry_exchange_is_finished (self))
    ferry_waiters_return (&self->finish_waiters);
}

/* ---- what comes ---- */

/* Takes one message, or the end, to the handlers. Returns FALSE when there is none, or none is wanted any more. */
static gboolean
emit_one (FerryExchange *self, FerryMember *member)
{
  g_autoptr (FerryIncoming) incoming = NULL;
  g_autoptr (GError) error = NULL;

  if (member->exchange != self || !self->flowing || !ferry_member_is_ready (member))
    return FALSE;
  if (ferry_channel_take (member->channel, &incoming, &error) == FERRY_CHANNEL_TAKEN || error != NULL)
    g_signal_emit (self, data_signal, 0, member->channel, incoming != NULL ? incoming->value : NULL,
                   incoming != NULL ? incoming->failure : NULL, error);
  return TRUE;
}

/* What there is to do once a member's end was taken and its worker has ended. */
static void
settle (FerryExchange *self, FerryMember *member)
{
  if (member->exchange != self || member->over || !has_come_to_its_end (member->channel))
    return;
  member->over = TRUE;
  self->n_running--;
  if (self->autoclose)
    ferry_exchange_remove (self, member->channel);
  ferry_exchange_start_waiting (self, NULL);
}

static void
news_came (gpointer data)
{
  g_autoptr (FerryMember) member = g_rc_box_acquire (data);
  g_autoptr (FerryExchange) self = g_object_ref (member->exchange);
  guint n = 0;

  /* A window's worth, so that the others have their turn. */
  while (n < FERRY_CHANNEL_WINDOW && emit_one (self, member))
    n++;
  if (n == FERRY_CHANNEL_WINDOW)
    ferry_channel_tell_news (member->channel);
  settle (self, member);
  ferry_exchange_tell (self);
}

/**
 * ferry_exchange_add:
 * @self: an exchange
 * @channel: a channel that is in no exchange, and whose own messages do not flow
 *
 * Adds a channel, whatever the limit is. On the router's thread; without a router, on the thread that made the
 * exchange.
 *
 * Since: 0.1
 */
void
ferry_exchange_add (FerryExchange *self, FerryChannel *channel)
{
  FerryMember *member;

  g_return_if_fail (FERRY_IS_EXCHANGE (self));
  g_return_if_fail (FERRY_IS_CHANNEL (channel));
  ferry_return_if_fail (channel->news_func == NULL,
                        "the channel is in an exchange already, or its own messages flow; add it before");
  ferry_return_if_elsewhere (self->home);

  member = g_rc_box_new0 (FerryMember);
  member->exchange = self;
  member->channel = g_object_ref (channel);
  g_hash_table_insert (self->members, channel, member);
  self->n_running++;
  g_list_store_append (self->active, channel);
  ferry_channel_set_news_func (channel, news_came, member);
  ferry_exchange_notify_active (self);
}

/**
 * ferry_exchange_remove:
 * @self: an exchange
 * @channel: a channel
 *
 * Removes a channel, at any time: what comes over it is for whoever takes it. A worker that waits for its turn is
 * started. On the router's thread; without a router, on the thread that made the exchange.
 *
 * Returns: %FALSE when it was not in the exchange
 *
 * Since: 0.1
 */
gboolean
ferry_exchange_remove (FerryExchange *self, FerryChannel *channel)
{
  g_autoptr (FerryExchange) kept = NULL;
  g_autoptr (FerryMember) member = NULL;
  guint position;

  g_return_val_if_fail (FERRY_IS_EXCHANGE (self), FALSE);
  g_return_val_if_fail (FERRY_IS_CHANNEL (channel), FALSE);
  ferry_return_val_if_elsewhere (self->home, FALSE);

  kept = g_object_ref (self);
  if (!g_hash_table_steal_extended (self->members, channel, NULL, (gpointer *) &member))
    return FALSE;
  ferry_channel_set_news_func (channel, NULL, NULL);
  member->exchange = NULL;
  self->n_running -= member->over ? 0 : 1;
  if (g_list_store_find (self->active, channel, &position))
    g_list_store_remove (self->active, position);
  ferry_exchange_notify_active (self);
  ferry_exchange_start_waiting (self, NULL);
  ferry_exchange_tell (self);
  return TRUE;
}

/* ---- starting ---- */

void
ferry_waiting_free (FerryWaiting *self)
{
  ferry_stop_heeding (&self->source);
  g_free (self->function);
  g_clear_pointer (&self->arguments, g_variant_unref);
  g_clear_object (&self->call);
  g_free (self);
}

void
ferry_exchange_line_up (FerryExchange *self, FerryWaiting *waiting)
{
  g_queue_push_tail (&self->waiting, waiting);
  ferry_exchange_notify_waiting (self);
}

static gboolean
start_now (FerryExchange *self, const char *function, GVariant *arguments, GError **error)
{
  g_autoptr (FerryChannel) channel = ferry_channel_start (self->launcher, self->router, function, arguments, error);

  if (channel == NULL)
    return FALSE;
  ferry_exchange_add (self, channel);
  return TRUE;
}

/* A stop of the router, for which a worker had to make room: the exchange was running when this one was accepted. */
static void
say_that_router_was_stopped (const char *function, GError **error)
{
  if (!g_error_matches (*error, FERRY_ERROR, FERRY_ERROR_NOT_RUNNING))
    return;
  g_clear_error (error);
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED,
               "The router was stopped before it was the turn of a worker for “%s”; start the router again, then start "
               "the worker again",
               function);
}

/* Returns FALSE with an error where a worker could not be started, which the handlers of `data` hear. */
static gboolean
start_one (FerryExchange *self, FerryWaiting *waiting, GError **error)
{
  g_autoptr (GError) failure = NULL;

  ferry_exchange_notify_waiting (self);
  if (waiting->call != NULL)
    {
      ferry_exchange_add (self, g_task_get_task_data (waiting->call));
      g_task_return_boolean (waiting->call, TRUE);
      return TRUE;
    }
  if (start_now (self, waiting->function, waiting->arguments, &failure))
    return TRUE;
  say_that_router_was_stopped (waiting->function, &failure);
  g_signal_emit (self, data_signal, 0, NULL, NULL, NULL, failure);
  g_propagate_error (error, g_steal_pointer (&failure));
  return FALSE;
}

/**
 * ferry_exchange_start_waiting:
 * @self: an exchange
 * @error: return location for an error
 *
 * Starts what waits for its turn, as far as the limit allows. This is done whenever a worker has ended, a channel was
 * removed or the limit was raised, so there is seldom need to call it. On the router's thread; without a router, on the
 * thread that made the exchange.
 *
 * Fails as [func@Ferry.Channel.start], with the first worker that could not be started; each of these is told by
 * [signal@Ferry.Exchange::data] as well, and the others are started.
 *
 * Returns: %TRUE when all could be started that should
 *
 * Since: 0.1
 */
gboolean
ferry_exchange_start_waiting (FerryExchange *self, GError **error)
{
  g_autoptr (FerryExchange) kept = NULL;
  GError *first = NULL;
  FerryWaiting *waiting;

  g_return_val_if_fail (FERRY_IS_EXCHANGE (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ferry_home_check_error (self->home, G_STRFUNC, error))
    return FALSE;
  /* A handler that comes here from within leaves it to the call under way. */
  if (self->starting)
    return TRUE;
  kept = g_object_ref (self);
  self->starting = TRUE;
  if (self->router != NULL)
    self->router->n_holding++;
  while (ferry_exchange_has_room (self) && (waiting = g_queue_pop_head (&self->waiting)) != NULL)
    {
      /* Handlers may iterate the context, and its turn is not taken back. */
      ferry_stop_heeding (&waiting->source);
      start_one (self, waiting, first == NULL ? &first : NULL);
      ferry_waiting_free (waiting);
    }
  if (self->router != NULL)
    self->router->n_holding--;
  self->starting = FALSE;
  if (first == NULL)
    return TRUE;
  ferry_exchange_tell (self);
  g_propagate_error (error, first);
  return FALSE;
}

/**
 * ferry_exchange_start:
 * @self: an exchange that was made with a launcher
 * @function: the name of a channel function
 * @arguments: (nullable): its arguments; a floating reference is taken
 * @error: return location for an error
 *
 * Starts a worker as [func@Ferry.Channel.start] does, and adds its channel; or has that wait, in order, while as many
 * workers run as the limit allows. Handlers tell channels apart by [method@Ferry.Channel.get_function] and
 * [method@Ferry.Channel.get_arguments]. On the router's thread; without a router, on the thread that made the exchange.
 *
 * Fails as [func@Ferry.Channel.start]. A worker that waited and could not be started is told by
 * [signal@Ferry.Exchange::data].
 *
 * Returns: %TRUE when it was started, or waits
 *
 * Since: 0.1
 */
gboolean
ferry_exchange_start (FerryExchange *self, const char *function, GVariant *arguments, GError **error)
{
  g_autoptr (GVariant) kept = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
  FerryWaiting *waiting;

  g_return_val_if_fail (FERRY_IS_EXCHANGE (self), FALSE);
  ferry_return_val_if_fail (self->launcher != NULL, FALSE,
                            "the exchange was made without a launcher; pass one to ferry_exchange_new()");
  g_return_val_if_fail (function != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ferry_home_check_error (self->home, G_STRFUNC, error))
    return FALSE;
  if (!ferry_router_check (self->router, error))
    return FALSE;
  if (self->waiting.length == 0 && ferry_exchange_has_room (self))
    return start_now (self, function, kept, error);
  waiting = g_new0 (FerryWaiting, 1);
  waiting->function = g_strdup (function);
  waiting->arguments = g_steal_pointer (&kept);
  ferry_exchange_line_up (self, waiting);
  return TRUE;
}

/* ---- the object ---- */

/**
 * ferry_exchange_new:
 * @router: (nullable): a router; %NULL for channels of [func@Ferry.Channel.create] only
 * @launcher: (nullable): what starts workers, which takes a router; %NULL where channels are only added or created
 *
 * Without a router, what waits iterates the main context that is the thread-default one now. Any thread, which has an
 * exchange without a router from then on.
 *
 * Returns: (transfer full): a new exchange
 *
 * Since: 0.1
 */
FerryExchange *
ferry_exchange_new (FerryRouter *router, FerryLauncher *launcher)
{
  FerryExchange *self;

  g_return_val_if_fail (router == NULL || FERRY_IS_ROUTER (router), NULL);
  g_return_val_if_fail (launcher == NULL || FERRY_IS_LAUNCHER (launcher), NULL);
  g_return_val_if_fail (launcher == NULL || router != NULL, NULL);

  self = g_object_new (FERRY_TYPE_EXCHANGE, NULL);
  g_set_object (&self->router, router);
  g_set_object (&self->launcher, launcher);
  self->home = router != NULL ? ferry_home_ref (router->home) : ferry_home_new_here ();
  if (launcher != NULL)
    ferry_launcher_bind (launcher, self->home);
  return self;
}

static void
ferry_exchange_dispose (GObject *object)
{
  FerryExchange *self = FERRY_EXCHANGE (object);
  GHashTableIter iter;
  gpointer data;

  g_hash_table_iter_init (&iter, self->members);
  while (g_hash_table_iter_next (&iter, NULL, &data))
    {
      FerryMember *member = data;

      ferry_channel_set_news_func (member->channel, NULL, NULL);
      member->exchange = NULL;
    }
  g_hash_table_remove_all (self->members);
  g_list_store_remove_all (self->active);
  g_queue_clear_full (&self->waiting, (GDestroyNotify) ferry_waiting_free);

  G_OBJECT_CLASS (ferry_exchange_parent_class)->dispose (object);
}

static void
ferry_exchange_finalize (GObject *object)
{
  FerryExchange *self = FERRY_EXCHANGE (object);

  g_hash_table_unref (self->members);
  g_object_unref (self->active);
  g_clear_object (&self->launcher);
  g_clear_object (&self->router);
  g_clear_pointer (&self->home, ferry_home_unref);
  g_main_context_unref (self->context);

  G_OBJECT_CLASS (ferry_exchange_parent_class)->finalize (object);
}

static void
ferry_exchange_class_init (FerryExchangeClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = ferry_exchange_dispose;
  object_class->finalize = ferry_exchange_finalize;
  ferry_exchange_install_properties (object_class);

  /**
   * FerryExchange::data:
   * @self: the exchange
   * @channel: (nullable): the channel; %NULL with the error of a worker that waited and could not be started
   * @value: (nullable): the message
   * @failure: (nullable): an error that was sent as a message
   * @error: (nullable): what the channel ended with: the error that its function raised, or how its worker was lost
   *
   * A message came over one of the channels, or one ended badly; exactly one of @value, @failure and @error is set.
   * Emitted while [property@Ferry.Exchange:flowing] is set.
   *
   * Since: 0.1
   */
  data_signal = g_signal_new ("data", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 4,
                              FERRY_TYPE_CHANNEL, G_TYPE_VARIANT, G_TYPE_ERROR, G_TYPE_ERROR);
}

static void
ferry_exchange_init (FerryExchange *self)
{
  self->active = g_list_store_new (FERRY_TYPE_CHANNEL);
  self->members = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) ferry_member_unref);
  self->context = g_main_context_ref_thread_default ();
  self->autoclose = TRUE;
  g_queue_init (&self->waiting);
}
