/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-conversations.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"
#include "call/ferry-transport.h"
#include "engine/ferry-exit.h"
#include "process/ferry-launcher.h"
#include "route/ferry-router.h"

G_BEGIN_DECLS

/**
 * FERRY_CHANNEL_WINDOW: (value 64)
 *
 * The largest number of messages that wait at an end of a channel to be taken. At this number the sender waits.
 */
#define FERRY_CHANNEL_WINDOW 64

#define FERRY_TYPE_CHANNEL (ferry_channel_get_type ())

FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryChannel, ferry_channel, FERRY, CHANNEL, GObject)

FERRY_AVAILABLE_IN_0_1
FerryChannel *ferry_channel_new (FerryTransport *transport) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
GVariant *ferry_channel_get_arguments (FerryChannel *self);

FERRY_AVAILABLE_IN_0_1
gboolean ferry_channel_send (FerryChannel *self, GVariant *value, gint64 timeout, GCancellable *cancellable,
                             GError **error);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_channel_send_error (FerryChannel *self, const GError *failure, gint64 timeout, GCancellable *cancellable,
                                   GError **error);
FERRY_AVAILABLE_IN_0_1
void ferry_channel_send_async (FerryChannel *self, GVariant *value, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_channel_send_finish (FerryChannel *self, GAsyncResult *result, GError **error);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_channel_send_acknowledged (FerryChannel *self, GVariant *value, gint64 timeout,
                                          GCancellable *cancellable, GError **error);
FERRY_AVAILABLE_IN_0_1
void ferry_channel_send_acknowledged_async (FerryChannel *self, GVariant *value, GCancellable *cancellable,
                                            GAsyncReadyCallback callback, gpointer user_data);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_channel_send_acknowledged_finish (FerryChannel *self, GAsyncResult *result, GError **error);

FERRY_AVAILABLE_IN_0_1
gboolean ferry_channel_receive (FerryChannel *self, gint64 timeout, GCancellable *cancellable, GVariant **value,
                                GError **failure, GError **error);
FERRY_AVAILABLE_IN_0_1
void ferry_channel_receive_async (FerryChannel *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer user_data);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_channel_receive_finish (FerryChannel *self, GAsyncResult *result, GVariant **value, GError **failure,
                                       GError **error);

FERRY_AVAILABLE_IN_0_1
void ferry_channel_close (FerryChannel *self);
FERRY_AVAILABLE_IN_0_1
void ferry_channel_fail (FerryChannel *self, const GError *failure);

/* ---- channels with a process that is started for the channel ---- */

/**
 * FerryChannelFunction: (skip)
 * @channel: (transfer none): the worker's end of the conversation
 * @arguments: (transfer none) (nullable): the arguments, of the type that the function was registered with
 * @error: return location for an error
 *
 * A function that a worker runs, and that exchanges messages with the application while it runs. When the function
 * returns, the channel is closed. When it fails, its error is raised at the application after all its messages.
 *
 * Returns: %TRUE on success, %FALSE with @error set
 */
typedef gboolean (*FerryChannelFunction) (FerryChannel *channel, GVariant *arguments, GError **error);

/**
 * FerryChannelFunctionFull:
 * @channel: (transfer none): the worker's end of the conversation
 * @arguments: (transfer none) (nullable): the arguments, of the type that the function was registered with
 * @user_data: (nullable) (closure): the data that was registered with the function
 * @error: return location for an error
 *
 * A [callback@Ferry.ChannelFunction] with data of its own.
 *
 * Returns: %TRUE on success, %FALSE with @error set
 */
typedef gboolean (*FerryChannelFunctionFull) (FerryChannel *channel, GVariant *arguments, gpointer user_data,
                                              GError **error);

FERRY_AVAILABLE_IN_0_1
void ferry_channel_function_register (const char *name, const char *arguments_type, FerryChannelFunction function);
FERRY_AVAILABLE_IN_0_1
void ferry_channel_function_register_full (const char *name, const char *arguments_type,
                                           FerryChannelFunctionFull function, gpointer user_data,
                                           GDestroyNotify destroy);
FERRY_AVAILABLE_IN_0_1
FerryChannel *ferry_channel_start (FerryLauncher *launcher, FerryRouter *router, const char *function,
                                   GVariant *arguments, GError **error) G_GNUC_WARN_UNUSED_RESULT;

FERRY_AVAILABLE_IN_0_1
const char *ferry_channel_get_identifier (FerryChannel *self);
FERRY_AVAILABLE_IN_0_1
void ferry_channel_send_signal (FerryChannel *self, int signal_number);
FERRY_AVAILABLE_IN_0_1
FerryExit *ferry_channel_get_exit (FerryChannel *self);
FERRY_AVAILABLE_IN_0_1
FerryExit *ferry_channel_wait (FerryChannel *self, gint64 timeout, GError **error);
FERRY_AVAILABLE_IN_0_1
void ferry_channel_wait_async (FerryChannel *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                               gpointer user_data);
FERRY_AVAILABLE_IN_0_1
FerryExit *ferry_channel_wait_finish (FerryChannel *self, GAsyncResult *result, GError **error);

G_END_DECLS
