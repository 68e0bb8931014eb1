/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: cluster/ferry-host-capacity.c */

#include "config.h"

#include "cluster/ferry-host-capacity-private.h"
#include "ferry-test.h"

typedef struct
{
  FerryHostCapacity capacity;
  FerryHostShare shares[4];
} Fixture;

static void
set_up (Fixture *self, guint n_workers, guint n_shares)
{
  ferry_host_capacity_init (&self->capacity, n_workers);
  for (guint i = 0; i < n_shares; i++)
    ferry_host_capacity_add (&self->capacity, &self->shares[i]);
}

static void
tear_down (Fixture *self)
{
  while (self->capacity.shares->len > 0)
    ferry_host_capacity_remove (&self->capacity, self->capacity.shares->pdata[0]);
  ferry_host_capacity_clear (&self->capacity);
}

static void
take (FerryHostShare *share, guint n)
{
  for (guint i = 0; i < n; i++)
    g_assert_true (ferry_host_share_take_run (share));
}

static void
test_idle_session_has_room_for_the_free_workers (void)
{
  Fixture fixture;

  set_up (&fixture, 4, 2);
  ferry_host_capacity_settle (&fixture.capacity);
  g_assert_cmpuint (fixture.shares[0].capacity, ==, 4);
  g_assert_cmpuint (fixture.shares[1].capacity, ==, 4);
  take (&fixture.shares[0], 3);
  ferry_host_capacity_settle (&fixture.capacity);
  /* What was given is not taken back. */
  g_assert_cmpuint (fixture.shares[0].capacity, ==, 4);
  g_assert_cmpuint (fixture.shares[1].capacity, ==, 4);
  tear_down (&fixture);
}

static void
test_session_without_runs_has_room_for_one (void)
{
  Fixture fixture;

  set_up (&fixture, 2, 1);
  ferry_host_capacity_settle (&fixture.capacity);
  take (&fixture.shares[0], 2);
  ferry_host_capacity_add (&fixture.capacity, &fixture.shares[1]);
  ferry_host_capacity_settle (&fixture.capacity);
  g_assert_cmpuint (fixture.shares[1].capacity, ==, 1);
  take (&fixture.shares[1], 1);
  ferry_host_capacity_settle (&fixture.capacity);
  g_assert_cmpuint (fixture.shares[1].capacity, ==, 1);
  g_assert_cmpuint (fixture.shares[0].capacity, ==, 2);
  tear_down (&fixture);
}

static void
test_more_than_there_is_room_for_is_seen (void)
{
  Fixture fixture;

  set_up (&fixture, 2, 1);
  g_assert_false (ferry_host_share_take_run (&fixture.shares[0]));
  ferry_host_capacity_settle (&fixture.capacity);
  take (&fixture.shares[0], 2);
  g_assert_false (ferry_host_share_take_run (&fixture.shares[0]));
  g_assert_cmpuint (fixture.shares[0].n_open, ==, 2);
  tear_down (&fixture);
}

static void
test_those_that_want_have_their_turns (void)
{
  Fixture fixture;

  set_up (&fixture, 6, 3);
  ferry_host_capacity_settle (&fixture.capacity);
  for (guint i = 0; i < 3; i++)
    {
      take (&fixture.shares[i], 2);
      fixture.shares[i].capacity = fixture.shares[i].received;
    }
  fixture.shares[0].want = fixture.shares[1].want = 100;
  /* All that ran is over. */
  for (guint i = 0; i < 3; i++)
    fixture.shares[i].n_open = 0;
  ferry_host_capacity_settle (&fixture.capacity);
  g_assert_cmpuint (fixture.shares[0].capacity - fixture.shares[0].received, ==, 6);
  take (&fixture.shares[0], 3);
  take (&fixture.shares[1], 3);
  fixture.shares[0].capacity = fixture.shares[0].received;
  fixture.shares[1].capacity = fixture.shares[1].received;
  ferry_host_capacity_settle (&fixture.capacity);
  g_assert_cmpuint (fixture.shares[0].capacity, ==, fixture.shares[0].received);
  fixture.shares[0].n_open--;
  fixture.shares[1].n_open--;
  ferry_host_capacity_settle (&fixture.capacity);
  g_assert_cmpuint (fixture.shares[0].capacity - fixture.shares[0].received, >=, 1);
  g_assert_cmpuint (fixture.shares[1].capacity - fixture.shares[1].received, >=, 1);
  tear_down (&fixture);
}

/* What waits for an application takes no room from others, and that application gets no more. */
static void
test_stuck_runs_take_no_room (void)
{
  Fixture fixture;

  set_up (&fixture, 2, 2);
  ferry_host_capacity_settle (&fixture.capacity);
  take (&fixture.shares[0], 2);
  take (&fixture.shares[1], 2);
  fixture.shares[1].n_open = 0;
  fixture.shares[0].want = fixture.shares[1].want = 5;
  ferry_host_capacity_settle (&fixture.capacity);
  g_assert_cmpuint (fixture.shares[1].capacity, ==, 3);
  fixture.shares[0].n_stuck = 2;
  ferry_host_capacity_settle (&fixture.capacity);
  g_assert_cmpuint (fixture.shares[1].capacity, ==, 4);
  g_assert_cmpuint (fixture.shares[0].capacity, ==, 2);
  fixture.shares[0].n_stuck = fixture.shares[0].n_open = 0;
  fixture.shares[1].want = 0;
  ferry_host_capacity_settle (&fixture.capacity);
  g_assert_cmpuint (fixture.shares[0].capacity, ==, 4);
  tear_down (&fixture);
}

