/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A home: the thread that an object belongs to, and its main context. A public function that is not for any thread
 * checks the home of its object. A call on another thread gives a critical, or fails, and does nothing.
 *
 * A router's home has the thread that started it, while it runs. The router's objects share its home, and so outlive
 * it. The home of a router that does not run has no thread: one thread at a time may use the router and its objects.
 *
 * Owner:   counted references.
 * Threads: any. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _FerryHome FerryHome;

/* thread: (unowned) (nullable): NULL for none yet. */
FerryHome *ferry_home_new (GMainContext *context, GThread *thread);
/* A home of the calling thread and its thread-default main context. */
FerryHome *ferry_home_new_here (void);
FerryHome *ferry_home_ref (FerryHome *self);
void ferry_home_unref (FerryHome *self);
void ferry_home_set_thread (FerryHome *self, GThread *thread);
GMainContext *ferry_home_get_context (FerryHome *self);

/* Whether the calling thread may use the home's objects. Any thread may where self is NULL or has no thread. */
gboolean ferry_home_is_here (FerryHome *self);
/* Whether the calling thread does what other threads leave to the home's. Where the home has no thread, that is the
 * thread that runs its main context at this moment: no other one can become the home's then. */
gboolean ferry_home_is_own (FerryHome *self);
gboolean ferry_home_has_thread (FerryHome *self);
/* As ferry_home_is_here(); on another thread, with a critical that names the function. */
gboolean ferry_home_check (FerryHome *self, const char *function);
/* As ferry_home_is_here(); on another thread, with FERRY_ERROR_WRONG_THREAD. */
gboolean ferry_home_check_error (FerryHome *self, const char *function, GError **error);
/* As ferry_home_check(), for an object that belongs to the thread that runs a main context. */
gboolean ferry_home_check_context (GMainContext *context, const char *function);
/* Has the home's thread run func once, and then destroy (nullable): see ferry_mailbox_post(). */
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
