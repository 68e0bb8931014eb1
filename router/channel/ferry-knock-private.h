/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is said at an address before the stream of a transport begins there: the application knocks, and the listener
 * answers, with a welcome or with why not. docs/protocol.md has the same in prose.
 *
 * Threads: any.
 * Trust:   none, at either side. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define FERRY_KNOCK_VERSION 1
#define FERRY_KNOCK_SIZE 16
#define FERRY_KNOCK_ANSWER_SIZE 24
/* Of the text behind an answer. */
#define FERRY_KNOCK_MAX_TEXT 1024

typedef enum
{
  FERRY_KNOCK_WELCOME,
  FERRY_KNOCK_BUSY,
  FERRY_KNOCK_NOT_ALLOWED,
  FERRY_KNOCK_VERSION_DIFFERS,
  FERRY_KNOCK_FAILED,
} FerryKnockStatus;

void ferry_knock_write (guint8 knock[FERRY_KNOCK_SIZE]);
/* What a whole knock is to be answered with, but for who is there: FERRY_KNOCK_WELCOME or FERRY_KNOCK_VERSION_DIFFERS.
 * Returns FALSE where it is no knock. */
gboolean ferry_knock_read (const guint8 knock[FERRY_KNOCK_SIZE], FerryKnockStatus *status);

/* Without waiting; text is cut where it is too long. Returns FALSE where the other end does not take it. */
gboolean ferry_knock_send_answer (int fd, FerryKnockStatus status, const char *text);
/* Takes an answer apart: how long the text behind it is. FERRY_ERROR_PROTOCOL. */
gboolean ferry_knock_read_answer (const guint8 answer[FERRY_KNOCK_ANSWER_SIZE], guint32 *status, guint32 *text_size,
                                  GError **error);
/* The error that a refusal is for who knocked; text need not be UTF-8. */
GError *ferry_knock_make_error (guint32 status, const char *text, gsize size, const char *address);

G_END_DECLS
