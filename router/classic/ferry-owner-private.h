/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The thread that an object of this library belongs to, and those that wait there for something of the object. The
 * owner's thread, but for the functions that ask which thread it is. */

#pragma once

#include <ferry.h>

G_BEGIN_DECLS

typedef struct
{
  GThread *thread;       /* const: (unowned): of an object without a router */
  GPid pid;              /* const: a child that was forked has the object, and none of its threads */
  FerryRouter *router;   /* const: (owned) (nullable) */
  GMainContext *context; /* const: (owned): the router's, or that thread's default one */
} FerryOwner;

/* router is (nullable). */
void ferry_owner_init (FerryOwner *self, FerryRouter *router);
void ferry_owner_clear (FerryOwner *self);

/* Whether this is the owner's thread. It is any while the router does not run. The second logs a critical that names
 * the function where it is not, and the third sets FERRY_ERROR_WRONG_THREAD. */
gboolean ferry_owner_is_here (const FerryOwner *self);
gboolean ferry_owner_check (const FerryOwner *self, const char *function);
gboolean ferry_owner_check_error (const FerryOwner *self, const char *function, GError **error);
/* For dispose(), which returns at once where this returns TRUE: whether a fork has copied the object. Then it is kept.
 */
gboolean ferry_owner_keep (const FerryOwner *self, gpointer object);

/* Waits as ferry_iterate_until() does, after ferry_owner_check_error(). The caller has a reference to what has the
 * owner. */
gboolean ferry_owner_wait (const FerryOwner *self, const char *function, FerryCondition condition, gpointer data,
                           gint64 timeout, const char *what, GError **error);

/* Makes a task of object with the tag, which returns TRUE once ferry_waits_finish() is called, or at once if is_over.
 * The tasks are in waits (element-type GTask) (owned), which is of object. */
void ferry_waits_add (GQueue *waits, gpointer tag, gboolean is_over, gpointer object, GCancellable *cancellable,
                      GAsyncReadyCallback callback, gpointer user_data);
/* A callback may wait again, for the next time. */
void ferry_waits_finish (GQueue *waits);

G_END_DECLS
