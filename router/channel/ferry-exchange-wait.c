/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Waiting for an exchange: for news, for its turn, for the end of all. Each in two forms: one that iterates the
 * router's main context, or where there is no router its own, for console programs and tests, and one in GIO's manner.
 */

#include "config.h"

#include "base/ferry-base-private.h"
#include "base/ferry-heed-private.h"
#include "channel/ferry-channel-create.h"
#include "channel/ferry-channel-start.h"
#include "channel/ferry-exchange-private.h"
#include "task/ferry-iterate-private.h"

static gboolean
wait_until (FerryExchange *self, FerryCondition condition, gint64 timeout, const char *what, GError **error)
{
  if (self->router != NULL)
    return ferry_iterate_until (self->router, condition, self, timeout, what, error);
  return ferry_iterate_context_until (self->context, condition, self, timeout, what, error);
}

/* ---- news ---- */

static void
add_if_ready (gpointer channel, gpointer member, gpointer array)
{
  if (ferry_member_is_ready (member))
    g_ptr_array_add (array, g_object_ref (channel));
}

static GPtrArray *
list_ready (FerryExchange *self)
{
  GPtrArray *array = g_ptr_array_new_with_free_func (g_object_unref);

  g_hash_table_foreach (self->members, add_if_ready, array);
  return array;
}

static gboolean
is_ready (gpointer data)
{
  return ferry_exchange_has_ready (data) || ferry_exchange_is_finished (data);
}

/**
 * ferry_exchange_ready:
 * @self: an exchange whose messages do not flow
 * @timeout: how long to wait, in microseconds; 0 for not at all, negative for as long as it takes
 * @error: return location for an error
 *
 * Waits until channels have a message to take, or their end; [method@Ferry.Channel.receive] takes it without waiting.
 * It iterates the router's main context meanwhile, so it is for tests and console programs; an application uses
 * [method@Ferry.Exchange.ready_async]. On the router's thread; without a router, on the thread that made the exchange.
 *
 * Fails with %FERRY_ERROR_TIMED_OUT, %FERRY_ERROR_BUSY in a callback of its main context, %FERRY_ERROR_NOT_RUNNING and
 * %FERRY_ERROR_WRONG_THREAD.
 *
 * Returns: (transfer full) (element-type FerryChannel) (nullable): those channels; none when all have come to their
 * end, and nothing waits for its turn
 *
 * Since: 0.1
 */
GPtrArray *
ferry_exchange_ready (FerryExchange *self, gint64 timeout, GError **error)
{
  g_autoptr (FerryExchange) kept = NULL;

  g_return_val_if_fail (FERRY_IS_EXCHANGE (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!ferry_home_check_error (self->home, G_STRFUNC, error))
    return NULL;
  kept = g_object_ref (self);
  if (!wait_until (self, is_ready, timeout, "No channel of the exchange had news", error))
    return NULL;
  return list_ready (self);
}

/**
 * ferry_exchange_ready_async:
 * @self: an exchange whose messages do not flow
 * @cancellable: (nullable): ends the waiting
 * @callback: (scope async): called when channels have something to take, or all have come to their end
 * @user_data: data for @callback
 *
 * Waits for news without blocking. On the router's thread; without a router, on the thread that made the exchange.
 *
 * Since: 0.1
 */
void
ferry_exchange_ready_async (FerryExchange *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                            gpointer user_data)
{
  g_autoptr (GTask) call = NULL;

  g_return_if_fail (FERRY_IS_EXCHANGE (self));
  ferry_return_if_elsewhere (self->home);

  call = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (call, ferry_exchange_ready_async);
  if (is_ready (self))
    g_task_return_boolean (call, TRUE);
  else
    ferry_waiters_add (&self->ready_waiters, call);
}

/**
 * ferry_exchange_ready_finish:
 * @self: an exchange
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends [method@Ferry.Exchange.ready_async]. Fails with %FERRY_ERROR_WRONG_THREAD and %G_IO_ERROR_CANCELLED. On the
 * router's thread; without a router, on the thread that made the exchange.
 *
 * Returns: (transfer full) (element-type FerryChannel) (nullable): the channels that have something to take by now;
 * none when all have come to their end, or somebody else took it
 *
 * Since: 0.1
 */
GPtrArray *
ferry_exchange_ready_finish (FerryExchange *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!ferry_home_check_error (self->home, G_STRFUNC, error) || !g_task_propagate_boolean (G_TASK (result), error))
    return NULL;
  return list_ready (self);
}

