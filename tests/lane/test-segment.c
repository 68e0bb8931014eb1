/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: lane/ferry-segment.c
 *
 * The memory of a link: what it is when we make it, and what is refused when another process did. */

#include "config.h"

#include "ferry-test.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/ferry-base-private.h"
#include "lane/ferry-segment-private.h"

#define CAPACITY FERRY_MIN_LANE_CAPACITY
#define SIZE (FERRY_SEGMENT_UP_RING + CAPACITY)
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FerrySegment, ferry_segment_clear)

static int
create (FerrySegment *segment)
{
  g_autoptr (GError) error = NULL;
  int memory = -1;

  ferry_segment_create (segment, CAPACITY, 0, &memory, &error);
  g_assert_no_error (error);
  return memory;
}

/* A memfd that another process might pass off as a link's memory. */
static int
make_memory (guint flags, gsize size, int seals)
{
  int fd = memfd_create ("test-segment", MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);

  if (fd < 0)
    return fd;
  g_assert_cmpint (ftruncate (fd, (off_t) size), ==, 0);
  g_assert_cmpint (fcntl (fd, F_ADD_SEALS, seals), ==, 0);
  return fd;
}

static void
assert_refused (int fd, gsize capacity)
{
  g_autoptr (GError) error = NULL;
  FerrySegment segment;

  g_assert_false (ferry_segment_map (&segment, fd, capacity, 0, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
  g_assert_null (segment.base);
  g_assert_null (segment.up_ring);
}

static void
test_carries_its_seals (void)
{
  g_auto (FerrySegment) segment = {0};
  ferry_autofd memory = create (&segment);

  g_assert_cmpint (fcntl (memory, F_GET_SEALS) & SEALS, ==, SEALS);
}

static void
test_takes_no_more_seals (void)
{
  g_auto (FerrySegment) segment = {0};
  ferry_autofd memory = create (&segment);

  g_assert_cmpint (fcntl (memory, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), ==, -1);
  g_assert_cmpint (errno, ==, EPERM);
}

static void
test_cannot_be_resized (void)
{
  g_auto (FerrySegment) segment = {0};
  ferry_autofd memory = create (&segment);

  g_assert_cmpint (ftruncate (memory, 0), ==, -1);
  g_assert_cmpint (errno, ==, EPERM);
  g_assert_cmpint (ftruncate (memory, 2 * SIZE), ==, -1);
  g_assert_cmpint (errno, ==, EPERM);
}

static void
test_has_the_size_that_is_documented (void)
{
  g_auto (FerrySegment) segment = {0};
  ferry_autofd memory = create (&segment);
  struct stat file;

  g_assert_cmpint (fstat (memory, &file), ==, 0);
  g_assert_cmpint (file.st_size, ==, 77824 + CAPACITY);
  g_assert_cmpuint (segment.size, ==, 77824 + CAPACITY);
}

static void
test_is_not_inherited (void)
{
  g_auto (FerrySegment) segment = {0};
  ferry_autofd memory = create (&segment);

  g_assert_cmpint (fcntl (memory, F_GETFD) & FD_CLOEXEC, ==, FD_CLOEXEC);
}

static void
test_both_sides_see_the_same_memory (void)
{
  g_auto (FerrySegment) ours = {0};
  g_auto (FerrySegment) theirs = {0};
  ferry_autofd memory = create (&ours);
  g_autoptr (GError) error = NULL;

  ferry_segment_map (&theirs, memory, CAPACITY, 0, &error);
  g_assert_no_error (error);
  ours.up_ring[CAPACITY + 5] = 42;
  g_assert_cmpint (theirs.up_ring[5], ==, 42);
  theirs.down_ring[7] = 43;
  g_assert_cmpint (ours.down_ring[FERRY_DOWN_CAPACITY + 7], ==, 43);
  atomic_store (&ferry_segment_get_up (&ours)->writer.index, 8);
  g_assert_cmpuint (atomic_load (&ferry_segment_get_up (&theirs)->writer.index), ==, 8);
}

static void
test_parts_do_not_overlap (void)
{
  g_auto (FerrySegment) segment = {0};
  ferry_autofd memory = create (&segment);
  guint8 byte;

  atomic_store (ferry_segment_get_pipe_word (&segment, FERRY_MAX_PIPES_PER_LINK - 1), 1);
  segment.down_ring[FERRY_DOWN_CAPACITY - 1] = 2;
  segment.up_ring[0] = 3;
  segment.up_ring[CAPACITY - 1] = 4;
  segment.express_ring[0] = 5;
  segment.express_ring[FERRY_EXPRESS_CAPACITY - 1] = 6;
  atomic_store (&ferry_segment_get_control (&segment)->claim, 7);
  g_assert_cmpint (pread (memory, &byte, 1, FERRY_SEGMENT_EXPRESS_RING - 4), ==, 1);
  g_assert_cmpint (byte, ==, 1);
  g_assert_cmpint (pread (memory, &byte, 1, FERRY_SEGMENT_EXPRESS_RING), ==, 1);
  g_assert_cmpint (byte, ==, 5);
  g_assert_cmpint (pread (memory, &byte, 1, FERRY_SEGMENT_DOWN_RING - 1), ==, 1);
  g_assert_cmpint (byte, ==, 6);
  g_assert_cmpint (pread (memory, &byte, 1, FERRY_SEGMENT_LINK_CONTROL + FERRY_LINE_SIZE), ==, 1);
  g_assert_cmpint (byte, ==, 7);
  g_assert_cmpint (pread (memory, &byte, 1, FERRY_SEGMENT_UP_RING - 1), ==, 1);
  g_assert_cmpint (byte, ==, 2);
  g_assert_cmpint (pread (memory, &byte, 1, FERRY_SEGMENT_UP_RING), ==, 1);
  g_assert_cmpint (byte, ==, 3);
  g_assert_cmpint (pread (memory, &byte, 1, SIZE - 1), ==, 1);
  g_assert_cmpint (byte, ==, 4);
}

static void
test_leaves_no_descriptor_and_no_mapping (void)
{
  guint n_fds = ferry_test_count_fds ();
  FerrySegment segment;
  int memory = create (&segment);

  g_assert_true (ferry_test_is_mapped ("ferry-link"));
  ferry_segment_clear (&segment);
  ferry_clear_fd (&memory);
  g_assert_cmpuint (ferry_test_count_fds (), ==, n_fds);
  /* By its name, as something else may be mapped at its address by now. */
  g_assert_false (ferry_test_is_mapped ("ferry-link"));
}

static void
test_sealed_memory_of_the_right_size_is_taken (void)
{
  g_auto (FerrySegment) segment = {0};
  ferry_autofd memory = make_memory (0, SIZE, F_SEAL_SHRINK | F_SEAL_GROW);
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_segment_map (&segment, memory, CAPACITY, 0, &error));
  g_assert_no_error (error);
}

static void
test_memory_that_can_shrink_is_refused (void)
{
  ferry_autofd memory = make_memory (0, SIZE, F_SEAL_GROW);

  assert_refused (memory, CAPACITY);
}

static void
test_memory_that_can_grow_is_refused (void)
{
  ferry_autofd memory = make_memory (0, SIZE, F_SEAL_SHRINK);

  assert_refused (memory, CAPACITY);
}

static void
test_memory_of_another_size_is_refused (void)
{
  const gsize sizes[] = {0, 4096, SIZE - 4096, SIZE + 4096, 2 * SIZE};

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      ferry_autofd memory = make_memory (0, sizes[i], SEALS);

      assert_refused (memory, CAPACITY);
    }
}

