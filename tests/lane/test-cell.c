/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: lane/ferry-cell.c
 *
 * Cells: between a writer and a reader that take turns, between two threads that do not, and with a writer that lies.
 */

#include "config.h"

#include "ferry-test.h"

#include <string.h>

#include "lane/ferry-cell-private.h"
#include "lane/ferry-wake-private.h"

#ifdef FERRY_THREAD_SANITIZER
#define FEWER 20
#else
#define FEWER 1
#endif

#define LARGEST_VALUE (FERRY_CELL_SLOT_SIZE - sizeof (FerryCellHeader))

typedef struct
{
  FerryCell *cell; /* (owned) */
  FerryCellWriter writer;
  FerryCellReader reader;
  FerryCellValue value; /* what was taken last */
  const char *fault;
} TestCell;

static TestCell *
test_cell_new (void)
{
  TestCell *self = g_new0 (TestCell, 1);

  self->cell = g_aligned_alloc0 (1, sizeof (FerryCell), FERRY_LINE_SIZE);
  ferry_cell_init (self->cell);
  ferry_cell_writer_init (&self->writer, self->cell);
  ferry_cell_reader_init (&self->reader, self->cell);
  return self;
}

static void
test_cell_free (TestCell *self)
{
  g_aligned_free (self->cell);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestCell, test_cell_free)

static FerryCellResult
take (TestCell *self)
{
  return ferry_cell_reader_take (&self->reader, &self->value, &self->fault);
}

static gboolean
write_text (TestCell *self, const char *text)
{
  return ferry_cell_writer_write (&self->writer, NULL, text, strlen (text));
}

static void
assert_takes_text (TestCell *self, const char *text)
{
  g_assert_cmpint (take (self), ==, FERRY_CELL_NEW);
  g_assert_cmpmem (self->value.data, self->value.size, text, strlen (text));
}

static void
test_new_cell_has_no_value (void)
{
  g_autoptr (TestCell) cell = test_cell_new ();

  g_assert_false (ferry_cell_reader_has_new (&cell->reader));
  g_assert_cmpint (take (cell), ==, FERRY_CELL_NONE);
}

static void
test_each_value_is_taken_once (void)
{
  g_autoptr (TestCell) cell = test_cell_new ();

  write_text (cell, "one");
  g_assert_true (ferry_cell_reader_has_new (&cell->reader));
  assert_takes_text (cell, "one");
  g_assert_false (ferry_cell_reader_has_new (&cell->reader));
  g_assert_cmpint (take (cell), ==, FERRY_CELL_NONE);
  write_text (cell, "two");
  assert_takes_text (cell, "two");
}

static void
test_newest_value_counts (void)
{
  g_autoptr (TestCell) cell = test_cell_new ();

  for (guint i = 0; i < 101; i++)
    {
      g_autofree char *text = g_strdup_printf ("value %u", i);

      write_text (cell, text);
    }
  assert_takes_text (cell, "value 100");
  g_assert_cmpint (take (cell), ==, FERRY_CELL_NONE);
}

static void
test_first_value_rings_and_others_do_not (void)
{
  g_autoptr (TestCell) cell = test_cell_new ();

  g_assert_true (write_text (cell, "first"));
  for (guint i = 0; i < 100; i++)
    g_assert_false (write_text (cell, "more"));
}

static void
test_value_after_arming_rings_once (void)
{
  g_autoptr (TestCell) cell = test_cell_new ();

  write_text (cell, "first");
  for (guint i = 0; i < 3; i++)
    {
      g_assert_cmpint (take (cell), ==, FERRY_CELL_NEW);
      g_assert_false (ferry_cell_reader_arm (&cell->reader));
      g_assert_true (write_text (cell, "wanted"));
      g_assert_false (write_text (cell, "newer"));
    }
}

static void
test_arming_sees_what_came_before (void)
{
  g_autoptr (TestCell) cell = test_cell_new ();

  write_text (cell, "first");
  g_assert_true (ferry_cell_reader_arm (&cell->reader));
}