/* ---- its turn ---- */

static gboolean
has_turn (gpointer data)
{
  FerryExchange *self = data;

  return self->waiting.length == 0 && ferry_exchange_has_room (self);
}

/**
 * ferry_exchange_add_wait:
 * @self: an exchange
 * @channel: a channel, as for [method@Ferry.Exchange.add]
 * @timeout: how long to wait, in microseconds; negative for as long as it takes
 * @error: return location for an error
 *
 * Adds a channel once the limit allows it, behind what waits already. It iterates the router's main context meanwhile,
 * so it is for tests and console programs; an application uses [method@Ferry.Exchange.add_wait_async]. Somebody has to
 * take what the other channels send, or it flows; else none comes to its end. On the router's thread; without a router,
 * on the thread that made the exchange.
 *
 * Fails as [method@Ferry.Exchange.ready], and does not add the channel then.
 *
 * Returns: %TRUE when it was added
 *
 * Since: 0.1
 */
gboolean
ferry_exchange_add_wait (FerryExchange *self, FerryChannel *channel, gint64 timeout, GError **error)
{
  g_autoptr (FerryExchange) kept = NULL;

  g_return_val_if_fail (FERRY_IS_EXCHANGE (self), FALSE);
  g_return_val_if_fail (FERRY_IS_CHANNEL (channel), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ferry_home_check_error (self->home, G_STRFUNC, error))
    return FALSE;
  kept = g_object_ref (self);
  if (!wait_until (self, has_turn, timeout, "No worker of the exchange ended", error))
    return FALSE;
  ferry_exchange_add (self, channel);
  return TRUE;
}

static gboolean
turn_cancelled (GCancellable *cancellable, gpointer data)
{
  FerryWaiting *waiting = data;
  g_autoptr (GTask) call = g_object_ref (waiting->call);
  FerryExchange *self = g_task_get_source_object (call);

  g_queue_remove (&self->waiting, waiting);
  ferry_waiting_free (waiting);
  ferry_exchange_notify_waiting (self);
  g_task_set_check_cancellable (call, TRUE);
  g_task_return_error_if_cancelled (call);
  ferry_exchange_tell (self);
  return G_SOURCE_REMOVE;
}

/**
 * ferry_exchange_add_wait_async:
 * @self: an exchange
 * @channel: a channel, as for [method@Ferry.Exchange.add]
 * @cancellable: (nullable): ends the waiting, and the channel is not added
 * @callback: (scope async): called when it was added
 * @user_data: data for @callback
 *
 * Adds a channel once the limit allows it, behind what waits already. On the router's thread; without a router, on the
 * thread that made the exchange.
 *
 * Since: 0.1
 */
void
ferry_exchange_add_wait_async (FerryExchange *self, FerryChannel *channel, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data)
{
  FerryWaiting *waiting;

  g_return_if_fail (FERRY_IS_EXCHANGE (self));
  g_return_if_fail (FERRY_IS_CHANNEL (channel));
  ferry_return_if_elsewhere (self->home);

  waiting = g_new0 (FerryWaiting, 1);
  waiting->call = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (waiting->call, ferry_exchange_add_wait_async);
  g_task_set_task_data (waiting->call, g_object_ref (channel), g_object_unref);
  g_task_set_check_cancellable (waiting->call, FALSE);
  if (cancellable != NULL)
    ferry_heed_cancellable (waiting->call, &waiting->source, "[ferry] stop waiting for a turn", turn_cancelled, waiting,
                            NULL);
  ferry_exchange_line_up (self, waiting);
  ferry_exchange_start_waiting (self, NULL);
}

/**
 * ferry_exchange_add_wait_finish:
 * @self: an exchange
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends [method@Ferry.Exchange.add_wait_async]. Fails with %G_IO_ERROR_CANCELLED. Any thread.
 *
 * Returns: %TRUE when it was added
 *
 * Since: 0.1
 */
