/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A pool hears when a worker has taken descriptors that kept it from being given more. Nothing else may tell: a worker
 * that has nothing in hand answers nothing, and may still have those to take that came with tasks which were taken
 * back.
 *
 * Threads: the link tells on any thread, with its lock held; the pool hears of it on the router's. */

#include "config.h"

#include "task/ferry-pool-private.h"

/* Counted references: the worker, and the errand that is on its way. */
struct _FerryPoolRoom
{
  GWeakRef pool;
  GMainContext *context; /* const: (owned): the router's */
  _Atomic gboolean told; /* any: an errand is on its way */
};

static void
room_clear (gpointer data)
{
  FerryPoolRoom *self = data;

  g_weak_ref_clear (&self->pool);
  g_main_context_unref (self->context);
}

static void
room_unref (gpointer data)
{
  g_atomic_rc_box_release_full (data, room_clear);
}

static void
pump (gpointer data)
{
  FerryPoolRoom *self = data;
  g_autoptr (FerryPool) pool = g_weak_ref_get (&self->pool);

  /* Before the room is used: what comes after is told of again. */
  atomic_store (&self->told, FALSE);
  if (pool != NULL)
    ferry_pool_pump (pool);
}

static void
room_came (gpointer data)
{
  FerryPoolRoom *self = data;

  if (!atomic_exchange (&self->told, TRUE))
    ferry_errands_post (self->context, pump, g_atomic_rc_box_acquire (self), room_unref);
}

/* main: has the pool hand over what it can once the worker has taken descriptors. */
void
ferry_pool_worker_await_room (FerryPoolWorker *self)
{
  FerryPoolRoom *room;

  if (self->room != NULL || self->pool == NULL)
    return;
  room = g_atomic_rc_box_new0 (FerryPoolRoom);
  g_weak_ref_init (&room->pool, self->pool);
  room->context = g_main_context_ref (self->router->context);
  self->room = room;
  self->room_watch = (FerryRoomWatch){.func = room_came, .data = room};
  ferry_link_add_room_watch (self->link, &self->room_watch);
}

/* main */
void
ferry_pool_worker_forget_room (FerryPoolWorker *self)
{
  if (self->room == NULL)
    return;
  ferry_link_remove_room_watch (self->link, &self->room_watch);
  g_clear_pointer (&self->room, room_unref);
}