static void
test_regular_file_is_refused (void)
{
  g_autofree char *path = NULL;
  ferry_autofd fd = g_file_open_tmp ("ferry-segment-XXXXXX", &path, NULL);

  g_assert_cmpint (ftruncate (fd, SIZE), ==, 0);
  assert_refused (fd, CAPACITY);
  g_assert_cmpint (unlink (path), ==, 0);
}

static void
test_what_is_no_memory_is_refused (void)
{
  ferry_autofd fd = open ("/dev/null", O_RDWR | O_CLOEXEC);

  assert_refused (fd, CAPACITY);
  assert_refused (-1, CAPACITY);
}

/* It carries every seal, and would end its reader with SIGBUS where no huge page is free. */
static void
test_huge_pages_are_refused (void)
{
  const gsize capacity = 2 * 1024 * 1024;
  ferry_autofd memory = memfd_create ("test-segment", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB);

  if (memory < 0 || ftruncate (memory, 4 * 1024 * 1024) < 0)
    {
      g_test_skip ("the system makes no memfd of huge pages");
      return;
    }
  g_assert_cmpint (fcntl (memory, F_ADD_SEALS, SEALS), ==, 0);
  assert_refused (memory, capacity);
}

static void
test_bad_capacities_are_refused (void)
{
  const gsize capacities[] = {0,
                              1,
                              4096,
                              FERRY_MIN_LANE_CAPACITY / 2,
                              FERRY_MIN_LANE_CAPACITY + 8,
                              FERRY_MIN_LANE_CAPACITY * 3,
                              (gsize) FERRY_MAX_LANE_CAPACITY * 2,
                              G_MAXSIZE / 2 + 1,
                              G_MAXSIZE};
  ferry_autofd memory = make_memory (0, SIZE, SEALS);

  for (guint i = 0; i < G_N_ELEMENTS (capacities); i++)
    assert_refused (memory, capacities[i]);
}

