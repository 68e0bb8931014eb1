/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An end of a transport without another one: the fuzzer sees what goes out, and says what comes. */

#pragma once

#include "call/ferry-transport-private.h"
#include "wire/ferry-call-message-private.h"

G_BEGIN_DECLS

/* A message that goes out. */
typedef void (*FuzzEndFunc) (const FerryCallMessage *message, gpointer user_data);

FerryTransport *fuzz_end_new (FuzzEndFunc func, gpointer user_data);
/* While it is full nothing goes out. */
void fuzz_end_set_full (FerryTransport *self, gboolean full);
/* Returns (transfer full): a message as it comes, whole. */
GByteArray *fuzz_end_join (const FerryCallMessage *message);
/* Runs what waits in context. */
void fuzz_end_settle (GMainContext *context);

G_END_DECLS
