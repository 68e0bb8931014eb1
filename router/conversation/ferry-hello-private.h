/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The handshake at an address, before the stream of a transport begins there: the application sends a hello. The
 * listener answers with a welcome, or with a refusal and its reason. docs/protocol.md describes the handshake in prose.
 *
 * Threads: any.
 * Trust:   neither end trusts the other one. */

#pragma once

#include "call/ferry-transport.h"

G_BEGIN_DECLS

#define FERRY_HELLO_VERSION 1
#define FERRY_HELLO_SIZE 16
#define FERRY_HELLO_ANSWER_SIZE 24
/* The largest size of the text that follows an answer, in bytes. */
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
/* Reads a hello of full size. Sets status to the answer that the hello deserves: FERRY_HELLO_WELCOME, or
 * FERRY_HELLO_VERSION_DIFFERS. Returns FALSE when the bytes are no hello. */
gboolean ferry_hello_read (const guint8 hello[FERRY_HELLO_SIZE], FerryHelloStatus *status);

/* Sends an answer, without waiting. Cuts a text at FERRY_HELLO_MAX_TEXT. Returns FALSE if not all of it was sent. */
gboolean ferry_hello_send_answer (int fd, FerryHelloStatus status, const char *text);
/* Reads an answer: its status, and the size in bytes of the text that follows it. Fails with FERRY_ERROR_PROTOCOL. */
gboolean ferry_hello_read_answer (const guint8 answer[FERRY_HELLO_ANSWER_SIZE], guint32 *status, guint32 *text_size,
                                  GError **error);
/* Makes the error that the application gets for a refusal. text is the listener's reason; it need not be UTF-8. */
GError *ferry_hello_make_error (guint32 status, const char *text, gsize size, const char *address);

/* Makes the transport, after the welcome, at either end. Takes the socket and sets fd to -1, unless GIO refuses it. */
FerryTransport *ferry_hello_make_transport (int *fd, GError **error);

G_END_DECLS