static void
test_bytes_of_all_sizes (void)
{
  g_autoptr (TestCell) cell = test_cell_new ();
  guint8 data[LARGEST_VALUE];

  for (gsize i = 0; i < sizeof data; i++)
    data[i] = (guint8) (i % 251);
  for (gsize size = 0; size <= sizeof data; size++)
    {
      ferry_cell_writer_write (&cell->writer, NULL, data, size);
      g_assert_cmpint (take (cell), ==, FERRY_CELL_NEW);
      g_assert_false (cell->value.has_type);
      g_assert_cmpuint ((gsize) cell->value.data % 8, ==, 0);
      g_assert_cmpmem (cell->value.data, cell->value.size, data, size);
    }
}

static void
test_types_of_all_lengths (void)
{
  g_autoptr (TestCell) cell = test_cell_new ();
  g_autoptr (GString) type = g_string_new ("i");

  for (; type->len <= 65; g_string_prepend_c (type, 'a'))
    {
      /* Arrays of arrays are checked, and this would be none. */
      const gsize size = type->len <= 2 ? 5 : 0;

      ferry_cell_writer_write (&cell->writer, type->str, "12345", size);
      g_assert_cmpint (take (cell), ==, FERRY_CELL_NEW);
      g_assert_true (cell->value.has_type);
      g_assert_cmpstr (cell->value.type, ==, type->str);
      g_assert_cmpuint ((gsize) cell->value.data % 8, ==, 0);
      g_assert_cmpmem (cell->value.data, cell->value.size, "12345", size);
    }
}

static void
test_a_value_that_is_not_in_normal_form_is_refused (void)
{
  g_autoptr (TestCell) cell = test_cell_new ();

  ferry_cell_writer_write (&cell->writer, "s", "no zero", 7);
  g_assert_cmpint (take (cell), ==, FERRY_CELL_NEW);
  ferry_cell_writer_write (&cell->writer, "as", "no zero", 7);
  g_assert_cmpint (take (cell), ==, FERRY_CELL_INVALID);
  g_assert_nonnull (strstr (cell->fault, "not in normal form"));
}

/* What a write that began and did not end leaves behind. */
static void
begin_write (TestCell *self, guint64 sequence)
{
  atomic_store (&self->cell->begun, sequence);
  for (guint i = 0; i < FERRY_CELL_WORDS; i++)
    atomic_store (&self->cell->slots[sequence & 1][i], G_MAXUINT64);
}

static void
test_value_survives_writer_that_died_in_next_write (void)
{
  g_autoptr (TestCell) cell = test_cell_new ();

  write_text (cell, "one");
  write_text (cell, "two");
  begin_write (cell, 3);
  assert_takes_text (cell, "two");
}

static void
test_copy_that_was_written_over_is_busy (void)
{
  g_autoptr (TestCell) cell = test_cell_new ();

  write_text (cell, "one");
  begin_write (cell, 3);
  /* The header that was written over is nonsense, and no fault: nothing of a torn copy is looked at. */
  g_assert_cmpint (take (cell), ==, FERRY_CELL_BUSY);
  g_assert_true (ferry_cell_reader_has_new (&cell->reader));
}

static void
put_header (TestCell *self, guint64 sequence, guint32 size, guint16 kind, guint16 type_length)
{
  FerryCellHeader header = {size, kind, type_length};
  guint64 word;

  memcpy (&word, &header, sizeof word);
  atomic_store (&self->cell->slots[sequence & 1][0], word);
  atomic_store (&self->cell->begun, sequence);
  atomic_store (&self->cell->sequence, sequence);
}

typedef struct
{
  guint32 size;
  guint16 kind;
  guint16 type_length;
} Lie;

