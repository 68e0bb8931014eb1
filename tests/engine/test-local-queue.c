/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: engine/ferry-local-queue.c
 *
 * How much is in the local queue, and when the monitor is woken for room. One thread plays the monitor and the router's
 * thread. */

#include "config.h"

#include "ferry-test.h"
#include "lane/lane-fixture.h"

#include <malloc.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/ferry-local-queue-private.h"

/* A link alone has this many blocks in the queue, and the queue has room for no more. */
#define N_BLOCKS (FERRY_LINK_WINDOW / FERRY_BLOCK_SIZE)

#define N_MANY 40

typedef struct
{
  FerrySharedQueue *waker;
  FerryMemoryAccount *account;
  FerryLocalQueue *queue;
  FerryLink *links[2];
} Scene;

static void
scene_init (Scene *self)
{
  const guint64 connection_id = TEST_CONNECTION_ID;
  const guint32 cell = FERRY_NO_CELL;
  g_autoptr (GError) error = NULL;

  self->waker = ferry_shared_queue_new (&error);
  g_assert_no_error (error);
  self->account = ferry_memory_account_new (G_MAXINT64);
  self->queue = ferry_local_queue_new (self->waker, self->account, FERRY_LINK_WINDOW, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (self->links); i++)
    {
      self->links[i] = ferry_link_new ("test", &connection_id, &cell, 1, TEST_CAPACITY, 0, G_MAXINT32, &error);
      g_assert_no_error (error);
    }
}

static void
scene_clear (Scene *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->links); i++)
    ferry_link_unref (self->links[i]);
  ferry_local_queue_unref (self->queue);
  ferry_memory_account_unref (self->account);
  ferry_shared_queue_free (self->waker);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Scene, scene_clear)

static void
push (Scene *self, guint link)
{
  FerryBlock *block = ferry_local_queue_take_block (self->queue, self->links[link], FERRY_BLOCK_RECORDS);

  /* Full, so that no later records are added to it. */
  block->size = block->charge = FERRY_BLOCK_SIZE;
  ferry_local_queue_push (self->queue, block);
}

/* Pushes a block with one record of 8 bytes. */
static void
push_few (Scene *self, guint64 value)
{
  FerryBlock *block = ferry_local_queue_take_block (self->queue, self->links[0], FERRY_BLOCK_RECORDS);

  memcpy (block->data, &value, sizeof value);
  block->size = sizeof value;
  block->charge = FERRY_BLOCK_SIZE;
  ferry_local_queue_push (self->queue, block);
}

static gboolean
is_woken (Scene *self)
{
  guint64 n;

  return read (self->waker->wake, &n, sizeof n) == sizeof n;
}

/* Gives back the first block, which the monitor waits for. Returns the rest, and whether the monitor was woken. */
static FerryBlock *
give_back_first (Scene *self, FerryBlock *blocks, gboolean *woken)
{
  FerryBlock *rest = blocks->next;

  blocks->next = NULL;
  ferry_local_queue_arm (self->queue);
  ferry_local_queue_give_back (self->queue, blocks);
  *woken = is_woken (self);
  return rest;
}

/* The queue is full to the byte: the first block that comes back makes room for a link that has none there. */
static void
test_first_block_of_a_full_queue_makes_room_for_other_links (void)
{
  g_auto (Scene) scene = {NULL};
  FerryBlock *blocks;
  gboolean woken;

  scene_init (&scene);
  for (guint i = 0; i < N_BLOCKS; i++)
    {
      g_assert_true (ferry_local_queue_has_room (scene.queue, scene.links[1]));
      push (&scene, 0);
    }
  g_assert_cmpint (ferry_local_queue_get_bytes (scene.queue), ==, FERRY_LINK_WINDOW);
  g_assert_false (ferry_local_queue_has_room (scene.queue, scene.links[0]));
  g_assert_false (ferry_local_queue_has_room (scene.queue, scene.links[1]));
  blocks = give_back_first (&scene, ferry_local_queue_pop_all (scene.queue), &woken);
  g_assert_true (woken);
  g_assert_true (ferry_local_queue_has_room (scene.queue, scene.links[1]));
  g_assert_false (ferry_local_queue_has_room (scene.queue, scene.links[0]));
  while (blocks != NULL)
    blocks = give_back_first (&scene, blocks, &woken);
  g_assert_true (ferry_local_queue_has_room (scene.queue, scene.links[0]));
  g_assert_cmpint (ferry_local_queue_get_bytes (scene.queue), ==, 0);
  g_assert_cmpint (ferry_local_queue_get_highest (scene.queue), ==, FERRY_LINK_WINDOW);
}

/* The other link keeps the queue from being empty, so only what the first link has decides. */
static void
test_link_is_visited_again_when_half_of_its_share_is_back (void)
{
  g_auto (Scene) scene = {NULL};
  FerryBlock *blocks;
  gboolean woken;

  scene_init (&scene);
  for (guint i = 0; i < N_BLOCKS - 1; i++)
    push (&scene, 0);
  blocks = ferry_local_queue_pop_all (scene.queue);
  for (guint left = N_BLOCKS - 2; blocks != NULL; left--)
    {
      blocks = give_back_first (&scene, blocks, &woken);
      g_assert_true (woken == (left <= N_BLOCKS / 2));
    }
}

