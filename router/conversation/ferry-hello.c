/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The handshake at an address, before the stream of a transport begins there: the application sends a hello. See
 * ferry-hello-private.h. */

#include "config.h"

#include "conversation/ferry-hello-private.h"

#include <sys/socket.h>

#include "base/ferry-base-private.h"

static const guint8 hello_magic[8] = {'F', 'E', 'R', 'R', 'Y', 'K', 'N', 'K'};
static const guint8 answer_magic[8] = {'F', 'E', 'R', 'R', 'Y', 'A', 'N', 'S'};

void
ferry_hello_write (guint8 hello[FERRY_HELLO_SIZE])
{
  memcpy (hello, hello_magic, sizeof hello_magic);
  ferry_write_u32 (hello + 8, FERRY_HELLO_VERSION);
  ferry_write_u32 (hello + 12, 0);
}

gboolean
ferry_hello_read (const guint8 hello[FERRY_HELLO_SIZE], FerryHelloStatus *status)
{
  if (memcmp (hello, hello_magic, sizeof hello_magic) != 0)
    return FALSE;
  /* The last four bytes of a hello are reserved for later versions; this version ignores them. */
  *status = ferry_read_u32 (hello + 8) == FERRY_HELLO_VERSION ? FERRY_HELLO_WELCOME : FERRY_HELLO_VERSION_DIFFERS;
  return TRUE;
}

gboolean
ferry_hello_send_answer (int fd, FerryHelloStatus status, const char *text)
{
  guint8 answer[FERRY_HELLO_ANSWER_SIZE + FERRY_HELLO_MAX_TEXT] = {0};
  gsize size = MIN (strlen (text), FERRY_HELLO_MAX_TEXT);

  memcpy (answer, answer_magic, sizeof answer_magic);
  ferry_write_u32 (answer + 8, FERRY_HELLO_VERSION);
  ferry_write_u32 (answer + 12, status);
  ferry_write_u32 (answer + 16, (guint32) size);
  memcpy (answer + FERRY_HELLO_ANSWER_SIZE, text, size);
  size += FERRY_HELLO_ANSWER_SIZE;
  /* The answer is the first thing that is written to the socket, so the socket has room for the whole answer. */
  return send (fd, answer, size, MSG_DONTWAIT | MSG_NOSIGNAL) == (gssize) size;
}

gboolean
ferry_hello_read_answer (const guint8 answer[FERRY_HELLO_ANSWER_SIZE], guint32 *status, guint32 *text_size,
                         GError **error)
{
  *status = ferry_read_u32 (answer + 12);
  *text_size = ferry_read_u32 (answer + 16);
  if (memcmp (answer, answer_magic, sizeof answer_magic) == 0 && *text_size <= FERRY_HELLO_MAX_TEXT)
    return TRUE;
  return ferry_set_error (
    error, FERRY_ERROR_PROTOCOL,
    "What listens at the address does not speak Ferry's protocol; check that the address is right");
}

GError *
ferry_hello_make_error (guint32 status, const char *text, gsize size, const char *address)
{
  static const int codes[] = {
    [FERRY_HELLO_BUSY] = FERRY_ERROR_BUSY,
    [FERRY_HELLO_NOT_ALLOWED] = FERRY_ERROR_NOT_ALLOWED,
    [FERRY_HELLO_VERSION_DIFFERS] = FERRY_ERROR_VERSION,
  };
  int code = status < G_N_ELEMENTS (codes) && codes[status] != 0 ? codes[status] : FERRY_ERROR_REFUSED;
  g_autofree char *reason = g_utf8_make_valid (text, (gssize) size);

  return g_error_new (FERRY_ERROR, code, "The worker at '%s' refused to let this process attach: %s", address, reason);
}

FerryTransport *
ferry_hello_make_transport (int *fd, GError **error)
{
  g_autoptr (GSocket) socket = g_socket_new_from_fd (*fd, error);
  g_autoptr (GSocketConnection) connection = NULL;

  if (socket == NULL)
    return NULL;
  *fd = -1;
  connection = g_socket_connection_factory_create_connection (socket);
  return ferry_transport_new_for_stream (G_IO_STREAM (connection), error);
}