static void
test_headers_that_lie_are_refused (void)
{
  static const Lie lies[] = {
    {LARGEST_VALUE + 1, FERRY_RECORD_BYTES, 0},
    {G_MAXUINT32, FERRY_RECORD_BYTES, 0},
    {G_MAXUINT32 - 7, FERRY_RECORD_VARIANT, 1},
    {LARGEST_VALUE, FERRY_RECORD_VARIANT, 1},
    {LARGEST_VALUE - 8, FERRY_RECORD_VARIANT, 9},
    {8, FERRY_RECORD_VARIANT, FERRY_MAX_TYPE_STRING + 1},
    {8, FERRY_RECORD_VARIANT, G_MAXUINT16},
    {8, FERRY_RECORD_VARIANT, 0},
    {8, FERRY_RECORD_BYTES, 1},
    {8, 0, 0},
    {8, FERRY_RECORD_STOP, 0},
    {8, G_MAXUINT16, 1},
  };

  for (guint i = 0; i < G_N_ELEMENTS (lies); i++)
    {
      g_autoptr (TestCell) cell = test_cell_new ();

      memset (cell->cell->slots, 'i', sizeof cell->cell->slots);
      put_header (cell, 1, lies[i].size, lies[i].kind, lies[i].type_length);
      g_assert_cmpint (take (cell), ==, FERRY_CELL_INVALID);
      g_assert_nonnull (cell->fault);
    }
}

static void
test_largest_values_are_no_lie (void)
{
  static const Lie truths[] = {
    {LARGEST_VALUE, FERRY_RECORD_BYTES, 0},
    {LARGEST_VALUE - 8, FERRY_RECORD_VARIANT, 1},
    {0, FERRY_RECORD_VARIANT, 1},
  };

  for (guint i = 0; i < G_N_ELEMENTS (truths); i++)
    {
      g_autoptr (TestCell) cell = test_cell_new ();

      memset (cell->cell->slots, 'i', sizeof cell->cell->slots);
      put_header (cell, 1, truths[i].size, truths[i].kind, truths[i].type_length);
      g_assert_cmpint (take (cell), ==, FERRY_CELL_NEW);
    }
}

/* Of the longest type string that is allowed: a tuple of that many types less the brackets. */
static void
test_longest_type_string_is_no_lie (void)
{
  g_autoptr (TestCell) cell = test_cell_new ();
  char *type = (char *) ((guint64 *) cell->cell->slots[1] + 1);

  memset (type, 'y', FERRY_MAX_TYPE_STRING);
  type[0] = '(';
  type[FERRY_MAX_TYPE_STRING - 1] = ')';
  put_header (cell, 1, FERRY_MAX_TYPE_STRING - 2, FERRY_RECORD_VARIANT, FERRY_MAX_TYPE_STRING);
  g_assert_cmpint (take (cell), ==, FERRY_CELL_NEW);
  g_assert_cmpuint (strlen (cell->value.type), ==, FERRY_MAX_TYPE_STRING);
}

static void
test_strings_that_are_no_type_are_refused (void)
{
  static const char *const strings[] = {"ii", "(i", "a", "?", "a*", "r", "i\0i", "\0", "{si}s", "a{vs}"};
  static const gsize lengths[] = {2, 2, 1, 1, 2, 1, 3, 1, 5, 5};

  for (guint i = 0; i < G_N_ELEMENTS (strings); i++)
    {
      g_autoptr (TestCell) cell = test_cell_new ();

      memcpy ((guint64 *) cell->cell->slots[1] + 1, strings[i], lengths[i]);
      put_header (cell, 1, 8, FERRY_RECORD_VARIANT, (guint16) lengths[i]);
      g_assert_cmpint (take (cell), ==, FERRY_CELL_INVALID);
      g_assert_nonnull (strstr (cell->fault, "one definite type"));
    }
}

static void
test_count_that_jumps_ahead_is_taken (void)
{
  g_autoptr (TestCell) cell = test_cell_new ();

  write_text (cell, "one");
  assert_takes_text (cell, "one");
  put_header (cell, (guint64) 1 << 63, 8, FERRY_RECORD_BYTES, 0);
  g_assert_cmpint (take (cell), ==, FERRY_CELL_NEW);
  g_assert_cmpint (take (cell), ==, FERRY_CELL_NONE);
}

