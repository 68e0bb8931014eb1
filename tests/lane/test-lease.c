/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: lane/ferry-lease.c */

#include "lane/ferry-lease-private.h"

#include "lane-fixture.h"

typedef struct
{
  TestLane *lane; /* (owned) */
  FerryLease lease;
  FerrySpin spin;
  FerryAnswerWait first, second;
} Scene;

static gboolean
do_not_sleep (gpointer data, _Atomic guint32 *bell, guint32 seen)
{
  g_assert_not_reached ();
}

static void
scene_init (Scene *self, FerryLeaseState state)
{
  *self = (Scene){.lane = test_lane_new ()};
  self->first = (FerryAnswerWait){.connection_id = 7, .spin = &self->spin, .sleep = do_not_sleep};
  self->second = (FerryAnswerWait){.connection_id = 8, .spin = &self->spin, .sleep = do_not_sleep};
  ferry_lease_init (&self->lease, &self->lane->reader, state);
}

static void
scene_clear (Scene *self)
{
  test_lane_free (self->lane);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Scene, scene_clear)

static gboolean
pause_lease (Scene *self, FerryAnswerWait *wait)
{
  return ferry_lease_arm (&self->lease, wait) &&
         ferry_lease_change (&self->lease, wait, FERRY_LEASE_HELD, FERRY_LEASE_PAUSED);
}

static gboolean
resume_lease (Scene *self, FerryAnswerWait *wait)
{
  return ferry_lease_change (&self->lease, wait, FERRY_LEASE_PAUSED, FERRY_LEASE_HELD);
}

static void
begin_and_pause (Scene *self, FerryAnswerWait *wait)
{
  g_assert_true (ferry_lease_begin (&self->lease, wait, FERRY_LEASE_HELD));
  g_assert_true (pause_lease (self, wait));
}

static void
test_a_lease_is_begun_once_and_only_where_it_is_offered (void)
{
  g_auto (Scene) scene;

  scene_init (&scene, FERRY_LEASE_OWNER);
  g_assert_false (ferry_lease_begin (&scene.lease, &scene.first, FERRY_LEASE_HELD));
  ferry_lease_offer (&scene.lease);
  begin_and_pause (&scene, &scene.first);
  g_assert_false (ferry_lease_begin (&scene.lease, &scene.second, FERRY_LEASE_HELD));
  g_assert_false (ferry_lease_withdraw (&scene.lease));
  g_assert_true (resume_lease (&scene, &scene.first));
  g_assert_cmpint (ferry_lease_leave (&scene.lease, &scene.first), ==, FERRY_LEASE_HELD);
  g_assert_true (ferry_lease_withdraw (&scene.lease));
}

/* The second lease is in the same state as the first one was. */
static void
test_a_thread_resumes_its_own_lease_only (void)
{
  g_auto (Scene) scene;

  scene_init (&scene, FERRY_LEASE_OFFERED);
  begin_and_pause (&scene, &scene.first);
  g_assert_true (ferry_lease_take_back (&scene.lease));
  ferry_lease_offer (&scene.lease);
  begin_and_pause (&scene, &scene.second);
  g_assert_false (ferry_lease_goes_on (&scene.lease, &scene.first));
  g_assert_false (resume_lease (&scene, &scene.first));
  g_assert_false (ferry_lease_change (&scene.lease, &scene.first, FERRY_LEASE_PAUSED, FERRY_LEASE_OFFERED));
  g_assert_true (resume_lease (&scene, &scene.second));
}

static void
test_a_thread_that_uses_the_reader_sees_that_it_is_recalled (void)
{
  g_auto (Scene) scene;

  scene_init (&scene, FERRY_LEASE_OFFERED);
  g_assert_true (ferry_lease_begin (&scene.lease, &scene.first, FERRY_LEASE_HELD));
  g_assert_false (ferry_lease_take_back (&scene.lease));
  g_assert_false (ferry_lease_take_back (&scene.lease));
  g_assert_false (pause_lease (&scene, &scene.first));
  g_assert_cmpint (ferry_lease_leave (&scene.lease, &scene.first), ==, FERRY_LEASE_RECALLED);
  g_assert_true (ferry_lease_take_back (&scene.lease));
}

static void
test_memory_is_left_to_a_thread_that_has_not_seen_the_end (void)
{
  g_auto (Scene) scene;

  scene_init (&scene, FERRY_LEASE_OFFERED);
  g_assert_true (ferry_lease_begin (&scene.lease, &scene.first, FERRY_LEASE_PAUSED));
  g_assert_true (ferry_lease_change (&scene.lease, &scene.first, FERRY_LEASE_PAUSED, FERRY_LEASE_RECALLED));
  g_assert_false (ferry_lease_begin (&scene.lease, &scene.second, FERRY_LEASE_PAUSED));
  g_assert_false (ferry_lease_end (&scene.lease));
  g_assert_cmpint (ferry_lease_leave (&scene.lease, &scene.first), ==, FERRY_LEASE_ENDED);
  g_assert_true (ferry_lease_end (&scene.lease));
}

/* A poll that does not end would never return. */
static void
test_a_poll_ends_by_a_record_by_the_end_of_the_lease_and_by_a_flag (void)
{
  static const _Atomic gboolean may_poll = FALSE;
  g_auto (Scene) scene;

  scene_init (&scene, FERRY_LEASE_OFFERED);
  for (guint i = 0; i < 3; i++)
    {
      ferry_spin_configure (&scene.spin, FERRY_SPIN_SETTING (60000, 1000));
      scene.first.spins = TRUE;
      begin_and_pause (&scene, &scene.first);
      if (i == 0)
        g_assert_true (test_lane_put (scene.lane, 8, i));
      if (i == 1)
        g_assert_true (ferry_lease_take_back (&scene.lease));
      g_assert_true (ferry_lease_wait (&scene.lease, &scene.first, i == 2 ? &may_poll : NULL));
      g_assert_false (scene.first.spins);
      ferry_lease_leave (&scene.lease, &scene.first);
      scene.lane->reader.head = scene.lane->writer.tail;
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/lease/a-lease-is-begun-once-and-only-where-it-is-offered",
                   test_a_lease_is_begun_once_and_only_where_it_is_offered);
  g_test_add_func ("/lease/a-thread-resumes-its-own-lease-only", test_a_thread_resumes_its_own_lease_only);
  g_test_add_func ("/lease/a-thread-that-uses-the-reader-sees-that-it-is-recalled",
                   test_a_thread_that_uses_the_reader_sees_that_it_is_recalled);
  g_test_add_func ("/lease/memory-is-left-to-a-thread-that-has-not-seen-the-end",
                   test_memory_is_left_to_a_thread_that_has_not_seen_the_end);
  g_test_add_func ("/lease/a-poll-ends-by-a-record-by-the-end-of-the-lease-and-by-a-flag",
                   test_a_poll_ends_by_a_record_by_the_end_of_the_lease_and_by_a_flag);
  return g_test_run ();
}
