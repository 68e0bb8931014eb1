/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "lane/ferry-one-shot-check-private.h"

#include <fcntl.h>

#include "base/ferry-base-private.h"
#include "base/ferry-thread-private.h"
#include "lane/ferry-doorbell-private.h"
#include "lane/ferry-one-shot-private.h"
#include "lane/ferry-unmap-private.h"

struct _FerryOneShotCheck
{
  _Atomic gint references;
  int fd;   /* (owned) */
  int bell; /* (owned) */
  gsize size;
  gsize limit;
  const char *fault;     /* the thread's until it is done, as is the next */
  guint8 *data;          /* (owned) (nullable) */
  _Atomic gboolean done; /* released by the thread */
};

static void
unref (FerryOneShotCheck *self)
{
  /* Acquire and release: whoever frees it sees what the other has written. */
  if (atomic_fetch_sub_explicit (&self->references, 1, memory_order_acq_rel) > 1)
    return;
  if (self->data != NULL)
    ferry_unmap_soon (self->data, self->size);
  ferry_clear_fd (&self->fd);
  ferry_clear_fd (&self->bell);
  g_free (self);
}

static gpointer
look (gpointer data)
{
  FerryOneShotCheck *self = data;

  self->fault = ferry_one_shot_map (self->fd, self->size, self->limit, &self->data);
  ferry_clear_fd (&self->fd);
  atomic_store_explicit (&self->done, TRUE, memory_order_release);
  if (self->bell >= 0)
    ferry_doorbell_ring (self->bell);
  unref (self);
  return NULL;
}

FerryOneShotCheck *
ferry_one_shot_check_begin (int fd, gsize size, gsize limit, int bell)
{
  FerryOneShotCheck *self = g_new0 (FerryOneShotCheck, 1);
  GThread *thread = NULL;

  atomic_init (&self->references, 2);
  self->fd = fd;
  self->size = size;
  self->limit = limit;
  self->bell = fcntl (bell, F_DUPFD_CLOEXEC, 0);
  if (self->bell >= 0)
    thread = ferry_thread_try_new ("ferry-checker", look, self, NULL);
  /* The caller looks whether it is done before it waits for the bell. */
  if (thread == NULL)
    look (self);
  else
    g_thread_unref (thread);
  return self;
}

gboolean
ferry_one_shot_check_is_done (FerryOneShotCheck *self)
{
  return atomic_load_explicit (&self->done, memory_order_acquire);
}

const char *
ferry_one_shot_check_end (FerryOneShotCheck *self, guint8 **data)
{
  const char *fault = self->fault;

  *data = g_steal_pointer (&self->data);
  unref (self);
  return fault;
}

void
ferry_one_shot_check_drop (FerryOneShotCheck *self)
{
  unref (self);
}