static void
test_count_that_goes_back_is_refused (void)
{
  g_autoptr (TestCell) cell = test_cell_new ();

  write_text (cell, "one");
  write_text (cell, "two");
  assert_takes_text (cell, "two");
  atomic_store (&cell->cell->sequence, 1);
  g_assert_cmpint (take (cell), ==, FERRY_CELL_INVALID);
  g_assert_nonnull (strstr (cell->fault, "back"));
}

static void
test_count_at_its_end_does_not_hold_up_the_reader (void)
{
  g_autoptr (TestCell) cell = test_cell_new ();

  put_header (cell, G_MAXUINT64, 8, FERRY_RECORD_BYTES, 0);
  g_assert_cmpint (take (cell), ==, FERRY_CELL_BUSY);
}

/* Value n on its way between threads: words of n, of which there are a few or many. */
#define N_TAKEN (20000 / FEWER)

static gsize
count_words (guint64 n)
{
  return n % 64 == 0 ? LARGEST_VALUE / 8 - 1 : 1 + n % 13;
}

typedef struct
{
  TestCell *cell;
  _Atomic gboolean enough;
  guint64 n_written;
} Torrent;

/* Writes without a pause, until the reader has seen enough. */
static gpointer
write_torrent (gpointer data)
{
  Torrent *self = data;
  guint64 words[LARGEST_VALUE / 8];

  while (!atomic_load_explicit (&self->enough, memory_order_relaxed))
    {
      guint64 n = ++self->n_written;
      gsize n_words = count_words (n);

      for (gsize i = 0; i < n_words; i++)
        words[i] = n;
      ferry_cell_writer_write (&self->cell->writer, n % 2 == 0 ? "at" : NULL, words, n_words * 8);
    }
  return NULL;
}

static guint64
check_value (TestCell *self)
{
  const guint64 *words = self->value.data;
  guint64 n = words[0];

  g_assert_cmpuint (self->value.size, ==, count_words (n) * 8);
  g_assert_cmpint (self->value.has_type, ==, n % 2 == 0);
  for (gsize i = 0; i < count_words (n); i++)
    g_assert_cmpuint (words[i], ==, n);
  return n;
}

static void
test_no_torn_value_is_ever_seen (void)
{
  g_autoptr (TestCell) cell = test_cell_new ();
  Torrent torrent = {.cell = cell};
  GThread *thread = g_thread_new ("test-writer", write_torrent, &torrent);
  guint64 latest = 0;
  guint n_busy = 0;

  for (guint n = 0; n < N_TAKEN;)
    {
      FerryCellResult result = take (cell);

      g_assert_cmpint (result, !=, FERRY_CELL_INVALID);
      n_busy += result == FERRY_CELL_BUSY;
      if (result != FERRY_CELL_NEW)
        continue;
      g_assert_cmpuint (check_value (cell), >, latest);
      latest = check_value (cell);
      n++;
    }
  atomic_store (&torrent.enough, TRUE);
  g_thread_join (thread);
  if (latest != torrent.n_written)
    {
      g_assert_cmpint (take (cell), ==, FERRY_CELL_NEW);
      g_assert_cmpuint (check_value (cell), ==, torrent.n_written);
    }
  g_test_message ("of %" G_GUINT64_FORMAT " values %d were taken; %u times the writer was faster", torrent.n_written,
                  N_TAKEN, n_busy);
}

#define N_HEARD ((guint64) 40000 / FEWER)

typedef struct
{
  TestCell *cell;
  _Atomic guint32 bell;
  _Atomic guint64 taken;
  guint n_rings;
} Listened;

