/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The handshake at an address, before the stream of a transport begins there, and why it is refused. The application
 * sends a greeting, as a stream begins with one. The listener answers with a greeting and one frame: an answer, which
 * is the welcome, or an error, the reason why the application is refused.
 *
 * Threads: any.
 * Trust:   neither end trusts the other one. */

#include "config.h"

#include "conversation/ferry-hello-private.h"

#include <sys/socket.h>

#include "base/ferry-base-private.h"
#include "wire/ferry-frame-decoder-private.h"
#include "wire/ferry-remote-error-private.h"

/* error: (nullable): NULL is the welcome. */
static gboolean
send_answer (int fd, const GError *error)
{
  g_autoptr (GVariant) value = error != NULL ? g_variant_ref_sink (ferry_error_to_variant (error, NULL, NULL)) : NULL;
  FerryPart parts[FERRY_CALL_MAX_PARTS];
  FerryCallMessage message = {0};
  FerryFrameQueue queue;
  gconstpointer bytes;
  gboolean sent;
  gsize size;

  ferry_call_message_init (&message, error != NULL ? FERRY_CALL_ERROR : FERRY_CALL_ANSWER, 1, NULL, value);
  ferry_frame_queue_init (&queue, NULL, NULL);
  ferry_frame_queue_send (&queue, NULL, 0, FERRY_HELLO_MAX_ANSWER, NULL);
  ferry_frame_queue_send (&queue, (const GOutputVector *) parts, ferry_call_message_get_parts (&message, parts),
                          FERRY_HELLO_MAX_ANSWER, NULL);
  bytes = ferry_frame_queue_peek (&queue, &size);
  /* The answer is the first thing that is written to the socket, so the socket has room for the whole answer. */
  sent = send (fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL) == (gssize) size;
  ferry_frame_queue_drop (&queue);
  return sent;
}

gboolean
ferry_hello_welcome (int fd)
{
  return send_answer (fd, NULL);
}

void
ferry_hello_refuse (int fd, int code, const char *why)
{
  g_autoptr (GError) error = g_error_new_literal (FERRY_ERROR, code, why);

  send_answer (fd, error);
}

gboolean
ferry_hello_read_answer (gconstpointer message, gsize size, const char *address, GError **error)
{
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) reason = NULL;
  FerryCallMessage answer;
  int code;

  if (!ferry_call_message_parse (&answer, message, size, error))
    return FALSE;
  if (answer.header.kind == FERRY_CALL_ANSWER)
    return TRUE;
  value = ferry_call_message_dup_value (&answer, error);
  if (value == NULL)
    return FALSE;
  reason = ferry_error_from_variant (value, NULL);
  code = reason->domain == FERRY_ERROR ? reason->code : FERRY_ERROR_REFUSED;
  if (code != FERRY_ERROR_BUSY && code != FERRY_ERROR_NOT_ALLOWED && code != FERRY_ERROR_VERSION)
    code = FERRY_ERROR_REFUSED;
  return ferry_set_error (error, code, "The worker at '%s' refused to let this process attach: %s", address,
                          reason->message);
}

FerryTransport *
ferry_hello_make_transport (int *fd, GError **error)
{
  int own = ferry_steal_fd (fd);

  return ferry_transport_new_for_descriptors (own, own, error);
}
