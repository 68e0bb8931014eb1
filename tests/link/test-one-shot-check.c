/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: link/ferry-one-shot-check.c
 *
 * Memory that was handed over, as another thread looks at it. */

#include "config.h"

#include "ferry-test.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "base/ferry-base-private.h"
#include "lane/ferry-one-shot-private.h"
#include "link/ferry-link-private.h"

#define SIZE ((gsize) 4 * 1024 * 1024)
#define N_DROPPED 100

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
  FerryOneShotCheck *check = ferry_one_shot_check_begin (make_sealed (), SIZE, SIZE, done_cb, self);
  guint8 *memory;

  ferry_test_look_until (has_been_told, self);
  g_assert_true (ferry_one_shot_check_is_done (check));
  g_assert_null (ferry_one_shot_check_end (check, &memory));
  /* What was not written are zeros. */
  for (gsize i = 0; i < SIZE; i++)
    g_assert_cmpuint (memory[i], ==, i < SIZE / 2 ? 3 : 0);
  munmap (memory, SIZE);
}

static void
test_bad (Scene *self, gconstpointer data)
{
  FerryOneShotCheck *check = ferry_one_shot_check_begin (make_sealed (), SIZE - 1, SIZE, done_cb, self);
  guint8 *memory;

  ferry_test_look_until (has_been_told, self);
  g_assert_nonnull (strstr (ferry_one_shot_check_end (check, &memory), "of another size"));
  g_assert_null (memory);
}

static gboolean
is_done (gpointer check)
{
  return ferry_one_shot_check_is_done (check);
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
      FerryOneShotCheck *check = ferry_one_shot_check_begin (make_sealed (), SIZE, SIZE, done_cb, self);

      if (i % 3 == 0)
        ferry_test_look_until (is_done, check);
      ferry_one_shot_check_unref (check);
    }
  ferry_test_look_until (has_told_all, self);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* Waiting opens it, and it stays open. */
  g_main_context_default ();

  g_test_add ("/one-shot-check/maps-what-is-good", Scene, NULL, set_up, test_good, tear_down);
  g_test_add ("/one-shot-check/refuses-what-is-not", Scene, NULL, set_up, test_bad, tear_down);
  g_test_add ("/one-shot-check/leaves-nothing-when-it-is-dropped", Scene, NULL, set_up, test_dropped, tear_down);
  return g_test_run ();
}
