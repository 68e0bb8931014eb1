/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "channel/ferry-knock-private.h"

#include <string.h>
#include <sys/socket.h>

#include "base/ferry-base-private.h"

static const guint8 knock_magic[8] = {'F', 'E', 'R', 'R', 'Y', 'K', 'N', 'K'};
static const guint8 answer_magic[8] = {'F', 'E', 'R', 'R', 'Y', 'A', 'N', 'S'};

void
ferry_knock_write (guint8 knock[FERRY_KNOCK_SIZE])
{
  memcpy (knock, knock_magic, sizeof knock_magic);
  ferry_write_u32 (knock + 8, FERRY_KNOCK_VERSION);
  ferry_write_u32 (knock + 12, 0);
}

gboolean
ferry_knock_read (const guint8 knock[FERRY_KNOCK_SIZE], FerryKnockStatus *status)
{
  if (memcmp (knock, knock_magic, sizeof knock_magic) != 0)
    return FALSE;
  /* The last four bytes are of later versions: this one says nothing in them, and looks at nothing there. */
  *status = ferry_read_u32 (knock + 8) == FERRY_KNOCK_VERSION ? FERRY_KNOCK_WELCOME : FERRY_KNOCK_VERSION_DIFFERS;
  return TRUE;
}

gboolean
ferry_knock_send_answer (int fd, FerryKnockStatus status, const char *text)
{
  guint8 answer[FERRY_KNOCK_ANSWER_SIZE + FERRY_KNOCK_MAX_TEXT] = {0};
  gsize size = MIN (strlen (text), FERRY_KNOCK_MAX_TEXT);

  memcpy (answer, answer_magic, sizeof answer_magic);
  ferry_write_u32 (answer + 8, FERRY_KNOCK_VERSION);
  ferry_write_u32 (answer + 12, status);
  ferry_write_u32 (answer + 16, (guint32) size);
  memcpy (answer + FERRY_KNOCK_ANSWER_SIZE, text, size);
  size += FERRY_KNOCK_ANSWER_SIZE;
  /* Nothing was written to that socket before, so that there is room for all of it. */
  return send (fd, answer, size, MSG_DONTWAIT | MSG_NOSIGNAL) == (gssize) size;
}

gboolean
ferry_knock_read_answer (const guint8 answer[FERRY_KNOCK_ANSWER_SIZE], guint32 *status, guint32 *text_size,
                         GError **error)
{
  *status = ferry_read_u32 (answer + 12);
  *text_size = ferry_read_u32 (answer + 16);
  if (memcmp (answer, answer_magic, sizeof answer_magic) == 0 && *text_size <= FERRY_KNOCK_MAX_TEXT)
    return TRUE;
  g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL,
                       "What listens at the address does not speak Ferry's protocol; is it the right address?");
  return FALSE;
}

static int
get_code (guint32 status)
{
  switch (status)
    {
    case FERRY_KNOCK_BUSY:
      return FERRY_ERROR_BUSY;
    case FERRY_KNOCK_NOT_ALLOWED:
      return FERRY_ERROR_NOT_ALLOWED;
    case FERRY_KNOCK_VERSION_DIFFERS:
      return FERRY_ERROR_VERSION;
    default:
      return FERRY_ERROR_REFUSED;
    }
}

GError *
ferry_knock_make_error (guint32 status, const char *text, gsize size, const char *address)
{
  g_autofree char *reason = g_utf8_make_valid (text, (gssize) size);

  return g_error_new (FERRY_ERROR, get_code (status), "The worker at “%s” refused to be attached to: %s", address,
                      reason);
}
