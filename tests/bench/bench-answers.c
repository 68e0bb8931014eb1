/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker that answers each transaction with its arguments, with nothing between the transaction core and the link. */

#include "config.h"

#include <stdlib.h>

#include "call/ferry-transactions-private.h"
#include "link/ferry-downlink-private.h"
#include "route/ferry-sender-private.h"
#include "worker/ferry-attachment-private.h"

static gboolean
send_message (gpointer transport, const FerryCallMessage *message, GError **error)
{
  FerryPart parts[FERRY_CALL_MAX_PARTS];
  guint n_parts = ferry_call_message_get_parts (message, parts);

  return ferry_sender_send_parts (transport, parts, n_parts, -1, error);
}

static void
answer (FerryTransactions *transactions, FerryCall *call, gpointer data)
{
  ferry_call_answer (call, ferry_call_get_arguments (call), NULL);
}

int
main (void)
{
  static const FerryTransportFuncs funcs = {.send = send_message};
  g_autoptr (GError) error = NULL;
  g_autoptr (FerrySender) sender = ferry_attachment_get_sender ("answers", &error);
  FerryDownlink *downlink = ferry_attachment_get_downlink (&error);
  g_autoptr (FerryTransactions) transactions = NULL;

  if (sender == NULL || downlink == NULL || !ferry_sender_start (sender, &error))
    return EXIT_FAILURE;
  transactions = ferry_transactions_new (&funcs, sender, answer, NULL);
  for (;;)
    {
      FerryDownMessage message;
      FerryDownEvent event = ferry_downlink_receive (downlink, FERRY_NO_DEADLINE, &message);

      if (event == FERRY_DOWN_EVENT_CLOSED || event == FERRY_DOWN_EVENT_FINISH)
        return EXIT_SUCCESS;
      if (event == FERRY_DOWN_EVENT_MESSAGE &&
          !ferry_transactions_receive (transactions, message.data, message.size, &error))
        return EXIT_FAILURE;
    }
}
