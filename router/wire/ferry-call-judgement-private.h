/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The check of the values in a message of a call: its own, or those that are packed in its bytes, as an object's are.
 * Any thread. */

#pragma once

#include "wire/ferry-call-message-private.h"

G_BEGIN_DECLS

/* Values in so many bytes are checked by a thread that nobody waits for. By another one, they take up to 3 ms, if they
 * are all variants in each other. */
#define FERRY_JUDGED_ASIDE ((gsize) 128 * 1024)

/* Whether the bytes, which may change meanwhile, look like a message with a value that is checked. */
gboolean ferry_call_judgement_is_wanted (gconstpointer data, gsize size);
/* Checks the values, in bytes that do not change. UNJUDGED: there are none. */
FerryValueVerdict ferry_call_judge (gconstpointer data, gsize size);
/* The same, for the value of an answer, of a good type that need not end with a zero byte. */
gboolean ferry_answer_judgement_is_wanted (const char *type, gsize length, gconstpointer body, gsize size);
FerryValueVerdict ferry_answer_judge (const char *type, gsize length, gconstpointer body, gsize size);

G_END_DECLS
