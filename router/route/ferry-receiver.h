/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
#endif

#include <glib-object.h>

#include "base/ferry-version.h"
#include "engine/ferry-exit.h"

G_BEGIN_DECLS

#define FERRY_TYPE_RECEIVER (ferry_receiver_get_type ())

FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryReceiver, ferry_receiver, FERRY, RECEIVER, GObject)

/**
 * FerryReceiverHandler:
 * @receiver: the receiver
 * @data: (array length=size) (element-type guint8): the bytes of the message, or the serialised form of a #GVariant,
 *   aligned to 8 bytes; valid only until the handler returns
 * @size: the number of bytes of @data
 * @type: (nullable): the type of a message that was sent as a #GVariant, valid only until the handler returns; %NULL
 *   for a message of plain bytes
 * @user_data: the data given to [method@Ferry.Receiver.set_handler]
 *
 * Called on the router's thread for each message.
 */
typedef void (*FerryReceiverHandler) (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type,
                                      gpointer user_data);

FERRY_AVAILABLE_IN_0_1
FerryExit *ferry_receiver_get_exit (FerryReceiver *self);

FERRY_AVAILABLE_IN_0_1
void ferry_receiver_set_handler (FerryReceiver *self, FerryReceiverHandler handler, gpointer user_data,
                                 GDestroyNotify destroy);
FERRY_AVAILABLE_IN_0_1
void ferry_receiver_bind (FerryReceiver *self, GObject *owner);

G_END_DECLS
