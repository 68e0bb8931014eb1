/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An invocation as those see it that make one: a demux for each request, and the evaluation of a chain for each call of
 * an object's method. */

#pragma once

#include "call/ferry-transport-private.h"
#include "conversation/ferry-invocation.h"
#include "wire/ferry-call-message-private.h"

G_BEGIN_DECLS

/* The maker embeds the invocation in a structure of its own, and sets its table of functions. */

/* The bits of FerryInvocation.state. The thread that answers sets FERRY_INVOCATION_ANSWERED before it sends the
 * answer. The thread that cancels the cancellable sets FERRY_INVOCATION_FIRING before it does so, but never after
 * FERRY_INVOCATION_ANSWERED. */
#define FERRY_INVOCATION_ANSWERED 1u
#define FERRY_INVOCATION_FIRING 2u

/* Returns (transfer full) (nullable) a request's name for messages; NULL for the default, by its method. */
typedef char *(*FerryInvocationDescribeFunc) (FerryInvocation *self);

/* The maker's functions. All are called on any thread. */
typedef struct
{
  /* Called once, after ferry_invocation_begin_answer(). The answer is an object, an error, or a value, which may be
   * NULL. Takes value; object and failure are borrowed. refused: the error says that nothing was begun. object is
   * only set if the invocation has an object. */
  void (*answer) (FerryInvocation *self, GVariant *value, GObject *object, const GError *failure, gboolean refused);
  /* (nullable): answers with an array of bytes, which is borrowed. NULL: answer() gets a value instead. */
  void (*answer_bytes) (FerryInvocation *self, const FerryPart *bytes);
  /* (nullable): returns the arguments. NULL: they are in the field arguments. */
  GVariant *(*get_arguments) (FerryInvocation *self);
  /* (nullable): returns FALSE if the arguments are no array of bytes. NULL: they never are. */
  gboolean (*get_body) (FerryInvocation *self, FerryBody *body);
  /* Returns (nullable) the transport over which the request came; NULL for a caller in this process. */
  FerryTransport *(*get_transport) (FerryInvocation *self);
  gboolean (*is_cancelled) (FerryInvocation *self);
  GCancellable *(*get_cancellable) (FerryInvocation *self);
  /* Called when the last reference is dropped. Must refuse the request if it was not answered. */
  void (*destroy) (FerryInvocation *self);
} FerryInvocationFuncs;

/* All fields but references and state are const. */
struct _FerryInvocation
{
  GTypeInstance parent_instance; /* of no class: this is no object of ferry_invocation_new_object() */
  _Atomic gint references;
  _Atomic guint state; /* bits: FERRY_INVOCATION_… */
  const FerryInvocationFuncs *funcs;
  FerryInvocationDescribeFunc describe; /* (nullable) */
  const char *method;                   /* owned by the maker, as are arguments and object */
  GVariant *arguments;                  /* (nullable): unused if funcs has get_arguments */
  GObject *object;                      /* (nullable): the object that has the called method */
  gint64 deadline;
  FerryCallFlags flags;
};

/* any: Whether the caller gets no answer. */
gboolean ferry_invocation_is_one_way (FerryInvocation *self);
/* Returns (transfer full) an object that has a reference to the invocation. The functions of ferry-invocation.h take it
 * as they do the invocation; those of the makers do not. */
FerryInvocation *ferry_invocation_new_object (FerryInvocation *self);
gboolean ferry_invocation_is_answered (FerryInvocation *self);
/* Marks the invocation as answered. Returns TRUE to the one caller that may then answer. Returns FALSE, and logs a
 * critical, if the invocation was answered already. function: the name of the calling function, for the critical. */
gboolean ferry_invocation_begin_answer (FerryInvocation *self, const char *function);
/* Returns (transfer full) a copy of bytes as a value. */
GVariant *ferry_invocation_new_bytes_value (const FerryPart *bytes);
/* Returns (transfer full) the name of the request for messages. */
char *ferry_invocation_dup_words (FerryInvocation *self);

/* A handler or a method that may fail, as the data of one that may not. func is of the type that who runs it knows.
 * destroy: (nullable): of data. */
typedef struct _FerryFailing FerryFailing;

FerryFailing *ferry_failing_new (GCallback func, gpointer data, GDestroyNotify destroy);
void ferry_failing_free (gpointer self);
GCallback ferry_failing_get_func (FerryFailing *self, gpointer *data);
/* Answers with the error that a handler has set. Takes error (nullable). Where the handler has answered before, logs
 * it.
 */
void ferry_invocation_answer_failure (FerryInvocation *self, GError *error);

G_END_DECLS
