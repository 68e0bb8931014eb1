/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: lane/ferry-slow-copy.c */

#include "config.h"

#include "ferry-test.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "lane/ferry-arena-private.h"
#include "lane/ferry-segment-private.h"

#define SIZE ((gsize) 1024 * 1024)

typedef struct
{
  FerrySegment segment;
  FerryArena *writer; /* (owned) */
  FerryArena *reader; /* (owned) */
  _Atomic gboolean done;
  GThread *_Atomic thread; /* that has said so */
} Fixture;

static void
set_up (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  ferry_autofd arena = ferry_arena_memory_new (SIZE, &error);
  ferry_autofd memory = -1;

  g_assert_no_error (error);
  ferry_segment_create (&self->segment, FERRY_MIN_LANE_CAPACITY, 0, &memory, &error);
  g_assert_no_error (error);
  self->writer = ferry_arena_new_writer (ferry_segment_get_arena_control (&self->segment), arena, SIZE, SIZE, &error);
  g_assert_no_error (error);
  self->reader = ferry_arena_new_reader (memory, arena, SIZE, &error);
  g_assert_no_error (error);
  /* The first buffer maps the arena. */
  g_assert_null (ferry_arena_take (self->reader, &(FerryBufferMessage){.size = SIZE}));
  memset (self->writer->memory, 1, SIZE / 2);
  memset (self->writer->memory + SIZE / 2, 2, SIZE / 2);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  g_clear_pointer (&self->reader, ferry_arena_unref);
  ferry_arena_unref (self->writer);
  ferry_segment_clear (&self->segment);
}

static void
done (gpointer data)
{
  Fixture *self = data;

  atomic_store (&self->thread, g_thread_self ());
  atomic_store (&self->done, TRUE);
}

static gboolean
is_done (gpointer data)
{
  return atomic_load (&((Fixture *) data)->done);
}

static void
copies_on_another_thread (Fixture *self, gconstpointer data)
{
  FerrySlowCopy *copy = ferry_slow_copy_begin (self->reader, SIZE / 2 - 1, 2, done, self);

  ferry_test_look_until (is_done, self);
  g_assert_true (ferry_slow_copy_is_done (copy));
  g_assert_true (atomic_load (&self->thread) != g_thread_self ());
  g_assert_cmpmem (ferry_slow_copy_get_bytes (copy), 2, "\1\2", 2);
  ferry_slow_copy_unref (copy);
}

/* The arena as well. */
static void
may_be_dropped_before_it_is_done (Fixture *self, gconstpointer data)
{
  ferry_slow_copy_unref (ferry_slow_copy_begin (self->reader, 0, SIZE, done, self));
  g_clear_pointer (&self->reader, ferry_arena_unref);
  ferry_test_look_until (is_done, self);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/slow-copy/copies-on-another-thread", Fixture, NULL, set_up, copies_on_another_thread, tear_down);
  g_test_add ("/slow-copy/may-be-dropped-before-it-is-done", Fixture, NULL, set_up, may_be_dropped_before_it_is_done,
              tear_down);
  return g_test_run ();
}
