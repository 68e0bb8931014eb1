/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: link/ferry-aside.c
 *
 * Memory of a worker, as another thread copies it. */

#include "config.h"

#include "ferry-test.h"

#include <stdatomic.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "lane/ferry-segment-private.h"
#include "link/ferry-link-private.h"

#define ARENA_SIZE ((gsize) 1024 * 1024)

typedef struct
{
  FerrySegment segment;
  FerryArena *writer; /* (owned) */
  FerryArena *reader; /* (owned) */
  _Atomic gboolean done;
  GThread *_Atomic thread; /* that has said so */
} Copy;

static void
set_up_copy (Copy *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  ferry_autofd arena = ferry_arena_memory_new (ARENA_SIZE, &error);
  ferry_autofd memory = -1;

  g_assert_no_error (error);
  ferry_segment_create (&self->segment, FERRY_MIN_LANE_CAPACITY, 0, &memory, &error);
  g_assert_no_error (error);
  self->writer =
    ferry_arena_new_writer (ferry_segment_get_arena_control (&self->segment), arena, ARENA_SIZE, ARENA_SIZE, &error);
  g_assert_no_error (error);
  self->reader = ferry_arena_new_reader (memory, arena, ARENA_SIZE, &error);
  g_assert_no_error (error);
  /* The first buffer maps the arena. */
  g_assert_null (ferry_arena_take (self->reader, &(FerryBufferMessage){.size = ARENA_SIZE}));
  memset (self->writer->memory, 1, ARENA_SIZE / 2);
  memset (self->writer->memory + ARENA_SIZE / 2, 2, ARENA_SIZE / 2);
}

static void
tear_down_copy (Copy *self, gconstpointer data)
{
  g_clear_pointer (&self->reader, ferry_arena_unref);
  ferry_arena_unref (self->writer);
  ferry_segment_clear (&self->segment);
}

static void
copied_cb (gpointer data)
{
  Copy *self = data;

  atomic_store (&self->thread, g_thread_self ());
  atomic_store (&self->done, TRUE);
}

static gboolean
is_copied (gpointer data)
{
  return atomic_load (&((Copy *) data)->done);
}

static void
test_copies_on_another_thread (Copy *self, gconstpointer data)
{
  FerryAside *copy = ferry_aside_copy (self->reader, ARENA_SIZE / 2 - 1, 2, copied_cb, self);

  ferry_test_look_until (is_copied, self);
  g_assert_true (ferry_aside_is_done (copy));
  g_assert_true (atomic_load (&self->thread) != g_thread_self ());
  g_assert_cmpmem (ferry_aside_get_bytes (copy), 2, "\1\2", 2);
  ferry_aside_unref (copy);
}

/* The arena as well. */
static void
test_may_be_dropped_before_it_is_done (Copy *self, gconstpointer data)
{
  ferry_aside_unref (ferry_aside_copy (self->reader, 0, ARENA_SIZE, copied_cb, self));
  g_clear_pointer (&self->reader, ferry_arena_unref);
  ferry_test_look_until (is_copied, self);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* Waiting opens it, and it stays open. */
  g_main_context_default ();

  g_test_add ("/aside/copies-on-another-thread", Copy, NULL, set_up_copy, test_copies_on_another_thread,
              tear_down_copy);
  g_test_add ("/aside/a-copy-may-be-dropped-before-it-is-done", Copy, NULL, set_up_copy,
              test_may_be_dropped_before_it_is_done, tear_down_copy);
  return g_test_run ();
}
