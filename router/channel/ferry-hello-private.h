/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is said at an address before the stream of a transport begins there: the application hellos, and the listener
 * answers, with a welcome or with why not. docs/protocol.md has the same in prose.
 *
 * Threads: any.
 * Trust:   none, at either side. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define FERRY_HELLO_VERSION 1
#define FERRY_HELLO_SIZE 16
#define FERRY_HELLO_ANSWER_SIZE 24
/* Of the text behind an answer. */
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
/* What a whole hello is to be answered with, but for who is there: FERRY_HELLO_WELCOME or FERRY_HELLO_VERSION_DIFFERS.
 * Returns FALSE where it is no hello. */
gboolean ferry_hello_read (const guint8 hello[FERRY_HELLO_SIZE], FerryHelloStatus *status);

/* Without waiting; text is cut where it is too long. Returns FALSE where the other end does not take it. */
gboolean ferry_hello_send_answer (int fd, FerryHelloStatus status, const char *text);
/* Takes an answer apart: how long the text behind it is. FERRY_ERROR_PROTOCOL. */
gboolean ferry_hello_read_answer (const guint8 answer[FERRY_HELLO_ANSWER_SIZE], guint32 *status, guint32 *text_size,
                                  GError **error);
/* The error that a refusal is for that sent the hello; text need not be UTF-8. */
GError *ferry_hello_make_error (guint32 status, const char *text, gsize size, const char *address);

G_END_DECLS
