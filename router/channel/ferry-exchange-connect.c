/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Channels of an exchange that lead to persistent workers.
 *
 * Threads: the exchange's. */

#include "config.h"

#include "channel/ferry-connect.h"
#include "channel/ferry-exchange-private.h"
#include "route/ferry-router-private.h"

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) call = data;
  FerryExchange *self = g_task_get_source_object (call);
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTransport) transport = ferry_transport_connect_to_finish (result, &error);
  GMainContext *context = self->router != NULL ? self->router->context : self->context;
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
 * @timeout: how long it may take, in microseconds; negative for any time
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async): called when its channel was added, or could not be, in the thread-default main context
 * @user_data: data for @callback
 *
 * Attaches to a persistent worker, and adds a channel to it, whatever the limit is. A worker at a path that is about to
 * start is waited for, as [func@Ferry.Transport.connect_when_there_async] does; one at an abstract name must be there,
 * as for [func@Ferry.Transport.connect_to_async]. The worker has a channel at its end as well: one
 * that it made over what its [class@Ferry.Listener] gave, such as for [method@Ferry.Background.attach_channel].
 *
 * To leave, remove the channel ([method@Ferry.Exchange.remove]) and drop it, or drop the exchange: the worker goes on,
 * and whoever connects next, in this process or another, goes on with it. A worker that ends without having closed its
 * channel is %FERRY_ERROR_CLOSED to [signal@Ferry.Exchange::data]. On the router's thread; without a router, on the
 * thread that made the exchange.
 *
 * Since: 0.1
 */
void
ferry_exchange_connect_async (FerryExchange *self, const char *address, gint64 timeout, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *call;

  g_return_if_fail (FERRY_IS_EXCHANGE (self));
  g_return_if_fail (address != NULL);
  ferry_return_if_elsewhere (self->home);

  call = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (call, ferry_exchange_connect_async);
  /* Once it is in the exchange, that is what is said. */
  g_task_set_check_cancellable (call, FALSE);
  /* Nobody tells of an abstract name that comes about. */
  if (address[0] == '@')
    ferry_transport_connect_to_async (address, timeout, cancellable, connected_cb, call);
  else
    ferry_transport_connect_when_there_async (address, timeout, cancellable, connected_cb, call);
}

/**
 * ferry_exchange_connect_finish:
 * @self: an exchange
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends [method@Ferry.Exchange.connect_async]. Fails as those do. Any thread.
 *
 * Returns: (transfer full): the channel, which is in the exchange, or %NULL with @error set
 *
 * Since: 0.1
 */
FerryChannel *
ferry_exchange_connect_finish (FerryExchange *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
