/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Work with a worker's memory on a thread of its own, so that nothing else waits for a large copy or a check.
 *
 * Owner: counted references: one of the caller and one of the thread. */

#pragma once

#include "lane/ferry-arena-private.h"
#include "lane/ferry-spare-memory-private.h"
#include "wire/ferry-layout-private.h"
#include <glib.h>

G_BEGIN_DECLS

typedef struct _FerryAside FerryAside;

/* Copies size bytes at offset, which the caller has checked. done: called with data afterwards, on the thread that
 * works. */
FerryAside *ferry_aside_copy (FerryArena *arena, gsize offset, gsize size, GDestroyNotify done, gpointer data);
/* Checks a value in memory that nothing changes meanwhile. type (nullable): its type; NULL: the bytes are the message
 * of a call, perhaps. */
FerryAside *ferry_aside_judge (const guint8 *value, gsize size, const char *type, GDestroyNotify done, gpointer data);
/* Checks the value of an answer, of a good type. */
FerryAside *ferry_aside_judge_answer (GBytes *body, const char *type, gsize length, GDestroyNotify done, gpointer data);
gboolean ferry_aside_is_done (FerryAside *self);
/* The bytes of a copy that is done. */
const guint8 *ferry_aside_get_bytes (FerryAside *self);
/* Ends a judgement that is done, and drops the caller's reference. */
FerryValueVerdict ferry_aside_end_judgement (FerryAside *self);
/* Drops the caller's reference to a judgement that may not be done, and gives it the memory of the value. */
void ferry_aside_leave (FerryAside *self, FerryMemory memory);
void ferry_aside_unref (FerryAside *self);

G_END_DECLS