static void
test_largest_capacity_works (void)
{
  g_auto (FerrySegment) segment = {0};
  g_autoptr (GError) error = NULL;
  ferry_autofd memory = -1;

  ferry_segment_create (&segment, FERRY_MAX_LANE_CAPACITY, 0, &memory, &error);
  g_assert_no_error (error);
  segment.up_ring[2 * (gsize) FERRY_MAX_LANE_CAPACITY - 1] = 9;
  atomic_thread_fence (memory_order_seq_cst);
  g_assert_cmpint (segment.up_ring[FERRY_MAX_LANE_CAPACITY - 1], ==, 9);
}

static void
add_refusals (void)
{
  g_test_add_func ("/segment/sealed-memory-of-the-right-size-is-taken", test_sealed_memory_of_the_right_size_is_taken);
  g_test_add_func ("/segment/memory-that-can-shrink-is-refused", test_memory_that_can_shrink_is_refused);
  g_test_add_func ("/segment/memory-that-can-grow-is-refused", test_memory_that_can_grow_is_refused);
  g_test_add_func ("/segment/memory-of-another-size-is-refused", test_memory_of_another_size_is_refused);
  g_test_add_func ("/segment/regular-file-is-refused", test_regular_file_is_refused);
  g_test_add_func ("/segment/what-is-no-memory-is-refused", test_what_is_no_memory_is_refused);
  g_test_add_func ("/segment/huge-pages-are-refused", test_huge_pages_are_refused);
  g_test_add_func ("/segment/bad-capacities-are-refused", test_bad_capacities_are_refused);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/segment/carries-its-seals", test_carries_its_seals);
  g_test_add_func ("/segment/takes-no-more-seals", test_takes_no_more_seals);
  g_test_add_func ("/segment/cannot-be-resized", test_cannot_be_resized);
  g_test_add_func ("/segment/has-the-size-that-is-documented", test_has_the_size_that_is_documented);
  g_test_add_func ("/segment/is-not-inherited", test_is_not_inherited);
  g_test_add_func ("/segment/both-sides-see-the-same-memory", test_both_sides_see_the_same_memory);
  g_test_add_func ("/segment/parts-do-not-overlap", test_parts_do_not_overlap);
  g_test_add_func ("/segment/leaves-no-descriptor-and-no-mapping", test_leaves_no_descriptor_and_no_mapping);
  g_test_add_func ("/segment/largest-capacity-works", test_largest_capacity_works);
  add_refusals ();
  return g_test_run ();
}
