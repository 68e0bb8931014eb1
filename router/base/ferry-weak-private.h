/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A weak reference by which a thread of ours uses a public object, and leaves its reference count alone. Any thread. */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

typedef struct _FerryWeak FerryWeak;

/* For an object's init(). Its class_init() calls ferry_revival_class_init(), its dispose() ferry_weak_end(), any
 * number of times, and its finalize() ferry_weak_unref(). */
FerryWeak *ferry_weak_new (gpointer object);
void ferry_weak_end (FerryWeak *self);

FerryWeak *ferry_weak_ref (FerryWeak *self);
void ferry_weak_unref (gpointer self);

/* Returns (transfer none) (nullable) the object, which is not freed before the ferry_weak_leave() that must follow in
 * any case. Users may nest. */
gpointer ferry_weak_enter (FerryWeak *self);
/* May free the object, so without locks that its dispose() takes. */
void ferry_weak_leave (FerryWeak *self);

/* Returns (transfer full) (nullable) the object. Where JavaScript may have it, only its thread calls this. */
gpointer ferry_weak_get (FerryWeak *self);

static inline void
ferry_weak_leave_at_end (FerryWeak **self)
{
  ferry_weak_leave (*self);
}

/* Declares name, a Type * (nullable), which the block uses up to its end. */
#define FERRY_USE_WEAK(Type, name, weak)                                                                               \
  __attribute__ ((cleanup (ferry_weak_leave_at_end))) FerryWeak *name##_in_use = (weak);                               \
  __attribute__ ((unused)) Type *name = ferry_weak_enter (name##_in_use)

G_END_DECLS
