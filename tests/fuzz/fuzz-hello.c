/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: conversation/ferry-hello.c
 *
 * What is said at an address: the input is a hello, and an answer with its reason behind it. */

#include "config.h"

#include <string.h>

#include "base/ferry-error.h"
#include "conversation/ferry-hello-private.h"
#include "fuzz.h"

static void
read_answer (const guint8 *data, gsize size)
{
  /* What lies behind it on the heap is not read. */
  g_autofree guint8 *answer = g_memdup2 (data, FERRY_HELLO_ANSWER_SIZE);
  gsize sent = size - FERRY_HELLO_ANSWER_SIZE;
  g_autofree char *text = sent > 0 ? g_memdup2 (data + FERRY_HELLO_ANSWER_SIZE, sent) : g_strdup ("");
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) refusal = NULL;
  guint32 status;
  guint32 text_size;

  if (!ferry_hello_read_answer (answer, &status, &text_size, &error))
    {
      g_assert_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
      return;
    }
  fuzz_n_accepted++;
  refusal = ferry_hello_make_error (status, text, MIN (text_size, sent), "/run/worker");
  g_assert_true (text_size <= FERRY_HELLO_MAX_TEXT && g_utf8_validate (refusal->message, -1, NULL));
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  if (size >= FERRY_HELLO_SIZE)
    {
      g_autofree guint8 *hello = g_memdup2 (data, FERRY_HELLO_SIZE);
      FerryHelloStatus status;

      if (ferry_hello_read (hello, &status))
        g_assert_true (status == FERRY_HELLO_WELCOME || status == FERRY_HELLO_VERSION_DIFFERS);
    }
  if (size >= FERRY_HELLO_ANSWER_SIZE)
    read_answer (data, size);
  return 0;
}
