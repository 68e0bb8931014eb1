/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The handshake at an address, before the stream of a transport begins there: the application sends a hello, and the
 * listener answers with a welcome or with a refusal and its reason. docs/protocol.md has the same in prose.
 *
 * Threads: any.
 * Trust:   none, at either end. */

#pragma once

#include "call/ferry-transport.h"

G_BEGIN_DECLS

#define FERRY_HELLO_VERSION 1
#define FERRY_HELLO_SIZE 16
#define FERRY_HELLO_ANSWER_SIZE 24
/* Of the text that follows an answer. */
#define FERRY_HELLO_MAX_TEXT 1024

typedef enum
{
  FERRY_HELLO_WELCOME,
  FERRY_HELLO_BUSY,
  FERRY_HELLO_NOT_ALLOWED,
  FERRY_HELLO_VERSION_DIFFERS,
  FERRY_HELLO_FAILED,
} FerryHelloStatus;

void ferry_hello_write (guint8 hello[FERRY_HELLO_SIZE]);
/* status: what to answer a whole hello by its content, FERRY_HELLO_WELCOME or FERRY_HELLO_VERSION_DIFFERS. Returns
 * FALSE where it is no hello. */
gboolean ferry_hello_read (const guint8 hello[FERRY_HELLO_SIZE], FerryHelloStatus *status);

/* Does not wait; a text that is too long is cut. Returns FALSE where the socket does not take it. */
gboolean ferry_hello_send_answer (int fd, FerryHelloStatus status, const char *text);
/* text_size: of the text that follows the answer. FERRY_ERROR_PROTOCOL. */
gboolean ferry_hello_read_answer (const guint8 answer[FERRY_HELLO_ANSWER_SIZE], guint32 *status, guint32 *text_size,
                                  GError **error);
/* The application's error for a refusal; text need not be UTF-8. */
GError *ferry_hello_make_error (guint32 status, const char *text, gsize size, const char *address);

/* After the welcome, at both ends. Takes the socket where it succeeds. */
FerryTransport *ferry_hello_make_transport (int *fd, GError **error);

G_END_DECLS
