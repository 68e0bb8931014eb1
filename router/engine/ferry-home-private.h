/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A home is the thread that an object belongs to, and that thread's main context. A public function that may not be
 * called on any thread checks the home of its object. When it is called on another thread, it logs a critical or
 * returns an error, and does nothing else.
 *
 * While a router runs, the thread of its home is the thread that started the router. The router's objects share the
 * router's home; they hold references to it, so they may outlive the router. The home of a router that does not run has
 * no thread. Any thread may use the router and its objects, one thread at a time.
 *
 * Owner:   references are counted.
 * Threads: any. */

#pragma once

#include <gio/gio.h>

#include "base/ferry-sibling-private.h"

G_BEGIN_DECLS

typedef struct _FerryHome FerryHome;

/* Makes a home. thread: (unowned) (nullable): NULL where the home has no thread yet. */
FerryHome *ferry_home_new (GMainContext *context, GThread *thread);
/* Makes a home of the calling thread and its thread-default main context. */
FerryHome *ferry_home_new_here (void);
FerryHome *ferry_home_ref (FerryHome *self);
void ferry_home_unref (FerryHome *self);
void ferry_home_set_thread (FerryHome *self, GThread *thread);
GMainContext *ferry_home_get_context (FerryHome *self);

/* Whether the calling thread does the work that other threads pass to the home (ferry_home_invoke()). That is the
 * home's thread, or, where the home has no thread, the thread that runs the home's main context now. No other thread
 * can become the home's thread meanwhile. */
gboolean ferry_home_is_own (FerryHome *self);
gboolean ferry_home_has_thread (FerryHome *self);
/* Whether the calling thread may use the home's objects. TRUE when self (nullable) is NULL or has no thread. On another
 * thread, logs a critical that names the function. */
FERRY_FOR_SIBLINGS
gboolean ferry_home_check (FerryHome *self, const char *function);
/* The same for a property without a function of its own. */
FERRY_FOR_SIBLINGS
gboolean ferry_home_check_property (FerryHome *self, GParamSpec *pspec);
/* As ferry_home_check(). On another thread, sets FERRY_ERROR_WRONG_THREAD. */
gboolean ferry_home_check_error (FerryHome *self, const char *function, GError **error);
/* As ferry_home_check(), for an object without a home, which belongs to the thread that runs context. */
gboolean ferry_home_check_context (GMainContext *context, const char *function);
/* Makes the home's main context call func with data once, and then destroy (nullable): see ferry_mailbox_post(). */
FERRY_FOR_SIBLINGS
void ferry_home_invoke (FerryHome *self, void (*func) (gpointer data), gpointer data, GDestroyNotify destroy);

#define ferry_return_if_elsewhere(home)                                                                                \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    if (!ferry_home_check ((home), G_STRFUNC))                                                                         \
      return;                                                                                                          \
  }                                                                                                                    \
  G_STMT_END

#define ferry_return_val_if_elsewhere(home, value)                                                                     \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    if (!ferry_home_check ((home), G_STRFUNC))                                                                         \
      return (value);                                                                                                  \
  }                                                                                                                    \
  G_STMT_END

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryHome, ferry_home_unref)

G_END_DECLS
