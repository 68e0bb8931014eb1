/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker that listens to its down lane: listening-worker WHAT SENDER. What it has to say goes through the sender of
 * that name.
 *
 *   echo     sends back each message, until nothing more is asked; then it stops the sender and exits with status 0
 *   begin    claims the call that has the first message as its xid, sends that back, and hangs
 *   cancel   waits for a cancel, and sends back its xid; then as echo
 *   deaf     attaches, sends one message and listens to nothing
 *   wild     writes a position into the down lane that cannot be, rings the doorbell, and hangs
 *
 * It exits with status 3 when the attachment is not as it must be, and with 4 when the link ends under it. */

#include "config.h"

#include <ferry.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process/ferry-attachment-private.h"
#include "route/ferry-sender-private.h"

static FerrySender *sender;
static FerryDownlink *downlink;

static void
check (gboolean condition, int status)
{
  if (!condition)
    _exit (status);
}

static void
send_back (gconstpointer data, gsize size)
{
  const FerryPart parts[] = {{data, size / 2}, {(const guint8 *) data + size / 2, size - size / 2}};

  check (ferry_sender_send_parts (sender, parts, 2, -1, NULL), 4);
}

static void
echo (void)
{
  FerryDownMessage message;
  FerryDownEvent event;

  while ((event = ferry_downlink_receive (downlink, -1, &message)) == FERRY_DOWN_EVENT_MESSAGE)
    {
      check (message.connection_id == ferry_sender_get_connection_id (sender), 3);
      send_back (message.data, message.size);
    }
  check (event == FERRY_DOWN_EVENT_FINISH && ferry_sender_stop (sender, NULL), 4);
  _exit (0);
}

static void
begin (void)
{
  FerryDownMessage message;
  guint64 xid;

  check (ferry_downlink_receive (downlink, -1, &message) == FERRY_DOWN_EVENT_MESSAGE && message.size == sizeof xid, 4);
  memcpy (&xid, message.data, sizeof xid);
  check (ferry_downlink_claim (downlink, xid) == FERRY_CLAIM_BEGUN, 4);
  send_back (&xid, sizeof xid);
}

static void
take_cancel (void)
{
  guint64 xid;
  guint16 reason;

  ferry_downlink_wait_for_cancel (downlink, -1);
  check (ferry_downlink_take_cancel (downlink, &xid, &reason), 4);
  send_back (&xid, sizeof xid);
}

static void
write_nonsense (void)
{
  guint8 *base = ferry_sender_get_uplink (sender)->segment.base;
  FerryLaneControl *down = (FerryLaneControl *) (void *) (base + FERRY_SEGMENT_DOWN_CONTROL);

  atomic_store (&down->reader.head, 0xdeadbeefdeadbee8);
  ferry_doorbell_ring (ferry_sender_get_uplink (sender)->doorbell);
}

/* What the attachment says before it is made, and after it. */
static void
attach (const char *name)
{
  check (ferry_attachment_is_possible (), 3);
  check (g_getenv (FERRY_CONTROL_FD_VARIABLE) != NULL, 3);
  check (ferry_attachment_has_sender (name) && !ferry_attachment_has_sender ("nobody"), 3);
  check (ferry_attachment_is_possible (), 3);
  downlink = ferry_attachment_get_downlink (NULL);
  check (downlink != NULL && downlink == ferry_attachment_get_downlink (NULL), 3);
  sender = ferry_attachment_get_sender (name, NULL);
  check (sender != NULL && ferry_sender_start (sender, NULL), 3);
}

int
main (int argc, char **argv)
{
  const char *what = argc == 3 ? argv[1] : "";
  guint64 zero = 0;

  check (argc == 3, 2);
  attach (argv[2]);
  if (strcmp (what, "cancel") == 0)
    take_cancel ();
  if (strcmp (what, "echo") == 0 || strcmp (what, "cancel") == 0)
    echo ();
  else if (strcmp (what, "begin") == 0)
    begin ();
  else if (strcmp (what, "wild") == 0)
    write_nonsense ();
  else
    send_back (&zero, sizeof zero);
  for (;;)
    pause ();
}
