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
 * FerryTransportClass:
 * @parent_class: the parent class
 * @send: sends a whole message, in @n_parts parts, after the messages that were sent before. Several threads may call
 *   it at once. It must never wait on the thread of a main loop: without room it fails with %FERRY_ERROR_WOULD_BLOCK.
 *   When there is room, the implementation must call [method@Ferry.Transport.note_room]. It must not call back into the
 *   transport.
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

  /*< private >*/
  gpointer padding[8];
};

FERRY_AVAILABLE_IN_0_1
FerryTransport *ferry_transport_new_for_stream (GIOStream *stream, GError **error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
FerryTransport *ferry_transport_new_for_descriptors (int in_fd, int out_fd, GError **error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
void ferry_transport_new_pair (FerryTransport **one, FerryTransport **other);

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
