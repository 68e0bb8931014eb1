/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An affinity is the thread that an object belongs to, and that thread's main context. Any thread. */

#pragma once

#include <gio/gio.h>

#include "base/ferry-base-private.h"

G_BEGIN_DECLS

typedef struct _FerryAffinity FerryAffinity;

/* Makes an affinity. thread: (unowned) (nullable): NULL where the affinity has no thread yet. */
FERRY_FOR_SIBLINGS
FerryAffinity *ferry_affinity_new (GMainContext *context, GThread *thread);
/* Makes an affinity of the calling thread and its thread-default main context. */
FerryAffinity *ferry_affinity_new_here (void);
FerryAffinity *ferry_affinity_ref (FerryAffinity *self);
void ferry_affinity_unref (FerryAffinity *self);
void ferry_affinity_set_thread (FerryAffinity *self, GThread *thread);
GMainContext *ferry_affinity_get_context (FerryAffinity *self);

/* Whether the calling thread does the work that other threads pass to the affinity (ferry_affinity_invoke()). That is
 * the affinity's thread, or, where the affinity has no thread, the thread that runs the affinity's main context now. No
 * other thread can become the affinity's thread meanwhile. */
gboolean ferry_affinity_is_own (FerryAffinity *self);
gboolean ferry_affinity_has_thread (FerryAffinity *self);
/* Whether the calling thread may use the affinity's objects. TRUE when self (nullable) is NULL or has no thread. On
 * another thread, logs a critical that names the function. */
FERRY_FOR_SIBLINGS
gboolean ferry_affinity_check (FerryAffinity *self, const char *function);
/* The same for a property without a function of its own. */
FERRY_FOR_SIBLINGS
gboolean ferry_affinity_check_property (FerryAffinity *self, GParamSpec *pspec);
/* As ferry_affinity_check(). On another thread, sets FERRY_ERROR_WRONG_THREAD. */
FERRY_FOR_SIBLINGS
gboolean ferry_affinity_check_error (FerryAffinity *self, const char *function, GError **error);
/* As ferry_affinity_check(), for an object without an affinity, which belongs to the thread that runs context. */
gboolean ferry_affinity_check_context (GMainContext *context, const char *function);
/* Makes the affinity's main context call func with data once, and then destroy (nullable): see ferry_mailbox_post(). */
FERRY_FOR_SIBLINGS
void ferry_affinity_invoke (FerryAffinity *self, void (*func) (gpointer data), gpointer data, GDestroyNotify destroy);

#define ferry_return_if_elsewhere(affinity)                                                                            \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    if (!ferry_affinity_check ((affinity), G_STRFUNC))                                                                 \
      return;                                                                                                          \
  }                                                                                                                    \
  G_STMT_END

#define ferry_return_val_if_elsewhere(affinity, value)                                                                 \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    if (!ferry_affinity_check ((affinity), G_STRFUNC))                                                                 \
      return (value);                                                                                                  \
  }                                                                                                                    \
  G_STMT_END

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryAffinity, ferry_affinity_unref)

G_END_DECLS
