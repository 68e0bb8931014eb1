/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: engine/ferry-fair-queue.c
 *
 * Which link's block is dispatched next, where a test says how long each one took. */

#include "config.h"

#include "engine/ferry-fair-queue-private.h"
#include "engine/ferry-local-queue-private.h"
#include "ferry-test.h"

#define N_LINKS 3

/* More than a turn, and so much that a link is passed over for ten turns. */
#define TURN 100
#define LONG 1000

typedef struct
{
  FerryFairQueue turns;
  FerryLink *links[N_LINKS];
  guint n_blocks; /* that were made, and not freed */
} Scene;

static void
set_up (Scene *self, gconstpointer data)
{
  const guint64 connection_id = 1;
  const guint32 cell = FERRY_NO_CELL;

  for (guint i = 0; i < N_LINKS; i++)
    {
      g_autoptr (GError) error = NULL;

      self->links[i] = ferry_link_new ("test", &connection_id, &cell, 1, FERRY_MIN_LANE_CAPACITY, 0, 1024, &error);
      g_assert_no_error (error);
    }
}

static void
add (Scene *self, guint link, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      FerryBlock *block = g_new0 (FerryBlock, 1);

      block->link = self->links[link];
      block->number = (guint16) i;
      ferry_fair_queue_add (&self->turns, block);
      self->n_blocks++;
    }
}

/* Takes a block with handlers that take so long, and returns its link's index; N_LINKS for none. */
static guint
take (Scene *self, gint64 passed)
{
  FerryBlock *block = ferry_fair_queue_take (&self->turns);
  guint index = 0;

  if (block == NULL)
    return N_LINKS;
  while (self->links[index] != block->link)
    index++;
  ferry_fair_queue_charge (block->link, passed);
  g_free (block);
  self->n_blocks--;
  return index;
}

static void
tear_down (Scene *self, gconstpointer data)
{
  while (take (self, 0) != N_LINKS)
    ;
  g_assert_cmpuint (self->n_blocks, ==, 0);
  for (guint i = 0; i < N_LINKS; i++)
    {
      g_assert_null (self->links[i]->turn.list);
      g_assert_cmpint (atomic_load (&self->links[i]->references), ==, 1);
      ferry_link_unref (self->links[i]);
    }
}

static void
test_a_held_link_gets_no_turn (Scene *self, gconstpointer data)
{
  add (self, 0, 1);
  add (self, 1, 1);
  ferry_fair_queue_hold (&self->turns, self->links[0]);
  ferry_fair_queue_hold (&self->turns, self->links[2]);
  add (self, 0, 1);
  add (self, 2, 1);
  g_assert_true (ferry_fair_queue_is_held (&self->turns, self->links[0]));
  g_assert_false (ferry_fair_queue_is_held (&self->turns, self->links[1]));
  g_assert_cmpuint (take (self, 0), ==, 1);
  g_assert_cmpuint (take (self, 0), ==, N_LINKS);
  ferry_fair_queue_release (&self->turns, self->links[0]);
  ferry_fair_queue_release (&self->turns, self->links[1]);
  g_assert_cmpuint (take (self, 0), ==, 0);
  g_assert_cmpuint (take (self, 0), ==, 0);
  g_assert_cmpuint (take (self, 0), ==, N_LINKS);
  ferry_fair_queue_release_all (&self->turns);
  g_assert_cmpuint (take (self, 0), ==, 2);
}

static void
test_a_row_is_in_order (Scene *self, gconstpointer data)
{
  add (self, 0, 3);
  for (guint i = 0; i < 3; i++)
    {
      FerryBlock *block = ferry_fair_queue_take (&self->turns);

      g_assert_cmpuint (block->number, ==, i);
      /* A part of it is left. */
      ferry_fair_queue_put_back (&self->turns, block);
      g_assert_true (ferry_fair_queue_take (&self->turns) == block);
      g_free (block);
      self->n_blocks--;
    }
  g_assert_null (ferry_fair_queue_take (&self->turns));
}

/* The later of two records that were pushed on either side of output may be in one block with the first. */
static void
test_output_overtakes_the_records_before_it (Scene *self, gconstpointer data)
{
  static const guint order[] = {1, 2, 0, 4, 3};
  FerryBlock *blocks[G_N_ELEMENTS (order)];

  add (self, 0, G_N_ELEMENTS (order));
  blocks[0] = self->links[0]->turn.first;
  for (guint i = 1; i < G_N_ELEMENTS (order); i++)
    blocks[i] = blocks[i - 1]->next;
  blocks[1]->kind = blocks[2]->kind = blocks[4]->kind = FERRY_BLOCK_OUTPUT;
  for (guint i = 0; i < G_N_ELEMENTS (order); i++)
    {
      FerryBlock *block = ferry_fair_queue_take (&self->turns);

      g_assert_true (block == blocks[order[i]]);
      g_free (block);
      self->n_blocks--;
    }
  g_assert_null (ferry_fair_queue_take (&self->turns));
}