static void
test_short_runs_have_places_ahead (void)
{
  Fixture fixture;

  set_up (&fixture, 4, 1);
  g_assert_cmpuint (ferry_host_capacity_get_ahead (&fixture.capacity), ==, 0);
  ferry_host_capacity_note_round_trip (&fixture.capacity, 200);
  g_assert_cmpuint (ferry_host_capacity_get_ahead (&fixture.capacity), ==, 0);
  ferry_host_capacity_note_run (&fixture.capacity, 100);
  g_assert_cmpuint (ferry_host_capacity_get_ahead (&fixture.capacity), ==, FERRY_HOST_MIN_AHEAD);
  g_assert_cmpuint (ferry_host_capacity_get_n_places (&fixture.capacity), ==, 4 + FERRY_HOST_MIN_AHEAD);
  tear_down (&fixture);
}

static void
test_places_ahead_are_bounded (void)
{
  Fixture fixture;

  set_up (&fixture, 65535, 1);
  ferry_host_capacity_note_round_trip (&fixture.capacity, G_MAXINT64 / 65536);
  ferry_host_capacity_note_run (&fixture.capacity, 0);
  g_assert_cmpuint (ferry_host_capacity_get_ahead (&fixture.capacity), ==, FERRY_HOST_MAX_AHEAD);
  fixture.shares[0].want = 1000000;
  ferry_host_capacity_settle (&fixture.capacity);
  g_assert_cmpuint (fixture.shares[0].capacity, ==, 65535 + 2 * FERRY_HOST_MAX_AHEAD);
  tear_down (&fixture);
}

static void
test_long_runs_have_none (void)
{
  Fixture fixture;

  set_up (&fixture, 4, 1);
  ferry_host_capacity_note_round_trip (&fixture.capacity, 200);
  ferry_host_capacity_note_run (&fixture.capacity, 50 * 200);
  g_assert_cmpuint (ferry_host_capacity_get_ahead (&fixture.capacity), ==, 0);
  ferry_host_capacity_note_run (&fixture.capacity, 1);
  g_assert_cmpuint (ferry_host_capacity_get_ahead (&fixture.capacity), ==, 1);
  tear_down (&fixture);
}

/* The two measurements ask for one, and then none would be sent that measures more. */
static void
test_short_runs_have_many_however_near_the_application_is (void)
{
  Fixture fixture;

  set_up (&fixture, 2, 1);
  ferry_host_capacity_note_run (&fixture.capacity, FERRY_HOST_SHORT_RUN);
  g_assert_cmpuint (ferry_host_capacity_get_ahead (&fixture.capacity), ==, FERRY_HOST_MIN_AHEAD);
  ferry_host_capacity_note_round_trip (&fixture.capacity, 1);
  g_assert_cmpuint (ferry_host_capacity_get_ahead (&fixture.capacity), ==, FERRY_HOST_MIN_AHEAD);
  ferry_host_capacity_note_run (&fixture.capacity, FERRY_HOST_SHORT_RUN + 8);
  g_assert_cmpuint (ferry_host_capacity_get_ahead (&fixture.capacity), ==, 0);
  tear_down (&fixture);
}

static void
test_leave_is_ahead_for_what_ends_in_a_round_trip (void)
{
  Fixture fixture;

  set_up (&fixture, 4, 1);
  g_assert_cmpuint (ferry_host_capacity_get_n_leave_places (&fixture.capacity, 2), ==, 4);
  ferry_host_capacity_note_run (&fixture.capacity, 100);
  g_assert_cmpuint (ferry_host_capacity_get_n_leave_places (&fixture.capacity, 2), ==, 4);
  ferry_host_capacity_note_round_trip (&fixture.capacity, 99);
  g_assert_cmpuint (ferry_host_capacity_get_n_leave_places (&fixture.capacity, 2), ==, 4 + 3);
  g_assert_cmpuint (ferry_host_capacity_get_n_leave_places (&fixture.capacity, 0), ==, 4);
  ferry_host_capacity_note_round_trip (&fixture.capacity, 1000000);
  g_assert_cmpuint (ferry_host_capacity_get_n_leave_places (&fixture.capacity, 2), ==, 4 + 8);
  g_assert_cmpuint (ferry_host_capacity_get_n_leave_places (&fixture.capacity, 255), ==, 4 + FERRY_HOST_MAX_AHEAD);
  tear_down (&fixture);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/host-capacity/idle-session-has-room-for-the-free-workers",
                   test_idle_session_has_room_for_the_free_workers);
  g_test_add_func ("/host-capacity/session-without-runs-has-room-for-one", test_session_without_runs_has_room_for_one);
  g_test_add_func ("/host-capacity/more-than-there-is-room-for-is-seen", test_more_than_there_is_room_for_is_seen);
  g_test_add_func ("/host-capacity/those-that-want-have-their-turns", test_those_that_want_have_their_turns);
  g_test_add_func ("/host-capacity/stuck-runs-take-no-room", test_stuck_runs_take_no_room);
  g_test_add_func ("/host-capacity/short-runs-have-places-ahead", test_short_runs_have_places_ahead);
  g_test_add_func ("/host-capacity/places-ahead-are-bounded", test_places_ahead_are_bounded);
  g_test_add_func ("/host-capacity/short-runs-have-many-however-near-the-application-is",
                   test_short_runs_have_many_however_near_the_application_is);
  g_test_add_func ("/host-capacity/leave-is-ahead-for-what-ends-in-a-round-trip",
                   test_leave_is_ahead_for_what_ends_in_a_round_trip);
  g_test_add_func ("/host-capacity/long-runs-have-none", test_long_runs_have_none);
  return g_test_run ();
}
