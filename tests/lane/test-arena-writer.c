/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: lane/ferry-arena-writer.c, lane/ferry-arena.c
 *
 * Which buffers a worker may have at a time. */

#include "config.h"

#include "base/ferry-base-private.h"
#include "lane/ferry-arena-private.h"
#include "lane/ferry-segment-private.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define MEBIBYTE ((gsize) 1024 * 1024)

typedef struct
{
  FerrySegment segment;
  FerryArena *arena;        /* (owned): the application's end */
  FerryArenaWriter *writer; /* (owned) */
} Fixture;

static void
set_up (Fixture *self, gconstpointer data)
{
  const gsize size = ferry_arena_size_for (32 * MEBIBYTE);
  g_autoptr (GError) error = NULL;
  ferry_autofd memory = -1;
  int fd = ferry_arena_memory_new (size, &error);

  g_assert_no_error (error);
  ferry_segment_create (&self->segment, FERRY_MIN_LANE_CAPACITY, 0, &memory, &error);
  g_assert_no_error (error);
  self->arena = ferry_arena_new_reader (memory, fd, size, &error);
  g_assert_no_error (error);
  self->writer = ferry_arena_writer_new_later (ferry_segment_get_arena_control (&self->segment), fd, size);
  g_assert_true (ferry_arena_writer_open (self->writer, &error));
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  ferry_arena_writer_free (self->writer);
  ferry_arena_unref (self->arena);
  ferry_segment_clear (&self->segment);
}

/* Returns whether there was a place for it. */
static gboolean
send (Fixture *self, gsize size, FerryBufferMessage *message)
{
  if (!ferry_arena_writer_reserve (self->writer, size, message))
    return FALSE;
  ferry_arena_writer_set_sent (self->writer, message->number, TRUE);
  g_assert_null (ferry_arena_take (self->arena, message));
  return TRUE;
}

static void
fills_all_of_it (Fixture *self, gconstpointer data)
{
  FerryBufferMessage messages[32];

  for (guint i = 0; i < G_N_ELEMENTS (messages); i++)
    g_assert_true (send (self, MEBIBYTE, &messages[i]));
  g_assert_cmpuint (ferry_arena_count_held (self->arena), ==, 32);
  g_assert_false (send (self, 1, &messages[0]));
  ferry_arena_let_go (self->arena, messages[7].number);
  g_assert_true (send (self, MEBIBYTE, &messages[0]));
  g_assert_cmpuint (messages[0].offset, ==, messages[7].offset);
}

/* Two large ones, one that is copied and one behind it; then it waits, although there is memory. */
static void
does_not_run_ahead_of_copies (Fixture *self, gconstpointer data)
{
  FerryBufferMessage messages[3];

  ferry_arena_set_copied (self->arena);
  g_assert_true (send (self, 8 * MEBIBYTE, &messages[0]));
  g_assert_true (send (self, 8 * MEBIBYTE, &messages[1]));
  g_assert_false (send (self, 8 * MEBIBYTE, &messages[2]));
  ferry_arena_let_go (self->arena, messages[0].number);
  g_assert_true (send (self, 8 * MEBIBYTE, &messages[2]));
  g_assert_cmpuint (messages[2].offset, ==, messages[0].offset);
  g_assert_false (send (self, 1, &messages[0]));
}

/* Several small ones, as long as they come to little; one that was not sent, or could not be, does not count. */
static void
runs_ahead_of_copies_with_small_ones (Fixture *self, gconstpointer data)
{
  FerryBufferMessage messages[8], unsent;

  ferry_arena_set_copied (self->arena);
  g_assert_true (ferry_arena_writer_reserve (self->writer, 16 * MEBIBYTE, &unsent));
  ferry_arena_writer_set_sent (self->writer, unsent.number, TRUE);
  ferry_arena_writer_set_sent (self->writer, unsent.number, FALSE);
  for (guint i = 0; i < 4; i++)
    g_assert_true (send (self, MEBIBYTE, &messages[i]));
  g_assert_false (send (self, MEBIBYTE, &messages[4]));
  for (guint i = 0; i < 4; i++)
    ferry_arena_let_go (self->arena, messages[i].number);
  for (guint i = 0; i < 4; i++)
    g_assert_true (send (self, MEBIBYTE, &messages[i]));
}

