/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is kept of a stream, for the result of a command. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* What is held in this process; what is more is in memory of its own, and from COMMAND_STORE_MEMORY on in a file. */
#define COMMAND_STORE_HELD (1024 * 1024)
#define COMMAND_STORE_MEMORY (64 * 1024 * 1024)

/* The bytes before those of the stream in a store's descriptor. */
#define COMMAND_STORE_HEAD 4

typedef struct _CommandStore CommandStore;

/* Keeps as many bytes as limit. Of a stream that has more it keeps the first of them, and the last, which are last
 * bytes at most. */
CommandStore *command_store_new (guint64 limit, gsize last);
void command_store_free (CommandStore *self);

/* Fails where memory or the disk is full. */
gboolean command_store_add (CommandStore *self, const guint8 *bytes, gsize size, GError **error);
/* The stream has ended: puts the last bytes behind the first. Fails as command_store_add() does. */
gboolean command_store_end (CommandStore *self, GError **error);

/* The rest is for a store that was ended. */

/* How many bytes are kept. */
guint64 command_store_get_size (CommandStore *self);
/* Where some were left out, of those that are kept, and how many; 0: none. */
guint64 command_store_get_gap (CommandStore *self, guint64 *n_left_out);
/* (transfer full) (nullable): all that is kept. */
GBytes *command_store_dup_bytes (CommandStore *self, GError **error);
/* Puts bytes behind those that are kept, and in the head, and returns a descriptor, which stays the store's and can
 * only be read from then on where it is memory; or -1. */
int command_store_finish (CommandStore *self, const guint8 head[COMMAND_STORE_HEAD], const guint8 *bytes, gsize size,
                          GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CommandStore, command_store_free)

G_END_DECLS