/* A link that carries few records at a time has one block for them, however long the main loop is at work. */
static void
test_few_records_are_added_to_the_block_before (void)
{
  g_auto (Scene) scene = {NULL};
  FerryBlock *block;

  scene_init (&scene);
  for (guint64 i = 0; i < N_MANY; i++)
    push_few (&scene, i);
  g_assert_cmpint (ferry_local_queue_get_bytes (scene.queue), ==, FERRY_BLOCK_SIZE);
  block = ferry_local_queue_pop_all (scene.queue);
  g_assert_null (block->next);
  g_assert_cmpuint (block->size, ==, N_MANY * sizeof (guint64));
  for (guint64 i = 0; i < N_MANY; i++)
    g_assert_cmpuint (((const guint64 *) (const void *) block->data)[i], ==, i);
  /* That block is the router's thread's now. */
  push_few (&scene, N_MANY);
  g_assert_cmpuint (block->size, ==, N_MANY * sizeof (guint64));
  ferry_local_queue_give_back (scene.queue, block);
  block = ferry_local_queue_pop_all (scene.queue);
  g_assert_cmpuint (block->size, ==, sizeof (guint64));
  ferry_local_queue_give_back (scene.queue, block);
  g_assert_cmpint (ferry_local_queue_get_bytes (scene.queue), ==, 0);
}

/* News between two messages are not overtaken by the later one. */
static void
test_records_are_not_added_before_events (void)
{
  g_auto (Scene) scene = {NULL};
  FerryBlock *blocks;

  scene_init (&scene);
  push_few (&scene, 0);
  ferry_local_queue_push (scene.queue,
                          ferry_local_queue_take_block (scene.queue, scene.links[0], FERRY_BLOCK_ATTACHED));
  push_few (&scene, 1);
  blocks = ferry_local_queue_pop_all (scene.queue);
  for (guint i = 0; i < 3; i++)
    {
      FerryBlock *next = blocks->next;

      g_assert_true ((blocks->kind == FERRY_BLOCK_ATTACHED) == (i == 1));
      blocks->next = NULL;
      ferry_local_queue_give_back (scene.queue, blocks);
      blocks = next;
    }
  g_assert_null (blocks);
}

/* How many pages of a block's data are in memory; 0 where the heap has given their addresses back. */
static guint
count_pages (guint8 *data)
{
  guint8 pages[FERRY_BLOCK_SIZE / 4096];
  guint n = 0;

  if (mincore (data, FERRY_BLOCK_SIZE, pages) < 0)
    return 0;
  for (guint i = 0; i < sizeof pages; i++)
    n += pages[i] & 1;
  return n;
}

/* As a flood of many links leaves them behind. A look that follows on many blocks leaves them, since more may come. */
static void
test_blocks_are_given_back (void)
{
  g_auto (Scene) scene = {NULL};
  FerryBlock *blocks[N_MANY];
  guint8 *data[N_MANY];

#ifdef __GLIBC__
  /* The suite's heap writes over all that is freed, so that it is in memory again. */
  mallopt (M_PERTURB, 0);
#endif
  scene_init (&scene);
  for (guint i = 0; i < N_MANY; i++)
    {
      blocks[i] = ferry_local_queue_take_block (scene.queue, scene.links[0], FERRY_BLOCK_RECORDS);
      data[i] = blocks[i]->data;
      memset (data[i], 1, FERRY_BLOCK_SIZE);
    }
  for (guint i = 0; i < N_MANY; i++)
    ferry_local_queue_give_back (scene.queue, blocks[i]);
  /* Half of them are in the pool, and half are returned. */
  for (guint i = 0; i < N_MANY / 2; i++)
    blocks[i] = ferry_local_queue_take_block (scene.queue, scene.links[0], FERRY_BLOCK_RECORDS);
  for (guint i = 0; i < N_MANY / 2; i++)
    ferry_local_queue_give_back (scene.queue, blocks[i]);
  g_assert_true (ferry_local_queue_tidy (scene.queue));
  g_assert_cmpuint (count_pages (data[0]), ==, FERRY_BLOCK_SIZE / 4096);
  g_assert_false (ferry_local_queue_tidy (scene.queue));
  /* The heap writes into what is freed. */
  for (guint i = 0; i < N_MANY; i++)
    g_assert_cmpuint (count_pages (data[i]), <=, 2);
  g_assert_false (ferry_local_queue_tidy (scene.queue));
  push (&scene, 0);
  ferry_local_queue_give_back (scene.queue, ferry_local_queue_pop_all (scene.queue));
}

static void
test_nothing_is_rung_where_the_monitor_does_not_wait (void)
{
  g_auto (Scene) scene = {NULL};

  scene_init (&scene);
  push (&scene, 0);
  ferry_local_queue_give_back (scene.queue, ferry_local_queue_pop_all (scene.queue));
  g_assert_false (is_woken (&scene));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
#define ADD(path, func) g_test_add_func ("/local-queue/" path, func)
  ADD ("first-block-of-a-full-queue-makes-room-for-other-links",
       test_first_block_of_a_full_queue_makes_room_for_other_links);
  ADD ("link-is-visited-again-when-half-of-its-share-is-back",
       test_link_is_visited_again_when_half_of_its_share_is_back);
  ADD ("blocks-are-given-back", test_blocks_are_given_back);
  ADD ("few-records-are-added-to-the-block-before", test_few_records_are_added_to_the_block_before);
  ADD ("records-are-not-added-before-events", test_records_are_not_added_before_events);
  ADD ("nothing-is-rung-where-the-monitor-does-not-wait", test_nothing_is_rung_where_the_monitor_does_not_wait);
#undef ADD
  return g_test_run ();
}
