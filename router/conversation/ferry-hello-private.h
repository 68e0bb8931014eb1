/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The handshake at an address, before the stream of a transport begins there. */

#pragma once

#include "call/ferry-transport.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* The longest answer that is taken, in bytes. */
#define FERRY_HELLO_MAX_ANSWER 4096

/* These send an answer, without waiting. code: FERRY_ERROR_BUSY, FERRY_ERROR_NOT_ALLOWED or FERRY_ERROR_VERSION. */
gboolean ferry_hello_welcome (int fd);
void ferry_hello_refuse (int fd, int code, const char *why);
/* Reads the message of an answer's frame. Returns FALSE with the reason if the listener refuses; a code other than the
 * three above becomes FERRY_ERROR_REFUSED. Fails with FERRY_ERROR_PROTOCOL. */
gboolean ferry_hello_read_answer (gconstpointer message, gsize size, const char *address, GError **error);

/* Makes the transport, after the welcome, at either end. Takes the socket and sets fd to -1, unless GIO refuses it. */
FerryTransport *ferry_hello_make_transport (int *fd, GError **error);

G_END_DECLS