/* Waits now and then until its value was taken, so that the reader sleeps, and wakes, for each of them. */
static gpointer
write_and_ring (gpointer data)
{
  Listened *self = data;

  for (guint64 n = 1; n <= N_HEARD; n++)
    {
      if (ferry_cell_writer_write (&self->cell->writer, NULL, &n, sizeof n))
        {
          self->n_rings++;
          ferry_futex_doorbell_ring (&self->bell);
        }
      while (n % 4 == 0 && atomic_load (&self->taken) < n)
        g_thread_yield ();
    }
  return NULL;
}

static void
test_no_wake_up_is_lost (void)
{
  g_autoptr (TestCell) cell = test_cell_new ();
  Listened listened = {.cell = cell};
  GThread *thread = g_thread_new ("test-writer", write_and_ring, &listened);
  guint64 latest = 0;
  guint n_sleeps = 0;

  while (latest < N_HEARD)
    {
      guint32 seen = atomic_load (&listened.bell);

      if (take (cell) == FERRY_CELL_NEW)
        {
          memcpy (&latest, cell->value.data, sizeof latest);
          atomic_store (&listened.taken, latest);
        }
      else if (!ferry_cell_reader_arm (&cell->reader))
        {
          n_sleeps++;
          if (!ferry_futex_doorbell_wait (&listened.bell, seen,
                                          g_get_monotonic_time () + FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC))
            g_error ("The reader was not woken: a wake-up is lost");
        }
    }
  g_thread_join (thread);
  g_assert_cmpuint (n_sleeps, >, 0);
  /* An epoch rings once. */
  g_assert_cmpuint (listened.n_rings, <=, atomic_load (&cell->cell->reader_waiting));
}

static void
add_tests_of_lies (void)
{
  g_test_add_func ("/cell/a-value-that-is-not-in-normal-form-is-refused",
                   test_a_value_that_is_not_in_normal_form_is_refused);
  g_test_add_func ("/cell/headers-that-lie-are-refused", test_headers_that_lie_are_refused);
  g_test_add_func ("/cell/largest-values-are-no-lie", test_largest_values_are_no_lie);
  g_test_add_func ("/cell/longest-type-string-is-no-lie", test_longest_type_string_is_no_lie);
  g_test_add_func ("/cell/strings-that-are-no-type-are-refused", test_strings_that_are_no_type_are_refused);
  g_test_add_func ("/cell/count-that-jumps-ahead-is-taken", test_count_that_jumps_ahead_is_taken);
  g_test_add_func ("/cell/count-that-goes-back-is-refused", test_count_that_goes_back_is_refused);
  g_test_add_func ("/cell/count-at-its-end-does-not-hold-up-the-reader",
                   test_count_at_its_end_does_not_hold_up_the_reader);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/cell/new-cell-has-no-value", test_new_cell_has_no_value);
  g_test_add_func ("/cell/each-value-is-taken-once", test_each_value_is_taken_once);
  g_test_add_func ("/cell/newest-value-counts", test_newest_value_counts);
  g_test_add_func ("/cell/first-value-rings-and-others-do-not", test_first_value_rings_and_others_do_not);
  g_test_add_func ("/cell/value-after-arming-rings-once", test_value_after_arming_rings_once);
  g_test_add_func ("/cell/arming-sees-what-came-before", test_arming_sees_what_came_before);
  g_test_add_func ("/cell/bytes-of-all-sizes", test_bytes_of_all_sizes);
  g_test_add_func ("/cell/types-of-all-lengths", test_types_of_all_lengths);
  g_test_add_func ("/cell/value-survives-writer-that-died-in-next-write",
                   test_value_survives_writer_that_died_in_next_write);
  g_test_add_func ("/cell/copy-that-was-written-over-is-busy", test_copy_that_was_written_over_is_busy);
  add_tests_of_lies ();
  g_test_add_func ("/cell/no-torn-value-is-ever-seen", test_no_torn_value_is_ever_seen);
  g_test_add_func ("/cell/no-wake-up-is-lost", test_no_wake_up_is_lost);
  return g_test_run ();
}
