/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How much memory the lanes and buffers of a router hold, and when that is too much. Threads: any. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  _Atomic gint references;
  _Atomic gint64 limit;
  _Atomic gint64 held;
  _Atomic gint64 spare;
  _Atomic gint64 highest_held; /* highest_held and highest_spare: the greatest values since the account was made */
  _Atomic gint64 highest_spare;
  pthread_mutex_t lock;
  int bell; /* lock: (owned): the doorbell that is rung when held memory falls below the limit, or -1 */
} FerryMemoryAccount;

FerryMemoryAccount *ferry_memory_account_new (guint64 limit);
FerryMemoryAccount *ferry_memory_account_ref (FerryMemoryAccount *self);
void ferry_memory_account_unref (FerryMemoryAccount *self);
void ferry_memory_account_set_limit (FerryMemoryAccount *self, guint64 limit);
guint64 ferry_memory_account_get_limit (FerryMemoryAccount *self);
gboolean ferry_memory_account_set_bell (FerryMemoryAccount *self, int bell, GError **error);

gboolean ferry_memory_account_is_full (FerryMemoryAccount *self);
gboolean ferry_memory_account_is_half_empty (FerryMemoryAccount *self);
gboolean ferry_memory_account_has_room (FerryMemoryAccount *self, gsize size);
void ferry_memory_account_hold (FerryMemoryAccount *self, gsize size);
void ferry_memory_account_release (FerryMemoryAccount *self, gsize size);
gboolean ferry_memory_account_add_spare (FerryMemoryAccount *self, gsize size);
void ferry_memory_account_remove_spare (FerryMemoryAccount *self, gsize size);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryMemoryAccount, ferry_memory_account_unref)

G_END_DECLS
