/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: cluster/ferry-run-message.c
 *
 * What comes from a NATS server: a subject, a zero, and what a host tells of itself. What is taken is the subject's,
 * and the same when it is sent. */

#include "config.h"

#include <string.h>

#include "cluster/ferry-run-message-private.h"
#include "fuzz.h"

#define PREFIX "ferry.app.present."

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *subject = size > 0 ? g_strndup ((const char *) data, size) : g_strdup ("");
  gsize start = MIN (strlen (subject) + 1, size);
  g_autoptr (GBytes) bytes = g_bytes_new (data + start, size - start);
  g_autoptr (GVariant) facts = ferry_bus_presence_from_bytes (bytes);
  FerryBusPeer peer;
  gboolean has_peer = ferry_bus_peer_from_subject (&peer, subject, PREFIX);

  if (has_peer)
    {
      g_autofree char *again = g_strconcat (PREFIX, peer.name, ".", peer.id, NULL);

      g_assert_true (ferry_token_is_valid (peer.name) && ferry_token_is_valid (peer.id));
      g_assert_cmpstr (again, ==, subject);
    }
  if (facts != NULL)
    {
      g_autoptr (GBytes) again = ferry_bus_presence_to_bytes (facts);
      g_auto (FerryHostFacts) host = {0};

      g_assert_true (g_variant_is_normal_form (facts));
      g_assert_true (g_bytes_equal (again, bytes));
      if (ferry_host_facts_from_variant (&host, facts, NULL) && has_peer)
        fuzz_n_accepted++;
    }
  return 0;
}
