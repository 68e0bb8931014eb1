/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-conversations.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"

G_BEGIN_DECLS

#define FERRY_TYPE_TRANSPORT (ferry_transport_get_type ())

FERRY_AVAILABLE_IN_0_1
G_DECLARE_DERIVABLE_TYPE (FerryTransport, ferry_transport, FERRY, TRANSPORT, GObject)

/**
 * FerryTransportClass::send:
 * @self: a transport
 * @parts: (array length=n_parts): the parts of the message
 * @n_parts: how many parts there are
 * @error: return location for an error
 *
 * Sends a message in parts. The default implementation joins the parts, and calls
 * [vfunc@Ferry.Transport.send_bytes].
 *
 * Returns: whether the message was sent
 */

/**
 * FerryTransportClass::send_bytes:
 * @self: a transport
 * @message: the message
 * @error: return location for an error
 *
 * Sends a message that is in one piece. This is the form for languages other than C.
 *
 * Returns: whether the message was sent
 */

/**
 * FerryTransportClass:
 * @parent_class: the parent class
 * @send: sends a whole message, in @n_parts parts, after the messages that were sent before. Several threads may call
 *   it at once. It must never wait on the thread of a main loop: without room it fails with %FERRY_ERROR_WOULD_BLOCK.
 *   When there is room, the implementation must call [method@Ferry.Transport.note_room]. It must not call back into the
 *   transport. The default implementation calls @send_bytes.
 * @send_bytes: as @send, for a message in one piece. A class must override one of the two.
 * @close: releases the transport's resources. Called once, on the thread that closed the transport or found its end; no
 *   message is sent after that
 *
 * The functions of a kind of transport.
 */
struct _FerryTransportClass
{
  GObjectClass parent_class;

  gboolean (*send) (FerryTransport *self, const GOutputVector *parts, guint n_parts, GError **error);
  void (*close) (FerryTransport *self);
  gboolean (*send_bytes) (FerryTransport *self, GBytes *message, GError **error);

  /*< private >*/
  gpointer padding[7];
};

FERRY_AVAILABLE_IN_0_1
FerryTransport *ferry_transport_new_for_descriptors (int in_fd, int out_fd, GError **error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
void ferry_transport_new_pair (FerryTransport **one, FerryTransport **other);

FERRY_AVAILABLE_IN_0_1
gint ferry_transport_send_descriptor (FerryTransport *self, int fd, GError **error);
FERRY_AVAILABLE_IN_0_1
int ferry_transport_take_descriptor (FerryTransport *self, gint handle, GError **error) G_GNUC_WARN_UNUSED_RESULT;

FERRY_AVAILABLE_IN_0_1
void ferry_transport_close (FerryTransport *self);
FERRY_AVAILABLE_IN_0_1
void ferry_transport_wait_closed (FerryTransport *self);

FERRY_AVAILABLE_IN_0_1
void ferry_transport_receive (FerryTransport *self, gconstpointer data, gsize size);
FERRY_AVAILABLE_IN_0_1
void ferry_transport_end (FerryTransport *self, const GError *reason);
FERRY_AVAILABLE_IN_0_1
void ferry_transport_note_room (FerryTransport *self);

G_END_DECLS