/* Waits until the system has the pages of all buffers back, and the worker may have all of them. */
static void
wait_returned (Fixture *self)
{
  FerryBufferMessage message;
  struct stat file;

  do
    {
      g_thread_yield ();
      g_assert_no_errno (fstat (self->writer->memory, &file));
    }
  while (file.st_blocks > 0);
  while (!ferry_arena_writer_reserve (self->writer, 32 * MEBIBYTE, &message))
    g_thread_yield ();
  g_assert_cmpint (self->arena->memory[message.offset], ==, 0);
}

static void
fill (Fixture *self, FerryBufferMessage *messages, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      g_assert_true (send (self, MEBIBYTE, &messages[i]));
      memset (self->writer->arena->memory + messages[i].offset, 7, MEBIBYTE);
    }
}

static void
returns_what_the_worker_has_not_taken (Fixture *self, gconstpointer data)
{
  FerryBufferMessage messages[16];

  fill (self, messages, G_N_ELEMENTS (messages));
  for (guint i = 0; i < G_N_ELEMENTS (messages); i++)
    ferry_arena_let_go (self->arena, messages[i].number);
  /* It was used, and is not any more. */
  g_assert_true (ferry_arena_tidy (self->arena));
  g_assert_cmpint (self->arena->memory[messages[0].offset], ==, 7);
  g_assert_false (ferry_arena_tidy (self->arena));
  wait_returned (self);
}

static void
returns_what_is_dropped_late (Fixture *self, gconstpointer data)
{
  FerryBufferMessage messages[16];

  fill (self, messages, G_N_ELEMENTS (messages));
  g_assert_true (ferry_arena_tidy (self->arena));
  g_assert_false (ferry_arena_tidy (self->arena));
  /* The application reads them for as long as it likes. */
  for (guint i = 0; i < G_N_ELEMENTS (messages); i++)
    {
      g_assert_cmpint (self->arena->memory[messages[i].offset], ==, 7);
      ferry_arena_let_go (self->arena, messages[i].number);
    }
  wait_returned (self);
}

static gsize
get_resident (Fixture *self)
{
  struct stat file;

  g_assert_no_errno (fstat (self->writer->memory, &file));
  return (gsize) file.st_blocks * 512;
}

static void
tidy (FerryArenaWriter *writer)
{
  gsize position = 0;

  while (ferry_arena_writer_tidy (writer, &position))
    ;
}

/* What the worker has taken again and does not use is its own to give back; what it or the application has stays. */
static void
worker_returns_what_it_does_not_use (Fixture *self, gconstpointer data)
{
  FerryBufferMessage messages[16], filled;

  fill (self, messages, G_N_ELEMENTS (messages));
  g_assert_true (ferry_arena_writer_reserve (self->writer, MEBIBYTE, &filled));
  memset (self->writer->arena->memory + filled.offset, 8, MEBIBYTE);
  for (guint i = 1; i < G_N_ELEMENTS (messages); i++)
    ferry_arena_let_go (self->arena, messages[i].number);
  tidy (self->writer);
  g_assert_cmpuint (get_resident (self), <=, 2 * MEBIBYTE);
  for (gsize i = 0; i < MEBIBYTE; i++)
    {
      g_assert_cmpint (self->arena->memory[messages[0].offset + i], ==, 7);
      g_assert_cmpint (self->arena->memory[filled.offset + i], ==, 8);
    }
  g_assert_true (send (self, 15 * MEBIBYTE, &messages[1]));
}

/* What a worker does to the file of its buffers must not hold up the user of the words. */
static void
words_are_not_in_the_file_of_the_buffers (Fixture *self, gconstpointer data)
{
  FerryBufferMessage message;

  g_assert_true (send (self, MEBIBYTE, &message));
  ferry_arena_let_go (self->arena, message.number);
  g_assert_no_errno (madvise (self->writer->arena->memory, self->writer->arena->size, MADV_REMOVE));
  g_assert_cmpuint (self->arena->control->released, ==, G_GUINT64_CONSTANT (1) << message.number);
  g_assert_true (send (self, 32 * MEBIBYTE, &message));
}

static void
worker_without_an_arena_returns_nothing (Fixture *self, gconstpointer data)
{
  FerryArenaWriter *writer = ferry_arena_writer_new_later (NULL, -1, ferry_arena_size_for (MEBIBYTE));

  tidy (writer);
  ferry_arena_writer_free (writer);
}

