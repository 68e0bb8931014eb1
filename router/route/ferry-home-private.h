/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The thread that an object belongs to. Public functions that are not for any thread ask it whether they are at home,
 * and say so where they are not: a call on another thread does nothing, gives a critical, and returns.
 *
 * A router's home is the thread that started it, while it runs. What the router's objects have of it is the same home,
 * so that they can ask when the router is no more. A router that does not run is nowhere at home: one thread at a time
 * may use it and its objects then. What any thread may ask for at any time is still done by one thread alone.
 *
 * Owner:   counted references.
 * Threads: any. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _FerryHome FerryHome;

/* thread: NULL for none yet. */
FerryHome *ferry_home_new (GMainContext *context, GThread *thread);
/* That of the calling thread and its thread-default main context. */
FerryHome *ferry_home_new_here (void);
FerryHome *ferry_home_ref (FerryHome *self);
void ferry_home_unref (FerryHome *self);
void ferry_home_set_thread (FerryHome *self, GThread *thread);
GMainContext *ferry_home_get_context (FerryHome *self);

/* Whether the calling thread may do what belongs to the home; self may be NULL, which is nowhere. */
gboolean ferry_home_is_here (FerryHome *self);
/* The same for what any thread may ask for, and the home's does: where the home has no thread, that is one that runs
 * its main context at this moment. No other one can become the home's then. */
gboolean ferry_home_is_own (FerryHome *self);
gboolean ferry_home_has_thread (FerryHome *self);
/* As ferry_home_is_here(), with a critical that names the function where it is not. */
gboolean ferry_home_check (FerryHome *self, const char *function);
/* The same, with FERRY_ERROR_WRONG_THREAD. */
gboolean ferry_home_check_error (FerryHome *self, const char *function, GError **error);
/* The same for what belongs to whichever thread runs a main context. */
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
