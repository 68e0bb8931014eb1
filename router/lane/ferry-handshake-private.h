/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The handshake over the control socket.
 *
 * The application's welcome lies in the socket before the worker is started, with the only descriptors that ever
 * travel: application to worker. The worker answers with one packet, and that is the last it may send. No call here
 * waits, except for the worker's own reading of its welcome. */

#pragma once

#include <glib.h>

#include "lane/ferry-lane-layout.h"

G_BEGIN_DECLS

typedef enum
{
  FERRY_CONTROL_NOTHING,  /* no packet yet */
  FERRY_CONTROL_ATTACHED, /* a valid attach packet */
  FERRY_CONTROL_TAKEN,    /* a valid packet of a nursery's, which was done */
  FERRY_CONTROL_CLOSED,   /* the worker's end is closed */
  FERRY_CONTROL_INVALID,  /* a packet that breaks the protocol; the error says how */
} FerryControlEvent;

gboolean ferry_control_socket_pair (int *application_fd, int *worker_fd, GError **error);
gboolean ferry_control_send_welcome (int fd, const FerryWelcome *welcome, int memory, int doorbell, GError **error);
FerryControlEvent ferry_control_receive (int fd, gboolean attached, gsize segment_size, GError **error);

gboolean ferry_control_receive_welcome (int fd, FerryWelcome *welcome, int *memory, int *doorbell, GError **error);
gboolean ferry_control_send_attach (int fd, gsize segment_size, GError **error);

G_END_DECLS
