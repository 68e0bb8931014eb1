/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which values in a message of a call are checked for normal form, also those that are packed for an object.
 *
 * It is for whoever has a large message, and lets another thread check it before the message is received.
 *
 * Threads: any.
 * Trust:   the bytes are not trusted, and may be no message. */

#include "config.h"

#include "wire/ferry-call-judgement-private.h"

#include <string.h>

#include "wire/ferry-object-message-private.h"

/* Whether a value may be packed values. Bytes that are none are taken for them so rarely that it does no harm: they are
 * looked at in vain. */
static gboolean
may_be_packed (guint kind, const char *type, gsize length)
{
  return (kind == FERRY_CALL_REQUEST || kind == FERRY_CALL_ANSWER) && length == strlen (FERRY_CALL_BYTES_TYPE) &&
         memcmp (type, FERRY_CALL_BYTES_TYPE, length) == 0;
}

static gboolean
is_wanted (guint kind, const char *type, gsize length, gconstpointer body, gsize size)
{
  if (may_be_packed (kind, type, length))
    return ferry_chain_seems_checked (kind == FERRY_CALL_REQUEST, body, size);
  return ferry_layout_is_checked (type, length);
}

static FerryValueVerdict
judge (guint kind, const char *type, gsize length, gconstpointer body, gsize size)
{
  if (may_be_packed (kind, type, length))
    return ferry_chain_judge (kind == FERRY_CALL_REQUEST, body, size);
  return ferry_layout_is_checked (type, length) ? ferry_layout_judge (type, length, body, size) : FERRY_VALUE_UNJUDGED;
}

gboolean
ferry_call_judgement_is_wanted (gconstpointer data, gsize size)
{
  FerryCallHeader header;
  char type[FERRY_MAX_CALL_TYPE];
  const gsize head = ferry_call_message_skim (data, size, &header, type);

  return head > 0 && ferry_layout_is_definite (type, header.type_length) &&
         is_wanted (header.kind, type, header.type_length, (const guint8 *) data + head, size - head);
}

FerryValueVerdict
ferry_call_judge (gconstpointer data, gsize size)
{
  FerryCallMessage message;

  if (!ferry_call_message_parse (&message, data, size, NULL) || message.type_string == NULL)
    return FERRY_VALUE_UNJUDGED;
  return judge (message.header.kind, message.type_string, message.header.type_length, message.body, message.body_size);
}

gboolean
ferry_answer_judgement_is_wanted (const char *type, gsize length, gconstpointer body, gsize size)
{
  return is_wanted (FERRY_CALL_ANSWER, type, length, body, size);
}

FerryValueVerdict
ferry_answer_judge (const char *type, gsize length, gconstpointer body, gsize size)
{
  return judge (FERRY_CALL_ANSWER, type, length, body, size);
}