gboolean
ferry_exchange_add_wait_finish (FerryExchange *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * ferry_exchange_create:
 * @self: an exchange
 * @timeout: how long to wait for its turn, in microseconds; 0 for not at all, negative for as long as it takes
 * @error: return location for an error
 *
 * Forks the process as [func@Ferry.Channel.create] does, once the limit allows it, and adds the parent's end of the
 * channel. Where it has to wait, it sets [property@Ferry.Exchange:flowing]: connect [signal@Ferry.Exchange::data]
 * first. The child, whose channel has the number 0 ([method@Ferry.Channel.get_pid]), leaves the exchange alone.
 *
 * ```c
 * for (guint i = 0; i < 100; i++)
 *   {
 *     g_autoptr (FerryChannel) channel = ferry_exchange_create (exchange, -1, &error);
 *
 *     if (channel != NULL && ferry_channel_get_pid (channel) == 0)
 *       {
 *         ferry_channel_send (channel, g_variant_new_uint32 (i * i), -1, NULL, NULL);
 *         ferry_channel_exit (channel, 0);
 *       }
 *   }
 * ```
 *
 * On the router's thread; without a router, on the thread that made the exchange.
 *
 * Fails as [func@Ferry.Channel.create], and as [method@Ferry.Exchange.ready] where it waits.
 *
 * Returns: (transfer full): the channel, in both processes; %NULL with an error in the one that there is
 *
 * Since: 0.1
 */
FerryChannel *
ferry_exchange_create (FerryExchange *self, gint64 timeout, GError **error)
{
  g_autoptr (FerryExchange) kept = NULL;
  FerryChannel *channel;

  g_return_val_if_fail (FERRY_IS_EXCHANGE (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!ferry_home_check_error (self->home, G_STRFUNC, error))
    return NULL;
  kept = g_object_ref (self);
  if (!has_turn (self))
    ferry_exchange_set_flowing (self, TRUE);
  if (!wait_until (self, has_turn, timeout, "No process of the exchange ended", error))
    return NULL;
  channel = ferry_channel_create (error);
  if (channel != NULL && ferry_channel_get_pid (channel) != 0)
    ferry_exchange_add (self, channel);
  return channel;
}

/* ---- the end of all ---- */

static gboolean
is_finished (gpointer data)
{
  return ferry_exchange_is_finished (data);
}

/**
 * ferry_exchange_finish:
 * @self: an exchange
 * @timeout: how long to wait, in microseconds; negative for as long as it takes
 * @error: return location for an error
 *
 * Sets [property@Ferry.Exchange:flowing], and waits until all channels have come to their end and nothing waits for its
 * turn. Connect [signal@Ferry.Exchange::data] first: without a handler messages are dropped. It iterates the router's
 * main context meanwhile, so it is for tests and console programs; an application uses
 * [method@Ferry.Exchange.finish_async].
 *
 * What a channel ended with is told by [signal@Ferry.Exchange::data], and no error here. Fails as
 * [method@Ferry.Exchange.ready]. On the router's thread; without a router, on the thread that made the exchange.
 *
 * Returns: %TRUE when all have come to their end
 *
 * Since: 0.1
 */
gboolean
ferry_exchange_finish (FerryExchange *self, gint64 timeout, GError **error)
{
  g_autoptr (FerryExchange) kept = NULL;

  g_return_val_if_fail (FERRY_IS_EXCHANGE (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ferry_home_check_error (self->home, G_STRFUNC, error))
    return FALSE;
  kept = g_object_ref (self);
  ferry_exchange_set_flowing (self, TRUE);
  return wait_until (self, is_finished, timeout, "The channels did not come to their end", error);
}

/**
 * ferry_exchange_finish_async:
 * @self: an exchange
 * @cancellable: (nullable): ends the waiting
 * @callback: (scope async): called when all channels have come to their end
 * @user_data: data for @callback
 *
 * Sets [property@Ferry.Exchange:flowing], and waits as [method@Ferry.Exchange.finish] does, without blocking. On the
 * router's thread; without a router, on the thread that made the exchange.
 *
 * Since: 0.1
 */
void
ferry_exchange_finish_async (FerryExchange *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_autoptr (GTask) call = NULL;

  g_return_if_fail (FERRY_IS_EXCHANGE (self));
  ferry_return_if_elsewhere (self->home);

  ferry_exchange_set_flowing (self, TRUE);
  call = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (call, ferry_exchange_finish_async);
  if (ferry_exchange_is_finished (self))
    g_task_return_boolean (call, TRUE);
  else
    ferry_waiters_add (&self->finish_waiters, call);
}

/**
 * ferry_exchange_finish_finish:
 * @self: an exchange
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends [method@Ferry.Exchange.finish_async]. Fails with %G_IO_ERROR_CANCELLED. Any thread.
 *
 * Returns: %TRUE when all have come to their end
 *
 * Since: 0.1
 */
gboolean
ferry_exchange_finish_finish (FerryExchange *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