static void
test_a_turn_is_an_amount_of_time (Scene *self, gconstpointer data)
{
  add (self, 0, 10);
  add (self, 1, 10);
  for (guint i = 0; i < 4; i++)
    g_assert_cmpuint (take (self, TURN / 4), ==, 0);
  for (guint i = 0; i < 2; i++)
    g_assert_cmpuint (take (self, TURN / 2), ==, 1);
  g_assert_cmpuint (take (self, TURN), ==, 0);
  g_assert_cmpuint (take (self, TURN), ==, 1);
}

/* However much lies ahead. */
static void
test_a_fresh_link_goes_first (Scene *self, gconstpointer data)
{
  add (self, 0, 100);
  add (self, 1, 100);
  for (guint i = 0; i < 10; i++)
    take (self, TURN);
  add (self, 2, 1);
  g_assert_cmpuint (take (self, 1), ==, 2);
}

/* Else two links with a message at a time would keep the others out. */
static void
test_a_link_is_fresh_once_in_a_round (Scene *self, gconstpointer data)
{
  guint n[N_LINKS] = {0};

  add (self, 0, 1000);
  add (self, 1, 1);
  add (self, 2, 1);
  for (guint i = 0; i < 300; i++)
    {
      guint index = take (self, TURN);

      g_assert (index < N_LINKS);
      n[index]++;
      if (index > 0)
        add (self, index, 1);
    }
  for (guint i = 0; i < N_LINKS; i++)
    g_assert_cmpuint (n[i], >=, 99);
}

static void
test_links_have_the_same_time (Scene *self, gconstpointer data)
{
  gint64 passed[N_LINKS] = {0};
  const gint64 costs[N_LINKS] = {7, TURN / 2, LONG};

  for (guint i = 0; i < N_LINKS; i++)
    add (self, i, 20000);
  for (guint i = 0; i < 16000; i++)
    {
      FerryBlock *block = ferry_fair_queue_take (&self->turns);
      guint index = 0;

      while (self->links[index] != block->link)
        index++;
      ferry_fair_queue_charge (block->link, costs[index]);
      passed[index] += costs[index];
      g_free (block);
      self->n_blocks--;
    }
  for (guint i = 1; i < N_LINKS; i++)
    g_assert_cmpint (ABS (passed[i] - passed[0]), <=, LONG + TURN);
}

/* A handler that blocked the main loop for an hour does not keep its link from the next one. */
static void
test_a_debt_is_forgiven_in_part (Scene *self, gconstpointer data)
{
  guint n = 0;

  add (self, 0, 2);
  add (self, 1, 1000);
  g_assert_cmpuint (take (self, 3600 * (gint64) G_USEC_PER_SEC), ==, 0);
  while (take (self, TURN) == 1)
    n++;
  g_assert_cmpuint (n, <=, 40);
}

static void
test_a_debt_is_forgotten_where_nothing_waits (Scene *self, gconstpointer data)
{
  add (self, 0, 1);
  g_assert_cmpuint (take (self, LONG), ==, 0);
  g_assert_cmpuint (take (self, 0), ==, N_LINKS);
  add (self, 0, 1);
  add (self, 1, 1);
  g_assert_cmpuint (take (self, 1), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add (path, Scene, NULL, set_up, func, tear_down)
  ADD ("/fair-queue/a-row-is-in-order", test_a_row_is_in_order);
  ADD ("/fair-queue/output-overtakes-the-records-before-it", test_output_overtakes_the_records_before_it);
  ADD ("/fair-queue/a-held-link-gets-no-turn", test_a_held_link_gets_no_turn);
  ADD ("/fair-queue/a-turn-is-an-amount-of-time", test_a_turn_is_an_amount_of_time);
  ADD ("/fair-queue/a-fresh-link-goes-first", test_a_fresh_link_goes_first);
  ADD ("/fair-queue/a-link-is-fresh-once-in-a-round", test_a_link_is_fresh_once_in_a_round);
  ADD ("/fair-queue/links-have-the-same-time", test_links_have_the_same_time);
  ADD ("/fair-queue/a-debt-is-forgiven-in-part", test_a_debt_is_forgiven_in_part);
  ADD ("/fair-queue/a-debt-is-forgotten-where-nothing-waits", test_a_debt_is_forgotten_where_nothing_waits);
  return g_test_run ();
}
