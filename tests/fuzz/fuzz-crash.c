/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: wire/ferry-crash-packet.c, link/ferry-crash-report.c
 *
 * A packet by which a worker says where it crashed, and the text that the application makes of it. */

#include "config.h"

#include <string.h>

#include "fuzz.h"
#include "link/ferry-crash-report-private.h"

static void
assert_text_is_safe (const char *text)
{
  g_assert_cmpuint (strlen (text), <, FERRY_MAX_CRASH_SIZE);
  g_assert_true (g_utf8_validate (text, -1, NULL));
  for (; *text != '\0'; text = g_utf8_next_char (text))
    g_assert_true (*text == '\n' || g_unichar_isprint (g_utf8_get_char (text)));
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  /* What lies behind it on the heap is not read. */
  g_autofree guint8 *copy = g_memdup2 (data, size);
  g_autoptr (GError) error = NULL;
  FerryCrashPacket *packet = ferry_crash_packet_parse (copy, size, &error);
  g_autoptr (FerryCrashReport) report = NULL;
  g_autofree char *text = NULL;

  g_assert_true ((packet == NULL) == (error != NULL));
  if (packet == NULL)
    return 0;
  fuzz_n_accepted++;
  report = ferry_crash_report_new (packet, "/usr/bin/program", 1);
  text = ferry_crash_report_dup_text (report);
  g_assert_true ((text != NULL) == (packet->n_frames > 0));
  if (text != NULL)
    assert_text_is_safe (text);
  return 0;
}
