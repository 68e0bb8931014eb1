/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An invocation for what makes it: a demux for each request, and a layer above for each call of a method. The maker
 * embeds it in a structure of its own, and gives it a table of functions. */

#pragma once

#include "call/ferry-call-message-private.h"
#include "call/ferry-invocation.h"

G_BEGIN_DECLS

/* The answering thread sets FERRY_INVOCATION_ANSWERED before it sends. The thread that cancels the cancellable sets
 * FERRY_INVOCATION_FIRING, never after the other. */
#define FERRY_INVOCATION_ANSWERED 1u
#define FERRY_INVOCATION_FIRING 2u

/* A request as messages name it: (transfer full) (nullable): NULL for the words of its method. */
typedef char *(*FerryInvocationDescribeFunc) (const char *method, GVariant *arguments);

/* Any thread. */
typedef struct
{
  /* Once, by ferry_invocation_begin_answer(): an object, an error, or a value, which may be NULL. Takes value; the
   * others are borrowed. refused: the error says that nothing was begun. An object comes only where the invocation has
   * one. */
  void (*answer) (FerryInvocation *self, GVariant *value, GObject *object, const GError *failure, gboolean refused);
  /* Before the answer. (nullable): where no invocation wants a stream. Takes no reference to item. */
  gboolean (*send_item) (FerryInvocation *self, GVariant *item, GError **error);
  gboolean (*is_cancelled) (FerryInvocation *self);
  GCancellable *(*get_cancellable) (FerryInvocation *self);
  /* With the last reference. Refuses what was not answered. */
  void (*destroy) (FerryInvocation *self);
} FerryInvocationFuncs;

/* All but the first two is const. */
struct _FerryInvocation
{
  _Atomic gint references;
  _Atomic guint state; /* FERRY_INVOCATION_… */
  const FerryInvocationFuncs *funcs;
  FerryInvocationDescribeFunc describe; /* (nullable) */
  const char *method;                   /* the maker's, as the next two */
  GVariant *arguments;                  /* (nullable) */
  GObject *object;                      /* (nullable): whose method is called */
  gint64 deadline;
  FerryCallFlags flags;
};

gboolean ferry_invocation_is_answered (FerryInvocation *self);
/* Fails with FERRY_ERROR_CLOSED after the answer, and with G_IO_ERROR_CANCELLED. */
gboolean ferry_invocation_check_wanted (FerryInvocation *self, GError **error);
/* Takes the right to answer. Returns FALSE, with a critical, after another answer. function: the caller's name in
 * messages. */
gboolean ferry_invocation_begin_answer (FerryInvocation *self, const char *function);
/* The request, as messages name it. */
char *ferry_invocation_dup_words (FerryInvocation *self);

G_END_DECLS
