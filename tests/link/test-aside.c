/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: link/ferry-aside.c
 *
 * Memory of a worker, as another thread copies it, and memory that was handed over, as another thread looks at it. */

#include "config.h"

#include "ferry-test.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "base/ferry-base-private.h"
#include "lane/ferry-one-shot-private.h"
#include "lane/ferry-segment-private.h"
#include "link/ferry-link-private.h"

#define SIZE ((gsize) 4 * 1024 * 1024)
#define N_DROPPED 100
#define ARENA_SIZE ((gsize) 1024 * 1024)

typedef struct
{
  _Atomic guint n_done;
  guint n_fds;
} Scene;

static void
set_up (Scene *self, gconstpointer data)
{
  self->n_fds = ferry_test_count_fds ();
}

static gboolean
has_so_many_fds (gpointer data)
{
  return ferry_test_count_fds () == *(guint *) data;
}

static gboolean
is_unmapped (gpointer unused)
{
  return !ferry_test_is_mapped ("ferry-buffer");
}

static void
tear_down (Scene *self, gconstpointer data)
{
  ferry_test_look_until (has_so_many_fds, &self->n_fds);
  ferry_test_look_until (is_unmapped, NULL);
}

static int
make_sealed (void)
{
  g_autoptr (GError) error = NULL;
  guint8 *data;
  int fd = ferry_one_shot_create (SIZE, 0, &data, &error);

  g_assert_no_error (error);
  memset (data, 3, SIZE / 2);
  g_assert_true (ferry_one_shot_seal (fd, SIZE, data, SIZE, &error));
  g_assert_no_error (error);
  munmap (data, SIZE);
  return fd;
}

static void
done_cb (gpointer scene)
{
  atomic_fetch_add (&((Scene *) scene)->n_done, 1);
}

static gboolean
has_been_told (gpointer scene)
{
  return atomic_load (&((Scene *) scene)->n_done) == 1;
}

static void
test_good (Scene *self, gconstpointer data)
{
  FerryAside *check = ferry_aside_check (make_sealed (), SIZE, SIZE, done_cb, self);
  guint8 *memory;

  ferry_test_look_until (has_been_told, self);
  g_assert_true (ferry_aside_is_done (check));
  g_assert_null (ferry_aside_end_check (check, &memory));
  /* What was not written are zeros. */
  for (gsize i = 0; i < SIZE; i++)
    g_assert_cmpuint (memory[i], ==, i < SIZE / 2 ? 3 : 0);
  munmap (memory, SIZE);
}

static void
test_bad (Scene *self, gconstpointer data)
{
  FerryAside *check = ferry_aside_check (make_sealed (), SIZE - 1, SIZE, done_cb, self);
  guint8 *memory;

  ferry_test_look_until (has_been_told, self);
  g_assert_nonnull (strstr (ferry_aside_end_check (check, &memory), "of another size"));
  g_assert_null (memory);
}

static gboolean
is_done (gpointer check)
{
  return ferry_aside_is_done (check);
}

static gboolean
has_told_all (gpointer scene)
{
  return atomic_load (&((Scene *) scene)->n_done) == N_DROPPED;
}

/* The last one has it all go: that is seen at the end of the scene. */
static void
test_dropped (Scene *self, gconstpointer data)
{
  for (guint i = 0; i < N_DROPPED; i++)
    {
      FerryAside *check = ferry_aside_check (make_sealed (), SIZE, SIZE, done_cb, self);

      if (i % 3 == 0)
        ferry_test_look_until (is_done, check);
      ferry_aside_unref (check);
    }
  ferry_test_look_until (has_told_all, self);
}

/* ---- copies ---- */

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

  g_test_add ("/aside/maps-what-is-good", Scene, NULL, set_up, test_good, tear_down);
  g_test_add ("/aside/refuses-what-is-not", Scene, NULL, set_up, test_bad, tear_down);
  g_test_add ("/aside/leaves-nothing-when-it-is-dropped", Scene, NULL, set_up, test_dropped, tear_down);
  g_test_add ("/aside/copies-on-another-thread", Copy, NULL, set_up_copy, test_copies_on_another_thread,
              tear_down_copy);
  g_test_add ("/aside/a-copy-may-be-dropped-before-it-is-done", Copy, NULL, set_up_copy,
              test_may_be_dropped_before_it_is_done, tear_down_copy);
  return g_test_run ();
}