/* A worker that says so of a buffer that the application has. */
static void
returns_nothing_that_is_held (Fixture *self, gconstpointer data)
{
  FerryBufferMessage messages[2];

  fill (self, messages, 2);
  ferry_arena_let_go (self->arena, messages[1].number);
  atomic_fetch_or (&self->arena->control->released, G_MAXUINT64);
  g_assert_true (ferry_arena_tidy (self->arena));
  g_assert_false (ferry_arena_tidy (self->arena));
  while (self->arena->memory[messages[1].offset] != 0)
    g_thread_yield ();
  g_assert_cmpint (self->arena->memory[messages[0].offset], ==, 7);
  g_assert_true ((atomic_load (&self->arena->held) >> messages[0].number & 1) != 0);
}

static void
assert_refused (int fd, guint64 size, const char *words)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_arena_memory_check (fd, size, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
  g_assert_nonnull (strstr (error->message, words));
}

static void
test_file_is_checked (void)
{
  g_autoptr (GError) error = NULL;
  ferry_autofd memory = ferry_arena_memory_new (MEBIBYTE, &error);
  ferry_autofd unsealed = ferry_memfd_new ("test-arena-writer", 0, NULL);

  g_assert_no_error (error);
  g_assert_no_errno (ftruncate (unsealed, (off_t) MEBIBYTE));
  g_assert_true (ferry_arena_memory_check (memory, MEBIBYTE, &error));
  assert_refused (memory, 2 * MEBIBYTE, "not a sealed memfd");
  assert_refused (unsealed, MEBIBYTE, "not a sealed memfd");
  assert_refused (memory, 0, "size of 0 bytes is invalid");
  assert_refused (memory, MEBIBYTE + 8, "is invalid");
  assert_refused (memory, FERRY_MAX_ARENA_SIZE + FERRY_ARENA_UNIT, "is invalid");
}

static void
test_size_is_one_that_a_pointer_reaches (void)
{
  g_assert_cmpuint (ferry_arena_size_for (0), ==, 0);
  g_assert_cmpuint (ferry_arena_size_for (1), ==, FERRY_ARENA_UNIT);
  g_assert_cmpuint (ferry_arena_size_for (G_MAXUINT64), ==,
                    sizeof (gpointer) > 4 ? FERRY_MAX_ARENA_SIZE : 512 * MEBIBYTE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/arena-writer/fills-all-of-it", Fixture, NULL, set_up, fills_all_of_it, tear_down);
  g_test_add ("/arena-writer/does-not-run-ahead-of-copies", Fixture, NULL, set_up, does_not_run_ahead_of_copies,
              tear_down);
  g_test_add ("/arena-writer/runs-ahead-of-copies-with-small-ones", Fixture, NULL, set_up,
              runs_ahead_of_copies_with_small_ones, tear_down);
  g_test_add ("/arena-writer/what-the-worker-has-not-taken-is-given-back", Fixture, NULL, set_up,
              returns_what_the_worker_has_not_taken, tear_down);
  g_test_add ("/arena-writer/what-the-worker-does-not-use-is-given-back", Fixture, NULL, set_up,
              worker_returns_what_it_does_not_use, tear_down);
  g_test_add ("/arena-writer/words-are-not-in-the-file-of-the-buffers", Fixture, NULL, set_up,
              words_are_not_in_the_file_of_the_buffers, tear_down);
  g_test_add ("/arena-writer/an-arena-that-is-not-mapped-stays-so", Fixture, NULL, set_up,
              worker_without_an_arena_returns_nothing, tear_down);
  g_test_add ("/arena-writer/what-is-dropped-late-is-given-back", Fixture, NULL, set_up, returns_what_is_dropped_late,
              tear_down);
  g_test_add ("/arena-writer/what-the-application-has-is-not-given-back", Fixture, NULL, set_up,
              returns_nothing_that_is_held, tear_down);
  g_test_add_func ("/arena-writer/the-file-is-checked", test_file_is_checked);
  g_test_add_func ("/arena-writer/the-size-is-one-that-a-pointer-reaches", test_size_is_one_that_a_pointer_reaches);
  return g_test_run ();
}
